// The losses by name: what each is made of, checked once; and how one is computed for a batch. The arithmetic stands in the kernels.
import { ArgumentError, describe } from '../errors.js';
import type {
  BoxIouLoss,
  Dice,
  Floats,
  HardSoftLabels,
  HeatmapFocal,
  LossOutput,
  Orthogonality,
  Projection,
  SigmoidCrossEntropy,
  SmoothL1,
  SoftmaxCrossEntropy,
  TrainKernels,
} from './kernels.js';
import { columnMask, hierarchyTargets, nullTargets, relationalTargets, type TargetTable } from './targets.js';
import { referenceKernels } from './reference/index.js';

/**
 * What a mean divides by.
 * - `weights`: sum of the weights of the rows that count (PyTorch's cross-entropy).
 * - `rows`: rows that count (UniDet, Detic: sum over classes, mean over proposals).
 * - `elements`: elements of the rows that count.
 * - `positives`: rows with a class (RetinaNet), or centres of a heat map (CenterNet).
 *
 * Where nothing counts it is 1: the value is 0 then, and so is the gradient.
 */
export type Normaliser = 'weights' | 'rows' | 'elements' | 'positives';

interface Named {
  /** The divisor of a mean. */
  readonly normaliser: Normaliser;
}

/** Softmax cross-entropy. */
export interface SoftmaxLoss extends Named {
  /** The training kernel that computes it. */
  readonly kernel: 'softmax_cross_entropy';
  /** C */
  readonly classes: number;
  /** [C] */
  readonly columns: Uint8Array | undefined;
}

/** Sigmoid cross-entropy in all its forms. */
export interface SigmoidLoss extends Named {
  /** The training kernel that computes it. */
  readonly kernel: 'sigmoid_cross_entropy';
  /** C */
  readonly classes: number;
  /** [C] */
  readonly columns: Uint8Array | undefined;
  /** What labels mean; undefined: the column of their number. */
  readonly table: TargetTable | undefined;
  /** Focal exponent. */
  readonly gamma: number;
  /** Weight of positives; below 0: none. */
  readonly alpha: number;
}

/** Hard and soft labels of ScaleDet. */
export interface HardSoftLoss extends Named {
  /** The training kernel that computes it. */
  readonly kernel: 'hard_soft_labels';
  /** n */
  readonly classes: number;
  /** [n, n] */
  readonly similarity: Floats;
  /** tau */
  readonly temperature: number;
  /** lambda / n, or lambda. */
  readonly softWeight: number;
}

/** CenterNet's heat map loss. */
export interface HeatmapLoss extends Named {
  /** The training kernel that computes it. */
  readonly kernel: 'heatmap_focal';
  /** C */
  readonly classes: number;
  /** Focal exponent. */
  readonly alpha: number;
  /** Exponent of the penalty reduction near centres. */
  readonly beta: number;
}

/** Dice of masks, or of their projections. */
export interface DiceLoss extends Named {
  /** The training kernel that computes it. */
  readonly kernel: 'dice' | 'projection';
  /** Added to both sides of the fraction. */
  readonly smooth: number;
  /** Squares in the denominator. */
  readonly squared: boolean;
}

/** Smooth L1 of `classes` numbers a row. */
export interface SmoothL1Loss extends Named {
  /** The training kernel that computes it. */
  readonly kernel: 'smooth_l1';
  /** Numbers a row. */
  readonly classes: number;
  /** Where the square ends. */
  readonly beta: number;
}

/** 1 - GIoU or CIoU. */
export interface BoxLoss extends Named {
  /** The training kernel that computes it. */
  readonly kernel: 'box_iou_loss';
  /** Which overlap. */
  readonly kind: 'giou' | 'ciou';
}

/** Orthogonality of label embeddings. */
export interface OrthogonalityLoss extends Named {
  /** The training kernel that computes it. */
  readonly kernel: 'orthogonality';
  /** D */
  readonly features: number;
  /** T */
  readonly temperature: number;
  /** Entropy of whole rows. */
  readonly wholeRows: boolean;
}

/** A loss: its kernel and its constants. Plain data, the same for every device; constants are uploaded once for each such object. */
export type Loss = SoftmaxLoss | SigmoidLoss | HardSoftLoss | HeatmapLoss | DiceLoss | SmoothL1Loss | BoxLoss | OrthogonalityLoss;

const wrong = (thing: string, found: unknown, wanted: string, next?: string) =>
  new ArgumentError({ thing, found: typeof found === 'string' ? found : describe(found), wanted, next });

