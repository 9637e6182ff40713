// Reading from everywhere, against a server on this machine that misbehaves on demand.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ByteStore } from '#platform';
import { LoadError } from '../../sdk/errors.js';
import { readLocation } from '../../sdk/store/read.js';
import { noise } from '../image/samples.js';

const contents = noise(300_000);
let server: Server;
let base: string;
let folder: string;
/** What the server was asked for: `GET /path`. */
let asked: string[] = [];
let answer: (request: IncomingMessage, response: ServerResponse) => void;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'labelweave-store-'));
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  asked = [];
  answer = (_, response) => response.end(contents);
});
afterEach(() => vi.unstubAllEnvs());

const failure = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (e: unknown) => e,
  );

describe('kinds of locations', () => {
  test('a path, a file: URL, a URL object', async () => {
    const path = join(folder, 'x.bin');
    writeFileSync(path, contents);
    for (const location of [path, pathToFileURL(path), pathToFileURL(path).href]) {
      expect(Buffer.compare(await readLocation(location), contents)).toBe(0);
    }
  });

  test.each([
    ['data:;base64,AQID', [1, 2, 3]],
    ['data:application/octet-stream;base64,AQI%3D', [1, 2]],
    ['data:,a%20b', [97, 32, 98]],
    ['data:,%FF%00', [255, 0]],
    ['data:text/plain,100%', [49, 48, 48, 37]],
    ['data:,\u00e9', [0xc3, 0xa9]],
    ['data:,', []],
  ])('%s', async (url, expected) => {
    expect(Array.from(await readLocation(url))).toEqual(expected);
  });

  test('a blob: URL', async () => {
    const url = URL.createObjectURL(new Blob([Uint8Array.from([5, 6])]));
    expect(Array.from(await readLocation(url))).toEqual([5, 6]);
    URL.revokeObjectURL(url);
    expect(await failure(readLocation(url))).toMatchObject({ code: 'fetch-failed' });
  });

  test.each([
    ['a data: URL without a comma', 'data:abc', 'fetch-failed', 'comma'],
    ['broken base64', 'data:;base64,@@@', 'fetch-failed', 'base64'],
    ['an unknown scheme', 'ftp://a/b', 'fetch-failed', 'ftp:'],
    ['a missing path', '/no/such/file', 'missing-file', 'no such file'],
  ])('%s', async (_, location, code, words) => {
    const error = await failure(readLocation(location));
    expect(error).toBeInstanceOf(LoadError);
    expect(error).toMatchObject({ code });
    expect(String(error)).toContain(words);
  });
});

