// The default solver: connected parts, multipliers, the exact relaxation of what is left near the top, fixing by reduced gains, branch and bound.
import { type Answer, cutsOf, dive, mostRows, rounding, solveExactly } from './branch.js';
import { greedy } from './greedy.js';
import { type Clock, firstMultipliers, lowerBound, reducedGains } from './multipliers.js';
import { columnsByRow, connected, gainOf, type Packing, partOf } from './packing.js';
import { type Cut, findCuts, inCut, isWhole, solveRelaxation } from './simplex.js';

/** Parts with at most this many columns go straight to branch and bound. */
const small = 400;

/** A solution of a whole packing. */
export interface WholeAnswer extends Answer {
  /** The connected parts, in order. */
  readonly parts: readonly PartAnswer[];
}

/** What is known of a connected part; columns by their numbers in the whole. */
export interface PartAnswer {
  readonly columns: readonly number[];
  readonly chosen: readonly number[];
  readonly value: number;
  readonly bound: number;
  /** Of large parts: by position in `columns` the gain that the best multipliers leave, and the bound that these prove by themselves. */
  readonly dual?: { readonly reduced: Float64Array; readonly bound: number };
}

/** Solves a packing to the proven optimum, or as far as the clock lets it. `onProgress` gets the parts that are done. */
export function* solvePacking(
  packing: Packing,
  clock: Clock,
  onProgress: (done: number, total: number) => void = () => {},
): Generator<undefined, WholeAnswer> {
  const all = Int32Array.from({ length: packing.size }, (_, j) => j);
  const places = new Int32Array(packing.rows).fill(-1);
  const lists = connected(packing, all);
  const columns: number[] = [];
  const parts: PartAnswer[] = [];
  let bound = 0;
  for (const list of lists) {
    const part = partOf(packing, list, places);
    const answer: LargeAnswer = yield* part.packing.size <= small
      ? solveExactly(part.packing, clock)
      : solveLarge(part.packing, clock);
    const chosen = Array.from(answer.columns, (j) => part.columns[j]!);
    for (const j of chosen) columns.push(j);
    bound += answer.bound;
    parts.push({ columns: list, chosen, value: answer.value, bound: answer.bound, ...(answer.dual && { dual: answer.dual }) });
    onProgress(parts.length, lists.length);
  }
  columns.sort((a, b) => a - b);
  const value = gainOf(packing, columns);
  return { columns, value, bound: Math.max(value, bound), parts };
}

interface LargeAnswer extends Answer {
  readonly dual?: { readonly reduced: Float64Array; readonly bound: number };
}

/** One connected part of many columns. */
function* solveLarge(packing: Packing, clock: Clock): Generator<undefined, LargeAnswer> {
  const { size } = packing;
  const byRow = columnsByRow(packing);
  let best = greedy(packing, packing.gain, byRow);
  let value = gainOf(packing, best);
  const keep = (columns: number[]): void => {
    const own = gainOf(packing, columns);
    if (own <= value) return;
    best = columns;
    value = own;
  };
  const reduced = new Float64Array(size);
  const dual = { values: firstMultipliers(packing), bound: 0 };
  dual.bound = reducedGains(packing, dual.values, reduced);
  keep(greedy(packing, reduced, byRow));
  // Columns that no better solution has are left out of later rounds.
  let alive: Packing = packing;
  let ids: Int32Array = Int32Array.from({ length: size }, (_, j) => j);
  for (let round = 0; round < 6 && !clock.stopped; round++) {
    yield* lowerBound(alive, dual, value, 150, clock);
    const left = alive === packing ? reduced : new Float64Array(alive.size);
    reducedGains(alive, dual.values, left);
    keep(greedy(alive, left).map((j) => ids[j]!));
    yield;
    if (dual.bound <= value + rounding) break;
    const kept = Array.from(ids.keys()).filter((c) => dual.bound + Math.min(0, left[c]!) > value);
    if (kept.length < alive.size * 0.9) {
      // Rows keep their numbers, so that the multipliers stay.
      alive = narrowed(alive, kept);
      ids = Int32Array.from(kept, (c) => ids[c]!);
    }
  }
  const proven = Math.max(value, dual.bound);
  // Of all columns: those left out may have come up again.
  dual.bound = reducedGains(packing, dual.values, reduced);
  if (clock.stopped) return { columns: best, value, bound: proven };

  const exact = yield* relax(packing, dual.values, dual.bound, reduced, best, clock, keep);
  const final = exact ?? { bound: dual.bound, reduced };
  if (exact && exact.bound > value + rounding && !clock.stopped) keep(yield* dive(packing, exact.x, exact.reduced, best, clock));
  const bound = Math.max(value, Math.min(proven, final.bound));
  if (bound <= value + rounding || clock.stopped)
    return { columns: best, value, bound: clock.stopped ? bound : value, dual: final };
  // What is left of the columns falls apart, and is searched.
  const kept: number[] = [];
  for (let j = 0; j < size; j++) if (final.bound + Math.min(0, final.reduced[j]!) > value) kept.push(j);
  const part = partOf(packing, kept);
  const inBest = new Set(best);
  const known = Array.from(part.columns.keys()).filter((c) => inBest.has(part.columns[c]!));
  const answer = yield* solveExactly(part.packing, clock, value, known, exact ? cutsOf(part, exact.cuts) : []);
  if (answer.value > value) keep(Array.from(answer.columns, (j) => part.columns[j]!));
  return { columns: best, value, bound: Math.max(value, Math.min(bound, answer.bound)), dual: final };
}