function checkNumber(thing: string, value: number, valid: (value: number) => boolean, wanted: string): void {
  if (typeof value !== 'number' || !valid(value)) throw wrong(thing, value, wanted);
}

const isPositive = (value: number) => value > 0 && value < Infinity;
const isCount = (value: number) => Number.isInteger(value) && value > 0;
const notNegative = (value: number) => value >= 0 && value < Infinity;

/** Which columns of a unified space take part: those of one data set. */
export interface ColumnOptions {
  /** C: columns of the logits. */
  readonly classes: number;
  /** Default: all. The others get no gradient. */
  readonly columns?: readonly number[] | undefined;
}

const maskOf = ({ classes, columns }: ColumnOptions) => {
  checkNumber('classes', classes, isCount, 'a whole number from 1');
  return columns && columnMask(columns, classes);
};

/** Softmax cross-entropy over a unified space, or over a data set's own columns. Throws ArgumentError. */
export function softmaxLoss(options: ColumnOptions): SoftmaxLoss {
  return { kernel: 'softmax_cross_entropy', classes: options.classes, columns: maskOf(options), normaliser: 'weights' };
}

/** Exponents of a focal loss. */
export interface FocalOptions {
  /** Default: 2. */
  readonly gamma?: number | undefined;
  /** Weight of positives; below 0: none. Default: 0.25. */
  readonly alpha?: number | undefined;
}

/** Sigmoid binary cross-entropy: summed over columns, mean over rows. Labels from C on are background. Throws ArgumentError. */
export function sigmoidLoss(options: ColumnOptions): SigmoidLoss {
  const { classes } = options;
  return {
    kernel: 'sigmoid_cross_entropy',
    classes,
    columns: maskOf(options),
    table: undefined,
    gamma: 0,
    alpha: -1,
    normaliser: 'rows',
  };
}

/** Focal loss (Lin et al. 2017): mean over rows with a class. Throws ArgumentError. */
export function focalLoss({ gamma = 2, alpha = 0.25, ...options }: ColumnOptions & FocalOptions): SigmoidLoss {
  checkNumber('gamma', gamma, notNegative, 'a number from 0');
  checkNumber('alpha', alpha, (value) => value <= 1, 'a number up to 1; below 0 for none');
  return { ...sigmoidLoss(options), gamma, alpha, normaliser: 'positives' };
}

/** Focal loss of masks: the columns are pixels, `targets` the masks; mean over pixels. Throws ArgumentError. */
export function maskFocalLoss({ pixels, ...focal }: { readonly pixels: number } & FocalOptions): SigmoidLoss {
  return { ...focalLoss({ classes: pixels, ...focal }), normaliser: 'elements' };
}

const tableLoss = (table: TargetTable): SigmoidLoss => ({
  kernel: 'sigmoid_cross_entropy',
  classes: table.classes,
  columns: undefined,
  table,
  gamma: 0,
  alpha: -1,
  normaliser: 'rows',
});

/**
 * Null BCE (UniSeg Eq. 4); labels are those of the data set, `columns` their places in the unified space. With a cosine classifier take `clipNorm` in the
 * optimiser: first gradients are three times those of a softmax. Throws ArgumentError.
 */
export function nullLoss({ classes, columns }: { readonly classes: number; readonly columns: readonly number[] }): SigmoidLoss {
  return tableLoss(nullTargets(classes, columns));
}

/** Class-relational BCE (UniSeg Eq. 6 and 8), see {@link relationalTargets}. Throws ArgumentError. */
export function relationalLoss(options: {
  readonly classes: number;
  readonly columns: readonly number[];
  /** [labels, classes] */
  readonly similarity: ArrayLike<number>;
  /** Default: 0.48, UniSeg's. */
  readonly threshold?: number | undefined;
  /** Default: `none`, as Eq. 6 has it. */
  readonly others?: 'none' | 'negative' | undefined;
}): SigmoidLoss {
  const { classes, columns, similarity, threshold = 0.48, others } = options;
  return tableLoss(relationalTargets(classes, columns, similarity, threshold, others));
}

/** Hierarchy-aware sigmoid loss (UniDet, 5.1), see {@link hierarchyTargets}; label C is background. Throws ArgumentError. */
export function hierarchyLoss(options: { readonly parents: readonly (readonly number[])[] }): SigmoidLoss {
  return tableLoss(hierarchyTargets(options.parents));
}

