// Writes the SHA-256 of a package's files into its manifest. Checking them belongs to the store.
import { sha256 } from '../store/sha256.js';
import { MANIFEST_FILE } from './package.js';

/** The files of a package with the SHA-256 of each in its manifest, so that whoever reads it knows that nothing was lost or changed on the way. */
export async function withDigests(
  files: Record<string, Uint8Array<ArrayBuffer>>,
): Promise<Record<string, Uint8Array<ArrayBuffer>>> {
  const manifest = JSON.parse(new TextDecoder().decode(files[MANIFEST_FILE])) as { graph: object };
  const others = Object.entries(files).filter(([name]) => name !== MANIFEST_FILE);
  const digests = await Promise.all(others.map(async ([name, bytes]) => [name, await sha256(bytes)] as const));
  const whole = { ...manifest, graph: { ...manifest.graph, sha256: Object.fromEntries(digests) } };
  return { ...files, [MANIFEST_FILE]: new TextEncoder().encode(`${JSON.stringify(whole, null, 2)}\n`) };
}
