// Training of new heads on the frozen features of a model: trainHeads, from data sets to a model package. Read this first; its parts stand in head-*.ts:
// options, plan (all that decides the result), data (annotations), network (features), images and rows (what is learnt from), start, layer and step
// (arithmetic), evaluation, checkpoint, package.
import { chooseRuntime } from '../runtime/choose.js';
import { pause } from '../runtime/pause.js';
import type { Runtime } from '../runtime/runtime.js';
import { openLargeStore } from '../store/opfs.js';
import { hostTrainDevice, type TrainDevice } from './device.js';
import { readState, storedWeights, type TrainState, writeState } from './head-checkpoint.js';
import { evaluateHead, type HeadScore } from './head-evaluation.js';
import { ImagePasses } from './head-images.js';
import type { LayerWeights } from './head-layer.js';
import { FeatureBank } from './head-network.js';
import type { OpenHead } from './head-open.js';
import type { TrainEpoch, TrainHeadsOptions } from './head-options.js';
import { type HeadLayer, writeHeads } from './head-package.js';
import { type HeadPlan, openPlan } from './head-plan.js';
import { type ImageRows, scaledRows } from './head-rows.js';
import { sampleOf, scaleLossOf, textScoring } from './head-scale.js';
import { startHead } from './head-start.js';
import { HeadSteps, type StartedHead } from './head-step.js';
import type { TrainKernels } from './kernels.js';
import { cosineLogits } from './layers.js';
import { randomFrom, seededRandom } from './random.js';
import { referenceKernels } from './reference/index.js';
import { type LabelSimilarities, measureSimilarities } from './relations.js';
import { schedule } from './schedules.js';
import { wasmTrainKernels } from './wasm.js';
import { webgpuTrainKernels } from './webgpu.js';

/** What {@link trainHeads} gives. */
export interface TrainedHeads {
  /** Files of the package by name: `labelweave.json`, `graph.json`, `weights.safetensors`. */
  readonly files: Record<string, Uint8Array<ArrayBuffer>>;
  /** The same for loadDetector. */
  readonly model: { readonly manifest: unknown; readonly files: Record<string, Uint8Array<ArrayBuffer>> };
  /** What was measured after each epoch. */
  readonly history: readonly TrainEpoch[];
  /**
   * The epoch whose weights the package has, 0 for the start: the best mean AP50, of equal ones the best AP, of equal ones the last; the last where nothing is
   * evaluated (NaN).
   */
  readonly best: { readonly epoch: number; readonly ap50: number; readonly ap: number };
  /** The numbers of each head, as in the package. */
  readonly layers: readonly HeadLayer[];
  /**
   * Of each cosine head, by name: for each data set that taught it, the mean cosine of the objects of every label with every column (UniSeg, Eq. 7), from the last
   * step's weights. {@link relatedTaxonomy} makes relations of them. Empty where a finished training was only read back.
   */
  readonly similarities: Readonly<Record<string, readonly LabelSimilarities[]>>;
}

/**
 * Trains new classification heads on the frozen features of a model and gives a partitioned detector: the model's own heads and the new ones, as a package
 * that loadDetector runs. Features of every image are computed once; of them are kept, as float16, all cells near objects and a sample of the others.
 *
 * @example
 * const { files } = await trainHeads({ model, datasets: [{ name: 'tools', annotations: 'tools.json', images: 'photos/' }], heads: [{ labels }] });
 *
 * @throws ArgumentError for options and data that do not fit (a data set without a label of the head, boxes of unknown labels), DatasetError for broken
 * annotations, ModelError for a model whose head is no CenterNet, LoadError, ImageError, DeviceError, or `signal.reason`
 */
