// The matrix micro-kernels: register tiles of 4, 5 or 6 rows by 8 (or 4) columns over rows that are given by pointers.
import { Fused, Mode, Tile } from '../records';
import { finish, hardSwish } from './math';
import { clamp, madd, real, storeLanes, word } from './simd';

/**
 * Puts the spilled tile [mr][nr] (sums with bias) into y: `rows` x `columns` of it, finished. For the tiles at the ends.
 */
function storeTile(p: usize, spill: usize, nr: i32, rows: i32, columns: i32, y: usize, stride: usize): void {
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < columns; j += 4) {
      const at = y + (<usize>j << 2);
      let v = v128.load(spill + ((<usize>(r * nr + j)) << 2));
      if (word(p, Fused.mode) == Mode.clamp) v = clamp(v, f32x4.splat(real(p, Fused.low)), f32x4.splat(real(p, Fused.high)));
      else v = finish(p, at, v);
      storeLanes(at, v, columns - j);
    }
    y += stride;
  }
}

// @ts-ignore: decorator
@inline
function put(p: usize, at: usize, v: v128, mode: i32, low: v128, high: v128): void {
  if (mode == Mode.clamp) v128.store(at, clamp(v, low, high));
  else if (mode == Mode.residual_clamp) v128.store(at, clamp(f32x4.add(v, v128.load(at + word(p, Fused.residual))), low, high));
  else v128.store(at, hardSwish(v, f32x4.splat(real(p, Fused.alpha))));
}

// @ts-ignore: decorator
@inline
function tiles(
  mr: i32, nr: i32,
  p: usize, spill: usize, table: usize, tableStride: usize, rows: i32, b: usize, bias: usize, y: usize, stride: usize, columns: i32,
): void {
  const mode = word(p, Fused.mode);
  const low = f32x4.splat(real(p, Fused.low));
  const high = f32x4.splat(real(p, Fused.high));
  const bias0 = v128.load(bias);
  const bias1 = nr == 8 ? v128.load(bias, 16) : f32x4.splat(0);
  for (; rows > 0; rows -= mr) {
    let c00 = bias0, c10 = bias0, c20 = bias0, c30 = bias0, c40 = bias0, c50 = bias0;
    let c01 = bias1, c11 = bias1, c21 = bias1, c31 = bias1, c41 = bias1, c51 = bias1;
    let w = b;
    let segment = table + 8;
    let segments = load<i32>(table);
    const bytes = load<i32>(table, 4);
    do {
      let a0 = <usize>load<u32>(segment);
      let a1 = <usize>load<u32>(segment, 4);
      let a2 = <usize>load<u32>(segment, 8);
      let a3 = <usize>load<u32>(segment, 12);
      let a4: usize = 0, a5: usize = 0;
      if (mr > 4) a4 = <usize>load<u32>(segment, 16);
      if (mr > 5) a5 = <usize>load<u32>(segment, 20);
      const end = a0 + bytes;
      do {
        const w0 = v128.load(w);
        let w1 = w0;
        if (nr == 8) w1 = v128.load(w, 16);
        w += nr << 2;
        let x = v128.load32_splat(a0);
        c00 = madd(x, w0, c00);
        if (nr == 8) c01 = madd(x, w1, c01);
        x = v128.load32_splat(a1);
        c10 = madd(x, w0, c10);
        if (nr == 8) c11 = madd(x, w1, c11);
        x = v128.load32_splat(a2);
        c20 = madd(x, w0, c20);
        if (nr == 8) c21 = madd(x, w1, c21);
        x = v128.load32_splat(a3);
        c30 = madd(x, w0, c30);
        if (nr == 8) c31 = madd(x, w1, c31);
        if (mr > 4) {
          x = v128.load32_splat(a4);
          c40 = madd(x, w0, c40);
          if (nr == 8) c41 = madd(x, w1, c41);
          a4 += 4;
        }
        if (mr > 5) {
          x = v128.load32_splat(a5);
          c50 = madd(x, w0, c50);
          if (nr == 8) c51 = madd(x, w1, c51);
          a5 += 4;
        }
        a0 += 4;
        a1 += 4;
        a2 += 4;
        a3 += 4;
      } while (a0 != end);
      segment += mr << 2;
    } while (--segments);
    // Other activations go the long way: a call here would push the sums out of their registers.
    if (rows >= mr && columns >= nr && mode != Mode.general) {
      let at = y;
      put(p, at, c00, mode, low, high);
      if (nr == 8) put(p, at + 16, c01, mode, low, high);
      at += stride;
      put(p, at, c10, mode, low, high);
      if (nr == 8) put(p, at + 16, c11, mode, low, high);
      at += stride;
      put(p, at, c20, mode, low, high);
      if (nr == 8) put(p, at + 16, c21, mode, low, high);
      at += stride;
      put(p, at, c30, mode, low, high);
      if (nr == 8) put(p, at + 16, c31, mode, low, high);
      at += stride;
      if (mr > 4) {
        put(p, at, c40, mode, low, high);
        if (nr == 8) put(p, at + 16, c41, mode, low, high);
        at += stride;
      }
      if (mr > 5) {
        put(p, at, c50, mode, low, high);
        if (nr == 8) put(p, at + 16, c51, mode, low, high);
        at += stride;
      }
      y = at;
    } else {
      let at = spill;
      v128.store(at, c00);
      if (nr == 8) v128.store(at, c01, 16);
      at += nr << 2;
      v128.store(at, c10);
      if (nr == 8) v128.store(at, c11, 16);
      at += nr << 2;
      v128.store(at, c20);
      if (nr == 8) v128.store(at, c21, 16);
      at += nr << 2;
      v128.store(at, c30);
      if (nr == 8) v128.store(at, c31, 16);
      at += nr << 2;
      if (mr > 4) {
        v128.store(at, c40);
        if (nr == 8) v128.store(at, c41, 16);
        at += nr << 2;
      }
      if (mr > 5) {
        v128.store(at, c50);
        if (nr == 8) v128.store(at, c51, 16);
      }
      storeTile(p, spill, nr, min(rows, mr), min(columns, nr), y, stride);
      y += stride * mr;
    }
    table += tableStride;
  }
}

