// The unified label space: one list over several data sets, each entry with at most one label of each, and the operations on such lists. Where it
// came from, relations and pins are the taxonomy's.
import { ArgumentError, describe } from '../errors.js';
import type { Grouping } from './grouping.js';
import {
  formatLabel, formatSpace, invalid, isLabelSpace, type Label, type LabelId, type LabelInput, type LabelSpace, labelSpace, type NamesOf, otherKind,
} from './label-space.js'; // prettier-ignore
import { composeMappings, mappingOf } from './mapping.js';
import { findRef, type LabelRef } from './match.js';
import { isError, type LabelKey, type Problem, problem, type ProblemPath, TaxonomyError } from './problems.js';
import { type LabelTransform, ListedTransform, place } from './transform.js';

/** What a unified label stands for: the id of its label in each data set that has one. */
export type Members = Readonly<Record<string, LabelId>>;

/** A unified label as it is given: a name and its members are needed; the id defaults to the position. */
export interface UnifiedLabelInput<L extends string = string> extends Pick<LabelInput<L>, 'id' | 'name' | 'synonyms' | 'color'> {
  /** What it stands for: one label or more. */
  readonly members: Members;
  /** What joining the members costs the original heads: a loss of AP (0..1) or a distortion, as the origin of the taxonomy says. */
  readonly cost?: number;
  /** How much worse the best solution without this label is: labels with a small margin are worth a person's look. */
  readonly margin?: number;
}

/** One label of a {@link UnifiedLabelSpace}, frozen. */
export interface UnifiedLabel<L extends string = string> extends Label<L> {
  /** In the order of the data sets. */
  readonly members: Members;
  /** {@link UnifiedLabelInput.cost} */
  readonly cost?: number;
  /** {@link UnifiedLabelInput.margin} */
  readonly margin?: number;
}

/** Options of {@link unifiedLabelSpace}. */
export interface UnifiedOptions {
  /** What becomes of labels that stand in no unified label: `error` (default), or `single`: each becomes a unified label of its own, behind the others. */
  rest?: 'error' | 'single';
}

/** L with the new names of {@link UnifiedLabelSpace.rename}. */
export type Renamed<L extends string, R> = L extends keyof R ? (R[L] extends string ? R[L] : L) : L;

/**
 * Unified labels over D data sets with their mappings T_k. Immutable. Made by {@link unifiedLabelSpace}.
 *
 * Laws (UniDet, 4.1): every label of a data set has exactly one unified label (T_k 1 = 1); a unified label has at most one label of a data set
 * (T_k^T 1 <= 1), and one label at least. Every operation gives a space that keeps them.
 */
export interface UnifiedLabelSpace<L extends string = string> extends LabelTransform<L> {
  /** Its name, also that of `space`. */
  readonly name: string;
  /** The unified labels, with their members. */
  readonly labels: readonly UnifiedLabel<L>[];
  /** Number of unified labels, U. */
  readonly size: number;
  /** The unified label of a label of a data set. Throws LabelSpaceError `unknown-label`, `ambiguous-label`. */
  unifiedOf(dataset: string, label: LabelRef): UnifiedLabel<L>;
  /** The label of a data set that a unified label (by name or `{ id }`) stands for, or undefined. Throws as `unifiedOf` does. */
  memberOf(label: LabelRef, dataset: string): Label | undefined;
  /** The data set of that name. Throws LabelSpaceError `unknown-label`. */
  dataset(name: string): LabelSpace;
  /** Only these data sets, and the unified labels that stand for a label of theirs; ids stay. Throws LabelSpaceError `unknown-label`. */
  restrict(datasets: readonly string[]): UnifiedLabelSpace<L>;
  /**
   * Over the data sets of both: what either joins is joined, nothing else is, so that two spaces meet in the data sets that they share. Names and
   * ids of this space come first; where ids of both would clash, all become positions.
   * Throws TaxonomyError where two labels of one data set would be joined, or where a shared data set differs.
   */
  union<M extends string>(other: UnifiedLabelSpace<M>): UnifiedLabelSpace<L | M>;
  /**
   * First this space, then one behind it. `outer` is a unified space in which this one is a data set (by its name and ids): its place is taken by
   * the data sets of this one. Or a grouping of the unified labels, which gives a many-to-one transform of the data sets.
   * Throws LabelSpaceError `unknown-label` where this space is no part of `outer`.
   */
  compose<M extends string>(outer: UnifiedLabelSpace<M>): UnifiedLabelSpace<M>;
  /** The same with a grouping of the unified labels; scores are combined in one step, as the grouping says. */
  compose<M extends string>(outer: Grouping<M>): LabelTransform<M>;
  /** Other names: an object by the old name, or a function. Members and ids stay. Throws LabelSpaceError `unknown-label`, `ambiguous-label`. */
  rename<const R extends Readonly<Partial<Record<L, string>>>>(names: R): UnifiedLabelSpace<Renamed<L, R>>;
  /** Other names by a function. */
  rename<M extends string>(names: (label: UnifiedLabel<L>) => M): UnifiedLabelSpace<M>;
  /** Other names of data sets, by the old name. Throws LabelSpaceError `unknown-label`. */
  renameDatasets(names: Readonly<Record<string, string>>): UnifiedLabelSpace<L>;
  /** Another order: `order[i]` is the present position of the label that comes i-th. Throws ArgumentError where it is no permutation. */
  permute(order: readonly number[]): UnifiedLabelSpace<L>;
}

