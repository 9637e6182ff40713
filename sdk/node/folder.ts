// A folder of a server host as data sets read and write it, and files that are written piece by piece and appear whole or not at all.
import { randomUUID } from 'node:crypto';
import { appendFile, mkdir, open, readdir, rename, rm, writeFile, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, LoadError } from '../errors.js';
import type { Folder, TextSink } from '../platform-types.js';
import { toPath } from './read-file.js';

/** A file that is written piece by piece. Nothing is seen under its name before {@link WholeFile.finish}. */
export interface WholeFile extends TextSink {
  /** Adds a piece at the end. Rejects with LoadError `missing-file`. */
  write(text: string): Promise<void>;
  /** Puts the file in its place. */
  finish(): Promise<void>;
  /** Removes what was written; nothing happens after `finish`. */
  abandon(): Promise<void>;
}

const isMissing = (cause: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(String((cause as { code?: unknown }).code));

function failed(path: string, cause: unknown, wanted: string): LoadError {
  const code = String((cause as { code?: unknown }).code ?? cause);
  return new LoadError('missing-file', { thing: `file ${describe(path)}`, found: isMissing(cause) ? 'no such folder' : `an error (${code})`, wanted, cause }); // prettier-ignore
}

/** Begins with a file; its folder must exist. Throws LoadError `missing-file` where the place cannot be written. */
export async function writeWholeFile(path: string | URL): Promise<WholeFile> {
  const target = toPath(path);
  const temporary = `${target}.${randomUUID()}.tmp`;
  const wanted = 'a place that can be written';
  let file: FileHandle | undefined;
  try {
    file = await open(temporary, 'wx');
  } catch (cause) {
    throw failed(target, cause, wanted);
  }
  const close = async (): Promise<void> => {
    const open = file;
    file = undefined;
    await open?.close();
  };
  return {
    async write(text) {
      try {
        await file!.writeFile(text);
      } catch (cause) {
        throw failed(target, cause, wanted);
      }
    },
    async finish() {
      try {
        await close();
        await rename(temporary, target);
      } catch (cause) {
        await rm(temporary, { force: true });
        throw failed(target, cause, wanted);
      }
    },
    async abandon() {
      await close();
      await rm(temporary, { force: true });
    },
  };
}

/** Opens a folder; it need not exist yet. */
export function openFolder(path: string | URL): Folder {
  const root = toPath(path);
  return {
    async list(path) {
      try {
        const entries = await readdir(join(root, path), { withFileTypes: true });
        return entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name)).sort();
      } catch (cause) {
        if (isMissing(cause)) return undefined;
        throw failed(join(root, path), cause, 'a folder that can be read');
      }
    },
    async read(path, bytes) {
      const place = join(root, path);
      let file: FileHandle | undefined;
      try {
        file = await open(place, 'r');
        const size = Math.min(bytes ?? Number.POSITIVE_INFINITY, (await file.stat()).size);
        const buffer = new Uint8Array(size);
        let filled = 0;
        while (filled < size) {
          const { bytesRead } = await file.read(buffer, filled, size - filled, filled);
          if (bytesRead === 0) break;
          filled += bytesRead;
        }
        return buffer.subarray(0, filled);
      } catch (cause) {
        if (isMissing(cause)) return undefined;
        throw failed(place, cause, 'a file that can be read');
      } finally {
        await file?.close();
      }
    },
    async write(path, text, { append = false } = {}) {
      const place = join(root, path);
      try {
        await mkdir(dirname(place), { recursive: true });
        await (append ? appendFile : writeFile)(place, text);
      } catch (cause) {
        throw failed(place, cause, 'a place that can be written');
      }
    },
  };
}
