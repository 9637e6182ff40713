// The web's side of images, threads and storage, in a real browser: decoding, page objects, drawing, workers, the Cache API.
import { describe, expect, test } from 'vitest';
import { drawDetections } from '../../sdk/detections/draw.js';
import { LabelweaveError } from '../../sdk/errors.js';
import { toFrame, type ImageInput } from '../../sdk/image/frame.js';
import { decodeImage, hardwareConcurrency, host, openByteStore, readFile, startWorker } from '../../sdk/platform.js';
import { readLocation } from '../../sdk/store/read.js';

const width = 40;
const height = 24;
const red = [255, 0, 0, 255];
const green = [0, 255, 0, 255];
const blue = [0, 0, 255, 255];
const white = [255, 255, 255, 255];

/** Quadrants: red, green / blue, white. */
function quadrants(): OffscreenCanvas {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d')!;
  for (const [color, x, y] of [
    ['#f00', 0, 0],
    ['#0f0', 1, 0],
    ['#00f', 0, 1],
    ['#fff', 1, 1],
  ] as const) {
    context.fillStyle = color;
    context.fillRect((x * width) / 2, (y * height) / 2, width / 2, height / 2);
  }
  return canvas;
}

const encoded = async (type: string) =>
  new Uint8Array(await (await quadrants().convertToBlob({ type, quality: 1 })).arrayBuffer());

/** Colours in the middles of the four quadrants, in reading order. */
function corners(frame: { data: ArrayLike<number>; width: number; height: number; channels: number }): number[][] {
  expect(frame.channels).toBe(4);
  expect(frame.data.length).toBe(frame.width * frame.height * 4);
  return [
    [0.25, 0.25],
    [0.75, 0.25],
    [0.25, 0.75],
    [0.75, 0.75],
  ].map(([x, y]) => {
    const at = (Math.floor(y! * frame.height) * frame.width + Math.floor(x! * frame.width)) * 4;
    return Array.from({ length: 4 }, (_, c) => frame.data[at + c]!);
  });
}

/** Absolute, in levels: JPEG at quality 1.0 with the browser's chroma (measured: 2). */
const jpegTolerance = 4;
function near(found: number[][], expected: number[][], tolerance: number): void {
  found.flat().forEach((value, i) => expect(Math.abs(value - expected.flat()[i]!), `${i}`).toBeLessThanOrEqual(tolerance));
}

/** A TIFF structure with one directory entry: the orientation. */
const exif = (orientation: number) => {
  const head = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1];
  const entry = [0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0];
  return [...head, ...entry, 0, 0, 0, 0];
};

function jpegWithOrientation(jpeg: Uint8Array, orientation: number): Uint8Array {
  const body = [0x45, 0x78, 0x69, 0x66, 0, 0, ...exif(orientation)];
  return Uint8Array.from([0xff, 0xd8, 0xff, 0xe1, 0, body.length + 2, ...body, ...jpeg.subarray(2)]);
}

