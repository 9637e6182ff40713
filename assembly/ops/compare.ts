// compare: element-wise comparison with broadcasting; results are bytes 0 or 1.
import { Axes, Binary, CompareKind, ElementType } from '../records';
import { offsetOf, rowsOf } from '../shared/axes';
import { share } from '../shared/parallel';
import { word } from '../shared/simd';

export function compare(p: usize, thread: i32, threads: i32): void {
  const length = word(p, Binary.dims + Axes.most - 1);
  const rows = rowsOf(p, Binary.dims);
  const single = rows < threads;
  const firstRow = single ? 0 : share(rows, 1, thread, threads);
  const lastRow = single ? rows : share(rows, 1, thread + 1, threads);
  const first = single ? share(length, 16, thread, threads) : 0;
  const last = single ? share(length, 16, thread + 1, threads) : length;
  const strideA = word(p, Binary.a_strides + Axes.most - 1);
  const strideB = word(p, Binary.b_strides + Axes.most - 1);
  const type = word(p, Binary.type);
  const kind = word(p, Binary.kind);
  for (let row = firstRow; row < lastRow; row++) {
    const a = offsetOf(p, Binary.dims, Binary.a_strides, row);
    const b = offsetOf(p, Binary.dims, Binary.b_strides, row);
    const y = <usize>word(p, Binary.y) + <usize>(row * length);
    for (let i = first; i < last; i++) {
      const left = element(<usize>word(p, Binary.a), type, a + i * strideA);
      const right = element(<usize>word(p, Binary.b), type, b + i * strideB);
      store<u8>(y + i, <u8>holds(kind, left, right));
    }
  }
}

/** Exact for every type. */
// @ts-ignore: decorator
@inline
function element(base: usize, type: i32, i: i32): f64 {
  if (type == ElementType.float32) return load<f32>(base + (<usize>i << 2));
  if (type == ElementType.int32) return load<i32>(base + (<usize>i << 2));
  return load<u8>(base + i);
}

function holds(kind: i32, a: f64, b: f64): bool {
  switch (kind) {
    case CompareKind.equal:
      return a == b;
    case CompareKind.not_equal:
      return a != b;
    case CompareKind.less:
      return a < b;
    case CompareKind.less_equal:
      return a <= b;
    case CompareKind.greater:
      return a > b;
    default:
      return a >= b;
  }
}
