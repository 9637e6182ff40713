// Matched detections of any number of batches, kept small, and their file form, so that shards can be merged. Order makes results exact.
import { EvaluationError } from '../../errors.js';
import type { EvaluationKernels } from '../input/kernels.js';
import { brokenShard, openShard, writeShard } from '../shards.js';
import type { MatchedClass } from './engine.js';
import type { Settings } from './parameters.js';

/** What two partial results must share. */
export interface PartialHead {
  readonly settings: string;
  readonly images: number;
  readonly categories: number;
  /** Fingerprint of the ground truth. */
  readonly truth: string;
  readonly boxFirst: boolean | undefined;
  readonly detections: number;
  readonly evaluated: readonly number[];
  readonly diagnostics: unknown;
}

/** Detections that were kept, in no special order but: those of one image and class stand together, by rank. */
export class Outcomes {
  count = 0;
  classes = new Int32Array(0);
  images = new Int32Array(0);
  ranks = new Uint32Array(0);
  scores = new Float64Array(0);
  /** [n, words] for each area range the true positives and, from the upper half or the next word, the false positives. */
  bits = new Uint32Array(0);
  /** Images that batches have brought. */
  readonly seen: Uint8Array;
  readonly packed: boolean;
  readonly words: number;
  readonly areas: number;

  /** @param protocol first word of the file form */
  constructor(
    settings: Settings,
    images: number,
    private readonly protocol: string,
  ) {
    this.packed = settings.iouThresholds.length <= 16;
    this.areas = settings.areaRanges.length;
    this.words = this.areas * (this.packed ? 1 : 2);
    this.seen = new Uint8Array(images);
  }

