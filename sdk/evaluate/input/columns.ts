// Detections and annotations as columns: one typed array for each field. What reading makes and matching takes; users may make them, too.
import { ArgumentError, describe } from '../../errors.js';

/** Forms of masks in {@link MaskColumns}.kinds; `lists` are no masks but the class ids of an LVIS image. */
export const maskKind = { none: 0, runs: 1, polygons: 2, numbers: 4, broken: 6, lists: 7 } as const;

/** Bits of `present`. */
export const has = {
  id: 1,
  image: 2,
  category: 4,
  score: 8,
  area: 16,
  crowd: 32,
  ignore: 64,
  height: 128,
  width: 256,
  box: 512,
  mask: 1024,
} as const;

/** Masks of n rows. Row i's bytes stand at `offsets[i] * 8` in `bytes`. */
export interface MaskColumns {
  /** [n] {@link maskKind}: 0 none, 1 compressed runs, 2 polygons as doubles, 4 compressed runs that were written as numbers, 6 broken. */
  kinds: Uint8Array;
  /** [n] places in units of 8 bytes. */
  offsets: Uint32Array;
  /** [n] bytes. */
  lengths: Uint32Array;
  /** [n] pixels; 0 for polygons, which have the size of their image. */
  heights: Uint32Array;
  /** [n] see `heights`. */
  widths: Uint32Array;
  /** [n] set pixels of runs; 0 for polygons. For broken masks the reason. */
  areas: Float64Array;
  /** Bytes of all masks. */
  bytes: Uint8Array;
}

/** n detections. Ids are numbers as the ground truth has them. */
export interface DetectionColumns {
  /** [n] */
  readonly imageIds: Readonly<Float64Array> | readonly number[];
  /** [n] */
  readonly categoryIds: Readonly<Float64Array> | readonly number[];
  /** [n] */
  readonly scores: Readonly<Float64Array> | readonly number[];
  /** [n, 4] x, y, width, height in pixels. */
  readonly boxes: Readonly<Float64Array> | readonly number[];
}

/** Rows as reading leaves them. */
export interface Rows {
  /** n */
  count: number;
  /** [n] ids of annotations. */
  ids: Float64Array;
  /** [n] */
  imageIds: Float64Array;
  /** [n] */
  categoryIds: Float64Array;
  /** [n] of detections. */
  scores: Float64Array;
  /** [n] square pixels, of annotations. */
  areas: Float64Array;
  /** 1 where `iscrowd` is set. */
  crowd: Uint8Array;
  /** 1 where `ignore` is set. */
  ignore: Uint8Array;
  /** [n, 4] x, y, w, h; of the mask where the row has no box but runs. */
  boxes: Float64Array;
  /** Bits of {@link has}. */
  present: Uint16Array;
  /** Masks, where they were kept. */
  masks: MaskColumns | undefined;
}

const columnTypes = {
  ids: [Float64Array, 1],
  imageIds: [Float64Array, 1],
  categoryIds: [Float64Array, 1],
  scores: [Float64Array, 1],
  areas: [Float64Array, 1],
  crowd: [Uint8Array, 1],
  ignore: [Uint8Array, 1],
  boxes: [Float64Array, 4],
  present: [Uint16Array, 1],
} as const;
const maskTypes = {
  kinds: Uint8Array,
  offsets: Uint32Array,
  lengths: Uint32Array,
  heights: Uint32Array,
  widths: Uint32Array,
  areas: Float64Array,
} as const;

type ColumnName = keyof typeof columnTypes;

/** Rows that grow. Columns that a kind of file does not have stay empty. */
export class GrowingRows implements Rows {
  count = 0;
  ids = new Float64Array(0);
  imageIds = new Float64Array(0);
  categoryIds = new Float64Array(0);
  scores = new Float64Array(0);
  areas = new Float64Array(0);
  crowd = new Uint8Array(0);
  ignore = new Uint8Array(0);
  boxes = new Float64Array(0);
  present = new Uint16Array(0);
  masks: MaskColumns | undefined;
  #capacity = 0;
  #maskBytes = 0;

  /** Which parts of masks are kept: nothing, only areas and kinds of rows without a box, or all. */
  readonly keep: MaskKeeping;
  private readonly names: readonly ColumnName[];

  constructor(names: readonly ColumnName[], keep: MaskKeeping) {
    this.names = names;
    this.keep = keep;
  }

