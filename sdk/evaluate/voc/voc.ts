// Pascal VOC average precision: the rules of the development kit and those of Padilla's tool. It reads no files.
import { ArgumentError, describe, EvaluationError } from '../../errors.js';
import { areaUnderCurve, elevenPointAverage } from '../average-precision.js';
import { imageTwice } from '../coco/outcomes.js';
import { DiagnosticLog, type ProtocolDiagnostic } from '../diagnostics.js';
import { brokenShard, hashOf, openShard, writeShard } from '../shards.js';

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
  /** [n] falling; equal scores by image (in the order of `images`, else by name), then in input order; the official sort leaves it open. */
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
  const evaluator = new VocEvaluator(objects, options);
  evaluator.add(detections);
  return evaluator.result();
}

/** Detections of one class with what became of them at each threshold. */
interface Ranking {
  scores: number[];
  /** Place of the image in the list of images with detections, and rank in it. */
  images: number[];
  ranks: number[];
  /** [n x T] {@link outcome} */
  outcomes: number[];
}

const outcome = { ignored: 0, hit: 1, miss: 2 } as const;

/**
 * Evaluates VOC detections that come in batches, in bounded memory beside the ground truth (about 40 bytes a detection). Partial results are bytes;
 * merged in any order they give the same bits as one run over all. The rules are those of {@link evaluateVoc}.
 *
 * @example
 * const evaluator = new VocEvaluator(objects, { interpolation: 'area' });
 * for await (const batch of batches) evaluator.add(batch);
 * const { map } = evaluator.result();
 */
export class VocEvaluator {
  readonly #convention: VocConvention;
  readonly #interpolation: 'eleven-point' | 'area';
  readonly #iouThresholds: readonly number[];
  readonly #classes: readonly string[] | undefined;
  /** Place of each image of the set, where it was given. */
  readonly #images: ReadonlyMap<string, number> | undefined;
  /** Objects by class, then image. */
  readonly #objects = new Map<string, Map<string, VocObject[]>>();
  readonly #log = new DiagnosticLog();
  readonly #found = new DiagnosticLog();
  readonly #rankings = new Map<string, Ranking>();
  readonly #names: string[] = [];
  readonly #places = new Map<string, number>();
  readonly #mark: string;

  /** Takes the ground truth. Throws ArgumentError, EvaluationError. */
  constructor(objects: readonly VocObject[], options: VocOptions) {
    const { convention = 'voc', interpolation, iouThresholds = [0.5] } = options ?? {};
    checkOptions(convention, interpolation, iouThresholds);
    this.#convention = convention;
    this.#interpolation = interpolation;
    this.#iouThresholds = [...iouThresholds];
    this.#classes = options.classes;
    this.#images = options.images && new Map([...options.images].map((image, place) => [image, place]));
    for (const label of options.classes ?? []) this.#objects.set(label, new Map());
    const parts: string[] = [];
    objects.forEach((object, row) => {
      checkBox(object, row, 'invalid-ground-truth');
      if (this.#images && !this.#images.has(object.image)) {
        this.#log.add('object-of-unknown-image', 'Objects on images outside the set: left out.', row);
        return;
      }
      let ofClass = this.#objects.get(object.label);
      if (!ofClass) {
        if (this.#classes) {
          this.#log.add('object-of-unknown-class', 'Objects of classes outside the list: left out.', object.label);
          return;
        }
        this.#objects.set(object.label, (ofClass = new Map()));
      }
      const list = ofClass.get(object.image);
      if (list) list.push(object);
      else ofClass.set(object.image, [object]);
      parts.push(object.image, object.label, object.box.join(' '), String(Boolean(object.difficult)));
    });
    this.#mark = hashOf([...(this.#classes ?? ['any']), ...(this.#images?.keys() ?? ['any']), ...parts]);
  }

