// Grouping: labels of one data set joined many-to-one into a user's labels (`vehicle: car, truck, bus`). Unified spaces over several data sets are not here.
import { describe } from '../errors.js';
import {
  formatLabel, formatSpace, invalid, isLabelSpace, type Label, type LabelInput, type LabelSpace, labelSpace, record, text, unknownName,
} from './label-space.js'; // prettier-ignore
import { type Combine, combines, mappingOf, membersOf, targetOfSource } from './mapping.js';
import { type LabelTransform, ListedTransform, type ReprojectOptions } from './transform.js';
import { findRef, type LabelRef, matchLabel, matchName } from './match.js';
import { describeMissing, type Missing, resolved, type ResolvedLabels, type ResolveOptions } from './mapper.js';

/** Labels of each group: one or several, each by name or, where a name is not unique, by `{ id }`. */
export type Groups = { readonly [group: string]: LabelRef | readonly LabelRef[] };

/** Options of {@link grouping}. */
export interface GroupingOptions {
  /** Name of the new label space. Default: `custom`. */
  name?: string;
  /** How the scores of a group's labels become one. Default: `max`. */
  combine?: Combine;
  /** What becomes of labels in no group: `ignore` (default) drops them, `keep` lets them follow the groups under their own names. */
  rest?: 'ignore' | 'keep';
}

/** A grouping before it meets a data set, as a plain object; also what a label file may hold. */
export interface GroupingSpec extends GroupingOptions {
  /** New label -> the label or labels in it. */
  readonly labels: Groups;
}

/**
 * A many-to-one map from the labels of one data set to new labels: a user's `vehicle: car, truck, bus`; the labels of a data set from the nodes of a
 * learned universal space (AutoUniSeg). Immutable. Made by {@link grouping}.
 *
 * Law: a label of the data set stands in at most one group; a group has one label or more.
 */
export interface Grouping<L extends string = string, S extends string = string> extends LabelTransform<L> {
  /** The data set. */
  readonly source: LabelSpace<S>;
  /** The labels of the data set that a label stands for. Throws LabelSpaceError `unknown-label`. */
  membersOf(name: string): readonly Label<S>[];
  /** The new label of a label of the data set, or undefined where it is ignored. Throws LabelSpaceError `unknown-label`, `ambiguous-label`. */
  groupOf(label: LabelRef): Label<L> | undefined;
  /** By the ids of the data set, so that reading it back needs no guess. */
  toJSON(): GroupingSpec;
}

/** The new labels: the groups, and with `rest: 'keep'` also the labels of the data set. */
export type GroupedNames<G, O, S extends string> = (keyof G & string) | (O extends { readonly rest: 'keep' } ? S : never);

/**
 * Groups labels of a data set. The order of `groups` is the order of the new labels (but JavaScript moves keys that are integers to the front).
 *
 * ```ts
 * const traffic = grouping(coco, { vehicle: ['car', 'truck', 'bus'], person: 'person' }); // Grouping<'vehicle' | 'person'>
 * ```
 *
 * Laws: a group has one label or more; a label of the data set stands in at most one group; new names are unique.
 * Throws LabelSpaceError `invalid-label-space`, `unknown-label` (with close names) or `ambiguous-label` (with the candidates).
 */
export function grouping<S extends string, const G extends Groups, const O extends GroupingOptions = Record<never, never>>(
  source: LabelSpace<S>,
  groups: G,
  options?: O,
): Grouping<GroupedNames<G, O, S>, S> {
  if (!isLabelSpace(source)) throw invalid('grouping, source', describe(source), 'a LabelSpace');
  const spec = readGroupingSpec('grouping', { ...options, labels: groups });
  return new ListedGrouping(source, spec, 'error') as Grouping as unknown as Grouping<GroupedNames<G, O, S>, S>;
}

/** Makes a grouping from a checked spec; with `ignore`, labels that the data set has not are left out. */
export function groupingOf(source: LabelSpace, spec: GroupingSpec, missing: Missing): Grouping {
  return new ListedGrouping(source, spec, missing);
}

/** Checks what a grouping says without knowing the data set. Throws LabelSpaceError `invalid-label-space`. */
export function readGroupingSpec(thing: string, value: unknown): GroupingSpec {
  const { name, combine, rest, labels } = record(thing, value, ['name', 'labels', 'rest', 'combine']);
  if (name !== undefined) text(`${thing}, name`, name);
  if (combine !== undefined && !combines.includes(combine as Combine)) {
    throw invalid(`${thing}, combine`, describe(combine), combines.map((c) => JSON.stringify(c)).join(', '));
  }
  if (rest !== undefined && rest !== 'ignore' && rest !== 'keep')
    throw invalid(`${thing}, rest`, describe(rest), '"ignore" or "keep"');
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels)) {
    throw invalid(`${thing}, labels`, describe(labels), 'an object of groups: { vehicle: ["car", "truck"], person: "person" }');
  }
  const groups = Object.entries(labels);
  if (groups.length === 0) throw invalid(`${thing}, labels`, 'no group', 'one group or more');
  for (const [group, members] of groups) {
    if (!group.trim()) throw invalid(`${thing}, labels`, `the group name ${describe(group)}`, 'names that are not blank');
    const refs: unknown[] = Array.isArray(members) ? members : [members];
    const where = `${thing}, group ${describe(group)}`;
    if (refs.length === 0) throw invalid(where, 'an empty group', 'one label or more');
    for (let i = 0; i < refs.length; i++) {
      const ref = refs[i];
      if (typeof ref === 'string') continue;
      const id = typeof ref === 'object' && ref !== null ? (ref as { id?: unknown }).id : undefined;
      if (typeof id !== 'string' && typeof id !== 'number') {
        throw invalid(`${where}[${i}]`, describe(ref), 'the name of a label, or { id }');
      }
    }
  }
  // A copy: later changes of the given object change nothing.
  const copied = groups.map(([group, members]) => [group, Array.isArray(members) ? [...members] : members] as const);
  return {
    ...(name !== undefined && { name: name as string }),
    labels: Object.fromEntries(copied) as Groups,
    ...(rest !== undefined && { rest }),
    ...(combine !== undefined && { combine: combine as Combine }),
  };
}