/**
 * ScaleDet's hard and soft labels (Eq. 6 to 8) on cosines. The hard part is summed over labels, the soft one is their mean square.
 * Throws ArgumentError.
 */
export function hardSoftLoss(options: {
  /** [n, n], see {@link labelSimilarity}. */
  readonly similarity: Floats;
  /** tau. Default: 1/50 (the paper gives none; Detic's). */
  readonly temperature?: number | undefined;
  /** lambda; 0: hard only. Default: 10. */
  readonly lambda?: number | undefined;
}): HardSoftLoss {
  const { similarity, temperature = 1 / 50, lambda = 10 } = options;
  const classes = Math.sqrt(similarity.length);
  if (!isCount(classes)) throw wrong('similarity', `${similarity.length} numbers`, '[n, n]');
  checkNumber('temperature', temperature, isPositive, 'a number above 0');
  checkNumber('lambda', lambda, notNegative, 'a number from 0');
  return { kernel: 'hard_soft_labels', classes, similarity, temperature, softWeight: lambda / classes, normaliser: 'rows' };
}

/** CenterNet's penalty-reduced focal loss: sum over the heat map, mean over centres. Throws ArgumentError. */
export function heatmapLoss(options: {
  readonly classes: number;
  readonly alpha?: number | undefined;
  readonly beta?: number | undefined;
}): HeatmapLoss {
  const { classes, alpha = 2, beta = 4 } = options;
  checkNumber('classes', classes, isCount, 'a whole number from 1');
  checkNumber('alpha', alpha, notNegative, 'a number from 0');
  checkNumber('beta', beta, notNegative, 'a number from 0');
  return { kernel: 'heatmap_focal', classes, alpha, beta, normaliser: 'positives' };
}

interface DiceOptions {
  readonly smooth?: number | undefined;
  readonly squared?: boolean | undefined;
}

/** Dice loss, one value a mask. Default: plain sums and smooth = 1, as MaskFormer has it. Throws ArgumentError. */
export function diceLoss({ smooth = 1, squared = false }: DiceOptions = {}): DiceLoss {
  checkNumber('smooth', smooth, notNegative, 'a number from 0');
  return { kernel: 'dice', smooth, squared, normaliser: 'rows' };
}

/** Projection loss of masks against boxes (DaTaSeg Eq. 3). Default: squares and smooth = 1e-5, as BoxInst has it. Throws ArgumentError. */
export function projectionLoss({ smooth = 1e-5, squared = true }: DiceOptions = {}): DiceLoss {
  return { ...diceLoss({ smooth, squared }), kernel: 'projection' };
}

/** Smooth L1 of `numbers` values a row: summed over them, mean over rows. Throws ArgumentError. */
export function smoothL1Loss({
  numbers = 4,
  beta = 1,
}: { readonly numbers?: number; readonly beta?: number } = {}): SmoothL1Loss {
  checkNumber('numbers', numbers, isCount, 'a whole number from 1');
  checkNumber('beta', beta, notNegative, 'a number from 0');
  return { kernel: 'smooth_l1', classes: numbers, beta, normaliser: 'rows' };
}

/** 1 - GIoU or 1 - CIoU of boxes xyxy. Throws ArgumentError. */
export function boxLoss(kind: 'giou' | 'ciou'): BoxLoss {
  if (kind !== 'giou' && kind !== 'ciou') throw wrong('kind', kind, '"giou" or "ciou"');
  return { kernel: 'box_iou_loss', kind, normaliser: 'rows' };
}

/** Orthogonality of unified label embeddings (AutoUniSeg Eq. 7; with `wholeRows` and temperature 0.07 as the authors' code). Throws ArgumentError. */
export function orthogonalityLoss(options: {
  readonly features: number;
  readonly temperature?: number | undefined;
  readonly wholeRows?: boolean | undefined;
}): OrthogonalityLoss {
  const { features, temperature = 1, wholeRows = false } = options;
  checkNumber('features', features, isCount, 'a whole number from 1');
  checkNumber('temperature', temperature, isPositive, 'a number above 0');
  return { kernel: 'orthogonality', features, temperature, wholeRows, normaliser: 'rows' };
}

