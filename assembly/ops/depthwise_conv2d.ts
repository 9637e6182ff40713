// depthwise_conv2d: one filter a channel, four channels a vector, four neighbouring outputs at once for 3x3 and 5x5 kernels.
import { Depthwise, Fused, Mode, ScaleRows } from '../records';
import { finish, finished, hardSwish } from '../shared/math';
import { share } from '../shared/parallel';
import { clamp, copyBytes, madd, real, storeLanes, word } from '../shared/simd';

export function depthwise_conv2d(p: usize, thread: i32, threads: i32): void {
  const lines = word(p, Depthwise.batch) * word(p, Depthwise.out_height);
  const first = share(lines, 1, thread, threads);
  const last = share(lines, 1, thread + 1, threads);
  const kernel = word(p, Depthwise.kernel_width);
  const stride = word(p, Depthwise.stride_x);
  const sliding =
    (kernel == 3 || kernel == 5) && (stride == 1 || stride == 2) && word(p, Depthwise.dilation_x) == 1 && word(p, Depthwise.patch) != 0;
  const channels = word(p, Depthwise.channels);
  const block = word(p, Depthwise.block_channels);
  for (let channel = 0; channel < channels; channel += block) {
    const count = min(block, channels - channel);
    for (let line = first; line < last; line++) {
      if (sliding) slideLine(p, line, channel, count, thread);
      else plainLine(p, line, channel, count);
    }
  }
}

/** One output line, any kernel: one output pixel after the other. */
function plainLine(p: usize, outLine: i32, channel: i32, count: i32): void {
  const height = word(p, Depthwise.height);
  const width = word(p, Depthwise.width);
  const channels = word(p, Depthwise.channels);
  const outWidth = word(p, Depthwise.out_width);
  const outHeight = word(p, Depthwise.out_height);
  const kernelHeight = word(p, Depthwise.kernel_height);
  const kernelWidth = word(p, Depthwise.kernel_width);
  const dilationY = word(p, Depthwise.dilation_y);
  const dilationX = word(p, Depthwise.dilation_x);
  const pixel = <usize>channels << 2;
  const line = pixel * width;
  const tap = (<usize>((channels + 3) & ~3)) << 2;
  const image = <usize>word(p, Depthwise.x) + <usize>(outLine / outHeight) * height * line;
  const iy0 = (outLine % outHeight) * word(p, Depthwise.stride_y) - word(p, Depthwise.pad_top);
  const mode = word(p, Fused.mode);
  const low = f32x4.splat(real(p, Fused.low));
  const high = f32x4.splat(real(p, Fused.high));
  let y = <usize>word(p, Depthwise.y) + <usize>(outLine * outWidth) * pixel;
  for (let ox = 0; ox < outWidth; ox++) {
    const ix0 = ox * word(p, Depthwise.stride_x) - word(p, Depthwise.pad_left);
    for (let c = channel; c < channel + count; c += 4) {
      const offset = <usize>c << 2;
      let sum = v128.load(<usize>word(p, Depthwise.bias) + offset);
      let w = <usize>word(p, Depthwise.weights) + offset;
      for (let ky = 0; ky < kernelHeight; ky++) {
        const iy = iy0 + ky * dilationY;
        for (let kx = 0; kx < kernelWidth; kx++) {
          const ix = ix0 + kx * dilationX;
          if (<u32>iy < <u32>height && <u32>ix < <u32>width) {
            sum = madd(v128.load(image + <usize>iy * line + <usize>ix * pixel + offset), v128.load(w), sum);
          }
          w += tap;
        }
      }
      const at = y + offset;
      storeLanes(at, finished(p, at, sum, mode, low, high), channels - c);
    }
    y += pixel;
  }
}

