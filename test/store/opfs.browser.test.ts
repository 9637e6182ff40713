// The store in the origin private file system, in Chromium: pages and workers, two writers, any key, no room, and a worker that is closed on the way.
import { afterEach, describe, expect, test, vi } from 'vitest';
import { cdp } from 'vitest/browser';
import { openByteStore } from '../../sdk/platform.js';
import { openLargeStore, openOpfsStore } from '../../sdk/store/opfs.js';
import { seededRandom } from '../../sdk/train/random.js';
import type { Order } from './opfs.worker.js';

const root = () => navigator.storage.getDirectory();
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  await (await root()).removeEntry('labelweave', { recursive: true }).catch(() => undefined);
});

const bytes = (length: number, value = 1) => new Uint8Array(length).fill(value);

/** Names of the files of a store. */
async function files(name: string): Promise<string[]> {
  const folder = await (await (await root()).getDirectoryHandle('labelweave')).getDirectoryHandle(name);
  const names: string[] = [];
  for await (const one of (folder as unknown as { keys(): AsyncIterable<string> }).keys()) names.push(one);
  return names;
}

const startWorker = () => new Worker(new URL('./opfs.worker.ts', import.meta.url), { type: 'module' });

/** One order to a worker; its answer. */
async function order<T = void>(worker: Worker, message: Order): Promise<T> {
  const { data } = await new Promise<MessageEvent>((resolve, reject) => {
    worker.onmessage = resolve;
    worker.onerror = reject;
    worker.postMessage(message);
  });
  const { result, error } = data as { result: T; error?: { name: string; message: string } };
  if (error) throw Object.assign(new Error(error.message), { name: error.name });
  return result;
}

async function inWorker<T>(use: (worker: Worker) => Promise<T>): Promise<T> {
  const worker = startWorker();
  try {
    return await use(worker);
  } finally {
    worker.terminate();
  }
}

describe('entries', () => {
  test('are put, got, replaced by longer and shorter ones, and deleted; others stay', async () => {
    const store = await openOpfsStore('things');
    expect(await store.get('a')).toBeUndefined();
    await store.delete('a');
    await store.put('b', bytes(5, 9));
    for (const length of [3, 100_000, 2, 0]) {
      await store.put('a', bytes(length, length & 255));
      expect(await store.get('a')).toEqual(bytes(length, length & 255));
    }
    expect(await files('things')).toHaveLength(2);
    await store.delete('a');
    expect(await store.get('a')).toBeUndefined();
    expect(await store.get('b')).toEqual(bytes(5, 9));
  });

  test('are parts of their buffers where they are given so, and copies', async () => {
    const store = await openOpfsStore('things');
    await store.put('part', Uint8Array.from([1, 2, 3, 4, 5]).subarray(1, 4));
    const first = (await store.get('part'))!;
    expect([...first]).toEqual([2, 3, 4]);
    first[0] = 7;
    expect([...(await store.get('part'))!]).toEqual([2, 3, 4]);
  });

  test('stay when they are opened anew; stores do not share them', async () => {
    await (await openOpfsStore('things')).put('a', bytes(3));
    expect(await (await openOpfsStore('things')).get('a')).toEqual(bytes(3));
    expect(await (await openOpfsStore('other')).get('a')).toBeUndefined();
  });

  test('can be written again after the user cleared the data of the site', async () => {
    const store = await openOpfsStore('things');
    await store.put('a', bytes(3));
    await (await root()).removeEntry('labelweave', { recursive: true });
    expect(await store.get('a')).toBeUndefined();
    await store.delete('a');
    await store.put('a', bytes(4));
    expect(await store.get('a')).toEqual(bytes(4));
  });

  test('of any key, each its own', async () => {
    const strange = ['', '.', '..', '/', 'a/../b', 'a\\b', 'CON', 'a\u0000b', '\ud800', '\ud801', '\ufffd', '\u00e9', 'e\u0301', 'x'.repeat(10_000), '__proto__']; // prettier-ignore
    const store = await openOpfsStore('strange');
    for (const [i, key] of strange.entries()) await store.put(key, bytes(3, i));
    for (const [i, key] of strange.entries()) expect(await store.get(key)).toEqual(bytes(3, i));
    expect(await files('strange')).toHaveLength(strange.length);
    for (const name of await files('strange')) expect(name).toMatch(/^[0-9a-f]{64}$/);
  });

  test('as a Map has them, after random orders with random keys', async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const random = seededRandom(seed);
    const below = (n: number) => Math.floor(random() * n);
    // Any code unit, or one of few, so that keys are hit again; also lone surrogates.
    const unit = () =>
      String.fromCharCode(random() < 0.3 ? below(0x10000) : random() < 0.5 ? 0xd7ff + below(4) : 0x2c + below(4));
    for (let run = 0; run < 30; run++) {
      const store = await openOpfsStore(`random-${run}`);
      const map = new Map<string, Uint8Array<ArrayBuffer>>();
      for (let i = 0; i < 15; i++) {
        const key = Array.from({ length: below(3) }, unit).join('');
        if (random() < 0.7) {
          const value = Uint8Array.from({ length: below(50) }, () => below(256));
          map.set(key, value);
          await store.put(key, value);
        } else {
          map.delete(key);
          await store.delete(key);
          expect(await store.get(key), `seed ${seed}`).toBeUndefined();
        }
      }
      for (const [key, value] of map) expect(await store.get(key), `seed ${seed}`).toEqual(value);
      expect(await files(`random-${run}`), `seed ${seed}`).toHaveLength(map.size);
    }
  });
});

