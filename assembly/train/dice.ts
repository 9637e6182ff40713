// Dice loss of masks. The plain twin is sdk/train/reference/dice.ts.
import { firstLanes, lanes, logisticv, put, splat } from './math';

/** @param logits [M, N] f32, @param targets [M, N] f32, @param weights [M] f32 or 0; out: rows [M], gradient [M, N] f32 */
export function dice(
  logits: usize, M: i32, N: i32, targets: usize, weights: usize, smooth: f32, squared: bool, scale: f32, rows: usize, gradient: usize,
): void {
  const size = (<usize>N) << 2;
  /** Bytes of whole fours, and lanes behind them. */
  const fours = size & ~15;
  const left = N & 3;
  for (let m = 0; m < M; m++) {
    const row = <usize>m * size;
    const weight: f32 = weights ? load<f32>(weights + ((<usize>m) << 2)) : 1;
    if (weight == 0) {
      store<f32>(rows + ((<usize>m) << 2), 0);
      memory.fill(gradient + row, 0, size);
      continue;
    }
    const last = row + fours;
    let shared: f64 = 0;
    let all: f64 = 0;
    // Probabilities wait where the gradient will stand. Sixteen fours are added up in floats before they join the doubles.
    for (let at = row; at < last; ) {
      const pause = min(last, at + 256);
      let someShared = splat(0);
      let someAll = splat(0);
      for (; at < pause; at += 16) {
        const t = v128.load(targets + at);
        const p = logisticv(v128.load(logits + at));
        v128.store(gradient + at, p);
        someShared = f32x4.add(someShared, f32x4.mul(p, t));
        someAll = f32x4.add(someAll, squared ? f32x4.add(f32x4.mul(p, p), f32x4.mul(t, t)) : f32x4.add(p, t));
      }
      shared += lanes(someShared);
      all += lanes(someAll);
    }
    if (left) {
      const t = firstLanes(v128.load(targets + last), left);
      const p = firstLanes(logisticv(v128.load(logits + last)), left);
      put(gradient + last, p, left);
      shared += lanes(f32x4.mul(p, t));
      all += lanes(squared ? f32x4.add(f32x4.mul(p, p), f32x4.mul(t, t)) : f32x4.add(p, t));
    }
    const top = 2 * shared + <f64>smooth;
    const bottom = all + <f64>smooth;
    if (bottom == 0) {
      store<f32>(rows + ((<usize>m) << 2), 0);
      memory.fill(gradient + row, 0, size);
      continue;
    }
    store<f32>(rows + ((<usize>m) << 2), <f32>(<f64>weight * (1 - top / bottom)));
    // -(2 t bottom - top rise) / bottom^2 with rise 1 or 2 p: a t + b + c p.
    const factor = <f64>scale * <f64>weight;
    const a = splat(<f32>((-2 * factor) / bottom));
    const rise = (factor * top) / (bottom * bottom);
    const b = splat(squared ? 0 : <f32>rise);
    const c = splat(squared ? <f32>(2 * rise) : 0);
    for (let at = row; at < last; at += 16) v128.store(gradient + at, slopes(gradient + at, targets + at, a, b, c));
    if (left) put(gradient + last, slopes(gradient + last, targets + last, a, b, c), left);
  }
}

/** (a t + b + c p) p (1 - p). 1 - p is off by 6e-8 at most, on slopes of up to a quarter, as PyTorch has it. */
// @ts-ignore: decorator
@inline
function slopes(probabilities: usize, targets: usize, a: v128, b: v128, c: v128): v128 {
  const p = v128.load(probabilities);
  const rise = f32x4.add(f32x4.mul(a, v128.load(targets)), f32x4.add(f32x4.mul(c, p), b));
  return f32x4.mul(rise, f32x4.mul(p, f32x4.sub(splat(1), p)));
}
