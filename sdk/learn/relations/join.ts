// Adding a data set to a label space that stays as it is (UniDet, Appendix C): the best unified label for each new label, by AP on the new images.
import { ArgumentError, describe, LearnError } from '../../errors.js';
import type { LongOptions } from '../costs/ap-loss.js';
import { type ApOptions, ApTable, type MergeRule } from '../costs/ap-table.js';
import type { Firings } from '../firings/firings.js';
import type { LabelSpace } from '../../taxonomy/label-space.js';
import type { Taxonomy } from '../../taxonomy/taxonomy.js';
import { clustersOf } from '../baselines/fold-heads.js';
import { checkMembers } from '../nodes.js';
import type { Column } from '../types.js';

/** Options of {@link joinDataset}. */
export interface JoinOptions extends ApOptions, Partial<MergeRule>, LongOptions {
  /** A label joins where its AP falls by less than this. Default 0.05: 5 AP. */
  readonly threshold?: number | undefined;
}

/** What becomes of one new label. */
export interface Join {
  /** Node. */
  readonly label: number;
  /** Position in `clusters` of the unified label that it joins; undefined where it stands alone. */
  readonly cluster: number | undefined;
  /** AP of its own head, NaN where it has no ground truth. */
  readonly before: number;
  /** The unified labels that find some of its objects, by falling AP. */
  readonly options: readonly { readonly cluster: number; readonly after: number; readonly cost: number }[];
  /**
   * Why it stands alone: `evidence`: no ground truth; `never`: no unified label finds it; `cost`: the best one loses too much; `taken`: another new label
   * fits that one better.
   */
  readonly why?: 'evidence' | 'never' | 'cost' | 'taken';
}

/**
 * For each label of `dataset`, the unified labels whose joint scores (Eq. 5) find its objects, and which of them it joins: the one with the lowest cost
 * AP(own head) - AP(unified label), if that is under the threshold; a unified label takes the cheapest of the new labels that want it, the others go on to
 * their next best.
 *
 * @param clusters the unified labels as sets of nodes of the other data sets; single labels, too
 * @throws ArgumentError, LearnError, or `signal.reason`.
 */
export async function joinDataset(
  firings: Firings,
  clusters: readonly (readonly number[])[],
  dataset: string,
  options: JoinOptions = {},
): Promise<Join[]> {
  const { threshold = 0.05, combine = 'average', nms, plusOne, match, signal, onProgress, ...ap } = options;
  const d = firings.spaces.findIndex(({ name }) => name === dataset);
  if (d < 0) {
    throw new ArgumentError({
      thing: 'dataset',
      found: describe(dataset),
      wanted: `one of ${firings.spaces.map(({ name }) => name).join(', ')}`,
    });
  }
  if (!(typeof threshold === 'number' && Number.isFinite(threshold))) {
    throw new ArgumentError({ thing: 'threshold', found: describe(threshold), wanted: 'a number' });
  }
  const clusterOf = new Map<number, number>();
  clusters.forEach((members, k) => {
    for (const c of checkMembers(firings, members)) {
      if (clusterOf.has(c) || firings.datasetOf[c] === d) {
        throw new ArgumentError({
          thing: `clusters[${k}]`,
          found: `node ${c}, which ${clusterOf.has(c) ? 'stands in another, too' : `is a label of ${dataset}`}`,
          wanted: 'each label of the other data sets once at most',
        });
      }
      clusterOf.set(c, k);
    }
  });
  const table = await ApTable.of(firings, ap, { signal, onProgress });
  const rule: MergeRule = { combine, nms, plusOne, match };
  const seen = new Map<number, Set<number>>();
  for (const { a, b } of table.pairs()) {
    const cluster = clusterOf.get(a);
    if (firings.datasetOf[b] === d && cluster !== undefined) seen.set(b, (seen.get(b) ?? new Set()).add(cluster));
  }
  const labels = Array.from({ length: firings.spaces[d]!.size }, (_, k) => {
    const label = firings.starts[d]! + k;
    const before = table.own(label);
    const found = [...(seen.get(label) ?? [])].map((cluster) => {
      const after = table.mergedAp(clusters[cluster]!, label, rule);
      return { cluster, after, cost: before - after };
    });
    found.sort((x, y) => x.cost - y.cost || x.cluster - y.cluster);
    return { label, before, options: found };
  });
  // The cheapest first; whoever comes later finds the label taken.
  const wishes = labels.flatMap((one) => one.options.map((option) => ({ ...option, label: one.label })));
  wishes.sort((x, y) => x.cost - y.cost || x.label - y.label || x.cluster - y.cluster);
  const taken = new Map<number, number>();
  const joined = new Map<number, number>();
  for (const { label, cluster, cost } of wishes) {
    if (cost >= threshold || joined.has(label) || taken.has(cluster)) continue;
    joined.set(label, cluster);
    taken.set(cluster, label);
  }
  return labels.map((one): Join => {
    const cluster = joined.get(one.label);
    if (cluster !== undefined) return { ...one, cluster };
    const [best] = one.options;
    const why = Number.isNaN(one.before) ? 'evidence' : !best ? 'never' : best.cost >= threshold ? 'cost' : 'taken';
    return { ...one, cluster, why };
  });
}

