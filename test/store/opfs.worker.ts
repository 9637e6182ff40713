// A worker beside the page of opfs.browser.test.ts: the same store, on its own; and one that is closed in the middle of a write.
import { openOpfsStore } from '../../sdk/store/opfs.js';

export interface Order {
  do: 'get' | 'get-opened' | 'put' | 'delete' | 'put-and-hang';
  store: string;
  key: string;
  bytes?: Uint8Array<ArrayBuffer>;
  /** `page`: writes as a page does, by `createWritable`. `old`: as Safari 15, without it; nothing moves to where a file is, and handles answer later. */
  as?: 'page' | 'old' | undefined;
}

type Part = { write(bytes: Uint8Array, options?: object): unknown };
const proto = (name: string) => (globalThis as unknown as Record<string, { prototype: Part & Record<string, unknown> }>)[name]!.prototype; // prettier-ignore

/** As where another one reads the entry, in browsers that know no `mode`: files are open already. Counts the handles that were refused. */
function openedElsewhere(): { refused: number } {
  const count = { refused: 0 };
  const handles = proto('FileSystemFileHandle') as unknown as Record<
    'createSyncAccessHandle',
    (this: unknown) => Promise<unknown>
  >;
  const own = handles.createSyncAccessHandle;
  handles.createSyncAccessHandle = async function () {
    await own.call(this);
    return own.call(this).catch((error: unknown) => (count.refused++, Promise.reject(error)));
  };
  return count;
}

function beOld(): void {
  const file = proto('FileSystemFileHandle') as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
  delete file['createWritable'];
  const move = file['move']!;
  file['move'] = async function (folder, name) {
    const taken = await (folder as FileSystemDirectoryHandle).getFileHandle(name as string).then(() => true, () => false); // prettier-ignore
    if (taken) throw new DOMException('unknown', 'UnknownError');
    return move.call(this, folder, name);
  };
  const access = proto('FileSystemSyncAccessHandle') as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const name of ['getSize', 'truncate', 'flush', 'close']) {
    const own = access[name]!;
    access[name] = async function (...args) {
      await new Promise((resolve) => setTimeout(resolve));
      return own.apply(this, args);
    };
  }
}

/** The first write puts half of the bytes down, says so and never ends. */
function hangInTheMiddle(): void {
  for (const name of ['FileSystemSyncAccessHandle', 'FileSystemWritableFileStream']) {
    const own = proto(name).write;
    proto(name).write = function (this: Part, bytes: Uint8Array, options?: object): unknown {
      const half = own.call(this, bytes.subarray(0, bytes.length >> 1), options);
      if (name === 'FileSystemWritableFileStream') {
        return (half as Promise<void>).then(() => {
          postMessage({ half: true });
          return new Promise(() => undefined);
        });
      }
      postMessage({ half: true });
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      return half;
    };
  }
}

addEventListener('message', ({ data }: MessageEvent<Order>) => {
  void (async () => {
    if (data.as === 'page') delete proto('FileSystemFileHandle')['createSyncAccessHandle'];
    if (data.as === 'old') beOld();
    if (data.do === 'put-and-hang') hangInTheMiddle();
    const store = await openOpfsStore(data.store);
    if (data.do === 'get') return { result: await store.get(data.key) };
    if (data.do === 'get-opened') {
      const count = openedElsewhere();
      return { result: { found: await store.get(data.key), ...count } };
    }
    if (data.do === 'delete') return { result: await store.delete(data.key) };
    return { result: await store.put(data.key, data.bytes!) };
  })().then(postMessage, ({ name, message }: Error) => postMessage({ error: { name, message } }));
});
