// Joins labels of several data sets that have the same name: the baseline that every tool offers. Merging by data is the business of learning.
import { describe } from '../../errors.js';
import { invalid, type Label, type LabelSpace } from '../label-space.js';
import { normaliseName, singularKeys } from '../names.js';
import { checkSpaces, Clusters, type MergeResult } from './clusters.js';

/**
 * How alike two names must be: `exact`: the same characters; `normalised`: also but for case, spaces, underscores, hyphens, dots, slashes and a
 * plural; `synonyms`: also where one is a synonym of the other, or both have a synonym in common.
 */
export type NameLevel = 'exact' | 'normalised' | 'synonyms';

/** Every level, from the strictest to the most lenient. */
export const nameLevels: readonly NameLevel[] = ['exact', 'normalised', 'synonyms'];

/** Options of {@link mergeByName}. */
export interface MergeByNameOptions {
  /** Default: `normalised`. */
  level?: NameLevel;
  /** Name of the unified label space. Default: the names of the data sets, joined by ` + `. */
  name?: string;
}

/** The keys of a label at one step; labels of different data sets with a key in common are joined. */
interface Step {
  readonly level: NameLevel;
  /** What a relation says of the pair. */
  readonly note: string;
  /** Keys by which a label is found, and keys by which it looks for others. */
  readonly own: (label: Label) => readonly string[];
  readonly wanted: (label: Label) => readonly string[];
}

const exact = ({ name }: Label): string[] => [name];
const key = ({ name }: Label): string[] => notEmpty([normaliseName(name)]);
const singulars = (label: Label): string[] => key(label).flatMap(singularKeys);
const synonyms = ({ synonyms }: Label): string[] => notEmpty(synonyms.map(normaliseName));
const notEmpty = (keys: string[]): string[] => keys.filter((one) => one !== '');

/** From the surest to the least sure: what an earlier step joined stays. */
const steps: readonly Step[] = [
  { level: 'exact', note: 'same name', own: exact, wanted: exact },
  { level: 'normalised', note: 'same name but for spelling', own: key, wanted: key },
  { level: 'normalised', note: 'plural', own: key, wanted: singulars },
  { level: 'synonyms', note: 'synonym', own: key, wanted: synonyms },
  { level: 'synonyms', note: 'synonym in common', own: synonyms, wanted: synonyms },
];

/**
 * Joins labels of different data sets by their names. Where a data set has several labels of one name (Open Images has two `Mouse`) none of them is
 * joined by it. Deterministic; data sets that come first win. Throws LabelSpaceError `invalid-label-space`.
 */
export function mergeByName(spaces: readonly LabelSpace[], options: MergeByNameOptions = {}): MergeResult {
  checkSpaces(spaces);
  const { level = 'normalised', name = spaces.map((space) => space.name).join(' + ') } = options;
  const last = nameLevels.indexOf(level);
  if (last < 0) throw invalid('option level', describe(level), nameLevels.map((one) => JSON.stringify(one)).join(', '));
  const clusters = new Clusters(spaces);
  const ambiguous = new Set<string>();
  for (const step of steps.slice(0, steps.findLastIndex((one) => nameLevels.indexOf(one.level) <= last) + 1)) {
    // By key: the labels that have it and those that look for it, in the order of the data sets.
    const table = new Map<string, { own: number[]; wanted: number[] }>();
    const entry = (text: string): { own: number[]; wanted: number[] } => {
      const found = table.get(text) ?? { own: [], wanted: [] };
      table.set(text, found);
      return found;
    };
    spaces.forEach((space, d) =>
      space.labels.forEach((label) => {
        const node = clusters.nodeOf(d, label.index);
        for (const text of new Set(step.own(label))) entry(text).own.push(node);
        if (step.wanted !== step.own) for (const text of new Set(step.wanted(label))) entry(text).wanted.push(node);
      }),
    );
    for (const [text, { own, wanted }] of table) {
      const nodes = step.wanted === step.own ? own : [...own, ...wanted.filter((node) => !own.includes(node))];
      if (nodes.length < 2 || (step.wanted !== step.own && (own.length === 0 || wanted.length === 0))) continue;
      const clear = unambiguous(clusters, nodes, (several) => {
        // The same labels are ambiguous again at every later step.
        const id = several.join();
        if (nodes.length === several.length || ambiguous.has(id)) return;
        ambiguous.add(id);
        clusters.leaveOut({ why: 'ambiguous', labels: nodes.map((node) => clusters.keyOf(node)), note: `${step.note}: ${text}` });
      });
      for (const node of clear.slice(1)) clusters.join(clear[0]!, node, undefined, { source: 'names', note: step.note });
    }
  }
  return clusters.finish(name, { method: 'by names', parameters: { level } });
}

/** One label of each data set, in the order of the data sets; where it has several, the one that stands with another of them already, or none. */
function unambiguous(clusters: Clusters, nodes: readonly number[], report: (several: readonly number[]) => void): number[] {
  const byDataset = new Map<number, number[]>();
  for (const node of nodes) {
    const d = clusters.datasetOf(node);
    byDataset.set(d, [...(byDataset.get(d) ?? []), node]);
  }
  const chosen: number[] = [];
  for (const [, own] of [...byDataset].sort(([a], [b]) => a - b)) {
    const joined = own.filter((node) =>
      nodes.some((other) => !own.includes(other) && clusters.rootOf(other) === clusters.rootOf(node)),
    );
    if (own.length === 1) chosen.push(own[0]!);
    else if (joined.length === 1) chosen.push(joined[0]!);
    else report(own);
  }
  return chosen;
}
