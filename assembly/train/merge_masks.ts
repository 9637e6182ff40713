// MERGE of mask proposals (DaTaSeg Eq. 1, 2), a class at a time, and the way back. The plain twin is sdk/train/reference/merge_masks.ts.
import { firstLargest, put } from './math';

/**
 * The class of each proposal, and the mean logits of the classes that are merged.
 * @param classes [M, C] f32, @param places [C] i32 row of the result or -1, @param members room for [M]
 * @param classOf [M] i32 out, @param counts [K] i32 out, @param means [K, C] f32 out; three floats behind every array may be read
 */
export function merge_classes(
  classes: usize, M: i32, C: i32, places: usize, K: i32, members: usize, classOf: usize, counts: usize, means: usize,
): void {
  const wide = (<usize>C) << 2;
  for (let m = 0; m < M; m++) {
    const best = firstLargest(classes + <usize>m * wide, C);
    store<i32>(classOf + ((<usize>m) << 2), load<i32>(places + ((<usize>best) << 2)));
  }
  for (let k = 0; k < K; k++) {
    let count = 0;
    for (let m = 0; m < M; m++) {
      if (load<i32>(classOf + ((<usize>m) << 2)) != k) continue;
      store<i32>(members + ((<usize>count) << 2), m);
      count++;
    }
    store<i32>(counts + ((<usize>k) << 2), count);
    const row = means + <usize>k * wide;
    if (count == 0) {
      memory.fill(row, 0, wide);
      continue;
    }
    const share = f64x2.splat(<f64>count);
    for (let c = 0; c < C; c += 4) {
      const column = classes + ((<usize>c) << 2);
      let low = f64x2.splat(0);
      let high = f64x2.splat(0);
      for (let i = 0; i < count; i++) {
        const x = v128.load(column + <usize>load<i32>(members + ((<usize>i) << 2)) * wide);
        low = f64x2.add(low, f64x2.promote_low_f32x4(x));
        high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 0)));
      }
      low = f32x4.demote_f64x2_zero(f64x2.div(low, share));
      high = f32x4.demote_f64x2_zero(f64x2.div(high, share));
      put(row + ((<usize>c) << 2), v128.shuffle<i64>(low, high, 0, 2), C - c);
    }
  }
}

/**
 * Largest of n masks, and the proposal that gave it, the earlier of equal ones. Whole fours are read and written.
 * @param masks n rows of `count` f32, `stride` bytes apart, @param members [n] i32 numbers of the proposals
 * @param largest [count] f32 out, @param from [count] i32 out
 */
export function merge_largest(masks: usize, stride: usize, members: usize, n: i32, count: i32, largest: usize, from: usize): void {
  const first = v128.load32_splat(members);
  const end = (<usize>count) << 2;
  for (let at: usize = 0; at < end; at += 16) {
    let most = v128.load(masks + at);
    let who = first;
    let next = masks + at + stride;
    for (let i = 1; i < n; i++) {
      const x = v128.load(next);
      const more = f32x4.gt(x, most);
      most = v128.bitselect(x, most, more);
      who = v128.bitselect(v128.load32_splat(members + ((<usize>i) << 2)), who, more);
      next += stride;
    }
    v128.store(largest + at, most);
    v128.store(from + at, who);
  }
}

/** The way back: each of n masks gets the slopes of the pixels that it gave. @param slopes [count] f32, @param out as `masks` of merge_largest */
export function merge_slopes(from: usize, slopes: usize, members: usize, n: i32, count: i32, out: usize, stride: usize): void {
  const end = (<usize>count) << 2;
  for (let i = 0; i < n; i++) {
    const who = v128.load32_splat(members + ((<usize>i) << 2));
    for (let at: usize = 0; at < end; at += 16)
      v128.store(out + at, v128.and(v128.load(slopes + at), i32x4.eq(v128.load(from + at), who)));
    out += stride;
  }
}