/** With an eXIf chunk behind IHDR. */
function pngWithOrientation(png: Uint8Array, orientation: number): Uint8Array {
  const body = Uint8Array.from([0x65, 0x58, 0x49, 0x66, ...exif(orientation)]);
  let crc = 0xffffffff;
  for (const byte of body) {
    crc ^= byte;
    for (let k = 0; k < 8; k++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  const chunk = new Uint8Array(body.length + 8);
  new DataView(chunk.buffer).setUint32(0, body.length - 4);
  chunk.set(body, 4);
  new DataView(chunk.buffer).setUint32(body.length + 4, ~crc >>> 0);
  return Uint8Array.from([...png.subarray(0, 33), ...chunk, ...png.subarray(33)]);
}

async function failure(work: Promise<unknown>): Promise<LabelweaveError> {
  const error: unknown = await work.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(LabelweaveError);
  return error as LabelweaveError;
}

test('facts', async () => {
  expect(host).toBe('browser');
  expect(hardwareConcurrency()).toBeGreaterThanOrEqual(1);
  expect((await failure(readFile('/etc/hosts'))).code).toBe('missing-file');
});

describe('encoded images', () => {
  test('PNG and WebP are exact, JPEG is close', async () => {
    expect(corners(await decodeImage(await encoded('image/png')))).toEqual([red, green, blue, white]);
    near(corners(await decodeImage(await encoded('image/webp'))), [red, green, blue, white], jpegTolerance);
    near(corners(await decodeImage(await encoded('image/jpeg'))), [red, green, blue, white], jpegTolerance);
  });

  test.each([
    [1, [red, green, blue, white]],
    [2, [green, red, white, blue]],
    [3, [white, blue, green, red]],
    [4, [blue, white, red, green]],
    [5, [red, blue, green, white]],
    [6, [blue, red, white, green]],
    [7, [white, green, blue, red]],
    [8, [green, white, red, blue]],
  ])('EXIF orientation %i stands upright', async (orientation, expected) => {
    const frame = await decodeImage(jpegWithOrientation(await encoded('image/jpeg'), orientation));
    expect([frame.width, frame.height]).toEqual(orientation < 5 ? [width, height] : [height, width]);
    near(corners(frame), expected, jpegTolerance);
    expect(corners(await decodeImage(pngWithOrientation(await encoded('image/png'), orientation)))).toEqual(expected);
  });

  test('straight alpha', async () => {
    const canvas = new OffscreenCanvas(2, 1);
    const context = canvas.getContext('2d')!;
    context.putImageData(new ImageData(Uint8ClampedArray.from([255, 0, 0, 128, 0, 0, 255, 255]), 2, 1), 0, 0);
    const frame = await toFrame(await canvas.convertToBlob({ type: 'image/png' }));
    expect(Array.from(frame.data)).toEqual([255, 0, 0, 128, 0, 0, 255, 255]);
  });

  test.each([
    ['a truncated JPEG', async () => (await encoded('image/jpeg')).slice(0, -40), 'invalid-image'],
    ['a truncated PNG', async () => (await encoded('image/png')).slice(0, -13), 'invalid-image'],
    ['HTML', () => Promise.resolve(new TextEncoder().encode('<!doctype html>')), 'invalid-image'],
    ['an SVG', () => Promise.resolve(new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg"/>')), 'unsupported-image'],
    [
      'four components (CMYK)',
      async () => {
        const bytes = await encoded('image/jpeg');
        const at = bytes.findIndex((byte, i) => byte === 0xff && bytes[i + 1] === 0xc0);
        // The frame header with one component more: SOF0, length, precision and size, count, components.
        const size = bytes.subarray(at + 4, at + 9);
        const components = bytes.subarray(at + 10, at + 19);
        return Uint8Array.from([
          ...bytes.subarray(0, at),
          0xff,
          0xc0,
          0,
          20,
          ...size,
          4,
          ...components,
          4,
          0x11,
          0,
          ...bytes.subarray(at + 19),
        ]);
      },
      'unsupported-image',
    ],
    [
      '30000 x 30000',
      async () => {
        const bytes = await encoded('image/png');
        new DataView(bytes.buffer).setUint32(16, 30000);
        new DataView(bytes.buffer).setUint32(20, 30000);
        return bytes;
      },
      'image-too-large',
    ],
    [
      'damaged pixels',
      async () => {
        const bytes = await encoded('image/png');
        const at = bytes.findIndex((byte, i) => byte === 0x49 && bytes[i + 1] === 0x44 && bytes[i + 2] === 0x41);
        bytes.fill(0x55, at + 4, at + 12);
        return bytes;
      },
      'invalid-image',
    ],
  ])('%s is refused', async (_, make, code) => {
    expect((await failure(decodeImage(await make()))).code).toBe(code);
  });
});

describe('page objects', () => {
  const element = (source: string) =>
    new Promise<HTMLImageElement>((resolve, reject) => {
      const image = new Image();
      image.onload = () => resolve(image);
      image.onerror = reject;
      image.src = source;
    });
  const pageCanvas = () => {
    const canvas = document.createElement('canvas');
    canvas.width = width;
    canvas.height = height;
    canvas.getContext('2d')!.drawImage(quadrants(), 0, 0);
    return canvas;
  };

  test.each([
    ['OffscreenCanvas', () => quadrants()],
    ['canvas', pageCanvas],
    ['ImageBitmap', () => createImageBitmap(quadrants())],
    ['ImageData', () => quadrants().getContext('2d')!.getImageData(0, 0, width, height)],
    ['img', async () => element(URL.createObjectURL(await quadrants().convertToBlob()))],
    ['VideoFrame', () => new VideoFrame(quadrants(), { timestamp: 0 })],
    ['Blob', () => quadrants().convertToBlob()],
    ['File', async () => new File([await quadrants().convertToBlob()], 'x.png')],
    ['blob: URL', async () => URL.createObjectURL(await quadrants().convertToBlob())],
    ['data: URL', () => pageCanvas().toDataURL()],
  ] as [string, () => ImageInput | Promise<ImageInput>][])('%s', async (_, make) => {
    const input = await make();
    const frame = await toFrame(input);
    expect([frame.width, frame.height]).toEqual([width, height]);
    near(corners(frame), [red, green, blue, white], 1);
    // What was given can be used again.
    expect((await toFrame(input)).width).toBe(width);
    if (input instanceof VideoFrame) input.close();
  });

  test('a canvas that holds WebGL', async () => {
    const canvas = new OffscreenCanvas(width, height);
    const gl = canvas.getContext('webgl', { preserveDrawingBuffer: true })!;
    gl.clearColor(0, 1, 0, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    expect(corners(await toFrame(canvas))).toEqual([green, green, green, green]);
  });

  test('frames of different sizes at the same time do not mix', async () => {
    const frames = await Promise.all(
      [10, 30, 20].map((size) => {
        const canvas = new OffscreenCanvas(size, size);
        const context = canvas.getContext('2d')!;
        context.fillStyle = `rgb(${size}, 0, 0)`;
        context.fillRect(0, 0, size, size);
        return toFrame(canvas);
      }),
    );
    expect(frames.map((frame) => [frame.width, frame.data[0]])).toEqual([
      [10, 10],
      [30, 30],
      [20, 20],
    ]);
  });

  test('an img that is not loaded, a closed bitmap, a closed VideoFrame, an empty video', async () => {
    const loading = new Image();
    loading.src = 'data:image/png;base64,AAAA';
    expect((await failure(toFrame(loading))).code).toBe('invalid-image');
    const bitmap = await createImageBitmap(quadrants());
    bitmap.close();
    expect((await failure(toFrame(bitmap))).message).toContain('closed');
    const frame = new VideoFrame(quadrants(), { timestamp: 0 });
    frame.close();
    expect((await failure(toFrame(frame))).message).toContain('closed');
    expect((await failure(toFrame(document.createElement('video')))).message).toContain('loadeddata');
  });
});

describe('threads', () => {
  test('the web names hold; transfer; errors', async () => {
    const worker = startWorker(
      `onmessage = ({ data }) => { if (data === 'boom') throw new Error('boom'); postMessage(data, [data]); };`,
    );
    const buffer = new ArrayBuffer(8);
    const back = await new Promise<unknown>((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.postMessage(buffer, [buffer]);
    });
    expect(back).toBeInstanceOf(ArrayBuffer);
    expect(buffer.byteLength).toBe(0);
    const error = await new Promise<Error>((resolve) => {
      worker.onerror = resolve;
      worker.postMessage('boom');
    });
    expect(error).toMatchObject({ name: 'DeviceError', code: 'device-failed' });
    expect(error.message).toContain('boom');
    worker.terminate();
    worker.terminate();
  });

  test('a Content Security Policy without worker-src blob: is named', async () => {
    const frame = document.createElement('iframe');
    frame.srcdoc = `<meta http-equiv="Content-Security-Policy" content="worker-src 'none'"><p>`;
    await new Promise((resolve) => {
      frame.onload = resolve;
      document.body.append(frame);
    });
    const page = frame.contentWindow as Window & typeof globalThis;
    const own = globalThis.Worker;
    globalThis.Worker = page.Worker;
    try {
      const error = await new Promise<unknown>((resolve) => {
        try {
          const worker = startWorker('postMessage(1)');
          worker.onerror = resolve;
          worker.onmessage = resolve;
        } catch (thrown) {
          resolve(thrown);
        }
      });
      expect(error).toMatchObject({ name: 'DeviceError', code: 'device-failed' });
      expect(String(error)).toContain('worker-src blob:');
    } finally {
      globalThis.Worker = own;
      frame.remove();
    }
  });
});

test('the byte store keeps, gives back and deletes', async () => {
  const store = (await openByteStore('test'))!;
  const key = 'https://example.org/a?b#c d';
  await store.delete(key);
  expect(await store.get(key)).toBeUndefined();
  await store.put(key, Uint8Array.from([1, 2, 3]));
  expect(Array.from((await store.get(key))!)).toEqual([1, 2, 3]);
  await store.delete(key);
  expect(await store.get(key)).toBeUndefined();
});

test('a relative URL is read against the page; a missing one names the status or the network', async () => {
  const bytes = await readLocation(new URL(import.meta.url).pathname, { cache: 'auto' });
  expect(new TextDecoder().decode(bytes)).toContain('readLocation');
  expect((await failure(readLocation('no-such-file.bin'))).message).toMatch(/HTTP status 404|no answer/);
  expect((await failure(readLocation('http://127.0.0.1:1/x'))).code).toBe('fetch-failed');
});

test('drawing on a canvas leaves boxes and labels in the colour of the label', () => {
  const canvas = new OffscreenCanvas(200, 200);
  const context = canvas.getContext('2d')!;
  const detections = {
    length: 1,
    boxes: Float32Array.from([40, 60, 160, 150]),
    scores: [0.9],
    labelIndices: [0],
    labels: { labels: [{ name: 'person' }] },
  };
  drawDetections(context, detections, { colors: { person: '#ff8000' } });
  expect(Array.from(context.getImageData(40, 100, 1, 1).data)).toEqual([255, 128, 0, 255]);
  expect(Array.from(context.getImageData(100, 100, 1, 1).data)).toEqual([0, 0, 0, 0]);
  const label = context.getImageData(40, 42, 60, 14).data;
  const black = Array.from({ length: label.length / 4 }, (_, i) => label[4 * i]! < 60 && label[4 * i + 3] === 255).filter(
    Boolean,
  );
  expect(black.length).toBeGreaterThan(60);
});
