// What a head learns from: images and boxes of COCO annotations, brought to the columns of a head; and the heat map targets made of them.
import { cocoFile, type Entry, type ReopenableSource } from '../datasets/index.js';
import { ArgumentError, DatasetError, describe } from '../errors.js';
import type { ImageInput } from '../image/frame.js';
import { isLabelSpace, type LabelSpace } from '../taxonomy/label-space.js';
import { matchName } from '../taxonomy/match.js';
import { targetOfSource } from '../taxonomy/mapping.js';
import type { LabelTransform } from '../taxonomy/transform.js';
import { target } from './kernels.js';
import type { SampledDataset } from './samplers.js';
import type { TargetTable } from './targets.js';

/** COCO annotations as an object. */
export interface TrainAnnotations {
  /** Images. */
  readonly images: readonly { readonly id: number | string; readonly file_name?: string | undefined }[];
  /** Boxes x, y, width, height in pixels. */
  readonly annotations: readonly {
    readonly image_id: number | string;
    readonly category_id: number | string;
    readonly bbox: readonly number[];
    readonly iscrowd?: number | boolean | undefined;
  }[];
  /** Labels of the data set. */
  readonly categories: readonly { readonly id: number | string; readonly name: string }[];
}

/** An image of a data set, for whoever opens it. */
export interface TrainImage {
  /** Id of the image in the annotations. */
  readonly id: number | string;
  /** `file_name` of the annotations; empty where there is none. */
  readonly fileName: string;
}

/** A data set to learn from, or to be evaluated on. */
export interface TrainDataset extends Pick<SampledDataset, 'ratio' | 'balance' | 'repeatThreshold'> {
  /** Name, each once; the name of a data set of the taxonomy, where a head has one. */
  readonly name: string;
  /** COCO annotations: a file (path, URL, bytes, Blob) or an object. Crowd boxes are left out of the loss. */
  readonly annotations: ReopenableSource | TrainAnnotations;
  /** A folder (path or URL) of the files that `file_name` names; or how an image is opened. */
  readonly images: string | URL | ((image: TrainImage) => ImageInput | Promise<ImageInput>);
}

/** A box of an image. */
export interface TrainBox {
  /** Position in `categories`. */
  readonly category: number;
  /** x, y, width, height in pixels of the image. */
  readonly box: readonly [number, number, number, number];
  readonly crowd: boolean;
}

/** A data set as it was read. */
export interface ReadDataset {
  readonly dataset: TrainDataset;
  readonly categories: readonly { readonly id: number | string; readonly name: string }[];
  readonly images: readonly (TrainImage & { readonly boxes: readonly TrainBox[] })[];
}

const isAnnotations = (value: unknown): value is TrainAnnotations =>
  typeof value === 'object' && value !== null && 'images' in value && 'annotations' in value && 'categories' in value;

/**
 * Reads the annotations of a data set. Throws DatasetError for a box that is no box, an image or category that the file has not; LoadError;
 * ArgumentError for a data set without images.
 */
