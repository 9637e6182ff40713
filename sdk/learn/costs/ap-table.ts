// Average precision of every label's scores on the ground truth of every label, and of merged scores: the fast way. Overlaps are computed once an
// image for all heads, hits are kept only for pairs that really fire together, and an AP is one scan over a list that is sorted once. The plain twin
// stands in test/learn.
import { mulberry32 } from '../../evaluate/random.js';
import { ArgumentError, describe, LearnError } from '../../errors.js';
import { type Firings, truthFlag } from '../firings/firings.js';
import type { LearnProgress } from '../types.js';
import { ApCurve, cocoEpsilon, outcome, rankedAp, rankScores } from './average-precision.js';
import { boxOverlap, type Geometry, overlapOf } from './overlap.js';

/** How APs are computed. */
export interface ApOptions {
  /** Least overlap of a hit. Default 0.5. */
  readonly iou?: number | undefined;
  /**
   * Which images count: `all` of the data set, so that firings on images without the label are misses (default), or only those `with-label`, as
   * UniDet's code has it: a label that also fires elsewhere then looks as good as one that does not.
   */
  readonly images?: 'all' | 'with-label' | undefined;
  /**
   * What counts as a miss: `all` that hits no ground truth of the label (default), or only what lies on the `background`: boxes on objects of other labels
   * are passed over then, as a broader label rightly fires on them.
   */
  readonly misses?: 'all' | 'background' | undefined;
  /** Added to the number of detections in a precision. Default 2^-52, as COCO's tools; UniDet's code has 1e-8. */
  readonly epsilon?: number | undefined;
  /** UniDet's shortcut: 0 where the first 100 ground truths give fewer than 10 hits. Default false. */
  readonly shortcut?: boolean | undefined;
  /** Scores below do not count. Default 0. UniDet's code leaves out those of 0.1 and below. */
  readonly minScore?: number | undefined;
  /** Default: masks where the firings have them. */
  readonly geometry?: Geometry | undefined;
}

/** How the scores of several labels become those of one. */
export interface MergeRule {
  /**
   * `average` (UniDet's Eq. 5): boxes of the same object share the mean of the members' scores, a member that does not fire counting as 0. `union`
   * (UniDet's code): all boxes of all members with their own scores.
   */
  readonly combine: 'average' | 'union';
  /** Non-maximum suppression behind it: boxes that overlap a better one by more are dropped. 1 drops none. Default 0.5. */
  readonly nms?: number | undefined;
  /** Whether suppression counts whole pixels (width + 1), as the old code that UniDet uses does. Default false. */
  readonly plusOne?: boolean | undefined;
  /**
   * For `average`: which boxes show the same object: those of one `proposal`, or those that overlap by this much, each with the best of another member.
   * Default 0.5: heads whose boxes went through suppression one by one no longer share all of them.
   */
  readonly match?: number | 'proposal' | undefined;
}

/** One pair that fires together. */
export interface FiringPair {
  /** Node whose scores are judged. */
  readonly a: number;
  /** Node whose ground truth they are judged on. */
  readonly b: number;
  /** Hits: ground truths of b that a finds. */
  readonly hits: number;
}

