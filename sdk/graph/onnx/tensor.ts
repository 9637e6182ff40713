// Numbers of ONNX tensors as constants of the graph: views of the file where type and alignment allow it, converted once where not.
import { ModelError } from '../../errors.js';
import { Constant } from '../../ir/graph.js';
import { formatShape, sizeOf } from '../../tensor/shape.js';
import { elementTypeName, ElementType as T, type OnnxTensor } from './model.js';

/** What a value of an ONNX element type is in the graph. 64-bit integers saturate at 32 bits; doubles are rounded to float32. */
export function graphType(type: number): 'float32' | 'int32' | 'bool' | undefined {
  switch (type) {
    case T.float:
    case T.float16:
    case T.bfloat16:
    case T.double:
      return 'float32';
    case T.uint8:
    case T.int8:
    case T.uint16:
    case T.int16:
    case T.int32:
    case T.int64:
    case T.uint32:
    case T.uint64:
    case T.uint4:
    case T.int4:
      return 'int32'; // prettier-ignore
    case T.bool:
      return 'bool';
    default:
      return undefined;
  }
}

/** Bytes of an external file by its location; see importOnnx. */
export type ExternalData = (location: string) => Uint8Array<ArrayBuffer> | undefined;

const bits: Readonly<Record<number, number>> = {
  [T.float]: 32, [T.uint8]: 8, [T.int8]: 8, [T.uint16]: 16, [T.int16]: 16, [T.int32]: 32, [T.int64]: 64, [T.bool]: 8, [T.float16]: 16,
  [T.double]: 64, [T.uint32]: 32, [T.uint64]: 64, [T.bfloat16]: 16, [T.uint4]: 4, [T.int4]: 4,
}; // prettier-ignore

/**
 * The numbers of a tensor. Throws {@link ModelError} `invalid-weights` that names it: data that does not fit the dimensions, or an external file
 * that is absent or too short; `unsupported-operator` for element types that nothing here computes with.
 */
export function decodeTensor(tensor: OnnxTensor, external?: ExternalData): Constant {
  const thing = `tensor "${tensor.name}"`;
  const dtype = graphType(tensor.type);
  if (!dtype) {
    throw new ModelError('unsupported-operator', {
      thing,
      found: `element type ${elementTypeName(tensor.type)}`,
      wanted: 'numbers: float, float16, bfloat16, double, integers or bool',
    });
  }
  const fail = (found: string, wanted: string): never => {
    throw new ModelError('invalid-weights', { thing, found, wanted });
  };
  if (tensor.dims.some((d) => !Number.isSafeInteger(d) || d < 0))
    fail(`shape ${formatShape(tensor.dims)}`, 'dimensions of at least 0');
  const count = sizeOf(tensor.dims);
  const bytes = Math.ceil((count * bits[tensor.type]!) / 8);
  const raw = tensor.external ? externalBytes(tensor, bytes, external) : tensor.raw;
  if (raw) {
    if (raw.length !== bytes)
      fail(`${raw.length} bytes`, `${bytes} for ${elementTypeName(tensor.type)} ${formatShape(tensor.dims)}`);
    return fromRaw(tensor.type, raw, count);
  }
  const spans = tensor.floats.length > 0 ? tensor.floats : tensor.doubles;
  if (spans.length > 0) {
    const wide = spans === tensor.doubles;
    if (wide ? tensor.type !== T.double : tensor.type !== T.float)
      fail(`${wide ? 'double' : 'float'} data`, elementTypeName(tensor.type));
    const total = spans.reduce((sum, span) => sum + span.length, 0);
    if (total !== bytes) fail(`${total} bytes`, `${bytes} for ${elementTypeName(tensor.type)} ${formatShape(tensor.dims)}`);
    const joined = spans.length === 1 ? spans[0]! : new Uint8Array(total);
    if (spans.length > 1) spans.reduce((at, span) => (joined.set(span, at), at + span.length), 0);
    return fromRaw(tensor.type, joined, count);
  }
  // Two elements a number.
  if (bits[tensor.type] === 4 && tensor.integers.length === bytes)
    return fromRaw(tensor.type, Uint8Array.from(tensor.integers), count);
  if (tensor.integers.length !== count) fail(`${tensor.integers.length} numbers`, `${count} for ${formatShape(tensor.dims)}`);
  if (tensor.type === T.float16) return new Constant('float16', Uint16Array.from(tensor.integers));
  if (tensor.type === T.bfloat16) return fromRaw(tensor.type, new Uint8Array(Uint16Array.from(tensor.integers).buffer), count);
  if (dtype === 'bool')
    return new Constant(
      'bool',
      Uint8Array.from(tensor.integers, (v) => (v ? 1 : 0)),
    );
  if (dtype === 'int32') return new Constant('int32', Int32Array.from(tensor.integers, saturate));
  return count === 0 ? new Constant('float32', new Float32Array(0)) : fail('integers', `${elementTypeName(tensor.type)} data`);
}

