// COCO evaluation from files to numbers: evaluateCoco for whole results, CocoEvaluator for batches and shards. Read this first.
import { hardwareConcurrency } from '#platform';
import { ArgumentError, describe, DisposedError, EvaluationError } from '../../errors.js';
import type { Rows } from '../input/columns.js';
import { GrowingRows } from '../input/columns.js';
import { startKernels, type EvaluationKernels } from '../input/kernels.js';
import type { GroundTruthColumns } from '../input/reader.js';
import type { Diagnostic, LongOptions } from '../types.js';
import { curvesOfClass, event, matchClass, planCurves, planMatch, type MatchedClass, type MatchPlan } from './engine.js';
import { toGroundTruth, toRows, type DetectionInput, type GroundTruthInput } from './inputs.js';
import { Notes } from './notes.js';
import { imageTwice, Outcomes, type PartialHead } from './outcomes.js';
import { checkParameters, type CocoParameters, type Settings } from './parameters.js';
import { prepareDetections, prepareTruth, type PreparedDetections, type Truth } from './prepare.js';
import { classResults, cocoStats, CurveStore, statNames, type CocoResult, type Corrections } from './result.js';
import { matchInWorkers } from './workers.js';

/** Options of {@link evaluateCoco}. */
export interface CocoOptions extends CocoParameters, LongOptions {
  /** COCO annotations. */
  readonly groundTruth: GroundTruthInput;
  /** COCO results. */
  readonly detections: DetectionInput;
  /** Threads for matching: a number, or `auto` for one a processor. Default 1: the calling thread only. */
  readonly workers?: number | 'auto' | undefined;
}

/** Longest time in ms without a pause, in which other work of the page runs and an abort can arrive. */
const breath = 50;

