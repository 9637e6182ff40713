// LVIS v1 average precision by the rules of lvis-api: federated ground truth, 300 detections an image, rare, common and frequent classes.
import { ArgumentError, describe, EvaluationError } from '../../errors.js';
import { toRows, type CocoDetection } from '../coco/inputs.js';
import { cocoAreaRanges } from '../coco/parameters.js';
import { DiagnosticLog, type ProtocolDiagnostic } from '../diagnostics.js';
import { has, maskKind, type DetectionColumns, type Rows } from '../input/columns.js';
import { boxIous, maskIous } from '../iou.js';
import { matchGreedy, type GreedyMatches } from '../match/greedy.js';
import { decodeRle, rleFromPolygon, type Rle } from '../rle.js';
import { cocoIouThresholds, cocoRecallPoints, meanOfCells } from '../stats.js';
import type { FileSource, LongOptions } from '../types.js';
import { indexTruth, readLvisDataset, type IndexedImage, type LvisDataset, type LvisTruth } from './dataset.js';

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

/** Detections of one class in one image, in their order. */
interface Segment {
  image: IndexedImage;
  rows: number[];
}

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
  const { iouType, maxDetections = 300, signal, onProgress } = options ?? {};
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
  const log = new DiagnosticLog();
  const truth = indexTruth(await readLvisDataset(options.groundTruth, options), iouType === 'segm', log);
  signal?.throwIfAborted();
  const rows = await toRows(options.detections, { signal, onProgress, masks: iouType === 'segm' });
  const kept = keepBest(rows, truth, maxDetections, log);
  const areas = areasOf(rows, kept);
  const { byClass, evaluated } = federate(rows, kept, areas, truth, log);

  const K = truth.categories.length;
  const result = { precision: new Float64Array(T * R * K * A).fill(-1), recall: new Float64Array(T * K * A).fill(-1) };
  const positives = new Int32Array(K);
  let lastPause = performance.now();
  for (let k = 0; k < K; k++) {
    positives[k] = evaluateClass(k, K, byClass.get(truth.categories[k]!.id) ?? [], rows, areas, truth, iouType, result);
    onProgress?.({ stage: 'matching', done: k + 1, total: K });
    // Lets a page breathe and an abort arrive.
    if (performance.now() - lastPause > 50) {
      await new Promise((resolve) => setTimeout(resolve));
      lastPause = performance.now();
    }
    signal?.throwIfAborted();
  }
  return {
    iouType,
    metrics: metricsOf(result, truth, maxDetections),
    shape: { T, R, K, A },
    ...result,
    perClass: truth.categories.map(({ id, name, frequency }, k) => ({
      id,
      ...(name === undefined ? {} : { name }),
      frequency,
      ap: meanOfCells(result.precision, { T, R, K, A, M: 1 }, { k, a: 0, m: [0] }),
      ar: meanOfCells(result.recall, { T, R: 1, K, A, M: 1 }, { k, a: 0, m: [0] }),
      positives: positives[k]!,
    })),
    counts: { images: truth.images.size, annotations: truth.annotations, detections: rows.count, evaluated },
    diagnostics: log.list(),
  };
}

/** Rows that are kept, image by image in the order in which images first appear; inside an image in file order unless it was cut. */
function keepBest(rows: Rows, truth: LvisTruth, maxDetections: number, log: DiagnosticLog): number[] {
  const byImage = new Map<number, number[]>();
  for (let row = 0; row < rows.count; row++) {
    const imageId = rows.imageIds[row]!;
    const score = rows.scores[row]!;
    const wrong = (found: string, wanted: string, reason: string) =>
      new EvaluationError('invalid-predictions', { thing: `detection ${row}`, found, wanted, reason, row });
    if (!truth.images.has(imageId)) throw wrong(`image_id ${imageId}`, 'the id of an image', 'detection-of-unknown-image');
    if (!(rows.present[row]! & has.score) || Number.isNaN(score)) {
      throw wrong(rows.present[row]! & has.score ? 'score NaN' : 'no score', 'a number', 'score-not-a-number');
    }
    const list = byImage.get(imageId);
    if (list) list.push(row);
    else byImage.set(imageId, [row]);
  }
  const kept: number[] = [];
  for (const [imageId, list] of byImage) {
    if (maxDetections >= 0 && list.length > maxDetections) {
      log.add('detections-over-limit', `Images with more than ${maxDetections} detections: the best were kept.`, imageId);
      list.sort((a, b) => rows.scores[b]! - rows.scores[a]!);
      list.length = maxDetections;
    }
    for (const row of list) kept.push(row);
  }
  return kept;
}

