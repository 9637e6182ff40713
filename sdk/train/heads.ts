// Training of new heads on the frozen features of a model: trainHeads, from data sets to a model package. Read this first; its parts stand in head-*.ts.
import { openByteStore } from '#platform';
import { ArgumentError, describe } from '../errors.js';
import type { ModelSource } from '../graph/index.js';
import { toFrame } from '../image/frame.js';
import { fitTarget } from '../image/geometry.js';
import type { ByteStore } from '../platform-types.js';
import { chooseRuntime, type DeviceChoice } from '../runtime/choose.js';
import { pause } from '../runtime/pause.js';
import { sha256 } from '../store/sha256.js';
import { isLabelSpace, type LabelSpace } from '../taxonomy/label-space.js';
import { matchLabel } from '../taxonomy/match.js';
import { labelSpace } from '../taxonomy/label-space.js';
import type { LabelTransform } from '../taxonomy/transform.js';
import { readState, type TrainState, writeState } from './head-checkpoint.js';
import { headTargets, mapTargets, openTrainImage, type ReadDataset, readTrainDataset, type TrainDataset } from './head-data.js';
import { evaluateHead, type HeadScore } from './head-evaluation.js';
import {
  type Backbone,
  FeatureBank,
  featuresOf,
  type HeadLayer,
  type ImageFeatures,
  openBackbone,
  writeHeads,
} from './head-network.js';
import type { TrainKernels } from './kernels.js';
import { computeLoss, focalLoss, type HeatmapLoss, heatmapLoss, type SigmoidLoss, sigmoidLoss } from './losses.js';
import { type AdamWOptions, adamwOptimizer, type Parameter, type SgdOptions, sgdOptimizer } from './optimizers.js';
import { randomFrom, seededRandom } from './random.js';
import { openSampler } from './samplers.js';
import { schedule, type ScheduleOptions } from './schedules.js';
import type { TargetTable } from './targets.js';
import { wasmTrainKernels } from './wasm.js';

/** A head to train. */
export interface HeadSpec {
  /**
   * What it tells apart: the labels of a data set; or a taxonomy (or unified label space): one head over all its labels, whose loss looks, for each image,
   * only at the labels that the image's data set annotates (UniDet, 5.2).
   */
  readonly labels: LabelSpace | LabelTransform;
  /** Names of the data sets that teach it. Default: all. */
  readonly datasets?: readonly string[] | undefined;
  /** Side of its convolution: 1 (a linear classifier of each cell) or 3. Default: 1. */
  readonly kernel?: 1 | 3 | undefined;
  /**
   * `zeros`: nothing is known, all scores 0.1; `labels`: rows of labels that the model's own head knows by name start from its rows. `labels` needs
   * kernel 1 on the default layer. Default: `zeros`.
   */
  readonly start?: 'zeros' | 'labels' | undefined;
  /** Instead of "a label is a positive of its column alone": [categories, labels] by data set, rows in the order of its categories. See {@link hierarchyTargets}, {@link relationalTargets}. */
  readonly targets?: Readonly<Record<string, TargetTable>> | undefined;
}

/** What {@link TrainHeadsOptions.onProgress} is told. */
export interface TrainProgress {
  /** `features` counts images, `train` steps, `evaluate` data sets. */
  readonly phase: 'features' | 'train' | 'evaluate';
  /** So many of them. */
  readonly done: number;
  /** Of so many. */
  readonly total: number;
  /** From 1; 0 before the first one. */
  readonly epoch: number;
  /** Of the step just done. */
  readonly loss?: number | undefined;
}

/** One epoch. */
export interface TrainEpoch {
  /** From 1. */
  readonly epoch: number;
  /** Mean over its steps. */
  readonly loss: number;
  /** Of the last step. */
  readonly rate: number;
  /** AP after it; empty without `evaluation`. */
  readonly scores: readonly HeadScore[];
}

/** Where a training keeps its state. */
export interface CheckpointOptions {
  /** Takes whole entries only; see ByteStore. */
  readonly store: ByteStore;
  /** Name of the entry. Default: `checkpoint`. */
  readonly key?: string | undefined;
  /** Steps between two checkpoints; the end of an epoch always has one. Default: an epoch's. */
  readonly every?: number | undefined;
}

