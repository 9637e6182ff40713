// activation: an element-wise function with its parameters, on dense float32.
import { Elementwise, Fused, Mode } from '../records';
import { activate } from '../shared/math';
import { share } from '../shared/parallel';
import { clamp, real, storeLanes, word } from '../shared/simd';

export function activation(p: usize, thread: i32, threads: i32): void {
  const count = word(p, Elementwise.count);
  const kind = word(p, Fused.kind);
  const alpha = real(p, Fused.alpha);
  const beta = real(p, Fused.beta);
  const mode = word(p, Fused.mode);
  const low = f32x4.splat(real(p, Fused.low));
  const high = f32x4.splat(real(p, Fused.high));
  const last = share(count, 4, thread + 1, threads);
  for (let i = share(count, 4, thread, threads); i < last; i += 4) {
    const v = v128.load(<usize>word(p, Elementwise.x) + ((<usize>i) << 2));
    storeLanes(<usize>word(p, Elementwise.y) + ((<usize>i) << 2), activate(v, kind, alpha, beta), last - i);
  }
}