/** One output line in runs of four outputs. Runs that touch the left or right border read from a patch with zeros around. */
function slideLine(p: usize, outLine: i32, channel: i32, count: i32, thread: i32): void {
  const height = word(p, Depthwise.height);
  const width = word(p, Depthwise.width);
  const channels = word(p, Depthwise.channels);
  const outWidth = word(p, Depthwise.out_width);
  const outHeight = word(p, Depthwise.out_height);
  const kernelHeight = word(p, Depthwise.kernel_height);
  const kernelWidth = word(p, Depthwise.kernel_width);
  const stride = word(p, Depthwise.stride_x);
  const dilationY = word(p, Depthwise.dilation_y);
  const pixel = <usize>channels << 2;
  const line = pixel * width;
  const tap = (<usize>((channels + 3) & ~3)) << 2;
  const image = <usize>word(p, Depthwise.x) + <usize>(outLine / outHeight) * height * line + (<usize>channel << 2);
  const iy0 = (outLine % outHeight) * word(p, Depthwise.stride_y) - word(p, Depthwise.pad_top);
  // Kernel rows that lie inside the image.
  const firstRow = iy0 < 0 ? (-iy0 + dilationY - 1) / dilationY : 0;
  const rows = min(kernelHeight, iy0 >= height ? 0 : (height - 1 - iy0) / dilationY + 1) - firstRow;
  const weights = <usize>word(p, Depthwise.weights) + (<usize>channel << 2) + <usize>(firstRow * kernelWidth) * tap;
  const bias = <usize>word(p, Depthwise.bias) + (<usize>channel << 2);
  const source = image + <usize>(iy0 + firstRow * dilationY) * line;
  const patch = <usize>word(p, Depthwise.patch) + <usize>thread * word(p, Depthwise.patch_bytes);
  const span = 3 * stride + kernelWidth;
  const padded = (<usize>((count + 3) & ~3)) << 2;
  let y = <usize>word(p, Depthwise.y) + <usize>(outLine * outWidth) * pixel + (<usize>channel << 2);
  for (let ox = 0; ox < outWidth; ox += 4) {
    const ix = ox * stride - word(p, Depthwise.pad_left);
    const outputs = min(4, outWidth - ox);
    if (ix >= 0 && ix + span <= width) {
      run(p, kernelWidth, stride, source + <usize>ix * pixel, <usize>dilationY * line, pixel, rows, weights, tap, bias, y, pixel, count, outputs);
    } else {
      let to = patch;
      let from = source;
      for (let ky = 0; ky < rows; ky++) {
        for (let j = ix; j < ix + span; j++) {
          if (<u32>j < <u32>width) copyBytes(to, from + <usize>j * pixel, <usize>count << 2);
          else for (let i: usize = 0; i < padded; i += 16) v128.store(to + i, f32x4.splat(0));
          to += padded;
        }
        from += <usize>dilationY * line;
      }
      run(p, kernelWidth, stride, patch, padded * span, padded, rows, weights, tap, bias, y, pixel, count, outputs);
    }
    y += pixel * 4;
  }
}

// prettier-ignore
function run(
  p: usize, kernel: i32, stride: i32, x: usize, line: usize, pixel: usize, rows: i32, weights: usize, tap: usize, bias: usize, y: usize, outPixel: usize,
  channels: i32, outputs: i32,
): void {
  if (kernel == 3) {
    if (stride == 1) run31(p, x, line, pixel, rows, weights, tap, bias, y, outPixel, channels, outputs);
    else run32(p, x, line, pixel, rows, weights, tap, bias, y, outPixel, channels, outputs);
  } else {
    if (stride == 1) run51(p, x, line, pixel, rows, weights, tap, bias, y, outPixel, channels, outputs);
    else run52(p, x, line, pixel, rows, weights, tap, bias, y, outPixel, channels, outputs);
  }
}

