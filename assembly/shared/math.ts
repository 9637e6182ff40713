// Vector mathematics in float32: exp, log, tanh, erf and every activation of the operator list.
import { Act, Fused, Mode } from '../records';
import { clamp, madd, real, word } from './simd';

// @ts-ignore: decorator
@inline
function c(x: f32): v128 {
  return f32x4.splat(x);
}

/** e^x: x = n ln 2 + r with |r| <= ln 2 / 2, a polynomial for e^r, n into the exponent (Cephes expf). 0 below -88, infinity above 88.73. */
export function expv(x: v128): v128 {
  const limited = f32x4.pmin(f32x4.pmax(x, c(-104.0)), c(89.0));
  const n = f32x4.nearest(f32x4.mul(limited, c(1.44269504088896341)));
  let r = f32x4.sub(limited, f32x4.mul(n, c(0.693359375)));
  r = f32x4.add(r, f32x4.mul(n, c(2.12194440e-4)));
  let y = madd(c(1.9875691500e-4), r, c(1.3981999507e-3));
  y = madd(y, r, c(8.3334519073e-3));
  y = madd(y, r, c(4.1665795894e-2));
  y = madd(y, r, c(1.6666665459e-1));
  y = madd(y, r, c(5.0000001201e-1));
  y = f32x4.add(madd(y, f32x4.mul(r, r), r), c(1.0));
  // 2^n in two factors, so that subnormal results and n = 128 come out right.
  const i = i32x4.trunc_sat_f32x4_s(n);
  const half = i32x4.shr_s(i, 1);
  const low = i32x4.shl(i32x4.add(half, i32x4.splat(127)), 23);
  const high = i32x4.shl(i32x4.add(i32x4.sub(i, half), i32x4.splat(127)), 23);
  return f32x4.mul(f32x4.mul(y, low), high);
}

/** ln x (Cephes logf); -infinity at 0, NaN below. */
export function logv(x: v128): v128 {
  // Subnormal arguments are scaled into the normal range first.
  const tiny = f32x4.lt(x, c(1.17549435e-38));
  const scaled = v128.bitselect(f32x4.mul(x, c(8388608.0)), x, tiny);
  let e = f32x4.convert_i32x4_s(i32x4.sub(i32x4.shr_u(scaled, 23), i32x4.splat(126)));
  e = f32x4.sub(e, v128.and(tiny, c(23.0)));
  let m = v128.or(v128.and(scaled, i32x4.splat(0x007fffff)), i32x4.splat(0x3f000000));
  const small = f32x4.lt(m, c(0.707106781186547524));
  e = f32x4.sub(e, v128.and(small, c(1.0)));
  m = f32x4.sub(f32x4.add(m, v128.and(small, m)), c(1.0));
  const z = f32x4.mul(m, m);
  let y = madd(c(7.0376836292e-2), m, c(-1.1514610310e-1));
  y = madd(y, m, c(1.1676998740e-1));
  y = madd(y, m, c(-1.2420140846e-1));
  y = madd(y, m, c(1.4249322787e-1));
  y = madd(y, m, c(-1.6668057665e-1));
  y = madd(y, m, c(2.0000714765e-1));
  y = madd(y, m, c(-2.4999993993e-1));
  y = madd(y, m, c(3.3333331174e-1));
  y = f32x4.mul(f32x4.mul(y, m), z);
  y = madd(e, c(-2.12194440e-4), y);
  y = f32x4.sub(y, f32x4.mul(z, c(0.5)));
  y = madd(e, c(0.693359375), f32x4.add(m, y));
  y = v128.bitselect(c(-Infinity), y, f32x4.eq(x, c(0.0)));
  y = v128.bitselect(x, y, f32x4.eq(x, c(Infinity)));
  // Negative numbers and NaN give NaN.
  return v128.bitselect(y, c(NaN), f32x4.ge(x, c(0.0)));
}

// @ts-ignore: decorator
@inline
export function sigmoidv(x: v128): v128 {
  return f32x4.div(c(1.0), f32x4.add(c(1.0), expv(f32x4.neg(x))));
}