/**
 * Makes a unified label space and checks its laws.
 *
 * ```ts
 * const seats = unifiedLabelSpace('seats', [coco, voc], [{ name: 'sofa', members: { coco: 63, voc: 18 } }], { rest: 'single' });
 * ```
 *
 * Throws LabelSpaceError `invalid-label-space`, or TaxonomyError with every broken law.
 */
export function unifiedLabelSpace<
  const T extends readonly UnifiedLabelInput[],
  S extends string = string,
  const O extends UnifiedOptions = Record<never, never>,
>(
  name: string,
  datasets: readonly LabelSpace<S>[],
  labels: T,
  options?: O,
): UnifiedLabelSpace<O extends { readonly rest: 'single' } ? string : NamesOf<T>> {
  const { rest = 'error' } = options ?? {};
  if (rest !== 'error' && rest !== 'single') throw invalid('option rest', describe(rest), '"error" or "single"');
  return new ListedUnifiedSpace(name, datasets, labels, rest === 'single') as UnifiedLabelSpace as never;
}

/** Whether a value is a unified label space. */
export function isUnifiedLabelSpace(value: unknown): value is UnifiedLabelSpace {
  return typeof value === 'object' && value !== null && typeof (value as Partial<UnifiedLabelSpace>).unifiedOf === 'function';
}

/** A list of labels as far as members need it. */
export interface LabelList {
  readonly name: string;
  readonly labels: readonly { readonly id: LabelId; readonly name: string }[];
}

/** Where every label of some data sets is, by name and id. */
export type Places = ReadonlyMap<string, { readonly d: number; readonly ids: ReadonlyMap<LabelId, number> }>;

export function placesOf(datasets: readonly LabelList[]): Places {
  return new Map(datasets.map(({ name, labels }, d) => [name, { d, ids: new Map(labels.map(({ id }, k) => [id, k])) }]));
}

/** The data set and position of a label, or the problem that it is not there. */
export function findKey(places: Places, { dataset, id }: LabelKey, path: ProblemPath): { d: number; k: number } | Problem {
  const place = places.get(dataset);
  if (!place) {
    const names = [...places.keys()].map((name) => JSON.stringify(name)).join(', ');
    return problem('unknown-dataset', path, describe(dataset), `a data set: ${names || 'there is none'}`);
  }
  const k = place.ids.get(id);
  if (k !== undefined) return { d: place.d, k };
  const twin = otherKind(id);
  const next = place.ids.has(twin) ? `There is ${JSON.stringify(twin)}, a ${typeof twin}.` : undefined;
  return problem('unknown-label', path, describe(id), `the id of a label of ${JSON.stringify(dataset)}`, next);
}

/**
 * Checks both laws and finds the unified label of every label: `targets[d][k]` is the position of that of label k of data set d, -1 where it has
 * none. Collects all problems; paths start at `labels` or `datasets` as they are named.
 */
