// UniDet's loss of average precision (Eq. 10): what the merged scores lose on each member's own ground truth. In the paper's form and in the code's.
import { ArgumentError, describe } from '../../errors.js';
import type { Firings } from '../firings/firings.js';
import type { LearnProgress, MemberEvidence } from '../types.js';
import { type ApOptions, ApTable, type MergeRule } from './ap-table.js';
import type { Loss } from './loss.js';

/**
 * Which form: `paper` as Section 4.2 and Appendix B have it, `code` as the authors' notebook. They differ in how scores are merged (mean of Eq. 5; all
 * boxes, then suppression with whole pixels), in the images that count (all; those with the label), in the factor 1 / |L_k| (paper only) and in the
 * thresholds of the candidates.
 */
export type Form = 'paper' | 'code';

/** Options of {@link apLoss}; the defaults are those of `form`. */
export interface ApLossOptions extends ApOptions, Partial<MergeRule> {
  /** Default: `code`, whose numbers are known. */
  readonly form?: Form | undefined;
  /**
   * Whether the loss of a label is divided by the number of labels of its data set, as Eq. 10 says. AP then counts in percent: in fractions every merge
   * would pass the paper's tau and lambda. Default: in the paper's form only.
   */
  readonly perLabel?: boolean | undefined;
  /**
   * Share of the ground truths that one label of a pair must find of the other, 0 to 1. Eq. 10 alone costs nothing for labels that hardly fire together,
   * and lambda would then merge them; the code's pair filter sees to it. Default: 0.05 in the paper's form, 0 (one hit) in the code's.
   */
  readonly leastRecall?: number | undefined;
  /** Resamples of the images for the 95 % intervals of the evidence. Default 0: no intervals. */
  readonly resamples?: number | undefined;
}

/** Options of long work. */
export interface LongOptions {
  /** Stops the work; the promise rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
  /** Told now and then how far it is. */
  readonly onProgress?: ((progress: LearnProgress) => void) | undefined;
}

const presets = {
  paper: { ap: { images: 'all' }, merge: { combine: 'average', nms: 0.5, plusOne: false }, perLabel: true, leastRecall: 0.05 },
  code: {
    ap: { images: 'with-label', epsilon: 1e-8, shortcut: true, minScore: 0.1 },
    merge: { combine: 'union', nms: 0.5, plusOne: true },
    perLabel: false,
    leastRecall: 0,
  },
} as const satisfies Record<Form, { ap: ApOptions; merge: MergeRule; perLabel: boolean; leastRecall: number }>;

/** Drops keys that are undefined, so that they do not hide defaults. */
function given<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** A loss on average precision, with the table behind it. */
export interface ApLoss extends Loss {
  /** APs of every label on every ground truth. */
  readonly table: ApTable;
}

/** The AP loss of firings. Throws ArgumentError, LearnError, or `signal.reason`. */
export async function apLoss(firings: Firings, options: ApLossOptions = {}, long: LongOptions = {}): Promise<ApLoss> {
  const { form = 'code' } = options;
  if (!Object.hasOwn(presets, form)) {
    throw new ArgumentError({ thing: 'form', found: describe(form), wanted: '"paper" or "code"' });
  }
  const preset = presets[form];
  const { iou, images, epsilon, shortcut, minScore, geometry, combine, nms, plusOne, match, resamples = 0 } = options;
  const table = await ApTable.of(
    firings,
    { ...preset.ap, ...given({ iou, images, epsilon, shortcut, minScore, geometry }) },
    long,
  );
  const rule: MergeRule = { ...preset.merge, ...given({ combine, nms, plusOne, match }) };
  const { perLabel = preset.perLabel, leastRecall = preset.leastRecall } = options;
  if (!(typeof leastRecall === 'number' && leastRecall >= 0 && leastRecall <= 1)) {
    throw new ArgumentError({ thing: 'leastRecall', found: describe(leastRecall), wanted: 'a number from 0 to 1' });
  }
  const { spaces, datasetOf } = firings;
  const factor = (c: number): number => (perLabel ? 100 / spaces[datasetOf[c]!]!.size : 1);
  const before = (c: number): number => table.own(c);
  /** Merged APs by set: they are asked for again as evidence. */
  const afters = new Map<string, readonly number[]>();
  const after = (members: readonly number[]): readonly number[] => {
    const key = members.join();
    let values = afters.get(key);
    if (!values) afters.set(key, (values = members.map((c) => table.mergedAp(members, c, rule))));
    return values;
  };
  return {
    name: 'ap',
    nodes: firings,
    table,
    pairs: () => coFiring(table, leastRecall),
    cost(members) {
      let cost = 0;
      let known = 0;
      const merged = after(members);
      members.forEach((c, i) => {
        if (Number.isNaN(merged[i]!)) return;
        cost += factor(c) * (before(c) - merged[i]!);
        known++;
      });
      return { cost: known > 0 ? cost : Number.NaN };
    },
    ...tableParts(table),
    evidence: (members, intervals = true) =>
      members.flatMap((c, i): MemberEvidence[] => {
        if (table.instances[c] === 0) return [];
        const numbers = { label: c, before: before(c), after: after(members)[i]! };
        const counts = { instances: table.instances[c]!, images: table.imageCounts[c]! };
        if (resamples === 0 || !intervals) return [{ ...numbers, ...counts }];
        const alone = table.merged([c], c, { combine: 'union', nms: 1 });
        return [{ ...numbers, ...counts, interval: table.interval(c, alone, table.merged(members, c, rule), resamples) }];
      }),
  };
}

/** The parts of a loss that every loss on a table of APs shares. */
export function tableParts(table: ApTable): Required<Pick<Loss, 'own' | 'cross' | 'crossBound' | 'instances'>> {
  const known = new Map<number, number>();
  return {
    own: (c) => table.own(c),
    cross(a, b) {
      const key = a * table.firings.count + b;
      let value = known.get(key);
      if (value === undefined) known.set(key, (value = table.ap(a, b)));
      return value;
    },
    crossBound: (a, b) => table.bound(a, b),
    instances: (c) => table.instances[c]!,
  };
}

/** Pairs of which one finds at least a `leastRecall` of the ground truths of the other (one of them at least), ascending. */
export function coFiring(table: ApTable, leastRecall = 0): [number, number][] {
  const L = table.firings.count;
  const keys = new Set<number>();
  for (const { a, b, hits } of table.pairs()) {
    if (hits >= leastRecall * table.instances[b]!) keys.add(Math.min(a, b) * L + Math.max(a, b));
  }
  return [...keys].sort((x, y) => x - y).map((key) => [Math.floor(key / L), key % L]);
}
