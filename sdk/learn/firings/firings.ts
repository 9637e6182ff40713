// Firings: what the heads of several data sets say about the same boxes, beside the ground truth of each image, in columns. No files, no costs.
import { ArgumentError, describe, LearnError } from '../../errors.js';
import type { Rle } from '../../evaluate/rle.js';
import type { LabelSpace } from '../../taxonomy/label-space.js';
import { formatNode, type Nodes, numberLabels } from '../nodes.js';

/** Run lengths of n masks, as {@link Rle} has them; mask i has the runs from `starts[i]` to `starts[i + 1]`, none where both are equal. */
export interface MaskRuns {
  /** [n + 1]. */
  readonly starts: Uint32Array;
  /** Runs of all masks. */
  readonly counts: Uint32Array;
}

/** Flags of a ground truth. */
export const truthFlag = { crowd: 1 } as const;

/**
 * N images of D data sets with P boxes, E scores and G ground truths, as parallel arrays; an image's rows stand together. Labels are nodes:
 * positions through all data sets in their order. Scores that are not there count as 0. Treat it as immutable.
 */
export interface Firings extends Nodes {
  /** [N] position of the data set that the image's ground truth belongs to. */
  readonly imageDatasets: Uint16Array;
  /** [N] id of the image in its data set. */
  readonly imageIds: Float64Array;
  /** [N] name of the image's file, '' where it has none; or no names at all. */
  readonly imageNames: readonly string[] | undefined;
  /** [N, 2] width, height in pixels; 0 where unknown. */
  readonly imageSizes: Uint32Array;
  /** [N + 1] first box of each image, and P. */
  readonly boxStarts: Uint32Array;
  /** [P, 4] xyxy in source pixels. */
  readonly boxes: Float32Array;
  /**
   * [P] number of the proposal within its image. Boxes of one proposal show the same object as different models see it; where heads share their boxes
   * this is left out, and each box is a proposal.
   */
  readonly proposals: Uint32Array | undefined;
  /** [P + 1] first score of each box, and E. */
  readonly scoreStarts: Uint32Array;
  /** [E] node. */
  readonly scoreLabels: Uint32Array;
  /** [E] 0 to 1. */
  readonly scores: Float32Array;
  /** [N + 1] first ground truth of each image, and G. */
  readonly truthStarts: Uint32Array;
  /** [G, 4] xyxy in source pixels. */
  readonly truthBoxes: Float32Array;
  /** [G] node, of the image's data set. */
  readonly truthLabels: Uint32Array;
  /** [G] bits of {@link truthFlag}. */
  readonly truthFlags: Uint8Array;
  /** Masks of the boxes and of the ground truths, for instance segmentation. Both or none. */
  readonly masks: { readonly boxes: MaskRuns; readonly truths: MaskRuns } | undefined;
}

/** Ground truth of one image. */
export interface TruthInput {
  /** [g, 4] xyxy in source pixels. */
  readonly boxes: ArrayLike<number>;
  /** [g] positions in the label space of the image's data set. */
  readonly labels: ArrayLike<number>;
  /** [g] set where the box covers a crowd: what falls into it is neither right nor wrong. Default: none. */
  readonly crowd?: ArrayLike<number | boolean> | undefined;
  /** [g] where masks are compared. */
  readonly masks?: readonly Rle[] | undefined;
}

/** What the heads say about one image. */
export interface ImageFirings {
  /** Name of the data set whose ground truth this is. */
  readonly dataset: string;
  /** A number of its own in the data set. */
  readonly id: number;
  /** Name of its file, for pictures in a review. */
  readonly name?: string | undefined;
  /** Pixels. */
  readonly width?: number | undefined;
  /** Pixels. */
  readonly height?: number | undefined;
  /** Ground truth; an image without objects has none. */
  readonly truths: TruthInput;
  /** [p, 4] xyxy in source pixels. */
  readonly boxes: ArrayLike<number>;
  /** Dense scores [p, L], all data sets one after another; or those that are not 0 in `entries`. One of both. */
  readonly scores?: ArrayLike<number> | undefined;
  /** [e] each: position of the box, node, score. */
  readonly entries?:
    { readonly boxes: ArrayLike<number>; readonly labels: ArrayLike<number>; readonly scores: ArrayLike<number> } | undefined;
  /** [p] see {@link Firings}.proposals. Given for all images or for none. */
  readonly proposals?: ArrayLike<number> | undefined;
  /** [p] where masks are compared. */
  readonly masks?: readonly Rle[] | undefined;
}