/** Pauses where it is time. */
class Breath {
  #last = performance.now();
  async take(signal: AbortSignal | undefined): Promise<void> {
    if (performance.now() - this.#last < breath) return;
    await new Promise<void>((resolve) => {
      setTimeout(resolve, 0);
    });
    signal?.throwIfAborted();
    this.#last = performance.now();
  }
}

/**
 * Average precision and recall by COCO's protocol. In mode `strict`, precision, recall and scores have the bits of pycocotools 2.0.11 on x86-64
 * (boundary: boundary-iou-api), and what that tool refuses is an EvaluationError.
 *
 * Source: cocoeval.py and maskApi.c of pycocotools; Cheng et al. 2021 for Boundary IoU.
 *
 * @example
 * const { stats, statNames } = await evaluateCoco({ groundTruth: 'instances.json', detections: 'results.json', iouType: 'bbox' });
 *
 * Throws ArgumentError, EvaluationError (`invalid-ground-truth`, `invalid-predictions`), LoadError, DeviceError, or `signal.reason`.
 */
export async function evaluateCoco(options: CocoOptions): Promise<CocoResult> {
  const settings = checkParameters(options);
  const workers = checkWorkers(options.workers);
  const { signal, onProgress } = options;
  signal?.throwIfAborted();
  const read = { masks: settings.iouType !== 'bbox', signal, onProgress };
  const columns = await toGroundTruth(options.groundTruth, read);
  const rows = await toRows(options.detections, read);
  return evaluateRows(columns, rows, settings, workers, { signal, onProgress });
}

function checkWorkers(workers: number | 'auto' | undefined): number {
  if (workers === undefined) return 1;
  if (workers === 'auto') return hardwareConcurrency();
  if (Number.isInteger(workers) && workers >= 1 && workers <= 256) return workers;
  throw new ArgumentError({ thing: 'workers', found: describe(workers), wanted: 'a whole number from 1 to 256, or "auto"' });
}

async function evaluateRows(
  columns: GroundTruthColumns,
  rows: Rows,
  settings: Settings,
  workers: number,
  options: LongOptions,
): Promise<CocoResult> {
  const truth = prepareTruth(columns, settings);
  const notes = new Notes();
  notes.take(truth.notes.list());
  refuseNothing(rows.count, settings, notes);
  const detections = prepareDetections(rows, truth);
  notes.take(detections.notes.list());
  const K = truth.categories.length;
  const curves = new CurveStore(settings, K);
  const tally = new Tally(truth, notes);
  const plan = planMatch(truth, detections);
  if (workers > 1 && K > 1) await matchInWorkers(plan, curves, tally, workers, options);
  else {
    const kernels = await startKernels();
    const curvePlan = planCurves(kernels, truth);
    const stack = kernels.mark();
    const pause = new Breath();
    for (let k = 0; k < K; k++) {
      options.onProgress?.({ stage: 'matching', done: k, total: K });
      await pause.take(options.signal);
      const matched = matchClass(kernels, plan, k);
      tally.take(kernels.memory.buffer, matched);
      const positives = truth.positives.subarray(k * curvePlan.A, (k + 1) * curvePlan.A);
      const { base, kept, layout } = matched;
      const { keptScores, keptRanks, keptBits } = layout.places;
      curves.put(k, curvesOfClass(kernels, curvePlan, positives, kept, base + keptScores, base + keptRanks, base + keptBits));
      tally.ties(k, kernels.equalScores());
      kernels.release(stack);
    }
  }
  options.onProgress?.({ stage: 'matching', done: K, total: K });
  const counts = classCounts(detections, K);
  const result = finish(truth, curves, notes, tally, rows.count, columns.annotations.count, counts);
  const applied = result.diagnostics.filter(({ corrected }) => corrected);
  if (settings.mode === 'strict' || applied.length === 0) return result;
  return { ...result, corrections: await compareWithStrict(columns, rows, settings, workers, options, result, applied) };
}

function classCounts({ classStart }: PreparedDetections, K: number): Float64Array {
  return Float64Array.from({ length: K }, (_, k) => classStart[k + 1]! - classStart[k]!);
}

/** pycocotools ends with an IndexError. */
function refuseNothing(count: number, { mode }: Settings, notes: Notes): void {
  if (count > 0) return;
  if (mode === 'strict') {
    throw new EvaluationError('invalid-predictions', {
      thing: 'detections',
      found: 'none at all',
      wanted: 'at least one, as pycocotools demands',
      next: "Use mode: 'corrected', which counts every class as 0.",
      reason: 'no-detections',
    });
  }
  notes.add(
    'no-detections',
    'warning',
    'There are no detections at all: classes with ground truth count as 0, where pycocotools stops.',
    {
      corrected: true,
    },
  );
}

async function compareWithStrict(
  columns: GroundTruthColumns,
  rows: Rows,
  settings: Settings,
  workers: number,
  options: LongOptions,
  result: CocoResult,
  applied: readonly Diagnostic[],
): Promise<Corrections> {
  try {
    const strictSettings = checkParameters({ ...settings, mode: 'strict' });
    const strict = await evaluateRows(columns, rows, strictSettings, workers, { signal: options.signal });
    const changes = Object.fromEntries(result.statNames.map((name, i) => [name, result.stats[i]! - strict.stats[i]!]));
    return { applied, strictStats: strict.stats, strictError: undefined, changes };
  } catch (error) {
    if (!(error instanceof EvaluationError) && !(error instanceof ArgumentError)) throw error;
    return { applied, strictStats: undefined, strictError: error.message, changes: {} };
  }
}

/** Counts what happened while matching, by image. */
export class Tally {
  kept = 0;
  constructor(
    private readonly truth: Truth,
    private readonly notes: Notes,
  ) {}

  /** Reads the events of a matched class from the memory it stands in. */
  take(buffer: ArrayBufferLike, { layout, base, kept }: MatchedClass): void {
    const words = (place: number, length: number) => new Uint32Array(buffer, base + place, length);
    const { segmentAt, keptCounts, events } = layout.places;
    const { segments, segmentImages } = layout;
    this.count(kept, segmentImages, words(segmentAt, segments * 4), words(keptCounts, segments), words(events, segments));
  }

