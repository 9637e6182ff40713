// Dense outputs of a network, in any of the shapes that exporters write and over several scales, as rows [P, C]: one row a position (and anchor).
import type { Graph, ValueId } from '../ir/graph.js';
import { formatShape, type Shape } from '../tensor/shape.js';
import { type InputSize, outputOf } from './network.js';
import { type Parameters, wrong } from './parameters.js';
import type { NetworkValue, Tail } from './tail.js';

/** How the rows of one output lie: a grid with its anchors, or a plain list. */
export interface RowBlock {
  readonly value: NetworkValue;
  readonly rows: number;
  /** Undefined for a plain list. `order` says which index runs first, a for anchors. */
  readonly grid?: { readonly height: number; readonly width: number; readonly anchors: number; readonly order: 'hwa' | 'ahw' };
  /** A list with its columns first, [1, C, P]. */
  readonly transposed?: boolean;
}

/** One or more outputs below one another. */
export interface Rows {
  readonly count: number;
  readonly columns: number;
  readonly blocks: readonly RowBlock[];
}

/**
 * Opens the outputs named by parameter `key`, each with `anchors[i]` rows of `columns` numbers a position. What they mean stands in `what`, for messages.
 * Accepted shapes, with or without the leading 1: [1, H, W, A*C], [1, A, H, W, C], [1, H, W, A, C], [1, P, C], [1, C, P], and [1, P] where C is 1.
 */
export function openRows(
  parameters: Parameters,
  key: string,
  graph: Graph,
  { columns, anchors, what }: { columns: number; anchors?: readonly number[]; what: string },
): Rows {
  const names = parameters.names(key);
  const blocks = names.map((name, i): RowBlock => {
    const place = `${parameters.place(key)} ${JSON.stringify(name)}`;
    const value = outputOf(parameters.place(key), name, graph);
    return { value, ...blockOf(place, value.shape, columns, anchors?.[i] ?? 1, what) };
  });
  return { count: blocks.reduce((sum, { rows }) => sum + rows, 0), columns, blocks };
}

function blockOf(place: string, shape: Shape, C: number, A: number, what: string): Omit<RowBlock, 'value'> {
  const rest = shape.length > 1 && shape[0] === 1 ? shape.slice(1) : shape;
  const [a = 0, b = 0, c = 0, d = 0] = rest;
  if (rest.length === 4) {
    if (a === A && d === C) return { rows: A * b * c, grid: { height: b, width: c, anchors: A, order: 'ahw' } };
    if (c === A && d === C) return { rows: a * b * A, grid: { height: a, width: b, anchors: A, order: 'hwa' } };
  }
  if (rest.length === 3) {
    if (c === A * C) return { rows: a * b * A, grid: { height: a, width: b, anchors: A, order: 'hwa' } };
    // A list of batch 1 whose first dimension was not dropped, or [P, A, C].
    if (c === C && b === A) return { rows: a * A };
  }
  if (rest.length === 2) {
    if (b === C) return { rows: a };
    if (a === C) return { rows: b, transposed: true };
    if (b === A * C) return { rows: a * A };
  }
  if (rest.length === 1 && C === 1) return { rows: a };
  const grid = A > 1 ? `${A} anchors x ${C}` : `${C}`;
  throw wrong(
    place,
    `${formatShape(shape)}${rest.length === 3 && a === A * C ? ', with the channels first' : ''}`,
    `[1, H, W, ${A * C}] or [1, P, ${C}]: ${grid} numbers (${what})`,
  );
}

/** Adds the rows of all blocks: [P, C]. Grids and lists only change their shape; what has its columns first is turned. */
export function addRows(tail: Tail, { blocks, columns }: Rows): ValueId {
  return tail.stack(
    blocks.map(({ value, rows, transposed }) => {
      const x = tail.read(value);
      if (!transposed) return tail.reshape(x, [rows, columns]);
      return tail.add('transpose', [tail.reshape(x, [columns, rows])], { perm: [1, 0] });
    }),
  );
}

/** Rows of several parameters that must describe the same positions. */
export function sameRows(place: string, rows: Rows, otherPlace: string, other: Rows): void {
  if (rows.count === other.count) return;
  const shapes = ({ blocks }: Rows): string => blocks.map(({ value }) => formatShape(value.shape)).join(', ');
  throw wrong(place, `${rows.count} rows (${shapes(rows)})`, `${other.count}, as in ${otherPlace} (${shapes(other)})`);
}

/** One cell of a grid with its anchor, in the order of the rows. */
export interface Cell {
  /** Column and row of the cell. */
  x: number;
  y: number;
  anchor: number;
  level: number;
}

/**
 * Visits every row as a cell of a grid and writes its prior. Grids have H x W = ceil(input / stride) cells, unless `sizes` says otherwise; rows that
 * come as one list must be as many as all grids together, level by level, row by row, anchor by anchor.
 */
export function gridPriors(
  where: string,
  rows: Rows,
  levels: readonly { height: number; width: number; anchors: number }[],
  prior: (cell: Cell) => readonly [number, number, number, number, number, number],
): Float32Array {
  const wanted = levels.map(({ height, width, anchors }) => `${height} x ${width}${anchors > 1 ? ` x ${anchors}` : ''}`);
  const list = rows.blocks.length === 1 && !rows.blocks[0]!.grid;
  const total = levels.reduce((sum, { height, width, anchors }) => sum + height * width * anchors, 0);
  if (list && rows.count !== total) {
    throw wrong(where, `${rows.count} rows`, `${total} for the grids ${wanted.join(', ')} of strides and input size`);
  }
  if (!list && rows.blocks.length !== levels.length)
    throw wrong(where, `${rows.blocks.length} outputs`, `${levels.length}, one a stride, or one with all rows`);
  const priors = new Float32Array(rows.count * 6);
  let at = 0;
  levels.forEach((level, l) => {
    const block = rows.blocks[list ? 0 : l]!;
    const grid = block.grid;
    if (!list && block.rows !== level.height * level.width * level.anchors) {
      throw wrong(
        `${where} ${JSON.stringify(block.value.name)}`,
        `${formatShape(block.value.shape)}${grid ? `, a grid of ${grid.height} x ${grid.width}` : ''}`,
        `a grid of ${wanted[l]} by stride and input size`,
      );
    }
    if (grid && (grid.height !== level.height || grid.width !== level.width)) {
      throw wrong(`${where} ${JSON.stringify(block.value.name)}`, `a grid of ${grid.height} x ${grid.width}`, `${wanted[l]} by stride and input size`); // prettier-ignore
    }
    const set = (x: number, y: number, anchor: number): void => {
      priors.set(prior({ x, y, anchor, level: l }), at);
      at += 6;
    };
    if (grid?.order === 'ahw') {
      for (let a = 0; a < level.anchors; a++) for (let y = 0; y < level.height; y++) for (let x = 0; x < level.width; x++) set(x, y, a); // prettier-ignore
    } else {
      for (let y = 0; y < level.height; y++) for (let x = 0; x < level.width; x++) for (let a = 0; a < level.anchors; a++) set(x, y, a); // prettier-ignore
    }
  });
  return priors;
}

/** Grids by stride: ceil(input / stride) cells a side. */
export function gridsOf(strides: readonly number[], size: InputSize, anchors: readonly number[]) {
  return strides.map((stride, i) => ({
    height: Math.ceil(size.height / stride),
    width: Math.ceil(size.width / stride),
    anchors: anchors[i] ?? 1,
  }));
}
