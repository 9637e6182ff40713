// Panoptic quality by the rules of panopticapi (evaluation.py): image by image, in bounded memory, mergeable. It reads no files.
import { ArgumentError, describe, EvaluationError } from '../../errors.js';
import { DiagnosticLog, type ProtocolDiagnostic } from '../diagnostics.js';
import { overlapsOf, type Overlaps, type SegmentIds } from './pixels.js';

/** A class as COCO's panoptic JSON lists it. */
export interface PanopticCategory {
  /** Whole number, each once. */
  id: number;
  /** Its name. */
  name?: string;
  /** 1 for countable things, 0 for stuff. */
  isthing: number | boolean;
}

/** A segment as COCO's panoptic JSON lists it. */
export interface PanopticSegment {
  /** Colour in the PNG as a number: R + 256 G + 65536 B. */
  id: number;
  /** Id of its class. */
  category_id: number;
  /** Ground truth only: 1 where the region holds a group, which is never missed and forgives predictions on it. Default: 0. */
  iscrowd?: number | boolean;
  /** Ground truth only: pixels. The official tool trusts it; see {@link PanopticOptions.groundTruthArea}. */
  area?: number;
}

/** One image with its ground truth and prediction. */
export interface PanopticImage {
  /** Id for messages. */
  imageId: number | string;
  /** Ids of the pixels, and the segments behind them. */
  groundTruth: { pixels: SegmentIds; segments: readonly PanopticSegment[] };
  /** The same of the prediction. */
  prediction: { pixels: SegmentIds; segments: readonly PanopticSegment[] };
  /** Place of the image in the whole set. It fixes the order of summation, so that shards give the same bits. Default: images so far. */
  order?: number;
}

/** Options of {@link PanopticEvaluator}. */
export interface PanopticOptions {
  /** `json`: the area the file states, as panopticapi. `pixels`: counted in the PNG. Default: `json`. They differ only in faulty files. */
  groundTruthArea?: 'json' | 'pixels';
}

/** Means over the classes that occur. NaN where there are none (the official tool stops with a division by zero). */
export interface PanopticMeans {
  /** Panoptic quality. */
  pq: number;
  /** Segmentation quality: mean IoU of the matched. */
  sq: number;
  /** Recognition quality: F1. */
  rq: number;
  /** Classes that count: with a match, a miss or a false segment. */
  n: number;
}

/** Numbers of one class. */
export interface PanopticClassResult {
  /** Id of the class. */
  categoryId: number;
  /** Its name. */
  name?: string;
  /** Whether it is countable. */
  isThing: boolean;
  /** 0 where the class does not occur, as in the official output. */
  pq: number;
  /** Mean IoU of its matches. */
  sq: number;
  /** TP / (TP + FP/2 + FN/2). */
  rq: number;
  /** Sum of the IoUs of the matches. */
  iou: number;
  /** Matched pairs. */
  tp: number;
  /** Predicted segments without partner. */
  fp: number;
  /** Ground-truth segments without partner. */
  fn: number;
}

/** What {@link PanopticEvaluator.result} gives. */
export interface PanopticResult {
  /** Means over all classes. */
  all: PanopticMeans;
  /** Means over things. */
  things: PanopticMeans;
  /** Means over stuff. */
  stuff: PanopticMeans;
  /** In the order of the class list. */
  perClass: PanopticClassResult[];
  /** Images added. */
  images: number;
  /** What was odd about the files, and which rules applied. */
  diagnostics: ProtocolDiagnostic[];
}

/** A part of an evaluation as plain data, for JSON or a message to another thread. */
export interface PanopticShard {
  /** Says what this is. */
  labelweave: 'panoptic-shard';
  /** Version of the form. */
  version: 1;
  /** Images counted. */
  images: number;
  /** Per class: order of the image, rank in the image and IoU of every match, and the counts of the rest. */
  classes: { id: number; matches: [order: number, rank: number, iou: number][]; fp: number; fn: number }[];
  /** What was odd about them. */
  diagnostics: ProtocolDiagnostic[];
}

