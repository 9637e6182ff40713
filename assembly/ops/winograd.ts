// The two transforms of Winograd's F(2x2, 3x3) (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", section 4.1), four channels a vector;
// between them stand sixteen matrix products.
import { Fused, Mode, WinogradInput, WinogradOutput } from '../records';
import { finish } from '../shared/math';
import { share } from '../shared/parallel';
import { clamp, real, word } from '../shared/simd';

/** v = B^T d B of each 4x4 patch d; patches overlap by two pixels, outside the image are zeros. */
export function winograd_input(p: usize, thread: i32, threads: i32): void {
  const height = word(p, WinogradInput.height);
  const width = word(p, WinogradInput.width);
  const channels = word(p, WinogradInput.channels);
  const tilesY = word(p, WinogradInput.tiles_y);
  const tilesX = word(p, WinogradInput.tiles_x);
  const first = word(p, WinogradInput.first);
  const count = word(p, WinogradInput.count);
  const pixel = (<usize>channels) << 2;
  const line = pixel * width;
  const plane = pixel * count;
  const end = share(count, 1, thread + 1, threads);
  for (let tile = share(count, 1, thread, threads); tile < end; tile++) {
    const at = first + tile;
    const y0 = ((at / tilesX) % tilesY) * 2 - word(p, WinogradInput.pad_top);
    const x0 = (at % tilesX) * 2 - word(p, WinogradInput.pad_left);
    const image = <usize>word(p, WinogradInput.x) + <usize>(at / tilesX / tilesY) * line * height;
    const inside = y0 >= 0 && x0 >= 0 && y0 + 4 <= height && x0 + 4 <= width;
    const to = <usize>word(p, WinogradInput.v) + <usize>tile * pixel;
    for (let c: usize = 0; c < pixel; c += 16) {
      const corner = image + <usize>y0 * line + <usize>x0 * pixel + c;
      let out = to + c;
      // Columns first: rows of B^T d need all four pixels of a column.
      const d00 = at4(inside, corner, line, pixel, 0, 0, y0, x0, height, width);
      const d01 = at4(inside, corner, line, pixel, 0, 1, y0, x0, height, width);
      const d02 = at4(inside, corner, line, pixel, 0, 2, y0, x0, height, width);
      const d03 = at4(inside, corner, line, pixel, 0, 3, y0, x0, height, width);
      const d20 = at4(inside, corner, line, pixel, 2, 0, y0, x0, height, width);
      const d21 = at4(inside, corner, line, pixel, 2, 1, y0, x0, height, width);
      const d22 = at4(inside, corner, line, pixel, 2, 2, y0, x0, height, width);
      const d23 = at4(inside, corner, line, pixel, 2, 3, y0, x0, height, width);
      out = putRow(out, plane, f32x4.sub(d00, d20), f32x4.sub(d01, d21), f32x4.sub(d02, d22), f32x4.sub(d03, d23));
      const d10 = at4(inside, corner, line, pixel, 1, 0, y0, x0, height, width);
      const d11 = at4(inside, corner, line, pixel, 1, 1, y0, x0, height, width);
      const d12 = at4(inside, corner, line, pixel, 1, 2, y0, x0, height, width);
      const d13 = at4(inside, corner, line, pixel, 1, 3, y0, x0, height, width);
      out = putRow(out, plane, f32x4.add(d10, d20), f32x4.add(d11, d21), f32x4.add(d12, d22), f32x4.add(d13, d23));
      out = putRow(out, plane, f32x4.sub(d20, d10), f32x4.sub(d21, d11), f32x4.sub(d22, d12), f32x4.sub(d23, d13));
      const d30 = at4(inside, corner, line, pixel, 3, 0, y0, x0, height, width);
      const d31 = at4(inside, corner, line, pixel, 3, 1, y0, x0, height, width);
      const d32 = at4(inside, corner, line, pixel, 3, 2, y0, x0, height, width);
      const d33 = at4(inside, corner, line, pixel, 3, 3, y0, x0, height, width);
      putRow(out, plane, f32x4.sub(d10, d30), f32x4.sub(d11, d31), f32x4.sub(d12, d32), f32x4.sub(d13, d33));
    }
  }
}

// @ts-ignore: decorator
@inline
function at4(inside: bool, corner: usize, line: usize, pixel: usize, dy: i32, dx: i32, y0: i32, x0: i32, height: i32, width: i32): v128 {
  if (inside || (<u32>(y0 + dy) < <u32>height && <u32>(x0 + dx) < <u32>width)) return v128.load(corner + <usize>dy * line + <usize>dx * pixel);
  return f32x4.splat(0);
}