  /** For each segment: index of the image, row of the job's table, detections kept, events. */
  count(kept: number, segmentImages: Int32Array, table: Uint32Array, counts: Uint32Array, events: Uint32Array): void {
    this.kept += kept;
    for (let s = 0; s < events.length; s++) {
      const bits = events[s]!;
      if (bits === 0) continue;
      const image = this.truth.images.ids[segmentImages[s]!]!;
      const note = (
        ...[code, severity, message, counts]: [Diagnostic['code'], Diagnostic['severity'], string, Record<string, number>]
      ) => this.notes.add(code, severity, message, { image, counts });
      const once = { imagesAndClasses: 1 };
      if (bits & event.cut)
        note(
          'detections-over-limit',
          'info',
          'More detections of a class in an image than the largest limit: the lowest scores are left out.',
          { ...once, detections: table[4 * s + 3]! - counts[s]! },
        );
      if (bits & event.tie)
        note(
          'equal-scores',
          'info',
          'Equal scores: the order of the file decides inside an image, the ascending image id between images.',
          once,
        );
      if (bits & event.crowd)
        note('crowd-absorbed', 'info', 'Detections on crowd regions are neither true nor false positives.', once);
      if (bits & event.secondBest)
        note('second-best-match', 'info', 'The ground truth that overlaps most was taken: the next best was matched.', once);
      if (bits & event.beforeIgnored)
        note(
          'counted-before-ignored',
          'info',
          'Ground truth that counts was preferred to ignored ground truth that overlaps more.',
          once,
        );
      if (bits & event.onThreshold)
        note(
          'iou-on-threshold',
          'info',
          'An overlap is exactly a threshold, which counts as a match; thresholds are those of linspace.',
          once,
        );
      if (bits & event.outOfRange)
        note(
          'outside-area-ignored',
          'info',
          'Detections without match whose own area is outside a size range are ignored in it.',
          once,
        );
      if (bits & event.maskSizes)
        note(
          'mask-sizes-differ',
          'warning',
          'Masks of a detection and of ground truth have different sizes: they do not match.',
          once,
        );
    }
  }

