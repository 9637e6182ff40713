// Image decoding on servers: both paths on every kind of file that the test can make, held together and against the pixels that went in.
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import sharp from 'sharp';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { ImageError, LabelweaveError } from '../../sdk/errors.js';
import { decodeImage, decodePure, decodeWithSharp } from '../../sdk/node/decode.js';
import { decodePng, encodePng } from '../../sdk/node/png.js';
import type { ImageFrame } from '../../sdk/tensor/image-frame.js';
import { height, noise, noisy, noisy16, ramp, smooth, width } from '../image/samples.js';

const bySharp = (bytes: Uint8Array, options = {}) => decodeWithSharp(sharp, bytes, options);
const paths = [
  ['sharp', bySharp],
  ['pure', decodePure],
] as const;

/** Absolute, in levels: the two JPEG decoders round their inverse DCT and colour matrix differently (measured: 3). */
const jpegTolerance = 4;

function largestDifference(a: ImageFrame, b: ImageFrame): number {
  expect([a.width, a.height, a.channels]).toEqual([b.width, b.height, b.channels]);
  expect(a.data.length).toBe(b.data.length);
  let largest = 0;
  for (let i = 0; i < a.data.length; i++) largest = Math.max(largest, Math.abs(a.data[i]! - b.data[i]!));
  return largest;
}

async function failure(work: Promise<unknown>): Promise<LabelweaveError> {
  const error: unknown = await work.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(LabelweaveError);
  return error as LabelweaveError;
}

describe('PNG: sharp and the own decoder give the same bytes', () => {
  test.each([
    ['RGB', () => noisy(3).png(), 3],
    ['RGBA', () => noisy(4).png(), 4],
    ['RGBA, interlaced', () => noisy(4).png({ progressive: true }), 4],
    ['RGB, interlaced', () => noisy(3).png({ progressive: true }), 3],
    ['grey becomes RGB', () => noisy(1).toColourspace('b-w').png(), 3],
    ['grey with alpha becomes RGBA', () => noisy(2).toColourspace('b-w').png(), 4],
    ['16 bit RGB', () => noisy16(3).png(), 3],
    ['16 bit RGBA', () => noisy16(4).png(), 4],
    ['16 bit grey', () => noisy16(1).png(), 3],
    ['palette with alpha', () => noisy(4).png({ palette: true, colours: 200 }), 4],
    ['palette of 16, 4 bits', () => noisy(3).png({ palette: true, colours: 16 }), 3],
    ['palette of 4, 2 bits, interlaced', () => noisy(3).png({ palette: true, colours: 4, progressive: true }), 3],
    ['palette of 2, 1 bit', () => noisy(3).png({ palette: true, colours: 2 }), 3],
  ] as const)('%s', async (_, make, channels) => {
    const bytes = await make().toBuffer();
    const pure = await decodePure(bytes);
    expect(pure).toMatchObject({ width, height, channels });
    expect(largestDifference(pure, await bySharp(bytes))).toBe(0);
  });

  test.each([1, 2, 4, 8, 16])(
    'grey of %i bits with a transparent colour: grey is scaled to 0..255, the colour gets alpha 0',
    async (depth) => {
      const columns = 13;
      const maximum = 2 ** depth - 1;
      const samples = Array.from({ length: columns }, (_, x) => Math.round((maximum * x) / (columns - 1)));
      const row = new Uint8Array(Math.ceil((columns * depth) / 8));
      samples.forEach((value, x) => {
        for (let bit = 0; bit < depth; bit++) {
          const at = x * depth + bit;
          row[at >> 3]! |= ((value >> (depth - 1 - bit)) & 1) << (7 - (at & 7));
        }
      });
      const key = samples[4]!;
      const bytes = makePng({ columns, rows: 1, depth, colour: 0, raw: [0, ...row], before: [['tRNS', [key >> 8, key & 255]]] });
      const frame = await decodePng(bytes);
      const expected = samples.flatMap((value) => {
        const grey = depth === 16 ? value >> 8 : (value * 255) / maximum;
        return [grey, grey, grey, value === key ? 0 : 255];
      });
      expect(Array.from(frame.data)).toEqual(expected);
      expect(largestDifference(frame, await bySharp(bytes))).toBe(0);
    },
  );

  test('RGB with a transparent colour', async () => {
    const raw = [0, 1, 2, 3, 4, 5, 6, 1, 2, 3];
    const bytes = makePng({ columns: 3, rows: 1, depth: 8, colour: 2, raw, before: [['tRNS', [0, 4, 0, 5, 0, 6]]] });
    const frame = await decodePng(bytes);
    expect(Array.from(frame.data)).toEqual([1, 2, 3, 255, 4, 5, 6, 0, 1, 2, 3, 255]);
    expect(largestDifference(frame, await bySharp(bytes))).toBe(0);
  });

  test('every row filter', async () => {
    const columns = 9;
    const rows = 10;
    const raw = noise((1 + 3 * columns) * rows, 7);
    for (let y = 0; y < rows; y++) raw[y * (1 + 3 * columns)] = y % 5;
    const bytes = makePng({ columns, rows, depth: 8, colour: 2, raw });
    expect(largestDifference(await decodePng(bytes), await bySharp(bytes))).toBe(0);
  });

  test.each([1, 3, 4] as const)('encodePng with %i channels comes back the same, by both decoders', async (channels) => {
    const frame: ImageFrame = { data: noise(width * height * channels, 3), width, height, channels };
    const bytes = await encodePng(frame);
    const wide =
      channels === 1 ? Uint8Array.from({ length: width * height * 3 }, (_, i) => frame.data[Math.floor(i / 3)]!) : frame.data;
    const expected: ImageFrame = { data: wide, width, height, channels: channels === 4 ? 4 : 3 };
    expect(largestDifference(await decodePure(bytes), expected)).toBe(0);
    expect(largestDifference(await bySharp(bytes), expected)).toBe(0);
  });
});