/** Options of {@link additionCandidates}. */
export interface AdditionOptions extends Omit<JoinOptions, 'threshold'> {
  /**
   * Where the heads of the taxonomy's own data sets fire instead of a detector of it: a unified label then scores what its members do together
   * (Eq. 5), and the data sets that the taxonomy does not know are the new ones. Default: the first data set of the firings are the unified labels.
   */
  readonly taxonomy?: Pick<Taxonomy, 'name' | 'space' | 'unified'> | undefined;
}

/**
 * What `addDatasets` takes: for every label of the new data sets, what it costs that it joins a unified label. The unified labels are the first data set of
 * the firings, as a detector of the taxonomy fires them, or with `taxonomy` those of the heads of its data sets. The cost is
 * AP(own head) - AP(unified label), so the new data sets need heads of their own, as those of a partitioned detector that was trained on them, too.
 *
 * @throws LearnError `invalid-firings` where there is no new data set or its head never fires; LabelSpaceError `unknown-label` where firings and taxonomy
 * do not mean the same labels; as {@link joinDataset}.
 */
export async function additionCandidates(
  firings: Firings,
  { taxonomy, ...options }: AdditionOptions = {},
): Promise<{ readonly spaces: readonly LabelSpace[]; readonly columns: readonly Column[] }> {
  const { spaces, starts, scoreLabels, datasetOf } = firings;
  const fires = new Uint8Array(spaces.length);
  for (const c of scoreLabels) fires[datasetOf[c]!] = 1;
  const unified = taxonomy ? clustersOf(taxonomy.unified, spaces) : Array.from({ length: starts[1]! }, (_, c) => [c]);
  const old = new Set(taxonomy ? taxonomy.unified.datasets.map(({ name }) => name) : [spaces[0]!.name]);
  const fresh = spaces.filter(({ name }) => !old.has(name));
  if (fresh.length === 0) {
    throw new LearnError('invalid-firings', {
      thing: 'data sets of the firings',
      found: `only ${[...old].join(', ')}`,
      wanted: 'one or more to add, too',
    });
  }
  const columns: Column[] = [];
  let start = unified.length;
  for (const { name, size } of fresh) {
    const d = spaces.findIndex((space) => space.name === name);
    if (!fires[d]) {
      throw new LearnError('invalid-firings', {
        thing: `data set ${JSON.stringify(name)}`,
        found: 'no score of a head of its own',
        wanted: 'scores of a head that was trained on it: what joining costs is measured against them',
      });
    }
    for (const { label, before, options: found } of await joinDataset(firings, unified, name, options)) {
      // Behind the unified labels come the new ones.
      const node = start + label - starts[d]!;
      for (const { cluster, after, cost } of found) {
        columns.push({ members: [cluster, node], cost, parts: { ap: cost }, evidence: [{ label: node, before, after }] });
      }
    }
    start += size;
  }
  columns.sort((x, y) => x.members[0]! - y.members[0]! || x.members[1]! - y.members[1]!);
  return { spaces: [taxonomy?.space ?? spaces[0]!, ...fresh], columns };
}
