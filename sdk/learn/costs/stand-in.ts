// A loss for small validation sets and for detectors of different strength: how badly labels stand in for each other. It uses the numbers of UniDet's
// pair filter, the AP of each label's scores on the other's ground truth, as the cost itself.
import { ArgumentError, describe } from '../../errors.js';
import type { Firings } from '../firings/firings.js';
import type { MemberEvidence } from '../types.js';
import { coFiring, type LongOptions, tableParts } from './ap-loss.js';
import { type ApOptions, ApTable } from './ap-table.js';
import type { Loss } from './loss.js';

/** Options of {@link standInLoss}. */
export interface StandInOptions extends ApOptions {
  /** Ground truths that a label needs before AP on it counts. Default 3. */
  readonly minimumInstances?: number | undefined;
  /** Own APs below count as this, so that a label which its own head hardly finds is not matched by chance. Default 0.25. */
  readonly floor?: number | undefined;
  /** Ground truths at which the evidence of a direction counts half: its weight is n / (n + this). Default 2. */
  readonly halfWeight?: number | undefined;
  /** Resamples of the images for the 95 % intervals of the evidence. Default 0: no intervals. */
  readonly resamples?: number | undefined;
}

/** The stand-in loss, and what it is made of. */
export interface StandInLoss extends Loss {
  /** APs of every label on every ground truth. */
  readonly table: ApTable;
  /** min(1, AP of a on b / AP of b): the share of b's own quality that a reaches; NaN where b has too few ground truths. */
  ratio(a: number, b: number): number;
  /** How much the heads of data set s say on images of data set d, 0 to 1. */
  transfer(s: number, d: number): number;
  /** 1 - weighted mean of both ratios, 0 to 1; NaN where neither label has enough ground truth. */
  distance(a: number, b: number): number;
}

/**
 * With r(a, b) = min(1, AP_b(a) / AP_b(b)), the share of b's own quality that the scores of a reach on the ground truth of b, two labels are as far apart
 * as 1 - weighted mean of r(a, b) and r(b, a), and joining n labels costs (n - 1) times the mean distance of their pairs. A merge pays off where that mean
 * is below lambda.
 *
 * A direction weighs as much as it can say. First, heads that do badly on the other images say little: its weight is the mean of r over the best matches
 * of the two data sets (as many as the smaller one has labels). Second, few ground truths say little: times n / (n + halfWeight). For a partitioned
 * detector on large sets both directions weigh the same. Unlike Eq. 10, labels that never fire cost the full distance instead of nothing.
 *
 * @throws ArgumentError, LearnError, or `signal.reason`.
 */
export async function standInLoss(firings: Firings, options: StandInOptions = {}, long: LongOptions = {}): Promise<StandInLoss> {
  const { minimumInstances = 3, floor = 0.25, halfWeight = 2, resamples = 0, ...ap } = options;
  const check = (thing: string, value: number, most: number): void => {
    if (!(typeof value === 'number' && value >= 0 && value <= most)) {
      throw new ArgumentError({ thing, found: describe(value), wanted: `a number from 0 to ${most}` });
    }
  };
  check('minimumInstances', minimumInstances, Number.MAX_SAFE_INTEGER);
  check('floor', floor, 1);
  check('halfWeight', halfWeight, Number.MAX_SAFE_INTEGER);
  const table = await ApTable.of(firings, ap, long);
  const { spaces, datasetOf, starts, count } = firings;
  const least = Math.max(1, minimumInstances);
  const parts = tableParts(table);
  const ratio = (a: number, b: number): number => {
    if (table.instances[b]! < least) return Number.NaN;
    if (table.hits(a, b) === 0) return 0;
    const own = Math.max(table.own(b), floor);
    return own > 0 ? Math.min(1, parts.cross(a, b) / own) : Number.NaN;
  };

  // The best ratio of each label b, by the data set of the stand-in.
  const D = spaces.length;
  const best = new Float64Array(D * count);
  for (const { a, b } of table.pairs()) {
    const value = ratio(a, b);
    if (value > best[datasetOf[a]! * count + b]!) best[datasetOf[a]! * count + b] = value;
  }
  const transfers = new Float64Array(D * D);
  for (let s = 0; s < D; s++) {
    for (let d = 0; d < D; d++) {
      const values: number[] = [];
      for (let b = starts[d]!; b < starts[d + 1]!; b++) if (table.instances[b]! >= least) values.push(best[s * count + b]!);
      const top = values.sort((x, y) => y - x).slice(0, spaces[s]!.size);
      if (top.length > 0)
        transfers[s * D + d] = top.slice(0, Math.min(top.length, spaces[d]!.size)).reduce((x, y) => x + y, 0) / top.length;
    }
  }
  const transfer = (s: number, d: number): number => transfers[s * D + d]!;
  const weight = (a: number, b: number): number => {
    const n = table.instances[b]!;
    return n < least ? 0 : (transfer(datasetOf[a]!, datasetOf[b]!) * n) / (n + halfWeight);
  };
  const distance = (a: number, b: number): number => {
    const [forward, backward] = [weight(a, b), weight(b, a)];
    if (!(forward + backward > 0)) return Number.NaN;
    const sum = (forward > 0 ? forward * ratio(a, b) : 0) + (backward > 0 ? backward * ratio(b, a) : 0);
    return 1 - sum / (forward + backward);
  };
  return {
    name: 'stand-in',
    nodes: firings,
    table,
    ratio,
    transfer,
    distance,
    pairs: () => coFiring(table),
    cost(members) {
      let sum = 0;
      let known = 0;
      members.forEach((a, i) =>
        members.slice(i + 1).forEach((b) => {
          const value = distance(a, b);
          if (Number.isNaN(value)) return;
          sum += value;
          known++;
        }),
      );
      return { cost: known > 0 ? ((members.length - 1) * sum) / known : Number.NaN };
    },
    ...parts,
    evidence: (members, intervals = true) =>
      members.flatMap((c): MemberEvidence[] => {
        const n = table.instances[c]!;
        if (n === 0) return [];
        // The best of the others stands in.
        const others = members.filter((m) => m !== c);
        const stand = others.reduce((x, y) => (parts.cross(y, c) > parts.cross(x, c) ? y : x));
        const alone = { combine: 'union', nms: 1 } as const;
        return [
          {
            label: c,
            before: table.own(c),
            after: parts.cross(stand, c),
            instances: n,
            images: table.imageCounts[c]!,
            ...(resamples > 0 &&
              intervals && {
                interval: table.interval(c, table.merged([c], c, alone), table.merged([stand], c, alone), resamples),
              }),
          },
        ];
      }),
  };
}