export async function trainHeads(options: TrainHeadsOptions): Promise<TrainedHeads> {
  const { signal } = options;
  const plan = await openPlan(options);
  const { backbone, heads } = plan;
  const { runtime } = await chooseRuntime(options.device);
  const open: { dispose(): void }[] = [runtime];
  try {
    const kernels = await openKernels(options.kernels, runtime.kind);
    // Kernels of the caller stay.
    if (kernels.device !== options.kernels) open.push(kernels.device);
    const course = await openCourse(await plan.digest(kernels.name), options);
    let similarities: TrainedHeads['similarities'] = {};
    if (course.step < plan.steps || !course.best) {
      const store = options.cache === 'auto' ? await openLargeStore('features') : options.cache || undefined;
      const bank = await FeatureBank.open(backbone, runtime, { store, limit: plan.memory, signal });
      open.push(bank);
      similarities = await train(plan, course, new ImagePasses(plan, bank, signal), runtime, kernels, options);
    }
    const layers = heads.map(({ labels, kernel, classifier }): HeadLayer => {
      const part = (name: string) => course.bestWeights[`${labels.name}/${name}`];
      const [weight, bias] = [part('weight')!, part('bias')!];
      return { labels, kernel, classifier, weight, bias, scoring: part('scoring'), boxWeight: part('boxWeight'), boxBias: part('boxBias'), channels: part('channels') }; // prettier-ignore
    });
    const files = writeHeads(backbone, layers, { name: options.name, only: options.only });
    const manifest = JSON.parse(new TextDecoder().decode(files['labelweave.json']!)) as unknown;
    return { files, model: { manifest, files }, history: course.history, best: course.best!, layers, similarities };
  } finally {
    for (const one of open.reverse()) one.dispose();
  }
}

/** How far a training is, beside its parameters. */
interface Course {
  /** Digest of all that decides it. */
  readonly run: string;
  /** Steps done. */
  step: number;
  /** Of the steps of this epoch. */
  losses: number[];
  readonly history: TrainEpoch[];
  best: TrainedHeads['best'] | undefined;
  bestWeights: Record<string, Float32Array>;
  /** What it goes on from. */
  readonly stored: TrainState<TrainEpoch> | undefined;
}

const keyOf = ({ key = 'checkpoint' }: NonNullable<TrainHeadsOptions['checkpoint']>): string => key;

/** From the beginning, or from a checkpoint of the same run. */
async function openCourse(run: string, { checkpoint, resume }: TrainHeadsOptions): Promise<Course> {
  const bytes = resume && checkpoint ? await checkpoint.store.get(keyOf(checkpoint)) : undefined;
  const stored = bytes && readState<TrainEpoch>(bytes, run);
  return {
    run,
    step: stored?.step ?? 0,
    losses: [...(stored?.losses ?? [])],
    history: (stored?.history ?? []).map(withNaN),
    best: stored?.best && { ...stored.best, ap50: stored.best.ap50 ?? NaN, ap: stored.best.ap ?? NaN },
    bestWeights: { ...stored?.bestWeights },
    stored,
  };
}

