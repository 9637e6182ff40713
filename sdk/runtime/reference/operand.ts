// What reference operators read and write: dense row-major arrays with shape and type. No behaviour of operators here.
import { InternalError } from '../../errors.js';
import type { ValueType } from '../../ir/infer.js';
import type { Attributes, OperatorName } from '../../ir/operators.js';
import type { TensorData } from '../../tensor/dtype.js';
import { sizeOf } from '../../tensor/shape.js';
import type { ImageFeed } from '../runtime.js';

/** A tensor, or the image of an image input (then `data` is empty). */
export interface Operand extends ValueType {
  data: TensorData;
  image?: ImageFeed | undefined;
}

/** Computes one operator: reads `inputs` (undefined where an optional operand is absent), overwrites every element of `outputs`. */
export type ReferenceOperator<K extends OperatorName> = (
  inputs: readonly (Operand | undefined)[],
  outputs: readonly Operand[],
  attributes: Attributes[K],
) => void;

/** An operand that must be there; shape inference has checked it before. */
export function need(operands: readonly (Operand | undefined)[], index: number): Operand {
  const operand = operands[index];
  if (!operand) throw new InternalError('reference operator', `no operand ${index}`, 'an operand that was checked before');
  return operand;
}

/** A zeroed array for a value. */
export function allocate(type: ValueType): TensorData {
  const size = sizeOf(type.shape);
  if (type.dtype === 'float32') return new Float32Array(size);
  return type.dtype === 'int32' ? new Int32Array(size) : new Uint8Array(size);
}
