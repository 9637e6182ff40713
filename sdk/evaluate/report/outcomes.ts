// Hits and misses of every detection by COCO's matching, and what follows from them: AP with weights on images, F1, calibration, bad images.
import { ArgumentError, describe } from '../../errors.js';
import type { Category } from '../input/reader.js';
import { matchGreedy } from '../match/greedy.js';
import { cocoIouThresholds, cocoRecallPoints } from '../stats.js';
import { sampleOverlaps, type SampleImage, type Samples } from './samples.js';

/** n ranked detections of one class. */
export interface ClassOutcomes {
  /** [n] falling; equal ones by rising image id, inside an image in file order. */
  readonly scores: Float64Array;
  /** [n] position of the image. */
  readonly images: Uint32Array;
  /** [n] bit t is set where it is a true positive at threshold t. */
  readonly hits: Uint16Array;
  /** [n] bit t is set where it is a false positive at threshold t; neither bit where it is ignored. */
  readonly misses: Uint16Array;
  /** [I] objects of the class that count in each image. */
  readonly positives: Uint32Array;
}

/** Outcomes of a whole set: K classes, I images, COCO's ten thresholds, all sizes, at most 100 detections of a class in an image. */
export interface Outcomes {
  /** K classes by rising id. */
  readonly categories: readonly Category[];
  /** [I] ids, rising. */
  readonly imageIds: Float64Array;
  /** [K] */
  readonly classes: readonly ClassOutcomes[];
}

const T = cocoIouThresholds.length;
const mostDetections = 100;

/** Gathers outcomes image by image. */
export class OutcomeCollector {
  readonly #rows: { scores: number[]; images: number[]; hits: number[]; misses: number[]; positives: Uint32Array }[];
  readonly #samples: Samples;

  /** For the classes and images of `samples`. */
  constructor(samples: Samples) {
    this.#samples = samples;
    this.#rows = samples.categories.map(() => ({
      scores: [],
      images: [],
      hits: [],
      misses: [],
      positives: new Uint32Array(samples.images.length),
    }));
  }

  /** Takes the image at position `at`, in any order. @param ious [D, G] */
  take(image: SampleImage, at: number, ious: Float64Array): void {
    const G = image.truthClasses.length;
    const truthsOf = groupBy(image.truthClasses);
    const found = groupBy(image.classes);
    for (const [k, list] of truthsOf) for (const g of list) if (!image.crowd[g]) this.#rows[k]!.positives[at]!++;
    for (const [k, all] of found) {
      const list = all.slice(0, mostDetections);
      const truths = truthsOf.get(k) ?? [];
      const own = new Float64Array(list.length * truths.length);
      list.forEach((d, i) => truths.forEach((g, j) => (own[i * truths.length + j] = ious[d * G + g]!)));
      const crowd = truths.map((g) => image.crowd[g]!);
      const { truthOf, ignored } = matchGreedy(own, {
        detections: list.length,
        truths: truths.length,
        iouThresholds: cocoIouThresholds as unknown as number[],
        ignore: crowd,
        crowd,
      });
      const rows = this.#rows[k]!;
      list.forEach((d, i) => {
        let [hit, miss] = [0, 0];
        for (let t = 0; t < T; t++) {
          if (truthOf[t * list.length + i]! < 0) miss |= 1 << t;
          else if (!ignored[t * list.length + i]) hit |= 1 << t;
        }
        rows.scores.push(image.scores[d]!);
        rows.images.push(at);
        rows.hits.push(hit);
        rows.misses.push(miss);
      });
    }
  }

  /** Ranks what was gathered. */
  finish(): Outcomes {
    return {
      categories: this.#samples.categories,
      imageIds: Float64Array.from(this.#samples.images, ({ id }) => id),
      classes: this.#rows.map(({ scores, images, hits, misses, positives }) => {
        const order = scores.map((_, i) => i).sort((a, b) => scores[b]! - scores[a]! || images[a]! - images[b]! || a - b);
        return {
          scores: Float64Array.from(order, (i) => scores[i]!),
          images: Uint32Array.from(order, (i) => images[i]!),
          hits: Uint16Array.from(order, (i) => hits[i]!),
          misses: Uint16Array.from(order, (i) => misses[i]!),
          positives,
        };
      }),
    };
  }
}

function groupBy(classes: Int32Array): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  classes.forEach((k, i) => {
    const group = groups.get(k);
    if (group) group.push(i);
    else groups.set(k, [i]);
  });
  return groups;
}

