// Training of new heads on the frozen features of a model: trainHeads, from data sets to a model package. Read this first; its parts stand in head-*.ts:
// options, data (annotations), network (features), rows (what is learnt from), start, layer and step (arithmetic), evaluation, checkpoint, package.
import { toFrame } from '../image/frame.js';
import { chooseRuntime } from '../runtime/choose.js';
import { pause } from '../runtime/pause.js';
import { openLargeStore } from '../store/opfs.js';
import { sha256 } from '../store/sha256.js';
import { hostTrainDevice, type TrainDevice } from './device.js';
import { readState, type TrainState, writeState } from './head-checkpoint.js';
import { openTrainImage, type ReadDataset, readTrainDataset } from './head-data.js';
import { evaluateHead, type HeadScore } from './head-evaluation.js';
import type { LayerWeights } from './head-layer.js';
import { type Backbone, FeatureBank, type ImageFeatures, openBackbone } from './head-network.js';
import { type OpenHead, openHead } from './head-open.js';
import { checkOptions, type TrainEpoch, type TrainHeadsOptions } from './head-options.js';
import { type HeadLayer, writeHeads } from './head-package.js';
import { imageRows, type ImageRows, scaledRows } from './head-rows.js';
import { Moments, startHead } from './head-start.js';
import { HeadSteps, type StartedHead } from './head-step.js';
import type { TrainKernels } from './kernels.js';
import { cosineLogits } from './layers.js';
import { randomFrom, seededRandom } from './random.js';
import { referenceKernels } from './reference/index.js';
import { type LabelSimilarities, measureSimilarities } from './relations.js';
import { openSampler } from './samplers.js';
import { schedule, type ScheduleOptions } from './schedules.js';
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
  const { signal, onProgress, onEpoch, checkpoint, seed = 1, flip = false, epochs = 20, batch = 8, memory = 2 ** 30 } = options;
  signal?.throwIfAborted();
  checkOptions(options);
  const datasets: ReadDataset[] = [];
  for (const dataset of options.datasets) datasets.push(await readTrainDataset(dataset, signal));
  const evaluation: ReadDataset[] = [];
  for (const dataset of options.evaluation ?? []) evaluation.push(await readTrainDataset(dataset, signal));
  const backbone = await openBackbone(options.model, options.layer, signal);
  const heads = options.heads.map((spec) => openHead(spec, options, datasets, evaluation));
  const images = datasets.reduce((sum, dataset) => sum + dataset.images.length, 0);
  const perEpoch = Math.ceil(images / batch);
  const steps = perEpoch * epochs;
  const rate = Math.min(...heads.map(({ classifier: { kind }, spec: { start } }) => (start === 'zeros' || kind === 'cosine' ? 0.01 : kind === 'text' ? 0.0003 : 0.001))); // prettier-ignore
  const scheduled: ScheduleOptions = {
    steps: Math.max(1, steps),
    ...(options.schedule ?? { kind: 'cosine', rate, warmup: Math.min(20, steps >> 2) }),
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
  const optimizer = options.optimizer ?? { kind: 'adamw' };
  const { runtime } = await chooseRuntime(options.device);
  let bank: FeatureBank | undefined;
  let device: TrainDevice | undefined;
  let trained: HeadSteps | undefined;
  try {
    const kernels = await openKernels(options.kernels, runtime.kind);
    device = kernels.device;
    const where = `features: ${runtime.description}; steps: ${device.description}`;
    const run = await runDigest(backbone, datasets, evaluation, heads, {
      ...options,
      seed,
      flip,
      epochs,
      batch,
      optimizer,
      schedule: scheduled,
      kernels: kernels.name,
    });
    const key = checkpoint?.key ?? 'checkpoint';
    const bytes = options.resume ? await checkpoint?.store.get(key) : undefined;
    const stored = bytes && readState<TrainEpoch>(bytes, run);
    let step = stored?.step ?? 0;
    let losses = [...(stored?.losses ?? [])];
    const history = (stored?.history ?? []).map(withNaN);
    let best = stored?.best && { ...stored.best, ap50: stored.best.ap50 ?? NaN, ap: stored.best.ap ?? NaN };
    let bestWeights: Record<string, Float32Array> = { ...stored?.bestWeights };
    const similarities: Record<string, LabelSimilarities[]> = {};
    if (step < steps || !best) {
      const store = options.cache === 'auto' ? await openLargeStore('features') : options.cache || undefined;
      const features = (bank = await FeatureBank.open(backbone, runtime, { store, limit: memory, signal }));
      const get = (read: ReadDataset, image: number, how: { flipped?: boolean; keep?: boolean }): Promise<ImageFeatures> => {
        const one = read.images[image]!;
        const part = evaluation.includes(read) ? 'evaluation' : 'training';
        const open = async () => toFrame(await openTrainImage(read, one), { signal });
        return features.get(`${part}/${read.dataset.name}/${typeof one.id} ${one.id}`, how, open, signal);
      };
      // Images that cannot be read are found before the first step.
      const total = images * (flip ? 2 : 1) + evaluation.reduce((sum, read) => sum + read.images.length, 0);
      let done = 0;
      const counted = () => onProgress?.({ phase: 'features', done: ++done, total, epoch: 0, device: where });
      const moments = new Moments(backbone.features.shape[3]!, heads.map(({ labels }) => labels.size), kernels.host); // prettier-ignore
      const chosen = seededRandom(seed + 0xce115);
      const used = [...new Set(heads.map(({ kernel }) => kernel))];
      const rowsOf = new Map<string, (readonly ImageRows[])[]>();
      for (const read of datasets) {
        const targets = heads.map((head) => head.targets.get(read.dataset.name));
        const own: ImageRows[][] = [];
        rowsOf.set(read.dataset.name, own);
        for (const [i, { boxes }] of read.images.entries()) {
          const both: ImageRows[] = [];
          own.push(both);
          for (const flipped of flip ? [false, true] : [false]) {
            const found = await get(read, i, { flipped });
            const rows = imageRows(backbone, found, { boxes, flipped, kernels: used, targets, negatives: options.negatives ?? 1024, random: chosen }); // prettier-ignore
            moments.add(backbone, found, rows);
            both.push(rows);
            counted();
          }
        }
      }
      for (const read of evaluation) {
        for (const i of read.images.keys()) {
          await get(read, i, { keep: true });
          counted();
        }
      }
      // Layers are trained on features of length 1 in each channel: one learning rate has to serve channels that differ by factors of a hundred.
      const scale = moments.scale();
      const toUnit = scale.map((one) => 1 / one);
      const first = [...rowsOf.values()].flat().map(([rows]) => rows!);
      const started = heads.map((head, h): StartedHead => {
        const { labels, kernel, classifier, loss } = head;
        const weights = startHead(head, h, backbone, moments, toUnit, first, kernels.host);
        return { name: labels.name, kernel, classes: labels.size, classifier, loss, ...weights };
      });
      const now = (trained = new HeadSteps(device, started, { toUnit, optimizer, memory }));
      if (stored) {
        now.restore(stored);
        sampler.restore(stored.sampler);
        random = randomFrom(stored.random);
      }
      const evaluate = async (epoch: number): Promise<void> => {
        const layers = (await now.read()).map((weights, h) => plainLayer(heads[h]!, weights, toUnit));
        const scores: HeadScore[] = [];
        for (const [i, read] of evaluation.entries()) {
          for (const [h, layer] of layers.entries()) {
            const targets = heads[h]!.evaluated.get(read);
            if (targets) scores.push(await evaluateHead(backbone, layer, runtime, read, targets, (image) => get(read, image, { keep: true }), signal)); // prettier-ignore
          }
          onProgress?.({ phase: 'evaluate', done: i + 1, total: evaluation.length, epoch, device: where });
        }
        const loss = epoch === 0 ? NaN : losses.reduce((a, b) => a + b, 0) / losses.length;
        const ended: TrainEpoch = { epoch, loss, rate: epoch === 0 ? 0 : rateAt(step - 1), scores };
        losses = [];
        if (epoch > 0 || evaluation.length > 0) history.push(ended);
        const [ap50, ap] = [meanOf(scores.map((score) => score.ap50)), meanOf(scores.map((score) => score.ap))];
        if (!best || !(ap50 < best.ap50 || (ap50 === best.ap50 && ap < best.ap))) {
          best = { epoch, ap50, ap };
          bestWeights = Object.fromEntries(
            layers.flatMap(({ labels, weight, bias, boxWeight, boxBias, channels }) =>
              Object.entries({ weight, bias, boxWeight, boxBias, channels }).flatMap(([part, values]) =>
                values ? [[`${labels.name}/${part}`, values]] : [],
              ),
            ),
          );
        }
        await save();
        if (epoch > 0 || evaluation.length > 0) onEpoch?.(ended);
      };
      const save = async (): Promise<void> => {
        if (!checkpoint) return;
        const state: TrainState<TrainEpoch> = {
          run, step, losses, best, bestWeights, sampler: sampler.state(), random: random.state(), history, ...(await now.state()),
        }; // prettier-ignore
        await checkpoint.store.put(key, writeState(state));
      };
      if (!stored) await evaluate(0);
      while (step < steps) {
        signal?.throwIfAborted();
        const drawn = sampler.next().map(({ dataset, image }) => {
          const both = rowsOf.get(dataset)![image]!;
          return both[flip && random() < 0.5 ? 1 : 0]!;
        });
        now.step(drawn, rateAt(step));
        step++;
        const ends = step % perEpoch === 0;
        const saves = !ends && checkpoint?.every !== undefined && step % checkpoint.every === 0;
        // A processor has the loss at once.
        if (kernels.name !== 'webgpu' || now.full || ends || saves) losses.push(...(await now.losses()));
        const epoch = Math.ceil(step / perEpoch);
        onProgress?.({ phase: 'train', done: step, total: steps, epoch, loss: losses.at(-1), device: where });
        if (ends) await evaluate(epoch);
        else if (saves) await save();
        await pause();
      }
      const weights = await now.read();
      heads.forEach((head, h) => {
        if (head.classifier.kind !== 'cosine') return;
        similarities[head.labels.name] = datasets.flatMap(({ dataset: { name } }) => {
          const targets = head.targets.get(name);
          const rows = rowsOf.get(name)!.map(([plain]) => plain!);
          return targets ? [headSimilarities(head.labels.size, targets.columns, rows, h, weights[h]!.weight, toUnit)] : [];
        });
      });
    }
    const layers = heads.map(({ labels, kernel, classifier }): HeadLayer => {
      const part = (name: string) => bestWeights[`${labels.name}/${name}`];
      const [weight, bias] = [part('weight')!, part('bias')!];
      return { labels, kernel, classifier, weight, bias, boxWeight: part('boxWeight'), boxBias: part('boxBias'), channels: part('channels') }; // prettier-ignore
    });
    const files = writeHeads(backbone, layers, { name: options.name, only: options.only });
    const manifest = JSON.parse(new TextDecoder().decode(files['labelweave.json']!)) as unknown;
    return { files, model: { manifest, files }, history, best: best!, layers, similarities };
  } finally {
    trained?.dispose();
    // Kernels of the caller stay.
    if (device && device !== options.kernels) device.dispose();
    bank?.dispose();
    runtime.dispose();
  }
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
async function openKernels(
  wanted: TrainHeadsOptions['kernels'] = 'auto',
  runtime: string,
): Promise<{ device: TrainDevice; host: TrainKernels; name: string }> {
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
  const { weight, bias, boxWeight, boxBias } = weights;
  const boxes = { boxWeight: boxWeight && plain(boxWeight, 4), boxBias };
  // Cosines change with the length of channels: it stays a factor of its own.
  if (classifier.kind === 'cosine') return { labels, kernel, classifier, weight, bias, ...boxes, channels: toUnit.slice() };
  return { labels, kernel, classifier, weight: plain(weight, bias.length), bias, ...boxes };
}

/** Digest of all that decides the weights: a checkpoint of anything else is refused. */
async function runDigest(
  { digest, features }: Backbone,
  datasets: readonly ReadDataset[],
  evaluation: readonly ReadDataset[],
  heads: readonly OpenHead[],
  {
    epochs,
    batch,
    seed,
    flip,
    oneDatasetABatch,
    optimizer,
    schedule: scheduled,
    negatives,
    kernels,
  }: Omit<TrainHeadsOptions, 'kernels'> & { readonly kernels: string },
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
    heads: heads.map(({ labels, kernel, classifier, spec, loss, targets }) => {
      const tables = [...targets].map(([name, { columns, table }]) => [name, [...columns], [...table.states]]);
      return [labels.toJSON(), kernel, plainNumbers(classifier), spec.start, spec.boxes, plainNumbers(loss), tables];
    }),
    options: { epochs, batch, seed, flip, oneDatasetABatch, optimizer, scheduled, negatives, kernels },
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
