// Ground truth and detections by image, with their overlaps: what error analysis needs beside official numbers. It matches nothing.
import { EvaluationError } from '../../errors.js';
import { toGroundTruth, toRows, type DetectionInput, type GroundTruthInput } from '../coco/inputs.js';
import type { IouType } from '../coco/parameters.js';
import { maskKind, type Rows } from '../input/columns.js';
import type { Category } from '../input/reader.js';
import { boxIous, maskIous } from '../iou.js';
import { decodeRle, mergeRles, rleArea, rleBoundary, rleFromPolygon, type Rle } from '../rle.js';
import type { LongOptions } from '../types.js';

/** G objects and D detections of one image. Classes are positions in the list of categories. */
export interface SampleImage {
  /** Id in the file. */
  readonly id: number;
  /** [G] class of each object. */
  readonly truthClasses: Int32Array;
  /** [G, 4] x, y, width, height in pixels. */
  readonly truthBoxes: Float64Array;
  /** [G] 1 for crowd regions. */
  readonly crowd: Uint8Array;
  /** [G] masks; undefined for boxes. */
  readonly truthMasks: readonly Rle[] | undefined;
  /** [D] class of each detection; detections stand by falling score, equal ones in file order. */
  readonly classes: Int32Array;
  /** [D, 4] */
  readonly boxes: Float64Array;
  /** [D] falling. */
  readonly scores: Float64Array;
  /** [D] masks; undefined for boxes. */
  readonly masks: readonly Rle[] | undefined;
}

/** What an analysis reads. */
export interface Samples {
  /** How overlap is measured. */
  readonly iouType: IouType;
  /** K classes by rising id. */
  readonly categories: readonly Category[];
  /** By rising id. */
  readonly images: readonly SampleImage[];
  /** [I] positions in `images` in the order of the file. */
  readonly fileOrder: readonly number[];
  /** Detections of unknown images or classes, or without a score: not in `images`. */
  readonly leftOut: number;
}

/** Files or objects, as for evaluateCoco. */
export interface SamplesOptions extends LongOptions {
  /** COCO annotations. */
  readonly groundTruth: GroundTruthInput;
  /** COCO results. */
  readonly detections: DetectionInput;
  /** What overlap means. Default: `bbox`. */
  readonly iouType?: IouType | undefined;
}

function maskOf(rows: Rows, row: number, height: number, width: number, thing: string, isTruth: boolean): Rle {
  const { masks } = rows;
  const kind = masks?.kinds[row] ?? maskKind.none;
  const wrong = (found: string) =>
    new EvaluationError(isTruth ? 'invalid-ground-truth' : 'invalid-predictions', {
      thing: `${thing} ${row}`,
      found,
      wanted: 'a segmentation: polygons or runs',
      reason: 'invalid-mask',
      row,
    });
  if (!masks || kind === maskKind.none || kind === maskKind.broken)
    throw wrong(kind === maskKind.broken ? 'a broken mask' : 'none');
  const at = masks.offsets[row]! * 8;
  const bytes = masks.bytes.subarray(at, at + masks.lengths[row]!);
  if (kind !== maskKind.polygons) return decodeRle(bytes, masks.heights[row]!, masks.widths[row]!);
  if (!(height > 0 && width > 0)) throw wrong('polygons in an image without height and width');
  // The number of polygons; then of each the number of its coordinates and the coordinates.
  const numbers = new Float64Array(bytes.slice().buffer);
  const polygons: Rle[] = [];
  for (let i = 1; polygons.length < numbers[0]!; i += 1 + numbers[i]!) {
    const length = numbers[i]!;
    if (!(length >= 6)) throw wrong(`a polygon of ${length} numbers`);
    polygons.push(rleFromPolygon(numbers.subarray(i + 1, i + 1 + length), height, width));
  }
  return mergeRles(polygons);
}

/**
 * Reads both files and groups them by image.
 * @throws EvaluationError for broken files or masks, ArgumentError, LoadError, or `signal.reason`.
 */
