// Stage 5: from candidates to the arrays of Detections: drop empty boxes, threshold, suppress, keep the best.
import type { Candidates } from '../detections/candidates.js';
import { ArgumentError, describe, DeviceError } from '../errors.js';
import { byScore, checkNms, nms, type NmsOptions } from './nms.js';

export type { NmsOptions } from './nms.js';

export interface SelectOptions {
  /** Candidates with a smaller score (as float32) are dropped, 0 to 1. Default: 0. */
  scoreThreshold?: number;
  /** At most so many, the best. Default: all. */
  maxDetections?: number;
  /** Non-maximum suppression on the labels of the candidates. Default: none. */
  nms?: NmsOptions | false;
}

/**
 * In this order, as torchvision's detectors do it behind clipping (which the image geometry does): drop boxes without area, drop scores below the threshold, suppress, keep the
 * best. The result is new arrays, best first, equal scores in input order. The candidates stay as they are.
 * Throws ArgumentError for options outside their range, DeviceError `device-failed` where a score is NaN or a box not finite.
 */
export function selectDetections({ boxes, scores, labelIndices }: Candidates, options: SelectOptions = {}): Candidates {
  const { scoreThreshold = 0, maxDetections = Number.POSITIVE_INFINITY, nms: suppression = false } = options;
  if (!(scoreThreshold >= 0 && scoreThreshold <= 1)) {
    throw new ArgumentError({ thing: 'scoreThreshold', found: describe(scoreThreshold), wanted: 'a number from 0 to 1' });
  }
  if (!(maxDetections >= 0))
    throw new ArgumentError({ thing: 'maxDetections', found: describe(maxDetections), wanted: 'a number from 0' });
  if (suppression) checkNms(suppression);
  const n = scores.length;
  if (boxes.length !== n * 4 || labelIndices.length !== n) {
    throw new ArgumentError({
      thing: 'candidates',
      found: `boxes of ${boxes.length} numbers, ${n} scores, ${labelIndices.length} label indices`,
      wanted: 'shapes [n, 4], [n] and [n]',
    });
  }
  const left: number[] = [];
  for (let i = 0; i < n; i++) {
    const box = boxes.subarray(i * 4, i * 4 + 4);
    if (!box.every(Number.isFinite) || Number.isNaN(scores[i])) {
      throw new DeviceError('device-failed', {
        thing: `candidate ${i}`,
        found: `box [${[...box].join(', ')}] with score ${scores[i]}`,
        wanted: 'finite numbers',
        next: 'The network overflowed: try another device, and report it with the image.',
      });
    }
    const [x1, y1, x2, y2] = [box[0]!, box[1]!, box[2]!, box[3]!];
    if (x2 > x1 && y2 > y1 && scores[i]! >= scoreThreshold) left.push(i);
  }
  const part = take({ boxes, scores, labelIndices }, left);
  const order = suppression
    ? nms(part.boxes, part.scores, part.labelIndices, suppression, maxDetections)
    : byScore(part.scores).subarray(0, Math.min(maxDetections, left.length));
  return take(part, order);
}

function take({ boxes, scores, labelIndices }: Candidates, indices: ArrayLike<number>): Candidates {
  const n = indices.length;
  const part = { boxes: new Float32Array(n * 4), scores: new Float32Array(n), labelIndices: new Int32Array(n) };
  for (let j = 0; j < n; j++) {
    const i = indices[j]!;
    part.boxes.set(boxes.subarray(i * 4, i * 4 + 4), j * 4);
    part.scores[j] = scores[i]!;
    part.labelIndices[j] = labelIndices[i]!;
  }
  return part;
}
