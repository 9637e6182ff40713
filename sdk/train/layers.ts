// What stands between features and losses, with gradients: cosine classifier, MERGE of masks, many-to-one label mapping.
import type { Floats, TrainKernels } from './kernels.js';
import { referenceKernels } from './reference/index.js';

/** Who computes. */
type Products = Pick<TrainKernels, 'matmul' | 'unit_rows' | 'unit_rows_gradient'>;

const reference: Products = referenceKernels;

/** Rows of length 1, and the lengths they had. */
function unitOf(x: Floats, P: number, D: number, kernels: Products): { unit: Floats; lengths: Float64Array } {
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
  /** Classes to merge, K of them. */
  readonly wanted: readonly number[];
}

/** What {@link mergeMasks} gives. */
export interface MergedMasks {
  /** [K, N] largest mask logit of the proposals of the class; -100 where no proposal predicts it. */
  readonly masks: Float64Array;
  /** [K, C] mean of the class logits of those proposals; 0 where there is none. */
  readonly classes: Float64Array;
  /** [K, N] proposal that gave the mask logit, -1 for none. */
  readonly from: Int32Array;
  /** [M] place in `wanted` of the proposal's class, or -1. */
  readonly classOf: Int32Array;
  /** [K] proposals of the class. */
  readonly counts: Int32Array;
}

/** A logit whose sigmoid is 0 for all purposes (DaTaSeg, 3.2). */
export const absentMaskLogit = -100;

/** MERGE of DaTaSeg: masks by maximum (Eq. 1), class logits by mean (Eq. 2). Of equal logits the earlier proposal, of equal classes the earlier class. */
export function mergeMasks({ masks, classes, M, N, C, wanted }: MaskMerge): MergedMasks {
  const K = wanted.length;
  const classOf = new Int32Array(M);
  const counts = new Int32Array(K);
  const merged: MergedMasks = {
    masks: new Float64Array(K * N).fill(absentMaskLogit),
    classes: new Float64Array(K * C),
    from: new Int32Array(K * N).fill(-1),
    classOf,
    counts,
  };
  for (let m = 0; m < M; m++) {
    let best = 0;
    for (let c = 1; c < C; c++) if (classes[m * C + c]! > classes[m * C + best]!) best = c;
    const k = wanted.indexOf(best);
    classOf[m] = k;
    if (k < 0) continue;
    counts[k]!++;
    for (let c = 0; c < C; c++) merged.classes[k * C + c]! += classes[m * C + c]!;
    for (let i = 0; i < N; i++) {
      const at = k * N + i;
      if (merged.from[at]! >= 0 && masks[m * N + i]! <= merged.masks[at]!) continue;
      merged.masks[at] = masks[m * N + i]!;
      merged.from[at] = m;
    }
  }
  for (let k = 0; k < K; k++) {
    for (let c = 0; c < C && counts[k]! > 1; c++) merged.classes[k * C + c]! /= counts[k]!;
  }
  return merged;
}

/** Gradients of {@link mergeMasks}: of a maximum to the proposal that gave it, of a mean to all in equal parts. Which class a proposal predicts has none. */
export function mergeMasksGradients(
  { M, N, C }: Pick<MaskMerge, 'M' | 'N' | 'C'>,
  { from, classOf, counts }: MergedMasks,
  maskGradient: Floats,
  classGradient: Floats,
  out: { readonly masks: Floats; readonly classes: Floats },
): void {
  out.masks.fill(0);
  out.classes.fill(0);
  for (let at = 0; at < from.length; at++) {
    const m = from[at]!;
    if (m >= 0) out.masks[m * N + (at % N)] = out.masks[m * N + (at % N)]! + maskGradient[at]!;
  }
  for (let m = 0; m < M; m++) {
    const k = classOf[m]!;
    if (k < 0) continue;
    for (let c = 0; c < C; c++) out.classes[m * C + c] = classGradient[k * C + c]! / counts[k]!;
  }
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