/** Options of {@link FiringsBuilder}. */
export interface FiringsBuilderOptions {
  /** Scores below are not kept. Default 0, which keeps every score above 0. */
  readonly minScore?: number | undefined;
  /** Most memory that the columns may take. Default 2^31 (2 GiB). */
  readonly maxBytes?: number | undefined;
}

type Column = Float32Array | Float64Array | Uint32Array | Uint16Array | Uint8Array;

/** A typed array that grows by half. */
class Growing<T extends Column> {
  data: T;
  length = 0;
  readonly #budget: { left: number };
  constructor(data: T, budget: { left: number }) {
    this.data = data;
    this.#budget = budget;
  }

  reserve(more: number): void {
    const wanted = this.length + more;
    if (wanted <= this.data.length) return;
    const capacity = Math.max(wanted, Math.ceil(this.data.length * 1.5), 256);
    const bytes = (capacity - this.data.length) * this.data.BYTES_PER_ELEMENT;
    if (bytes > this.#budget.left) {
      throw new LearnError('invalid-firings', {
        thing: 'firings',
        found: 'more than fits into maxBytes',
        wanted: 'fewer images or scores',
        next: 'Raise minScore, or raise maxBytes.',
      });
    }
    this.#budget.left -= bytes;
    const grown = new (this.data.constructor as new (length: number) => T)(capacity);
    grown.set(this.data.subarray(0, this.length) as never);
    this.data = grown;
  }

  push(value: number): void {
    if (this.length === this.data.length) this.reserve(1);
    this.data[this.length++] = value;
  }

  finish(): T {
    return this.data.subarray(0, this.length) as T;
  }
}

function wrong(thing: string, found: string, wanted: string, next?: string): LearnError {
  return new LearnError('invalid-firings', { thing, found, wanted, ...(next !== undefined && { next }) });
}

/** Gathers firings image by image. Each image is checked whole before anything of it is kept. */
export class FiringsBuilder {
  /** The labels of all data sets, numbered through. */
  readonly nodes: Nodes;
  readonly #minScore: number;
  readonly #budget: { left: number };
  readonly #seen: Set<number>[];
  readonly #names: string[] = [];
  #hasNames = false;
  #hasProposals: boolean | undefined;
  #hasMasks: boolean | undefined;
  readonly #imageDatasets;
  readonly #imageIds;
  readonly #imageSizes;
  readonly #boxStarts;
  readonly #boxes;
  readonly #proposals;
  readonly #scoreStarts;
  readonly #scoreLabels;
  readonly #scores;
  readonly #truthStarts;
  readonly #truthBoxes;
  readonly #truthLabels;
  readonly #truthFlags;
  readonly #boxRuns;
  readonly #truthRuns;

