// Everything that can be given as an image. Page objects are stood in for by their shape here; a browser's own run in test/runtime/browser.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, beforeAll, describe, expect, expectTypeOf, test, vi } from 'vitest';
import { LabelweaveError } from '../../sdk/errors.js';
import { toFrame, type ImageInput } from '../../sdk/image/frame.js';
import { encodePng } from '../../sdk/node/png.js';
import { height, ramp, width } from './samples.js';

const picture = ramp();
let png: Uint8Array<ArrayBuffer>;
let folder: string;
let path: string;
let server: Server;
let base: string;

beforeAll(async () => {
  png = await encodePng(picture);
  folder = mkdtempSync(join(tmpdir(), 'labelweave-frame-'));
  path = join(folder, 'photo #1.png');
  writeFileSync(path, png);
  writeFileSync(join(folder, 'page.jpg'), '<!doctype html>');
  server = createServer((request, response) => {
    if (request.url === '/photo.png') response.end(png);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(() => vi.unstubAllGlobals());

async function failure(input: unknown, options = {}): Promise<LabelweaveError> {
  const error: unknown = await toFrame(input as ImageInput, options).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(LabelweaveError);
  return error as LabelweaveError;
}

describe('encoded images', () => {
  test.each([
    ['a path', () => path],
    ['a file: URL', () => pathToFileURL(path).href],
    ['a URL object', () => pathToFileURL(path)],
    ['an http URL', () => `${base}/photo.png`],
    ['a data: URL', () => `data:image/png;base64,${Buffer.from(png).toString('base64')}`],
    ['a blob: URL', () => URL.createObjectURL(new Blob([png]))],
    ['a Buffer', () => Buffer.from(png)],
    ['a Uint8Array', () => png],
    ['an ArrayBuffer', () => png.buffer],
    [
      'an ArrayBuffer of another realm',
      () => {
        const foreign = runInNewContext('new ArrayBuffer(n)', { n: png.length }) as ArrayBuffer;
        new Uint8Array(foreign).set(png);
        return foreign;
      },
    ],
    ['a Blob', () => new Blob([png])],
    ['a File', () => new File([png], 'photo.png')],
  ])('%s', async (_, make) => {
    expect(await toFrame(make())).toEqual(picture);
  });

  test.each([
    ['a missing path', () => '/no/photo.png', 'missing-file', '/no/photo.png'],
    ['status 404', () => `${base}/nothing.png`, 'fetch-failed', 'HTTP status 404'],
    ['nobody there', () => 'http://127.0.0.1:1/x.png', 'fetch-failed', 'http://127.0.0.1:1/x.png'],
    ['a page instead of a photo is named', () => join(folder, 'page.jpg'), 'invalid-image', 'page.jpg'],
    ['a File is named', () => new File(['{"a": 1}'], 'photo.json'), 'invalid-image', 'file "photo.json": found JSON text'],
    ['an empty string', () => '', 'invalid-argument', 'empty string'],
    ['no bytes', () => new Uint8Array(0), 'invalid-image', 'an empty file'],
  ])('%s', async (_, make, code, words) => {
    const error = await failure(make());
    expect(error.code).toBe(code);
    expect(error.message).toContain(words);
  });

  test('maxPixels and signal reach the decoder', async () => {
    expect((await failure(path, { maxPixels: 10 })).code).toBe('image-too-large');
    expect((await failure(path, { maxPixels: 0 })).code).toBe('invalid-argument');
    const reason = new Error('stop');
    await expect(toFrame(path, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe('raw pixels', () => {
  test.each([
    ['RGB', { data: new Uint8Array(6), width: 2, height: 1, channels: 3 }, 3],
    ['grey', { data: new Uint8Array(2), width: 2, height: 1, channels: 1 }, 1],
    ['clamped RGBA (ImageData)', { data: new Uint8ClampedArray(8), width: 2, height: 1, colorSpace: 'srgb' }, 4],
    ['channels by the length', { data: new Uint8Array(6), width: 1, height: 2 }, 3],
  ])('%s is passed on without a copy', async (_, input, channels) => {
    const frame = await toFrame(input as ImageInput);
    expect(frame).toMatchObject({ width: input.width, height: input.height, channels });
    expect(frame.data).toBe(input.data);
  });

  test.each([
    ['too short', { data: new Uint8Array(5), width: 2, height: 1, channels: 3 }, 'invalid-image', '2 x 1 x 3 = 6 bytes'],
    ['too long', { data: new Uint8Array(7), width: 2, height: 1, channels: 3 }, 'invalid-image', '7 bytes'],
    ['no channels fit', { data: new Uint8Array(7), width: 2, height: 1 }, 'invalid-image', '7 bytes for 2 x 1'],
    ['two channels', { data: new Uint8Array(4), width: 2, height: 1, channels: 2 }, 'invalid-image', '2 channels'],
    ['a fraction', { data: new Uint8Array(6), width: 1.5, height: 1, channels: 4 }, 'invalid-image', 'whole numbers'],
    ['a text size', { data: new Uint8Array(6), width: '2', height: 1, channels: 3 }, 'invalid-image', '"2"'],
    ['0 x 0', { data: new Uint8Array(0), width: 0, height: 0, channels: 3 }, 'invalid-image', '0 x 0'],
    ['negative', { data: new Uint8Array(3), width: -1, height: -1, channels: 3 }, 'invalid-image', '-1 x -1'],
    ['30000 x 30000', { data: new Uint8Array(0), width: 30000, height: 30000, channels: 3 }, 'image-too-large', '900000000'],
    ['floats', { data: new Float32Array(6), width: 2, height: 1, channels: 3 }, 'invalid-image', 'Uint8Array'],
    ['a list', { data: [0, 0, 0], width: 1, height: 1, channels: 3 }, 'invalid-image', 'an array of 3'],
  ])('%s', async (_, input, code, words) => {
    const error = await failure(input);
    expect(error.code).toBe(code);
    expect(error.message).toContain(words);
  });
});

test.each([
  ['null', null],
  ['undefined', undefined],
  ['a number', 5],
  ['an object', {}],
  ['a list', [1, 2]],
  ['a clamped array without its size', new Uint8ClampedArray(4)],
  ['a function', () => 0],
])('%s is no image', async (_, input) => {
  const error = await failure(input);
  expect(error.code).toBe('invalid-argument');
  expect(error.message).toContain('{ data, width, height, channels }');
});

describe('page objects', () => {
  /** A stand-in for OffscreenCanvas that remembers what was drawn and gives back one colour. */
  function stubCanvas(problem?: Error) {
    const drawn: unknown[][] = [];
    class FakeCanvas {
      constructor(
        public width: number,
        public height: number,
      ) {}
      getContext() {
        return {
          canvas: this,
          drawImage: (...args: unknown[]) => void drawn.push(args),
          getImageData: (_x: number, _y: number, w: number, h: number) => {
            if (problem) throw problem;
            return { data: new Uint8ClampedArray(w * h * 4).fill(7), width: w, height: h };
          },
        };
      }
    }
    vi.stubGlobal('OffscreenCanvas', FakeCanvas);
    return drawn;
  }
  const image = { naturalWidth: 5, naturalHeight: 4, width: 10, height: 8, complete: true };
  const video = { videoWidth: 6, videoHeight: 4, width: 600, height: 400, readyState: 4 };
  const bitmap = { width: 3, height: 2, close: () => expect.unreachable('the bitmap is the user\u2019s') };
  const canvas = { width: 4, height: 4, getContext: () => null };

  test.each([
    ['img: natural size', image, 5, 4],
    ['video: size of the picture', video, 6, 4],
    ['ImageBitmap', bitmap, 3, 2],
    ['canvas of any context', canvas, 4, 4],
  ])('%s', async (_, input, w, h) => {
    vi.resetModules();
    const drawn = stubCanvas();
    const { toFrame } = await import('../../sdk/image/frame.js');
    const frame = await toFrame(input as ImageInput);
    expect(frame).toMatchObject({ width: w, height: h, channels: 4 });
    expect(frame.data).toHaveLength(w * h * 4);
    expect(drawn).toEqual([[input, 0, 0, w, h]]);
  });

  test.each([
    ['img that still loads', { ...image, complete: false }, 'await image.decode()'],
    ['img that failed', { ...image, naturalWidth: 0, naturalHeight: 0 }, 'failed to load'],
    ['video without a picture', { ...video, videoWidth: 0, videoHeight: 0 }, 'loadeddata'],
    ['video without data', { ...video, readyState: 1 }, 'readyState 1'],
    ['closed ImageBitmap', { ...bitmap, width: 0, height: 0 }, 'closed'],
    ['empty canvas', { ...canvas, width: 0 }, '0 x 4'],
    ['closed VideoFrame', { format: null, codedWidth: 0, displayWidth: 0, displayHeight: 0, copyTo: () => 0 }, 'closed'],
  ])('%s is refused', async (_, input, words) => {
    const error = await failure(input);
    expect(error.code).toBe('invalid-image');
    expect(error.message).toContain(words);
  });

  test('too many pixels are refused before they are read', async () => {
    expect((await failure({ ...canvas, width: 30000, height: 30000 })).code).toBe('image-too-large');
    expect((await failure({ ...video, videoWidth: 30000, videoHeight: 30000 })).code).toBe('image-too-large');
  });

  test('a tainted canvas says what to do', async () => {
    vi.resetModules();
    stubCanvas(Object.assign(new Error('tainted by cross-origin data'), { name: 'SecurityError' }));
    const { toFrame } = await import('../../sdk/image/frame.js');
    const error: unknown = await toFrame(image as ImageInput).catch((e: unknown) => e);
    expect(error).toMatchObject({ name: 'ImageError', code: 'invalid-image' });
    expect(String(error)).toContain('crossOrigin = "anonymous"');
  });

  test('a host without a canvas says so', async () => {
    const error = await failure(image);
    expect(error.code).toBe('unsupported-image');
    expect(error.message).toContain('{ data, width, height, channels }');
  });

  test('a canvas of a server package is read by its own context', async () => {
    const data = new Uint8ClampedArray(2 * 2 * 4).fill(9);
    const server = { width: 2, height: 2, getContext: () => ({ getImageData: () => ({ data, width: 2, height: 2 }) }) };
    expect(await toFrame(server)).toEqual({ data, width: 2, height: 2, channels: 4 });
    expect((await failure(canvas)).code).toBe('unsupported-image');
  });

  test.each([
    ['RGBA', [1, 2, 3, 4]],
    ['BGRA', [3, 2, 1, 4]],
    ['RGBX', [1, 2, 3, 255]],
    ['BGRX', [3, 2, 1, 255]],
  ])('VideoFrame of format %s is copied', async (format, expected) => {
    const frame = {
      format,
      codedWidth: 2,
      displayWidth: 2,
      displayHeight: 1,
      visibleRect: { width: 2, height: 1 },
      copyTo: (out: Uint8Array) => Promise.resolve(out.set([1, 2, 3, 4, 1, 2, 3, 4])),
    };
    expect(Array.from((await toFrame(frame)).data)).toEqual([...expected, ...expected]);
  });

  test.each([
    ['YUV', { format: 'I420' }],
    ['scaled', { format: 'RGBA', visibleRect: { width: 4, height: 2 } }],
    ['turned', { format: 'RGBA', rotation: 90 }],
  ])('VideoFrame that is %s goes through the canvas', async (_, change) => {
    vi.resetModules();
    const drawn = stubCanvas();
    const { toFrame } = await import('../../sdk/image/frame.js');
    const copyTo = () => expect.unreachable('not copied');
    const frame = { codedWidth: 2, displayWidth: 2, displayHeight: 1, visibleRect: { width: 2, height: 1 }, copyTo, ...change };
    expect(await toFrame(frame as never)).toMatchObject({ width: 2, height: 1, channels: 4 });
    expect(drawn).toHaveLength(1);
  });
});

test('the types take what people have', () => {
  type Page =
    | ImageData
    | ImageBitmap
    | HTMLImageElement
    | HTMLCanvasElement
    | OffscreenCanvas
    | HTMLVideoElement
    | VideoFrame
    | Blob
    | File
    | Buffer;
  expectTypeOf<Page>().toExtend<ImageInput>();
  expectTypeOf<{ data: Uint8Array; width: number; height: number; channels: 3 }>().toExtend<ImageInput>();
  expectTypeOf<number>().not.toExtend<ImageInput>();
  expectTypeOf<number[]>().not.toExtend<ImageInput>();
  expect([width, height]).toEqual([37, 23]);
});
