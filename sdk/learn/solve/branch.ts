// Branch and bound on one part of a packing: exact, with the bound that was proven where the clock ends it.
import { greedy } from './greedy.js';
import { type Clock, firstMultipliers, lowerBound, reducedGains } from './multipliers.js';
import { columnsByRow, connected, gainOf, type Packing, type Part, partOf } from './packing.js';
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
/** Columns from which on good solutions are looked for before the search. */
const fewForDiving = 60;
/** Most columns beside those that are chosen whole, when diving. */
const mostFree = 1200;
/** Rows at which the surroundings of a row are large enough. */
const mostRegion = 24;
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
  cuts: readonly Cut[] = [],
): Generator<undefined, Answer> {
  const all = Int32Array.from({ length: packing.size }, (_, j) => j);
  const parts = connected(packing, all);
  if (parts.length === 1) return yield* solveConnected(packing, clock, cutoff, known, cuts);
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
      cutsOf(part, cuts),
    );
    for (const j of answer.columns) columns.push(part.columns[j]!);
    bound += answer.bound;
  }
  columns.sort((a, b) => a - b);
  const value = gainOf(packing, columns);
  return { columns, value, bound: Math.max(value, bound) };
}

function* solveConnected(
  packing: Packing,
  clock: Clock,
  cutoff: number,
  known: readonly number[],
  given: readonly Cut[],
): Generator<undefined, Answer> {
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
  const cuts: Cut[] = [...given];
  if (packing.rows <= mostRows && !clock.stopped) {
    let relaxation = yield* solveRelaxation(packing, cuts, best, clock);
    if (packing.size > fewForDiving && !isWhole(relaxation.x)) {
      keep(greedy(packing, relaxation.x, byRow));
      const close = relaxation.bound <= Math.max(value, cutoff) + rounding;
      // With a cutoff or a start a good solution is known already.
      if (!close && cutoff === Number.NEGATIVE_INFINITY && known.length === 0 && !clock.stopped)
        keep(yield* dive(packing, relaxation.x, relaxation.reduced, best, clock));
      // With fewer columns the relaxations to come are faster; they start again on what is left.
      const least = Math.max(value, cutoff);
      const kept = worthwhile(relaxation.bound, relaxation.reduced, least);
      if (!clock.stopped && relaxation.bound > least + rounding && kept.length < 0.8 * packing.size)
        return yield* narrowed(kept, relaxation.bound, least);
    }
    for (let round = 0; round < 20 && !isWhole(relaxation.x) && !clock.stopped; round++) {
      keep(greedy(packing, relaxation.x, byRow));
      if (relaxation.bound <= Math.max(value, cutoff) + rounding) break;
      const found = findCuts(packing, relaxation.x, cuts, 100);
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
  const kept = worthwhile(bound, reduced, least);
  if (kept.length < packing.size) return yield* narrowed(kept, bound, least);
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
    const answer = yield* solveExactly(part.packing, clock, Math.max(value, cutoff), [], cutsOf(part, cuts));
    worst = Math.max(worst, Math.min(answer.bound, bound));
    if (answer.value > value + rounding) {
      value = answer.value;
      best = Array.from(answer.columns, (j) => part.columns[j]!);
    }
  }
  return { columns: best, value, bound: Math.max(worst, value) };

  /** A column in a better solution loses no more than there is left. */
  function worthwhile(top: number, left: Float64Array, least: number): number[] {
    const kept: number[] = [];
    for (let j = 0; j < packing.size; j++) if (top + Math.min(0, left[j]!) > least) kept.push(j);
    return kept;
  }

  /** The answer from fewer columns: the others are in no solution above `least`. */
  function* narrowed(kept: readonly number[], top: number, least: number): Generator<undefined, Answer> {
    const part = partOf(packing, kept);
    const inBest = new Set(best);
    const start = Array.from(part.columns.keys()).filter((c) => inBest.has(part.columns[c]!));
    const answer = yield* solveExactly(part.packing, clock, least, start, cutsOf(part, cuts));
    const proven = Math.max(Math.min(top, Math.max(answer.bound, least)), value);
    if (answer.value <= value) return { columns: best, value, bound: proven };
    const columns = Array.from(answer.columns, (j) => part.columns[j]!);
    return { columns, value: answer.value, bound: Math.max(proven, answer.value) };
  }
}

/**
 * A good solution from a fractional one: what is chosen whole stays, the columns near the top that fit beside it are solved exactly, part by part; then
 * the surroundings of each open row are solved again, as long as that gains.
 */
export function* dive(
  packing: Packing,
  x: Float64Array,
  reduced: Float64Array,
  known: readonly number[],
  clock: Clock,
): Generator<undefined, number[]> {
  const { size, rows, start, items } = packing;
  const byRow = columnsByRow(packing);
  const taken = new Uint8Array(rows);
  const fixed: number[] = [];
  for (let j = 0; j < size; j++) {
    if (x[j]! < 0.99) continue;
    fixed.push(j);
    for (let at = start[j]!; at < start[j + 1]!; at++) taken[items[at]!] = 1;
  }
  const fits = (j: number): boolean => {
    for (let at = start[j]!; at < start[j + 1]!; at++) if (taken[items[at]!]) return false;
    return true;
  };
  const free: number[] = [];
  for (let j = 0; j < size; j++) if (reduced[j]! > -0.1 && fits(j)) free.push(j);
  if (free.length > mostFree) {
    free.sort((a, b) => reduced[b]! - reduced[a]! || a - b);
    free.length = mostFree;
    free.sort((a, b) => a - b);
  }
  let best = [...known];
  let value = gainOf(packing, best);
  const score = new Float64Array(size);
  const keep = (columns: readonly number[]): boolean => {
    // What is chosen first, then whatever else fits, with exchanges.
    score.set(packing.gain);
    for (const j of columns) score[j]! += 1e6;
    const whole = greedy(packing, score, byRow);
    const own = gainOf(packing, whole);
    if (own <= value + rounding) return false;
    best = whole;
    value = own;
    return true;
  };
  if (free.length < 0.7 * size) {
    const part = partOf(packing, free);
    const answer = yield* solveExactly(part.packing, shortClock(clock, 300));
    keep([...fixed, ...Array.from(answer.columns, (c) => part.columns[c]!)]);
  }
  // Rows that the relaxation leaves open, and around each the columns of the present solution that it meets.
  const open: number[] = [];
  for (let row = 0; row < rows; row++) {
    const own = byRow.columns.subarray(byRow.start[row]!, byRow.start[row + 1]!);
    if (own.some((j) => x[j]! > 1e-6 && x[j]! < 1 - 1e-6)) open.push(row);
  }
  const owner = new Int32Array(rows);
  for (let round = 0; round < 3 && !clock.stopped; round++) {
    let gained = false;
    const seen = new Set<number>();
    for (const row of open) {
      if (clock.stopped) break;
      if (seen.has(row)) continue;
      owner.fill(-1);
      for (const j of best) for (let at = start[j]!; at < start[j + 1]!; at++) owner[items[at]!] = j;
      const region = new Set([row]);
      const around = new Set<number>();
      for (const r of region) {
        if (region.size > mostRegion) break;
        for (let c = byRow.start[r]!; c < byRow.start[r + 1]!; c++) {
          const j = byRow.columns[c]!;
          if (reduced[j]! < -0.15) continue;
          for (let at = start[j]!; at < start[j + 1]!; at++) region.add(items[at]!);
        }
      }
      for (const r of region) {
        seen.add(r);
        if (owner[r]! >= 0) around.add(owner[r]!);
      }
      const inside = new Set(region);
      for (const j of around) for (let at = start[j]!; at < start[j + 1]!; at++) inside.add(items[at]!);
      const columns = new Set<number>();
      for (const r of inside) {
        for (let c = byRow.start[r]!; c < byRow.start[r + 1]!; c++) {
          const j = byRow.columns[c]!;
          if (reduced[j]! < -0.15 && !around.has(j)) continue;
          let within = true;
          for (let at = start[j]!; at < start[j + 1]! && within; at++) within = inside.has(items[at]!);
          if (within) columns.add(j);
        }
      }
      if (columns.size > 0.7 * size) continue;
      const part = partOf(packing, [...columns].sort((a, b) => a - b)); // prettier-ignore
      const local = Array.from(part.columns.keys()).filter((c) => around.has(part.columns[c]!));
      const before = gainOf(packing, around);
      const answer = yield* solveExactly(part.packing, shortClock(clock, 60), before, local);
      if (answer.value <= before + rounding) continue;
      const outside = best.filter((j) => !around.has(j));
      if (keep([...outside, ...Array.from(answer.columns, (c) => part.columns[c]!)])) gained = true;
    }
    if (!gained) break;
  }
  return best;
}

/** A clock that also stops after some looks at it: bounds the work in a way that is the same on every machine. */
function shortClock(clock: Clock, looks: number): Clock {
  let left = looks;
  return {
    get stopped() {
      return left-- <= 0 || clock.stopped;
    },
  };
}

/** The cuts that lie within a part, by its rows. */
export function cutsOf({ rows }: Part, cuts: readonly Cut[]): Cut[] {
  if (cuts.length === 0) return [];
  const places = new Map(Array.from(rows, (row, i) => [row, i]));
  return cuts.flatMap((cut) => {
    const own = cut.rows.map((row) => places.get(row));
    return own.every((row) => row !== undefined) ? [{ rows: (own as number[]).sort((a, b) => a - b), most: cut.most }] : [];
  });
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
