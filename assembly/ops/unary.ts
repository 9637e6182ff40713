// unary: element-wise functions without parameters; float32, and neg, abs, square of int32.
import { Elementwise, UnaryKind } from '../records';
import { expv, logv } from '../shared/math';
import { share } from '../shared/parallel';
import { storeLanes, word } from '../shared/simd';

export function unary(p: usize, thread: i32, threads: i32): void {
  const count = word(p, Elementwise.count);
  const kind = word(p, Elementwise.kind);
  const integer = word(p, Elementwise.integer) != 0;
  const last = share(count, 4, thread + 1, threads);
  for (let i = share(count, 4, thread, threads); i < last; i += 4) {
    const v = v128.load(<usize>word(p, Elementwise.x) + ((<usize>i) << 2));
    storeLanes(<usize>word(p, Elementwise.y) + ((<usize>i) << 2), integer ? integers(v, kind) : floats(v, kind), last - i);
  }
}

function integers(v: v128, kind: i32): v128 {
  if (kind == UnaryKind.neg) return i32x4.neg(v);
  if (kind == UnaryKind.abs) return i32x4.abs(v);
  return i32x4.mul(v, v);
}

function floats(v: v128, kind: i32): v128 {
  switch (kind) {
    case UnaryKind.neg:
      return f32x4.neg(v);
    case UnaryKind.abs:
      return f32x4.abs(v);
    case UnaryKind.exp:
      return expv(v);
    case UnaryKind.log:
      return logv(v);
    case UnaryKind.sqrt:
      return f32x4.sqrt(v);
    case UnaryKind.rsqrt:
      return f32x4.div(f32x4.splat(1), f32x4.sqrt(v));
    case UnaryKind.square:
      return f32x4.mul(v, v);
    case UnaryKind.reciprocal:
      return f32x4.div(f32x4.splat(1), v);
    case UnaryKind.floor:
      return f32x4.floor(v);
    case UnaryKind.ceil:
      return f32x4.ceil(v);
    default:
      return f32x4.nearest(v);
  }
}
