// Reads image file headers: kind, size, colours, EXIF orientation, whether the file is whole. Decodes no pixel and trusts no length.
import { ImageError } from '../errors.js';
import { checkSize, defaultMaxPixels } from './limits.js';

export type ImageType = 'jpeg' | 'png' | 'webp' | 'gif' | 'avif' | 'heic' | 'tiff' | 'bmp' | 'ico' | 'jxl' | 'psd' | 'svg';

/** EXIF orientation, tag 274: which transform makes the stored pixels upright. 1 is none, 5 to 8 swap width and height. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

export interface ImageHeader {
  type: ImageType;
  /** Size as stored, before orientation; undefined for kinds of which only the type is read (AVIF, HEIC, TIFF, BMP, ICO, JXL, PSD, SVG). */
  size: { width: number; height: number } | undefined;
  /** From EXIF in JPEG and PNG; 1 elsewhere. */
  orientation: Orientation;
  /** Ink colours (CMYK or YCCK): a JPEG of four components. */
  cmyk: boolean;
  /** JPEG of three components that stand for red, green and blue themselves, not for YCbCr (the rule of libjpeg). */
  storedRgb: boolean;
  /** JPEG: sampling factors of every component, horizontal and vertical. */
  sampling: readonly (readonly [number, number])[];
  /** JPEG: where the colour transform of an Adobe segment stands in the file. */
  adobeTransformAt: number | undefined;
  /** JPEG: how the pixels are coded. `baseline` and `progressive` are read everywhere. */
  coding: 'baseline' | 'progressive' | 'arithmetic' | 'lossless' | 'hierarchical' | undefined;
  /** Bits a sample; undefined where it is not read. */
  depth: number | undefined;
}

/** Names of kinds as people write them. */
export const typeNames: Readonly<Record<ImageType, string>> = {
  jpeg: 'JPEG',
  png: 'PNG',
  webp: 'WebP',
  gif: 'GIF',
  avif: 'AVIF',
  heic: 'HEIC',
  tiff: 'TIFF',
  bmp: 'BMP',
  ico: 'ICO',
  jxl: 'JPEG XL',
  psd: 'Photoshop (PSD)',
  svg: 'SVG',
};

/**
 * Reads the header of an image file. JPEG (ITU T.81 with Exif 2.3), PNG (third edition), GIF (89a) and WebP (RFC 9649) give their size.
 * Throws ImageError `invalid-image` for what is no image, is cut off, or has a broken header.
 */
export function sniffImage(bytes: Uint8Array): ImageHeader {
  const type = sniffType(bytes);
  if (type === undefined) {
    throw new ImageError('invalid-image', {
      thing: 'image',
      found: describeBytes(bytes),
      wanted: 'an image file such as JPEG or PNG',
    });
  }
  if (type === 'jpeg') return readJpeg(bytes);
  if (type === 'png') return readPng(bytes);
  const header = emptyHeader(type);
  if (type === 'webp') header.size = readWebpSize(bytes);
  if (type === 'gif') {
    if (bytes.length < 13) throw cutOff('gif', bytes.length);
    header.size = { width: bytes[6]! | (bytes[7]! << 8), height: bytes[8]! | (bytes[9]! << 8) };
  }
  return header;
}

/**
 * Refuses what no host decodes: an empty size, more than `maxPixels` pixels, ink colours, drawings. Returns the header.
 * Throws ImageError `invalid-image`, `image-too-large` or `unsupported-image`.
 */
export function checkHeader(header: ImageHeader, maxPixels: number = defaultMaxPixels): ImageHeader {
  const thing = `${typeNames[header.type]} image`;
  if (header.type === 'svg') {
    throw new ImageError('unsupported-image', {
      thing,
      found: 'a drawing',
      wanted: 'an image made of pixels',
      next: 'Render it to PNG.',
    });
  }
  if (header.size) checkSize(thing, header.size, maxPixels);
  if (header.cmyk) throw inkColours(thing);
  return header;
}

/** The error for CMYK and YCCK images, the same on every host. */
export function inkColours(thing: string): ImageError {
  return new ImageError('unsupported-image', {
    thing,
    found: 'ink colours (CMYK or YCCK)',
    wanted: 'grey, RGB or RGBA',
    next: 'Convert it to RGB with a program that knows its colour profile.',
  });
}

