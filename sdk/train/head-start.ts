// Where heads start: moments of the frozen features, linear discriminants made of them in closed form, rows of the model's own head, dual rows of text.
import type { LayerWeights } from './head-layer.js';
import { type Backbone, featuresOf, type ImageFeatures } from './head-network.js';
import type { OpenHead } from './head-open.js';
import type { HeadRows, ImageRows, Kernel } from './head-rows.js';
import { addLinear, calibrate, type Sample, type ScaleLoss, scaleLossOf, textScoring } from './head-scale.js';
import type { TrainKernels } from './kernels.js';
import { cosineLogits, unitOf } from './layers.js';
import { computeLoss } from './losses.js';
import { seededRandom } from './random.js';
import { referenceKernels } from './reference/index.js';

/** Every second row and column of cells tells enough of how features vary. */
const cellStep = 2;
/** From here on a cell counts for the mean of a class, with its target as weight. */
const nearCentre = 0.5;
/** Added to the variances, in units of the mean square of a channel: few images say little of how channels vary together. */
const shrinkage = 0.1;

/** Adds up what is needed of frozen features, image by image. */
export class Moments {
  readonly #D: number;
  readonly #kernels: TrainKernels;
  /** Sums of products [D, D] and of features [D]; sums [C, D] and weights [C] near centres, for each head. */
  readonly #products: Float64Array;
  readonly #sums: Float64Array;
  #cells = 0;
  readonly #classes: readonly { readonly sums: Float64Array; readonly weights: Float64Array }[];

  constructor(D: number, classes: readonly number[], kernels: TrainKernels) {
    this.#D = D;
    this.#kernels = kernels;
    this.#products = new Float64Array(D * D);
    this.#sums = new Float64Array(D);
    this.#classes = classes.map((C) => ({ sums: new Float64Array(C * D), weights: new Float64Array(C) }));
  }

  /** Takes an image, and its rows where they tell of classes. */
  add({ features: { shape } }: Backbone, image: ImageFeatures, rows: ImageRows | undefined): void {
    const D = this.#D;
    const [, H, W] = shape as [number, number, number];
    const all = featuresOf(image);
    const n = Math.ceil(H / cellStep) * Math.ceil(W / cellStep);
    const x = new Float32Array(n * D);
    let at = 0;
    for (let v = 0; v < H; v += cellStep)
      for (let u = 0; u < W; u += cellStep, at += D) x.set(all.subarray((v * W + u) * D, (v * W + u + 1) * D), at);
    const products = new Float32Array(D * D);
    this.#kernels.matmul({ a: x, b: x, out: products, M: D, N: D, K: n, transposeA: true });
    for (let i = 0; i < D * D; i++) this.#products[i]! += products[i]!;
    for (let i = 0; i < x.length; i += D) for (let d = 0; d < D; d++) this.#sums[d]! += x[i + d]!;
    this.#cells += n;
    rows?.heads.forEach((own, h) => own && this.#addClasses(own, this.#classes[h]!, all, rows.cells));
  }

  #addClasses(
    { at, values, ignored, annotated }: HeadRows,
    { sums, weights }: { sums: Float64Array; weights: Float64Array },
    all: Float32Array,
    cells: Int32Array,
  ): void {
    const D = this.#D;
    const C = annotated.length;
    const left = new Set(ignored);
    at.forEach((place, k) => {
      const weight = values[k]!;
      if (weight < nearCentre || left.has(place)) return;
      const from = cells[Math.floor(place / C)]! * D;
      const c = place % C;
      weights[c]! += weight;
      for (let d = 0; d < D; d++) sums[c * D + d]! += weight * all[from + d]!;
    });
  }

