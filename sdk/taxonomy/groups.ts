// What a grouping says, checked and applied to the labels of a data set. The object that users hold, with its algebra, is in grouping.ts.
import { describe } from '../errors.js';
import {
  formatLabel,
  formatSpace,
  invalid,
  type Label,
  type LabelInput,
  type LabelSpace,
  labelSpace,
  record,
  text,
} from './label-space.js';
import { type Combine, combines, type LabelMapping, mappingOf } from './mapping.js';
import { findRef, type LabelRef, matchName } from './match.js';
import type { Missing } from './mapper.js';

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

/** The new labels and how they come from the data set. With `ignore`, labels that it has not are left out and listed in `missing`. */
export function groupLabels(
  source: LabelSpace,
  spec: GroupingSpec,
  missing: Missing,
): { space: LabelSpace; mapping: LabelMapping; combine: Combine; missing: string[] } {
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
  const mapping = mappingOf(
    groups.map((group) => group.map((label) => label.index)),
    source.size,
  );
  return { space: labelSpace(spec.name ?? 'custom', labels), mapping, combine: spec.combine ?? 'max', missing: notFound };
}

function find(source: LabelSpace, ref: LabelRef, missing: Missing): Label | undefined {
  if (missing === 'error') return findRef(source, ref);
  if (typeof ref === 'string') return matchName(source, [ref])?.label;
  return source.hasId(ref.id) ? source.byId(ref.id) : undefined;
}
