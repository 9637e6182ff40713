// non_max_suppression: greedy, by falling score; equal scores by lower index, NaN behind all numbers. One thread does it.
import { Suppression } from '../records';
import { iou } from '../shared/boxes';
import { indexOf, keyOf, push, sortDown } from '../shared/heap';
import { word } from '../shared/simd';

export function non_max_suppression(p: usize, thread: i32, threads: i32): void {
  if (thread) return;
  const k = word(p, Suppression.k);
  const count = min(max(load<i32>(<usize>word(p, Suppression.count)), 0), k);
  const boxes = <usize>word(p, Suppression.boxes);
  const scores = <usize>word(p, Suppression.scores);
  const labels = <usize>word(p, Suppression.labels);
  const index = <usize>word(p, Suppression.index);
  const heap = <usize>word(p, Suppression.heap);
  const perClass = word(p, Suppression.per_class);
  const threshold = load<f64>(p + ((<usize>Suppression.threshold) << 2));
  let held = 0;
  for (let i = 0; i < count; i++) held = push(heap, held, count, keyOf(load<f32>(scores + ((<usize>i) << 2)), i));
  sortDown(heap, held);
  let kept = 0;
  for (let n = 0; n < held; n++) {
    const i = indexOf(load<i64>(heap + ((<usize>n) << 3)));
    const box = boxes + ((<usize>i) << 4);
    const label = load<i32>(labels + ((<usize>i) << 2));
    let dropped = false;
    for (let m = 0; m < kept && !dropped; m++) {
      const j = load<i32>(index + ((<usize>m) << 2));
      if (perClass && load<i32>(labels + ((<usize>j) << 2)) != label) continue;
      dropped = iou(box, boxes + ((<usize>j) << 4)) > threshold;
    }
    if (dropped) continue;
    store<i32>(index + ((<usize>kept) << 2), i);
    kept++;
  }
  for (let n = kept; n < k; n++) store<i32>(index + ((<usize>n) << 2), 0);
  store<i32>(<usize>word(p, Suppression.kept), kept);
}
