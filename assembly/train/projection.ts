// Projection loss of masks against boxes (DaTaSeg Eq. 3). The plain twin is sdk/train/reference/dice.ts.
import { diceOf } from './dice';
import { firstLargest } from './math';

/**
 * @param logits [M, H, W] f32, @param targetsX [M, W] f32, @param targetsY [M, H] f32, @param weights [M] f32 or 0
 * @param space room for 2 (W + H) numbers and 8 more; out: rows [M], gradient [M, H, W] f32
 */
export function projection(
  logits: usize, M: i32, H: i32, W: i32, targetsX: usize, targetsY: usize, weights: usize, smooth: f32, squared: bool, scale: f32,
  space: usize, rows: usize, gradient: usize,
): void {
  const wide = (<usize>W) << 2;
  const high = (<usize>H) << 2;
  const size = wide * <usize>H;
  /** Bytes of a row in fours. */
  const fours = (wide + 15) & ~15;
  /** Largest logit of each column, then its slope; the row that it stands in; the same of each row, with columns. */
  const top = space;
  const topRow = top + fours;
  const side = topRow + fours;
  const sideColumn = side + high;
  for (let m = 0; m < M; m++) {
    const x = logits + <usize>m * size;
    const g = gradient + <usize>m * size;
    const weight: f64 = weights ? <f64>load<f32>(weights + ((<usize>m) << 2)) : 1;
    memory.fill(g, 0, size);
    if (weight == 0) {
      store<f32>(rows + ((<usize>m) << 2), 0);
      continue;
    }
    // Four columns at a time; lanes beyond the last hold what stands behind the row, and nobody reads them.
    for (let c: usize = 0; c < wide; c += 16) {
      let most = v128.load(x + c);
      let row = i32x4.splat(0);
      let at = x + c + wide;
      for (let y = 1; y < H; y++) {
        const v = v128.load(at);
        const more = f32x4.gt(v, most);
        most = v128.bitselect(v, most, more);
        row = v128.bitselect(i32x4.splat(y), row, more);
        at += wide;
      }
      v128.store(top + c, most);
      v128.store(topRow + c, row);
    }
    for (let y: usize = 0, row = x; y < high; y += 4, row += wide) {
      const column = firstLargest(row, W);
      store<i32>(sideColumn + y, column);
      store<f32>(side + y, load<f32>(row + ((<usize>column) << 2)));
    }
    const factor = <f64>scale * weight;
    const value =
      diceOf(top, targetsX + <usize>m * wide, W, smooth, squared, factor, top) +
      diceOf(side, targetsY + <usize>m * high, H, smooth, squared, factor, side);
    store<f32>(rows + ((<usize>m) << 2), <f32>(weight * value));
    for (let c: usize = 0; c < wide; c += 4) {
      const at = g + <usize>load<i32>(topRow + c) * wide + c;
      store<f32>(at, load<f32>(at) + load<f32>(top + c));
    }
    for (let y: usize = 0, row = g; y < high; y += 4, row += wide) {
      const at = row + ((<usize>load<i32>(sideColumn + y)) << 2);
      store<f32>(at, load<f32>(at) + load<f32>(side + y));
    }
  }
}