export async function readTrainDataset(dataset: TrainDataset, signal?: AbortSignal): Promise<ReadDataset> {
  const { name, annotations } = dataset;
  if (typeof name !== 'string' || name === '')
    throw new ArgumentError({ thing: 'name of a data set', found: describe(name), wanted: 'a text' });
  const source = isAnnotations(annotations) ? new TextEncoder().encode(JSON.stringify(annotations)) : annotations;
  const lists: Record<'images' | 'annotations' | 'categories', Entry[]> = { images: [], annotations: [], categories: [] };
  for await (const part of cocoFile(source, `data set "${name}"`).read(['images', 'annotations', 'categories'], { signal }))
    if ('list' in part) lists[part.list].push(...part.values);
  const wrong = (list: string, row: number, found: string, wanted: string) =>
    new DatasetError({ thing: `data set "${name}", ${list}[${row}]`, found, wanted, row });
  const ids = new Map<number | string, number>();
  const categories = lists.categories.map(({ id, name: label }, row) => {
    if ((typeof id !== 'number' && typeof id !== 'string') || typeof label !== 'string' || ids.has(id))
      throw wrong('categories', row, `id = ${describe(id)}, name = ${describe(label)}`, 'an id, each once, and a name');
    ids.set(id, row);
    return { id, name: label };
  });
  const places = new Map<number | string, number>();
  const images = lists.images.map(({ id, file_name: fileName }, row) => {
    if ((typeof id !== 'number' && typeof id !== 'string') || places.has(id))
      throw wrong('images', row, `id = ${describe(id)}`, 'an id, each once');
    places.set(id, row);
    return { id, fileName: typeof fileName === 'string' ? fileName : '', boxes: [] as TrainBox[] };
  });
  if (images.length === 0) throw new ArgumentError({ thing: `data set "${name}"`, found: 'no images', wanted: 'one or more' });
  lists.annotations.forEach(({ image_id: image, category_id: label, bbox, iscrowd }, row) => {
    const place = places.get(image as number);
    const category = ids.get(label as number);
    if (place === undefined) throw wrong('annotations', row, `image_id = ${describe(image)}`, 'the id of an image');
    if (category === undefined) throw wrong('annotations', row, `category_id = ${describe(label)}`, 'the id of a category');
    const box = Array.isArray(bbox) ? (bbox as unknown[]) : [];
    const numbers = box.length === 4 && box.every((x) => typeof x === 'number' && Number.isFinite(x));
    if (!numbers || !((box[2] as number) > 0 && (box[3] as number) > 0))
      throw wrong('annotations', row, `bbox = ${JSON.stringify(bbox)}`, 'x, y, width, height: finite, with an area');
    images[place]!.boxes.push({ category, box: box as [number, number, number, number], crowd: Boolean(iscrowd) });
  });
  return { dataset, categories, images };
}

/** The image of a data set. */
export async function openTrainImage({ dataset }: ReadDataset, { id, fileName }: TrainImage): Promise<ImageInput> {
  const { images, name } = dataset;
  if (typeof images === 'function') return images({ id, fileName });
  if (fileName === '')
    throw new ArgumentError({
      thing: `image ${describe(id)} of "${name}"`,
      found: 'no file_name',
      wanted: 'one, or `images` as a function',
    });
  return `${String(images).replace(/[/\\]+$/, '')}/${fileName}`;
}

/** What a data set means for a head. */
export interface HeadTargets {
  /** [C] 1 for columns that the data set annotates: loss is computed there only (UniDet, 5.2). */
  readonly annotated: Uint8Array;
  /** For each category of the file the column of the head that it is, or -1. */
  readonly columns: Int32Array;
  /** For each category, [categories, C] of {@link target}. */
  readonly table: TargetTable;
}

const labelsOf = (labels: LabelSpace | LabelTransform): LabelSpace => (isLabelSpace(labels) ? labels : labels.space);

/**
 * Finds the columns of a data set's categories: by name in a label space; through the data set of that name in a taxonomy. Other categories are left
 * out where `unknown` says so. Throws ArgumentError where a box has an unknown label, or no category is a label of the head.
 */
