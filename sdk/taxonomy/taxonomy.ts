// The taxonomy: a unified label space with its relations, the pins a person set, and where it came from. Files of it are in file/.
import { Hierarchy } from './hierarchy.js';
import type { LabelId } from './label-space.js';
import { isError, type LabelKey, type Problem, problem, type ProblemPath, TaxonomyError, warning } from './problems.js';
import { checkRelations, formatEnd, type Relation, type RelationEnd, type RelationOptions, Relations } from './relations.js';
import { type LabelTransform, ListedTransform } from './transform.js';
import { findKey, isUnifiedLabelSpace, type LabelList, type Places, placesOf, type UnifiedLabelSpace } from './unified.js';

/** What a person decided; learning a label space keeps to it. */
export interface Pins {
  /** Each entry: labels that stand in one unified label, at most one of a data set. */
  readonly mustMerge: readonly (readonly LabelKey[])[];
  /** Each entry: labels no two of which stand in one unified label. */
  readonly cannotMerge: readonly (readonly LabelKey[])[];
  /** Each entry: a unified label that stays exactly as it is, one label or more: no other label joins them. */
  readonly locked?: readonly (readonly LabelKey[])[];
  /** Names of unified labels, said by one of their labels. */
  readonly names?: readonly NamePin[];
}

/** The unified label of this label of a data set has this name. */
export interface NamePin extends LabelKey {
  /** The name that a person gave. */
  readonly name: string;
}

/** The losses, thresholds and costs that produced a taxonomy. */
export interface Origin {
  /** How it was made: `learned`, `by names`, `by hand`. */
  readonly method: string;
  /** The loss of a merge: `distortion` (UniDet, Eq. 9), `average precision` (Eq. 10). */
  readonly loss?: string;
  /** Thresholds and weights by name: `{ lambda: 0.5, tau: 0.25 }`. */
  readonly parameters?: Readonly<Record<string, number | string | boolean>>;
  /** Value of the objective that was minimised. */
  readonly objective?: number;
  /** Lower bound of the objective; equal to it where the solution is proven optimal. */
  readonly bound?: number;
  /** For people. */
  readonly note?: string;
}

/** What a taxonomy has beside its unified labels. */
export interface TaxonomyParts {
  /** For people. */
  description?: string;
  /** Relations of labels; at most one of two labels. Default: none. */
  relations?: readonly Relation[];
  /** What a person decided. Default: nothing. */
  pins?: Partial<Pins>;
  /** Where the taxonomy came from. */
  origin?: Origin;
}

/** A unified label space with everything a person or a program should know of it. Taken wherever labels are asked for. Immutable. */
export interface Taxonomy<L extends string = string> extends LabelTransform<L> {
  /** Name of the unified label space. */
  readonly name: string;
  /** For people. */
  readonly description: string | undefined;
  /** The unified labels and their mappings. */
  readonly unified: UnifiedLabelSpace<L>;
  /** Relations between labels. */
  readonly relations: Relations;
  /** What a person decided. */
  readonly pins: Pins;
  /** Where it came from. */
  readonly origin: Origin | undefined;
  /** What is doubtful but lawful: pins that the unified labels do not follow. */
  readonly warnings: readonly Problem[];
  /**
   * The taxonomy of a changed label space: `taxonomy.map((labels) => labels.restrict(['coco']))`. Relations and pins of labels that are gone are left
   * out; those of unified labels follow their members.
   */
  map<M extends string>(change: (labels: UnifiedLabelSpace<L>) => UnifiedLabelSpace<M>): Taxonomy<M>;
  /** Other names of data sets, also in relations and pins. Throws LabelSpaceError `unknown-label`. */
  renameDatasets(names: Readonly<Record<string, string>>): Taxonomy<L>;
  /**
   * The hierarchy of the unified labels: the parents that data sets state, and the subset relations, both carried over to unified labels.
   * Throws LabelSpaceError `invalid-label-space` where they contradict each other, with the cycle.
   */
  hierarchy(options?: RelationOptions): Hierarchy<L>;
}

