// Steps of SGD and AdamW in place, and the sum of squares. The plain twins are sdk/train/reference/optimizers.ts. Arrays are padded to fours.
import { firstLanes, lanes, splat } from './math';

export function sgd(
  weights: usize, gradient: usize, velocity: usize, n: i32, rate: f32, momentum: f32, decay: f32, nesterov: bool, clip: f32,
): void {
  const end = (<usize>n) << 2;
  for (let at: usize = 0; at < end; at += 16) {
    const w = v128.load(weights + at);
    const g = f32x4.add(f32x4.mul(splat(clip), v128.load(gradient + at)), f32x4.mul(splat(decay), w));
    const v = f32x4.add(f32x4.mul(splat(momentum), v128.load(velocity + at)), g);
    v128.store(velocity + at, v);
    const step = nesterov ? f32x4.add(g, f32x4.mul(splat(momentum), v)) : v;
    v128.store(weights + at, f32x4.sub(w, f32x4.mul(splat(rate), step)));
  }
}

/** @param rate over the correction of the first moment, @param root one over the root of the correction of the second, @param keep 1 - rate decay; rest is 1 - beta, rounded once */
export function adamw(
  weights: usize, gradient: usize, first: usize, second: usize, n: i32,
  rate: f32, beta1: f32, rest1: f32, beta2: f32, rest2: f32, epsilon: f32, keep: f32, root: f32, clip: f32,
): void {
  const end = (<usize>n) << 2;
  for (let at: usize = 0; at < end; at += 16) {
    const g = f32x4.mul(splat(clip), v128.load(gradient + at));
    const m = f32x4.add(f32x4.mul(splat(beta1), v128.load(first + at)), f32x4.mul(splat(rest1), g));
    const v = f32x4.add(f32x4.mul(splat(beta2), v128.load(second + at)), f32x4.mul(splat(rest2), f32x4.mul(g, g)));
    v128.store(first + at, m);
    v128.store(second + at, v);
    const bottom = f32x4.add(f32x4.mul(f32x4.sqrt(v), splat(root)), splat(epsilon));
    const step = f32x4.div(f32x4.mul(splat(rate), m), bottom);
    v128.store(weights + at, f32x4.sub(f32x4.mul(v128.load(weights + at), splat(keep)), step));
  }
}

export function square_sum(values: usize, n: i32): f64 {
  let sum: f64 = 0;
  for (let i = 0; i < n; i += 4) {
    const v = firstLanes(v128.load(values + ((<usize>i) << 2)), n - i);
    sum += lanes(f32x4.mul(v, v));
  }
  return sum;
}
