// Intersection over union of boxes and of run-length coded masks, pair by pair, with COCO's rule for crowd regions. Plain code in doubles.
import { rleArea, rleIntersection, rleToBox, type Rle } from './rle.js';

/**
 * Box IoU of maskApi.c (bbIou). Boxes are x, y, w, h; sizes of 0 or below give 0; nothing is added to sizes. In a column of a crowd region the
 * union is the detection's own area.
 * @param detections [D, 4]
 * @param truths [G, 4]
 * @param crowd [G], set where the region is a crowd
 * @param out [D, G] row-major; made where not given
 */
export function boxIous(
  detections: ArrayLike<number>,
  truths: ArrayLike<number>,
  crowd?: ArrayLike<number | boolean>,
  out: Float64Array = new Float64Array((detections.length >> 2) * (truths.length >> 2)),
): Float64Array {
  const D = detections.length >> 2;
  const G = truths.length >> 2;
  for (let d = 0; d < D; d++) {
    const [x, y, w, h] = [detections[4 * d]!, detections[4 * d + 1]!, detections[4 * d + 2]!, detections[4 * d + 3]!];
    for (let g = 0; g < G; g++) {
      out[d * G + g] = boxIou(
        x,
        y,
        w,
        h,
        truths[4 * g]!,
        truths[4 * g + 1]!,
        truths[4 * g + 2]!,
        truths[4 * g + 3]!,
        !!crowd?.[g],
      );
    }
  }
  return out;
}

/** IoU of two boxes x, y, w, h; with `crowd` (second box is a crowd region) intersection over the first box's area. */
export function boxIou(
  x1: number,
  y1: number,
  w1: number,
  h1: number,
  x2: number,
  y2: number,
  w2: number,
  h2: number,
  crowd = false,
): number {
  const w = Math.min(w1 + x1, w2 + x2) - Math.max(x1, x2);
  if (!(w > 0)) return 0;
  const h = Math.min(h1 + y1, h2 + y2) - Math.max(y1, y2);
  if (!(h > 0)) return 0;
  const intersection = w * h;
  const area = w1 * h1;
  // The order of these two operations is part of the result: (a + b) - i.
  return intersection / (crowd ? area : area + w2 * h2 - intersection);
}

/**
 * Mask IoU of maskApi.c (rleIou): 0 where the tight boxes do not overlap, -1 where the sizes differ although they do, else exact pixels.
 * @param out [D, G] row-major; made where not given
 */
export function maskIous(
  detections: readonly Rle[],
  truths: readonly Rle[],
  crowd?: ArrayLike<number | boolean>,
  out: Float64Array = new Float64Array(detections.length * truths.length),
): Float64Array {
  const G = truths.length;
  const truthBoxes = truths.map(rleToBox);
  const truthAreas = truths.map(rleArea);
  detections.forEach((detection, d) => {
    const box = rleToBox(detection);
    const area = rleArea(detection);
    truths.forEach((truth, g) => {
      const isCrowd = !!crowd?.[g];
      const other = truthBoxes[g]!;
      let iou = boxIou(...box, ...other, isCrowd);
      if (iou > 0) {
        if (detection.height !== truth.height || detection.width !== truth.width) iou = -1;
        else {
          const shared = rleIntersection(detection, truth);
          iou = shared === 0 ? 0 : shared / (isCrowd ? area : area + truthAreas[g]! - shared);
        }
      }
      out[d * G + g] = iou;
    });
  });
  return out;
}
