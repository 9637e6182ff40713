// Greedy non-maximum suppression over parallel arrays, and the intersection over union it compares. No thresholds on scores here.
import { ArgumentError, describe } from '../errors.js';

/** Options of {@link nms}. */
export interface NmsOptions {
  /** Boxes that overlap a better one by more than this are dropped, 0 to 1. */
  iouThreshold: number;
  /** Whether only boxes of the same label drop each other. Default: true. */
  perClass?: boolean;
}

/**
 * Intersection over union of boxes i and j of a flat xyxy array [n, 4], 0 where both are empty. Areas are width times height without the old
 * `+ 1`, negative extents count as 0 (as torchvision's box_iou does for proper boxes).
 */
export function iou(boxes: ArrayLike<number>, i: number, j: number): number {
  const intersection =
    Math.max(0, Math.min(boxes[i * 4 + 2]!, boxes[j * 4 + 2]!) - Math.max(boxes[i * 4]!, boxes[j * 4]!)) *
    Math.max(0, Math.min(boxes[i * 4 + 3]!, boxes[j * 4 + 3]!) - Math.max(boxes[i * 4 + 1]!, boxes[j * 4 + 1]!));
  const union = area(boxes, i) + area(boxes, j) - intersection;
  return intersection > 0 ? intersection / union : 0;
}

function area(boxes: ArrayLike<number>, i: number): number {
  return Math.max(0, boxes[i * 4 + 2]! - boxes[i * 4]!) * Math.max(0, boxes[i * 4 + 3]! - boxes[i * 4 + 1]!);
}

/**
 * Keeps the best box, drops all that overlap it by more than the threshold (strictly), and goes on with the best that is left. Boxes with equal
 * scores are taken in input order. boxes [n, 4], scores [n], labelIndices [n]; gives the positions of those kept, best first, at most `limit`.
 * Throws ArgumentError where the threshold is not in 0..1. Time O(n * kept).
 */
export function nms(
  boxes: ArrayLike<number>,
  scores: ArrayLike<number>,
  labelIndices: ArrayLike<number>,
  options: NmsOptions,
  limit: number = Number.POSITIVE_INFINITY,
): number[] {
  const { iouThreshold, perClass = true } = checkNms(options);
  const kept: number[] = [];
  for (const i of byScore(scores)) {
    if (kept.length >= limit) break;
    const dropped = kept.some((j) => (!perClass || labelIndices[i] === labelIndices[j]) && iou(boxes, i, j) > iouThreshold);
    if (!dropped) kept.push(i);
  }
  return kept;
}

/** Checks the options of {@link nms}. Throws ArgumentError. */
export function checkNms(options: NmsOptions): NmsOptions {
  if (typeof options !== 'object' || options === null) {
    throw new ArgumentError({ thing: 'nms', found: describe(options), wanted: '{ iouThreshold, perClass } or false' });
  }
  const { iouThreshold, perClass } = options;
  if (typeof iouThreshold !== 'number' || !(iouThreshold >= 0 && iouThreshold <= 1)) {
    throw new ArgumentError({ thing: 'nms.iouThreshold', found: describe(iouThreshold), wanted: 'a number from 0 to 1' });
  }
  if (perClass !== undefined && typeof perClass !== 'boolean') {
    throw new ArgumentError({ thing: 'nms.perClass', found: describe(perClass), wanted: 'true or false' });
  }
  return options;
}

/** Positions by falling score; equal scores in input order. */
export function byScore(scores: ArrayLike<number>): Int32Array {
  return Int32Array.from({ length: scores.length }, (_, i) => i).sort((a, b) => scores[b]! - scores[a]! || a - b);
}