/** Options of {@link trainHeads}. */
export interface TrainHeadsOptions {
  /** The model; its first head must be a CenterNet. */
  readonly model: ModelSource;
  /** What is learnt from. */
  readonly datasets: readonly TrainDataset[];
  /** One new head or more. */
  readonly heads: readonly HeadSpec[];
  /** Data sets that every epoch is evaluated on: a head on those that stand in its `datasets`, or on all. */
  readonly evaluation?: readonly TrainDataset[] | undefined;
  /**
   * On heat map targets: `heatmap` CenterNet's penalty-reduced focal loss, `focal`, `sigmoid`; or a loss for a number of labels.
   * All are divided by the number of centres in the batch. Default: `heatmap`.
   */
  readonly loss?: 'heatmap' | 'focal' | 'sigmoid' | ((classes: number) => HeatmapLoss | SigmoidLoss) | undefined;
  /** Default: AdamW without decay. */
  readonly optimizer?:
    ({ kind: 'adamw' } & Omit<AdamWOptions, 'kernels'>) | ({ kind: 'sgd' } & Omit<SgdOptions, 'kernels'>) | undefined;
  /** `steps` is filled in. Default: cosine from 0.01 with 20 steps of warm-up. */
  readonly schedule?: ScheduleOptions | undefined;
  /** Default: 20. An epoch is as many draws as there are images. */
  readonly epochs?: number | undefined;
  /** Images of a step. Default: 8. */
  readonly batch?: number | undefined;
  /** All images of a batch from one data set. Default: false. */
  readonly oneDatasetABatch?: boolean | undefined;
  /** Default: 1. The same seed gives the same bits on the same device. */
  readonly seed?: number | undefined;
  /**
   * Half of the draws are mirrored. Mirrored images have a feature pass of their own. No other augmentation is valid on kept features: scaling, cropping and
   * colours change what the frozen network sees. Default: false.
   */
  readonly flip?: boolean | undefined;
  /** Name of the value with the features, [1, H, W, D] on the grid of the heat map. Default: what the model's own classification layer reads. */
  readonly layer?: string | undefined;
  /** Boxes of labels that a head has not. Default: `error`. */
  readonly unknownLabels?: 'error' | 'ignore' | undefined;
  /** Name of the new model. Default: that of the model, then those of the heads. */
  readonly name?: string | undefined;
  /** The runtime that computes features. Default: `auto`. */
  readonly device?: DeviceChoice | undefined;
  /** Where features are kept between runs: `auto` the host's store, or your own. Default `false`: in memory only. */
  readonly cache?: 'auto' | false | ByteStore | undefined;
  /** Bytes of features in memory; what is above is read from `cache`, or computed again. Default: 1 GiB. */
  readonly memory?: number | undefined;
  /** Kernels of losses and steps. Default: WASM. */
  readonly kernels?: TrainKernels | undefined;
  /** Where the state is kept from time to time, to go on from. Default: nowhere. */
  readonly checkpoint?: CheckpointOptions | undefined;
  /** Goes on from the checkpoint, if there is one. Default: false. */
  readonly resume?: boolean | undefined;
  /** The new package has the new heads alone. Default: false, the model's own heads stay. */
  readonly only?: boolean | undefined;
  /** Stops; the promise rejects with `signal.reason`, and the last checkpoint stays. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each image, step and data set. */
  readonly onProgress?: ((progress: TrainProgress) => void) | undefined;
  /** Called after each epoch. */
  readonly onEpoch?: ((epoch: TrainEpoch) => void) | undefined;
}

/** What {@link trainHeads} gives. */
export interface TrainedHeads {
  /** Files of the package by name: `labelweave.json`, `graph.json`, `weights.safetensors`. */
  readonly files: Record<string, Uint8Array<ArrayBuffer>>;
  /** The same for loadDetector. */
  readonly model: { readonly manifest: unknown; readonly files: Record<string, Uint8Array<ArrayBuffer>> };
  /** What was measured after each epoch. */
  readonly history: readonly TrainEpoch[];
  /** The epoch whose weights the package has: the best mean AP50, or the last where nothing is evaluated. */
  readonly best: { readonly epoch: number; readonly ap50: number };
  /** [kernel, kernel, D, C] and [C] of each head, as in the package. */
  readonly layers: readonly HeadLayer[];
}

/** Scores of an untrained head: 0.1, as in CenterNet. */
const startBias = -2.19;

