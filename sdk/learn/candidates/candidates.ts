// Algorithm 1 of UniDet: grows sets of labels that are cheap to join, for any loss and any number of data sets. It chooses none of them; the 0-1
// program does.
import { ArgumentError, describe, LearnError } from '../../errors.js';
import type { Origin } from '../../taxonomy/taxonomy.js';
import type { LongOptions } from '../costs/ap-loss.js';
import type { Loss } from '../costs/loss.js';
import { checkMembers } from '../nodes.js';
import type { Candidates, Column, CrossScores, NearMiss } from '../types.js';

/** Which sets become candidates. */
export interface CandidateRule {
  /** A set of n labels is kept where cost / (n - 1) <= tau (Algorithm 1); with `pairCost` where cost <= tau, for three labels or more (UniDet's code). */
  readonly tau: number;
  /** UniDet's code: pairs are kept where cost <= this; larger sets are then tried only where all their pairs are kept. Default: not so. */
  readonly pairCost?: number | undefined;
  /**
   * UniDet's code: a pair is looked at only where each label, standing in for the other, is less than this worse than the other's own AP, and better
   * than 0. Default: not so.
   */
  readonly pairDrop?: number | undefined;
  /** UniDet's code: the program weighs |t| times the cost. Default false. */
  readonly timesSize?: boolean | undefined;
  /** Ground truths that every label of a set needs. Default 0: those without any are never looked at by losses that need them. */
  readonly minimumInstances?: number | undefined;
  /** Most sets in all. Default 2,000,000; more are an error that says to lower tau. */
  readonly maxColumns?: number | undefined;
  /** Most near misses that are kept, the closest ones. Default 500. */
  readonly maxNearMisses?: number | undefined;
}

/** Near misses, the closest ones, that get intervals. */
const mostIntervals = 30;

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

/**
 * The candidates of a loss. All sets that the rule allows are found, each once, in the order of size and members; nothing else is tried.
 *
 * @throws ArgumentError for the rule, LearnError `invalid-columns` for too many sets or a cost that is infinite, or `signal.reason`.
 */
export async function candidatesOf(
  loss: Loss,
  rule: CandidateRule,
  { origin, signal, onProgress }: LongOptions & { readonly origin?: Origin | undefined } = {},
): Promise<Candidates> {
  const { tau, pairCost, pairDrop, timesSize = false, minimumInstances = 0 } = rule;
  const { maxColumns = 2_000_000, maxNearMisses = 500 } = rule;
  for (const [thing, value] of Object.entries({ tau, pairCost, pairDrop, minimumInstances, maxColumns, maxNearMisses })) {
    if (value !== undefined && (typeof value !== 'number' || Number.isNaN(value))) {
      throw new ArgumentError({ thing, found: describe(value), wanted: 'a number' });
    }
  }
  if (pairDrop !== undefined && !(loss.own && loss.cross)) {
    throw new ArgumentError({
      thing: 'pairDrop',
      found: `the loss ${loss.name}, which has no own and cross`,
      wanted: 'a loss on AP or recall',
    });
  }
  signal?.throwIfAborted();
  const { nodes } = loss;
  const L = nodes.count;
  let last = 0;
  const breathe = async (phase: string, done: number, total: number): Promise<void> => {
    const now = performance.now();
    if (now - last < 50 && done < total) return;
    onProgress?.({ phase, done, total });
    await pause();
    last = performance.now();
    signal?.throwIfAborted();
  };
  const priceOf = (members: readonly number[]): { cost: number; parts?: Readonly<Record<string, number>> } => {
    const { cost, parts } = loss.cost(members);
    if (cost === Number.POSITIVE_INFINITY || cost === Number.NEGATIVE_INFINITY) {
      throw new LearnError('invalid-columns', {
        thing: `loss ${loss.name} of labels ${members.join(', ')}`,
        found: describe(cost),
        wanted: 'a finite cost, or NaN where nothing can be said',
      });
    }
    return { cost, parts: parts ?? { [loss.name]: cost } };
  };
  const columns: Column[] = [];
  const misses: NearMiss[] = [];
  const keep = (members: readonly number[], cost: number, parts: Readonly<Record<string, number>> | undefined): void => {
    if (columns.length >= maxColumns) {
      throw new LearnError('invalid-columns', {
        thing: 'candidates',
        found: `more than ${maxColumns} sets of labels`,
        wanted: 'fewer',
        next: 'Lower tau, or raise maxColumns.',
      });
    }
    columns.push({ members, cost: timesSize ? cost * members.length : cost, ...(parts && { parts }) });
  };
  const few = (members: readonly number[]): boolean =>
    minimumInstances > 0 && members.some((c) => (loss.instances?.(c) ?? Number.POSITIVE_INFINITY) < minimumInstances);

  // Pairs.
  const all = [...loss.pairs()];
  /** Labels that a set with this one may be grown by. */
  const next: number[][] = Array.from({ length: L }, () => []);
  const kept = new Set<number>();
  let before: (readonly number[])[] = [];
  for (const [k, [a, b]] of all.entries()) {
    await breathe('pairs', k, all.length);
    checkMembers(nodes, [a, b]);
    const members = [a, b];
    if (few(members)) {
      misses.push({ members, why: 'evidence', threshold: minimumInstances });
      continue;
    }
    if (pairDrop !== undefined) {
      const failed = pairFilter(loss, a, b, pairDrop);
      if (failed) {
        if (failed !== 'far') misses.push({ members, why: 'pair', threshold: pairDrop, ...failed });
        continue;
      }
    }
    if (pairCost === undefined) join(a, b);
    const { cost, parts } = priceOf(members);
    if (Number.isNaN(cost)) {
      misses.push({ members, why: 'evidence' });
      continue;
    }
    if (cost <= (pairCost ?? tau)) {
      if (pairCost !== undefined) join(a, b);
      kept.add(a * L + b);
      keep(members, cost, parts);
      before.push(members);
    } else misses.push({ members, why: 'cost', cost, threshold: pairCost ?? tau });
  }
  function join(a: number, b: number): void {
    next[a]!.push(b);
    next[b]!.push(a);
  }

  // Larger sets, each from those that are one smaller.
  for (let n = 3; n <= nodes.spaces.length && before.length > 0; n++) {
    const grown: number[][] = [];
    const seen = new Set<string>();
    for (const [k, t] of before.entries()) {
      await breathe('columns', k, before.length);
      const options = new Set(t.flatMap((c) => next[c]!));
      for (const l of options) {
        if (t.some((c) => nodes.datasetOf[c] === nodes.datasetOf[l])) continue;
        if (pairCost !== undefined && !t.every((c) => kept.has(Math.min(c, l) * L + Math.max(c, l)))) continue;
        const members = [...t, l].sort((x, y) => x - y);
        const key = members.join();
        if (seen.has(key)) continue;
        seen.add(key);
        const { cost, parts } = priceOf(members);
        if (Number.isNaN(cost)) continue;
        const threshold = pairCost === undefined ? tau * (n - 1) : tau;
        if (cost <= threshold) {
          keep(members, cost, parts);
          grown.push(members);
        } else misses.push({ members, why: 'cost', cost, threshold });
      }
    }
    before = grown;
  }
  columns.sort((x, y) => x.members.length - y.members.length || compare(x.members, y.members));

  const over = (miss: NearMiss): number =>
    miss.cost === undefined ? (miss.why === 'evidence' ? 2 : 1) : miss.cost - (miss.threshold ?? 0);
  misses.sort((x, y) => over(x) - over(y) || compare(x.members, y.members));
  const nearMisses: NearMiss[] = [];
  for (const [k, miss] of misses.slice(0, maxNearMisses).entries()) {
    await breathe('evidence', k, Math.min(misses.length, maxNearMisses));
    const evidence = loss.evidence?.(miss.members, k < mostIntervals);
    nearMisses.push({ ...miss, ...(evidence && { evidence }) });
  }
  for (const [k, column] of columns.entries()) {
    if (!loss.evidence) break;
    await breathe('evidence', k, columns.length);
    columns[k] = { ...column, evidence: loss.evidence(column.members) };
  }
  await breathe('columns', columns.length, columns.length);
  return {
    spaces: nodes.spaces,
    columns,
    nearMisses,
    origin: origin ?? { method: 'learned', loss: loss.name, parameters: parametersOf(rule) },
    ...(loss.own && loss.cross && { cross: crossOf(loss, all) }),
  };
}

