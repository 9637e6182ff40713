// box_decode: the numbers that a head predicts for a row, with the row's prior, as a box in input pixels; only for the rows that peak_top_k chose.
import { BoxDecode, BoxExtent, BoxForm, BoxPosition } from '../records';
import { expv, sigmoidv, tanhv } from '../shared/math';
import { share } from '../shared/parallel';
import { real, word } from '../shared/simd';

export function box_decode(p: usize, thread: i32, threads: i32): void {
  const k = word(p, BoxDecode.k);
  const count = load<i32>(<usize>word(p, BoxDecode.count));
  const divisor = word(p, BoxDecode.divisor);
  const columns = word(p, BoxDecode.row_columns);
  const bins = word(p, BoxDecode.bins);
  const form = word(p, BoxDecode.form);
  const shared = word(p, BoxDecode.prior_count) == 1;
  const last = share(k, 1, thread + 1, threads);
  for (let i = share(k, 1, thread, threads); i < last; i++) {
    const to = <usize>word(p, BoxDecode.y) + ((<usize>i) << 4);
    if (i >= count) {
      v128.store(to, f32x4.splat(0));
      continue;
    }
    const index = load<i32>(<usize>word(p, BoxDecode.index) + ((<usize>i) << 2));
    const row = min(max(index, 0) / divisor, word(p, BoxDecode.row_count) - 1);
    const from = <usize>word(p, BoxDecode.rows) + ((<usize>row * columns) << 2);
    const prior = <usize>word(p, BoxDecode.priors) + (shared ? 0 : <usize>row * 24);
    let t = f32x4.splat(0);
    t = f32x4.replace_lane(t, 0, value(from, word(p, BoxDecode.columns), bins));
    t = f32x4.replace_lane(t, 1, value(from, word(p, BoxDecode.columns + 1), bins));
    t = f32x4.replace_lane(t, 2, value(from, word(p, BoxDecode.columns + 2), bins));
    t = f32x4.replace_lane(t, 3, value(from, word(p, BoxDecode.columns + 3), bins));
    // Priors in pairs: (ax, ay, ax, ay), (bx, by, bx, by), (cw, ch, cw, ch).
    const a = v128.load64_splat(prior);
    const b = v128.load64_splat(prior, 8);
    const c = v128.load64_splat(prior, 16);
    if (form == BoxForm.corners) {
      v128.store(to, f32x4.add(a, f32x4.mul(b, position(p, t))));
    } else if (form == BoxForm.distances) {
      const d = f32x4.mul(c, extent(p, t));
      v128.store(to, v128.shuffle<f32>(f32x4.sub(a, d), f32x4.add(a, d), 0, 1, 6, 7));
    } else {
      const centre = f32x4.add(a, f32x4.mul(b, position(p, t)));
      const half = f32x4.mul(f32x4.mul(c, extent(p, v128.shuffle<f32>(t, t, 2, 3, 2, 3))), f32x4.splat(0.5));
      v128.store(to, v128.shuffle<f32>(f32x4.sub(centre, half), f32x4.add(centre, half), 0, 1, 4, 5));
    }
  }
}

/** The number at `column`, or the mean of 0, 1, ... under the softmax of `bins` logits from there. */
function value(row: usize, column: i32, bins: i32): f32 {
  const at = row + ((<usize>column) << 2);
  if (bins == 1) return load<f32>(at);
  let most = load<f32>(at);
  for (let b = 1; b < bins; b++) most = max(most, load<f32>(at + ((<usize>b) << 2)));
  let sum: f32 = 0;
  let weighted: f32 = 0;
  for (let b = 0; b < bins; b++) {
    const e = f32x4.extract_lane(expv(f32x4.splat(load<f32>(at + ((<usize>b) << 2)) - most)), 0);
    sum += e;
    weighted += <f32>b * e;
  }
  return weighted / sum;
}

function position(p: usize, t: v128): v128 {
  switch (word(p, BoxDecode.position)) {
    case BoxPosition.sigmoid:
      return sigmoidv(t);
    case BoxPosition.tanh:
      return tanhv(t);
    default:
      return t;
  }
}

/** `t` holds (across, down) twice. */
function extent(p: usize, t: v128): v128 {
  const scale = v128.load64_splat(p + ((<usize>BoxDecode.scale_x) << 2));
  const x = f32x4.min(f32x4.mul(t, scale), f32x4.splat(real(p, BoxDecode.limit)));
  switch (word(p, BoxDecode.extent)) {
    case BoxExtent.exp:
      return expv(x);
    case BoxExtent.sigmoid:
      return sigmoidv(x);
    case BoxExtent.sigmoid_squared: {
      const s = sigmoidv(x);
      return f32x4.mul(s, s);
    }
    case BoxExtent.relu:
      return f32x4.max(x, f32x4.splat(0));
    default:
      return x;
  }
}
