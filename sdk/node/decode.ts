// Image files to upright pixels on server hosts: by the optional package `sharp`, or without it by JavaScript (JPEG and PNG only).
import { ImageError } from '../errors.js';
import { orientFrame } from '../image/orient.js';
import { checkSize, defaultMaxPixels } from '../image/limits.js';
import { checkHeader, inkColours, sniffImage, typeNames, type ImageHeader } from '../image/sniff.js';
import type { DecodeOptions } from '../platform-types.js';
import type { ImageFrame } from '../tensor/image-frame.js';
import { environment } from './environment.js';
import { decodeJpeg } from './jpeg.js';
import { decodePng } from './png.js';

type Sharp = typeof import('sharp').default;

/** Kinds that sharp's own builds read and the JavaScript path does not. */
const needsSharp = new Set(['webp', 'gif', 'avif', 'tiff']);

let loaded: Promise<Sharp | undefined> | undefined;
let whyNoSharp: string | undefined;

/** The `sharp` package, or undefined where it cannot be loaded. Asked once. */
export function loadSharp(): Promise<Sharp | undefined> {
  loaded ??= import('sharp')
    .then((module) => module.default)
    .catch((error: unknown) => {
      const missing = ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'].includes(String((error as { code?: unknown } | null)?.code));
      whyNoSharp = missing
        ? 'it is not installed'
        : `it could not be loaded (${String(error instanceof Error ? error.message : error).split('\n')[0]})`;
      return undefined;
    });
  return loaded;
}

/**
 * Turns the bytes of an image file into upright 8-bit RGB or RGBA (straight alpha); grey becomes RGB. Uses `sharp` where it can be loaded,
 * unless the environment variable LABELWEAVE_IMAGE_DECODER is `pure`. Of animations the first picture counts.
 * Throws ImageError `invalid-image`, `image-too-large`, `unsupported-image`, or `signal.reason`.
 */
export async function decodeImage(bytes: Uint8Array, options: DecodeOptions = {}): Promise<ImageFrame> {
  options.signal?.throwIfAborted();
  const sharp = environment('LABELWEAVE_IMAGE_DECODER') === 'pure' ? undefined : await loadSharp();
  const frame = await (sharp ? decodeWithSharp(sharp, bytes, options) : decodePure(bytes, options));
  options.signal?.throwIfAborted();
  return frame;
}

/** Decodes by `sharp` (libvips): every kind it was built with; embedded colour profiles are converted to sRGB. */
export async function decodeWithSharp(sharp: Sharp, bytes: Uint8Array, options: DecodeOptions = {}): Promise<ImageFrame> {
  const maxPixels = options.maxPixels ?? defaultMaxPixels;
  const header = checkHeader(sniffImage(bytes), maxPixels);
  try {
    return await runSharp(sharp, bytes, header, maxPixels, 'warning');
  } catch (error) {
    // Data that stops too early would leave grey pixels. Lesser faults, which some cameras write, are overlooked as in browsers.
    if (error instanceof ImageError || /premature end|truncat|unexpected end/i.test(String(error)))
      throw asImageError(error, header);
  }
  try {
    return await runSharp(sharp, bytes, header, maxPixels, 'error');
  } catch (error) {
    throw asImageError(error, header);
  }
}

async function runSharp(
  sharp: Sharp,
  bytes: Uint8Array,
  header: ImageHeader,
  maxPixels: number,
  failOn: 'warning' | 'error',
): Promise<ImageFrame> {
  const thing = `${typeNames[header.type]} image`;
  const image = sharp(bytes, { failOn, limitInputPixels: false, autoOrient: true });
  const meta = await image.metadata();
  // Kinds whose header is not read by sniffImage.
  checkSize(thing, meta, maxPixels);
  if (meta.space === 'cmyk') throw inkColours(thing);
  const { data, info } = await image.toColourspace('srgb').raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  return widen(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), info.width, info.height, info.channels);
}

/** Decodes JPEG and PNG without native code; colour profiles are ignored. JPEG needs the package `jpeg-js`, loaded at the first use. */
export async function decodePure(bytes: Uint8Array, options: DecodeOptions = {}): Promise<ImageFrame> {
  const header = checkHeader(sniffImage(bytes), options.maxPixels);
  if (header.type === 'png') return orientFrame(await decodePng(bytes), header.orientation);
  if (header.type !== 'jpeg') {
    throw new ImageError('unsupported-image', {
      thing: 'image',
      found: `${typeNames[header.type]}`,
      wanted: 'JPEG or PNG',
      next: needsSharp.has(header.type)
        ? `Installing the package sharp adds ${typeNames[header.type]} (now it is not used: ${whyNoSharp ?? 'the pure decoder was asked for'}).`
        : 'Convert it to JPEG or PNG.',
    });
  }
  try {
    const frame = await decodeJpeg(bytes, header, options.maxPixels ?? defaultMaxPixels);
    return orientFrame(frame, header.orientation);
  } catch (error) {
    throw asImageError(error, header);
  }
}

/** Grey to RGB, grey with alpha to RGBA. */
function widen(data: Uint8Array, width: number, height: number, channels: number): ImageFrame {
  if (channels === 3 || channels === 4) return { data, width, height, channels };
  const wide = channels === 2 ? 4 : 3;
  const out = new Uint8Array(width * height * wide);
  for (let i = 0, from = 0, to = 0; i < width * height; i++, from += channels, to += wide) {
    out[to] = out[to + 1] = out[to + 2] = data[from]!;
    if (wide === 4) out[to + 3] = data[from + 1]!;
  }
  return { data: out, width, height, channels: wide };
}

/** Whatever a decoder throws becomes an ImageError; its own words stay in the message. */
function asImageError(error: unknown, header: ImageHeader): unknown {
  if (error instanceof ImageError) return error;
  const message = String(error instanceof Error ? error.message : error)
    .split('\n')[0]!
    .replace(/\.$/, '');
  const name = typeNames[header.type];
  if (
    /unsupported|not supported|no decoder|Support for this compression format/i.test(message) &&
    header.type !== 'jpeg' &&
    header.type !== 'png'
  ) {
    return new ImageError('unsupported-image', {
      thing: `${name} image`,
      found: `a kind that the installed decoder does not read (${message})`,
      wanted: 'JPEG, PNG, WebP, GIF, AVIF or TIFF',
      next: 'Convert it to JPEG or PNG.',
      cause: error,
    });
  }
  return new ImageError('invalid-image', {
    thing: `${name} image`,
    found: `damaged or truncated data (${message})`,
    wanted: `a whole ${name} file`,
    next: 'Download or copy it again.',
    cause: error,
  });
}
