// Finds the label that a name, or a label of another space, stands for: by (data set, id), then by name, synonym and normalised spelling.
import { describe, LabelSpaceError } from '../errors.js';
import {
  ambiguous,
  formatLabel,
  formatSpace,
  isLabelSpace,
  type Label,
  type LabelId,
  type LabelSpace,
  unknownName,
} from './label-space.js';
import { normaliseName, singularKeys } from './names.js';

/** How a label was found, from the surest to the least sure. */
export type MatchKind = 'id' | 'name' | 'synonym' | 'normalised name' | 'normalised synonym' | 'plural';

/** A label that was found. */
export interface LabelMatch<L extends string = string> {
  /** The label. */
  label: Label<L>;
  /** How it was found. */
  how: MatchKind;
}

/** A label of a known space, by name or, where the name is not unique, by id. */
export type LabelRef = string | { readonly id: LabelId };

/**
 * Finds the label that some spellings of a name mean. Levels, each tried with all spellings before the next: exact name; exact synonym; name, then
 * synonym, but for case, spaces, underscores, hyphens, dots and slashes; singular for plural and plural for singular (of names).
 * Gives undefined where no level has a label. Throws LabelSpaceError `ambiguous-label` where a level has several.
 */
export function matchName<L extends string>(space: LabelSpace<L>, spellings: readonly string[]): LabelMatch<L> | undefined {
  const index = indexOf(space);
  const keys = spellings.map(normaliseName).filter((key) => key !== '');
  const levels: [MatchKind, Iterable<Label>][] = [
    ['name', spellings.flatMap((name) => space.allByName(name))],
    ['synonym', found(index.synonyms, spellings)],
    ['normalised name', found(index.keys, keys)],
    ['normalised synonym', found(index.synonymKeys, keys)],
    ['plural', [...found(index.keys, keys.flatMap(singularKeys)), ...found(index.singulars, keys)]],
  ];
  for (const [how, labels] of levels) {
    const [label, ...others] = new Set(labels);
    if (!label) continue;
    if (others.length) throw ambiguous(space, spellings[0] ?? '', [label, ...others], `found by ${how}`);
    return { label: label as Label<L>, how };
  }
  return undefined;
}

/**
 * Finds the label of `space` that `label`, of the space `from`, stands for. In a space of the same data set the id decides (so that a label may be
 * renamed), where ids were given; otherwise the name and synonyms of both do.
 * Throws LabelSpaceError `ambiguous-label`, and `invalid-label-space` where id and name say different labels.
 */
export function matchLabel<L extends string>(space: LabelSpace<L>, label: Label, from: LabelSpace): LabelMatch<L> | undefined {
  const sameIds = from.name === space.name && from.hasOwnIds && space.hasOwnIds;
  if (sameIds && space.hasId(label.id)) {
    const byId = space.byId(label.id);
    if (byId.name !== label.name && space.hasName(label.name)) {
      throw new LabelSpaceError('invalid-label-space', {
        thing: `${formatSpace(from)}, label ${formatLabel(label)}`,
        found: `${formatLabel(byId)} under that id in the other space of the same name, and ${formatLabel(space.allByName(label.name)[0]!)} under that name`,
        wanted: 'the same ids for the same labels of a data set',
        next: 'Give the space another name to go by names only.',
      });
    }
    return { label: byId, how: 'id' };
  }
  return matchName(space, [label.name, ...label.synonyms]);
}

/** The label a reference means. Throws LabelSpaceError `unknown-label` or `ambiguous-label`. */
export function findRef<L extends string>(space: LabelSpace<L>, ref: unknown): Label<L> {
  if (typeof ref === 'string') {
    const match = matchName(space, [ref]);
    if (match) return match.label;
    throw unknownName(space, ref);
  }
  if (isRef(ref)) return space.byId(ref.id);
  throw new LabelSpaceError('invalid-label-space', {
    thing: `${formatSpace(space)}, a label`,
    found: isLabelSpace(ref) ? formatSpace(ref) : describe(ref),
    wanted: 'a name, or { id } where a name is not unique',
  });
}

function isRef(ref: unknown): ref is { id: LabelId } {
  if (typeof ref !== 'object' || ref === null) return false;
  const id = (ref as { id?: unknown }).id;
  return typeof id === 'number' || typeof id === 'string';
}

interface NameIndex {
  synonyms: Map<string, Label[]>;
  keys: Map<string, Label[]>;
  synonymKeys: Map<string, Label[]>;
  singulars: Map<string, Label[]>;
}

const indices = new WeakMap<LabelSpace, NameIndex>();

/** Made at the first lenient look-up of a space; look-ups are O(1) from then on. */
function indexOf(space: LabelSpace): NameIndex {
  const known = indices.get(space);
  if (known) return known;
  const index: NameIndex = { synonyms: new Map(), keys: new Map(), synonymKeys: new Map(), singulars: new Map() };
  for (const label of space.labels) {
    const key = normaliseName(label.name);
    add(index.keys, key, label);
    for (const singular of singularKeys(key)) add(index.singulars, singular, label);
    for (const synonym of label.synonyms) {
      add(index.synonyms, synonym, label);
      add(index.synonymKeys, normaliseName(synonym), label);
    }
  }
  indices.set(space, index);
  return index;
}

function add(map: Map<string, Label[]>, key: string, label: Label): void {
  if (!key) return;
  const labels = map.get(key);
  if (labels) labels.push(label);
  else map.set(key, [label]);
}

function found(map: Map<string, Label[]>, keys: readonly string[]): Label[] {
  return keys.flatMap((key) => map.get(key) ?? []);
}