interface OpenHead extends HeadLayer {
  readonly spec: HeadSpec;
  readonly loss: HeatmapLoss | SigmoidLoss;
  /** By name of the data set. */
  readonly targets: ReadonlyMap<string, ReturnType<typeof headTargets>>;
  readonly evaluated: ReadonlyMap<ReadDataset, ReturnType<typeof headTargets>>;
}

const wrong = (thing: string, found: string, wanted: string) => new ArgumentError({ thing, found, wanted });

/**
 * Trains new classification heads on the frozen features of a model and gives a partitioned detector: the model's own heads and the new ones, as a package
 * that loadDetector runs. Boxes are those of the model. Features of every image are computed once and kept as float16.
 *
 * @example
 * const { files } = await trainHeads({ model, datasets: [{ name: 'tools', annotations: 'tools.json', images: 'photos/' }], heads: [{ labels }] });
 *
 * @throws ArgumentError for options and data that do not fit (a data set without a label of the head, boxes of unknown labels), DatasetError for broken
 * annotations, ModelError for a model whose head is no CenterNet, LoadError, ImageError, DeviceError, or `signal.reason`
 */
export async function trainHeads(options: TrainHeadsOptions): Promise<TrainedHeads> {
  const { signal, onProgress, onEpoch, checkpoint, seed = 1, flip = false, epochs = 20, batch = 8 } = options;
  signal?.throwIfAborted();
  checkOptions(options);
  const kernels = options.kernels ?? (await wasmTrainKernels());
  const datasets: ReadDataset[] = [];
  for (const dataset of options.datasets) datasets.push(await readTrainDataset(dataset, signal));
  const evaluation: ReadDataset[] = [];
  for (const dataset of options.evaluation ?? []) evaluation.push(await readTrainDataset(dataset, signal));
  const backbone = await openBackbone(options.model, options.layer, signal);
  const heads = options.heads.map((spec) => openHead(spec, options, backbone, datasets, evaluation));
  const images = datasets.reduce((sum, dataset) => sum + dataset.images.length, 0);
  const perEpoch = Math.ceil(images / batch);
  const steps = perEpoch * epochs;
  const scheduled: ScheduleOptions = {
    steps,
    ...(options.schedule ?? { kind: 'cosine', rate: 0.01, warmup: Math.min(20, steps >> 2) }),
  };
  const rateAt = schedule(scheduled);
  const sampler = openSampler({
    datasets: datasets.map(({ dataset, images: all }) => {
      const { name, ratio, balance, repeatThreshold } = dataset;
      return {
        name,
        ratio,
        balance,
        repeatThreshold,
        images: all.map(({ boxes }) => [...new Set(boxes.map(({ category }) => category))]),
      };
    }),
    batch,
    oneDatasetABatch: options.oneDatasetABatch,
    seed,
  });
  let random = seededRandom(seed + 0x5eed);
  const parameters = heads.flatMap(({ labels, weight, bias }): Parameter[] => [
    { name: `${labels.name}/weight`, weights: weight },
    { name: `${labels.name}/bias`, weights: bias, decays: false },
  ]);
  const { kind = 'adamw', ...rest } = options.optimizer ?? {};
  const optimizer = kind === 'sgd' ? sgdOptimizer(parameters, { ...rest, kernels }) : adamwOptimizer(parameters, { ...rest, kernels }); // prettier-ignore
  const run = await runDigest(backbone, datasets, evaluation, heads, {
    ...options,
    seed,
    flip,
    epochs,
    batch,
    schedule: scheduled,
  });
  const weightsNow = () => Object.fromEntries(parameters.map(({ name, weights }) => [name, (weights as Float32Array).slice()]));

  let step = 0;
  let losses: number[] = [];
  let history: TrainEpoch[] = [];
  let best: TrainedHeads['best'] | undefined;
  let bestWeights: Record<string, Float32Array> = {};
  const key = checkpoint?.key ?? 'checkpoint';
  const save = async (): Promise<void> => {
    const state: TrainState<TrainEpoch> = {
      run, step, losses, best, bestWeights, optimizer: optimizer.state(), weights: weightsNow(), sampler: sampler.state(), random: random.state(),
      history,
    }; // prettier-ignore
    await checkpoint?.store.put(key, writeState(state));
  };
  const stored = options.resume ? await checkpoint?.store.get(key) : undefined;
  if (stored) {
    const state = readState<TrainEpoch>(stored, run);
    for (const { name, weights } of parameters) weights.set(state.weights[name]!);
    optimizer.restore(state.optimizer);
    sampler.restore(state.sampler);
    random = randomFrom(state.random);
    ({ step } = state);
    losses = [...state.losses];
    history = state.history.map((epoch) => ({ ...epoch, scores: epoch.scores.map((score) => ({ ...score, ap: score.ap ?? NaN, ap50: score.ap50 ?? NaN })) })); // prettier-ignore
    best = state.best && { ...state.best, ap50: state.best.ap50 ?? NaN };
    bestWeights = { ...state.bestWeights };
  }

  let scale = new Float32Array(0);
  const { runtime } = await chooseRuntime(options.device);
  let bank: FeatureBank | undefined;
  try {
    const store = options.cache === 'auto' ? await openByteStore('features') : options.cache || undefined;
    const features = (bank = await FeatureBank.open(backbone, runtime, { store, limit: options.memory ?? 2 ** 30, signal }));
    const get = (read: ReadDataset, image: number, flipped: boolean): Promise<ImageFeatures> => {
      const one = read.images[image]!;
      const part = evaluation.includes(read) ? 'evaluation' : 'training';
      const open = async () => toFrame(await openTrainImage(read, one), { signal });
      return features.get(`${part}/${read.dataset.name}/${typeof one.id} ${one.id}`, flipped, open, signal);
    };
    if (step < steps) {
      // Images that cannot be read are found before the first step.
      const total = images * (flip ? 2 : 1) + evaluation.reduce((sum, read) => sum + read.images.length, 0);
      let done = 0;
      for (const read of [...datasets, ...evaluation]) {
        for (const i of read.images.keys()) {
          for (const flipped of flip && datasets.includes(read) ? [false, true] : [false]) {
            await get(read, i, flipped);
            onProgress?.({ phase: 'features', done: ++done, total, epoch: 0 });
          }
        }
      }
    }
    if (step < steps) {
      scale = await channelScale(backbone, datasets, (read, image) => get(read, image, false));
      // Layers are trained on features of length 1 in each channel; those that start from known rows start there.
      if (!stored) for (const head of heads) scaleRows(head.weight, head.bias.length, scale);
    }
    const toUnit = scale.map((one) => 1 / one);
    const plainHead = (head: OpenHead): OpenHead => {
      const weight = head.weight.slice();
      scaleRows(weight, head.bias.length, toUnit);
      return { ...head, weight };
    };
    const byName = new Map(datasets.map((read) => [read.dataset.name, read]));
    while (step < steps) {
      signal?.throwIfAborted();
      const drawn = [];
      for (const { dataset, image } of sampler.next()) {
        const read = byName.get(dataset)!;
        const flipped = flip && random() < 0.5;
        drawn.push({ dataset, boxes: read.images[image]!.boxes, flipped, features: await get(read, image, flipped) });
      }
      const loss = oneStep(backbone, heads, drawn, toUnit, optimizer, rateAt(step), kernels);
      losses.push(loss);
      step++;
      const epoch = Math.ceil(step / perEpoch);
      onProgress?.({ phase: 'train', done: step, total: steps, epoch, loss });
      if (step % perEpoch === 0) {
        const scores: HeadScore[] = [];
        for (const [i, read] of evaluation.entries()) {
          for (const head of heads) {
            const targets = head.evaluated.get(read);
            if (targets) scores.push(await evaluateHead(backbone, plainHead(head), runtime, read, targets, (image) => get(read, image, false), signal)); // prettier-ignore
          }
          onProgress?.({ phase: 'evaluate', done: i + 1, total: evaluation.length, epoch });
        }
        const ended: TrainEpoch = {
          epoch,
          loss: losses.reduce((a, b) => a + b, 0) / losses.length,
          rate: rateAt(step - 1),
          scores,
        };
        history.push(ended);
        losses = [];
        const known = scores.map(({ ap50 }) => ap50).filter((ap50) => !Number.isNaN(ap50));
        const ap50 = known.length > 0 ? known.reduce((a, b) => a + b, 0) / known.length : Number.NaN;
        if (!best || !(ap50 <= best.ap50)) {
          best = { epoch, ap50 };
          bestWeights = Object.fromEntries(
            heads.flatMap((head) => [
              [`${head.labels.name}/weight`, plainHead(head).weight],
              [`${head.labels.name}/bias`, head.bias.slice()],
            ]),
          );
        }
        await save();
        onEpoch?.(ended);
      } else if (checkpoint?.every && step % checkpoint.every === 0) await save();
      await pause();
    }
  } finally {
    bank?.dispose();
    runtime.dispose();
  }
  const layers = heads.map(({ labels, kernel }): HeadLayer => {
    return { labels, kernel, weight: bestWeights[`${labels.name}/weight`]!, bias: bestWeights[`${labels.name}/bias`]! };
  });
  const files = writeHeads(backbone, layers, { name: options.name, only: options.only });
  const manifest = JSON.parse(new TextDecoder().decode(files['labelweave.json']!)) as unknown;
  return { files, model: { manifest, files }, history, best: best!, layers };
}

