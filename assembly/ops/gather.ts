// gather: slices of one axis picked by index; indices outside are clamped to the axis.
import { Gather } from '../records';
import { share } from '../shared/parallel';
import { copyBytes, word } from '../shared/simd';

export function gather(p: usize, thread: i32, threads: i32): void {
  const length = word(p, Gather.length);
  const count = word(p, Gather.count);
  const bytes = <usize>(word(p, Gather.inner) * word(p, Gather.element));
  const all = word(p, Gather.outer) * count;
  const last = share(all, 1, thread + 1, threads);
  for (let item = share(all, 1, thread, threads); item < last; item++) {
    const index = load<i32>(<usize>word(p, Gather.index) + ((<usize>(item % count)) << 2));
    const row = (item / count) * length + min(max(index, 0), length - 1);
    copyBytes(<usize>word(p, Gather.y) + <usize>item * bytes, <usize>word(p, Gather.x) + <usize>row * bytes, bytes);
  }
}
