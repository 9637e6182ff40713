// Drives the byte-stream reader in WASM: chunks in, columns out, in bounded memory beside the columns. Says what is broken and in which row.
import { EvaluationError } from '../../errors.js';
import type { FileSource, LongOptions } from '../types.js';
import { annotationRows, detectionRows, GrowingRows, has, maskKind, type Rows } from './columns.js';
import { startKernels, type EvaluationKernels } from './kernels.js';
import { openSource } from './source.js';

/** Columns of a batch in WASM memory, in the order of assembly/evaluate/json.ts. */
const field = {
  id: 0,
  image: 1,
  category: 2,
  score: 3,
  area: 4,
  crowd: 5,
  ignore: 6,
  height: 7,
  width: 8,
  box: 9,
  maskHeight: 13,
  maskWidth: 14,
  maskArea: 15,
  maskBox: 16,
  blobAt: 20,
  blobLength: 21,
  blobKind: 22,
  present: 23,
  kind: 24,
} as const;
/** Tags of the lists of class ids that LVIS images have. */
const listTag = { lookedFor: 101, notExhaustive: 102 } as const;
const fieldNames: readonly string[] = [
  'id',
  'image_id',
  'category_id',
  'score',
  'area',
  'iscrowd',
  'ignore',
  'height',
  'width',
  'bbox',
  '',
  '',
  '',
  'segmentation',
];
const listNames = ['neg_category_ids', 'not_exhaustive_category_ids'] as const;
const batchCapacity = 8192;
const firstWindow = 1 << 20;
/** Largest single record. */
const mostWindow = 1 << 29;

const answer = {
  more: 0,
  full: 1,
  done: 2,
  syntax: 16,
  cut: 17,
  wrongType: 18,
  wrongBox: 19,
  wrongMask: 20,
  notAList: 21,
  notADataset: 22,
  badRuns: 23,
} as const;
const kinds = { images: 1, annotations: 2, categories: 3 } as const;

/** A class of a COCO file. */
export interface Category {
  /** Whole number. */
  readonly id: number;
  /** Its name; the id as text where the file has none. */
  readonly name: string;
  /** Name of the group above it. */
  readonly supercategory?: string | undefined;
}

/** Class ids of an LVIS image; undefined where the file has no such list. */
export interface ImageLists {
  /** `neg_category_ids`: looked for in vain. */
  lookedFor?: Float64Array | undefined;
  /** `not_exhaustive_category_ids`: not every instance is annotated. */
  notExhaustive?: Float64Array | undefined;
}

/** A COCO ground-truth file in columns. */
export interface GroundTruthColumns {
  /** Ids and sizes in pixels (NaN where the file has none), in file order; LVIS files tell for each image what people looked for. */
  readonly images: {
    count: number;
    ids: Float64Array;
    heights: Float64Array;
    widths: Float64Array;
    lists?: readonly (ImageLists | undefined)[] | undefined;
  };
  /** Classes in file order. */
  readonly categories: readonly Category[];
  /** Objects in file order. */
  readonly annotations: Rows;
}

/** Options of the readers. */
export interface ReadColumnsOptions extends LongOptions {
  /** Whether segmentations are kept; where not, only the box and area of runs in rows without bbox. Default true. */
  readonly masks?: boolean | undefined;
}

/** One view of a batch column. */
type View = (column: number) => Float64Array;

