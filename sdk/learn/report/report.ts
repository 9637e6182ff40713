// The report of a learnt taxonomy, as data: every merge with its cost, what it does to each data set, its margin and its rival; suspicious ones first.
import { normaliseName, singularKeys } from '../../taxonomy/names.js';
import type { Relation } from '../../taxonomy/relations.js';
import type { Origin, Pins, Taxonomy } from '../../taxonomy/taxonomy.js';
import { labelRefs, nodePins } from '../pins/pins.js';
import type { Margin } from '../solve/margins.js';
import type { Solution, SolverName } from '../solve/solve.js';
import type { Candidates, Column, LabelRef, MemberEvidence, MissReason } from '../types.js';

/** A label in a report, with what merging does to it where the loss can say it. */
export interface ReportLabel extends LabelRef, Partial<Omit<MemberEvidence, 'label'>> {
  /** Number of the label through all data sets: for pictures. */
  readonly node: number;
}

/**
 * Why a merge is worth a look. `rival-same-name`: the best other solution joins labels of one name, this merge joins labels of different names;
 * `close-call`: another solution is nearly as good; `no-own-score`: the own classifier of a member finds nothing, yet the merged one does (ids mixed
 * up?); `loses`: a member loses much; `uncertain`: the interval of a member's loss is wide; `little-evidence`: few ground truths; `costs`: the heads
 * lose more than they gain, only lambda pays for it.
 */
export type Suspicion = 'rival-same-name' | 'close-call' | 'no-own-score' | 'loses' | 'uncertain' | 'little-evidence' | 'costs';

/** One merge. */
export interface ReportMerge {
  /** Id of the unified label. */
  readonly id: string | number;
  /** Its name. */
  readonly name: string;
  /** Its labels, in the order of the data sets. */
  readonly members: readonly ReportLabel[];
  /** What the program weighed; undefined for pinned merges that no column prices. */
  readonly cost?: number;
  /** The single losses. */
  readonly parts?: Readonly<Record<string, number>>;
  /** How much worse the best solution without this merge is; undefined where a person pinned it. */
  readonly margin?: number;
  /** Whether the margin is proven; if not it is at most this. */
  readonly marginExact: boolean;
  /** What the best solution without it joins instead. */
  readonly runnerUp: readonly (readonly LabelRef[])[];
  /** Whether a person pinned it. */
  readonly pinned: boolean;
  /** Why it is worth a look. */
  readonly suspicions: readonly Suspicion[];
}

/**
 * Why a label stands alone: a {@link MissReason}; `taken`: every merge it could join would break a better one; `lambda`: what it could join costs more
 * than it saves; `pinned`: a person said so.
 */
export type AloneReason = MissReason | 'taken' | 'lambda' | 'pinned';

/** A label that stands alone. */
export interface ReportAlone {
  /** The label. */
  readonly label: ReportLabel;
  /** Why. */
  readonly why: AloneReason;
  /** The merge that came closest. */
  readonly with?: readonly ReportLabel[];
  /** Its cost. */
  readonly cost?: number;
  /** The threshold that it missed. */
  readonly threshold?: number;
  /** In words. */
  readonly note: string;
  /** A label of another data set with the same name that stands elsewhere: worth a look. */
  readonly sameName?: LabelRef;
}

/** A merge that no threshold let through. */
export interface ReportMiss {
  /** Its labels. */
  readonly members: readonly ReportLabel[];
  /** Which test it failed. */
  readonly why: MissReason;
  /** Its cost. */
  readonly cost?: number;
  /** The threshold that it missed. */
  readonly threshold?: number;
  /** In words. */
  readonly note?: string;
}

/** A relation with the names of its ends. */
export interface ReportRelation extends Relation {
  /** `coco: person` */
  readonly names: readonly [a: string, b: string];
}

/** Everything that a review needs; plain data for JSON. */
export interface LearnReport {
  /** Name of the taxonomy. */
  readonly name: string;
  /** The data sets, with their sizes. */
  readonly datasets: readonly { readonly name: string; readonly size: number }[];
  /** Numbers of the whole. */
  readonly summary: {
    /** Labels of all data sets. */
    readonly labels: number;
    /** Unified labels. */
    readonly unified: number;
    /** Unified labels of two labels or more. */
    readonly merges: number;
    /** Candidates that the program chose among. */
    readonly columns: number;
    /** What every unified label costs. */
    readonly lambda: number;
    /** cost + lambda x unified. */
    readonly objective: number;
    /** Sum of the costs of the merges. */
    readonly cost: number;
    /** No choice has a smaller objective. */
    readonly bound: number;
    /** (objective - bound) / |objective|. */
    readonly gap: number;
    /** Whether the choice is proven to be the best. */
    readonly optimal: boolean;
    /** Which solver chose. */
    readonly solver: SolverName;
  };
  /** Loss, thresholds and form. */
  readonly origin: Origin;
  /** The merges, suspicious ones first. */
  readonly merges: readonly ReportMerge[];
  /** Labels that stand alone; those that have a namesake elsewhere first, then those that came closest. */
  readonly alone: readonly ReportAlone[];
  /** Merges that were considered and left out, the closest first. */
  readonly nearMisses: readonly ReportMiss[];
  /** Relations between labels. */
  readonly relations: readonly ReportRelation[];
  /** What a person decided. */
  readonly pins: Partial<Pins>;
}

