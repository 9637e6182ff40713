// The one result of detection: parallel arrays with their label space, iterable as typed objects. Nothing else leaves postprocess.
import { ArgumentError, describe, LabelSpaceError } from '../errors.js';
import {
  formatSpace,
  isLabelSpace,
  type Label,
  type LabelId,
  type LabelSpace,
  type LabelSpaceJSON,
  labelSpaceFromJSON,
} from '../taxonomy/label-space.js';

/** x1, y1, x2, y2 in source-image pixels; x from the left, y from the top. */
export type Box = [x1: number, y1: number, x2: number, y2: number];

/** One detection as an object; a copy, so changing it changes nothing. */
export interface Detection<L extends string = string> {
  /** Name of the label. */
  label: L;
  /** Id of the label in its data set. */
  labelId: LabelId;
  /** Position of the label in {@link Detections.labels}. */
  labelIndex: number;
  /** Probability, 0 to 1. */
  score: number;
  /** xyxy in source pixels. */
  box: Box;
}

/** The arrays of {@link Detections}. They are taken over, not copied, where they are typed arrays. */
export interface DetectionsInput<L extends string = string> {
  /** [n, 4] flat. */
  boxes: ArrayLike<number>;
  /** [n]. */
  scores: ArrayLike<number>;
  /** [n], each from 0 to labels.size - 1. */
  labelIndices: ArrayLike<number>;
  /** The label space that `labelIndices` point into. */
  labels: LabelSpace<L>;
  /** Source pixels, 1 or more. */
  imageWidth: number;
  /** Source pixels, 1 or more. */
  imageHeight: number;
}

/** One row of a COCO results file. */
export interface CocoResult {
  /** Id of the image in the annotation file. */
  image_id: number | string;
  /** Id of the category in the annotation file. */
  category_id: number;
  /** x, y, width, height in source pixels. */
  bbox: Box;
  /** Probability, 0 to 1. */
  score: number;
}

/** What {@link Detections.toJSON} gives. */
export interface DetectionsJSON {
  /** Source pixels. */
  imageWidth: number;
  /** Source pixels. */
  imageHeight: number;
  /** The label space, whole. */
  labels: LabelSpaceJSON;
  /** In the order of the arrays. */
  detections: { label: string; labelId: LabelId; score: number; box: Box }[];
}

/** Options of {@link Detections.toCoco}. */
export interface ToCocoOptions<L extends string = string> {
  /** Id of the image in the annotation file. */
  imageId: number | string;
  /** Category id of a label; undefined leaves its detections out. Default: the label's own id, which must be a number. */
  categoryId?: (label: Label<L>) => number | undefined;
}

/** Options of {@link Detections.fromCoco}. */
export interface FromCocoOptions<L extends string = string> {
  /** Label space of the result. */
  labels: LabelSpace<L>;
  /** Source pixels. */
  imageWidth: number;
  /** Source pixels. */
  imageHeight: number;
  /** Takes only the rows of this image. Default: all rows. */
  imageId?: number | string;
  /** Category id of a label, as in {@link ToCocoOptions}. */
  categoryId?: (label: Label<L>) => number | undefined;
}

/** n detections of one image in the label space `labels`, best first where a detector made them. Iterable as {@link Detection} objects. */
export class Detections<L extends string = string> implements Iterable<Detection<L>> {
  /** Float32 [n, 4]: x1, y1, x2, y2 in source pixels. */
  readonly boxes: Float32Array;
  /** Float32 [n]. */
  readonly scores: Float32Array;
  /** Int32 [n]. */
  readonly labelIndices: Int32Array;
  /** The label space that `labelIndices` point into. */
  readonly labels: LabelSpace<L>;
  /** Source pixels. */
  readonly imageWidth: number;
  /** Source pixels. */
  readonly imageHeight: number;

  /** Throws ArgumentError where shapes, label indices or image size do not fit, or a number is not finite. */
  constructor(input: DetectionsInput<L>) {
    const { boxes, scores, labelIndices, labels, imageWidth, imageHeight } = input;
    if (!isLabelSpace(labels)) throw argument('labels', describe(labels), 'a LabelSpace');
    checkSize('imageWidth', imageWidth);
    checkSize('imageHeight', imageHeight);
    const n = lengthOf('scores', scores);
    if (lengthOf('labelIndices', labelIndices) !== n) {
      throw argument('labelIndices', `shape [${labelIndices.length}]`, `shape [${n}], one for each of the ${n} scores`);
    }
    if (lengthOf('boxes', boxes) !== n * 4) {
      throw argument('boxes', `${boxes.length} numbers`, `${n * 4}: shape [${n}, 4], one box for each of the ${n} scores`);
    }
    checkFinite('boxes', boxes);
    checkFinite('scores', scores);
    for (let i = 0; i < n; i++) {
      const index = labelIndices[i]!;
      if (!Number.isInteger(index) || index < 0 || index >= labels.size) {
        throw argument(
          `labelIndices[${i}]`,
          describe(index),
          `an integer from 0 to ${labels.size - 1}, a position in ${formatSpace(labels)}`,
        );
      }
    }
    this.boxes = boxes instanceof Float32Array ? boxes : Float32Array.from(boxes);
    this.scores = scores instanceof Float32Array ? scores : Float32Array.from(scores);
    this.labelIndices = labelIndices instanceof Int32Array ? labelIndices : Int32Array.from(labelIndices);
    this.labels = labels;
    this.imageWidth = imageWidth;
    this.imageHeight = imageHeight;
  }

