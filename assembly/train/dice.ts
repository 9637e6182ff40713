// Dice loss of masks. The plain twin is sdk/train/reference/dice.ts.
import { firstLanes, lanes, logisticv, put, splat } from './math';

/** @param logits [M, N] f32, @param targets [M, N] f32, @param weights [M] f32 or 0; out: rows [M], gradient [M, N] f32 */
export function dice(
  logits: usize, M: i32, N: i32, targets: usize, weights: usize, smooth: f32, squared: bool, scale: f32, rows: usize, gradient: usize,
): void {
  const size = (<usize>N) << 2;
  for (let m = 0; m < M; m++) {
    const row = <usize>m * size;
    const weight: f64 = weights ? <f64>load<f32>(weights + ((<usize>m) << 2)) : 1;
    let value: f64 = 0;
    if (weight == 0) memory.fill(gradient + row, 0, size);
    else value = weight * diceOf(logits + row, targets + row, N, smooth, squared, <f64>scale * weight, gradient + row);
    store<f32>(rows + ((<usize>m) << 2), <f32>value);
  }
}

/** 1 - dice of N logits against targets; out: its slope times `factor` [N], which may stand where the logits do. */
export function diceOf(logits: usize, targets: usize, N: i32, smooth: f32, squared: bool, factor: f64, out: usize): f64 {
  /** Bytes of whole fours, and lanes behind them. */
  const fours = ((<usize>N) << 2) & ~15;
  const left = N & 3;
  let shared: f64 = 0;
  let all: f64 = 0;
  // Probabilities wait where the slopes will stand. Sixteen fours are added up in floats before they join the doubles.
  for (let at: usize = 0; at < fours; ) {
    const pause = min(fours, at + 256);
    let someShared = splat(0);
    let someAll = splat(0);
    for (; at < pause; at += 16) {
      const t = v128.load(targets + at);
      const p = logisticv(v128.load(logits + at));
      v128.store(out + at, p);
      someShared = f32x4.add(someShared, f32x4.mul(p, t));
      someAll = f32x4.add(someAll, squared ? f32x4.add(f32x4.mul(p, p), f32x4.mul(t, t)) : f32x4.add(p, t));
    }
    shared += lanes(someShared);
    all += lanes(someAll);
  }
  if (left) {
    const t = firstLanes(v128.load(targets + fours), left);
    const p = firstLanes(logisticv(v128.load(logits + fours)), left);
    put(out + fours, p, left);
    shared += lanes(f32x4.mul(p, t));
    all += lanes(squared ? f32x4.add(f32x4.mul(p, p), f32x4.mul(t, t)) : f32x4.add(p, t));
  }
  const top = 2 * shared + <f64>smooth;
  const bottom = all + <f64>smooth;
  if (bottom == 0) {
    memory.fill(out, 0, (<usize>N) << 2);
    return 0;
  }
  // -(2 t bottom - top rise) / bottom^2 with rise 1 or 2 p: a t + b + c p.
  const a = splat(<f32>((-2 * factor) / bottom));
  const rise = (factor * top) / (bottom * bottom);
  const b = splat(squared ? 0 : <f32>rise);
  const c = splat(squared ? <f32>(2 * rise) : 0);
  for (let at: usize = 0; at < fours; at += 16) v128.store(out + at, slopes(out + at, targets + at, a, b, c));
  if (left) put(out + fours, slopes(out + fours, targets + fours, a, b, c), left);
  return 1 - top / bottom;
}

/** (a t + b + c p) p (1 - p). 1 - p is off by 6e-8 at most, on slopes of up to a quarter, as PyTorch has it. */
// @ts-ignore: decorator
@inline
function slopes(probabilities: usize, targets: usize, a: v128, b: v128, c: v128): v128 {
  const p = v128.load(probabilities);
  const rise = f32x4.add(f32x4.mul(a, v128.load(targets)), f32x4.add(f32x4.mul(c, p), b));
  return f32x4.mul(rise, f32x4.mul(p, f32x4.sub(splat(1), p)));
}
