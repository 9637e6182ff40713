// ScaleDet's hard and soft label assignment on cosines. The plain twin is sdk/train/reference/hard_soft_labels.ts.
import { decayv, firstLanes, lanes, put, sigmoidOf, softplusOf, splat } from './math';

/**
 * @param logits [P, C] f32 cosines, @param labels [P] i32 (-1 no part, C and above background), @param similarity [C, C] f32
 * @param weights [P] f32 or 0, @param rows [P] f32 out, @param gradient [P, C] f32 out; three floats behind every array may be read
 */
export function hard_soft_labels(
  logits: usize, P: i32, C: i32, labels: usize, similarity: usize, temperature: f32, softWeight: f32, weights: usize, scale: f32,
  rows: usize, gradient: usize,
): void {
  const one = splat(1);
  const sharp = splat(<f32>(1.0 / <f64>temperature));
  for (let p = 0; p < P; p++) {
    const row = (<usize>(p * C)) << 2;
    const label = load<i32>(labels + ((<usize>p) << 2));
    const weight: f32 = weights ? load<f32>(weights + ((<usize>p) << 2)) : 1;
    if (label < 0 || weight == 0) {
      store<f32>(rows + ((<usize>p) << 2), 0);
      memory.fill(gradient + row, 0, (<usize>C) << 2);
      continue;
    }
    const hasSoft = label < C && softWeight != 0;
    const similar = similarity + ((<usize>label * <usize>C) << 2);
    const factor = splat(scale * weight);
    const soft = splat(softWeight);
    let sum: f64 = 0;
    // Sixteen fours are added up in floats before they join the doubles.
    let some = splat(0);
    for (let c = 0; c < C; c += 4) {
      const at = row + ((<usize>c) << 2);
      const cosine = v128.load(logits + at);
      const x = f32x4.mul(cosine, sharp);
      const t = v128.and(one, i32x4.eq(i32x4.add(i32x4.splat(c), i32x4(0, 1, 2, 3)), i32x4.splat(label)));
      const decay = decayv(x);
      let value = f32x4.sub(softplusOf(x, decay), f32x4.mul(t, x));
      let slope = f32x4.mul(f32x4.sub(sigmoidOf(x, decay), t), sharp);
      if (hasSoft) {
        const off = f32x4.sub(cosine, v128.load(similar + ((<usize>c) << 2)));
        const pull = f32x4.mul(soft, off);
        value = f32x4.add(value, f32x4.mul(pull, off));
        slope = f32x4.add(slope, f32x4.add(pull, pull));
      }
      some = f32x4.add(some, firstLanes(value, C - c));
      if ((c & 60) == 60 || c + 4 >= C) {
        sum += lanes(some);
        some = splat(0);
      }
      put(gradient + at, f32x4.mul(factor, slope), C - c);
    }
    store<f32>(rows + ((<usize>p) << 2), <f32>(<f64>weight * sum));
  }
}
