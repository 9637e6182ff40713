// Read this first: a detector runs five numbered stages in order, image -> graph -> heads -> unify -> postprocess, and is the only
// place that wires them. Everything a frame needs is prepared at load; a frame runs in one go on the device.
import { chooseRuntime, type DeviceChoice, type DeviceReport } from './runtime/choose.js';
import type { Executable, Runtime } from './runtime/runtime.js';
import { ArgumentError, DisposedError, describe } from './errors.js';
import { Detections } from './detections/detections.js';
import { toFrame, type ImageInput } from './image/frame.js';
import { fitTarget, toSourceBoxes } from './image/geometry.js';
import { openModel, type ModelSource } from './graph/model.js';
import type { Manifest } from './graph/manifest.js';
import { openHead, type Head } from './heads/head.js';
import { GraphBuilder } from './ir/builder.js';
import { addScoreMerge, mergedKind } from './unify/merge.js';
import { selectDetections, type NmsOptions } from './postprocess/select.js';
import { labelSpace, type LabelSpace } from './taxonomy/label-space.js';
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
  /** Label space of the results. Default: the model's own. Can be changed at any time, and for one call. */
  labels?: LabelsSpec<L>;
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
  readonly head: Head;
  /** The model's own label space. */
  readonly labels: LabelSpace;
  readonly tails: Map<string, Tail>;
  readonly tailIds: WeakMap<object, number>;
  nextTailId: number;
  disposed: boolean;
}

/** Programs for the label spaces used lately that are kept ready; the oldest idle one goes first. */
const MAX_TAILS = 16;

/** A detector whose results carry the labels `L`. Made by {@link loadDetector}. */
export class Detector<L extends string = string> {
  readonly #loaded: Loaded;
  #labels: ResolvedLabels<L>;

  /** Use {@link loadDetector}. */
  private constructor(loaded: Loaded, labels: ResolvedLabels<L>) {
    this.#loaded = loaded;
    this.#labels = labels;
  }

