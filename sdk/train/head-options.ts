// What trainHeads is told, and what it tells: options with their defaults, checked before anything is read.
import { ArgumentError, describe } from '../errors.js';
import type { ModelSource } from '../graph/index.js';
import type { ByteStore } from '../platform-types.js';
import type { DeviceChoice } from '../runtime/choose.js';
import { isLabelSpace, type LabelSpace } from '../taxonomy/label-space.js';
import type { LabelTransform } from '../taxonomy/transform.js';
import type { TrainDevice } from './device.js';
import type { TrainDataset } from './head-data.js';
import type { HeadScore } from './head-evaluation.js';
import type { TrainKernels } from './kernels.js';
import type { HardSoftLoss, HeatmapLoss, SigmoidLoss } from './losses.js';
import type { DeviceOptimizerOptions } from './optimizers.js';
import type { ScheduleOptions } from './schedules.js';
import type { TargetTable } from './targets.js';

/** A head to train. */
export interface HeadSpec {
  /**
   * What it tells apart: the labels of a data set; or a taxonomy (or unified label space): one head over all its labels, whose loss looks, for each image,
   * only at the labels that the image's data set annotates (UniDet, 5.2).
   */
  readonly labels: LabelSpace | LabelTransform;
  /** Names of the data sets that teach it. Default: all. */
  readonly datasets?: readonly string[] | undefined;
  /** Side of its window of cells: 1 or 3; a cosine classifier has 1. Default: 1. */
  readonly kernel?: 1 | 3 | undefined;
  /**
   * How scores are made of features. `linear`, a convolution; `cosine`, 20 cos(feature, weight) + bias (UniSeg, App. G), or with another `scale`; or text
   * (ScaleDet, Eq. 5): features are projected to where text embeddings lie, [C, E] one row for each label, and score by their cosine times a temperature, plus a
   * bias: one pair for all labels, found on the photos (a `temperature` that is given stays). A text head can be given other labels at run time (`detector.withEmbeddings`). Default: `linear`.
   */
  readonly classifier?:
    | 'linear'
    | 'cosine'
    | { readonly kind: 'cosine'; readonly scale: number }
    | { readonly kind: 'text'; readonly vectors: Float32Array; readonly temperature?: number | undefined }
    | undefined;
  /**
   * `discriminant`: Fisher's linear discriminants of the features near the centres, computed in closed form: works from few photos. `auto`: the same, but where
   * a row of the model's own head (linear, the same layer) tells a label better on the photos at hand, that row, whatever either is called. `zeros`: nothing
   * is known, all scores 0.01 (a cosine classifier has random directions). Rows of the model's own head are for linear classifiers alone. Default: `auto`.
   */
  readonly start?: 'auto' | 'discriminant' | 'zeros' | undefined;
  /**
   * `model`: boxes are the model's, so that several heads share positions and can be joined. `corrected`: the head learns what to add to their corners (smooth L1, in sides of the box);
   * its boxes are its own then. Default: `model`.
   */
  readonly boxes?: 'model' | 'corrected' | undefined;
  /** Instead of "a label is a positive of its column alone": [categories, labels] by data set, rows in the order of its categories. See {@link hierarchyTargets}, {@link relationalTargets}. */
  readonly targets?: Readonly<Record<string, TargetTable>> | undefined;
}

/** What `onProgress` of {@link TrainHeadsOptions} is told. */
export interface TrainProgress {
  /** `features` counts images, `train` steps, `evaluate` data sets. */
  readonly phase: 'features' | 'train' | 'evaluate';
  /** So many of them. */
  readonly done: number;
  /** Of so many. */
  readonly total: number;
  /** From 1; 0 before the first one. */
  readonly epoch: number;
  /** Of the step just done; on a GPU of the last one that was read. */
  readonly loss?: number | undefined;
  /** What computes features, and what computes steps. */
  readonly device: string;
}

/** One epoch. */
export interface TrainEpoch {
  /** 0 for the start, before any step (with `evaluation` only), then from 1. */
  readonly epoch: number;
  /** Mean over its steps; NaN for the start. */
  readonly loss: number;
  /** Of the last step. */
  readonly rate: number;
  /** AP after it; empty without `evaluation`. */
  readonly scores: readonly HeadScore[];
}

