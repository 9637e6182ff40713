// Average precision of Open Images: the challenge (boxes and instance masks), OIDv2, and the two Pascal forms of the same tool. It reads no files.
import { ArgumentError, describe, EvaluationError } from '../../errors.js';
import { areaUnderCurve } from '../average-precision.js';
import { imageTwice } from '../coco/outcomes.js';
import { DiagnosticLog, type ProtocolDiagnostic } from '../diagnostics.js';
import { rleArea, rleIntersection, rleToBox, type Rle } from '../rle.js';
import { brokenShard, hashOf, openShard, writeShard } from '../shards.js';
import { numpySum } from '../stats.js';
import { expandLabels, expandObjects, labelRelations, type OpenImagesHierarchy } from './hierarchy.js';

/** Corners x1, y1, x2, y2, as a rule from 0 to 1. */
export type OpenImagesBox = readonly [x1: number, y1: number, x2: number, y2: number];

/** A box, or a group of objects in one box, of the ground truth. */
export interface OpenImagesObject {
  /** Id of the image. */
  image: string;
  /** `/m/01g317` */
  label: string;
  /** Place in the image. */
  box: OpenImagesBox;
  /** The box holds a group of touching instances. Default: false. */
  groupOf?: boolean;
  /** Segmentation track: the instance mask, where there is one. */
  mask?: Rle;
}

/** An image-level label that people verified: 1 is there, 0 is not. */
export interface OpenImagesLabel {
  /** Id of the image. */
  image: string;
  /** `/m/01g317` */
  label: string;
  /** 1 or 0. */
  confidence: number;
}

/** Something a model found. */
export interface OpenImagesDetection {
  /** Id of the image. */
  image: string;
  /** `/m/01g317` */
  label: string;
  /** Any number; higher is surer. */
  score: number;
  /** Detection track. */
  box?: OpenImagesBox;
  /** Segmentation track; the box is taken from it. */
  mask?: Rle;
}

/**
 * - `challenge`: Open Images Challenge 2018 and 2019. Detections count only where their label is verified or boxed in that image.
 * - `v2`: Open Images V2. All detections count; those on group-of boxes are ignored.
 * - `pascal`: group-of boxes are boxes like all others. `weighted-pascal`: the same, all classes ranked in one list.
 */
export type OpenImagesProtocol = 'challenge' | 'v2' | 'pascal' | 'weighted-pascal';

/** Options of {@link evaluateOpenImages}. */
export interface OpenImagesOptions {
  /** Labels of the label map, in the order of their ids. Everything else is left out with a diagnostic. */
  classes: readonly string[];
  /** Default: `challenge`. */
  protocol?: OpenImagesProtocol;
  /** What is matched: boxes, or masks (with boxes for objects that have no mask). Default: `detection`. */
  track?: 'detection' | 'segmentation';
  /**
   * What finding a group-of box is worth, and missing it costs, 0 or more; 0 ignores detections on it. Default: 1 for the challenge's
   * detection track, else 0. On the segmentation track it only matters for group-of boxes with a mask, which Open Images does not have.
   */
  groupOfWeight?: number;
  /** Default: 0.5, as all Open Images metrics. */
  iouThreshold?: number;
  /** Expands objects and labels first; leave it out where the files are expanded. Detections are not expanded by the tool, nor here. */
  hierarchy?: OpenImagesHierarchy;
}

/** Numbers and curve of one class. */
export interface OpenImagesClassResult {
  /** `/m/01g317` */
  label: string;
  /** NaN where the class has no positives. */
  ap: number;
  /** Objects to be found, group-of boxes times their weight. */
  positives: number;
  /** Detections and found group-of boxes that were ranked. */
  ranked: number;
  /** [ranked] along the falling scores. */
  scores: Float64Array;
  /** [ranked] after each entry. */
  precision: Float64Array;
  /** [ranked] after each entry. */
  recall: Float64Array;
}

