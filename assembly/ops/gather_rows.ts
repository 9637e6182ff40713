// gather_rows: rows of a table picked by the indices that peak_top_k gives; zeros from `count` on.
import { GatherRows } from '../records';
import { share } from '../shared/parallel';
import { word } from '../shared/simd';

export function gather_rows(p: usize, thread: i32, threads: i32): void {
  const columns = word(p, GatherRows.columns);
  const k = word(p, GatherRows.k);
  const count = load<i32>(<usize>word(p, GatherRows.count));
  const divisor = word(p, GatherRows.divisor);
  const last = share(k, 1, thread + 1, threads);
  for (let i = share(k, 1, thread, threads); i < last; i++) {
    let y = <usize>word(p, GatherRows.y) + ((<usize>(i * columns)) << 2);
    if (i < count) {
      const index = load<i32>(<usize>word(p, GatherRows.index) + ((<usize>i) << 2));
      const row = min(max(index, 0) / divisor, word(p, GatherRows.row_count) - 1);
      let x = <usize>word(p, GatherRows.rows) + ((<usize>(row * columns)) << 2);
      for (let c = 0; c < columns; c++, x += 4, y += 4) store<f32>(y, load<f32>(x));
    } else {
      for (let c = 0; c < columns; c++, y += 4) store<f32>(y, 0);
    }
  }
}
