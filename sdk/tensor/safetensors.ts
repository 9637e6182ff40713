// The safetensors format (huggingface.co/docs/safetensors): an 8-byte little-endian header length, a JSON header, raw little-endian data. Read strictly.
import { describe, ModelError } from '../errors.js';
import { bytesPerElement, type DType, type StoredData } from './dtype.js';
import { formatShape, type Shape, sizeOf } from './shape.js';

/** Longest header that the format allows. */
const maxHeaderBytes = 100_000_000;
/** Data begins at a multiple of this many bytes, so that most tensors can be viewed in place. */
const alignment = 8;

/** A tensor as it is stored; float16 as its bits in a Uint16Array. */
export interface StoredTensor {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly stored: StoredData;
}

const names = { float32: 'F32', float16: 'F16', int32: 'I32', uint8: 'U8', bool: 'BOOL' } as const;
const dtypes = new Map(Object.entries(names).map(([dtype, name]) => [name as string, dtype as DType]));

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/**
 * Reads all tensors. Arrays are views of `bytes` where alignment allows, copies elsewhere.
 * Throws {@link ModelError} `invalid-weights`: truncated, header too long, wrong header, unknown type, offsets out of range, overlapping or with holes.
 */
export function readTensors(bytes: Uint8Array<ArrayBuffer>, file: string): Map<string, StoredTensor> {
  const fail = (thing: string, found: string, wanted: string): never => {
    throw new ModelError('invalid-weights', { thing: thing ? `file "${file}", ${thing}` : `file "${file}"`, found, wanted });
  };
  if (bytes.length < 8) fail('', `${bytes.length} bytes`, 'at least 8, the length of the header');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(0, true);
  if (length > maxHeaderBytes) fail('header length', `${length}`, `at most ${maxHeaderBytes}: this is no safetensors file`);
  const start = 8 + Number(length);
  if (start > bytes.length) fail('header', `${bytes.length - 8} bytes`, `${length}: the file is truncated`);
  if (bytes[8] !== 0x7b) fail('header', `byte ${describe(bytes[8])}`, 'an object that begins with {');

  const header = readHeader(bytes.subarray(8, start), (thing, found, wanted) => fail(thing && `header, ${thing}`, found, wanted));
  const tensors = new Map<string, StoredTensor>();
  const ranges: { name: string; begin: number; end: number }[] = [];
  for (const [name, entry] of header) {
    const thing = `tensor "${name}"`;
    const dtype = dtypes.get(entry.dtype) ?? fail(thing, `type ${describe(entry.dtype)}`, [...dtypes.keys()].join(', '));
    const [begin, end] = entry.data_offsets;
    const wanted = sizeOf(entry.shape) * bytesPerElement[dtype];
    if (end < begin || end - begin !== wanted)
      fail(thing, `offsets ${begin} to ${end}`, `${wanted} bytes for ${entry.dtype} ${formatShape(entry.shape)}`);
    if (start + end > bytes.length)
      fail(thing, `${bytes.length - start} bytes of data`, `at least ${end}: the file is truncated`);
    if (end > begin) ranges.push({ name, begin, end });
    tensors.set(name, { shape: entry.shape, dtype, stored: arrayAt(dtype, bytes, start + begin, sizeOf(entry.shape)) });
  }
  ranges.sort((p, q) => p.begin - q.begin);
  let at = 0;
  for (const { name, begin, end } of ranges) {
    if (begin < at) fail(`tensor "${name}"`, `data from byte ${begin}, inside another tensor`, `data from byte ${at}`);
    if (begin > at) fail(`tensor "${name}"`, `a hole of ${begin - at} bytes before it`, 'data without holes');
    at = end;
  }
  if (start + at !== bytes.length) fail('', `${bytes.length - start} bytes of data`, `${at}`);
  return tensors;
}

function readHeader(
  bytes: Uint8Array,
  fail: (thing: string, found: string, wanted: string) => never,
): [name: string, entry: Entry][] {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    return fail('the whole', `bytes that are no JSON (${(cause as Error).message.slice(0, 100)})`, 'JSON in UTF-8');
  }
  const { __metadata__: metadata, ...entries } = header as Record<string, unknown>;
  if (metadata !== undefined && !(isRecord(metadata) && Object.values(metadata).every((value) => typeof value === 'string')))
    fail('__metadata__', describe(metadata), 'an object of texts');
  const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
  return Object.entries(entries).map(([name, entry]) => {
    if (!isRecord(entry)) return fail(name, describe(entry), 'an object with dtype, shape and data_offsets');
    const { dtype, shape, data_offsets: offsets, ...others } = entry;
    for (const key of Object.keys(others)) fail(`${name}.${key}`, 'an unknown key', 'dtype, shape and data_offsets only');
    if (typeof dtype !== 'string') return fail(`${name}.dtype`, describe(dtype), 'a text');
    if (!Array.isArray(shape) || !shape.every(isCount)) return fail(`${name}.shape`, describe(shape), 'a list of whole numbers');
    if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount))
      return fail(`${name}.data_offsets`, describe(offsets), 'two whole numbers: begin, end');
    return [name, { dtype, shape, data_offsets: [offsets[0] as number, offsets[1] as number] }];
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const arrays = { float32: Float32Array, float16: Uint16Array, int32: Int32Array, uint8: Uint8Array, bool: Uint8Array } as const;

function arrayAt(dtype: DType, bytes: Uint8Array<ArrayBuffer>, offset: number, length: number): StoredData {
  const at = bytes.byteOffset + offset;
  const size = bytesPerElement[dtype];
  if (at % size === 0) return new arrays[dtype](bytes.buffer, at, length);
  return new arrays[dtype](bytes.slice(offset, offset + length * size).buffer);
}

/**
 * Writes tensors. Deterministic: larger element types first, then names in code-unit order, so that everything is aligned; the header is padded with spaces.
 * Throws {@link ModelError} for the one name the format reserves.
 */
export function writeTensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  if (tensors.has('__metadata__')) {
    throw new ModelError('invalid-weights', {
      thing: 'tensor name',
      found: '"__metadata__"',
      wanted: 'a name that safetensors does not reserve',
    });
  }
  const width = (tensor: StoredTensor): number => bytesPerElement[tensor.dtype];
  const sorted = [...tensors].sort(([p, a], [q, b]) => width(b) - width(a) || (p < q ? -1 : 1));
  const entries: [string, unknown][] = Object.keys(metadata).length > 0 ? [['__metadata__', metadata]] : [];
  let offset = 0;
  for (const [name, { dtype, shape, stored }] of sorted) {
    const end = offset + stored.byteLength;
    entries.push([name, { dtype: names[dtype], shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  // Written by hand because objects would reorder names that look like numbers.
  const json = `{${entries.map(([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`).join(',')}}`;
  const length = new TextEncoder().encode(json).length;
  const head = new TextEncoder().encode(json + ' '.repeat((alignment - (length % alignment)) % alignment));
  const bytes = new Uint8Array(8 + head.length + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(head.length), true);
  bytes.set(head, 8);
  let at = 8 + head.length;
  for (const [, { stored }] of sorted) {
    bytes.set(new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength), at);
    at += stored.byteLength;
  }
  return bytes;
}