describe('http', () => {
  test('progress runs up to the whole', async () => {
    answer = (_, response) => response.setHeader('content-length', contents.length).end(contents);
    const steps: [number, number][] = [];
    const bytes = await readLocation(`${base}/a`, { onProgress: (...step) => steps.push(step) });
    expect(Buffer.compare(bytes, contents)).toBe(0);
    expect(bytes.buffer.byteLength).toBe(contents.length);
    expect(steps.every(([loaded, total], i) => total === contents.length && loaded >= (steps[i - 1]?.[0] ?? 0))).toBe(true);
    expect(steps.at(-1)).toEqual([contents.length, contents.length]);
  });

  test('without a length the total is 0 until the end', async () => {
    answer = (_, response) => {
      response.write(contents.subarray(0, 1000));
      response.end(contents.subarray(1000));
    };
    const steps: [number, number][] = [];
    expect(await readLocation(`${base}/a`, { onProgress: (...step) => steps.push(step) })).toHaveLength(contents.length);
    expect(steps[0]![1]).toBe(0);
    expect(steps.at(-1)).toEqual([contents.length, contents.length]);
  });

  test('a compressed body is longer than its Content-Length, and that is right', async () => {
    const packed = gzipSync(new Uint8Array(100_000));
    answer = (_, response) =>
      response.setHeader('content-encoding', 'gzip').setHeader('content-length', packed.length).end(packed);
    expect(await readLocation(`${base}/a`)).toHaveLength(100_000);
  });

  test.each([404, 500, 403])('status %i, asked once', async (status) => {
    answer = (_, response) => response.writeHead(status).end('no');
    const error = await failure(readLocation(`${base}/model.json`));
    expect(error).toBeInstanceOf(LoadError);
    expect(error).toMatchObject({ code: 'fetch-failed' });
    expect(String(error)).toContain(`HTTP status ${status}`);
    expect(String(error)).toContain(`${base}/model.json`);
    expect(asked).toEqual(['GET /model.json']);
  });

  test('nobody listens', async () => {
    const error = await failure(readLocation('http://127.0.0.1:1/x'));
    expect(error).toMatchObject({ code: 'fetch-failed' });
    expect(String(error)).toContain('no answer');
  });

  test('a connection that breaks says how far it came', async () => {
    answer = (_, response) => {
      response.setHeader('content-length', contents.length);
      response.write(contents.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 50));
    };
    const error = await failure(readLocation(`${base}/a`));
    expect(error).toMatchObject({ code: 'fetch-failed' });
    expect(String(error)).toMatch(/ended after \d+ of 300000 bytes/);
    expect(asked).toHaveLength(1);
  });

  test('an abort in the middle rejects with its reason', async () => {
    answer = (_, response) => {
      response.setHeader('content-length', contents.length);
      response.write(contents.subarray(0, 1000));
    };
    const controller = new AbortController();
    const reason = new Error('enough');
    const work = readLocation(`${base}/a`, { signal: controller.signal, onProgress: () => controller.abort(reason) });
    expect(await failure(work)).toBe(reason);
  });

  test('an abort before the answer, and before the start', async () => {
    answer = () => undefined;
    const controller = new AbortController();
    const work = readLocation(`${base}/a`, { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('late')), 20);
    expect(String(await failure(work))).toContain('late');
    const reason = new Error('early');
    expect(await failure(readLocation(`${base}/b`, { signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(asked).toEqual(['GET /a']);
  });

  test("the caller's own error in onProgress comes out unchanged", async () => {
    const own = new RangeError('mine');
    const work = readLocation(`${base}/a`, {
      onProgress: () => {
        throw own;
      },
    });
    expect(await failure(work)).toBe(own);
  });
});

describe('keeping downloads', () => {
  /** A server with a version of the file. */
  const serve =
    (etag: string | undefined, body: Uint8Array = contents) =>
    (request: IncomingMessage, response: ServerResponse) => {
      if (etag) response.setHeader('etag', etag);
      response.setHeader('content-length', body.length);
      response.end(request.method === 'HEAD' ? undefined : body);
    };
  function memoryStore(): ByteStore & { entries: Map<string, Uint8Array<ArrayBuffer>> } {
    const entries = new Map<string, Uint8Array<ArrayBuffer>>();
    return {
      entries,
      get: (key) => Promise.resolve(entries.get(key)),
      put: (key, bytes) => Promise.resolve(void entries.set(key, bytes)),
      delete: (key) => Promise.resolve(void entries.delete(key)),
    };
  }

  test('the second read asks for the version only', async () => {
    answer = serve('"1"');
    const cache = memoryStore();
    const first = await readLocation(`${base}/w`, { cache });
    const steps: [number, number][] = [];
    const second = await readLocation(`${base}/w`, { cache, onProgress: (...step) => steps.push(step) });
    expect(Buffer.compare(first, second)).toBe(0);
    expect(asked).toEqual(['GET /w', 'HEAD /w']);
    expect(steps).toEqual([[contents.length, contents.length]]);
    // The caller may write into what it got.
    second.fill(0);
    expect(Buffer.compare(await readLocation(`${base}/w`, { cache }), contents)).toBe(0);
  });

  test('a new version on the server is fetched', async () => {
    const cache = memoryStore();
    answer = serve('"1"');
    await readLocation(`${base}/w`, { cache });
    answer = serve('"2"', Uint8Array.from([1]));
    expect(await readLocation(`${base}/w`, { cache })).toHaveLength(1);
    expect(await readLocation(`${base}/w`, { cache })).toHaveLength(1);
    expect(asked).toEqual(['GET /w', 'HEAD /w', 'GET /w', 'HEAD /w']);
  });

  test('a server without versions is always asked, and nothing is kept', async () => {
    const cache = memoryStore();
    answer = serve(undefined);
    await readLocation(`${base}/w`, { cache });
    await readLocation(`${base}/w`, { cache });
    expect(asked).toEqual(['GET /w', 'GET /w']);
    expect(cache.entries.size).toBe(0);
  });

  test('a server that refuses HEAD is asked again', async () => {
    const cache = memoryStore();
    answer = serve('"1"');
    await readLocation(`${base}/w`, { cache });
    answer = (request, response) =>
      request.method === 'HEAD' ? void response.writeHead(405).end() : serve('"1"')(request, response);
    expect(await readLocation(`${base}/w`, { cache })).toHaveLength(contents.length);
    expect(asked).toEqual(['GET /w', 'HEAD /w', 'GET /w']);
  });

  test.each([500, 503])('a server in trouble (status %i) does not take away what is kept', async (status) => {
    const cache = memoryStore();
    answer = serve('"1"');
    await readLocation(`${base}/w`, { cache });
    answer = (_, response) => response.writeHead(status).end();
    expect(Buffer.compare(await readLocation(`${base}/w`, { cache }), contents)).toBe(0);
    expect(asked).toEqual(['GET /w', 'HEAD /w']);
  });

  test('a file that is gone is gone, kept or not', async () => {
    const cache = memoryStore();
    answer = serve('"1"');
    await readLocation(`${base}/w`, { cache });
    answer = (_, response) => response.writeHead(404).end();
    expect(await failure(readLocation(`${base}/w`, { cache }))).toMatchObject({ code: 'fetch-failed' });
  });

  test('without a network the kept copy serves', async () => {
    const cache = memoryStore();
    answer = serve('"1"');
    await readLocation(`${base}/w`, { cache });
    answer = (_, response) => response.destroy();
    expect(await readLocation(`${base}/w`, { cache })).toHaveLength(contents.length);
  });

  test('nothing partial is kept', async () => {
    const cache = memoryStore();
    answer = (_, response) => {
      response.setHeader('etag', '"1"').setHeader('content-length', contents.length);
      response.write(contents.subarray(0, 1000), () => setTimeout(() => response.destroy(), 20));
    };
    await failure(readLocation(`${base}/w`, { cache }));
    expect(cache.entries.size).toBe(0);
  });

  test.each([
    ['cut off', (bytes: Uint8Array<ArrayBuffer>) => bytes.slice(0, bytes.length - 1)],
    ['of another program', () => Uint8Array.from([1, 2, 3])],
    ['empty', () => new Uint8Array(0)],
    ['with a broken head', (bytes: Uint8Array<ArrayBuffer>) => bytes.slice().fill(123, 22, 40)],
  ])('an entry %s is not used', async (_, damage) => {
    const cache = memoryStore();
    answer = serve('"1"');
    await readLocation(`${base}/w`, { cache });
    const [key, bytes] = [...cache.entries][0]!;
    cache.entries.set(key, damage(bytes));
    expect(Buffer.compare(await readLocation(`${base}/w`, { cache }), contents)).toBe(0);
    expect(asked).toEqual(['GET /w', 'GET /w']);
  });

  test('a store that fails never fails the read', async () => {
    answer = serve('"1"');
    const broken = () => Promise.reject(new Error('quota'));
    expect(await readLocation(`${base}/w`, { cache: { get: broken, put: broken, delete: broken } })).toHaveLength(
      contents.length,
    );
  });

  test("'auto' is a folder here, shared by processes; a folder that cannot be made does no harm", async () => {
    answer = serve('"1"');
    vi.stubEnv('LABELWEAVE_CACHE', join(folder, 'cache'));
    await readLocation(`${base}/w`, { cache: 'auto' });
    expect(readdirSync(join(folder, 'cache', 'downloads'))).toHaveLength(1);
    await readLocation(`${base}/w`, { cache: 'auto' });
    expect(asked).toEqual(['GET /w', 'HEAD /w']);
    writeFileSync(join(folder, 'file'), '');
    vi.stubEnv('LABELWEAVE_CACHE', join(folder, 'file'));
    expect(await readLocation(`${base}/w`, { cache: 'auto' })).toHaveLength(contents.length);
  });
});
