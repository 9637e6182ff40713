// Pascal VOC average precision: the rules of the development kit and those of Padilla's tool. It reads no files.
import { ArgumentError, describe, EvaluationError } from '../../errors.js';
import { areaUnderCurve, elevenPointAverage } from '../average-precision.js';
import { DiagnosticLog, type ProtocolDiagnostic } from '../diagnostics.js';

/** Corners x1, y1, x2, y2 in pixels. With convention `voc` both corners belong to the box (VOC counts pixels from 1). */
export type VocBox = readonly [x1: number, y1: number, x2: number, y2: number];

/** An object of the ground truth. */
export interface VocObject {
  /** Name of the image. */
  image: string;
  /** Name of the class. */
  label: string;
  /** Place in the image. */
  box: VocBox;
  /** Neither to be found nor held against a detection. Default: false. Convention `padilla` knows no such thing and ignores it. */
  difficult?: boolean;
}

/** Something a model found. */
export interface VocDetection {
  /** Name of the image. */
  image: string;
  /** Name of the class. */
  label: string;
  /** Any number; higher is surer. */
  score: number;
  /** Place in the image. */
  box: VocBox;
}

/**
 * - `voc`: voc_eval.py of py-faster-rcnn and detectron2, after the Matlab kit. A match needs IoU > threshold.
 * - `padilla`: rafaelpadilla/Object-Detection-Metrics. A match needs IoU >= threshold; boxes that do not touch share nothing (with `voc`, a gap
 *   below one pixel still does); every object counts.
 *
 * Both add 1 to widths and heights, look at the one object with the largest IoU only, and count a second detection of it as false.
 */
export type VocConvention = 'voc' | 'padilla';

/** Options of {@link evaluateVoc}. */
export interface VocOptions {
  /** Default: `voc`. */
  convention?: VocConvention;
  /** `eleven-point`: VOC 2007. `area`: VOC 2010 and later. No default: the two differ. */
  interpolation: 'eleven-point' | 'area';
  /** T of them. Default: 0.5. For detectron2's mean take {@link detectron2IouThresholds}. */
  iouThresholds?: readonly number[];
  /** Classes in the order of the result. Default: every class of an object or a detection, sorted. */
  classes?: readonly string[];
  /** Images of the set, also those without objects; detections elsewhere are refused. Default: every image of an object or a detection. */
  images?: Iterable<string>;
}

/** What one threshold gives for one class. */
export interface VocCurve {
  /** The threshold. */
  iouThreshold: number;
  /** NaN where the class has no object that counts. */
  ap: number;
  /** Objects found. */
  tp: number;
  /** Detections of nothing, or of an object found before. */
  fp: number;
  /** [n] after each detection, best first; detections on difficult objects stand in it without counting. */
  precision: Float64Array;
  /** [n] after each detection. */
  recall: Float64Array;
}

/** Numbers and curves of one class. */
export interface VocClassResult {
  /** Name of the class. */
  label: string;
  /** Objects that are to be found. */
  positives: number;
  /** Objects left out as difficult. */
  difficult: number;
  /** Detections of the class. */
  detections: number;
  /** [n] falling; equal scores in input order (the official sort leaves their order open). */
  scores: Float64Array;
  /** One a threshold. */
  curves: VocCurve[];
}

/** What {@link evaluateVoc} gives. */
export interface VocResult {
  /** Whose rules were used. */
  convention: VocConvention;
  /** How the curve became a number. */
  interpolation: 'eleven-point' | 'area';
  /** [T] */
  iouThresholds: readonly number[];
  /** Mean over classes with objects, one a threshold; NaN where no class has any. */
  meanAp: number[];
  /** Mean of `meanAp` over the thresholds. */
  map: number;
  /** In the order of `classes`. */
  perClass: VocClassResult[];
  /** What was odd about the rows, and which rules applied. */
  diagnostics: ProtocolDiagnostic[];
}