/** Takes the course to its end. Gives the similarities of cosine heads. */
async function train(
  { backbone, datasets, evaluation, heads, perEpoch, steps, optimizer, sampler, flip, seed, memory, ...plan }: HeadPlan,
  course: Course,
  passes: ImagePasses,
  runtime: Runtime,
  kernels: OpenKernels,
  { signal, onProgress, onEpoch, checkpoint }: TrainHeadsOptions,
): Promise<TrainedHeads['similarities']> {
  const device = `features: ${runtime.description}; steps: ${kernels.device.description}`;
  const { total } = passes;
  let done = 0;
  const { rows, moments } = await passes.collect(kernels.host, () =>
    onProgress?.({ phase: 'features', done: ++done, total, epoch: 0, device }),
  );
  // Layers are trained on features of length 1 in each channel: one learning rate has to serve channels that differ by factors of a hundred.
  const toUnit = moments.scale().map((one) => 1 / one);
  const first = [...rows.values()].flat().map(({ plain }) => plain);
  const samples = heads.map((head, h) => once(() => sampleOf(first, h, head, toUnit)));
  const started = heads.map((head, h): StartedHead => {
    const { labels, kernel, classifier, loss } = head;
    const weights = course.stored
      ? storedWeights(course.stored, head)
      : startHead(head, h, backbone, moments, toUnit, samples[h]!, kernels.host);
    return { name: labels.name, kernel, classes: labels.size, classifier, loss, ...weights };
  });
  const now = new HeadSteps(kernels.device, started, { toUnit, optimizer, memory });
  try {
    let random = seededRandom(seed + 0x5eed);
    if (course.stored) {
      now.restore(course.stored.optimizer);
      sampler.restore(course.stored.sampler);
      random = randomFrom(course.stored.random);
    }
    const rateAt = schedule(plan.schedule);
    const save = async (): Promise<void> => {
      if (!checkpoint) return;
      const { run, step, losses, history, best, bestWeights } = course;
      const known = { run, step, losses, history, best, bestWeights, sampler: sampler.state(), random: random.state() };
      await checkpoint.store.put(keyOf(checkpoint), writeState({ ...known, ...(await now.state()) }));
    };
    /** Brings the scores of text heads to scale again. */
    const scaleTexts = (): void => {
      for (const [h, head] of heads.entries()) {
        const { classifier } = head;
        if (classifier.kind !== 'text') continue;
        const part = (name: string) => `${head.labels.name}/${name}`;
        const [weight, bias] = [course.bestWeights[part('weight')]!, course.bestWeights[part('bias')]!];
        const unit = weight.map((value, i) => value / toUnit[Math.floor(i / bias.length) % toUnit.length]!);
        course.bestWeights[part('scoring')] = textScoring(
          classifier,
          scaleLossOf(head),
          { weight: unit, bias },
          samples[h]!(),
          kernels.host,
        );
      }
    };
    const endEpoch = async (epoch: number): Promise<void> => {
      const layers = (await now.read()).map((weights, h) => plainLayer(heads[h]!, weights, toUnit));
      const scores: HeadScore[] = [];
      for (const [i, read] of evaluation.entries()) {
        for (const [h, layer] of layers.entries()) {
          const targets = heads[h]!.evaluated.get(read);
          const features = (image: number) => passes.evaluated(read, image);
          if (targets) scores.push(await evaluateHead(backbone, layer, runtime, read, targets, features, signal));
        }
        onProgress?.({ phase: 'evaluate', done: i + 1, total: evaluation.length, epoch, device });
      }
      const ended: TrainEpoch = epoch === 0
        ? { epoch, loss: NaN, rate: 0, scores }
        : { epoch, loss: meanOf(course.losses), rate: rateAt(course.step - 1), scores }; // prettier-ignore
      course.losses = [];
      keepBest(course, epoch, scores, layers);
      // Steps move cosines, and hard and soft labels have a scale of their own. The order of the scores stays, and with it every AP.
      if (epoch > 0 && course.step === steps) scaleTexts();
      const tells = epoch > 0 || evaluation.length > 0;
      if (tells) course.history.push(ended);
      await save();
      if (tells) onEpoch?.(ended);
    };
    if (!course.stored) await endEpoch(0);
    while (course.step < steps) {
      signal?.throwIfAborted();
      const drawn = sampler.next().map(({ dataset, image }) => {
        const { plain, flipped } = rows.get(dataset)![image]!;
        return flip && random() < 0.5 ? flipped! : plain;
      });
      now.step(drawn, rateAt(course.step));
      const step = ++course.step;
      const ends = step % perEpoch === 0;
      const saves = !ends && checkpoint?.every !== undefined && step % checkpoint.every === 0;
      // A processor has the loss at once.
      if (kernels.name !== 'webgpu' || now.full || ends || saves) course.losses.push(...(await now.losses()));
      const epoch = Math.ceil(step / perEpoch);
      onProgress?.({ phase: 'train', done: step, total: steps, epoch, loss: course.losses.at(-1), device });
      if (ends) await endEpoch(epoch);
      else if (saves) await save();
      await pause();
    }
    const weights = await now.read();
    const cosine = [...heads.entries()].filter(([, { classifier }]) => classifier.kind === 'cosine');
    return Object.fromEntries(
      cosine.map(([h, { labels, targets }]) => [
        labels.name,
        datasets.flatMap(({ dataset: { name } }) => {
          const own = targets.get(name);
          const images = rows.get(name)!.map(({ plain }) => plain);
          return own ? [headSimilarities(labels.size, own.columns, images, h, weights[h]!.weight, toUnit)] : [];
        }),
      ]),
    );
  } finally {
    now.dispose();
  }
}

