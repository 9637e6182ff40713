// Tables that say, for every label an annotation can have, which columns are positives, which negatives, and which take no part.
import { ArgumentError, describe } from '../errors.js';
import { target } from './kernels.js';

/** [R, C] of {@link target}: row r for annotations with label r. */
export interface TargetTable {
  /** R */
  readonly rows: number;
  /** C */
  readonly classes: number;
  /** [R, C] */
  readonly states: Uint8Array;
}

const wrong = (thing: string, found: unknown, wanted: string) =>
  new ArgumentError({ thing, found: typeof found === 'string' ? found : describe(found), wanted });

/** Throws ArgumentError. */
export function checkCount(thing: string, value: number, least = 1): void {
  if (!Number.isInteger(value) || value < least || value > 2 ** 24) throw wrong(thing, value, `a whole number from ${least}`);
}

function checkColumns(columns: readonly number[], classes: number): void {
  const bad = columns.find((column) => !Number.isInteger(column) || column < 0 || column >= classes);
  if (bad !== undefined) throw wrong('columns', bad, `whole numbers from 0 to ${classes - 1}`);
  if (new Set(columns).size < columns.length) throw wrong('columns', 'a column twice', 'each once');
}

/** [C] 1 for the given columns. Throws ArgumentError. */
export function columnMask(columns: readonly number[], classes: number): Uint8Array {
  checkColumns(columns, classes);
  const mask = new Uint8Array(classes);
  for (const column of columns) mask[column] = 1;
  return mask;
}

/**
 * Null BCE (UniSeg Eq. 4): labels of one data set are told apart among its own columns; all others take no part.
 * @param columns column of each label of the data set in the unified space
 */
export function nullTargets(classes: number, columns: readonly number[]): TargetTable {
  checkCount('classes', classes);
  checkColumns(columns, classes);
  const states = new Uint8Array(columns.length * classes).fill(target.none);
  columns.forEach((own, row) => {
    for (const column of columns) states[row * classes + column] = target.negative;
    states[row * classes + own] = target.positive;
  });
  return { rows: columns.length, classes, states };
}

/**
 * Class-relational BCE (UniSeg Eq. 6, 8): beside its own column a label is a positive of every foreign column that is more like it than it is
 * itself, and than the threshold; foreign columns else take no part.
 * @param columns column of each label of the data set
 * @param similarity [labels of the data set, classes] s of Eq. 7
 * @param threshold tau; UniSeg finds 0.48
 * @param others what the data set's other labels are of a foreign column that one of them is a positive of. `none`: Eq. 6 as it stands; the column then sees
 * positives alone in this domain and spreads. `negative`: beyond the paper, better where relations are right (test/bench/README.md, "Labels in conflict")
 */
export function relationalTargets(
  classes: number,
  columns: readonly number[],
  similarity: ArrayLike<number>,
  threshold: number,
  others: 'none' | 'negative' = 'none',
): TargetTable {
  const table = nullTargets(classes, columns);
  if (similarity.length !== table.states.length)
    throw wrong('similarity', `${similarity.length} numbers`, `[${columns.length}, ${classes}]: one for each label and column`);
  if (Number.isNaN(threshold)) throw wrong('threshold', threshold, 'a number');
  columns.forEach((own, row) => {
    const least = Math.max(threshold, similarity[row * classes + own]!);
    for (let column = 0; column < classes; column++) {
      const at = row * classes + column;
      // The condition of Eq. 6 stands before "none" and before 0.
      if (similarity[at]! > least) table.states[at] = target.positive;
    }
  });
  if (others !== 'none' && others !== 'negative') throw wrong('others', others, '"none" or "negative"');
  if (others === 'none') return table;
  for (let column = 0; column < classes; column++) {
    const cells = columns.map((_, row) => row * classes + column);
    if (!cells.some((at) => table.states[at] === target.positive)) continue;
    for (const at of cells) if (table.states[at] === target.none) table.states[at] = target.negative;
  }
  return table;
}

/**
 * Hierarchy-aware sigmoid (UniDet, 5.1): ancestors of a label are positives, its descendants take no part, all else is negative. A label may have
 * several parents.
 * @param parents parents[c]: columns of the parents of column c
 * @param background adds a last row in which every column is negative
 */