describe('JPEG: sharp and jpeg-js agree within the tolerance', () => {
  test.each([
    ['4:4:4', () => smooth().jpeg({ chromaSubsampling: '4:4:4', quality: 95 }), jpegTolerance],
    ['4:2:0', () => smooth().jpeg({ quality: 90 }), jpegTolerance],
    ['progressive', () => smooth().jpeg({ progressive: true, quality: 90, chromaSubsampling: '4:4:4' }), jpegTolerance],
    ['optimised scans', () => smooth().jpeg({ mozjpeg: true, chromaSubsampling: '4:4:4' }), jpegTolerance],
    ['grey becomes RGB', () => smooth(1).toColourspace('b-w').jpeg(), jpegTolerance],
  ] as const)('%s', async (_, make, tolerance) => {
    const bytes = await make().toBuffer();
    const pure = await decodePure(bytes);
    expect(pure).toMatchObject({ width, height, channels: 3 });
    expect(largestDifference(pure, await bySharp(bytes))).toBeLessThanOrEqual(tolerance);
  });

  test.each([
    [1, 1],
    [2, 1],
    [1, 2],
    [2, 2],
  ])('chroma halved by %i x %i is smoothed like in libjpeg, also at odd sizes', async (h, v) => {
    for (const [columns, rows] of [
      [64, 48],
      [33, 17],
      [7, 5],
      [1, 1],
    ] as const) {
      const bytes = makeFlatBlockJpeg(columns, rows, h, v);
      const pure = await decodePure(bytes);
      expect(pure).toMatchObject({ width: columns, height: rows });
      expect(largestDifference(pure, await bySharp(bytes))).toBeLessThanOrEqual(jpegTolerance);
    }
  });

  test('samples that are RGB already (Adobe transform 0) are not converted', async () => {
    const jpeg = await smooth().jpeg({ chromaSubsampling: '4:4:4', quality: 95 }).toBuffer();
    // A JFIF header would say YCbCr; sharp writes none.
    expect(jpeg.includes('JFIF')).toBe(false);
    const adobe = [0xff, 0xee, 0, 14, ...Buffer.from('Adobe'), 0, 100, 0, 0, 0, 0, 0];
    const bytes = Buffer.concat([jpeg.subarray(0, 2), Buffer.from(adobe), jpeg.subarray(2)]);
    const pure = await decodePure(bytes);
    expect(largestDifference(pure, await bySharp(bytes))).toBeLessThanOrEqual(jpegTolerance);
    expect(largestDifference(pure, await decodePure(jpeg))).toBeGreaterThan(50);
  });
});

