// Reads whole files on server hosts, with progress and abort. URLs other than file: are read by sdk/store/read.ts.
import { open, type FileHandle } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, LoadError } from '../errors.js';
import type { ReadFileOptions } from '../platform-types.js';

/** Bytes a read: large enough to be fast, small enough to stop soon after an abort. */
const chunk = 1 << 22;

const explain: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file',
  EISDIR: 'a folder',
  EACCES: 'a file that may not be read (permission denied)',
  EPERM: 'a file that may not be read (permission denied)',
  EMFILE: 'too many open files',
};

/** The path of a path or `file:` URL. Throws LoadError `missing-file` for a URL that names no file of this machine. */
export function toPath(location: string | URL): string {
  if (typeof location === 'string' && !location.startsWith('file:')) return location;
  try {
    return fileURLToPath(location);
  } catch (cause) {
    throw new LoadError('missing-file', {
      thing: 'file',
      found: describe(String(location)),
      wanted: 'a path or a file: URL of this machine',
      cause,
    });
  }
}

/** Reads a file into memory of its own. Throws LoadError `missing-file` with the path and the reason, or `signal.reason`. */
export async function readFile(location: string | URL, options: ReadFileOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  const { signal, onProgress } = options;
  signal?.throwIfAborted();
  const path = toPath(location);
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    // Pipes and devices tell a size of 0: then the buffer grows until the end is reached.
    const expected = (await file.stat()).size;
    let bytes = new Uint8Array(expected || 1 << 16);
    let loaded = 0;
    for (;;) {
      signal?.throwIfAborted();
      if (loaded === bytes.length) {
        const probe = new Uint8Array(1);
        if ((await file.read(probe, 0, 1, null)).bytesRead === 0) break;
        const grown = new Uint8Array(Math.max(bytes.length * 2, 1 << 16));
        grown.set(bytes);
        grown[loaded++] = probe[0]!;
        bytes = grown;
      }
      const { bytesRead } = await file.read(bytes, loaded, Math.min(chunk, bytes.length - loaded), null);
      if (bytesRead === 0) break;
      loaded += bytesRead;
      if (loaded < expected) onProgress?.(loaded, expected);
    }
    onProgress?.(loaded, loaded);
    return loaded === bytes.length ? bytes : bytes.slice(0, loaded);
  } catch (cause) {
    const code = (cause as { code?: unknown } | null)?.code;
    if (signal?.aborted || typeof code !== 'string' || cause instanceof LoadError) throw cause;
    throw new LoadError('missing-file', {
      thing: `file ${describe(path)}`,
      found: explain[code] ?? `an error (${code})`,
      wanted: 'a file that can be read',
      cause,
    });
  } finally {
    await file?.close();
  }
}
