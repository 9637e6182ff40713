// TIDE (Bolya et al., ECCV 2020): six kinds of error, and how much AP each costs. By the rules of github.com/dbolya/tide, quirks included.
import { sampleOverlaps, type SampleImage, type Samples } from './samples.js';

/** The kinds of error: class, location, both, duplicate, background, missed object. */
export type TideError = 'Cls' | 'Loc' | 'Both' | 'Dupe' | 'Bkg' | 'Miss';

/** TIDE's numbers, in percent as the tool prints them. */
export interface TideResult {
  /** AP at IoU 0.5 by TIDE's rules: crowds removed, 100 detections an image, classes that are only predicted count as 0. Not COCO's AP50. */
  readonly ap50: number;
  /** AP that would be gained if this kind of error alone were mended. */
  readonly errors: Readonly<Record<TideError, number>>;
  /** How many errors of each kind. */
  readonly counts: Readonly<Record<TideError, number>>;
  /** AP gained without any false positive. */
  readonly falsePositives: number;
  /** AP gained without any missed object. */
  readonly falseNegatives: number;
}

const kinds: readonly TideError[] = ['Cls', 'Loc', 'Both', 'Dupe', 'Bkg', 'Miss'];
const [foreground, background] = [0.5, 0.1];
const mostDetections = 100;
/** 101 recall levels as Python's i / 100. */
const levels = Float64Array.from({ length: 101 }, (_, i) => i / 100);

/** A detection in the ranking of a class. */
interface Point {
  readonly score: number;
  readonly hit: boolean;
}

interface Truth {
  readonly k: number;
  used: boolean;
  usable: boolean;
  /** The best error that could be mended to find this object. */
  best: Mistake | undefined;
}

interface Mistake {
  readonly kind: TideError;
  /** Class and score of the detection; class of the object for Miss. */
  readonly k: number;
  readonly score: number;
  /** The object that the detection would find if it were mended, unless that is found already. */
  readonly truth: Truth | undefined;
}

/** Gathers images one by one. */
export class TideCollector {
  readonly #hits: Point[][];
  /** Hits and misses in the order in which they were met: where scores are equal, it decides. */
  readonly #ranked: Point[][];
  readonly #mistakes: Mistake[] = [];
  readonly #positives: Float64Array;
  readonly #missed: Float64Array;

  /** For K classes. */
  constructor(K: number) {
    this.#hits = Array.from({ length: K }, () => []);
    this.#ranked = Array.from({ length: K }, () => []);
    this.#positives = new Float64Array(K);
    this.#missed = new Float64Array(K);
  }

  /** Takes an image. @param ious [D, G] of all classes, as {@link sampleOverlaps} gives */
  take(image: SampleImage, ious: Float64Array): void {
    const stride = image.truthClasses.length;
    const [regular, crowds]: [number[], number[]] = [[], []];
    image.crowd.forEach((crowd, g) => (crowd ? crowds : regular).push(g));
    const truths = regular.map((g): Truth => ({ k: image.truthClasses[g]!, used: false, usable: false, best: undefined }));
    for (const { k } of truths) this.#positives[k]!++;
    const D = Math.min(image.scores.length, mostDetections);
    const G = truths.length;
    const iou = (d: number, j: number) => ious[d * stride + regular[j]!]!;
    /** true: matched; undefined: ignored. */
    const used: (boolean | undefined)[] = [];
    for (let d = 0; d < D; d++) {
      let [best, at] = [-1, -1];
      for (let j = 0; j < G; j++) {
        const value = truths[j]!.k === image.classes[d] && !truths[j]!.used ? iou(d, j) : 0;
        if (value > best) [best, at] = [value, j];
      }
      const hit = at >= 0 && best >= foreground;
      if (hit) truths[at]!.used = true;
      used.push(hit);
    }
    for (let d = 0; d < D; d++) {
      if (!used[d] && crowds.some((g) => image.truthClasses[g] === image.classes[d] && ious[d * stride + g]! > foreground))
        used[d] = undefined;
    }
    for (let d = 0; d < D; d++) {
      const [k, score] = [image.classes[d]!, image.scores[d]!];
      if (used[d] !== undefined) this.#ranked[k]!.push({ score, hit: used[d]! });
      if (used[d]) this.#hits[k]!.push({ score, hit: true });
      else if (used[d] === false) this.#mistakes.push(this.#mistake(d, k, score, truths, iou));
    }
    for (const truth of truths) {
      if (truth.used) continue;
      this.#missed[truth.k]!++;
      if (!truth.usable) this.#mistakes.push({ kind: 'Miss', k: truth.k, score: 0, truth });
    }
  }

