// reduce: mean, sum, max, min or prod along one (merged) axis: x [outer, length, inner] -> [outer, inner].
import { Reduce, ReduceKind } from '../records';
import { share } from '../shared/parallel';
import { real, storeLanes, word } from '../shared/simd';

/** Rows summed before a partial sum is added to the total: keeps the rounding error of long sums small. */
const RUN: i32 = 64;

export function reduce(p: usize, thread: i32, threads: i32): void {
  const outer = word(p, Reduce.outer);
  const inner = word(p, Reduce.inner);
  const length = word(p, Reduce.length);
  // Units of work: sixteen neighbouring results.
  const groups = (inner + 15) >> 4;
  const all = outer * groups;
  const last = share(all, 1, thread + 1, threads);
  for (let item = share(all, 1, thread, threads); item < last; item++) {
    const o = item / groups;
    const first = (item % groups) << 4;
    const x = <usize>word(p, Reduce.x) + ((<usize>(o * length * inner + first)) << 2);
    const y = <usize>word(p, Reduce.y) + ((<usize>(o * inner + first)) << 2);
    const count = min(16, inner - first);
    if (word(p, Reduce.integer)) integers(p, x, y, count);
    else if (inner == 1) store<f32>(y, line(p, x));
    else columns(p, x, y, count);
  }
}

// @ts-ignore: decorator
@inline
function combine(kind: i32, a: v128, b: v128): v128 {
  if (kind <= ReduceKind.sum) return f32x4.add(a, b);
  if (kind == ReduceKind.max) return f32x4.max(a, b);
  if (kind == ReduceKind.min) return f32x4.min(a, b);
  return f32x4.mul(a, b);
}

function neutral(kind: i32): f32 {
  if (kind <= ReduceKind.sum) return 0;
  if (kind == ReduceKind.max) return -Infinity;
  return kind == ReduceKind.min ? Infinity : 1;
}

/** Up to sixteen neighbouring columns. */
function columns(p: usize, x: usize, y: usize, count: i32): void {
  const kind = word(p, Reduce.kind);
  const length = word(p, Reduce.length);
  const stride = <usize>word(p, Reduce.inner) << 2;
  const divisor = f32x4.splat(real(p, Reduce.divisor));
  const start = f32x4.splat(neutral(kind));
  if (count == 16 && kind <= ReduceKind.sum) {
    let t0 = start, t1 = start, t2 = start, t3 = start;
    for (let k = 0; k < length; k += RUN) {
      let s0 = start, s1 = start, s2 = start, s3 = start;
      for (let n = min(RUN, length - k); n > 0; n--) {
        s0 = f32x4.add(s0, v128.load(x));
        s1 = f32x4.add(s1, v128.load(x, 16));
        s2 = f32x4.add(s2, v128.load(x, 32));
        s3 = f32x4.add(s3, v128.load(x, 48));
        x += stride;
      }
      t0 = f32x4.add(t0, s0);
      t1 = f32x4.add(t1, s1);
      t2 = f32x4.add(t2, s2);
      t3 = f32x4.add(t3, s3);
    }
    v128.store(y, f32x4.div(t0, divisor));
    v128.store(y, f32x4.div(t1, divisor), 16);
    v128.store(y, f32x4.div(t2, divisor), 32);
    v128.store(y, f32x4.div(t3, divisor), 48);
    return;
  }
  for (let j = 0; j < count; j += 4) {
    let at = x + (<usize>j << 2);
    let total = start;
    for (let k = 0; k < length; k += RUN) {
      let v = start;
      for (let n = min(RUN, length - k); n > 0; n--) {
        v = combine(kind, v, v128.load(at));
        at += stride;
      }
      total = combine(kind, total, v);
    }
    storeLanes(y + (<usize>j << 2), f32x4.div(total, divisor), count - j);
  }
}

/** One contiguous line. */
function line(p: usize, x: usize): f32 {
  const kind = word(p, Reduce.kind);
  const length = word(p, Reduce.length);
  let total = f32x4.splat(neutral(kind));
  let k = 0;
  while (k + 4 <= length) {
    let v = f32x4.splat(neutral(kind));
    for (let n = min(RUN, (length - k) >> 2); n > 0; n--) {
      v = combine(kind, v, v128.load(x));
      x += 16;
      k += 4;
    }
    total = combine(kind, total, v);
  }
  for (; k < length; k++) {
    // The other lanes keep their value: neutral element in all but lane 0.
    total = combine(kind, total, f32x4.replace_lane(f32x4.splat(neutral(kind)), 0, load<f32>(x)));
    x += 4;
  }
  let v = combine(kind, total, i8x16.shuffle(total, total, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  v = combine(kind, v, i8x16.shuffle(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11));
  return f32x4.extract_lane(v, 0) / real(p, Reduce.divisor);
}

function integers(p: usize, x: usize, y: usize, count: i32): void {
  const kind = word(p, Reduce.kind);
  const length = word(p, Reduce.length);
  const stride = <usize>word(p, Reduce.inner) << 2;
  for (let j = 0; j < count; j++) {
    let at = x + (<usize>j << 2);
    let v = kind == ReduceKind.max ? i32.MIN_VALUE : kind == ReduceKind.min ? i32.MAX_VALUE : kind == ReduceKind.prod ? 1 : 0;
    for (let k = 0; k < length; k++) {
      const n = load<i32>(at);
      if (kind == ReduceKind.max) v = max(v, n);
      else if (kind == ReduceKind.min) v = min(v, n);
      else if (kind == ReduceKind.prod) v *= n;
      else v += n;
      at += stride;
    }
    store<i32>(y + (<usize>j << 2), v);
  }
}
