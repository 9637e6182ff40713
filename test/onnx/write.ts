// Writes ONNX files for tests: enough of Protocol Buffers to make small models, and to put numbers into models that come without.
import { WireReader, WireType } from '../../sdk/graph/onnx/wire.js';

/** A field: number and its value. Strings and bytes are delimited, integers varints, floats fixed32 (wrapped, to tell them from integers). */
export type FieldValue = string | number | bigint | Uint8Array | { float: number };

export function varint(value: number | bigint): number[] {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return bytes;
}

/** A message of these fields, in order. */
export function message(...fields: readonly (readonly [number, FieldValue])[]): Uint8Array<ArrayBuffer> {
  const parts = fields.flatMap(([field, value]): Uint8Array[] => {
    if (typeof value === 'number' || typeof value === 'bigint')
      return [Uint8Array.from([...varint(field * 8), ...varint(value)])];
    if (typeof value === 'object' && 'float' in value) {
      return [Uint8Array.from(varint(field * 8 + 5)), new Uint8Array(Float32Array.of(value.float).buffer)];
    }
    const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
    return [Uint8Array.from([...varint(field * 8 + 2), ...varint(bytes.length)]), bytes];
  });
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  return all;
}

/** A TensorProto of float32 (or int64) in raw_data. */
export function tensor(name: string, dims: readonly number[], data: Float32Array | BigInt64Array): Uint8Array<ArrayBuffer> {
  return message(
    ...dims.map((d) => [1, d] as const),
    [2, data instanceof Float32Array ? 1 : 7],
    [8, name],
    [9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)],
  );
}

/** A ValueInfoProto; a dimension may have a name. */
export function valueInfo(name: string, dims: readonly (number | string)[], type = 1): Uint8Array<ArrayBuffer> {
  const shape = message(...dims.map((d) => [1, message([typeof d === 'number' ? 1 : 2, d])] as const));
  return message([1, name], [2, message([1, message([1, type], [2, shape])])]);
}

export interface NodeText {
  op: string;
  inputs: readonly string[];
  outputs: readonly string[];
  name?: string;
  domain?: string;
  attributes?: Readonly<Record<string, number | string | { float: number } | readonly number[] | Uint8Array>>;
}

export function node({ op, inputs, outputs, name = '', domain = '', attributes = {} }: NodeText): Uint8Array<ArrayBuffer> {
  const attribute = (key: string, value: NonNullable<NodeText['attributes']>[string]): Uint8Array => {
    if (typeof value === 'number') return message([1, key], [3, value], [20, 2]);
    if (typeof value === 'string') return message([1, key], [4, value], [20, 3]);
    if (value instanceof Uint8Array) return message([1, key], [5, value], [20, 4]);
    if ('float' in value) return message([1, key], [2, value], [20, 1]);
    return message([1, key], ...value.map((v) => [8, v] as const), [20, 7]);
  };
  return message(
    ...inputs.map((input) => [1, input] as const),
    ...outputs.map((output) => [2, output] as const),
    [3, name],
    [4, op],
    ...Object.entries(attributes).map(([key, value]) => [5, attribute(key, value)] as const),
    [7, domain],
  );
}

export interface ModelText {
  nodes: readonly NodeText[];
  inputs: readonly Uint8Array[];
  outputs: readonly Uint8Array[];
  initializers?: readonly Uint8Array[];
  opset?: number;
}

export function modelFile({ nodes, inputs, outputs, initializers = [], opset = 17 }: ModelText): Uint8Array<ArrayBuffer> {
  const graph = message(
    ...nodes.map((one) => [1, node(one)] as const),
    [2, 'test'],
    ...initializers.map((one) => [5, one] as const),
    ...inputs.map((one) => [11, one] as const),
    ...outputs.map((one) => [12, one] as const),
  );
  return message([1, 8], [7, graph], [8, message([1, ''], [2, opset])]);
}

/** The same model with `initializers` instead of the nodes that `drop` names, and without the inputs that `dropInput` names. */
export function withWeights(
  bytes: Uint8Array<ArrayBuffer>,
  drop: (op: string, outputs: readonly string[]) => boolean,
  dropInput: (name: string) => boolean,
  initializers: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const fields: [number, FieldValue][] = [];
  const model = new WireReader(bytes, 'model');
  model.message((field, wire) => {
    if (wire === WireType.varint) fields.push([field, model.unsigned()]);
    else if (field !== 7) fields.push([field, model.view()]);
    else {
      const inner: [number, FieldValue][] = [];
      const graph = model.sub();
      graph.message((f, w) => {
        if (w !== WireType.bytes) return false;
        const part = graph.view();
        const texts: Record<number, string[]> = {};
        if (f === 1 || f === 5 || f === 11) {
          const reader = new WireReader(part, 'part');
          reader.message((k, v) => {
            if (v !== WireType.bytes || ![1, 2, 4, 8].includes(k) || (f !== 1 && k === 2) || (f === 5 && k !== 8)) return false;
            (texts[k] ??= []).push(reader.text());
            return true;
          });
        }
        if (f === 1 && drop(texts[4]?.[0] ?? '', texts[2] ?? [])) return true;
        if (f === 11 && dropInput(texts[1]?.[0] ?? '')) return true;
        if (f === 5 && dropInput(texts[8]?.[0] ?? '')) return true;
        inner.push([f, part]);
        return true;
      });
      fields.push([7, message(...inner, ...initializers.map((one) => [5, one] as const))]);
    }
    return true;
  });
  return message(...fields);
}
