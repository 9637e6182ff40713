// depthwise_conv2d: one filter a channel, four channels a vector, four neighbouring outputs at once for 3x3 and 5x5 kernels.
import { Depthwise, Fused, Mode, ScaleRows } from '../records';
import { finish, finished, hardSwish } from '../shared/math';
import { share } from '../shared/parallel';
import { clamp, madd, real, storeLanes, word } from '../shared/simd';

export function depthwise_conv2d(p: usize, thread: i32, threads: i32): void {
  const lines = word(p, Depthwise.batch) * word(p, Depthwise.out_height);
  const first = share(lines, 1, thread, threads);
  const last = share(lines, 1, thread + 1, threads);
  const kernel = word(p, Depthwise.kernel_width);
  const stride = word(p, Depthwise.stride_x);
  const sliding =
    (kernel == 3 || kernel == 5) && (stride == 1 || stride == 2) && word(p, Depthwise.dilation_x) == 1;
  const channels = word(p, Depthwise.channels);
  const block = word(p, Depthwise.block_channels);
  for (let channel = 0; channel < channels; channel += block) {
    const count = min(block, channels - channel);
    for (let line = first; line < last; line++) {
      if (sliding) slideLine(p, line, channel, count);
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
  const taps = kernelHeight * kernelWidth;
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
      let w = <usize>word(p, Depthwise.weights) + offset * taps;
      for (let ky = 0; ky < kernelHeight; ky++) {
        const iy = iy0 + ky * dilationY;
        for (let kx = 0; kx < kernelWidth; kx++) {
          const ix = ix0 + kx * dilationX;
          if (<u32>iy < <u32>height && <u32>ix < <u32>width) {
            sum = madd(v128.load(image + <usize>iy * line + <usize>ix * pixel + offset), v128.load(w), sum);
          }
          w += 16;
        }
      }
      const at = y + offset;
      storeLanes(at, finished(p, at, sum, mode, low, high), channels - c);
    }
    y += pixel;
  }
}

/** One output line in runs of four outputs. In runs that touch the left or right border each input column is checked. */
function slideLine(p: usize, outLine: i32, channel: i32, count: i32): void {
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
  const image = <usize>word(p, Depthwise.x) + <usize>(outLine / outHeight) * height * line + (<usize>channel << 2);
  const iy0 = (outLine % outHeight) * word(p, Depthwise.stride_y) - word(p, Depthwise.pad_top);
  // Kernel rows that lie inside the image.
  const firstRow = iy0 < 0 ? (-iy0 + dilationY - 1) / dilationY : 0;
  const rows = min(kernelHeight, iy0 >= height ? 0 : (height - 1 - iy0) / dilationY + 1) - firstRow;
  const filter = <usize>(kernelHeight * kernelWidth) << 4;
  const weights = <usize>word(p, Depthwise.weights) + <usize>(channel >> 2) * filter + (<usize>(firstRow * kernelWidth) << 4);
  const bias = <usize>word(p, Depthwise.bias) + (<usize>channel << 2);
  const source = image + <usize>(iy0 + firstRow * dilationY) * line;
  const span = 3 * stride + kernelWidth;
  const step = <usize>dilationY * line;
  let y = <usize>word(p, Depthwise.y) + <usize>(outLine * outWidth) * pixel + (<usize>channel << 2);
  for (let ox = 0; ox < outWidth; ox += 4) {
    const ix = ox * stride - word(p, Depthwise.pad_left);
    const outputs = min(4, outWidth - ox);
    // Columns of the run that lie inside the image.
    const low = max(0, -ix);
    const high = min(span, width - ix);
    const whole = low == 0 && high == span;
    // prettier-ignore
    run(p, kernelWidth, stride, whole, low, high, source + <usize>ix * pixel, step, pixel, rows, weights, filter, bias, y, count, outputs);
    if (word(p, Fused.mode) == Mode.general) finishRun(p, y, pixel, count, outputs);
    y += pixel * 4;
  }
}

