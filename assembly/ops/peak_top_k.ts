// peak_top_k: local maxima of each channel of a map, the strongest first (CenterNet, "Objects as Points", section 4).
import { PeakTopK } from '../records';
import { indexOf, keyOf, push, sortDown } from '../shared/heap';
import { share } from '../shared/parallel';
import { word } from '../shared/simd';

/**
 * Each thread scans a run of the map in vectors and keeps its k best peaks in a heap. Once the heap is full its worst peak is the threshold, so
 * that almost every vector is done after one comparison.
 */
export function peak_top_k(p: usize, thread: i32, threads: i32): void {
  const labels = word(p, PeakTopK.labels);
  const total = word(p, PeakTopK.height) * word(p, PeakTopK.width) * labels;
  const k = word(p, PeakTopK.k);
  const map = <usize>word(p, PeakTopK.map);
  const state = <usize>word(p, PeakTopK.heaps) + <usize>thread * word(p, PeakTopK.heap_bytes);
  const heap = state + 8;
  const last = share(total, 16, thread + 1, threads);
  let least = load<f32>(<usize>word(p, PeakTopK.threshold));
  let limit = f32x4.splat(least);
  let count = 0;
  let i = share(total, 16, thread, threads);
  while (i < last) {
    const at = map + ((<usize>i) << 2);
    if (i + 16 <= last) {
      const any = v128.or(
        v128.or(f32x4.ge(v128.load(at), limit), f32x4.ge(v128.load(at, 16), limit)),
        v128.or(f32x4.ge(v128.load(at, 32), limit), f32x4.ge(v128.load(at, 48), limit)),
      );
      if (!v128.any_true(any)) {
        i += 16;
        continue;
      }
    }
    const end = min(i + 16, last);
    for (; i < end; i++) {
      const value = load<f32>(map + ((<usize>i) << 2));
      if (!(value >= least)) continue;
      const key = keyOf(value, i);
      if (count == k && key <= load<i64>(heap)) continue;
      if (!isPeak(p, map, i, value)) continue;
      count = push(heap, count, k, key);
      if (count == k) {
        const worst = load<f32>(map + ((<usize>indexOf(load<i64>(heap))) << 2));
        if (worst > least) {
          least = worst;
          limit = f32x4.splat(least);
        }
      }
    }
  }
  store<i32>(state, count);
}

function isPeak(p: usize, map: usize, i: i32, value: f32): bool {
  const labels = word(p, PeakTopK.labels);
  const width = word(p, PeakTopK.width);
  const radius = word(p, PeakTopK.radius);
  const pixel = i / labels;
  const label = i % labels;
  const x = pixel % width;
  const y = pixel / width;
  const bottom = min(y + radius, word(p, PeakTopK.height) - 1);
  const right = min(x + radius, width - 1);
  for (let ny = max(y - radius, 0); ny <= bottom; ny++) {
    for (let nx = max(x - radius, 0); nx <= right; nx++) {
      // Also false beside NaN.
      if (!(value >= load<f32>(map + ((<usize>((ny * width + nx) * labels + label)) << 2)))) return false;
    }
  }
  return true;
}

/** One thread joins the heaps of all. */
export function peak_top_k_merge(p: usize, thread: i32, threads: i32): void {
  if (thread != 0) return;
  const k = word(p, PeakTopK.k);
  const map = <usize>word(p, PeakTopK.map);
  const state = <usize>word(p, PeakTopK.heaps);
  const heap = state + 8;
  let count = load<i32>(state);
  for (let t = 1; t < threads; t++) {
    const other = state + <usize>t * word(p, PeakTopK.heap_bytes);
    const n = load<i32>(other);
    for (let i = 0; i < n; i++) count = push(heap, count, k, load<i64>(other + ((<usize>i) << 3), 8));
  }
  sortDown(heap, count);
  store<i32>(<usize>word(p, PeakTopK.count), count);
  for (let i = 0; i < k; i++) {
    const to = (<usize>i) << 2;
    const index = i < count ? indexOf(load<i64>(heap + ((<usize>i) << 3))) : 0;
    store<i32>(<usize>word(p, PeakTopK.index) + to, index);
    store<f32>(<usize>word(p, PeakTopK.value) + to, i < count ? load<f32>(map + ((<usize>index) << 2)) : 0);
  }
}
