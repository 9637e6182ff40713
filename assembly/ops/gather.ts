// gather: slices of one axis picked by index; indices outside are clamped to the axis.
import { Gather } from '../records';
import { share } from '../shared/parallel';
import { copyBytes, word } from '../shared/simd';

export function gather(p: usize, thread: i32, threads: i32): void {
  const length = word(p, Gather.length);
  const count = word(p, Gather.count);
  const indices = <usize>word(p, Gather.index);
  const bytes = <usize>(word(p, Gather.inner) * word(p, Gather.element));
  const rowBytes = <usize>length * bytes;
  const all = word(p, Gather.outer) * count;
  const first = share(all, 1, thread, threads);
  const last = share(all, 1, thread + 1, threads);
  // No division an item: channels that are picked one by one (a channel shuffle) are many small items.
  let at = first % count;
  let row = <usize>word(p, Gather.x) + <usize>(first / count) * rowBytes;
  let y = <usize>word(p, Gather.y) + <usize>first * bytes;
  for (let item = first; item < last; item++) {
    const index = min(max(load<i32>(indices + ((<usize>at) << 2)), 0), length - 1);
    const x = row + <usize>index * bytes;
    if (bytes === 4) store<u32>(y, load<u32>(x));
    else copyBytes(y, x, bytes);
    y += bytes;
    if (++at === count) {
      at = 0;
      row += rowBytes;
    }
  }
}
