// The LVIS ground-truth file, checked and indexed by class and image. Its images say which classes people looked for.
import { describe, EvaluationError } from '../../errors.js';
import type { DiagnosticLog } from '../diagnostics.js';
import { openSource } from '../input/source.js';
import { rleFromSegmentation, type CocoSegmentation, type Rle } from '../rle.js';
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

/** Ground truth of one class in one image. */
export interface TruthSegment {
  /** [G, 4] x, y, w, h; for masks not used. */
  boxes: number[];
  areas: number[];
  ignore: boolean[];
  masks: Rle[];
}

export interface IndexedImage {
  readonly id: number;
  readonly height: number | undefined;
  readonly width: number | undefined;
  /** Classes whose detections count: annotated or looked for. */
  readonly judged: Set<number>;
  readonly notExhaustive: Set<number>;
  /** By class id. */
  readonly truths: Map<number, TruthSegment>;
}

export interface LvisTruth {
  /** By id, ascending. */
  readonly images: Map<number, IndexedImage>;
  /** By id, ascending. */
  readonly categories: readonly LvisCategory[];
  /** Annotations that stand in `images`. */
  readonly annotations: number;
}

const invalid = (thing: string, found: string, wanted: string, reason?: string, next?: string) =>
  new EvaluationError('invalid-ground-truth', { thing, found, wanted, reason, next });

/** The dataset of a file, or the object itself. Throws LoadError, EvaluationError for broken JSON, or `signal.reason`. */
export async function readLvisDataset(source: FileSource | LvisDataset, options: LongOptions = {}): Promise<LvisDataset> {
  if (typeof source === 'object' && 'annotations' in source) return source;
  const { signal, onProgress } = options;
  const file = await openSource(source as FileSource, 'ground truth', {
    signal,
    onBytes: onProgress && ((done, total) => onProgress({ stage: 'ground truth', done, total })),
  });
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of file.chunks) text += decoder.decode(chunk, { stream: true });
  text += decoder.decode();
  try {
    return JSON.parse(text) as LvisDataset;
  } catch (cause) {
    throw new EvaluationError('invalid-ground-truth', {
      thing: file.name,
      found: `broken JSON (${cause instanceof Error ? cause.message : describe(cause)})`,
      wanted: 'an LVIS annotation file',
      reason: 'invalid-json',
      cause,
    });
  }
}

/** Checks and indexes. Annotations without area are left out, as lvis-api does without a word. */
export function indexTruth(dataset: LvisDataset, withMasks: boolean, log: DiagnosticLog): LvisTruth {
  for (const list of ['images', 'annotations', 'categories'] as const) {
    if (!Array.isArray(dataset?.[list])) throw invalid('LVIS ground truth', `${list}: ${describe(dataset?.[list])}`, 'a list');
  }
  const categories = [...dataset.categories].sort((a, b) => a.id - b.id);
  const known = new Set<number>();
  for (const { id, frequency } of categories) {
    if (!Number.isSafeInteger(id) || known.has(id)) throw invalid('category', `id ${describe(id)}`, 'whole numbers, each once');
    if (frequency !== 'r' && frequency !== 'c' && frequency !== 'f') {
      throw invalid(
        `category ${id}`,
        `frequency ${describe(frequency)}`,
        '"r", "c" or "f"',
        'missing-field',
        'A COCO file is evaluated by COCO.',
      );
    }
    known.add(id);
  }
  const images = new Map<number, IndexedImage>();
  for (const image of [...dataset.images].sort((a, b) => a.id - b.id)) {
    const { id, height, width, neg_category_ids, not_exhaustive_category_ids } = image;
    if (!Number.isSafeInteger(id) || images.has(id)) throw invalid('image', `id ${describe(id)}`, 'whole numbers, each once');
    if (!Array.isArray(neg_category_ids) || !Array.isArray(not_exhaustive_category_ids)) {
      throw invalid(
        `image ${id}`,
        `neg_category_ids: ${describe(neg_category_ids)}, not_exhaustive_category_ids: ${describe(not_exhaustive_category_ids)}`,
        'two lists',
        'missing-field',
        'A COCO file is evaluated by COCO.',
      );
    }
    const judged = new Set(neg_category_ids as number[]);
    const notExhaustive = new Set(not_exhaustive_category_ids as number[]);
    images.set(id, { id, height, width, judged, notExhaustive, truths: new Map() });
  }
  const ids = new Set<number>();
  let count = 0;
  dataset.annotations.forEach((annotation, row) => {
    const thing = `annotation ${row} (id ${describe(annotation?.id)})`;
    const { id, image_id, category_id, area, bbox, segmentation, ignore } = annotation;
    if (ids.has(id)) throw invalid(thing, 'its id a second time', 'every id once', 'duplicate-annotation-id');
    ids.add(id);
    if (id === 0)
      log.add('annotation-id-zero', 'The annotation with id 0: lvis-api can never match it; here it is like any other.', row);
    const image = images.get(image_id);
    if (!image) throw invalid(thing, `image_id ${describe(image_id)}`, 'the id of an image', 'annotation-of-unknown-image');
    if (!known.has(category_id)) {
      log.add('annotation-of-unknown-category', 'Annotations of classes that the file does not list: left out.', row);
      return;
    }
    if (typeof area !== 'number') throw invalid(thing, `area ${describe(area)}`, 'a number', 'missing-field');
    if (!(area > 0 && area < Infinity)) {
      log.add('annotation-without-area', 'Annotations without area: left out, as lvis-api does.', row);
      return;
    }
    if (!withMasks && !(bbox?.length === 4 && bbox.every(Number.isFinite))) {
      throw invalid(thing, `bbox ${bbox ? `[${bbox.join(', ')}]` : 'missing'}`, 'four finite numbers', 'missing-field');
    }
    let truth = image.truths.get(category_id);
    if (!truth) image.truths.set(category_id, (truth = { boxes: [], areas: [], ignore: [], masks: [] }));
    image.judged.add(category_id);
    if (withMasks) truth.masks.push(maskOf(segmentation, image, thing));
    else truth.boxes.push(...bbox!);
    truth.areas.push(area);
    truth.ignore.push(Boolean(ignore));
    count++;
  });
  return { images, categories, annotations: count };
}

function maskOf(segmentation: CocoSegmentation | undefined, { height, width, id }: IndexedImage, thing: string): Rle {
  if (segmentation === undefined) throw invalid(thing, 'no segmentation', 'a mask', 'missing-field');
  if (!((height ?? 0) > 0) || !((width ?? 0) > 0)) {
    throw invalid(
      `image ${id}`,
      `height ${describe(height)}, width ${describe(width)}`,
      'pixels, as masks need them',
      'missing-field',
    );
  }
  try {
    return rleFromSegmentation(segmentation, height!, width!);
  } catch (cause) {
    throw new EvaluationError('invalid-ground-truth', {
      thing: `${thing}, segmentation`,
      found: cause instanceof Error ? cause.message : describe(cause),
      wanted: 'polygons or runs',
      reason: 'invalid-mask',
      cause,
    });
  }
}
