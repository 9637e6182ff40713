// Softmax cross-entropy of rows over all columns or those of one data set. The plain twin is sdk/train/reference/softmax_cross_entropy.ts.
import { expv, logv } from '../shared/math';
import { bytesAre, firstLanes, lanes, put, splat } from './math';

/**
 * @param logits [P, C] f32, @param labels [P] i32 (-1: no part), @param columns [C] u8, or 0, @param weights [P] f32, or 0
 * @param rows [P] f32 out, @param gradient [P, C] f32 out; three floats behind every array may be read
 */
export function softmax_cross_entropy(
  logits: usize, P: i32, C: i32, labels: usize, columns: usize, weights: usize, scale: f32, rows: usize, gradient: usize,
): void {
  const none = splat(-Infinity);
  for (let p = 0; p < P; p++) {
    const x = logits + ((<usize>(p * C)) << 2);
    const g = gradient + ((<usize>(p * C)) << 2);
    const label = load<i32>(labels + ((<usize>p) << 2));
    const weight: f32 = weights ? load<f32>(weights + ((<usize>p) << 2)) : 1;
    if (label < 0 || weight == 0) {
      store<f32>(rows + ((<usize>p) << 2), 0);
      memory.fill(g, 0, (<usize>C) << 2);
      continue;
    }
    let most = none;
    for (let c = 0; c < C; c += 4) {
      let v = v128.load(x + ((<usize>c) << 2));
      if (columns) v = v128.bitselect(v, none, bytesAre(columns + c, 1));
      if (C - c < 4) v = v128.bitselect(v, none, i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(C - c)));
      most = f32x4.max(most, v);
    }
    const top = max(
      max(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 1)),
      max(f32x4.extract_lane(most, 2), f32x4.extract_lane(most, 3)),
    );
    const shift = splat(top);
    let sum: f64 = 0;
    // The exponentials wait where the gradient will stand.
    for (let c = 0; c < C; c += 4) {
      let e = expv(f32x4.sub(v128.load(x + ((<usize>c) << 2)), shift));
      if (columns) e = v128.and(e, bytesAre(columns + c, 1));
      e = firstLanes(e, C - c);
      sum += lanes(e);
      put(g + ((<usize>c) << 2), e, C - c);
    }
    const own = load<f32>(x + ((<usize>label) << 2));
    // Not Math.log: its tables would stand where the host puts its arrays.
    const entropy: f64 = <f64>f32x4.extract_lane(logv(splat(<f32>sum)), 0);
    store<f32>(rows + ((<usize>p) << 2), <f32>(<f64>weight * (<f64>top - <f64>own + entropy)));
    const factor = splat(<f32>((<f64>scale * <f64>weight) / sum));
    for (let c = 0; c < C; c += 4) {
      const at = g + ((<usize>c) << 2);
      put(at, f32x4.mul(v128.load(at), factor), C - c);
    }
    const at = g + ((<usize>label) << 2);
    store<f32>(at, load<f32>(at) - scale * weight);
  }
}