/** Matches all images of `samples` as COCO does. */
export function outcomesOf(samples: Samples): Outcomes {
  const collector = new OutcomeCollector(samples);
  samples.images.forEach((image, at) => collector.take(image, at, sampleOverlaps(image, samples.iouType)));
  return collector.finish();
}

/** AP over ten thresholds, at 0.5 and by class; -1 where no object counts. */
export interface WeightedAp {
  /** Mean over classes and thresholds. */
  readonly AP: number;
  /** At IoU 0.5. */
  readonly AP50: number;
  /** [K] */
  readonly byClass: Float64Array;
}

/**
 * COCO's AP (all sizes, 100 detections) with a weight on every image: 1 everywhere gives the official number, 0 and 1 a slice, and how often a
 * resample drew an image gives that resample's AP. O(thresholds x detections).
 * @param weights [I] whole numbers, 0 or more. Default: 1 each
 */
export function weightedAp(outcomes: Outcomes, weights?: ArrayLike<number>): WeightedAp {
  const byClass = new Float64Array(outcomes.classes.length).fill(-1);
  let [sum, sum50, counted] = [0, 0, 0];
  outcomes.classes.forEach(({ images, hits, misses, positives }, k) => {
    let objects = 0;
    for (let i = 0; i < positives.length; i++) objects += positives[i]! * (weights ? weights[i]! : 1);
    if (objects === 0) return;
    const n = images.length;
    const precision = new Float64Array(n);
    const recall = new Float64Array(n);
    let total = 0;
    for (let t = 0; t < T; t++) {
      let [tp, fp, count] = [0, 0, 0];
      for (let i = 0; i < n; i++) {
        const weight = weights ? weights[images[i]!]! : 1;
        if (weight === 0) continue;
        if ((misses[i]! >> t) & 1) fp += weight;
        else if ((hits[i]! >> t) & 1) {
          tp += weight;
          precision[count] = tp / (fp + tp + Number.EPSILON);
          recall[count++] = tp / objects;
        }
      }
      for (let i = count - 2; i >= 0; i--) if (precision[i]! < precision[i + 1]!) precision[i] = precision[i + 1]!;
      let [area, i] = [0, 0];
      for (let r = 0; r < cocoRecallPoints.length; r++) {
        while (i < count && recall[i]! < cocoRecallPoints[r]!) i++;
        if (i === count) break;
        area += precision[i]!;
      }
      area /= cocoRecallPoints.length;
      total += area;
      if (t === 0) sum50 += area;
    }
    byClass[k] = total / T;
    sum += total / T;
    counted++;
  });
  return { AP: counted ? sum / counted : -1, AP50: counted ? sum50 / counted : -1, byClass };
}

/** The score from which on to keep detections, and what that gives at IoU 0.5. */
export interface ThresholdAdvice {
  /** Keep detections with this score and better. NaN where there is no true positive. */
  readonly threshold: number;
  /** 2 P R / (P + R) there: the largest there is. */
  readonly f1: number;
  /** Precision there. */
  readonly precision: number;
  /** Recall there. */
  readonly recall: number;
}

/** F1 over thresholds, of one class or of all detections in one list (micro). */
export interface F1Curve extends ThresholdAdvice {
  /** [n] at most 200 thresholds, falling. */
  readonly thresholds: readonly number[];
  /** [n] */
  readonly f1s: readonly number[];
  /** [n] precision at each threshold. */
  readonly precisions: readonly number[];
  /** [n] recall at each threshold. */
  readonly recalls: readonly number[];
}

/** F1 at IoU 0.5 for every score as the threshold; equal scores are kept or dropped together. @param classes default: all in one list */
export function f1Curve(outcomes: Outcomes, classes?: readonly number[]): F1Curve {
  const rows: { score: number; hit: number; miss: number }[] = [];
  let objects = 0;
  for (const k of classes ?? outcomes.classes.keys()) {
    const { scores, hits, misses, positives } = outcomes.classes[k]!;
    objects += positives.reduce((sum, n) => sum + n, 0);
    scores.forEach((score, i) => rows.push({ score, hit: hits[i]! & 1, miss: misses[i]! & 1 }));
  }
  rows.sort((a, b) => b.score - a.score);
  const points: ThresholdAdvice[] = [];
  let best: ThresholdAdvice = { threshold: Number.NaN, f1: 0, precision: 0, recall: 0 };
  let [tp, fp] = [0, 0];
  rows.forEach(({ score, hit, miss }, i) => {
    tp += hit;
    fp += miss;
    if (rows[i + 1]?.score === score || tp + fp === 0) return;
    const point = { threshold: score, f1: objects + tp + fp === 0 ? 0 : (2 * tp) / (objects + tp + fp), precision: tp / (tp + fp), recall: objects ? tp / objects : 0 }; // prettier-ignore
    points.push(point);
    if (point.f1 > best.f1) best = point;
  });
  const count = Math.min(points.length, 200);
  const kept = Array.from({ length: count }, (_, i) => points[count === 1 ? 0 : Math.round((i * (points.length - 1)) / (count - 1))]!); // prettier-ignore
  return {
    ...best,
    thresholds: kept.map(({ threshold }) => threshold),
    f1s: kept.map(({ f1 }) => f1),
    precisions: kept.map(({ precision }) => precision),
    recalls: kept.map(({ recall }) => recall),
  };
}