  /** Number of detections, n. */
  get length(): number {
    return this.scores.length;
  }

  /** The detection at a position; negative positions count from the end; undefined outside, as with arrays. */
  at(index: number): Detection<L> | undefined {
    let i = Math.trunc(index) || 0;
    if (i < 0) i += this.length;
    if (i < 0 || i >= this.length) return undefined;
    const label = this.labels.at(this.labelIndices[i]!);
    const [x1, y1, x2, y2] = this.boxes.subarray(i * 4, i * 4 + 4) as unknown as Box;
    return { label: label.name, labelId: label.id, labelIndex: label.index, score: this.scores[i]!, box: [x1, y1, x2, y2] };
  }

  *[Symbol.iterator](): IterableIterator<Detection<L>> {
    for (let i = 0; i < this.length; i++) yield this.at(i)!;
  }

  /** Those for which `keep` is true, in order, with the same label space and image size. */
  filter(keep: (detection: Detection<L>, index: number) => boolean): Detections<L> {
    const kept: number[] = [];
    let i = 0;
    for (const detection of this) {
      if (keep(detection, i)) kept.push(i);
      i++;
    }
    return this.#take(kept);
  }

  /** As Array.prototype.slice. */
  slice(start?: number, end?: number): Detections<L> {
    const { boxes, scores, labelIndices } = this;
    const first = scores.length - scores.subarray(start ?? 0).length;
    const part = scores.slice(start, end);
    return new Detections({
      ...this.#facts(),
      boxes: boxes.slice(first * 4, (first + part.length) * 4),
      scores: part,
      labelIndices: labelIndices.slice(start, end),
    });
  }

  /** How many of each label there are, for labels with at least one, in the order of the label space. */
  countByLabel(): { label: Label<L>; count: number }[] {
    const counts = new Int32Array(this.labels.size);
    for (const index of this.labelIndices) counts[index]!++;
    return this.labels.labels.flatMap((label) => (counts[label.index] ? [{ label, count: counts[label.index]! }] : []));
  }

  /** Everything, as plain values: {@link Detections.fromJSON} gives it back with the same bits. */
  toJSON(): DetectionsJSON {
    const detections = Array.from(this, ({ label, labelId, score, box }) => ({ label, labelId, score, box }));
    return { imageWidth: this.imageWidth, imageHeight: this.imageHeight, labels: this.labels.toJSON(), detections };
  }

  /** Reads what {@link Detections.toJSON} gave (a parsed value, not text). Throws ArgumentError or LabelSpaceError. */
  static fromJSON(json: unknown): Detections {
    const { imageWidth, imageHeight, labels, detections } = fields('detections', json);
    const space = labelSpaceFromJSON(labels);
    const rows = array('detections', detections);
    const boxes = new Float32Array(rows.length * 4);
    const scores = new Float32Array(rows.length);
    const labelIndices = new Int32Array(rows.length);
    rows.forEach((value, i) => {
      const row = fields(`detections[${i}]`, value);
      labelIndices[i] = space.byId(row['labelId'] as LabelId).index;
      scores[i] = number(`detections[${i}].score`, row['score']);
      boxes.set(box(`detections[${i}].box`, row['box']), i * 4);
    });
    return new Detections({
      boxes,
      scores,
      labelIndices,
      labels: space,
      imageWidth: imageWidth as number,
      imageHeight: imageHeight as number,
    });
  }

  /**
   * Rows of a COCO results file. The float32 numbers are written as they are, and width and height are differences of them in double precision, so
   * that {@link Detections.fromCoco} gives the same bits for boxes inside the image.
   * Throws LabelSpaceError `invalid-label-space` where a label has no category id.
   */
  toCoco({ imageId, categoryId = ownId }: ToCocoOptions<L>): CocoResult[] {
    const categories = new Map<number, number | undefined>();
    for (const index of this.labelIndices) {
      if (!categories.has(index)) categories.set(index, checkCategory(this.labels.at(index), categoryId));
    }
    return Array.from(this).flatMap(({ labelIndex, score, box: [x1, y1, x2, y2] }) => {
      const category = categories.get(labelIndex);
      return category === undefined
        ? []
        : [{ image_id: imageId, category_id: category, bbox: [x1, y1, x2 - x1, y2 - y1] as Box, score }];
    });
  }