interface Tally {
  matches: [order: number, rank: number, iou: number][];
  fp: number;
  fn: number;
}

const voidId = 0;

/**
 * Panoptic quality (Kirillov et al., CVPR 2019; github.com/cocodataset/panopticapi, evaluation.py).
 *
 * - A predicted and a ground-truth segment of the same class match where intersection / (predicted + true area - intersection - predicted
 *   pixels on void) is above 0.5, strictly; then there is one partner at most. Crowd segments never match and are never missed.
 * - A predicted segment without partner is false, unless more than half of it lies on void or on the crowd segment of its class (of several
 *   crowd segments of one class in an image the last one counts, as in the official tool).
 * - PQ = sum of IoU / (TP + FP/2 + FN/2) a class; means are over classes with TP + FP + FN > 0.
 *
 * `add` may be called in any order and on several machines; `merge` gives the bits of a single run, which sums in the order of the images
 * (the official tool's last bit depends on its number of processes).
 */
export class PanopticEvaluator {
  readonly #categories = new Map<number, PanopticCategory>();
  readonly #tallies = new Map<number, Tally>();
  readonly #diagnostics = new DiagnosticLog();
  readonly #area: 'json' | 'pixels';
  #images = 0;

  /** Throws ArgumentError for a class list that is empty or holds an id twice, or an unknown option. */
  constructor(categories: readonly PanopticCategory[], options: PanopticOptions = {}) {
    const { groundTruthArea = 'json' } = options;
    if (groundTruthArea !== 'json' && groundTruthArea !== 'pixels') {
      throw new ArgumentError({ thing: 'groundTruthArea', found: describe(groundTruthArea), wanted: '"json" or "pixels"' });
    }
    this.#area = groundTruthArea;
    for (const category of categories) {
      if (!Number.isSafeInteger(category?.id) || this.#categories.has(category.id)) {
        throw new ArgumentError({
          thing: 'panoptic categories',
          found: `id ${describe(category?.id)}`,
          wanted: 'whole numbers, each once',
        });
      }
      this.#categories.set(category.id, category);
      this.#tallies.set(category.id, { matches: [], fp: 0, fn: 0 });
    }
    if (this.#categories.size === 0)
      throw new ArgumentError({ thing: 'panoptic categories', found: 'none', wanted: 'one or more' });
  }

  /**
   * Counts one image.
   * @throws EvaluationError `invalid-ground-truth` or `invalid-predictions` where sizes differ, a segment id stands twice in the list, a predicted
   * id is in the PNG and not in the list or the other way round, or a class is unknown. Nothing is counted then.
   * @param overlaps what {@link overlapsOf} gives for its pixels, where it was counted elsewhere
   */
  add(image: PanopticImage, overlaps?: Overlaps): void {
    const { imageId, groundTruth, prediction, order = this.#images } = image;
    this.#checkSizes(image);
    const truths = this.#segments(groundTruth.segments, imageId, 'invalid-ground-truth');
    const predicted = this.#segments(prediction.segments, imageId, 'invalid-predictions');
    const { pairs, truthAreas, predictedAreas } = overlaps ?? overlapsOf(groundTruth.pixels.ids, prediction.pixels.ids);
    this.#checkPrediction(predicted, predictedAreas, imageId);
    const areaOf = this.#truthAreas(truths, truthAreas, imageId);

    const onVoid = new Map<number, number>();
    for (const { truth, predicted: id, pixels } of pairs) if (truth === voidId) onVoid.set(id, pixels);
    const matchedTruths = new Set<number>();
    const matchedPredicted = new Set<number>();
    for (const { truth, predicted: id, pixels } of pairs) {
      const segment = truths.get(truth);
      const candidate = predicted.get(id);
      if (!segment || !candidate || segment.iscrowd) continue;
      if (segment.category_id !== candidate.category_id) continue;
      const union = predictedAreas.get(id)! + areaOf.get(truth)! - pixels - (onVoid.get(id) ?? 0);
      const iou = pixels / union;
      if (!(iou > 0.5)) continue;
      const tally = this.#tallies.get(segment.category_id)!;
      tally.matches.push([order, tally.matches.length, iou]);
      matchedTruths.add(truth);
      matchedPredicted.add(id);
    }

    const crowdOf = new Map<number, number>();
    for (const [id, { iscrowd, category_id }] of truths) {
      if (matchedTruths.has(id)) continue;
      if (iscrowd) crowdOf.set(category_id, id);
      else this.#tallies.get(category_id)!.fn++;
    }
    const shared = new Map(pairs.map(({ truth, predicted: id, pixels }) => [truth * 2 ** 24 + id, pixels]));
    for (const [id, { category_id }] of predicted) {
      if (matchedPredicted.has(id)) continue;
      let forgiven = onVoid.get(id) ?? 0;
      const crowd = crowdOf.get(category_id);
      if (crowd !== undefined) forgiven += shared.get(crowd * 2 ** 24 + id) ?? 0;
      if (!(forgiven / predictedAreas.get(id)! > 0.5)) this.#tallies.get(category_id)!.fp++;
    }
    this.#images++;
  }

  #checkSizes({ imageId, groundTruth, prediction }: PanopticImage): void {
    const size = ({ ids, width, height }: SegmentIds) => ({ text: `${width} x ${height}`, fits: ids.length === width * height });
    const [truth, found] = [size(groundTruth.pixels), size(prediction.pixels)];
    const wrong = (code: 'invalid-ground-truth' | 'invalid-predictions', found: string, wanted: string) =>
      new EvaluationError(code, { thing: `image ${imageId}`, found, wanted });
    if (!truth.fits) throw wrong('invalid-ground-truth', `${groundTruth.pixels.ids.length} pixels`, truth.text);
    if (!found.fits) throw wrong('invalid-predictions', `${prediction.pixels.ids.length} pixels`, found.text);
    if (truth.text !== found.text) throw wrong('invalid-predictions', `a prediction of ${found.text} pixels`, truth.text);
  }

  #segments(
    list: readonly PanopticSegment[],
    imageId: number | string,
    code: 'invalid-ground-truth' | 'invalid-predictions',
  ): Map<number, PanopticSegment> {
    const segments = new Map<number, PanopticSegment>();
    for (const segment of list) {
      const thing = `image ${imageId}, segment ${describe(segment?.id)}`;
      if (!Number.isInteger(segment?.id) || segment.id < 0 || segment.id >= 2 ** 24) {
        throw new EvaluationError(code, { thing, found: 'this id', wanted: 'a whole number from 0 to 2^24 - 1' });
      }
      if (segments.has(segment.id)) {
        throw new EvaluationError(code, { thing, found: 'its id twice in segments_info', wanted: 'every id once' });
      }
      if (!this.#categories.has(segment.category_id)) {
        throw new EvaluationError(code, {
          thing,
          found: `category_id ${describe(segment.category_id)}`,
          wanted: 'the id of one of the categories',
        });
      }
      segments.set(segment.id, segment);
    }
    return segments;
  }

