// Walks over several axes: which elements of strided operands a row of the innermost axis starts at.
import { Axes } from '../records';
import { word } from './simd';

/** Number of rows: the product of all axes but the last. `dims` is the first of six words. */
export function rowsOf(p: usize, dims: i32): i32 {
  let rows = 1;
  for (let i = 0; i < Axes.most - 1; i++) rows *= word(p, dims + i);
  return rows;
}

/** Element offset of a row for an operand with six stride words from `strides` on. */
export function offsetOf(p: usize, dims: i32, strides: i32, row: i32): i32 {
  let offset = 0;
  for (let i = Axes.most - 2; i >= 0; i--) {
    const size = word(p, dims + i);
    if (size == 1) continue;
    offset += (row % size) * word(p, strides + i);
    row /= size;
  }
  return offset;
}