/** One row of B^T d times B, into four planes. Gives the place of the next row. */
// @ts-ignore: decorator
@inline
function putRow(to: usize, plane: usize, a: v128, b: v128, c: v128, d: v128): usize {
  v128.store(to, f32x4.sub(a, c));
  to += plane;
  v128.store(to, f32x4.add(b, c));
  to += plane;
  v128.store(to, f32x4.sub(c, b));
  to += plane;
  v128.store(to, f32x4.sub(b, d));
  return to + plane;
}

/** y = A^T m A of each tile, with bias and activation; results outside the image are dropped. */
export function winograd_output(p: usize, thread: i32, threads: i32): void {
  const outHeight = word(p, WinogradOutput.out_height);
  const outWidth = word(p, WinogradOutput.out_width);
  const channels = word(p, WinogradOutput.out_channels);
  const tilesY = word(p, WinogradOutput.tiles_y);
  const tilesX = word(p, WinogradOutput.tiles_x);
  const first = word(p, WinogradOutput.first);
  const count = word(p, WinogradOutput.count);
  const pixel = (<usize>channels) << 2;
  const line = pixel * outWidth;
  const plane = pixel * count;
  const mode = word(p, Fused.mode);
  const low = f32x4.splat(real(p, Fused.low));
  const high = f32x4.splat(real(p, Fused.high));
  const end = share(count, 1, thread + 1, threads);
  for (let tile = share(count, 1, thread, threads); tile < end; tile++) {
    const at = first + tile;
    const oy = ((at / tilesX) % tilesY) * 2;
    const ox = (at % tilesX) * 2;
    const to = <usize>word(p, WinogradOutput.y) + <usize>(at / tilesX / tilesY) * line * outHeight + <usize>oy * line + <usize>ox * pixel;
    const below = oy + 1 < outHeight;
    const right = ox + 1 < outWidth;
    const from = <usize>word(p, WinogradOutput.m) + <usize>tile * pixel;
    for (let c: usize = 0; c < pixel; c += 16) {
      const bias = v128.load(<usize>word(p, WinogradOutput.bias) + c);
      let m = from + c;
      let s00 = v128.load(m), s01 = v128.load(m + plane), s02 = v128.load(m + 2 * plane), s03 = v128.load(m + 3 * plane);
      m += 4 * plane;
      let v = v128.load(m);
      s00 = f32x4.add(s00, v);
      let s10 = v;
      v = v128.load(m + plane);
      s01 = f32x4.add(s01, v);
      let s11 = v;
      v = v128.load(m + 2 * plane);
      s02 = f32x4.add(s02, v);
      let s12 = v;
      v = v128.load(m + 3 * plane);
      s03 = f32x4.add(s03, v);
      let s13 = v;
      m += 4 * plane;
      v = v128.load(m);
      s00 = f32x4.add(s00, v);
      s10 = f32x4.sub(s10, v);
      v = v128.load(m + plane);
      s01 = f32x4.add(s01, v);
      s11 = f32x4.sub(s11, v);
      v = v128.load(m + 2 * plane);
      s02 = f32x4.add(s02, v);
      s12 = f32x4.sub(s12, v);
      v = v128.load(m + 3 * plane);
      s03 = f32x4.add(s03, v);
      s13 = f32x4.sub(s13, v);
      m += 4 * plane;
      s10 = f32x4.sub(s10, v128.load(m));
      s11 = f32x4.sub(s11, v128.load(m + plane));
      s12 = f32x4.sub(s12, v128.load(m + 2 * plane));
      s13 = f32x4.sub(s13, v128.load(m + 3 * plane));
      const y = to + c;
      done(p, y, f32x4.add(f32x4.add(f32x4.add(s00, s01), s02), bias), mode, low, high);
      if (right) done(p, y + pixel, f32x4.add(f32x4.sub(f32x4.sub(s01, s02), s03), bias), mode, low, high);
      if (!below) continue;
      done(p, y + line, f32x4.add(f32x4.add(f32x4.add(s10, s11), s12), bias), mode, low, high);
      if (right) done(p, y + line + pixel, f32x4.add(f32x4.sub(f32x4.sub(s11, s12), s13), bias), mode, low, high);
    }
  }
}

// @ts-ignore: decorator
@inline
function done(p: usize, at: usize, v: v128, mode: i32, low: v128, high: v128): void {
  if (mode == Mode.clamp) v128.store(at, clamp(v, low, high));
  else v128.store(at, finish(p, at, v));
}
