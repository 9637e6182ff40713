// The program as a weighted set packing: choose columns that share no row so that the sum of their gains is greatest. Data and its parts; no solving.

/**
 * Columns over rows, stored sparse: the rows of column j are `items[start[j]] .. items[start[j + 1] - 1]`, ascending. Rows are labels (or groups that a
 * person pinned together); the gain of a column is what choosing it saves: lambda (rows - 1) - cost.
 */
export interface Packing {
  /** Number of rows. */
  readonly rows: number;
  /** Number of columns. */
  readonly size: number;
  /** [size + 1] */
  readonly start: Int32Array;
  /** Rows of all columns, one column after the other. */
  readonly items: Int32Array;
  /** [size] */
  readonly gain: Float64Array;
}

/** A packing of lists of rows. */
export function packingOf(rows: number, columns: readonly (readonly number[])[], gain: ArrayLike<number>): Packing {
  const start = new Int32Array(columns.length + 1);
  columns.forEach((column, j) => (start[j + 1] = start[j]! + column.length));
  const items = new Int32Array(start[columns.length]!);
  columns.forEach((column, j) => items.set(column, start[j]));
  return { rows, size: columns.length, start, items, gain: Float64Array.from(gain) };
}

/** Part of a packing with rows and columns of its own numbers. */
export interface Part {
  readonly packing: Packing;
  /** Its columns in the whole. */
  readonly columns: Int32Array;
  /** Its rows in the whole. */
  readonly rows: Int32Array;
}

/** Cuts the packing down to some columns and the rows that they cover. */
export function partOf({ start, items, gain, rows }: Packing, columns: ArrayLike<number>, places?: Int32Array): Part {
  // `places` is memory for the positions of rows, all -1 before and after.
  const place = places ?? new Int32Array(rows).fill(-1);
  const ownStart = new Int32Array(columns.length + 1);
  for (let c = 0; c < columns.length; c++) ownStart[c + 1] = ownStart[c]! + start[columns[c]! + 1]! - start[columns[c]!]!;
  const ownItems = new Int32Array(ownStart[columns.length]!);
  const ownGain = new Float64Array(columns.length);
  const ownRows: number[] = [];
  for (let c = 0, to = 0; c < columns.length; c++) {
    const j = columns[c]!;
    ownGain[c] = gain[j]!;
    for (let at = start[j]!; at < start[j + 1]!; at++, to++) {
      const row = items[at]!;
      if (place[row]! < 0) {
        place[row] = ownRows.length;
        ownRows.push(row);
      }
      ownItems[to] = place[row]!;
    }
  }
  for (const row of ownRows) place[row] = -1;
  const packing = { rows: ownRows.length, size: columns.length, start: ownStart, items: ownItems, gain: ownGain };
  return { packing, columns: Int32Array.from(columns), rows: Int32Array.from(ownRows) };
}

/** The column lists of the connected parts: columns that share a row are in one. In the order of their first columns. `ties`: further rows that belong together. */
export function connected(
  { start, items, rows }: Packing,
  columns: ArrayLike<number>,
  ties: Iterable<readonly number[]> = [],
): number[][] {
  const roots = Int32Array.from({ length: rows }, (_, row) => row);
  const rootOf = (row: number): number => {
    let root = row;
    while (roots[root] !== root) root = roots[root] = roots[roots[root]!]!;
    return root;
  };
  const tie = (a: number, b: number): void => {
    const [p, q] = [rootOf(a), rootOf(b)];
    if (p !== q) roots[Math.max(p, q)] = Math.min(p, q);
  };
  for (let c = 0; c < columns.length; c++) {
    const j = columns[c]!;
    for (let at = start[j]! + 1; at < start[j + 1]!; at++) tie(items[at - 1]!, items[at]!);
  }
  for (const list of ties) for (let i = 1; i < list.length; i++) tie(list[i - 1]!, list[i]!);
  const lists = new Map<number, number[]>();
  for (let c = 0; c < columns.length; c++) {
    const root = rootOf(items[start[columns[c]!]!]!);
    const list = lists.get(root);
    if (list) list.push(columns[c]!);
    else lists.set(root, [columns[c]!]);
  }
  return [...lists.values()];
}

/** Columns by row: those of row i are `columns[start[i]] .. columns[start[i + 1] - 1]`, ascending. */
export function columnsByRow({ rows, size, start, items }: Packing): { start: Int32Array; columns: Int32Array } {
  const rowStart = new Int32Array(rows + 1);
  for (const row of items) rowStart[row + 1]!++;
  for (let row = 0; row < rows; row++) rowStart[row + 1]! += rowStart[row]!;
  const next = rowStart.slice(0, rows);
  const columns = new Int32Array(items.length);
  for (let j = 0; j < size; j++) for (let at = start[j]!; at < start[j + 1]!; at++) columns[next[items[at]!]!++] = j;
  return { start: rowStart, columns };
}

/** Sum of the gains of some columns, in their order. */
export function gainOf({ gain }: Packing, columns: Iterable<number>): number {
  let sum = 0;
  for (const j of columns) sum += gain[j]!;
  return sum;
}
