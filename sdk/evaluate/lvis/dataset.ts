// The LVIS ground-truth file, read as a stream, checked and indexed by class and image. Its images say which classes people looked for.
import { describe, EvaluationError } from '../../errors.js';
import { toGroundTruth } from '../coco/inputs.js';
import { Notes } from '../coco/notes.js';
import type { Settings } from '../coco/parameters.js';
import { allRows, IdIndex, sortBy, sortedUnique, truthFlag, type Truth } from '../coco/prepare.js';
import type { DiagnosticLog } from '../diagnostics.js';
import { has, maskKind } from '../input/columns.js';
import type { Category, GroundTruthColumns } from '../input/reader.js';
import type { CocoSegmentation } from '../rle.js';
import type { FileSource, LongOptions } from '../types.js';

/** An LVIS v1 annotation file as an object. */
export interface LvisDataset {
  /** Images with the classes that people looked for in them. */
  readonly images: readonly LvisImage[];
  /** Objects. */
  readonly annotations: readonly LvisAnnotation[];
  /** Classes with their frequency. */
  readonly categories: readonly LvisCategory[];
}

/** An image of an LVIS file. */
export interface LvisImage {
  /** Whole number, each once. */
  readonly id: number;
  /** Pixels; needed for masks that are polygons. */
  readonly height?: number;
  /** See `height`. */
  readonly width?: number;
  /** Classes that people looked for and did not find. */
  readonly neg_category_ids: readonly number[];
  /** Classes of which not every instance is annotated. */
  readonly not_exhaustive_category_ids: readonly number[];
}

/** An object of an LVIS file. */
export interface LvisAnnotation {
  /** Whole number, each once. */
  readonly id: number;
  /** Id of its image. */
  readonly image_id: number;
  /** Id of its class. */
  readonly category_id: number;
  /** x, y, width, height in pixels. */
  readonly bbox?: readonly number[];
  /** Pixels of the mask. */
  readonly area: number;
  /** Needed where masks are evaluated. */
  readonly segmentation?: CocoSegmentation;
  /** Honoured, unlike by COCO's tool. Default: 0. */
  readonly ignore?: number | boolean;
}

/** A class of an LVIS file. */
export interface LvisCategory {
  /** Whole number, each once. */
  readonly id: number;
  /** Its name. */
  readonly name?: string;
  /** r: in 1 to 10 training images, c: 11 to 100, f: more. */
  readonly frequency: 'r' | 'c' | 'f';
}

/** What the engine of COCO matches, and what only LVIS knows. */
export interface LvisTruth extends Truth {
  /** [images] places of the classes whose detections count: annotated, or looked for. */
  readonly judged: readonly ReadonlySet<number>[];
  /** [images] places of the classes that are not annotated exhaustively; undefined for none. */
  readonly notExhaustive: readonly (ReadonlySet<number> | undefined)[];
  /** [K] as the file says. */
  readonly frequencies: readonly ('r' | 'c' | 'f')[];
  /** Annotations that take part. */
  readonly annotations: number;
}

const invalid = (thing: string, found: string, wanted: string, reason?: string, next?: string) =>
  new EvaluationError('invalid-ground-truth', { thing, found, wanted, reason, next });

/**
 * Reads a file as a stream, so that its size does not matter, or takes the object. Throws LoadError, EvaluationError for broken JSON, or
 * `signal.reason`.
 */
export async function readLvisDataset(
  source: FileSource | LvisDataset,
  withMasks: boolean,
  options: LongOptions = {},
): Promise<GroundTruthColumns> {
  if (typeof source === 'object' && source !== null && 'annotations' in source) {
    for (const list of ['images', 'annotations', 'categories'] as const) {
      if (!Array.isArray(source[list])) throw invalid('LVIS ground truth', `${list}: ${describe(source[list])}`, 'a list');
    }
  }
  return toGroundTruth(source, { ...options, masks: withMasks });
}

