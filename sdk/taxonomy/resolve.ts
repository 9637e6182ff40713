// From whatever a user says about labels to the label space of the results and the mapping from the labels of the model.
import { describe } from '../errors.js';
import { groupLabels, type GroupingSpec, type Groups, readGroupingSpec } from './groups.js';
import {
  formatLabel, formatSpace, invalid, isLabelSpace, type Label, type LabelInput, type LabelSpace, labelSpace, record, unknownName,
} from './label-space.js'; // prettier-ignore
import {
  describeMissing,
  isMapper,
  type LabelMapper,
  type Missing,
  resolved,
  type ResolvedLabels,
  type ResolveOptions,
} from './mapper.js';
import { mappingOf } from './mapping.js';
import { type LabelRef, matchLabel, matchName } from './match.js';

export type { Missing, ResolvedLabels, ResolveOptions } from './mapper.js';

/** A label list as a plain object; what a label file may hold. */
export interface LabelListSpec<L extends string = string> {
  /** Default: `custom`. */
  readonly name?: string;
  /** Names, or labels with ids and synonyms, in their order. */
  readonly labels: readonly (L | LabelInput<L>)[];
}

/**
 * What a user may say where labels are asked for; `L` are the names of the resulting labels:
 * - nothing: the model's own labels;
 * - a LabelSpace: its labels, each found in the model by (data set, id), name, synonym or normalised name;
 * - an array of names: these labels of the model only, in this order, under the spelling given here;
 * - a Grouping, UnifiedLabelSpace or Taxonomy (any {@link LabelMapper});
 * - `{ labels: { vehicle: ['car', 'truck'] } }`: a grouping of the model's labels, as {@link grouping} makes it;
 * - `{ name, labels: ['cat', { name: 'dog', synonyms: [...] }] }`: as a LabelSpace.
 */
export type LabelsSpec<L extends string = string> =
  | undefined
  | LabelSpace<L>
  | LabelMapper<L>
  | readonly L[]
  | LabelListSpec<L>
  | (Omit<GroupingSpec, 'labels' | 'rest'> & { readonly labels: GroupsOf<L>; readonly rest?: 'ignore' })
  // With the model's other labels kept, the names are not all known here.
  | (string extends L ? GroupingSpec : never);

/** {@link Groups} with known names. */
export type GroupsOf<L extends string> = { readonly [K in L]: LabelRef | readonly LabelRef[] };

/** A grouping that keeps the model's other labels. */
export type KeepingSpec<G extends Groups> = Omit<GroupingSpec, 'labels' | 'rest'> & { readonly labels: G; readonly rest: 'keep' };

/**
 * Resolves a {@link LabelsSpec} against the labels of a model.
 * Throws LabelSpaceError: `unknown-label` names every label that was not found, with close names; `ambiguous-label` lists the candidates;
 * `invalid-label-space` says which law is broken.
 */
export function resolveLabels<M extends string>(
  spec: undefined,
  model: LabelSpace<M>,
  options?: ResolveOptions,
): ResolvedLabels<M>;
export function resolveLabels<const G extends Groups, M extends string>(
  spec: KeepingSpec<G>,
  model: LabelSpace<M>,
  options?: ResolveOptions,
): ResolvedLabels<(keyof G & string) | M>;
export function resolveLabels<const L extends string>(
  spec: LabelsSpec<L>,
  model: LabelSpace,
  options?: ResolveOptions,
): ResolvedLabels<L>;
export function resolveLabels(spec: unknown, model: LabelSpace, options: ResolveOptions = {}): ResolvedLabels {
  return resolve(spec, model, options);
}

function resolve(spec: unknown, model: LabelSpace, options: ResolveOptions): ResolvedLabels {
  const missing = options.missing ?? 'error';
  if (missing !== 'error' && missing !== 'ignore') throw invalid('option missing', describe(missing), '"error" or "ignore"');
  if (spec === undefined || spec === model) return { space: model, mapping: undefined, combine: 'max', missing: [] };
  const { allowNone = false } = options;
  if (isLabelSpace(spec)) return resolveSpace(spec, model, missing, allowNone);
  if (isMapper(spec)) return spec.resolveFor(model, { missing, allowNone });
  const plain = readLabelSpec('labels', spec);
  if (Array.isArray(plain)) return resolveNames(plain as string[], model, missing);
  if (isLabelSpace(plain)) return resolveSpace(plain, model, missing, allowNone);
  const grouped = groupLabels(model, plain as GroupingSpec, missing);
  return resolved(grouped.space, grouped.mapping, grouped.combine, grouped.missing, allowNone);
}

