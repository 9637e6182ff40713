// Writes small TFLite files for tests, with the builder of the `flatbuffers` library and the slots of TensorFlow's schema.fbs.
import { Builder } from 'flatbuffers';

export interface LiteTensor {
  name: string;
  shape: readonly number[];
  /** Number of the element type in the schema. Default 0, float32. */
  type?: number;
  data?: ArrayBufferView;
  scale?: readonly number[];
  zeroPoint?: readonly number[];
  axis?: number;
  signature?: readonly number[];
}

/** A field of an options table: slot, kind and value. */
export type Field = readonly [slot: number, kind: 'int8' | 'int32' | 'float32' | 'bool', value: number];

export interface LiteNode {
  code: number;
  custom?: string;
  inputs: readonly number[];
  outputs: readonly number[];
  options?: readonly Field[];
}

export interface LiteFile {
  tensors: readonly LiteTensor[];
  nodes: readonly LiteNode[];
  inputs: readonly number[];
  outputs: readonly number[];
  version?: number;
}

export function writeTflite({ tensors, nodes, inputs, outputs, version = 3 }: LiteFile): Uint8Array<ArrayBuffer> {
  const b = new Builder(1024);
  const ints = (values: readonly number[]): number => {
    b.startVector(4, values.length, 4);
    for (const value of values.toReversed()) b.addInt32(value);
    return b.endVector();
  };
  const floats = (values: readonly number[]): number => {
    b.startVector(4, values.length, 4);
    for (const value of values.toReversed()) b.addFloat32(value);
    return b.endVector();
  };
  const longs = (values: readonly number[]): number => {
    b.startVector(8, values.length, 8);
    for (const value of values.toReversed()) b.addInt64(BigInt(value));
    return b.endVector();
  };
  const offsets = (values: readonly number[]): number => {
    b.startVector(4, values.length, 4);
    for (const value of values.toReversed()) b.addOffset(value);
    return b.endVector();
  };
  const table = (slots: number, fill: () => void): number => {
    b.startObject(slots);
    fill();
    return b.endObject();
  };

  const buffers = [table(1, () => {})];
  const made = tensors.map((tensor) => {
    let buffer = 0;
    if (tensor.data) {
      const bytes = new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
      b.startVector(1, bytes.length, 16);
      for (const byte of bytes.toReversed()) b.addInt8(byte);
      const data = b.endVector();
      buffer = buffers.length;
      buffers.push(table(1, () => b.addFieldOffset(0, data, 0)));
    }
    const name = b.createString(tensor.name);
    const shape = ints(tensor.shape);
    const signature = tensor.signature && ints(tensor.signature);
    let quantization = 0;
    if (tensor.scale) {
      const scale = floats(tensor.scale);
      const zero = longs(tensor.zeroPoint ?? tensor.scale.map(() => 0));
      quantization = table(7, () => {
        b.addFieldOffset(2, scale, 0);
        b.addFieldOffset(3, zero, 0);
        b.addFieldInt32(6, tensor.axis ?? 0, 0);
      });
    }
    return table(8, () => {
      b.addFieldOffset(0, shape, 0);
      b.addFieldInt8(1, tensor.type ?? 0, 0);
      b.addFieldInt32(2, buffer, 0);
      b.addFieldOffset(3, name, 0);
      if (quantization) b.addFieldOffset(4, quantization, 0);
      if (signature) b.addFieldOffset(7, signature, 0);
    });
  });
  const codes = nodes.map(({ code, custom }) => {
    const text = custom === undefined ? 0 : b.createString(custom);
    return table(4, () => {
      b.addFieldInt8(0, Math.min(code, 127), 0);
      if (text) b.addFieldOffset(1, text, 0);
      b.addFieldInt32(3, code, 0);
    });
  });
  const operators = nodes.map((node, i) => {
    const [reads, writes] = [ints(node.inputs), ints(node.outputs)];
    const options = table(8, () => {
      for (const [slot, kind, value] of node.options ?? []) {
        if (kind === 'int32') b.addFieldInt32(slot, value, 0);
        else if (kind === 'float32') b.addFieldFloat32(slot, value, 0);
        else b.addFieldInt8(slot, value, 0);
      }
    });
    return table(5, () => {
      b.addFieldInt32(0, i, -1);
      b.addFieldOffset(1, reads, 0);
      b.addFieldOffset(2, writes, 0);
      b.addFieldInt8(3, 1, 0);
      b.addFieldOffset(4, options, 0);
    });
  });
  const [tensorList, ins, outs, operatorList] = [offsets(made), ints(inputs), ints(outputs), offsets(operators)];
  const subgraph = table(5, () => {
    b.addFieldOffset(0, tensorList, 0);
    b.addFieldOffset(1, ins, 0);
    b.addFieldOffset(2, outs, 0);
    b.addFieldOffset(3, operatorList, 0);
  });
  const [codeList, subgraphs, bufferList, description] = [
    offsets(codes),
    offsets([subgraph]),
    offsets(buffers),
    b.createString('test'),
  ];
  const model = table(8, () => {
    b.addFieldInt32(0, version, 0);
    b.addFieldOffset(1, codeList, 0);
    b.addFieldOffset(2, subgraphs, 0);
    b.addFieldOffset(3, description, 0);
    b.addFieldOffset(4, bufferList, 0);
  });
  b.finish(model, 'TFL3');
  return new Uint8Array(b.asUint8Array());
}