describe('several writers', () => {
  test('on a page: one of their entries, whole, and no file left beside it', async () => {
    const stores = await Promise.all([openOpfsStore('two'), openOpfsStore('two')]);
    const writes = Array.from({ length: 10 }, (_, i) => stores[i % 2]!.put('a', bytes(200_000, i + 1)));
    const reads = Array.from({ length: 10 }, (_, i) => stores[i % 2]!.get('a'));
    await Promise.all(writes);
    for (const seen of await Promise.all(reads)) if (seen) expect([seen.length, new Set(seen).size]).toEqual([200_000, 1]);
    expect(new Set(await stores[0]!.get('a')).size).toBe(1);
    expect(await files('two')).toHaveLength(1);
  });

  test('a page and workers write, read and delete the same entry', async () => {
    const store = await openOpfsStore('shared');
    await Promise.all([
      ...[11, 12].map((value) =>
        inWorker(async (worker) => {
          for (let i = 0; i < 8; i++) {
            await order(worker, { do: 'put', store: 'shared', key: 'a', bytes: bytes(300_000, value) });
            if (i % 3 === 2) await order(worker, { do: 'delete', store: 'shared', key: 'a' });
            const seen = await order<Uint8Array | undefined>(worker, { do: 'get', store: 'shared', key: 'a' });
            if (seen) expect([seen.length, new Set(seen).size]).toEqual([300_000, 1]);
          }
        }),
      ),
      (async () => {
        for (let i = 0; i < 20; i++) {
          const seen = await store.get('a');
          if (seen) expect([seen.length, new Set(seen).size]).toEqual([300_000, 1]);
          if (i % 4 === 0) await store.put('a', bytes(300_000, 13));
        }
      })(),
    ]);
    await store.put('a', bytes(3));
    expect(await files('shared')).toHaveLength(1);
  });
});

test('a worker of an old browser, where nothing moves to where a file is and handles answer later', async () => {
  const old = { store: 'old', key: 'a' };
  await inWorker(async (worker) => {
    // What is patched stays so.
    await order(worker, { do: 'put', ...old, bytes: bytes(2000, 1), as: 'old' });
    await order(worker, { do: 'put', ...old, bytes: bytes(1000, 2) });
    expect(await order(worker, { do: 'get', ...old })).toEqual(bytes(1000, 2));
    expect(await files('old')).toHaveLength(1);
    await order(worker, { do: 'delete', ...old });
    expect(await files('old')).toEqual([]);
  });
});

test('a reader where another one has the file open, and the browser opens it for one only', async () => {
  await (await openOpfsStore('readers')).put('a', bytes(1000, 5));
  await inWorker(async (worker) => {
    expect(await order(worker, { do: 'get-opened', store: 'readers', key: 'a' })).toEqual({ found: bytes(1000, 5), refused: 1 });
  });
});

