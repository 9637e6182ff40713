// Adding data sets to a finished label space (UniDet, App. C): old unified labels stay; each new label joins the best of them, or is appended.
import { ArgumentError, describe, LabelSpaceError } from '../../errors.js';
import { formatSpace, type LabelSpace } from '../../taxonomy/label-space.js';
import { type Taxonomy, taxonomy as makeTaxonomy } from '../../taxonomy/taxonomy.js';
import { type UnifiedLabelInput, unifiedLabelSpace } from '../../taxonomy/unified.js';
import { numberLabels } from '../nodes.js';
import { labelRefs } from '../pins/pins.js';
import { runThrough, solutionOf } from '../solve/solve.js';
import { prepare } from '../solve/prepare.js';
import { solvePacking } from '../solve/own.js';
import type { Column } from '../types.js';

/** What becomes of one new label. */
export interface AddedLabel {
  /** Data set. */
  readonly dataset: string;
  /** Id there. */
  readonly id: string | number;
  /** Name. */
  readonly name: string;
  /** Name of the unified label that it is in now. */
  readonly unified: string;
  /** Id of that. */
  readonly unifiedId: string | number;
  /** Whether it joined an old unified label; if not it was appended. */
  readonly joined: boolean;
  /** The lowest cost of joining an old unified label, and its name; left out where nothing says one. */
  readonly best?: { readonly unified: string; readonly cost: number };
}

/** Options of {@link addDatasets}. */
export interface AddOptions {
  /** A label joins only where that costs less. Default: 0.05, 5 AP as in the paper. */
  readonly threshold?: number;
}

/**
 * Adds data sets to a taxonomy. `found.spaces` starts with the taxonomy's own unified labels (its `space`: what a detector of the taxonomy answers in),
 * behind it the new data sets; columns of two say what it costs that a new label joins a unified one. No unified label takes two labels of one data
 * set: where several want the same, those that lose least by it join, as the 0-1 program finds. Old unified labels keep order, ids, names and members.
 *
 * Throws LabelSpaceError `unknown-label` where the first space is not the taxonomy's, LearnError `invalid-columns`, ArgumentError.
 */
export function addDatasets(
  taxonomy: Taxonomy,
  found: { readonly spaces: readonly LabelSpace[]; readonly columns: readonly Column[] },
  { threshold = 0.05 }: AddOptions = {},
): { taxonomy: Taxonomy; added: readonly AddedLabel[] } {
  if (!(typeof threshold === 'number' && threshold >= 0 && threshold < Number.POSITIVE_INFINITY))
    throw new ArgumentError({ thing: 'option threshold', found: describe(threshold), wanted: 'a number from 0' });
  const [first, ...fresh] = found.spaces;
  const { unified } = taxonomy;
  if (!first || first.size !== unified.size || first.labels.some(({ id }, u) => id !== unified.labels[u]!.id))
    throw new LabelSpaceError('unknown-label', {
      thing: 'the first data set of the candidates',
      found: first ? `${formatSpace(first)} with ${first.size} labels` : 'none',
      wanted: `the ${unified.size} unified labels of ${JSON.stringify(taxonomy.name)}, with their ids in their order`,
    });
  const nodes = numberLabels(found.spaces);
  const labels = labelRefs(found.spaces);
  const pairs = found.columns.filter(({ members }) => members.length === 2 && Math.min(...members) < first.size);
  const best = new Map<number, { unified: number; cost: number }>();
  const joins = new Map<number, number>();
  const costs = new Map<number, number>();
  // One data set after the other, so that each label has a choice of its own.
  fresh.forEach((_, i) => {
    const own = pairs.filter(({ members }) => nodes.datasetOf[Math.max(...members)] === i + 1);
    for (const { members, cost } of own) {
      const [u, node] = [Math.min(...members), Math.max(...members)];
      const other = best.get(node);
      if (!other || cost < other.cost) best.set(node, { unified: u, cost });
    }
    const program = prepare(own, labels, threshold);
    const answer = runThrough(solvePacking(program.packing, { stopped: false }));
    const { merges, columns } = solutionOf(program, answer, own, threshold, 'own');
    merges.forEach(([u, node], m) => {
      joins.set(node!, u!);
      costs.set(node!, own[columns[m]!]!.cost);
    });
  });
  const joiners = new Map<number, number[]>();
  for (const [node, u] of joins) joiners.set(u, [...(joiners.get(u) ?? []), node]);
  const list: UnifiedLabelInput[] = unified.labels.map(({ id, name, synonyms, color, members, cost, margin }, u) => {
    const own = joiners.get(u) ?? [];
    const names = new Set([...synonyms, ...own.map((node) => labels[node]!.name)]);
    names.delete(name);
    return {
      id,
      name,
      ...(names.size > 0 && { synonyms: [...names] }),
      ...(color && { color }),
      members: { ...members, ...Object.fromEntries(own.map((node) => [labels[node]!.dataset, labels[node]!.id])) },
      // A cost is that of all members together.
      ...(own.length === 0 && { ...(cost !== undefined && { cost }), ...(margin !== undefined && { margin }) }),
      ...(own.length > 0 && { cost: (cost ?? 0) + own.reduce((sum, node) => sum + costs.get(node)!, 0) }),
    };
  });
  const { description, relations, pins, origin } = taxonomy;
  const space = unifiedLabelSpace(taxonomy.name, [...unified.datasets, ...fresh], list, { rest: 'single' });
  const grown = makeTaxonomy(space, {
    ...(description !== undefined && { description }),
    relations: relations.list,
    pins,
    origin: {
      ...(origin ?? { method: 'by hand' }),
      parameters: { ...origin?.parameters, 'threshold of added data sets': threshold },
    },
  });
  const added = labels.slice(first.size).map((label, i): AddedLabel => {
    const node = first.size + i;
    const now = space.unifiedOf(label.dataset, { id: label.id });
    const nearest = best.get(node);
    return {
      ...label,
      unified: now.name,
      unifiedId: now.id,
      joined: joins.has(node),
      ...(nearest && { best: { unified: unified.labels[nearest.unified]!.name, cost: nearest.cost } }),
    };
  });
  return { taxonomy: grown, added };
}
