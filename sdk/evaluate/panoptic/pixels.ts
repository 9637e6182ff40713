// Segment ids of the pixels of a COCO panoptic PNG, and how often each pair of ids meets. It knows no classes.
import { EvaluationError } from '../../errors.js';
import type { ImageFrame } from '../../tensor/image-frame.js';

/** One segment id a pixel, row-major; 0 is void (no segment). */
export interface SegmentIds {
  /** [height x width] */
  ids: ArrayLike<number>;
  /** Pixels. */
  width: number;
  /** Pixels. */
  height: number;
}

/** Reads ids from the colours of a decoded PNG: id = R + 256 G + 65536 B. Throws EvaluationError for a grey image. */
export function segmentIdsOf(frame: ImageFrame, name = 'panoptic image'): SegmentIds & { ids: Uint32Array } {
  const { data, width, height, channels } = frame;
  if (channels < 3) {
    throw new EvaluationError('invalid-predictions', {
      thing: name,
      found: `${channels} channel`,
      wanted: 'colours (R + 256 G + 65536 B is the segment id)',
      next: 'A grey PNG of class numbers or a two-channel PNG (class, instance) has to be converted first.',
    });
  }
  const ids = new Uint32Array(width * height);
  for (let i = 0, at = 0; i < ids.length; i++, at += channels) ids[i] = data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16);
  return { ids, width, height };
}

/** Pixels in each pair of segments, and in each segment. */
export interface Overlaps {
  /** Ground-truth id, predicted id and pixels they share, by rising ids: first ground truth, then prediction. */
  pairs: { truth: number; predicted: number; pixels: number }[];
  /** Pixels of each ground-truth id. */
  truthAreas: Map<number, number>;
  /** Pixels of each predicted id. */
  predictedAreas: Map<number, number>;
}

/** Ids have 24 bits, so that a pair of them is a safe integer. */
const idRange = 2 ** 24;

/** Counts pixels by pair of ids, as key = truth * 2^24 + predicted. Self-contained: workers run its text. */
export function countPairs(truth: ArrayLike<number>, predicted: ArrayLike<number>): [keys: Float64Array, pixels: Float64Array] {
  const counts = new Map<number, number>();
  const n = truth.length;
  for (let start = 0; start < n;) {
    const t = truth[start]!;
    const p = predicted[start]!;
    let end = start + 1;
    while (end < n && truth[end] === t && predicted[end] === p) end++;
    const key = t * 16777216 + p;
    counts.set(key, (counts.get(key) ?? 0) + end - start);
    start = end;
  }
  const keys = Float64Array.from(counts.keys()).sort();
  return [keys, keys.map((key) => counts.get(key)!)];
}

/** The overlaps behind counted pairs. */
export function overlapsOfPairs([keys, counts]: readonly [keys: Float64Array, pixels: Float64Array]): Overlaps {
  const truthAreas = new Map<number, number>();
  const predictedAreas = new Map<number, number>();
  const pairs = Array.from(keys, (key, i) => {
    const pair = { truth: Math.floor(key / idRange), predicted: key % idRange, pixels: counts[i]! };
    truthAreas.set(pair.truth, (truthAreas.get(pair.truth) ?? 0) + pair.pixels);
    predictedAreas.set(pair.predicted, (predictedAreas.get(pair.predicted) ?? 0) + pair.pixels);
    return pair;
  });
  return { pairs, truthAreas, predictedAreas };
}

/** Overlaps of two images with the same number of pixels. O(pixels + pairs log pairs). */
export function overlapsOf(truth: ArrayLike<number>, predicted: ArrayLike<number>): Overlaps {
  return overlapsOfPairs(countPairs(truth, predicted));
}
