// What every head offers to the detector: scores, a tail graph behind them, and boxes from what the tail gives.
import type { Candidates } from '../detections/candidates.js';
import type { GraphBuilder } from '../ir/builder.js';
import type { ValueId } from '../ir/graph.js';
import type { Feed, Results } from '../runtime/runtime.js';
import type { ScoreKind } from '../taxonomy/mapping.js';
import type { Shape } from '../tensor/shape.js';

/** A head as a manifest describes it; only what is read here. */
export interface HeadManifest {
  /** The data set whose labels the head scores. */
  dataset: string;
  /** `type` names the decoder; the rest are its parameters. */
  decoder: object;
}

/** What a head is opened with besides its manifest. */
export interface HeadOptions {
  /** First part of the names of all values of the tail, so that several heads stand in one tail graph. Default `tail`. */
  prefix?: string | undefined;
  /** Text embeddings, one for each label, for a head with an `embeddings` classifier. */
  embeddings?: LabelEmbeddings | undefined;
}

/** Text embeddings of labels as rows of one table, in the order of the label space. They need not be normalised. */
export interface LabelEmbeddings {
  /** Float32 [K, D], row-major. */
  data: Float32Array;
  /** Length of one row, D. */
  dimensions: number;
  /** Float32 [D]: embedding of "no object" that all label spaces share, where the classifier was trained with one (DaTaSeg, section 3.3). */
  background?: Float32Array | undefined;
}

/**
 * One head of a model: dense scores per label and what turns the best of them into boxes. A tail graph is built as
 * addScores -> (unify) -> addPeaks, fed with `feeds`, read through `outputs` and given to `decode`.
 */
export interface Head {
  readonly type: string;
  /** The scores that addScores gives: [..., K], K labels in the order of the label space. */
  readonly scores: { readonly from: ScoreKind; readonly shape: Shape };
  /**
   * Equal for heads that score the same positions and take their boxes from the same values in the same way: their dense scores may be joined along
   * the last axis, and one addPeaks serves all.
   */
  readonly geometry: string;
  /** Every value of the network that the tail reads; all are outputs of the graph. */
  readonly inputs: readonly string[];
  /** What to read back after a run. */
  readonly outputs: readonly string[];
  /** Names of the results of addPeaks: scores [k] as they were merged, index int32 [k] (position * labels + label), count int32 [1], boxes [k, 4]. */
  readonly peaks: { readonly value: string; readonly index: string; readonly count: string; readonly boxes: string };
  /** The same head under other names: for another label space in the same tail graph. */
  withPrefix(prefix: string): Head;
  /** Adds everything from the values of the network to the scores: [..., K]. */
  addScores(builder: GraphBuilder): ValueId;
  /** Adds everything from the (merged) scores [..., labels] to `outputs`. At most `k` candidates. */
  addPeaks(builder: GraphBuilder, scores: ValueId, options: { k: number; labels: number }): void;
  /** The feeds of the tail: candidates have a score of `scoreThreshold` (0 to 1) or more; `from` says what the scores given to addPeaks are. */
  feeds(scoreThreshold: number, from: ScoreKind): Record<string, Feed>;
  /** Candidates in pixels of the network's input, best first. Reads `results` only, and keeps nothing of it. */
  decode(results: Results, options: { labels: number; from: ScoreKind }): Candidates;
}
