// Stage 5 for several models: their boxes in one label space become one set, and a box of a more general label joins the special one it covers.
import type { Candidates } from '../detections/candidates.js';
import { ArgumentError, describe } from '../errors.js';
import { fuseBoxes, type BoxSource } from './box-fusion.js';
import { iou, nms } from './nms.js';

export type { BoxSource } from './box-fusion.js';

/** How boxes of several models that show one object become one. */
export interface FusionOptions {
  /**
   * `boxes` (default): weighted box fusion, the mean of the boxes weighted by their scores (Solovyev et al., 2021). `nms`: the best box stays as it is,
   * and those of its label that overlap it support it.
   */
  method?: 'boxes' | 'nms';
  /** Boxes that overlap by more than this show one object, 0 to 1. Default 0.55. */
  iouThreshold?: number;
  /**
   * Score of the object: `max` (default), the best of its boxes; or `average` over the models that know the label, one that did not find the object
   * counting as 0 (UniDet, Eq. 5, for models with boxes of their own). For `boxes` only; `nms` keeps the best.
   */
  score?: 'max' | 'average';
  /** Trust in each model, above 0. Default 1 each. For `boxes` only. */
  weights?: readonly number[];
}

/** What to keep of the fused boxes. */
export interface FusionLimits {
  /** Least score of a fused box, 0 to 1; one below it takes no general label in. Default 0. */
  scoreThreshold?: number;
  /** At most so many, the best. Default: all. */
  maxDetections?: number;
}

/** What the labels say to fusion. */
export interface FusionLabels {
  /** Whether a model can find a label at all. */
  knows(model: number, label: number): boolean;
  /** The more general labels above a label; none where there is no hierarchy. */
  ancestors(label: number): ArrayLike<number>;
}

/** Fused candidates, best first. */
export interface FusedCandidates extends Candidates {
  /** For each candidate the boxes behind it, the best of its own label first. */
  sources: readonly (readonly BoxSource[])[];
  /** For each candidate the more general labels that were found on the same object. */
  broader: readonly (readonly number[])[];
}

/** Checks the options; gives them with their defaults. Throws ArgumentError. */
export function checkFusion(options: FusionOptions, models: number): Required<FusionOptions> {
  if (typeof options !== 'object' || options === null) {
    throw new ArgumentError({ thing: 'fusion', found: describe(options), wanted: '{ method, iouThreshold, score, weights }' });
  }
  const { method = 'boxes', iouThreshold = 0.55, score = 'max', weights = Array<number>(models).fill(1) } = options;
  const wrong = (thing: string, found: unknown, wanted: string): ArgumentError =>
    new ArgumentError({ thing: `fusion.${thing}`, found: describe(found), wanted });
  if (method !== 'boxes' && method !== 'nms') throw wrong('method', method, '"boxes" or "nms"');
  if (typeof iouThreshold !== 'number' || !(iouThreshold >= 0 && iouThreshold <= 1)) {
    throw wrong('iouThreshold', iouThreshold, 'a number from 0 to 1');
  }
  if (score !== 'max' && score !== 'average') throw wrong('score', score, '"max" or "average"');
  if (!Array.isArray(weights) || weights.length !== models || !weights.every((weight) => weight > 0 && weight < Infinity)) {
    throw wrong('weights', weights, `${models} numbers above 0, one a model`);
  }
  return { method, iouThreshold, score, weights };
}

/**
 * Joins the candidates of several models, all in the labels of one space, label by label; then a box whose label is an ancestor of the label of a
 * box that it overlaps joins that one: a `vehicle` and a `car` on one object are one car that is also a vehicle.
 * Boxes [n, 4] in any unit that all models share. Throws ArgumentError for bad options.
 */
export function fuseCandidates(
  models: readonly Candidates[],
  options: FusionOptions,
  { knows, ancestors }: FusionLabels,
  { scoreThreshold = 0, maxDetections = Number.POSITIVE_INFINITY }: FusionLimits = {},
): FusedCandidates {
  const { method, iouThreshold, score, weights } = checkFusion(options, models.length);
  const flat =
    method === 'nms'
      ? suppress(models, iouThreshold)
      : fuseBoxes(models, { iouThreshold, weights, score, knows: (model, label) => knows(model, label) });
  const { boxes, labelIndices } = flat;
  // Best first, so that those under the threshold stand last.
  const n = Array.from(flat.scores).filter((value) => Math.fround(value) >= scoreThreshold).length;

  // The special box that each general one joins: the one it overlaps most. Each step goes down the hierarchy, so that the chain ends.
  const into = Int32Array.from({ length: n }, (_, general) => {
    let best = -1;
    let most = iouThreshold;
    for (let special = 0; special < n; special++) {
      const overlap = iou(boxes, general, special);
      if (overlap > most && includes(ancestors(labelIndices[special]!), labelIndices[general]!)) {
        best = special;
        most = overlap;
      }
    }
    return best;
  });
  const sources = flat.sources.map((list) => [...list]);
  const broader = Array.from({ length: n }, () => new Set<number>());
  for (let i = 0; i < n; i++) {
    let end = i;
    while (into[end]! >= 0) end = into[end]!;
    if (end === i) continue;
    sources[end]!.push(...flat.sources[i]!);
    broader[end]!.add(labelIndices[i]!);
  }
  const left = Array.from({ length: n }, (_, i) => i)
    .filter((i) => into[i]! < 0)
    .slice(0, maxDetections);
  return {
    boxes: Float32Array.from(left.flatMap((i) => [boxes[i * 4]!, boxes[i * 4 + 1]!, boxes[i * 4 + 2]!, boxes[i * 4 + 3]!])),
    scores: Float32Array.from(left, (i) => flat.scores[i]!),
    labelIndices: Int32Array.from(left, (i) => labelIndices[i]!),
    sources: left.map((i) => sources[i]!),
    broader: left.map((i) => [...broader[i]!].sort((a, b) => a - b)),
  };
}

function includes(list: ArrayLike<number>, value: number): boolean {
  for (let i = 0; i < list.length; i++) if (list[i] === value) return true;
  return false;
}

/** Class-wise suppression over all models; each dropped box supports the kept one that it overlaps most. */
function suppress(models: readonly Candidates[], iouThreshold: number): Candidates & { sources: BoxSource[][] } {
  const from = models.flatMap(({ scores }, model) => Array.from(scores, (_, row): BoxSource => ({ model, row })));
  const boxes = Float32Array.from(models.flatMap((model) => Array.from(model.boxes)));
  const scores = Float32Array.from(models.flatMap((model) => Array.from(model.scores)));
  const labelIndices = Int32Array.from(models.flatMap((model) => Array.from(model.labelIndices)));
  const kept = nms(boxes, scores, labelIndices, { iouThreshold, perClass: true });
  const position = new Map(kept.map((i, at) => [i, at]));
  const sources = kept.map((i) => [from[i]!]);
  const order = [...from.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b);
  for (const i of order) {
    if (position.has(i)) continue;
    let best = -1;
    let most = iouThreshold;
    for (const j of kept) {
      const overlap = labelIndices[i] === labelIndices[j] ? iou(boxes, i, j) : 0;
      if (overlap > most) {
        best = j;
        most = overlap;
      }
    }
    if (best >= 0) sources[position.get(best)!]!.push(from[i]!);
  }
  return {
    boxes: Float32Array.from(kept.flatMap((i) => Array.from(boxes.subarray(i * 4, i * 4 + 4)))),
    scores: Float32Array.from(kept, (i) => scores[i]!),
    labelIndices: Int32Array.from(kept, (i) => labelIndices[i]!),
    sources,
  };
}