  /** Detections of class `k` whose score equals another's. */
  ties(k: number, count: number): void {
    if (count === 0) return;
    this.notes.add(
      'equal-scores',
      'info',
      'Equal scores: the order of the file decides inside an image, the ascending image id between images.',
      {
        id: this.truth.categories[k]!.id,
        idsAre: 'categories',
        counts: { detections: count },
      },
    );
  }
}

/** Makes the result from filled curves. */
function finish(
  truth: Truth,
  curves: CurveStore,
  notes: Notes,
  tally: Tally,
  detections: number,
  annotations: number,
  byClass: Float64Array,
): CocoResult {
  const { settings, categories } = truth;
  if (!settings.maxDetections.includes(100)) {
    notes.add(
      'limit-not-100',
      'warning',
      settings.mode === 'strict'
        ? 'AP is -1: its limit of detections is fixed to 100, which is not among the limits.'
        : 'AP is taken at the largest limit, where pycocotools gives -1 unless 100 is among the limits.',
      { corrected: settings.mode === 'corrected' },
    );
  }
  noteCurves(curves, truth, notes);
  const A = settings.areaRanges.length;
  let positives = 0;
  for (let k = 0; k < categories.length; k++) positives += truth.positives[k * A]!;
  return {
    iouType: settings.iouType,
    mode: settings.mode,
    shape: curves.shape,
    iouThresholds: settings.iouThresholds,
    recallPoints: settings.recallPoints,
    areaRanges: settings.areaRanges,
    maxDetections: settings.maxDetections,
    categories,
    stats: cocoStats(curves, settings),
    statNames: statNames(settings),
    precision: curves.precision,
    recall: curves.recall,
    scores: curves.scores,
    perClass: classResults(curves, settings, categories, truth.positives, byClass),
    counts: {
      images: truth.images.ids.length,
      categories: categories.length,
      annotations,
      positives,
      detections,
      detectionsEvaluated: byClass.reduce((sum, n) => sum + n, 0),
      detectionsKept: tally.kept,
    },
    diagnostics: notes.list(),
    corrections: undefined,
  };
}

/** What only the curves show: lone true positives, and recalls that fall on a threshold which is not i / 100. */
function noteCurves(curves: CurveStore, truth: Truth, notes: Notes): void {
  const { shape, precision, recall } = curves;
  const { T, R, K, A, M } = shape;
  for (let k = 0; k < K; k++) {
    let lone = 0;
    for (let t = 0; t < T; t++) if (precision[(t * R * K + k) * A * M + (M - 1)] === 0.9999999999999998) lone++;
    const about = { id: truth.categories[k]!.id, idsAre: 'categories' as const };
    if (lone) {
      notes.add(
        'lone-true-positive',
        'info',
        'A first detection that is right has the precision 0.9999999999999998, as 2^-52 is added to the number of detections.',
        { ...about, counts: { thresholds: lone } },
      );
    }
    const n = truth.positives[k * A]!;
    if (n === 0 || R !== 101) continue;
    let reached = 0;
    for (let t = 0; t < T; t++) reached = Math.max(reached, recall[(t * K + k) * A * M + (M - 1)]!);
    for (let r = 0; r < R; r++) {
      const naive = r / 100;
      if (truth.settings.recallPoints[r] === naive || naive > reached) continue;
      if (Math.round(naive * n) / n !== naive) continue;
      notes.add(
        'recall-on-threshold',
        'info',
        'A recall is exactly i / 100 where the recall point i * 0.01 is another double: it decides which precision is read.',
        { ...about, counts: { points: 1 } },
      );
    }
  }
}

/** Options of {@link CocoEvaluator.open}. */
export interface CocoEvaluatorOptions extends CocoParameters, LongOptions {
  /** COCO annotations. */
  readonly groundTruth: GroundTruthInput;
  /**
   * true (default): all detections of an image come in one batch; they are matched at once and only their outcome is kept (about 40 bytes
   * each). false: detections may come in any order; they are kept whole until the result.
   */
  readonly wholeImages?: boolean | undefined;
}

/**
 * Evaluates detections that come in batches, in bounded memory beside the ground truth. Partial results are bytes; merged in any order they give
 * the same bits as one run over all.
 *
 * @example
 * using evaluator = await CocoEvaluator.open({ groundTruth: 'instances.json', iouType: 'bbox' });
 * for await (const batch of batches) await evaluator.add(batch);
 * const { stats } = await evaluator.result();
 */
export class CocoEvaluator implements Disposable {
  readonly #settings: Settings;
  readonly #columns: GroundTruthColumns;
  readonly #truth: Truth;
  readonly #notes = new Notes();
  readonly #outcomes: Outcomes;
  readonly #tally: Tally;
  /** Rows that wait, where images may come in several batches. */
  readonly #waiting: Rows[] | undefined;
  readonly #truthMark: string;
  #kernels: EvaluationKernels | undefined;
  #byClass: Float64Array;
  #detections = 0;
  #boxFirst: boolean | undefined;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(settings: Settings, columns: GroundTruthColumns, kernels: EvaluationKernels, wholeImages: boolean) {
    this.#settings = settings;
    this.#columns = columns;
    this.#kernels = kernels;
    this.#truth = prepareTruth(columns, settings);
    this.#outcomes = new Outcomes(settings, this.#truth.images.ids.length);
    this.#tally = new Tally(this.#truth, this.#notes);
    this.#waiting = wholeImages ? undefined : [];
    this.#byClass = new Float64Array(this.#truth.categories.length);
    this.#truthMark = fingerprint(this.#truth);
  }

  /** Reads the ground truth. Throws ArgumentError, EvaluationError, LoadError, DeviceError, or `signal.reason`. */
  static async open(options: CocoEvaluatorOptions): Promise<CocoEvaluator> {
    const settings = checkParameters(options);
    const { signal, onProgress } = options;
    const columns = await toGroundTruth(options.groundTruth, { masks: settings.iouType !== 'bbox', signal, onProgress });
    return new CocoEvaluator(settings, columns, await startKernels(), options.wholeImages ?? true);
  }

