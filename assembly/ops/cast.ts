// cast: numbers in another type; to integers truncated towards zero and saturated, NaN gives 0; to bool 1 where not 0.
import { Cast, CastType } from '../records';
import { share } from '../shared/parallel';
import { word } from '../shared/simd';

export function cast(p: usize, thread: i32, threads: i32): void {
  const count = word(p, Cast.count);
  const from = word(p, Cast.from);
  const to = word(p, Cast.to);
  const x = <usize>word(p, Cast.x);
  const y = <usize>word(p, Cast.y);
  const last = share(count, 64, thread + 1, threads);
  for (let i = share(count, 64, thread, threads); i < last; i++) {
    const wide = (<usize>i) << 2;
    const v: f64 =
      from == CastType.float32
        ? <f64>load<f32>(x + wide)
        : from == CastType.int32
          ? <f64>load<i32>(x + wide)
          : <f64>load<u8>(x + i);
    if (to == CastType.float32) store<f32>(y + wide, <f32>v);
    else if (to == CastType.int32) store<i32>(y + wide, <i32>v);
    else if (to == CastType.bool) store<u8>(y + i, <u8>(v != 0));
    else store<u8>(y + i, <u8>min(max(<i32>v, 0), 255));
  }
}
