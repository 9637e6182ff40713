// LVIS v1 average precision by the rules of lvis-api: federated ground truth, 300 detections an image, rare, common and frequent classes.
// Matching and curves are COCO's engine; here stand the rules that come before it and the numbers after it.
import { ArgumentError, describe, EvaluationError } from '../../errors.js';
import { toRows, type CocoDetection } from '../coco/inputs.js';
import { Notes } from '../coco/notes.js';
import { checkParameters, cocoAreaRanges, settingsMark, type Settings } from '../coco/parameters.js';
import { allRows, sortBy, type PreparedDetections } from '../coco/prepare.js';
import type { CurveStore } from '../coco/result.js';
import { checkWorkers, MatchedBatches, runClasses, type BatchProtocol } from '../coco/run.js';
import type { MatchTally } from '../coco/workers.js';
import { DiagnosticLog, type ProtocolDiagnostic } from '../diagnostics.js';
import { has, maskKind, type DetectionColumns, type Rows } from '../input/columns.js';
import { startKernels, type EvaluationKernels } from '../input/kernels.js';
import { cocoIouThresholds, cocoRecallPoints, meanOfCells } from '../stats.js';
import type { FileSource, LongOptions } from '../types.js';
import { indexTruth, readLvisDataset, type LvisDataset, type LvisTruth } from './dataset.js';

/** Options of {@link evaluateLvis}. */
export interface LvisOptions extends LongOptions {
  /** The annotation file: an object, JSON text, bytes, Blob, stream, path or URL. */
  groundTruth: LvisDataset | FileSource;
  /** Results in COCO's form: a list, a file, or (boxes only) columns. */
  detections: readonly CocoDetection[] | DetectionColumns | FileSource;
  /** What is matched: boxes or masks. */
  iouType: 'bbox' | 'segm';
  /** Detections kept per image over all classes; -1 keeps all. Default: 300, the official number. */
  maxDetections?: number;
  /** Threads for matching: a number, or `auto` for one a processor. Default 1: the calling thread only. */
  workers?: number | 'auto' | undefined;
}

/** Names of the official numbers, in the official order, for 300 detections. */
export type LvisMetric =
  'AP' | 'AP50' | 'AP75' | 'APs' | 'APm' | 'APl' | 'APr' | 'APc' | 'APf' | `AR@${number}` | `AR${'s' | 'm' | 'l'}@${number}`;

/** Numbers of one class. */
export interface LvisClassResult {
  /** Id in the file. */
  id: number;
  /** Name in the file. */
  name?: string;
  /** Rare, common or frequent, as the file says. */
  frequency: 'r' | 'c' | 'f';
  /** Mean over the ten IoU thresholds, all areas; -1 where the class has no ground truth. */
  ap: number;
  /** Largest recall, mean over the thresholds; -1 where the class has no ground truth. */
  ar: number;
  /** Ground truth that counts (all areas). */
  positives: number;
}

/** What {@link evaluateLvis} gives. */
export interface LvisResult {
  /** What was matched. */
  iouType: 'bbox' | 'segm';
  /** AP, AP50, AP75, APs, APm, APl, APr, APc, APf, AR@300, ARs@300, ARm@300, ARl@300; -1 where nothing counts. */
  metrics: Record<LvisMetric, number>;
  /** T = 10 thresholds, R = 101 recall points, K classes by rising id, A = 4 areas (all, small, medium, large). */
  shape: { T: number; R: number; K: number; A: number };
  /** [T, R, K, A]; -1 where the class has no ground truth in the range. */
  precision: Float64Array;
  /** [T, K, A] */
  recall: Float64Array;
  /** [K] by rising id. */
  perClass: LvisClassResult[];
  /** Images, annotations that count, rows of results, and those of them that were judged. */
  counts: { images: number; annotations: number; detections: number; evaluated: number };
  /** What was odd about the files, and which rules applied. */
  diagnostics: ProtocolDiagnostic[];
}

const [T, R, A] = [cocoIouThresholds.length, cocoRecallPoints.length, cocoAreaRanges.length];