  /**
   * Takes a batch. A batch that is refused leaves the evaluator as it was. Throws EvaluationError (rows are those of the batch; reason
   * `image-in-two-batches` where an image comes again), ArgumentError, LoadError, DisposedError, or `signal.reason`.
   */
  add(detections: DetectionInput, options: LongOptions = {}): Promise<void> {
    return this.#queue(async () => {
      const rows = await toRows(detections, { ...options, masks: this.#settings.iouType !== 'bbox' });
      this.#live();
      options.signal?.throwIfAborted();
      if (rows.count === 0) return;
      const prepared = prepareDetections(rows, this.#truth, this.#boxFirst);
      if (this.#waiting) {
        this.#waiting.push(rows);
        this.#boxFirst = prepared.boxFirst;
        return;
      }
      const batch = new Set<number>();
      for (const row of prepared.order) batch.add(prepared.imageOfRow[row]!);
      for (const image of batch) if (this.#outcomes.seen[image]) imageTwice(this.#truth.images.ids[image]!);
      this.#match(prepared, rows.count);
      for (const image of batch) this.#outcomes.seen[image] = 1;
    });
  }

  /** Adds the bytes that {@link CocoEvaluator.partial} of another evaluator made, with the same ground truth and parameters. */
  merge(partial: Uint8Array): Promise<void> {
    return this.#queue(async () => {
      this.#live();
      const ids = this.#truth.images.ids;
      const head = this.#outcomes.merge(partial, this.#head(), (image) => ids[image]!);
      this.#boxFirst ??= head.boxFirst;
      this.#detections += head.detections;
      head.evaluated.forEach((count, k) => (this.#byClass[k]! += count));
      this.#tally.kept = this.#outcomes.count;
      this.#notes.take(head.diagnostics as Diagnostic[]);
    });
  }

  /** What was matched so far, as bytes for {@link CocoEvaluator.merge}. */
  partial(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#queue(async () => {
      this.#live();
      this.#matchWaiting();
      return this.#outcomes.write(this.#head());
    });
  }

