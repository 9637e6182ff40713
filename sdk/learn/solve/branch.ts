// Branch and bound on one part of a packing: exact, with the bound that was proven where the clock ends it.
import { greedy } from './greedy.js';
import { type Clock, firstMultipliers, lowerBound, reducedGains } from './multipliers.js';
import { columnsByRow, connected, gainOf, type Packing, partOf } from './packing.js';
import { type Cut, findCuts, isWhole, solveRelaxation } from './simplex.js';

/** A solution and what is proven of it. */
export interface Answer {
  /** Chosen columns, ascending. */
  readonly columns: readonly number[];
  /** Their gain. */
  readonly value: number;
  /** No solution gains more than this (but where a cutoff was given: no solution above it). */
  readonly bound: number;
}

/** Differences below this are rounding. */
export const rounding = 1e-10;

/** Columns that a search without relaxation handles faster. */
const fewColumns = 14;
/** Rows up to which the relaxation is solved with an explicit inverse (rows^2 doubles of memory). */
export const mostRows = 2500;

/**
 * Solves a packing. Yields now and then. Solutions of at most `cutoff` need not be found: the answer may then be any. `known`: columns that share no
 * row, to start from.
 */
export function* solveExactly(
  packing: Packing,
  clock: Clock,
  cutoff = Number.NEGATIVE_INFINITY,
  known: readonly number[] = [],
): Generator<undefined, Answer> {
  const all = Int32Array.from({ length: packing.size }, (_, j) => j);
  const parts = connected(packing, all);
  if (parts.length === 1) return yield* solveConnected(packing, clock, cutoff, known);
  const isKnown = new Set(known);
  const columns: number[] = [];
  let bound = 0;
  for (const list of parts) {
    const part = partOf(packing, list);
    const answer = yield* solveConnected(
      part.packing,
      clock,
      Number.NEGATIVE_INFINITY,
      known.length ? Array.from(part.columns.keys()).filter((c) => isKnown.has(part.columns[c]!)) : [],
    );
    for (const j of answer.columns) columns.push(part.columns[j]!);
    bound += answer.bound;
  }
  columns.sort((a, b) => a - b);
  const value = gainOf(packing, columns);
  return { columns, value, bound: Math.max(value, bound) };
}

function* solveConnected(packing: Packing, clock: Clock, cutoff: number, known: readonly number[]): Generator<undefined, Answer> {
  if (packing.size <= fewColumns) return search(packing);
  yield;
  const byRow = columnsByRow(packing);
  let best = greedy(packing, perRow(packing), byRow);
  let value = gainOf(packing, best);
  const keep = (columns: number[]): void => {
    const own = gainOf(packing, columns);
    if (own <= value + rounding) return;
    best = columns;
    value = own;
  };
  keep(greedy(packing, packing.gain, byRow));
  if (known.length) {
    // What is known, and whatever else fits.
    const first = Float64Array.from(packing.gain);
    const top = first.reduce((most, gain) => Math.max(most, gain), 0);
    for (const j of known) first[j]! += top + 1;
    keep(greedy(packing, first, byRow));
  }
  let bound: number;
  let reduced: Float64Array;
  let x: Float64Array | undefined;
  if (packing.rows <= mostRows && !clock.stopped) {
    const cuts: Cut[] = [];
    let relaxation = yield* solveRelaxation(packing, cuts, best, clock);
    for (let round = 0; round < 20 && !isWhole(relaxation.x) && !clock.stopped; round++) {
      keep(greedy(packing, relaxation.x, byRow));
      if (relaxation.bound <= Math.max(value, cutoff) + rounding) break;
      const found = findCuts(packing, relaxation.x, cuts, 50);
      if (found.length === 0) break;
      cuts.push(...found);
      const next = yield* solveRelaxation(packing, cuts, best, clock);
      // A bound that hardly moves is no reason to go on.
      const done = relaxation.bound - next.bound < 1e-9;
      relaxation = next;
      if (done && round > 3) break;
    }
    ({ bound, reduced, x } = relaxation);
    keep(greedy(packing, x, byRow));
  } else {
    const first = firstMultipliers(packing);
    reduced = new Float64Array(packing.size);
    const dual = { values: first, bound: reducedGains(packing, first, reduced) };
    if (!clock.stopped) yield* lowerBound(packing, dual, value, 600, clock);
    bound = reducedGains(packing, dual.values, reduced);
    keep(greedy(packing, reduced, byRow));
  }
  bound = Math.max(bound, value);
  const least = Math.max(value, cutoff);
  if (bound <= least + rounding || clock.stopped) return { columns: best, value, bound: clock.stopped ? bound : least };
  // A column in a better solution loses no more than there is left.
  const kept: number[] = [];
  for (let j = 0; j < packing.size; j++) if (bound + Math.min(0, reduced[j]!) > least) kept.push(j);
  if (kept.length < packing.size) {
    const part = partOf(packing, kept);
    const answer = yield* solveExactly(part.packing, clock, least);
    return better(
      answer,
      Array.from(answer.columns, (j) => part.columns[j]!),
    );
  }
  // Two labels: together in one column, or not (Ryan and Foster). Whichever is more likely first.
  const [a, b] = x ? openPair(packing, x) : mostLikelyPair(packing, reduced);
  const has = (j: number, row: number): boolean => {
    for (let at = packing.start[j]!; at < packing.start[j + 1]!; at++) if (packing.items[at] === row) return true;
    return false;
  };
  const together = kept.filter((j) => has(j, a) === has(j, b));
  const apart = kept.filter((j) => !(has(j, a) && has(j, b)));
  let worst = value;
  for (const list of [together, apart]) {
    const part = partOf(packing, list);
    const answer = yield* solveExactly(part.packing, clock, Math.max(value, cutoff));
    worst = Math.max(worst, Math.min(answer.bound, bound));
    if (answer.value > value + rounding) {
      value = answer.value;
      best = Array.from(answer.columns, (j) => part.columns[j]!);
    }
  }
  return { columns: best, value, bound: Math.max(worst, value) };

  function better(answer: Answer, columns: number[]): Answer {
    const top = Math.max(Math.min(bound, Math.max(answer.bound, least)), value);
    return answer.value > value
      ? { columns, value: answer.value, bound: Math.max(top, answer.value) }
      : { columns: best, value, bound: top };
  }
}

