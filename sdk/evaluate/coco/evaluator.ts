// COCO evaluation from files to numbers: evaluateCoco for whole results, CocoEvaluator for batches and shards. Read this first.
import { ArgumentError, EvaluationError } from '../../errors.js';
import type { Rows } from '../input/columns.js';
import { startKernels, type EvaluationKernels } from '../input/kernels.js';
import type { GroundTruthColumns } from '../input/reader.js';
import type { Diagnostic, LongOptions } from '../types.js';
import { event } from './engine.js';
import { toGroundTruth, toRows, type DetectionInput, type GroundTruthInput } from './inputs.js';
import { Notes } from './notes.js';
import { checkParameters, settingsMark, type CocoParameters, type Settings } from './parameters.js';
import { prepareDetections, prepareTruth, type Truth } from './prepare.js';
import { classResults, cocoStats, statNames, type CocoResult, type Corrections, type CurveStore } from './result.js';
import { checkWorkers, classCounts, MatchedBatches, runClasses, type BatchProtocol } from './run.js';
import type { MatchTally } from './workers.js';

/** Options of {@link evaluateCoco}. */
export interface CocoOptions extends CocoParameters, LongOptions {
  /** COCO annotations. */
  readonly groundTruth: GroundTruthInput;
  /** COCO results. */
  readonly detections: DetectionInput;
  /** Threads for matching: a number, or `auto` for one a processor. Default 1: the calling thread only. */
  readonly workers?: number | 'auto' | undefined;
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
  const tally = new Tally(truth, notes);
  const curves = await runClasses(truth, detections, tally, workers, options);
  const counts = classCounts(detections, truth.categories.length);
  const result = finish(truth, curves, notes, tally, rows.count, columns.annotations.count, counts);
  const applied = result.diagnostics.filter(({ corrected }) => corrected);
  if (settings.mode === 'strict' || applied.length === 0) return result;
  return { ...result, corrections: await compareWithStrict(columns, rows, settings, workers, options, result, applied) };
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
class Tally implements MatchTally {
  kept = 0;
  constructor(
    private readonly truth: Truth,
    private readonly notes: Notes,
  ) {}

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
  readonly #batches: MatchedBatches;

  private constructor(settings: Settings, columns: GroundTruthColumns, kernels: EvaluationKernels, wholeImages: boolean) {
    const truth = prepareTruth(columns, settings);
    this.#settings = settings;
    this.#columns = columns;
    this.#truth = truth;
    const notes = this.#notes;
    const protocol: BatchProtocol = {
      name: 'coco',
      owner: 'CocoEvaluator',
      truth,
      settings: settingsMark(settings),
      tally: new Tally(truth, notes),
      wholeImages,
      prepare: (rows, boxFirst) => prepareDetections(rows, truth, boxFirst),
      // Whether a class has detections is known only in the end.
      taken: (prepared) => notes.take(prepared.notes.list().filter(({ code }) => code !== 'class-without-detections')),
      diagnostics: () => notes.list(),
      takeDiagnostics: (diagnostics) => notes.take(diagnostics as Diagnostic[]),
    };
    this.#batches = new MatchedBatches(protocol, kernels);
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
    return this.#batches.add(() => toRows(detections, { ...options, masks: this.#settings.iouType !== 'bbox' }), options.signal);
  }

  /** Adds the bytes that {@link CocoEvaluator.partial} of another evaluator made, with the same ground truth and parameters. */
  merge(partial: Uint8Array): Promise<void> {
    return this.#batches.merge(partial);
  }

  /** What was matched so far, as bytes for {@link CocoEvaluator.merge}. */
  partial(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#batches.partial();
  }

  /** The result of everything added so far; more may be added afterwards. Throws EvaluationError where mode `strict` refuses it. */
  result(options: LongOptions = {}): Promise<CocoResult> {
    const notes = new Notes();
    const truth = this.#truth;
    const tally = new Tally(truth, notes);
    const { outcomes, byClass } = this.#batches;
    const begin = () => {
      notes.take(truth.notes.list());
      refuseNothing(this.#batches.detections, this.#settings, notes);
      notes.take(this.#notes.list());
      tally.kept = outcomes.count;
      return tally;
    };
    const { count } = this.#columns.annotations;
    return this.#batches.result(
      begin,
      (curves) => finish(truth, curves, notes, tally, this.#batches.detections, count, byClass),
      options,
    );
  }

  /** Frees the memory; idempotent. Calls that come later throw DisposedError. */
  dispose(): void {
    this.#batches.dispose();
  }

  /** The same as {@link CocoEvaluator.dispose}. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}