export function headTargets(
  labels: LabelSpace | LabelTransform,
  { dataset, categories, images }: ReadDataset,
  unknown: 'error' | 'ignore',
  given?: TargetTable,
): HeadTargets {
  const space = labelsOf(labels);
  const C = space.size;
  const thing = `data set "${dataset.name}"`;
  const columns = Int32Array.from(columnsOf(labels, dataset.name, categories));
  if (columns.every((column) => column < 0)) {
    throw new ArgumentError({
      thing,
      found: `no label of the head "${space.name}" (it has ${categories.slice(0, 5).map((category) => category.name).join(', ')})`, // prettier-ignore
      wanted: `one or more of ${space.names.slice(0, 5).join(', ')}${C > 5 ? ', ...' : ''}`,
    });
  }
  if (unknown === 'error') {
    const lost = new Set(images.flatMap(({ boxes }) => boxes.filter(({ category }) => columns[category]! < 0).map(({ category }) => categories[category]!.name))); // prettier-ignore
    if (lost.size > 0) {
      throw new ArgumentError({
        thing,
        found: `annotations of ${[...lost].slice(0, 5).join(', ')}, which the head "${space.name}" has not`,
        wanted: 'labels of the head only',
        next: "Give unknownLabels: 'ignore' to leave them out.",
      });
    }
  }
  if (given) {
    if (given.rows !== categories.length || given.classes !== C)
      throw new ArgumentError({
        thing: `targets of ${thing}`,
        found: `[${given.rows}, ${given.classes}]`,
        wanted: `[${categories.length}, ${C}]: a row for each category`,
      });
  }
  const table = given ?? { rows: categories.length, classes: C, states: new Uint8Array(categories.length * C).fill(target.none) };
  if (!given) {
    columns.forEach((own, row) => {
      if (own < 0) return;
      for (const column of columns) if (column >= 0) table.states[row * C + column] = target.negative;
      table.states[row * C + own] = target.positive;
    });
  }
  // A column of which every label of the data set says nothing is not annotated; one that some label says something of is.
  const annotated = new Uint8Array(C);
  for (let i = 0; i < table.states.length; i++) if (table.states[i] === target.negative) annotated[i % C] = 1;
  for (const column of columns) if (column >= 0) annotated[column] = 1;
  return { annotated, columns, table };
}

function columnsOf(
  labels: LabelSpace | LabelTransform,
  dataset: string,
  categories: readonly { readonly name: string }[],
): number[] {
  if (isLabelSpace(labels)) return categories.map(({ name }) => matchName(labels, [name])?.label.index ?? -1);
  const own = labels.datasets.find(({ name }) => name === dataset);
  if (!own)
    throw new ArgumentError({
      thing: `data set "${dataset}"`,
      found: `a taxonomy of ${labels.datasets.map(({ name }) => name).join(', ')}`,
      wanted: 'one of its data sets',
    });
  const start = labels.datasets.slice(0, labels.datasets.indexOf(own)).reduce((sum, { size }) => sum + size, 0);
  const targets = targetOfSource(labels.mapping);
  return categories.map(({ name }) => {
    const label = matchName(own, [name])?.label;
    return label ? (targets[start + label.index] ?? -1) : -1;
  });
}

/** Side of a Gaussian that still overlaps a box by 0.7, as CornerNet and CenterNet compute it; in cells. */
const minOverlap = 0.7;

/** Radius of the Gaussian of a box: the smallest of three cases of how both corners move (CornerNet, 3.2). */
export function gaussianRadius(width: number, height: number): number {
  const root = (a: number, b: number, c: number) => (b + Math.sqrt(Math.max(0, b * b - 4 * a * c))) / 2;
  const area = width * height;
  const sum = width + height;
  const one = root(1, sum, (area * (1 - minOverlap)) / (1 + minOverlap));
  const two = root(4, 2 * sum, (1 - minOverlap) * area);
  const three = root(4 * minOverlap, -2 * minOverlap * sum, (minOverlap - 1) * area);
  return Math.max(0, Math.floor(Math.min(one, two, three)));
}

/** How an image lies in a map. */
export interface MapPlace {
  /** Rows and columns of cells. */
  readonly height: number;
  readonly width: number;
  /** Cells a pixel of the image, and where the image begins, in cells. */
  readonly scaleX: number;
  readonly scaleY: number;
  readonly left: number;
  readonly top: number;
  /** Pixels. */
  readonly imageWidth: number;
  readonly flipped: boolean;
}

