// The loss of segmentation (AutoUniSeg's appendix): recall per pixel from confusion counts between ground truth and the labels that each head says.
import { describe, LearnError } from '../../errors.js';
import type { LabelSpace } from '../../taxonomy/label-space.js';
import { type Nodes, numberLabels } from '../nodes.js';
import type { MemberEvidence } from '../types.js';
import type { Loss } from './loss.js';

/** Counts of one data set's pixels under one head. */
export interface Confusion {
  /** Name of the data set whose images and ground truth these are. */
  readonly truth: string;
  /** Name of the data set whose head speaks. */
  readonly head: string;
  /** [K of truth, K of head] pixels of ground truth j where the head's best label is m, row-major. */
  readonly counts: ArrayLike<number>;
}

/**
 * The recall loss: row-normalised counts are how much of each label's pixels a label of a head gets; merged labels get the mean of their members'; the
 * cost is the sum of own recall - merged recall. With a pair filter of 0.4 these are AutoUniSeg's candidates. Heads without counts on a data set get 0
 * there.
 *
 * @throws LearnError `invalid-firings` for counts that do not fit the label spaces.
 */
export function recallLoss(spaces: readonly LabelSpace[], confusions: readonly Confusion[]): Loss {
  const nodes = numberLabels(spaces);
  const L = nodes.count;
  const recalls = new Map<number, number>();
  const totals = new Float64Array(L);
  for (const confusion of confusions) addConfusion(nodes, confusion, recalls, totals);
  /** Share of the pixels of b that go to a. */
  const cross = (a: number, b: number): number => (totals[b]! > 0 ? (recalls.get(a * L + b) ?? 0) : Number.NaN);
  const merged = (members: readonly number[], c: number): number =>
    members.reduce((sum, m) => sum + cross(m, c), 0) / members.length;
  return {
    name: 'recall',
    nodes,
    pairs: () => {
      const keys = new Set<number>();
      for (const key of recalls.keys()) {
        const [a, b] = [Math.floor(key / L), key % L];
        if (nodes.datasetOf[a] !== nodes.datasetOf[b]) keys.add(Math.min(a, b) * L + Math.max(a, b));
      }
      return [...keys].sort((x, y) => x - y).map((key): [number, number] => [Math.floor(key / L), key % L]);
    },
    own: (c) => cross(c, c),
    cross,
    instances: (c) => totals[c]!,
    cost(members) {
      const known = members.filter((c) => totals[c]! > 0);
      return { cost: known.length ? known.reduce((sum, c) => sum + cross(c, c) - merged(members, c), 0) : Number.NaN };
    },
    evidence: (members) =>
      members.flatMap((label): MemberEvidence[] =>
        totals[label]! > 0
          ? [{ label, before: cross(label, label), after: merged(members, label), instances: totals[label]! }]
          : [],
      ),
  };
}

function addConfusion(
  nodes: Nodes,
  { truth, head, counts }: Confusion,
  recalls: Map<number, number>,
  totals: Float64Array,
): void {
  const thing = `counts of the head of ${describe(head)} on ${describe(truth)}`;
  const bad = (found: string, wanted: string): LearnError => new LearnError('invalid-firings', { thing, found, wanted });
  const place = (name: string): number => {
    const d = nodes.spaces.findIndex((space) => space.name === name);
    if (d < 0) throw bad(`data set ${describe(name)}`, `one of ${nodes.spaces.map((space) => space.name).join(', ')}`);
    return d;
  };
  const [s, h] = [place(truth), place(head)];
  const [Ks, Kh] = [nodes.spaces[s]!.size, nodes.spaces[h]!.size];
  if (counts.length !== Ks * Kh) throw bad(`${counts.length} numbers`, `[${Ks}, ${Kh}]`);
  for (let j = 0; j < Ks; j++) {
    let sum = 0;
    for (let m = 0; m < Kh; m++) {
      const value = counts[j * Kh + m]!;
      if (!(value >= 0) || !Number.isFinite(value)) throw bad(`${value} in row ${j}`, 'numbers of pixels, at least 0');
      sum += value;
    }
    const b = nodes.starts[s]! + j;
    if (s === h) totals[b] = sum;
    else if (totals[b] === 0) totals[b] = sum;
    if (sum === 0) continue;
    for (let m = 0; m < Kh; m++) {
      const share = counts[j * Kh + m]! / sum;
      if (share > 0) recalls.set((nodes.starts[h]! + m) * nodes.count + b, share);
    }
  }
}