describe('EXIF orientation', () => {
  /** Where the corner that was top left, and the one that was top right, stand in the upright picture. */
  const table = [
    [1, 'as it is'],
    [2, 'mirrored'],
    [3, 'half a turn'],
    [4, 'upside down mirrored'],
    [5, 'transposed'],
    [6, 'a quarter turn clockwise'],
    [7, 'transposed over the other diagonal'],
    [8, 'a quarter turn anticlockwise'],
  ] as const;
  test.each(table)('%i (%s): JPEG and PNG, both paths, as sharp turns the raw pixels', async (orientation) => {
    const quarterTurns = [0, 0, 0, 2, 0, 1, 1, 3, 3][orientation]!;
    const mirrored = { 2: 'flop', 4: 'flip', 5: 'flop', 7: 'flop' }[orientation as number] as 'flop' | 'flip' | undefined;
    // Two steps: in one pipeline sharp has an order of its own.
    const turned = await smooth()
      .rotate(90 * quarterTurns)
      .png()
      .toBuffer();
    const upright = sharp(turned);
    const { data, info } = await (mirrored ? upright[mirrored]() : upright).raw().toBuffer({ resolveWithObject: true });
    const expected: ImageFrame = { data: new Uint8Array(data), width: info.width, height: info.height, channels: 3 };
    const png = await smooth().png().withMetadata({ orientation }).toBuffer();
    const jpeg = await smooth().jpeg({ chromaSubsampling: '4:4:4', quality: 98 }).withMetadata({ orientation }).toBuffer();
    for (const [, decode] of paths) {
      expect(largestDifference(await decode(png), expected)).toBe(0);
      expect(largestDifference(await decode(jpeg), expected)).toBeLessThanOrEqual(jpegTolerance);
    }
  });
});