/** The outcome of a ranked list: best first. */
export interface RankedOutcomes {
  /** [n] hit, miss or ignored. */
  readonly outcomes: Uint8Array;
  /** [n] image. */
  readonly images: Uint32Array;
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

/** Cells of the square table of pairs that is still allocated densely. */
const mostCells = 1 << 27;

/** Answers questions about the AP of one set of firings. Made by {@link ApTable.of}; holds about 40 bytes a score. */
export class ApTable {
  /** What the APs are of. */
  readonly firings: Firings;
  /** With defaults filled in. */
  readonly options: Required<ApOptions>;
  /** [L] ground truths without crowds. */
  readonly instances: Uint32Array;
  /** [L] images with such a ground truth. */
  readonly imageCounts: Uint32Array;
  readonly #D: number;
  readonly #boxImages: Uint32Array;
  readonly #scoreBoxes: Uint32Array;
  /** [L x D + 1] first score of each (node, data set of the image). */
  readonly #groupStarts: Uint32Array;
  /** Scores of each group in their order, and by rank. */
  readonly #grouped: Uint32Array;
  readonly #ranked: Uint32Array;
  /** [L + 1] and images with a ground truth of each label, crowds too: UniDet's "images that contain it". */
  readonly #labelImageStarts: Uint32Array;
  readonly #labelImages: Uint32Array;
  readonly #pairs: FiringPair[] = [];
  #pairOf: (a: number, b: number) => number = () => -1;
  /** [pairs + 1] and the hits (and ignored ones) of each. */
  #eventStarts = new Uint32Array(1);
  #events = new Uint32Array(0);
  #eventKinds = new Uint8Array(0);
  /** [E] 1 + pair for a hit of the pair looked at, its negative where ignored. */
  readonly #marks: Int32Array;
  /** [P] set where the box overlaps some ground truth. */
  readonly #onObject: Uint8Array;
  /** [N] 1 + label for the images of the label looked at. */
  readonly #imageMarks: Uint32Array;
  #markedLabel = -1;
  readonly #curve = new ApCurve();
  readonly #own: Float64Array;

