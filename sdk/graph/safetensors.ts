// The safetensors format (huggingface.co/docs/safetensors): an 8-byte little-endian header length, a JSON header, raw little-endian data. Read strictly.
import * as v from 'valibot';
import { ModelError, describe } from '../errors.js';
import { Constant } from '../ir/graph.js';
import type { DType, StoredData } from '../tensor/dtype.js';
import { bytesPerElement } from '../tensor/dtype.js';
import { formatShape, sizeOf, type Shape } from '../tensor/shape.js';
import { parseJson, parseWith } from './json.js';

/** Longest header that the format allows. */
const MAX_HEADER_BYTES = 100_000_000;
/** Data begins at a multiple of this many bytes, so that most tensors can be viewed in place. */
const ALIGNMENT = 8;

export interface Tensor {
  shape: Shape;
  constant: Constant;
}

const names = { float32: 'F32', float16: 'F16', int32: 'I32', uint8: 'U8', bool: 'BOOL' } as const;
const dtypes = new Map(Object.entries(names).map(([dtype, name]) => [name as string, dtype as DType]));

const Offset = v.pipe(v.number(), v.integer(), v.minValue(0));
const Entry = v.strictObject({
  dtype: v.string(),
  shape: v.array(Offset),
  data_offsets: v.tuple([Offset, Offset]),
});
const Header = v.objectWithRest({ __metadata__: v.optional(v.record(v.string(), v.string())) }, Entry);

/**
 * Reads all tensors. Arrays are views of `bytes` where alignment allows, copies elsewhere.
 * Throws {@link ModelError} `invalid-weights`: truncated, header too long, wrong header, unknown type, offsets out of range, overlapping or with holes.
 */
export function readSafetensors(bytes: Uint8Array<ArrayBuffer>, file: string): Map<string, Tensor> {
  const fail = (thing: string, found: string, wanted: string): never => {
    throw new ModelError('invalid-weights', { thing: thing ? `file "${file}", ${thing}` : `file "${file}"`, found, wanted });
  };
  if (bytes.length < 8) fail('', `${bytes.length} bytes`, 'at least 8, the length of the header');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES) fail('header length', `${length}`, `at most ${MAX_HEADER_BYTES}: this is no safetensors file`);
  const start = 8 + Number(length);
  if (start > bytes.length) fail('header', `${bytes.length - 8} bytes`, `${length}: the file is truncated`);
  if (bytes[8] !== 0x7b) fail('header', `byte ${describe(bytes[8])}`, 'an object that begins with {');

  const header = readHeader(bytes.subarray(8, start), file);
  const tensors = new Map<string, Tensor>();
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
    tensors.set(name, {
      shape: entry.shape,
      constant: new Constant(dtype, arrayAt(dtype, bytes, start + begin, sizeOf(entry.shape))),
    });
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

function readHeader(bytes: Uint8Array, file: string): [string, v.InferOutput<typeof Entry>][] {
  try {
    const { __metadata__: _, ...entries } = parseWith(Header, parseJson(bytes, file), file);
    return Object.entries(entries as Record<string, v.InferOutput<typeof Entry>>);
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    // The same parts under the code that weight files have.
    const { thing, found, wanted } = error;
    throw new ModelError('invalid-weights', {
      thing: thing.replace(/^file "[^"]*"/, (name) => `${name}, header`),
      found,
      wanted,
      cause: error,
    });
  }
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
export function writeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  if (tensors.has('__metadata__')) {
    throw new ModelError('invalid-weights', {
      thing: 'tensor name',
      found: '"__metadata__"',
      wanted: 'a name that safetensors does not reserve',
    });
  }
  const width = (t: Tensor): number => bytesPerElement[t.constant.dtype];
  const sorted = [...tensors].sort(([p, a], [q, b]) => width(b) - width(a) || (p < q ? -1 : 1));
  const header: Record<string, unknown> = {};
  if (Object.keys(metadata).length > 0) header['__metadata__'] = metadata;
  const entries: [string, unknown][] = Object.entries(header);
  let offset = 0;
  for (const [name, tensor] of sorted) {
    const end = offset + tensor.constant.stored.byteLength;
    entries.push([name, { dtype: names[tensor.constant.dtype], shape: tensor.shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  // Written by hand because objects would reorder names that look like numbers.
  let json = `{${entries.map(([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`).join(',')}}`;
  let head = new TextEncoder().encode(json);
  const padding = (ALIGNMENT - (head.length % ALIGNMENT)) % ALIGNMENT;
  json += ' '.repeat(padding);
  head = new TextEncoder().encode(json);
  const bytes = new Uint8Array(8 + head.length + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(head.length), true);
  bytes.set(head, 8);
  let at = 8 + head.length;
  for (const [, { constant }] of sorted) {
    const { stored } = constant;
    bytes.set(new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength), at);
    at += stored.byteLength;
  }
  return bytes;
}
