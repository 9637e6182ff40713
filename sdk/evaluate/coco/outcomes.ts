// Matched detections of any number of batches, kept small, and their file form, so that shards can be merged. Order makes results exact.
import { ArgumentError, EvaluationError } from '../../errors.js';
import type { EvaluationKernels } from '../input/kernels.js';
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

  readonly #magic: string;

  /** @param protocol first word of the file form */
  constructor(settings: Settings, images: number, protocol: string) {
    this.#magic = `labelweave-${protocol} 1\n`;
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

  /** Bytes that {@link Outcomes.merge} reads: a line of JSON, then the columns, little-endian. */
  write(head: PartialHead): Uint8Array<ArrayBuffer> {
    const { count, words } = this;
    const magic = this.#magic;
    const seen: number[] = [];
    this.seen.forEach((value, i) => value && seen.push(i));
    const text = new TextEncoder().encode(magic + JSON.stringify({ ...head, count, words, seen: seen.length }) + '\n');
    const start = Math.ceil(text.length / 8) * 8;
    const bytes = new Uint8Array(start + count * (8 + 4 * (3 + words)) + seen.length * 4);
    bytes.set(text);
    bytes.fill(10, text.length, start);
    let at = start;
    const add = (column: Float64Array | Int32Array | Uint32Array) => {
      bytes.set(new Uint8Array(column.buffer, column.byteOffset, column.byteLength), at);
      at += column.byteLength;
    };
    add(this.scores.subarray(0, count));
    add(this.classes.subarray(0, count));
    add(this.images.subarray(0, count));
    add(this.ranks.subarray(0, count));
    add(this.bits.subarray(0, count * words));
    add(Uint32Array.from(seen));
    return bytes;
  }

  /** Adds a partial result. Throws ArgumentError where it is none or of another evaluation, EvaluationError where images were seen before. */
  merge(bytes: Uint8Array, own: PartialHead, idOf: (image: number) => number): PartialHead {
    const broken = (found: string, wanted: string, cause?: unknown): never => {
      throw new ArgumentError({ thing: 'partial result', found, wanted, cause });
    };
    const magic = this.#magic;
    const line = new TextDecoder().decode(bytes.subarray(0, magic.length));
    if (line !== magic) broken(JSON.stringify(line.slice(0, 24)), 'bytes that partial() of this protocol and version made');
    const end = bytes.indexOf(10, magic.length);
    let head: PartialHead & { count: number; words: number; seen: number };
    try {
      head = JSON.parse(new TextDecoder().decode(bytes.subarray(magic.length, end))) as typeof head;
    } catch (cause) {
      return broken('a broken head', 'bytes that partial() made', cause);
    }
    for (const key of ['settings', 'images', 'categories', 'truth'] as const) {
      if (head[key] !== own[key]) broken(`${key} = ${String(head[key])}`, `${String(own[key])}, as in this evaluator`);
    }
    if (head.boxFirst !== undefined && own.boxFirst !== undefined && head.boxFirst !== own.boxFirst) {
      broken(
        `first detection ${head.boxFirst ? 'with' : 'without'} a bbox`,
        'shards whose first detections have the same fields',
      );
    }
    const start = Math.ceil((end + 1) / 8) * 8;
    const { count, words } = head;
    if (words !== this.words || bytes.length !== start + count * (8 + 4 * (3 + words)) + head.seen * 4) {
      broken(`${bytes.length} bytes`, 'a whole partial result');
    }
    const copy = bytes.slice(start);
    let at = 0;
    const column = <T>(type: new (buffer: ArrayBuffer, at: number, length: number) => T, length: number): T => {
      const view = new type(copy.buffer, at, length);
      at += length * (type === (Float64Array as unknown) ? 8 : 4);
      return view;
    };
    const scores = column(Float64Array, count);
    const classes = column(Int32Array, count);
    const images = column(Int32Array, count);
    const ranks = column(Uint32Array, count);
    const bits = column(Uint32Array, count * words);
    const seen = column(Uint32Array, head.seen);
    for (const image of seen) {
      if (image >= this.seen.length) broken(`image index ${image}`, `below ${this.seen.length}`);
      if (this.seen[image]) imageTwice(idOf(image));
    }
    if (images.some((image) => image < 0 || image >= this.seen.length) || classes.some((k) => k < 0 || k >= own.categories)) {
      broken('an image or class that is not there', 'bytes that partial() made');
    }
    for (const image of seen) this.seen[image] = 1;
    this.#reserve(this.count + count);
    this.scores.set(scores, this.count);
    this.classes.set(classes, this.count);
    this.images.set(images, this.count);
    this.ranks.set(ranks, this.count);
    this.bits.set(bits, this.count * words);
    this.count += count;
    return head;
  }
}

export function imageTwice(id: number): never {
  throw new EvaluationError('invalid-predictions', {
    thing: `image ${id}`,
    found: 'detections in two batches or shards',
    wanted: 'all detections of an image in one batch',
    next: 'Give `wholeImages: false`, which keeps detections until the result is asked for.',
    reason: 'image-in-two-batches',
  });
}
