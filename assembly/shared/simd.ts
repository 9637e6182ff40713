// Vector helpers of all kernels: multiply-add, partial loads and stores, word access of a step. No operator here.

/** a * b + c: fused or not as the engine likes in the relaxed build, rounded twice in the plain one. */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(c, f32x4.mul(a, b));
}

/** Word `i` of the step at `p`. */
// @ts-ignore: decorator
@inline
export function word(p: usize, i: i32): i32 {
  return load<i32>(p + (<usize>i << 2));
}

/** Word `i` as f32. */
// @ts-ignore: decorator
@inline
export function real(p: usize, i: i32): f32 {
  return load<f32>(p + (<usize>i << 2));
}

/** min(max(v, low), high); NaN stays NaN. */
// @ts-ignore: decorator
@inline
export function clamp(v: v128, low: v128, high: v128): v128 {
  return f32x4.pmin(f32x4.pmax(v, low), high);
}

/** Stores the first n (1 to 3) lanes. */
export function storePart(at: usize, v: v128, n: i32): void {
  if (n & 2) {
    v128.store64_lane(at, v, 0);
    if (n & 1) v128.store32_lane(at, v, 2, 8);
  } else {
    v128.store32_lane(at, v, 0);
  }
}

/** Stores the first min(n, 4) lanes; n is at least 1. */
// @ts-ignore: decorator
@inline
export function storeLanes(at: usize, v: v128, n: i32): void {
  if (n >= 4) v128.store(at, v);
  else storePart(at, v, n);
}

/** Copies bytes forwards in vectors. Never writes past the end; the regions do not overlap. */
export function copyBytes(to: usize, from: usize, bytes: usize): void {
  const end = to + bytes;
  while (to + 64 <= end) {
    const a = v128.load(from);
    const b = v128.load(from, 16);
    const c = v128.load(from, 32);
    const d = v128.load(from, 48);
    v128.store(to, a);
    v128.store(to, b, 16);
    v128.store(to, c, 32);
    v128.store(to, d, 48);
    to += 64;
    from += 64;
  }
  while (to + 16 <= end) {
    v128.store(to, v128.load(from));
    to += 16;
    from += 16;
  }
  while (to + 4 <= end) {
    store<u32>(to, load<u32>(from));
    to += 4;
    from += 4;
  }
  while (to < end) {
    store<u8>(to, load<u8>(from));
    to++;
    from++;
  }
}