/** The rule as the origin of a taxonomy keeps it. */
export function parametersOf(rule: CandidateRule): Record<string, number | boolean> {
  return Object.fromEntries(Object.entries(rule).filter(([, value]) => value !== undefined)) as Record<string, number | boolean>;
}

/** Undefined where the pair passes; `far` where a bound says so without computing. */
function pairFilter(loss: Loss, a: number, b: number, drop: number): 'far' | Pick<NearMiss, 'note'> | undefined {
  const needed = (c: number): number => Math.max(loss.own!(c) - drop, 0);
  const [forA, forB] = [needed(a), needed(b)];
  // NaN (no ground truth) passes no comparison.
  if (!((loss.crossBound?.(b, a) ?? 1) > forA) || !((loss.crossBound?.(a, b) ?? 1) > forB)) return 'far';
  const [onA, onB] = [loss.cross!(b, a), loss.cross!(a, b)];
  if (onA > forA && onB > forB) return undefined;
  const text = (value: number): string => value.toFixed(3);
  return {
    note: `standing in: ${text(onA)} where more than ${text(forA)} is needed, ${text(onB)} where more than ${text(forB)}`,
  };
}

function crossOf(loss: Loss, pairs: readonly (readonly [number, number])[]): CrossScores {
  return {
    own: Float64Array.from({ length: loss.nodes.count }, (_, c) => loss.own!(c)),
    pairs: pairs.flatMap(([a, b]) =>
      [
        [a, b],
        [b, a],
      ].flatMap(([x, y]) => {
        // Only what a bound does not settle as hopeless is worth an AP.
        const score = (loss.crossBound?.(x!, y!) ?? 1) > 0.02 ? loss.cross!(x!, y!) : 0;
        return score > 0 ? [{ a: x!, b: y!, score }] : [];
      }),
    ),
  };
}

function compare(x: readonly number[], y: readonly number[]): number {
  for (let i = 0; i < x.length && i < y.length; i++) if (x[i] !== y[i]) return x[i]! - y[i]!;
  return x.length - y.length;
}

/** The column of one set of labels, whether it would pass the rule or not. Throws LearnError `invalid-columns` where nothing can be said of it. */
export function columnOf(
  loss: Loss,
  members: readonly number[],
  { timesSize = false }: Pick<CandidateRule, 'timesSize'> = {},
): Column {
  const sorted = checkMembers(loss.nodes, members);
  const { cost, parts } = loss.cost(sorted);
  const evidence = loss.evidence?.(sorted);
  if (!Number.isFinite(cost)) {
    throw new LearnError('invalid-columns', {
      thing: `loss ${loss.name} of labels ${sorted.join(', ')}`,
      found: describe(cost),
      wanted: 'a finite cost',
      next: 'There is too little ground truth of these labels.',
    });
  }
  return {
    members: sorted,
    cost: timesSize ? cost * sorted.length : cost,
    parts: parts ?? { [loss.name]: cost },
    ...(evidence && { evidence }),
  };
}
