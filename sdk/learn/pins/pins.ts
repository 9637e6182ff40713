// What a person decided, from labels by data set and id to nodes, and back into the pins of a taxonomy. Contradictions are named where the program is made.
import { LabelSpaceError } from '../../errors.js';
import type { LabelSpace } from '../../taxonomy/label-space.js';
import type { LabelKey } from '../../taxonomy/problems.js';
import type { Pins } from '../../taxonomy/taxonomy.js';
import { numberLabels } from '../nodes.js';
import type { NodePins } from '../solve/prepare.js';
import type { LabelRef } from '../types.js';

/** The labels of data sets as the solver takes them: in the order of the nodes. */
export function labelRefs(spaces: readonly LabelSpace[]): LabelRef[] {
  return spaces.flatMap((space) => space.labels.map(({ id, name }) => ({ dataset: space.name, id, name })));
}

/** Pins by nodes. Throws LabelSpaceError `unknown-label` with the pin. */
export function nodePins(pins: Partial<Pins>, spaces: readonly LabelSpace[]): NodePins {
  const { starts } = numberLabels(spaces);
  const node = (key: LabelKey, where: string): number => nodeOf(spaces, starts, key, where);
  const all = (list: readonly (readonly LabelKey[])[] = [], kind: string): number[][] =>
    list.map((keys, i) => keys.map((key, k) => node(key, `pins.${kind}[${i}][${k}]`)));
  return {
    mustMerge: all(pins.mustMerge, 'mustMerge'),
    cannotMerge: all(pins.cannotMerge, 'cannotMerge'),
    locked: all(pins.locked, 'locked'),
  };
}

/** Names that a person gave, by node. Throws LabelSpaceError `unknown-label`. */
export function pinnedNames(pins: Partial<Pins>, spaces: readonly LabelSpace[]): Map<number, string> {
  const { starts } = numberLabels(spaces);
  return new Map((pins.names ?? []).map((pin, i) => [nodeOf(spaces, starts, pin, `pins.names[${i}]`), pin.name]));
}

function nodeOf(spaces: readonly LabelSpace[], starts: Int32Array, { dataset, id }: LabelKey, where: string): number {
  const d = spaces.findIndex(({ name }) => name === dataset);
  const space = spaces[d];
  if (space?.hasId(id)) return starts[d]! + space.byId(id).index;
  throw new LabelSpaceError('unknown-label', {
    thing: where,
    found: space ? `the id ${JSON.stringify(id)} of ${JSON.stringify(dataset)}` : `the data set ${JSON.stringify(dataset)}`,
    wanted: space
      ? `the id of one of its ${space.size} labels`
      : `a data set: ${spaces.map(({ name }) => JSON.stringify(name)).join(', ')}`,
  });
}

/** Both sets of pins; where both name a label, the second one's name counts. */
export function joinPins(a: Partial<Pins>, b: Partial<Pins>): Pins {
  const names = [...(b.names ?? [])];
  for (const pin of a.names ?? [])
    if (!names.some(({ dataset, id }) => dataset === pin.dataset && id === pin.id)) names.push(pin);
  const unique = (lists: readonly (readonly LabelKey[])[]): (readonly LabelKey[])[] => {
    const seen = new Set<string>();
    return lists.filter((keys) => {
      const key = keys.map(({ dataset, id }) => JSON.stringify([dataset, id])).sort().join(); // prettier-ignore
      if (seen.has(key)) return false;
      seen.add(key);
      return true;
    });
  };
  return {
    mustMerge: unique([...(a.mustMerge ?? []), ...(b.mustMerge ?? [])]),
    cannotMerge: unique([...(a.cannotMerge ?? []), ...(b.cannotMerge ?? [])]),
    locked: unique([...(a.locked ?? []), ...(b.locked ?? [])]),
    names,
  };
}
