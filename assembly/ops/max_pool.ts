// max_pool and average_pool: a window over each channel, four channels a vector.
import { Pool } from '../records';
import { share } from '../shared/parallel';
import { storeLanes, word } from '../shared/simd';

export function max_pool(p: usize, thread: i32, threads: i32): void {
  pool(p, thread, threads, false);
}

export function average_pool(p: usize, thread: i32, threads: i32): void {
  pool(p, thread, threads, true);
}

function pool(p: usize, thread: i32, threads: i32, average: bool): void {
  const height = word(p, Pool.height);
  const width = word(p, Pool.width);
  const channels = word(p, Pool.channels);
  const outHeight = word(p, Pool.out_height);
  const outWidth = word(p, Pool.out_width);
  const kernelHeight = word(p, Pool.kernel_height);
  const kernelWidth = word(p, Pool.kernel_width);
  const pixel = (<usize>channels) << 2;
  const line = pixel * width;
  const lines = word(p, Pool.batch) * outHeight;
  const last = share(lines, 1, thread + 1, threads);
  for (let outLine = share(lines, 1, thread, threads); outLine < last; outLine++) {
    const image = <usize>word(p, Pool.x) + <usize>(outLine / outHeight) * height * line;
    const iy0 = (outLine % outHeight) * word(p, Pool.stride_y) - word(p, Pool.pad_top);
    const top = max(iy0, 0);
    const bottom = min(iy0 + kernelHeight, height);
    let y = <usize>word(p, Pool.y) + <usize>(outLine * outWidth) * pixel;
    for (let ox = 0; ox < outWidth; ox++) {
      const ix0 = ox * word(p, Pool.stride_x) - word(p, Pool.pad_left);
      const left = max(ix0, 0);
      const right = min(ix0 + kernelWidth, width);
      const counted = word(p, Pool.count_padding) ? kernelHeight * kernelWidth : (bottom - top) * (right - left);
      const divisor = f32x4.splat(<f32>counted);
      for (let c = 0; c < channels; c += 4) {
        let v = f32x4.splat(average ? 0 : -Infinity);
        for (let iy = top; iy < bottom; iy++) {
          let at = image + <usize>iy * line + <usize>left * pixel + ((<usize>c) << 2);
          for (let ix = left; ix < right; ix++) {
            const x = v128.load(at);
            v = average ? f32x4.add(v, x) : f32x4.max(v, x);
            at += pixel;
          }
        }
        storeLanes(y + ((<usize>c) << 2), average ? f32x4.div(v, divisor) : v, channels - c);
      }
      y += pixel;
    }
  }
}
