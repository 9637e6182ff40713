// How scores of a head are brought to the scale of a loss, so that they mean what they say: gains and biases that make it least on rows of the photos.
import type { LayerWeights, TextClassifier } from './head-layer.js';
import type { OpenHead } from './head-open.js';
import { denseTargets, type ImageRows, scaledRows } from './head-rows.js';
import type { TrainKernels } from './kernels.js';
import { cosineLogits } from './layers.js';
import { computeLoss, heatmapLoss, type HeatmapLoss, type SigmoidLoss } from './losses.js';

/** Numbers that a calibration looks at. */
const sampleSize = 400_000;
const calibrationSteps = 100;
/** Where fits on photos end, more or less. From far away the first gradients send gains to 0, from where none comes back. */
const [likelyGain, likelyBias] = [0.4, -5];

/** Rows of features with what a head should say there, to judge scores by. */
export interface Sample {
  /** [n, K] windows on channels of length 1. */
  readonly x: Float32Array;
  readonly n: number;
  /** [n, C] */
  readonly targets: Float32Array;
  readonly weights: Float32Array;
}

/** Centres all count; of the other rows every so many stands for as many. @param images rows of training images, of which `head` learns from some */
export function sampleOf(
  images: readonly ImageRows[],
  head: number,
  { kernel, labels: { size: C } }: OpenHead,
  toUnit: Float32Array,
): Sample {
  const D = toUnit.length;
  const taught = images.flatMap((rows) => (rows.heads[head] ? [{ rows, own: rows.heads[head] }] : []));
  const total = taught.reduce((sum, { rows }) => sum + rows.count, 0);
  const every = Math.max(1, Math.ceil((total * Math.max(C, D / 4)) / sampleSize));
  const parts: Omit<Sample, 'n'>[] = [];
  let seen = 0;
  for (const one of taught) {
    const dense = denseTargets([one], C);
    const chosen: number[] = [];
    const isCentre = (row: number) => dense.targets.subarray(row * C, row * C + C).includes(1);
    for (let row = 0; row < one.rows.count; row++) if (isCentre(row) || seen++ % every === 0) chosen.push(row);
    const targets = new Float32Array(chosen.length * C);
    const weights = new Float32Array(chosen.length * C);
    chosen.forEach((row, i) => {
      targets.set(dense.targets.subarray(row * C, row * C + C), i * C);
      const share = isCentre(row) ? 1 : every;
      for (let c = 0; c < C; c++) weights[i * C + c] = dense.weights[row * C + c]! * share;
    });
    parts.push({ x: scaledRows(one.rows, kernel, toUnit, Int32Array.from(chosen)), targets, weights });
  }
  const joined = (key: keyof Omit<Sample, 'n'>): Float32Array => {
    const all = new Float32Array(parts.reduce((sum, part) => sum + part[key].length, 0));
    parts.reduce((at, part) => (all.set(part[key], at), at + part[key].length), 0);
    return all;
  };
  const targets = joined('targets');
  return { x: joined('x'), n: targets.length / C, targets, weights: joined('weights') };
}

/** x [n, K] weight [K, C] + bias [C]. */
export function addLinear(
  x: Float32Array,
  weight: Float32Array,
  bias: Float32Array,
  out: Float32Array,
  kernels: TrainKernels,
): void {
  const [C, n] = [bias.length, out.length / bias.length];
  kernels.matmul({ a: x, b: weight, out, M: n, N: C, K: weight.length / C });
  kernels.add_rows({ x: out, row: bias, P: n, C });
}

/** A loss that scores can be brought to the scale of. */
export type ScaleLoss = HeatmapLoss | SigmoidLoss;

/**
 * Gain and bias of each column, so that a loss is least on a sample: what turns scores of variance 1 into logits. Adam on 2 C numbers.
 * @param scores [n, C]
 * @param gain `none`: the gains stay 1; `shared`: all columns have one gain and one bias
 */
