// Ground truth of a COCO file by image, in the labels of a label space. Scores are read elsewhere.
import { LearnError } from '../../errors.js';
import { type GroundTruthColumns, readGroundTruth } from '../../evaluate/input/reader.js';
import type { Rle } from '../../evaluate/rle.js';
import { rleFromBox, rleFromPolygon, mergeRles, decodeRle } from '../../evaluate/rle.js';
import { maskKind, type MaskColumns } from '../../evaluate/input/columns.js';
import type { FileSource } from '../../store/source.js';
import { formatSpace, type LabelSpace, labelSpace } from '../../taxonomy/label-space.js';
import { matchName } from '../../taxonomy/match.js';
import { normaliseName } from '../../taxonomy/names.js';
import type { LongOptions } from '../costs/ap-loss.js';
import type { TruthInput } from './firings.js';

/** Images of a COCO file with their ground truth. */
export interface CocoTruths {
  /** The labels that `truths` point into. */
  readonly space: LabelSpace;
  /** In the order of the file. */
  readonly images: readonly CocoImage[];
}

/** One image of a COCO file. */
export interface CocoImage {
  /** Id of the image in the file. */
  readonly id: number;
  /** Pixels; 0 where the file does not say it. */
  readonly width: number;
  /** Pixels; 0 where the file does not say it. */
  readonly height: number;
  /** Its ground truth. */
  readonly truths: TruthInput;
}

/** Options of {@link readCocoTruths}. */
export interface CocoTruthOptions extends LongOptions {
  /** The data set's name, or its labels: categories are found in them by id where the names agree, else by name. Default: made of the categories. */
  readonly labels?: LabelSpace | string | undefined;
  /** Whether masks are read; annotations without one get their box. Default false. */
  readonly masks?: boolean | undefined;
}

/**
 * Reads a COCO annotation file. `iscrowd` boxes become crowds, `ignore` ones as well. Throws EvaluationError for a broken file, LearnError
 * `invalid-firings` for a category that the labels do not have, LabelSpaceError, LoadError, or `signal.reason`.
 */
export async function readCocoTruths(source: FileSource, options: CocoTruthOptions = {}): Promise<CocoTruths> {
  const { signal, onProgress, masks = false } = options;
  const file = await readGroundTruth(source, {
    masks,
    signal,
    onProgress: onProgress && (({ done, total }) => onProgress({ phase: 'read', done, total })),
  });
  const space = typeof options.labels === 'object' ? options.labels : spaceOf(file, options.labels ?? 'coco');
  const labels = labelsOf(file, space);
  const { annotations } = file;
  const rowsOf = new Map<number, number[]>();
  for (let i = 0; i < file.images.count; i++) rowsOf.set(file.images.ids[i]!, []);
  for (let a = 0; a < annotations.count; a++) {
    const rows = rowsOf.get(annotations.imageIds[a]!);
    if (!rows)
      throw wrong(
        file.name,
        `annotation ${a} of image ${annotations.imageIds[a]}, which is not listed`,
        'images that are listed',
      );
    if (!labels.has(annotations.categoryIds[a]!)) {
      throw wrong(
        file.name,
        `annotation ${a} of category ${annotations.categoryIds[a]}, which is not listed`,
        'categories that are listed',
      );
    }
    rows.push(a);
  }
  const images = Array.from({ length: file.images.count }, (_, i): CocoImage => {
    const id = file.images.ids[i]!;
    const [width, height] = [file.images.widths[i]! || 0, file.images.heights[i]! || 0];
    const rows = rowsOf.get(id)!;
    const boxes = rows.flatMap((a) => {
      const [x, y, w, h] = annotations.boxes.subarray(4 * a, 4 * a + 4) as unknown as [number, number, number, number];
      return [x, y, x + w, y + h];
    });
    return {
      id,
      width,
      height,
      truths: {
        boxes,
        labels: rows.map((a) => labels.get(annotations.categoryIds[a]!)!),
        crowd: rows.map((a) => annotations.crowd[a] === 1 || annotations.ignore[a] === 1),
        ...(masks && {
          masks: rows.map((a) => maskOf(annotations.masks, a, annotations.boxes.subarray(4 * a, 4 * a + 4), width, height)),
        }),
      },
    };
  });
  return { space, images };
}

const wrong = (thing: string, found: string, wanted: string, next?: string): LearnError =>
  new LearnError('invalid-firings', { thing, found, wanted, ...(next !== undefined && { next }) });

/** Categories in the order of their ids, which is how heads number them. */
function spaceOf({ categories }: GroundTruthColumns, name: string): LabelSpace {
  return labelSpace(
    name,
    [...categories].sort((a, b) => a.id - b.id).map(({ id, name }) => ({ id, name })),
  );
}

/** Position of the label of each category id. */
function labelsOf(file: GroundTruthColumns & { name: string }, space: LabelSpace): Map<number, number> {
  const labels = new Map<number, number>();
  for (const { id, name } of file.categories) {
    const byId = space.hasId(id) ? space.byId(id) : undefined;
    const label = byId && normaliseName(byId.name) === normaliseName(name) ? byId : matchName(space, [name])?.label;
    if (!label) {
      throw wrong(
        `${file.name}, category ${JSON.stringify(name)} (id ${id})`,
        `no such label in ${formatSpace(space)}`,
        'the categories of a data set that the model knows',
        'A head must have been trained on the labels of the ground truth.',
      );
    }
    labels.set(id, label.index);
  }
  return labels;
}

/** The mask of row i; its box where it has none. */
export function maskOf(
  masks: MaskColumns | undefined,
  i: number,
  [x, y, w, h]: ArrayLike<number> & Iterable<number>,
  width: number,
  height: number,
): Rle {
  const kind = masks?.kinds[i] ?? maskKind.none;
  if (!masks || kind === maskKind.none) return rleFromBox([x!, y!, w!, h!], height, width);
  const bytes = masks.bytes.subarray(masks.offsets[i]! * 8, masks.offsets[i]! * 8 + masks.lengths[i]!);
  if (kind === maskKind.runs || kind === maskKind.numbers) return decodeRle(bytes, masks.heights[i]!, masks.widths[i]!);
  if (kind === maskKind.polygons) return polygonMask(bytes, height, width);
  throw wrong(`mask of row ${i}`, 'a broken mask', 'polygons or run lengths');
}

/** Polygons as the reader keeps them, all in doubles: how many, then for each the number of its coordinates and these. */
function polygonMask(bytes: Uint8Array, height: number, width: number): Rle {
  const numbers = new Float64Array(bytes.slice().buffer);
  const parts: Rle[] = [];
  for (let at = 1; at < numbers.length;) {
    const count = numbers[at]!;
    parts.push(rleFromPolygon(numbers.subarray(at + 1, at + 1 + count), height, width));
    at += 1 + count;
  }
  return mergeRles(parts);
}
