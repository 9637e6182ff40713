// The closed list of training kernels: what each reads and writes, with shapes. Every runtime (reference, wasm, webgpu) has them by these names.
//
// Letters: P rows (pixels, proposals, positions), C classes or columns, D features, M masks, N pixels of a mask, H W its sides, U unified labels,
// K merged classes.
// Every loss reads its logits once and writes the gradient once: rows [P] get the unreduced value of each row (weights applied), gradient gets
// d(sum of rows) / d(logits) * scale. Reduction is a matter of `scale` and of adding up rows, so that no kernel needs a second pass over the logits.

/** 32-bit floats, as devices have them, or doubles (the reference only: finite differences). */
export type Floats = Float32Array | Float64Array;

/** What a loss kernel writes. */
export interface LossOutput {
  /** [P] */
  readonly rows: Floats;
  /** Shape of the logits. */
  readonly gradient: Floats;
}

/** -1: the row does not count. */
type Labels = Int32Array;

/** Per row [P], or per element [P, C]; 0 leaves it out. */
type Weights = Floats;

/** States of a target table: an element is a negative, a positive, or takes no part. */
export const target = { negative: 0, positive: 1, none: 2 } as const;

export interface SoftmaxCrossEntropy {
  /** [P, C] */
  readonly logits: Floats;
  readonly P: number;
  readonly C: number;
  /** [P] column of the true class, or -1. */
  readonly labels: Labels;
  /** [C] 1 for columns that the softmax runs over (those of the data set); undefined for all. The others get no gradient. */
  readonly columns?: Uint8Array | undefined;
  /** [P] */
  readonly weights?: Weights | undefined;
  readonly scale: number;
}

export interface SigmoidCrossEntropy {
  /** [P, C] */
  readonly logits: Floats;
  readonly P: number;
  readonly C: number;
  /** [P] row of `table`, or without a table the one positive column (C and above: background, all negative); -1: ignored. */
  readonly labels?: Labels | undefined;
  /** [R, C] of {@link target}. */
  readonly table?: Uint8Array | undefined;
  /** [P, C] targets from 0 to 1 instead of labels. */
  readonly targets?: Floats | undefined;
  /** [C] 1 for columns that take part; undefined for all. */
  readonly columns?: Uint8Array | undefined;
  readonly weights?: Weights | undefined;
  /** Focal exponent; 0: plain cross-entropy. */
  readonly gamma: number;
  /** Weight of positives, 1 - alpha of negatives; below 0: none. */
  readonly alpha: number;
  readonly scale: number;
}

export interface HardSoftLabels {
  /** [P, C] cosines of features and label embeddings. */
  readonly logits: Floats;
  readonly P: number;
  readonly C: number;
  /** [P] true label; C and above: background (hard part only); -1: ignored. */
  readonly labels: Labels;
  /** [C, C] row i: similarity of label i with every label. */
  readonly similarity: Floats;
  /** tau of Eq. 6. */
  readonly temperature: number;
  /** Weight of one squared difference: lambda / C for the mean of Eq. 7. */
  readonly softWeight: number;
  readonly weights?: Weights | undefined;
  readonly scale: number;
}

export interface HeatmapFocal {
  /** [P, C] */
  readonly logits: Floats;
  readonly P: number;
  readonly C: number;
  /** [P, C] from 0 to 1; exactly 1 at centres. */
  readonly targets: Floats;
  /** [P] or [P, C] */
  readonly weights?: Weights | undefined;
  readonly alpha: number;
  readonly beta: number;
  readonly scale: number;
}

export interface Dice {
  /** [M, N] mask logits. */
  readonly logits: Floats;
  readonly M: number;
  readonly N: number;
  /** [M, N] from 0 to 1. */
  readonly targets: Floats;
  /** [M] */
  readonly weights?: Weights | undefined;
  /** Added to both sides of the fraction. */
  readonly smooth: number;
  /** Denominator: sums of p and t, or of their squares. */
  readonly squared: boolean;
  readonly scale: number;
}

