// How label spaces compare (UniDet's Tables 3 and 4): their sizes, agreement with an expert's, and AP of each data set under each of them. Expert maps are
// read by labelweave/taxonomy/formats (CSV of the Robust Vision Challenge); those by names and by vectors are made by labelweave/taxonomy/merge.
import { LearnError } from '../../errors.js';
import type { UnifiedLabelSpace } from '../../taxonomy/unified.js';
import type { LongOptions } from '../costs/ap-loss.js';
import { type ApOptions, ApTable, type MergeRule } from '../costs/ap-table.js';
import type { Firings } from '../firings/firings.js';
import { clustersOf } from './fold-heads.js';

/** Agreement of two unified label spaces, over pairs of labels that stand together. */
export interface Agreement {
  /** Unified labels of the first. */
  readonly size: number;
  /** Unified labels of the expert's. */
  readonly expertSize: number;
  /** Pairs of labels that the first joins, of labels that the expert knows. */
  readonly pairs: number;
  /** Pairs of labels that the expert joins, of labels that the first knows. */
  readonly expertPairs: number;
  /** Pairs that both join. */
  readonly both: number;
  /** both / pairs; 1 where there is none. */
  readonly precision: number;
  /** both / expertPairs; 1 where there is none. */
  readonly recall: number;
  /** Harmonic mean of both. */
  readonly f1: number;
}

/** Compares the merges of two unified label spaces. Labels are the same where data set and id are; only labels that both know are looked at. */
export function compareMerges(found: UnifiedLabelSpace, expert: UnifiedLabelSpace): Agreement {
  const keysOf = ({ labels }: UnifiedLabelSpace): string[][] =>
    labels.map(({ members }) => Object.entries(members).map((entry) => JSON.stringify(entry)));
  const [own, other] = [keysOf(found), keysOf(expert)];
  const [ownKnown, otherKnown] = [new Set(own.flat()), new Set(other.flat())];
  const pairsOf = (groups: readonly string[][], known: ReadonlySet<string>): Set<string> =>
    new Set(
      groups.flatMap((group) => {
        const kept = group.filter((key) => known.has(key)).sort();
        return kept.flatMap((a, i) => kept.slice(i + 1).map((b) => `${a} ${b}`));
      }),
    );
  const [pairs, expertPairs] = [pairsOf(own, otherKnown), pairsOf(other, ownKnown)];
  const both = [...pairs].filter((pair) => expertPairs.has(pair)).length;
  const precision = pairs.size ? both / pairs.size : 1;
  const recall = expertPairs.size ? both / expertPairs.size : 1;
  return {
    size: found.size,
    expertSize: expert.size,
    pairs: pairs.size,
    expertPairs: expertPairs.size,
    both,
    precision,
    recall,
    f1: precision + recall > 0 ? (2 * precision * recall) / (precision + recall) : 0,
  };
}

/** AP of one data set, own heads and merged. */
export interface DatasetAp {
  /** Name of the data set. */
  readonly dataset: string;
  /** Labels with ground truth: the mean is over these. */
  readonly labels: number;
  /** Mean AP of the heads as they are. */
  readonly own: number;
  /** Mean AP with the scores of the unified labels, projected back (Eq. 5). */
  readonly merged: number;
}

/**
 * Mean AP of each data set under a unified label space. Labels of it that the firings do not have are passed over; labels of the firings that it does not
 * have keep their own scores. Throws ArgumentError, LearnError `invalid-firings` where no data set is common, or `signal.reason`.
 */
export async function apUnder(
  firings: Firings,
  unified: UnifiedLabelSpace | undefined,
  options: ApOptions & Partial<MergeRule> & LongOptions = {},
): Promise<DatasetAp[]> {
  const { combine = 'average', nms, plusOne, match, signal, onProgress, ...ap } = options;
  const known = unified?.datasets.map(({ name }) => name) ?? [];
  if (unified && !firings.spaces.some(({ name }) => known.includes(name))) {
    throw new LearnError('invalid-firings', {
      thing: 'firings',
      found: firings.spaces.map(({ name }) => name).join(', '),
      wanted: `a data set of the unified label space: ${known.join(', ')}`,
    });
  }
  const table = await ApTable.of(firings, ap, { signal, onProgress });
  const clusterOf = new Map<number, readonly number[]>();
  for (const members of unified ? clustersOf(unified, firings.spaces) : []) for (const c of members) clusterOf.set(c, members);
  return firings.spaces.map(({ name }, d): DatasetAp => {
    let labels = 0;
    let own = 0;
    let merged = 0;
    for (let c = firings.starts[d]!; c < firings.starts[d + 1]!; c++) {
      if (table.instances[c] === 0) continue;
      labels++;
      const members = clusterOf.get(c) ?? [c];
      own += table.own(c);
      merged += members.length > 1 ? table.mergedAp(members, c, { combine, nms, plusOne, match }) : table.own(c);
    }
    return { dataset: name, labels, own: labels ? own / labels : Number.NaN, merged: labels ? merged / labels : Number.NaN };
  });
}