/** What a loss is computed on. */
export interface LossInput {
  /** [P, C], [M, N], [M, H, W] or [P, 4] */
  readonly logits: Floats;
  /** [P] labels; -1: the row does not count. From C on: background, for losses that know it. */
  readonly labels?: ArrayLike<number> | undefined;
  /** Shape of the logits: dense targets from 0 to 1, heat maps, masks, boxes. */
  readonly targets?: Floats | undefined;
  /** [P], or [P, C] for sigmoid, heat map and smooth L1 losses; 0 leaves a row or element out. */
  readonly weights?: Floats | undefined;
  /** [C] columns of this step, for a federated loss: see {@link federatedColumns}. */
  readonly columns?: Uint8Array | undefined;
  /** Masks: M of them; not needed for other losses. */
  readonly masks?: number | undefined;
  /** Projection loss: [M, W] and [M, H], see {@link boxProjections}. */
  readonly projections?: { readonly x: Floats; readonly y: Floats } | undefined;
}

/** How a loss is reduced. */
export interface LossOptions {
  /** `none`: the gradient is that of the sum. Default: `mean`. */
  readonly reduction?: 'none' | 'sum' | 'mean' | undefined;
  /** Divisor of the mean instead of the loss's own, above 0: that of the whole batch, where it comes in parts. */
  readonly normaliser?: number | undefined;
  /** Multiplies the gradient: the weight of this loss in a sum. Default: 1. */
  readonly scale?: number | undefined;
  /** Default: the reference kernels. */
  readonly kernels?: TrainKernels | undefined;
}

/** What a loss gives. */
export interface LossValue {
  /** Reduced; with `none` the sum. Not multiplied by `scale`. */
  readonly value: number;
  /** [P] unreduced, with weights. */
  readonly rows: Floats;
  /** Shape of the logits: d(value * scale) / d(logits). */
  readonly gradient: Floats;
  /** What a mean divides by. */
  readonly normaliser: number;
}

/**
 * Value and gradient of a loss.
 * @throws ArgumentError for shapes that do not fit, labels out of range (with their row), targets outside 0 to 1, logits that are not finite
 * (with row and column)
 */
export function computeLoss(loss: Loss, input: LossInput, options: LossOptions = {}): LossValue {
  const { kernels = referenceKernels } = options;
  const { logits } = input;
  const plan = planLoss(loss, input, options);
  const make = (n: number): Floats => (logits instanceof Float64Array ? new Float64Array(n) : new Float32Array(n));
  const output: LossOutput = { rows: make(plan.P), gradient: make(logits.length) };
  const { kernel, input: given } = plan.call;
  (kernels[kernel] as (input: typeof given, output: LossOutput) => void)(given, output);
  return finishLoss(plan, logits, output);
}

/** A kernel and what it reads. */
export type LossCall =
  | { readonly kernel: 'softmax_cross_entropy'; readonly input: SoftmaxCrossEntropy }
  | { readonly kernel: 'sigmoid_cross_entropy'; readonly input: SigmoidCrossEntropy }
  | { readonly kernel: 'hard_soft_labels'; readonly input: HardSoftLabels }
  | { readonly kernel: 'heatmap_focal'; readonly input: HeatmapFocal }
  | { readonly kernel: 'dice'; readonly input: Dice }
  | { readonly kernel: 'projection'; readonly input: Projection }
  | { readonly kernel: 'smooth_l1'; readonly input: SmoothL1 }
  | { readonly kernel: 'box_iou_loss'; readonly input: BoxIouLoss }
  | { readonly kernel: 'orthogonality'; readonly input: Orthogonality };

/** A loss on a batch, checked, before any arithmetic. */
export interface LossPlan {
  readonly call: LossCall;
  /** Rows. */
  readonly P: number;
  /** What a mean divides by. */
  readonly normaliser: number;
  /** What the value is divided by: the normaliser, or 1. */
  readonly divisor: number;
}

/** What every device does before it computes. Throws ArgumentError. */
export function planLoss(loss: Loss, input: LossInput, options: LossOptions): LossPlan {
  const { reduction = 'mean', scale = 1 } = options;
  if (!['none', 'sum', 'mean'].includes(reduction)) throw wrong('reduction', reduction, '"none", "sum" or "mean"');
  const { logits } = input;
  if (!(logits instanceof Float32Array) && !(logits instanceof Float64Array))
    throw wrong('logits', logits, 'a Float32Array or a Float64Array');
  const shape = shapeOf(loss, input);
  const labels = labelsOf(loss, input, shape.P);
  const normaliser = options.normaliser ?? countOf(loss, input, labels, shape);
  if (!(normaliser > 0 && normaliser < Infinity)) throw wrong('normaliser', normaliser, 'a number above 0');
  const divisor = reduction === 'mean' ? normaliser : 1;
  return { call: callOf(loss, input, labels, shape, scale / divisor), P: shape.P, normaliser, divisor };
}

