// Environment variables on server hosts; absent where the host forbids reading them (Deno without --allow-env).

/** The value of a variable, or undefined where it is unset, empty or may not be read. */
export function environment(name: string): string | undefined {
  try {
    return process.env[name] || undefined;
  } catch {
    return undefined;
  }
}
