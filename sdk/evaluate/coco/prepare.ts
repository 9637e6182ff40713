// Ground truth and detections, checked and grouped by class and image; here stand the quirks of pycocotools' loading and their corrections.
import { EvaluationError } from '../../errors.js';
import { has, maskKind, type Rows } from '../input/columns.js';
import type { Category, GroundTruthColumns } from '../input/reader.js';
import { Notes } from './notes.js';
import type { Settings } from './parameters.js';

/** Bits of {@link Truth.flags}: see assembly/evaluate/match.ts. */
export const truthFlag = { crowd: 1, ignore: 2, noId: 4 } as const;

/** Finds the place of an id among sorted ids. */
export class IdIndex {
  readonly #table: Int32Array | undefined;
  readonly #map: Map<number, number> | undefined;
  #lastId = Number.NaN;
  #lastPlace = -1;

  constructor(readonly ids: Float64Array) {
    const last = ids.at(-1) ?? 0;
    // Small whole ids: a table. Others: a map.
    if (ids.length > 0 && ids[0]! >= 0 && last <= 64 * ids.length + 4096 && ids.every((id) => Number.isInteger(id))) {
      this.#table = new Int32Array(last + 1).fill(-1);
      ids.forEach((id, i) => (this.#table![id] = i));
    } else this.#map = new Map(Array.from(ids, (id, i) => [id, i]));
  }

  /** -1 where there is none. */
  of(id: number): number {
    if (id === this.#lastId) return this.#lastPlace;
    this.#lastId = id;
    this.#lastPlace = this.#table ? (this.#table[id] ?? -1) : (this.#map!.get(id) ?? -1);
    return this.#lastPlace;
  }
}

export interface Truth {
  readonly settings: Settings;
  readonly rows: Rows;
  /** Ids of the images that are evaluated, ascending, and of all. */
  readonly images: IdIndex;
  readonly allImages: IdIndex;
  /** [images] pixels. */
  readonly heights: Float64Array;
  readonly widths: Float64Array;
  /** Classes that are evaluated, ascending by id; K = 1 and a class of id -1 where classes are not used. */
  readonly categories: readonly Category[];
  readonly classes: IdIndex;
  /** Rows by class, then image, then the order of the file; with duplicate ids in mode strict, a row may stand here twice. */
  readonly order: Uint32Array;
  /** [K + 1] places in `order`. */
  readonly classStart: Uint32Array;
  /** For each place in `order`: index of the image. */
  readonly imageOf: Int32Array;
  /** By row. */
  readonly flags: Uint8Array;
  readonly areas: Float64Array;
  /** [K, A] ground truth that is not ignored. */
  readonly positives: Uint32Array;
  readonly notes: Notes;
}

export const sortedUnique = (ids: Iterable<number>) => Float64Array.from(new Set(ids)).sort();

/** Stable counting sort of `order` by a small key; rows of key -1 are left out. Returns the places where keys start. */
export function sortBy(order: Uint32Array, keyOf: Int32Array, keys: number): { order: Uint32Array; start: Uint32Array } {
  const start = new Uint32Array(keys + 1);
  for (let i = 0; i < order.length; i++) {
    const key = keyOf[order[i]!]!;
    if (key >= 0) start[key + 1]!++;
  }
  for (let k = 0; k < keys; k++) start[k + 1]! += start[k]!;
  const next = start.slice();
  const sorted = new Uint32Array(start[keys]!);
  for (let i = 0; i < order.length; i++) {
    const row = order[i]!;
    const key = keyOf[row]!;
    if (key >= 0) sorted[next[key]!++] = row;
  }
  return { order: sorted, start };
}

export function allRows(count: number): Uint32Array {
  const rows = new Uint32Array(count);
  for (let i = 0; i < count; i++) rows[i] = i;
  return rows;
}

/** Throws EvaluationError `invalid-ground-truth` naming the annotation. */
export function prepareTruth(columns: GroundTruthColumns, settings: Settings): Truth {
  const notes = new Notes();
  const strict = settings.mode === 'strict';
  const { images: imageColumns, annotations: rows } = columns;
  const refuse = (row: number, found: string, wanted: string, reason: string, next?: string): never => {
    throw new EvaluationError('invalid-ground-truth', {
      thing: `annotation ${rows.present[row]! & has.id ? `id ${rows.ids[row]}` : 'without id'} (row ${row})`,
      found,
      wanted,
      next,
      row,
      reason,
    });
  };

  const allImages = new IdIndex(sortedUnique(imageColumns.ids));
  const chosen = settings.imageIds && sortedUnique(settings.imageIds);
  const images = chosen ? new IdIndex(chosen) : allImages;
  const heights = new Float64Array(images.ids.length).fill(Number.NaN);
  const widths = new Float64Array(images.ids.length).fill(Number.NaN);
  for (let i = 0; i < imageColumns.count; i++) {
    const at = images.of(imageColumns.ids[i]!);
    if (at < 0) continue;
    heights[at] = imageColumns.heights[i]!;
    widths[at] = imageColumns.widths[i]!;
  }
  if (allImages.ids.length < imageColumns.count) {
    const seen = new Set<number>();
    for (const id of imageColumns.ids) {
      if (seen.has(id)) {
        notes.add('duplicate-image-id', 'warning', 'Several images have one id; the last one stands for all.', {
          image: id,
          counts: { images: 1 },
        });
      }
      seen.add(id);
    }
  }

  const byId = new Map(columns.categories.map((category) => [category.id, category]));
  if (byId.size < columns.categories.length) {
    notes.add('duplicate-category-id', 'warning', 'Several categories have one id; the last one stands for all.', {
      idsAre: 'categories',
      counts: { categories: columns.categories.length - byId.size },
    });
  }
  const classIds = sortedUnique(settings.categoryIds ?? byId.keys());
  const classes = new IdIndex(classIds);
  const K = settings.useCategories ? classIds.length : 1;
  const categories: Category[] = settings.useCategories
    ? Array.from(classIds, (id) => byId.get(id) ?? { id, name: String(id) })
    : [{ id: -1, name: 'all classes' }];

  // Where each annotation belongs; -1 where it takes no part.
  const imageOfRow = new Int32Array(rows.count);
  const classOfRow = new Int32Array(rows.count);
  for (let i = 0; i < rows.count; i++) {
    const present = rows.present[i]!;
    if (!(present & has.id)) refuse(i, 'no "id"', 'a number as id', 'missing-field');
    if (!(present & has.image)) refuse(i, 'no "image_id"', 'a number as image_id', 'missing-field');
    if (!(present & has.category)) refuse(i, 'no "category_id"', 'a number as category_id', 'missing-field');
    imageOfRow[i] = images.of(rows.imageIds[i]!);
    classOfRow[i] = classes.of(rows.categoryIds[i]!);
    if (imageOfRow[i] === -1 && allImages.of(rows.imageIds[i]!) < 0) {
      notes.add('annotation-of-unknown-image', 'warning', 'Annotations of images that the file does not list take no part.', {
        image: rows.imageIds[i]!,
        id: rows.ids[i]!,
        idsAre: 'annotations',
        counts: { annotations: 1 },
      });
    }
    if (classOfRow[i] === -1 && !byId.has(rows.categoryIds[i]!)) {
      notes.add(
        'annotation-of-unknown-category',
        'warning',
        'Annotations of categories that the file does not list take no part.',
        {
          image: rows.imageIds[i]!,
          id: rows.ids[i]!,
          idsAre: 'annotations',
          counts: { annotations: 1 },
        },
      );
    }
  }

  // Images ascending, then the order of the file.
  let { order } = sortBy(allRows(rows.count), imageOfRow, images.ids.length);
  const last = new Map<number, number>();
  for (let i = 0; i < rows.count; i++) last.set(rows.ids[i]!, i);
  if (last.size < rows.count) {
    let replaced = 0;
    for (let i = 0; i < rows.count; i++) {
      const other = last.get(rows.ids[i]!)!;
      if (other === i) continue;
      replaced++;
      notes.add(
        'duplicate-annotation-id',
        'warning',
        strict
          ? 'Annotations share an id: pycocotools loads the last of them once for each, and the others never.'
          : 'Annotations share an id; each counts as itself, where pycocotools would load the last one several times.',
        { image: rows.imageIds[i]!, id: rows.ids[i]!, idsAre: 'annotations', corrected: !strict },
      );
    }
    notes.add('duplicate-annotation-id', 'warning', '', { counts: { annotations: replaced } });
    if (strict) {
      // The list by image is made first, from each annotation's own image and class; then ids are looked up.
      order = order.filter((row) => !settings.useCategories || classOfRow[row]! >= 0).map((row) => last.get(rows.ids[row]!)!);
      order = sortBy(order, imageOfRow, images.ids.length).order;
    }
  }
  const noClass = settings.useCategories ? classOfRow : undefined;
  if (!settings.useCategories) {
    // Inside an image: classes ascending, then the order of the file.
    order = sortBy(sortBy(order, classOfRow, Math.max(1, classIds.length)).order, imageOfRow, images.ids.length).order;
  }
  const grouped = noClass ? sortBy(order, noClass, K) : { order, start: Uint32Array.of(0, order.length) };
  order = grouped.order;
  const imageOf = new Int32Array(order.length);
  for (let i = 0; i < order.length; i++) imageOf[i] = imageOfRow[order[i]!]!;

  const flags = new Uint8Array(rows.count);
  const areas = rows.areas.slice(0, rows.count);
  const needsMask = settings.iouType !== 'bbox';
  const A = settings.areaRanges.length;
  const positives = new Uint32Array(K * A);
  const checked = new Uint8Array(rows.count);
  /** Bounds that two ranges share. */
  const shared = new Set<number>();
  for (const { min } of settings.areaRanges) if (settings.areaRanges.some(({ max }) => max === min)) shared.add(min);
  let notBox = 0;
  const about = (row: number) => ({ image: rows.imageIds[row]!, id: rows.ids[row]!, idsAre: 'annotations' as const });
  const check = (row: number, image: number): void => {
    const present = rows.present[row]!;
    if (!(present & has.crowd)) {
      if (strict)
        refuse(
          row,
          'no "iscrowd"',
          '"iscrowd": 0 or 1, as pycocotools demands',
          'missing-iscrowd',
          "Use mode: 'corrected', which takes it as 0.",
        );
      notes.add('missing-iscrowd', 'warning', 'Annotations without iscrowd are taken as iscrowd = 0, where pycocotools stops.', {
        ...about(row),
        counts: { annotations: 1 },
        corrected: true,
      });
    }
    const crowd = rows.crowd[row] === 1;
    const ignore = rows.ignore[row] === 1;
    let flag = crowd ? truthFlag.crowd | truthFlag.ignore : 0;
    if (ignore && !crowd) {
      // boundary-iou-api keeps the field, pycocotools does not.
      if (settings.iouType === 'boundary') flag |= truthFlag.ignore;
      else if (strict) {
        notes.add('ignore-overwritten', 'warning', 'The field "ignore" has no effect: pycocotools overwrites it by iscrowd.', {
          ...about(row),
          counts: { annotations: 1 },
        });
      } else {
        flag |= truthFlag.ignore;
        notes.add(
          'ignore-overwritten',
          'warning',
          'The field "ignore" is honoured, where pycocotools overwrites it by iscrowd.',
          { ...about(row), counts: { annotations: 1 }, corrected: true },
        );
      }
    }
    if (rows.ids[row] === 0) {
      if (strict) flag |= truthFlag.noId;
      notes.add(
        'annotation-id-zero',
        'warning',
        strict
          ? 'An annotation has id 0, which pycocotools takes as "not matched": it can never be a true positive.'
          : 'An annotation has id 0; it counts like any other, where pycocotools never lets it be a true positive.',
        { ...about(row), counts: { annotations: 1 }, corrected: !strict },
      );
    }
    flags[row] = flag;
    const kind = rows.masks?.kinds[row] ?? maskKind.none;
    const runs = kind === maskKind.runs || kind === maskKind.numbers;
    if (needsMask) {
      if (kind === maskKind.broken) {
        const found = rows.masks!.heights[row]!;
        const wanted = rows.masks!.widths[row]!;
        const text =
          rows.masks!.areas[row] === 23
            ? `runs of ${found} pixels, which is too ${found < wanted ? 'short' : 'long'} for ${wanted}`
            : 'a segmentation that is no mask';
        refuse(row, text, 'polygons, or runs that fill the image', 'invalid-mask');
      }
      if (kind === maskKind.none) refuse(row, 'no segmentation', 'polygons or runs', 'missing-field');
      if (kind === maskKind.polygons) {
        const size = [heights[image]!, widths[image]!];
        if (!size.every((n) => Number.isInteger(n) && n > 0)) {
          refuse(
            row,
            `polygons in image ${rows.imageIds[row]} of size ${size[0]} x ${size[1]}`,
            'height and width of the image',
            'missing-field',
          );
        }
        const at = rows.masks!.offsets[row]! * 8;
        const first = new DataView(rows.masks!.bytes.buffer, rows.masks!.bytes.byteOffset + at, 16).getFloat64(8, true);
        if (first < 4) refuse(row, `a polygon of ${first} numbers`, 'at least 6 numbers', 'invalid-mask');
        if (first === 4) {
          if (strict) {
            refuse(
              row,
              'a first polygon of four numbers, at which pycocotools stops',
              'at least 6 numbers',
              'polygon-of-four-numbers',
            );
          }
          notes.add(
            'polygon-of-four-numbers',
            'warning',
            'Polygons of four numbers are drawn as two corners, where pycocotools stops.',
            {
              ...about(row),
              counts: { annotations: 1 },
              corrected: true,
            },
          );
        }
      }
    } else if (!(present & has.box)) {
      if (strict || !runs) refuse(row, 'no "bbox"', '"bbox": [x, y, width, height]', 'missing-field');
      notes.add('mixed-results', 'warning', 'Annotations without bbox take the box of their mask, where pycocotools stops.', {
        ...about(row),
        counts: { annotations: 1 },
        corrected: true,
      });
    }
    const [x, y, w, h] = [rows.boxes[4 * row]!, rows.boxes[4 * row + 1]!, rows.boxes[4 * row + 2]!, rows.boxes[4 * row + 3]!];
    if (!needsMask) {
      if (!Number.isFinite(x + y + w + h)) refuse(row, `bbox ${x}, ${y}, ${w}, ${h}`, 'finite numbers', 'non-finite-box');
      if (w < 0 || h < 0)
        notes.add('negative-box', 'warning', 'Boxes of negative size overlap with nothing.', {
          ...about(row),
          counts: { annotations: 1 },
        });
    }
    if (!(present & has.area)) {
      if (strict)
        refuse(
          row,
          'no "area"',
          'the area of the object in pixels, as pycocotools demands',
          'missing-area',
          "Use mode: 'corrected', which takes width x height or the pixels of the mask.",
        );
      areas[row] = runs ? rows.masks!.areas[row]! : w * h;
      notes.add(
        'missing-area',
        'warning',
        'Annotations without area take the pixels of their runs, or width x height; pycocotools stops.',
        { ...about(row), counts: { annotations: 1 }, corrected: true },
      );
    } else if (Number.isNaN(areas[row])) refuse(row, 'area NaN', 'a number', 'wrong-type');
    const area = areas[row]!;
    if (present & has.box && area !== w * h) notBox++;
    if (area > 0 && shared.has(area)) {
      const message = 'Areas exactly on a bound belong to both neighbouring ranges.';
      notes.add('area-on-bound', 'info', message, { ...about(row), counts: { annotations: 1 } });
    }
  };
  const bounds = Float64Array.from(settings.areaRanges.flatMap(({ min, max }) => [min, max]));
  const unbounded = new Uint8Array(K);
  const any = new Uint8Array(K);
  for (let k = 0; k < K; k++) {
    for (let i = grouped.start[k]!; i < grouped.start[k + 1]!; i++) {
      const row = order[i]!;
      if (!checked[row]) check(row, imageOf[i]!);
      checked[row] = 1;
      any[k] = 1;
      if (flags[row]! & truthFlag.ignore) continue;
      unbounded[k] = 1;
      const area = areas[row]!;
      for (let a = 0; a < A; a++) if (!(area < bounds[2 * a]! || area > bounds[2 * a + 1]!)) positives[k * A + a]!++;
    }
    const ofClass = { id: categories[k]!.id, idsAre: 'categories' as const, counts: { classes: 1 } };
    if (!any[k])
      notes.add('class-without-ground-truth', 'info', 'Classes without ground truth are -1 and left out of the means.', ofClass);
    else if (!unbounded[k])
      notes.add(
        'class-of-ignored-only',
        'info',
        'Classes whose ground truth is all ignored or crowd are -1 and left out of the means.',
        ofClass,
      );
  }
  if (notBox > 0) {
    notes.add('area-is-not-box', 'info', 'The area of annotations decides their size range, not width x height.', {
      counts: { annotations: notBox },
    });
  }
  if (order.length === 0)
    notes.add('no-ground-truth', 'warning', 'There is no ground truth in the images and classes evaluated: every number is -1.');
  return {
    settings,
    rows,
    images,
    allImages,
    heights,
    widths,
    categories,
    classes,
    order,
    classStart: grouped.start,
    imageOf,
    flags,
    areas,
    positives,
    notes,
  };
}

export interface PreparedDetections {
  readonly rows: Rows;
  /** Rows by class, image, order of the file. */
  readonly order: Uint32Array;
  /** [K + 1] */
  readonly classStart: Uint32Array;
  /** By row: index of the image. */
  readonly imageOfRow: Int32Array;
  /** Images that are done with this batch although no row of `order` is of them. */
  readonly images?: Iterable<number> | undefined;
  /** Area of a row. */
  areaOf(row: number): number;
  readonly notes: Notes;
  /** Whether the first row of the results has a box, which decides what areas are. */
  readonly boxFirst: boolean;
}

/**
 * @param boxFirst what an earlier batch found
 * Throws EvaluationError `invalid-predictions` naming the row.
 */
export function prepareDetections(rows: Rows, truth: Truth, boxFirst?: boolean): PreparedDetections {
  const { settings, images, allImages, classes } = truth;
  const notes = new Notes();
  const strict = settings.mode === 'strict';
  const needsMask = settings.iouType !== 'bbox';
  const refuse = (row: number, found: string, wanted: string, reason: string, next?: string): never => {
    const image = rows.present[row]! & has.image ? ` (image ${rows.imageIds[row]})` : '';
    throw new EvaluationError('invalid-predictions', { thing: `detection ${row}${image}`, found, wanted, next, row, reason });
  };
  const byBox = boxFirst ?? (rows.count > 0 && (rows.present[0]! & has.box) !== 0);
  const imageOfRow = new Int32Array(rows.count);
  const classOfRow = new Int32Array(rows.count);
  const unknownImages = new Set<number>();
  /** The first rows of unknown images. */
  const unknownRows: number[] = [];
  let unknownImageRows = 0;
  const { present: presentBits, boxes, masks } = rows;
  const needed = has.image | has.category | has.score;
  for (let i = 0; i < rows.count; i++) {
    const present = presentBits[i]!;
    if ((present & needed) !== needed) {
      const key = !(present & has.image) ? 'image_id' : !(present & has.category) ? 'category_id' : 'score';
      refuse(i, `no "${key}"`, `a number as ${key}`, 'missing-field');
    }
    const imageId = rows.imageIds[i]!;
    let image = images.of(imageId);
    const known = image >= 0 || allImages.of(imageId) >= 0;
    if (!known) {
      unknownImages.add(imageId);
      if (unknownRows.length < 100) unknownRows.push(i);
      unknownImageRows++;
    }
    let at = classes.of(rows.categoryIds[i]!);
    if (at < 0 && !settings.categoryIds) {
      notes.add(
        'detection-of-unknown-category',
        'warning',
        'Detections of categories that the ground truth does not declare are left out.',
        {
          image: imageId,
          id: rows.categoryIds[i]!,
          idsAre: 'categories',
          counts: { detections: 1 },
        },
      );
    }
    const kind = masks ? masks.kinds[i]! : maskKind.none;
    if (!(present & has.box) && !(present & has.mask) && (needsMask || !byBox)) {
      refuse(i, 'neither bbox nor segmentation', needsMask ? 'a segmentation' : 'a bbox', 'missing-field');
    }
    if (!needsMask && !(present & has.box) && kind === maskKind.polygons) {
      refuse(i, 'polygons and no bbox', 'a bbox, or compressed runs', 'missing-field');
    }
    if (byBox && !(present & has.box)) {
      if (strict || !(present & has.mask)) {
        refuse(
          i,
          'no bbox, while the first detection has one',
          'a bbox in every detection',
          'mixed-results',
          strict ? "Use mode: 'corrected', which takes the box of the mask." : undefined,
        );
      }
      notes.add('mixed-results', 'warning', 'Detections without bbox take the box of their mask, where pycocotools stops.', {
        image: imageId,
        id: i,
        counts: { detections: 1 },
        corrected: true,
      });
    } else if (!byBox && !(present & has.mask)) {
      if (strict)
        refuse(
          i,
          'no segmentation, while the first detection has only that',
          'a segmentation in every detection',
          'mixed-results',
        );
      notes.add(
        'mixed-results',
        'warning',
        'Detections without segmentation, after a first one without bbox, are taken as they are, where pycocotools stops.',
        { image: imageId, id: i, counts: { detections: 1 }, corrected: true },
      );
    }
    const [x, y, w, h] = [boxes[4 * i]!, boxes[4 * i + 1]!, boxes[4 * i + 2]!, boxes[4 * i + 3]!];
    const useBox = !needsMask || kind === maskKind.none;
    if (useBox && !Number.isFinite(x + y + w + h)) {
      if (strict) refuse(i, `bbox ${x}, ${y}, ${w}, ${h}`, 'finite numbers', 'non-finite-box');
      notes.add(
        'non-finite-box',
        'warning',
        'Detections whose bbox is not finite are left out; pycocotools would match them with anything.',
        { image: imageId, id: i, counts: { detections: 1 }, corrected: true },
      );
      at = -1;
    }
    if (useBox && (w < 0 || h < 0)) {
      notes.add('negative-box', 'warning', 'Boxes of negative size overlap with nothing: their detections are false positives.', {
        image: imageId,
        id: i,
        counts: { detections: 1 },
      });
    }
    if ((needsMask || !(present & has.box)) && kind === maskKind.broken) {
      const [found, wanted] = [masks!.heights[i]!, masks!.widths[i]!];
      const text =
        masks!.areas[i] === 23
          ? found > 4294967294
            ? 'compressed runs that cannot be read'
            : `runs of ${found} pixels, which is too ${found < wanted ? 'short' : 'long'}`
          : 'a segmentation that is no mask';
      refuse(
        i,
        text,
        masks!.areas[i] === 23 ? `runs of ${wanted} pixels, as its size says` : 'compressed runs with their size',
        'invalid-mask',
      );
    }
    if (needsMask && (kind === maskKind.numbers || kind === maskKind.polygons)) {
      notes.add(
        'mask-written-as-numbers',
        'warning',
        'Masks of detections that are polygons or lists of numbers are read; pycocotools takes only compressed runs.',
        { image: imageId, id: i, counts: { detections: 1 } },
      );
    }
    if (Number.isNaN(rows.scores[i])) {
      notes.add(
        'score-not-a-number',
        'warning',
        strict
          ? 'Scores that are NaN are sorted behind all others.'
          : 'Detections whose score is NaN are left out, where pycocotools sorts them behind all others.',
        { image: imageId, id: i, counts: { detections: 1 }, corrected: !strict },
      );
      if (!strict) at = -1;
    }
    if (needsMask && byBox && kind !== maskKind.none) {
      notes.add(
        'box-area-for-masks',
        'warning',
        strict
          ? 'Results carry both bbox and mask: their area for the size ranges is width x height of the bbox, not the pixels of the mask.'
          : 'Results carry both bbox and mask: their area is the pixels of the mask, where pycocotools takes width x height of the bbox.',
        { counts: { detections: 1 }, corrected: !strict },
      );
    }
    if (at < 0) image = -1;
    imageOfRow[i] = image;
    classOfRow[i] = image < 0 ? -1 : at;
  }
  if (unknownImages.size > 0) {
    const list = [...unknownImages].sort((a, b) => a - b);
    if (strict) {
      throw new EvaluationError('invalid-predictions', {
        thing: 'detections',
        found: `${unknownImageRows} of images that the ground truth does not have (${list.slice(0, 8).join(', ')}${list.length > 8 ? ' ...' : ''}; first row ${unknownRows[0]})`,
        row: unknownRows[0],
        wanted: 'detections of its images only',
        next: "Check that both files belong together, or use mode: 'corrected', which leaves them out.",
        reason: 'detection-of-unknown-image',
      });
    }
    const message = 'Detections of images that the ground truth does not have are left out, where pycocotools stops.';
    for (const image of list.slice(0, 100))
      notes.add('detection-of-unknown-image', 'warning', message, { image, corrected: true });
    for (const row of unknownRows) notes.add('detection-of-unknown-image', 'warning', message, { id: row });
    notes.add('detection-of-unknown-image', 'warning', '', { counts: { detections: unknownImageRows, images: list.length } });
  }
  let order = allRows(rows.count);
  if (!settings.useCategories) order = sortBy(order, classOfRow, Math.max(1, classes.ids.length)).order;
  const byImage = sortBy(order, imageOfRow, images.ids.length);
  const grouped = settings.useCategories
    ? sortBy(byImage.order, classOfRow, classes.ids.length)
    : { order: byImage.order, start: Uint32Array.of(0, byImage.order.length) };
  const K = settings.useCategories ? classes.ids.length : 1;
  for (let k = 0; k < K; k++) {
    if (grouped.start[k] === grouped.start[k + 1] && truth.positives[k * settings.areaRanges.length]) {
      notes.add('class-without-detections', 'info', 'Classes with ground truth but without detections count as 0.', {
        id: truth.categories[k]!.id,
        idsAre: 'categories',
        counts: { classes: 1 },
      });
    }
  }
  const areaOf = (row: number): number => {
    const kind = masks ? masks.kinds[row]! : maskKind.none;
    const hasBox = (presentBits[row]! & has.box) !== 0;
    const boxArea = boxes[4 * row + 2]! * boxes[4 * row + 3]!;
    if (strict ? byBox : hasBox && (!needsMask || kind === maskKind.none)) return boxArea;
    // Polygons: measured when they are drawn.
    return kind === maskKind.runs || kind === maskKind.numbers
      ? masks!.areas[row]!
      : kind === maskKind.polygons
        ? Number.NaN
        : boxArea;
  };
  return { rows, order: grouped.order, classStart: grouped.start, imageOfRow, areaOf, notes, boxFirst: byBox };
}