/** [rows] area by lvis-api's rule: that of the boxes where the first row has one, else that of the masks. */
function areasOf(rows: Rows, kept: readonly number[]): Float64Array {
  const areas = new Float64Array(rows.count);
  const first = kept[0];
  const byBox = first !== undefined && (rows.present[first]! & has.box) !== 0;
  for (const row of kept) {
    const wrong = (found: string, wanted: string) =>
      new EvaluationError('invalid-predictions', { thing: `detection ${row}`, found, wanted, reason: 'mixed-results', row });
    if (byBox) {
      if (!(rows.present[row]! & has.box)) throw wrong('no bbox', 'one, as the first detection has');
      areas[row] = rows.boxes[4 * row + 2]! * rows.boxes[4 * row + 3]!;
    } else {
      const kind = rows.masks?.kinds[row] ?? maskKind.none;
      if (kind !== maskKind.runs) {
        throw wrong(
          `${kind === maskKind.none ? 'neither bbox nor segmentation' : 'another segmentation'}`,
          'a bbox or compressed runs',
        );
      }
      areas[row] = rows.masks!.areas[row]!;
    }
  }
  return areas;
}

/** Detections that count, by class and then by image in rising id. */
function federate(
  rows: Rows,
  kept: readonly number[],
  areas: Float64Array,
  truth: LvisTruth,
  log: DiagnosticLog,
): { byClass: Map<number, Segment[]>; evaluated: number } {
  const known = new Set(truth.categories.map(({ id }) => id));
  const segments = new Map<IndexedImage, Map<number, number[]>>();
  let evaluated = 0;
  for (const row of kept) {
    const category = rows.categoryIds[row]!;
    const image = truth.images.get(rows.imageIds[row]!)!;
    if (!known.has(category)) {
      log.add('detection-of-unknown-category', 'Detections of classes that the ground truth does not list: left out.', row);
    } else if (!(areas[row]! > 0 && areas[row]! < Infinity)) {
      log.add('detection-without-area', 'Detections without area: left out, as lvis-api does.', row);
    } else if (!image.judged.has(category)) {
      log.add(
        'label-not-judged',
        'Detections of classes that are neither annotated nor looked for in their image: left out.',
        row,
      );
    } else {
      let classes = segments.get(image);
      if (!classes) segments.set(image, (classes = new Map()));
      const list = classes.get(category);
      if (list) list.push(row);
      else classes.set(category, [row]);
      evaluated++;
    }
  }
  const byClass = new Map<number, Segment[]>();
  for (const image of truth.images.values()) {
    const classes = segments.get(image);
    for (const category of new Set([...image.truths.keys(), ...(classes?.keys() ?? [])])) {
      const segment = { image, rows: classes?.get(category) ?? [] };
      const list = byClass.get(category);
      if (list) list.push(segment);
      else byClass.set(category, [segment]);
    }
  }
  return { byClass, evaluated };
}

