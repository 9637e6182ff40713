// What stands between features and losses, with gradients: cosine classifier, MERGE of masks, many-to-one label mapping.
import { ArgumentError } from '../errors.js';
import type { Floats, MaskSlopes, MergedMasks, TrainKernels } from './kernels.js';
import { referenceKernels } from './reference/index.js';

export { absentMaskLogit } from './reference/merge_masks.js';

/** Who computes. */
type Products = Pick<TrainKernels, 'matmul' | 'unit_rows' | 'unit_rows_gradient'>;
type Merges = Pick<TrainKernels, 'merge_masks' | 'merge_masks_gradient'>;

const reference: Products & Merges = referenceKernels;

/** Rows of length 1, of the floats that came, and the lengths they had. */
export function unitOf(x: Floats, P: number, D: number, kernels: Products): { unit: Floats; lengths: Float64Array } {
  const [unit, lengths] = [x.slice(), new Float64Array(P)];
  kernels.unit_rows({ x, unit, lengths, P, D });
  return { unit, lengths };
}

/** Shapes of a cosine classifier. */
export interface CosineClassifier {
  /** [P, D] */
  readonly features: Floats;
  /** [C, D] */
  readonly weights: Floats;
  /** Rows: pixels, proposals or positions. */
  readonly P: number;
  /** Classes. */
  readonly C: number;
  /** Features. */
  readonly D: number;
  /** t: logits are t cos. UniSeg's App. G has 20; ScaleDet's Eq. 5 is t = 1. */
  readonly scale: number;
}

/** logits [P, C] = t cos(feature, weight) (UniSeg App. G, ScaleDet Eq. 5). @param kernels default: the reference's */
export function cosineLogits(layer: CosineClassifier, logits: Floats, kernels: Products = reference): void {
  const { features, weights, P, C, D, scale } = layer;
  const [f, w] = [unitOf(features, P, D, kernels), unitOf(weights, C, D, kernels)];
  kernels.matmul({ a: f.unit, b: w.unit, out: logits, M: P, N: C, K: D, transposeB: true });
  if (scale !== 1) for (let i = 0; i < logits.length; i++) logits[i] = scale * logits[i]!;
}

/**
 * Gradients of {@link cosineLogits} from that of the logits [P, C]; `weightGradient` may be left out where weights are frozen (text embeddings).
 * d cos / df = (w / |w| - cos f / |f|) / |f|.
 */
export function cosineGradients(
  layer: CosineClassifier,
  logitGradient: Floats,
  featureGradient: Floats,
  weightGradient?: Floats,
  kernels: Products = reference,
): void {
  const { features, weights, P, C, D, scale } = layer;
  const [f, w] = [unitOf(features, P, D, kernels), unitOf(weights, C, D, kernels)];
  const slopes = scale === 1 ? logitGradient : logitGradient.map((slope: number) => scale * slope);
  kernels.matmul({ a: slopes, b: w.unit, out: featureGradient, M: P, N: D, K: C });
  kernels.unit_rows_gradient({ gradient: featureGradient, ...f, P, D });
  if (!weightGradient) return;
  kernels.matmul({ a: slopes, b: f.unit, out: weightGradient, M: C, N: D, K: P, transposeA: true });
  kernels.unit_rows_gradient({ gradient: weightGradient, ...w, P: C, D });
}

/** Mask proposals to merge. */
export interface MaskMerge {
  /** [M, N] mask logits. */
  readonly masks: Floats;
  /** [M, C] class logits. */
  readonly classes: Floats;
  /** Masks. */
  readonly M: number;
  /** Pixels of a mask. */
  readonly N: number;
  /** Classes. */
  readonly C: number;
  /** Classes to merge, K of them, each once. */
  readonly wanted: readonly number[];
}

/**
 * MERGE of DaTaSeg: masks by maximum (Eq. 1), class logits by mean (Eq. 2), for each class of `wanted`. Of equal mask logits the earlier proposal's, of equal
 * class logits the earlier class. Floats of the result are as those of `masks`. On a GPU: `merge_masks` of {@link TrainDevice}.
 * @param kernels default: the reference's
 * @throws ArgumentError for shapes that do not fit, classes that are not there or come twice, class logits that are NaN (with proposal and class)
 */
