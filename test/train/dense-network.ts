// A small classifier of pixels, trained on several data sets with labels of their own by the pieces of labelweave/train: hidden layer, features, cosine
// classifier (UniSeg, App. G). For tests and measurements of label conflicts.
import { classOfPixels, SemanticEvaluator, sharedChannels } from '../../sdk/evaluate/index.js';
import type { LabelSpace } from '../../sdk/taxonomy/label-space.js';
import type { UnifiedLabelSpace } from '../../sdk/taxonomy/unified.js';
import * as train from '../../sdk/train/index.js';
import { F, H, type Labelling, type Scene, W } from './scenes.js';

/** Labelled scenes. */
export interface Labelled {
  readonly labels: Labelling;
  readonly scenes: readonly Scene[];
}

/** How a network is trained; the same for every loss. */
export interface Recipe {
  readonly kernels: train.TrainKernels;
  readonly seed: number;
  readonly steps: number;
  readonly rate: number;
  /** Largest norm of the gradients; 0 for any. */
  readonly clip: number;
  /** Share of training pixels whose label is any one of the data set. */
  readonly labelNoise: number;
  /** Hidden units, and features of the classifier. */
  readonly hidden: number;
  readonly features: number;
}

/** What the losses of UniSeg differ in: labels [n] of a data set's pixels to a loss over unified columns. */
export type Losses = (dataset: number) => { readonly loss: train.Loss; readonly labelOf: (label: number) => number };

/** A trained network. */
export interface Network {
  /** Cosines with the unified labels, [H W, U]. */
  cosines(scene: Scene): Float32Array;
}

/** Logits are 20 cosines. */
const scale = 20;
const batch = 8;
/** Pixels that are drawn from an image. */
const drawn = 128;

/** Columns of a data set's labels in the unified space. */
export const columnsOf = (unified: UnifiedLabelSpace, dataset: LabelSpace): number[] =>
  dataset.names.map((name) => unified.labels.indexOf(unified.unifiedOf(dataset.name, name)));

/** Cross-entropy over all unified labels (Eq. 1). */
export const crossEntropy =
  (unified: UnifiedLabelSpace, spaces: readonly LabelSpace[]): Losses =>
  (d) => {
    const columns = columnsOf(unified, spaces[d]!);
    return { loss: train.softmaxLoss({ classes: unified.size }), labelOf: (label) => columns[label]! };
  };

/** Null BCE (Eq. 4). */
export const nullBce =
  (unified: UnifiedLabelSpace, spaces: readonly LabelSpace[]): Losses =>
  (d) => ({
    loss: train.nullLoss({ classes: unified.size, columns: columnsOf(unified, spaces[d]!) }),
    labelOf: (label) => label,
  });

/** Class-relational BCE (Eq. 8). */
export const relationalBce =
  (
    unified: UnifiedLabelSpace,
    similarities: readonly train.LabelSimilarities[],
    threshold: number,
    others?: 'none' | 'negative',
  ): Losses =>
  (d) => {
    const { columns, similarity } = similarities[d]!;
    const loss = train.relationalLoss({ classes: unified.size, columns, similarity, threshold, others });
    return { loss, labelOf: (label) => label };
  };

