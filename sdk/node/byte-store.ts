// A folder of bytes by key, kept between runs of a server process. Pages keep theirs in the Cache API (sdk/platform.ts).
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ByteStore } from '../platform-types.js';
import { environment } from './environment.js';

/** LABELWEAVE_CACHE, else $XDG_CACHE_HOME/labelweave, else ~/.cache/labelweave. Undefined where there is no home folder. */
export function cacheFolder(): string | undefined {
  const own = environment('LABELWEAVE_CACHE');
  if (own) return own;
  const base = environment('XDG_CACHE_HOME');
  if (base) return join(base, 'labelweave');
  const home = homedir();
  return home ? join(home, '.cache', 'labelweave') : undefined;
}

/** Opens the folder `name` of the cache; it is made at the first `put`. Undefined where the host has no place for it. */
export async function openByteStore(name: string): Promise<ByteStore | undefined> {
  const base = cacheFolder();
  return base === undefined ? undefined : new FolderStore(join(base, name));
}

/** One file an entry; its name is the SHA-256 of the key. */
class FolderStore implements ByteStore {
  readonly #folder: string;
  constructor(folder: string) {
    this.#folder = folder;
  }

  async get(key: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    try {
      const bytes = await readFile(this.#path(key));
      return new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  async put(key: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    await writeWhole(this.#path(key), bytes);
  }

  async delete(key: string): Promise<void> {
    await rm(this.#path(key), { force: true });
  }

  #path(key: string): string {
    return join(this.#folder, createHash('sha256').update(key).digest('hex'));
  }
}

/** Writes a file beside its place and renames it: a reader sees the old file or the new one, never half. */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(temporary, bytes, { flag: 'wx' });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
