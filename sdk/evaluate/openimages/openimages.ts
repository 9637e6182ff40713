// Average precision of Open Images: the challenge (boxes and instance masks), OIDv2, and the two Pascal forms of the same tool. It reads no files.
import { ArgumentError, describe, EvaluationError } from '../../errors.js';
import { areaUnderCurve } from '../average-precision.js';
import { DiagnosticLog, type ProtocolDiagnostic } from '../diagnostics.js';
import { rleArea, rleIntersection, rleToBox, type Rle } from '../rle.js';
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
  detections: { detection: OpenImagesDetection; box: OpenImagesBox }[];
  /** Labels that are verified or boxed. */
  judged: Set<string>;
}

/** Per class: ranked scores and what each is worth (0: false). */
interface Ranking {
  scores: number[];
  values: number[];
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
  const settings = checkOptions(options);
  const { classes, protocol, track, groupOfWeight, iouThreshold } = settings;
  const log = new DiagnosticLog();
  objects.forEach((object, row) => checkObject(object, row));
  labels.forEach((label, row) => checkLabel(label, row));
  [objects, labels] = expand(objects, labels, options, log);
  const images = collect(objects, labels, detections, settings, log);

  const rankings = new Map(classes.map((label): [string, Ranking] => [label, { scores: [], values: [], positives: 0 }]));
  for (const image of [...images.keys()].sort()) {
    const { objects: truths, detections: found, judged } = images.get(image)!;
    for (const [label, truth] of byLabel(truths)) rankings.get(label)!.positives += positivesOf(truth, settings);
    for (const [label, list] of byLabel(found.map((entry) => ({ ...entry, label: entry.detection.label })))) {
      if (protocol === 'challenge' && !judged.has(label)) {
        log.add(
          'label-not-judged',
          'Detections of labels that are neither verified nor boxed in their image: left out.',
          label,
          list.length,
        );
        continue;
      }
      const ranking = rankings.get(label)!;
      const truth = truths.filter((object) => object.label === label);
      const { scores, values } = rankImage(list, truth, settings, image);
      ranking.scores.push(...scores);
      ranking.values.push(...values);
    }
  }

  const perClass = classes.map((label): OpenImagesClassResult => {
    const ranking = rankings.get(label)!;
    if (ranking.positives === 0) log.add('class-without-objects', 'Classes without objects that count: not in the mean.', label);
    return { label, positives: ranking.positives, ranked: ranking.scores.length, ...curveOf(ranking) };
  });
  const counted = perClass.filter(({ positives }) => positives > 0);
  // numpy.nanmean: NaN becomes 0 at its place, then the whole array is summed.
  let map = numpySum(Float64Array.from(perClass, ({ ap }) => (Number.isNaN(ap) ? 0 : ap))) / counted.length;
  if (protocol === 'weighted-pascal') {
    const all: Ranking = { scores: [], values: [], positives: 0 };
    for (const { label, positives } of counted) {
      all.scores.push(...rankings.get(label)!.scores);
      all.values.push(...rankings.get(label)!.values);
      all.positives += positives;
    }
    map = curveOf(all).ap;
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
  detections: readonly OpenImagesDetection[],
  { classes, protocol, track }: Settings,
  log: DiagnosticLog,
): Map<string, ImageData> {
  const known = new Set(classes);
  const images = new Map<string, ImageData>();
  const imageOf = (image: string): ImageData => {
    let data = images.get(image);
    if (!data) images.set(image, (data = { objects: [], detections: [], judged: new Set() }));
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
  const judgedImages = new Set(images.keys());
  detections.forEach((detection, row) => {
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
    if (!known.has(label)) {
      log.add('detection-of-unknown-class', 'Detections of classes outside the list: left out.', label);
    } else if (!(box[0] < box[2] && box[1] < box[3])) {
      log.add('detection-without-area', 'Detections without area: left out, as the official tool does.', row);
    } else if (score > lowestScore) {
      if (!judgedImages.has(image)) {
        const done = protocol === 'challenge' ? 'left out' : 'false, as the official tool has them';
        log.add('detection-of-unknown-image', `Detections on images without any annotation: ${done}.`, image);
      }
      imageOf(image).detections.push({ detection, box });
    }
  });
  return images;
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

function curveOf({ scores, values, positives }: Ranking): Pick<OpenImagesClassResult, 'ap' | 'scores' | 'precision' | 'recall'> {
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