/** tanh: an odd polynomial near 0 (Cephes tanhf), 1 - 2 / (e^2x + 1) elsewhere. */
export function tanhv(x: v128): v128 {
  const a = f32x4.abs(x);
  const e = expv(f32x4.add(a, a));
  const far = f32x4.sub(c(1.0), f32x4.div(c(2.0), f32x4.add(e, c(1.0))));
  const z = f32x4.mul(x, x);
  let p = madd(c(-5.70498872745e-3), z, c(2.06390887954e-2));
  p = madd(p, z, c(-5.37397155531e-2));
  p = madd(p, z, c(1.33314422036e-1));
  p = madd(p, z, c(-3.33332819422e-1));
  const near = madd(f32x4.mul(p, z), x, x);
  const signed = v128.or(far, v128.and(x, i32x4.splat(0x80000000)));
  return v128.bitselect(near, signed, f32x4.lt(a, c(0.625)));
}

/** erf by formula 7.1.26 of Abramowitz and Stegun: absolute error below 5e-7 in float32. */
export function erfv(x: v128): v128 {
  const a = f32x4.abs(x);
  const t = f32x4.div(c(1.0), madd(a, c(0.3275911), c(1.0)));
  let p = madd(c(1.061405429), t, c(-1.453152027));
  p = madd(p, t, c(1.421413741));
  p = madd(p, t, c(-0.284496736));
  p = madd(p, t, c(0.254829592));
  const y = f32x4.sub(c(1.0), f32x4.mul(f32x4.mul(p, t), expv(f32x4.neg(f32x4.mul(a, a)))));
  return v128.or(y, v128.and(x, i32x4.splat(0x80000000)));
}

// @ts-ignore: decorator
@inline
export function hardSwish(v: v128, alpha: v128): v128 {
  const gate = clamp(f32x4.add(v, c(3.0)), c(0.0), c(6.0));
  return f32x4.mul(f32x4.mul(alpha, v), gate);
}

/** Any activation. */
export function activate(v: v128, kind: i32, alpha: f32, beta: f32): v128 {
  switch (kind) {
    case Act.relu:
      return f32x4.pmax(v, c(0.0));
    case Act.relu6:
      return clamp(v, c(0.0), c(6.0));
    case Act.leaky_relu:
      return v128.bitselect(f32x4.mul(v, c(alpha)), v, f32x4.lt(v, c(0.0)));
    case Act.elu:
      return v128.bitselect(f32x4.mul(c(alpha), f32x4.sub(expv(v), c(1.0))), v, f32x4.lt(v, c(0.0)));
    case Act.sigmoid:
      return sigmoidv(v);
    case Act.tanh:
      return tanhv(v);
    case Act.silu:
      return f32x4.div(v, f32x4.add(c(1.0), expv(f32x4.neg(v))));
    case Act.mish: {
      // tanh(ln(1 + e)) = (e^2 + 2e) / (e^2 + 2e + 2)
      const e = expv(f32x4.pmin(v, c(30.0)));
      const n = f32x4.mul(e, f32x4.add(e, c(2.0)));
      return f32x4.mul(v, f32x4.div(n, f32x4.add(n, c(2.0))));
    }
    case Act.gelu:
      return f32x4.mul(f32x4.mul(v, c(0.5)), f32x4.add(c(1.0), erfv(f32x4.mul(v, c(0.70710678118654752)))));
    case Act.softplus:
      return f32x4.add(f32x4.max(v, c(0.0)), logv(f32x4.add(c(1.0), expv(f32x4.neg(f32x4.abs(v))))));
    case Act.clip:
      return clamp(v, c(alpha), c(beta));
    case Act.hard_sigmoid:
      return f32x4.mul(c(alpha), clamp(f32x4.add(v, c(3.0)), c(0.0), c(6.0)));
    case Act.hard_swish:
      return hardSwish(v, c(alpha));
    default:
      return v;
  }
}

/** Residual and activation of one vector that will be stored at `at`. */
export function finish(p: usize, at: usize, v: v128): v128 {
  const place = word(p, Fused.residual_place);
  if (place == 1) v = f32x4.add(v, v128.load(at + word(p, Fused.residual)));
  v = activate(v, word(p, Fused.kind), real(p, Fused.alpha), real(p, Fused.beta));
  if (place == 2) v = f32x4.add(v, v128.load(at + word(p, Fused.residual)));
  return v;
}

/** Finishes one vector; the common modes without a call. */
// @ts-ignore: decorator
@inline
export function finished(p: usize, at: usize, v: v128, mode: i32, low: v128, high: v128): v128 {
  if (mode == Mode.clamp) return clamp(v, low, high);
  return finish(p, at, v);
}
