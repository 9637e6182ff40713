// PNG to pixels and back on server hosts, with the host's own zlib (PNG third edition). Ignores colour profiles and animation.
import zlib from 'node:zlib';
import { promisify } from 'node:util';
import { ImageError } from '../errors.js';
import { joinBytes } from '../tensor/bytes.js';
import type { ImageFrame } from '../tensor/image-frame.js';

const inflate = promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.inflate);
const deflate = promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.deflate);

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const chunkName = { header: 0x49484452, palette: 0x504c5445, data: 0x49444154, end: 0x49454e44, transparency: 0x74524e53 };

/** Bytes of inflated data beyond the pixels that are tolerated; some writers pad. */
const slack = 1 << 16;

/** Colour types (PNG 11.2.1): samples a pixel and allowed bit depths. */
const colourTypes: Readonly<Record<number, { samples: number; depths: readonly number[] }>> = {
  0: { samples: 1, depths: [1, 2, 4, 8, 16] },
  2: { samples: 3, depths: [8, 16] },
  3: { samples: 1, depths: [1, 2, 4, 8] },
  4: { samples: 2, depths: [8, 16] },
  6: { samples: 4, depths: [8, 16] },
};

/** Adam7 (PNG 8.1): start and step of every pass. */
const adam7 = [
  { x: 0, y: 0, dx: 8, dy: 8 },
  { x: 4, y: 0, dx: 8, dy: 8 },
  { x: 0, y: 4, dx: 4, dy: 8 },
  { x: 2, y: 0, dx: 4, dy: 4 },
  { x: 0, y: 2, dx: 2, dy: 4 },
  { x: 1, y: 0, dx: 2, dy: 2 },
  { x: 0, y: 1, dx: 1, dy: 2 },
];
const onePass = [{ x: 0, y: 0, dx: 1, dy: 1 }];

function broken(found: string, wanted: string, cause?: unknown): ImageError {
  return new ImageError('invalid-image', { thing: 'PNG image', found, wanted, next: 'Download or copy it again.', cause });
}

/**
 * Decodes a PNG file to RGB, or to RGBA where it has alpha or a transparent colour. Grey is repeated, 16 bits keep their upper 8.
 * The caller has checked the size by the header. Throws ImageError `invalid-image`.
 */
export async function decodePng(bytes: Uint8Array): Promise<ImageFrame> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let info: { width: number; height: number; depth: number; colour: number; interlaced: boolean } | undefined;
  let palette: Uint8Array | undefined;
  let transparency: Uint8Array | undefined;
  const parts: Uint8Array[] = [];
  for (let at = 8, ended = false; !ended;) {
    if (at + 12 > bytes.length) throw broken(`${bytes.length} bytes that end too early (truncated)`, 'the whole file');
    const length = view.getUint32(at);
    const name = view.getUint32(at + 4);
    if (at + 12 + length > bytes.length) throw broken(`${bytes.length} bytes that end too early (truncated)`, 'the whole file');
    const body = bytes.subarray(at + 8, at + 8 + length);
    const critical = (name & 0x20000000) === 0;
    if (
      (critical || name === chunkName.transparency) &&
      crc32(bytes.subarray(at + 4, at + 8 + length)) !== view.getUint32(at + 8 + length)
    ) {
      throw broken(`a wrong checksum in chunk ${String.fromCharCode(...bytes.subarray(at + 4, at + 8))}`, 'undamaged data');
    }
    if (name === chunkName.header) {
      if (info || length !== 13) throw broken('a second or broken IHDR', 'one IHDR of 13 bytes');
      info = readHeader(view, at + 8);
    } else if (!info) {
      throw broken('a first chunk that is not IHDR', 'IHDR');
    } else if (name === chunkName.palette) {
      if (length === 0 || length % 3 !== 0 || length > 768)
        throw broken(`a palette of ${length} bytes`, '3 to 768, a multiple of 3');
      palette = body;
    } else if (name === chunkName.transparency) {
      transparency = body;
    } else if (name === chunkName.data) {
      parts.push(body);
    } else if (name === chunkName.end) {
      ended = true;
    } else if (critical) {
      throw broken(
        `the critical chunk ${JSON.stringify(String.fromCharCode(...bytes.subarray(at + 4, at + 8)))}`,
        'chunks of the specification',
      );
    }
    at += 12 + length;
  }
  if (!info) throw broken('no IHDR', 'IHDR');
  const { width, height, depth, colour, interlaced } = info;
  const { samples } = colourTypes[colour]!;
  if (colour === 3 && !palette) throw broken('indexed colours without a palette', 'PLTE');
  const wantedKey = colour === 0 ? 2 : colour === 2 ? 6 : undefined;
  if (transparency && wantedKey !== undefined && transparency.length < wantedKey) transparency = undefined;

  const passes = (interlaced ? adam7 : onePass)
    .map(({ x, y, dx, dy }) => ({ x, y, dx, dy, columns: Math.ceil((width - x) / dx), rows: Math.ceil((height - y) / dy) }))
    .filter(({ columns, rows }) => columns > 0 && rows > 0);
  const bitsPerPixel = samples * depth;
  const rowBytes = (columns: number) => Math.ceil((columns * bitsPerPixel) / 8);
  const expected = passes.reduce((sum, pass) => sum + pass.rows * (1 + rowBytes(pass.columns)), 0);
  const raw = await inflateAll(parts, expected);

  const channels = colour === 4 || colour === 6 || (transparency && colour !== 4) ? 4 : 3;
  const data = new Uint8Array(width * height * channels);
  const write = sampleWriter({ data, channels, depth, colour, samples, palette, transparency });
  let from = 0;
  for (const pass of passes) {
    const stride = rowBytes(pass.columns);
    unfilter(raw, from, pass.rows, stride, Math.max(1, bitsPerPixel >> 3));
    for (let row = 0; row < pass.rows; row++) {
      const target = ((pass.y + row * pass.dy) * width + pass.x) * channels;
      write(raw, from + row * (stride + 1) + 1, pass.columns, target, pass.dx * channels);
    }
    from += pass.rows * (stride + 1);
  }
  return { data, width, height, channels };
}