/** 0.50, 0.55, ..., 0.95 as detectron2 writes them: whole percents divided by 100. */
export const detectron2IouThresholds: readonly number[] = [50, 55, 60, 65, 70, 75, 80, 85, 90, 95].map(
  (percent) => percent / 100,
);

/**
 * Pascal VOC average precision per class and its mean. detectron2 also rounds detections while writing its files (scores to 3 decimals,
 * coordinates to 1): do the same first to compare with it on models. A class whose objects are all difficult, or that has none, gives NaN and
 * stays out of the mean; a class without detections gives 0.
 * @throws EvaluationError for a score or coordinate that is no number, or a detection on an image that `images` does not list;
 * ArgumentError for options outside their range.
 */
export function evaluateVoc(objects: readonly VocObject[], detections: readonly VocDetection[], options: VocOptions): VocResult {
  const { convention = 'voc', interpolation, iouThresholds = [0.5] } = options ?? {};
  checkOptions(convention, interpolation, iouThresholds);
  const images = options.images ? new Set(options.images) : undefined;
  const log = new DiagnosticLog();
  const classes = options.classes ?? [...new Set([...objects, ...detections].map(({ label }) => label))].sort();
  const groups = new Map(classes.map((label) => [label, { objects: [] as VocObject[], detections: [] as VocDetection[] }]));
  objects.forEach((object, row) => {
    checkBox(object, row, 'invalid-ground-truth');
    if (images && !images.has(object.image)) {
      log.add('object-of-unknown-image', 'Objects on images outside the set: left out.', row);
      return;
    }
    const group = groups.get(object.label);
    if (group) group.objects.push(object);
    else log.add('object-of-unknown-class', 'Objects of classes outside the list: left out.', object.label);
  });
  detections.forEach((detection, row) => {
    checkBox(detection, row, 'invalid-predictions');
    if (typeof detection.score !== 'number' || Number.isNaN(detection.score)) {
      throw new EvaluationError('invalid-predictions', {
        thing: `detection ${row}`,
        found: `score ${describe(detection.score)}`,
        wanted: 'a number',
      });
    }
    if (images && !images.has(detection.image)) {
      throw new EvaluationError('invalid-predictions', {
        thing: `detection ${row}`,
        found: `image ${describe(detection.image)}`,
        wanted: `one of the ${images.size} images of the set`,
      });
    }
    const group = groups.get(detection.label);
    if (group) group.detections.push(detection);
    else log.add('detection-of-unknown-class', 'Detections of classes outside the list: left out.', detection.label);
  });

  const perClass = classes.map((label) => evaluateClass(label, groups.get(label)!, convention, interpolation, iouThresholds));
  for (const { label, positives, scores } of perClass) {
    if (positives === 0) log.add('class-without-objects', 'Classes without objects that count: not in the mean.', label);
    for (let i = 1; i < scores.length; i++) {
      if (scores[i] !== scores[i - 1]) continue;
      log.add('equal-scores', 'Equal scores in one class: ranked in input order; official tools leave it open.', label);
      break;
    }
  }
  const counted = perClass.filter(({ positives }) => positives > 0);
  const meanAp = iouThresholds.map((_, t) => counted.reduce((sum, { curves }) => sum + curves[t]!.ap, 0) / counted.length);
  return {
    convention,
    interpolation,
    iouThresholds: [...iouThresholds],
    meanAp,
    map: meanAp.reduce((sum, value) => sum + value, 0) / meanAp.length,
    perClass,
    diagnostics: log.list(),
  };
}

function checkOptions(convention: unknown, interpolation: unknown, iouThresholds: readonly number[]): void {
  if (convention !== 'voc' && convention !== 'padilla') {
    throw new ArgumentError({ thing: 'convention', found: describe(convention), wanted: '"voc" or "padilla"' });
  }
  if (interpolation !== 'eleven-point' && interpolation !== 'area') {
    throw new ArgumentError({ thing: 'interpolation', found: describe(interpolation), wanted: '"eleven-point" or "area"' });
  }
  const wrong = iouThresholds.find((threshold) => !(threshold >= 0 && threshold <= 1));
  if (iouThresholds.length === 0 || wrong !== undefined) {
    throw new ArgumentError({ thing: 'iouThresholds', found: describe(wrong ?? iouThresholds), wanted: 'numbers from 0 to 1' });
  }
}