class ListedGrouping extends ListedTransform implements Grouping {
  readonly source: LabelSpace;
  readonly missing: readonly string[];

  constructor(source: LabelSpace, spec: GroupingSpec, missing: Missing) {
    const notFound: string[] = [];
    const owner = new Map<Label, string>();
    const groups: Label[][] = [];
    const labels: (string | LabelInput)[] = [];
    for (const [group, members] of Object.entries(spec.labels)) {
      const own: Label[] = [];
      for (const ref of (Array.isArray(members) ? members : [members]) as readonly LabelRef[]) {
        const label = find(source, ref, missing);
        if (!label) {
          notFound.push(typeof ref === 'string' ? ref : String(ref.id));
          continue;
        }
        const other = owner.get(label);
        if (other !== undefined) {
          throw invalid(
            `grouping of ${formatSpace(source)}, group ${describe(group)}`,
            `${formatLabel(label)}, which stands in group ${describe(other)} already`,
            'each label of the data set in at most one group, once',
          );
        }
        owner.set(label, group);
        own.push(label);
      }
      groups.push(own);
      labels.push(group);
    }
    if (spec.rest === 'keep') {
      const taken = new Set(labels);
      for (const label of source.labels) {
        if (owner.has(label)) continue;
        if (taken.has(label.name)) {
          throw invalid(
            `grouping of ${formatSpace(source)}, group ${describe(label.name)}`,
            `the name of the label ${formatLabel(label)}, which is kept under that name too`,
            'new names that are unique',
            'Put the label into a group, or rename the group.',
          );
        }
        taken.add(label.name);
        // Ids and parents of the data set mean nothing among the groups.
        const { index: _, id: __, parents: ___, ...rest } = label;
        groups.push([label]);
        labels.push(rest);
      }
    }
    super({
      space: labelSpace(spec.name ?? 'custom', labels),
      datasets: [source],
      mapping: mappingOf(
        groups.map((group) => group.map((label) => label.index)),
        source.size,
      ),
      combine: spec.combine ?? 'max',
    });
    this.source = source;
    this.missing = notFound;
    Object.freeze(this);
  }

  membersOf(name: string): readonly Label[] {
    return Array.from(membersOf(this.mapping, this.space.byName(name).index), (k) => this.source.at(k));
  }

  groupOf(label: LabelRef): Label | undefined {
    const u = targetOfSource(this.mapping)[findRef(this.source, label).index]!;
    return u < 0 ? undefined : this.space.at(u);
  }

  override reproject(scores: ArrayLike<number>, dataset = this.source.name, options?: ReprojectOptions): Float32Array {
    return super.reproject(scores, dataset, options);
  }

  override resolveFor(model: LabelSpace, { missing = 'error' }: ResolveOptions = {}): ResolvedLabels {
    if (model === this.source) return resolved(this.space, this.mapping, this.combine, this.missing);
    const notFound: Label[] = [];
    const groups = this.space.labels.map((group) => {
      // Two labels of this data set may be one label of the model.
      const indices = new Set<number>();
      for (const k of membersOf(this.mapping, group.index)) {
        const label = this.source.at(k);
        const match = matchLabel(model, label, this.source);
        if (match) indices.add(match.label.index);
        else notFound.push(label);
      }
      return [...indices];
    });
    const names = notFound.map((label) => label.name);
    if (missing === 'error' && names.length)
      throw names.length === 1 ? unknownName(model, names[0]) : describeMissing(model, names);
    return resolved(this.space, mappingOf(groups, model.size), this.combine, [...this.missing, ...names]);
  }

  toJSON(): GroupingSpec {
    const groups = this.space.labels.map((group) => {
      const members = Array.from(membersOf(this.mapping, group.index), (k) => this.source.at(k));
      const refs = members.map((label): LabelRef =>
        this.source.allByName(label.name).length === 1 ? label.name : { id: label.id },
      );
      return [group.name, refs.length === 1 ? refs[0]! : refs] as const;
    });
    return { name: this.space.name, labels: Object.fromEntries(groups), combine: this.combine };
  }
}

function find(source: LabelSpace, ref: LabelRef, missing: Missing): Label | undefined {
  if (missing === 'error') return findRef(source, ref);
  if (typeof ref === 'string') return matchName(source, [ref])?.label;
  return source.hasId(ref.id) ? source.byId(ref.id) : undefined;
}
