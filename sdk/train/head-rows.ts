// The rows that heads learn from: of each image all cells near objects, and of the others a sample that stands for all; with what every head should say there.
import { fitTarget } from '../image/geometry.js';
import { halfArrayToFloat } from '../tensor/half.js';
import { boxInCells, type HeadTargets, type MapPlace, type MapTargets, mapTargets, type TrainBox } from './head-data.js';
import type { Backbone, ImageFeatures } from './head-network.js';
import type { Random } from './random.js';

/** Side of the window of cells that a layer reads. */
export type Kernel = 1 | 3;

/** What one head should say in the rows of an image; everything that is not named is 0 and counts. */
export interface HeadRows {
  /** Places row * C + column that are not 0. */
  readonly at: Int32Array;
  /** From 0 to 1, one for each of them; exactly 1 at centres. */
  readonly values: Float32Array;
  /** Places that take no part. */
  readonly ignored: Int32Array;
  /** [C] 1 for columns that the image's data set annotates; others take part only where `at` makes them a positive. */
  readonly annotated: Uint8Array;
  /** Centres that take part. */
  readonly positives: number;
  /** Rows of centres and their categories [m], and the corners x1, y1, x2, y2 in cells that the model gives there, and that are right, [m, 4]. */
  readonly centres: Int32Array;
  readonly categories: Int32Array;
  readonly modelBoxes: Float32Array;
  readonly boxes: Float32Array;
}

/** The rows of one image. */
export interface ImageRows {
  /** n */
  readonly count: number;
  /** [n] position of the row's cell in the map. */
  readonly cells: Int32Array;
  /** [n] how many cells a row stands for. */
  readonly weights: Float32Array;
  /** [n, kernel kernel D] for each kernel in use, as the features were kept: float16 bits, or floats. */
  readonly x: ReadonlyMap<Kernel, Uint16Array | Float32Array>;
  /** One a head; undefined where the head does not learn from the image's data set. */
  readonly heads: readonly (HeadRows | undefined)[];
}

/** What {@link imageRows} is told. */
export interface RowOptions {
  readonly boxes: readonly TrainBox[];
  readonly flipped: boolean;
  /** Kernels in use. */
  readonly kernels: readonly Kernel[];
  /** One a head. */
  readonly targets: readonly (HeadTargets | undefined)[];
  /** Cells away from objects that are kept; the others are in their weights. */
  readonly negatives: number | 'all';
  /** Chooses them. */
  readonly random: Random;
}

/** A cell with a larger target is near an object: it is kept, and is no background for {@link labelTargets}. */
const nearObject = 0.3;

/** How an image lies in the map of a backbone. */
export function placeOf(
  { manifest: { input }, stride, features: { shape } }: Backbone,
  image: { readonly width: number; readonly height: number },
  flipped: boolean,
): MapPlace {
  const { left, top, width, height } = fitTarget(input.fit, image, input);
  return {
    height: shape[1]!,
    width: shape[2]!,
    left: left / stride,
    top: top / stride,
    scaleX: width / image.width / stride,
    scaleY: height / image.height / stride,
    imageWidth: image.width,
    flipped,
  };
}

/** Chooses the rows of an image and what the heads should say there. Cells near an object, for any head, are all kept: their rows have weight 1. */
export function imageRows(backbone: Backbone, image: ImageFeatures, options: RowOptions): ImageRows {
  const { boxes, flipped, kernels, targets, negatives, random } = options;
  const place = placeOf(backbone, image, flipped);
  const cells = place.height * place.width;
  const maps = targets.map((own) => own && mapTargets(boxes, own, place));
  const near = new Uint8Array(cells);
  for (const map of maps) {
    if (!map) continue;
    const C = map.targets.length / cells;
    for (let i = 0; i < map.targets.length; i++) if (map.targets[i]! > nearObject) near[Math.floor(i / C)] = 1;
  }
  const others: number[] = [];
  for (let cell = 0; cell < cells; cell++) if (!near[cell]) others.push(cell);
  const wanted = negatives === 'all' ? others.length : Math.min(negatives, others.length);
  const share = wanted > 0 ? others.length / wanted : 0;
  // Fisher and Yates, as far as it is needed.
  for (let i = 0; wanted < others.length && i < wanted; i++) {
    const j = i + Math.floor(random() * (others.length - i));
    [others[i], others[j]] = [others[j]!, others[i]!];
    near[others[i]!] = 2;
  }
  const chosen: number[] = [];
  for (let cell = 0; cell < cells; cell++) if (near[cell] || wanted === others.length) chosen.push(cell);
  return {
    count: chosen.length,
    cells: Int32Array.from(chosen),
    weights: Float32Array.from(chosen, (cell) => (near[cell] === 1 ? 1 : share)),
    x: new Map(kernels.map((kernel) => [kernel, windowsOf(image.features, place, chosen, kernel)])),
    heads: maps.map((map, h) => map && headRows(backbone, image, map, targets[h]!, chosen, boxes, place)),
  };
}

