// Writes ONNX files: the few protocol-buffer messages that a graph of nodes and float weights needs. It knows no operators.

const encoder = new TextEncoder();

/** Base-128 varint of a non-negative integer below 2^53. */
function varint(value) {
  const bytes = [];
  while (value > 127) {
    bytes.push((value % 128) | 128);
    value = Math.floor(value / 128);
  }
  bytes.push(value);
  return Uint8Array.from(bytes);
}

const join = (parts) => {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
};

// Wire types: 0 varint, 2 bytes with their length, 5 four bytes.
const integer = (field, value) => join([varint(field * 8), varint(value)]);
const bytes = (field, value) => join([varint(field * 8 + 2), varint(value.length), value]);
const text = (field, value) => bytes(field, encoder.encode(value));
const float = (field, value) => join([varint(field * 8 + 5), new Uint8Array(Float32Array.of(value).buffer)]);

// Field numbers and type codes are those of onnx.proto (IR version 8).
const FLOAT = 1;
const INT64 = 7;

/** An attribute from a plain value: strings are STRING, arrays INTS, `{ float }` FLOAT, integers INT. */
function attribute(name, value) {
  const [kind, ...fields] =
    typeof value === 'string'
      ? [3, text(4, value)]
      : Array.isArray(value)
        ? [7, ...value.map((v) => integer(8, v))]
        : typeof value === 'object'
          ? [1, float(2, value.float)]
          : [2, integer(3, value)];
  return join([text(1, name), ...fields, integer(20, kind)]);
}

function tensor({ name, data, shape }) {
  const type = data instanceof BigInt64Array ? INT64 : FLOAT;
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return join([...shape.map((d) => integer(1, d)), integer(2, type), text(8, name), bytes(9, raw)]);
}

function valueInfo({ name, shape }) {
  const dims = shape.map((d) => bytes(1, integer(1, d)));
  const tensorType = join([integer(1, FLOAT), bytes(2, join(dims))]);
  return join([text(1, name), bytes(2, bytes(1, tensorType))]);
}

/**
 * A model file.
 * @param {{ nodes: { op: string, name: string, inputs: string[], outputs: string[], attributes?: object }[],
 *   weights: { name: string, data: Float32Array | BigInt64Array, shape: number[] }[],
 *   inputs: { name: string, shape: number[] }[], outputs: { name: string, shape: number[] }[], opset: number }} graph
 * @returns {Uint8Array}
 */
export function writeOnnx({ nodes, weights, inputs, outputs, opset }) {
  const graph = join([
    ...nodes.map(({ op, name, inputs, outputs, attributes = {} }) =>
      bytes(
        1,
        join([
          ...inputs.map((input) => text(1, input)),
          ...outputs.map((output) => text(2, output)),
          text(3, name),
          text(4, op),
          ...Object.entries(attributes).map(([key, value]) => bytes(5, attribute(key, value))),
        ]),
      ),
    ),
    text(2, 'graph'),
    ...weights.map((weight) => bytes(5, tensor(weight))),
    ...inputs.map((input) => bytes(11, valueInfo(input))),
    ...outputs.map((output) => bytes(12, valueInfo(output))),
  ]);
  return join([integer(1, 8), text(2, 'labelweave-bench'), bytes(7, graph), bytes(8, join([text(1, ''), integer(2, opset)]))]);
}
