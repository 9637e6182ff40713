// Header reading: kinds, sizes, orientation, truncation; and that nothing but ImageErrors comes out of it.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ImageError } from '../../sdk/errors.js';
import { checkSize } from '../../sdk/image/limits.js';
import { checkHeader, describeBytes, exifOrientation, sniffImage } from '../../sdk/image/sniff.js';
import { height, noisy, smooth, width } from './samples.js';

const size = { width, height };
const bytesOf = (...parts: (string | readonly number[])[]) =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? Array.from(part, (c) => c.charCodeAt(0)) : part)));

describe('kinds and sizes', () => {
  test.each([
    ['baseline JPEG', () => noisy(3).jpeg(), { type: 'jpeg', size, coding: 'baseline', depth: 8, cmyk: false }],
    ['progressive JPEG', () => noisy(3).jpeg({ progressive: true }), { type: 'jpeg', size, coding: 'progressive' }],
    ['CMYK JPEG', () => noisy(3).toColourspace('cmyk').jpeg(), { type: 'jpeg', size, cmyk: true }],
    ['JPEG, orientation 8: size as stored', () => noisy(3).jpeg().withMetadata({ orientation: 8 }), { size, orientation: 8 }],
    ['PNG', () => noisy(4).png(), { type: 'png', size, depth: 8, orientation: 1 }],
    ['PNG, orientation 3', () => noisy(4).png().withMetadata({ orientation: 3 }), { type: 'png', orientation: 3 }],
    ['GIF', () => noisy(3).gif(), { type: 'gif', size }],
    ['lossy WebP', () => smooth(3).webp(), { type: 'webp', size }],
    ['lossless WebP', () => noisy(3).webp({ lossless: true }), { type: 'webp', size }],
    ['extended WebP (alpha)', () => smooth(4).webp(), { type: 'webp', size }],
    ['AVIF: kind only', () => smooth(3).avif(), { type: 'avif', size: undefined }],
    ['TIFF: kind only', () => smooth(3).tiff(), { type: 'tiff', size: undefined }],
  ] as const)('%s', async (_, make, expected) => {
    const bytes = await make().toBuffer();
    expect(sniffImage(bytes)).toMatchObject(expected);
    // A view in the middle of a larger buffer reads the same.
    const shifted = new Uint8Array(bytes.length + 9).subarray(5, 5 + bytes.length);
    shifted.set(bytes);
    expect(sniffImage(shifted)).toEqual(sniffImage(bytes));
  });

  test.each([
    ['HEIC', bytesOf([0, 0, 0, 24], 'ftypheic', [0, 0, 0, 0], 'mif1heic'), 'heic'],
    ['AVIF behind a generic brand', bytesOf([0, 0, 0, 28], 'ftypmif1', [0, 0, 0, 0], 'mif1avifmiaf'), 'avif'],
    ['BMP', bytesOf('BM', [70, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0]), 'bmp'],
    ['ICO', bytesOf([0, 0, 1, 0, 1, 0]), 'ico'],
    ['JPEG XL', bytesOf([0xff, 0x0a, 1]), 'jxl'],
    ['PSD', bytesOf('8BPS', [0, 1]), 'psd'],
    ['SVG behind a comment', bytesOf('<?xml version="1.0"?>\n<!-- x --><svg width="1"/>'), 'svg'],
  ])('%s', (_, bytes, type) => {
    expect(sniffImage(bytes).type).toBe(type);
  });
});

describe('no images', () => {
  test.each([
    ['HTML in capitals', bytesOf('  <HTML><BODY>'), 'HTML text'],
    ['XML', bytesOf('<Error><Code>AccessDenied</Code>'), 'XML text'],
    ['a JSON list', bytesOf('[1, 2]'), 'JSON text'],
    ['text that begins like a bitmap', bytesOf('BMW is a car and not an image'), 'text ("BMW'],
    ['a ZIP file', bytesOf('PK', [3, 4, 0, 0]), 'a ZIP file'],
    ['a video', bytesOf([0, 0, 0, 24], 'ftypisom', [0, 0, 2, 0]), 'a video file'],
    ['a WAV file', bytesOf('RIFF', [9, 0, 0, 0], 'WAVEfmt '), 'AVI or WAV'],
    ['zeros', new Uint8Array(64), '64 bytes of an unknown kind (00 00'],
  ])('%s', (_, bytes, words) => {
    expect(() => sniffImage(bytes)).toThrow(ImageError);
    expect(() => sniffImage(bytes)).toThrow(words);
    expect(describeBytes(bytes)).toContain(words);
  });
});

