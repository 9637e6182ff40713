// score_merge: scores of one label space combined into those of another by a sparse mapping (UniDet, Eq. 5 for the mean).
import { Combine, ScoreMerge } from '../records';
import { sigmoidv } from '../shared/math';
import { share } from '../shared/parallel';
import { word } from '../shared/simd';

/** Probabilities are computed once a row; the maximum works on the scores as they are. */
export function score_merge(p: usize, thread: i32, threads: i32): void {
  const rows = word(p, ScoreMerge.rows);
  const columns = word(p, ScoreMerge.columns);
  const labels = word(p, ScoreMerge.labels);
  const combine = word(p, ScoreMerge.combine);
  const logits = word(p, ScoreMerge.logits) != 0;
  const offsets = <usize>word(p, ScoreMerge.offsets);
  const members = <usize>word(p, ScoreMerge.members);
  const squash = logits && combine != Combine.max;
  const scratch = <usize>word(p, ScoreMerge.row) + <usize>thread * word(p, ScoreMerge.row_bytes);
  const empty: f32 = logits && combine == Combine.max ? -Infinity : 0;
  const last = share(rows, 1, thread + 1, threads);
  for (let row = share(rows, 1, thread, threads); row < last; row++) {
    let scores = <usize>word(p, ScoreMerge.scores) + ((<usize>(row * columns)) << 2);
    if (squash) {
      for (let k: usize = 0; k < <usize>columns << 2; k += 16) v128.store(scratch + k, sigmoidv(v128.load(scores + k)));
      scores = scratch;
    }
    let y = <usize>word(p, ScoreMerge.y) + ((<usize>(row * labels)) << 2);
    // A mapping that is fed may be anything: offsets and members outside are clamped.
    const memberCount = word(p, ScoreMerge.member_count);
    let member = min(max(load<i32>(offsets), 0), memberCount);
    for (let u = 0; u < labels; u++) {
      const end = min(max(load<i32>(offsets + (<usize>u << 2), 4), member), memberCount);
      const count = end - member;
      let v = empty;
      if (count > 0) {
        v = score(scores, members, member, columns);
        if (count > 1 || combine == Combine.noisy_or) {
          if (combine == Combine.max) {
            for (let i = member + 1; i < end; i++) v = max(v, score(scores, members, i, columns));
          } else if (combine == Combine.mean) {
            for (let i = member + 1; i < end; i++) v += score(scores, members, i, columns);
            v /= <f32>count;
          } else {
            let rest: f32 = 1 - v;
            for (let i = member + 1; i < end; i++) rest *= 1 - score(scores, members, i, columns);
            v = 1 - rest;
          }
        }
      }
      store<f32>(y, v);
      y += 4;
      member = end;
    }
  }
}

// @ts-ignore: decorator
@inline
function score(scores: usize, members: usize, i: i32, columns: i32): f32 {
  const column = min(<u32>load<i32>(members + (<usize>i << 2)), <u32>(columns - 1));
  return load<f32>(scores + (<usize>column << 2));
}
