// Matrix product in 32-bit floats: panels of eight columns, four rows at a time. The plain twin is sdk/train/reference/matmul.ts.
import { put, splat } from './math';

/** out [M, N] = a [M, K] b [K, N]. @param panel room for [K, 8]; up to seven floats behind b may be read */
export function matmul(a: usize, b: usize, out: usize, panel: usize, M: i32, N: i32, K: i32): void {
  const wide = (<usize>N) << 2;
  const deep = (<usize>K) << 2;
  const last = panel + (deep << 3);
  for (let j = 0; j < N; j += 8) {
    let from = b + ((<usize>j) << 2);
    for (let to = panel; to < last; to += 32) {
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, 16), 16);
      from += wide;
    }
    const left = N - j;
    let i = 0;
    for (; i + 4 <= M; i += 4) {
      let c00 = splat(0), c01 = splat(0), c10 = splat(0), c11 = splat(0);
      let c20 = splat(0), c21 = splat(0), c30 = splat(0), c31 = splat(0);
      let a0 = a + <usize>i * deep;
      for (let at = panel; at < last; at += 32) {
        const b0 = v128.load(at);
        const b1 = v128.load(at, 16);
        let x = v128.load32_splat(a0);
        c00 = f32x4.add(c00, f32x4.mul(x, b0));
        c01 = f32x4.add(c01, f32x4.mul(x, b1));
        x = v128.load32_splat(a0 + deep);
        c10 = f32x4.add(c10, f32x4.mul(x, b0));
        c11 = f32x4.add(c11, f32x4.mul(x, b1));
        x = v128.load32_splat(a0 + 2 * deep);
        c20 = f32x4.add(c20, f32x4.mul(x, b0));
        c21 = f32x4.add(c21, f32x4.mul(x, b1));
        x = v128.load32_splat(a0 + 3 * deep);
        c30 = f32x4.add(c30, f32x4.mul(x, b0));
        c31 = f32x4.add(c31, f32x4.mul(x, b1));
        a0 += 4;
      }
      const o = out + <usize>i * wide + ((<usize>j) << 2);
      eight(o, c00, c01, left);
      eight(o + wide, c10, c11, left);
      eight(o + 2 * wide, c20, c21, left);
      eight(o + 3 * wide, c30, c31, left);
    }
    for (; i < M; i++) {
      let c0 = splat(0), c1 = splat(0);
      let a0 = a + <usize>i * deep;
      for (let at = panel; at < last; at += 32) {
        const x = v128.load32_splat(a0);
        c0 = f32x4.add(c0, f32x4.mul(x, v128.load(at)));
        c1 = f32x4.add(c1, f32x4.mul(x, v128.load(at, 16)));
        a0 += 4;
      }
      eight(out + <usize>i * wide + ((<usize>j) << 2), c0, c1, left);
    }
  }
}

// @ts-ignore: decorator
@inline
function eight(at: usize, low: v128, high: v128, count: i32): void {
  if (count >= 8) {
    v128.store(at, low);
    v128.store(at, high, 16);
    return;
  }
  put(at, low, count);
  if (count > 4) put(at + 16, high, count - 4);
}

/** out [columns, rows] from x [rows, columns]. */
export function transpose(x: usize, out: usize, rows: i32, columns: i32): void {
  const stride = (<usize>rows) << 2;
  for (let r = 0; r < rows; r++) {
    let to = out + ((<usize>r) << 2);
    const end = x + ((<usize>columns) << 2);
    for (; x < end; x += 4) {
      store<f32>(to, load<f32>(x));
      to += stride;
    }
  }
}