// prettier-ignore
function run31(p: usize, x: usize, line: usize, pixel: usize, rows: i32, weights: usize, tap: usize, bias: usize, y: usize, outPixel: usize, channels: i32, outputs: i32): void {
  slide(3, 1, p, x, line, pixel, rows, weights, tap, bias, y, outPixel, channels, outputs);
}
// prettier-ignore
function run32(p: usize, x: usize, line: usize, pixel: usize, rows: i32, weights: usize, tap: usize, bias: usize, y: usize, outPixel: usize, channels: i32, outputs: i32): void {
  slide(3, 2, p, x, line, pixel, rows, weights, tap, bias, y, outPixel, channels, outputs);
}
// prettier-ignore
function run51(p: usize, x: usize, line: usize, pixel: usize, rows: i32, weights: usize, tap: usize, bias: usize, y: usize, outPixel: usize, channels: i32, outputs: i32): void {
  slide(5, 1, p, x, line, pixel, rows, weights, tap, bias, y, outPixel, channels, outputs);
}
// prettier-ignore
function run52(p: usize, x: usize, line: usize, pixel: usize, rows: i32, weights: usize, tap: usize, bias: usize, y: usize, outPixel: usize, channels: i32, outputs: i32): void {
  slide(5, 2, p, x, line, pixel, rows, weights, tap, bias, y, outPixel, channels, outputs);
}

/** Adds input column j of the run to output o, if the kernel reaches it. */
// @ts-ignore: decorator
@inline
function reach(kernel: i32, kx: i32, v: v128, w0: v128, w1: v128, w2: v128, w3: v128, w4: v128, sum: v128): v128 {
  if (kx == 0) return madd(v, w0, sum);
  if (kx == 1) return madd(v, w1, sum);
  if (kx == 2) return madd(v, w2, sum);
  if (kernel == 5 && kx == 3) return madd(v, w3, sum);
  if (kernel == 5 && kx == 4) return madd(v, w4, sum);
  return sum;
}

