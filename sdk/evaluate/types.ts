// What every evaluation of this folder shares: diagnostics as data, and where files may come from. No code.

/** How much a diagnostic matters. `warning`: the number is not what most people expect. `info`: a rule of the protocol that applied. */
export type Severity = 'info' | 'warning';

/** Closed set of what diagnostics and EvaluationError.reason can say; the words are explained in the message of each. */
export type DiagnosticCode =
  // the files
  | 'invalid-json'
  | 'missing-field'
  | 'wrong-type'
  | 'non-finite-box'
  | 'negative-box'
  | 'invalid-mask'
  | 'mixed-results'
  | 'mask-written-as-numbers'
  | 'polygon-of-four-numbers'
  | 'null-lists'
  | 'duplicate-image-id'
  | 'duplicate-category-id'
  | 'duplicate-annotation-id'
  | 'annotation-id-zero'
  | 'ignore-overwritten'
  | 'missing-iscrowd'
  | 'missing-area'
  | 'annotation-of-unknown-image'
  | 'annotation-of-unknown-category'
  // the results
  | 'no-detections'
  | 'no-ground-truth'
  | 'detection-of-unknown-image'
  | 'detection-of-unknown-category'
  | 'score-not-a-number'
  | 'box-area-for-masks'
  | 'image-in-two-batches'
  // the protocol
  | 'limit-not-100'
  | 'class-without-ground-truth'
  | 'class-of-ignored-only'
  | 'class-without-detections'
  | 'detections-over-limit'
  | 'equal-scores'
  | 'crowd-absorbed'
  | 'second-best-match'
  | 'counted-before-ignored'
  | 'iou-on-threshold'
  | 'recall-on-threshold'
  | 'area-on-bound'
  | 'area-is-not-box'
  | 'outside-area-ignored'
  | 'lone-true-positive'
  | 'mask-sizes-differ';

/** One observation about the data or the rules that applied. Lists are cut to the first 100; `counts` are complete. */
export interface Diagnostic {
  /** What programs branch on. */
  readonly code: DiagnosticCode;
  /** How much it matters. */
  readonly severity: Severity;
  /** What it is and what was done about it. */
  readonly message: string;
  /** Ids of images concerned, ascending where the code sorts them. */
  readonly images: readonly number[];
  /** Other ids: annotations, categories, or rows of results (0 is the first); `idsAre` tells which. */
  readonly ids: readonly number[];
  /** What `ids` are. */
  readonly idsAre: 'annotations' | 'categories' | 'rows';
  /** How often, by what was counted. */
  readonly counts: Readonly<Record<string, number>>;
  /** Only in mode `corrected`: whether the result differs from the official tool's on account of this. */
  readonly corrected: boolean;
}

export type { BlobLike, FileSource, ReadableStreamLike } from '../store/source.js';

/** What every long call takes. */
export interface LongOptions {
  /** Stops the work; the promise rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
  /** Called now and then with what was done and what there is in all (0 while unknown). */
  readonly onProgress?: ((progress: EvaluationProgress) => void) | undefined;
}

/** How far a long call is. */
export interface EvaluationProgress {
  /** What it is at. */
  readonly stage: 'ground truth' | 'detections' | 'matching';
  /** Bytes for the files, classes for matching. */
  readonly done: number;
  /** 0 while unknown. */
  readonly total: number;
}
