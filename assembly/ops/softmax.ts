// softmax: exp(x - max) / sum along one axis of [outer, length, inner].
import { Softmax } from '../records';
import { expv } from '../shared/math';
import { share } from '../shared/parallel';
import { storeLanes, word } from '../shared/simd';

/** Four neighbouring columns at once; with inner = 1 the line is contiguous and the vector runs along it. */
export function softmax(p: usize, thread: i32, threads: i32): void {
  const length = word(p, Softmax.length);
  const inner = word(p, Softmax.inner);
  const groups = (inner + 3) >> 2;
  const all = word(p, Softmax.outer) * groups;
  const last = share(all, 1, thread + 1, threads);
  const stride = (<usize>inner) << 2;
  for (let item = share(all, 1, thread, threads); item < last; item++) {
    const first = (item % groups) << 2;
    const offset = (<usize>((item / groups) * length * inner + first)) << 2;
    const x = <usize>word(p, Softmax.x) + offset;
    const y = <usize>word(p, Softmax.y) + offset;
    if (inner == 1) {
      line(x, y, length);
      continue;
    }
    const lanes = inner - first;
    const end = stride * length;
    let most = f32x4.splat(-Infinity);
    for (let k: usize = 0; k < end; k += stride) most = f32x4.max(most, v128.load(x + k));
    let sum = f32x4.splat(0);
    for (let k: usize = 0; k < end; k += stride) {
      const e = expv(f32x4.sub(v128.load(x + k), most));
      sum = f32x4.add(sum, e);
      storeLanes(y + k, e, lanes);
    }
    for (let k: usize = 0; k < end; k += stride) storeLanes(y + k, f32x4.div(v128.load(y + k), sum), lanes);
  }
}

function line(x: usize, y: usize, length: i32): void {
  let most: f32 = -Infinity;
  for (let k = 0; k < length; k++) most = max(most, load<f32>(x + ((<usize>k) << 2)));
  const shift = f32x4.splat(most);
  let sum: f32 = 0;
  for (let k = 0; k < length; k += 4) {
    const e = expv(f32x4.sub(v128.load(x + ((<usize>k) << 2)), shift));
    const lanes = length - k;
    storeLanes(y + ((<usize>k) << 2), e, lanes);
    sum += f32x4.extract_lane(e, 0);
    if (lanes > 1) sum += f32x4.extract_lane(e, 1);
    if (lanes > 2) sum += f32x4.extract_lane(e, 2);
    if (lanes > 3) sum += f32x4.extract_lane(e, 3);
  }
  const divisor = f32x4.splat(sum);
  for (let k = 0; k < length; k += 4) {
    const at = y + ((<usize>k) << 2);
    storeLanes(at, f32x4.div(v128.load(at), divisor), length - k);
  }
}
