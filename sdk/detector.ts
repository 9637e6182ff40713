// Read this first: a detector runs five numbered stages in order, image -> graph -> heads -> unify -> postprocess, and is the only
// place that wires them. Everything a frame needs is prepared at load; a frame runs in one go on the device.
import { chooseRuntime, type DeviceChoice, type DeviceReport } from './runtime/choose.js';
import type { Executable, Runtime } from './runtime/runtime.js';
import { ArgumentError, DisposedError, describe } from './errors.js';
import { Detections } from './detections/detections.js';
import { GpuDetections } from './detections/gpu.js';
import { toFrame, toGpuFrame, type ImageInput } from './image/frame.js';
import { fitTarget, toSourceBoxes } from './image/geometry.js';
import { openModel, type ModelSource } from './graph/model.js';
import type { Manifest } from './graph/manifest.js';
import { readEmbeddings, takesEmbeddings, type TextEmbeddings } from './heads/embeddings.js';
import { openHead } from './heads/head.js';
import type { Graph } from './ir/graph.js';
import { Tails } from './tails.js';
import { reprojected } from './unify/reproject.js';
import { selectDetections, type NmsOptions } from './postprocess/select.js';
import { labelSpace, type LabelSpace } from './taxonomy/label-space.js';
import { mappingOf } from './taxonomy/mapping.js';
import type { LabelTransform } from './taxonomy/transform.js';
import { resolveLabels, type LabelsSpec, type ResolvedLabels } from './taxonomy/resolve.js';
import type { ByteStore } from './platform-types.js';

/** What {@link LoadOptions.onProgress} is told. */
export interface LoadProgress {
  /** `download` counts bytes of a file, `prepare` counts steps of the network. */
  phase: 'download' | 'prepare';
  /** The file, while downloading. */
  file?: string;
  /** Bytes or steps so far. */
  loaded: number;
  /** 0 while it is unknown. */
  total: number;
}

/** Options of {@link loadDetector}. */
export interface LoadOptions<L extends string = string> {
  /** Which runtime to use, in order of preference. Default `auto`: webgpu, wasm, reference. See {@link Detector.device}. */
  device?: DeviceChoice;
  /** Threads of the wasm runtime. Default `auto`: all cores up to 8, where memory can be shared; otherwise 1. */
  threads?: number | 'auto';
  /** A GPUDevice of your own for the webgpu runtime; it is never destroyed by us. Default: one of our own. */
  gpuDevice?: object;
  /** How the webgpu runtime stores numbers. Default `auto`: f16 where the GPU has it and the model bears it, else f32. See {@link DeviceReport.notes}. */
  precision?: 'auto' | 'f32' | 'f16';
  /** Variants of the webgpu kernels. Default `auto`: timed on the GPU at the first loads, 300 ms at most each time, and remembered. `false`: not timed. */
  tuning?: 'auto' | false | Readonly<Record<string, string>>;
  /** Label space of the results. Default: the model's own. Can be changed at any time, and for one call. */
  labels?: LabelsSpec<L>;
  /**
   * Merges the classification layers of a model with several heads into one over the labels of a taxonomy, before the first frame (naive weight merge,
   * UniDet, Table 5): as fast as one head, but scores are of mean logits. Default: scores are merged, by Eq. 5. Throws ModelError where heads are not linear.
   */
  mergeHeads?: LabelTransform<L>;
  /** Labels with their text embeddings, for a model whose head compares features with text. Can be swapped: {@link Detector.withEmbeddings}. */
  embeddings?: TextEmbeddings;
  /** Where downloaded files are kept: `auto` (default) the host's cache, `false` nowhere, or your own store. */
  cache?: 'auto' | false | ByteStore;
  /** Stops loading; the promise rejects with `signal.reason` and nothing stays behind. */
  signal?: AbortSignal;
  /** Called while loading, at least once a file. */
  onProgress?: (progress: LoadProgress) => void;
}

/** Options of {@link Detector.detect}. */
export interface DetectOptions<L extends string = string> {
  /** Least score of a detection, 0 to 1. Default 0.3. */
  scoreThreshold?: number;
  /** Most detections an image, the best ones, 1 to 10,000. Default 100. */
  maxDetections?: number;
  /** Label space of this call alone. Default: the detector's. */
  labels?: LabelsSpec<L>;
  /** Non-maximum suppression on the final labels, or `false`. Default: what the model's manifest says. */
  nms?: NmsOptions | false;
  /** Stops this call; the promise rejects with `signal.reason`, other calls go on. */
  signal?: AbortSignal;
}

