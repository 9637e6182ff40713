// Everything that decides a training, opened and checked before any feature is computed: data sets, network, heads, order of images, rates; and its digest.
import { sha256 } from '../store/sha256.js';
import { type ReadDataset, readTrainDataset } from './head-data.js';
import { type Backbone, openBackbone } from './head-network.js';
import { type OpenHead, openHead } from './head-open.js';
import { checkOptions, type TrainHeadsOptions } from './head-options.js';
import type { DeviceOptimizerOptions } from './optimizers.js';
import { openSampler, type Sampler } from './samplers.js';
import type { ScheduleOptions } from './schedules.js';

/** A training that can begin. */
export interface HeadPlan {
  readonly backbone: Backbone;
  readonly datasets: readonly ReadDataset[];
  readonly evaluation: readonly ReadDataset[];
  readonly heads: readonly OpenHead[];
  /** Steps of an epoch, and of all epochs. */
  readonly perEpoch: number;
  readonly steps: number;
  readonly schedule: ScheduleOptions;
  readonly optimizer: DeviceOptimizerOptions;
  readonly sampler: Sampler;
  readonly seed: number;
  readonly flip: boolean;
  readonly negatives: number | 'all';
  /** Bytes of features. */
  readonly memory: number;
  /** Digest of all that decides the weights, with the name of the kernels: a checkpoint of anything else is refused. */
  digest(kernels: string): Promise<string>;
}

/** Reads annotations and model. Throws as trainHeads does. */
export async function openPlan(options: TrainHeadsOptions): Promise<HeadPlan> {
  const {
    signal,
    seed = 1,
    flip = false,
    epochs = 20,
    batch = 8,
    negatives = 1024,
    oneDatasetABatch,
    memory = 2 ** 30,
  } = options;
  signal?.throwIfAborted();
  checkOptions(options);
  const datasets: ReadDataset[] = [];
  for (const dataset of options.datasets) datasets.push(await readTrainDataset(dataset, signal));
  const evaluation: ReadDataset[] = [];
  for (const dataset of options.evaluation ?? []) evaluation.push(await readTrainDataset(dataset, signal));
  const backbone = await openBackbone(options.model, options.layer, signal);
  const heads = options.heads.map((spec) => openHead(spec, options, datasets, evaluation));
  const perEpoch = Math.ceil(datasets.reduce((sum, { images }) => sum + images.length, 0) / batch);
  const steps = perEpoch * epochs;
  const schedule: ScheduleOptions = {
    steps: Math.max(1, steps),
    ...(options.schedule ?? { kind: 'cosine', rate: Math.min(...heads.map(usualRate)), warmup: Math.min(20, steps >> 2) }),
  };
  const optimizer = options.optimizer ?? { kind: 'adamw' };
  const sampler = openSampler({
    datasets: datasets.map(({ dataset: { name, ratio, balance, repeatThreshold }, images }) => ({
      name,
      ratio,
      balance,
      repeatThreshold,
      images: images.map(({ boxes }) => [...new Set(boxes.map(({ category }) => category))]),
    })),
    batch,
    oneDatasetABatch,
    seed,
  });
  const decides = { epochs, batch, seed, flip, oneDatasetABatch, optimizer, schedule, negatives };
  return {
    ...{ backbone, datasets, evaluation, heads, perEpoch, steps, schedule, optimizer, sampler, seed, flip, negatives, memory },
    digest: (kernels) => digestOf(backbone, datasets, evaluation, heads, { ...decides, kernels }),
  };
}

/** Heads that start from what is known need small steps. */
const usualRate = ({ classifier: { kind }, spec: { start } }: OpenHead): number =>
  start === 'zeros' || kind === 'cosine' ? 0.01 : 0.001;

function digestOf(
  { digest, features }: Backbone,
  datasets: readonly ReadDataset[],
  evaluation: readonly ReadDataset[],
  heads: readonly OpenHead[],
  options: object,
): Promise<string> {
  const data = ({ dataset: { name, ratio, balance, repeatThreshold }, categories, images }: ReadDataset) =>
    [name, ratio, balance, repeatThreshold, categories, images]; // prettier-ignore
  const plain = {
    digest,
    layer: features.name,
    datasets: datasets.map(data),
    evaluation: evaluation.map(data),
    heads: heads.map(({ labels, kernel, classifier, spec, loss, targets }) => {
      const tables = [...targets].map(([name, { columns, table }]) => [name, [...columns], [...table.states]]);
      return [labels.toJSON(), kernel, plainNumbers(classifier), spec.start, spec.boxes, plainNumbers(loss), tables];
    }),
    options,
  };
  return sha256(new TextEncoder().encode(JSON.stringify(plain)));
}

/** With arrays that JSON writes in full. */
const plainNumbers = (given: object): object =>
  Object.fromEntries(
    Object.entries(given).map(([name, value]) => [
      name,
      ArrayBuffer.isView(value) ? [...(value as Float32Array)] : (value as unknown),
    ]),
  );
