// Anything a user has becomes an upright ImageFrame: files, URLs, bytes, page elements, video frames, raw pixels. No scaling here.
import { decodeImage } from '#platform';
import { ArgumentError, describe, ImageError } from '../errors.js';
import { isUrl, showLocation } from '../store/location.js';
import { readLocation } from '../store/read.js';
import type { ImageFrame } from '../tensor/image-frame.js';
import { hasCanvas, readThroughCanvas, canvasError } from './canvas.js';
import { checkSize, defaultMaxPixels } from './limits.js';

export type { ImageFrame } from '../tensor/image-frame.js';
export { fitTarget, toSourceBox, toSourceBoxes, type Fit, type Size, type TargetRectangle } from './geometry.js';

/** A Blob or File, by shape. */
export interface BlobLike {
  readonly size: number;
  readonly type: string;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** Raw pixels: rows from the top, tightly packed, interleaved, 8 bits. ImageData fits (4 channels). */
export interface PixelsLike {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  /** 1 grey, 3 RGB, 4 RGBA with straight alpha. Default: what the length of `data` says. */
  readonly channels?: number;
}

/** ImageData of any TypeScript version: its `data` may be declared as another array type than it is. */
export interface ImageDataLike {
  readonly data: ArrayLike<number>;
  readonly width: number;
  readonly height: number;
  readonly colorSpace: string;
}

/** An ImageBitmap, by shape. It is not closed. */
export interface ImageBitmapLike {
  readonly width: number;
  readonly height: number;
  close(): void;
}

/** A canvas element, an OffscreenCanvas, or a canvas of a server package, by shape. */
export interface CanvasLike {
  readonly width: number;
  readonly height: number;
  getContext(type: '2d'): unknown;
}

/** An `img` element, by shape. It must be loaded. */
export interface ImageElementLike {
  readonly naturalWidth: number;
  readonly naturalHeight: number;
  readonly complete: boolean;
}

/** A `video` element, by shape: its current picture is taken. */
export interface VideoLike {
  readonly videoWidth: number;
  readonly videoHeight: number;
  readonly readyState: number;
}

/** A WebCodecs VideoFrame, by shape. It is not closed. */
export interface VideoFrameLike {
  readonly format: string | null;
  readonly codedWidth: number;
  readonly displayWidth: number;
  readonly displayHeight: number;
  copyTo(destination: Uint8Array<ArrayBuffer>): Promise<unknown>;
}

/** A GPUTexture of the device that computes (`gpuDevice`), by shape: two-dimensional, floating point or normalised, straight alpha, usable as a binding. */
export interface TextureLike {
  readonly width: number;
  readonly height: number;
  readonly format: string;
  readonly usage: number;
  createView(): unknown;
}

/**
 * What can be given as an image. A string is an http(s), data, blob or file URL, or else a path (servers) or relative URL (pages).
 * ArrayBuffer, Uint8Array and Blob hold the bytes of an image file.
 */
export type ImageInput =
  | string
  | URL
  | ArrayBuffer
  | Uint8Array
  | BlobLike
  | PixelsLike
  | ImageDataLike
  | ImageBitmapLike
  | CanvasLike
  | ImageElementLike
  | VideoLike
  | VideoFrameLike
  | TextureLike;

/** Options of {@link toFrame}. */
export interface FrameOptions {
  /** Stops reading and decoding; the promise rejects with `signal.reason`. */
  signal?: AbortSignal | undefined;
  /** Most pixels (width x height) of an image. Default 2^26 (67,108,864). */
  maxPixels?: number | undefined;
}

/**
 * Turns anything a user has into upright 8-bit pixels (EXIF orientation applied, straight alpha). Raw pixels are passed on without a copy;
 * page elements and video frames are read at once, before the first `await` where the host can. Nothing that is given is closed or changed.
 * Throws ImageError (`invalid-image`, `unsupported-image`, `image-too-large`), LoadError (`fetch-failed`, `missing-file`), ArgumentError for a
 * value of no known kind, or `signal.reason`.
 */
export async function toFrame(input: ImageInput, options: FrameOptions = {}): Promise<ImageFrame> {
  const { signal, maxPixels = defaultMaxPixels } = options;
  signal?.throwIfAborted();
  if (!(maxPixels >= 1))
    throw new ArgumentError({ thing: 'maxPixels', found: describe(maxPixels), wanted: 'a number of at least 1' });
  if (typeof input === 'string' || isInstance(input, 'URL')) {
    const location = input as string | URL;
    if (location === '') throw new ArgumentError({ thing: 'image', found: 'an empty string', wanted: 'a path or URL' });
    const bytes = await readLocation(location, { signal });
    const kind = isUrl(String(location)) ? 'image' : 'image file';
    return named(`${kind} ${showLocation(location)}`, decodeImage(bytes, { signal, maxPixels }));
  }
  if (input instanceof Uint8Array) return decodeImage(input, { signal, maxPixels });
  if (isInstance(input, 'ArrayBuffer')) return decodeImage(new Uint8Array(input as ArrayBuffer), { signal, maxPixels });
  if (typeof input !== 'object' || input === null || ArrayBuffer.isView(input) || Array.isArray(input)) throw unknownKind(input);

  const has = (...names: string[]) => names.every((name) => name in input);
  if (has('copyTo', 'displayWidth', 'displayHeight')) return readVideoFrame(input as VideoFrameLike, maxPixels);
  if (has('videoWidth', 'videoHeight')) return readHeld(input, checkVideo(input as VideoLike, maxPixels));
  if (has('naturalWidth', 'naturalHeight')) return readHeld(input, checkElement(input as ImageElementLike, maxPixels));
  if (has('getContext', 'width', 'height')) return readCanvas(input as CanvasLike, maxPixels);
  if (has('data', 'width', 'height')) return readPixels(input as PixelsLike, maxPixels);
  if (has('arrayBuffer', 'size')) return readBlob(input as BlobLike, signal, maxPixels);
  if (isTexture(input)) {
    throw new ImageError('unsupported-image', {
      thing: 'GPUTexture',
      found: 'a device that is no GPU',
      wanted: 'the webgpu runtime, on the device of the texture',
      next: 'Load with { device: "webgpu", gpuDevice }.',
    });
  }
  if (has('close', 'width', 'height')) return readHeld(input, checkBitmap(input as ImageBitmapLike, maxPixels));
  throw unknownKind(input);
}

/** A picture that a GPU can take as it is. */
export interface GpuFrame {
  readonly source: object;
  readonly width: number;
  readonly height: number;
}

/**
 * As {@link toFrame}, for a device that takes page elements, bitmaps, video frames and textures without a copy through the CPU: those are checked and passed
 * on, in the same turn of the event loop.
 */
export function toGpuFrame(input: ImageInput, options: FrameOptions = {}): GpuFrame | Promise<ImageFrame> {
  const { signal, maxPixels = defaultMaxPixels } = options;
  signal?.throwIfAborted();
  const held = typeof input === 'object' && input !== null ? checkHeld(input, maxPixels) : undefined;
  return held ? { source: input as object, width: held.width, height: held.height } : toFrame(input, options);
}

function checkHeld(input: object, maxPixels: number): Held | undefined {
  const has = (...names: string[]) => names.every((name) => name in input);
  if (has('copyTo', 'displayWidth', 'displayHeight')) return checkVideoFrame(input as VideoFrameLike, maxPixels);
  if (has('videoWidth', 'videoHeight')) return checkVideo(input as VideoLike, maxPixels);
  if (has('naturalWidth', 'naturalHeight')) return checkElement(input as ImageElementLike, maxPixels);
  if (isTexture(input)) {
    checkSize('GPUTexture', input, maxPixels);
    return { thing: 'GPUTexture', width: input.width, height: input.height };
  }
  // Canvases of server packages are no sources of a GPU.
  if (has('getContext', 'width', 'height') && hasCanvas()) {
    checkSize('canvas', input as CanvasLike, maxPixels);
    const { width, height } = input as CanvasLike;
    return { thing: 'canvas', width, height };
  }
  if (has('close', 'width', 'height') && !has('data')) return checkBitmap(input as ImageBitmapLike, maxPixels);
  return undefined;
}

function isTexture(input: object): input is TextureLike {
  return 'createView' in input && 'usage' in input && 'width' in input && 'height' in input;
}

/** By constructor name too, so that values of another realm (an iframe, a test's sandbox) count. */
function isInstance(value: unknown, name: 'URL' | 'ArrayBuffer'): boolean {
  return value instanceof globalThis[name] || Object.prototype.toString.call(value) === `[object ${name}]`;
}

function unknownKind(input: unknown): ArgumentError {
  const raw = ArrayBuffer.isView(input) || Array.isArray(input);
  return new ArgumentError({
    thing: 'image',
    found: describe(input),
    wanted:
      'a path, URL, Uint8Array, ArrayBuffer, Blob, ImageData, ImageBitmap, canvas, img, video, VideoFrame or { data, width, height, channels }',
    next: raw ? 'Raw pixels need their size: { data, width, height, channels }. File bytes need a Uint8Array.' : undefined,
  });
}

/** Names the image in errors of the decoder, which knows its bytes only. */
async function named(thing: string, work: Promise<ImageFrame>): Promise<ImageFrame> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    const { code, found, wanted, next } = error;
    const kind = error.thing === 'image' ? '' : `${error.thing}, `;
    throw new ImageError(code as ConstructorParameters<typeof ImageError>[0], {
      thing,
      found: `${kind}${found}`,
      wanted,
      next,
      cause: error,
    });
  }
}

