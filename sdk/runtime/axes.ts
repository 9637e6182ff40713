// Strided operands over few axes: merging and broadcasting, for every runtime that walks memory by strides.
import { stridesOf, type Shape } from '../tensor/shape.js';

/** One axis that several operands share: its size, and for each operand the elements from one index to the next. */
export interface Axis {
  size: number;
  steps: number[];
}

/** Drops axes of size 1 and joins neighbours where every operand allows it; outermost first. `strides` holds one list an operand. */
export function mergeAxes(dims: Shape, strides: readonly (readonly number[])[]): Axis[] {
  const merged: Axis[] = [];
  for (const [axis, size] of dims.entries()) {
    if (size === 1) continue;
    const steps = strides.map((s) => s[axis]!);
    const before = merged.at(-1);
    if (before && steps.every((step, i) => before.steps[i] === step * size)) {
      before.size *= size;
      before.steps = steps;
    } else {
      merged.push({ size, steps });
    }
  }
  return merged;
}

/** Strides that read an operand of shape `from` as if it were broadcast to `to`: 0 on axes that repeat. */
export function broadcastStrides(from: Shape, to: Shape): number[] {
  const strides = stridesOf(from);
  const shift = to.length - from.length;
  return to.map((_, axis) => (axis < shift || from[axis - shift] === 1 ? 0 : strides[axis - shift]!));
}