/** Images whose features tell the scale of channels. */
const scaleImages = 64;

/**
 * [D] root mean square of each channel over training images, 1 for one that is always 0. Channels of frozen features differ by factors of a hundred, and
 * one learning rate has to serve all: layers are trained on channels of length 1, and the scale is folded into the weights at the end.
 */
async function channelScale(
  { features: { shape } }: Backbone,
  datasets: readonly ReadDataset[],
  get: (read: ReadDataset, image: number) => Promise<ImageFeatures>,
): Promise<Float32Array<ArrayBuffer>> {
  const D = shape[3]!;
  const sums = new Float64Array(D);
  const all = datasets.flatMap((read) => Array.from(read.images.keys(), (image) => [read, image] as const));
  const count = Math.min(scaleImages, all.length);
  for (let i = 0; i < count; i++) {
    const x = featuresOf(await get(...all[Math.floor((i * all.length) / count)]!));
    for (let at = 0; at < x.length; at += D) for (let d = 0; d < D; d++) sums[d]! += x[at + d]! * x[at + d]!;
  }
  const cells = count * shape[1]! * shape[2]!;
  return Float32Array.from(sums, (sum) => Math.sqrt(sum / cells) || 1);
}

/** Multiplies [.., D, C] by [D]. */
function scaleRows(weight: Float32Array, C: number, scale: Float32Array): void {
  for (let i = 0; i < weight.length; i++) weight[i]! *= scale[Math.floor(i / C) % scale.length]!;
}

