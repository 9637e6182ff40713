// Firings straight from detectors: a partitioned one, whose heads share their boxes, or several separate ones, whose boxes are matched by overlap.
import { ArgumentError, describe, LearnError } from '../../errors.js';
import type { Detections } from '../../detections/detections.js';
import { nms } from '../../postprocess/nms.js';
import { formatSpace, type LabelSpace } from '../../taxonomy/label-space.js';
import type { LongOptions } from '../costs/ap-loss.js';
import { boxOverlap } from '../costs/overlap.js';
import { type Firings, FiringsBuilder, type FiringsBuilderOptions, type TruthInput } from './firings.js';
import { shareBoxes } from './shared-boxes.js';

/** What is used of a detector; `loadDetector` gives one. `I` is what it takes for an image. */
export interface FiringDetector<I> {
  /** The label spaces of its heads. */
  readonly datasets: readonly LabelSpace[];
  /** What each head says, by the name of its data set. */
  detectPerDataset(
    image: I,
    options: { scoreThreshold?: number; maxDetections?: number; signal?: AbortSignal },
  ): Promise<ReadonlyMap<string, Detections>>;
}

/** An image with its ground truth. */
export interface FiringImage<I> {
  /** Name of the data set whose ground truth this is; one head at least has its labels. */
  readonly dataset: string;
  /** A number of its own in the data set. */
  readonly id: number;
  /** Name of its file. */
  readonly name?: string | undefined;
  /** The image itself, as the detectors take it. */
  readonly image: I;
  /** Ground truth, in the labels of the head. */
  readonly truths: TruthInput;
}

/** Options of {@link fireDetectors}. */
export interface FireOptions extends FiringsBuilderOptions, LongOptions {
  /** Least score that is asked for. Default 0.02: average precision needs doubtful boxes, too. */
  readonly scoreThreshold?: number | undefined;
  /** Most boxes of an image and head. Default 300. */
  readonly maxDetections?: number | undefined;
  /** Boxes of separate models that overlap by this much are one proposal. Default 0.5. */
  readonly matchIou?: number | undefined;
  /** Images in all, for the progress. */
  readonly total?: number | undefined;
}

/**
 * Runs detectors over images and keeps what every head says beside the ground truth.
 *
 * Boxes with the same coordinates are one box, as with the heads of a partitioned detector. Boxes of separate models stay as they are, so that each head
 * is judged by its own; for losses that compare scores box by box they are joined into proposals: pairs of boxes of two models, whatever their labels, in
 * the order of falling overlap, each box at most once, down to `matchIou`. Several models of one data set speak as one head: their boxes together, the
 * best of those of a label that overlap by more than 0.5.
 *
 * @throws LearnError `invalid-firings` where two models disagree about a data set or none knows the ground truth's; errors of the detectors; or
 * `signal.reason`.
 */
export async function fireDetectors<I>(
  detectors: readonly FiringDetector<I>[],
  images: Iterable<FiringImage<I>> | AsyncIterable<FiringImage<I>>,
  options: FireOptions = {},
): Promise<Firings> {
  const { scoreThreshold = 0.02, maxDetections = 300, matchIou = 0.5, signal, onProgress, total = 0 } = options;
  if (!(typeof matchIou === 'number' && matchIou > 0 && matchIou <= 1)) {
    throw new ArgumentError({ thing: 'matchIou', found: describe(matchIou), wanted: 'a number above 0, up to 1' });
  }
  const spaces: LabelSpace[] = [];
  const speakers: number[] = [];
  for (const space of detectors.flatMap(({ datasets }) => datasets)) {
    const at = spaces.findIndex(({ name }) => name === space.name);
    if (at < 0) {
      spaces.push(space);
      speakers.push(1);
      continue;
    }
    speakers[at]!++;
    const known = spaces[at]!;
    if (known.size !== space.size || known.names.some((name, k) => name !== space.names[k])) {
      throw new LearnError('invalid-firings', {
        thing: formatSpace(space),
        found: `two models with other labels (${known.size} and ${space.size})`,
        wanted: 'the same labels in the same order',
        next: 'Give one of the data sets another name in its manifest.',
      });
    }
  }
  const builder = new FiringsBuilder(spaces, options);
  const { starts } = builder.nodes;
  const ask = { scoreThreshold, maxDetections, ...(signal && { signal }) };
  let done = 0;
  for await (const { dataset, id, name, image, truths } of images) {
    signal?.throwIfAborted();
    const boxes: number[] = [];
    const labels: number[] = [];
    const scores: number[] = [];
    const models: number[] = [];
    let size: { width: number; height: number } | undefined;
    for (const [m, detector] of detectors.entries()) {
      for (const [head, found] of await detector.detectPerDataset(image, ask)) {
        const start = starts[spaces.findIndex((space) => space.name === head)]!;
        size ??= { width: found.imageWidth, height: found.imageHeight };
        for (let i = 0; i < found.scores.length; i++) {
          for (let k = 0; k < 4; k++) boxes.push(found.boxes[4 * i + k]!);
          labels.push(start + found.labelIndices[i]!);
          scores.push(Math.min(1, Math.max(0, found.scores[i]!)));
          models.push(m);
        }
      }
    }
    const rows = speakers.some((n) => n > 1) ? nms(boxes, scores, labels, { iouThreshold: 0.5 }) : scores.map((_, i) => i);
    const pick = (list: readonly number[]): number[] => rows.map((i) => list[i]!);
    const flat = rows.flatMap((i) => boxes.slice(4 * i, 4 * i + 4));
    const shared = shareBoxes(flat, pick(labels), pick(scores));
    const owners = new Uint32Array(shared.boxes.length / 4);
    // The last one wins where two models give the very same box: they match either way.
    pick(models).forEach((m, i) => (owners[shared.boxOfRow[i]!] = m));
    builder.addImage({
      dataset,
      id,
      name,
      ...size,
      truths,
      boxes: shared.boxes,
      entries: shared.entries,
      ...(detectors.length > 1 && { proposals: matchProposals(shared.boxes, owners, detectors.length, matchIou) }),
    });
    onProgress?.({ phase: 'fire', done: ++done, total });
  }
  return builder.finish();
}

/**
 * The proposal of each box: model by model, boxes join the proposals of the models before, best overlap first, each box and each proposal once.
 * @param boxes [n, 4] xyxy
 * @param owners [n] model of each box
 * @returns [n]
 */
export function matchProposals(boxes: Float32Array, owners: ArrayLike<number>, models: number, matchIou: number): Uint32Array {
  const proposals = new Uint32Array(owners.length);
  /** First box of each proposal. */
  const first: number[] = [];
  for (let m = 0; m < models; m++) {
    const own = Array.from({ length: owners.length }, (_, i) => i).filter((i) => owners[i] === m);
    const pairs: { box: number; proposal: number; overlap: number }[] = [];
    for (const box of own) {
      first.forEach((other, proposal) => {
        const overlap = boxOverlap(boxes, box, boxes, other);
        if (overlap >= matchIou) pairs.push({ box, proposal, overlap });
      });
    }
    pairs.sort((x, y) => y.overlap - x.overlap || x.proposal - y.proposal || x.box - y.box);
    const taken = new Set<number>();
    const placed = new Set<number>();
    for (const { box, proposal } of pairs) {
      if (placed.has(box) || taken.has(proposal)) continue;
      placed.add(box);
      taken.add(proposal);
      proposals[box] = proposal;
    }
    for (const box of own) {
      if (placed.has(box)) continue;
      proposals[box] = first.length;
      first.push(box);
    }
  }
  return proposals;
}
