// The linear relaxation of a small packing with cuts, solved by the primal simplex method with an explicit inverse. Exact up to rounding.
import type { Clock } from './multipliers.js';
import type { Packing } from './packing.js';

/** A cut: sum over columns of floor(rows of the column in `rows` / 2) x <= `most`. A subset-row cut (Jepsen et al., 2008); `rows` ascending. */
export interface Cut {
  readonly rows: readonly number[];
  readonly most: number;
}

/** How often a column counts in a cut. */
export function inCut({ start, items }: Packing, j: number, { rows }: Cut): number {
  let shared = 0;
  for (let at = start[j]!; at < start[j + 1]!; at++) if (rows.includes(items[at]!)) shared++;
  return shared >> 1;
}

/** The answer of {@link solveRelaxation}. */
export interface Relaxation {
  /** [size] */
  readonly x: Float64Array;
  /** [rows + cuts], none below 0. */
  readonly duals: Float64Array;
  /** No packing gains more; proven by the duals, also where the method stopped early. */
  readonly bound: number;
  /** [size] gain that the duals leave to a column; at most 0 (up to rounding) at the optimum. */
  readonly reduced: Float64Array;
}

const tiny = 1e-9;

/** A fixed sequence of numbers in 0..1, different for neighbours: moves right-hand sides apart, so that the method does not stand still. */
const spread = (i: number): number => {
  const x = Math.imul(i + 1, 0x9e3779b1) >>> 0;
  return (Math.imul(x ^ (x >>> 15), 0x85ebca6b) >>> 0) / 2 ** 32;
};

/** Solves the relaxation from a known solution (columns that share no row). Yields now and then. */
export function* solveRelaxation(
  packing: Packing,
  cuts: readonly Cut[],
  solution: readonly number[],
  clock: Clock,
): Generator<undefined, Relaxation> {
  const { rows, size, gain } = packing;
  const m = rows + cuts.length;
  const { start, items, values } = withCuts(packing, cuts);
  const right = Float64Array.from({ length: m }, (_, i) =>
    i < rows ? 1 + 1e-7 * (1 + spread(i)) : cuts[i - rows]!.most * (1 + 1e-5 * (1 + spread(i))),
  );
  // Column by column: inverse[k * m + i] is row i of column k.
  const inverse = new Float64Array(m * m);
  const basic = Int32Array.from({ length: m }, (_, i) => size + i);
  const level = right.slice();
  const duals = new Float64Array(m);
  const isBasic = new Uint8Array(size + m);
  for (let i = 0; i < m; i++) {
    inverse[i * m + i] = 1;
    isBasic[size + i] = 1;
  }
  for (const j of solution) {
    let pivot = items[start[j]!]!;
    for (let at = start[j]!; at < start[j + 1]!; at++)
      if (items[at]! < rows && right[items[at]!]! < right[pivot]!) pivot = items[at]!;
    isBasic[size + pivot] = 0;
    isBasic[j] = 1;
    basic[pivot] = j;
    duals[pivot] = gain[j]!;
    for (let at = start[j]!; at < start[j + 1]!; at++) {
      const i = items[at]!;
      if (i === pivot) continue;
      inverse[pivot * m + i] = -values[at]!;
      level[i]! -= values[at]! * right[pivot]!;
    }
  }
  // The dual of a pivot row is the gain of its column, less what its other rows pay: their slacks are basic and pay nothing.
  const entering = new Float64Array(m);
  const touched = new Int32Array(m);
  const most = 40 * m + 2000;
  for (let turn = 0; turn < most; turn++) {
    if (turn % 16 === 15) {
      yield;
      if (clock.stopped) break;
    }
    let q = -1;
    let excess = tiny;
    for (let j = 0; j < size; j++) {
      if (isBasic[j]) continue;
      let left = gain[j]!;
      for (let at = start[j]!; at < start[j + 1]!; at++) left -= values[at]! * duals[items[at]!]!;
      if (left > excess) {
        excess = left;
        q = j;
      }
    }
    for (let i = 0; i < m; i++) {
      if (!isBasic[size + i] && -duals[i]! > excess) {
        excess = -duals[i]!;
        q = size + i;
      }
    }
    if (q < 0) break;
    entering.fill(0);
    const add = (k: number, factor: number): void => {
      for (let i = 0, at = k * m; i < m; i++, at++) entering[i]! += factor * inverse[at]!;
    };
    if (q >= size) add(q - size, 1);
    else for (let at = start[q]!; at < start[q + 1]!; at++) add(items[at]!, values[at]!);
    let pivot = -1;
    let ratio = Number.POSITIVE_INFINITY;
    let count = 0;
    for (let i = 0; i < m; i++) {
      const change = entering[i]!;
      if (Math.abs(change) < 1e-11) continue;
      touched[count++] = i;
      if (change <= tiny) continue;
      const own = Math.max(0, level[i]!) / change;
      if (own < ratio - 1e-13 || (own <= ratio + 1e-13 && pivot >= 0 && change > entering[pivot]!)) {
        ratio = own;
        pivot = i;
      }
    }
    // Every column has a row of its own limit, so that there always is one.
    if (pivot < 0) break;
    const by = entering[pivot]!;
    for (let c = 0; c < count; c++) level[touched[c]!]! -= ratio * entering[touched[c]!]!;
    level[pivot] = ratio;
    for (let k = 0, base = 0; k < m; k++, base += m) {
      const own = inverse[base + pivot]!;
      if (own === 0) continue;
      const scaled = own / by;
      for (let c = 0; c < count; c++) inverse[base + touched[c]!]! -= scaled * entering[touched[c]!]!;
      inverse[base + pivot] = scaled;
      duals[k]! += excess * scaled;
    }
    isBasic[basic[pivot]!] = 0;
    isBasic[q] = 1;
    basic[pivot] = q;
  }
  // Levels and duals afresh for the true right-hand sides: those that were moved apart only served to keep going.
  const x = new Float64Array(size);
  const gains = Float64Array.from(basic, (j) => (j < size ? gain[j]! : 0));
  level.fill(0);
  for (let k = 0; k < m; k++) {
    const share = k < rows ? 1 : cuts[k - rows]!.most;
    let dual = 0;
    for (let i = 0, at = k * m; i < m; i++, at++) {
      const own = inverse[at]!;
      if (own === 0) continue;
      level[i]! += share * own;
      dual += gains[i]! * own;
    }
    duals[k] = Math.max(0, dual);
  }
  for (let i = 0; i < m; i++) if (basic[i]! < size) x[basic[i]!] = Math.min(1, Math.max(0, level[i]!));
  let bound = 0;
  for (let k = 0; k < m; k++) bound += duals[k]! * (k < rows ? 1 : cuts[k - rows]!.most);
  const reduced = new Float64Array(size);
  for (let j = 0; j < size; j++) {
    let left = gain[j]!;
    for (let at = start[j]!; at < start[j + 1]!; at++) left -= values[at]! * duals[items[at]!]!;
    reduced[j] = left;
    if (left > 0) bound += left;
  }
  return { x, duals, bound, reduced };
}

