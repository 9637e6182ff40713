// What a loss is: the cost of merging labels, and which pairs are worth a look. Weighted sums of losses. The losses themselves stand beside.
import { ArgumentError, describe, LearnError } from '../../errors.js';
import type { Nodes } from '../nodes.js';
import type { MemberEvidence } from '../types.js';

/** What merging a set of labels costs. */
export interface LossValue {
  /** The less the better; negative where the heads gain. */
  readonly cost: number;
  /** Parts before they were weighted, by name. */
  readonly parts?: Readonly<Record<string, number>> | undefined;
}

/**
 * The cost c_t of joining labels (UniDet, Eq. 7), for any loss that is a sum over labels or pairs. Write one of your own by giving these members;
 * every method must give the same answer each time.
 */
export interface Loss {
  /** Short name for reports: `ap`, `distortion`, `language`. */
  readonly name: string;
  /** The labels it knows. */
  readonly nodes: Nodes;
  /** Pairs [a, b] of labels of different data sets, a < b, that may be worth joining. No other pair becomes part of a candidate. */
  pairs(): Iterable<readonly [a: number, b: number]>;
  /** Cost of two labels or more, at most one of a data set. NaN where nothing can be said of them. */
  cost(members: readonly number[]): LossValue;
  /** For the pair filter: how good label c is on its own data set (AP, recall, 0..1; NaN without ground truth). */
  own?(c: number): number;
  /** For the pair filter: how good the scores of a are on the ground truth of b. */
  cross?(a: number, b: number): number;
  /** An upper bound of `cross` that costs nothing. */
  crossBound?(a: number, b: number): number;
  /** Ground truths of a label. */
  instances?(c: number): number;
  /** What speaks for and against a merge, for the report; intervals take time and may be left out. */
  evidence?(members: readonly number[], intervals?: boolean): MemberEvidence[];
}

/** A loss with its weight. */
export interface WeightedLoss {
  /** The loss. */
  readonly loss: Loss;
  /** Factor of its cost; not negative. */
  readonly weight: number;
}

/**
 * The weighted sum of losses. Pairs are those of any of them; where one can say nothing of a set (NaN) its `neutral` cost stands in, by default that of
 * the others: the sum is scaled up to all weights. The pair filter and the evidence are those of the first that has them.
 *
 * @throws ArgumentError for weights, LearnError `invalid-columns` where the losses know different labels.
 */
export function weightedLoss(losses: readonly WeightedLoss[], name = 'weighted'): Loss {
  if (losses.length === 0) throw new ArgumentError({ thing: 'losses', found: 'none', wanted: 'one or more' });
  for (const { loss, weight } of losses) {
    if (!(typeof weight === 'number' && weight >= 0 && Number.isFinite(weight))) {
      throw new ArgumentError({
        thing: `weight of the loss ${loss.name}`,
        found: describe(weight),
        wanted: 'a number, at least 0',
      });
    }
  }
  const { nodes } = losses[0]!.loss;
  for (const { loss } of losses) checkSameLabels(nodes, loss);
  const first = losses.find(({ loss }) => loss.own)?.loss;
  const counted = losses.find(({ loss }) => loss.instances)?.loss;
  const explained = losses.find(({ loss }) => loss.evidence)?.loss;
  const total = losses.reduce((sum, { weight }) => sum + weight, 0);
  return {
    name,
    nodes,
    *pairs() {
      const seen = new Set<number>();
      for (const { loss, weight } of losses) {
        if (weight === 0) continue;
        for (const pair of loss.pairs()) {
          const key = pair[0] * nodes.count + pair[1];
          if (seen.has(key)) continue;
          seen.add(key);
          yield pair;
        }
      }
    },
    cost(members) {
      const parts: Record<string, number> = {};
      let sum = 0;
      let known = 0;
      for (const { loss, weight } of losses) {
        const value = loss.cost(members);
        parts[loss.name] = value.cost;
        if (weight === 0 || Number.isNaN(value.cost)) continue;
        sum += weight * value.cost;
        known += weight;
      }
      return { cost: known > 0 ? (sum * total) / known : Number.NaN, parts };
    },
    ...(first?.own && { own: (c: number) => first.own!(c) }),
    ...(first?.cross && { cross: (a: number, b: number) => first.cross!(a, b) }),
    ...(first?.crossBound && { crossBound: (a: number, b: number) => first.crossBound!(a, b) }),
    ...(counted && { instances: (c: number) => counted.instances!(c) }),
    ...(explained && { evidence: (members: readonly number[], intervals?: boolean) => explained.evidence!(members, intervals) }),
  };
}

function checkSameLabels(nodes: Nodes, loss: Loss): void {
  const sizes = (n: Nodes): string => n.spaces.map(({ name, size }) => `${name} (${size})`).join(', ');
  if (sizes(loss.nodes) !== sizes(nodes)) {
    throw new LearnError('invalid-columns', {
      thing: `loss ${loss.name}`,
      found: `labels of ${sizes(loss.nodes)}`,
      wanted: sizes(nodes),
    });
  }
}
