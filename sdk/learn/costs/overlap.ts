// Overlap of the boxes (or masks) of firings with ground truths and with each other: one place for every loss. No matching.
import { rleArea, rleIntersection, type Rle } from '../../evaluate/rle.js';
import { type Firings, type MaskRuns, truthFlag } from '../firings/firings.js';

/** What is compared with the ground truth. */
export type Geometry = 'boxes' | 'masks';

/** Overlap of box p with ground truth g: intersection over union; over the box's own area where g is a crowd. */
export type Overlap = (p: number, g: number) => number;

/** IoU of rows i and j of flat xyxy boxes; `plus` is added to every width and height (1 is the old convention of whole pixels). */
export function boxOverlap(a: Float32Array, i: number, b: Float32Array, j: number, plus = 0, crowd = false): number {
  const [ai, bj] = [4 * i, 4 * j];
  const w = Math.min(a[ai + 2]!, b[bj + 2]!) - Math.max(a[ai]!, b[bj]!) + plus;
  if (!(w > 0)) return 0;
  const h = Math.min(a[ai + 3]!, b[bj + 3]!) - Math.max(a[ai + 1]!, b[bj + 1]!) + plus;
  if (!(h > 0)) return 0;
  const own = (a[ai + 2]! - a[ai]! + plus) * (a[ai + 3]! - a[ai + 1]! + plus);
  if (crowd) return (w * h) / own;
  return (w * h) / (own + (b[bj + 2]! - b[bj]! + plus) * (b[bj + 3]! - b[bj + 1]! + plus) - w * h);
}

/** The overlap function of firings. For masks the boxes of `image` must be asked for together: decoded masks are kept for one image only. */
export function overlapOf(firings: Firings, geometry: Geometry): { readonly overlap: Overlap; startImage(image: number): void } {
  const { boxes, truthBoxes, truthFlags, masks, imageSizes } = firings;
  if (geometry === 'boxes' || !masks) {
    return {
      overlap: (p, g) => boxOverlap(boxes, p, truthBoxes, g, 0, (truthFlags[g]! & truthFlag.crowd) !== 0),
      startImage: () => undefined,
    };
  }
  let size: [width: number, height: number] = [0, 0];
  const caches = [new Map<number, { rle: Rle; area: number }>(), new Map<number, { rle: Rle; area: number }>()] as const;
  const decode = (which: 0 | 1, runs: MaskRuns, row: number): { rle: Rle; area: number } => {
    let made = caches[which].get(row);
    if (!made) {
      const rle = { width: size[0], height: size[1], counts: runs.counts.subarray(runs.starts[row], runs.starts[row + 1]) };
      made = { rle, area: rleArea(rle) };
      caches[which].set(row, made);
    }
    return made;
  };
  return {
    startImage(image) {
      caches[0].clear();
      caches[1].clear();
      size = [imageSizes[2 * image]!, imageSizes[2 * image + 1]!];
    },
    overlap(p, g) {
      const a = decode(0, masks.boxes, p);
      const b = decode(1, masks.truths, g);
      const shared = rleIntersection(a.rle, b.rle);
      if (shared === 0) return 0;
      return shared / (truthFlags[g]! & truthFlag.crowd ? a.area : a.area + b.area - shared);
    },
  };
}