export function hierarchyTargets(parents: readonly (readonly number[])[], background = true): TargetTable {
  const classes = parents.length;
  checkCount('parents', classes);
  const ancestors: Set<number>[] = Array.from({ length: classes });
  const open = new Set<number>();
  const visit = (column: number): Set<number> => {
    const known = ancestors[column];
    if (known) return known;
    if (open.has(column)) throw wrong(`parents[${column}]`, 'itself among its ancestors', 'a hierarchy without circles');
    open.add(column);
    const found = new Set<number>();
    for (const parent of parents[column]!) {
      if (!Number.isInteger(parent) || parent < 0 || parent >= classes)
        throw wrong(`parents[${column}]`, parent, `whole numbers from 0 to ${classes - 1}`);
      found.add(parent);
      for (const further of visit(parent)) found.add(further);
    }
    open.delete(column);
    return (ancestors[column] = found);
  };
  for (let column = 0; column < classes; column++) visit(column);
  const rows = classes + Number(background);
  const states = new Uint8Array(rows * classes);
  for (let row = 0; row < classes; row++) {
    states[row * classes + row] = target.positive;
    for (const column of ancestors[row]!) states[row * classes + column] = target.positive;
    for (let column = 0; column < classes; column++)
      if (ancestors[column]!.has(row)) states[row * classes + column] = target.none;
  }
  return { rows, classes, states };
}

/**
 * Label similarities of ScaleDet (Eq. 3, 4): cosines of text embeddings, each row scaled from its own minimum to 1. Not symmetric.
 * @param embeddings [n, D] @returns [n, n]
 */
export function labelSimilarity(embeddings: ArrayLike<number>, n: number): Float32Array {
  checkCount('n', n);
  const D = embeddings.length / n;
  if (!Number.isInteger(D) || D === 0)
    throw wrong('embeddings', `${embeddings.length} numbers`, `[${n}, D]: a row for each label`);
  const unit = new Float64Array(n * D);
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let d = 0; d < D; d++) sum += embeddings[i * D + d]! ** 2;
    if (!(sum > 0 && sum < Infinity)) throw wrong(`embeddings, row ${i}`, 'no length', 'finite numbers, not all 0');
    for (let d = 0; d < D; d++) unit[i * D + d] = embeddings[i * D + d]! / Math.sqrt(sum);
  }
  const similarity = new Float32Array(n * n);
  const row = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let least = Infinity;
    for (let j = 0; j < n; j++) {
      let dot = 0;
      for (let d = 0; d < D; d++) dot += unit[i * D + d]! * unit[j * D + d]!;
      row[j] = j === i ? 1 : dot;
      least = Math.min(least, row[j]!);
    }
    // All labels alike: 1 everywhere.
    for (let j = 0; j < n; j++) similarity[i * n + j] = least < 1 ? (row[j]! - least) / (1 - least) : 1;
  }
  return similarity;
}

/**
 * Columns that a federated loss (LVIS; Detic) looks at in a step: those of the labels at hand, and others drawn by frequency ** power until there
 * are `count`.
 * @param labels of the batch; below 0 or at and above C: none
 * @param frequencies [C] images of each class in the training set
 * @param random numbers from 0 to below 1
 * @returns [C] 1 for the columns
 */
export function federatedColumns(
  labels: ArrayLike<number>,
  frequencies: ArrayLike<number>,
  random: () => number,
  { count = 50, power = 0.5 }: { readonly count?: number; readonly power?: number } = {},
): Uint8Array {
  const C = frequencies.length;
  checkCount('count', count);
  const mask = new Uint8Array(C);
  let chosen = 0;
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (label < 0 || label >= C || mask[label]) continue;
    mask[label] = 1;
    chosen++;
  }
  const weights = Float64Array.from({ length: C }, (_, c) => (mask[c] ? 0 : Math.max(0, frequencies[c]!) ** power));
  let total = weights.reduce((sum, weight) => sum + weight, 0);
  while (chosen < count && total > 0) {
    let left = random() * total;
    let c = 0;
    let last = -1;
    for (; c < C; c++) {
      if (weights[c] === 0) continue;
      last = c;
      left -= weights[c]!;
      if (left < 0) break;
    }
    mask[last] = 1;
    weights[last] = 0;
    total = weights.reduce((sum, weight) => sum + weight, 0);
    chosen++;
  }
  return mask;
}

/**
 * Boxes projected on both axes, for the projection loss: 1 in the columns and rows whose centre lies in the box.
 * @param boxes [M, 4] corners in pixels of the mask
 */
export function boxProjections(boxes: ArrayLike<number>, H: number, W: number): { x: Float32Array; y: Float32Array } {
  const M = boxes.length / 4;
  if (!Number.isInteger(M)) throw wrong('boxes', `${boxes.length} numbers`, 'four a box');
  const [x, y] = [new Float32Array(M * W), new Float32Array(M * H)];
  for (let m = 0; m < M; m++) {
    const [x1, y1, x2, y2] = [boxes[4 * m]!, boxes[4 * m + 1]!, boxes[4 * m + 2]!, boxes[4 * m + 3]!];
    if (!Number.isFinite(x1 + y1 + x2 + y2)) throw wrong(`boxes, row ${m}`, `${x1}, ${y1}, ${x2}, ${y2}`, 'finite numbers');
    for (let i = 0; i < W; i++) x[m * W + i] = Number(i + 0.5 > x1 && i + 0.5 < x2);
    for (let i = 0; i < H; i++) y[m * H + i] = Number(i + 0.5 > y1 && i + 0.5 < y2);
  }
  return { x, y };
}