/** Some columns; rows keep their numbers. */
function narrowed(packing: Packing, columns: readonly number[]): Packing {
  const start = new Int32Array(columns.length + 1);
  columns.forEach((j, c) => (start[c + 1] = start[c]! + packing.start[j + 1]! - packing.start[j]!));
  const items = new Int32Array(start[columns.length]!);
  columns.forEach((j, c) => items.set(packing.items.subarray(packing.start[j], packing.start[j + 1]), start[c]));
  return { rows: packing.rows, size: columns.length, start, items, gain: Float64Array.from(columns, (j) => packing.gain[j]!) };
}

interface Block {
  readonly columns: readonly number[];
  readonly cuts: readonly Cut[];
  /** By row of the whole. */
  readonly duals: ReadonlyMap<number, number>;
  readonly cutDuals: readonly number[];
  readonly solution: readonly number[];
  /** By position in `columns`. */
  readonly x: Float64Array;
}

/**
 * The relaxation of the whole, with cuts, by sifting: only columns whose reduced gain is near the top take part, in connected blocks that are solved
 * exactly; columns that the answer would raise join them, until there is none. Undefined where the blocks grow too large.
 */
function* relax(
  packing: Packing,
  multipliers: Float64Array,
  proven: number,
  reduced: Float64Array,
  solution: readonly number[],
  clock: Clock,
  keep: (columns: number[]) => void,
): Generator<undefined, { bound: number; reduced: Float64Array; x: Float64Array; cuts: readonly Cut[] } | undefined> {
  const { size, rows, start, items, gain } = packing;
  const places = new Int32Array(rows).fill(-1);
  const member = new Uint8Array(size);
  const width = startWidth(packing, reduced);
  for (let j = 0; j < size; j++) if (reduced[j]! >= -width) member[j] = 1;
  for (const j of solution) member[j] = 1;
  let bestBound = proven;
  let bestReduced = reduced;
  let bestX = new Float64Array(size);
  const blocks = new Map<string, Block>();
  const inBest = new Uint8Array(size);
  for (const j of solution) inBest[j] = 1;
  let cuts: Cut[] = [];
  for (let round = 0; round < 60 && !clock.stopped; round++) {
    const members: number[] = [];
    for (let j = 0; j < size; j++) if (member[j]) members.push(j);
    const lists = connected(packing, members, cuts.map(({ rows: tied }) => tied)); // prettier-ignore
    const duals = new Float64Array(rows);
    const covered = new Uint8Array(rows);
    const cutDuals: { cut: Cut; value: number }[] = [];
    const whole: number[] = [];
    const x = new Float64Array(size);
    let bound = 0;
    for (const list of lists) {
      const key = list.join();
      let block = blocks.get(key);
      if (!block) {
        const part = partOf(packing, list, places);
        if (part.rows.length > mostRows)
          return bestBound < proven ? { bound: bestBound, reduced: bestReduced, x: bestX, cuts } : undefined;
        const own = cutsOf(part, cuts);
        const from = Array.from(part.columns.keys()).filter((c) => inBest[part.columns[c]!]);
        let answer = yield* solveRelaxation(part.packing, own, from, clock);
        for (let turn = 0; turn < 12 && !isWhole(answer.x) && !clock.stopped; turn++) {
          const found = findCuts(part.packing, answer.x, own, 30);
          if (found.length === 0) break;
          own.push(...found);
          answer = yield* solveRelaxation(part.packing, own, from, clock);
        }
        const solved = isWhole(answer.x)
          ? Array.from(answer.x.keys()).filter((c) => answer.x[c]! > 0.5)
          : greedy(part.packing, answer.x);
        block = {
          columns: list,
          cuts: own.map((cut) => ({ rows: cut.rows.map((i) => part.rows[i]!).sort((a, b) => a - b), most: cut.most })),
          duals: new Map(Array.from(part.rows, (row, i) => [row, answer.duals[i]!])),
          cutDuals: own.map((_, c) => answer.duals[part.packing.rows + c]!),
          solution: solved.map((c) => part.columns[c]!),
          x: answer.x,
        };
        blocks.set(key, block);
      }
      for (const [row, value] of block.duals) {
        duals[row] = value;
        covered[row] = 1;
        bound += value;
      }
      block.cuts.forEach((cut, c) => {
        const value = block.cutDuals[c]!;
        bound += value * cut.most;
        if (value > 0) cutDuals.push({ cut, value });
      });
      whole.push(...block.solution);
      block.columns.forEach((j, c) => (x[j] = block.x[c]!));
    }
    // Rows outside all blocks keep their multipliers: they do for columns that reach across.
    for (let row = 0; row < rows; row++) {
      if (covered[row]) continue;
      duals[row] = multipliers[row]!;
      bound += multipliers[row]!;
    }
    keep(whole.sort((a, b) => a - b));
    const next = new Float64Array(size);
    for (let j = 0; j < size; j++) {
      let left = gain[j]!;
      for (let at = start[j]!; at < start[j + 1]!; at++) left -= duals[items[at]!]!;
      next[j] = left;
    }
    if (cutDuals.length) {
      const ofRow = new Map<number, { cut: Cut; value: number }[]>();
      for (const entry of cutDuals) for (const row of entry.cut.rows) ofRow.set(row, [...(ofRow.get(row) ?? []), entry]);
      for (let j = 0; j < size; j++) {
        const seen = new Set<Cut>();
        for (let at = start[j]!; at < start[j + 1]!; at++) {
          for (const { cut, value } of ofRow.get(items[at]!) ?? []) {
            if (seen.has(cut)) continue;
            seen.add(cut);
            next[j]! -= value * inCut(packing, j, cut);
          }
        }
      }
    }
    let entering = 0;
    for (let j = 0; j < size; j++) {
      if (next[j]! <= 1e-9) continue;
      bound += next[j]!;
      if (!member[j]) {
        member[j] = 1;
        entering++;
      }
    }
    if (bound < bestBound) {
      bestBound = bound;
      bestReduced = next;
      bestX = x;
    }
    cuts = cutDuals.map(({ cut }) => cut);
    if (entering === 0) break;
    for (const key of [...blocks.keys()]) if (!lists.some((list) => list.length === blocks.get(key)!.columns.length && list[0] === blocks.get(key)!.columns[0])) blocks.delete(key); // prettier-ignore
    yield;
  }
  return { bound: bestBound, reduced: bestReduced, x: bestX, cuts };
}

/** How far below the top columns may be at first: as far as the blocks stay small. */
function startWidth(packing: Packing, reduced: Float64Array): number {
  const places = Int32Array.from({ length: packing.size }, (_, j) => j);
  for (const width of [0.1, 0.05, 0.02, 0.01, 5e-3, 2e-3, 1e-3, 3e-4, 1e-4]) {
    const near = places.filter((j) => reduced[j]! >= -width);
    const largest = Math.max(0, ...connected(packing, near).map((list) => list.length));
    if (largest <= 800) return width;
  }
  return 0;
}