describe.each([
  ['a worker', undefined],
  ['a page (createWritable)', 'page'],
] as const)('%s closed in the middle of a write', (_, as) => {
  const cut = async () => {
    const worker = startWorker();
    const { half } = await new Promise<{ half?: boolean }>((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data as { half?: boolean });
      worker.onerror = reject;
      worker.postMessage({ do: 'put-and-hang', store: 'cut', key: 'a', bytes: bytes(1_000_000, 2), as } satisfies Order);
    });
    expect(half).toBe(true);
    worker.terminate();
  };

  test('leaves the old entry, and room for the next', async () => {
    const store = await openOpfsStore('cut');
    await store.put('a', bytes(1000, 1));
    await cut();
    expect(await store.get('a')).toEqual(bytes(1000, 1));
    await store.put('a', bytes(500, 3));
    expect(await store.get('a')).toEqual(bytes(500, 3));
  });

  test('leaves no entry where there was none, and nothing after `delete`', async () => {
    const store = await openOpfsStore('cut');
    await cut();
    expect(await store.get('a')).toBeUndefined();
    await store.delete('a');
    // The browser takes its own temporary file away when it sees that its writer is gone.
    await expect.poll(() => files('cut')).toEqual([]);
  });
});

describe('no room', () => {
  /** The real limit of the browser for this page. */
  const limit = (quotaSize?: number) =>
    (cdp() as unknown as { send(method: string, parameters: object): Promise<void> }).send('Storage.overrideQuotaForOrigin', {
      origin: location.origin,
      ...(quotaSize === undefined ? {} : { quotaSize }),
    });

  test.each([
    ['on a page', async (value: Uint8Array<ArrayBuffer>) => (await openOpfsStore('full')).put('a', value)],
    ['in a worker', async (value: Uint8Array<ArrayBuffer>) => inWorker((worker) => order(worker, { do: 'put', store: 'full', key: 'a', bytes: value }))], // prettier-ignore
  ])('%s: the error of the browser; the old entry stays, and nothing beside it', async (_, put) => {
    const store = await openOpfsStore('full');
    await store.put('a', bytes(1000));
    const { usage } = await navigator.storage.estimate();
    await limit(usage! + 2_000_000);
    try {
      await expect(put(bytes(20_000_000, 2))).rejects.toMatchObject({ name: 'QuotaExceededError' });
      expect(await store.get('a')).toEqual(bytes(1000));
      expect(await files('full')).toHaveLength(1);
    } finally {
      await limit();
    }
    await put(bytes(20_000_000, 3));
    expect((await store.get('a'))!.length).toBe(20_000_000);
  });
});

describe('where there is none', () => {
  test.each([
    ['no file system', () => vi.spyOn(navigator, 'storage', 'get').mockReturnValue({} as StorageManager), /a browser without it/],
    ['no locks', () => vi.spyOn(navigator, 'locks', 'get').mockReturnValue(undefined as never), /a browser without it/],
    ['handles that cannot write', () => vi.stubGlobal('FileSystemFileHandle', class {}), /a browser without it/],
    ['a page without https', () => (vi.stubGlobal('FileSystemFileHandle', undefined), vi.stubGlobal('isSecureContext', false)), /a page that is not secure/],
    ['a private window', () => vi.spyOn(navigator.storage, 'getDirectory').mockRejectedValue(new DOMException('private', 'SecurityError')), /refuses it \(private\)/],
  ])('%s: an error that says so, and the Cache API instead', async (_, lose, words) => {
    lose();
    await expect(openOpfsStore('things')).rejects.toMatchObject({ name: 'LoadError', code: 'missing-file', message: expect.stringMatching(words) as string });
    const store = (await openLargeStore('fallback'))!;
    await store.put('a', bytes(3));
    expect(await (await openByteStore('fallback'))!.get('a')).toEqual(bytes(3));
    await store.delete('a');
  }); // prettier-ignore

  test('a large store is in the file system where there is one', async () => {
    await (await openLargeStore('large'))!.put('a', bytes(3));
    expect(await files('large')).toHaveLength(1);
    expect(await (await openByteStore('large'))!.get('a')).toBeUndefined();
  });

  test.each(['', '.', '..', '.a', 'a/b', 'a\\b', 'a b', 'x'.repeat(101), 3 as never])('a name like %j is refused', (name) =>
    expect(openOpfsStore(name)).rejects.toMatchObject({ code: 'invalid-argument', thing: 'name of a store' }),
  );
});