/** What the first bytes look like, for messages: `HTML text ("<!DOCTYPE html>...")`, `a PDF file`, `bytes 00 01 02 ...`. */
export function describeBytes(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'an empty file (0 bytes)';
  for (const [name, magic] of otherFiles) if (startsWith(bytes, magic)) return name;
  if (isoBrand(bytes) !== undefined) return 'a video file (MP4 or QuickTime)';
  const head = bytes.subarray(0, 64);
  if (head.every((byte) => byte >= 0x20 || byte === 9 || byte === 10 || byte === 13)) {
    const text = new TextDecoder()
      .decode(bytes.subarray(0, 256))
      .replace(/^\uFEFF/, '')
      .trim();
    const kind = /^<(!doctype html|html|head|body)/i.test(text)
      ? 'HTML text'
      : text.startsWith('<')
        ? 'XML text'
        : /^[[{]/.test(text)
          ? 'JSON text'
          : text.startsWith('version https://git-lfs')
            ? 'a Git LFS pointer instead of the file'
            : 'text';
    return `${kind} (${JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}...` : text)})`;
  }
  const hex = Array.from(bytes.subarray(0, 12), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return `${bytes.length} bytes of an unknown kind (${hex}${bytes.length > 12 ? ' ...' : ''})`;
}

/** The orientation in an EXIF block (a TIFF structure); 1 where it is absent or broken. Never throws. */
export function exifOrientation(tiff: Uint8Array): Orientation {
  if (tiff.length < 14) return 1;
  const little = tiff[0] === 0x49 && tiff[1] === 0x49;
  if (!little && !(tiff[0] === 0x4d && tiff[1] === 0x4d)) return 1;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  if (view.getUint16(2, little) !== 42) return 1;
  const directory = view.getUint32(4, little);
  if (directory + 2 > tiff.length) return 1;
  const entries = view.getUint16(directory, little);
  for (let i = 0; i < entries; i++) {
    const entry = directory + 2 + 12 * i;
    if (entry + 12 > tiff.length) return 1;
    if (view.getUint16(entry, little) !== 0x0112) continue;
    // SHORT, one value, left-justified in the value field.
    if (view.getUint16(entry + 2, little) !== 3 || view.getUint32(entry + 4, little) !== 1) return 1;
    const value = view.getUint16(entry + 8, little);
    return value >= 1 && value <= 8 ? (value as Orientation) : 1;
  }
  return 1;
}

function emptyHeader(type: ImageType): ImageHeader {
  return {
    type,
    size: undefined,
    orientation: 1,
    cmyk: false,
    storedRgb: false,
    sampling: [],
    adobeTransformAt: undefined,
    coding: undefined,
    depth: undefined,
  };
}

const ascii = (text: string) => Array.from(text, (c) => c.charCodeAt(0));
const pngSignature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Files that people give by mistake. */
const otherFiles: readonly (readonly [string, readonly number[]])[] = [
  ['a PDF file', ascii('%PDF')],
  ['a ZIP file', [0x50, 0x4b, 3, 4]],
  ['a gzip file', [0x1f, 0x8b]],
  ['a WebM or Matroska video', [0x1a, 0x45, 0xdf, 0xa3]],
  ['an AVI or WAV file', ascii('RIFF')],
  ['a WebAssembly module', [0, 0x61, 0x73, 0x6d]],
];

const signatures: readonly (readonly [ImageType, readonly number[]])[] = [
  ['jpeg', [0xff, 0xd8, 0xff]],
  ['png', pngSignature],
  ['gif', ascii('GIF87a')],
  ['gif', ascii('GIF89a')],
  ['tiff', [0x49, 0x49, 42, 0]],
  ['tiff', [0x4d, 0x4d, 0, 42]],
  ['tiff', [0x49, 0x49, 43, 0]],
  ['tiff', [0x4d, 0x4d, 0, 43]],
  ['ico', [0, 0, 1, 0]],
  ['jxl', [0xff, 0x0a]],
  ['jxl', [0, 0, 0, 12, 0x4a, 0x58, 0x4c, 0x20, 0x0d, 0x0a, 0x87, 0x0a]],
  ['psd', ascii('8BPS')],
];

const brands: Readonly<Record<string, ImageType>> = {
  avif: 'avif',
  avis: 'avif',
  heic: 'heic',
  heix: 'heic',
  heim: 'heic',
  heis: 'heic',
  hevc: 'heic',
  hevx: 'heic',
  mif1: 'heic',
  msf1: 'heic',
};

function startsWith(bytes: Uint8Array, magic: readonly number[], at = 0): boolean {
  return bytes.length >= at + magic.length && magic.every((byte, i) => bytes[at + i] === byte);
}

/** Major brand of an ISO base media file (ISO/IEC 14496-12), or undefined for other files. */
function isoBrand(bytes: Uint8Array): string | undefined {
  return startsWith(bytes, ascii('ftyp'), 4) && bytes.length >= 12 ? String.fromCharCode(...bytes.subarray(8, 12)) : undefined;
}

function sniffType(bytes: Uint8Array): ImageType | undefined {
  for (const [type, magic] of signatures) if (startsWith(bytes, magic)) return type;
  if (startsWith(bytes, ascii('RIFF')) && startsWith(bytes, ascii('WEBP'), 8)) return 'webp';
  // "BM" alone is too weak: text may begin so. The reserved fields of the file header are 0.
  if (startsWith(bytes, ascii('BM')) && startsWith(bytes, [0, 0, 0, 0], 6)) return 'bmp';
  const brand = isoBrand(bytes);
  if (brand !== undefined) {
    // A generic major brand may still list avif among the compatible ones.
    if (brands[brand] === 'heic' && new TextDecoder('latin1').decode(bytes.subarray(8, 64)).includes('avif')) return 'avif';
    return brands[brand];
  }
  const text = new TextDecoder('latin1').decode(bytes.subarray(0, 512)).replace(/^\u00ef\u00bb\u00bf/, '');
  if (/^\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!DOCTYPE svg[^>]*>\s*)?<svg[\s>]/s.test(text)) return 'svg';
  return undefined;
}

function cutOff(type: ImageType, length: number): ImageError {
  return new ImageError('invalid-image', {
    thing: `${typeNames[type]} image`,
    found: `${length} bytes that end too early (truncated)`,
    wanted: 'the whole file',
    next: 'Download or copy it again.',
  });
}

function broken(type: ImageType, found: string, wanted: string): ImageError {
  return new ImageError('invalid-image', { thing: `${typeNames[type]} image`, found, wanted });
}

/** Walks the segments of a JPEG file (ITU T.81 annex B) up to EOI, so that a truncated file is known before it is decoded. */
function readJpeg(bytes: Uint8Array): ImageHeader {
  const header = emptyHeader('jpeg');
  let exifSeen = false;
  let jfif = false;
  let adobeTransform: number | undefined;
  let scans = 0;
  let at = 2;
  for (;;) {
    // A marker is 0xff, any number of 0xff, then its code. Inside a scan 0xff00 is data and 0xffd0..d7 restart it.
    at = bytes.indexOf(0xff, at);
    if (at < 0) throw cutOff('jpeg', bytes.length);
    while (bytes[at] === 0xff) at++;
    const code = bytes[at++];
    if (code === undefined) throw cutOff('jpeg', bytes.length);
    if (code === 0 || code === 1 || (code >= 0xd0 && code <= 0xd8)) continue;
    if (code === 0xd9) break;
    if (at + 2 > bytes.length) throw cutOff('jpeg', bytes.length);
    const length = (bytes[at]! << 8) | bytes[at + 1]!;
    const end = at + length;
    if (length < 2) throw broken('jpeg', `a segment 0x${code.toString(16)} of length ${length}`, 'a length of at least 2');
    if (end > bytes.length) throw cutOff('jpeg', bytes.length);
    if (code === 0xe1 && !exifSeen && startsWith(bytes, [0x45, 0x78, 0x69, 0x66, 0, 0], at + 2)) {
      exifSeen = true;
      header.orientation = exifOrientation(bytes.subarray(at + 8, end));
    } else if (code === 0xe0 && startsWith(bytes, [0x4a, 0x46, 0x49, 0x46, 0], at + 2)) {
      jfif = true;
    } else if (code === 0xee && length >= 14 && startsWith(bytes, ascii('Adobe'), at + 2)) {
      header.adobeTransformAt = at + 13;
      adobeTransform = bytes[at + 13];
    } else if (code >= 0xc0 && code <= 0xcf && code !== 0xc4 && code !== 0xc8 && code !== 0xcc) {
      if (length < 8) throw broken('jpeg', `a frame header of ${length} bytes`, 'at least 8');
      if (header.size) throw broken('jpeg', 'two frame headers', 'one');
      header.depth = bytes[at + 2]!;
      header.size = { height: (bytes[at + 3]! << 8) | bytes[at + 4]!, width: (bytes[at + 5]! << 8) | bytes[at + 6]! };
      const components = bytes[at + 7]!;
      if (length < 8 + 3 * components)
        throw broken('jpeg', `a frame header of ${length} bytes`, `${8 + 3 * components} for ${components} components`);
      header.sampling = Array.from(
        { length: components },
        (_, i) => [bytes[at + 9 + 3 * i]! >> 4, bytes[at + 9 + 3 * i]! & 15] as const,
      );
      header.cmyk = components === 4;
      const letters = components === 3 && [0x52, 0x47, 0x42].every((id, i) => bytes[at + 8 + 3 * i] === id);
      header.storedRgb = components === 3 && !jfif && (adobeTransform === undefined ? letters : adobeTransform === 0);
      header.coding = jpegCoding(code);
    } else if (code === 0xda) {
      if (!header.size) throw broken('jpeg', 'pixels before the frame header', 'a frame header first');
      scans++;
    }
    at = end;
  }
  if (!header.size) throw broken('jpeg', 'no frame header', 'a frame header with the size');
  if (scans === 0) throw broken('jpeg', 'a header without pixels', 'at least one scan');
  return header;
}

function jpegCoding(code: number): ImageHeader['coding'] {
  if (code === 0xc3 || code === 0xcb) return 'lossless';
  if (code >= 0xc5 && code !== 0xc9 && code !== 0xca) return 'hierarchical';
  if (code >= 0xc9) return 'arithmetic';
  return code === 0xc2 ? 'progressive' : 'baseline';
}

/** Walks the chunks of a PNG file up to IEND. CRCs are left to the decoder. */
function readPng(bytes: Uint8Array): ImageHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let header: ImageHeader | undefined;
  let data = false;
  for (let at = 8; ;) {
    if (at + 12 > bytes.length) throw cutOff('png', bytes.length);
    const length = view.getUint32(at);
    const name = view.getUint32(at + 4);
    const end = at + 12 + length;
    if (end > bytes.length) throw cutOff('png', bytes.length);
    if (!header) {
      if (name !== 0x49484452 || length !== 13) throw broken('png', 'a first chunk that is not IHDR of 13 bytes', 'IHDR');
      const size = { width: view.getUint32(at + 8), height: view.getUint32(at + 12) };
      header = { ...emptyHeader('png'), size, depth: bytes[at + 16]! };
    } else if (name === 0x49444154) {
      data = true;
    } else if (name === 0x65584966) {
      header.orientation = exifOrientation(bytes.subarray(at + 8, at + 8 + length));
    } else if (name === 0x49454e44) {
      break;
    }
    at = end;
  }
  if (!data) throw broken('png', 'no IDAT chunk', 'pixels');
  return header;
}

/** Size of the canvas of a WebP file: VP8X, VP8L or VP8 header. */
function readWebpSize(bytes: Uint8Array): { width: number; height: number } {
  if (bytes.length < 30) throw cutOff('webp', bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(4, true) + 8 > bytes.length) throw cutOff('webp', bytes.length);
  const kind = String.fromCharCode(...bytes.subarray(12, 16));
  if (kind === 'VP8X') {
    const width = 1 + (view.getUint32(24, true) & 0xffffff);
    const height = 1 + (view.getUint32(26, true) >>> 8);
    return { width, height };
  }
  if (kind === 'VP8L' && bytes[20] === 0x2f) {
    const bits = view.getUint32(21, true);
    return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
  }
  if (kind === 'VP8 ' && startsWith(bytes, [0x9d, 0x01, 0x2a], 23)) {
    return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
  }
  throw broken('webp', `a first chunk ${JSON.stringify(kind)}`, 'VP8, VP8L or VP8X');
}
