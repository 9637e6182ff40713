// binary: element-wise arithmetic of two operands with broadcasting; vectors of float32, plain loops of int32.
import { Axes, Binary, BinaryKind, ElementType, Fused, Mode } from '../records';
import { offsetOf, rowsOf } from '../shared/axes';
import { finish } from '../shared/math';
import { share } from '../shared/parallel';
import { clamp, real, storeLanes, word } from '../shared/simd';

/** The innermost axis is a row; threads share the rows, or the elements of a single row. */
export function binary(p: usize, thread: i32, threads: i32): void {
  const length = word(p, Binary.dims + Axes.most - 1);
  const rows = rowsOf(p, Binary.dims);
  const single = rows < threads;
  const firstRow = single ? 0 : share(rows, 1, thread, threads);
  const lastRow = single ? rows : share(rows, 1, thread + 1, threads);
  const first = single ? share(length, 4, thread, threads) : 0;
  const last = single ? share(length, 4, thread + 1, threads) : length;
  const strideA = word(p, Binary.a_strides + Axes.most - 1);
  const strideB = word(p, Binary.b_strides + Axes.most - 1);
  const integer = word(p, Binary.type) == ElementType.int32;
  for (let row = firstRow; row < lastRow; row++) {
    const a = <usize>word(p, Binary.a) + ((<usize>(offsetOf(p, Binary.dims, Binary.a_strides, row) + first * strideA)) << 2);
    const b = <usize>word(p, Binary.b) + ((<usize>(offsetOf(p, Binary.dims, Binary.b_strides, row) + first * strideB)) << 2);
    const y = <usize>word(p, Binary.y) + ((<usize>(row * length + first)) << 2);
    if (integer) integers(word(p, Binary.kind), a, strideA, b, strideB, y, last - first);
    else floats(p, a, strideA, b, strideB, y, last - first);
  }
}

/** A vector of an operand: four elements, one repeated (stride 0), or four apart. */
// @ts-ignore: decorator
@inline
function four(at: usize, stride: i32): v128 {
  if (stride == 1) return v128.load(at);
  if (stride == 0) return v128.load32_splat(at);
  return apart(at, stride);
}

function apart(at: usize, stride: i32): v128 {
  const step = <usize>stride << 2;
  let v = v128.load32_zero(at);
  v = v128.load32_lane(at + step, v, 1);
  v = v128.load32_lane(at + 2 * step, v, 2);
  return v128.load32_lane(at + 3 * step, v, 3);
}

function floats(p: usize, a: usize, strideA: i32, b: usize, strideB: i32, y: usize, count: i32): void {
  const kind = word(p, Binary.kind);
  const mode = word(p, Fused.mode);
  const low = f32x4.splat(real(p, Fused.low));
  const high = f32x4.splat(real(p, Fused.high));
  const stepA = <usize>strideA << 4;
  const stepB = <usize>strideB << 4;
  if (strideA == 1 && strideB <= 1 && mode == Mode.clamp && (kind == BinaryKind.add || kind == BinaryKind.mul)) {
    const end = y + ((<usize>(count & ~3)) << 2);
    count &= 3;
    if (strideB == 1) {
      if (kind == BinaryKind.add) for (; y < end; y += 16, a += 16, b += 16) v128.store(y, clamp(f32x4.add(v128.load(a), v128.load(b)), low, high));
      else for (; y < end; y += 16, a += 16, b += 16) v128.store(y, clamp(f32x4.mul(v128.load(a), v128.load(b)), low, high));
    } else {
      const v = v128.load32_splat(b);
      if (kind == BinaryKind.add) for (; y < end; y += 16, a += 16) v128.store(y, clamp(f32x4.add(v128.load(a), v), low, high));
      else for (; y < end; y += 16, a += 16) v128.store(y, clamp(f32x4.mul(v128.load(a), v), low, high));
    }
  }
  for (; count > 0; count -= 4) {
    let v = apply(kind, four(a, strideA), four(b, strideB));
    if (mode == Mode.clamp) v = clamp(v, low, high);
    else v = finish(p, y, v);
    storeLanes(y, v, count);
    a += stepA;
    b += stepB;
    y += 16;
  }
}