async function readRecords(
  source: FileSource,
  isDataset: boolean,
  withMasks: boolean,
  options: LongOptions,
  take: (rows: number, view: View, blobs: () => Uint8Array, size: number) => void,
): Promise<{ name: string; lists: number }> {
  const thing = isDataset ? 'ground truth' : 'detections';
  const { signal, onProgress } = options;
  const kernels = await startKernels();
  const opened = await openSource(source, thing, {
    signal,
    onBytes: onProgress && ((done, total) => onProgress({ stage: thing, done, total })),
  });
  let window = firstWindow;
  kernels.openReader(isDataset ? 1 : 0, withMasks ? 1 : 0, window);
  const at = kernels.windowAt();
  let filled = 0;
  let passed = 0;
  /** Records taken so far, by list. */
  const taken = [0, 0, 0, 0];

  const drain = () => {
    const rows = kernels.batchRows();
    if (rows === 0) return;
    const { buffer } = kernels.memory;
    const view: View = (column) => new Float64Array(buffer, kernels.batchAt() + column * batchCapacity * 8, rows);
    const blobs = () => new Uint8Array(buffer, kernels.blobsAt(), kernels.blobsEnd() - kernels.blobsAt());
    const kindsOfRows = view(field.kind);
    for (let i = 0; i < rows; i++) taken[kindsOfRows[i]!]!++;
    take(rows, view, blobs, opened.size);
    kernels.takeRows();
  };
  /** Reads what the window holds. Returns whether the file has ended. */
  const step = (last: boolean): boolean => {
    let from = 0;
    while (true) {
      let status: number;
      try {
        status = kernels.parse(from, filled, last ? 1 : 0);
      } catch (cause) {
        throw broken(
          thing,
          opened.name,
          'values nested too deeply, or a record too large for memory',
          undefined,
          passed,
          'invalid-json',
          cause,
        );
      }
      from = kernels.stoppedAt();
      if (status >= answer.syntax) {
        const rowsBefore = kernels.batchRows();
        if (rowsBefore) drain();
        const list = kernels.listAt();
        const row = isDataset && list === 0 ? undefined : taken[list]!;
        throw explain(status, thing, opened.name, row, passed + from, kernels, filled - from, at + from);
      }
      drain();
      if (status === answer.done) return true;
      if (status === answer.full) continue;
      // What is left is a record that is cut: it goes to the front.
      if (from > 0) new Uint8Array(kernels.memory.buffer, at, filled).copyWithin(0, from, filled);
      passed += from;
      filled -= from;
      return false;
    }
  };

  for await (const chunk of opened.chunks) {
    for (let used = 0; used < chunk.length;) {
      if (filled === window) {
        if (window >= mostWindow) {
          throw broken(thing, opened.name, `a record of more than ${mostWindow} bytes`, undefined, passed, 'invalid-json');
        }
        kernels.widenWindow(window * 2);
        window *= 2;
      }
      const part = Math.min(window - filled, chunk.length - used);
      new Uint8Array(kernels.memory.buffer, at + filled, part).set(chunk.subarray(used, used + part));
      used += part;
      filled += part;
      step(false);
    }
  }
  step(true);
  return { name: opened.name, lists: kernels.listsSeen() };
}

function broken(
  thing: string,
  name: string,
  found: string,
  row: number | undefined,
  byte: number,
  reason: 'invalid-json' | 'wrong-type' | 'invalid-mask' | 'missing-field',
  cause?: unknown,
  list?: string,
): EvaluationError {
  return new EvaluationError(thing === 'ground truth' ? 'invalid-ground-truth' : 'invalid-predictions', {
    thing: `${name}${row === undefined ? '' : `, ${list ? `${list} ` : ''}row ${row}`} (byte ${byte})`,
    found,
    wanted: thing === 'ground truth' ? 'a COCO annotation file' : 'a JSON list of COCO results, or one result a line',
    row,
    reason,
    cause,
  });
}

function explain(
  status: number,
  thing: string,
  name: string,
  row: number | undefined,
  byte: number,
  kernels: EvaluationKernels,
  left: number,
  at: number,
): EvaluationError {
  const list = Object.entries(kinds).find(([, kind]) => kind === kernels.listAt())?.[0];
  const near = JSON.stringify(String.fromCharCode(...new Uint8Array(kernels.memory.buffer, at, Math.max(0, Math.min(left, 24)))));
  const at101 = kernels.errorField() - listTag.lookedFor;
  const key = at101 >= 0 ? listNames[at101]! : (fieldNames[kernels.errorField()] ?? '');
  switch (status) {
    case answer.cut:
      return broken(
        thing,
        name,
        left <= 0 && byte === 0 ? 'an empty file' : 'JSON that ends too early',
        row,
        byte,
        'invalid-json',
        undefined,
        list,
      );
    case answer.wrongType:
      return broken(
        thing,
        name,
        `${key ? `${key} = ` : ''}${near} where another type belongs`,
        row,
        byte,
        'wrong-type',
        undefined,
        list,
      );
    case answer.wrongBox:
      return broken(thing, name, `bbox = ${near}, which is not four numbers`, row, byte, 'wrong-type', undefined, list);
    case answer.notAList:
      return broken(thing, name, `${near} at the start`, undefined, byte, 'wrong-type');
    case answer.notADataset:
      return broken(
        thing,
        name,
        `${near} at the start, which is no object with "images", "annotations" and "categories"`,
        undefined,
        byte,
        'wrong-type',
      );
    default:
      return broken(thing, name, `${near}, which is not valid JSON there`, row, byte, 'invalid-json', undefined, list);
  }
}

