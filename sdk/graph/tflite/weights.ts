// Constants of a TFLite file: stored bytes -> numbers that kernels compute with. Quantised integers become float32; float16 stays as it is stored.
import { ModelError } from '../../errors.js';
import { Constant } from '../../ir/graph.js';
import { formatShape, sizeOf } from '../../tensor/shape.js';
import { checkFinite } from '../weights-check.js';
import type { TfliteTensor } from './format.js';

const sizes: Readonly<Partial<Record<TfliteTensor['type'], number>>> = {
  float32: 4, float16: 2, int32: 4, uint8: 1, int64: 8, bool: 1, int16: 2, int8: 1, float64: 8,
}; // prettier-ignore

/** The constant of a tensor that has data. Throws ModelError `invalid-weights` or `unsupported-operator` naming the tensor. */
export function constantOf(tensor: TfliteTensor): Constant {
  const { name, shape, type, data, sparse } = tensor;
  const fail = (found: string, wanted: string): never => {
    throw new ModelError('invalid-weights', { thing: `tensor "${name}" ${formatShape(shape)}`, found, wanted });
  };
  const size = sizes[type];
  if (size === undefined || sparse) {
    throw new ModelError('unsupported-operator', {
      thing: `tensor "${name}"`,
      found: sparse ? 'sparse weights' : `elements of type ${type}`,
      wanted: `dense ${Object.keys(sizes).join(', ')}`,
    });
  }
  const count = sizeOf(shape);
  if (!(count >= 0) || data!.length !== count * size) return fail(`${data!.length} bytes`, `${count} elements of ${size} bytes`);
  const constant = type === 'float16' ? new Constant('float16', view(Uint16Array, data!)) : numbers(tensor, fail);
  checkFinite(name, constant);
  return constant;
}

function numbers(tensor: TfliteTensor, fail: (found: string, wanted: string) => never): Constant {
  const { type, data, quantization } = tensor;
  switch (type) {
    case 'float32':
      return new Constant('float32', view(Float32Array, data!));
    case 'float64':
      return new Constant('float32', Float32Array.from(view(Float64Array, data!)));
    case 'bool':
      return new Constant('bool', view(Uint8Array, data!));
    case 'int64':
      return new Constant(
        'int32',
        Int32Array.from(view(BigInt64Array, data!), (x) => Number(BigInt.asIntN(32, x))),
      );
    default: {
      const stored =
        type === 'int32' ? view(Int32Array, data!) : type === 'int16' ? view(Int16Array, data!) : type === 'int8' ? view(Int8Array, data!) : view(Uint8Array, data!); // prettier-ignore
      if (quantization) return new Constant('float32', dequantise(tensor, stored, fail));
      return new Constant('int32', stored instanceof Int32Array ? stored : Int32Array.from(stored));
    }
  }
}

/** real = scale[c] * (stored - zeroPoint[c]); products in double precision, rounded once. */
function dequantise(
  { shape, quantization }: TfliteTensor,
  stored: ArrayLike<number>,
  fail: (found: string, wanted: string) => never,
): Float32Array<ArrayBuffer> {
  const { scale, zeroPoint, axis } = quantization!;
  const result = new Float32Array(stored.length);
  if (scale.length === 1) {
    for (let i = 0; i < stored.length; i++) result[i] = scale[0]! * (stored[i]! - (zeroPoint[0] ?? 0));
    return result;
  }
  const channels = shape[axis];
  if (channels !== scale.length) return fail(`${scale.length} scales along axis ${axis}`, `${channels ?? 'none'}`);
  const inner = sizeOf(shape.slice(axis + 1));
  for (let i = 0; i < stored.length; i++) {
    const c = Math.floor(i / inner) % channels;
    result[i] = scale[c]! * (stored[i]! - (zeroPoint[c] ?? zeroPoint[0] ?? 0));
  }
  return result;
}

interface ArrayType<T> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer, offset: number, length: number): T;
}

/** The bytes as an array, in place where they are aligned. */
function view<T>(type: ArrayType<T>, bytes: Uint8Array<ArrayBuffer>): T {
  const aligned = bytes.byteOffset % type.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  return new type(aligned.buffer, aligned.byteOffset, bytes.length / type.BYTES_PER_ELEMENT);
}