  /** Labels of a head that have examples. */
  seen(head: number): number[] {
    return [...this.#classes[head]!.weights.keys()].filter((c) => this.#classes[head]!.weights[c]! > 0);
  }

  /** [D] root mean square of each channel, 1 for one that is always 0. */
  scale(): Float32Array<ArrayBuffer> {
    return Float32Array.from({ length: this.#D }, (_, d) => Math.sqrt(this.#products[d * this.#D + d]! / this.#cells) || 1);
  }

  /**
   * Fisher's linear discriminant of each class of a head against everything: weight [D, C] and bias [C] on channels of length 1, of variance 1 and mean 0
   * over all cells; zeros for a class that was never seen. Within-class covariance is that of all cells, shrunk towards the identity.
   */
  discriminants(head: number): { weight: Float32Array; bias: Float32Array } {
    const D = this.#D;
    const { sums, weights } = this.#classes[head]!;
    const C = weights.length;
    const scale = this.scale();
    const mean = Float64Array.from(this.#sums, (sum, d) => sum / this.#cells / scale[d]!);
    const covariance = Float64Array.from(this.#products, (sum, i) => {
      const [row, column] = [Math.floor(i / D), i % D];
      const own = sum / this.#cells / (scale[row]! * scale[column]!) - mean[row]! * mean[column]!;
      return row === column ? Math.max(own, 0) + shrinkage : own;
    });
    const factor = cholesky(covariance, D);
    const [weight, bias] = [new Float32Array(D * C), new Float32Array(C)];
    for (let c = 0; c < C; c++) {
      if (!(weights[c]! > 0)) continue;
      const off = Float64Array.from(mean, (m, d) => sums[c * D + d]! / weights[c]! / scale[d]! - m);
      const direction = solve(factor, off, D);
      // w' S w = w' (mean of the class - mean).
      const variance = direction.reduce((sum, w, d) => sum + w * off[d]!, 0);
      if (!(variance > 0)) continue;
      const length = Math.sqrt(variance);
      for (let d = 0; d < D; d++) {
        weight[d * C + c] = direction[d]! / length;
        bias[c]! -= (mean[d]! * direction[d]!) / length;
      }
    }
    return { weight, bias };
  }
}

/** Lower factor L of a positive definite matrix L L'. */
function cholesky(matrix: Float64Array, n: number): Float64Array {
  const factor = matrix.slice();
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= factor[i * n + k]! * factor[j * n + k]!;
      factor[i * n + j] = i === j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / factor[j * n + j]!;
    }
  }
  return factor;
}

/** x of L L' x = y. */
function solve(factor: Float64Array, y: Float64Array, n: number): Float64Array {
  const x = y.slice();
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i]! -= factor[i * n + k]! * x[k]!;
    x[i]! /= factor[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i]! -= factor[k * n + i]! * x[k]!;
    x[i]! /= factor[i * n + i]!;
  }
  return x;
}

/** Scores of an untrained head: 0.01, as in RetinaNet. From CenterNet's 0.1 steps on few photos first learn that nearly all is nothing, and never undo it. */
const startBias = -4.595;

/**
 * Weights of a head before the first step, on channels of length 1.
 * @param sampleOfHead rows to judge scores by; not asked for where a head starts from zeros
 */