function checkBox({ box }: VocObject | VocDetection, row: number, code: 'invalid-ground-truth' | 'invalid-predictions'): void {
  if (Array.isArray(box) && box.length === 4 && box.every(Number.isFinite)) return;
  throw new EvaluationError(code, {
    thing: `${code === 'invalid-predictions' ? 'detection' : 'object'} ${row}`,
    found: Array.isArray(box) ? `box [${box.join(', ')}]` : `box ${describe(box)}`,
    wanted: 'four finite numbers x1, y1, x2, y2',
  });
}

function evaluateClass(
  label: string,
  group: { objects: VocObject[]; detections: VocDetection[] },
  convention: VocConvention,
  interpolation: 'eleven-point' | 'area',
  iouThresholds: readonly number[],
): VocClassResult {
  const isPadilla = convention === 'padilla';
  const counts = (object: VocObject) => isPadilla || !object.difficult;
  const objectsOf = new Map<string, { object: VocObject; index: number }[]>();
  group.objects.forEach((object, index) => {
    const list = objectsOf.get(object.image);
    if (list) list.push({ object, index });
    else objectsOf.set(object.image, [{ object, index }]);
  });
  const ranked = [...group.detections].sort((a, b) => b.score - a.score);
  const best = ranked.map(({ image, box }) => bestObject(box, objectsOf.get(image) ?? [], convention));
  const positives = group.objects.filter(counts).length;

  const curves = iouThresholds.map((iouThreshold): VocCurve => {
    const found = new Uint8Array(group.objects.length);
    const precision = new Float64Array(ranked.length);
    const recall = new Float64Array(ranked.length);
    let tp = 0;
    let fp = 0;
    best.forEach(({ iou, index }, rank) => {
      if (isPadilla ? iou >= iouThreshold && index >= 0 : iou > iouThreshold) {
        if (counts(group.objects[index]!)) {
          if (found[index]) fp++;
          else tp++;
          found[index] = 1;
        }
      } else fp++;
      precision[rank] = tp / Math.max(tp + fp, Number.EPSILON);
      recall[rank] = tp / positives;
    });
    return { iouThreshold, ap: average(recall, precision), tp, fp, precision, recall };
  });

  function average(recall: Float64Array, precision: Float64Array): number {
    if (positives === 0) return Number.NaN;
    return interpolation === 'area'
      ? areaUnderCurve(recall, precision, isPadilla ? 'sequential' : 'numpy')
      : elevenPointAverage(recall, precision, isPadilla ? 'padilla' : 'devkit');
  }

  return {
    label,
    positives,
    difficult: group.objects.length - positives,
    detections: ranked.length,
    scores: Float64Array.from(ranked, ({ score }) => score),
    curves,
  };
}

/** The first of the objects with the largest IoU; index -1 where none overlaps. */
function bestObject(
  box: VocBox,
  objects: readonly { object: VocObject; index: number }[],
  convention: VocConvention,
): { iou: number; index: number } {
  let best = { iou: 0, index: -1 };
  for (const { object, index } of objects) {
    const iou = inclusiveIou(box, object.box, convention);
    if (iou > best.iou) best = { iou, index };
  }
  return best;
}

/** IoU with both corners inside the box: every width and height is a difference plus 1. */
function inclusiveIou(a: VocBox, b: VocBox, convention: VocConvention): number {
  const w = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const h = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (convention === 'padilla' && (w < 0 || h < 0)) return 0;
  const shared = Math.max(w + 1, 0) * Math.max(h + 1, 0);
  const union = (a[2] - a[0] + 1) * (a[3] - a[1] + 1) + (b[2] - b[0] + 1) * (b[3] - b[1] + 1) - shared;
  return shared / union;
}