/** Makes a taxonomy of a unified label space. Throws TaxonomyError with every problem of the parts. */
export function taxonomy<L extends string>(unified: UnifiedLabelSpace<L>, parts: TaxonomyParts = {}): Taxonomy<L> {
  return new ListedTaxonomy(unified as UnifiedLabelSpace, parts) as Taxonomy as Taxonomy<L>;
}

/** Whether a value is a taxonomy. */
export function isTaxonomy(value: unknown): value is Taxonomy {
  return typeof value === 'object' && value !== null && isUnifiedLabelSpace((value as Partial<Taxonomy>).unified);
}

/** Unified labels as far as the other parts need them. */
export interface UnifiedList {
  readonly datasets: readonly LabelList[];
  readonly unified: readonly { readonly id: LabelId; readonly name: string }[];
  /** By data set and label: the position of its unified label, -1 where it has none. */
  readonly targets: readonly Int32Array[];
}

/** Checks relations and pins against the labels; collects all problems. */
export function checkParts(list: UnifiedList, { relations = [], pins = {} }: TaxonomyParts): Problem[] {
  const places = placesOf(list.datasets);
  const ids = new Set(list.unified.map(({ id }) => id));
  const known = (end: RelationEnd, path: ProblemPath): Problem | undefined => {
    if (!('unified' in end)) {
      const found = findKey(places, end, path);
      return 'k' in found ? undefined : found;
    }
    return ids.has(end.unified)
      ? undefined
      : problem('unknown-unified', path, JSON.stringify(end.unified), 'the id of a unified label');
  };
  return [...checkRelations(relations, known), ...checkPins(list, places, pins)];
}

function checkPins(
  { targets, unified }: UnifiedList,
  places: Places,
  { mustMerge = [], cannotMerge = [], locked = [], names = [] }: Partial<Pins>,
): Problem[] {
  const problems: Problem[] = [];
  const find = (key: LabelKey, path: ProblemPath): { d: number; k: number } | undefined => {
    const found = findKey(places, key, path);
    if ('k' in found) return found;
    problems.push(found);
    return undefined;
  };
  const nameOf = (key: LabelKey): string => formatEnd(key);
  /** The group that a label is pinned into; groups that share a label are one. */
  const groups = new Map<string, Map<number, { k: number; key: LabelKey }>>();
  const spot = (d: number, k: number): string => `${d}/${k}`;
  const together = (keys: readonly LabelKey[], path: ProblemPath): void => {
    const found = keys.map((key, j) => ({ key, at: find(key, [...path, j]) }));
    const merged = new Map<number, { k: number; key: LabelKey }>();
    const add = (d: number, k: number, key: LabelKey): void => {
      const other = merged.get(d);
      if (other && other.k !== k) {
        const both = `${nameOf(other.key)} and ${nameOf(key)} pinned into one unified label`;
        problems.push(problem('pin-conflict', path, both, 'at most one label of a data set in a unified label'));
      } else merged.set(d, { k, key });
    };
    for (const { key, at } of found) {
      if (!at) continue;
      for (const [d, other] of groups.get(spot(at.d, at.k)) ?? []) add(d, other.k, other.key);
      add(at.d, at.k, key);
    }
    for (const [d, { k }] of merged) groups.set(spot(d, k), merged);
    const units = new Set(found.flatMap(({ at }) => (at ? [targets[at.d]![at.k]!] : [])));
    if (units.size > 1)
      problems.push(
        warning('pin-broken', path, `${keys.map(nameOf).join(', ')} in ${units.size} unified labels`, 'one unified label'),
      );
  };
  mustMerge.forEach((keys, i) => together(keys, ['pins', 'mustMerge', i]));
  locked.forEach((keys, i) => together(keys, ['pins', 'locked', i]));
  locked.forEach((keys, i) => {
    const path = ['pins', 'locked', i];
    const first = keys.map((key) => findKey(places, key, path)).find((place) => 'k' in place);
    if (!first || !('k' in first)) return;
    const group = groups.get(spot(first.d, first.k))!;
    const own = new Set(keys.map(formatEnd));
    const more = [...group.values()].filter(({ key }) => !own.has(formatEnd(key))).map(({ key }) => nameOf(key));
    if (more.length) {
      const found = `${keys.map(nameOf).join(', ')}, locked as they are, and a pin that joins ${more.join(', ')} to them`;
      problems.push(problem('pin-conflict', path, found, 'a locked unified label with exactly its labels'));
      return;
    }
    const unit = targets[first.d]![first.k]!;
    const joined = targets.reduce((sum, list) => sum + list.reduce((count, one) => count + (one === unit ? 1 : 0), 0), 0);
    if (unit >= 0 && joined > own.size)
      problems.push(warning('pin-broken', path, `${joined - own.size} more labels in their unified label`, 'no other label'));
  });
  const named = new Map<number, NamePin>();
  names.forEach((pin, i) => {
    const path = ['pins', 'names', i];
    const at = find(pin, path);
    const unit = at && targets[at.d]![at.k]!;
    if (unit === undefined || unit < 0) return;
    const other = named.get(unit);
    if (other && other.name !== pin.name) {
      const both = `${JSON.stringify(pin.name)} for the unified label that ${nameOf(other)} calls ${JSON.stringify(other.name)}`;
      problems.push(warning('pin-broken', path, both, 'one name for a unified label'));
    } else if (unified[unit]!.name !== pin.name)
      problems.push(warning('pin-broken', path, JSON.stringify(unified[unit]!.name), JSON.stringify(pin.name)));
    named.set(unit, other ?? pin);
  });
  cannotMerge.forEach((keys, i) => {
    const path = ['pins', 'cannotMerge', i];
    const found = keys.flatMap((key, j) => {
      const at = find(key, [...path, j]);
      return at ? [{ key, unit: targets[at.d]![at.k]!, group: groups.get(spot(at.d, at.k)) }] : [];
    });
    found.forEach((one, j) => {
      const twin = found
        .slice(0, j)
        .find(({ group, key }) => (group && group === one.group) || formatEnd(key) === formatEnd(one.key));
      const pair = twin && `${nameOf(twin.key)} and ${nameOf(one.key)}`;
      if (pair) problems.push(problem('pin-conflict', path, `${pair}, which must merge`, 'labels that are not pinned together'));
      const broken = found.slice(0, j).find(({ unit }) => unit >= 0 && unit === one.unit);
      if (broken && !twin) {
        const both = `${nameOf(broken.key)} and ${nameOf(one.key)} in one unified label`;
        problems.push(warning('pin-broken', path, both, 'different unified labels'));
      }
    });
  });
  return problems;
}

