// Downloads that stop on the way: continued where they ended, over several calls too, and SHA-256 as the judge of what came together.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ByteStore } from '../../sdk/platform-types.js';
import { readLocation } from '../../sdk/store/read.js';
import { plainSha256, sha256 } from '../../sdk/store/sha256.js';

const size = 500_000;
const file = Uint8Array.from({ length: size }, (_, i) => (i * 7919) >> 5);
const digest = createHash('sha256').update(file).digest('hex');

interface Server {
  /** Bytes that each request may send before its connection is cut; missing: all. */
  cuts: (number | undefined)[];
  etag: string | undefined;
  ranges: boolean;
  content: Uint8Array;
  requests: string[];
}

const state: Server = { cuts: [], etag: '"1"', ranges: true, content: file, requests: [] };
const server = createServer((request: IncomingMessage, response: ServerResponse) => {
  const { range } = request.headers;
  state.requests.push(`${request.method} ${range ?? ''}`.trim());
  const from = state.ranges && range ? Number(/bytes=(\d+)-/.exec(range)![1]) : 0;
  const headers: Record<string, string | number> = { 'content-length': state.content.length - from };
  if (state.etag) headers['etag'] = state.etag;
  if (from > 0) headers['content-range'] = `bytes ${from}-${state.content.length - 1}/${state.content.length}`;
  response.writeHead(from > 0 ? 206 : 200, headers);
  if (request.method === 'HEAD') return void response.end();
  const cut = state.cuts.shift();
  if (cut === undefined) return void response.end(state.content.subarray(from));
  // What was sent must have left before the connection goes.
  response.write(state.content.subarray(from, from + cut), () => setTimeout(() => response.destroy(), 50));
});
let url = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/weights.bin`;
});
afterAll(() => server.close());
beforeEach(() => Object.assign(state, { cuts: [], etag: '"1"', ranges: true, content: file, requests: [] }));

function memory(): ByteStore & { entries: Map<string, Uint8Array<ArrayBuffer>> } {
  const entries = new Map<string, Uint8Array<ArrayBuffer>>();
  return {
    entries,
    get: async (key) => entries.get(key),
    put: async (key, bytes) => void entries.set(key, bytes.slice()),
    delete: async (key) => void entries.delete(key),
  };
}

describe('a connection that ends on the way', () => {
  it('is continued where it ended', async () => {
    state.cuts = [100_000, 200_000];
    const loaded: number[] = [];
    const bytes = await readLocation(url, { onProgress: (n) => loaded.push(n) });
    expect(Buffer.from(bytes).equals(Buffer.from(file))).toBe(true);
    expect(state.requests).toEqual(['GET', 'GET bytes=100000-', 'GET bytes=300000-']);
    expect(loaded).toEqual([...loaded].sort((a, b) => a - b));
    expect(loaded.at(-1)).toBe(size);
  });

  it('starts anew where the server gives no ranges', async () => {
    state.cuts = [100_000];
    state.ranges = false;
    expect((await readLocation(url)).length).toBe(size);
    expect(state.requests.length).toBe(2);
  });

  it('fails where the version has no name and nothing tells whether the pieces fit', async () => {
    state.cuts = [100_000];
    state.etag = undefined;
    await expect(readLocation(url)).rejects.toThrow('a connection that ended after 100000 of 500000 bytes');
  });

  it('joins pieces without a name when the digest is known', async () => {
    state.cuts = [100_000];
    state.etag = undefined;
    expect((await readLocation(url, { sha256: digest })).length).toBe(size);
  });

  it('gives up where nothing arrives', async () => {
    state.cuts = [100_000, 0, 0, 0, 0, 0];
    await expect(readLocation(url)).rejects.toMatchObject({ code: 'fetch-failed' });
    expect(state.requests.length).toBe(2);
  });
});

describe('over several calls', () => {
  it('what an interrupted call got is kept, and the next one goes on', async () => {
    const cache = memory();
    const stop = new AbortController();
    state.cuts = [300_000];
    const first = readLocation(url, { cache, signal: stop.signal, onProgress: (n) => n >= 200_000 && stop.abort('enough') });
    await expect(first).rejects.toBe('enough');
    const [key] = [...cache.entries.keys()];
    expect(key).toBe(`${url}#part`);
    state.requests = [];
    const steps: [number, number][] = [];
    const bytes = await readLocation(url, { cache, onProgress: (...step) => steps.push(step) });
    expect(Buffer.from(bytes).equals(Buffer.from(file))).toBe(true);
    expect(state.requests).toEqual([expect.stringMatching(/^GET bytes=[1-9]\d+-$/)]);
    // Progress begins with what was kept.
    expect(`GET bytes=${steps[0]![0]}-`).toBe(state.requests[0]);
    expect(steps.every(([, total]) => total === size)).toBe(true);
    expect([...cache.entries.keys()]).toEqual([url]);
  });

  it('a part of another version is thrown away', async () => {
    const cache = memory();
    state.cuts = [200_000, 0];
    await expect(readLocation(url, { cache })).rejects.toMatchObject({ code: 'fetch-failed' });
    state.etag = '"2"';
    state.content = file.map((x) => x ^ 1);
    const bytes = await readLocation(url, { cache });
    expect(Buffer.from(bytes).equals(Buffer.from(state.content))).toBe(true);
  });

  it('a part that lies about its version is found out by the digest', async () => {
    const cache = memory();
    state.cuts = [200_000, 0];
    await expect(readLocation(url, { cache })).rejects.toMatchObject({ code: 'fetch-failed' });
    state.content = file.map((x) => x ^ 1);
    const other = createHash('sha256').update(state.content).digest('hex');
    const bytes = await readLocation(url, { cache, sha256: other });
    expect(Buffer.from(bytes).equals(Buffer.from(state.content))).toBe(true);
  });
});

describe('SHA-256', () => {
  it('a kept copy that has it needs no server', async () => {
    const cache = memory();
    await readLocation(url, { cache, sha256: digest });
    state.requests = [];
    expect((await readLocation(url, { cache, sha256: digest.toUpperCase() })).length).toBe(size);
    expect(state.requests).toEqual([]);
  });

  it('other bytes are refused, and not kept', async () => {
    const cache = memory();
    const wanted = digest.replace(/^./, digest.startsWith('0') ? '1' : '0');
    await expect(readLocation(url, { cache, sha256: wanted })).rejects.toThrow(`found SHA-256 ${digest}; wanted ${wanted}`);
    expect(cache.entries.size).toBe(0);
    await expect(readLocation('data:,hello', { sha256: wanted })).rejects.toMatchObject({ code: 'fetch-failed' });
  });

  it('in plain loops is what the host computes', async () => {
    const lengths = [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 1000];
    for (const n of lengths) expect(Buffer.from(plainSha256(file.subarray(0, n))).toString('hex')).toBe(createHash('sha256').update(file.subarray(0, n)).digest('hex')); // prettier-ignore
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
        const wanted = createHash('sha256').update(bytes).digest('hex');
        expect(Buffer.from(plainSha256(bytes)).toString('hex')).toBe(wanted);
        expect(await sha256(Uint8Array.from(bytes))).toBe(wanted);
      }),
      { numRuns: 50 },
    );
  });
});