/** Encodes grey, RGB or RGBA pixels as an 8-bit PNG file. `level` is zlib's, 0 to 9. */
export async function encodePng(frame: ImageFrame, options: { level?: number } = {}): Promise<Uint8Array<ArrayBuffer>> {
  const { data, width, height, channels } = frame;
  const stride = width * channels;
  const filtered = new Uint8Array((stride + 1) * height);
  const trial = new Uint8Array(stride);
  for (let y = 0; y < height; y++) {
    const row = data.subarray(y * stride, (y + 1) * stride);
    const above = y > 0 ? data.subarray((y - 1) * stride, y * stride) : undefined;
    const at = y * (stride + 1);
    let best = Number.POSITIVE_INFINITY;
    // The filter whose output has the least sum of absolute values (PNG 12.7): Sub, Up or Paeth.
    for (const kind of above ? [1, 2, 4] : [1]) {
      const cost = filterRow(kind, row, above, channels, trial);
      if (cost < best) {
        best = cost;
        filtered[at] = kind;
        filtered.set(trial, at + 1);
      }
    }
  }
  const compressed = await deflate(filtered, { level: options.level ?? 6 });
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header[8] = 8;
  header[9] = channels === 1 ? 0 : channels === 3 ? 2 : 6;
  return joinBytes([
    Uint8Array.from(signature),
    chunk(chunkName.header, header),
    chunk(chunkName.data, compressed),
    chunk(chunkName.end, new Uint8Array(0)),
  ]);
}

function chunk(name: number, body: Uint8Array): Uint8Array {
  const out = new Uint8Array(12 + body.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, body.length);
  view.setUint32(4, name);
  out.set(body, 8);
  view.setUint32(8 + body.length, crc32(out.subarray(4, 8 + body.length)));
  return out;
}