/** The network on its device, shared by all views of one detector. */
interface Loaded {
  readonly manifest: Manifest;
  /** Name of the graph's image input. */
  readonly imageInput: string;
  readonly runtime: Runtime;
  /** Whether the runtime is another's, who ends it. */
  readonly shared: boolean;
  readonly report: DeviceReport;
  readonly base: Executable;
  /** The graph without its weights: what heads are opened with. */
  readonly outline: Graph;
  readonly tails: Tails;
  /** The label space of each head. */
  readonly datasets: readonly LabelSpace[];
  /** The labels of all heads, one after another. */
  readonly labels: LabelSpace;
  /** Shared by all views of the network. */
  readonly life: { disposed: boolean };
}

/** A model that is read and checked, and on no device yet. */
export interface OpenedModel<L extends string> {
  /** Puts the network on a device; devices may be tried one after another. Throws DeviceError, or `signal.reason`. */
  compile(runtime: Runtime, signal: AbortSignal | undefined): Promise<Executable>;
  /** The detector on the device where that worked; with `shared`, its runtime outlives it. */
  detector(device: Pick<Loaded, 'runtime' | 'report' | 'base' | 'shared'>): Detector<L>;
}

/** A detector whose results carry the labels `L`. Made by {@link loadDetector}. */
export class Detector<L extends string = string> {
  readonly #loaded: Loaded;
  #labels: ResolvedLabels<L>;

  /** Use {@link loadDetector}. */
  private constructor(loaded: Loaded, labels: ResolvedLabels<L>) {
    this.#loaded = loaded;
    this.#labels = labels;
  }

  /** @internal */
  static async load<L extends string>(source: ModelSource, options: LoadOptions<L>): Promise<Detector<L>> {
    const model = await Detector.open(source, options);
    let base!: Executable;
    const chosen = await chooseRuntime(options.device, options, async (on) => {
      base = await model.compile(on, options.signal);
    });
    return model.detector({ ...chosen, base, shared: false });
  }

  /** @internal Reads a model and checks it; no device is needed yet. */
  static async open<L extends string>(source: ModelSource, options: LoadOptions<L>): Promise<OpenedModel<L>> {
    const { signal, onProgress } = options;
    signal?.throwIfAborted();
    const model = await openModel(source, {
      signal,
      cache: options.cache,
      onProgress:
        onProgress &&
        (({ phase, file, loaded, total }) => {
          if (phase !== 'optimize') onProgress({ phase: 'download', file, loaded, total });
        }),
    });
    const { manifest, graph: whole } = options.mergeHeads
      ? (await import('./graph/merge-heads.js')).mergeHeads(model, options.mergeHeads)
      : model;
    const { datasets, own, heads } = await openHeads(manifest, whole, options.embeddings);
    // With text of the caller the scores that a head came with are not computed: of 1203 labels they cost more than a small network.
    const graph = options.embeddings
      ? (await import('./graph/outputs.js')).pruneTo(whole, [...new Set(heads.flatMap(({ head }) => head.inputs))])
      : whole;
    const resolved = resolveLabels(options.labels, own) as ResolvedLabels<L>;
    return {
      async compile(runtime, stop) {
        const base = await runtime.compile(graph, {
          signal: stop,
          onProgress: onProgress && ((loaded, total) => onProgress({ phase: 'prepare', loaded, total })),
        });
        stop?.throwIfAborted();
        return base;
      },
      detector: (device) => {
        const loaded: Loaded = {
          ...device,
          manifest,
          imageInput: graph.values[graph.inputs[0]!]!.name,
          outline: outlineOf(whole),
          tails: new Tails(device.base, heads),
          datasets,
          labels: own,
          life: { disposed: false },
        };
        return new Detector(loaded, resolved);
      },
    };
  }

  /** Facts about the model: name, origin, licence, input, heads. */
  get model(): Manifest {
    return this.#loaded.manifest;
  }