/** The limit of an image is applied before matching: none is left for the engine. */
const noLimit = 2 ** 31 - 1;

interface LvisSettings {
  readonly iouType: 'bbox' | 'segm';
  readonly maxDetections: number;
  readonly engine: Settings;
}

function checkOptions({ iouType, maxDetections = 300 }: Pick<LvisOptions, 'iouType' | 'maxDetections'>): LvisSettings {
  if (iouType !== 'bbox' && iouType !== 'segm') {
    throw new ArgumentError({ thing: 'iouType', found: describe(iouType), wanted: '"bbox" or "segm"' });
  }
  if (!Number.isInteger(maxDetections) || maxDetections < -1) {
    throw new ArgumentError({
      thing: 'maxDetections',
      found: describe(maxDetections),
      wanted: 'a whole number from 0, or -1 for all',
    });
  }
  return { iouType, maxDetections, engine: checkParameters({ iouType, mode: 'corrected', maxDetections: [noLimit] }) };
}

/** Nothing of what COCO tells about a match is asked of LVIS. */
const silent: MatchTally = { count: () => {}, ties: () => {} };

/**
 * LVIS v1 evaluation (github.com/lvis-dataset/lvis-api, eval.py and results.py), for boxes or masks:
 *
 * - Of every image the 300 best detections over all classes are kept (`maxDetections`); images with no more stay as they are.
 * - A detection counts only where its class is annotated in the image or people looked for it in vain (`neg_category_ids`). One without a match is
 *   forgiven where the class is not annotated exhaustively.
 * - There are no crowds; `ignore` of an annotation is honoured. Annotations and detections without area are left out.
 * - Matching, thresholds, recall points, areas and precision are COCO's. APr, APc and APf are means over the classes of each frequency.
 * @throws EvaluationError for a broken file, a detection of an unknown image, a score that is no number; LoadError where a file cannot be read;
 * ArgumentError for options outside their range; `signal.reason`.
 */
export async function evaluateLvis(options: LvisOptions): Promise<LvisResult> {
  const settings = checkOptions(options ?? {});
  const workers = checkWorkers(options.workers);
  const { signal, onProgress } = options;
  const log = new DiagnosticLog();
  const withMasks = settings.iouType === 'segm';
  const truth = indexTruth(await readLvisDataset(options.groundTruth, withMasks, options), settings.engine, log);
  signal?.throwIfAborted();
  const rows = await toRows(options.detections, { signal, onProgress, masks: withMasks });
  const detections = prepareDetections(rows, truth, settings.maxDetections, log);
  const curves = await runClasses(truth, detections, silent, workers, options);
  return resultOf(curves, truth, settings, { detections: rows.count, evaluated: detections.order.length }, log);
}

/** Options of {@link LvisEvaluator.open}. */
export interface LvisEvaluatorOptions extends Omit<LvisOptions, 'detections' | 'workers'> {
  /**
   * true (default): all detections of an image come in one batch; they are matched at once and only their outcome is kept (about 40 bytes
   * each). false: detections may come in any order; they are kept whole until the result.
   */
  wholeImages?: boolean;
}

/**
 * LVIS evaluation of detections that come in batches, in bounded memory beside the ground truth. Partial results are bytes; merged in any order
 * they give the same bits as one run over all.
 *
 * @example
 * using evaluator = await LvisEvaluator.open({ groundTruth: 'lvis_v1_val.json', iouType: 'bbox' });
 * for await (const batch of batches) await evaluator.add(batch);
 * const { metrics } = await evaluator.result();
 */
export class LvisEvaluator implements Disposable {
  readonly #settings: LvisSettings;
  readonly #truth: LvisTruth;
  readonly #log: DiagnosticLog;
  readonly #batches: MatchedBatches;