export function linkMembers(
  datasets: readonly LabelList[],
  labels: readonly { readonly members: Members; readonly name: string }[],
  root: { labels: string; single?: boolean },
): { targets: Int32Array[]; problems: Problem[] } {
  const problems: Problem[] = [];
  const targets = datasets.map((dataset) => new Int32Array(dataset.labels.length).fill(-1));
  const places = placesOf(datasets);
  labels.forEach(({ members }, u) => {
    let count = 0;
    for (const dataset of Object.keys(members)) {
      count++;
      const path: ProblemPath = [root.labels, u, 'members', dataset];
      const place = findKey(places, { dataset, id: members[dataset]! }, path);
      if (!('k' in place)) {
        problems.push(place);
        continue;
      }
      const { d, k } = place;
      const own = datasets[d]!;
      const other = targets[d]![k]!;
      if (other >= 0) {
        problems.push(
          problem(
            'label-in-two',
            path,
            `${formatLabel(own.labels[k]!)}, which stands in ${root.labels}[${other}] ${JSON.stringify(labels[other]!.name)} already`,
            'each label of a data set in one unified label',
          ),
        );
        continue;
      }
      targets[d]![k] = u;
    }
    if (!count) problems.push(problem('no-member', [root.labels, u, 'members'], 'no member', 'a label of one data set or more'));
  });
  if (!root.single) {
    datasets.forEach((dataset, d) =>
      dataset.labels.forEach((label, k) => {
        if (targets[d]![k]! >= 0) return;
        problems.push(
          problem(
            'label-in-none',
            ['datasets', d, 'labels', k],
            `${formatLabel(label)} of ${JSON.stringify(dataset.name)} in no unified label`,
            'each label of a data set in one unified label',
          ),
        );
      }),
    );
  }
  return { targets, problems };
}

class ListedUnifiedSpace extends ListedTransform implements UnifiedLabelSpace {
  readonly labels: readonly UnifiedLabel[];
  readonly #targets: ReadonlyMap<string, Int32Array>;

  constructor(name: string, datasets: readonly LabelSpace[], given: readonly UnifiedLabelInput[], single = false) {
    if (!Array.isArray(datasets) || datasets.length === 0 || !datasets.every(isLabelSpace))
      throw invalid('a unified label space, datasets', describe(datasets), 'an array of label spaces, one or more');
    if (!Array.isArray(given)) throw invalid('a unified label space, labels', describe(given), 'an array of unified labels');
    const thing = `unified label space ${JSON.stringify(name)}`;
    const problems = checkUnique(datasets);
    given.forEach((label, u) => {
      const members: unknown = label?.members;
      if (typeof members !== 'object' || members === null || Array.isArray(members))
        problems.push(problem('wrong-value', ['labels', u, 'members'], describe(members), 'an object { "data set": label id }'));
    });
    if (problems.length) throw new TaxonomyError(thing, problems);
    const linked = linkMembers(datasets, given, { labels: 'labels', single });
    if (linked.problems.some(isError)) throw new TaxonomyError(thing, linked.problems);
    const all = single ? [...given, ...singles(datasets, linked.targets, given)] : given;
    const space = labelSpace(
      name,
      all.map(({ members: _, cost: __, margin: ___, ...label }): LabelInput => label),
    );
    const groups: number[][] = all.map(() => []);
    let sources = 0;
    for (const target of linked.targets) for (const u of target) groups[u]!.push(sources++);
    super({ space, datasets, mapping: mappingOf(groups, sources), combine: 'mean' });
    this.#targets = new Map(datasets.map((dataset, d) => [dataset.name, linked.targets[d]!]));
    this.labels = Object.freeze(
      space.labels.map((label, u): UnifiedLabel => {
        const { members, cost, margin } = all[u]!;
        const ordered = datasets.flatMap(({ name: own }) => (Object.hasOwn(members, own) ? [[own, members[own]!] as const] : []));
        return Object.freeze({
          ...label,
          members: Object.freeze(Object.fromEntries(ordered)),
          ...(cost !== undefined && { cost: finite(`${thing}, labels[${u}].cost`, cost) }),
          ...(margin !== undefined && { margin: finite(`${thing}, labels[${u}].margin`, margin) }),
        });
      }),
    );
    Object.freeze(this);
  }

  get name(): string {
    return this.space.name;
  }

  get size(): number {
    return this.labels.length;
  }

  dataset(name: string): LabelSpace {
    return place(this, name).space;
  }

