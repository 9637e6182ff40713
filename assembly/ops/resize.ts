// resize: nearest or bilinear by tables of taps, so that every coordinate convention is the same loop; then the activation.
import { Act, Fused, Resize } from '../records';
import { finished } from '../shared/math';
import { share } from '../shared/parallel';
import { copyBytes, madd, real, storeLanes, word } from '../shared/simd';

export function resize(p: usize, thread: i32, threads: i32): void {
  const channels = word(p, Resize.channels);
  const outHeight = word(p, Resize.out_height);
  const outWidth = word(p, Resize.out_width);
  const pixel = (<usize>channels) << 2;
  const image = pixel * word(p, Resize.height) * word(p, Resize.width);
  const lines = word(p, Resize.batch) * outHeight;
  const nearest = word(p, Resize.nearest) != 0;
  const plain = word(p, Fused.kind) == Act.none;
  const mode = word(p, Fused.mode);
  const least = f32x4.splat(real(p, Fused.low));
  const most = f32x4.splat(real(p, Fused.high));
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
      if (nearest) {
        if (plain) {
          copyBytes(y, top + left, pixel);
        } else {
          for (let c: usize = 0; c < pixel; c += 16) {
            const v = v128.load(top + left + c);
            storeLanes(y + c, finished(p, y + c, v, mode, least, most), (<i32>(pixel - c)) >> 2);
          }
        }
      } else {
        const right = <usize>load<u32>(column, 4);
        const h = v128.load32_splat(column, 8);
        for (let c: usize = 0; c < pixel; c += 16) {
          const a = v128.load(top + left + c);
          const b = v128.load(bottom + left + c);
          const above = madd(f32x4.sub(v128.load(top + right + c), a), h, a);
          const below = madd(f32x4.sub(v128.load(bottom + right + c), b), h, b);
          const mixed = madd(f32x4.sub(below, above), v, above);
          storeLanes(y + c, finished(p, y + c, mixed, mode, least, most), (<i32>(pixel - c)) >> 2);
        }
      }
      y += pixel;
      column += 16;
    }
  }
}