// prettier-ignore
function tiles4x8(p: usize, spill: usize, table: usize, tableStride: usize, rows: i32, b: usize, bias: usize, y: usize, stride: usize, columns: i32): void {
  tiles(4, 8, p, spill, table, tableStride, rows, b, bias, y, stride, columns);
}
// prettier-ignore
function tiles5x8(p: usize, spill: usize, table: usize, tableStride: usize, rows: i32, b: usize, bias: usize, y: usize, stride: usize, columns: i32): void {
  tiles(5, 8, p, spill, table, tableStride, rows, b, bias, y, stride, columns);
}
// prettier-ignore
function tiles6x8(p: usize, spill: usize, table: usize, tableStride: usize, rows: i32, b: usize, bias: usize, y: usize, stride: usize, columns: i32): void {
  tiles(6, 8, p, spill, table, tableStride, rows, b, bias, y, stride, columns);
}
// prettier-ignore
function tiles4x4(p: usize, spill: usize, table: usize, tableStride: usize, rows: i32, b: usize, bias: usize, y: usize, stride: usize, columns: i32): void {
  tiles(4, 4, p, spill, table, tableStride, rows, b, bias, y, stride, columns);
}
// prettier-ignore
function tiles5x4(p: usize, spill: usize, table: usize, tableStride: usize, rows: i32, b: usize, bias: usize, y: usize, stride: usize, columns: i32): void {
  tiles(5, 4, p, spill, table, tableStride, rows, b, bias, y, stride, columns);
}
// prettier-ignore
function tiles6x4(p: usize, spill: usize, table: usize, tableStride: usize, rows: i32, b: usize, bias: usize, y: usize, stride: usize, columns: i32): void {
  tiles(6, 4, p, spill, table, tableStride, rows, b, bias, y, stride, columns);
}

/**
 * A block of rows times panels [first, last) of `columns` columns.
 *
 * The table has one entry a tile: number of segments, bytes of a segment, then for each segment `tileRows` addresses. A panel is [inner][8] floats, the
 * last one [inner][4] where at most 4 columns are left. `stride` is bytes between rows of y.
 */
export function gemmBlock(
  p: usize, tileRows: i32, spill: usize, table: usize, tableStride: usize, rows: i32, inner: i32, weights: usize, bias: usize,
  y: usize, stride: usize, columns: i32, first: i32, last: i32,
): void {
  for (let panel = first; panel < last; panel++) {
    const column = panel * Tile.panel;
    const b = weights + ((<usize>(column * inner)) << 2);
    const to = y + (<usize>column << 2);
    const bs = bias + (<usize>column << 2);
    const left = columns - column;
    if (left > 4) {
      if (tileRows == 4) tiles4x8(p, spill, table, tableStride, rows, b, bs, to, stride, left);
      else if (tileRows == 5) tiles5x8(p, spill, table, tableStride, rows, b, bs, to, stride, left);
      else tiles6x8(p, spill, table, tableStride, rows, b, bs, to, stride, left);
    } else {
      if (tileRows == 4) tiles4x4(p, spill, table, tableStride, rows, b, bs, to, stride, left);
      else if (tileRows == 5) tiles5x4(p, spill, table, tableStride, rows, b, bs, to, stride, left);
      else tiles6x4(p, spill, table, tableStride, rows, b, bs, to, stride, left);
    }
  }
}

/** Fills the table for rows that lie `stride` bytes apart and are whole in memory. */
export function plainTable(table: usize, tileRows: i32, rows: i32, from: usize, stride: usize, inner: i32): void {
  for (let row = 0; row < rows; row += tileRows) {
    store<i32>(table, 1);
    store<i32>(table, inner << 2, 4);
    table += 8;
    for (let r = 0; r < tileRows; r++) {
      store<u32>(table, <u32>(from + <usize>min(row + r, rows - 1) * stride));
      table += 4;
    }
  }
}