interface Drawn {
  readonly dataset: string;
  readonly boxes: ReadDataset['images'][number]['boxes'];
  readonly flipped: boolean;
  readonly features: ImageFeatures;
}

/** Loss and gradients of a batch, and the step. Nothing is changed where a loss is not finite. */
function oneStep(
  { manifest, stride, features: { shape } }: Backbone,
  heads: readonly OpenHead[],
  drawn: readonly Drawn[],
  toUnit: Float32Array,
  optimizer: ReturnType<typeof sgdOptimizer>,
  rate: number,
  kernels: TrainKernels,
): number {
  const [, H, W, D] = shape as [number, number, number, number];
  const prepared = drawn.map(({ dataset, boxes, flipped, features }) => {
    const { left, top, width, height } = fitTarget(manifest.input.fit, features, manifest.input);
    const place = {
      height: H,
      width: W,
      left: left / stride,
      top: top / stride,
      scaleX: width / features.width / stride,
      scaleY: height / features.height / stride,
      imageWidth: features.width,
      flipped,
    };
    return heads.map(({ targets }) => {
      const own = targets.get(dataset);
      return own && mapTargets(boxes, own, place);
    });
  });
  const gradients = heads.map(({ weight, bias }) => ({ weight: new Float32Array(weight.length), bias: new Float32Array(bias.length), used: false })); // prettier-ignore
  let sum = 0;
  for (const [i, { features }] of drawn.entries()) {
    if (prepared[i]!.every((own) => !own)) continue;
    const x = featuresOf(features).map((value, at) => value * toUnit[at % D]!);
    for (const [h, { kernel, weight, bias, loss }] of heads.entries()) {
      const own = prepared[i]![h];
      if (!own) continue;
      const C = bias.length;
      const positives = prepared.reduce((count, all) => count + (all[h]?.positives ?? 0), 0);
      const logits = new Float32Array(H * W * C);
      for (const { from, to, rows } of bandsOf(x, H, W, D, kernel))
        kernels.matmul({ a: rows, b: weight, out: logits.subarray(from * C, to * C), M: to - from, N: C, K: rows.length / (to - from) }); // prettier-ignore
      for (let at = 0; at < logits.length; at += C) for (let c = 0; c < C; c++) logits[at + c]! += bias[c]!;
      const { value, gradient } = computeLoss(
        loss,
        { logits, targets: own.targets, weights: own.weights },
        { normaliser: Math.max(1, positives), kernels },
      );
      sum += value;
      const into = gradients[h]!;
      into.used = true;
      const part = new Float32Array(weight.length);
      for (const { from, to, rows } of bandsOf(x, H, W, D, kernel)) {
        const slopes = gradient.subarray(from * C, to * C);
        kernels.matmul({ a: rows, b: slopes, out: part, M: rows.length / (to - from), N: C, K: to - from, transposeA: true });
        for (let w = 0; w < part.length; w++) into.weight[w]! += part[w]!;
      }
      const total = new Float64Array(C);
      for (let at = 0; at < gradient.length; at += C) for (let c = 0; c < C; c++) total[c]! += gradient[at + c]!;
      for (let c = 0; c < C; c++) into.bias[c]! += total[c]!;
    }
  }
  optimizer.step(gradients.flatMap(({ weight, bias, used }) => (used ? [weight, bias] : [undefined, undefined])), rate); // prettier-ignore
  return sum;
}