// prettier-ignore
function run(
  p: usize, kernel: i32, stride: i32, whole: bool, low: i32, high: i32, x: usize, line: usize, pixel: usize, rows: i32, weights: usize, filter: usize,
  bias: usize, y: usize, channels: i32, outputs: i32,
): void {
  if (kernel == 3) {
    if (stride == 1) {
      if (whole) inside31(p, low, high, x, line, pixel, rows, weights, filter, bias, y, channels, outputs);
      else border31(p, low, high, x, line, pixel, rows, weights, filter, bias, y, channels, outputs);
    } else {
      if (whole) inside32(p, low, high, x, line, pixel, rows, weights, filter, bias, y, channels, outputs);
      else border32(p, low, high, x, line, pixel, rows, weights, filter, bias, y, channels, outputs);
    }
  } else {
    if (stride == 1) {
      if (whole) inside51(p, low, high, x, line, pixel, rows, weights, filter, bias, y, channels, outputs);
      else border51(p, low, high, x, line, pixel, rows, weights, filter, bias, y, channels, outputs);
    } else {
      if (whole) inside52(p, low, high, x, line, pixel, rows, weights, filter, bias, y, channels, outputs);
      else border52(p, low, high, x, line, pixel, rows, weights, filter, bias, y, channels, outputs);
    }
  }
}

// prettier-ignore
function inside31(p: usize, low: i32, high: i32, x: usize, line: usize, pixel: usize, rows: i32, weights: usize, filter: usize, bias: usize, y: usize, channels: i32, outputs: i32): void {
  slide(3, 1, false, p, low, high, x, line, pixel, rows, weights, filter, bias, y, channels, outputs);
}

// prettier-ignore
function border31(p: usize, low: i32, high: i32, x: usize, line: usize, pixel: usize, rows: i32, weights: usize, filter: usize, bias: usize, y: usize, channels: i32, outputs: i32): void {
  slide(3, 1, true, p, low, high, x, line, pixel, rows, weights, filter, bias, y, channels, outputs);
}

// prettier-ignore
function inside32(p: usize, low: i32, high: i32, x: usize, line: usize, pixel: usize, rows: i32, weights: usize, filter: usize, bias: usize, y: usize, channels: i32, outputs: i32): void {
  slide(3, 2, false, p, low, high, x, line, pixel, rows, weights, filter, bias, y, channels, outputs);
}

// prettier-ignore
function border32(p: usize, low: i32, high: i32, x: usize, line: usize, pixel: usize, rows: i32, weights: usize, filter: usize, bias: usize, y: usize, channels: i32, outputs: i32): void {
  slide(3, 2, true, p, low, high, x, line, pixel, rows, weights, filter, bias, y, channels, outputs);
}

// prettier-ignore
function inside51(p: usize, low: i32, high: i32, x: usize, line: usize, pixel: usize, rows: i32, weights: usize, filter: usize, bias: usize, y: usize, channels: i32, outputs: i32): void {
  slide(5, 1, false, p, low, high, x, line, pixel, rows, weights, filter, bias, y, channels, outputs);
}

// prettier-ignore
function border51(p: usize, low: i32, high: i32, x: usize, line: usize, pixel: usize, rows: i32, weights: usize, filter: usize, bias: usize, y: usize, channels: i32, outputs: i32): void {
  slide(5, 1, true, p, low, high, x, line, pixel, rows, weights, filter, bias, y, channels, outputs);
}

// prettier-ignore
function inside52(p: usize, low: i32, high: i32, x: usize, line: usize, pixel: usize, rows: i32, weights: usize, filter: usize, bias: usize, y: usize, channels: i32, outputs: i32): void {
  slide(5, 2, false, p, low, high, x, line, pixel, rows, weights, filter, bias, y, channels, outputs);
}

// prettier-ignore
function border52(p: usize, low: i32, high: i32, x: usize, line: usize, pixel: usize, rows: i32, weights: usize, filter: usize, bias: usize, y: usize, channels: i32, outputs: i32): void {
  slide(5, 2, true, p, low, high, x, line, pixel, rows, weights, filter, bias, y, channels, outputs);
}