/** Four outputs side by side for all channels: each input vector is loaded once a kernel row and used by every output it reaches. */
// @ts-ignore: decorator
@inline
function slide(
  kernel: i32, stride: i32,
  p: usize, x: usize, line: usize, pixel: usize, rows: i32, weights: usize, tap: usize, bias: usize, y: usize, outPixel: usize, channels: i32, outputs: i32,
): void {
  const mode = word(p, Fused.mode);
  const low = f32x4.splat(real(p, Fused.low));
  const high = f32x4.splat(real(p, Fused.high));
  const alpha = f32x4.splat(real(p, Fused.alpha));
  const full = outputs == 4;
  for (let c = 0; c < channels; c += 4) {
    let s0 = v128.load(bias);
    let s1 = s0, s2 = s0, s3 = s0;
    let xr = x;
    let w = weights;
    for (let ky = 0; ky < rows; ky++) {
      const w0 = v128.load(w);
      w += tap;
      const w1 = v128.load(w);
      w += tap;
      const w2 = v128.load(w);
      w += tap;
      let w3 = w0, w4 = w0;
      if (kernel == 5) {
        w3 = v128.load(w);
        w += tap;
        w4 = v128.load(w);
        w += tap;
      }
      let at = xr;
      if (true) {
        const v = v128.load(at);
        s0 = reach(kernel, 0, v, w0, w1, w2, w3, w4, s0);
      }
      at += pixel;
      if (true) {
        const v = v128.load(at);
        s0 = reach(kernel, 1, v, w0, w1, w2, w3, w4, s0);
        s1 = reach(kernel, 1 - stride, v, w0, w1, w2, w3, w4, s1);
      }
      at += pixel;
      if (true) {
        const v = v128.load(at);
        s0 = reach(kernel, 2, v, w0, w1, w2, w3, w4, s0);
        s1 = reach(kernel, 2 - stride, v, w0, w1, w2, w3, w4, s1);
        s2 = reach(kernel, 2 - 2 * stride, v, w0, w1, w2, w3, w4, s2);
      }
      at += pixel;
      if (true) {
        const v = v128.load(at);
        s0 = reach(kernel, 3, v, w0, w1, w2, w3, w4, s0);
        s1 = reach(kernel, 3 - stride, v, w0, w1, w2, w3, w4, s1);
        s2 = reach(kernel, 3 - 2 * stride, v, w0, w1, w2, w3, w4, s2);
        s3 = reach(kernel, 3 - 3 * stride, v, w0, w1, w2, w3, w4, s3);
      }
      at += pixel;
      if (true) {
        const v = v128.load(at);
        s0 = reach(kernel, 4, v, w0, w1, w2, w3, w4, s0);
        s1 = reach(kernel, 4 - stride, v, w0, w1, w2, w3, w4, s1);
        s2 = reach(kernel, 4 - 2 * stride, v, w0, w1, w2, w3, w4, s2);
        s3 = reach(kernel, 4 - 3 * stride, v, w0, w1, w2, w3, w4, s3);
      }
      at += pixel;
      if (true) {
        const v = v128.load(at);
        s1 = reach(kernel, 5 - stride, v, w0, w1, w2, w3, w4, s1);
        s2 = reach(kernel, 5 - 2 * stride, v, w0, w1, w2, w3, w4, s2);
        s3 = reach(kernel, 5 - 3 * stride, v, w0, w1, w2, w3, w4, s3);
      }
      if (stride == 2 || kernel == 5) {
        at += pixel;
        const v = v128.load(at);
        s1 = reach(kernel, 6 - stride, v, w0, w1, w2, w3, w4, s1);
        s2 = reach(kernel, 6 - 2 * stride, v, w0, w1, w2, w3, w4, s2);
        s3 = reach(kernel, 6 - 3 * stride, v, w0, w1, w2, w3, w4, s3);
        at += pixel;
        const u = v128.load(at);
        s2 = reach(kernel, 7 - 2 * stride, u, w0, w1, w2, w3, w4, s2);
        s3 = reach(kernel, 7 - 3 * stride, u, w0, w1, w2, w3, w4, s3);
      }
      if (stride == 2) {
        at += pixel;
        const v = v128.load(at);
        s2 = reach(kernel, 8 - 2 * stride, v, w0, w1, w2, w3, w4, s2);
        s3 = reach(kernel, 8 - 3 * stride, v, w0, w1, w2, w3, w4, s3);
        if (kernel == 5) {
          at += pixel;
          s3 = reach(kernel, 9 - 3 * stride, v128.load(at), w0, w1, w2, w3, w4, s3);
          at += pixel;
          s3 = reach(kernel, 10 - 3 * stride, v128.load(at), w0, w1, w2, w3, w4, s3);
        }
      }
      xr += line;
    }
    if (mode == Mode.clamp) {
      s0 = clamp(s0, low, high);
      s1 = clamp(s1, low, high);
      s2 = clamp(s2, low, high);
      s3 = clamp(s3, low, high);
    } else if (mode == Mode.hard_swish) {
      s0 = hardSwish(s0, alpha);
      s1 = hardSwish(s1, alpha);
      s2 = hardSwish(s2, alpha);
      s3 = hardSwish(s3, alpha);
    } else {
      s0 = finish(p, y, s0);
      s1 = finish(p, y, s1);
      s2 = finish(p, y, s2);
      s3 = finish(p, y, s3);
    }
    if (full && c + 4 <= channels) {
      v128.store(y, s0);
      v128.store(y + outPixel, s1);
      v128.store(y + 2 * outPixel, s2);
      v128.store(y + 3 * outPixel, s3);
    } else {
      const lanes = channels - c;
      storeLanes(y, s0, lanes);
      if (outputs > 1) storeLanes(y + outPixel, s1, lanes);
      if (outputs > 2) storeLanes(y + 2 * outPixel, s2, lanes);
      if (outputs > 3) storeLanes(y + 3 * outPixel, s3, lanes);
    }
    x += 16;
    y += 16;
    bias += 16;
    weights += 16;
  }
}

/** Depthwise weights for a frame whose input channels are scaled. */
export function scale_rows(p: usize, thread: i32, threads: i32): void {
  const columns = word(p, ScaleRows.columns);
  const rows = word(p, ScaleRows.rows);
  const last = share(rows, 1, thread + 1, threads);
  for (let row = share(rows, 1, thread, threads); row < last; row++) {
    const offset = (<usize>(row * columns)) << 2;
    for (let c: usize = 0; c < <usize>columns << 2; c += 16) {
      v128.store(
        <usize>word(p, ScaleRows.y) + offset + c,
        f32x4.mul(v128.load(<usize>word(p, ScaleRows.x) + offset + c), v128.load(<usize>word(p, ScaleRows.scale) + c)),
      );
    }
  }
}
