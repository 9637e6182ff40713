// Circular and hyperbolic functions and their inverses on vectors, in float32 (Cephes: sinf, atanf, asinf). Absolute errors below 1e-6 for
// results near 1; arguments of sin, cos and tan up to 8192, beyond which float32 holds less than a thousandth of a turn.
import { expv, logv } from './math';
import { madd } from './simd';

// @ts-ignore: decorator
@inline
function c(x: f32): v128 {
  return f32x4.splat(x);
}

const SIGN: i32 = 0x80000000;

// @ts-ignore: decorator
@inline
function withSign(v: v128, x: v128): v128 {
  return v128.xor(v, v128.and(x, i32x4.splat(SIGN)));
}

/** sin(x + quarter * pi/2): quarter 0 is the sine, 1 the cosine. */
export function sinv(x: v128, quarter: i32): v128 {
  const n = f32x4.nearest(f32x4.mul(x, c(0.636619772367581343)));
  // pi/2 in three parts of few bits, so that n times each is exact.
  let r = f32x4.sub(x, f32x4.mul(n, c(1.5703125)));
  r = f32x4.sub(r, f32x4.mul(n, c(4.837512969970703125e-4)));
  r = f32x4.sub(r, f32x4.mul(n, c(7.54978995489188216e-8)));
  const z = f32x4.mul(r, r);
  let s = madd(c(-1.9515295891e-4), z, c(8.3321608736e-3));
  s = madd(s, z, c(-1.6666654611e-1));
  s = madd(f32x4.mul(s, z), r, r);
  let k = madd(c(2.443315711809948e-5), z, c(-1.388731625493765e-3));
  k = madd(k, z, c(4.166664568298827e-2));
  k = madd(k, f32x4.mul(z, z), madd(z, c(-0.5), c(1)));
  const q = i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(quarter));
  const odd = i32x4.ne(v128.and(q, i32x4.splat(1)), i32x4.splat(0));
  return v128.xor(v128.bitselect(k, s, odd), i32x4.shl(v128.and(q, i32x4.splat(2)), 30));
}

export function atanv(x: v128): v128 {
  const a = f32x4.abs(x);
  const far = f32x4.gt(a, c(2.414213562373095));
  const mid = v128.andnot(f32x4.gt(a, c(0.4142135623730950)), far);
  let r = v128.bitselect(f32x4.div(c(-1), a), a, far);
  r = v128.bitselect(f32x4.div(f32x4.sub(a, c(1)), f32x4.add(a, c(1))), r, mid);
  const start = v128.or(v128.and(c(1.5707963267948966), far), v128.and(c(0.7853981633974483), mid));
  const z = f32x4.mul(r, r);
  let p = madd(c(8.05374449538e-2), z, c(-1.38776856032e-1));
  p = madd(p, z, c(1.99777106478e-1));
  p = madd(p, z, c(-3.33329491539e-1));
  return withSign(f32x4.add(start, madd(f32x4.mul(p, z), r, r)), x);
}

export function asinv(x: v128): v128 {
  const a = f32x4.abs(x);
  const big = f32x4.gt(a, c(0.5));
  const half = f32x4.mul(c(0.5), f32x4.sub(c(1), a));
  const z = v128.bitselect(half, f32x4.mul(a, a), big);
  const r = v128.bitselect(f32x4.sqrt(half), a, big);
  let p = madd(c(4.2163199048e-2), z, c(2.4181311049e-2));
  p = madd(p, z, c(4.5470025998e-2));
  p = madd(p, z, c(7.4953002686e-2));
  p = madd(p, z, c(1.6666752422e-1));
  p = madd(f32x4.mul(p, z), r, r);
  return withSign(v128.bitselect(f32x4.sub(c(1.5707963267948966), f32x4.add(p, p)), p, big), x);
}

export function acosv(x: v128): v128 {
  return f32x4.sub(c(1.5707963267948966), asinv(x));
}

/** Near 0 the series, elsewhere the difference of two exponentials. */
export function sinhv(x: v128): v128 {
  const z = f32x4.mul(x, x);
  let p = madd(c(2.03721912945e-4), z, c(8.33028376239e-3));
  p = madd(p, z, c(1.66667160211e-1));
  const near = madd(f32x4.mul(p, z), x, x);
  const e = expv(f32x4.abs(x));
  const far = f32x4.sub(f32x4.mul(c(0.5), e), f32x4.div(c(0.5), e));
  return v128.bitselect(near, withSign(far, x), f32x4.lt(z, c(1)));
}

export function coshv(x: v128): v128 {
  const e = expv(f32x4.abs(x));
  return f32x4.add(f32x4.mul(c(0.5), e), f32x4.div(c(0.5), e));
}

/** ln(x + sqrt(x^2 + 1)); the square of a large number would overflow. */
export function asinhv(x: v128): v128 {
  const a = f32x4.abs(x);
  const root = f32x4.sqrt(madd(a, a, c(1)));
  const large = f32x4.gt(a, c(1e8));
  const y = f32x4.add(logv(f32x4.add(a, v128.bitselect(c(0), root, large))), v128.and(c(0.6931471805599453), large));
  // Near 0: x - x^3/6 + 3 x^5/40.
  const z = f32x4.mul(x, x);
  const near = madd(f32x4.mul(madd(c(0.075), z, c(-0.16666667)), z), x, x);
  return v128.bitselect(near, withSign(y, x), f32x4.lt(a, c(0.0625)));
}

export function acoshv(x: v128): v128 {
  const large = f32x4.gt(x, c(1e8));
  const root = f32x4.sqrt(f32x4.sub(f32x4.mul(x, x), c(1)));
  return f32x4.add(logv(f32x4.add(x, v128.bitselect(c(0), root, large))), v128.and(c(0.6931471805599453), large));
}

export function atanhv(x: v128): v128 {
  const z = f32x4.mul(x, x);
  const near = madd(f32x4.mul(madd(c(0.2), z, c(0.33333333)), z), x, x);
  const far = f32x4.mul(c(0.5), logv(f32x4.div(f32x4.add(c(1), x), f32x4.sub(c(1), x))));
  return v128.bitselect(near, far, f32x4.lt(f32x4.abs(x), c(0.0625)));
}
