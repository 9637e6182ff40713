// Strided copies and fills: concat, slice, transpose and pad are made of these.
import { Axes, Copy, Fill } from '../records';
import { offsetOf, rowsOf } from '../shared/axes';
import { share } from '../shared/parallel';
import { copyBytes, word } from '../shared/simd';

export function copy(p: usize, thread: i32, threads: i32): void {
  const length = word(p, Copy.dims + Axes.most - 1);
  const rows = rowsOf(p, Copy.dims);
  const single = rows < threads;
  const firstRow = single ? 0 : share(rows, 1, thread, threads);
  const lastRow = single ? rows : share(rows, 1, thread + 1, threads);
  const first = single ? share(length, 16, thread, threads) : 0;
  const count = (single ? share(length, 16, thread + 1, threads) : length) - first;
  const element = word(p, Copy.element);
  const stepX = <usize>(word(p, Copy.x_strides + Axes.most - 1) * element);
  const stepY = <usize>(word(p, Copy.y_strides + Axes.most - 1) * element);
  const dense = stepX == element && stepY == element;
  for (let row = firstRow; row < lastRow; row++) {
    let x = <usize>word(p, Copy.x) + <usize>(offsetOf(p, Copy.dims, Copy.x_strides, row) * element) + <usize>first * stepX;
    let y = <usize>word(p, Copy.y) + <usize>(offsetOf(p, Copy.dims, Copy.y_strides, row) * element) + <usize>first * stepY;
    if (dense) {
      copyBytes(y, x, <usize>(count * element));
    } else if (element == 4) {
      for (let i = 0; i < count; i++) {
        store<u32>(y, load<u32>(x));
        x += stepX;
        y += stepY;
      }
    } else {
      for (let i = 0; i < count; i++) {
        store<u8>(y, load<u8>(x));
        x += stepX;
        y += stepY;
      }
    }
  }
}

export function fill(p: usize, thread: i32, threads: i32): void {
  const count = word(p, Fill.count);
  const last = share(count, 16, thread + 1, threads);
  const value = word(p, Fill.value);
  for (let i = share(count, 16, thread, threads); i < last; i++) {
    if (word(p, Fill.element) == 4) store<i32>(<usize>word(p, Fill.y) + ((<usize>i) << 2), value);
    else store<u8>(<usize>word(p, Fill.y) + i, <u8>value);
  }
}