/** [n, kernel kernel D] features of the windows around cells; 0 beyond the edge. */
function windowsOf(
  features: Uint16Array | Float32Array,
  { height, width }: MapPlace,
  cells: readonly number[],
  kernel: Kernel,
): Uint16Array | Float32Array {
  const D = features.length / (height * width);
  const reach = (kernel - 1) / 2;
  const x = new (features.constructor as new (n: number) => typeof features)(cells.length * kernel * kernel * D);
  cells.forEach((cell, row) => {
    let at = row * kernel * kernel * D;
    for (let dy = -reach; dy <= reach; dy++) {
      for (let dx = -reach; dx <= reach; dx++, at += D) {
        const [v, u] = [Math.floor(cell / width) + dy, (cell % width) + dx];
        if (v >= 0 && v < height && u >= 0 && u < width)
          x.set(features.subarray((v * width + u) * D, (v * width + u + 1) * D), at);
      }
    }
  });
  return x;
}

function headRows(
  backbone: Backbone,
  image: ImageFeatures,
  { targets, weights, positives }: MapTargets,
  { annotated, columns }: HeadTargets,
  cells: readonly number[],
  boxes: readonly TrainBox[],
  place: MapPlace,
): HeadRows {
  const C = annotated.length;
  const [at, values, ignored]: [number[], number[], number[]] = [[], [], []];
  cells.forEach((cell, row) => {
    for (let c = 0; c < C; c++) {
      const i = cell * C + c;
      if (targets[i] !== 0) {
        at.push(row * C + c);
        values.push(targets[i]!);
      }
      // What is not annotated is left out column by column.
      if (weights?.[i] === 0 && (annotated[c] || targets[i] !== 0)) ignored.push(row * C + c);
    }
  });
  const rowOf = new Map(cells.map((cell, row) => [cell, row]));
  const centres: number[] = [];
  const categories: number[] = [];
  const [modelBoxes, wanted]: [number[], number[]] = [[], []];
  for (const { category, box, crowd } of boxes) {
    if (crowd || columns[category]! < 0) continue;
    const lies = boxInCells(box, place);
    if (!lies) continue;
    const row = rowOf.get(lies.cell);
    // No column is a positive of this label.
    if (row === undefined) continue;
    centres.push(row);
    categories.push(category);
    modelBoxes.push(...modelCorners(backbone, image, lies.cell, place.width));
    wanted.push(...lies.corners);
  }
  return {
    at: Int32Array.from(at),
    values: Float32Array.from(values),
    ignored: Int32Array.from(ignored),
    annotated,
    positives,
    centres: Int32Array.from(centres),
    categories: Int32Array.from(categories),
    modelBoxes: Float32Array.from(modelBoxes),
    boxes: Float32Array.from(wanted),
  };
}

