// Grouping: labels of one data set joined many-to-one into a user's labels (`vehicle: car, truck, bus`). Unified spaces over several data sets are not here.
import { describe } from '../errors.js';
import { type GroupingOptions, type GroupingSpec, groupLabels, type Groups, readGroupingSpec } from './groups.js';
import { invalid, isLabelSpace, type Label, type LabelSpace, unknownName } from './label-space.js';
import { mappingOf, membersOf, targetOfSource } from './mapping.js';
import { type LabelTransform, ListedTransform, type ReprojectOptions } from './transform.js';
import { findRef, type LabelRef, matchLabel } from './match.js';
import { describeMissing, resolved, type ResolvedLabels, type ResolveOptions } from './mapper.js';

export type { GroupingOptions, GroupingSpec, Groups } from './groups.js';

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
  return new ListedGrouping(source, spec) as Grouping as unknown as Grouping<GroupedNames<G, O, S>, S>;
}

class ListedGrouping extends ListedTransform implements Grouping {
  readonly source: LabelSpace;

  constructor(source: LabelSpace, spec: GroupingSpec) {
    const { space, mapping, combine } = groupLabels(source, spec, 'error');
    super({ space, datasets: [source], mapping, combine });
    this.source = source;
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

  override resolveFor(model: LabelSpace, { missing = 'error', allowNone = false }: ResolveOptions = {}): ResolvedLabels {
    if (model === this.source) return resolved(this.space, this.mapping, this.combine, []);
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
    return resolved(this.space, mappingOf(groups, model.size), this.combine, names, allowNone);
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