async function readBlob(blob: BlobLike, signal: AbortSignal | undefined, maxPixels: number): Promise<ImageFrame> {
  const name = (blob as { name?: unknown }).name;
  const bytes = new Uint8Array(await blob.arrayBuffer());
  signal?.throwIfAborted();
  const work = decodeImage(bytes, { signal, maxPixels });
  return typeof name === 'string' ? named(`file ${JSON.stringify(name)}`, work) : work;
}

function readPixels(pixels: PixelsLike, maxPixels: number): ImageFrame {
  const { data, width, height } = pixels;
  const thing = 'raw image';
  if (!Number.isInteger(width) || !Number.isInteger(height)) {
    throw new ImageError('invalid-image', {
      thing,
      found: `a size of ${describe(width)} x ${describe(height)}`,
      wanted: 'whole numbers',
    });
  }
  checkSize(thing, pixels, maxPixels);
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray)) {
    throw new ImageError('invalid-image', {
      thing,
      found: `data as ${describe(data)}`,
      wanted: 'a Uint8Array or Uint8ClampedArray with values 0 to 255',
    });
  }
  const channels = pixels.channels ?? data.length / (width * height);
  if (channels !== 1 && channels !== 3 && channels !== 4) {
    throw new ImageError('invalid-image', {
      thing,
      found:
        pixels.channels === undefined ? `${data.length} bytes for ${width} x ${height} pixels` : `${describe(channels)} channels`,
      wanted: '1 (grey), 3 (RGB) or 4 (RGBA) channels',
    });
  }
  if (data.length !== width * height * channels) {
    throw new ImageError('invalid-image', {
      thing,
      found: `${data.length} bytes of data`,
      wanted: `${width} x ${height} x ${channels} = ${width * height * channels} bytes`,
    });
  }
  return { data, width, height, channels };
}