/** Gain for each row that a column takes. */
function perRow({ size, start, gain }: Packing): Float64Array {
  return Float64Array.from({ length: size }, (_, j) => gain[j]! / (start[j + 1]! - start[j]!));
}

/** The two rows whose being together is least decided: nearest one half. There is a column with only one of them, and one with both. */
function openPair(packing: Packing, x: Float64Array): [number, number] {
  const { size, start, items, rows } = packing;
  const weight = new Map<number, number>();
  for (let j = 0; j < size; j++) {
    if (x[j]! < 1e-6) continue;
    for (let p = start[j]!; p < start[j + 1]!; p++) {
      for (let q = p + 1; q < start[j + 1]!; q++) {
        const [a, b] = [Math.min(items[p]!, items[q]!), Math.max(items[p]!, items[q]!)];
        weight.set(a * rows + b, (weight.get(a * rows + b) ?? 0) + x[j]!);
      }
    }
  }
  let best: [number, number] | undefined;
  let distance = Number.POSITIVE_INFINITY;
  for (const [key, share] of weight) {
    const pair: [number, number] = [Math.floor(key / rows), key % rows];
    const own = Math.abs(share - 0.5);
    if (own < distance && divides(packing, pair)) {
      best = pair;
      distance = own;
    }
  }
  return best ?? mostLikelyPair(packing, x);
}

/** The first pair that divides the columns, columns with the highest score first. */
function mostLikelyPair(packing: Packing, score: Float64Array): [number, number] {
  const { size, start, items } = packing;
  const order = Int32Array.from({ length: size }, (_, j) => j).sort((a, b) => score[b]! - score[a]! || a - b);
  for (const j of order) {
    for (let p = start[j]!; p < start[j + 1]!; p++) {
      for (let q = p + 1; q < start[j + 1]!; q++) {
        const pair: [number, number] = [items[p]!, items[q]!];
        if (divides(packing, pair)) return pair;
      }
    }
  }
  // Connected columns that no pair divides have the same rows: dominated ones are gone before.
  return [items[0]!, items[1]!];
}

/** Whether some column has one of the rows only, so that both branches are smaller. */
function divides({ size, start, items }: Packing, [a, b]: readonly [number, number]): boolean {
  let one = false;
  let both = false;
  for (let j = 0; j < size && !(one && both); j++) {
    let found = 0;
    for (let at = start[j]!; at < start[j + 1]!; at++) if (items[at] === a || items[at] === b) found++;
    if (found === 1) one = true;
    if (found === 2) both = true;
  }
  return one && both;
}

/** All ways, best first, cut off by what the columns that are left could gain at most. For a few columns. */
function search({ size, rows, start, items, gain }: Packing): Answer {
  const order = Int32Array.from({ length: size }, (_, j) => j).sort((a, b) => gain[b]! - gain[a]! || a - b);
  const rest = new Float64Array(size + 1);
  for (let i = size - 1; i >= 0; i--) rest[i] = rest[i + 1]! + Math.max(0, gain[order[i]!]!);
  const used = new Uint8Array(rows);
  const now: number[] = [];
  let best: number[] = [];
  let top = 0;
  const go = (i: number, value: number): void => {
    if (value > top + rounding) {
      top = value;
      best = now.slice();
    }
    if (i === size || value + rest[i]! <= top + rounding) return;
    const j = order[i]!;
    let free = gain[j]! > 0;
    for (let at = start[j]!; at < start[j + 1]! && free; at++) free = !used[items[at]!];
    if (free) {
      for (let at = start[j]!; at < start[j + 1]!; at++) used[items[at]!] = 1;
      now.push(j);
      go(i + 1, value + gain[j]!);
      now.pop();
      for (let at = start[j]!; at < start[j + 1]!; at++) used[items[at]!] = 0;
    }
    go(i + 1, value);
  };
  go(0, 0);
  best.sort((a, b) => a - b);
  return { columns: best, value: top, bound: top };
}