/** Checks a plain value: an array of names, a grouping, or a label list (which is made a LabelSpace). Throws LabelSpaceError `invalid-label-space`. */
export function readLabelSpec(thing: string, value: unknown): string[] | LabelSpace | GroupingSpec {
  if (Array.isArray(value)) return readNames(thing, value);
  if (typeof value !== 'object' || value === null) {
    throw invalid(
      thing,
      describe(value),
      'a label space, a grouping, an array of names, or an object with labels',
      typeof value === 'string' ? 'Give one name as an array of one.' : undefined,
    );
  }
  const { labels } = value as { labels?: unknown };
  if (!Array.isArray(labels)) return readGroupingSpec(thing, value);
  const { name = 'custom' } = record(thing, value, ['name', 'labels']);
  return labelSpace(name as string, labels as readonly (string | LabelInput)[]);
}

function readNames(thing: string, value: readonly unknown[]): string[] {
  if (value.length === 0) throw invalid(thing, 'an empty array', 'one name or more');
  const seen = new Map<unknown, number>();
  return Array.from(value, (name, i) => {
    if (typeof name !== 'string' || !name.trim()) {
      const next =
        typeof name === 'object' && name !== null ? 'Write { name, labels: [...] } for labels with ids or synonyms.' : undefined;
      throw invalid(`${thing}[${i}]`, describe(name), 'a name', next);
    }
    if (seen.has(name))
      throw invalid(`${thing}[${i}]`, `${describe(name)}, which stands at ${seen.get(name)} already`, 'each name once');
    seen.set(name, i);
    return name;
  });
}

/** Every label of `space` finds its label in the model; two may not find the same one. */
function resolveSpace(space: LabelSpace, model: LabelSpace, missing: Missing, allowNone: boolean): ResolvedLabels {
  const notFound: string[] = [];
  const owner = new Map<Label, Label>();
  const groups = space.labels.map((label) => {
    const match = matchLabel(model, label, space);
    if (!match) {
      notFound.push(label.name);
      return [];
    }
    const other = owner.get(match.label);
    if (other) throw twice(formatSpace(space), formatLabel(other), formatLabel(label), match.label, model);
    owner.set(match.label, label);
    return [match.label.index];
  });
  refuseMissing(model, notFound, missing);
  return resolved(space, mappingOf(groups, model.size), 'max', notFound, allowNone);
}

/** A part of the model's labels in another order: ids and everything else stay, the spelling is the user's. */
function resolveNames(names: readonly string[], model: LabelSpace, missing: Missing): ResolvedLabels {
  const notFound: string[] = [];
  const chosen: { name: string; label: Label }[] = [];
  const owner = new Map<Label, string>();
  for (const name of names) {
    const match = matchName(model, [name]);
    if (!match) {
      notFound.push(name);
      continue;
    }
    const other = owner.get(match.label);
    if (other !== undefined) throw twice('labels', JSON.stringify(other), JSON.stringify(name), match.label, model);
    owner.set(match.label, name);
    chosen.push({ name, label: match.label });
  }
  refuseMissing(model, notFound, missing);
  if (chosen.length === 0) throw describeMissing(model, notFound);
  const kept = new Set(chosen.map(({ label }) => label));
  const labels = chosen.map(({ name, label: { index: _, ...label } }): LabelInput => {
    // The old name stays known, so that the renamed label is still found by it.
    const synonyms = name === label.name ? label.synonyms : [label.name, ...label.synonyms].filter((synonym) => synonym !== name);
    return { ...label, name, synonyms, parents: keptAncestors(model, label.parents, kept) };
  });
  const groups = chosen.map(({ label }) => [label.index]);
  return resolved(labelSpace(model.name, labels), mappingOf(groups, model.size), 'max', notFound);
}

/** The nearest ancestors that are kept. */
function keptAncestors(space: LabelSpace, parents: Label['parents'], kept: ReadonlySet<Label>): Label['parents'] {
  const ids = new Set<Label['id']>();
  const seen = new Set<Label>();
  const open = parents.map((id) => space.byId(id));
  for (let label = open.pop(); label; label = open.pop()) {
    if (seen.has(label)) continue;
    seen.add(label);
    if (kept.has(label)) ids.add(label.id);
    else open.push(...label.parents.map((id) => space.byId(id)));
  }
  return [...ids];
}

function refuseMissing(model: LabelSpace, names: readonly string[], missing: Missing): void {
  if (missing === 'ignore' || names.length === 0) return;
  throw names.length === 1 ? unknownName(model, names[0]) : describeMissing(model, names);
}

function twice(thing: string, a: string, b: string, label: Label, model: LabelSpace): Error {
  return invalid(
    thing,
    `${a} and ${b}, which both stand for ${formatLabel(label)} of ${formatSpace(model)}`,
    'labels that stand for different labels of the model',
    'Leave one out.',
  );
}