/** A picture that the host holds: what it is called, and its size once it has one. */
interface Held {
  thing: string;
  width: number;
  height: number;
}

function checkElement(image: ImageElementLike, maxPixels: number): Held {
  const thing = 'img element';
  if (!image.complete) {
    throw new ImageError('invalid-image', {
      thing,
      found: 'an image that is not loaded yet',
      wanted: 'a loaded image',
      next: 'Wait for it: await image.decode().',
    });
  }
  const { naturalWidth: width, naturalHeight: height } = image;
  if (width === 0 || height === 0) {
    throw new ImageError('invalid-image', {
      thing,
      found: 'no picture (it failed to load, or is an SVG without a size)',
      wanted: 'a loaded image',
    });
  }
  checkSize(thing, { width, height }, maxPixels);
  return { thing, width, height };
}

function checkVideo(video: VideoLike, maxPixels: number): Held {
  const thing = 'video element';
  const { videoWidth: width, videoHeight: height } = video;
  // HAVE_CURRENT_DATA
  if (width === 0 || height === 0 || video.readyState < 2) {
    throw new ImageError('invalid-image', {
      thing,
      found: `no picture yet (${width} x ${height}, readyState ${video.readyState})`,
      wanted: 'a video that has its current frame',
      next: 'Wait for its "loadeddata" event.',
    });
  }
  checkSize(thing, { width, height }, maxPixels);
  return { thing, width, height };
}