  private constructor(
    settings: LvisSettings,
    truth: LvisTruth,
    log: DiagnosticLog,
    kernels: EvaluationKernels,
    wholeImages: boolean,
  ) {
    this.#settings = settings;
    this.#truth = truth;
    // What the ground truth showed is told once, not by every shard.
    this.#log = log;
    const found = new DiagnosticLog();
    const protocol: BatchProtocol = {
      name: 'lvis',
      owner: 'LvisEvaluator',
      truth,
      settings: `${settings.maxDetections} ${settingsMark(settings.engine)}`,
      tally: silent,
      wholeImages,
      prepare: (rows, boxFirst) => {
        this.#batch = new DiagnosticLog();
        return prepareDetections(rows, truth, settings.maxDetections, this.#batch, boxFirst);
      },
      taken: () => found.merge(this.#batch.list()),
      diagnostics: () => found.list(),
      takeDiagnostics: (diagnostics) => found.merge(diagnostics as ProtocolDiagnostic[]),
    };
    this.#found = found;
    this.#batches = new MatchedBatches(protocol, kernels);
  }

  readonly #found: DiagnosticLog;
  #batch = new DiagnosticLog();

  /** Reads the ground truth. Throws ArgumentError, EvaluationError, LoadError, DeviceError, or `signal.reason`. */
  static async open(options: LvisEvaluatorOptions): Promise<LvisEvaluator> {
    const settings = checkOptions(options ?? {});
    const log = new DiagnosticLog();
    const truth = indexTruth(
      await readLvisDataset(options.groundTruth, settings.iouType === 'segm', options),
      settings.engine,
      log,
    );
    return new LvisEvaluator(settings, truth, log, await startKernels(), options.wholeImages ?? true);
  }

  /**
   * Takes a batch. A batch that is refused leaves the evaluator as it was. Throws EvaluationError (rows are those of the batch; reason
   * `image-in-two-batches` where an image comes again), ArgumentError, LoadError, DisposedError, or `signal.reason`.
   */
  add(detections: LvisOptions['detections'], options: LongOptions = {}): Promise<void> {
    return this.#batches.add(() => toRows(detections, { ...options, masks: this.#settings.iouType === 'segm' }), options.signal);
  }

  /** Adds the bytes that {@link LvisEvaluator.partial} of another evaluator made, with the same ground truth and options. */
  merge(partial: Uint8Array): Promise<void> {
    return this.#batches.merge(partial);
  }

  /** What was matched so far, as bytes for {@link LvisEvaluator.merge}. */
  partial(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#batches.partial();
  }

  /** The result of everything added so far; more may be added afterwards. Throws DisposedError, or `signal.reason`. */
  result(options: LongOptions = {}): Promise<LvisResult> {
    const finish = (curves: CurveStore) => {
      const log = new DiagnosticLog();
      log.merge(this.#log.list());
      log.merge(this.#found.list());
      const { detections, byClass } = this.#batches;
      const evaluated = byClass.reduce((sum, n) => sum + n, 0);
      return resultOf(curves, this.#truth, this.#settings, { detections, evaluated }, log);
    };
    return this.#batches.result(() => silent, finish, options);
  }

  /** Frees the memory; idempotent. Calls that come later throw DisposedError. */
  dispose(): void {
    this.#batches.dispose();
  }

  /** The same as {@link LvisEvaluator.dispose}. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

function resultOf(
  { precision, recall }: CurveStore,
  truth: LvisTruth,
  { iouType, maxDetections }: LvisSettings,
  counts: { detections: number; evaluated: number },
  log: DiagnosticLog,
): LvisResult {
  const K = truth.categories.length;
  return {
    iouType,
    metrics: metricsOf({ precision, recall }, truth, maxDetections),
    shape: { T, R, K, A },
    precision,
    recall,
    perClass: truth.categories.map(({ id, name }, k) => ({
      id,
      name,
      frequency: truth.frequencies[k]!,
      ap: meanOfCells(precision, { T, R, K, A, M: 1 }, { k, a: 0, m: [0] }),
      ar: meanOfCells(recall, { T, R: 1, K, A, M: 1 }, { k, a: 0, m: [0] }),
      positives: truth.positives[k * A]!,
    })),
    counts: { images: truth.images.ids.length, annotations: truth.annotations, ...counts },
    diagnostics: log.list(),
  };
}

/** Checks detections, keeps the best of each image over all classes, and drops what nobody looked for. Throws EvaluationError naming the row. */
function prepareDetections(
  rows: Rows,
  truth: LvisTruth,
  maxDetections: number,
  log: DiagnosticLog,
  boxFirst?: boolean,
): PreparedDetections {
  const kept = keepBest(rows, truth, maxDetections, log);
  const byBox = boxFirst ?? (rows.count > 0 && (rows.present[kept.first]! & has.box) !== 0);
  const areas = areasOf(rows, kept.rows, byBox);
  const imageOfRow = new Int32Array(rows.count).fill(-1);
  const classOfRow = new Int32Array(rows.count).fill(-1);
  for (let row = 0; row < rows.count; row++) {
    if (!kept.rows[row]) continue;
    const image = truth.images.of(rows.imageIds[row]!);
    const k = truth.classes.of(rows.categoryIds[row]!);
    if (k < 0) {
      log.add('detection-of-unknown-category', 'Detections of classes that the ground truth does not list: left out.', row);
    } else if (!(areas[row]! > 0 && areas[row]! < Infinity)) {
      log.add('detection-without-area', 'Detections without area: left out, as lvis-api does.', row);
    } else if (!truth.judged[image]!.has(k)) {
      const message = 'Detections of classes that are neither annotated nor looked for in their image: left out.';
      log.add('label-not-judged', message, row);
    } else {
      if (truth.settings.iouType === 'segm') checkMask(rows, row, truth, image);
      else if (!rows.boxes.subarray(4 * row, 4 * row + 4).every(Number.isFinite)) {
        const found = `bbox ${rows.boxes.subarray(4 * row, 4 * row + 4).join(', ')}`;
        throw refused(row, found, 'finite numbers', 'non-finite-box');
      }
      // An area below every range: without a match the detection is ignored, with one it counts.
      if (truth.notExhaustive[image]?.has(k)) areas[row] = -1;
      imageOfRow[row] = image;
      classOfRow[row] = k;
    }
  }
  const byImage = sortBy(allRows(rows.count), imageOfRow, truth.images.ids.length);
  const { order, start } = sortBy(byImage.order, classOfRow, truth.categories.length);
  return {
    rows,
    order,
    classStart: start,
    imageOfRow,
    images: kept.images,
    areaOf: (row) => areas[row]!,
    notes: new Notes(),
    boxFirst: byBox,
  };
}

const refused = (row: number, found: string, wanted: string, reason: string) =>
  new EvaluationError('invalid-predictions', { thing: `detection ${row}`, found, wanted, reason, row });

/** Which rows are kept (1), the first of them in lvis-api's order (image by image, as they first appear), and the images. */
function keepBest(
  rows: Rows,
  truth: LvisTruth,
  maxDetections: number,
  log: DiagnosticLog,
): { rows: Uint8Array; first: number; images: Set<number> } {
  const byImage = new Map<number, number[]>();
  for (let row = 0; row < rows.count; row++) {
    const present = rows.present[row]!;
    if (!(present & has.image) || !(present & has.category)) {
      throw refused(row, `no ${present & has.image ? 'category_id' : 'image_id'}`, 'a number', 'missing-field');
    }
    const image = truth.images.of(rows.imageIds[row]!);
    if (image < 0) throw refused(row, `image_id ${rows.imageIds[row]}`, 'the id of an image', 'detection-of-unknown-image');
    if (!(present & has.score) || Number.isNaN(rows.scores[row]!)) {
      throw refused(row, present & has.score ? 'score NaN' : 'no score', 'a number', 'score-not-a-number');
    }
    const list = byImage.get(image);
    if (list) list.push(row);
    else byImage.set(image, [row]);
  }
  const kept = new Uint8Array(rows.count);
  let first = -1;
  for (const [image, list] of byImage) {
    if (maxDetections >= 0 && list.length > maxDetections) {
      const id = truth.images.ids[image]!;
      log.add('detections-over-limit', `Images with more than ${maxDetections} detections: the best were kept.`, id);
      list.sort((a, b) => rows.scores[b]! - rows.scores[a]!);
      list.length = maxDetections;
    }
    if (first < 0 && list.length > 0) first = list[0]!;
    for (const row of list) kept[row] = 1;
  }
  return { rows: kept, first: Math.max(0, first), images: new Set(byImage.keys()) };
}

/** [rows] area by lvis-api's rule: that of the boxes where the first row has one, else that of the masks. */
function areasOf(rows: Rows, kept: Uint8Array, byBox: boolean): Float64Array {
  const areas = new Float64Array(rows.count);
  for (let row = 0; row < rows.count; row++) {
    if (!kept[row]) continue;
    if (byBox) {
      if (!(rows.present[row]! & has.box)) throw refused(row, 'no bbox', 'one, as the first detection has', 'mixed-results');
      areas[row] = rows.boxes[4 * row + 2]! * rows.boxes[4 * row + 3]!;
    } else {
      const kind = rows.masks?.kinds[row] ?? maskKind.none;
      if (kind !== maskKind.runs) {
        const found = kind === maskKind.none ? 'neither bbox nor segmentation' : kind === maskKind.broken ? 'a broken mask' : 'another segmentation'; // prettier-ignore
        throw refused(row, found, 'a bbox or compressed runs', kind === maskKind.broken ? 'invalid-mask' : 'mixed-results');
      }
      areas[row] = rows.masks!.areas[row]!;
    }
  }
  return areas;
}

/** A row has runs, or a box that is drawn as lvis-api draws it. */
function checkMask({ masks, boxes }: Rows, row: number, truth: LvisTruth, image: number): void {
  const kind = masks?.kinds[row] ?? maskKind.none;
  if (kind === maskKind.runs) return;
  if (kind === maskKind.broken) throw refused(row, 'runs that do not fill their size', 'compressed runs', 'invalid-mask');
  if (kind !== maskKind.none)
    throw refused(
      row,
      'a segmentation that is no compressed runs',
      'compressed runs, the only form lvis-api reads',
      'invalid-mask',
    );
  if (!(truth.heights[image]! > 0 && truth.widths[image]! > 0)) {
    const found = `a box to draw in image ${truth.images.ids[image]}, which has no height and width`;
    throw refused(row, found, 'the size of the image in the ground truth', 'missing-field');
  }
  if (!boxes.subarray(4 * row, 4 * row + 4).every(Number.isFinite))
    throw refused(row, `bbox ${boxes.subarray(4 * row, 4 * row + 4).join(', ')}`, 'finite numbers', 'non-finite-box');
}

function metricsOf(
  { precision, recall }: { precision: Float64Array; recall: Float64Array },
  { categories, frequencies }: LvisTruth,
  maxDetections: number,
): Record<LvisMetric, number> {
  const K = categories.length;
  const ap = (a: number, t?: number) =>
    meanOfCells(precision, { T, R, K, A, M: 1 }, { t: t === undefined ? undefined : [t], a, m: [0] });
  const ar = (a: number) => meanOfCells(recall, { T, R: 1, K, A, M: 1 }, { a, m: [0] });
  const ofFrequency = (frequency: string) => {
    const classes = frequencies.flatMap((own, k) => (own === frequency ? [k] : []));
    const cells = new Float64Array(T * R * classes.length);
    let i = 0;
    for (let row = 0; row < T * R; row++) for (const k of classes) cells[i++] = precision[(row * K + k) * A]!;
    return classes.length === 0 ? -1 : meanOfCells(cells, { T, R, K: classes.length, A: 1, M: 1 }, { a: 0, m: [0] });
  };
  return {
    AP: ap(0),
    AP50: ap(0, 0),
    AP75: ap(0, 5),
    APs: ap(1),
    APm: ap(2),
    APl: ap(3),
    APr: ofFrequency('r'),
    APc: ofFrequency('c'),
    APf: ofFrequency('f'),
    [`AR@${maxDetections}`]: ar(0),
    [`ARs@${maxDetections}`]: ar(1),
    [`ARm@${maxDetections}`]: ar(2),
    [`ARl@${maxDetections}`]: ar(3),
  } as Record<LvisMetric, number>;
}