/** Where a box lies in a map: its corners x1, y1, x2, y2 in cells, clipped, and the cell of its centre; undefined where nothing of it does. */
export function boxInCells(
  [x, y, w, h]: TrainBox['box'],
  { height, width, scaleX, scaleY, left, top, imageWidth, flipped }: MapPlace,
): { corners: [number, number, number, number]; cell: number } | undefined {
  const clampX = (value: number) => Math.min(width, Math.max(0, value));
  const clampY = (value: number) => Math.min(height, Math.max(0, value));
  const from = flipped ? imageWidth - x - w : x;
  const [x1, x2] = [clampX(left + from * scaleX), clampX(left + (from + w) * scaleX)];
  const [y1, y2] = [clampY(top + y * scaleY), clampY(top + (y + h) * scaleY)];
  if (!(x2 > x1 && y2 > y1)) return undefined;
  const [cx, cy] = [Math.min(width - 1, Math.floor((x1 + x2) / 2)), Math.min(height - 1, Math.floor((y1 + y2) / 2))];
  return { corners: [x1, y1, x2, y2], cell: cy * width + cx };
}

/** Targets of one image. */
export interface MapTargets {
  /** [H W, C] from 0 to 1; exactly 1 at centres. */
  readonly targets: Float32Array;
  /** [H W, C] 0 where an element takes no part; undefined where all do. */
  readonly weights: Float32Array | undefined;
  /** Elements that are centres and take part. */
  readonly positives: number;
}

/**
 * Heat map targets of CenterNet (Zhou et al. 2019, 3): 1 at the cell of a box's centre, a Gaussian around it, the larger of two where they meet. What
 * the data set does not annotate, crowd boxes, and columns of which a label says nothing (its descendants, in a hierarchy) take no part.
 */
export function mapTargets(boxes: readonly TrainBox[], { annotated, table, columns }: HeadTargets, place: MapPlace): MapTargets {
  const { height, width } = place;
  const C = table.classes;
  const targets = new Float32Array(height * width * C);
  let weights: Float32Array | undefined;
  const mask = (): Float32Array => (weights ??= new Float32Array(height * width * C).fill(1));
  if (annotated.includes(0)) {
    const all = mask();
    for (let i = 0; i < all.length; i++) all[i] = annotated[i % C]!;
  }
  for (const { category, box, crowd } of boxes) {
    if (columns[category]! < 0) continue;
    const lies = boxInCells(box, place);
    if (!lies) continue;
    const [x1, y1, x2, y2] = lies.corners;
    const states = table.states.subarray(category * C, category * C + C);
    if (crowd) {
      for (let y = Math.floor(y1); y < Math.min(height, Math.ceil(y2)); y++)
        for (let x = Math.floor(x1); x < Math.min(width, Math.ceil(x2)); x++)
          for (let c = 0; c < C; c++) if (states[c] !== target.negative) mask()[(y * width + x) * C + c] = 0;
      continue;
    }
    const [cx, cy] = [lies.cell % width, Math.floor(lies.cell / width)];
    const radius = gaussianRadius(Math.ceil(x2 - x1), Math.ceil(y2 - y1));
    const sigma = (2 * radius + 1) / 6;
    for (let dy = -radius; dy <= radius; dy++) {
      const y = cy + dy;
      if (y < 0 || y >= height) continue;
      for (let dx = -radius; dx <= radius; dx++) {
        const x = cx + dx;
        if (x < 0 || x >= width) continue;
        const value = Math.exp(-(dx * dx + dy * dy) / (2 * sigma * sigma));
        const at = (y * width + x) * C;
        for (let c = 0; c < C; c++) {
          if (states[c] === target.positive) targets[at + c] = Math.max(targets[at + c]!, value);
          else if (states[c] === target.none && annotated[c]) mask()[at + c] = 0;
        }
      }
    }
  }
  // A relation may make a positive of a column that the data set does not annotate: it takes part where the object is.
  let positives = 0;
  for (let i = 0; i < targets.length; i++) {
    if (targets[i] !== 1) continue;
    if (weights && !annotated[i % C]) weights[i] = 1;
    if (!weights || weights[i] !== 0) positives++;
  }
  return { targets, weights, positives };
}