function externalBytes(tensor: OnnxTensor, bytes: number, external: ExternalData | undefined): Uint8Array<ArrayBuffer> {
  const { location, offset, length } = tensor.external!;
  const thing = `tensor "${tensor.name}", external data "${location}"`;
  const file = external?.(location);
  if (!file) {
    throw new ModelError('invalid-weights', {
      thing,
      found: 'no such file',
      wanted: 'the bytes of the file',
      next: 'Put it beside the model, in the folder that is opened.',
    });
  }
  if (!Number.isSafeInteger(offset) || offset < 0 || (length !== undefined && length !== bytes)) {
    throw new ModelError('invalid-weights', {
      thing,
      found: `offset ${offset}, length ${length}`,
      wanted: `${bytes} bytes for ${elementTypeName(tensor.type)} ${formatShape(tensor.dims)}`,
    });
  }
  if (offset + bytes > file.length) {
    throw new ModelError('invalid-weights', {
      thing,
      found: `${file.length} bytes`,
      wanted: `at least ${offset + bytes}: ${bytes} from byte ${offset} on`,
    });
  }
  return file.subarray(offset, offset + bytes);
}

/** The bytes as an array of numbers: the same memory where they are aligned, else a copy. */
function typed<A>(
  make: { new (b: ArrayBuffer, at: number, n: number): A; BYTES_PER_ELEMENT: number },
  raw: Uint8Array<ArrayBuffer>,
  count: number,
): A {
  if (raw.byteOffset % make.BYTES_PER_ELEMENT === 0) return new make(raw.buffer, raw.byteOffset, count);
  return new make(raw.slice().buffer, 0, count);
}

function saturate(value: number): number {
  return Math.min(Math.max(value, -(2 ** 31)), 2 ** 31 - 1);
}

function fromRaw(type: number, raw: Uint8Array<ArrayBuffer>, count: number): Constant {
  switch (type) {
    case T.float:
      return new Constant('float32', typed(Float32Array, raw, count));
    case T.float16:
      return new Constant('float16', typed(Uint16Array, raw, count));
    case T.double:
      return new Constant('float32', Float32Array.from(typed(Float64Array, raw, count)));
    case T.bfloat16: {
      // The upper half of a float32.
      const wide = Uint32Array.from(typed(Uint16Array, raw, count), (v) => v << 16);
      return new Constant('float32', new Float32Array(wide.buffer));
    }
    case T.bool:
      return new Constant('bool', raw.every((v) => v < 2) ? raw : raw.map((v) => (v ? 1 : 0)));
    case T.int32:
      return new Constant('int32', typed(Int32Array, raw, count));
    case T.int64: {
      const words = typed(Int32Array, raw, count * 2);
      return new Constant(
        'int32',
        Int32Array.from({ length: count }, (_, i) => saturate(words[2 * i + 1]! * 2 ** 32 + (words[2 * i]! >>> 0))),
      );
    }
    case T.uint64: {
      const words = typed(Uint32Array, raw, count * 2);
      return new Constant(
        'int32',
        Int32Array.from({ length: count }, (_, i) => (words[2 * i + 1] ? 2 ** 31 - 1 : saturate(words[2 * i]!))),
      );
    }
    case T.uint32:
      return new Constant('int32', Int32Array.from(typed(Uint32Array, raw, count), saturate));
    case T.int16:
      return new Constant('int32', Int32Array.from(typed(Int16Array, raw, count)));
    case T.uint16:
      return new Constant('int32', Int32Array.from(typed(Uint16Array, raw, count)));
    case T.int8:
      return new Constant('int32', Int32Array.from(typed(Int8Array, raw, count)));
    case T.uint8:
      return new Constant('int32', Int32Array.from(raw));
    default: {
      // Two elements of four bits a byte, the lower half first.
      const signed = type === T.int4;
      return new Constant(
        'int32',
        Int32Array.from({ length: count }, (_, i) => {
          const v = (raw[i >> 1]! >> (4 * (i & 1))) & 15;
          return signed && v > 7 ? v - 16 : v;
        }),
      );
    }
  }
}
