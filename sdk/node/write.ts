// Writes pictures to files on server hosts: PNG by our own encoder, JPEG by sharp or jpeg-js. Files appear whole or not at all.
import { ArgumentError, describe, ImageError, LoadError } from '../errors.js';
import { checkSize } from '../image/limits.js';
import type { ImageFrame } from '../tensor/image-frame.js';
import { writeWhole } from './byte-store.js';
import { loadSharp } from './decode.js';
import { environment } from './environment.js';
import { encodePng as encode } from './png.js';
import { toPath } from './read-file.js';

function checkFrame(frame: ImageFrame): ImageFrame {
  const { data, width, height, channels } = frame;
  checkSize('picture', frame, Number.POSITIVE_INFINITY);
  if (![1, 3, 4].includes(channels) || data.length !== width * height * channels) {
    throw new ImageError('invalid-image', {
      thing: 'picture',
      found: `${data.length} bytes with ${describe(channels)} channels`,
      wanted: `${width} x ${height} pixels of 1, 3 or 4 bytes`,
    });
  }
  return frame;
}

/** Encodes grey, RGB or RGBA pixels as a PNG file, without loss. `level` is zlib's effort, 0 to 9 (default 6). Throws ImageError. */
export async function encodePng(frame: ImageFrame, options: { level?: number } = {}): Promise<Uint8Array<ArrayBuffer>> {
  const { level } = options;
  if (level !== undefined && !(Number.isInteger(level) && level >= 0 && level <= 9)) {
    throw new ArgumentError({ thing: 'level', found: describe(level), wanted: 'a whole number from 0 to 9' });
  }
  return encode(checkFrame(frame), options);
}

/** Encodes pixels as a JPEG file; alpha is dropped. `quality` is 1 to 100 (default 90). Uses sharp where it is installed, else jpeg-js. */
export async function encodeJpeg(frame: ImageFrame, options: { quality?: number } = {}): Promise<Uint8Array<ArrayBuffer>> {
  const { data, width, height, channels } = checkFrame(frame);
  const quality = options.quality ?? 90;
  if (!(Number.isInteger(quality) && quality >= 1 && quality <= 100)) {
    throw new ArgumentError({ thing: 'quality', found: describe(quality), wanted: 'a whole number from 1 to 100' });
  }
  const sharp = environment('LABELWEAVE_IMAGE_DECODER') === 'pure' ? undefined : await loadSharp();
  if (sharp) {
    const encoded = await sharp(data, { raw: { width, height, channels } }).removeAlpha().jpeg({ quality }).toBuffer();
    return Uint8Array.from(encoded);
  }
  const rgba = new Uint8Array(width * height * 4);
  for (let from = 0, to = 0; to < rgba.length; from += channels, to += 4) {
    for (let c = 0; c < 3; c++) rgba[to + c] = data[channels === 1 ? from : from + c]!;
    rgba[to + 3] = 255;
  }
  const { encode: encodeWithJs } = (await import('jpeg-js')).default;
  return Uint8Array.from(encodeWithJs({ data: rgba, width, height }, quality).data);
}

/** Writes a PNG file. The folder must exist. Throws ImageError, or LoadError `missing-file` where the place cannot be written. */
export async function writePng(path: string | URL, frame: ImageFrame, options: { level?: number } = {}): Promise<void> {
  await writeBytes(path, await encodePng(frame, options));
}

/** Writes a JPEG file. The folder must exist. Throws ImageError, or LoadError `missing-file` where the place cannot be written. */
export async function writeJpeg(path: string | URL, frame: ImageFrame, options: { quality?: number } = {}): Promise<void> {
  await writeBytes(path, await encodeJpeg(frame, options));
}

/** Writes bytes beside their place and renames them, so that no half file is ever seen. Throws LoadError `missing-file`. */
export async function writeBytes(path: string | URL, bytes: Uint8Array): Promise<void> {
  const target = toPath(path);
  try {
    await writeWhole(target, bytes);
  } catch (cause) {
    const code = String((cause as { code?: unknown }).code ?? cause);
    const found = code === 'ENOENT' ? 'no such folder' : `an error (${code})`;
    throw new LoadError('missing-file', {
      thing: `file ${describe(target)}`,
      found,
      wanted: 'a place that can be written',
      cause,
    });
  }
}