export interface Projection {
  /** [M, H, W] mask logits. */
  readonly logits: Floats;
  readonly M: number;
  readonly H: number;
  readonly W: number;
  /** [M, W] and [M, H]: the box projected on x and y, 0 or 1. */
  readonly targetsX: Floats;
  readonly targetsY: Floats;
  /** [M] */
  readonly weights?: Weights | undefined;
  readonly smooth: number;
  readonly squared: boolean;
  readonly scale: number;
}

export interface SmoothL1 {
  /** [P, C] predicted numbers. */
  readonly logits: Floats;
  readonly P: number;
  readonly C: number;
  /** [P, C] */
  readonly targets: Floats;
  /** [P] or [P, C] */
  readonly weights?: Weights | undefined;
  /** Where the square becomes a line; 0: absolute differences. */
  readonly beta: number;
  readonly scale: number;
}

export interface BoxIouLoss {
  /** [P, 4] predicted corners x1, y1, x2, y2. */
  readonly logits: Floats;
  readonly P: number;
  /** [P, 4] */
  readonly targets: Floats;
  /** [P] */
  readonly weights?: Weights | undefined;
  readonly kind: 'giou' | 'ciou';
  readonly scale: number;
}

export interface Orthogonality {
  /** [U, D] embeddings of the unified labels. */
  readonly logits: Floats;
  readonly U: number;
  readonly D: number;
  readonly temperature: number;
  /** Entropy terms of the diagonal (Eq. 7), or of whole rows (the authors' code). */
  readonly wholeRows: boolean;
  readonly scale: number;
}

/** Mask proposals, and the classes that they are merged into (DaTaSeg Eq. 1, 2). */
export interface MergeMasks {
  /** [M, N] mask logits. */
  readonly masks: Floats;
  readonly M: number;
  readonly N: number;
  /** [M, C] class logits; a proposal is of the class with the first largest. */
  readonly classes: Floats;
  readonly C: number;
  /** [C] row of the result that proposals of each class go to, from 0 to K - 1, or -1: none. */
  readonly places: Int32Array;
  /** Merged classes. */
  readonly K: number;
}

/** Merged masks. */
export interface MergedMasks {
  /** [K, N] largest mask logit of the proposals of the class; -100 where no proposal predicts it. */
  readonly masks: Floats;
  /** [K, C] mean of the class logits of those proposals; 0 where there is none. */
  readonly classes: Floats;
  /** [K, N] proposal that gave the mask logit, the earlier of equal ones; -1 for none. */
  readonly from: Int32Array;
  /** [M] row of the result that the proposal went to, or -1. */
  readonly classOf: Int32Array;
  /** [K] proposals of the class. */
  readonly counts: Int32Array;
}

/** What the way back through a merge reads. */
export interface MergeMasksGradient {
  readonly M: number;
  readonly N: number;
  readonly C: number;
  readonly K: number;
  /** As `merge_masks` wrote them. */
  readonly from: Int32Array;
  readonly classOf: Int32Array;
  readonly counts: Int32Array;
  /** [K, N] gradient of the merged mask logits. */
  readonly maskGradient: Floats;
  /** [K, C] gradient of the mean class logits. */
  readonly classGradient: Floats;
}

/** Gradients of what was merged. */
export interface MaskSlopes {
  /** [M, N] */
  readonly masks: Floats;
  /** [M, C] */
  readonly classes: Floats;
}

export interface SgdStep {
  /** [n], changed in place, as `velocity` is. */
  readonly weights: Floats;
  readonly gradient: Floats;
  readonly velocity: Floats;
  readonly rate: number;
  readonly momentum: number;
  readonly decay: number;
  readonly nesterov: boolean;
  /** The gradient is multiplied by it first: global-norm clipping. */
  readonly clip: number;
}

export interface AdamWStep {
  /** [n], changed in place, as both moments are. */
  readonly weights: Floats;
  readonly gradient: Floats;
  readonly first: Floats;
  readonly second: Floats;
  readonly rate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly decay: number;
  /** 1 for the first step. */
  readonly step: number;
  readonly clip: number;
}

