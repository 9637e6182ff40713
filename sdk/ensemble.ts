// Several detectors as one: the image is decoded once, each model answers in the wanted label space, and their boxes become one set of
// detections that say which models and data set labels support them.
import { type DatasetLabel, FusedDetections, type Support } from './detections/fused.js';
import { checkOptions, type DetectOptions, Detector, forEachImage, type LoadOptions } from './detector.js';
import { ArgumentError, describe, DisposedError, InternalError, LabelSpaceError } from './errors.js';
import { allOrNone } from './graph/all-or-none.js';
import type { Manifest } from './graph/manifest.js';
import type { ModelSource } from './graph/model.js';
import { type ImageInput, toFrame } from './image/frame.js';
import { checkFusion, fuseCandidates, type FusionOptions } from './postprocess/fuse.js';
import { chooseRuntime, type DeviceReport } from './runtime/choose.js';
import type { Executable, Runtime } from './runtime/runtime.js';
import { partsOf } from './taxonomy/concatenate.js';
import { hierarchyOf } from './taxonomy/hierarchy.js';
import { formatSpace, isLabelSpace, type LabelSpace, labelSpace } from './taxonomy/label-space.js';
import { describeMissing, type LabelMapper, type ResolvedLabels } from './taxonomy/mapper.js';
import { membersOf } from './taxonomy/mapping.js';
import { type LabelsSpec, resolveLabels } from './taxonomy/resolve.js';
import { isTaxonomy, taxonomy } from './taxonomy/taxonomy.js';
import { isUnifiedLabelSpace, type UnifiedLabelSpace, unifiedLabelSpace } from './taxonomy/unified.js';

/** Options of `loadDetector` for several models. */
export interface EnsembleOptions<L extends string = string> extends LoadOptions<L> {
  /** How boxes of several models become one, unless a call says otherwise. */
  fusion?: FusionOptions;
}

/** Options of {@link Ensemble.detect}. */
export interface EnsembleDetectOptions<L extends string = string> extends DetectOptions<L> {
  /** How boxes of several models become one. Default: what was said at load. */
  fusion?: FusionOptions;
}

/** What the models share. */
interface Members {
  readonly detectors: readonly Detector[];
  readonly runtime: Runtime;
  readonly fusion: FusionOptions;
  disposed: boolean;
}

/** A label space that all models answer in. */
interface SharedLabels<L extends string> {
  readonly space: LabelSpace<L>;
  /** For each model how its labels become those of `space`. */
  readonly models: readonly ResolvedLabels[];
  /** For each label the positions of more general ones above it. */
  ancestors(label: number): ArrayLike<number>;
}

/** A model's boxes are looked at down to this share of the wanted score: two doubtful boxes on one object say more than one. */
const MEMBER_SHARE = 0.5;

/** Several detectors that answer as one, in one label space. Made by `loadDetector` with an array of models. */
export class Ensemble<L extends string = string> {
  readonly #members: Members;
  #labels: SharedLabels<L>;

  /** Use `loadDetector`. */
  private constructor(members: Members, labels: SharedLabels<L>) {
    this.#members = members;
    this.#labels = labels;
  }

  /** @internal */
  static async load<L extends string>(sources: readonly ModelSource[], options: EnsembleOptions<L>): Promise<Ensemble<L>> {
    if (sources.length === 0) throw new ArgumentError({ thing: 'models', found: 'an empty array', wanted: 'one model or more' });
    const { labels, fusion = {}, ...rest } = options;
    checkFusion(fusion, sources.length);
    const models = await allOrNone(sources, options.signal, (source, signal) => Detector.open(source, { ...rest, signal }));
    let bases!: Executable[];
    const { runtime, report } = await chooseRuntime(options.device, options, async (on) => {
      bases = await allOrNone(models, options.signal, (model, signal) => model.compile(on, signal));
    });
    try {
      const detectors = models.map((model, i) => model.detector({ runtime, report, base: bases[i]!, shared: true }));
      return new Ensemble({ detectors, runtime, fusion, disposed: false }, shareLabels(labels, detectors));
    } catch (error) {
      runtime.dispose();
      throw error;
    }
  }

  /** The detectors, in the order of the models; they live and end with the ensemble. */
  get detectors(): readonly Detector[] {
    return this.#members.detectors;
  }

  /** Facts about the models: names, origins, licences, inputs, heads. */
  get models(): readonly Manifest[] {
    return this.#members.detectors.map((detector) => detector.model);
  }