/** What every device does with the rows. Throws ArgumentError for logits that are not finite. */
export function finishLoss({ P, normaliser, divisor }: LossPlan, logits: Floats, output: LossOutput): LossValue {
  let sum = 0;
  for (let p = 0; p < P; p++) sum += output.rows[p]!;
  if (!Number.isFinite(sum)) refuseNotFinite(logits, logits.length / Math.max(1, P));
  return { value: sum / divisor, ...output, normaliser };
}

interface Shape {
  /** Rows: P, M or U. */
  readonly P: number;
  /** Columns. */
  readonly C: number;
}

function shapeOf(loss: Loss, { logits, targets, weights, columns, masks, projections }: LossInput): Shape {
  const fits = (thing: string, found: ArrayLike<number> | undefined, ...wanted: number[]) => {
    if (found && !wanted.includes(found.length)) throw wrong(thing, `${found.length} numbers`, wanted.join(' or '));
  };
  let P: number;
  let C: number;
  if ('smooth' in loss) {
    P = masks ?? Number.NaN;
    if (!Number.isInteger(P) || P < 0) throw wrong('masks', masks, 'how many masks there are');
    C = P === 0 ? 0 : logits.length / P;
  } else {
    C = loss.kernel === 'box_iou_loss' ? 4 : loss.kernel === 'orthogonality' ? loss.features : loss.classes;
    P = logits.length / C;
  }
  if (!Number.isInteger(P) || !Number.isInteger(C) || P * C !== logits.length)
    throw wrong('logits', `${logits.length} numbers`, `rows of ${Number.isInteger(C) ? C : 'one length'}`);
  const elements = ['sigmoid_cross_entropy', 'heatmap_focal', 'smooth_l1'].includes(loss.kernel);
  fits('weights', weights, P, ...(elements ? [P * C] : []));
  fits('targets', targets, P * C);
  if (columns) {
    if (loss.kernel !== 'sigmoid_cross_entropy' && loss.kernel !== 'softmax_cross_entropy')
      throw wrong('columns', `some for ${loss.kernel}`, 'none: the loss has no columns to choose');
    fits('columns', columns, C);
  }
  const needsTargets = ['heatmap_focal', 'dice', 'smooth_l1', 'box_iou_loss'].includes(loss.kernel);
  if (needsTargets && !targets) throw wrong('targets', 'none', `${P * C} numbers`);
  if (targets && ['heatmap_focal', 'dice', 'sigmoid_cross_entropy'].includes(loss.kernel)) {
    for (let i = 0; i < targets.length; i++)
      if (!(targets[i]! >= 0 && targets[i]! <= 1)) throw wrong(`targets[${place(i, C)}]`, targets[i], 'a number from 0 to 1');
  }
  if (loss.kernel === 'projection') {
    if (!projections) throw wrong('projections', 'none', '{ x: [M, W], y: [M, H] }');
    if (projections.x.length * projections.y.length !== P * logits.length)
      throw wrong(
        'projections',
        `${projections.x.length} and ${projections.y.length} numbers`,
        `[${P}, W] and [${P}, H] with W H = ${C}`,
      );
  }
  return { P, C };
}

const place = (i: number, C: number) => `${Math.floor(i / C)}, ${i % C}`;

function labelsOf(loss: Loss, { labels, targets }: LossInput, P: number): Int32Array | undefined {
  const { kernel } = loss;
  if (kernel !== 'softmax_cross_entropy' && kernel !== 'sigmoid_cross_entropy' && kernel !== 'hard_soft_labels') {
    if (labels) throw wrong('labels', `some for ${kernel}`, 'none: the loss has targets');
    return undefined;
  }
  if (kernel === 'sigmoid_cross_entropy' && targets) {
    if (labels || loss.table) throw wrong('targets', 'both labels and dense targets', 'one of them');
    return undefined;
  }
  if (!labels || labels.length !== P) throw wrong('labels', labels ? `${labels.length} labels` : 'none', `${P}, one a row`);
  const checked = labels instanceof Int32Array ? labels : Int32Array.from(labels);
  // A background row is a label for all but the softmax and tables without such a row.
  const most = kernel === 'softmax_cross_entropy' ? loss.classes - 1 : kernel === 'sigmoid_cross_entropy' && loss.table ? loss.table.rows - 1 : loss.classes; // prettier-ignore
  const columns = kernel === 'softmax_cross_entropy' ? loss.columns : undefined;
  for (let p = 0; p < P; p++) {
    const label = labels[p]!;
    if (!(Number.isInteger(label) && label >= -1 && label <= most))
      throw wrong(`labels[${p}]`, label, `a whole number from 0 to ${most}, or -1`);
    if (label >= 0 && columns && !columns[label]) throw wrong(`labels[${p}]`, label, 'one of the columns of the loss');
  }
  return checked;
}

