// Puts the files of a built model into a folder, each whole or not at all. Node only; never published.
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

/** Writes `files` into `outDir`; other files there stay. Throws if all together are more than `most` bytes. */
export async function writeModel(outDir: string, files: Readonly<Record<string, Uint8Array>>, most: number): Promise<void> {
  const target = resolve(outDir);
  const total = Object.values(files).reduce((sum, bytes) => sum + bytes.length, 0);
  if (total > most) throw new Error(`${basename(target)}: found ${total} bytes in all; wanted at most ${most}.`);
  await mkdir(target, { recursive: true });
  const staging = await mkdtemp(join(dirname(target), `.${basename(target)}-`));
  try {
    for (const [name, bytes] of Object.entries(files)) await writeFile(join(staging, name), bytes);
    for (const name of Object.keys(files)) await rename(join(staging, name), join(target, name));
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}