  #mistake(d: number, k: number, score: number, truths: readonly Truth[], iou: (d: number, j: number) => number): Mistake {
    if (truths.length === 0) return { kind: 'Bkg', k, score, truth: undefined };
    /** First place of the largest value, the others counting as 0, as argmax of a product with a mask. */
    const best = (counts: (truth: Truth) => boolean) => {
      let [value, at] = [-Infinity, 0];
      truths.forEach((truth, j) => {
        const own = counts(truth) ? iou(d, j) : 0;
        if (own > value) [value, at] = [own, j];
      });
      return { value, at };
    };
    const mendable = (kind: TideError, truth: Truth): Mistake => {
      if (truth.used) return { kind, k, score, truth: undefined };
      const mistake: Mistake = { kind, k, score, truth };
      truth.usable = true;
      if ((truth.best?.score ?? -1) < score) truth.best = mistake;
      return mistake;
    };
    const own = best((truth) => truth.k === k);
    if (own.value >= background && own.value <= foreground) return mendable('Loc', truths[own.at]!);
    const other = best((truth) => truth.k !== k);
    if (iou(d, other.at) >= foreground) return mendable('Cls', truths[other.at]!);
    const taken = best((truth) => truth.used && truth.k === k);
    if (iou(d, taken.at) >= foreground) return { kind: 'Dupe', k, score, truth: undefined };
    const any = best(() => true);
    return { kind: any.value <= background ? 'Bkg' : 'Both', k, score, truth: undefined };
  }

  /** What it all costs. */
  finish(): TideResult {
    const positives = this.#positives;
    const base = meanAp(this.#ranked, positives);
    const gain = (value: number) => Math.max(value - base, 0);
    const errors = kinds.map((kind) => {
      const wanted = positives.slice();
      // Objects that no detection comes near are taken out of those to be found.
      if (kind === 'Miss') for (const mistake of this.#mistakes) if (mistake.kind === 'Miss') wanted[mistake.k]!--;
      return [kind, gain(this.#ap((mistake) => mistake.kind === kind, wanted))] as const;
    });
    const counts = kinds.map((kind) => [kind, this.#mistakes.filter((mistake) => mistake.kind === kind).length] as const);
    return {
      ap50: base,
      errors: Object.fromEntries(errors) as Record<TideError, number>,
      counts: Object.fromEntries(counts) as Record<TideError, number>,
      falsePositives: gain(this.#ap(() => false, positives, true)),
      falseNegatives: gain(this.#ap(() => false, positives.map((n, k) => n - this.#missed[k]!))), // prettier-ignore
    };
  }

  #ap(mended: (mistake: Mistake) => boolean, positives: Float64Array, hitsFirst = false): number {
    const points = this.#hits.map((): Point[] => []);
    for (const mistake of this.#mistakes) {
      if (!mended(mistake)) {
        if (mistake.kind !== 'Miss') points[mistake.k]!.push({ score: mistake.score, hit: false });
      } else if (mistake.kind !== 'Miss' && mistake.truth?.best === mistake) {
        points[mistake.truth.k]!.push({ score: mistake.score, hit: true });
      }
    }
    // The tool, too, puts what was wrong before what was right: it matters where scores are equal.
    const all = points.map((list, k) => [...list, ...this.#hits[k]!]);
    return meanAp(hitsFirst ? all.map((list) => list.map(({ hit }) => ({ score: Number(hit), hit }))) : all, positives);
  }
}

/** Classes with neither objects nor detections are left out. */
function meanAp(points: readonly Point[][], positives: Float64Array): number {
  let [sum, classes] = [0, 0];
  points.forEach((list, k) => {
    if (list.length === 0 && positives[k] === 0) return;
    classes++;
    sum += classAp([...list], positives[k]!);
  });
  return classes ? sum / classes : 0;
}

function classAp(points: Point[], positives: number): number {
  if (positives === 0) return 0;
  points.sort((a, b) => b.score - a.score);
  const n = points.length;
  const [precision, recall] = [new Float64Array(n), new Float64Array(n)];
  let hits = 0;
  points.forEach(({ hit }, i) => {
    hits += Number(hit);
    precision[i] = hits / (i + 1);
    recall[i] = hits / positives;
  });
  for (let i = n - 1; i > 0; i--) precision[i - 1] = Math.max(precision[i - 1]!, precision[i]!);
  let [sum, i] = [0, 0];
  for (const level of levels) {
    while (i < n && recall[i]! < level) i++;
    if (i < n) sum += precision[i]!;
  }
  return (sum / levels.length) * 100;
}

/** TIDE's breakdown of all images. Thresholds: 0.5 for a match, 0.1 for background, as the tool's defaults. */
export function tideErrors(samples: Samples): TideResult {
  const collector = new TideCollector(samples.categories.length);
  // Where scores are equal across images, the order of the file decides.
  for (const at of samples.fileOrder) collector.take(samples.images[at]!, sampleOverlaps(samples.images[at]!, samples.iouType));
  return collector.finish();
}
