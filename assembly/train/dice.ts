// Dice loss of masks. The plain twin is sdk/train/reference/dice.ts.
import { decayv, firstLanes, lanes, put, sigmoidOf, splat } from './math';

/** @param logits [M, N] f32, @param targets [M, N] f32, @param weights [M] f32 or 0; out: rows [M], gradient [M, N] f32 */
export function dice(
  logits: usize, M: i32, N: i32, targets: usize, weights: usize, smooth: f32, squared: bool, scale: f32, rows: usize, gradient: usize,
): void {
  for (let m = 0; m < M; m++) {
    const row = (<usize>(m * N)) << 2;
    const weight: f32 = weights ? load<f32>(weights + ((<usize>m) << 2)) : 1;
    if (weight == 0) {
      store<f32>(rows + ((<usize>m) << 2), 0);
      memory.fill(gradient + row, 0, (<usize>N) << 2);
      continue;
    }
    let shared: f64 = 0;
    let all: f64 = 0;
    // Sixteen fours are added up in floats before they join the doubles.
    let someShared = splat(0);
    let someAll = splat(0);
    // Probabilities wait where the gradient will stand.
    for (let i = 0; i < N; i += 4) {
      const at = row + ((<usize>i) << 2);
      const x = v128.load(logits + at);
      const t = firstLanes(v128.load(targets + at), N - i);
      const p = firstLanes(sigmoidOf(x, decayv(x)), N - i);
      someShared = f32x4.add(someShared, f32x4.mul(p, t));
      someAll = f32x4.add(someAll, squared ? f32x4.add(f32x4.mul(p, p), f32x4.mul(t, t)) : f32x4.add(p, t));
      if ((i & 60) == 60 || i + 4 >= N) {
        shared += lanes(someShared);
        all += lanes(someAll);
        someShared = splat(0);
        someAll = splat(0);
      }
      put(gradient + at, p, N - i);
    }
    const top = 2 * shared + <f64>smooth;
    const bottom = all + <f64>smooth;
    if (bottom == 0) {
      store<f32>(rows + ((<usize>m) << 2), 0);
      memory.fill(gradient + row, 0, (<usize>N) << 2);
      continue;
    }
    store<f32>(rows + ((<usize>m) << 2), <f32>(<f64>weight * (1 - top / bottom)));
    // -(2 t bottom - top rise) / bottom^2 with rise 1 or 2 p.
    const factor = <f64>scale * <f64>weight;
    const a = splat(<f32>((-2 * factor) / bottom));
    const b = splat(<f32>((factor * top) / (bottom * bottom)));
    for (let i = 0; i < N; i += 4) {
      const at = row + ((<usize>i) << 2);
      const p = v128.load(gradient + at);
      const rise = squared ? f32x4.add(p, p) : splat(1);
      const slope = f32x4.add(f32x4.mul(a, v128.load(targets + at)), f32x4.mul(b, rise));
      // 1 - p is off by 6e-8 at most, on slopes of up to a quarter, as PyTorch has it.
      put(gradient + at, f32x4.mul(slope, f32x4.mul(p, f32x4.sub(splat(1), p))), N - i);
    }
  }
}
