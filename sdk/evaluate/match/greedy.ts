// COCO's greedy matching of detections to ground truth at several IoU thresholds. It takes overlaps, so boxes and masks are the same to it.
import { ArgumentError } from '../../errors.js';

/** Options of {@link matchGreedy}. */
export interface GreedyMatchOptions {
  /** Number of detections, D. */
  detections: number;
  /** Number of ground-truth regions, G. */
  truths: number;
  /** Smallest IoU of a match (inclusive), T of them. */
  iouThresholds: readonly number[];
  /** [D]; the best detection chooses first, equal ones in their order. Default: the rows of `ious` are already in that order. */
  scores?: ArrayLike<number>;
  /** [G], set where a match must not count: crowd regions, areas outside the range. Such regions are chosen only after all others. */
  ignore?: ArrayLike<number | boolean>;
  /** [G], set where any number of detections may match the region. */
  crowd?: ArrayLike<number | boolean>;
}

/** What {@link matchGreedy} gives. */
export interface GreedyMatches {
  /** [T, D]: the region that each detection took, or -1. */
  truthOf: Int32Array;
  /** [T, G]: the detection that took each region, or -1; of a crowd the last one. */
  detectionOf: Int32Array;
  /** [T, D]: 1 where the region taken is an ignored one, so that the detection counts neither as true nor as false. */
  ignored: Uint8Array;
}

/** COCO's cap on thresholds, so that a perfect overlap of 1 always matches. */
const highestThreshold = 1 - 1e-10;

/**
 * The rule of cocoeval.py (evaluateImg): detections choose in order of their score; each takes the free region with the largest IoU at or above
 * the threshold, of equal ones the later; regions that count come before ignored ones, and once one that counts is held, ignored ones are not
 * looked at. Unlike the original, a region is known by its place and not by its id, so an id of 0 is like any other. NaN matches nothing.
 * @param ious [D, G] row-major, see pairwiseIou
 * @throws ArgumentError where lengths do not fit.
 */
export function matchGreedy(ious: ArrayLike<number>, options: GreedyMatchOptions): GreedyMatches {
  const { detections: D, truths: G, iouThresholds, scores, ignore, crowd } = options;
  checkLength('ious', ious.length, D * G);
  if (scores) checkLength('scores', scores.length, D);
  if (ignore) checkLength('ignore', ignore.length, G);
  if (crowd) checkLength('crowd', crowd.length, G);
  const T = iouThresholds.length;
  const truthOf = new Int32Array(T * D).fill(-1);
  const detectionOf = new Int32Array(T * G).fill(-1);
  const ignored = new Uint8Array(T * D);
  const order = Array.from({ length: D }, (_, d) => d);
  // NaN scores come last.
  if (scores)
    order.sort((a, b) => (scores[b]! > scores[a]! ? 1 : scores[b]! < scores[a]! ? -1 : nanLast(scores[a]!, scores[b]!)));
  const regions = Array.from({ length: G }, (_, g) => g).sort((a, b) => Number(!!ignore?.[a]) - Number(!!ignore?.[b]));

  for (let t = 0; t < T; t++) {
    const threshold = Math.min(iouThresholds[t]!, highestThreshold);
    for (const d of order) {
      let best = threshold;
      let taken = -1;
      for (const g of regions) {
        if (detectionOf[t * G + g]! >= 0 && !crowd?.[g]) continue;
        if (taken >= 0 && !ignore?.[taken] && ignore?.[g]) break;
        const iou = ious[d * G + g]!;
        if (!(iou >= best)) continue;
        best = iou;
        taken = g;
      }
      if (taken < 0) continue;
      truthOf[t * D + d] = taken;
      detectionOf[t * G + taken] = d;
      if (ignore?.[taken]) ignored[t * D + d] = 1;
    }
  }
  return { truthOf, detectionOf, ignored };
}

function nanLast(a: number, b: number): number {
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
}

function checkLength(thing: string, found: number, wanted: number): void {
  if (found !== wanted)
    throw new ArgumentError({ thing: `matchGreedy ${thing}`, found: `${found} numbers`, wanted: `${wanted}` });
}