  /**
   * @param spaces the data sets, in the order of the heads
   * @throws LearnError `invalid-firings` for data sets listed twice, ArgumentError for options.
   */
  constructor(spaces: readonly LabelSpace[], { minScore = 0, maxBytes = 2 ** 31 }: FiringsBuilderOptions = {}) {
    this.nodes = numberLabels(spaces);
    if (typeof minScore !== 'number' || !(minScore >= 0 && minScore <= 1)) {
      throw new ArgumentError({ thing: 'minScore', found: describe(minScore), wanted: 'a number from 0 to 1' });
    }
    if (typeof maxBytes !== 'number' || !(maxBytes > 0)) {
      throw new ArgumentError({ thing: 'maxBytes', found: describe(maxBytes), wanted: 'a number of bytes above 0' });
    }
    this.#minScore = minScore;
    const budget = (this.#budget = { left: maxBytes });
    this.#seen = spaces.map(() => new Set());
    const uint32 = () => new Growing(new Uint32Array(0), budget);
    const float32 = () => new Growing(new Float32Array(0), budget);
    this.#imageDatasets = new Growing(new Uint16Array(0), budget);
    this.#imageIds = new Growing(new Float64Array(0), budget);
    this.#imageSizes = uint32();
    this.#boxStarts = uint32();
    this.#boxes = float32();
    this.#proposals = uint32();
    this.#scoreStarts = uint32();
    this.#scoreLabels = uint32();
    this.#scores = float32();
    this.#truthStarts = uint32();
    this.#truthBoxes = float32();
    this.#truthLabels = uint32();
    this.#truthFlags = new Growing(new Uint8Array(0), budget);
    this.#boxRuns = { starts: uint32(), counts: uint32() };
    this.#truthRuns = { starts: uint32(), counts: uint32() };
    for (const column of [this.#boxStarts, this.#scoreStarts, this.#truthStarts, this.#boxRuns.starts, this.#truthRuns.starts])
      column.push(0);
  }

  /** Bytes that may still be taken. */
  get bytesLeft(): number {
    return this.#budget.left;
  }

  /** Adds an image. Throws LearnError `invalid-firings`; nothing of the image is kept then. */
  addImage(image: ImageFirings): void {
    const { spaces, starts, count } = this.nodes;
    const d = spaces.findIndex(({ name }) => name === image.dataset);
    if (d < 0) {
      throw wrong('data set of an image', describe(image.dataset), `one of ${spaces.map(({ name }) => name).join(', ')}`);
    }
    const where = `image ${describe(image.id)} of ${image.dataset}`;
    if (typeof image.id !== 'number' || !Number.isFinite(image.id)) {
      throw wrong(`id of an image of ${image.dataset}`, describe(image.id), 'a number');
    }
    if (this.#seen[d]!.has(image.id)) throw wrong(where, 'it a second time', 'each image of a data set once');
    const sizes = [image.width ?? 0, image.height ?? 0];
    for (const size of sizes) {
      if (!Number.isInteger(size) || size < 0 || size > 0xffffffff) throw wrong(`${where}, size`, describe(size), 'whole pixels');
    }
    const p = checkBoxes(`${where}, boxes`, image.boxes);
    const g = checkBoxes(`${where}, ground truth`, image.truths.boxes);
    checkLength(`${where}, ground truth labels`, image.truths.labels, g);
    for (let i = 0; i < g; i++) {
      const label = image.truths.labels[i]!;
      if (!Number.isInteger(label) || label < 0 || label >= spaces[d]!.size) {
        throw wrong(`${where}, ground truth ${i}`, `label ${describe(label)}`, `0 to ${spaces[d]!.size - 1}`);
      }
    }
    if (image.truths.crowd) checkLength(`${where}, crowd`, image.truths.crowd, g);
    if ((image.scores === undefined) === (image.entries === undefined)) {
      throw wrong(where, image.scores ? 'scores and entries' : 'neither scores nor entries', 'one of both');
    }
    if (image.scores) {
      if (image.scores.length !== p * count) {
        const found = p > 0 && image.scores.length % p === 0 ? `${image.scores.length / p} a box` : `${image.scores.length}`;
        throw wrong(
          `${where}, scores`,
          found,
          `${count} a box: ${spaces.map(({ name, size }) => `${size} of ${name}`).join(' + ')}`,
        );
      }
      checkScores(`${where}, scores`, image.scores);
    } else {
      const { boxes, labels, scores } = image.entries!;
      checkLength(`${where}, entries.labels`, labels, scores.length);
      checkLength(`${where}, entries.boxes`, boxes, scores.length);
      checkScores(`${where}, scores`, scores);
      for (let i = 0; i < scores.length; i++) {
        if (!Number.isInteger(labels[i]) || labels[i]! < 0 || labels[i]! >= count) {
          throw wrong(`${where}, entry ${i}`, `label ${describe(labels[i])}`, `a node from 0 to ${count - 1}`);
        }
        if (!Number.isInteger(boxes[i]) || boxes[i]! < 0 || boxes[i]! >= p) {
          throw wrong(`${where}, entry ${i}`, `box ${describe(boxes[i])}`, `a box from 0 to ${p - 1}`);
        }
      }
    }
    const hasProposals = sameForAll(where, 'proposals', this.#hasProposals, image.proposals !== undefined, p);
    if (image.proposals) checkLength(`${where}, proposals`, image.proposals, p);
    const masks = image.masks !== undefined || image.truths.masks !== undefined;
    const hasMasks = sameForAll(where, 'masks', this.#hasMasks, masks, p + g);
    if (masks) {
      checkMasks(`${where}, masks`, image.masks ?? [], p, sizes);
      checkMasks(`${where}, masks of the ground truth`, image.truths.masks ?? [], g, sizes);
    }

    const list = image.scores ? denseEntries(image.scores, p, count) : sparseEntries(image.entries!, p);
    // From here on nothing can fail but memory.
    this.#reserve(p, list.labels.length, g);
    this.#hasProposals = hasProposals;
    this.#hasMasks = hasMasks;
    this.#seen[d]!.add(image.id);
    this.#imageDatasets.push(d);
    this.#imageIds.push(image.id);
    this.#imageSizes.push(sizes[0]!);
    this.#imageSizes.push(sizes[1]!);
    this.#names.push(image.name ?? '');
    if (image.name) this.#hasNames = true;
    for (let i = 0; i < 4 * p; i++) this.#boxes.push(image.boxes[i]!);
    for (let i = 0; i < p; i++) {
      if (image.proposals) this.#proposals.push(image.proposals[i]!);
      for (let e = list.starts[i]!; e < list.starts[i + 1]!; e++) {
        const score = list.scores[e]!;
        if (score === 0 || score < this.#minScore) continue;
        this.#scoreLabels.push(list.labels[e]!);
        this.#scores.push(score);
      }
      this.#scoreStarts.push(this.#scores.length);
    }
    this.#boxStarts.push(this.#boxes.length / 4);
    for (let i = 0; i < 4 * g; i++) this.#truthBoxes.push(image.truths.boxes[i]!);
    for (let i = 0; i < g; i++) {
      this.#truthLabels.push(starts[d]! + image.truths.labels[i]!);
      this.#truthFlags.push(image.truths.crowd?.[i] ? truthFlag.crowd : 0);
    }
    this.#truthStarts.push(this.#truthLabels.length);
    if (masks) {
      addRuns(this.#boxRuns, image.masks ?? []);
      addRuns(this.#truthRuns, image.truths.masks ?? []);
    }
  }

  #reserve(p: number, e: number, g: number): void {
    this.#boxes.reserve(4 * p);
    this.#scoreStarts.reserve(p);
    this.#scoreLabels.reserve(e);
    this.#scores.reserve(e);
    this.#truthBoxes.reserve(4 * g);
    this.#truthLabels.reserve(g);
    this.#truthFlags.reserve(g);
  }

  /** The firings so far. The builder may go on; what it gives later holds these, too. */
  finish(): Firings {
    return {
      ...this.nodes,
      imageDatasets: this.#imageDatasets.finish(),
      imageIds: this.#imageIds.finish(),
      imageNames: this.#hasNames ? [...this.#names] : undefined,
      imageSizes: this.#imageSizes.finish(),
      boxStarts: this.#boxStarts.finish(),
      boxes: this.#boxes.finish(),
      proposals: this.#hasProposals ? this.#proposals.finish() : undefined,
      scoreStarts: this.#scoreStarts.finish(),
      scoreLabels: this.#scoreLabels.finish(),
      scores: this.#scores.finish(),
      truthStarts: this.#truthStarts.finish(),
      truthBoxes: this.#truthBoxes.finish(),
      truthLabels: this.#truthLabels.finish(),
      truthFlags: this.#truthFlags.finish(),
      masks: this.#hasMasks
        ? {
            boxes: { starts: this.#boxRuns.starts.finish(), counts: this.#boxRuns.counts.finish() },
            truths: { starts: this.#truthRuns.starts.finish(), counts: this.#truthRuns.counts.finish() },
          }
        : undefined,
    };
  }
}

interface Runs {
  starts: Growing<Uint32Array>;
  counts: Growing<Uint32Array>;
}

function addRuns(runs: Runs, masks: readonly Rle[]): void {
  for (const { counts } of masks) {
    runs.counts.reserve(counts.length);
    for (const count of counts) runs.counts.push(count);
    runs.starts.push(runs.counts.length);
  }
}

/** Entries by box. */
interface Entries {
  readonly starts: ArrayLike<number>;
  readonly labels: ArrayLike<number>;
  readonly scores: ArrayLike<number>;
}

function denseEntries(scores: ArrayLike<number>, p: number, count: number): Entries {
  const labels: number[] = [];
  const kept: number[] = [];
  const starts = [0];
  for (let i = 0; i < p; i++) {
    for (let k = 0; k < count; k++) {
      if (scores[i * count + k] === 0) continue;
      labels.push(k);
      kept.push(scores[i * count + k]!);
    }
    starts.push(labels.length);
  }
  return { starts, labels, scores: kept };
}

/** A stable sort by box. */
function sparseEntries({ boxes, labels, scores }: NonNullable<ImageFirings['entries']>, p: number): Entries {
  const starts = new Uint32Array(p + 1);
  for (let e = 0; e < scores.length; e++) starts[boxes[e]! + 1]!++;
  for (let i = 0; i < p; i++) starts[i + 1]! += starts[i]!;
  const next = starts.slice();
  const sortedLabels = new Uint32Array(scores.length);
  const sortedScores = new Float32Array(scores.length);
  for (let e = 0; e < scores.length; e++) {
    const to = next[boxes[e]!]!++;
    sortedLabels[to] = labels[e]!;
    sortedScores[to] = scores[e]!;
  }
  return { starts, labels: sortedLabels, scores: sortedScores };
}

function checkLength(thing: string, values: ArrayLike<unknown>, wanted: number): void {
  if (values?.length !== wanted) throw wrong(thing, `${describe(values?.length)} of them`, `${wanted}`);
}

function checkBoxes(thing: string, boxes: ArrayLike<number>): number {
  if (typeof boxes?.length !== 'number' || boxes.length % 4 !== 0)
    throw wrong(thing, `${describe(boxes?.length)} numbers`, '[n, 4]: four numbers a box');
  for (let i = 0; i < boxes.length; i++) {
    if (!Number.isFinite(boxes[i])) throw wrong(`${thing}[${Math.floor(i / 4)}]`, describe(boxes[i]), 'finite xyxy pixels');
  }
  return boxes.length / 4;
}

function checkScores(thing: string, scores: ArrayLike<number>): void {
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i]!;
    if (!(score >= 0 && score <= 1)) {
      throw wrong(
        `${thing}[${i}]`,
        describe(score),
        'a probability from 0 to 1',
        Number.isNaN(score) ? undefined : 'Logits go through a sigmoid first.',
      );
    }
  }
}

function checkMasks(thing: string, masks: readonly Rle[], wanted: number, [width, height]: number[]): void {
  checkLength(thing, masks, wanted);
  masks.forEach((mask, i) => {
    if (mask.width !== width || mask.height !== height) {
      throw wrong(`${thing}[${i}]`, `${mask.width} x ${mask.height}`, `${width} x ${height}, the size of the image`);
    }
  });
}

function sameForAll(where: string, what: string, before: boolean | undefined, now: boolean, rows: number): boolean | undefined {
  if (rows === 0 && !now) return before;
  if (before !== undefined && before !== now) {
    throw wrong(where, `${now ? '' : 'no '}${what}`, `${before ? '' : 'no '}${what}, as for the images before`);
  }
  return now;
}

/** How many ground truths (crowds not counted) and images with one each label has. */
export function truthCounts(firings: Firings): { instances: Uint32Array; images: Uint32Array } {
  const instances = new Uint32Array(firings.count);
  const images = new Uint32Array(firings.count);
  const last = new Int32Array(firings.count).fill(-1);
  for (let i = 0; i + 1 < firings.truthStarts.length; i++) {
    for (let g = firings.truthStarts[i]!; g < firings.truthStarts[i + 1]!; g++) {
      if (firings.truthFlags[g]! & truthFlag.crowd) continue;
      const c = firings.truthLabels[g]!;
      instances[c]!++;
      if (last[c] !== i) images[c]!++;
      last[c] = i;
    }
  }
  return { instances, images };
}

/** Throws LearnError `invalid-firings` where a data set has no image, or no ground truth at all: nothing can be learnt of it. */
export function checkLearnable(firings: Firings): void {
  const images = new Uint32Array(firings.spaces.length);
  for (const d of firings.imageDatasets) images[d]!++;
  const truths = new Uint32Array(firings.spaces.length);
  for (const c of firings.truthLabels) truths[firings.datasetOf[c]!]!++;
  firings.spaces.forEach(({ name }, d) => {
    const thing = `data set ${JSON.stringify(name)}`;
    const next = 'Add validation images with ground truth of this data set, or leave it out.';
    if (images[d] === 0) throw wrong(thing, 'no image', 'images with ground truth', next);
    if (truths[d] === 0) throw wrong(thing, `${images[d]} images without ground truth`, 'images with ground truth', next);
  });
}

/** `"cat" (id 8) of label space "voc"`. */
export const nodeName = formatNode;