function checkBitmap(bitmap: ImageBitmapLike, maxPixels: number): Held {
  const thing = 'ImageBitmap';
  const { width, height } = bitmap;
  if (width === 0 || height === 0) {
    throw new ImageError('invalid-image', { thing, found: 'a closed bitmap (0 x 0)', wanted: 'one that is not closed' });
  }
  checkSize(thing, { width, height }, maxPixels);
  return { thing, width, height };
}

function readHeld(source: object, { thing, width, height }: Held): ImageFrame {
  return readThroughCanvas(source, thing, width, height);
}

function readCanvas(canvas: CanvasLike, maxPixels: number): ImageFrame {
  const thing = 'canvas';
  const { width, height } = canvas;
  checkSize(thing, { width, height }, maxPixels);
  // Drawn onto a canvas of our own: the user's may hold another kind of context, or none yet.
  if (hasCanvas()) return readThroughCanvas(canvas, thing, width, height);
  const context = canvas.getContext('2d') as { getImageData?(x: number, y: number, w: number, h: number): PixelsLike } | null;
  if (typeof context?.getImageData !== 'function') {
    throw new ImageError('unsupported-image', { thing, found: 'no 2D context', wanted: 'a canvas with a 2D context' });
  }
  let pixels: PixelsLike;
  try {
    pixels = context.getImageData(0, 0, width, height);
  } catch (cause) {
    throw canvasError(cause, thing);
  }
  return { data: pixels.data, width, height, channels: 4 };
}

function checkVideoFrame(frame: VideoFrameLike, maxPixels: number): Held {
  const thing = 'VideoFrame';
  const { displayWidth: width, displayHeight: height } = frame;
  if (frame.format === null && frame.codedWidth === 0) {
    throw new ImageError('invalid-image', { thing, found: 'a closed frame', wanted: 'one that is not closed' });
  }
  checkSize(thing, { width, height }, maxPixels);
  return { thing, width, height };
}

async function readVideoFrame(frame: VideoFrameLike, maxPixels: number): Promise<ImageFrame> {
  const { thing, width, height } = checkVideoFrame(frame, maxPixels);
  const { format } = frame;
  const more = frame as { visibleRect?: { width: number; height: number } | null; rotation?: number; flip?: boolean };
  const plain = more.visibleRect?.width === width && more.visibleRect.height === height && !more.rotation && !more.flip;
  if (plain && format !== null && /^(RGB|BGR)[AX]$/.test(format)) {
    const data = new Uint8Array(width * height * 4);
    try {
      await frame.copyTo(data);
    } catch (cause) {
      throw canvasError(cause, thing);
    }
    const swap = format.startsWith('B');
    const opaque = format.endsWith('X');
    for (let i = 0; (swap || opaque) && i < data.length; i += 4) {
      if (swap) {
        const blue = data[i]!;
        data[i] = data[i + 2]!;
        data[i + 2] = blue;
      }
      if (opaque) data[i + 3] = 255;
    }
    return { data, width, height, channels: 4 };
  }
  // YUV, turned or scaled frames: the browser's own conversion.
  return readThroughCanvas(frame, thing, width, height);
}
