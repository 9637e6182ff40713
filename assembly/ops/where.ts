// where: one of two operands of four bytes an element, as a byte of the condition says, with broadcasting.
import { Axes, Where } from '../records';
import { offsetOf, rowsOf } from '../shared/axes';
import { share } from '../shared/parallel';
import { word } from '../shared/simd';

/** Threads share the rows of the innermost axis, or the elements of a single row. */
export function where(p: usize, thread: i32, threads: i32): void {
  const length = word(p, Where.dims + Axes.most - 1);
  const rows = rowsOf(p, Where.dims);
  const single = rows < threads;
  const firstRow = single ? 0 : share(rows, 1, thread, threads);
  const lastRow = single ? rows : share(rows, 1, thread + 1, threads);
  const first = single ? share(length, 4, thread, threads) : 0;
  const last = single ? share(length, 4, thread + 1, threads) : length;
  const stepC = <usize>word(p, Where.condition_strides + Axes.most - 1);
  const stepA = <usize>word(p, Where.a_strides + Axes.most - 1) << 2;
  const stepB = <usize>word(p, Where.b_strides + Axes.most - 1) << 2;
  for (let row = firstRow; row < lastRow; row++) {
    let c = <usize>word(p, Where.condition) + <usize>offsetOf(p, Where.dims, Where.condition_strides, row) + <usize>first * stepC;
    let a = <usize>word(p, Where.a) + (<usize>offsetOf(p, Where.dims, Where.a_strides, row) << 2) + <usize>first * stepA;
    let b = <usize>word(p, Where.b) + (<usize>offsetOf(p, Where.dims, Where.b_strides, row) << 2) + <usize>first * stepB;
    let y = <usize>word(p, Where.y) + (<usize>(row * length + first) << 2);
    for (let i = first; i < last; i++) {
      store<u32>(y, load<u8>(c) ? load<u32>(a) : load<u32>(b));
      c += stepC;
      a += stepA;
      b += stepB;
      y += 4;
    }
  }
}
