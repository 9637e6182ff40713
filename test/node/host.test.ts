// What a server host offers: facts, files, threads, the byte store, writing pictures.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as esbuild from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { DeviceError, LoadError } from '../../sdk/errors.js';
import { cacheFolder } from '../../sdk/node/byte-store.js';
import { encodeJpeg, encodePng, writePng } from '../../sdk/node/index.js';
import {
  decodeImage,
  hardwareConcurrency,
  host,
  openByteStore,
  readFile,
  startWorker,
  type PlatformWorker,
} from '../../sdk/node/platform.js';
import { noise, ramp } from '../image/samples.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'labelweave-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

test('facts', () => {
  expect(host).toBe('node');
  expect(hardwareConcurrency()).toBeGreaterThanOrEqual(1);
});

describe('readFile', () => {
  const contents = noise(5_000_000);
  let path: string;
  beforeAll(() => {
    path = join(folder, 'file with space #1.bin');
    writeFileSync(path, contents);
  });

  test('by path and by URL, into memory of its own, with progress that ends whole', async () => {
    const seen: [number, number][] = [];
    const bytes = await readFile(path, { onProgress: (...step) => seen.push(step) });
    expect(Buffer.compare(bytes, contents)).toBe(0);
    expect(bytes.buffer.byteLength).toBe(contents.length);
    expect(seen.length).toBeGreaterThan(1);
    expect(seen.at(-1)).toEqual([contents.length, contents.length]);
    expect(seen.every(([loaded], i) => i === 0 || loaded >= seen[i - 1]![0])).toBe(true);
    expect(Buffer.compare(await readFile(pathToFileURL(path)), contents)).toBe(0);
    expect(Buffer.compare(await readFile(pathToFileURL(path).href), contents)).toBe(0);
  });

  test('an empty file, and one that tells no size', async () => {
    writeFileSync(join(folder, 'empty'), '');
    expect(await readFile(join(folder, 'empty'))).toHaveLength(0);
    if (process.platform === 'linux') expect((await readFile('/proc/self/status')).length).toBeGreaterThan(100);
  });

  test.each([
    ['a missing file', () => join(folder, 'nothing'), 'no such file'],
    ['a folder', () => folder, 'a folder'],
    ['a file: URL of another machine', () => 'file://elsewhere/x', 'file://elsewhere/x'],
  ])('%s', async (_, location, words) => {
    const error: unknown = await readFile(location()).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(LoadError);
    expect(error).toMatchObject({ code: 'missing-file' });
    expect(String(error)).toContain(words);
  });

  test('an abort in the middle rejects with its reason', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    await expect(readFile(path, { signal: controller.signal, onProgress: () => controller.abort(reason) })).rejects.toBe(reason);
  });
});

describe('startWorker', () => {
  const workers: PlatformWorker[] = [];
  afterEach(() => workers.splice(0).forEach((worker) => worker.terminate()));
  /** The first message or error of a worker that gets `value`. */
  const answer = (source: string, value?: unknown, transfer?: ArrayBuffer[]) =>
    new Promise<unknown>((resolve) => {
      const worker = startWorker(source);
      workers.push(worker);
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = resolve;
      worker.postMessage(value, transfer);
    });

  test('web names hold in the script, also in strict mode', async () => {
    const source = `'use strict'; onmessage = (event) => { postMessage([event.data, self === globalThis]); };`;
    expect(await answer(source, { a: [1] })).toEqual([{ a: [1] }, true]);
  });

  test('shared memory and modules travel without a copy, buffers by transfer', async () => {
    const shared = new SharedArrayBuffer(4);
    await answer(`onmessage = ({ data }) => { new Int32Array(data)[0] = 42; postMessage(0); };`, shared);
    expect(new Int32Array(shared)[0]).toBe(42);
    const module = new WebAssembly.Module(Uint8Array.from([0, 97, 115, 109, 1, 0, 0, 0]));
    expect(await answer(`onmessage = ({ data }) => postMessage(data instanceof WebAssembly.Module);`, module)).toBe(true);
    const buffer = new ArrayBuffer(16);
    expect(await answer(`onmessage = ({ data }) => postMessage(data, [data]);`, buffer, [buffer])).toMatchObject({
      byteLength: 16,
    });
    expect(buffer.byteLength).toBe(0);
  });

  test.each([
    ['throws at start', `throw new Error('at start')`, 'at start'],
    ['throws later', `onmessage = () => { throw new Error('later') }`, 'later'],
    ['is no script', `this is no script`, 'Unexpected'],
    ['ends with a failure', `process.exit(3)`, 'exit code 3'],
  ])('a script that %s calls onerror', async (_, source, words) => {
    const error = await answer(source, 0);
    expect(error).toBeInstanceOf(DeviceError);
    expect(String(error)).toContain(words);
  });

  test('terminate is idempotent, and nothing is called afterwards', async () => {
    const worker = startWorker(`setInterval(() => postMessage(1), 1)`);
    let calls = 0;
    await new Promise<void>((resolve) => {
      worker.onmessage = () => {
        calls++;
        resolve();
      };
    });
    worker.terminate();
    worker.terminate();
    worker.postMessage(1);
    const atEnd = calls;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(calls).toBe(atEnd);
  });

  test('a process waits for the first message and ends although workers live', { timeout: 30_000 }, () => {
    const bundle = join(folder, 'platform.mjs');
    const entry = new URL('../../sdk/node/worker.ts', import.meta.url).pathname;
    esbuild.buildSync({ entryPoints: [entry], bundle: true, platform: 'node', format: 'esm', outfile: bundle });
    const script = `
      import { startWorker } from ${JSON.stringify(pathToFileURL(bundle).href)};
      const ready = (source) => new Promise((resolve) => { startWorker(source).onmessage = ({ data }) => resolve(data); });
      console.log(await ready("setTimeout(() => postMessage('ready'), 200); setInterval(() => {}, 1000)"));
      console.log(await ready("postMessage('blocked'); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)"));`;
    const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect(stdout).toBe('ready\nblocked\n');
    expect(status).toBe(0);
  });
});