  unifiedOf(dataset: string, label: LabelRef): UnifiedLabel {
    const { index } = findRef(this.dataset(dataset), label);
    return this.labels[this.#targets.get(dataset)![index]!]!;
  }

  memberOf(label: LabelRef, dataset: string): Label | undefined {
    const space = this.dataset(dataset);
    const { members } = this.labels[findRef(this.space, label).index]!;
    return Object.hasOwn(members, dataset) ? space.byId(members[dataset]!) : undefined;
  }

  restrict(names: readonly string[]): UnifiedLabelSpace {
    const kept = names.map((name) => this.dataset(name));
    const wanted = new Set(names);
    const labels = this.labels.flatMap((label): UnifiedLabelInput[] => {
      const entries = Object.entries(label.members);
      const own = entries.filter(([dataset]) => wanted.has(dataset));
      if (own.length === entries.length) return [inputOf(label)];
      // A cost is that of all members together.
      const { cost: _, margin: __, ...rest } = inputOf(label);
      return own.length ? [{ ...rest, members: Object.fromEntries(own) }] : [];
    });
    return new ListedUnifiedSpace(this.name, kept, labels);
  }

  union<M extends string>(other: UnifiedLabelSpace<M>): UnifiedLabelSpace<M> {
    const both: readonly UnifiedLabelSpace[] = [this, other as UnifiedLabelSpace];
    const shared = other.datasets.filter(({ name }) => this.#targets.has(name));
    const added = other.datasets.filter(({ name }) => !this.#targets.has(name));
    const thing = `union of ${formatSpace(this.space)} and ${formatSpace(other.space)}`;
    for (const dataset of shared) checkSame(thing, this.dataset(dataset.name), dataset);
    // Nodes are the unified labels of both; every label of a shared data set ties two of them.
    const roots = Array.from({ length: this.size + other.size }, (_, node) => node);
    const rootOf = (node: number): number => {
      let root = node;
      while (roots[root] !== root) root = roots[root] = roots[roots[root]!]!;
      return root;
    };
    for (const { name, labels } of shared) {
      for (const { id } of labels) {
        const a = rootOf(this.unifiedOf(name, { id }).index);
        const b = rootOf(this.size + other.unifiedOf(name, { id }).index);
        roots[Math.max(a, b)] = Math.min(a, b);
      }
    }
    const problems: Problem[] = [];
    const joined = new Map<number, { input: UnifiedLabelInput; members: Map<string, LabelId>; same: boolean }>();
    both.forEach((space, i) =>
      space.labels.forEach((label) => {
        const root = rootOf(i * this.size + label.index);
        const found = joined.get(root);
        if (!found) {
          joined.set(root, { input: inputOf(label), members: new Map(Object.entries(label.members)), same: true });
          return;
        }
        for (const [dataset, id] of Object.entries(label.members)) {
          const present = found.members.get(dataset);
          if (present === id) continue;
          found.same = false;
          if (present === undefined) found.members.set(dataset, id);
          else {
            const own = (this.#targets.has(dataset) ? this : other).dataset(dataset);
            const pair = `${formatLabel(own.byId(present))} and ${formatLabel(own.byId(id))}`;
            problems.push(
              problem(
                'two-of-one-dataset',
                [],
                `${pair} of ${JSON.stringify(dataset)} joined`,
                'one label of a data set in a unified label',
              ),
            );
          }
        }
      }),
    );
    if (problems.length) throw new TaxonomyError(thing, problems);
    const entries = [...joined.values()];
    const ids = new Set(entries.map(({ input }) => String(input.id)));
    const labels = entries.map(({ input, members, same }, position): UnifiedLabelInput => {
      const { cost, margin, ...rest } = input;
      return {
        ...rest,
        ...(same && { cost, margin }),
        id: ids.size === entries.length ? input.id! : position,
        members: Object.fromEntries(members),
      };
    });
    return new ListedUnifiedSpace(this.name, [...this.datasets, ...added], labels) as UnifiedLabelSpace as UnifiedLabelSpace<M>;
  }

  compose(outer: UnifiedLabelSpace | Grouping): never {
    if (!isUnifiedLabelSpace(outer)) {
      checkSame(`grouping of ${formatSpace(outer.source)} behind ${formatSpace(this.space)}`, this.space, outer.source);
      const { space, combine } = outer;
      return new ListedTransform({
        space,
        datasets: this.datasets,
        mapping: composeMappings(this.mapping, outer.mapping),
        combine,
      }) as never;
    }
    checkSame(`composition with ${formatSpace(outer.space)}`, this.space, outer.dataset(this.name));
    const datasets = outer.datasets.flatMap((dataset) => (dataset.name === this.name ? this.datasets : [dataset]));
    const labels = outer.labels.map((label): UnifiedLabelInput => {
      const members = Object.entries(label.members).flatMap(([dataset, id]) =>
        dataset === this.name ? Object.entries(this.labels[this.space.byId(id).index]!.members) : [[dataset, id] as const],
      );
      return { ...inputOf(label), members: Object.fromEntries(members) };
    });
    return new ListedUnifiedSpace(outer.name, datasets, labels) as never;
  }

  rename(names: Readonly<Record<string, string>> | ((label: UnifiedLabel) => string)): never {
    const renamed = typeof names === 'function' ? names : nameTable(this.space, names);
    const labels = this.labels.map((label) => ({ ...inputOf(label), name: renamed(label) }));
    return new ListedUnifiedSpace(this.name, this.datasets, labels) as never;
  }

  renameDatasets(names: Readonly<Record<string, string>>): UnifiedLabelSpace {
    for (const name of Object.keys(names)) this.dataset(name);
    const renamed = (name: string): string => (Object.hasOwn(names, name) ? names[name]! : name);
    const datasets = this.datasets.map((dataset) =>
      renamed(dataset.name) === dataset.name ? dataset : labelSpace(renamed(dataset.name), dataset.toJSON().labels),
    );
    const labels = this.labels.map((label) => ({
      ...inputOf(label),
      members: Object.fromEntries(Object.entries(label.members).map(([dataset, id]) => [renamed(dataset), id])),
    }));
    return new ListedUnifiedSpace(this.name, datasets, labels);
  }

  permute(order: readonly number[]): UnifiedLabelSpace {
    const seen = new Set(order);
    if (
      order.length !== this.size ||
      seen.size !== this.size ||
      !order.every((u) => Number.isInteger(u) && u >= 0 && u < this.size)
    ) {
      throw new ArgumentError({
        thing: 'order',
        found: `an array of ${order.length} with ${seen.size} different entries`,
        wanted: `each position from 0 to ${this.size - 1} once`,
      });
    }
    return new ListedUnifiedSpace(this.name, this.datasets, order.map((u) => inputOf(this.labels[u]!))); // prettier-ignore
  }
}

/** A unified label without its position. */
function inputOf({
  index: _,
  parents: __,
  frequency: ___,
  isThing: ____,
  externalIds: _____,
  ...label
}: UnifiedLabel): UnifiedLabelInput {
  return label;
}

function finite(thing: string, value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw invalid(thing, describe(value), 'a finite number');
}

/** Data sets whose names are taken already. */
export function checkUnique(datasets: readonly { readonly name: string }[]): Problem[] {
  return datasets.flatMap(({ name }, d) => {
    const first = datasets.findIndex((other) => other.name === name);
    if (first === d) return [];
    return [
      problem(
        'duplicate-dataset',
        ['datasets', d, 'name'],
        `${JSON.stringify(name)}, the name of datasets[${first}] too`,
        'a name for each data set',
      ),
    ];
  });
}

/** Two label spaces that are to be the same data set: the same ids in the same order. */
function checkSame(thing: string, one: LabelSpace, other: LabelSpace): void {
  if (one === other) return;
  const at = one.labels.findIndex((label, k) => label.id !== other.labels[k]?.id);
  if (at < 0 && one.size === other.size) return;
  const found =
    one.size === other.size
      ? `${formatLabel(one.labels[at]!)} and ${formatLabel(other.labels[at]!)} at position ${at}`
      : `${one.size} and ${other.size} labels`;
  throw new TaxonomyError(thing, [
    problem(
      'unknown-label',
      [],
      `${found} of ${formatSpace(one)} and ${formatSpace(other)}`,
      'the same ids in the same order in both',
    ),
  ]);
}

function nameTable(space: LabelSpace, names: Readonly<Record<string, string>>): (label: Label) => string {
  const table = new Map(Object.entries(names).map(([old, name]) => [space.byName(old).index, name]));
  return ({ index, name }) => table.get(index) ?? name;
}

/** A unified label for every label that has none yet; fills the targets in. Names that are taken get the data set behind them. */
function singles(
  datasets: readonly LabelSpace[],
  targets: Int32Array[],
  given: readonly UnifiedLabelInput[],
): UnifiedLabelInput[] {
  const taken = new Set(given.map(({ name }) => name));
  const ids = new Set(given.map(({ id }, u) => String(id ?? u)));
  const made: UnifiedLabelInput[] = [];
  let next = given.length;
  datasets.forEach((dataset, d) =>
    dataset.labels.forEach((label, k) => {
      if (targets[d]![k]! >= 0) return;
      targets[d]![k] = given.length + made.length;
      const name = [label.name, `${label.name} (${dataset.name})`, `${label.name} (${dataset.name} ${label.id})`].find(
        (one) => !taken.has(one),
      );
      taken.add(name ?? label.name);
      while (ids.has(String(next))) next++;
      made.push({ id: next++, name: name ?? label.name, members: { [dataset.name]: label.id } });
    }),
  );
  return made;
}