export function calibrate(
  loss: ScaleLoss,
  scores: Float32Array,
  { targets, weights }: Sample,
  C: number,
  kernels: TrainKernels,
  gain: 'none' | 'each' | 'shared' = 'each',
): { gain: Float32Array; bias: Float32Array } {
  const logGain = new Float64Array(C).fill(gain === 'none' ? 0 : Math.log(likelyGain));
  const bias = new Float64Array(C).fill(likelyBias);
  const moments = Array.from({ length: 4 }, () => new Float64Array(C));
  const logits = new Float32Array(scores.length);
  for (let step = 1; step <= calibrationSteps; step++) {
    for (let i = 0; i < scores.length; i++) logits[i] = scores[i]! * Math.exp(logGain[i % C]!) + bias[i % C]!;
    const { gradient } = computeLoss(loss, { logits, targets, weights }, { kernels });
    const [byGain, byBias] = [new Float64Array(C), new Float64Array(C)];
    for (let i = 0; i < scores.length; i++) {
      byGain[i % C]! += gradient[i]! * scores[i]!;
      byBias[i % C]! += gradient[i]!;
    }
    if (gain === 'shared') for (const sums of [byGain, byBias]) sums.fill(sums.reduce((a, b) => a + b, 0));
    for (let c = 0; c < C; c++) {
      logGain[c]! -= gain === 'none' ? 0 : adam(byGain[c]! * Math.exp(logGain[c]!), moments[0]!, moments[1]!, c, step);
      bias[c]! -= (gain === 'none' ? 5 : 1) * adam(byBias[c]!, moments[2]!, moments[3]!, c, step);
    }
  }
  return { gain: Float32Array.from(logGain, Math.exp), bias: Float32Array.from(bias) };
}

function adam(gradient: number, first: Float64Array, second: Float64Array, c: number, step: number): number {
  first[c] = 0.9 * first[c]! + 0.1 * gradient;
  second[c] = 0.95 * second[c]! + 0.05 * gradient * gradient;
  const rate = 0.1 * (1 - (step - 1) / calibrationSteps);
  return (rate * (first[c]! / (1 - 0.9 ** step))) / (Math.sqrt(second[c]! / (1 - 0.95 ** step)) + 1e-12);
}

/** The loss that a head's scores are brought to the scale of: its own where it is one on numbers from 0 to 1. */
export const scaleLossOf = ({ loss, labels }: OpenHead): ScaleLoss =>
  loss.kernel === 'hard_soft_labels' ? heatmapLoss({ classes: labels.size }) : loss;

/**
 * [2] temperature and bias that turn the cosines of a text head into logits: one pair for all labels, those that it is given at run time too. The order of
 * the scores stays. A temperature that was asked for stays.
 */
export function textScoring(
  { vectors, temperature }: TextClassifier,
  loss: ScaleLoss,
  { weight, bias }: Pick<LayerWeights, 'weight' | 'bias'>,
  sample: Sample,
  kernels: TrainKernels,
): Float32Array {
  const { x, n } = sample;
  const [E, C] = [bias.length, vectors.length / bias.length];
  const features = new Float32Array(n * E);
  addLinear(x, weight, bias, features, kernels);
  const scores = new Float32Array(n * C);
  cosineLogits({ features, weights: vectors, P: n, C, D: E, scale: temperature ?? 1 }, scores, kernels);
  if (temperature !== undefined)
    return Float32Array.of(temperature, calibrate(loss, scores, sample, C, kernels, 'none').bias[0]!);
  // To variance 1 first, where a calibration begins.
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  const deviation = Math.sqrt(scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / scores.length) || 1;
  const unit = scores.map((score) => (score - mean) / deviation);
  const { gain, bias: shift } = calibrate(loss, unit, sample, C, kernels, 'shared');
  return Float32Array.of(gain[0]! / deviation, shift[0]! - (gain[0]! * mean) / deviation);
}