export interface MatrixProduct {
  /** [M, K], or [K, M] where it is transposed. */
  readonly a: Floats;
  /** [K, N], or [N, K] where it is transposed. */
  readonly b: Floats;
  /** [M, N], written. */
  readonly out: Floats;
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly transposeA?: boolean | undefined;
  readonly transposeB?: boolean | undefined;
}

export interface AddRows {
  /** [P, C], changed in place. */
  readonly x: Floats;
  /** [C] */
  readonly row: Floats;
  readonly P: number;
  readonly C: number;
}

export interface SumRows {
  /** [P, C] */
  readonly x: Floats;
  /** [C] from `first` on. */
  readonly out: Floats;
  readonly P: number;
  readonly C: number;
  /** Default: 0. */
  readonly first?: number | undefined;
}

export interface UnitRows {
  /** [P, D] */
  readonly x: Floats;
  /** [P, D], written; may be `x` on a processor. */
  readonly unit: Floats;
  /** [P], written: at least 1e-12. */
  readonly lengths: Floats;
  readonly P: number;
  readonly D: number;
}

export interface UnitRowsGradient {
  /** [P, D] gradient of the rows of length 1; that of the rows afterwards. */
  readonly gradient: Floats;
  /** [P, D] and [P], as `unit_rows` wrote them. */
  readonly unit: Floats;
  readonly lengths: Floats;
  readonly P: number;
  readonly D: number;
}

/** All kernels on a processor. A GPU has the same list with buffers for arrays. */
export interface TrainKernels {
  /** Cross-entropy of a softmax over columns. */
  softmax_cross_entropy(input: SoftmaxCrossEntropy, output: LossOutput): void;
  /** Binary cross-entropy of sigmoids, with targets as labels, a table or numbers; focal. */
  sigmoid_cross_entropy(input: SigmoidCrossEntropy, output: LossOutput): void;
  /** Hard and soft label losses of ScaleDet. */
  hard_soft_labels(input: HardSoftLabels, output: LossOutput): void;
  /** CenterNet's focal loss with reduced penalty around centres. */
  heatmap_focal(input: HeatmapFocal, output: LossOutput): void;
  /** Dice of masks. */
  dice(input: Dice, output: LossOutput): void;
  /** Dice of a mask's maxima over rows and columns against a box. */
  projection(input: Projection, output: LossOutput): void;
  /** Absolute differences with a square at zero. */
  smooth_l1(input: SmoothL1, output: LossOutput): void;
  /** GIoU or CIoU of boxes. */
  box_iou_loss(input: BoxIouLoss, output: LossOutput): void;
  /** Entropy of the similarities between embeddings. */
  orthogonality(input: Orthogonality, output: LossOutput): void;
  /** What linear layers are made of, forward and backward. */
  matmul(product: MatrixProduct): void;
  /** A row added to every row: a bias. */
  add_rows(input: AddRows): void;
  /** Sum of the rows: the gradient of a bias. */
  sum_rows(input: SumRows): void;
  /** Rows of length 1: what cosines are made of. */
  unit_rows(input: UnitRows): void;
  /** The way back through them. */
  unit_rows_gradient(input: UnitRowsGradient): void;
  /** MERGE of DaTaSeg: mask logits of proposals of a class by maximum, their class logits by mean. */
  merge_masks(input: MergeMasks, output: MergedMasks): void;
  /** The way back: of a maximum to the proposal that gave it, of a mean to all in equal parts. */
  merge_masks_gradient(input: MergeMasksGradient, output: MaskSlopes): void;
  /** One step of stochastic gradient descent. */
  sgd(step: SgdStep): void;
  /** One step of AdamW. */
  adamw(step: AdamWStep): void;
  /** Sum of squares, for the global norm. */
  square_sum(values: Floats): number;
}

/** Name of a training kernel. */
export type TrainKernelName = keyof TrainKernels;