function readHeader(view: DataView, at: number) {
  const width = view.getUint32(at);
  const height = view.getUint32(at + 4);
  const [depth, colour, compression, filter, interlace] = [8, 9, 10, 11, 12].map((i) => view.getUint8(at + i)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  if (!colourTypes[colour]?.depths.includes(depth))
    throw broken(`colour type ${colour} with ${depth} bits`, 'a combination of the specification');
  if (compression !== 0 || filter !== 0 || interlace > 1) {
    throw broken(`compression ${compression}, filter ${filter}, interlace ${interlace}`, 'methods of the specification');
  }
  return { width, height, depth, colour, interlaced: interlace === 1 };
}

/** Inflates the joined IDAT chunks; never takes more memory than the header allows. */
async function inflateAll(parts: readonly Uint8Array[], expected: number): Promise<Uint8Array> {
  let raw: Uint8Array;
  try {
    raw = await inflate(joinBytes(parts), { maxOutputLength: expected + slack });
  } catch (cause) {
    throw broken(
      `damaged pixel data (${cause instanceof Error ? cause.message : String(cause)})`,
      'a whole zlib stream of the size in the header',
      cause,
    );
  }
  if (raw.length < expected) throw broken(`${raw.length} bytes of pixel data`, `${expected} bytes, as the header says`);
  return raw;
}

/** Undoes the row filters in place (PNG 9.2). `step` is the distance to the same byte of the pixel on the left. */
function unfilter(raw: Uint8Array, from: number, rows: number, stride: number, step: number): void {
  for (let row = 0; row < rows; row++) {
    const at = from + row * (stride + 1);
    const kind = raw[at]!;
    const start = at + 1;
    const end = start + stride;
    const up = row > 0 ? -(stride + 1) : 0;
    if (kind === 0) continue;
    else if (kind === 1) {
      for (let i = start + step; i < end; i++) raw[i] = raw[i]! + raw[i - step]!;
    } else if (kind === 2) {
      if (up) for (let i = start; i < end; i++) raw[i] = raw[i]! + raw[i + up]!;
    } else if (kind === 3) {
      for (let i = start; i < end; i++) {
        const left = i - step >= start ? raw[i - step]! : 0;
        raw[i] = raw[i]! + ((left + (up ? raw[i + up]! : 0)) >> 1);
      }
    } else if (kind === 4) {
      for (let i = start; i < end; i++) {
        const inside = i - step >= start;
        raw[i] = raw[i]! + paeth(inside ? raw[i - step]! : 0, up ? raw[i + up]! : 0, inside && up ? raw[i + up - step]! : 0);
      }
    } else {
      throw broken(`row filter ${kind}`, '0 to 4');
    }
  }
}

function paeth(left: number, up: number, corner: number): number {
  const byLeft = Math.abs(up - corner);
  const byUp = Math.abs(left - corner);
  const byCorner = Math.abs(left + up - 2 * corner);
  return byLeft <= byUp && byLeft <= byCorner ? left : byUp <= byCorner ? up : corner;
}

/** Filters one row into `out`; returns the sum of the absolute values of its signed bytes. */
function filterRow(
  kind: number,
  row: ArrayLike<number>,
  above: ArrayLike<number> | undefined,
  step: number,
  out: Uint8Array,
): number {
  let cost = 0;
  for (let i = 0; i < out.length; i++) {
    const left = i >= step ? row[i - step]! : 0;
    const up = above ? above[i]! : 0;
    const guess = kind === 1 ? left : kind === 2 ? up : paeth(left, up, above && i >= step ? above[i - step]! : 0);
    const value = (row[i]! - guess) & 255;
    out[i] = value;
    cost += value < 128 ? value : 256 - value;
  }
  return cost;
}

interface SampleLayout {
  data: Uint8Array;
  channels: 3 | 4;
  depth: number;
  colour: number;
  samples: number;
  palette: Uint8Array | undefined;
  transparency: Uint8Array | undefined;
}

/** Makes the function that turns one unfiltered row into pixels `step` bytes apart. */
function sampleWriter({ data, channels, depth, colour, samples, palette, transparency }: SampleLayout) {
  const scale = depth < 8 ? 255 / ((1 << depth) - 1) : 1;
  const mask = (1 << depth) - 1;
  const hasKey = transparency !== undefined && (colour === 0 || colour === 2);
  const key = hasKey ? Array.from({ length: samples }, (_, i) => (transparency[2 * i]! << 8) | transparency[2 * i + 1]!) : [];
  const bytesPerSample = depth === 16 ? 2 : 1;
  return (raw: Uint8Array, from: number, columns: number, target: number, step: number): void => {
    if (depth === 8 && (colour === 2 || colour === 6) && samples === channels && step === channels) {
      data.set(raw.subarray(from, from + columns * samples), target);
      return;
    }
    for (let x = 0; x < columns; x++, target += step) {
      if (colour === 0 || colour === 3) {
        let value: number;
        if (depth < 8) {
          const bit = x * depth;
          value = (raw[from + (bit >> 3)]! >> (8 - depth - (bit & 7))) & mask;
        } else value = raw[from + x * bytesPerSample]!;
        if (colour === 3) {
          if (value * 3 >= palette!.length) throw broken(`palette index ${value}`, `below ${palette!.length / 3}`);
          data[target] = palette![value * 3]!;
          data[target + 1] = palette![value * 3 + 1]!;
          data[target + 2] = palette![value * 3 + 2]!;
          if (channels === 4) data[target + 3] = transparency?.[value] ?? 255;
        } else {
          const full = depth === 16 ? (value << 8) | raw[from + x * 2 + 1]! : value;
          data[target] = data[target + 1] = data[target + 2] = value * scale;
          if (hasKey) data[target + 3] = full === key[0] ? 0 : 255;
        }
        continue;
      }
      const at = from + x * samples * bytesPerSample;
      const grey = colour === 4;
      for (let c = 0; c < 3; c++) data[target + c] = raw[at + (grey ? 0 : c * bytesPerSample)]!;
      if (samples === 2 || samples === 4) data[target + 3] = raw[at + (samples - 1) * bytesPerSample]!;
      else if (hasKey) {
        let same = true;
        for (let c = 0; c < 3; c++) {
          const full = depth === 16 ? (raw[at + 2 * c]! << 8) | raw[at + 2 * c + 1]! : raw[at + c]!;
          same &&= full === key[c];
        }
        data[target + 3] = same ? 0 : 255;
      }
    }
  };
}

let table: Uint32Array | undefined;

/** CRC-32 of PNG annex D; the host's own where it has one. */
function crc32(bytes: Uint8Array): number {
  const native = (zlib as { crc32?: (data: Uint8Array) => number }).crc32;
  if (native) return native(bytes) >>> 0;
  table ??= Uint32Array.from({ length: 256 }, (_, n) => {
    let c = n;
    for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    return c;
  });
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = table[(crc ^ bytes[i]!) & 255]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
