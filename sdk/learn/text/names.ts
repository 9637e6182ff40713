// Names as a loss: 0 for labels with the same name or a synonym in common, and nothing to say otherwise. Synonyms may come from another label space.
import { type LabelInput, type LabelSpace, labelSpace } from '../../taxonomy/label-space.js';
import type { NameLevel } from '../../taxonomy/merge/index.js';
import { normaliseName, singularKeys } from '../../taxonomy/names.js';
import type { Loss } from '../costs/loss.js';
import { numberLabels } from '../nodes.js';

/** Options of {@link nameLoss}. */
export interface NameLossOptions {
  /** How alike names must be, as for `mergeByName`. Default `synonyms`. */
  readonly level?: NameLevel | undefined;
}

/**
 * A loss of 0 for labels of the same name, and NaN (nothing to say) for all others: with other losses in a weighted sum, equal names make a merge cheaper
 * and different names make none dearer. Open Images' two `Mouse` both match a `mouse`; the other losses choose.
 */
export function nameLoss(spaces: readonly LabelSpace[], { level = 'synonyms' }: NameLossOptions = {}): Loss {
  const nodes = numberLabels(spaces);
  const keys = spaces.flatMap((space) =>
    space.labels.map(({ name, synonyms }) => {
      if (level === 'exact') return new Set([name]);
      const names = level === 'synonyms' ? [name, ...synonyms] : [name];
      const own = names.map(normaliseName).filter((key) => key !== '');
      return new Set([...own, ...own.flatMap(singularKeys)]);
    }),
  );
  const byKey = new Map<string, number[]>();
  keys.forEach((own, node) => {
    for (const key of own) byKey.set(key, [...(byKey.get(key) ?? []), node]);
  });
  const same = (a: number, b: number): boolean => [...keys[a]!].some((key) => keys[b]!.has(key));
  return {
    name: 'names',
    nodes,
    pairs() {
      const found = new Set<number>();
      for (const list of byKey.values()) {
        for (const a of list) for (const b of list) if (nodes.datasetOf[a]! < nodes.datasetOf[b]!) found.add(a * nodes.count + b);
      }
      return [...found].sort((x, y) => x - y).map((key): [number, number] => [Math.floor(key / nodes.count), key % nodes.count]);
    },
    cost: (members) => ({
      cost: members.some((a, i) => members.slice(i + 1).some((b) => same(a, b))) ? 0 : Number.NaN,
    }),
  };
}

/**
 * The same labels with more synonyms: where a label's name or synonym stands for exactly one label of `lexicon` (LVIS knows couch and sofa), all names of
 * that label are added.
 */
export function addSynonyms(space: LabelSpace, lexicon: LabelSpace): LabelSpace {
  const byKey = new Map<string, Set<number>>();
  for (const { index, name, synonyms } of lexicon.labels) {
    for (const key of [name, ...synonyms].map(normaliseName)) byKey.set(key, (byKey.get(key) ?? new Set()).add(index));
  }
  return labelSpace(
    space.name,
    space.labels.map(({ index: _, ...label }): LabelInput => {
      const own = [label.name, ...label.synonyms];
      const found = new Set(own.flatMap((name) => [...(byKey.get(normaliseName(name)) ?? [])]));
      const [only] = found.size === 1 ? found : [];
      if (only === undefined) return label;
      const { name, synonyms } = lexicon.labels[only]!;
      const known = new Set(own);
      return { ...label, synonyms: [...label.synonyms, ...[name, ...synonyms].filter((one) => !known.has(one))] };
    }),
  );
}
