// Suppression that lowers scores instead of dropping boxes: soft NMS and matrix NMS. Hard NMS stands in sdk/postprocess/nms.ts.
import { ArgumentError, describe } from '../../errors.js';
import { byScore, iou } from '../../postprocess/nms.js';

/** What is left after a suppression that changes scores, best first. */
export interface Rescored {
  /** Positions in the input. */
  indices: Int32Array;
  /** Lowered scores in the same order. */
  scores: Float64Array;
}

/** Options of {@link softNms}. */
export interface SoftNmsOptions {
  /** `linear`: times 1 - IoU above the threshold. `gaussian`: times exp(-IoU^2 / sigma), for every overlap. Default: `gaussian`. */
  method?: 'linear' | 'gaussian';
  /** Linear only: overlaps up to this leave the score as it is, 0 to 1. Default: 0.3. */
  iouThreshold?: number;
  /** Gaussian only: the larger, the milder; above 0. Default: 0.5. */
  sigma?: number;
  /** What falls below this is dropped. Default: 0.001. */
  scoreThreshold?: number;
  /** Whether only boxes of the same label lower each other. Default: true. */
  perClass?: boolean;
  /** At most so many. Default: all. */
  limit?: number;
}

/**
 * Soft NMS (Bodla et al., ICCV 2017, equations 2 and 3): take the best box, lower the scores of those that overlap it, go on with the best that is
 * left. Equal scores are taken in input order. Time O(n * kept).
 * @param boxes [n, 4] xyxy
 * @param scores [n]
 * @param labelIndices [n]
 * @throws ArgumentError for lengths that do not fit or options outside their range.
 */
export function softNms(
  boxes: ArrayLike<number>,
  scores: ArrayLike<number>,
  labelIndices: ArrayLike<number>,
  options: SoftNmsOptions = {},
): Rescored {
  const { method = 'gaussian', iouThreshold = 0.3, sigma = 0.5, scoreThreshold = 0.001, perClass = true } = options;
  checkMethod('softNms', method, sigma);
  if (!(iouThreshold >= 0 && iouThreshold <= 1)) {
    throw new ArgumentError({ thing: 'softNms.iouThreshold', found: describe(iouThreshold), wanted: 'a number from 0 to 1' });
  }
  const n = scores.length;
  checkLengths('softNms', { 'boxes / 4': boxes.length / 4, labelIndices: labelIndices.length }, n);
  const left = Float64Array.from(scores);
  const waiting = new Set<number>();
  for (let i = 0; i < n; i++) if (left[i]! >= scoreThreshold) waiting.add(i);
  const indices: number[] = [];
  const limit = options.limit ?? n;
  while (waiting.size > 0 && indices.length < limit) {
    let best = -1;
    for (const i of waiting) if (best < 0 || left[i]! > left[best]!) best = i;
    waiting.delete(best);
    indices.push(best);
    for (const i of waiting) {
      if (perClass && labelIndices[i] !== labelIndices[best]) continue;
      const overlap = iou(boxes, best, i);
      if (method === 'linear') {
        if (overlap > iouThreshold) left[i]! *= 1 - overlap;
      } else left[i]! *= Math.exp(-(overlap * overlap) / sigma);
      if (left[i]! < scoreThreshold) waiting.delete(i);
    }
  }
  return { indices: Int32Array.from(indices), scores: Float64Array.from(indices, (i) => left[i]!) };
}

/** Options of {@link matrixNms}. */
export interface MatrixNmsOptions {
  /** Falling with the overlap: `linear` 1 - IoU, `gaussian` exp(-IoU^2 / sigma). Default: `gaussian`. */
  method?: 'linear' | 'gaussian';
  /** Gaussian only, above 0. Default: 0.5 (SOLOv2's code writes it as a factor of 2). */
  sigma?: number;
  /** What falls below this is dropped. Default: 0.05. */
  scoreThreshold?: number;
  /** Whether only regions of the same label lower each other. Default: true. */
  perClass?: boolean;
  /** At most so many. Default: all. */
  limit?: number;
}

/**
 * Matrix NMS (Wang et al., SOLOv2, NeurIPS 2020, equations 3 to 5): every score is lowered at once by its worst better neighbour, less so where
 * that neighbour is itself covered by a better one. Time O(n^2).
 * @param ious [n, n] row-major of all pairs: pairwiseMaskIou(masks, masks) or pairwiseIou(boxes, boxes)
 * @param scores [n]
 * @param labelIndices [n]
 * @throws ArgumentError for lengths that do not fit or options outside their range.
 */
export function matrixNms(
  ious: ArrayLike<number>,
  scores: ArrayLike<number>,
  labelIndices: ArrayLike<number>,
  options: MatrixNmsOptions = {},
): Rescored {
  const { method = 'gaussian', sigma = 0.5, scoreThreshold = 0.05, perClass = true } = options;
  checkMethod('matrixNms', method, sigma);
  const n = scores.length;
  checkLengths('matrixNms', { ious: ious.length }, n * n);
  checkLengths('matrixNms', { labelIndices: labelIndices.length }, n);
  const falling = (overlap: number) => (method === 'linear' ? 1 - overlap : Math.exp(-(overlap * overlap) / sigma));
  const order = byScore(scores);
  const overlapOf = (i: number, j: number) =>
    perClass && labelIndices[i] !== labelIndices[j] ? 0 : Math.max(0, ious[i * n + j]!);

  /** Largest overlap of each region with a better one. */
  const covered = new Float64Array(n);
  const lowered = new Float64Array(n);
  for (let r = 0; r < n; r++) {
    const j = order[r]!;
    let decay = 1;
    for (let q = 0; q < r; q++) {
      const i = order[q]!;
      const overlap = overlapOf(i, j);
      covered[j] = Math.max(covered[j]!, overlap);
      const own = falling(covered[i]!);
      // A neighbour that a better one covers wholly (own = 0) lowers nothing: that better one does.
      if (own > 0) decay = Math.min(decay, falling(overlap) / own);
    }
    lowered[j] = scores[j]! * decay;
  }
  const kept = [...byScore(lowered)].filter((i) => lowered[i]! >= scoreThreshold).slice(0, options.limit ?? n);
  return { indices: Int32Array.from(kept), scores: Float64Array.from(kept, (i) => lowered[i]!) };
}

function checkMethod(thing: string, method: string, sigma: number): void {
  if (method !== 'linear' && method !== 'gaussian') {
    throw new ArgumentError({ thing: `${thing}.method`, found: describe(method), wanted: '"linear" or "gaussian"' });
  }
  if (!(sigma > 0)) throw new ArgumentError({ thing: `${thing}.sigma`, found: describe(sigma), wanted: 'a number above 0' });
}

function checkLengths(thing: string, lengths: Record<string, number>, wanted: number): void {
  for (const [name, found] of Object.entries(lengths)) {
    if (found !== wanted) throw new ArgumentError({ thing: `${thing} ${name}`, found: `length ${found}`, wanted: `${wanted}` });
  }
}