/** The box that the model gives at a cell: x1, y1, x2, y2 in cells. */
function modelCorners({ boxes: { length }, stride }: Backbone, { boxes }: ImageFeatures, cell: number, width: number): number[] {
  const [x, y] = [cell % width, Math.floor(cell / width)];
  if (length === 2) {
    const [dx, dy] = boxes[0]!.subarray(2 * cell, 2 * cell + 2);
    const [w, h] = boxes[1]!.subarray(2 * cell, 2 * cell + 2);
    return [x + dx! - w! / 2, y + dy! - h! / 2, x + dx! + w! / 2, y + dy! + h! / 2];
  }
  const [left, top, right, bottom] = boxes[0]!.subarray(4 * cell, 4 * cell + 4);
  return [x - left! / stride, y - top! / stride, x + right! / stride, y + bottom! / stride];
}

/** Float32 [n, kernel kernel D] of an image, or of some of its rows, each channel divided by its scale. */
export function scaledRows({ x, count }: ImageRows, kernel: Kernel, toUnit: Float32Array, rows?: Int32Array): Float32Array {
  const kept = x.get(kernel)!;
  const D = toUnit.length;
  const K = kernel * kernel * D;
  const n = rows?.length ?? count;
  const values = new Float32Array(n * K);
  for (let i = 0; i < n; i++) {
    const from = (rows?.[i] ?? i) * K;
    const row = kept.subarray(from, from + K);
    if (row instanceof Uint16Array) halfArrayToFloat(row, values.subarray(i * K, i * K + K));
    else values.set(row, i * K);
  }
  for (let at = 0; at < values.length; at += D) for (let d = 0; d < D; d++) values[at + d]! *= toUnit[d]!;
  return values;
}

/** Targets and weights of several images, one below the other, for a loss on numbers from 0 to 1: [n, C] each. */
export function denseTargets(
  images: readonly { readonly rows: ImageRows; readonly own: HeadRows }[],
  C: number,
): { targets: Float32Array; weights: Float32Array } {
  const n = images.reduce((sum, { rows }) => sum + rows.count, 0);
  const [targets, weights] = [new Float32Array(n * C), new Float32Array(n * C)];
  let first = 0;
  for (const { rows, own } of images) {
    for (let row = 0, i = first * C; row < rows.count; row++)
      for (let c = 0; c < C; c++, i++) weights[i] = own.annotated[c]! * rows.weights[row]!;
    own.at.forEach((at, k) => {
      targets[first * C + at] = own.values[k]!;
      // A relation may make a positive of a column that the data set does not annotate: it takes part where the object is.
      if (own.values[k] === 1) weights[first * C + at] = rows.weights[Math.floor(at / C)]!;
    });
    for (const at of own.ignored) weights[first * C + at] = 0;
    first += rows.count;
  }
  return { targets, weights };
}

/** Background weighs so much more than objects, as proposals are drawn in two-stage detectors. */
const backgroundShare = 3;

/**
 * Labels and weights of several images, for a loss on labels: the class at centres, C (background) away from objects, -1 near them. All background
 * together weighs three times what the centres weigh, as in the 1 : 3 draws of two-stage detectors.
 */
export function labelTargets(
  images: readonly { readonly rows: ImageRows; readonly own: HeadRows }[],
  C: number,
): { labels: Int32Array; weights: Float32Array } {
  const n = images.reduce((sum, { rows }) => sum + rows.count, 0);
  const labels = new Int32Array(n).fill(C);
  const weights = new Float32Array(n);
  let [first, centres] = [0, 0];
  for (const { rows, own } of images) {
    weights.set(rows.weights, first);
    own.at.forEach((at, k) => {
      const row = first + Math.floor(at / C);
      if (own.values[k] === 1) labels[row] = at % C;
      else if (labels[row] === C && own.values[k]! > nearObject) labels[row] = -1;
    });
    for (const at of own.ignored) if (labels[first + Math.floor(at / C)] === C) labels[first + Math.floor(at / C)] = -1;
    first += rows.count;
  }
  let background = 0;
  for (let row = 0; row < n; row++) {
    if (labels[row] === C) background += weights[row]!;
    else if (labels[row]! >= 0) centres++;
  }
  const share = background > 0 ? (backgroundShare * Math.max(1, centres)) / background : 0;
  for (let row = 0; row < n; row++) weights[row] = labels[row] === C ? weights[row]! * share : 1;
  return { labels, weights };
}