/** The columns with their coefficients; cuts are rows behind those of the packing. */
function withCuts(packing: Packing, cuts: readonly Cut[]): { start: Int32Array; items: Int32Array; values: Float64Array } {
  const { rows, size, start, items } = packing;
  if (cuts.length === 0) return { start, items, values: new Float64Array(items.length).fill(1) };
  const found: number[][] = Array.from({ length: size }, () => []);
  const byRow: number[][] = Array.from({ length: rows }, () => []);
  for (let j = 0; j < size; j++) for (let at = start[j]!; at < start[j + 1]!; at++) byRow[items[at]!]!.push(j);
  cuts.forEach((cut, c) => {
    for (const j of new Set(cut.rows.flatMap((row) => byRow[row]!))) {
      const times = inCut(packing, j, cut);
      if (times > 0) found[j]!.push(rows + c, times);
    }
  });
  const ownStart = new Int32Array(size + 1);
  for (let j = 0; j < size; j++) ownStart[j + 1] = ownStart[j]! + start[j + 1]! - start[j]! + found[j]!.length / 2;
  const ownItems = new Int32Array(ownStart[size]!);
  const values = new Float64Array(ownStart[size]!).fill(1);
  for (let j = 0; j < size; j++) {
    let to = ownStart[j]!;
    for (let at = start[j]!; at < start[j + 1]!; at++) ownItems[to++] = items[at]!;
    for (let f = 0; f < found[j]!.length; f += 2) {
      ownItems[to] = found[j]![f]!;
      values[to++] = found[j]![f + 1]!;
    }
  }
  return { start: ownStart, items: ownItems, values };
}

const fractional = (x: number): boolean => x > 1e-6 && x < 1 - 1e-6;

/** Whether every level is 0 or 1. */
export const isWhole = (x: Float64Array): boolean => !x.some(fractional);

/** Cuts on three rows that a fractional answer breaks, those broken most first, at most `most`; none of `known`. */
export function findCuts(packing: Packing, x: Float64Array, known: readonly Cut[], most: number): Cut[] {
  const { size, start, items } = packing;
  const taken = new Set(known.map(({ rows }) => rows.join()));
  // Two columns that both lie in a broken triple share a row of it, or have two rows each: pairs of rows of fractional columns are enough.
  const pairs = new Map<number, { rows: readonly [number, number]; columns: number[] }>();
  const byRow = new Map<number, Set<number>>();
  for (let j = 0; j < size; j++) {
    if (!fractional(x[j]!)) continue;
    const own = items.subarray(start[j]!, start[j + 1]!);
    for (let a = 0; a < own.length; a++) {
      for (let b = 0; b < own.length; b++) {
        if (a === b) continue;
        const [p, q] = [own[a]!, own[b]!];
        byRow.set(p, (byRow.get(p) ?? new Set()).add(q));
        if (p > q) continue;
        const key = p * packing.rows + q;
        const pair = pairs.get(key) ?? { rows: [p, q] as const, columns: [] };
        pair.columns.push(j);
        pairs.set(key, pair);
      }
    }
  }
  const found: { cut: Cut; by: number }[] = [];
  for (const {
    rows: [p, q],
  } of pairs.values()) {
    for (const r of byRow.get(p)!) {
      // The third row meets both, through whatever column; each triple once where all three pairs exist, else from any pair.
      if (r === q || !(byRow.get(q)!.has(r) && r > q)) continue;
      const rows = [p, q, r].sort((a, b) => a - b);
      const key = rows.join();
      if (taken.has(key)) continue;
      const columns = new Set(
        [[p, q], [p, r], [q, r]].flatMap(([a, b]) => pairs.get(Math.min(a!, b!) * packing.rows + Math.max(a!, b!))?.columns ?? []),
      ); // prettier-ignore
      let sum = 0;
      for (const j of columns) sum += x[j]!;
      if (sum > 1 + 1e-5) {
        taken.add(key);
        found.push({ cut: { rows, most: 1 }, by: sum - 1 });
      }
    }
  }
  return found.sort((a, b) => b.by - a.by).slice(0, most).map(({ cut }) => cut); // prettier-ignore
}
