// Everything users may give as ground truth or detections, brought into columns. Objects go through the same reader as files.
import { ArgumentError, describe } from '../../errors.js';
import { GrowingRows, isColumns, rowsOfColumns, type DetectionColumns, type Rows } from '../input/columns.js';
import { readDetections, readGroundTruth, type GroundTruthColumns, type ReadColumnsOptions } from '../input/reader.js';
import type { CocoSegmentation } from '../rle.js';
import type { FileSource } from '../types.js';

/** One result as COCO writes it. */
export interface CocoDetection {
  /** Id of the image. */
  readonly image_id: number;
  /** Id of the class. */
  readonly category_id: number;
  /** Any number; higher is surer. */
  readonly score: number;
  /** x, y, width, height in pixels. */
  readonly bbox?: readonly number[] | Float32Array | Float64Array | undefined;
  /** Mask; needed for `segm` and `boundary`. */
  readonly segmentation?: CocoSegmentation | undefined;
}

/** A COCO annotation file as an object. */
export interface CocoDataset {
  /** Ids; sizes are needed for masks that are polygons. */
  readonly images: readonly { readonly id: number; readonly height?: number | undefined; readonly width?: number | undefined }[];
  /** COCO annotations. */
  readonly annotations: readonly object[];
  /** Classes. */
  readonly categories: readonly { readonly id: number; readonly name?: string | undefined }[];
}

/** Detections: a file, columns, or a list of objects. */
export type DetectionInput = FileSource | DetectionColumns | readonly CocoDetection[];
/** Ground truth: a file, columns that {@link readGroundTruth} made, or an object. */
export type GroundTruthInput = FileSource | GroundTruthColumns | CocoDataset;

const special = '\u0000number ';

/** JSON with NaN, Infinity and -0 as Python writes them, typed arrays as lists, and runs given as bytes as text. */
function toJson(value: unknown): string {
  const text = JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === 'number' && !Number.isFinite(part)) return special + String(part);
    if (Object.is(part, -0)) return `${special}-0`;
    if (part instanceof Uint8Array) return String.fromCharCode(...part);
    if (ArrayBuffer.isView(part) && !(part instanceof DataView)) return Array.from(part as unknown as ArrayLike<number>);
    return part;
  });
  return text.includes('\\u0000number ') ? text.replace(/"\\u0000number ([^"]*)"/g, '$1') : text;
}

/** A list in pieces of about 64 kB. */
async function* listChunks(list: readonly unknown[], head = '[', tail = ']'): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  let text = head;
  for (let i = 0; i < list.length; i++) {
    if (i > 0) text += ',';
    text += toJson(list[i]) ?? 'null';
    if (text.length > 65536) {
      yield encoder.encode(text);
      text = '';
    }
  }
  yield encoder.encode(text + tail);
}

async function* datasetChunks({ images, annotations, categories }: CocoDataset): AsyncGenerator<Uint8Array> {
  yield* listChunks(images, '{"images":[');
  yield* listChunks(categories, ',"categories":[');
  yield* listChunks(annotations, ',"annotations":[', ']}');
}

/** Throws ArgumentError, EvaluationError, LoadError, or `signal.reason`. */
export async function toRows(input: DetectionInput, options: ReadColumnsOptions): Promise<Rows> {
  // Rows that stages of this folder hand on.
  if (input instanceof GrowingRows) return input;
  if (isColumns(input)) {
    if (options.masks) {
      throw new ArgumentError({ thing: 'detections', found: 'columns', wanted: 'a file or objects, as masks are evaluated' });
    }
    return rowsOfColumns(input);
  }
  if (Array.isArray(input)) return readDetections(listChunks(input as readonly unknown[]), options);
  return readDetections(input as FileSource, options);
}

/** Throws ArgumentError, EvaluationError, LoadError, or `signal.reason`. */
export async function toGroundTruth(input: GroundTruthInput, options: ReadColumnsOptions): Promise<GroundTruthColumns> {
  if (typeof input === 'object' && input !== null && 'images' in input) {
    const { images, annotations, categories } = input;
    if (!Array.isArray(images)) return input as GroundTruthColumns;
    if (!Array.isArray(annotations) || !Array.isArray(categories)) {
      throw new ArgumentError({
        thing: 'groundTruth',
        found: `annotations: ${describe(annotations)}, categories: ${describe(categories)}`,
        wanted: 'lists of both',
      });
    }
    return readGroundTruth(datasetChunks(input as CocoDataset), options);
  }
  return readGroundTruth(input as FileSource, options);
}