function apply(kind: i32, a: v128, b: v128): v128 {
  switch (kind) {
    case BinaryKind.add:
      return f32x4.add(a, b);
    case BinaryKind.sub:
      return f32x4.sub(a, b);
    case BinaryKind.mul:
      return f32x4.mul(a, b);
    case BinaryKind.div:
      return f32x4.div(a, b);
    case BinaryKind.maximum:
      return f32x4.max(a, b);
    case BinaryKind.minimum:
      return f32x4.min(a, b);
    case BinaryKind.squared_difference: {
      const d = f32x4.sub(a, b);
      return f32x4.mul(d, d);
    }
    case BinaryKind.prelu:
      return v128.bitselect(f32x4.mul(a, b), a, f32x4.lt(a, f32x4.splat(0)));
    case BinaryKind.floor_div: {
      // In double precision: a float32 quotient may round up to the next whole number.
      let v = f32x4.splat(<f32>Math.floor(<f64>f32x4.extract_lane(a, 0) / f32x4.extract_lane(b, 0)));
      v = f32x4.replace_lane(v, 1, <f32>Math.floor(<f64>f32x4.extract_lane(a, 1) / f32x4.extract_lane(b, 1)));
      v = f32x4.replace_lane(v, 2, <f32>Math.floor(<f64>f32x4.extract_lane(a, 2) / f32x4.extract_lane(b, 2)));
      return f32x4.replace_lane(v, 3, <f32>Math.floor(<f64>f32x4.extract_lane(a, 3) / f32x4.extract_lane(b, 3)));
    }
    case BinaryKind.floor_mod: {
      let v = f32x4.splat(modulo(f32x4.extract_lane(a, 0), f32x4.extract_lane(b, 0)));
      v = f32x4.replace_lane(v, 1, modulo(f32x4.extract_lane(a, 1), f32x4.extract_lane(b, 1)));
      v = f32x4.replace_lane(v, 2, modulo(f32x4.extract_lane(a, 2), f32x4.extract_lane(b, 2)));
      return f32x4.replace_lane(v, 3, modulo(f32x4.extract_lane(a, 3), f32x4.extract_lane(b, 3)));
    }
    default: {
      let v = f32x4.splat(Mathf.pow(f32x4.extract_lane(a, 0), f32x4.extract_lane(b, 0)));
      v = f32x4.replace_lane(v, 1, Mathf.pow(f32x4.extract_lane(a, 1), f32x4.extract_lane(b, 1)));
      v = f32x4.replace_lane(v, 2, Mathf.pow(f32x4.extract_lane(a, 2), f32x4.extract_lane(b, 2)));
      return f32x4.replace_lane(v, 3, Mathf.pow(f32x4.extract_lane(a, 3), f32x4.extract_lane(b, 3)));
    }
  }
}

/** Remainder with the sign of the divisor. */
function modulo(a: f32, b: f32): f32 {
  const rest = a % b;
  return rest != 0 && rest < 0 != b < 0 ? rest + b : rest;
}

function integers(kind: i32, a: usize, strideA: i32, b: usize, strideB: i32, y: usize, count: i32): void {
  for (let i = 0; i < count; i++) {
    store<i32>(y, whole(kind, load<i32>(a), load<i32>(b)));
    a += <usize>strideA << 2;
    b += <usize>strideB << 2;
    y += 4;
  }
}

/** Results wrap at 32 bits; division by zero gives 0. */
function whole(kind: i32, a: i32, b: i32): i32 {
  switch (kind) {
    case BinaryKind.add:
      return a + b;
    case BinaryKind.sub:
      return a - b;
    case BinaryKind.mul:
      return a * b;
    case BinaryKind.maximum:
      return max(a, b);
    case BinaryKind.minimum:
      return min(a, b);
    case BinaryKind.squared_difference:
      return (a - b) * (a - b);
    case BinaryKind.pow: {
      if (b < 0) return a == 1 ? 1 : a == -1 ? (b & 1 ? -1 : 1) : 0;
      let result = 1;
      for (; b; b >>= 1, a *= a) if (b & 1) result *= a;
      return result;
    }
    default: {
      if (b == 0) return 0;
      // In 64 bits, so that -2^31 / -1 does not trap.
      const quotient = <i64>a / b;
      if (kind == BinaryKind.div) return <i32>quotient;
      const rest = <i32>(<i64>a % b);
      const below = rest != 0 && rest < 0 != b < 0;
      if (kind == BinaryKind.floor_div) return <i32>quotient - i32(below);
      return below ? rest + b : rest;
    }
  }
}