/** Checks and indexes. Annotations without area are left out, as lvis-api does without a word. */
export function indexTruth(columns: GroundTruthColumns, settings: Settings, log: DiagnosticLog): LvisTruth {
  const coco = 'A COCO file is evaluated by COCO.';
  const withMasks = settings.iouType !== 'bbox';
  const classes = new IdIndex(sortedUnique(columns.categories.map(({ id }) => id)));
  const categories: Category[] = [];
  const frequencies: ('r' | 'c' | 'f')[] = [];
  for (const category of columns.categories) {
    const { id } = category;
    const at = classes.of(id);
    if (!Number.isSafeInteger(id) || categories[at]) throw invalid('category', `id ${describe(id)}`, 'whole numbers, each once');
    const { frequency } = category as { frequency?: unknown };
    if (frequency !== 'r' && frequency !== 'c' && frequency !== 'f') {
      throw invalid(`category ${id}`, `frequency ${describe(frequency)}`, '"r", "c" or "f"', 'missing-field', coco);
    }
    categories[at] = category;
    frequencies[at] = frequency;
  }

  const { images: listed, annotations: rows } = columns;
  const images = new IdIndex(sortedUnique(listed.ids.subarray(0, listed.count)));
  const count = images.ids.length;
  const [heights, widths] = [new Float64Array(count), new Float64Array(count)];
  const judged: Set<number>[] = Array.from({ length: count });
  const notExhaustive: (Set<number> | undefined)[] = Array.from({ length: count });
  for (let i = 0; i < listed.count; i++) {
    const id = listed.ids[i]!;
    const at = images.of(id);
    if (!Number.isSafeInteger(id) || judged[at]) throw invalid('image', `id ${describe(id)}`, 'whole numbers, each once');
    const { lookedFor, notExhaustive: loose } = listed.lists?.[i] ?? {};
    if (!lookedFor || !loose) {
      const found = `neg_category_ids: ${lookedFor ? 'there' : 'missing'}, not_exhaustive_category_ids: ${loose ? 'there' : 'missing'}`;
      throw invalid(`image ${id}`, found, 'two lists', 'missing-field', coco);
    }
    const places = (ids: Float64Array) => new Set(Array.from(ids, (category) => classes.of(category)).filter((k) => k >= 0));
    judged[at] = places(lookedFor);
    notExhaustive[at] = loose.length > 0 ? places(loose) : undefined;
    heights[at] = listed.heights[i]!;
    widths[at] = listed.widths[i]!;
  }

  const imageOfRow = new Int32Array(rows.count).fill(-1);
  const classOfRow = new Int32Array(rows.count).fill(-1);
  const flags = new Uint8Array(rows.count);
  const ids = new Set<number>();
  for (let row = 0; row < rows.count; row++) {
    const present = rows.present[row]!;
    const thing = `annotation ${row} (id ${present & has.id ? rows.ids[row] : 'missing'})`;
    if (!(present & has.id)) throw invalid(thing, 'no id', 'a number', 'missing-field');
    if (ids.has(rows.ids[row]!)) throw invalid(thing, 'its id a second time', 'every id once', 'duplicate-annotation-id');
    ids.add(rows.ids[row]!);
    if (rows.ids[row] === 0)
      log.add('annotation-id-zero', 'The annotation with id 0: lvis-api can never match it; here it is like any other.', row);
    const at = present & has.image ? images.of(rows.imageIds[row]!) : -1;
    if (at < 0) {
      const found = present & has.image ? `image_id ${rows.imageIds[row]}` : 'no image_id';
      throw invalid(thing, found, 'the id of an image', 'annotation-of-unknown-image');
    }
    const k = present & has.category ? classes.of(rows.categoryIds[row]!) : -1;
    if (k < 0) {
      log.add('annotation-of-unknown-category', 'Annotations of classes that the file does not list: left out.', row);
      continue;
    }
    if (!(present & has.area)) throw invalid(thing, 'no area', 'a number', 'missing-field');
    if (!(rows.areas[row]! > 0 && rows.areas[row]! < Infinity)) {
      log.add('annotation-without-area', 'Annotations without area: left out, as lvis-api does.', row);
      continue;
    }
    const box = rows.boxes.subarray(4 * row, 4 * row + 4);
    if (!withMasks && !(present & has.box && box.every(Number.isFinite))) {
      throw invalid(thing, present & has.box ? `bbox [${box.join(', ')}]` : 'no bbox', 'four finite numbers', 'missing-field');
    }
    if (withMasks) checkMask(columns, row, heights[at]!, widths[at]!, thing);
    if (present & has.ignore && rows.ignore[row]) flags[row] = truthFlag.ignore;
    judged[at]!.add(k);
    imageOfRow[row] = at;
    classOfRow[row] = k;
  }
  const K = categories.length;
  const { order, start } = sortBy(sortBy(allRows(rows.count), imageOfRow, count).order, classOfRow, K);
  const positives = new Uint32Array(K * settings.areaRanges.length);
  for (const row of order) {
    if (flags[row]) continue;
    settings.areaRanges.forEach(({ min, max }, a) => {
      const area = rows.areas[row]!;
      if (area >= min && area <= max) positives[classOfRow[row]! * settings.areaRanges.length + a]!++;
    });
  }
  return {
    settings,
    rows,
    images,
    allImages: images,
    heights,
    widths,
    categories,
    classes,
    order,
    classStart: start,
    imageOf: Int32Array.from(order, (row) => imageOfRow[row]!),
    flags,
    areas: rows.areas,
    positives,
    notes: new Notes(),
    judged,
    notExhaustive,
    frequencies,
    annotations: order.length,
  };
}

function checkMask(
  { annotations: { masks } }: GroundTruthColumns,
  row: number,
  height: number,
  width: number,
  thing: string,
): void {
  const kind = masks?.kinds[row] ?? maskKind.none;
  if (!masks || kind === maskKind.none) throw invalid(thing, 'no segmentation', 'a mask', 'missing-field');
  const wrong = (found: string) =>
    invalid(`${thing}, segmentation`, found, 'polygons, or runs that fill the image', 'invalid-mask');
  if (kind === maskKind.broken) throw wrong('a mask that cannot be read');
  if (kind !== maskKind.polygons) return;
  if (!(height > 0) || !(width > 0)) throw invalid(thing, `polygons in an image of ${height} x ${width} pixels`, 'height and width of the image', 'missing-field'); // prettier-ignore
  const at = masks.offsets[row]! * 8;
  const numbers = new Float64Array(masks.bytes.slice(at, at + masks.lengths[row]!).buffer);
  for (let i = 1, part = 0; part < numbers[0]!; part++, i += 1 + numbers[i]!) {
    if (!(numbers[i]! >= 6) || numbers[i]! % 2 !== 0) throw wrong(`a polygon of ${numbers[i]} numbers`);
  }
}