/** Fills the cells of class k; returns its ground truth that counts. */
function evaluateClass(
  k: number,
  K: number,
  segments: readonly Segment[],
  rows: Rows,
  areas: Float64Array,
  truth: LvisTruth,
  iouType: 'bbox' | 'segm',
  { precision, recall }: { precision: Float64Array; recall: Float64Array },
): number {
  const category = truth.categories[k]!.id;
  const total = segments.reduce((sum, segment) => sum + segment.rows.length, 0);
  const scores = new Float64Array(total);
  /** By detection and area: bit t is set where it is a true, or false, positive at threshold t. */
  const hits = new Uint16Array(total * A);
  const misses = new Uint16Array(total * A);
  const positives = new Int32Array(A);
  let at = 0;
  for (const { image, rows: unsorted } of segments) {
    const sorted = [...unsorted].sort((a, b) => rows.scores[b]! - rows.scores[a]!);
    const truths = image.truths.get(category);
    const D = sorted.length;
    const G = truths?.areas.length ?? 0;
    const ious = D > 0 && G > 0 ? overlaps(sorted, rows, truths!, image, iouType) : new Float64Array(0);
    const forgiven = image.notExhaustive.has(category);
    const seen = new Map<string, GreedyMatches>();
    for (let a = 0; a < A; a++) {
      const { min, max } = cocoAreaRanges[a]!;
      const ignore = truths?.areas.map((area, g) => truths.ignore[g]! || area < min || area > max) ?? [];
      for (const ignored of ignore) if (!ignored) positives[a]!++;
      if (D === 0) continue;
      // Ranges that ignore the same annotations share their matches.
      const key = ignore.join();
      let matches = seen.get(key);
      if (!matches && G > 0) {
        matches = matchGreedy(ious, {
          detections: D,
          truths: G,
          iouThresholds: cocoIouThresholds as unknown as number[],
          ignore,
        });
        seen.set(key, matches);
      }
      for (let d = 0; d < D; d++) {
        const area = areas[sorted[d]!]!;
        const free = forgiven || area < min || area > max;
        let hit = 0;
        let miss = 0;
        for (let t = 0; t < T; t++) {
          if (matches && matches.truthOf[t * D + d]! >= 0) {
            if (!matches.ignored[t * D + d]) hit |= 1 << t;
          } else if (!free) miss |= 1 << t;
        }
        hits[(at + d) * A + a] = hit;
        misses[(at + d) * A + a] = miss;
      }
    }
    for (const row of sorted) scores[at++] = rows.scores[row]!;
  }

  const order = Array.from(scores, (_, i) => i).sort((a, b) => scores[b]! - scores[a]!);
  const [curvePrecision, curveRecall] = [new Float64Array(total), new Float64Array(total)];
  for (let a = 0; a < A; a++) {
    if (positives[a] === 0) continue;
    for (let t = 0; t < T; t++) {
      let tp = 0;
      let fp = 0;
      order.forEach((i, rank) => {
        tp += (hits[i * A + a]! >> t) & 1;
        fp += (misses[i * A + a]! >> t) & 1;
        // numpy.spacing(1) in the divisor, as COCO's tool.
        curvePrecision[rank] = tp / (fp + tp + Number.EPSILON);
        curveRecall[rank] = tp / positives[a]!;
      });
      recall[(t * K + k) * A + a] = total > 0 ? curveRecall[total - 1]! : 0;
      for (let i = total - 1; i > 0; i--) curvePrecision[i - 1] = Math.max(curvePrecision[i - 1]!, curvePrecision[i]!);
      let i = 0;
      for (let r = 0; r < R; r++) {
        while (i < total && curveRecall[i]! < cocoRecallPoints[r]!) i++;
        precision[((t * R + r) * K + k) * A + a] = i < total ? curvePrecision[i]! : 0;
      }
    }
  }
  return positives[0]!;
}

function overlaps(
  sorted: readonly number[],
  rows: Rows,
  truths: { boxes: number[]; masks: Rle[] },
  image: IndexedImage,
  iouType: 'bbox' | 'segm',
): Float64Array {
  if (iouType === 'segm')
    return maskIous(
      sorted.map((row) => maskOf(rows, row, image)),
      truths.masks,
    );
  const boxes = new Float64Array(sorted.length * 4);
  sorted.forEach((row, d) => boxes.set(rows.boxes.subarray(4 * row, 4 * row + 4), 4 * d));
  return boxIous(boxes, truths.boxes);
}

/** The mask of a row: its runs, or its box drawn as lvis-api draws it. */
function maskOf(rows: Rows, row: number, { height, width }: IndexedImage): Rle {
  const { masks } = rows;
  const kind = masks?.kinds[row] ?? maskKind.none;
  const wrong = (found: string, wanted: string, cause?: unknown) =>
    new EvaluationError('invalid-predictions', { thing: `detection ${row}`, found, wanted, reason: 'invalid-mask', row, cause });
  if (masks && kind === maskKind.runs) {
    const at = masks.offsets[row]! * 8;
    try {
      return decodeRle(masks.bytes.subarray(at, at + masks.lengths[row]!), masks.heights[row]!, masks.widths[row]!);
    } catch (cause) {
      throw wrong(cause instanceof Error ? cause.message : describe(cause), 'compressed runs', cause);
    }
  }
  if (kind !== maskKind.none)
    throw wrong('a segmentation that is no compressed runs', 'compressed runs, the only form lvis-api reads');
  const [x1, y1, w, h] = rows.boxes.subarray(4 * row, 4 * row + 4) as unknown as [number, number, number, number];
  const [x2, y2] = [x1 + w, y1 + h];
  return rleFromPolygon([x1, y1, x1, y2, x2, y2, x2, y1], height!, width!);
}

function metricsOf(
  { precision, recall }: { precision: Float64Array; recall: Float64Array },
  { categories }: LvisTruth,
  maxDetections: number,
): Record<LvisMetric, number> {
  const K = categories.length;
  const ap = (a: number, t?: number) =>
    meanOfCells(precision, { T, R, K, A, M: 1 }, { t: t === undefined ? undefined : [t], a, m: [0] });
  const ar = (a: number) => meanOfCells(recall, { T, R: 1, K, A, M: 1 }, { a, m: [0] });
  const ofFrequency = (frequency: string) => {
    const classes = categories.flatMap((category, k) => (category.frequency === frequency ? [k] : []));
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
