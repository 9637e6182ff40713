// Index arithmetic for operators that work on any rank: visits all elements of a shape with the offsets of strided operands.
import { stridesOf, type Shape } from '../../tensor/shape.js';

/**
 * Calls `visit(i, offset)` for each element of `shape` in row-major order: `i` counts up from 0, `offset` is
 * `start + sum(index[axis] * strides[axis])`.
 */
export function walk(shape: Shape, strides: readonly number[], start: number, visit: (i: number, offset: number) => void): void {
  walk2(shape, strides, strides, (i, offset) => visit(i, offset + start));
}

/** The same with two strided operands. */
export function walk2(
  shape: Shape,
  stridesA: readonly number[],
  stridesB: readonly number[],
  visit: (i: number, a: number, b: number) => void,
): void {
  const rank = shape.length;
  const index = new Array<number>(rank).fill(0);
  let total = 1;
  for (const d of shape) total *= d;
  let a = 0;
  let b = 0;
  for (let i = 0; i < total; i++) {
    visit(i, a, b);
    // Count up like an odometer, the last axis fastest.
    for (let axis = rank - 1; axis >= 0; axis--) {
      a += stridesA[axis]!;
      b += stridesB[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      a -= stridesA[axis]! * shape[axis]!;
      b -= stridesB[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
}

/** Strides that read an operand of shape `from` as if it were broadcast to `to`: 0 on axes that repeat. */
export function broadcastStrides(from: Shape, to: Shape): number[] {
  const strides = stridesOf(from);
  const shift = to.length - from.length;
  return to.map((_, axis) => (axis < shift || from[axis - shift] === 1 ? 0 : strides[axis - shift]!));
}
