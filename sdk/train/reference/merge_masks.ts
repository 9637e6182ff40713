// MERGE of mask proposals (DaTaSeg Eq. 1, 2) and its gradient; means in doubles.
import type { MaskSlopes, MergedMasks, MergeMasks, MergeMasksGradient } from '../kernels.js';

/** A logit whose sigmoid is 0 for all purposes (DaTaSeg, 3.2). */
export const absentMaskLogit = -100;

/** Eq. 1: masks[k, i] = max of masks[m, i] over the proposals m of class k; Eq. 2: classes[k] = mean of classes[m] over them. */
export function mergeMasks({ masks, classes, M, N, C, places, K }: MergeMasks, merged: MergedMasks): void {
  merged.masks.fill(absentMaskLogit);
  merged.from.fill(-1);
  merged.counts.fill(0);
  const sums = new Float64Array(K * C);
  for (let m = 0; m < M; m++) {
    let best = 0;
    for (let c = 1; c < C; c++) if (classes[m * C + c]! > classes[m * C + best]!) best = c;
    const k = places[best]!;
    merged.classOf[m] = k;
    if (k < 0) continue;
    merged.counts[k]!++;
    for (let c = 0; c < C; c++) sums[k * C + c]! += classes[m * C + c]!;
    for (let i = 0; i < N; i++) {
      const at = k * N + i;
      if (merged.from[at]! >= 0 && masks[m * N + i]! <= merged.masks[at]!) continue;
      merged.masks[at] = masks[m * N + i]!;
      merged.from[at] = m;
    }
  }
  for (let k = 0; k < K; k++) {
    const count = Math.max(1, merged.counts[k]!);
    for (let c = 0; c < C; c++) merged.classes[k * C + c] = sums[k * C + c]! / count;
  }
}

/** masks[m, i] = slope of masks[k, i] where m gave it, 0 elsewhere; classes[m] = that of classes[k] / counts[k]. Which class m is of has no slope. */
export function mergeMasksGradient(input: MergeMasksGradient, { masks, classes }: MaskSlopes): void {
  const { M, N, C, from, classOf, counts, maskGradient, classGradient } = input;
  masks.fill(0);
  classes.fill(0);
  for (let at = 0; at < from.length; at++) {
    const m = from[at]!;
    if (m >= 0) masks[m * N + (at % N)] = maskGradient[at]!;
  }
  for (let m = 0; m < M; m++) {
    const k = classOf[m]!;
    if (k < 0) continue;
    for (let c = 0; c < C; c++) classes[m * C + c] = classGradient[k * C + c]! / counts[k]!;
  }
}
