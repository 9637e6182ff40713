// Read this first: a detector runs five numbered stages in order, image -> graph -> heads -> unify -> postprocess, and is the only
// place that wires them. Everything a frame needs is prepared at load; a frame runs in one go on the device.
import { chooseRuntime, type DeviceChoice, type DeviceReport } from './runtime/choose.js';
import type { Executable, Runtime } from './runtime/runtime.js';
import { ArgumentError, DisposedError, describe } from './errors.js';
import { Detections } from './detections/detections.js';
import { toFrame, type ImageInput } from './image/frame.js';
import { fitTarget, toSourceBoxes } from './image/geometry.js';
import { openModel, type ModelProgress, type ModelSource } from './graph/model.js';
import type { Manifest } from './graph/manifest.js';
import { IMAGE_INPUT, withImageInput } from './graph/image-input.js';
import { openHead, type Head } from './heads/head.js';
import { GraphBuilder } from './ir/builder.js';
import { addScoreMerge } from './unify/merge.js';
import { selectDetections, type NmsOptions } from './postprocess/select.js';
import { labelSpace, type LabelSpace } from './taxonomy/label-space.js';
import { resolveLabels, type LabelsSpec, type ResolvedLabels } from './taxonomy/resolve.js';
import type { ByteStore } from './platform-types.js';

export interface LoadProgress {
  /** `download` counts bytes of a file, `prepare` counts steps of the network. */
  phase: 'download' | 'prepare';
  /** The file, while downloading. */
  file?: string;
  loaded: number;
  /** 0 while it is unknown. */
  total: number;
}

export interface LoadOptions<L extends string = string> {
  /** Which runtime to use, in order of preference. Default `auto`: webgpu, wasm, reference. See {@link Detector.device}. */
  device?: DeviceChoice;
  /** Threads of the wasm runtime. Default `auto`: all cores up to 8, where memory can be shared; otherwise 1. */
  threads?: number | 'auto';
  /** Label space of the results. Default: the model's own. Can be changed at any time, and for one call. */
  labels?: LabelsSpec<L>;
  /** Where downloaded files are kept: `auto` (default) the host's cache, `false` nowhere, or your own store. */
  cache?: 'auto' | false | ByteStore;
  /** Stops loading; the promise rejects with `signal.reason` and nothing stays behind. */
  signal?: AbortSignal;
  onProgress?: (progress: LoadProgress) => void;
}

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
  readonly runtime: Runtime;
  readonly report: DeviceReport;
  readonly base: Executable;
  readonly head: Head;
  /** The model's own label space. */
  readonly labels: LabelSpace;
  readonly tails: Map<string, Promise<Executable>>;
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

  /** @internal */
  static async load<L extends string>(source: ModelSource, options: LoadOptions<L>): Promise<Detector<L>> {
    const { signal, onProgress } = options;
    signal?.throwIfAborted();
    const { manifest, graph } = await openModel(source, {
      signal,
      cache: options.cache,
      onProgress: onProgress && ((progress: ModelProgress) => onProgress({ phase: 'download', ...progress })),
    });
    const manifestHead = manifest.heads[0]!;
    const own = labelSpace(manifestHead.dataset, manifestHead.labels);
    const head = openHead(manifestHead, graph, own);
    const resolved = resolveLabels(options.labels, own) as ResolvedLabels<L>;
    const { runtime, report } = await chooseRuntime(options.device, { threads: options.threads });
    try {
      const { height, width, order, mean, std, padValue, background } = manifest.input;
      const input = { height, width, order, mean, std, padValue, background };
      const base = await runtime.compile(withImageInput(graph, manifest.input.name, input), {
        signal,
        onProgress: onProgress && ((loaded, total) => onProgress({ phase: 'prepare', loaded, total })),
      });
      signal?.throwIfAborted();
      const loaded: Loaded = {
        manifest,
        runtime,
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
      runtime.dispose();
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
    this.#loaded.runtime.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/**
 * Loads a model and makes it ready to detect.
 *
 * @param model A model package: the default export of `labelweave/models/...`, the folder or URL of one, or its files.
 * @throws ModelError, LoadError, LabelSpaceError, DeviceError, ArgumentError, or `signal.reason`.
 */
export function loadDetector<const L extends string = string>(model: ModelSource, options: LoadOptions<L> = {}): Promise<Detector<L>> {
  return Detector.load(model, options);
}

interface Settings {
  scoreThreshold: number;
  maxDetections: number;
  nms: NmsOptions | false | undefined;
  signal: AbortSignal | undefined;
}

function checkOptions(options: DetectOptions): Settings {
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
  const tail = await tailFor(loaded, labels, maxDetections, nms !== false);
  if (loaded.disposed) throw new DisposedError('detector');
  const from = scoresAfterUnify(head, labels);
  const candidates = await tail.run(
    {
      feeds: { [IMAGE_INPUT]: { ...frame, target }, ...head.feeds(scoreThreshold, from) },
      outputs: head.outputs,
      signal,
    },
    (results) => head.decode(results, { labels: labels.space.size, from }),
  );

  // 5. postprocess: suppress, keep the best, and bring the boxes back to source pixels.
  toSourceBoxes(candidates.boxes, target, frame);
  const kept = selectDetections(candidates, { scoreThreshold, maxDetections, nms });
  return new Detections({ ...kept, labels: labels.space, imageWidth: frame.width, imageHeight: frame.height });
}

/** Logits stay logits unless several columns are averaged or combined as probabilities. */
function scoresAfterUnify(head: Head, labels: ResolvedLabels): 'logit' | 'probability' {
  return labels.mapping && labels.combine !== 'max' ? 'probability' : head.scores.from;
}

/** The executable of network plus tail for a label space and a number of candidates; made once, then kept. */
async function tailFor(loaded: Loaded, labels: ResolvedLabels, maxDetections: number, suppress: boolean): Promise<Executable> {
  // Suppression removes candidates, so more are taken than are wanted; powers of two keep the number of programs small.
  const k = 2 ** Math.ceil(Math.log2(Math.max(128, suppress ? maxDetections * 4 : maxDetections)));
  const identity = labels.mapping ?? loaded;
  let id = loaded.tailIds.get(identity);
  if (id === undefined) loaded.tailIds.set(identity, (id = loaded.nextTailId++));
  const key = `${id}/${labels.combine}/${k}`;
  let tail = loaded.tails.get(key);
  // Freshly used ones stand last.
  loaded.tails.delete(key);
  tail ??= buildTail(loaded, labels, k);
  loaded.tails.set(key, tail);
  if (loaded.tails.size > MAX_TAILS) {
    const [oldest, idle] = loaded.tails.entries().next().value!;
    loaded.tails.delete(oldest);
    // Frames in flight were queued before this call: a frame behind them ends last.
    void idle.then((executable) => executable.dispose());
  }
  try {
    return await tail;
  } catch (error) {
    loaded.tails.delete(key);
    throw error;
  }
}

function buildTail({ base, head }: Loaded, labels: ResolvedLabels, k: number): Promise<Executable> {
  const builder = new GraphBuilder();
  const scores = head.addScores(builder);
  const merged = labels.mapping
    ? addScoreMerge(builder, scores, labels.mapping, { combine: labels.combine, from: head.scores.from })
    : scores;
  head.addPeaks(builder, merged, { k, labels: labels.space.size });
  return base.extend(builder.build());
}