  /** What device was asked for, what is used, and why not the others. */
  get device(): DeviceReport {
    return this.#loaded.report;
  }

  /** The GPUDevice that computes, where one does; another one after a loss. */
  get gpuDevice(): object | undefined {
    return this.#loaded.runtime.gpuDevice;
  }

  /** Bytes held on the device. */
  get memory(): Executable['memory'] {
    return this.#loaded.base.memory;
  }

  /** The label spaces of the model's heads: one a data set. */
  get datasets(): readonly LabelSpace[] {
    return this.#loaded.datasets;
  }

  /** The label space of the model itself, whatever {@link Detector.labels} is; of a model with several heads, all their labels one after another. */
  get modelLabels(): LabelSpace {
    return this.#loaded.labels;
  }

  /** The label space of the results. */
  get labels(): LabelSpace<L> {
    return this.#labels.space;
  }

  /**
   * Changes the label space of all later calls; the network is not loaded again. For a new static type use {@link Detector.withLabels}.
   * @throws LabelSpaceError when a label is not in the model's label space.
   */
  set labels(labels: LabelsSpec<L>) {
    this.#labels = resolveLabels(labels, this.#loaded.labels);
  }

  /** A view of the same loaded network with another label space, and its type. Disposing either disposes both. */
  withLabels<M extends string>(labels: LabelsSpec<M>): Detector<M> {
    return new Detector(this.#loaded, resolveLabels(labels, this.#loaded.labels));
  }

  /**
   * A view of the same loaded network that finds other labels: those of the text embeddings. Nothing of the network is loaded again. Disposing either
   * disposes both.
   * @throws ArgumentError where no head takes embeddings, ModelError where they do not fit the head, LabelSpaceError.
   */
  async withEmbeddings(embeddings: TextEmbeddings): Promise<Detector> {
    const loaded = this.#loaded;
    if (loaded.life.disposed) throw new DisposedError('detector');
    const { datasets, own, heads } = await openHeads(loaded.manifest, loaded.outline, embeddings);
    const view: Loaded = { ...loaded, tails: new Tails(loaded.base, heads), datasets, labels: own };
    return new Detector(view, resolveLabels(undefined, own));
  }

  /**
   * Finds the objects in an image. Boxes come back as xyxy in source-image pixels. Calls may overlap: frames run one after another.
   * @throws ImageError, LoadError, ArgumentError, LabelSpaceError, DisposedError, DeviceError, or `signal.reason`.
   */
  detect<M extends string = L>(image: ImageInput, options?: DetectOptions<M>): Promise<Detections<M>>;
  /** Several images, results in the same order. One bad image rejects the whole call with its position. */
  detect<M extends string = L>(images: readonly ImageInput[], options?: DetectOptions<M>): Promise<Detections<M>[]>;
  /**
   * Leaves boxes, scores and labels in buffers of {@link Detector.gpuDevice}; nothing is read back. Only on webgpu, and for models whose heads score the same
   * positions.
   */
  detect<M extends string = L>(image: ImageInput, options: DetectOptions<M> & { keepOnGpu: true }): Promise<GpuDetections<M>>;
  async detect<M extends string = L>(
    input: ImageInput | readonly ImageInput[],
    options: DetectOptions<M> & { keepOnGpu?: boolean } = {},
  ): Promise<Detections<M> | Detections<M>[] | GpuDetections<M>> {
    const loaded = this.#loaded;
    if (loaded.life.disposed) throw new DisposedError('detector');
    const settings = checkOptions(options);
    const labels =
      options.labels === undefined
        ? (this.#labels as unknown as ResolvedLabels<M>)
        : resolveLabels(options.labels as LabelsSpec<M>, loaded.labels);
    options.signal?.throwIfAborted();
    if (options.keepOnGpu) return keepOne(loaded, input as ImageInput, labels, settings);
    if (!Array.isArray(input)) return (await detectOne(loaded, input as ImageInput, [labels], settings))[0]!;
    return forEachImage(input as readonly ImageInput[], options.signal, async (image) => {
      return (await detectOne(loaded, image, [labels], settings))[0]!;
    });
  }

  /**
   * What each head says in the labels of its own data set, by the name of the data set; the network runs once. With a taxonomy (or a unified label
   * space) all heads that it joins speak for a label: the joint scores of UniDet's Eq. 5, re-projected to each data set.
   * @throws as {@link Detector.detect}.
   */
  async detectPerDataset(
    image: ImageInput,
    { labels: through, ...options }: Omit<DetectOptions, 'labels'> & { labels?: LabelTransform } = {},
  ): Promise<ReadonlyMap<string, Detections>> {
    const loaded = this.#loaded;
    if (loaded.life.disposed) throw new DisposedError('detector');
    const settings = checkOptions(options);
    const answers = loaded.datasets.map((dataset, i) =>
      through ? resolveLabels(reprojected(through, dataset.name), loaded.labels) : ownLabels(loaded, i),
    );
    const all = await detectOne(loaded, image, answers, settings);
    return new Map(all.map((detections, i) => [loaded.datasets[i]!.name, detections]));
  }

  /** Frees the network, its device memory and its threads; idempotent. Calls in flight reject with DisposedError. */
  dispose(): void {
    this.#loaded.life.disposed = true;
    this.#loaded.tails.clear();
    if (this.#loaded.shared) this.#loaded.base.dispose();
    else this.#loaded.runtime.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** The heads of a model, checked against its graph; one that takes text embeddings scores their labels. */
async function openHeads(manifest: Manifest, graph: Graph, embeddings: TextEmbeddings | undefined) {
  const text = embeddings && readEmbeddings(embeddings);
  if (text && !manifest.heads.some(({ decoder }) => takesEmbeddings(decoder))) {
    const found = manifest.heads.map(({ decoder }) => decoder.type).join(', ');
    throw new ArgumentError({
      thing: 'embeddings',
      found: `a model with heads ${found}`,
      wanted: 'a head whose decoder has "embeddings"',
    });
  }
  const ofHead = manifest.heads.map(({ decoder }) => (takesEmbeddings(decoder) ? text : undefined));
  const datasets = manifest.heads.map(
    ({ dataset, labels }, i) => ofHead[i]?.space ?? (labelSpace(dataset, labels) as LabelSpace),
  );
  // One head is the rule: what several need comes when asked for.
  const own = datasets.length === 1 ? datasets[0]! : (await import('./taxonomy/concatenate.js')).concatenate(datasets);
  const heads = await Promise.all(
    manifest.heads.map(async (head, i) => {
      const prefix = i === 0 ? 'tail' : `tail${i}`;
      const opened = await openHead(head, graph, datasets[i]!, { prefix, embeddings: ofHead[i]?.table });
      return { head: opened, labels: datasets[i]!.size };
    }),
  );
  return { datasets, own, heads };
}

/** What heads look at: values and their shapes, and how the image comes in. Weights are left to the runtime. */
function outlineOf({ values, nodes, inputs, outputs }: Graph): Graph {
  return {
    values: values.map(({ name, dtype, shape, image }) => ({ name, dtype, shape, ...(image && { image }) })),
    nodes: nodes.filter(({ op }) => op === 'image_to_tensor'),
    inputs,
    outputs,
  };
}

/** The answer of one head in its own labels. */
function ownLabels({ datasets, labels }: Loaded, head: number): ResolvedLabels {
  const space = datasets[head]!;
  if (datasets.length === 1) return { space, mapping: undefined, combine: 'max', missing: [] };
  const start = datasets.slice(0, head).reduce((sum, { size }) => sum + size, 0);
  const mapping = mappingOf(space.labels.map(({ index }) => [start + index]), labels.size); // prettier-ignore
  return { space, mapping, combine: 'max', missing: [] };
}

interface Settings {
  scoreThreshold: number;
  maxDetections: number;
  nms: NmsOptions | false | undefined;
  signal: AbortSignal | undefined;
}

/** One image after another, results in their order; an error of one says its position, unless it is the reason of `signal`. */
export async function forEachImage<T>(
  images: readonly ImageInput[],
  signal: AbortSignal | undefined,
  one: (image: ImageInput) => Promise<T>,
): Promise<T[]> {
  const results: T[] = [];
  for (const [i, image] of images.entries()) {
    try {
      results.push(await one(image));
    } catch (error) {
      if (error instanceof Error && error !== signal?.reason) error.message = `images[${i}]: ${error.message}`;
      throw error;
    }
  }
  return results;
}

/** Checks the options of a call. Throws ArgumentError. */
export function checkOptions(options: DetectOptions): Settings {
  const { scoreThreshold = 0.3, maxDetections = 100, nms, signal } = options;
  if (typeof scoreThreshold !== 'number' || !(scoreThreshold >= 0 && scoreThreshold <= 1)) {
    throw new ArgumentError({ thing: 'scoreThreshold', found: describe(scoreThreshold), wanted: 'a number from 0 to 1' });
  }
  if (!Number.isInteger(maxDetections) || maxDetections < 1 || maxDetections > 10_000) {
    throw new ArgumentError({ thing: 'maxDetections', found: describe(maxDetections), wanted: 'a whole number from 1 to 10000' });
  }
  return { scoreThreshold, maxDetections, nms, signal };
}

/** Heads with boxes of their own see one object several times. */
const BRANCH_NMS: NmsOptions = { iouThreshold: 0.6, perClass: true };

/** One image, answered in each of the given label spaces. */
/** As {@link detectOne}, with nothing read back. */
async function keepOne<L extends string>(
  loaded: Loaded,
  input: ImageInput,
  labels: ResolvedLabels<L>,
  settings: Settings,
): Promise<GpuDetections<L>> {
  const { scoreThreshold, maxDetections, signal } = settings;
  if (!loaded.base.keep || Array.isArray(input) || loaded.tails.branches !== 1) {
    throw new ArgumentError({
      thing: 'keepOnGpu',
      found: !loaded.base.keep
        ? `the device ${loaded.report.used}`
        : Array.isArray(input)
          ? 'several images'
          : 'heads with boxes of their own',
      wanted: 'device "webgpu", one image, and a model whose heads score the same positions',
    });
  }
  const pending = loaded.runtime.takesSources ? toGpuFrame(input, { signal }) : toFrame(input, { signal });
  const frame = pending instanceof Promise ? await pending : pending;
  const target = fitTarget(loaded.manifest.input.fit, frame, loaded.manifest.input);
  const nms = settings.nms ?? loaded.manifest.nms ?? false;
  const wanted = nms === false ? maxDetections : maxDetections * 4;
  const feeds = { [loaded.imageInput]: { ...frame, target } };
  const kept = await loaded.tails.keep(labels, { feeds, scoreThreshold, wanted, nms, signal });
  const { width, height } = frame;
  const place = { left: target.left, top: target.top, scaleX: width / target.width, scaleY: height / target.height };
  return new GpuDetections({ ...kept, labels: labels.space, imageWidth: width, imageHeight: height, place });
}

async function detectOne<L extends string>(
  loaded: Loaded,
  input: ImageInput,
  answers: readonly ResolvedLabels<L>[],
  settings: Settings,
): Promise<Detections<L>[]> {
  const { scoreThreshold, maxDetections, signal } = settings;
  const nms = settings.nms ?? loaded.manifest.nms ?? (loaded.tails.branches > 1 ? BRANCH_NMS : false);
  // 1. image: anything -> upright 8-bit pixels, and where they land in the network's input. A GPU takes pictures of the page as they are: in this very
  // turn of the event loop, for a video goes on.
  const pending = loaded.runtime.takesSources ? toGpuFrame(input, { signal }) : toFrame(input, { signal });
  const frame = pending instanceof Promise ? await pending : pending;
  const target = fitTarget(loaded.manifest.input.fit, frame, loaded.manifest.input);

  // 2. graph, 3. heads, 4. unify: the network and, behind it, a tail for these label spaces, in one run on the device.
  const candidates = await loaded.tails.run(answers, {
    feeds: { [loaded.imageInput]: { ...frame, target } },
    scoreThreshold,
    // Suppression removes candidates, so more are taken than are wanted.
    wanted: nms === false ? maxDetections : maxDetections * 4,
    signal,
  });

  // 5. postprocess: suppress, keep the best, and bring the boxes back to source pixels.
  return candidates.map((own, i) => {
    toSourceBoxes(own.boxes, target, frame);
    const kept = selectDetections(own, { scoreThreshold, maxDetections, nms });
    return new Detections({ ...kept, labels: answers[i]!.space, imageWidth: frame.width, imageHeight: frame.height });
  });
}