/** Margins below this are close calls: about what a merge cost changes by when a validation set is drawn again. */
const closeCall = 0.05;
/** A member that loses more AP than this is worth a look (UniDet adds a label to a unified one below 5 AP, App. C). */
const muchLoss = 0.05;
/** An interval wider than this says little. */
const wideInterval = 0.3;
/** Fewer ground truths than this say little. */
const fewInstances = 10;

/** What the report is made of. */
export interface ReportParts {
  readonly found: Candidates;
  readonly columns: readonly Column[];
  readonly pins: Partial<Pins>;
  readonly solution: Solution;
  readonly margins: readonly Margin[];
  readonly taxonomy: Taxonomy;
  readonly lambda: number;
}

/** Makes the report. */
export function reportOf({ found, columns, pins, solution, margins, taxonomy, lambda }: ReportParts): LearnReport {
  const { spaces, nearMisses, cross } = found;
  const labels = labelRefs(spaces);
  const keys = labels.map(({ name }) => keysOf(name));
  const same = (a: number, b: number): boolean => keys[a]!.some((key) => keys[b]!.includes(key));
  const allSame = (nodes: readonly number[]): boolean => nodes.every((node) => same(node, nodes[0]!));
  const anySame = (nodes: readonly number[]): boolean => nodes.some((a, i) => nodes.slice(0, i).some((b) => same(a, b)));
  const show = (node: number, evidence: readonly MemberEvidence[] = []): ReportLabel => {
    const { label: _, ...rest } = evidence.find(({ label }) => label === node) ?? {};
    const own = cross?.own[node];
    return { ...labels[node]!, node, ...(own !== undefined && !Number.isNaN(own) && { before: own }), ...rest };
  };
  const mergeOf = new Int32Array(labels.length).fill(-1);
  solution.merges.forEach((members, i) => members.forEach((node) => (mergeOf[node] = i)));
  const byNode = nodePins(pins, spaces);
  const pinnedNodes = new Set([...(byNode.mustMerge ?? []), ...(byNode.locked ?? [])].flat());

  const merges = solution.merges.map((members, i) => {
    const column = columns[solution.columns[i]!];
    const { margin, exact, runnerUp } = margins[i]!;
    const own = members.map((node) => show(node, column?.evidence));
    const suspicions: Suspicion[] = [];
    const rival = runnerUp.some((nodes) => nodes.some((node) => members.includes(node)) && anySame(nodes));
    if (rival && !anySame(members)) suspicions.push('rival-same-name');
    if (margin !== undefined && margin < closeCall) suspicions.push('close-call');
    if (own.some(({ before, after }) => before !== undefined && after !== undefined && before <= 0.001 && after > 0.1))
      suspicions.push('no-own-score');
    if (own.some(({ before, after }) => before !== undefined && after !== undefined && before - after > muchLoss))
      suspicions.push('loses');
    if (own.some(({ interval }) => interval && interval[1] - interval[0] > wideInterval)) suspicions.push('uncertain');
    if (own.some(({ instances }) => instances !== undefined && instances < fewInstances)) suspicions.push('little-evidence');
    if (column && column.cost > lambda / 2) suspicions.push('costs');
    const unified = taxonomy.unified.unifiedOf(labels[members[0]!]!.dataset, { id: labels[members[0]!]!.id });
    const merge: ReportMerge = {
      id: unified.id,
      name: unified.name,
      members: own,
      ...(column && { cost: column.cost }),
      ...(column?.parts && { parts: column.parts }),
      ...(margin !== undefined && { margin }),
      marginExact: exact,
      runnerUp: runnerUp.map((nodes) => nodes.map((node) => labels[node]!)),
      pinned: margin === undefined || members.some((node) => pinnedNodes.has(node)),
      suspicions,
    };
    // Near equals come first; names speak for or against a merge like a small difference of cost. What a person decided comes last.
    let rank = margin ?? Number.POSITIVE_INFINITY;
    if (suspicions.includes('rival-same-name')) rank -= closeCall;
    if (suspicions.includes('no-own-score')) rank -= 2 * closeCall;
    if (allSame(members)) rank += closeCall;
    return { merge, rank, first: members[0]! };
  });
  merges.sort((a, b) => (a.rank === b.rank ? 0 : a.rank - b.rank) || a.first - b.first);

  return {
    name: taxonomy.name,
    datasets: spaces.map(({ name, size }) => ({ name, size })),
    summary: {
      labels: labels.length,
      unified: solution.size,
      merges: solution.merges.length,
      columns: columns.length,
      lambda,
      objective: solution.objective,
      cost: solution.cost,
      bound: solution.bound,
      gap: solution.gap,
      optimal: solution.optimal,
      solver: solution.solver,
    },
    origin: taxonomy.origin ?? found.origin,
    merges: merges.map(({ merge }) => merge),
    alone: aloneLabels(),
    nearMisses: nearMisses.map(({ members, why, cost, threshold, evidence, note }) => ({
      members: members.map((node) => show(node, evidence)),
      why,
      ...(cost !== undefined && !Number.isNaN(cost) && { cost }),
      ...(threshold !== undefined && { threshold }),
      ...(note !== undefined && { note }),
    })),
    relations: taxonomy.relations.list.map((relation) => {
      const nameOf = (end: Relation['a']): string =>
        'unified' in end
          ? taxonomy.space.byId(end.unified).name
          : `${end.dataset}: ${taxonomy.unified.dataset(end.dataset).byId(end.id).name}`;
      return { ...relation, names: [nameOf(relation.a), nameOf(relation.b)] as const };
    }),
    pins,
  };

  function aloneLabels(): ReportAlone[] {
    const best = new Map<number, Column>();
    const gain = ({ members, cost }: Column): number => lambda * (members.length - 1) - cost;
    for (const column of columns) {
      if (column.members.length < 2) continue;
      for (const node of column.members) {
        const other = best.get(node);
        if (mergeOf[node]! < 0 && (!other || gain(column) > gain(other))) best.set(node, column);
      }
    }
    const missed = new Map<number, Candidates['nearMisses'][number]>();
    const distance = ({ cost, threshold }: { cost?: number; threshold?: number }): number =>
      cost === undefined || threshold === undefined || Number.isNaN(cost) ? Number.POSITIVE_INFINITY : cost - threshold;
    for (const miss of nearMisses) {
      for (const node of miss.members) {
        const other = missed.get(node);
        if (mergeOf[node]! < 0 && (!other || distance(miss) < distance(other))) missed.set(node, miss);
      }
    }
    const byKey = new Map<string, number[]>();
    keys.forEach((own, node) => own.forEach((key) => byKey.set(key, [...(byKey.get(key) ?? []), node])));
    const alone = labels.flatMap((label, node): { alone: ReportAlone; rank: number; node: number }[] => {
      if (mergeOf[node]! >= 0) return [];
      const namesake = keys[node]!.flatMap((key) => byKey.get(key)!).find((other) => labels[other]!.dataset !== label.dataset);
      const column = best.get(node);
      const miss = missed.get(node);
      const others = (nodes: readonly number[]): string =>
        nodes.filter((other) => other !== node).map((other) => `${labels[other]!.dataset}: ${labels[other]!.name}`).join(' + '); // prettier-ignore
      let why: AloneReason = 'never';
      let note = 'no label of another data set fires with it';
      if (pinnedNodes.has(node)) [why, note] = ['pinned', 'a person locked it'];
      else if (column && gain(column) > 0) {
        const taken = column.members.filter((other) => other !== node && mergeOf[other]! >= 0);
        why = taken.length ? 'taken' : 'pinned';
        note = taken.length
          ? `${others(column.members)}: but ${taken.map((other) => `${labels[other]!.name} stands with ${solution.merges[mergeOf[other]!]!.filter((n) => n !== other).map((n) => `${labels[n]!.dataset}: ${labels[n]!.name}`).join(' + ')}`).join('; ')}` // prettier-ignore
          : `${others(column.members)}: a pin keeps them apart`;
      } else if (column) [why, note] = ['lambda', `${others(column.members)}: costs more than it saves`];
      else if (miss) {
        const words: Record<MissReason, string> = {
          pair: 'one stands in badly for the other',
          cost: 'over the threshold',
          evidence: 'too few ground truths',
          never: 'they never fire together',
        };
        [why, note] = [miss.why, `${others(miss.members)}: ${miss.note ?? words[miss.why]}`];
      }
      const from = column ?? miss;
      const rank = (namesake === undefined ? 1e6 : 0) + (column ? -gain(column) - 1 : miss ? Math.min(1e5, distance(miss)) : 1e5);
      return [
        {
          alone: {
            label: show(node, from?.evidence),
            why,
            ...(from && {
              with: from.members.filter((other) => other !== node).map((other) => show(other, from.evidence)),
              ...(from.cost !== undefined && !Number.isNaN(from.cost) && { cost: from.cost }),
            }),
            ...(!column && miss?.threshold !== undefined && { threshold: miss.threshold }),
            note,
            ...(namesake !== undefined && { sameName: labels[namesake]! }),
          },
          rank,
          node,
        },
      ];
    });
    return alone.sort((a, b) => a.rank - b.rank || a.node - b.node).map((entry) => entry.alone);
  }
}

/** Keys under which two names are the same: spelling and plural aside. */
function keysOf(name: string): string[] {
  const key = normaliseName(name);
  return key === '' ? [] : [key, ...singularKeys(key)];
}