export function mergeMasks({ masks, classes, M, N, C, wanted }: MaskMerge, kernels: Merges = reference): MergedMasks {
  if (!(C >= 1)) throw new ArgumentError({ thing: 'C', found: `${C}`, wanted: 'at least one class' });
  checkLength('masks', masks, M * N);
  checkLength('classes', classes, M * C);
  const K = wanted.length;
  const places = new Int32Array(C).fill(-1);
  wanted.forEach((c, k) => {
    if (places[c] !== -1)
      throw new ArgumentError({ thing: `wanted[${k}]`, found: `${c}`, wanted: `a whole number from 0 to ${C - 1}, each once` });
    places[c] = k;
  });
  const at = classes.findIndex(Number.isNaN);
  if (at >= 0)
    throw new ArgumentError({
      thing: `classes[${Math.floor(at / C)}, ${at % C}]`,
      found: 'NaN',
      wanted: 'a number',
      next: 'The rate may be too high.',
    });
  const make = (n: number): Floats => (masks instanceof Float64Array ? new Float64Array(n) : new Float32Array(n));
  const merged: MergedMasks = {
    masks: make(K * N),
    classes: make(K * C),
    from: new Int32Array(K * N),
    classOf: new Int32Array(M),
    counts: new Int32Array(K),
  };
  kernels.merge_masks({ masks, M, N, classes, C, places, K }, merged);
  return merged;
}

/**
 * Gradients of {@link mergeMasks}: of a maximum to the proposal that gave it, of a mean to all in equal parts. Which class a proposal predicts has none.
 * @param maskGradient [K, N], @param classGradient [K, C], @param out masks [M, N] and classes [M, C], written, @param kernels default: the reference's
 * @throws ArgumentError for shapes that do not fit
 */
export function mergeMasksGradients(
  { M, N, C }: Pick<MaskMerge, 'M' | 'N' | 'C'>,
  { from, classOf, counts }: MergedMasks,
  maskGradient: Floats,
  classGradient: Floats,
  out: MaskSlopes,
  kernels: Merges = reference,
): void {
  const K = counts.length;
  checkLength('maskGradient', maskGradient, K * N);
  checkLength('classGradient', classGradient, K * C);
  checkLength('out.masks', out.masks, M * N);
  checkLength('out.classes', out.classes, M * C);
  kernels.merge_masks_gradient({ M, N, C, K, from, classOf, counts, maskGradient, classGradient }, out);
}

function checkLength(thing: string, { length }: Floats, wanted: number): void {
  if (length !== wanted) throw new ArgumentError({ thing, found: `${length} numbers`, wanted: `${wanted}` });
}

/** Shapes of a many-to-one mapping. */
export interface LabelMapping {
  /** [P, U] logits of unified labels. */
  readonly unified: Floats;
  /** [K, U] what each unified label adds to each label of the data set: Boolean, or between 0 and 1 while it is learned. */
  readonly mapping: Floats;
  /** Rows: pixels, proposals or positions. */
  readonly P: number;
  /** Unified labels. */
  readonly U: number;
  /** Labels of the data set. */
  readonly K: number;
}

/** logits [P, K] = unified mapping^T (AutoUniSeg Eq. 5: s = M u). @param kernels default: the reference's */
export function mapLabels({ unified, mapping, P, U, K }: LabelMapping, logits: Floats, kernels: Products = reference): void {
  kernels.matmul({ a: unified, b: mapping, out: logits, M: P, N: K, K: U, transposeB: true });
}

/** Gradients of {@link mapLabels} from that of its logits [P, K]: unified [P, U], and mapping [K, U] where it is learned. */
export function mapLabelsGradients(
  { unified, mapping, P, U, K }: LabelMapping,
  logitGradient: Floats,
  unifiedGradient: Floats,
  mappingGradient?: Floats,
  kernels: Products = reference,
): void {
  kernels.matmul({ a: logitGradient, b: mapping, out: unifiedGradient, M: P, N: U, K });
  if (mappingGradient) kernels.matmul({ a: logitGradient, b: unified, out: mappingGradient, M: K, N: U, K: P, transposeA: true });
}