  /** From now on rows have masks; those before have none. */
  startMasks(): MaskColumns {
    return (this.masks ??= {
      kinds: new Uint8Array(this.#capacity),
      offsets: new Uint32Array(this.#capacity),
      lengths: new Uint32Array(this.#capacity),
      heights: new Uint32Array(this.#capacity),
      widths: new Uint32Array(this.#capacity),
      areas: new Float64Array(this.#capacity),
      bytes: new Uint8Array(0),
    });
  }

  /** Makes room for `rows` in all: exactly where `exact`, else with room to spare. */
  reserve(rows: number, exact = false): void {
    if (rows <= this.#capacity) return;
    const capacity = exact ? rows : Math.max(rows, 1024, Math.ceil(this.#capacity * 1.5));
    for (const name of this.names) {
      const [type, width] = columnTypes[name];
      const grown = new type(capacity * width);
      grown.set(this[name].subarray(0, this.count * width));
      (this as Record<ColumnName, unknown>)[name] = grown;
    }
    if (this.masks) {
      for (const [name, type] of Object.entries(maskTypes)) {
        const grown = new type(capacity);
        const key = name as keyof typeof maskTypes;
        grown.set(this.masks[key].subarray(0, this.count));
        (this.masks as unknown as Record<string, unknown>)[key] = grown;
      }
    }
    this.#capacity = capacity;
  }

  /** Bytes of masks that are likely to come: memory is taken once instead of in growing steps. */
  expectedBytes = 0;

  /** Takes bytes of masks in; returns their place in units of 8. `bytes` is a multiple of 8 long. */
  addBytes(bytes: Uint8Array): number {
    const masks = this.masks!;
    const at = this.#maskBytes;
    if (at + bytes.length > masks.bytes.length) {
      const grown = new Uint8Array(
        Math.max(at + bytes.length, 1 << 16, this.expectedBytes, Math.ceil((masks.bytes.length * 1.5) / 8) * 8),
      );
      grown.set(masks.bytes.subarray(0, at));
      masks.bytes = grown;
    }
    masks.bytes.set(bytes, at);
    this.#maskBytes = at + bytes.length;
    return at / 8;
  }

  /** Cuts the spare room off without a copy. */
  finish(): this {
    for (const name of this.names) {
      (this as Record<ColumnName, unknown>)[name] = this[name].subarray(0, this.count * columnTypes[name][1]);
    }
    if (this.masks) this.masks.bytes = this.masks.bytes.subarray(0, this.#maskBytes);
    return this;
  }
}

export type MaskKeeping = 'nothing' | 'areas' | 'all';

const detectionNames: readonly ColumnName[] = ['imageIds', 'categoryIds', 'scores', 'boxes', 'present'];
const annotationNames: readonly ColumnName[] = ['ids', 'imageIds', 'categoryIds', 'areas', 'crowd', 'ignore', 'boxes', 'present'];

export const detectionRows = (keep: MaskKeeping) => new GrowingRows(detectionNames, keep);
export const annotationRows = (keep: MaskKeeping) => new GrowingRows(annotationNames, keep);

/** Whether a value is meant as detections in columns. */
export function isColumns(value: unknown): value is DetectionColumns {
  return typeof value === 'object' && value !== null && 'imageIds' in value && 'scores' in value;
}

/**
 * Rows of columns that a user made. Throws ArgumentError where lengths differ. Numbers are checked later.
 */
export function rowsOfColumns(columns: DetectionColumns): GrowingRows {
  const { imageIds, categoryIds, scores, boxes } = columns;
  const count = imageIds.length;
  const check = (name: string, length: number, wanted: number) => {
    if (length !== wanted) {
      throw new ArgumentError({
        thing: `detections.${name}`,
        found: `${length} values`,
        wanted: `${wanted}, as imageIds has ${count}`,
      });
    }
  };
  check('categoryIds', categoryIds?.length ?? 0, count);
  check('scores', scores.length, count);
  check('boxes', boxes?.length ?? 0, 4 * count);
  const rows = detectionRows('nothing');
  rows.reserve(count, true);
  const copy = (to: Float64Array, from: Readonly<Float64Array> | readonly number[], name: string) => {
    for (let i = 0; i < from.length; i++) {
      const value = from[i];
      if (typeof value !== 'number') {
        throw new ArgumentError({ thing: `detections.${name}[${i}]`, found: describe(value), wanted: 'a number' });
      }
      to[i] = value;
    }
  };
  copy(rows.imageIds, imageIds, 'imageIds');
  copy(rows.categoryIds, categoryIds, 'categoryIds');
  copy(rows.scores, scores, 'scores');
  copy(rows.boxes, boxes, 'boxes');
  rows.present.fill(has.image | has.category | has.score | has.box);
  rows.count = count;
  return rows.finish();
}

/** Some rows of detections, each as often as it is named, with other classes. Bytes of masks are shared. */
export function pickRows(rows: Rows, places: readonly number[], categoryIds: ArrayLike<number>): GrowingRows {
  const picked = detectionRows(rows.masks ? 'all' : 'nothing');
  picked.reserve(places.length, true);
  const masks = rows.masks && picked.startMasks();
  places.forEach((from, to) => {
    picked.imageIds[to] = rows.imageIds[from]!;
    picked.categoryIds[to] = categoryIds[to]!;
    picked.scores[to] = rows.scores[from]!;
    picked.present[to] = rows.present[from]!;
    for (let side = 0; side < 4; side++) picked.boxes[4 * to + side] = rows.boxes[4 * from + side]!;
    if (!masks) return;
    for (const key of ['kinds', 'offsets', 'lengths', 'heights', 'widths', 'areas'] as const)
      masks[key][to] = rows.masks![key][from]!;
  });
  picked.count = places.length;
  picked.finish();
  if (masks) masks.bytes = rows.masks!.bytes;
  return picked;
}
