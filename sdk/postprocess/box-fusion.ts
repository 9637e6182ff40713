// Weighted box fusion: joins the boxes of several models into their weighted means instead of choosing one of them.
import { ArgumentError, describe } from '../errors.js';
import { iou } from './nms.js';

/** The boxes of one model. */
export interface ModelBoxes {
  /** [n, 4] xyxy, in any unit that all models share. */
  boxes: ArrayLike<number>;
  /** [n] */
  scores: ArrayLike<number>;
  /** [n] */
  labelIndices: ArrayLike<number>;
}

/** Options of {@link fuseBoxes}. */
export interface BoxFusionOptions {
  /** Trust in each model, above 0. Default: 1 each. */
  weights?: readonly number[];
  /** Boxes of one label that overlap a fused box by more than this join it, 0 to 1. Default: 0.55. */
  iouThreshold?: number;
  /** Boxes with a smaller score are left out. Default: 0. */
  scoreThreshold?: number;
  /** Score of a fused box: `average` of its members, scaled by how many models saw it, or their `max`. Default: `average`. */
  score?: 'average' | 'max';
  /** Average only: whether more members than models raise the score further. Default: false. */
  overflow?: boolean;
  /**
   * Average only: whether a model can find a label at all. A model that cannot takes no part in the average, as in UniDet's Eq. 5, which averages
   * over the data sets that have the label. Default: every model can.
   */
  knows?: (model: number, label: number) => boolean;
}

/** Fused boxes, best first. */
export interface FusedBoxes {
  /** [n, 4] xyxy */
  boxes: Float64Array;
  /** [n] falling. */
  scores: Float64Array;
  /** [n] */
  labelIndices: Int32Array;
  /** Number of boxes joined in each. */
  members: Int32Array;
  /** For each fused box the boxes that were joined in it, the best first. */
  sources: readonly (readonly BoxSource[])[];
}

/** Where a box came from. */
export interface BoxSource {
  /** Position of the model. */
  model: number;
  /** Row of its box. */
  row: number;
}

interface Cluster {
  box: [number, number, number, number];
  label: number;
  /** Sums over the members: score, and score times coordinate. */
  score: number;
  best: number;
  sums: [number, number, number, number];
  sources: BoxSource[];
}

/**
 * Weighted box fusion (R. Solovyev, W. Wang, T. Gabruseva, Image and Vision Computing 107, 2021, section 3): boxes are taken by falling weighted
 * score; each joins the fused box of its label that it overlaps most (above the threshold) or starts a new one; coordinates are means weighted by
 * score; at the end scores are multiplied by min(members, models) / sum of weights (members / sum of weights with `overflow`), over the models
 * that know the label. Boxes without area and NaN scores are left out.
 * @throws ArgumentError for lengths that do not fit or options outside their range.
 */
export function fuseBoxes(models: readonly ModelBoxes[], options: BoxFusionOptions = {}): FusedBoxes {
  const { iouThreshold = 0.55, scoreThreshold = 0, score = 'average', overflow = false, knows = () => true } = options;
  const weights = options.weights ?? models.map(() => 1);
  if (weights.length !== models.length || !weights.every((weight) => weight > 0 && weight < Infinity)) {
    throw new ArgumentError({
      thing: 'fuseBoxes.weights',
      found: `${weights.length} weights: ${weights.slice(0, 8).join(', ')}`,
      wanted: `${models.length} numbers above 0, one a model`,
    });
  }
  if (!(iouThreshold >= 0 && iouThreshold <= 1)) {
    throw new ArgumentError({ thing: 'fuseBoxes.iouThreshold', found: describe(iouThreshold), wanted: 'a number from 0 to 1' });
  }
  if (score !== 'average' && score !== 'max') {
    throw new ArgumentError({ thing: 'fuseBoxes.score', found: describe(score), wanted: '"average" or "max"' });
  }
  const all = collect(models, weights, scoreThreshold);
  const clusters: Cluster[] = [];
  for (const { box, label, weighted, source } of all) {
    let joined: Cluster | undefined;
    let most = iouThreshold;
    for (const cluster of clusters) {
      if (cluster.label !== label) continue;
      const overlap = iou([...cluster.box, ...box], 0, 1);
      if (overlap > most) {
        most = overlap;
        joined = cluster;
      }
    }
    if (!joined) {
      joined = { box, label, score: 0, best: 0, sums: [0, 0, 0, 0], sources: [] };
      clusters.push(joined);
    }
    joined.sources.push(source);
    joined.score += weighted;
    joined.best = Math.max(joined.best, weighted);
    for (let k = 0; k < 4; k++) joined.sums[k]! += weighted * box[k]!;
    // Zero scores have no mean of their own: such a box keeps its place.
    if (joined.score > 0) joined.box = joined.sums.map((sum) => sum / joined.score) as Cluster['box'];
  }
  const scaled = clusters.map((cluster) => {
    if (score === 'max') return { cluster, value: cluster.best / Math.max(...weights) };
    const able = weights.filter((_, model) => knows(model, cluster.label));
    const trust = able.reduce((sum, weight) => sum + weight, 0);
    const members = cluster.sources.length;
    return { cluster, value: ((cluster.score / members) * (overflow ? members : Math.min(members, able.length))) / trust };
  });
  scaled.sort((a, b) => b.value - a.value);
  return {
    boxes: Float64Array.from(scaled.flatMap(({ cluster }) => cluster.box)),
    scores: Float64Array.from(scaled, ({ value }) => value),
    labelIndices: Int32Array.from(scaled, ({ cluster }) => cluster.label),
    members: Int32Array.from(scaled, ({ cluster }) => cluster.sources.length),
    sources: scaled.map(({ cluster }) => cluster.sources),
  };
}

function collect(models: readonly ModelBoxes[], weights: readonly number[], scoreThreshold: number) {
  const all: { box: Cluster['box']; label: number; weighted: number; source: BoxSource }[] = [];
  models.forEach(({ boxes, scores, labelIndices }, model) => {
    if (boxes.length !== scores.length * 4 || labelIndices.length !== scores.length) {
      throw new ArgumentError({
        thing: `fuseBoxes model ${model}`,
        found: `boxes of ${boxes.length} numbers, ${scores.length} scores, ${labelIndices.length} label indices`,
        wanted: 'shapes [n, 4], [n] and [n]',
      });
    }
    for (let i = 0; i < scores.length; i++) {
      const box: Cluster['box'] = [boxes[i * 4]!, boxes[i * 4 + 1]!, boxes[i * 4 + 2]!, boxes[i * 4 + 3]!];
      if (scores[i]! >= scoreThreshold && box[2] > box[0] && box[3] > box[1]) {
        all.push({ box, label: labelIndices[i]!, weighted: scores[i]! * weights[model]!, source: { model, row: i } });
      }
    }
  });
  return all.sort((a, b) => b.weighted - a.weighted);
}