  private constructor(firings: Firings, options: ApOptions) {
    const { iou = 0.5, images = 'all', misses = 'all', epsilon = cocoEpsilon, shortcut = false, minScore = 0 } = options;
    const { geometry = firings.masks ? 'masks' : 'boxes' } = options;
    if (typeof iou !== 'number' || !(iou > 0 && iou <= 1)) {
      throw new ArgumentError({ thing: 'iou', found: describe(iou), wanted: 'a number above 0, up to 1' });
    }
    if (images !== 'all' && images !== 'with-label') {
      throw new ArgumentError({ thing: 'images', found: describe(images), wanted: '"all" or "with-label"' });
    }
    if (misses !== 'all' && misses !== 'background') {
      throw new ArgumentError({ thing: 'misses', found: describe(misses), wanted: '"all" or "background"' });
    }
    if (typeof minScore !== 'number' || !(minScore >= 0 && minScore <= 1)) {
      throw new ArgumentError({ thing: 'minScore', found: describe(minScore), wanted: 'a number from 0 to 1' });
    }
    if (geometry === 'masks' && !firings.masks) {
      throw new LearnError('invalid-firings', { thing: 'firings', found: 'no masks', wanted: 'masks, as geometry says' });
    }
    this.firings = firings;
    this.options = { iou, images, misses, epsilon, shortcut, minScore, geometry };
    const { count: L, boxStarts, scoreStarts, scoreLabels, scores, imageDatasets } = firings;
    const D = (this.#D = firings.spaces.length);
    const [N, P, E] = [imageDatasets.length, scoreStarts.length - 1, scores.length];
    this.#boxImages = new Uint32Array(P);
    for (let i = 0; i < N; i++) this.#boxImages.fill(i, boxStarts[i], boxStarts[i + 1]);
    this.#scoreBoxes = new Uint32Array(E);
    for (let p = 0; p < P; p++) this.#scoreBoxes.fill(p, scoreStarts[p], scoreStarts[p + 1]);

    // A counting sort by node and data set; scores that do not count are left out.
    const starts = (this.#groupStarts = new Uint32Array(L * D + 1));
    const counts = (e: number): boolean => scores[e]! >= minScore;
    const groupOf = (e: number): number => scoreLabels[e]! * D + imageDatasets[this.#boxImages[this.#scoreBoxes[e]!]!]!;
    for (let e = 0; e < E; e++) if (counts(e)) starts[groupOf(e) + 1]!++;
    for (let k = 0; k < L * D; k++) starts[k + 1]! += starts[k]!;
    const next = starts.slice();
    this.#grouped = new Uint32Array(starts[L * D]!);
    for (let e = 0; e < E; e++) if (counts(e)) this.#grouped[next[groupOf(e)]!++] = e;
    this.#ranked = new Uint32Array(this.#grouped.length);
    let own = new Float32Array(1024);
    for (let k = 0; k < L * D; k++) {
      const [from, to] = [starts[k]!, starts[k + 1]!];
      if (to - from > own.length) own = new Float32Array(2 * (to - from));
      for (let i = from; i < to; i++) own[i - from] = scores[this.#grouped[i]!]!;
      const order = rankScores(own.subarray(0, to - from));
      for (let i = from; i < to; i++) this.#ranked[i] = this.#grouped[from + order[i - from]!]!;
    }
    this.#marks = new Int32Array(E);
    this.#onObject = new Uint8Array(P);
    this.#imageMarks = new Uint32Array(N);

    const { truthStarts, truthLabels, truthFlags } = firings;
    this.instances = new Uint32Array(L);
    this.imageCounts = new Uint32Array(L);
    const lists: number[][] = Array.from({ length: L }, () => []);
    const counted = new Int32Array(L).fill(-1);
    for (let i = 0; i < N; i++) {
      for (let g = truthStarts[i]!; g < truthStarts[i + 1]!; g++) {
        const c = truthLabels[g]!;
        if (lists[c]!.at(-1) !== i) lists[c]!.push(i);
        if (truthFlags[g]! & truthFlag.crowd) continue;
        this.instances[c]!++;
        if (counted[c] !== i) this.imageCounts[c]!++;
        counted[c] = i;
      }
    }
    this.#labelImageStarts = new Uint32Array(L + 1);
    lists.forEach((list, c) => (this.#labelImageStarts[c + 1] = this.#labelImageStarts[c]! + list.length));
    this.#labelImages = new Uint32Array(this.#labelImageStarts[L]!);
    lists.forEach((list, c) => this.#labelImages.set(list, this.#labelImageStarts[c]));
    this.#own = new Float64Array(L).fill(-1);
  }

  /** Reads all firings once. Throws ArgumentError, LearnError, or `signal.reason`. */
  static async of(
    firings: Firings,
    options: ApOptions = {},
    {
      signal,
      onProgress,
    }: { signal?: AbortSignal | undefined; onProgress?: ((progress: LearnProgress) => void) | undefined } = {},
  ): Promise<ApTable> {
    signal?.throwIfAborted();
    const table = new ApTable(firings, options);
    await table.#collect(async (done, total) => {
      onProgress?.({ phase: 'ap', done, total });
      await pause();
      signal?.throwIfAborted();
    });
    return table;
  }

  /** Finds the hits of every pair that fires together: own labels, and labels of other data sets. */
  async #collect(report: (done: number, total: number) => Promise<void>): Promise<void> {
    const { firings } = this;
    const { count: L, datasetOf, boxStarts, scoreStarts, scoreLabels, scores, truthStarts, truthLabels, truthFlags } = firings;
    const { iou, minScore, geometry } = this.options;
    const threshold = Math.min(iou, 1 - 1e-10);
    const N = firings.imageDatasets.length;
    const dense = L * L <= mostCells ? new Int32Array(L * L) : undefined;
    const sparse = new Map<number, number>();
    const pairA: number[] = [];
    const pairB: number[] = [];
    const hitCounts: number[] = [];
    const pairOf = (a: number, b: number): number => (dense ? dense[a * L + b]! : (sparse.get(a * L + b) ?? 0)) - 1;
    const addPair = (a: number, b: number): number => {
      pairA.push(a);
      pairB.push(b);
      hitCounts.push(0);
      if (dense) dense[a * L + b] = pairA.length;
      else sparse.set(a * L + b, pairA.length);
      return pairA.length - 1;
    };
    let events = 0;
    let eventPairs = new Uint32Array(1 << 16);
    let eventScores = new Uint32Array(1 << 16);
    let eventKinds = new Uint8Array(1 << 16);
    const addEvent = (pair: number, e: number, kind: number): void => {
      if (events === eventPairs.length) {
        const grow = <T extends Uint32Array | Uint8Array>(old: T): T => {
          const grown = new (old.constructor as new (n: number) => T)(old.length * 2);
          grown.set(old);
          return grown;
        };
        eventPairs = grow(eventPairs) as typeof eventPairs;
        eventScores = grow(eventScores) as typeof eventScores;
        eventKinds = grow(eventKinds) as typeof eventKinds;
      }
      eventPairs[events] = pair;
      eventScores[events] = e;
      eventKinds[events++] = kind;
    };

    const { overlap, startImage } = overlapOf(firings, geometry);
    // Of one image: for each box its hits with ground truths, in the order of the ground truths.
    let hitStarts = new Uint32Array(256);
    let hitTruths = new Uint32Array(256);
    let hitOverlaps = new Float64Array(256);
    const order: number[] = [];
    /** Nodes that have taken a ground truth, by ground truth of the image. */
    let taken: number[][] = [];
    const bestOf = new Int32Array(L).fill(-1);
    const bestOverlap = new Float64Array(L);
    const crowdOf = new Uint8Array(L);
    const touched: number[] = [];
    const step = 4096;
    for (let i = 0; i < N; i++) {
      if (i % step === 0) await report(i, N);
      const [firstBox, lastBox] = [boxStarts[i]!, boxStarts[i + 1]!];
      const [firstTruth, lastTruth] = [truthStarts[i]!, truthStarts[i + 1]!];
      if (firstBox === lastBox || firstTruth === lastTruth) continue;
      startImage(i);
      if (hitStarts.length < lastBox - firstBox + 1) hitStarts = new Uint32Array(2 * (lastBox - firstBox + 1));
      let hits = 0;
      order.length = 0;
      for (let p = firstBox; p < lastBox; p++) {
        hitStarts[p - firstBox] = hits;
        for (let g = firstTruth; g < lastTruth; g++) {
          const value = overlap(p, g);
          if (!(value >= threshold)) continue;
          if (hits === hitTruths.length) {
            const [t, o] = [hitTruths, hitOverlaps];
            hitTruths = new Uint32Array(2 * hits);
            hitOverlaps = new Float64Array(2 * hits);
            hitTruths.set(t);
            hitOverlaps.set(o);
          }
          hitTruths[hits] = g;
          hitOverlaps[hits++] = value;
        }
        if (hits > hitStarts[p - firstBox]!) {
          this.#onObject[p] = 1;
          for (let e = scoreStarts[p]!; e < scoreStarts[p + 1]!; e++) if (scores[e]! >= minScore) order.push(e);
        }
      }
      hitStarts[lastBox - firstBox] = hits;
      if (order.length === 0) continue;
      if (taken.length < lastTruth - firstTruth) taken = Array.from({ length: 2 * (lastTruth - firstTruth) }, () => []);
      for (let g = 0; g < lastTruth - firstTruth; g++) taken[g]!.length = 0;
      if (order.length > 1) order.sort((x, y) => scores[y]! - scores[x]! || x - y);
      for (const e of order) {
        const a = scoreLabels[e]!;
        const p = this.#scoreBoxes[e]! - firstBox;
        touched.length = 0;
        for (let h = hitStarts[p]!; h < hitStarts[p + 1]!; h++) {
          const g = hitTruths[h]!;
          const b = truthLabels[g]!;
          if (a !== b && datasetOf[a] === datasetOf[b]) continue;
          if (bestOf[b] === -1 && !crowdOf[b]) touched.push(b);
          if (truthFlags[g]! & truthFlag.crowd) {
            crowdOf[b] = 1;
            // Keeps the label out of a second entry in `touched`.
            continue;
          }
          // The best one that is still free; of equal ones the last, as COCO has it.
          if (hitOverlaps[h]! < bestOverlap[b]! || taken[g - firstTruth]!.includes(a)) continue;
          bestOf[b] = g;
          bestOverlap[b] = hitOverlaps[h]!;
        }
        for (const b of touched) {
          const g = bestOf[b]!;
          if (g >= 0 || crowdOf[b]) {
            let pair = pairOf(a, b);
            if (pair < 0) pair = addPair(a, b);
            if (g >= 0) {
              taken[g - firstTruth]!.push(a);
              hitCounts[pair]!++;
            }
            addEvent(pair, e, g >= 0 ? outcome.hit : outcome.ignored);
          }
          bestOf[b] = -1;
          bestOverlap[b] = 0;
          crowdOf[b] = 0;
        }
      }
    }
    await report(N, N);
    // Events by pair.
    const pairs = pairA.length;
    const starts = new Uint32Array(pairs + 1);
    for (let k = 0; k < events; k++) starts[eventPairs[k]! + 1]!++;
    for (let k = 0; k < pairs; k++) starts[k + 1]! += starts[k]!;
    const next = starts.slice();
    this.#events = new Uint32Array(events);
    this.#eventKinds = new Uint8Array(events);
    for (let k = 0; k < events; k++) {
      const to = next[eventPairs[k]!]!++;
      this.#events[to] = eventScores[k]!;
      this.#eventKinds[to] = eventKinds[k]!;
    }
    this.#eventStarts = starts;
    for (let k = 0; k < pairs; k++) this.#pairs.push({ a: pairA[k]!, b: pairB[k]!, hits: hitCounts[k]! });
    this.#pairOf = pairOf;
  }

  /** Pairs of labels of different data sets where a finds at least one ground truth of b; in the order in which they were met. */
  pairs(): FiringPair[] {
    return this.#pairs.filter(({ a, b, hits }) => a !== b && hits > 0);
  }

  /** Hits of a on the ground truth of b. */
  hits(a: number, b: number): number {
    return this.#pairs[this.#pairOf(a, b)]?.hits ?? 0;
  }

  /** No AP of a on b is above this: the recall, up to the next recall point. */
  bound(a: number, b: number): number {
    const n = this.instances[b]!;
    return n === 0 ? 0 : Math.min(1, (Math.floor((100 * this.hits(a, b)) / n + 1e-9) + 1) / 101);
  }

  /** AP of label c on its own data set; NaN where it has no ground truth. */
  own(c: number): number {
    if (this.#own[c] === -1) this.#own[c] = this.ap(c, c);
    return this.#own[c]!;
  }

  #markImages(label: number): void {
    if (this.#markedLabel === label) return;
    this.#markedLabel = label;
    const marks = this.#imageMarks;
    for (let k = this.#labelImageStarts[label]!; k < this.#labelImageStarts[label + 1]!; k++) {
      marks[this.#labelImages[k]!] = label + 1;
    }
  }

  /** Whether UniDet's shortcut gives 0: fewer than 10 hits when more than 100 ground truths have been seen, image by image. */
  #cut(label: number, hitImages: (image: number) => number): boolean {
    const { truthStarts, truthLabels, truthFlags } = this.firings;
    let seen = 0;
    let hits = 0;
    for (let k = this.#labelImageStarts[label]!; k < this.#labelImageStarts[label + 1]!; k++) {
      const image = this.#labelImages[k]!;
      for (let g = truthStarts[image]!; g < truthStarts[image + 1]!; g++) {
        if (truthLabels[g] === label && !(truthFlags[g]! & truthFlag.crowd)) seen++;
      }
      hits += hitImages(image);
      if (seen > 100) return hits < 10;
    }
    return false;
  }

  /** AP of the scores of a on the ground truth of b (a = b or of another data set); NaN where b has no ground truth. */
  ap(a: number, b: number): number {
    const { epsilon, images, shortcut } = this.options;
    const positives = this.instances[b]!;
    if (positives === 0) return Number.NaN;
    const pair = this.#pairOf(a, b);
    const hits = this.#pairs[pair]?.hits ?? 0;
    if (hits === 0) return 0;
    const [from, to] = [this.#eventStarts[pair]!, this.#eventStarts[pair + 1]!];
    const marks = this.#marks;
    for (let k = from; k < to; k++) marks[this.#events[k]!] = this.#eventKinds[k] === outcome.hit ? pair + 1 : -(pair + 1);
    if (shortcut && positives > 100) {
      const byImage = new Map<number, number>();
      for (let k = from; k < to; k++) {
        if (this.#eventKinds[k] !== outcome.hit) continue;
        const image = this.#imageOf(this.#events[k]!);
        byImage.set(image, (byImage.get(image) ?? 0) + 1);
      }
      if (this.#cut(b, (image) => byImage.get(image) ?? 0)) return 0;
    }
    const onlyLabelled = images === 'with-label';
    const onlyBackground = this.options.misses === 'background';
    if (onlyLabelled) this.#markImages(b);
    const group = a * this.#D + this.firings.datasetOf[b]!;
    this.#curve.clear();
    let found = 0;
    let misses = 0;
    for (let k = this.#groupStarts[group]!; k < this.#groupStarts[group + 1]! && found < hits; k++) {
      const e = this.#ranked[k]!;
      const mark = marks[e]!;
      if (mark === pair + 1) {
        found++;
        this.#curve.add(found / positives, found / (found + misses + epsilon));
      } else if (mark !== -(pair + 1) && (!onlyLabelled || this.#imageMarks[this.#imageOf(e)] === b + 1)) {
        if (!onlyBackground || !this.#onObject[this.#scoreBoxes[e]!]) misses++;
      }
    }
    return this.#curve.integrate();
  }

  #imageOf(e: number): number {
    return this.#boxImages[this.#scoreBoxes[e]!]!;
  }

  /**
   * What becomes of the merged scores of `members` on the ground truth of label c, best first. With one member and no suppression these are the
   * label's own detections, or those of a stand-in.
   */
  merged(members: readonly number[], c: number, rule: MergeRule): RankedOutcomes {
    const { firings } = this;
    const { boxes, scores, truthStarts, truthLabels, truthFlags, proposals } = firings;
    const { combine, nms = 0.5, plusOne = false, match = 0.5 } = rule;
    const { iou, images, geometry } = this.options;
    const threshold = Math.min(iou, 1 - 1e-10);
    const d = firings.datasetOf[c]!;
    const n = members.length;
    const { overlap, startImage } = overlapOf(firings, geometry);
    const pointers = members.map((m) => this.#groupStarts[m * this.#D + d]!);
    const ends = members.map((m) => this.#groupStarts[m * this.#D + d + 1]!);
    if (images === 'with-label') this.#markImages(c);
    let count = 0;
    let outScores = new Float32Array(1024);
    let outKinds = new Uint8Array(1024);
    let outImages = new Uint32Array(1024);
    const rows: { p: number; score: number; member: number; used: boolean }[] = [];
    const kept: { p: number; score: number }[] = [];
    while (true) {
      let image = Number.POSITIVE_INFINITY;
      for (let m = 0; m < n; m++) {
        if (pointers[m]! < ends[m]!) image = Math.min(image, this.#imageOf(this.#grouped[pointers[m]!]!));
      }
      if (image === Number.POSITIVE_INFINITY) break;
      rows.length = 0;
      for (let m = 0; m < n; m++) {
        for (; pointers[m]! < ends[m]!; pointers[m]!++) {
          const e = this.#grouped[pointers[m]!]!;
          if (this.#imageOf(e) !== image) break;
          rows.push({ p: this.#scoreBoxes[e]!, score: scores[e]!, member: m, used: false });
        }
      }
      if (images === 'with-label' && this.#imageMarks[image] !== c + 1) continue;
      rows.sort((x, y) => y.score - x.score || x.p - y.p || x.member - y.member);
      let list: { p: number; score: number }[] = rows;
      if (combine === 'average' && n > 1) {
        list = averageRows(rows, n, boxes, match === 'proposal' ? proposals : undefined, match);
      }
      kept.length = 0;
      for (const row of list) {
        const drops = n > 1 && nms < 1 && kept.some((other) => boxOverlap(boxes, other.p, boxes, row.p, plusOne ? 1 : 0) > nms);
        if (!drops) kept.push(row);
      }
      if (count + kept.length > outScores.length) {
        const size = 2 * (count + kept.length);
        const [s, k, w] = [outScores, outKinds, outImages];
        outScores = new Float32Array(size);
        outKinds = new Uint8Array(size);
        outImages = new Uint32Array(size);
        outScores.set(s.subarray(0, count));
        outKinds.set(k.subarray(0, count));
        outImages.set(w.subarray(0, count));
      }
      startImage(image);
      const free: number[] = [];
      const crowds: number[] = [];
      for (let g = truthStarts[image]!; g < truthStarts[image + 1]!; g++) {
        if (truthLabels[g] === c) (truthFlags[g]! & truthFlag.crowd ? crowds : free).push(g);
      }
      for (const { p, score } of kept) {
        let best = -1;
        let bestOverlap = threshold;
        for (let k = 0; k < free.length; k++) {
          if (free[k] === -1) continue;
          const value = overlap(p, free[k]!);
          if (value < bestOverlap) continue;
          best = k;
          bestOverlap = value;
        }
        let kind: number = outcome.miss;
        if (best >= 0) {
          free[best] = -1;
          kind = outcome.hit;
        } else if (crowds.some((g) => overlap(p, g) >= threshold)) kind = outcome.ignored;
        else if (this.options.misses === 'background' && this.#onObject[p]) kind = outcome.ignored;
        outScores[count] = score;
        outKinds[count] = kind;
        outImages[count++] = image;
      }
    }
    const order = rankScores(outScores.slice(0, count));
    const ranked = { outcomes: new Uint8Array(count), images: new Uint32Array(count) };
    for (let i = 0; i < count; i++) {
      ranked.outcomes[i] = outKinds[order[i]!]!;
      ranked.images[i] = outImages[order[i]!]!;
    }
    return ranked;
  }

  /** AP of ranked outcomes on the ground truth of c. */
  apOf({ outcomes, images }: RankedOutcomes, c: number): number {
    const { epsilon, shortcut } = this.options;
    const positives = this.instances[c]!;
    if (shortcut && positives > 100) {
      const byImage = new Map<number, number>();
      for (let i = 0; i < outcomes.length; i++) {
        if (outcomes[i] === outcome.hit) byImage.set(images[i]!, (byImage.get(images[i]!) ?? 0) + 1);
      }
      if (this.#cut(c, (image) => byImage.get(image) ?? 0)) return 0;
    }
    return rankedAp(outcomes, positives, epsilon, this.#curve);
  }

  /** AP of the merged scores of `members` on the ground truth of c. */
  mergedAp(members: readonly number[], c: number, rule: MergeRule): number {
    if (this.instances[c] === 0) return Number.NaN;
    return this.apOf(this.merged(members, c, rule), c);
  }

  /**
   * 95 % interval of AP(before) - AP(after) on label c: percentiles over resamples of the images, each image as often as a Poisson(1) number says, which
   * comes to the same as drawing with replacement where there are many. Images without the label and without a detection that matters change nothing and
   * are not drawn. Deterministic. Resamples without a ground truth do not count.
   */
  interval(c: number, before: RankedOutcomes, after: RankedOutcomes, resamples: number): [lower: number, upper: number] {
    const { truthStarts, truthLabels, truthFlags } = this.firings;
    const place = new Map<number, number>();
    const truths: number[] = [];
    const placeOf = (image: number): number => {
      let found = place.get(image);
      if (found === undefined) {
        place.set(image, (found = place.size));
        let own = 0;
        for (let g = truthStarts[image]!; g < truthStarts[image + 1]!; g++) {
          if (truthLabels[g] === c && !(truthFlags[g]! & truthFlag.crowd)) own++;
        }
        truths.push(own);
      }
      return found;
    };
    for (let k = this.#labelImageStarts[c]!; k < this.#labelImageStarts[c + 1]!; k++) placeOf(this.#labelImages[k]!);
    // Nothing behind the last hit changes an AP.
    const sides = [before, after].map(({ outcomes, images }) => {
      const count = outcomes.lastIndexOf(outcome.hit) + 1;
      return { outcomes: outcomes.subarray(0, count), places: Uint32Array.from(images.subarray(0, count), placeOf) };
    });
    const random = mulberry32(c + 1);
    const values: number[] = [];
    const weights = new Float64Array(truths.length);
    for (let r = 0; r < resamples; r++) {
      let positives = 0;
      for (let k = 0; k < weights.length; k++) {
        weights[k] = poisson(random());
        positives += truths[k]! * weights[k]!;
      }
      if (positives === 0) continue;
      const [x, y] = sides.map(({ outcomes, places }) =>
        rankedAp(outcomes, positives, this.options.epsilon, this.#curve, weights, places),
      ) as [number, number];
      values.push(x - y);
    }
    // A label with one image may be drawn in no resample at all.
    if (values.length === 0) values.push(this.apOf(before, c) - this.apOf(after, c));
    values.sort((x, y) => x - y);
    const at = (share: number): number => values[Math.min(values.length - 1, Math.floor(share * values.length))]!;
    return [at(0.025), at(0.975)];
  }
}

/** The Poisson(1) number of a uniform one. */
function poisson(u: number): number {
  let k = 0;
  let term = Math.exp(-1);
  for (let sum = term; u >= sum && k < 12; sum += term) term /= ++k;
  return k;
}

/** Boxes of the same object get the mean of the members' scores; the box is that of the best score. Rows are sorted by falling score. */
function averageRows(
  rows: { p: number; score: number; member: number; used: boolean }[],
  n: number,
  boxes: Float32Array,
  proposals: Uint32Array | undefined,
  match: number | 'proposal',
): { p: number; score: number }[] {
  const merged: { p: number; score: number }[] = [];
  const proposalOf = (p: number): number => (proposals ? proposals[p]! : p);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    if (row.used) continue;
    let sum = row.score;
    for (let m = 0; m < n; m++) {
      if (m === row.member) continue;
      let best = -1;
      let bestOverlap = match === 'proposal' ? 1 : match;
      for (let j = i + 1; j < rows.length; j++) {
        const other = rows[j]!;
        if (other.used || other.member !== m) continue;
        if (match === 'proposal') {
          if (proposalOf(other.p) !== proposalOf(row.p)) continue;
          best = j;
          break;
        }
        const value = boxOverlap(boxes, row.p, boxes, other.p);
        // Of equal overlaps the better score, which comes first.
        if (value > bestOverlap || (value === bestOverlap && best < 0)) {
          best = j;
          bestOverlap = value;
        }
      }
      if (best < 0) continue;
      rows[best]!.used = true;
      sum += rows[best]!.score;
    }
    // Float32, as all scores are: two means that differ by less are a tie, which the box decides.
    merged.push({ p: row.p, score: Math.fround(sum / n) });
  }
  return merged.sort((x, y) => y.score - x.score || x.p - y.p);
}
