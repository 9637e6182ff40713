// image_to_tensor: 8-bit pixels of any size -> normalised float32 tensor; separable triangle filter, never rounded to 8 bits in between.
import { ImageToTensor } from '../records';
import { share } from '../shared/parallel';
import { madd, real, storePart, word } from '../shared/simd';

/**
 * A result row is a weighted sum of source rows (kept as floats, four lanes a pixel for RGBA) and then of their columns. Taps are
 * prepared by the caller; weights of zero are left out, so that the identity costs one multiplication.
 */
export function image_to_tensor(p: usize, thread: i32, threads: i32): void {
  const height = word(p, ImageToTensor.height);
  const width = word(p, ImageToTensor.width);
  const imageWidth = word(p, ImageToTensor.image_width);
  const channels = word(p, ImageToTensor.image_channels);
  const swap = word(p, ImageToTensor.swap) != 0;
  const row = <usize>word(p, ImageToTensor.row) + <usize>thread * word(p, ImageToTensor.row_bytes);
  const mean = v128.load(p + ImageToTensor.mean * 4);
  const std = v128.load(p + ImageToTensor.std * 4);
  const padding = f32x4.div(f32x4.sub(f32x4.splat(real(p, ImageToTensor.pad_value)), mean), std);
  const columnTaps = <usize>word(p, ImageToTensor.column_taps);
  const columnWeights = <usize>word(p, ImageToTensor.column_weights);
  const last = share(height, 1, thread + 1, threads);
  for (let line = share(height, 1, thread, threads); line < last; line++) {
    const tap = <usize>word(p, ImageToTensor.row_taps) + <usize>line * 12;
    const rows = load<i32>(tap, 4);
    let y = <usize>word(p, ImageToTensor.y) + ((<usize>(line * width * 3)) << 2);
    if (rows) {
      const weights = <usize>word(p, ImageToTensor.row_weights) + ((<usize>load<i32>(tap, 8)) << 2);
      const stride = <usize>(imageWidth * channels);
      const pixels = <usize>word(p, ImageToTensor.pixels) + <usize>load<i32>(tap) * stride;
      if (channels == 4) blendRows(p, row, pixels, stride, rows, weights, imageWidth);
      else addRows(row, pixels, stride, rows, weights);
    }
    for (let x = 0; x < width; x++) {
      const column = columnTaps + <usize>x * 12;
      const taps = rows ? load<i32>(column, 4) : 0;
      let v = padding;
      if (taps) {
        let weight = columnWeights + ((<usize>load<i32>(column, 8)) << 2);
        let at = row + ((<usize>(load<i32>(column) * channels)) << 2);
        const step = (<usize>channels) << 2;
        v = f32x4.splat(0);
        for (let j = 0; j < taps; j++) {
          const pixel = channels == 1 ? v128.load32_splat(at) : v128.load(at);
          v = madd(pixel, v128.load32_splat(weight), v);
          at += step;
          weight += 4;
        }
        if (swap) v = i8x16.shuffle(v, v, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15);
        v = f32x4.div(f32x4.sub(v, mean), std);
      }
      // The fourth lane is overwritten by the next pixel; the last one of a row must not touch the next row.
      if (x + 1 < width) v128.store(y, v);
      else storePart(y, v, 3);
      y += 12;
    }
  }
}

/** row[i] = sum of weight * pixels[i] over source rows, sixteen bytes at a time; writes up to 60 bytes behind the end. */
function addRows(row: usize, pixels: usize, stride: usize, rows: i32, weights: usize): void {
  for (let i: usize = 0; i < stride; i += 16) {
    let s0 = f32x4.splat(0);
    let s1 = s0,
      s2 = s0,
      s3 = s0;
    let at = pixels + i;
    let weight = weights;
    for (let r = 0; r < rows; r++) {
      const w = v128.load32_splat(weight);
      const bytes = v128.load(at);
      const low = i16x8.extend_low_i8x16_u(bytes);
      const high = i16x8.extend_high_i8x16_u(bytes);
      s0 = madd(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(low)), w, s0);
      s1 = madd(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(low)), w, s1);
      s2 = madd(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(high)), w, s2);
      s3 = madd(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(high)), w, s3);
      at += stride;
      weight += 4;
    }
    v128.store(row, s0);
    v128.store(row, s1, 16);
    v128.store(row, s2, 32);
    v128.store(row, s3, 48);
    row += 64;
  }
}

/** The same for RGBA: each pixel is composited over the background first, so that hidden colours do not bleed. */
function blendRows(p: usize, row: usize, pixels: usize, stride: usize, rows: i32, weights: usize, imageWidth: i32): void {
  const background = f32x4.splat(real(p, ImageToTensor.background));
  const share255 = f32x4.splat(<f32>(1.0 / 255.0));
  for (let i = 0; i < imageWidth; i++) {
    let sum = f32x4.splat(0);
    let at = pixels + ((<usize>i) << 2);
    let weight = weights;
    for (let r = 0; r < rows; r++) {
      const v = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(at))));
      const alpha = f32x4.mul(i8x16.shuffle(v, v, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15), share255);
      const colour = madd(f32x4.sub(v, background), alpha, background);
      sum = madd(colour, v128.load32_splat(weight), sum);
      at += stride;
      weight += 4;
    }
    v128.store(row, sum);
    row += 16;
  }
}
