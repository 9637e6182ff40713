// top_k: the largest elements of each row, descending; ties by lower index, NaN behind all numbers.
import { TopK } from '../records';
import { indexOf, integerKey, keyOf, push, sortDown } from '../shared/heap';
import { share } from '../shared/parallel';
import { word } from '../shared/simd';

export function top_k(p: usize, thread: i32, threads: i32): void {
  const rows = word(p, TopK.rows);
  const length = word(p, TopK.length);
  const k = word(p, TopK.k);
  const heap = <usize>word(p, TopK.heap) + ((<usize>(thread * k)) << 3);
  const last = share(rows, 1, thread + 1, threads);
  for (let row = share(rows, 1, thread, threads); row < last; row++) {
    const x = <usize>word(p, TopK.x) + ((<usize>(row * length)) << 2);
    let count = 0;
    for (let i = 0; i < length; i++) {
      const at = x + ((<usize>i) << 2);
      count = push(heap, count, k, word(p, TopK.integer) ? integerKey(load<i32>(at), i) : keyOf(load<f32>(at), i));
    }
    sortDown(heap, count);
    for (let i = 0; i < k; i++) {
      const index = indexOf(load<i64>(heap + ((<usize>i) << 3)));
      const to = (<usize>(row * k + i)) << 2;
      store<i32>(<usize>word(p, TopK.index) + to, index);
      store<i32>(<usize>word(p, TopK.values) + to, load<i32>(x + ((<usize>index) << 2)));
    }
  }
}
