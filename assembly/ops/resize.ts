// resize: nearest or bilinear by tables of taps, so that every coordinate convention is the same loop.
import { Resize } from '../records';
import { share } from '../shared/parallel';
import { copyBytes, madd, storeLanes, word } from '../shared/simd';

export function resize(p: usize, thread: i32, threads: i32): void {
  const channels = word(p, Resize.channels);
  const outHeight = word(p, Resize.out_height);
  const outWidth = word(p, Resize.out_width);
  const pixel = (<usize>channels) << 2;
  const image = pixel * word(p, Resize.height) * word(p, Resize.width);
  const lines = word(p, Resize.batch) * outHeight;
  const last = share(lines, 1, thread + 1, threads);
  for (let line = share(lines, 1, thread, threads); line < last; line++) {
    const row = <usize>word(p, Resize.row_taps) + ((<usize>(line % outHeight)) << 4);
    const x = <usize>word(p, Resize.x) + <usize>(line / outHeight) * image;
    const top = x + load<u32>(row);
    const bottom = x + load<u32>(row, 4);
    const v = v128.load32_splat(row, 8);
    let column = <usize>word(p, Resize.column_taps);
    let y = <usize>word(p, Resize.y) + <usize>(line * outWidth) * pixel;
    for (let ox = 0; ox < outWidth; ox++) {
      const left = <usize>load<u32>(column);
      if (word(p, Resize.nearest)) {
        copyBytes(y, top + left, pixel);
      } else {
        const right = <usize>load<u32>(column, 4);
        const h = v128.load32_splat(column, 8);
        for (let c: usize = 0; c < pixel; c += 16) {
          const a = v128.load(top + left + c);
          const b = v128.load(bottom + left + c);
          const above = madd(f32x4.sub(v128.load(top + right + c), a), h, a);
          const below = madd(f32x4.sub(v128.load(bottom + right + c), b), h, b);
          storeLanes(y + c, madd(f32x4.sub(below, above), v, above), (<i32>(pixel - c)) >> 2);
        }
      }
      y += pixel;
      column += 16;
    }
  }
}