  /** What device was asked for, what is used, and why not the others; one for all models. */
  get device(): DeviceReport {
    return this.#members.detectors[0]!.device;
  }

  /** Bytes held on the device by all models. */
  get memory(): Executable['memory'] {
    const sum = { constants: 0, arena: 0, other: 0 };
    for (const { memory } of this.#members.detectors) {
      sum.constants += memory.constants;
      sum.arena += memory.arena;
      sum.other += memory.other;
    }
    return sum;
  }

  /** The label space of the results. */
  get labels(): LabelSpace<L> {
    return this.#labels.space;
  }

  /**
   * Changes the label space of all later calls; no model is loaded again. For a new static type use {@link Ensemble.withLabels}.
   * @throws LabelSpaceError when a label is in no model's label space.
   */
  set labels(labels: LabelsSpec<L>) {
    this.#labels = shareLabels(labels, this.#members.detectors);
  }

  /** A view of the same loaded models with another label space, and its type. Disposing either disposes both. */
  withLabels<M extends string>(labels: LabelsSpec<M>): Ensemble<M> {
    return new Ensemble(this.#members, shareLabels(labels, this.#members.detectors));
  }

  /**
   * Finds the objects in an image with every model that knows one of the labels. Boxes come back as xyxy in source-image pixels.
   * @throws ImageError, LoadError, ArgumentError, LabelSpaceError, DisposedError, DeviceError, or `signal.reason`.
   */
  detect<M extends string = L>(image: ImageInput, options?: EnsembleDetectOptions<M>): Promise<FusedDetections<M>>;
  /** Several images, results in the same order. One bad image rejects the whole call with its position. */
  detect<M extends string = L>(images: readonly ImageInput[], options?: EnsembleDetectOptions<M>): Promise<FusedDetections<M>[]>;
  async detect<M extends string = L>(
    input: ImageInput | readonly ImageInput[],
    options: EnsembleDetectOptions<M> = {},
  ): Promise<FusedDetections<M> | FusedDetections<M>[]> {
    if (this.#members.disposed) throw new DisposedError('detector');
    const labels =
      options.labels === undefined
        ? (this.#labels as unknown as SharedLabels<M>)
        : shareLabels(options.labels, this.#members.detectors);
    if (!Array.isArray(input)) return this.#detectOne(input as ImageInput, labels, options);
    return forEachImage(input as readonly ImageInput[], options.signal, (image) => this.#detectOne(image, labels, options));
  }

  async #detectOne<M extends string>(
    input: ImageInput,
    labels: SharedLabels<M>,
    options: EnsembleDetectOptions<M>,
  ): Promise<FusedDetections<M>> {
    const { detectors } = this.#members;
    const { scoreThreshold, maxDetections, nms, signal } = checkOptions(options);
    const { fusion = this.#members.fusion } = options;
    checkFusion(fusion, detectors.length);
    // Decoded once; every model resamples it to its own size on the device.
    const frame = await toFrame(input, { signal });
    const candidates: FusedInput[] = [];
    for (const [i, detector] of detectors.entries()) {
      const resolved = labels.models[i]!;
      if (resolved.mapping?.members.length === 0) {
        candidates.push({ boxes: new Float32Array(), scores: new Float32Array(), labelIndices: new Int32Array() });
        continue;
      }
      candidates.push(
        await detector.detect(frame, {
          labels: mapperOf(resolved),
          scoreThreshold: scoreThreshold * MEMBER_SHARE,
          maxDetections,
          ...(nms !== undefined && { nms }),
          ...(signal && { signal }),
        }),
      );
    }
    const fused = fuseCandidates(
      candidates,
      fusion,
      { knows: (model, label) => knows(labels.models[model]!, label), ancestors: (label) => labels.ancestors(label) },
      { scoreThreshold, maxDetections },
    );
    return new FusedDetections({
      ...fused,
      labels: labels.space,
      imageWidth: frame.width,
      imageHeight: frame.height,
      support: fused.sources.map((list) =>
        list.map(({ model, row }): Support => {
          const { boxes, scores, labelIndices } = candidates[model]!;
          const detector = detectors[model]!;
          return {
            model: detector.model.name,
            modelIndex: model,
            labels: saidAs(labels.models[model]!, labelIndices[row]!).map((k) => inDataset(detector.modelLabels, k)),
            score: scores[row]!,
            box: [boxes[row * 4]!, boxes[row * 4 + 1]!, boxes[row * 4 + 2]!, boxes[row * 4 + 3]!],
          };
        }),
      ),
    });
  }

  /** Frees all models, their device memory and threads; idempotent. Calls in flight reject with DisposedError. */
  dispose(): void {
    this.#members.disposed = true;
    for (const detector of this.#members.detectors) detector.dispose();
    this.#members.runtime.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

type FusedInput = Pick<FusedDetections, 'boxes' | 'scores' | 'labelIndices'>;

const mappers = new WeakMap<ResolvedLabels, LabelMapper>();

/** What was resolved, as something a detector takes; the same each time, so that its program for it is kept. */
function mapperOf(labels: ResolvedLabels): LabelMapper {
  let mapper = mappers.get(labels);
  if (!mapper) mappers.set(labels, (mapper = { resolveFor: () => labels }));
  return mapper;
}

function knows({ mapping }: ResolvedLabels, label: number): boolean {
  return !mapping || membersOf(mapping, label).length > 0;
}

/** Positions of a model's labels that a label of the results stands for. */
function saidAs({ mapping }: ResolvedLabels, label: number): number[] {
  return mapping ? Array.from(membersOf(mapping, label)) : [label];
}

/** A label of a model by its data set; a model with several heads has several. */
function inDataset(model: LabelSpace, index: number): DatasetLabel {
  let start = 0;
  for (const part of partsOf(model)) {
    if (index < start + part.size) {
      const { id, name } = part.at(index - start);
      return { dataset: part.name, id, name };
    }
    start += part.size;
  }
  throw new InternalError('label of a model', `position ${index}`, `a position below ${start}`);
}

/** One label space for all models. Throws LabelSpaceError where a label that was asked for is in none of them. */
function shareLabels<L extends string>(spec: LabelsSpec<L>, detectors: readonly Detector[]): SharedLabels<L> {
  const wanted = Array.isArray(spec) ? labelSpace('custom', spec as readonly L[]) : (spec ?? together(detectors));
  const models = detectors.map(({ modelLabels }) =>
    resolveLabels(wanted as LabelsSpec<L>, modelLabels, { missing: 'ignore', allowNone: true }),
  );
  const space = models[0]!.space;
  if (models.some((model) => model.space.names.join('\0') !== space.names.join('\0'))) {
    throw new LabelSpaceError('invalid-label-space', {
      thing: `labels for ${models.length} models`,
      found: 'a grouping that keeps the other labels of each model',
      wanted: 'one list of labels for all models',
      next: 'Leave out rest: "keep", or give a unified label space (labelweave/taxonomy).',
    });
  }
  const missing = space.names.filter((_, label) => !models.some((model) => knows(model, label)));
  // A taxonomy may know more data sets than there are models; a list that somebody wrote may not.
  if (missing.length === space.size || (missing.length > 0 && !isUnifiedLabelSpace(wanted) && !isTaxonomy(wanted))) {
    const all = together(detectors);
    throw describeMissing(isLabelSpace(all) ? all : all.space, missing);
  }
  const hierarchy = isTaxonomy(wanted)
    ? wanted.hierarchy()
    : isUnifiedLabelSpace(wanted)
      ? taxonomy(wanted).hierarchy()
      : isLabelSpace(space)
        ? hierarchyOf(space)
        : undefined;
  return { space, models, ancestors: (label) => hierarchy?.ancestorIndices(label) ?? [] };
}

/** The labels of all data sets, each for itself: what the models say where nobody said which of their labels are the same. */
function together(detectors: readonly Detector[]): LabelSpace | UnifiedLabelSpace {
  const spaces = new Map<string, LabelSpace>();
  for (const { modelLabels } of detectors) {
    const known = spaces.get(modelLabels.name);
    if (known && (known.size !== modelLabels.size || known.names.some((name, i) => name !== modelLabels.names[i]))) {
      throw new LabelSpaceError('invalid-label-space', {
        thing: `models of the data set ${describe(modelLabels.name)}`,
        found: `${formatSpace(known)} and ${formatSpace(modelLabels)} with other labels`,
        wanted: 'one label list for a data set',
        next: 'Give the data set of one of them another name in its manifest.',
      });
    }
    if (!known) spaces.set(modelLabels.name, modelLabels);
  }
  const all = [...spaces.values()];
  if (all.length === 1) return all[0]!;
  return unifiedLabelSpace(all.map(({ name }) => name).join(' + '), all, [], { rest: 'single' });
}