/** Four sums of a run that has fewer outputs, or of the last channels. */
function storeRest(y: usize, outPixel: usize, s0: v128, s1: v128, s2: v128, s3: v128, outputs: i32, lanes: i32): void {
  storeLanes(y, s0, lanes);
  if (outputs > 1) storeLanes(y + outPixel, s1, lanes);
  if (outputs > 2) storeLanes(y + 2 * outPixel, s2, lanes);
  if (outputs > 3) storeLanes(y + 3 * outPixel, s3, lanes);
}

/** Any activation on the outputs of a run. */
function finishRun(p: usize, y: usize, outPixel: usize, channels: i32, outputs: i32): void {
  for (; outputs > 0; outputs--) {
    for (let c = 0; c < channels; c += 4) {
      const at = y + (<usize>c << 2);
      storeLanes(at, finish(p, at, v128.load(at)), channels - c);
    }
    y += outPixel;
  }
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

/** Column j of a run; zeros outside the image. */
// @ts-ignore: decorator
@inline
function column(checked: bool, at: usize, j: i32, low: i32, high: i32): v128 {
  if (checked) return j >= low && j < high ? v128.load(at) : f32x4.splat(0);
  return v128.load(at);
}

/** Four outputs side by side for all channels: each input vector is loaded once a kernel row and used by every output it reaches. */
// @ts-ignore: decorator
@inline
function slide(
  kernel: i32, stride: i32, checked: bool,
  p: usize, low: i32, high: i32, x: usize, line: usize, pixel: usize, rows: i32, weights: usize, filter: usize, bias: usize, y: usize, channels: i32, outputs: i32,
): void {
  // Other activations are applied behind the loop: a call inside would push all sums out of their registers.
  const hard = word(p, Fused.mode) == Mode.hard_swish;
  const least = f32x4.splat(real(p, Fused.low));
  const most = f32x4.splat(real(p, Fused.high));
  const alpha = f32x4.splat(real(p, Fused.alpha));
  for (let c = 0; c < channels; c += 4) {
    let s0 = v128.load(bias);
    let s1 = s0, s2 = s0, s3 = s0;
    let xr = x;
    let w = weights;
    for (let ky = 0; ky < rows; ky++) {
      const w0 = v128.load(w);
      const w1 = v128.load(w, 16);
      const w2 = v128.load(w, 32);
      let w3 = w0, w4 = w0;
      if (kernel == 5) {
        w3 = v128.load(w, 48);
        w4 = v128.load(w, 64);
      }
      w += kernel << 4;
      let at = xr;
      if (true) {
        const v = column(checked, at, 0, low, high);
        s0 = reach(kernel, 0, v, w0, w1, w2, w3, w4, s0);
      }
      at += pixel;
      if (true) {
        const v = column(checked, at, 1, low, high);
        s0 = reach(kernel, 1, v, w0, w1, w2, w3, w4, s0);
        s1 = reach(kernel, 1 - stride, v, w0, w1, w2, w3, w4, s1);
      }
      at += pixel;
      if (true) {
        const v = column(checked, at, 2, low, high);
        s0 = reach(kernel, 2, v, w0, w1, w2, w3, w4, s0);
        s1 = reach(kernel, 2 - stride, v, w0, w1, w2, w3, w4, s1);
        s2 = reach(kernel, 2 - 2 * stride, v, w0, w1, w2, w3, w4, s2);
      }
      at += pixel;
      if (true) {
        const v = column(checked, at, 3, low, high);
        s0 = reach(kernel, 3, v, w0, w1, w2, w3, w4, s0);
        s1 = reach(kernel, 3 - stride, v, w0, w1, w2, w3, w4, s1);
        s2 = reach(kernel, 3 - 2 * stride, v, w0, w1, w2, w3, w4, s2);
        s3 = reach(kernel, 3 - 3 * stride, v, w0, w1, w2, w3, w4, s3);
      }
      at += pixel;
      if (true) {
        const v = column(checked, at, 4, low, high);
        s0 = reach(kernel, 4, v, w0, w1, w2, w3, w4, s0);
        s1 = reach(kernel, 4 - stride, v, w0, w1, w2, w3, w4, s1);
        s2 = reach(kernel, 4 - 2 * stride, v, w0, w1, w2, w3, w4, s2);
        s3 = reach(kernel, 4 - 3 * stride, v, w0, w1, w2, w3, w4, s3);
      }
      at += pixel;
      if (true) {
        const v = column(checked, at, 5, low, high);
        s1 = reach(kernel, 5 - stride, v, w0, w1, w2, w3, w4, s1);
        s2 = reach(kernel, 5 - 2 * stride, v, w0, w1, w2, w3, w4, s2);
        s3 = reach(kernel, 5 - 3 * stride, v, w0, w1, w2, w3, w4, s3);
      }
      if (stride == 2 || kernel == 5) {
        at += pixel;
        const v = column(checked, at, 6, low, high);
        s1 = reach(kernel, 6 - stride, v, w0, w1, w2, w3, w4, s1);
        s2 = reach(kernel, 6 - 2 * stride, v, w0, w1, w2, w3, w4, s2);
        s3 = reach(kernel, 6 - 3 * stride, v, w0, w1, w2, w3, w4, s3);
        at += pixel;
        const u = column(checked, at, 7, low, high);
        s2 = reach(kernel, 7 - 2 * stride, u, w0, w1, w2, w3, w4, s2);
        s3 = reach(kernel, 7 - 3 * stride, u, w0, w1, w2, w3, w4, s3);
      }
      if (stride == 2) {
        at += pixel;
        const v = column(checked, at, 8, low, high);
        s2 = reach(kernel, 8 - 2 * stride, v, w0, w1, w2, w3, w4, s2);
        s3 = reach(kernel, 8 - 3 * stride, v, w0, w1, w2, w3, w4, s3);
        if (kernel == 5) {
          at += pixel;
          s3 = reach(kernel, 9 - 3 * stride, column(checked, at, 9, low, high), w0, w1, w2, w3, w4, s3);
          at += pixel;
          s3 = reach(kernel, 10 - 3 * stride, column(checked, at, 10, low, high), w0, w1, w2, w3, w4, s3);
        }
      }
      xr += line;
    }
    if (hard) {
      s0 = hardSwish(s0, alpha);
      s1 = hardSwish(s1, alpha);
      s2 = hardSwish(s2, alpha);
      s3 = hardSwish(s3, alpha);
    } else {
      s0 = clamp(s0, least, most);
      s1 = clamp(s1, least, most);
      s2 = clamp(s2, least, most);
      s3 = clamp(s3, least, most);
    }
    if (outputs == 4 && c + 4 <= channels) {
      v128.store(y, s0);
      v128.store(y + pixel, s1);
      v128.store(y + 2 * pixel, s2);
      v128.store(y + 3 * pixel, s3);
    } else {
      storeRest(y, pixel, s0, s1, s2, s3, outputs, channels - c);
    }
    x += 16;
    y += 16;
    bias += 16;
    weights += filter;
  }
}

/** Depthwise weights for a frame whose input channels are scaled. */
export function scale_rows(p: usize, thread: i32, threads: i32): void {
  const taps = word(p, ScaleRows.rows);
  const groups = word(p, ScaleRows.columns) >> 2;
  const last = share(groups, 1, thread + 1, threads);
  for (let group = share(groups, 1, thread, threads); group < last; group++) {
    const scale = v128.load(<usize>word(p, ScaleRows.scale) + (<usize>group << 4));
    const offset = (<usize>(group * taps)) << 4;
    for (let k: usize = 0; k < <usize>taps << 4; k += 16) {
      v128.store(<usize>word(p, ScaleRows.y) + offset + k, f32x4.mul(v128.load(<usize>word(p, ScaleRows.x) + offset + k), scale));
    }
  }
}
