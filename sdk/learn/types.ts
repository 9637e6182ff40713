// The types that the parts of learning share: labels as nodes, columns of the 0-1 program, what speaks for them, near misses, progress. No code.
import type { LabelId, LabelSpace } from '../taxonomy/label-space.js';
import type { Origin } from '../taxonomy/taxonomy.js';

/**
 * A label of a data set, as files of columns name it. In memory labels are numbered through all data sets in their order; such a number is called a
 * node: start of the data set (the sizes of those before it) + position of the label.
 */
export interface LabelRef {
  /** Name of the data set. */
  readonly dataset: string;
  /** Id of the label there. */
  readonly id: LabelId;
  /** Name of the label, for people. */
  readonly name: string;
}

/** What merging does to one label, measured on the validation images of its own data set. */
export interface MemberEvidence {
  /** Node. */
  readonly label: number;
  /** AP (or what the loss measures, 0..1) of the label's own scores. */
  readonly before: number;
  /** The same with the scores of the merged label. */
  readonly after: number;
  /** Ground-truth instances behind both numbers. */
  readonly instances?: number;
  /** Images with such an instance. */
  readonly images?: number;
  /** 95 % interval of before - after. */
  readonly interval?: readonly [lower: number, upper: number];
}

/** A merge that the 0-1 program may choose: one column of UniDet's Eq. 8. Labels in no chosen column stand alone at cost 0. */
export interface Column {
  /** Nodes, ascending: two or more, at most one of a data set. */
  readonly members: readonly number[];
  /** What the program weighs, all factors in (|t|, weights of several losses); may be negative: the heads gain by the merge. */
  readonly cost: number;
  /** The single losses before they were weighted: `{ ap: 0.01, language: 0.2 }`. */
  readonly parts?: Readonly<Record<string, number>>;
  /** One entry for each member, where the loss can say it. */
  readonly evidence?: readonly MemberEvidence[];
}

/**
 * Why a merge that looks possible is no column. `pair`: one label stands in badly for the other (pair filter); `cost`: over the cost threshold;
 * `evidence`: too few ground truths to say; `never`: they never fire together.
 */
export type MissReason = 'pair' | 'cost' | 'evidence' | 'never';

/** A merge that was considered and left out before the program was solved. */
export interface NearMiss {
  /** Nodes, ascending. */
  readonly members: readonly number[];
  /** Which test it failed. */
  readonly why: MissReason;
  /** Its cost, where it was computed. */
  readonly cost?: number;
  /** The threshold that it missed. */
  readonly threshold?: number;
  /** What merging would do to each member. */
  readonly evidence?: readonly MemberEvidence[];
  /** For people. */
  readonly note?: string;
}

/** AP of labels standing in for others. */
export interface CrossScores {
  /** [L] AP of every label on its own data set; NaN where it has no ground truth. */
  readonly own: Float64Array;
  /** AP of label a standing in for label b, on the data set of b; pairs that never fire together are left out. */
  readonly pairs: readonly { readonly a: number; readonly b: number; readonly score: number }[];
}

/** What the search for merges gives and the learning of a taxonomy takes. */
export interface Candidates {
  /** The data sets, in order. */
  readonly spaces: readonly LabelSpace[];
  /** Every merge that the program may choose. */
  readonly columns: readonly Column[];
  /** Merges that were left out, for the review. */
  readonly nearMisses: readonly NearMiss[];
  /** Loss, thresholds and form: becomes the origin of the taxonomy. */
  readonly origin: Origin;
  /** Cross-AP, where the loss computed it. */
  readonly cross?: CrossScores;
}

/** Progress of anything long in learning. */
export interface LearnProgress {
  /** What is being done: `read`, `ap`, `pairs`, `columns`, `solve`, `margins`. */
  readonly phase: string;
  /** Steps done. */
  readonly done: number;
  /** Steps in all; 0 where it is not known. */
  readonly total: number;
}
