// Intersection over union of every pair of boxes or masks, with the crowd rule. It picks the engine; matching stands in greedy.ts.
import { ArgumentError, describe } from '../../errors.js';
import { maskIous } from '../iou.js';
import type { Rle } from '../rle.js';
import { reserve } from './wasm.js';

/** Options of the overlap functions. */
export interface PairwiseIouOptions {
  /** What four numbers mean: corners x1, y1, x2, y2, or corner and size x, y, w, h. Default: `xyxy`. */
  format?: 'xyxy' | 'xywh';
  /** [M], set where a box of `b` is a crowd region: there the union is the area of the box of `a` alone. Default: none. */
  crowd?: ArrayLike<number | boolean>;
  /** `plain` forces the JavaScript twin, which gives the same bits. Default: `auto`, WASM where there is any. */
  engine?: 'auto' | 'plain';
}

/**
 * IoU of every pair of boxes, [N, M] row-major, in doubles. Nothing is added to sizes; boxes that do not overlap, and boxes of size 0 or below,
 * give 0. With `format: 'xywh'` the numbers are those of COCO's maskApi.c (bbIou) to the bit. A NaN coordinate gives 0.
 * @param a [N, 4], for instance detections
 * @param b [M, 4], for instance ground truth
 * @throws ArgumentError for lengths that do not fit or an unknown format.
 */
export function pairwiseIou(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  options: PairwiseIouOptions = {},
): Float64Array<ArrayBuffer> {
  const { format = 'xyxy', crowd, engine = 'auto' } = options;
  if (format !== 'xyxy' && format !== 'xywh') {
    throw new ArgumentError({ thing: 'pairwiseIou.format', found: describe(format), wanted: '"xyxy" or "xywh"' });
  }
  const n = countBoxes(a, 'a');
  const m = countBoxes(b, 'b');
  checkCrowd(crowd, m);
  const left = new Float64Array(n * 5);
  for (let i = 0; i < n; i++) writeBox(left, i * 5, 1, a, i, format);
  if (engine === 'auto' && n * m >= fewestPairs) {
    const result = boxIouFast(left, n, b, m, crowd, format);
    if (result) return result;
  }
  return boxIouPlain(left, n, b, m, crowd, format);
}

/**
 * IoU of every pair of run-length coded masks, [N, M] row-major: 0 where the tight boxes do not overlap, -1 where masks that could overlap have
 * different sizes (as maskApi.c's rleIou), else exact pixel counts. rleFromMask and rleFromSegmentation make masks.
 * @throws ArgumentError where `crowd` has another length than `b`.
 */
export function pairwiseMaskIou(
  a: readonly Rle[],
  b: readonly Rle[],
  options: { crowd?: ArrayLike<number | boolean> } = {},
): Float64Array {
  checkCrowd(options.crowd, b.length);
  return maskIous(a, b, options.crowd);
}

function countBoxes(boxes: ArrayLike<number>, name: string): number {
  const n = boxes?.length / 4;
  if (Number.isInteger(n)) return n;
  throw new ArgumentError({
    thing: `pairwiseIou ${name}`,
    found: boxes?.length === undefined ? describe(boxes) : `${boxes.length} numbers`,
    wanted: 'four numbers a box, [n, 4]',
  });
}

function checkCrowd(crowd: ArrayLike<number | boolean> | undefined, m: number): void {
  if (crowd && crowd.length !== m) {
    throw new ArgumentError({ thing: 'crowd', found: `${crowd.length} flags`, wanted: `${m}, one for each of the second list` });
  }
}

/** Writes x1, y1, x2, y2, area of box i at `at`, `at + step`, ... */
function writeBox(
  target: Float64Array,
  at: number,
  step: number,
  boxes: ArrayLike<number>,
  i: number,
  format: 'xyxy' | 'xywh',
): void {
  const x = boxes[i * 4]!;
  const y = boxes[i * 4 + 1]!;
  const p = boxes[i * 4 + 2]!;
  const q = boxes[i * 4 + 3]!;
  const corners = format === 'xyxy';
  target[at] = x;
  target[at + step] = y;
  target[at + 2 * step] = corners ? p : p + x;
  target[at + 3 * step] = corners ? q : q + y;
  target[at + 4 * step] = corners ? (p - x) * (q - y) : p * q;
}

function boxIouPlain(
  left: Float64Array,
  n: number,
  b: ArrayLike<number>,
  m: number,
  crowd: ArrayLike<number | boolean> | undefined,
  format: 'xyxy' | 'xywh',
): Float64Array<ArrayBuffer> {
  const right = new Float64Array(m * 5);
  for (let j = 0; j < m; j++) writeBox(right, j * 5, 1, b, j, format);
  const out = new Float64Array(n * m);
  for (let i = 0; i < n; i++) {
    const at = i * 5;
    const [x1, y1, x2, y2, area] = [left[at]!, left[at + 1]!, left[at + 2]!, left[at + 3]!, left[at + 4]!];
    for (let j = 0; j < m; j++) {
      const w = Math.min(x2, right[j * 5 + 2]!) - Math.max(x1, right[j * 5]!);
      if (!(w > 0)) continue;
      const h = Math.min(y2, right[j * 5 + 3]!) - Math.max(y1, right[j * 5 + 1]!);
      if (!(h > 0)) continue;
      const shared = w * h;
      out[i * m + j] = shared / (crowd?.[j] ? area : area + right[j * 5 + 4]! - shared);
    }
  }
  return out;
}

/** Results leave WASM in pieces of this size, while they are still in the processor's cache. */
const cellsAtOnce = 2 ** 14;

/** Below this many pairs, copying into WASM costs more than it saves. */
const fewestPairs = 4096;

function boxIouFast(
  left: Float64Array,
  n: number,
  b: ArrayLike<number>,
  m: number,
  crowd: ArrayLike<number | boolean> | undefined,
  format: 'xyxy' | 'xywh',
): Float64Array<ArrayBuffer> | undefined {
  const stride = m + (m & 1);
  const rowsAtOnce = Math.min(n, Math.max(1, Math.floor(cellsAtOnce / stride)));
  const place = reserve([left.byteLength, stride * 5 * 8, stride * 8, rowsAtOnce * stride * 8]);
  if (!place) return undefined;
  const { kernels, places, buffer } = place;
  const [aAt, bAt, crowdAt, outAt] = places as [number, number, number, number];
  new Float64Array(buffer, aAt, left.length).set(left);
  const columns = new Float64Array(buffer, bAt, stride * 5);
  if (stride > m) for (let field = 0; field < 5; field++) columns[field * stride + m] = 0;
  for (let j = 0; j < m; j++) writeBox(columns, j, stride, b, j, format);
  const flags = new Int32Array(buffer, crowdAt, stride * 2).fill(0);
  if (crowd) for (let j = 0; j < m; j++) if (crowd[j]) flags[2 * j] = flags[2 * j + 1] = -1;
  const out = new Float64Array(n * m);
  for (let from = 0; from < n; from += rowsAtOnce) {
    const rows = Math.min(rowsAtOnce, n - from);
    kernels.pairwiseIou(rows, stride, aAt + from * 40, bAt, crowdAt, outAt);
    if (stride === m) {
      out.set(new Float64Array(buffer, outAt, rows * m), from * m);
      continue;
    }
    for (let i = 0; i < rows; i++) out.set(new Float64Array(buffer, outAt + i * stride * 8, m), (from + i) * m);
  }
  return out;
}
