// CenterNet's penalty-reduced focal loss. The plain twin is sdk/train/reference/heatmap_focal.ts.
import { decayv, ELEMENT_WEIGHTS, firstLanes, lanes, powv, put, ROW_WEIGHTS, sigmoidOf, softplusOf, splat } from './math';

/** @param logits [P, C] f32, @param targets [P, C] f32, @param weights [P] or [P, C] as `weighting` says; out: rows [P], gradient [P, C] f32 */
export function heatmap_focal(
  logits: usize, P: i32, C: i32, targets: usize, weights: usize, weighting: i32, alpha: f32, beta: f32, scale: f32,
  rows: usize, gradient: usize,
): void {
  const one = splat(1);
  const sign = i32x4.splat(0x80000000);
  for (let p = 0; p < P; p++) {
    const row = (<usize>(p * C)) << 2;
    const weight: f32 = weighting == ROW_WEIGHTS ? load<f32>(weights + ((<usize>p) << 2)) : 1;
    let sum: f64 = 0;
    for (let c = 0; c < C; c += 4) {
      const at = row + ((<usize>c) << 2);
      const t = v128.load(targets + at);
      const centre = f32x4.eq(t, one);
      // A centre is the mirror image of background.
      const flip = v128.and(centre, sign);
      const x = v128.xor(v128.load(logits + at), flip);
      let factor = v128.bitselect(one, powv(f32x4.sub(one, t), beta), centre);
      factor = f32x4.mul(factor, weighting == ELEMENT_WEIGHTS ? v128.load(weights + at) : splat(weight));
      factor = firstLanes(factor, C - c);
      const decay = decayv(x);
      const probability = sigmoidOf(x, decay);
      const entropy = softplusOf(x, decay);
      const focus = f32x4.mul(factor, powv(probability, alpha));
      const slope = f32x4.add(f32x4.mul(f32x4.mul(splat(alpha), sigmoidOf(f32x4.neg(x), decay)), entropy), probability);
      const part = f32x4.ne(factor, splat(0));
      sum += lanes(v128.and(f32x4.mul(focus, entropy), part));
      const g = v128.xor(f32x4.mul(f32x4.mul(splat(scale), focus), slope), flip);
      put(gradient + at, v128.and(g, part), C - c);
    }
    store<f32>(rows + ((<usize>p) << 2), <f32>sum);
  }
}