/** What {@link evaluateOpenImages} gives. */
export interface OpenImagesResult {
  /** The form of the protocol. */
  protocol: OpenImagesProtocol;
  /** Boxes or masks. */
  track: 'detection' | 'segmentation';
  /** Least IoU of a match. */
  iouThreshold: number;
  /** What a group-of box is worth. */
  groupOfWeight: number;
  /** Mean over classes with positives, or the AP of all classes in one list (`weighted-pascal`). NaN where there are none. */
  map: number;
  /** In the order of `classes`. */
  perClass: OpenImagesClassResult[];
  /** Numbers under the keys of the official tool, in its order: `OpenImagesDetectionChallenge_Precision/mAP@0.5IOU`, ... */
  metrics: Record<string, number>;
  /** What was odd about the rows, and which rules applied. */
  diagnostics: ProtocolDiagnostic[];
}

interface ImageData {
  objects: OpenImagesObject[];
  /** Labels that are verified or boxed. */
  judged: Set<string>;
}

/** Per class: ranked scores and what each is worth (0: false), and where each comes from. */
interface Ranking {
  scores: number[];
  values: number[];
  /** Place of the image in the list of images with detections, and rank in it. */
  images: number[];
  ranks: number[];
  positives: number;
}

/** The tool keeps no more of one class in one image. */
const mostDetections = 10_000;
const lowestScore = -10;

/**
 * Average precision by the rules of tensorflow/models research/object_detection (utils/per_image_evaluation.py, object_detection_evaluation.py):
 *
 * - Every detection, best first, looks at the one object with the largest IoU; it is a hit if that is at least 0.5 and the object is free, a
 *   miss if it is taken.
 * - What is left then looks at group-of boxes: intersection over its own area at least 0.5 takes it out of the list; the best of those on one
 *   group-of box comes back as one hit worth `groupOfWeight`.
 * - Segmentation: masks first, in 32-bit floats as the tool has them; objects without a mask are matched as boxes, and detections on them leave
 *   the list, as the objects left the positives.
 * - AP is the exact area under the raised curve; classes without positives are left out of the mean.
 *
 * Equal scores of one class are ranked from the last image to the first, inside an image in their order: what the tool's two reversed sorts give
 * for short lists; for long ones it leaves the order open.
 * @throws EvaluationError for boxes or scores that are no numbers, masks that are missing or of another size; ArgumentError for options outside
 * their range.
 */
export function evaluateOpenImages(
  objects: readonly OpenImagesObject[],
  labels: readonly OpenImagesLabel[],
  detections: readonly OpenImagesDetection[],
  options: OpenImagesOptions,
): OpenImagesResult {
  const evaluator = new OpenImagesEvaluator(objects, labels, options);
  evaluator.add(detections);
  return evaluator.result();
}

/**
 * Evaluates detections of Open Images that come in batches, in bounded memory beside the ground truth (about 40 bytes a detection). Partial
 * results are bytes; merged in any order they give the same bits as one run over all. The rules are those of {@link evaluateOpenImages}.
 *
 * @example
 * const evaluator = new OpenImagesEvaluator(objects, labels, { classes });
 * for await (const batch of batches) evaluator.add(batch);
 * const { map } = evaluator.result();
 */
export class OpenImagesEvaluator {
  readonly #settings: Settings;
  readonly #images: Map<string, ImageData>;
  readonly #known: ReadonlySet<string>;
  readonly #rankings: Map<string, Ranking>;
  /** What the ground truth showed, and what the detections did. */
  readonly #log = new DiagnosticLog();
  #found = new DiagnosticLog();
  /** Images with detections, in the order of their coming. */
  readonly #names: string[] = [];
  readonly #places = new Map<string, number>();
  #mark: string | undefined;