/** Copies the common columns of rows `from` to `to` of a batch. */
function takeRows(rows: GrowingRows, from: number, to: number, view: View, blobs: () => Uint8Array): void {
  const n = to - from;
  const at = rows.count;
  rows.reserve(at + n);
  const part = (column: number) => view(column).subarray(from, to);
  const present = part(field.present);
  const kindsOfMasks = part(field.blobKind);
  for (let i = 0; i < n; i++) rows.present[at + i] = present[i]!;
  rows.imageIds.set(part(field.image), at);
  rows.categoryIds.set(part(field.category), at);
  if (rows.scores.length) rows.scores.set(part(field.score), at);
  if (rows.ids.length) {
    rows.ids.set(part(field.id), at);
    rows.areas.set(part(field.area), at);
    const crowd = part(field.crowd);
    const ignore = part(field.ignore);
    for (let i = 0; i < n; i++) {
      rows.crowd[at + i] = present[i]! & has.crowd && crowd[i] !== 0 ? 1 : 0;
      rows.ignore[at + i] = present[i]! & has.ignore && ignore[i] !== 0 ? 1 : 0;
    }
  }
  const [x, y, w, h] = [part(field.box), part(field.box + 1), part(field.box + 2), part(field.box + 3)];
  const [mx, my, mw, mh] = [part(field.maskBox), part(field.maskBox + 1), part(field.maskBox + 2), part(field.maskBox + 3)];
  const { boxes } = rows;
  for (let i = 0; i < n; i++) {
    const to4 = (at + i) * 4;
    if (present[i]! & has.box) {
      boxes[to4] = x[i]!;
      boxes[to4 + 1] = y[i]!;
      boxes[to4 + 2] = w[i]!;
      boxes[to4 + 3] = h[i]!;
    } else if (kindsOfMasks[i] === maskKind.runs || kindsOfMasks[i] === maskKind.numbers) {
      boxes[to4] = mx[i]!;
      boxes[to4 + 1] = my[i]!;
      boxes[to4 + 2] = mw[i]!;
      boxes[to4 + 3] = mh[i]!;
    }
  }
  takeMasks(rows, part, present, kindsOfMasks, blobs);
  rows.count += n;
}

function takeMasks(
  rows: GrowingRows,
  part: View,
  present: Float64Array,
  kindsOfMasks: Float64Array,
  blobs: () => Uint8Array,
): void {
  const at = rows.count;
  const wanted = (i: number) => kindsOfMasks[i] !== maskKind.none && (rows.keep === 'all' || (present[i]! & has.box) === 0);
  if (rows.keep === 'nothing' || !kindsOfMasks.some((_, i) => wanted(i))) return;
  const masks = rows.startMasks();
  const base = rows.keep === 'all' ? rows.addBytes(blobs()) : 0;
  const [offsets, lengths] = [part(field.blobAt), part(field.blobLength)];
  const [heights, widths, areas] = [part(field.maskHeight), part(field.maskWidth), part(field.maskArea)];
  for (let i = 0; i < kindsOfMasks.length; i++) {
    if (!wanted(i)) continue;
    const kind = kindsOfMasks[i]!;
    masks.kinds[at + i] = kind;
    masks.offsets[at + i] = base + offsets[i]! / 8;
    masks.lengths[at + i] = lengths[i]!;
    if (kind === maskKind.polygons) continue;
    masks.heights[at + i] = heights[i]!;
    masks.widths[at + i] = widths[i]!;
    masks.areas[at + i] = areas[i]!;
  }
}

/**
 * Reads detections: a JSON list of objects with image_id, category_id, score and bbox or segmentation, or the same objects one a line. Other
 * keys are passed over. NaN and Infinity, which Python writes, are read. Throws EvaluationError `invalid-predictions` with row and byte,
 * LoadError, or `signal.reason`. Whether fields are missing is checked by whoever needs them, with {@link Rows}.present.
 */
export async function readDetections(source: FileSource, options: ReadColumnsOptions = {}): Promise<Rows & { name: string }> {
  const rows = detectionRows((options.masks ?? true) ? 'all' : 'areas');
  const { name } = await readRecords(source, false, true, options, (count, view, blobs, size) => {
    rows.expectedBytes = Math.min(Math.ceil(size / 8) * 8, 2 ** 31);
    takeRows(rows, 0, count, view, blobs);
  });
  return Object.assign(rows.finish(), { name });
}