  #checkPrediction(segments: Map<number, PanopticSegment>, areas: Map<number, number>, imageId: number | string): void {
    for (const id of areas.keys()) {
      if (id !== voidId && !segments.has(id)) {
        throw new EvaluationError('invalid-predictions', {
          thing: `image ${imageId}, segment ${id}`,
          found: `${areas.get(id)} pixels of it in the PNG, but not its entry in segments_info`,
          wanted: 'every id of the PNG in the JSON',
        });
      }
    }
    const lost = [...segments.keys()].filter((id) => !areas.has(id));
    if (lost.length > 0) {
      throw new EvaluationError('invalid-predictions', {
        thing: `image ${imageId}`,
        found: `${lost.length} segments in segments_info that have no pixel in the PNG: ${lost.slice(0, 5).join(', ')}`,
        wanted: 'every id of the JSON in the PNG',
      });
    }
  }

  #truthAreas(
    segments: Map<number, PanopticSegment>,
    counted: Map<number, number>,
    imageId: number | string,
  ): Map<number, number> {
    const areas = new Map<number, number>();
    for (const [id, { area }] of segments) {
      const pixels = counted.get(id) ?? 0;
      const example = `image ${imageId}, segment ${id}`;
      if (area !== undefined && !(area >= 0 && area < Infinity)) {
        throw new EvaluationError('invalid-ground-truth', { thing: example, found: `area ${describe(area)}`, wanted: 'pixels' });
      }
      if (area === undefined) {
        this.#diagnostics.add('missing-area', 'Ground-truth segments without area: counted in the PNG.', example);
      } else if (area !== pixels) {
        const used = this.#area === 'json' ? 'the stated area was used, as the official tool does' : 'the pixels were used';
        this.#diagnostics.add('area-mismatch', `Ground-truth areas that differ from the PNG: ${used}.`, example);
      }
      if (pixels === 0) this.#diagnostics.add('truth-without-pixels', 'Ground-truth segments without pixels: missed.', example);
      areas.set(id, this.#area === 'json' ? (area ?? pixels) : pixels);
    }
    for (const [id, pixels] of counted) {
      if (id === voidId || segments.has(id)) continue;
      const message =
        'Ids in ground-truth PNGs that segments_info does not list: neither segment nor void, as in the official tool.';
      this.#diagnostics.add('truth-not-listed', message, `image ${imageId}, id ${id}, ${pixels} pixels`);
    }
    return areas;
  }

  /** The numbers so far; `add` may go on afterwards. */
  result(): PanopticResult {
    const perClass = [...this.#categories.values()].map((category): PanopticClassResult => {
      const { matches, fp, fn } = this.#tallies.get(category.id)!;
      matches.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      let iou = 0;
      for (const match of matches) iou += match[2];
      const tp = matches.length;
      const whole = tp + 0.5 * fp + 0.5 * fn;
      return {
        categoryId: category.id,
        ...(category.name === undefined ? {} : { name: category.name }),
        isThing: Boolean(category.isthing),
        pq: whole > 0 ? iou / whole : 0,
        sq: tp > 0 ? iou / tp : 0,
        rq: whole > 0 ? tp / whole : 0,
        iou,
        tp,
        fp,
        fn,
      };
    });
    return {
      all: means(perClass),
      things: means(perClass.filter(({ isThing }) => isThing)),
      stuff: means(perClass.filter(({ isThing }) => !isThing)),
      perClass,
      images: this.#images,
      diagnostics: this.#diagnostics.list(),
    };
  }

  /** This part as plain data. */
  toShard(): PanopticShard {
    return {
      labelweave: 'panoptic-shard',
      version: 1,
      images: this.#images,
      classes: [...this.#tallies].map(([id, { matches, fp, fn }]) => ({
        id,
        matches: matches.map((match) => [...match]),
        fp,
        fn,
      })),
      diagnostics: this.#diagnostics.list(),
    };
  }

  /** Adds a part that another evaluator of the same classes has counted. Throws ArgumentError where it is no such part. */
  merge(shard: PanopticShard): void {
    const fits = shard?.labelweave === 'panoptic-shard' && shard.version === 1;
    if (!fits || shard.classes.length !== this.#tallies.size || !shard.classes.every(({ id }) => this.#tallies.has(id))) {
      throw new ArgumentError({
        thing: 'panoptic shard',
        found: fits ? `${shard.classes.length} classes, not all of them known` : describe(shard),
        wanted: 'what toShard() of an evaluator with the same classes gave',
      });
    }
    for (const { id, matches, fp, fn } of shard.classes) {
      const tally = this.#tallies.get(id)!;
      for (const match of matches) tally.matches.push([...match]);
      tally.fp += fp;
      tally.fn += fn;
    }
    this.#images += shard.images;
    this.#diagnostics.merge(shard.diagnostics);
  }
}

function means(classes: readonly PanopticClassResult[]): PanopticMeans {
  const counted = classes.filter(({ tp, fp, fn }) => tp + fp + fn > 0);
  const n = counted.length;
  const sum = (field: 'pq' | 'sq' | 'rq') => counted.reduce((total, entry) => total + entry[field], 0);
  return { pq: sum('pq') / n, sq: sum('sq') / n, rq: sum('rq') / n, n };
}
