// What the losses share: sigmoid and softplus of four numbers without overflow, powers, sums of lanes, tails of rows.
import { expv, logv } from '../shared/math';

// @ts-ignore: decorator
@inline export function splat(x: f32): v128 {
  return f32x4.splat(x);
}

/** ln(1 + z) for z from 0 to 1: 2 artanh(z / (2 + z)), six terms: below 2e-7 of the value. */
export function log1pv(z: v128): v128 {
  const s = f32x4.div(z, f32x4.add(splat(2), z));
  const q = f32x4.mul(s, s);
  let sum = f32x4.add(f32x4.mul(q, splat(<f32>(1.0 / 13.0))), splat(<f32>(1.0 / 11.0)));
  sum = f32x4.add(f32x4.mul(q, sum), splat(<f32>(1.0 / 9.0)));
  sum = f32x4.add(f32x4.mul(q, sum), splat(<f32>(1.0 / 7.0)));
  sum = f32x4.add(f32x4.mul(q, sum), splat(<f32>(1.0 / 5.0)));
  sum = f32x4.add(f32x4.mul(q, sum), splat(<f32>(1.0 / 3.0)));
  sum = f32x4.add(f32x4.mul(q, sum), splat(1));
  return f32x4.mul(f32x4.add(s, s), sum);
}

/** e^-|x|, from which sigmoid and softplus follow. */
// @ts-ignore: decorator
@inline export function decayv(x: v128): v128 {
  return expv(f32x4.neg(f32x4.abs(x)));
}

/** 1 / (1 + e^-x) from x and e^-|x|. */
// @ts-ignore: decorator
@inline export function sigmoidOf(x: v128, decay: v128): v128 {
  const one = splat(1);
  return f32x4.div(v128.bitselect(one, decay, f32x4.ge(x, splat(0))), f32x4.add(one, decay));
}

/**
 * 1 / (1 + e^-x) alone, where no logarithm is wanted beside it. e^-x = 2^n 2^f with |f| <= 1/2 and a minimax polynomial of degree 5, within 9.2e-8 of it; the
 * rounding of x / ln 2 adds 6e-8 |x| of e^-x. So within 2e-7 of the value for x from -1 on, within 2e-7 in all. Below -87.3 it stays at 1.2e-38; NaN is NaN.
 */
// @ts-ignore: decorator
@inline export function logisticv(x: v128): v128 {
  const one = splat(1);
  const y = f32x4.pmin(f32x4.pmax(f32x4.mul(x, splat(-1.4426950408889634)), splat(-126)), splat(126));
  // 1.5 * 2^23: the last bits of the sum are the nearest whole number.
  const magic = splat(12582912);
  const whole = f32x4.add(y, magic);
  const f = f32x4.sub(y, f32x4.sub(whole, magic));
  let e = f32x4.add(f32x4.mul(f, splat(<f32>0.001326472731307149)), splat(<f32>0.009671512991189957));
  e = f32x4.add(f32x4.mul(f, e), splat(<f32>0.05550733581185341));
  e = f32x4.add(f32x4.mul(f, e), splat(<f32>0.24022242426872253));
  e = f32x4.add(f32x4.mul(f, e), splat(<f32>0.6931470036506653));
  e = f32x4.add(f32x4.mul(f, e), one);
  // A product, so that NaN stays.
  e = f32x4.mul(e, i32x4.add(i32x4.shl(whole, 23), one));
  return f32x4.div(one, f32x4.add(one, e));
}

/** ln(1 + e^x) from x and e^-|x|. */
// @ts-ignore: decorator
@inline export function softplusOf(x: v128, decay: v128): v128 {
  return f32x4.add(f32x4.max(x, splat(0)), log1pv(decay));
}

/** x^y for x from 0 to 1; whole small exponents by products. */
export function powv(x: v128, y: f32): v128 {
  if (y == 0) return splat(1);
  if (y == 1) return x;
  if (y == 2) return f32x4.mul(x, x);
  if (y == 4) {
    const square = f32x4.mul(x, x);
    return f32x4.mul(square, square);
  }
  // 0 to a positive power: e^-infinity.
  return expv(f32x4.mul(splat(y), logv(x)));
}

/** Lanes from `count` on are set to 0. */
// @ts-ignore: decorator
@inline export function firstLanes(v: v128, count: i32): v128 {
  return v128.and(v, i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(count)));
}

/** Sum of the lanes, in doubles. */
export function lanes(v: v128): f64 {
  return (
    <f64>f32x4.extract_lane(v, 0) + <f64>f32x4.extract_lane(v, 1) + (<f64>f32x4.extract_lane(v, 2) + <f64>f32x4.extract_lane(v, 3))
  );
}

/** Place of the first largest of n floats, n from 1 on. */
export function firstLargest(x: usize, n: i32): i32 {
  let at = 0;
  let i = 1;
  if (n >= 4) {
    let most = v128.load(x);
    /** Where the four of each lane's largest begins. */
    let begin = splat(0);
    for (i = 4; i + 4 <= n; i += 4) {
      const v = v128.load(x + ((<usize>i) << 2));
      const more = f32x4.gt(v, most);
      most = v128.bitselect(v, most, more);
      begin = v128.bitselect(i32x4.splat(i), begin, more);
    }
    at = i32x4.extract_lane(begin, 0);
    at = firstOf(x, at, i32x4.extract_lane(begin, 1) + 1);
    at = firstOf(x, at, i32x4.extract_lane(begin, 2) + 2);
    at = firstOf(x, at, i32x4.extract_lane(begin, 3) + 3);
  }
  for (; i < n; i++) at = firstOf(x, at, i);
  return at;
}

/** The place of two with the larger float, the earlier where they are equal. */
// @ts-ignore: decorator
@inline
function firstOf(x: usize, a: i32, b: i32): i32 {
  const va = load<f32>(x + ((<usize>a) << 2));
  const vb = load<f32>(x + ((<usize>b) << 2));
  return vb > va || (vb == va && b < a) ? b : a;
}

/** Stores the first `count` lanes. */
export function put(at: usize, v: v128, count: i32): void {
  if (count >= 4) {
    v128.store(at, v);
    return;
  }
  store<f32>(at, f32x4.extract_lane(v, 0));
  if (count > 1) store<f32>(at, f32x4.extract_lane(v, 1), 4);
  if (count > 2) store<f32>(at, f32x4.extract_lane(v, 2), 8);
}

/** Four bytes as a mask of lanes: all ones where the byte is `value`. */
// @ts-ignore: decorator
@inline export function bytesAre(at: usize, value: i32): v128 {
  const wide = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(at)));
  return i32x4.eq(wide, i32x4.splat(value));
}

/** Weight kinds: none, one a row, one an element. */
export const ROW_WEIGHTS: i32 = 1;
export const ELEMENT_WEIGHTS: i32 = 2;
