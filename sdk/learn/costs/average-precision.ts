// Average precision of one ranked list of hits and misses at 101 recall points, as COCO and UniDet's code have it. No matching, no files.
import { cocoRecallPoints } from '../../evaluate/stats.js';

/** What became of a detection. */
export const outcome = { miss: 0, hit: 1, ignored: 2 } as const;

/** np.spacing(1), which COCO's tools add to the number of detections. */
export const cocoEpsilon: number = 2 ** -52;

/**
 * Collects (recall, precision) at each hit of a ranked list and integrates it: every precision is raised to the best at a higher recall, read at
 * recall 0, 0.01, ..., 1, and averaged. Precision can only be best at a hit, so nothing else is kept.
 */
export class ApCurve {
  #precisions = new Float64Array(256);
  #recalls = new Float64Array(256);
  #count = 0;

  clear(): void {
    this.#count = 0;
  }

  /** A hit, with recall and precision after it. Recalls rise. */
  add(recall: number, precision: number): void {
    if (this.#count === this.#precisions.length) {
      const [p, r] = [this.#precisions, this.#recalls];
      this.#precisions = new Float64Array(2 * p.length);
      this.#recalls = new Float64Array(2 * r.length);
      this.#precisions.set(p);
      this.#recalls.set(r);
    }
    this.#recalls[this.#count] = recall;
    this.#precisions[this.#count++] = precision;
  }

  /** 0 for an empty curve. */
  integrate(): number {
    const points = cocoRecallPoints;
    let sum = 0;
    let best = 0;
    let k = this.#count - 1;
    // From the right: the best precision at this recall or a higher one.
    for (let i = points.length - 1; i >= 0; i--) {
      for (; k >= 0 && this.#recalls[k]! >= points[i]!; k--) best = Math.max(best, this.#precisions[k]!);
      sum += best;
    }
    return sum / points.length;
  }
}

/**
 * AP of n ranked outcomes. `positives` is the number of ground truths; NaN where there is none.
 * @param weights weights of images, for resampling; every detection counts once where not given
 * @param places [n] position of the image of each detection in `weights`
 */
export function rankedAp(
  outcomes: ArrayLike<number>,
  positives: number,
  epsilon: number,
  curve: ApCurve = new ApCurve(),
  weights?: Float64Array,
  places?: Uint32Array,
): number {
  if (!(positives > 0)) return Number.NaN;
  curve.clear();
  let hits = 0;
  let misses = 0;
  for (let i = 0; i < outcomes.length; i++) {
    const weight = weights ? weights[places![i]!]! : 1;
    if (weight === 0) continue;
    if (outcomes[i] === outcome.hit) {
      hits += weight;
      curve.add(hits / positives, hits / (hits + misses + epsilon));
    } else if (outcomes[i] === outcome.miss) misses += weight;
  }
  return curve.integrate();
}

/**
 * Places of n scores by falling score, equal ones in their order. Scores are 0..1 and rounded to float32, which they are in {@link Firings}.
 */
export function rankScores(scores: Float32Array): Uint32Array {
  const bits = new Uint32Array(scores.buffer, scores.byteOffset, scores.length);
  const n = scores.length;
  const order = new Uint32Array(n);
  if (n < 2) return order;
  if (n <= 24) {
    // Insertion: most lists are short.
    for (let i = 0; i < n; i++) {
      let at = i;
      while (at > 0 && scores[order[at - 1]!]! < scores[i]!) order[at] = order[--at]!;
      order[at] = i;
    }
    return order;
  }
  // Bits of non-negative floats rise with them; 2^30 is above those of 1. The place breaks ties, so one numeric sort does all.
  const keys = new Float64Array(n);
  for (let i = 0; i < n; i++) keys[i] = (0x40000000 - bits[i]!) * 0x400000 + i;
  if (n > 0x400000) {
    const all = Uint32Array.from({ length: n }, (_, i) => i);
    return all.sort((a, b) => scores[b]! - scores[a]! || a - b);
  }
  keys.sort();
  for (let i = 0; i < n; i++) order[i] = keys[i]! % 0x400000;
  return order;
}