export function startHead(
  head: OpenHead,
  h: number,
  { own }: Backbone,
  moments: Moments,
  toUnit: Float32Array,
  sampleOfHead: () => Sample,
  kernels: TrainKernels,
): LayerWeights {
  const { spec, labels, kernel, classifier } = head;
  const D = toUnit.length;
  const C = labels.size;
  const { start = 'auto' } = spec;
  const corrected = spec.boxes === 'corrected';
  const boxes = corrected && { boxWeight: new Float32Array(kernel * kernel * D * 4), boxBias: new Float32Array(4) };
  const none = { weight: new Float32Array(D * C), bias: new Float32Array(C) };
  const found = start === 'zeros' ? none : moments.discriminants(h);
  if (classifier.kind === 'text') {
    const E = classifier.vectors.length / C;
    // Labels that were never seen tell nothing of where text lies.
    const known = start === 'zeros' ? labels.labels.map(({ index }) => index) : moments.seen(h);
    const texts = unitOf(classifier.vectors, C, E, kernels).unit as Float32Array;
    const rows = textDuals(texts, C, known);
    // Where nothing is, all discriminants are near 0: cosines should be below it.
    const bias = product(found.bias.map((value) => value - textBackground), rows, 1, C, E); // prettier-ignore
    textApart(texts, C).forEach((value, e) => (bias[e]! += textConstant * value));
    const text = { weight: atCentre(product(found.weight, rows, D, C, E), kernel), bias };
    return { ...text, scoring: textScoring(classifier, scaleLossOf(head), text, sampleOfHead(), kernels), ...boxes };
  }
  let { weight, bias } = found;
  if (start === 'zeros') {
    bias.fill(startBias);
    const rows = classifier.kind === 'cosine' ? directed(weight, C) : atCentre(weight, kernel);
    return { weight: rows, bias, ...boxes };
  }
  const loss = scaleLossOf(head);
  const sample = sampleOfHead();
  const scores = new Float32Array(sample.n * C);
  if (classifier.kind === 'cosine') {
    weight = transposed(weight, D, C);
    cosineLogits({ features: sample.x, weights: weight, P: sample.n, C, D, scale: classifier.scale }, scores, kernels);
    ({ bias } = calibrate(loss, scores, sample, C, kernels, 'none'));
    return { weight: directed(weight, C), bias, ...boxes };
  }
  addLinear(sample.x, atCentre(weight, kernel), bias, scores, kernels);
  const fitted = calibrate(loss, scores, sample, C, kernels);
  weight = weight.map((value, i) => value * fitted.gain[i % C]!);
  bias = bias.map((value, c) => value * fitted.gain[c]! + fitted.bias[c]!);
  if (start === 'auto' && own) takeKnownRows(weight, bias, own, loss, kernel, sample, toUnit, kernels);
  return { weight: atCentre(weight, kernel), bias, ...boxes };
}

/** Filters [kernel, kernel, D, n] that look at the cell itself alone. */
function atCentre(weight: Float32Array, kernel: Kernel): Float32Array {
  const whole = new Float32Array(kernel * kernel * weight.length);
  whole.set(weight, ((kernel * kernel - 1) / 2) * weight.length);
  return whole;
}

/** Rows of the model's own head that are tried for a label: those that fire most at its centres. */
const candidates = 5;
/** A discriminant was fitted to the photos on which both are judged, a row of the model was not. */
const fittedHandicap = 1.5;

/**
 * What the model knows already: where one of its own rows, as it is, tells a label better on the photos at hand than the label's discriminant, the label starts
 * from that row, whatever either is called.
 */
function takeKnownRows(
  weight: Float32Array,
  bias: Float32Array,
  own: NonNullable<Backbone['own']>,
  loss: ScaleLoss,
  kernel: Kernel,
  { x, n, targets, weights }: Sample,
  toUnit: Float32Array,
  kernels: TrainKernels,
): void {
  const D = toUnit.length;
  const [known, C] = [own.bias.length, bias.length];
  const rows = own.weight.map((value, i) => value / toUnit[Math.floor(i / known)]!);
  const [knownLogits, logits] = [new Float32Array(n * known), new Float32Array(n * C)];
  addLinear(x, atCentre(rows, kernel), own.bias, knownLogits, kernels);
  addLinear(x, atCentre(weight, kernel), bias, logits, kernels);
  const single = { ...loss, classes: 1, ...('columns' in loss && { columns: undefined }) } as ScaleLoss;
  const column = (of: Float32Array, c: number, width: number) => Float32Array.from({ length: n }, (_, i) => of[i * width + c]!);
  for (let c = 0; c < C; c++) {
    const given = { targets: column(targets, c, C), weights: column(weights, c, C) };
    const centres = Array.from(given.targets.keys()).filter((i) => given.targets[i] === 1 && given.weights[i] !== 0);
    if (centres.length === 0) continue;
    const lossOf = (values: Float32Array) => computeLoss(single, { logits: values, ...given }, { kernels }).value;
    let least = fittedHandicap * lossOf(column(logits, c, C));
    const firing = Float64Array.from({ length: known }, (_, k) =>
      centres.reduce((sum, i) => sum + knownLogits[i * known + k]!, 0),
    );
    const most = Array.from(firing.keys()).sort((a, b) => firing[b]! - firing[a]! || a - b);
    for (const k of most.slice(0, candidates)) {
      const value = lossOf(column(knownLogits, k, known));
      if (!(value < least)) continue;
      least = value;
      bias[c] = own.bias[k]!;
      for (let d = 0; d < D; d++) weight[d * C + c] = rows[d * known + k]!;
    }
  }
}

