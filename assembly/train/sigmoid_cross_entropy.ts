// Sigmoid cross-entropy, plain or focal, with targets from labels, a table, or dense. The plain twin is sdk/train/reference/sigmoid_cross_entropy.ts.
import { bytesAre, decayv, ELEMENT_WEIGHTS, firstLanes, lanes, powv, put, ROW_WEIGHTS, sigmoidOf, softplusOf, splat } from './math';

/**
 * @param logits [P, C] f32, @param labels [P] i32 or 0, @param table [R, C] u8 or 0 (0 negative, 1 positive, 2 no part)
 * @param targets [P, C] f32 or 0, @param columns [C] u8 or 0, @param weights [P] or [P, C] f32 as `weighting` says
 * @param rows [P] f32 out, @param gradient [P, C] f32 out; three floats behind every array may be read
 */
export function sigmoid_cross_entropy(
  logits: usize, P: i32, C: i32, labels: usize, table: usize, targets: usize, columns: usize, weights: usize, weighting: i32,
  gamma: f32, alpha: f32, scale: f32, rows: usize, gradient: usize,
): void {
  const one = splat(1);
  const scales = splat(scale);
  for (let p = 0; p < P; p++) {
    const row = (<usize>(p * C)) << 2;
    const label = labels ? load<i32>(labels + ((<usize>p) << 2)) : 0;
    const weight: f32 = weighting == ROW_WEIGHTS ? load<f32>(weights + ((<usize>p) << 2)) : 1;
    if (label < 0 || weight == 0) {
      store<f32>(rows + ((<usize>p) << 2), 0);
      memory.fill(gradient + row, 0, (<usize>C) << 2);
      continue;
    }
    let sum: f64 = 0;
    for (let c = 0; c < C; c += 4) {
      const at = row + ((<usize>c) << 2);
      const x = v128.load(logits + at);
      let t: v128;
      let counts = i32x4.splat(-1);
      if (targets) t = v128.load(targets + at);
      else if (table) {
        const states = table + <usize>label * <usize>C + <usize>c;
        t = v128.and(one, bytesAre(states, 1));
        counts = v128.not(bytesAre(states, 2));
      } else t = v128.and(one, i32x4.eq(i32x4.add(i32x4.splat(c), i32x4(0, 1, 2, 3)), i32x4.splat(label)));
      if (columns) counts = v128.and(counts, bytesAre(columns + c, 1));
      let share = weighting == ELEMENT_WEIGHTS ? v128.load(weights + at) : splat(weight);
      if (alpha >= 0) {
        const a = splat(alpha);
        // alpha t + (1 - alpha)(1 - t)
        const b = f32x4.sub(one, a);
        share = f32x4.mul(share, f32x4.add(b, f32x4.mul(t, f32x4.sub(a, b))));
      }
      share = firstLanes(v128.and(share, counts), C - c);
      const decay = decayv(x);
      const p1 = sigmoidOf(x, decay);
      const entropy = f32x4.sub(softplusOf(x, decay), f32x4.mul(t, x));
      let value = entropy;
      let slope = f32x4.sub(p1, t);
      if (gamma > 0) {
        const p0 = sigmoidOf(f32x4.neg(x), decay);
        // 1 - q = t (1 - p) + (1 - t) p: no cancellation where t is 0 or 1.
        const miss = f32x4.add(f32x4.mul(t, p0), f32x4.mul(f32x4.sub(one, t), p1));
        const focus = powv(miss, gamma);
        value = f32x4.mul(focus, entropy);
        const lean = f32x4.sub(f32x4.add(t, t), one);
        let turn = f32x4.mul(f32x4.mul(splat(gamma), powv(miss, gamma - 1)), f32x4.mul(lean, f32x4.mul(p1, p0)));
        turn = f32x4.mul(turn, entropy);
        // Where nothing is missed a power below 0 would be infinite.
        turn = v128.and(turn, f32x4.gt(miss, splat(0)));
        slope = f32x4.sub(f32x4.mul(focus, slope), turn);
      }
      // Lanes that take no part may hold anything: they are cut, not multiplied by 0.
      const part = f32x4.ne(share, splat(0));
      sum += lanes(v128.and(f32x4.mul(share, value), part));
      put(gradient + at, v128.and(f32x4.mul(f32x4.mul(scales, share), slope), part), C - c);
    }
    store<f32>(rows + ((<usize>p) << 2), <f32>sum);
  }
}