describe('openByteStore', () => {
  test('where the folder stands', () => {
    vi.stubEnv('LABELWEAVE_CACHE', '/a/b');
    expect(cacheFolder()).toBe('/a/b');
    vi.stubEnv('LABELWEAVE_CACHE', '');
    vi.stubEnv('XDG_CACHE_HOME', '/x');
    expect(cacheFolder()).toBe(join('/x', 'labelweave'));
    vi.stubEnv('XDG_CACHE_HOME', '');
    expect(cacheFolder()).toMatch(/[\\/]\.cache[\\/]labelweave$/);
  });

  test('get, put, delete; keys of any text; whole files only', async () => {
    const cache = join(folder, 'cache');
    vi.stubEnv('LABELWEAVE_CACHE', cache);
    const store = (await openByteStore('things'))!;
    const key = 'https://example.org/a/../b?c=d#\u00e9';
    expect(await store.get(key)).toBeUndefined();
    await store.put(key, Uint8Array.from([1, 2, 3]));
    expect(Array.from((await store.get(key))!)).toEqual([1, 2, 3]);
    await Promise.all(Array.from({ length: 8 }, (_, i) => store.put(key, new Uint8Array(1000).fill(i))));
    expect(new Set(await store.get(key)).size).toBe(1);
    expect(readdirSync(join(cache, 'things'))).toHaveLength(1);
    await store.delete(key);
    await store.delete(key);
    expect(await store.get(key)).toBeUndefined();
  });

  test('a folder that cannot be made rejects and leaves nothing', async () => {
    const file = join(folder, 'a-file');
    writeFileSync(file, 'x');
    vi.stubEnv('LABELWEAVE_CACHE', file);
    const store = (await openByteStore('things'))!;
    await expect(store.put('k', new Uint8Array(1))).rejects.toThrow();
    expect(readFileSync(file, 'utf8')).toBe('x');
  });
});

describe('writing pictures', () => {
  test('a PNG file holds the same pixels', async () => {
    const frame = ramp(40, 30, 4);
    const path = join(folder, 'picture.png');
    await writePng(path, frame);
    expect(await decodeImage(readFileSync(path))).toEqual(frame);
  });

  test.each([
    ['sharp', ''],
    ['pure', 'pure'],
  ])('JPEG by %s is close', async (_, decoder) => {
    vi.stubEnv('LABELWEAVE_IMAGE_DECODER', decoder);
    const frame = ramp(64, 48, 3);
    const decoded = await decodeImage(await encodeJpeg(frame, { quality: 95 }));
    // Absolute, in levels: quality 95 on a smooth picture (measured: 5).
    frame.data.forEach((value, i) => expect(Math.abs(value - decoded.data[i]!)).toBeLessThanOrEqual(8));
  });

  test('a missing folder is named and no file is left', async () => {
    const before = readdirSync(folder);
    await expect(writePng(join(folder, 'no', 'picture.png'), ramp())).rejects.toMatchObject({ code: 'missing-file' });
    expect(readdirSync(folder)).toEqual(before);
  });

  test.each([
    ['too little data', { data: new Uint8Array(5), width: 2, height: 1, channels: 3 }],
    ['no pixels', { data: new Uint8Array(0), width: 0, height: 0, channels: 3 }],
    ['two channels', { data: new Uint8Array(4), width: 2, height: 1, channels: 2 }],
  ])('%s is refused', async (_, frame) => {
    await expect(encodePng(frame as never)).rejects.toMatchObject({ code: 'invalid-image' });
    await expect(encodeJpeg(frame as never)).rejects.toMatchObject({ code: 'invalid-image' });
  });

  test.each([
    ['level', () => encodePng(ramp(), { level: 10 })],
    ['quality', () => encodeJpeg(ramp(), { quality: 0 })],
  ])('a bad %s is refused', async (name, call) => {
    await expect(call()).rejects.toMatchObject({ code: 'invalid-argument', thing: name });
  });
});