  /**
   * Takes a batch: all detections of each of its images. A batch that is refused leaves the evaluator as it was. Throws EvaluationError: rows are
   * those of the batch; reason `image-in-two-batches` where an image comes again.
   */
  add(detections: readonly VocDetection[]): void {
    const log = new DiagnosticLog();
    const batch = new Map<string, Map<string, VocDetection[]>>();
    detections.forEach((detection, row) => {
      this.#checkDetection(detection, row);
      const { image, label } = detection;
      let ofImage = batch.get(image);
      if (!ofImage) {
        if (this.#places.has(image)) imageTwice(image);
        batch.set(image, (ofImage = new Map()));
      }
      if (this.#classes && !this.#objects.has(label)) {
        log.add('detection-of-unknown-class', 'Detections of classes outside the list: left out.', label);
        return;
      }
      const list = ofImage.get(label);
      if (list) list.push(detection);
      else ofImage.set(label, [detection]);
    });
    for (const [image, ofImage] of batch) {
      const place = this.#place(image);
      for (const [label, list] of ofImage) {
        let ranking = this.#rankings.get(label);
        if (!ranking) this.#rankings.set(label, (ranking = { scores: [], images: [], ranks: [], outcomes: [] }));
        const sorted = list.sort((a, b) => b.score - a.score);
        const outcomes = this.#match(sorted, this.#objects.get(label)?.get(image) ?? []);
        sorted.forEach(({ score }, rank) => {
          ranking.scores.push(score);
          ranking.images.push(place);
          ranking.ranks.push(rank);
        });
        for (const value of outcomes) ranking.outcomes.push(value);
      }
    }
    this.#found.merge(log.list());
  }

  #checkDetection(detection: VocDetection, row: number): void {
    checkBox(detection, row, 'invalid-predictions');
    if (typeof detection.score !== 'number' || Number.isNaN(detection.score)) {
      throw new EvaluationError('invalid-predictions', {
        thing: `detection ${row}`,
        found: `score ${describe(detection.score)}`,
        wanted: 'a number',
        row,
      });
    }
    if (this.#images && !this.#images.has(detection.image)) {
      throw new EvaluationError('invalid-predictions', {
        thing: `detection ${row}`,
        found: `image ${describe(detection.image)}`,
        wanted: `one of the ${this.#images.size} images of the set`,
        row,
      });
    }
  }

