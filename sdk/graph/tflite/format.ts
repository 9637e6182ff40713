// The TFLite file: tensors, operators and weights out of the FlatBuffers of TensorFlow's schema.fbs, version 3. Knows the layout, not what operators do.
import { ModelError } from '../../errors.js';
import { FlatFile, type Table } from './flat.js';

/** Element types by their number in the schema. Others are refused where they are used. */
export const tensorTypes = ['float32', 'float16', 'int32', 'uint8', 'int64', 'string', 'bool', 'int16', 'complex64', 'int8', 'float64'] as const; // prettier-ignore
export type TfliteType = (typeof tensorTypes)[number] | 'unknown';

/** real = scale[c] * (stored - zeroPoint[c]), c along `axis`; one number stands for all channels. */
export interface TfliteQuantization {
  readonly scale: readonly number[];
  readonly zeroPoint: readonly number[];
  readonly axis: number;
}

export interface TfliteTensor {
  readonly name: string;
  /** -1 where the file leaves a dimension open. */
  readonly shape: readonly number[];
  readonly type: TfliteType;
  /** Stored bytes of a constant, in place. */
  readonly data: Uint8Array<ArrayBuffer> | undefined;
  readonly quantization: TfliteQuantization | undefined;
  readonly sparse: boolean;
}

export interface TfliteOperator {
  /** Number of the builtin operator in the schema; 32 is a custom one. */
  readonly code: number;
  /** Name of a custom operator. */
  readonly custom: string;
  /** Positions in {@link TfliteModel.tensors}; -1 where an optional operand is absent. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly options: Table | undefined;
  readonly customOptions: Uint8Array<ArrayBuffer> | undefined;
}

export interface TfliteModel {
  readonly file: string;
  readonly description: string;
  readonly tensors: readonly TfliteTensor[];
  readonly operators: readonly TfliteOperator[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

// Far above any detector, and small enough that a damaged file cannot keep a reader busy.
const MOST_TENSORS = 100_000;
const MOST_OPERANDS = 4096;
const MOST_CHANNELS = 65_536;
const MOST_AXES = 8;

/** True for bytes that say they are TFLite. */
export function looksLikeTflite(bytes: Uint8Array): boolean {
  return bytes.length >= 8 && String.fromCharCode(...bytes.subarray(4, 8)) === 'TFL3';
}

/**
 * Reads the first subgraph of a TFLite file. Weights stay where they are in `bytes`.
 * Throws ModelError `invalid-model` for what is no TFLite file, is truncated or refers outside itself.
 */
export function readTflite(bytes: Uint8Array<ArrayBuffer>, file = 'model.tflite'): TfliteModel {
  if (!looksLikeTflite(bytes)) {
    const found = bytes.length < 8 ? `${bytes.length} bytes` : 'bytes without the mark "TFL3"';
    throw new ModelError('invalid-model', { thing: `file "${file}"`, found, wanted: 'a TFLite model' });
  }
  const flat = new FlatFile(bytes, file);
  const root = flat.root();
  const version = root.uint32(0);
  if (version !== 3) flat.fail(`version ${version}`, 'version 3 of the TFLite format');
  const subgraph = root.tables(2, 1024)[0] ?? flat.fail('no subgraph', 'at least one');
  const buffers = root.tables(4, MOST_TENSORS);
  const codes = root.tables(1, MOST_TENSORS).map((code) => ({
    // Numbers above 127 stand in the newer field; older files have only the first.
    code: Math.max(code.int8(0), code.int32(3)),
    custom: code.text(1),
  }));
  const tensors = subgraph.tables(0, MOST_TENSORS).map((table) => readTensor(flat, table, buffers));
  const known = (list: readonly number[], what: string, least: number): readonly number[] => {
    for (const i of list)
      if (i < least || i >= tensors.length) flat.fail(`${what} ${i}`, `a tensor from ${least} to ${tensors.length - 1}`);
    return list;
  };
  const operators = subgraph.tables(3, MOST_TENSORS).map((table): TfliteOperator => {
    const index = table.uint32(0);
    const code = codes[index] ?? flat.fail(`operator code ${index}`, `one of the ${codes.length} codes`);
    return {
      ...code,
      inputs: known(table.int32s(1, MOST_OPERANDS) ?? [], 'operand', -1),
      outputs: known(table.int32s(2, MOST_OPERANDS) ?? [], 'result', 0),
      options: table.table(4),
      customOptions: table.bytes(5),
    };
  });
  return {
    file,
    description: root.text(3),
    tensors,
    operators,
    inputs: known(subgraph.int32s(1, MOST_OPERANDS) ?? [], 'input', 0),
    outputs: known(subgraph.int32s(2, MOST_OPERANDS) ?? [], 'output', 0),
  };
}

function readTensor(flat: FlatFile, table: Table, buffers: readonly Table[]): TfliteTensor {
  const name = table.text(3);
  const index = table.uint32(2);
  const buffer = buffers[index];
  if (!buffer && index !== 0) flat.fail(`buffer ${index} of tensor "${name}"`, `one of the ${buffers.length} buffers`);
  const signature = table.int32s(7, MOST_AXES);
  const shape = table.int32s(0, MOST_AXES) ?? [];
  const details = table.table(4);
  const scale = details?.float32s(2, MOST_CHANNELS) ?? [];
  const quantization = scale.length > 0
    ? { scale, zeroPoint: details!.int64s(3, MOST_CHANNELS) ?? [], axis: details!.int32(6) }
    : undefined; // prettier-ignore
  return {
    name,
    // The signature has the dimensions that stay open; the shape holds 1 there.
    shape: signature && signature.length === shape.length ? signature : shape,
    type: tensorTypes[table.int8(1)] ?? 'unknown',
    data: buffer && dataOf(flat, buffer),
    quantization,
    sparse: table.table(6) !== undefined,
  };
}

/** Bytes of a buffer, which stand in the FlatBuffers or, in files over 2 GB, behind them. */
function dataOf(flat: FlatFile, buffer: Table): Uint8Array<ArrayBuffer> | undefined {
  const inside = buffer.bytes(0);
  if (inside && inside.length > 0) return inside;
  const [offset, size] = [buffer.uint64(1), buffer.uint64(2)];
  if (offset <= 1 || size === 0) return undefined;
  return flat.bytes.subarray(flat.inside(offset, size), offset + size);
}
