// Bytes by key in the origin private file system of a page (WHATWG File System standard): large values, one file each. Servers have sdk/node/byte-store.ts.
import { host, openByteStore, type ByteStore } from '#platform';
import { ArgumentError, describe, LoadError } from '../errors.js';
import { sha256 } from './sha256.js';

/** What the compiler's library for pages lacks: workers have the handle, which is twice as fast (test/bench/byte-stores.mjs); browsers have `move`. */
interface FileHandle extends FileSystemFileHandle {
  createSyncAccessHandle?(options?: { mode: 'read-only' }): Promise<SyncAccessHandle>;
  move(folder: FileSystemDirectoryHandle, name: string): Promise<void>;
}
interface SyncAccessHandle {
  read(bytes: Uint8Array, options: { at: number }): number;
  write(bytes: Uint8Array, options: { at: number }): number;
  // In early versions of browsers these are not synchronous.
  getSize(): number | Promise<number>;
  truncate(size: number): void | Promise<void>;
  flush(): void | Promise<void>;
  close(): void | Promise<void>;
}

/**
 * Opens the bytes kept under `name` in the origin private file system of this page: the folder `labelweave/<name>`, made at the first `put`, one file an entry,
 * whose name is the SHA-256 of the key. For large values: checkpoints and features of a training. Pages and workers of one origin share it; an entry is read and
 * written under a Web Lock, so that what another tab writes is seen whole or not at all, also where that tab is closed on the way.
 *
 * Methods reject with the browser's own error: `QuotaExceededError` where there is no room (the old entry stays). What is kept goes with
 * `(await navigator.storage.getDirectory()).removeEntry('labelweave', { recursive: true })`, or when the user clears the data of the site.
 *
 * Throws ArgumentError for a name that is not 1 to 100 of `A-Z a-z 0-9 . _ -` or begins with a point; LoadError `missing-file` where there is no such file
 * system: servers, pages without https, private windows of some browsers, and pages (not workers) of Safari before 26.
 */
export async function openOpfsStore(name: string): Promise<ByteStore> {
  if (typeof name !== 'string' || !/^[\w-][\w.-]{0,99}$/.test(name))
    throw new ArgumentError({ thing: 'name of a store', found: describe(name), wanted: '1 to 100 letters, digits, points, - or _' }); // prettier-ignore
  const root = await openRoot(name);
  let opened: FileSystemDirectoryHandle | undefined;
  const folder = async (create: boolean) =>
    (opened ??= await (await root.getDirectoryHandle('labelweave', { create })).getDirectoryHandle(name, { create }));
  /** undefined for what is not there. The folder itself may have gone: it is opened anew. */
  const missingIsNone = (error: unknown): undefined => {
    if ((error as { name?: unknown } | null)?.name !== 'NotFoundError') throw error;
    opened = undefined;
  };
  const locked = async <T>(key: string, mode: LockMode, work: (file: string) => Promise<T>): Promise<T> => {
    // Code units, not UTF-8, in which all lone surrogates are one.
    const file = await sha256(new Uint8Array(Uint16Array.from(key, (_, i) => key.charCodeAt(i)).buffer));
    return navigator.locks.request(`labelweave/${name}/${file}`, { mode }, () => work(file)) as Promise<T>;
  };
  return {
    get: (key) =>
      locked(key, 'shared', async (file) =>
        folder(false)
          .then(async (place) => read((await place.getFileHandle(file)) as FileHandle))
          .catch(missingIsNone),
      ),
    put: (key, bytes) =>
      locked(key, 'exclusive', async (file) => {
        const put = async () => write(await folder(true), file, bytes);
        // Once more, where the folder had gone.
        await put().catch((error: unknown) => (missingIsNone(error), put()));
      }),
    delete: (key) =>
      locked(key, 'exclusive', async (file) => {
        // What a worker that was closed on the way left, too.
        for (const one of [file, `${file}.part`]) await folder(false).then((place) => place.removeEntry(one)).catch(missingIsNone); // prettier-ignore
      }),
  };
}

async function openRoot(name: string): Promise<FileSystemDirectoryHandle> {
  const missing = (found: string, cause?: unknown) =>
    new LoadError('missing-file', {
      thing: `store ${describe(name)} in the origin private file system`,
      found,
      wanted: 'a page over https or localhost, or its worker',
      next: 'Give a ByteStore of your own, or none.',
      cause,
    });
  const handle = (globalThis as { FileSystemFileHandle?: { prototype: object } }).FileSystemFileHandle?.prototype;
  const writes = handle && 'move' in handle && ('createWritable' in handle || 'createSyncAccessHandle' in handle);
  const { storage, locks } = (globalThis.navigator ?? {}) as Partial<Navigator>;
  if (!writes || !storage?.getDirectory || !locks) {
    const here = host === 'browser' || host === 'worker';
    const insecure = here && globalThis.isSecureContext === false;
    throw missing(insecure ? 'a page that is not secure' : `${here ? 'a browser' : host} without it`);
  }
  try {
    return await storage.getDirectory();
  } catch (cause) {
    throw missing(`a browser that refuses it (${cause instanceof Error ? cause.message : describe(cause)})`, cause);
  }
}

async function read(file: FileHandle): Promise<Uint8Array<ArrayBuffer>> {
  if (file.createSyncAccessHandle) {
    // Fails where another one reads the entry and the browser knows no mode.
    const access = await file.createSyncAccessHandle({ mode: 'read-only' }).catch(() => undefined);
    try {
      const bytes = new Uint8Array((await access?.getSize()) ?? 0);
      if (access && access.read(bytes, { at: 0 }) === bytes.length) return bytes;
    } finally {
      await access?.close();
    }
  }
  return new Uint8Array(await (await file.getFile()).arrayBuffer());
}

/** The new file stands beside the old one until it is whole, then takes its place. */
async function write(folder: FileSystemDirectoryHandle, file: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const name = `${file}.part`;
  try {
    const part = (await folder.getFileHandle(name, { create: true })) as FileHandle;
    if (part.createSyncAccessHandle) {
      const access = await part.createSyncAccessHandle();
      try {
        await access.truncate(0);
        const written = access.write(bytes, { at: 0 });
        if (written !== bytes.length) throw new DOMException(`${written} of ${bytes.length} bytes written`, 'QuotaExceededError');
        await access.flush();
      } finally {
        await access.close();
      }
    } else {
      const writable = await part.createWritable();
      try {
        await writable.write(bytes);
      } catch (error) {
        await writable.abort().catch(() => undefined);
        // Chromium may only say that a pipe broke.
        const { usage = 0, quota = Infinity } = await navigator.storage.estimate();
        if (usage + bytes.length > quota) throw new DOMException(`no room for ${bytes.length} bytes`, 'QuotaExceededError');
        throw error;
      }
      await writable.close();
    }
    try {
      await part.move(folder, file);
    } catch (error) {
      // Some versions of Safari do not move to where a file is.
      await folder.removeEntry(file).catch(() => Promise.reject(error));
      await part.move(folder, file);
    }
  } catch (error) {
    await folder.removeEntry(name).catch(() => undefined);
    throw error;
  }
}

/** Opens the store for large values of this host: the origin private file system, else what `openByteStore` gives; undefined where there is none. */
export async function openLargeStore(name: string): Promise<ByteStore | undefined> {
  if (host !== 'browser' && host !== 'worker') return openByteStore(name);
  return openOpfsStore(name).catch(() => openByteStore(name));
}