  #place(image: string): number {
    const place = this.#names.length;
    this.#places.set(image, place);
    this.#names.push(image);
    return place;
  }

  readonly #counts = (object: VocObject) => this.#convention === 'padilla' || !object.difficult;

  /** [n x T] for the detections of a class in an image, best first. */
  #match(sorted: readonly VocDetection[], objects: readonly VocObject[]): Uint8Array {
    const T = this.#iouThresholds.length;
    const isPadilla = this.#convention === 'padilla';
    const best = sorted.map(({ box }) => bestObject(box, objects, this.#convention));
    const outcomes = new Uint8Array(sorted.length * T);
    this.#iouThresholds.forEach((iouThreshold, t) => {
      const found = new Uint8Array(objects.length);
      best.forEach(({ iou, index }, i) => {
        let what: number = outcome.miss;
        if (isPadilla ? iou >= iouThreshold && index >= 0 : iou > iouThreshold) {
          if (!this.#counts(objects[index]!)) what = outcome.ignored;
          else if (!found[index]) what = outcome.hit;
          if (what !== outcome.ignored) found[index] = 1;
        }
        outcomes[i * T + t] = what;
      });
    });
    return outcomes;
  }

  #head(): ShardHead {
    const settings = JSON.stringify([this.#convention, this.#interpolation, this.#iouThresholds]);
    return { settings, truth: this.#mark };
  }

  /** What was matched so far, as bytes for {@link VocEvaluator.merge}. */
  partial(): Uint8Array<ArrayBuffer> {
    const labels = [...this.#rankings.keys()];
    const rankings = [...this.#rankings.values()];
    const column = (name: 'scores' | 'images' | 'ranks' | 'outcomes') => rankings.flatMap((ranking) => ranking[name]);
    return writeShard(
      'voc',
      { ...this.#head(), labels, images: this.#names, diagnostics: this.#found.list() },
      {
        counts: Uint32Array.from(rankings, ({ scores }) => scores.length),
        scores: Float64Array.from(column('scores')),
        images: Uint32Array.from(column('images')),
        ranks: Uint32Array.from(column('ranks')),
        outcomes: Uint8Array.from(column('outcomes')),
      },
    );
  }

  /**
   * Adds what {@link VocEvaluator.partial} of another evaluator made, with the same ground truth and options. Throws ArgumentError where it is
   * something else, EvaluationError `image-in-two-batches`.
   */
  merge(partial: Uint8Array): void {
    type Head = ShardHead & { labels: string[]; images: string[]; diagnostics: ProtocolDiagnostic[] };
    const { head, columns } = openShard<Head, ShardColumns>(partial, 'voc', this.#head());
    const { counts, scores, images, ranks, outcomes } = columns;
    const T = this.#iouThresholds.length;
    const n = scores?.length;
    const fits =
      counts?.length === head.labels.length &&
      counts.reduce((sum, count) => sum + count, 0) === n &&
      [images, ranks].every((one) => one?.length === n) &&
      outcomes?.length === n * T &&
      images.every((image) => image < head.images.length);
    if (!fits) throw brokenShard('columns that do not fit each other', 'bytes that partial() made');
    for (const image of head.images) if (this.#places.has(image)) imageTwice(image);
    for (const image of head.images) this.#place(image);
    let at = 0;
    head.labels.forEach((label, k) => {
      let ranking = this.#rankings.get(label);
      if (!ranking) this.#rankings.set(label, (ranking = { scores: [], images: [], ranks: [], outcomes: [] }));
      for (const end = at + counts[k]!; at < end; at++) {
        ranking.scores.push(scores[at]!);
        ranking.images.push(this.#places.get(head.images[images[at]!]!)!);
        ranking.ranks.push(ranks[at]!);
        for (let t = 0; t < T; t++) ranking.outcomes.push(outcomes[at * T + t]!);
      }
    });
    this.#found.merge(head.diagnostics);
  }

  /** The result of everything added so far; more may be added afterwards. */
  result(): VocResult {
    const log = new DiagnosticLog();
    log.merge(this.#log.list());
    log.merge(this.#found.list());
    // The order of the set, or that of the names, whatever the order of batches.
    const placeOf = new Uint32Array(this.#names.length);
    const first = (image: string) => this.#images?.get(image) ?? 0;
    [...this.#names.keys()]
      .sort((a, b) => first(this.#names[a]!) - first(this.#names[b]!) || (this.#names[a]! < this.#names[b]! ? -1 : 1))
      .forEach((image, place) => (placeOf[image] = place));
    const classes = this.#classes ?? [...new Set([...this.#objects.keys(), ...this.#rankings.keys()])].sort();
    const perClass = classes.map((label) => this.#classResult(label, placeOf));
    for (const { label, positives, scores } of perClass) {
      if (positives === 0) log.add('class-without-objects', 'Classes without objects that count: not in the mean.', label);
      for (let i = 1; i < scores.length; i++) {
        if (scores[i] !== scores[i - 1]) continue;
        log.add(
          'equal-scores',
          'Equal scores in one class: ranked by image, then input order; official tools leave it open.',
          label,
        );
        break;
      }
    }
    const counted = perClass.filter(({ positives }) => positives > 0);
    const meanAp = this.#iouThresholds.map(
      (_, t) => counted.reduce((sum, { curves }) => sum + curves[t]!.ap, 0) / counted.length,
    );
    return {
      convention: this.#convention,
      interpolation: this.#interpolation,
      iouThresholds: [...this.#iouThresholds],
      meanAp,
      map: meanAp.reduce((sum, value) => sum + value, 0) / meanAp.length,
      perClass,
      diagnostics: log.list(),
    };
  }

  #classResult(label: string, placeOf: Uint32Array): VocClassResult {
    const isPadilla = this.#convention === 'padilla';
    const objects = [...(this.#objects.get(label)?.values() ?? [])].flat();
    const positives = objects.filter(this.#counts).length;
    const { scores, images, ranks, outcomes } = this.#rankings.get(label) ?? { scores: [], images: [], ranks: [], outcomes: [] };
    const order = [...scores.keys()].sort(
      (a, b) => scores[b]! - scores[a]! || placeOf[images[a]!]! - placeOf[images[b]!]! || ranks[a]! - ranks[b]!,
    );
    const T = this.#iouThresholds.length;
    const average = (recall: Float64Array, precision: Float64Array): number => {
      if (positives === 0) return Number.NaN;
      return this.#interpolation === 'area'
        ? areaUnderCurve(recall, precision, isPadilla ? 'sequential' : 'numpy')
        : elevenPointAverage(recall, precision, isPadilla ? 'padilla' : 'devkit');
    };
    const curves = this.#iouThresholds.map((iouThreshold, t): VocCurve => {
      const precision = new Float64Array(order.length);
      const recall = new Float64Array(order.length);
      let tp = 0;
      let fp = 0;
      order.forEach((i, rank) => {
        const what = outcomes[i * T + t];
        if (what === outcome.hit) tp++;
        else if (what === outcome.miss) fp++;
        precision[rank] = tp / Math.max(tp + fp, Number.EPSILON);
        recall[rank] = tp / positives;
      });
      return { iouThreshold, ap: average(recall, precision), tp, fp, precision, recall };
    });
    return {
      label,
      positives,
      difficult: objects.length - positives,
      detections: order.length,
      scores: Float64Array.from(order, (i) => scores[i]!),
      curves,
    };
  }
}

interface ShardHead {
  settings: string;
  truth: string;
}

interface ShardColumns extends Record<string, Float64Array | Uint32Array | Uint8Array> {
  counts: Uint32Array;
  scores: Float64Array;
  images: Uint32Array;
  ranks: Uint32Array;
  outcomes: Uint8Array;
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

/** The first of the objects with the largest IoU; index -1 where none overlaps. */
function bestObject(box: VocBox, objects: readonly VocObject[], convention: VocConvention): { iou: number; index: number } {
  let best = { iou: 0, index: -1 };
  objects.forEach((object, index) => {
    const iou = inclusiveIou(box, object.box, convention);
    if (iou > best.iou) best = { iou, index };
  });
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
