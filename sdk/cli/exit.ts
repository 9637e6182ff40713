// Exit codes of the command line, documented in --help, and the error for wrong usage.

export const exitCodes = {
  ok: { code: 0, meaning: 'everything worked' },
  failed: { code: 1, meaning: 'an image failed or a file did not pass its check; the rest was done' },
  usage: { code: 2, meaning: 'the command, an option or its value is wrong; nothing was done' },
  load: { code: 3, meaning: 'a file, the model, the labels or the device could not be loaded or used; nothing was written' },
  interrupted: {
    code: 130,
    meaning: 'stopped by Ctrl-C; what was written is whole (learn solve: the best answer so far, with its gap)',
  },
} as const;

/** Wrong command, option or value: exit code 2. */
export class UsageError extends Error {}

/** A number given on the command line. Throws {@link UsageError} with the option's name, the value and what is wanted. */
export function numberOption(name: string, value: unknown, wanted: string, valid: (value: number) => boolean): number {
  const number =
    typeof value === 'number' ? value : typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
  if (!valid(number)) throw new UsageError(`--${name}: found ${JSON.stringify(value)}; wanted ${wanted}`);
  return number;
}

/** One of a few words. Throws {@link UsageError}. */
export function wordOption<T extends string>(name: string, value: unknown, words: readonly T[]): T {
  if (!words.includes(value as T)) {
    throw new UsageError(`--${name}: found ${JSON.stringify(value)}; wanted ${words.slice(0, -1).join(', ')} or ${words.at(-1)}`);
  }
  return value as T;
}

/** An option with one text. Throws {@link UsageError} where it stands twice or without a value. */
export function textOption(name: string, value: unknown, wanted = 'one'): string | undefined {
  if (value === undefined) return undefined;
  // The parser makes numbers of names such as 2007.
  if ((typeof value === 'string' && value !== '') || typeof value === 'number') return String(value);
  throw new UsageError(`--${name}: found it ${Array.isArray(value) ? 'twice' : 'without a value'}; wanted ${wanted}`);
}

/** An option that may stand several times, each time with a text. Throws {@link UsageError}. */
export function textsOption(name: string, value: unknown, wanted = 'a value'): string[] {
  if (value === undefined) return [];
  return (Array.isArray(value) ? (value as unknown[]) : [value]).map((one) => textOption(name, one, wanted)!);
}