/** Rows of the map that a 3x3 layer unfolds at once. */
const bandRows = 16;

/** Inputs of a layer as a matrix: [H W, D] itself, or parts of [H W, 9 D]. */
function* bandsOf(
  x: Float32Array,
  H: number,
  W: number,
  D: number,
  kernel: 1 | 3,
): Iterable<{ from: number; to: number; rows: Float32Array }> {
  if (kernel === 1) {
    yield { from: 0, to: H * W, rows: x };
    return;
  }
  for (let first = 0; first < H; first += bandRows) {
    const last = Math.min(H, first + bandRows);
    const rows = new Float32Array((last - first) * W * 9 * D);
    for (let y = first; y < last; y++) {
      for (let c = 0; c < W; c++) {
        const at = ((y - first) * W + c) * 9 * D;
        for (let k = 0; k < 9; k++) {
          const [v, u] = [y + Math.floor(k / 3) - 1, c + (k % 3) - 1];
          if (v < 0 || v >= H || u < 0 || u >= W) continue;
          rows.set(x.subarray((v * W + u) * D, (v * W + u + 1) * D), at + k * D);
        }
      }
    }
    yield { from: first * W, to: last * W, rows };
  }
}

function openHead(
  spec: HeadSpec,
  { loss = 'heatmap', unknownLabels = 'error' }: TrainHeadsOptions,
  { features, own, manifest }: Backbone,
  datasets: readonly ReadDataset[],
  evaluation: readonly ReadDataset[],
): OpenHead {
  const { labels: given, kernel = 1, start = 'zeros' } = spec;
  const labels = isLabelSpace(given) ? given : given.space;
  const C = labels.size;
  const D = features.shape[3]!;
  const weight = new Float32Array(kernel * kernel * D * C);
  const bias = new Float32Array(C).fill(startBias);
  if (start === 'labels') {
    if (!own || kernel !== 1)
      throw wrong(`start of "${labels.name}"`, '"labels"', 'kernel 1 on the layer that the model classifies');
    const { dataset, labels: known } = manifest.heads[0]!;
    const space = labelSpace(dataset, known) as LabelSpace;
    for (const label of labels.labels) {
      const match = matchLabel(space, label, labels);
      if (!match) continue;
      bias[label.index] = own.bias[match.label.index]!;
      for (let d = 0; d < D; d++) weight[d * C + label.index] = own.weight[d * space.size + match.label.index]!;
    }
  }
  const taught = spec.datasets;
  const lost = taught?.find((name) => !datasets.some(({ dataset }) => dataset.name === name));
  if (lost !== undefined)
    throw wrong(`data set of "${labels.name}"`, describe(lost), datasets.map(({ dataset }) => dataset.name).join(', '));
  const of = (read: ReadDataset) => headTargets(given, read, unknownLabels, spec.targets?.[read.dataset.name]);
  const uses = ({ dataset }: ReadDataset) => !taught || taught.includes(dataset.name);
  const targets = new Map(datasets.filter(uses).map((read) => [read.dataset.name, of(read)]));
  // Data sets for evaluation may have names of their own: those that no training set has go to every head.
  const evaluated = new Map(
    evaluation.filter((read) => uses(read) || !datasets.some(({ dataset }) => dataset.name === read.dataset.name)).map((read) => [read, of(read)]), // prettier-ignore
  );
  const made = loss === 'heatmap' ? heatmapLoss({ classes: C }) : loss === 'focal' ? focalLoss({ classes: C }) : loss === 'sigmoid' ? sigmoidLoss({ classes: C }) : loss(C); // prettier-ignore
  if (made.classes !== C || ('table' in made && made.table))
    throw wrong('loss', 'one with other classes, or a table', `a loss of ${C} classes on dense targets`);
  return { spec, labels, kernel, weight, bias, loss: made, targets, evaluated };
}