class ListedTaxonomy extends ListedTransform implements Taxonomy {
  readonly description: string | undefined;
  readonly unified: UnifiedLabelSpace;
  readonly relations: Relations;
  readonly pins: Pins;
  readonly origin: Origin | undefined;
  readonly warnings: readonly Problem[];

  constructor(unified: UnifiedLabelSpace, parts: TaxonomyParts) {
    const {
      description,
      relations = [],
      pins: { mustMerge = [], cannotMerge = [], locked = [], names = [] } = {},
      origin,
    } = parts;
    const targets = unified.datasets.map(({ name, labels }) =>
      Int32Array.from(labels, ({ id }) => unified.unifiedOf(name, { id }).index),
    );
    const problems = checkParts({ datasets: unified.datasets, unified: unified.labels, targets }, parts);
    if (problems.some(isError)) throw new TaxonomyError(`taxonomy ${JSON.stringify(unified.name)}`, problems);
    super(unified);
    this.description = description;
    this.unified = unified;
    this.relations = new Relations(relations);
    this.pins = freeze({ mustMerge, cannotMerge, ...(locked.length && { locked }), ...(names.length && { names }) });
    this.origin = freeze(origin);
    this.warnings = Object.freeze(problems);
    Object.freeze(this);
  }

  get name(): string {
    return this.unified.name;
  }