describe('limits', () => {
  test.each([
    [1, 1, 1, undefined],
    [0, 5, 100, 'invalid-image'],
    [5, 0, 100, 'invalid-image'],
    [Number.NaN, 5, 100, 'invalid-image'],
    [10, 10, 100, undefined],
    [101, 1, 100, 'image-too-large'],
  ])('%d x %d against %d pixels: %s', (w, h, maxPixels, code) => {
    const check = () => checkSize('image', { width: w, height: h }, maxPixels);
    if (code) expect(check).toThrow(expect.objectContaining({ code }) as Error);
    else expect(check).not.toThrow();
  });

  test('a header that passes comes back', async () => {
    const header = sniffImage(await noisy(3).png().toBuffer());
    expect(checkHeader(header)).toBe(header);
  });
});

describe('EXIF orientation', () => {
  /** A TIFF structure with one entry. */
  function exif(little: boolean, value: number, { tag = 0x0112, type = 3, count = 1, offset = 8, entries = 1 } = {}): Uint8Array {
    const bytes = new Uint8Array(26);
    const view = new DataView(bytes.buffer);
    bytes.set(little ? [0x49, 0x49] : [0x4d, 0x4d]);
    view.setUint16(2, 42, little);
    view.setUint32(4, offset, little);
    view.setUint16(8, entries, little);
    view.setUint16(10, tag, little);
    view.setUint16(12, type, little);
    view.setUint32(14, count, little);
    view.setUint16(18, value, little);
    return bytes;
  }
  test.each([
    ['little-endian', exif(true, 6), 6],
    ['big-endian', exif(false, 8), 8],
    ['value 0', exif(true, 0), 1],
    ['value 9', exif(true, 9), 1],
    ['another tag', exif(true, 6, { tag: 0x0111 }), 1],
    ['another type', exif(true, 6, { type: 4 }), 1],
    ['two values', exif(true, 6, { count: 2 }), 1],
    ['a directory beyond the end', exif(true, 6, { offset: 4_000_000_000 }), 1],
    ['more entries than bytes', exif(true, 6, { tag: 1, entries: 65535 }), 1],
    ['nothing', new Uint8Array(0), 1],
    ['cut off', exif(true, 6).subarray(0, 20), 1],
  ])('%s', (_, bytes, expected) => {
    expect(exifOrientation(bytes)).toBe(expected);
  });

  test('any bytes give 1 to 8', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (bytes, little) => {
        const block = Uint8Array.from([...(little ? [0x49, 0x49, 42, 0] : [0x4d, 0x4d, 0, 42]), ...bytes]);
        expect(exifOrientation(block)).toBeGreaterThanOrEqual(1);
        expect(exifOrientation(block)).toBeLessThanOrEqual(8);
      }),
    );
  });
});

test('any bytes behind any signature give a header or an ImageError', () => {
  const signatures = [
    [],
    [0xff, 0xd8, 0xff],
    [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
    [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52],
    Array.from(bytesOf('GIF89a')),
    Array.from(bytesOf('RIFF', [0, 0, 0, 0], 'WEBP')),
    Array.from(bytesOf('RIFF', [4, 0, 0, 0], 'WEBPVP8X')),
    Array.from(bytesOf([0, 0, 0, 24], 'ftypheic')),
    Array.from(bytesOf('<svg')),
  ];
  fc.assert(
    fc.property(fc.constantFrom(...signatures), fc.uint8Array({ maxLength: 200 }), (signature, rest) => {
      try {
        expect(sniffImage(Uint8Array.from([...signature, ...rest])).type).toBeTypeOf('string');
      } catch (error) {
        if (!(error instanceof ImageError)) throw error;
      }
    }),
    { numRuns: 2000 },
  );
});