/** Where a training keeps its state. */
export interface CheckpointOptions {
  /** Takes whole entries only; see ByteStore. On pages {@link openOpfsStore} gives one. */
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
   * On heat map targets: `heatmap` CenterNet's penalty-reduced focal loss, `focal`, `sigmoid`; or a loss for a head's number of labels, and its labels. `hardSoftLoss` (ScaleDet) is for
   * text heads: centres have their label, cells away from objects are background; over a taxonomy labels of other data sets are negatives, too, as in ScaleDet,
   * whose label space is all labels one after another. All are divided by the number of centres in the batch. Default: `heatmap`.
   */
  readonly loss?:
    | 'heatmap'
    | 'focal'
    | 'sigmoid'
    | ((classes: number, labels: LabelSpace) => HeatmapLoss | SigmoidLoss | HardSoftLoss)
    | undefined;
  /** Default: AdamW without decay. */
  readonly optimizer?: DeviceOptimizerOptions | undefined;
  /** `steps` is filled in. Default: cosine from 0.001 (0.01 for cosine heads and starts from zeros; the least of several heads) with 20 steps of warm-up. */
  readonly schedule?: ScheduleOptions | undefined;
  /** Default: 20. An epoch is as many draws as there are images. 0: heads are as they start. */
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
  /**
   * Where features are kept between runs: `auto` the origin private file system on pages (the Cache API where there is none) and a folder on servers, or your
   * own. A store that fails, for want of room say, is used no more; the training goes on. Default `false`: in memory only.
   */
  readonly cache?: 'auto' | false | ByteStore | undefined;
  /** Bytes of features in memory; what is above is made again when it is needed. Default: 1 GiB. */
  readonly memory?: number | undefined;
  /**
   * Cells of an image away from objects that take part, chosen once and weighted so that they stand for all of them; `all`: every cell. Cells near objects
   * always do. Default: 1024.
   */
  readonly negatives?: number | 'all' | undefined;
  /**
   * What computes losses and steps: `auto` WebGPU where features are computed on it, else WASM; or kernels of yours. On WebGPU the loss is read every 16 steps,
   * nothing else. Default: `auto`.
   */
  readonly kernels?: 'auto' | 'wasm' | 'webgpu' | 'reference' | TrainKernels | TrainDevice | undefined;
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

const wrong = (thing: string, found: string, wanted: string) => new ArgumentError({ thing, found, wanted });

/** Throws ArgumentError. */
export function checkOptions({
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
  negatives,
  kernels,
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
  heads.forEach(checkHead);
  count('epochs', epochs, 0);
  count('batch', batch);
  count('checkpoint.every', checkpoint?.every);
  if (seed !== undefined && !Number.isInteger(seed)) throw wrong('seed', describe(seed), 'a whole number');
  if (memory !== undefined && !(memory >= 0)) throw wrong('memory', describe(memory), 'bytes, from 0');
  if (typeof loss === 'string' && !['heatmap', 'focal', 'sigmoid'].includes(loss))
    throw wrong('loss', describe(loss), '"heatmap", "focal", "sigmoid" or a function');
  if (unknownLabels !== undefined && !['error', 'ignore'].includes(unknownLabels))
    throw wrong('unknownLabels', describe(unknownLabels), '"error" or "ignore"');
  if (negatives !== 'all') count('negatives', negatives, 0);
  if (typeof kernels === 'string' && !['auto', 'wasm', 'webgpu', 'reference'].includes(kernels))
    throw wrong('kernels', describe(kernels), '"auto", "wasm", "webgpu", "reference" or kernels');
  if (resume && !checkpoint) throw wrong('resume', 'no checkpoint', 'the option `checkpoint` with it');
}

function checkHead({ labels, kernel, start, boxes, classifier = 'linear' }: HeadSpec): void {
  const space = isLabelSpace(labels) ? labels : labels.space;
  const own = (thing: string) => `${thing} of "${space.name}"`;
  if (kernel !== undefined && kernel !== 1 && kernel !== 3) throw wrong(own('kernel'), describe(kernel), '1 or 3');
  if (start !== undefined && !['auto', 'discriminant', 'zeros'].includes(start))
    throw wrong(own('start'), describe(start), '"auto", "discriminant" or "zeros"');
  if (boxes !== undefined && boxes !== 'model' && boxes !== 'corrected')
    throw wrong(own('boxes'), describe(boxes), '"model" or "corrected"');
  const kind = typeof classifier === 'string' ? classifier : classifier?.kind;
  if (!['linear', 'cosine', 'text'].includes(kind) || classifier === ('text' as string))
    throw wrong(own('classifier'), describe(classifier), '"linear", "cosine" or { kind: "text", vectors }');
  if (kind === 'cosine' && kernel === 3) throw wrong(own('kernel'), '3', '1 for a cosine classifier');
  if (typeof classifier === 'string') return;
  const number = classifier.kind === 'cosine' ? classifier.scale : (classifier.temperature ?? 1);
  if (!(number > 0 && number < Infinity)) throw wrong(own(classifier.kind === 'cosine' ? 'scale' : 'temperature'), describe(number), 'a number above 0'); // prettier-ignore
  if (classifier.kind !== 'text') return;
  const { vectors } = classifier;
  const rows = vectors instanceof Float32Array ? vectors.length / space.size : 0;
  if (!(rows >= 1 && Number.isInteger(rows)))
    throw wrong(own('vectors'), vectors instanceof Float32Array ? `${vectors.length} numbers` : describe(vectors), `a Float32Array [${space.size}, E], a row for each label`); // prettier-ignore
  const bad = vectors.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw wrong(own(`vectors[${Math.floor(bad / rows)}, ${bad % rows}]`), String(vectors[bad]), 'a finite number');
}