  /** The result of everything added so far; more may be added afterwards. Throws EvaluationError where mode `strict` refuses it. */
  result(options: LongOptions = {}): Promise<CocoResult> {
    return this.#queue(async () => {
      const kernels = this.#live();
      const truth = this.#truth;
      const K = truth.categories.length;
      this.#matchWaiting();
      const notes = new Notes();
      notes.take(truth.notes.list());
      refuseNothing(this.#detections, this.#settings, notes);
      notes.take(this.#notes.list());
      const tally = new Tally(truth, notes);
      tally.kept = this.#outcomes.count;
      const curves = new CurveStore(this.#settings, K);
      const stack = kernels.mark();
      try {
        const plan = planCurves(kernels, truth);
        const top = kernels.mark();
        const { order, start } = this.#outcomes.group(K);
        const pause = new Breath();
        for (let k = 0; k < K; k++) {
          options.onProgress?.({ stage: 'matching', done: k, total: K });
          await pause.take(options.signal);
          this.#live();
          const { scores, ranks, bits } = this.#outcomes.put(kernels, order, start[k]!, start[k + 1]!);
          const positives = truth.positives.subarray(k * plan.A, (k + 1) * plan.A);
          curves.put(k, curvesOfClass(kernels, plan, positives, start[k + 1]! - start[k]!, scores, ranks, bits));
          tally.ties(k, kernels.equalScores());
          kernels.release(top);
        }
      } finally {
        kernels.release(stack);
      }
      options.onProgress?.({ stage: 'matching', done: K, total: K });
      return finish(truth, curves, notes, tally, this.#detections, this.#columns.annotations.count, this.#byClass);
    });
  }

  /** Frees the memory; idempotent. Calls that come later throw DisposedError. */
  dispose(): void {
    this.#kernels = undefined;
  }

  /** The same as {@link CocoEvaluator.dispose}. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #live(): EvaluationKernels {
    if (!this.#kernels) throw new DisposedError('CocoEvaluator');
    return this.#kernels;
  }

  /** One call after the other. */
  #queue<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(() => {
      this.#live();
      return work();
    });
    this.#last = next.catch(() => undefined);
    return next;
  }

  #match(prepared: PreparedDetections, count: number): void {
    const kernels = this.#live();
    const plan: MatchPlan = planMatch(this.#truth, prepared);
    const K = this.#truth.categories.length;
    const stack = kernels.mark();
    const before = this.#outcomes.count;
    try {
      for (let k = 0; k < K; k++) {
        if (prepared.classStart[k] === prepared.classStart[k + 1]) continue;
        const matched = matchClass(kernels, plan, k);
        this.#tally.take(kernels.memory.buffer, matched);
        this.#outcomes.take(kernels, k, matched);
        kernels.release(stack);
      }
    } catch (error) {
      this.#outcomes.count = before;
      throw error;
    } finally {
      kernels.release(stack);
    }
    classCounts(prepared, K).forEach((n, k) => (this.#byClass[k]! += n));
    // Whether a class has detections is known only in the end.
    this.#notes.take(prepared.notes.list().filter(({ code }) => code !== 'class-without-detections'));
    this.#detections += count;
    this.#boxFirst = prepared.boxFirst;
  }

  #matchWaiting(): void {
    if (!this.#waiting || this.#waiting.length === 0) return;
    const rows = joinRows(this.#waiting);
    const prepared = prepareDetections(rows, this.#truth, this.#boxFirst);
    const [outcomes, seen] = [this.#outcomes, new Set<number>()];
    for (const row of prepared.order) seen.add(prepared.imageOfRow[row]!);
    for (const image of seen) if (outcomes.seen[image]) imageTwice(this.#truth.images.ids[image]!);
    this.#match(prepared, rows.count);
    for (const image of seen) outcomes.seen[image] = 1;
    this.#waiting.length = 0;
  }

  #head(): PartialHead {
    return {
      settings: JSON.stringify({
        ...this.#settings,
        iouThresholds: [...this.#settings.iouThresholds],
        recallPoints: [...this.#settings.recallPoints],
      }),
      images: this.#truth.images.ids.length,
      categories: this.#truth.categories.length,
      truth: this.#truthMark,
      boxFirst: this.#boxFirst,
      detections: this.#detections,
      evaluated: [...this.#byClass],
      diagnostics: this.#notes.list(),
    };
  }
}

/** FNV-1a over what decides matches, so that shards of different ground truth are not merged. */
function fingerprint(truth: Truth): string {
  let hash = 0x811c9dc5;
  const add = (bytes: Uint8Array) => {
    for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  };
  for (const column of [truth.images.ids, truth.classes.ids, truth.areas, truth.rows.boxes, truth.order, truth.positives]) {
    add(new Uint8Array(column.buffer, column.byteOffset, column.byteLength));
  }
  return (hash >>> 0).toString(16);
}

/** Rows of several batches as one. */
function joinRows(parts: readonly Rows[]): Rows {
  const masked = parts.some(({ masks }) => masks);
  const joined = new GrowingRows(['imageIds', 'categoryIds', 'scores', 'boxes', 'present'], masked ? 'all' : 'nothing');
  joined.reserve(
    parts.reduce((sum, { count }) => sum + count, 0),
    true,
  );
  if (masked) joined.startMasks();
  for (const part of parts) {
    const at = joined.count;
    joined.imageIds.set(part.imageIds, at);
    joined.categoryIds.set(part.categoryIds, at);
    joined.scores.set(part.scores, at);
    joined.present.set(part.present, at);
    joined.boxes.set(part.boxes, 4 * at);
    if (part.masks) {
      const { masks } = joined;
      const base = joined.addBytes(part.masks.bytes);
      for (const key of ['kinds', 'lengths', 'heights', 'widths', 'areas'] as const)
        masks![key].set(part.masks[key].subarray(0, part.count), at);
      for (let i = 0; i < part.count; i++) masks!.offsets[at + i] = base + part.masks.offsets[i]!;
    }
    joined.count += part.count;
  }
  return joined.finish();
}