/** The divisor of a mean. */
function countOf(loss: Loss, { targets, weights }: LossInput, labels: Int32Array | undefined, { P, C }: Shape): number {
  const perRow = weights?.length === P ? weights : undefined;
  let count = 0;
  if (loss.kernel === 'heatmap_focal') {
    for (let i = 0; i < targets!.length; i++) if (targets![i] === 1 && weights?.[perRow ? Math.floor(i / C) : i] !== 0) count++;
    return Math.max(1, count);
  }
  const background = loss.kernel === 'sigmoid_cross_entropy' && !loss.table ? loss.classes : Infinity;
  for (let p = 0; p < P; p++) {
    const label = labels ? labels[p]! : 0;
    const weight = perRow ? perRow[p]! : 1;
    if (label < 0 || weight === 0) continue;
    if (loss.normaliser === 'weights') count += weight;
    else if (loss.normaliser === 'elements') count += C;
    else if (loss.normaliser === 'rows' || label < background) count++;
  }
  return count > 0 ? count : 1;
}

function callOf(
  loss: Loss,
  { logits, targets, weights, columns, projections }: LossInput,
  labels: Int32Array | undefined,
  { P, C }: Shape,
  scale: number,
): LossCall {
  switch (loss.kernel) {
    case 'softmax_cross_entropy':
      return {
        kernel: 'softmax_cross_entropy',
        input: { logits, P, C, labels: labels!, columns: both(loss.columns, columns), weights, scale },
      };
    case 'sigmoid_cross_entropy': {
      const { gamma, alpha, table } = loss;
      const own = both(loss.columns, columns);
      return {
        kernel: 'sigmoid_cross_entropy',
        input: { logits, P, C, labels, table: table?.states, targets, columns: own, weights, gamma, alpha, scale },
      };
    }
    case 'hard_soft_labels': {
      const { similarity, temperature, softWeight } = loss;
      return {
        kernel: 'hard_soft_labels',
        input: { logits, P, C, labels: labels!, similarity, temperature, softWeight, weights, scale },
      };
    }
    case 'heatmap_focal': {
      const { alpha, beta } = loss;
      return { kernel: 'heatmap_focal', input: { logits, P, C, targets: targets!, weights, alpha, beta, scale } };
    }
    case 'dice': {
      const { smooth, squared } = loss;
      return { kernel: 'dice', input: { logits, M: P, N: C, targets: targets!, weights, smooth, squared, scale } };
    }
    case 'projection': {
      const { smooth, squared } = loss;
      const [W, H] = P === 0 ? [0, 0] : [projections!.x.length / P, projections!.y.length / P];
      return {
        kernel: 'projection',
        input: { logits, M: P, H, W, targetsX: projections!.x, targetsY: projections!.y, weights, smooth, squared, scale },
      };
    }
    case 'smooth_l1':
      return { kernel: 'smooth_l1', input: { logits, P, C, targets: targets!, weights, beta: loss.beta, scale } };
    case 'box_iou_loss':
      return { kernel: 'box_iou_loss', input: { logits, P, targets: targets!, weights, kind: loss.kind, scale } };
    case 'orthogonality':
      return {
        kernel: 'orthogonality',
        input: { logits, U: P, D: C, temperature: loss.temperature, wholeRows: loss.wholeRows, scale },
      };
  }
}

function both(a: Uint8Array | undefined, b: Uint8Array | undefined): Uint8Array | undefined {
  return a && b ? a.map((column, c) => column & b[c]!) : (a ?? b);
}

/** Says which logit is to blame. */
function refuseNotFinite(logits: Floats, C: number): never {
  for (let i = 0; i < logits.length; i++)
    if (!Number.isFinite(logits[i]!))
      throw wrong(`logits[${place(i, C)}]`, logits[i], 'a finite number', 'The rate may be too high.');
  throw wrong('loss', 'a value that is not finite', 'finite targets and weights');
}