/**
 * Reads a COCO annotation file: an object with images, annotations and categories, in any order; everything else is passed over. Throws
 * EvaluationError `invalid-ground-truth` with row and byte, LoadError, or `signal.reason`.
 */
export async function readGroundTruth(
  source: FileSource,
  options: ReadColumnsOptions = {},
): Promise<GroundTruthColumns & { name: string }> {
  const withMasks = options.masks ?? true;
  const annotations = annotationRows(withMasks ? 'all' : 'areas');
  const images = { count: 0, ids: new Float64Array(1024), heights: new Float64Array(1024), widths: new Float64Array(1024) };
  let lists: (ImageLists | undefined)[] | undefined;
  const categories: Category[] = [];
  const text = new TextDecoder();
  const { name, lists: seen } = await readRecords(source, true, true, options, (count, view, blobs) => {
    const kind = view(field.kind);
    for (let from = 0; from < count;) {
      let to = from + 1;
      while (to < count && kind[to] === kind[from]) to++;
      if (kind[from] === kinds.annotations) {
        // Blobs of a batch are taken once: a batch with several lists is copied whole for the annotations.
        takeRows(annotations, from, to, view, blobs);
      } else if (kind[from] === kinds.images) {
        const [ids, heights, widths, present] = [view(field.id), view(field.height), view(field.width), view(field.present)];
        const [blobKinds, offsets, lengths] = [view(field.blobKind), view(field.blobAt), view(field.blobLength)];
        for (let i = from; i < to; i++) {
          if (!(present[i]! & has.id)) throw missing('image', images.count, 'id');
          if (images.count === images.ids.length) {
            for (const column of ['ids', 'heights', 'widths'] as const) {
              const grown = new Float64Array(images.count * 2);
              grown.set(images[column]);
              images[column] = grown;
            }
          }
          images.ids[images.count] = ids[i]!;
          images.heights[images.count] = present[i]! & has.height ? heights[i]! : Number.NaN;
          images.widths[images.count] = present[i]! & has.width ? widths[i]! : Number.NaN;
          if (blobKinds[i] === maskKind.lists) {
            const bytes = blobs().slice(offsets[i]!, offsets[i]! + lengths[i]!);
            (lists ??= [])[images.count] = listsOf(new Float64Array(bytes.buffer));
          }
          images.count++;
        }
      } else {
        const [offsets, lengths] = [view(field.blobAt), view(field.blobLength)];
        const bytes = blobs();
        for (let i = from; i < to; i++) {
          categories.push(readCategory(text.decode(bytes.slice(offsets[i]!, offsets[i]! + lengths[i]!)), categories.length));
        }
      }
      from = to;
    }
  });
  for (const [list, bit] of Object.entries(kinds)) {
    if (seen & (1 << bit)) continue;
    throw new EvaluationError('invalid-ground-truth', {
      thing: name,
      found: `no list "${list}"`,
      wanted: 'an object with the lists "images", "annotations" and "categories"',
      reason: 'missing-field',
    });
  }
  for (const column of ['ids', 'heights', 'widths'] as const) images[column] = images[column].subarray(0, images.count);
  return { name, images: { ...images, lists }, categories, annotations: annotations.finish() };
}

/** Lists with their tag and length in front; of a key that stands twice the last one. */
function listsOf(numbers: Float64Array): ImageLists {
  const lists: ImageLists = {};
  for (let at = 0; at < numbers.length; at += 2 + numbers[at + 1]!) {
    const list = numbers.slice(at + 2, at + 2 + numbers[at + 1]!);
    if (numbers[at] === listTag.lookedFor) lists.lookedFor = list;
    else lists.notExhaustive = list;
  }
  return lists;
}

function missing(what: string, row: number, key: string): EvaluationError {
  return new EvaluationError('invalid-ground-truth', {
    thing: `${what} ${row}`,
    found: `no "${key}"`,
    wanted: `every ${what} with a number as "${key}"`,
    row,
    reason: 'missing-field',
  });
}

function readCategory(json: string, row: number): Category {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(json) as Record<string, unknown>;
  } catch (cause) {
    throw broken('ground truth', `category ${row}`, 'broken JSON', row, 0, 'invalid-json', cause);
  }
  if (typeof value['id'] !== 'number') throw missing('category', row, 'id');
  return { ...value, id: value['id'], name: typeof value['name'] === 'string' ? value['name'] : String(value['id']) };
}