/** How far background lies from all labels at the start of a text head, in deviations of a discriminant. */
const textBackground = 3;
/**
 * Added to the products of text rows. Small: the start tells known labels apart as their discriminants do. Large: labels without examples, which text alone
 * relates to the known ones, are told apart better, and scores are lower.
 */
const textRidge = 0.1;
/**
 * Length of what all projected features have in common, at a right angle to the text. A cosine knows directions alone: with few labels all cells would lie on a
 * few lines, and near objects score as centres do. With many labels (64: lengths of 25 and more) it changes little.
 */
const textConstant = 5;

/**
 * [C, E] rows whose products with unit text rows are 1 for their own label and 0 for the others, as far as a ridge lets them: (T T' + ridge)^-1 T. Text rows
 * of all labels lie near each other (cosines from 0.66 to 0.94 for COCO's names); sums of the rows themselves say little but that something is there.
 */
function textDuals(unit: Float32Array, C: number, known: readonly number[], ridge = textRidge): Float32Array {
  const [E, n] = [unit.length / C, known.length];
  const rows = Float32Array.from({ length: n * E }, (_, i) => unit[known[Math.floor(i / E)]! * E + (i % E)]!);
  const products = new Float32Array(n * n);
  referenceKernels.matmul({ a: rows, b: rows, out: products, M: n, N: n, K: E, transposeB: true });
  const factor = cholesky(
    Float64Array.from(products, (value, i) => (i % (n + 1) === 0 ? value + ridge : value)),
    n,
  );
  const duals = new Float32Array(C * E);
  for (let e = 0; e < E; e++) {
    solve(factor, Float64Array.from(known, (_, k) => rows[k * E + e]!), n).forEach((value, k) => (duals[known[k]! * E + e] = value)); // prettier-ignore
  }
  return duals;
}

/** [E] of length 1, at a right angle to all text rows; zeros where they fill the space. */
function textApart(unit: Float32Array, C: number): Float64Array {
  const E = unit.length / C;
  const duals = textDuals(unit, C, [...Array(C).keys()], 1e-6);
  const random = seededRandom(E);
  const x = Float64Array.from({ length: E }, () => random() - 0.5);
  const start = Math.hypot(...x);
  const along = Float64Array.from({ length: C }, (_, c) => x.reduce((sum, value, e) => sum + value * unit[c * E + e]!, 0));
  for (let i = 0; i < duals.length; i++) x[i % E]! -= along[Math.floor(i / E)]! * duals[i]!;
  const length = Math.hypot(...x);
  return length > 1e-2 * start ? x.map((value) => value / length) : x.fill(0);
}

/** Rows [C, D], of which those that are 0 get any direction: a cosine with nothing has none, and a slope without bound. */
function directed(rows: Float32Array, C: number): Float32Array {
  const D = rows.length / C;
  const random = seededRandom(C);
  for (let c = 0; c < C; c++) {
    const row = rows.subarray(c * D, c * D + D);
    if (row.every((value) => value === 0)) row.forEach((_, d) => (row[d] = random() - 0.5));
  }
  return rows;
}

/** [M, K] [K, N]. */
function product(a: Float32Array, b: Float32Array, M: number, K: number, N: number): Float32Array {
  const out = new Float32Array(M * N);
  referenceKernels.matmul({ a, b, out, M, N, K });
  return out;
}

function transposed(weight: Float32Array, rows: number, columns: number): Float32Array {
  return Float32Array.from(weight, (_, i) => weight[(i % rows) * columns + Math.floor(i / rows)]!);
}
