// Smooth L1 of numbers. The plain twin is sdk/train/reference/boxes.ts.
import { ELEMENT_WEIGHTS, firstLanes, lanes, put, ROW_WEIGHTS, splat } from './math';

/** @param logits [P, C] f32, @param targets [P, C] f32, @param weights [P] or [P, C] as `weighting` says; out: rows [P], gradient [P, C] f32 */
export function smooth_l1(
  logits: usize, P: i32, C: i32, targets: usize, weights: usize, weighting: i32, beta: f32, scale: f32, rows: usize, gradient: usize,
): void {
  const zero = splat(0);
  const one = splat(1);
  const half = splat(beta / 2);
  const inverse = splat(beta > 0 ? 1 / beta : 0);
  for (let p = 0; p < P; p++) {
    const row = (<usize>(p * C)) << 2;
    const weight: f32 = weighting == ROW_WEIGHTS ? load<f32>(weights + ((<usize>p) << 2)) : 1;
    let sum: f64 = 0;
    for (let c = 0; c < C; c += 4) {
      const at = row + ((<usize>c) << 2);
      const off = f32x4.sub(v128.load(logits + at), v128.load(targets + at));
      const size = f32x4.abs(off);
      const near = f32x4.lt(size, splat(beta));
      const share = firstLanes(weighting == ELEMENT_WEIGHTS ? v128.load(weights + at) : splat(weight), C - c);
      const scaled = f32x4.mul(off, inverse);
      const value = v128.bitselect(f32x4.mul(f32x4.mul(off, scaled), splat(0.5)), f32x4.sub(size, half), near);
      const side = f32x4.sub(v128.and(one, f32x4.gt(off, zero)), v128.and(one, f32x4.lt(off, zero)));
      const slope = v128.bitselect(scaled, side, near);
      const part = f32x4.ne(share, zero);
      sum += lanes(v128.and(f32x4.mul(share, value), part));
      put(gradient + at, v128.and(f32x4.mul(f32x4.mul(splat(scale), share), slope), part), C - c);
    }
    store<f32>(rows + ((<usize>p) << 2), <f32>sum);
  }
}