  /** @internal `shared` is a runtime that outlives the detector: one of an ensemble. */
  static async load<L extends string>(
    source: ModelSource,
    options: LoadOptions<L>,
    shared?: { runtime: Runtime; report: DeviceReport },
  ): Promise<Detector<L>> {
    const { signal, onProgress } = options;
    signal?.throwIfAborted();
    const { manifest, graph } = await openModel(source, {
      signal,
      cache: options.cache,
      onProgress:
        onProgress &&
        (({ phase, file, loaded, total }) => {
          if (phase !== 'optimize') onProgress({ phase: 'download', file, loaded, total });
        }),
    });
    const manifestHead = manifest.heads[0]!;
    const own = labelSpace(manifestHead.dataset, manifestHead.labels);
    const head = await openHead(manifestHead, graph, own);
    const resolved = resolveLabels(options.labels, own) as ResolvedLabels<L>;
    const { runtime, report } = shared ?? (await chooseRuntime(options.device, options));
    try {
      const base = await runtime.compile(graph, {
        signal,
        onProgress: onProgress && ((loaded, total) => onProgress({ phase: 'prepare', loaded, total })),
      });
      signal?.throwIfAborted();
      const loaded: Loaded = {
        manifest,
        imageInput: graph.values[graph.inputs[0]!]!.name,
        runtime,
        shared: shared !== undefined,
        report,
        base,
        head,
        labels: own,
        tails: new Map(),
        tailIds: new WeakMap(),
        nextTailId: 0,
        disposed: false,
      };
      return new Detector(loaded, resolved);
    } catch (error) {
      if (!shared) runtime.dispose();
      throw error;
    }
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

  /** The label space of the model itself, whatever {@link Detector.labels} is. */
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
   * Finds the objects in an image. Boxes come back as xyxy in source-image pixels. Calls may overlap: frames run one after another.
   * @throws ImageError, LoadError, ArgumentError, LabelSpaceError, DisposedError, DeviceError, or `signal.reason`.
   */
  detect<M extends string = L>(image: ImageInput, options?: DetectOptions<M>): Promise<Detections<M>>;
  /** Several images, results in the same order. One bad image rejects the whole call with its position. */
  detect<M extends string = L>(images: readonly ImageInput[], options?: DetectOptions<M>): Promise<Detections<M>[]>;
  async detect<M extends string = L>(
    input: ImageInput | readonly ImageInput[],
    options: DetectOptions<M> = {},
  ): Promise<Detections<M> | Detections<M>[]> {
    const loaded = this.#loaded;
    if (loaded.disposed) throw new DisposedError('detector');
    const settings = checkOptions(options);
    const labels =
      options.labels === undefined
        ? (this.#labels as unknown as ResolvedLabels<M>)
        : resolveLabels(options.labels as LabelsSpec<M>, loaded.labels);
    options.signal?.throwIfAborted();
    if (!Array.isArray(input)) return detectOne(loaded, input as ImageInput, labels, settings);
    const results: Detections<M>[] = [];
    for (const [i, image] of input.entries()) {
      try {
        results.push(await detectOne(loaded, image, labels, settings));
      } catch (error) {
        if (error instanceof Error && error !== options.signal?.reason) error.message = `images[${i}]: ${error.message}`;
        throw error;
      }
    }
    return results;
  }

  /** Frees the network, its device memory and its threads; idempotent. Calls in flight reject with DisposedError. */
  dispose(): void {
    this.#loaded.disposed = true;
    this.#loaded.tails.clear();
    if (this.#loaded.shared) this.#loaded.base.dispose();
    else this.#loaded.runtime.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

interface Settings {
  scoreThreshold: number;
  maxDetections: number;
  nms: NmsOptions | false | undefined;
  signal: AbortSignal | undefined;
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

async function detectOne<L extends string>(
  loaded: Loaded,
  input: ImageInput,
  labels: ResolvedLabels<L>,
  { scoreThreshold, maxDetections, nms = loaded.manifest.nms ?? false, signal }: Settings,
): Promise<Detections<L>> {
  // 1. image: anything -> upright 8-bit pixels, and where they land in the network's input.
  const frame = await toFrame(input, { signal });
  const target = fitTarget(loaded.manifest.input.fit, frame, loaded.manifest.input);

  // 2. graph, 3. heads, 4. unify: the network and, behind it, a tail for this label space, in one run on the device.
  const { head } = loaded;
  const from = labels.mapping ? mergedKind({ combine: labels.combine, from: head.scores.from }) : head.scores.from;
  const feeds = { [loaded.imageInput]: { ...frame, target }, ...head.feeds(scoreThreshold, from) };
  // Suppression removes candidates, so more are taken than are wanted.
  const wanted = nms === false ? maxDetections : maxDetections * 4;
  const candidates = await withTail(loaded, labels, wanted, (executable) =>
    executable.run({ feeds, outputs: head.outputs, signal }, (results) =>
      head.decode(results, { labels: labels.space.size, from }),
    ),
  );

  // 5. postprocess: suppress, keep the best, and bring the boxes back to source pixels.
  toSourceBoxes(candidates.boxes, target, frame);
  const kept = selectDetections(candidates, { scoreThreshold, maxDetections, nms });
  return new Detections({ ...kept, labels: labels.space, imageWidth: frame.width, imageHeight: frame.height });
}

/** The program of network plus tail for one label space. */
interface Tail {
  readonly executable: Promise<Executable>;
  /** Frames that are using it now; only an idle tail may be given up. */
  users: number;
}

/** Runs `use` with the program for a label space and a number of candidates; programs are made once and kept while they are used often. */
async function withTail<T>(
  loaded: Loaded,
  labels: ResolvedLabels,
  candidates: number,
  use: (executable: Executable) => Promise<T>,
): Promise<T> {
  // Powers of two keep the number of programs small.
  const k = 2 ** Math.ceil(Math.log2(Math.max(128, candidates)));
  const identity = labels.mapping ?? loaded;
  let id = loaded.tailIds.get(identity);
  if (id === undefined) loaded.tailIds.set(identity, (id = loaded.nextTailId++));
  const key = `${id}/${labels.combine}/${k}`;
  const tail = loaded.tails.get(key) ?? { executable: buildTail(loaded, labels, k), users: 0 };
  // The one used last stands last.
  loaded.tails.delete(key);
  loaded.tails.set(key, tail);
  tail.users++;
  try {
    const executable = await tail.executable.catch((error: unknown) => {
      loaded.tails.delete(key);
      throw error;
    });
    return await use(executable);
  } finally {
    tail.users--;
    if (loaded.tails.size > MAX_TAILS) giveUpIdleTails(loaded);
  }
}

function giveUpIdleTails({ tails }: Loaded): void {
  for (const [key, tail] of tails) {
    if (tails.size <= MAX_TAILS) return;
    if (tail.users > 0) continue;
    tails.delete(key);
    // A tail that could not be built has nothing to free; its error went to the call that asked for it.
    tail.executable.then(
      (executable) => executable.dispose(),
      () => undefined,
    );
  }
}

async function buildTail({ base, head }: Loaded, labels: ResolvedLabels, k: number): Promise<Executable> {
  const builder = new GraphBuilder();
  const scores = head.addScores(builder);
  const merged = labels.mapping
    ? addScoreMerge(builder, scores, labels.mapping, { combine: labels.combine, from: head.scores.from })
    : scores;
  head.addPeaks(builder, merged, { k, labels: labels.space.size });
  return base.extend(builder.build());
}