  #reserve(rows: number): void {
    if (rows <= this.scores.length) return;
    const capacity = Math.max(rows, 1024, Math.ceil(this.scores.length * 1.5));
    const grow = <T extends { set(from: T): void }>(to: T, from: T): T => {
      to.set(from);
      return to;
    };
    this.classes = grow(new Int32Array(capacity), this.classes);
    this.images = grow(new Int32Array(capacity), this.images);
    this.ranks = grow(new Uint32Array(capacity), this.ranks);
    this.scores = grow(new Float64Array(capacity), this.scores);
    this.bits = grow(new Uint32Array(capacity * this.words), this.bits);
  }

  /** Copies a matched class out of WASM memory. */
  take(kernels: EvaluationKernels, k: number, { layout, base, kept }: MatchedClass): void {
    this.#reserve(this.count + kept);
    const { buffer } = kernels.memory;
    const at = this.count;
    this.classes.fill(k, at, at + kept);
    this.ranks.set(new Uint32Array(buffer, base + layout.places.keptRanks, kept), at);
    this.scores.set(new Float64Array(buffer, base + layout.places.keptScores, kept), at);
    const bits = new Uint32Array(buffer, base + layout.places.keptBits, kept * this.areas * 2);
    if (this.packed) {
      for (let i = 0; i < kept * this.areas; i++) this.bits[at * this.words + i] = bits[2 * i]! | (bits[2 * i + 1]! << 16);
    } else this.bits.set(bits, at * this.words);
    const counts = new Uint32Array(buffer, base + layout.places.keptCounts, layout.segments);
    let row = at;
    for (let s = 0; s < layout.segments; s++) {
      this.images.fill(layout.segmentImages[s]!, row, row + counts[s]!);
      row += counts[s]!;
    }
    this.count += kept;
  }

  /** Rows of each class by image; `start` [K + 1]. */
  group(K: number): { order: Uint32Array; start: Uint32Array } {
    let order = new Uint32Array(this.count);
    for (let i = 0; i < this.count; i++) order[i] = i;
    let start = new Uint32Array(1);
    for (const [keys, n] of [[this.images, this.seen.length] as const, [this.classes, K] as const]) {
      start = new Uint32Array(n + 1);
      for (let i = 0; i < this.count; i++) start[keys[i]! + 1]!++;
      for (let k = 0; k < n; k++) start[k + 1]! += start[k]!;
      const next = start.slice();
      const sorted = new Uint32Array(this.count);
      for (let i = 0; i < this.count; i++) sorted[next[keys[order[i]!]!]!++] = order[i]!;
      order = sorted;
    }
    return { order, start };
  }

  /** Writes rows `from` to `to` of `order` into memory; returns their places. The stack must be released by the caller. */
  put(kernels: EvaluationKernels, order: Uint32Array, from: number, to: number): { scores: number; ranks: number; bits: number } {
    const n = to - from;
    const places = {
      scores: kernels.allocate(n * 8),
      ranks: kernels.allocate(n * 4),
      bits: kernels.allocate(n * this.areas * 8),
    };
    const { buffer } = kernels.memory;
    const scores = new Float64Array(buffer, places.scores, n);
    const ranks = new Uint32Array(buffer, places.ranks, n);
    const bits = new Uint32Array(buffer, places.bits, n * this.areas * 2);
    for (let i = 0; i < n; i++) {
      const row = order[from + i]!;
      scores[i] = this.scores[row]!;
      ranks[i] = this.ranks[row]!;
      for (let w = 0; w < this.areas; w++) {
        const to2 = (i * this.areas + w) * 2;
        if (this.packed) {
          const word = this.bits[row * this.words + w]!;
          bits[to2] = word & 0xffff;
          bits[to2 + 1] = word >>> 16;
        } else {
          bits[to2] = this.bits[row * this.words + 2 * w]!;
          bits[to2 + 1] = this.bits[row * this.words + 2 * w + 1]!;
        }
      }
    }
    return places;
  }

  /** Bytes that {@link Outcomes.merge} reads. */
  write(head: PartialHead): Uint8Array<ArrayBuffer> {
    const { count, words } = this;
    const seen: number[] = [];
    this.seen.forEach((value, i) => value && seen.push(i));
    return writeShard(this.protocol, head, {
      scores: this.scores.subarray(0, count),
      classes: this.classes.subarray(0, count),
      images: this.images.subarray(0, count),
      ranks: this.ranks.subarray(0, count),
      bits: this.bits.subarray(0, count * words),
      seen: Uint32Array.from(seen),
    });
  }

  /** Adds a partial result. Throws ArgumentError where it is none or of another evaluation, EvaluationError where images were seen before. */
  merge(bytes: Uint8Array, own: PartialHead, idOf: (image: number) => number): PartialHead {
    const { settings, images: imageCount, categories, truth } = own;
    const { head, columns } = openShard<PartialHead, OutcomeColumns>(bytes, this.protocol, {
      settings,
      images: imageCount,
      categories,
      truth,
    });
    if (head.boxFirst !== undefined && own.boxFirst !== undefined && head.boxFirst !== own.boxFirst) {
      throw brokenShard(
        `first detection ${head.boxFirst ? 'with' : 'without'} a bbox`,
        'shards whose first detections have the same fields',
      );
    }
    const { scores, classes, images, ranks, bits, seen } = columns;
    const count = scores?.length;
    if (
      ![classes, images, ranks].every((column) => column?.length === count) ||
      bits?.length !== count * this.words ||
      !seen ||
      seen.some((image) => image >= this.seen.length) ||
      images.some((image) => image < 0 || image >= this.seen.length) ||
      classes.some((k) => k < 0 || k >= categories)
    ) {
      throw brokenShard('columns that do not fit each other', 'bytes that partial() made');
    }
    for (const image of seen) if (this.seen[image]) imageTwice(idOf(image));
    for (const image of seen) this.seen[image] = 1;
    this.#reserve(this.count + count);
    this.scores.set(scores, this.count);
    this.classes.set(classes, this.count);
    this.images.set(images, this.count);
    this.ranks.set(ranks, this.count);
    this.bits.set(bits, this.count * this.words);
    this.count += count;
    return head;
  }
}

interface OutcomeColumns extends Record<string, Float64Array | Int32Array | Uint32Array> {
  scores: Float64Array;
  classes: Int32Array;
  images: Int32Array;
  ranks: Uint32Array;
  bits: Uint32Array;
  seen: Uint32Array;
}

export function imageTwice(id: number | string): never {
  throw new EvaluationError('invalid-predictions', {
    thing: `image ${id}`,
    found: 'detections in two batches or shards',
    wanted: 'all detections of an image in one batch',
    next: "Sort batches by image; COCO's and LVIS' evaluators take `wholeImages: false`, too, which keeps detections until the result.",
    reason: 'image-in-two-batches',
  });
}