  map<M extends string>(change: (labels: UnifiedLabelSpace) => UnifiedLabelSpace<M>): Taxonomy<M> {
    const unified = change(this.unified);
    const there = new Map(unified.datasets.map((dataset) => [dataset.name, dataset]));
    const has = ({ dataset, id }: LabelKey): boolean => there.get(dataset)?.hasId(id) ?? false;
    const moved = (end: RelationEnd): RelationEnd | undefined => {
      if (!('unified' in end)) return has(end) ? end : undefined;
      const members = Object.entries(this.unified.labels[this.space.byId(end.unified).index]!.members);
      const [dataset, id] = members.find(([name, member]) => has({ dataset: name, id: member })) ?? [];
      return dataset === undefined ? undefined : { unified: unified.unifiedOf(dataset, { id: id! }).id };
    };
    const seen = new Set<string>();
    const relations = this.relations.list.flatMap((relation): Relation[] => {
      const [a, b] = [moved(relation.a), moved(relation.b)];
      if (!a || !b) return [];
      // Unified labels may have become one, and two relations the same.
      const pair = [formatEnd(a), formatEnd(b)].sort().join();
      if (formatEnd(a) === formatEnd(b) || seen.has(pair)) return [];
      seen.add(pair);
      return [{ ...relation, a, b }];
    });
    const pins = (groups: Pins['mustMerge']): Pins['mustMerge'] =>
      groups.map((keys) => keys.filter(has)).filter((keys) => keys.length > 1);
    const { mustMerge, cannotMerge, locked = [], names = [] } = this.pins;
    const kept: Pins = {
      mustMerge: pins(mustMerge),
      cannotMerge: pins(cannotMerge),
      locked: locked.map((keys) => keys.filter(has)).filter((keys) => keys.length > 0),
      names: names.filter(has),
    };
    return this.#with(unified as UnifiedLabelSpace, relations, kept) as Taxonomy<string> as Taxonomy<M>;
  }

  renameDatasets(names: Readonly<Record<string, string>>): Taxonomy {
    const key = <K extends RelationEnd>(end: K): K =>
      'unified' in end || !Object.hasOwn(names, end.dataset) ? end : { ...end, dataset: names[end.dataset]! };
    const relations = this.relations.list.map((relation) => ({ ...relation, a: key(relation.a), b: key(relation.b) }));
    const pins = (groups: Pins['mustMerge']): Pins['mustMerge'] => groups.map((keys) => keys.map(key));
    const { mustMerge, cannotMerge, locked = [], names: named = [] } = this.pins;
    return this.#with(this.unified.renameDatasets(names), relations, {
      mustMerge: pins(mustMerge),
      cannotMerge: pins(cannotMerge),
      locked: pins(locked),
      names: named.map(key),
    });
  }

  #with(unified: UnifiedLabelSpace, relations: readonly Relation[], pins: Pins): Taxonomy {
    const { description, origin } = this;
    return new ListedTaxonomy(unified, {
      relations,
      pins,
      ...(description !== undefined && { description }),
      ...(origin && { origin }),
    });
  }

  hierarchy({ minScore = 0 }: RelationOptions = {}): Hierarchy {
    const parents = this.unified.labels.map(() => new Set<number>());
    const add = (below: number, above: number): void => {
      if (below !== above) parents[below]!.add(above);
    };
    for (const { name, labels } of this.datasets) {
      for (const { id, parents: above } of labels) {
        for (const parent of above)
          add(this.#unifiedIndex({ dataset: name, id }), this.#unifiedIndex({ dataset: name, id: parent }));
      }
    }
    for (const { a, kind, b, score = 1 } of this.relations.list) {
      if (score < minScore) continue;
      if (kind === 'subset') add(this.#unifiedIndex(a), this.#unifiedIndex(b));
      if (kind === 'superset') add(this.#unifiedIndex(b), this.#unifiedIndex(a));
    }
    return new Hierarchy(this.space, parents.map((set) => [...set])); // prettier-ignore
  }

  #unifiedIndex(end: RelationEnd): number {
    return 'unified' in end ? this.space.byId(end.unified).index : this.unified.unifiedOf(end.dataset, { id: end.id }).index;
  }
}

/** A frozen copy, all the way down, of plain data. */
function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  const copy = Array.isArray(value)
    ? value.map((item) => freeze(item as unknown))
    : Object.fromEntries(Object.entries(value).map(([key, item]) => [key, freeze(item as unknown)]));
  return Object.freeze(copy) as T;
}