/** The weights of an epoch are kept where it is the best so far: by AP50, of equal ones by AP, of equal ones the last. */
function keepBest(course: Course, epoch: number, scores: readonly HeadScore[], layers: readonly HeadLayer[]): void {
  const [ap50, ap] = [meanOf(scores.map((score) => score.ap50)), meanOf(scores.map((score) => score.ap))];
  const { best } = course;
  if (best && (ap50 < best.ap50 || (ap50 === best.ap50 && ap < best.ap))) return;
  course.best = { epoch, ap50, ap };
  course.bestWeights = Object.fromEntries(
    layers.flatMap(({ labels, weight, bias, scoring, boxWeight, boxBias, channels }) =>
      Object.entries({ weight, bias, scoring, boxWeight, boxBias, channels }).flatMap(([part, values]) =>
        values ? [[`${labels.name}/${part}`, values]] : [],
      ),
    ),
  );
}

/** Computed when it is first asked for. */
function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

/** Of the numbers that are any. */
function meanOf(values: readonly number[]): number {
  const known = values.filter((value) => !Number.isNaN(value));
  return known.length > 0 ? known.reduce((a, b) => a + b, 0) / known.length : Number.NaN;
}

/** JSON has no NaN. */
function withNaN(epoch: TrainEpoch): TrainEpoch {
  const scores = epoch.scores.map((score) => ({ ...score, ap: score.ap ?? NaN, ap50: score.ap50 ?? NaN }));
  return { ...epoch, loss: epoch.loss ?? NaN, scores };
}

/** What computes steps, and the kernels of a processor beside it. */
interface OpenKernels {
  readonly device: TrainDevice;
  readonly host: TrainKernels;
  /** What a checkpoint knows it by. */
  readonly name: string;
}

async function openKernels(wanted: TrainHeadsOptions['kernels'] = 'auto', runtime: string): Promise<OpenKernels> {
  if (typeof wanted === 'object') {
    if ('upload' in wanted) return { device: wanted, host: await wasmTrainKernels(), name: 'own' };
    return { device: hostTrainDevice(wanted, 'kernels of the caller'), host: wanted, name: 'own' };
  }
  if (wanted === 'reference') return { device: hostTrainDevice(referenceKernels, 'reference'), host: referenceKernels, name: wanted }; // prettier-ignore
  const host = await wasmTrainKernels();
  // A software adapter is taken where it was asked for, as a runtime or here.
  if (wanted === 'webgpu' || (wanted === 'auto' && runtime === 'webgpu')) return { device: await webgpuTrainKernels({ software: true }), host, name: 'webgpu' }; // prettier-ignore
  return { device: hostTrainDevice(host), host, name: 'wasm' };
}

/** Mean cosines at the centres of a data set's objects. */
function headSimilarities(
  C: number,
  columns: Int32Array,
  images: readonly ImageRows[],
  h: number,
  weights: Float32Array,
  toUnit: Float32Array,
): LabelSimilarities {
  const D = toUnit.length;
  const known = [...columns.keys()].filter((category) => columns[category]! >= 0);
  // Several categories of a data set may be one column.
  const own = [...new Set(known.map((category) => columns[category]!))];
  const meter = measureSimilarities(C, own);
  for (const rows of images) {
    const { centres, categories } = rows.heads[h]!;
    const cosines = new Float32Array(centres.length * C);
    const layer = { features: scaledRows(rows, 1, toUnit, centres), weights, P: centres.length, C, D, scale: 1 };
    cosineLogits(layer, cosines);
    meter.add(
      cosines,
      Array.from(categories, (category) => own.indexOf(columns[category]!)),
    );
  }
  return meter.result();
}

/** A head on features as the network gives them. */
function plainLayer({ labels, kernel, classifier }: OpenHead, weights: LayerWeights, toUnit: Float32Array): HeadLayer {
  const D = toUnit.length;
  /** [kernel, kernel, D, n] times [D]. */
  const plain = (weight: Float32Array, n: number) => weight.map((value, i) => value * toUnit[Math.floor(i / n) % D]!);
  const { weight, bias, scoring, boxWeight, boxBias } = weights;
  const boxes = { scoring, boxWeight: boxWeight && plain(boxWeight, 4), boxBias };
  // Cosines change with the length of channels: it stays a factor of its own.
  if (classifier.kind === 'cosine') return { labels, kernel, classifier, weight, bias, ...boxes, channels: toUnit.slice() };
  return { labels, kernel, classifier, weight: plain(weight, bias.length), bias, ...boxes };
}
