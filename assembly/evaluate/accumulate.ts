// Precision, recall and score curves of one class from its matched detections. The plain twin is sdk/evaluate/coco/oracle.ts.
//
// Letters: T IoU thresholds, R recall points, A area ranges, M detection limits.
import { allocate, mark, release } from './memory';
import { sortKey, sortRows } from './sort';

/** 2^-52, which COCO adds to the number of detections. */
const SPACING: f64 = 2.220446049250313e-16;

let ties: u32 = 0;
/** Detections of the class that `accumulate` saw last whose score equals that of the one before them. */
export function equalScores(): u32 {
  return ties;
}

/**
 * @param count detections, in ascending order of images and, inside one, of rank
 * @param scores [count] f64, @param ranks [count] u32, @param bits [count, A, 2] u32 (true, false positives by threshold)
 * @param positives [A] u32; where it is 0 nothing is written
 * @param precision [T, R, A, M] f64, @param recall [T, A, M] f64, @param reached [T, R, A, M] f64 (scores); hold -1 before
 */
export function accumulate(
  count: usize, scores: usize, ranks: usize, bits: usize, positives: usize,
  T: usize, R: usize, A: usize, M: usize, recallAt: usize, limits: usize,
  precision: usize, recall: usize, reached: usize,
): void {
  const before = mark();
  const keys = allocate(count << 3);
  const rows = allocate(count << 2);
  const scratch = allocate(count * 12);
  for (let i: usize = 0; i < count; i++) {
    store<u64>(keys + (i << 3), sortKey(load<f64>(scores + (i << 3))));
    store<u32>(rows + (i << 2), <u32>i);
  }
  sortRows(keys, rows, count, scratch);
  ties = 0;
  for (let i: usize = 1; i < count; i++) {
    if (load<u64>(keys + (i << 3)) == load<u64>(keys + (i << 3) - 8)) ties++;
  }
  let most: usize = 0;
  for (let a: usize = 0; a < A; a++) most = max(most, <usize>load<u32>(positives + (a << 2)));
  most = min(most, count) + 1;
  // For each threshold, the true positives in order: precision and score.
  const curve = allocate(T * most << 4);
  const hits = allocate(T << 2);
  const lanes = (T + 3) >> 2;
  const misses = allocate(lanes << 4);
  const laneBits = allocate(lanes << 4);
  for (let t: usize = 0; t < lanes << 2; t++) store<u32>(laneBits + (t << 2), t < T ? 1 << <u32>t : 0);
  const zero = i32x4.splat(0);

  for (let a: usize = 0; a < A; a++) {
    const wanted = load<u32>(positives + (a << 2));
    if (!wanted) continue;
    for (let m: usize = 0; m < M; m++) {
      const limit = load<u32>(limits + (m << 2));
      memory.fill(hits, 0, T << 2);
      memory.fill(misses, 0, lanes << 4);
      let used: usize = 0;
      let firstScore: f64 = 0;
      let firstBits: u32 = 0;
      for (let i: usize = 0; i < count; i++) {
        const row = <usize>load<u32>(rows + (i << 2));
        if (load<u32>(ranks + (row << 2)) >= limit) continue;
        const pair = bits + ((row * A + a) << 3);
        let right = load<u32>(pair);
        const wrong = load<u32>(pair, 4);
        if (used == 0) {
          firstScore = load<f64>(scores + (row << 3));
          firstBits = right;
        }
        used++;
        if (wrong) {
          const all = i32x4.splat(<i32>wrong);
          for (let v: usize = 0; v < lanes; v++) {
            const at = misses + (v << 4);
            // A set bit compares as -1, which is taken away.
            v128.store(at, i32x4.sub(v128.load(at), i32x4.ne(v128.and(all, v128.load(laneBits + (v << 4))), zero)));
          }
        }
        while (right) {
          const t = <usize>ctz(right);
          right &= right - 1;
          const k = load<u32>(hits + (t << 2));
          store<u32>(hits + (t << 2), k + 1);
          const tp = <f64>(k + 1);
          const fp = <f64>load<u32>(misses + (t << 2));
          const at = curve + ((t * most + <usize>k) << 4);
          store<f64>(at, tp / (fp + tp + SPACING));
          store<f64>(at, load<f64>(scores + (row << 3)), 8);
        }
      }
      for (let t: usize = 0; t < T; t++) {
        const k = <usize>load<u32>(hits + (t << 2));
        const list = curve + (t * most << 4);
        store<f64>(recall + (((t * A + a) * M + m) << 3), used ? <f64>k / <f64>wanted : 0);
        // The envelope: no precision below a later one.
        for (let i = k; i > 1; i--) {
          const later = load<f64>(list + ((i - 1) << 4));
          if (later > load<f64>(list + ((i - 2) << 4))) store<f64>(list + ((i - 2) << 4), later);
        }
        let i: usize = 0;
        for (let r: usize = 0; r < R; r++) {
          const threshold = load<f64>(recallAt + (r << 3));
          let p: f64 = 0;
          let score: f64 = 0;
          if (!(threshold > 0)) {
            // Recall 0 is reached by the first detection, whatever it is.
            if (used) {
              p = k ? load<f64>(list) : 0;
              score = firstScore;
            }
          } else {
            while (i < k && <f64>(i + 1) / <f64>wanted < threshold) i++;
            if (i < k) {
              p = load<f64>(list + (i << 4));
              score = load<f64>(list + (i << 4), 8);
            }
          }
          const at = ((((t * R + r) * A + a) * M + m) << 3);
          store<f64>(precision + at, p);
          store<f64>(reached + at, score);
        }
      }
    }
  }
  release(before);
}
