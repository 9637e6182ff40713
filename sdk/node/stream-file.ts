// Reads files piece by piece on server hosts, for files that are too large to be held whole. Whole files: read-file.ts.
import { open, type FileHandle } from 'node:fs/promises';
import { LoadError } from '../errors.js';
import type { FileStream } from '../platform-types.js';
import { toPath } from './read-file.js';

/** Bytes a read: large enough to be fast, small enough to stay in the processor's cache on its way. */
const chunk = 1 << 20;

/** Opens a file for reading in pieces. Throws LoadError `missing-file` with the path and the reason, or `signal.reason`. */
export async function streamFile(
  location: string | URL,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<FileStream> {
  options.signal?.throwIfAborted();
  const path = toPath(location);
  const broken = (cause: unknown) => {
    const { code, message } = cause as { code?: unknown; message?: string };
    const found =
      code === 'ENOENT' || code === 'ENOTDIR' ? 'no such file' : code === 'EISDIR' ? 'a folder' : (message ?? String(cause));
    return new LoadError('missing-file', {
      thing: `file ${JSON.stringify(path)}`,
      found,
      wanted: 'a file that can be read',
      cause,
    });
  };
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (cause) {
    throw broken(cause);
  }
  try {
    const status = await file.stat();
    if (status.isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' });
    return { size: status.size, chunks: pieces(file, broken) };
  } catch (cause) {
    await file.close();
    throw broken(cause);
  }
}

/** Every piece lies in the same buffer. The file is closed at the end, and when the consumer stops. */
async function* pieces(file: FileHandle, broken: (cause: unknown) => LoadError): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const buffer = new Uint8Array(chunk);
  try {
    while (true) {
      let count: number;
      try {
        count = (await file.read(buffer, 0, chunk, null)).bytesRead;
      } catch (cause) {
        throw broken(cause);
      }
      if (count === 0) return;
      yield buffer.subarray(0, count);
    }
  } finally {
    await file.close();
  }
}
