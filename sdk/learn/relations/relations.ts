// Labels that are part of others, from asymmetric recall and cross-AP: the broader label finds the narrower one's objects, but not the other way round.
import { ArgumentError, describe } from '../../errors.js';
import { findCycle } from '../../taxonomy/cycle.js';
import type { Relation } from '../../taxonomy/relations.js';
import { coFiring, type LongOptions, tableParts } from '../costs/ap-loss.js';
import { type ApOptions, ApTable } from '../costs/ap-table.js';
import type { Firings } from '../firings/firings.js';
import { labelOfNode } from '../nodes.js';

/** Options of {@link findRelations}. */
export interface RelationsOptions extends ApOptions, LongOptions {
  /** Least share of the narrower label's own AP that the broader one reaches on its objects. Default 0.5. */
  readonly least?: number | undefined;
  /** Most share of the broader label's own AP that the narrower one reaches. Default 0.5. */
  readonly most?: number | undefined;
  /** Ground truths that both labels need. Default 10. */
  readonly minimumInstances?: number | undefined;
  /** Merged labels (sets of nodes). A label that has its twin in the other data set is no part of another label there: such pairs are left out. */
  readonly merges?: readonly (readonly number[])[] | undefined;
}

/** Bounds of a share that was k of n, by Wilson's score interval (95 %). */
export function wilson(k: number, n: number): [lower: number, upper: number] {
  if (n === 0) return [0, 1];
  const z = 1.959963984540054;
  const p = k / n;
  const middle = p + (z * z) / (2 * n);
  const half = z * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n));
  return [Math.max(0, (middle - half) / (1 + (z * z) / n)), Math.min(1, (middle + half) / (1 + (z * z) / n))];
}

/**
 * Finds subset relations. a is a subset of b where b reaches `least` of a's own AP on the ground truth of a, a reaches at most `most` of b's own AP on
 * that of b, and b's recall on a is above a's recall on b beyond doubt (Wilson intervals of 95 % do not touch). Both are measured on all images of the data
 * set, negatives too, but boxes on objects of other labels are no misses, since a broader label rightly fires on them. The second share is divided by what
 * the head of a reaches on b's images for its best labels, so that a weak head alone makes no subset. Relations that would close a cycle are left out, the
 * weakest first.
 *
 * @returns each as `a subset b` with the difference of both shares as score, best first.
 * @throws ArgumentError, LearnError, or `signal.reason`.
 */
export async function findRelations(firings: Firings, options: RelationsOptions = {}): Promise<Relation[]> {
  const { least = 0.5, most = 0.5, minimumInstances = 10, merges = [], signal, onProgress, ...ap } = options;
  for (const [thing, value] of Object.entries({ least, most })) {
    if (!(typeof value === 'number' && value >= 0 && value <= 1)) {
      throw new ArgumentError({ thing, found: describe(value), wanted: 'a number from 0 to 1' });
    }
  }
  const table = await ApTable.of(firings, { misses: 'background', ...ap }, { signal, onProgress });
  const { cross } = tableParts(table);
  const { datasetOf, spaces, count } = firings;
  const enough = (c: number): boolean => table.instances[c]! >= Math.max(1, minimumInstances);
  const share = (a: number, b: number): number => {
    const own = table.own(b);
    return own > 0 ? Math.min(1, cross(a, b) / own) : 0;
  };
  const pairs = coFiring(table).filter(([a, b]) => enough(a) && enough(b) && table.own(a) > 0 && table.own(b) > 0);
  // What the head of a data set reaches on the images of another, for as many labels as the smaller one has.
  const best = new Float64Array(spaces.length * count);
  for (const [a, b] of pairs) {
    for (const [x, y] of [
      [a, b],
      [b, a],
    ] as const) {
      const at = datasetOf[x]! * count + y;
      best[at] = Math.max(best[at]!, share(x, y));
    }
  }
  const transfer = (s: number, d: number): number => {
    const values: number[] = [];
    for (let c = firings.starts[d]!; c < firings.starts[d + 1]!; c++) if (enough(c)) values.push(best[s * count + c]!);
    const top = values.sort((x, y) => y - x).slice(0, spaces[s]!.size);
    return top.length ? top.reduce((x, y) => x + y, 0) / top.length : 0;
  };
  const transfers = new Map<number, number>();
  const transferOf = (s: number, d: number): number => {
    const key = s * spaces.length + d;
    let value = transfers.get(key);
    if (value === undefined) transfers.set(key, (value = transfer(s, d)));
    return value;
  };
  const group = new Map<number, number>();
  merges.forEach((members, k) => members.forEach((c) => group.set(c, k)));

  /** Whether label c has been found to be the same as a label of data set d. */
  const hasTwin = (c: number, d: number): boolean => merges[group.get(c) ?? -1]?.some((m) => datasetOf[m] === d) ?? false;

  const found: { a: number; b: number; forward: number; backward: number }[] = [];
  for (const [x, y] of pairs) {
    if (hasTwin(x, datasetOf[y]!) || hasTwin(y, datasetOf[x]!)) continue;
    for (const [a, b] of [
      [x, y],
      [y, x],
    ] as const) {
      const backward = share(b, a);
      if (backward < least) continue;
      const forward = share(a, b);
      if (Math.min(1, forward / Math.max(transferOf(datasetOf[a]!, datasetOf[b]!), 1e-9)) > most) continue;
      const [lower] = wilson(table.hits(b, a), table.instances[a]!);
      const [, upper] = wilson(table.hits(a, b), table.instances[b]!);
      if (lower > upper) found.push({ a, b, forward, backward });
    }
  }
  found.sort((p, q) => q.backward - q.forward - (p.backward - p.forward) || p.a - q.a || p.b - q.b);
  const root = (c: number): number => (group.has(c) ? count + group.get(c)! : c);
  const above = new Map<number, number[]>();
  const kept: Relation[] = [];
  const key = (c: number) => ({ dataset: spaces[datasetOf[c]!]!.name, id: labelOfNode(firings, c).id });
  for (const { a, b, forward, backward } of found) {
    const own = above.get(root(a)) ?? [];
    above.set(root(a), [...own, root(b)]);
    if (findCycle(count + merges.length, (node) => above.get(node) ?? [])) {
      above.set(root(a), own);
      continue;
    }
    const round = (value: number): number => Math.round(value * 1e4) / 1e4;
    kept.push({
      a: key(a),
      kind: 'subset',
      b: key(b),
      score: round(Math.max(0, backward - forward)),
      evidence: [
        {
          source: 'cross AP',
          forward: round(cross(a, b)),
          backward: round(cross(b, a)),
          note: `finds ${table.hits(a, b)} of ${table.instances[b]}; is found ${table.hits(b, a)} of ${table.instances[a]}`,
        },
      ],
    });
  }
  return kept;
}