  /** Takes the ground truth. Throws ArgumentError, EvaluationError. */
  constructor(objects: readonly OpenImagesObject[], labels: readonly OpenImagesLabel[], options: OpenImagesOptions) {
    this.#settings = checkOptions(options);
    const { classes } = this.#settings;
    objects.forEach((object, row) => checkObject(object, row));
    labels.forEach((label, row) => checkLabel(label, row));
    const [expandedObjects, expandedLabels] = expand(objects, labels, options, this.#log);
    this.#known = new Set(classes);
    this.#images = collect(expandedObjects, expandedLabels, this.#known, this.#log);
    const empty = (): Ranking => ({ scores: [], values: [], images: [], ranks: [], positives: 0 });
    this.#rankings = new Map(classes.map((label) => [label, empty()]));
    for (const { objects: truths } of this.#images.values()) {
      for (const [label, truth] of byLabel(truths)) this.#rankings.get(label)!.positives += positivesOf(truth, this.#settings);
    }
  }

  /**
   * Takes a batch: all detections of each of its images. A batch that is refused leaves the evaluator as it was. Throws EvaluationError: rows are
   * those of the batch; reason `image-in-two-batches` where an image comes again.
   */
  add(detections: readonly OpenImagesDetection[]): void {
    const settings = this.#settings;
    const log = new DiagnosticLog();
    const batch = new Map<string, { detection: OpenImagesDetection; box: OpenImagesBox; label: string }[]>();
    detections.forEach((detection, row) => {
      const box = checkDetection(detection, row, settings);
      const { image, label, score } = detection;
      let list = batch.get(image);
      if (!list) {
        if (this.#places.has(image)) imageTwice(image);
        batch.set(image, (list = []));
      }
      if (!this.#known.has(label)) {
        log.add('detection-of-unknown-class', 'Detections of classes outside the list: left out.', label);
      } else if (!(box[0] < box[2] && box[1] < box[3])) {
        log.add('detection-without-area', 'Detections without area: left out, as the official tool does.', row);
      } else if (score > lowestScore) {
        if (!this.#images.has(image)) {
          const done = settings.protocol === 'challenge' ? 'left out' : 'false, as the official tool has them';
          log.add('detection-of-unknown-image', `Detections on images without any annotation: ${done}.`, image);
        }
        list.push({ detection, box, label });
      }
    });
    const rows: { label: string; image: string; scores: number[]; values: number[] }[] = [];
    for (const [image, found] of batch) {
      const { objects, judged } = this.#images.get(image) ?? { objects: [], judged: new Set<string>() };
      for (const [label, list] of byLabel(found)) {
        if (settings.protocol === 'challenge' && !judged.has(label)) {
          log.add(
            'label-not-judged',
            'Detections of labels that are neither verified nor boxed in their image: left out.',
            label,
            list.length,
          );
          continue;
        }
        const truth = objects.filter((object) => object.label === label);
        rows.push({ label, image, ...rankImage(list, truth, settings, image) });
      }
    }
    // Nothing fails from here on.
    for (const image of batch.keys()) this.#place(image);
    for (const { label, image, scores, values } of rows) {
      const ranking = this.#rankings.get(label)!;
      scores.forEach((score, rank) => {
        ranking.scores.push(score);
        ranking.values.push(values[rank]!);
        ranking.images.push(this.#places.get(image)!);
        ranking.ranks.push(rank);
      });
    }
    this.#found.merge(log.list());
  }

  #place(image: string): void {
    this.#places.set(image, this.#names.length);
    this.#names.push(image);
  }

  /** What makes two evaluators mergeable: settings and ground truth. */
  #head(): ShardHead {
    const { classes, ...rest } = this.#settings;
    this.#mark ??= hashOf([
      ...classes,
      ...[...this.#images.keys()].sort(),
      Float64Array.from(classes, (label) => this.#rankings.get(label)!.positives),
    ]);
    return { settings: JSON.stringify(rest), truth: this.#mark };
  }

  /** What was matched so far, as bytes for {@link OpenImagesEvaluator.merge}. */
  partial(): Uint8Array<ArrayBuffer> {
    const rankings = this.#settings.classes.map((label) => this.#rankings.get(label)!);
    const column = (name: 'scores' | 'values' | 'images' | 'ranks') => rankings.flatMap((ranking) => ranking[name]);
    return writeShard(
      'openimages',
      { ...this.#head(), images: this.#names, diagnostics: this.#found.list() },
      {
        counts: Uint32Array.from(rankings, ({ scores }) => scores.length),
        scores: Float64Array.from(column('scores')),
        values: Float64Array.from(column('values')),
        images: Uint32Array.from(column('images')),
        ranks: Uint32Array.from(column('ranks')),
      },
    );
  }

  /**
   * Adds what {@link OpenImagesEvaluator.partial} of another evaluator made, with the same ground truth and options. Throws ArgumentError where it is
   * something else, EvaluationError `image-in-two-batches`.
   */
  merge(partial: Uint8Array): void {
    const { head, columns } = openShard<ShardHead & { images: string[]; diagnostics: ProtocolDiagnostic[] }, ShardColumns>(
      partial,
      'openimages',
      this.#head(),
    );
    const { counts, scores, values, images, ranks } = columns;
    const { classes } = this.#settings;
    const n = scores?.length;
    const fits =
      counts?.length === classes.length &&
      counts.reduce((sum, count) => sum + count, 0) === n &&
      [values, images, ranks].every((column) => column?.length === n) &&
      images.every((image) => image < head.images.length);
    if (!fits) throw brokenShard('columns that do not fit each other', 'bytes that partial() made');
    for (const image of head.images) if (this.#places.has(image)) imageTwice(image);
    for (const image of head.images) this.#place(image);
    let at = 0;
    classes.forEach((label, k) => {
      const ranking = this.#rankings.get(label)!;
      for (const end = at + counts[k]!; at < end; at++) {
        ranking.scores.push(scores[at]!);
        ranking.values.push(values[at]!);
        ranking.images.push(this.#places.get(head.images[images[at]!]!)!);
        ranking.ranks.push(ranks[at]!);
      }
    });
    this.#found.merge(head.diagnostics);
  }

  /** The result of everything added so far; more may be added afterwards. */
  result(): OpenImagesResult {
    const settings = this.#settings;
    const { classes, protocol, track, iouThreshold, groupOfWeight } = settings;
    const log = new DiagnosticLog();
    log.merge(this.#log.list());
    log.merge(this.#found.list());
    // By image id, then rank: the order of a run over all images, whatever the order of batches.
    const placeOf = new Uint32Array(this.#names.length);
    [...this.#names.keys()]
      .sort((a, b) => (this.#names[a]! < this.#names[b]! ? -1 : 1))
      .forEach((image, place) => (placeOf[image] = place));
    const sorted = new Map<string, Ranked>();
    for (const [label, { scores, values, images, ranks, positives }] of this.#rankings) {
      const order = [...scores.keys()].sort((a, b) => placeOf[images[a]!]! - placeOf[images[b]!]! || ranks[a]! - ranks[b]!);
      sorted.set(label, { scores: order.map((i) => scores[i]!), values: order.map((i) => values[i]!), positives });
    }
    const perClass = classes.map((label): OpenImagesClassResult => {
      const ranking = sorted.get(label)!;
      if (ranking.positives === 0)
        log.add('class-without-objects', 'Classes without objects that count: not in the mean.', label);
      return { label, positives: ranking.positives, ranked: ranking.scores.length, ...curveOf(ranking) };
    });
    const counted = perClass.filter(({ positives }) => positives > 0);
    // numpy.nanmean: NaN becomes 0 at its place, then the whole array is summed.
    let map = numpySum(Float64Array.from(perClass, ({ ap }) => (Number.isNaN(ap) ? 0 : ap))) / counted.length;
    if (protocol === 'weighted-pascal') {
      const all = counted.map(({ label }) => sorted.get(label)!);
      map = curveOf({
        scores: all.flatMap(({ scores }) => scores),
        values: all.flatMap(({ values }) => values),
        positives: counted.reduce((sum, { positives }) => sum + positives, 0),
      }).ap;
    }
    return {
      protocol,
      track,
      iouThreshold,
      groupOfWeight,
      map,
      perClass,
      metrics: officialNames(settings, map, perClass),
      diagnostics: log.list(),
    };
  }
}

type Ranked = Pick<Ranking, 'scores' | 'values' | 'positives'>;

interface ShardHead {
  settings: string;
  truth: string;
}

interface ShardColumns extends Record<string, Float64Array | Uint32Array> {
  counts: Uint32Array;
  scores: Float64Array;
  values: Float64Array;
  images: Uint32Array;
  ranks: Uint32Array;
}

type Settings = Required<Pick<OpenImagesOptions, 'classes' | 'protocol' | 'track' | 'groupOfWeight' | 'iouThreshold'>>;

const prefixes: Record<OpenImagesProtocol, { detection: string; segmentation: string }> = {
  challenge: { detection: 'OpenImagesDetectionChallenge', segmentation: 'OpenImagesInstanceSegmentationChallenge' },
  v2: { detection: 'OpenImagesV2', segmentation: 'OpenImagesV2' },
  pascal: { detection: 'PascalBoxes', segmentation: 'PascalMasks' },
  'weighted-pascal': { detection: 'WeightedPascalBoxes', segmentation: 'WeightedPascalMasks' },
};

function officialNames({ protocol, track, iouThreshold }: Settings, map: number, perClass: readonly OpenImagesClassResult[]) {
  const prefix = prefixes[protocol][track];
  return Object.fromEntries([
    [`${prefix}_Precision/mAP@${iouThreshold}IOU`, map],
    ...perClass.map(({ label, ap }) => [`${prefix}_PerformanceByCategory/AP@${iouThreshold}IOU/${label}`, ap] as const),
  ]);
}

function checkOptions(options: OpenImagesOptions): Settings {
  const { classes, protocol = 'challenge', track = 'detection', iouThreshold = 0.5 } = options ?? {};
  const wrong = (thing: string, found: unknown, wanted: string) => new ArgumentError({ thing, found: describe(found), wanted });
  if (!Array.isArray(classes) || classes.length === 0 || new Set(classes).size !== classes.length) {
    throw wrong('classes', classes, 'the labels to evaluate, each once');
  }
  if (!(protocol in prefixes)) throw wrong('protocol', protocol, Object.keys(prefixes).join(', '));
  if (track !== 'detection' && track !== 'segmentation') throw wrong('track', track, '"detection" or "segmentation"');
  const groupOfWeight = options.groupOfWeight ?? (protocol === 'challenge' && track === 'detection' ? 1 : 0);
  if (!(groupOfWeight >= 0 && groupOfWeight < Infinity)) throw wrong('groupOfWeight', groupOfWeight, 'a number from 0');
  if (!(iouThreshold > 0 && iouThreshold <= 1)) throw wrong('iouThreshold', iouThreshold, 'a number above 0, up to 1');
  return { classes, protocol, track, groupOfWeight, iouThreshold };
}

function checkObject({ image, label, box }: OpenImagesObject, row: number): void {
  if (typeof image === 'string' && typeof label === 'string' && box?.length === 4 && box.every(Number.isFinite)) return;
  throw new EvaluationError('invalid-ground-truth', {
    thing: `object ${row}`,
    found: `image ${describe(image)}, label ${describe(label)}, box [${box?.join(', ')}]`,
    wanted: 'two texts and four finite numbers',
    row,
  });
}

function checkLabel({ image, label, confidence }: OpenImagesLabel, row: number): void {
  if (typeof image === 'string' && typeof label === 'string' && (confidence === 0 || confidence === 1)) return;
  throw new EvaluationError('invalid-ground-truth', {
    thing: `image-level label ${row}`,
    found: `image ${describe(image)}, label ${describe(label)}, confidence ${describe(confidence)}`,
    wanted: 'two texts and 0 or 1',
    row,
  });
}

function expand(
  objects: readonly OpenImagesObject[],
  labels: readonly OpenImagesLabel[],
  { hierarchy }: OpenImagesOptions,
  log: DiagnosticLog,
): [readonly OpenImagesObject[], readonly OpenImagesLabel[]] {
  if (!hierarchy) return [objects, labels];
  const relations = labelRelations(hierarchy);
  const unknown = (label: string) =>
    log.add('label-not-in-hierarchy', 'Rows with labels outside the hierarchy: not expanded.', label);
  return [expandObjects(objects, relations, unknown), expandLabels(labels, relations, unknown)];
}

function collect(
  objects: readonly OpenImagesObject[],
  labels: readonly OpenImagesLabel[],
  known: ReadonlySet<string>,
  log: DiagnosticLog,
): Map<string, ImageData> {
  const images = new Map<string, ImageData>();
  const imageOf = (image: string): ImageData => {
    let data = images.get(image);
    if (!data) images.set(image, (data = { objects: [], judged: new Set() }));
    return data;
  };
  for (const object of objects) {
    const data = imageOf(object.image);
    if (!known.has(object.label)) {
      log.add('object-of-unknown-class', 'Objects of classes outside the list: left out.', object.label);
      continue;
    }
    data.objects.push(object);
    data.judged.add(object.label);
  }
  for (const { image, label } of labels) imageOf(image).judged.add(label);
  return images;
}

/** The box of a detection. Throws EvaluationError. */
function checkDetection(detection: OpenImagesDetection, row: number, { track }: Settings): OpenImagesBox {
  const { image, label, score } = detection;
  if (typeof image !== 'string' || typeof label !== 'string' || typeof score !== 'number' || Number.isNaN(score)) {
    throw new EvaluationError('invalid-predictions', {
      thing: `detection ${row}`,
      found: `image ${describe(image)}, label ${describe(label)}, score ${describe(score)}`,
      wanted: 'two texts and a number',
      row,
    });
  }
  const box = track === 'detection' ? detection.box : maskBox(detection.mask);
  if (!box || box.length !== 4 || !box.every(Number.isFinite)) {
    throw new EvaluationError('invalid-predictions', {
      thing: `detection ${row}`,
      found: box ? `box [${box.join(', ')}]` : `no ${track === 'detection' ? 'box' : 'mask'}`,
      wanted: track === 'detection' ? 'four finite numbers x1, y1, x2, y2' : 'a mask',
      row,
    });
  }
  return box;
}

/** Tight box of a mask in shares of the image; all zeros for an empty mask. */
function maskBox(mask: Rle | undefined): OpenImagesBox | undefined {
  if (!mask) return undefined;
  if (rleArea(mask) === 0) return [0, 0, 0, 0];
  const [x, y, w, h] = rleToBox(mask);
  return [x / mask.width, y / mask.height, (x + w) / mask.width, (y + h) / mask.height];
}

function byLabel<T extends { label: string }>(rows: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const group = groups.get(row.label);
    if (group) group.push(row);
    else groups.set(row.label, [row]);
  }
  return groups;
}

const hasMask = ({ mask }: OpenImagesObject) => mask !== undefined && rleArea(mask) > 0;

/** Group-of boxes are boxes like all others in the Pascal forms. */
const isGroup = (object: OpenImagesObject, { protocol }: Settings) =>
  Boolean(object.groupOf) && (protocol === 'challenge' || protocol === 'v2');

function positivesOf(objects: readonly OpenImagesObject[], settings: Settings): number {
  let single = 0;
  let groups = 0;
  for (const object of objects) {
    if (settings.track === 'segmentation' && !hasMask(object)) continue;
    if (isGroup(object, settings)) groups++;
    else single++;
  }
  return single + settings.groupOfWeight * groups;
}

/** Positions by falling score as `argsort(scores)[::-1]` gives them with a stable sort: equal ones from the last to the first. */
function ranksOf(scores: readonly number[]): number[] {
  return Array.from(scores, (_, i) => i).sort((a, b) => scores[b]! - scores[a]! || b - a);
}

/** What one class of one image adds to the ranking. */
function rankImage(
  detections: readonly { detection: OpenImagesDetection; box: OpenImagesBox }[],
  objects: readonly OpenImagesObject[],
  settings: Settings,
  image: string,
): { scores: number[]; values: number[] } {
  const order = ranksOf(detections.map(({ detection }) => detection.score)).slice(0, mostDetections);
  const sorted = order.map((i) => detections[i]!);
  const scores = sorted.map(({ detection }) => detection.score);
  const state = sorted.map(() => ({ hit: false, inGroup: false, asBox: false }));
  const isMaskTrack = settings.track === 'segmentation';
  const masked = isMaskTrack ? objects.filter(hasMask) : [];
  const boxed = isMaskTrack ? objects.filter((object) => !hasMask(object)) : objects;
  const groups: number[] = [];

  const overlaps = (truths: readonly OpenImagesObject[], kind: 'union' | 'area', byMask: boolean) =>
    sorted.map(({ detection, box }) =>
      truths.map((truth) => (byMask ? maskOverlap(detection.mask!, truth.mask!, kind, image) : boxOverlap(box, truth.box, kind))),
    );
  const matchSingles = (truths: readonly OpenImagesObject[], byMask: boolean) => {
    if (truths.length === 0) return;
    const taken = new Set<number>();
    overlaps(truths, 'union', byMask).forEach((row, i) => {
      const best = firstLargest(row);
      if (state[i]!.hit || state[i]!.inGroup || !(row[best]! >= settings.iouThreshold) || taken.has(best)) return;
      taken.add(best);
      state[i]!.hit = true;
      state[i]!.asBox = !byMask;
    });
  };
  const matchGroups = (truths: readonly OpenImagesObject[], byMask: boolean) => {
    if (truths.length === 0) return [];
    const best = truths.map(() => 0);
    overlaps(truths, 'area', byMask).forEach((row, i) => {
      const at = firstLargest(row);
      if (state[i]!.hit || state[i]!.inGroup || !(row[at]! >= settings.iouThreshold)) return;
      state[i]!.inGroup = true;
      state[i]!.asBox = !byMask;
      best[at] = Math.max(best[at]!, scores[i]!);
    });
    return best.filter((score) => score > 0 && settings.groupOfWeight > 0);
  };
  const single = (object: OpenImagesObject) => !isGroup(object, settings);
  const group = (object: OpenImagesObject) => isGroup(object, settings);
  if (isMaskTrack) {
    matchSingles(masked.filter(single), true);
    groups.push(...matchGroups(masked.filter(group), true));
  }
  matchSingles(boxed.filter(single), false);
  const boxGroups = matchGroups(boxed.filter(group), false);
  if (!isMaskTrack) groups.push(...boxGroups);

  const result = { scores: [] as number[], values: [] as number[] };
  state.forEach(({ hit, inGroup, asBox }, i) => {
    if (inGroup || (isMaskTrack && asBox)) return;
    result.scores.push(scores[i]!);
    result.values.push(hit ? 1 : 0);
  });
  result.scores.push(...groups);
  result.values.push(...groups.map(() => settings.groupOfWeight));
  return result;
}

function firstLargest(values: readonly number[]): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

function boxOverlap(a: OpenImagesBox, b: OpenImagesBox, kind: 'union' | 'area'): number {
  const w = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]));
  const h = Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
  const shared = h * w;
  const own = (a[3] - a[1]) * (a[2] - a[0]);
  return shared / (kind === 'area' ? own : own + (b[3] - b[1]) * (b[2] - b[0]) - shared);
}

/** As np_mask_ops.py: sums and quotients are 32-bit floats, and a small number guards the division. */
function maskOverlap(a: Rle, b: Rle, kind: 'union' | 'area', image: string): number {
  if (a.width !== b.width || a.height !== b.height) {
    throw new EvaluationError('invalid-predictions', {
      thing: `masks of image ${image}`,
      found: `${a.width} x ${a.height} pixels`,
      wanted: `${b.width} x ${b.height}, as the ground truth has`,
      next: 'Open Images masks come in a size of their own: scale predicted masks to it.',
    });
  }
  const f = Math.fround;
  const guard = 1e-7;
  const shared = f(rleIntersection(a, b));
  const own = f(rleArea(a));
  if (kind === 'area') return f(shared / f(own + f(guard)));
  return f(shared / Math.max(f(f(own + f(rleArea(b))) - shared), f(guard)));
}

function curveOf({ scores, values, positives }: Ranked): Pick<OpenImagesClassResult, 'ap' | 'scores' | 'precision' | 'recall'> {
  const order = ranksOf(scores);
  const precision = new Float64Array(order.length);
  const recall = new Float64Array(order.length);
  let hits = 0;
  let misses = 0;
  order.forEach((i, rank) => {
    hits += values[i]!;
    if (values[i]! <= 0) misses++;
    precision[rank] = hits / (hits + misses);
    recall[rank] = hits / positives;
  });
  let ap = Number.NaN;
  if (positives > 0) ap = order.length > 0 ? areaUnderCurve(recall, precision) : 0;
  return { ap, scores: Float64Array.from(order, (i) => scores[i]!), precision, recall };
}
