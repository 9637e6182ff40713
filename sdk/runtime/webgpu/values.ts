// Numbers on their way between the caller and buffers: each in the type of its side. It encodes no pass and runs nothing.
import type { Value } from '../../ir/graph.js';
import type { TensorData } from '../../tensor/dtype.js';
import { floatArrayToHalf, halfArrayToFloat } from '../../tensor/half.js';
import { sizeOf } from '../../tensor/shape.js';
import type { GpuTensor } from '../runtime.js';
import type { Gpu } from './gpu.js';
import type { Scalar } from './kernels.js';

/** A range of a buffer. */
export interface Place {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

/** Where a readable value lies: on the device, or in the graph itself. */
export interface Output {
  readonly value: Value;
  readonly place: Place | undefined;
  readonly constant: TensorData | undefined;
  /** How floats are stored. */
  readonly scalar: Scalar;
  /** Numbers in the type the caller sees, where the device stores another one. */
  widened: TensorData | undefined;
}

/** A tensor input. */
export interface Input {
  readonly value: Value;
  readonly place: Place;
  /** How floats are stored. */
  readonly scalar: Scalar;
  /** The feed in the type the device stores, where it differs. */
  stored: Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | undefined;
}

/** Writes bytes of any length to a fresh range; the device takes whole words only. */
export function write({ device: { queue } }: Gpu, buffer: GPUBuffer, offset: number, bytes: Uint8Array<ArrayBuffer>): void {
  const whole = bytes.length & ~3;
  if (whole > 0) queue.writeBuffer(buffer, offset, bytes, 0, whole);
  if (whole === bytes.length) return;
  const rest = new Uint8Array(4);
  rest.set(bytes.subarray(whole));
  queue.writeBuffer(buffer, offset + whole, rest);
}

/** Writes a feed to its input, in the type the device stores. */
export function writeInput({ device: { queue } }: Gpu, input: Input, feed: TensorData): void {
  const { buffer, offset } = input.place;
  if (feed instanceof Float32Array && input.scalar === 'f16') {
    input.stored ??= new Uint16Array(Math.ceil(feed.length / 2) * 2);
    floatArrayToHalf(feed, input.stored as Uint16Array);
  } else if (feed instanceof Uint8Array) {
    input.stored ??= new Uint32Array(feed.length);
    input.stored.set(feed);
  }
  const data = input.stored ?? feed;
  if (data.byteLength > 0) queue.writeBuffer(buffer, offset, data as Float32Array<ArrayBuffer>);
}

/** The numbers of an output as the caller sees them: views of mapped memory where the device stores the same type. */
export function numbersOf(output: Output, mapped: ArrayBuffer | undefined, at: number): TensorData {
  if (output.constant) return output.constant;
  const { dtype, shape } = output.value;
  const size = sizeOf(shape);
  if (dtype === 'int32') return new Int32Array(mapped!, at, size);
  if (dtype === 'float32') {
    if (output.scalar === 'f32') return new Float32Array(mapped!, at, size);
    output.widened ??= new Float32Array(size);
    return halfArrayToFloat(new Uint16Array(mapped!, at, size), output.widened as Float32Array);
  }
  output.widened ??= new Uint8Array(size);
  output.widened.set(new Uint32Array(mapped!, at, size));
  return output.widened;
}

/** The bytes of numbers, not copied. */
export const bytesOf = (data: ArrayBufferView): Uint8Array<ArrayBuffer> =>
  new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);

/** An output that stays on the device, in a buffer of its own. */
export function tensorOf({ value, scalar, constant }: Output, buffer: GPUBuffer): GpuTensor {
  const { dtype, shape } = value;
  if (dtype === 'float32') return { buffer, dtype: scalar === 'f16' && !constant ? 'float16' : 'float32', shape };
  return { buffer, dtype: dtype === 'int32' ? 'int32' : 'uint32', shape };
}