function checkOptions({
  datasets,
  heads,
  epochs,
  batch,
  seed,
  loss,
  memory,
  checkpoint,
  resume,
  unknownLabels,
  evaluation,
}: TrainHeadsOptions): void {
  const count = (thing: string, value: number | undefined, least = 1) => {
    if (value !== undefined && !(Number.isInteger(value) && value >= least))
      throw wrong(thing, describe(value), `a whole number from ${least}`);
  };
  if (!Array.isArray(datasets) || datasets.length === 0) throw wrong('datasets', describe(datasets), 'one or more');
  if (!Array.isArray(heads) || heads.length === 0) throw wrong('heads', describe(heads), 'one or more');
  for (const [thing, list] of Object.entries({ datasets, evaluation: evaluation ?? [] })) {
    if (new Set(list.map(({ name }) => name)).size < list.length) throw wrong(thing, 'a name twice', 'each once');
  }
  const names = heads.map(({ labels }) => (isLabelSpace(labels) ? labels : labels?.space)?.name);
  if (names.some((name) => name === undefined))
    throw wrong(`heads[${names.indexOf(undefined)}].labels`, 'no labels', 'a label space or a taxonomy');
  if (new Set(names).size < names.length) throw wrong('heads', 'a label space twice', 'each once');
  for (const { kernel, start } of heads) {
    if (kernel !== undefined && kernel !== 1 && kernel !== 3) throw wrong('kernel', describe(kernel), '1 or 3');
    if (start !== undefined && start !== 'zeros' && start !== 'labels')
      throw wrong('start', describe(start), '"zeros" or "labels"');
  }
  count('epochs', epochs);
  count('batch', batch);
  count('checkpoint.every', checkpoint?.every);
  if (seed !== undefined && !Number.isInteger(seed)) throw wrong('seed', describe(seed), 'a whole number');
  if (memory !== undefined && !(memory >= 0)) throw wrong('memory', describe(memory), 'bytes, from 0');
  if (typeof loss === 'string' && !['heatmap', 'focal', 'sigmoid'].includes(loss))
    throw wrong('loss', describe(loss), '"heatmap", "focal", "sigmoid" or a function');
  if (unknownLabels !== undefined && !['error', 'ignore'].includes(unknownLabels))
    throw wrong('unknownLabels', describe(unknownLabels), '"error" or "ignore"');
  if (resume && !checkpoint) throw wrong('resume', 'no checkpoint', 'the option `checkpoint` with it');
}

/** Digest of all that decides the weights: a checkpoint of anything else is refused. */
async function runDigest(
  { digest, features }: Backbone,
  datasets: readonly ReadDataset[],
  evaluation: readonly ReadDataset[],
  heads: readonly OpenHead[],
  { epochs, batch, seed, flip, oneDatasetABatch, optimizer, schedule: scheduled, kernels }: TrainHeadsOptions,
): Promise<string> {
  const data = (read: ReadDataset) => {
    const { name, ratio, balance, repeatThreshold } = read.dataset;
    return [name, ratio, balance, repeatThreshold, read.categories, read.images];
  };
  const plain = {
    digest,
    layer: features.name,
    datasets: datasets.map(data),
    evaluation: evaluation.map(data),
    heads: heads.map(({ labels, kernel, spec, loss, targets }) => {
      const tables = [...targets].map(([name, { columns, table }]) => [name, [...columns], [...table.states]]);
      return [labels.toJSON(), kernel, spec.start, { ...loss, columns: loss.kernel === 'sigmoid_cross_entropy' && loss.columns ? [...loss.columns] : null }, tables]; // prettier-ignore
    }),
    options: { epochs, batch, seed, flip, oneDatasetABatch, optimizer, scheduled, own: kernels !== undefined },
  };
  return sha256(new TextEncoder().encode(JSON.stringify(plain)));
}