describe.each(paths)('refusals of %s', (name, decode) => {
  test.each([['JPEG', () => noisy(3).toColourspace('cmyk').jpeg().toBuffer()]])(
    'CMYK %s is unsupported, in the same words on both paths',
    async (_, make) => {
      const error = await failure(decode(await make()));
      expect(error.code).toBe('unsupported-image');
      expect(error.message).toBe(
        'JPEG image: found ink colours (CMYK or YCCK); wanted grey, RGB or RGBA. Convert it to RGB with a program that knows its colour profile.',
      );
    },
  );

  test('every cut of a JPEG is refused: no half grey picture', async () => {
    const bytes = await noisy(3).jpeg().toBuffer();
    for (let length = 0; length < bytes.length; length += length < 700 ? 37 : 61) {
      expect((await failure(decode(bytes.subarray(0, length)))).code).toBe('invalid-image');
    }
    expect((await failure(decode(bytes.subarray(0, bytes.length - 2)))).message).toContain('truncated');
  });

  test('a JPEG with a hole in the middle is refused', async () => {
    const bytes = await noisy(3).jpeg().toBuffer();
    const holed = Buffer.concat([bytes.subarray(0, bytes.length - 400), bytes.subarray(bytes.length - 2)]);
    expect((await failure(decode(holed))).code).toBe('invalid-image');
  });

  test('every cut of a PNG is refused', async () => {
    const bytes = await noisy(3).png().toBuffer();
    for (let length = 0; length < bytes.length; length += 97) {
      expect((await failure(decode(bytes.subarray(0, length)))).code).toBe('invalid-image');
    }
  });

  test.each([
    ['PNG', () => makePng({ columns: 30000, rows: 30000, depth: 8, colour: 2, raw: [0] })],
    ['JPEG', async () => patchJpegSize(await noisy(3).jpeg().toBuffer(), 30000, 30000)],
  ])('a %s of 30000 x 30000 is refused by its header, with both numbers', async (_, make) => {
    const bytes = await make();
    const before = performance.now();
    const error = await failure(decode(bytes));
    expect(error.code).toBe('image-too-large');
    expect(error.message).toContain('30000 x 30000 = 900000000 pixels');
    expect(error.message).toContain('67108864');
    // Far less than decoding would take, far more than reading a header takes.
    expect(performance.now() - before).toBeLessThan(2000);
  });

  test('maxPixels is the most that passes', async () => {
    const bytes = await noisy(3).png().toBuffer();
    expect(await decode(bytes, { maxPixels: width * height })).toMatchObject({ width, height });
    expect((await failure(decode(bytes, { maxPixels: width * height - 1 }))).code).toBe('image-too-large');
  });

  test.each([
    ['PNG', () => makePng({ columns: 0, rows: 0, depth: 8, colour: 2, raw: [] })],
    ['JPEG', async () => patchJpegSize(await noisy(3).jpeg().toBuffer(), 0, 0)],
  ])('a %s of 0 x 0 is invalid', async (_, make) => {
    const error = await failure(decode(await make()));
    expect(error.code).toBe('invalid-image');
    expect(error.message).toContain('0 x 0');
  });

  test.each([
    ['HTML', '<!DOCTYPE html><html></html>', 'HTML text'],
    ['JSON', '{"error": "not found"}', 'JSON text'],
    ['text', 'Not Found', 'text ("Not Found")'],
    ['PDF', '%PDF-1.7', 'a PDF file'],
    ['nothing', '', 'an empty file'],
    ['LFS pointer', 'version https://git-lfs.github.com/spec/v1\n', 'Git LFS'],
    ['binary', '\u0001\u0002\u0003', '01 02 03'],
  ])('%s is no image, and the message says what it is', async (_, text, words) => {
    const error = await failure(decode(Buffer.from(text, 'latin1')));
    expect(error.code).toBe('invalid-image');
    expect(error.message).toContain(words);
  });

  test('an SVG is a drawing', async () => {
    const error = await failure(decode(Buffer.from('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>')));
    expect(error.code).toBe('unsupported-image');
  });

  test('an abort before the start rejects with its reason', async () => {
    const reason = new Error('stop');
    await expect(decodeImage(new Uint8Array(0), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test('truncations and flipped bits give a whole picture or an ImageError, nothing else', { timeout: 60_000 }, async () => {
    const files = await Promise.all([
      noisy(3).jpeg().toBuffer(),
      smooth().jpeg({ progressive: true }).withMetadata({ orientation: 6 }).toBuffer(),
      noisy(4).png({ progressive: true }).toBuffer(),
      noisy(3).png({ palette: true, colours: 16 }).withMetadata({ orientation: 5 }).toBuffer(),
      noisy16(3).png().toBuffer(),
      ...(name === 'sharp' ? [noisy(3).webp().toBuffer(), noisy(3).gif().toBuffer()] : []),
    ]);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(files.length - 1),
        fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), fc.nat(7)), { maxLength: 6 }),
        fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { freq: 4 }),
        async (which, flips, cut) => {
          const bytes = Uint8Array.from(files[which]!);
          for (const [at, bit] of flips) bytes[Math.floor(at * bytes.length)]! ^= 1 << bit;
          const input = cut === null ? bytes : bytes.subarray(0, Math.floor(cut * bytes.length));
          try {
            const frame = await decode(input, { maxPixels: 1e6 });
            expect(frame.data.length).toBe(frame.width * frame.height * frame.channels);
          } catch (error) {
            if (!(error instanceof ImageError)) throw error;
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('refusals of the own PNG decoder', () => {
  test.each([
    [
      'a flipped bit in the pixels',
      () => flip(makePng({ columns: 2, rows: 1, depth: 8, colour: 0, raw: [0, 1, 2] }), 43),
      'checksum',
    ],
    ['pixels missing', () => makePng({ columns: 2, rows: 2, depth: 8, colour: 0, raw: [0, 1, 2] }), '3 bytes of pixel data'],
    ['row filter 5', () => makePng({ columns: 2, rows: 1, depth: 8, colour: 0, raw: [5, 1, 2] }), 'row filter 5'],
    ['colour type 5', () => makePng({ columns: 2, rows: 1, depth: 8, colour: 5, raw: [0, 1, 2] }), 'colour type 5'],
    ['3 bits', () => makePng({ columns: 2, rows: 1, depth: 3, colour: 0, raw: [0, 1] }), '3 bits'],
    [
      'indexed without a palette',
      () => makePng({ columns: 2, rows: 1, depth: 8, colour: 3, raw: [0, 1, 2] }),
      'without a palette',
    ],
    [
      'an index beyond the palette',
      () => makePng({ columns: 2, rows: 1, depth: 8, colour: 3, raw: [0, 0, 2], before: [['PLTE', [1, 2, 3, 4, 5, 6]]] }),
      'palette index 2',
    ],
    [
      'a palette of 4 bytes',
      () => makePng({ columns: 1, rows: 1, depth: 8, colour: 3, raw: [0, 0], before: [['PLTE', [1, 2, 3, 4]]] }),
      '4 bytes',
    ],
    [
      'an unknown critical chunk',
      () => makePng({ columns: 1, rows: 1, depth: 8, colour: 0, raw: [0, 0], before: [['QQQQ', []]] }),
      'QQQQ',
    ],
    [
      'a bomb: 64 MiB behind a header of 1 x 1',
      () => makePng({ columns: 1, rows: 1, depth: 8, colour: 0, raw: new Uint8Array(1 << 26) }),
      'damaged pixel data',
    ],
  ])('%s', async (_, make, words) => {
    const error = await failure(decodePure(make()));
    expect(error.code).toBe('invalid-image');
    expect(error.message).toContain(words);
  });
});

describe('kinds beyond JPEG and PNG', () => {
  const kinds = [
    ['WebP', () => noisy(3).webp({ lossless: true }).toBuffer(), 3],
    ['WebP with alpha', () => smooth(4).webp({ lossless: true }).toBuffer(), 4],
    ['GIF', () => noisy(3).gif().toBuffer(), 3],
    ['AVIF', () => smooth().avif().toBuffer(), 3],
    ['TIFF', () => smooth().tiff().toBuffer(), 3],
  ] as const;
  test.each(kinds)('%s: sharp reads it; the pure path names it and says what adds it', async (name, make, channels) => {
    const bytes = await make();
    expect(await bySharp(bytes)).toMatchObject({ width, height, channels });
    const error = await failure(decodePure(bytes));
    expect(error.code).toBe('unsupported-image');
    expect(error.message).toContain(name.split(' ')[0]);
    expect(error.message).toContain('Installing the package sharp adds');
  });

  test('size limits hold where only sharp knows the size', async () => {
    expect((await failure(bySharp(await smooth().tiff().toBuffer(), { maxPixels: 10 }))).code).toBe('image-too-large');
  });

  test('CMYK TIFF is refused like CMYK JPEG', async () => {
    const error = await failure(bySharp(await noisy(3).toColourspace('cmyk').tiff().toBuffer()));
    expect(error.message).toContain('ink colours (CMYK or YCCK)');
  });
});

describe('which path is taken', () => {
  afterEach(() => vi.unstubAllEnvs());
  test('sharp where it is installed; LABELWEAVE_IMAGE_DECODER=pure forces the other', async () => {
    const webp = await noisy(3).webp().toBuffer();
    expect(await decodeImage(webp)).toMatchObject({ width, height });
    vi.stubEnv('LABELWEAVE_IMAGE_DECODER', 'pure');
    expect((await failure(decodeImage(webp))).code).toBe('unsupported-image');
    const frame = ramp();
    expect(largestDifference(await decodeImage(await encodePng(frame)), frame)).toBe(0);
  });
});

describe('without sharp', () => {
  afterEach(() => {
    vi.doUnmock('sharp');
    vi.resetModules();
  });
  test.each([
    ['not installed', Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' }), 'it is not installed'],
    ['broken', new Error('libvips-cpp.so: no such file'), 'it could not be loaded'],
  ])('%s: JPEG and PNG are decoded all the same, and messages say why there is no more', async (_, problem, words) => {
    vi.resetModules();
    vi.doMock('sharp', () => ({
      get default() {
        throw problem;
      },
    }));
    const fresh = await import('../../sdk/node/decode.js');
    const jpeg = await smooth().jpeg({ chromaSubsampling: '4:4:4' }).toBuffer();
    expect(await fresh.decodeImage(jpeg)).toEqual(await decodePure(jpeg));
    const error: unknown = await fresh.decodeImage(await noisy(3).webp().toBuffer()).catch((e: unknown) => e);
    expect(error).toMatchObject({ name: 'ImageError', code: 'unsupported-image' });
    expect(String(error)).toContain('WebP');
    expect(String(error)).toContain('Installing the package sharp adds');
    expect(String(error)).toContain(words);
  });
});

interface PngParts {
  columns: number;
  rows: number;
  depth: number;
  colour: number;
  /** Filter bytes and samples, before compression. */
  raw: ArrayLike<number>;
  before?: [string, number[]][];
}

/** Writes a PNG by hand, good or bad. */
function makePng({ columns, rows, depth, colour, raw, before = [] }: PngParts): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(columns, 0);
  header.writeUInt32BE(rows, 4);
  header.set([depth, colour, 0, 0, 0], 8);
  const chunks: [string, Uint8Array][] = [
    ['IHDR', header],
    ...before.map(([name, body]): [string, Uint8Array] => [name, Uint8Array.from(body)]),
    ['IDAT', deflateSync(Uint8Array.from(raw))],
    ['IEND', new Uint8Array(0)],
  ];
  const parts = chunks.map(([name, body]) => {
    const named = Buffer.concat([Buffer.from(name, 'latin1'), body]);
    const out = Buffer.alloc(named.length + 8);
    out.writeUInt32BE(body.length, 0);
    out.set(named, 4);
    out.writeUInt32BE(crc(named), named.length + 4);
    return out;
  });
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), ...parts]);
}

/** Writes a baseline JPEG of flat blocks: grey luma, random chroma a block; luma has `h` x `v` blocks for one of chroma (ITU T.81). */
function makeFlatBlockJpeg(columns: number, rows: number, h: number, v: number): Uint8Array {
  const segment = (code: number, body: readonly number[]) => [
    0xff,
    code,
    (body.length + 2) >> 8,
    (body.length + 2) & 255,
    ...body,
  ];
  const lengths = (length: number, count: number) => Array.from({ length: 16 }, (_, i) => (i + 1 === length ? count : 0));
  let bits = '';
  const levels = noise(4096, columns * 100 + h * 10 + v);
  let next = 0;
  const last = [0, 0, 0];
  const block = (component: number) => {
    // A flat block's DC coefficient is 8 times its level; the quantiser is 8.
    const level = component === 0 ? 0 : (levels[next++]! >> 1) - 64;
    const difference = level - last[component]!;
    last[component] = level;
    const size = difference === 0 ? 0 : Math.floor(Math.log2(Math.abs(difference))) + 1;
    const value = difference < 0 ? difference + 2 ** size - 1 : difference;
    // DC sizes 0 to 11 have codes of four bits; the only AC code is 0, the end of the block.
    bits += size.toString(2).padStart(4, '0') + (size ? value.toString(2).padStart(size, '0') : '') + '0';
  };
  const units = Math.ceil(columns / (8 * h)) * Math.ceil(rows / (8 * v));
  for (let unit = 0; unit < units; unit++) {
    for (let i = 0; i < h * v; i++) block(0);
    block(1);
    block(2);
  }
  bits = bits.padEnd(Math.ceil(bits.length / 8) * 8, '1');
  const scan = (bits.match(/.{8}/g) ?? []).flatMap((byte) => (byte === '11111111' ? [255, 0] : [Number.parseInt(byte, 2)]));
  return Uint8Array.from([
    0xff,
    0xd8,
    ...segment(0xdb, [0, ...Array.from({ length: 64 }, () => 8)]),
    ...segment(0xc0, [8, rows >> 8, rows & 255, columns >> 8, columns & 255, 3, 1, (h << 4) | v, 0, 2, 0x11, 0, 3, 0x11, 0]),
    ...segment(0xc4, [0x00, ...lengths(4, 12), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
    ...segment(0xc4, [0x10, ...lengths(1, 1), 0]),
    ...segment(0xda, [3, 1, 0, 2, 0, 3, 0, 0, 63, 0]),
    ...scan,
    0xff,
    0xd9,
  ]);
}

/** CRC-32, bit by bit. */
function crc(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let k = 0; k < 8; k++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return ~value >>> 0;
}

function flip(bytes: Uint8Array, at: number): Uint8Array {
  const out = Uint8Array.from(bytes);
  out[at]! ^= 4;
  return out;
}

function patchJpegSize(bytes: Uint8Array, columns: number, rows: number): Uint8Array {
  const out = Buffer.from(bytes);
  const frame = out.indexOf(Buffer.from([0xff, 0xc0]));
  out.writeUInt16BE(rows, frame + 5);
  out.writeUInt16BE(columns, frame + 7);
  return out;
}