export async function openSamples(options: SamplesOptions): Promise<Samples> {
  const { iouType = 'bbox', signal, onProgress } = options;
  const read = { masks: iouType !== 'bbox', signal, onProgress };
  const truth = await toGroundTruth(options.groundTruth, read);
  const rows = await toRows(options.detections, read);
  const categories = [...truth.categories].sort((a, b) => a.id - b.id);
  const classOf = new Map(categories.map(({ id }, k) => [id, k]));
  const byImage = new Map<number, { truths: number[]; rows: number[]; height: number; width: number }>();
  for (let i = 0; i < truth.images.count; i++) {
    byImage.set(truth.images.ids[i]!, { truths: [], rows: [], height: truth.images.heights[i]!, width: truth.images.widths[i]! });
  }
  const { annotations } = truth;
  for (let i = 0; i < annotations.count; i++) {
    if (classOf.has(annotations.categoryIds[i]!)) byImage.get(annotations.imageIds[i]!)?.truths.push(i);
  }
  let leftOut = 0;
  for (let i = 0; i < rows.count; i++) {
    const image = byImage.get(rows.imageIds[i]!);
    if (image && classOf.has(rows.categoryIds[i]!) && !Number.isNaN(rows.scores[i]!)) image.rows.push(i);
    else leftOut++;
  }
  const hasMasks = iouType !== 'bbox';
  const boxesOf = (from: Rows, list: readonly number[]) => {
    const boxes = new Float64Array(4 * list.length);
    list.forEach((row, i) => boxes.set(from.boxes.subarray(4 * row, 4 * row + 4), 4 * i));
    return boxes;
  };
  const images = [...byImage]
    .sort(([a], [b]) => a - b)
    .map(([id, entry]): SampleImage => {
      const sorted = entry.rows.sort((a, b) => rows.scores[b]! - rows.scores[a]!);
      const masksOf = (from: Rows, list: readonly number[], thing: string, isTruth: boolean) =>
        hasMasks ? list.map((row) => maskOf(from, row, entry.height, entry.width, thing, isTruth)) : undefined;
      return {
        id,
        truthClasses: Int32Array.from(entry.truths, (i) => classOf.get(annotations.categoryIds[i]!)!),
        truthBoxes: boxesOf(annotations, entry.truths),
        crowd: Uint8Array.from(entry.truths, (i) => annotations.crowd[i]!),
        truthMasks: masksOf(annotations, entry.truths, 'annotation', true),
        classes: Int32Array.from(sorted, (i) => classOf.get(rows.categoryIds[i]!)!),
        boxes: boxesOf(rows, sorted),
        scores: Float64Array.from(sorted, (i) => rows.scores[i]!),
        masks: masksOf(rows, sorted, 'detection', false),
      };
    });
  const place = new Map(images.map(({ id }, i) => [id, i]));
  const fileOrder = [...byImage.keys()].map((id) => place.get(id)!);
  return { iouType, categories, images, fileOrder, leftOut };
}

/**
 * Overlaps of all detections with all objects of an image, whatever their classes; in columns of crowd regions intersection over the detection.
 * @returns [D, G] row-major
 */
export function sampleOverlaps(image: SampleImage, iouType: IouType): Float64Array {
  if (iouType === 'bbox' || !image.masks || !image.truthMasks) return boxIous(image.boxes, image.truthBoxes, image.crowd);
  const ious = maskIous(image.masks, image.truthMasks, image.crowd);
  if (iouType === 'segm') return ious;
  const edges = maskIous(image.masks.map((mask) => rleBoundary(mask)), image.truthMasks.map((mask) => rleBoundary(mask))); // prettier-ignore
  const G = image.truthMasks.length;
  return ious.map((iou, i) => (image.crowd[i % G] ? iou : Math.min(iou, edges[i]!)));
}

/** Area of an object in pixels: of its mask where there is one, else of its box. */
export function truthArea(image: SampleImage, g: number): number {
  const mask = image.truthMasks?.[g];
  return mask ? rleArea(mask) : image.truthBoxes[4 * g + 2]! * image.truthBoxes[4 * g + 3]!;
}