/** Trains on all data sets together. Features are scaled to mean 0 and variance 1 over all of them. */
export function trainNetwork(datasets: readonly Labelled[], U: number, losses: Losses, recipe: Recipe): Network {
  const { kernels, seed, steps, rate, clip, labelNoise, hidden, features } = recipe;
  const random = train.seededRandom(seed);
  const scaling = scalingOf(datasets);
  const weights = (n: number, fan: number) =>
    // Uniform with variance 2 / fan.
    Float32Array.from({ length: n }, () => Math.sqrt(6 / fan) * (2 * random() - 1));
  const [w1, b1, w2, b2, w3] = [weights(F * hidden, F), new Float32Array(hidden), weights(hidden * features, hidden), new Float32Array(features), weights(U * features, features)]; // prettier-ignore
  const optimizer = train.sgdOptimizer(
    [
      { name: 'w1', weights: w1 },
      { name: 'b1', weights: b1, decays: false },
      { name: 'w2', weights: w2 },
      { name: 'b2', weights: b2, decays: false },
      { name: 'w3', weights: w3 },
    ],
    { kernels, decay: 1e-4, ...(clip > 0 && { clipNorm: clip }) },
  );
  const rateAt = train.schedule({ kind: 'poly', rate, steps });
  const sampler = train.openSampler({
    datasets: datasets.map(({ scenes }, d) => ({ name: String(d), images: scenes.map(() => []) })),
    batch,
    seed,
  });
  const P = batch * drawn;
  const x = new Float32Array(P * F);
  const [h, dh, f, df] = [hidden, hidden, features, features].map((n) => new Float32Array(P * n)) as [Float32Array, Float32Array, Float32Array, Float32Array]; // prettier-ignore
  const [logits, slopes] = [new Float32Array(P * U), new Float32Array(P * U)];
  const gradients = [w1, b1, w2, b2, w3].map(({ length }) => new Float32Array(length));
  const [dw1, db1, dw2, db2, dw3] = gradients as [Float32Array, Float32Array, Float32Array, Float32Array, Float32Array];
  const ofDataset = datasets.map((_, d) => losses(d));

  /** [n, F] to [n, features]. */
  const forward = (n: number, input: Float32Array, inner: Float32Array, outer: Float32Array): void => {
    kernels.matmul({ a: input, b: w1, out: inner, M: n, N: hidden, K: F });
    for (let i = 0; i < inner.length; i++) inner[i] = Math.max(0, inner[i]! + b1[i % hidden]!);
    kernels.matmul({ a: inner, b: w2, out: outer, M: n, N: features, K: hidden });
    for (let i = 0; i < outer.length; i++) outer[i] = outer[i]! + b2[i % features]!;
  };
  const classifier = (n: number, of: Float32Array, t: number) => ({
    features: of,
    weights: w3,
    P: n,
    C: U,
    D: features,
    scale: t,
  });

  for (let step = 0; step < steps; step++) {
    // Images of one data set stand together, so that each has its own loss over its own rows.
    const chosen = sampler.next().map(({ dataset, image }) => ({ d: Number(dataset), image }));
    chosen.sort((a, b) => a.d - b.d);
    const labels = new Int32Array(P);
    chosen.forEach(({ d, image }, i) => {
      const { labels: own, scenes } = datasets[d]!;
      const { map, features: all } = scenes[image]!;
      for (let k = 0; k < drawn; k++) {
        const pixel = Math.floor(random() * H * W);
        const p = i * drawn + k;
        for (let c = 0; c < F; c++) x[p * F + c] = (all[pixel * F + c]! - scaling.mean[c]!) / scaling.size[c]!;
        const noisy = random() < labelNoise;
        const label = noisy ? Math.floor(random() * own.space.size) : own.labelOf[map[pixel]!]!;
        labels[p] = ofDataset[d]!.labelOf(label);
      }
    });
    forward(P, x, h, f);
    train.cosineLogits(classifier(P, f, scale), logits, kernels);
    datasets.forEach((_, d) => {
      const [from, count] = [chosen.findIndex((one) => one.d === d) * drawn, chosen.filter((one) => one.d === d).length * drawn];
      if (count === 0) return;
      const input = { logits: logits.subarray(from * U, (from + count) * U), labels: labels.subarray(from, from + count) };
      const { gradient } = train.computeLoss(ofDataset[d]!.loss, input, { kernels, normaliser: P });
      slopes.set(gradient, from * U);
    });
    train.cosineGradients(classifier(P, f, scale), slopes, df, dw3, kernels);
    kernels.matmul({ a: h, b: df, out: dw2, M: hidden, N: features, K: P, transposeA: true });
    kernels.matmul({ a: df, b: w2, out: dh, M: P, N: hidden, K: features, transposeB: true });
    db1.fill(0);
    db2.fill(0);
    for (let i = 0; i < df.length; i++) db2[i % features]! += df[i]!;
    for (let i = 0; i < dh.length; i++) {
      if (h[i] === 0) dh[i] = 0;
      else db1[i % hidden]! += dh[i]!;
    }
    kernels.matmul({ a: x, b: dh, out: dw1, M: F, N: hidden, K: P, transposeA: true });
    optimizer.step(gradients, rateAt(step));
  }

  return {
    cosines({ features: all }) {
      const n = H * W;
      const input = all.map((value, i) => (value - scaling.mean[i % F]!) / scaling.size[i % F]!);
      const [inner, outer, cosines] = [new Float32Array(n * hidden), new Float32Array(n * features), new Float32Array(n * U)];
      forward(n, input, inner, outer);
      train.cosineLogits(classifier(n, outer, 1), cosines, kernels);
      return cosines;
    },
  };
}

function scalingOf(datasets: readonly Labelled[]): { mean: Float64Array; size: Float64Array } {
  const [sum, squares] = [new Float64Array(F), new Float64Array(F)];
  let n = 0;
  for (const { features } of datasets.flatMap(({ scenes }) => scenes)) {
    features.forEach((value, i) => {
      sum[i % F]! += value;
      squares[i % F]! += value * value;
    });
    n += H * W;
  }
  const mean = sum.map((value) => value / n);
  return { mean, size: squares.map((value, c) => Math.sqrt(value / n - mean[c]! ** 2)) };
}

/** Similarities of Eq. 7 on each data set: means of cosines, or of the sigmoids of the logits. */
export const similaritiesOf = (
  network: Network,
  datasets: readonly Labelled[],
  unified: UnifiedLabelSpace,
  of: 'cosine' | 'sigmoid' = 'cosine',
): train.LabelSimilarities[] =>
  datasets.map(({ labels, scenes }) => {
    const meter = train.measureSimilarities(unified.size, columnsOf(unified, labels.space));
    for (const scene of scenes) {
      const cosines = network.cosines(scene);
      const scores = of === 'cosine' ? cosines : cosines.map((cosine) => 1 / (1 + Math.exp(-scale * cosine)));
      meter.add(scores, scene.map.map((thing) => labels.labelOf[thing]!)); // prettier-ignore
    }
    return meter.result();
  });

/** mIoU in the labels of the scenes: their channels are selected, the best of them is the answer (UniSeg, section 4). */
export function meanIoU(network: Network, { labels, scenes }: Labelled, unified: UnifiedLabelSpace) {
  const shared = sharedChannels(unified.space, labels.space);
  const evaluator = new SemanticEvaluator({ classes: labels.space.names });
  for (const scene of scenes) {
    const found = classOfPixels(network.cosines(scene), unified.size, shared);
    evaluator.add(found, scene.map.map((thing) => labels.labelOf[thing]!)); // prettier-ignore
  }
  return evaluator.result('cityscapes');
}
