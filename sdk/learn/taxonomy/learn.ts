// From candidates to an answer: the 0-1 program solved within a person's pins, as a taxonomy with its origin and a report for the review.
import type { LabelSpace } from '../../taxonomy/label-space.js';
import type { Relation } from '../../taxonomy/relations.js';
import { type Pins, type Taxonomy, taxonomy } from '../../taxonomy/taxonomy.js';
import { type UnifiedLabelInput, unifiedLabelSpace } from '../../taxonomy/unified.js';
import { labelRefs, nodePins, pinnedNames } from '../pins/pins.js';
import { type LearnReport, reportOf } from '../report/report.js';
import { type Margin, solveWithMargins } from '../solve/margins.js';
import { solve, type Solution, type SolveOptions } from '../solve/solve.js';
import type { Candidates, Column } from '../types.js';

/** Options of {@link learnTaxonomy}. */
export interface LearnOptions extends Pick<
  SolveOptions,
  'lambda' | 'solver' | 'timeLimit' | 'signal' | 'onProgress' | 'load' | 'locateFile'
> {
  /** Name of the unified label space. Default: the names of the data sets, joined by ` + `. */
  readonly name?: string;
  /** For people. */
  readonly description?: string;
  /** What a person decided; it is kept to, and stands in the taxonomy. Default: nothing. */
  readonly pins?: Partial<Pins>;
  /** Columns that pruning left out and a pin asks for, with their costs (`columnsFor`). A pinned merge without one counts as cost 0. */
  readonly pinnedColumns?: readonly Column[];
  /** Relations to put into the taxonomy, for example those of `findRelations`. Default: none. */
  readonly relations?: readonly Relation[];
}

/** The answer of {@link learnTaxonomy}. */
export interface Learned {
  /** Unified labels in the order of their first labels, with costs and margins; relations, pins and origin. */
  readonly taxonomy: Taxonomy;
  /** Every merge with its reasons, suspicious ones first; what stands alone, and why. */
  readonly report: LearnReport;
  /** The solution of the 0-1 program. */
  readonly solution: Solution;
}

/**
 * Learns a unified label space: chooses among the candidates so that the sum of costs and lambda times the number of unified labels is least (UniDet,
 * Eq. 8). With other pins it can be called again on the same candidates; that takes milliseconds.
 *
 * ```ts
 * const { taxonomy, report } = await learnTaxonomy(await candidates(firings));
 * ```
 *
 * Throws LearnError `pin-conflict`, `invalid-columns`, `solver-unavailable`, `solver-failed`; LabelSpaceError `unknown-label` for pins; ArgumentError.
 */
export async function learnTaxonomy(found: Candidates, options: LearnOptions = {}): Promise<Learned> {
  const { pins = {}, pinnedColumns = [], relations = [], lambda = 0.5, solver = 'own', timeLimit, signal, onProgress } = options;
  const { spaces } = found;
  const labels = labelRefs(spaces);
  const columns = [...found.columns, ...pinnedColumns];
  const byNode = nodePins(pins, spaces);
  const common = {
    labels,
    lambda,
    pins: byNode,
    ...(timeLimit !== undefined && { timeLimit }),
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
  };
  const other = solver === 'own' ? undefined : await solve(columns, { ...options, ...common });
  const { solution, margins } = await solveWithMargins(columns, { ...common, ...(other && { solution: other }) });
  const unified = unifiedLabelSpace(
    options.name ?? spaces.map(({ name }) => name).join(' + '),
    spaces,
    unifiedLabels(spaces, columns, solution, margins, pinnedNames(pins, spaces)),
  );
  const { origin } = found;
  const learned = taxonomy(unified, {
    ...(options.description !== undefined && { description: options.description }),
    relations,
    pins,
    origin: {
      ...origin,
      parameters: { ...origin.parameters, lambda, solver, gap: solution.gap },
      objective: solution.objective,
      bound: solution.bound,
    },
  });
  const report = reportOf({ found, columns, pins, solution, margins, taxonomy: learned, lambda });
  return { taxonomy: learned, report, solution };
}

/** Unified labels in the order of their first nodes. */
function unifiedLabels(
  spaces: readonly LabelSpace[],
  columns: readonly Column[],
  solution: Solution,
  margins: readonly Margin[],
  names: ReadonlyMap<number, string>,
): UnifiedLabelInput[] {
  const labels = labelRefs(spaces);
  const merge = new Map(solution.merges.map((members, i) => [members[0]!, i]));
  const covered = new Set(solution.merges.flat());
  const groups = labels.flatMap((_, node): { members: readonly number[]; i: number }[] => {
    const i = merge.get(node);
    if (i !== undefined) return [{ members: solution.merges[i]!, i }];
    return covered.has(node) ? [] : [{ members: [node], i: -1 }];
  });
  // Names that a person gave come first, so that no other label takes them.
  const named = groups.map(({ members }) => members.map((node) => names.get(node)).find((name) => name !== undefined));
  const taken = new Set(named.filter((name) => name !== undefined));
  return groups.map(({ members, i }, id): UnifiedLabelInput => {
    const own = members.map((node) => labels[node]!);
    const { name: first, dataset, id: firstId } = own[0]!;
    const name =
      named[id] ??
      [first, `${first} (${dataset})`, `${first} (${dataset} ${firstId})`].find((one) => !taken.has(one)) ??
      `${first} (${id})`;
    taken.add(name);
    const synonyms = [...new Set(own.map((label) => label.name))].filter((one) => one !== name);
    const column = i < 0 ? undefined : columns[solution.columns[i]!];
    const margin = i < 0 ? undefined : margins[i]!.margin;
    return {
      id,
      name,
      ...(synonyms.length > 0 && { synonyms }),
      members: Object.fromEntries(own.map((label) => [label.dataset, label.id])),
      ...(column && { cost: column.cost }),
      ...(margin !== undefined && { margin }),
    };
  });
}