/** How well scores tell the share of hits at IoU 0.5. */
export interface Calibration {
  /** Expected calibration error: mean distance of score and share of hits, weighted by detections (Guo et al. 2017, Eq. 3). */
  readonly ece: number;
  /** Largest distance of a bin that is not empty (Eq. 5 there). */
  readonly mce: number;
  /** Mean squared distance of score and outcome. */
  readonly brier: number;
  /** Bins of equal width from 0 to 1. */
  readonly bins: readonly {
    readonly from: number;
    readonly to: number;
    readonly count: number;
    readonly score: number;
    readonly hits: number;
  }[];
}

/** Calibration of all classes together; detections that are ignored are left out, scores outside 0 to 1 too. NaN without detections. */
export function calibrationOf(outcomes: Outcomes, bins = 10): Calibration {
  if (!Number.isInteger(bins) || bins < 1)
    throw new ArgumentError({ thing: 'bins', found: describe(bins), wanted: 'a whole number from 1' });
  const table = Array.from({ length: bins }, () => ({ count: 0, score: 0, hits: 0 }));
  let [count, brier] = [0, 0];
  for (const { scores, hits, misses } of outcomes.classes) {
    scores.forEach((score, i) => {
      const hit = hits[i]! & 1;
      if (!(score >= 0 && score <= 1) || (!hit && !(misses[i]! & 1))) return;
      const bin = table[Math.min(bins - 1, Math.floor(score * bins))]!;
      bin.count++;
      bin.score += score;
      bin.hits += hit;
      brier += (score - hit) ** 2;
      count++;
    });
  }
  let [ece, mce] = [0, 0];
  for (const bin of table) {
    const gap = bin.count ? Math.abs(bin.hits - bin.score) / bin.count : 0;
    ece += (gap * bin.count) / count;
    mce = Math.max(mce, gap);
  }
  return {
    ece,
    mce: count ? mce : Number.NaN,
    brier: brier / count,
    bins: table.map(({ count: n, score, hits }, i) => ({
      from: i / bins,
      to: (i + 1) / bins,
      count: n,
      score: n ? score / n : Number.NaN,
      hits: n ? hits / n : Number.NaN,
    })),
  };
}

/** An image and its mistakes at a score threshold, IoU 0.5. */
export interface ImageMistakes {
  /** Id in the file. */
  readonly imageId: number;
  /** Objects found. */
  readonly tp: number;
  /** Detections of nothing. */
  readonly fp: number;
  /** Objects missed. */
  readonly fn: number;
  /** 2 TP / (2 TP + FP + FN). */
  readonly f1: number;
}

/** Images with mistakes, the most mistakes first, of as many the lower F1, then the lower id. @param most default: 20 */
export function worstImages(outcomes: Outcomes, threshold: number, most = 20): ImageMistakes[] {
  const I = outcomes.imageIds.length;
  const [tp, fp, objects] = [new Uint32Array(I), new Uint32Array(I), new Uint32Array(I)];
  for (const { scores, images, hits, misses, positives } of outcomes.classes) {
    positives.forEach((n, i) => (objects[i]! += n));
    scores.forEach((score, i) => {
      if (!(score >= threshold)) return;
      tp[images[i]!]! += hits[i]! & 1;
      fp[images[i]!]! += misses[i]! & 1;
    });
  }
  return Array.from(outcomes.imageIds, (imageId, i) => {
    const fn = objects[i]! - tp[i]!;
    return { imageId, tp: tp[i]!, fp: fp[i]!, fn, f1: (2 * tp[i]!) / (2 * tp[i]! + fp[i]! + fn) };
  })
    .filter((entry) => entry.fp + entry.fn > 0)
    .sort((a, b) => b.fp + b.fn - (a.fp + a.fn) || a.f1 - b.f1 || a.imageId - b.imageId)
    .slice(0, most);
}
