// An upper bound of a packing's gain from multipliers of its rows, lowered step by step: the volume algorithm (Barahona and Anbil, 2000).
import type { Packing } from './packing.js';

/** Says when to stop. */
export interface Clock {
  readonly stopped: boolean;
}

/** Multipliers and the bound that they prove. */
export interface Multipliers {
  /** [rows], none below 0. */
  readonly values: Float64Array;
  /** sum of values + sum over columns of max(0, gain - values of its rows): no solution gains more. */
  readonly bound: number;
}

/** Multipliers with which no column gains anything: each row takes the largest share (gain / rows) of its columns. */
export function firstMultipliers({ rows, size, start, items, gain }: Packing): Float64Array {
  const values = new Float64Array(rows);
  for (let j = 0; j < size; j++) {
    const share = gain[j]! / (start[j + 1]! - start[j]!);
    for (let at = start[j]!; at < start[j + 1]!; at++) if (values[items[at]!]! < share) values[items[at]!] = share;
  }
  return values;
}

/** gain - multipliers of its rows, for every column; returns the bound. */
export function reducedGains({ size, start, items, gain }: Packing, values: Float64Array, reduced: Float64Array): number {
  let bound = 0;
  for (let i = 0; i < values.length; i++) bound += values[i]!;
  for (let j = 0; j < size; j++) {
    let left = gain[j]!;
    for (let at = start[j]!; at < start[j + 1]!; at++) left -= values[items[at]!]!;
    reduced[j] = left;
    if (left > 0) bound += left;
  }
  return bound;
}

/**
 * Lowers the bound by `iterations` steps. `target` is what a known solution gains: no bound goes below it. Yields now and then, so that the caller can
 * stop; what was found by then is in `best`.
 */
export function* lowerBound(
  packing: Packing,
  best: { values: Float64Array; bound: number },
  target: number,
  iterations: number,
  clock: Clock,
): Generator<undefined, void> {
  const { rows, size, start, items, gain } = packing;
  const trial = new Float64Array(rows);
  const cover = new Float64Array(rows);
  // The mean of the answers seen: a fractional solution whose uncovered rows give a steadier direction than the last answer alone.
  const mean = new Float64Array(rows);
  let factor = 0.5;
  let worse = 0;
  let mixing = 0.1;
  let bound = best.bound;
  const values = best.values.slice();
  const look = (at: Float64Array): number => {
    cover.fill(0);
    let sum = 0;
    for (let i = 0; i < rows; i++) sum += at[i]!;
    for (let j = 0; j < size; j++) {
      const [from, to] = [start[j]!, start[j + 1]!];
      let left = gain[j]!;
      for (let k = from; k < to; k++) left -= at[items[k]!]!;
      if (left > 0) {
        sum += left;
        for (let k = from; k < to; k++) cover[items[k]!]! += 1;
      }
    }
    return sum;
  };
  bound = Math.min(bound, look(values));
  mean.set(cover);
  for (let iteration = 0; iteration < iterations; iteration++) {
    if (iteration % 8 === 7) {
      yield;
      if (clock.stopped) break;
    }
    let norm = 0;
    for (let i = 0; i < rows; i++) {
      const direction = 1 - mean[i]!;
      if (direction < 0 || values[i]! > 0) norm += direction * direction;
    }
    const distance = bound - target;
    if (norm < 1e-12 || distance <= 1e-10 * Math.max(1, Math.abs(target))) break;
    const step = (factor * distance) / norm;
    for (let i = 0; i < rows; i++) trial[i] = Math.max(0, values[i]! - step * (1 - mean[i]!));
    const found = look(trial);
    let agree = 0;
    for (let i = 0; i < rows; i++) {
      agree += (1 - cover[i]!) * (1 - mean[i]!);
      mean[i] = mixing * cover[i]! + (1 - mixing) * mean[i]!;
    }
    if (found < bound) {
      if (bound - found > 1e-4 * distance) worse = 0;
      values.set(trial);
      bound = found;
      if (agree > 0) factor = Math.min(2, factor * 1.1);
    } else if (++worse >= 12) {
      worse = 0;
      factor *= 0.66;
      mixing = Math.max(0.01, mixing * 0.9);
      if (factor < 1e-5) break;
    }
  }
  if (bound < best.bound) {
    best.values = values;
    best.bound = bound;
  }
}
