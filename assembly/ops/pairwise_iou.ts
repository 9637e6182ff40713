// pairwise_iou: overlap of every pair of boxes.
import { PairwiseIou } from '../records';
import { iou } from '../shared/boxes';
import { share } from '../shared/parallel';
import { word } from '../shared/simd';

export function pairwise_iou(p: usize, thread: i32, threads: i32): void {
  const n = word(p, PairwiseIou.n);
  const m = word(p, PairwiseIou.m);
  const last = share(n, 1, thread + 1, threads);
  for (let i = share(n, 1, thread, threads); i < last; i++) {
    const a = <usize>word(p, PairwiseIou.a) + ((<usize>i) << 4);
    let b = <usize>word(p, PairwiseIou.b);
    let y = <usize>word(p, PairwiseIou.y) + ((<usize>(i * m)) << 2);
    for (let j = 0; j < m; j++, b += 16, y += 4) store<f32>(y, <f32>iou(a, b));
  }
}
