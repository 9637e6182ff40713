// unary: element-wise functions without parameters; float32, and neg, abs, square of int32.
import { Elementwise, UnaryKind } from '../records';
import { acoshv, acosv, asinhv, asinv, atanhv, atanv, coshv, sinhv, sinv } from '../shared/angles';
import { erfv, expv, logv } from '../shared/math';
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
  if (kind == UnaryKind.sign) return i32x4.max_s(i32x4.min_s(v, i32x4.splat(1)), i32x4.splat(-1));
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
    case UnaryKind.round:
      return f32x4.nearest(v);
    case UnaryKind.sign: {
      const one = v128.or(v128.and(v, f32x4.splat(-0.0)), f32x4.splat(1));
      return v128.bitselect(one, v, f32x4.ne(v128.and(v, f32x4.eq(v, v)), f32x4.splat(0)));
    }
    case UnaryKind.erf:
      return erfv(v);
    case UnaryKind.sin:
      return sinv(v, 0);
    case UnaryKind.cos:
      return sinv(v, 1);
    case UnaryKind.tan:
      return f32x4.div(sinv(v, 0), sinv(v, 1));
    case UnaryKind.asin:
      return asinv(v);
    case UnaryKind.acos:
      return acosv(v);
    case UnaryKind.atan:
      return atanv(v);
    case UnaryKind.sinh:
      return sinhv(v);
    case UnaryKind.cosh:
      return coshv(v);
    case UnaryKind.asinh:
      return asinhv(v);
    case UnaryKind.acosh:
      return acoshv(v);
    default:
      return atanhv(v);
  }
}