  /** Reads rows of a COCO results file. Throws ArgumentError, and LabelSpaceError `unknown-label` where no label has a row's category id. */
  static fromCoco<L extends string>(results: readonly CocoResult[], options: FromCocoOptions<L>): Detections<L> {
    const { labels, imageWidth, imageHeight, imageId, categoryId = ownId } = options;
    const indices = new Map<number, number>();
    for (const label of labels.labels) {
      const category = checkCategory(label, categoryId);
      if (category === undefined) continue;
      const other = indices.get(category);
      if (other !== undefined) {
        throw new LabelSpaceError('invalid-label-space', {
          thing: `${formatSpace(labels)}, category ids`,
          found: `${category} for ${JSON.stringify(labels.at(other).name)} and for ${JSON.stringify(label.name)}`,
          wanted: 'one label for each category id',
        });
      }
      indices.set(category, label.index);
    }
    const boxes: number[] = [];
    const scores: number[] = [];
    const labelIndices: number[] = [];
    array('results', results).forEach((value, i) => {
      const row = fields(`results[${i}]`, value);
      if (imageId !== undefined && row['image_id'] !== imageId) return;
      const index = indices.get(row['category_id'] as number);
      if (index === undefined) {
        throw new LabelSpaceError('unknown-label', {
          thing: `results[${i}].category_id`,
          found: describe(row['category_id']),
          wanted: `the category id of a label of ${formatSpace(labels)}`,
        });
      }
      const [x, y, width, height] = box(`results[${i}].bbox`, row['bbox']);
      boxes.push(x, y, x + width, y + height);
      scores.push(number(`results[${i}].score`, row['score']));
      labelIndices.push(index);
    });
    return new Detections({ boxes, scores, labelIndices, labels, imageWidth, imageHeight });
  }

  #facts(): Pick<DetectionsInput<L>, 'labels' | 'imageWidth' | 'imageHeight'> {
    return { labels: this.labels, imageWidth: this.imageWidth, imageHeight: this.imageHeight };
  }

  #take(kept: readonly number[]): Detections<L> {
    const boxes = new Float32Array(kept.length * 4);
    kept.forEach((i, j) => boxes.set(this.boxes.subarray(i * 4, i * 4 + 4), j * 4));
    return new Detections({
      ...this.#facts(),
      boxes,
      scores: Float32Array.from(kept, (i) => this.scores[i]!),
      labelIndices: Int32Array.from(kept, (i) => this.labelIndices[i]!),
    });
  }
}

function ownId(label: Label): number | undefined {
  if (typeof label.id === 'number') return label.id;
  throw new LabelSpaceError('invalid-label-space', {
    thing: `label ${JSON.stringify(label.name)}, COCO category id`,
    found: `the id ${JSON.stringify(label.id)}, a text`,
    wanted: 'an integer',
    next: 'Give categoryId: (label) => number.',
  });
}

function checkCategory<L extends string>(
  label: Label<L>,
  categoryId: (label: Label<L>) => number | undefined,
): number | undefined {
  const category = categoryId(label);
  if (category === undefined || Number.isSafeInteger(category)) return category;
  throw argument(
    `categoryId of label ${JSON.stringify(label.name)}`,
    describe(category),
    'an integer, or undefined to leave the label out',
  );
}

function argument(thing: string, found: string, wanted: string): ArgumentError {
  return new ArgumentError({ thing, found, wanted });
}

function checkSize(thing: string, value: unknown): void {
  if (!Number.isSafeInteger(value) || (value as number) < 1)
    throw argument(thing, describe(value), 'an integer from 1, in pixels');
}

function lengthOf(thing: string, values: ArrayLike<number>): number {
  if (Array.isArray(values) || (ArrayBuffer.isView(values) && !(values instanceof DataView))) return values.length;
  throw argument(thing, describe(values), 'an array of numbers');
}

function checkFinite(thing: string, values: ArrayLike<number>): void {
  for (let i = 0; i < values.length; i++)
    if (!Number.isFinite(values[i])) throw argument(`${thing}[${i}]`, describe(values[i]), 'a finite number');
}

function fields(thing: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw argument(thing, describe(value), 'an object');
  return value as Record<string, unknown>;
}

function array(thing: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw argument(thing, describe(value), 'an array');
  return Array.from(value as unknown[]);
}

function number(thing: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw argument(thing, describe(value), 'a finite number');
  return value;
}

function box(thing: string, value: unknown): Box {
  const numbers = array(thing, value);
  if (numbers.length !== 4) throw argument(thing, `${numbers.length} numbers`, '4');
  return numbers.map((item, i) => number(`${thing}[${i}]`, item)) as Box;
}
