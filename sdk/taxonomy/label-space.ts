// The ordered label list of one data set: typed names, checked once, never changed. It holds no mapping to other label lists.
import { describe, LabelSpaceError } from '../errors.js';
import { findCycle } from './cycle.js';
import { didYouMean } from './names.js';

/** What a data set calls a label: COCO's 1..90, Freebase's `/m/01g317`. Numbers are safe integers; 1 and "1" are different ids. */
export type LabelId = number | string;

/** How often a label stands in its data set. */
export interface LabelCounts {
  /** Images with the label. */
  images?: number;
  /** Boxes or masks of it. */
  instances?: number;
}

/** One label of a {@link LabelSpace}, frozen. `L` is the literal type of its name. */
export interface Label<L extends string = string> {
  /** Position in {@link LabelSpace.labels}: the channel of a head, the value in `labelIndices`. */
  readonly index: number;
  /** Unique in the data set. */
  readonly id: LabelId;
  /** As people read it. Not always unique: OpenImages has two `Mouse`. */
  readonly name: L;
  /** Other names for the same thing; empty where none are known. */
  readonly synonyms: readonly string[];
  /** Ids of more general labels of the same space; several where the hierarchy is no tree; empty at the top. */
  readonly parents: readonly LabelId[];
  /** LVIS's r (in 1 to 10 images), c (11 to 100), f (more), or counts. */
  readonly frequency?: 'r' | 'c' | 'f' | Readonly<LabelCounts>;
  /** Countable thing (true) or stuff (false), where the data set says it. */
  readonly isThing?: boolean;
  /** sRGB, 0..255. */
  readonly color?: readonly [red: number, green: number, blue: number];
  /** Names in other catalogues: `{ freebase: '/m/04rmv', synset: 'mouse.n.04' }`. */
  readonly externalIds?: Readonly<Record<string, string>>;
}

/** A label as it is given: only the name is needed; the id defaults to the position. */
export type LabelInput<L extends string = string> = Partial<Omit<Label<L>, 'index' | 'name'>> & { readonly name: L };

/** What {@link LabelSpace.toJSON} writes and {@link labelSpaceFromJSON} reads. Plain names where nothing but the names was given. */
export interface LabelSpaceJSON {
  /** The data set. */
  name: string;
  /** In order; names alone, or descriptions. */
  labels: (string | LabelInput)[];
}

/** The ordered labels of one data set. Immutable; every look-up is O(1). Made by {@link labelSpace}. */
export interface LabelSpace<L extends string = string> {
  /** The data set: labels of two spaces with the same name are the same where their ids are. */
  readonly name: string;
  /** All labels, in order: `labels[i].index === i`. */
  readonly labels: readonly Label<L>[];
  /** Number of labels, K. */
  readonly size: number;
  /** Names in label order; may hold a name twice. */
  readonly names: readonly L[];
  /** Whether ids were given. If not they are positions, and say nothing about another space of the same name. */
  readonly hasOwnIds: boolean;
  /** The label at a position. Throws LabelSpaceError `unknown-label`. */
  at(index: number): Label<L>;
  /** The label with this id. Throws LabelSpaceError `unknown-label`. */
  byId(id: LabelId): Label<L>;
  /** The label with exactly this name. Throws LabelSpaceError `unknown-label` (with close names) or `ambiguous-label` (with the candidates). */
  byName(name: string): Label<L>;
  /** Every label with exactly this name, in order; none, one or several. */
  allByName(name: string): readonly Label<L>[];
  /** Whether a label has this id. */
  hasId(id: LabelId): boolean;
  /** Whether one label or more has exactly this name. */
  hasName(name: string): boolean;
  /** A plain object for JSON; {@link labelSpaceFromJSON} reads it. */
  toJSON(): LabelSpaceJSON;
}

/** The names in a list of label inputs, as a union of literal types. */
export type NamesOf<T extends readonly (string | LabelInput)[]> = T[number] extends infer I
  ? I extends string
    ? I
    : I extends { readonly name: infer N extends string }
      ? N
      : never
  : never;

/**
 * Makes a label space from names or label descriptions, checks all of it and freezes it.
 *
 * ```ts
 * const pets = labelSpace('pets', ['cat', 'dog']); // LabelSpace<'cat' | 'dog'>
 * ```
 *
 * Laws: at least one label; names are not blank; ids are unique (1 and "1" may not both stand); parents are ids of the same space, without cycle.
 * Throws LabelSpaceError `invalid-label-space`.
 */
export function labelSpace<const T extends readonly (string | LabelInput)[]>(name: string, labels: T): LabelSpace<NamesOf<T>> {
  return new ListedLabelSpace(name, labels) as LabelSpace<string> as LabelSpace<NamesOf<T>>;
}

/** Reads what {@link LabelSpace.toJSON} wrote. Strict: an unknown key is an error. Throws LabelSpaceError `invalid-label-space`. */
export function labelSpaceFromJSON(json: unknown): LabelSpace {
  const found = record('a label space', json, ['name', 'labels']);
  return new ListedLabelSpace(found['name'], found['labels']);
}

const brand = Symbol.for('labelweave.LabelSpace');

/** Whether a value was made by {@link labelSpace} (of this or another copy of the package). */
export function isLabelSpace(value: unknown): value is LabelSpace {
  return typeof value === 'object' && value !== null && brand in value;
}

/** How errors name a label: `"cat" (id 17)`. */
export function formatLabel(label: Pick<Label, 'name' | 'id'>): string {
  return `${JSON.stringify(label.name)} (id ${JSON.stringify(label.id)})`;
}

/** `label space "coco"`. */
export function formatSpace(space: Pick<LabelSpace, 'name'>): string {
  return `label space ${JSON.stringify(space.name)}`;
}

const labelKeys = ['id', 'name', 'synonyms', 'parents', 'frequency', 'isThing', 'color', 'externalIds'] as const;
const none: readonly never[] = Object.freeze([]);

class ListedLabelSpace implements LabelSpace {
  readonly name: string;
  readonly labels: readonly Label[];
  readonly names: readonly string[];
  readonly hasOwnIds: boolean;
  readonly #byId = new Map<LabelId, Label>();
  readonly #byName = new Map<string, Label[]>();

  constructor(name: unknown, labels: unknown) {
    if (typeof name !== 'string' || !name.trim())
      throw invalid('the name of a label space', describe(name), 'a text that is not blank');
    this.name = name;
    const thing = formatSpace(this);
    if (!Array.isArray(labels) || labels.length === 0) {
      throw invalid(`${thing}, labels`, describe(labels), 'an array of one label or more');
    }
    // A loop over positions: holes in the array are seen.
    const made: Label[] = [];
    let hasOwnIds = false;
    for (let index = 0; index < labels.length; index++) {
      const input: unknown = labels[index];
      if (typeof input === 'object' && input !== null && (input as LabelInput).id !== undefined) hasOwnIds = true;
      made.push(readLabel(`${thing}, labels[${index}]`, input, index));
    }
    this.hasOwnIds = hasOwnIds;
    this.labels = Object.freeze(made);
    this.names = Object.freeze(made.map((label) => label.name));
    for (const label of made) {
      const twin = this.#byId.get(label.id) ?? this.#byId.get(otherKind(label.id));
      if (twin) {
        throw invalid(
          `${thing}, labels[${label.index}].id`,
          `${JSON.stringify(label.id)}, the id of labels[${twin.index}] ${JSON.stringify(twin.name)}`,
          'an id of its own',
          hasOwnIds ? 'A label without an id takes its position as id.' : undefined,
        );
      }
      this.#byId.set(label.id, label);
      const sameName = this.#byName.get(label.name);
      if (sameName) sameName.push(label);
      else this.#byName.set(label.name, [label]);
    }
    for (const list of this.#byName.values()) Object.freeze(list);
    this.#checkParents(thing);
    Object.freeze(this);
  }

  get [brand](): true {
    return true;
  }

  get size(): number {
    return this.labels.length;
  }

  at(index: number): Label {
    const label = this.labels[index];
    if (label) return label;
    throw new LabelSpaceError('unknown-label', {
      thing: `${formatSpace(this)}, label index`,
      found: describe(index),
      wanted: `an integer from 0 to ${this.size - 1}`,
    });
  }

  byId(id: LabelId): Label {
    const label = this.#byId.get(id);
    if (label) return label;
    const twin = this.#byId.get(otherKind(id));
    throw new LabelSpaceError('unknown-label', {
      thing: `${formatSpace(this)}, label id`,
      found: describe(id),
      wanted: `one of its ${this.size} ids`,
      next: twin && `There is ${describe(twin.id)}, a ${typeof twin.id}.`,
    });
  }

  byName(name: string): Label {
    const labels = this.#byName.get(name);
    if (labels?.length === 1) return labels[0]!;
    if (labels) throw ambiguous(this, name, labels);
    throw unknownName(this, name);
  }

  allByName(name: string): readonly Label[] {
    return this.#byName.get(name) ?? none;
  }

  hasId(id: LabelId): boolean {
    return this.#byId.has(id);
  }

  hasName(name: string): boolean {
    return this.#byName.has(name);
  }

  toJSON(): LabelSpaceJSON {
    return { name: this.name, labels: this.labels.map((label) => writeLabel(label, this.hasOwnIds)) };
  }

  #checkParents(thing: string): void {
    const parents = this.labels.map((label) =>
      label.parents.map((id, i) => {
        const parent = this.#byId.get(id);
        if (parent) return parent.index;
        const where = `${thing}, labels[${label.index}].parents[${i}]`;
        throw invalid(where, `${describe(id)}, which is the id of no label`, 'ids of labels of the same space');
      }),
    );
    const cycle = findCycle(this.size, (k) => parents[k]!);
    if (cycle)
      throw invalid(`${thing}, parents`, `a cycle: ${formatCycle(cycle, this.labels)}`, 'parents that lead upwards only');
  }
}

/** `"a" (id 1) -> "b" (id 2) -> "a" (id 1)`. */
export function formatCycle(cycle: readonly number[], labels: readonly Pick<Label, 'name' | 'id'>[]): string {
  return [...cycle, cycle[0]!].map((k) => formatLabel(labels[k]!)).join(' -> ');
}

/** The error for a name that several labels have. */
export function ambiguous(
  space: LabelSpace,
  name: string,
  candidates: readonly Label[],
  how = 'with that name',
): LabelSpaceError {
  return new LabelSpaceError('ambiguous-label', {
    thing: `${formatSpace(space)}, label ${JSON.stringify(name)}`,
    found: `${candidates.length} labels ${how}: ${candidates.map(formatLabel).join(', ')}`,
    wanted: 'a name that one label has',
    next: 'Name it by its id.',
  });
}

/** The error for a name that no label has. */
export function unknownName(space: LabelSpace, name: unknown): LabelSpaceError {
  const shown = typeof name === 'string' && name.length <= 60 ? JSON.stringify(name) : describe(name);
  return new LabelSpaceError('unknown-label', {
    thing: `${formatSpace(space)}, label ${shown}`,
    found: 'no such name',
    wanted: `one of its ${space.size} names`,
    next: typeof name === 'string' ? didYouMean(name, allNames(space)) : undefined,
  });
}

function* allNames(space: LabelSpace): Iterable<string> {
  yield* space.names;
  for (const label of space.labels) yield* label.synonyms;
}

/** The error for anything that is not what a label space, grouping or label file should hold. */
export function invalid(thing: string, found: string, wanted: string, next?: string): LabelSpaceError {
  return new LabelSpaceError('invalid-label-space', { thing, found, wanted, ...(next !== undefined && { next }) });
}

/** A plain object with no other keys than these. */
export function record(thing: string, value: unknown, keys: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(thing, describe(value), `an object with ${keys.join(', ')}`);
  for (const key of Object.keys(value)) {
    if (!keys.includes(key))
      throw invalid(thing, `the unknown key ${describe(key)}`, `only ${keys.join(', ')}`, didYouMean(key, keys));
  }
  return value as Record<string, unknown>;
}

/** Ids that would be one id in a text file. */
export function otherKind(id: LabelId): LabelId {
  if (typeof id === 'number') return String(id);
  return /^(?:0|-?[1-9]\d{0,15})$/u.test(id) ? Number(id) : id;
}

/** A name, id or other short text: a string that is not blank. */
export function text(thing: string, value: unknown): string {
  if (typeof value !== 'string' || !value.trim()) throw invalid(thing, describe(value), 'a text that is not blank');
  return value;
}

/** A list as an array without holes; undefined gives the empty list. */
function list<T>(thing: string, value: unknown, read: (thing: string, value: unknown) => T): readonly T[] {
  if (value === undefined) return none;
  if (!Array.isArray(value)) throw invalid(thing, describe(value), 'an array');
  const items = Array.from(value, (item: unknown, i) => read(`${thing}[${i}]`, item));
  const seen = new Set<T>();
  items.forEach((item, i) => {
    if (seen.has(item)) throw invalid(`${thing}[${i}]`, `${describe(item)} a second time`, 'each entry once');
    seen.add(item);
  });
  return items.length ? Object.freeze(items) : none;
}

export function labelId(thing: string, value: unknown): LabelId {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value + 0;
  if (typeof value === 'string' && value.trim()) return value;
  throw invalid(thing, describe(value), 'an integer or a text that is not blank');
}

function readLabel(thing: string, input: unknown, index: number): Label {
  if (typeof input === 'string')
    return Object.freeze({ index, id: index, name: text(thing, input), synonyms: none, parents: none });
  // Labels of another space may be given as they are: their index is not taken over.
  const given = record(thing, input, typeof (input as Label | null)?.index === 'number' ? [...labelKeys, 'index'] : labelKeys);
  const label: { -readonly [K in keyof Label]: Label[K] } = {
    index,
    id: given['id'] === undefined ? index : labelId(`${thing}.id`, given['id']),
    name: text(`${thing}.name`, given['name']),
    synonyms: list(`${thing}.synonyms`, given['synonyms'], text),
    parents: list(`${thing}.parents`, given['parents'], labelId),
  };
  const { frequency, isThing, color, externalIds } = given;
  if (frequency !== undefined) label.frequency = readFrequency(`${thing}.frequency`, frequency);
  if (isThing !== undefined) {
    if (typeof isThing !== 'boolean') throw invalid(`${thing}.isThing`, describe(isThing), 'true or false');
    label.isThing = isThing;
  }
  if (color !== undefined) {
    if (!Array.isArray(color) || color.length !== 3 || !color.every((c) => Number.isInteger(c) && c >= 0 && c <= 255)) {
      throw invalid(
        `${thing}.color`,
        Array.isArray(color) ? `[${color.map(describe).join(', ')}]` : describe(color),
        'three integers 0..255: red, green, blue',
      );
    }
    label.color = Object.freeze([color[0], color[1], color[2]] as [number, number, number]);
  }
  if (externalIds !== undefined) {
    if (typeof externalIds !== 'object' || externalIds === null || Array.isArray(externalIds)) {
      throw invalid(`${thing}.externalIds`, describe(externalIds), 'an object of texts');
    }
    const entries = Object.entries(externalIds).map(
      ([key, value]) => [key, text(`${thing}.externalIds[${JSON.stringify(key)}]`, value)] as const,
    );
    label.externalIds = Object.freeze(Object.fromEntries(entries));
  }
  return Object.freeze(label);
}

function readFrequency(thing: string, value: unknown): NonNullable<Label['frequency']> {
  if (value === 'r' || value === 'c' || value === 'f') return value;
  if (typeof value !== 'object') throw invalid(thing, describe(value), '"r", "c", "f" or { images, instances }');
  const given = record(thing, value, ['images', 'instances']);
  const counts: LabelCounts = {};
  for (const key of ['images', 'instances'] as const) {
    const count = given[key];
    if (count === undefined) continue;
    if (!Number.isSafeInteger(count) || (count as number) < 0)
      throw invalid(`${thing}.${key}`, describe(count), 'an integer from 0');
    counts[key] = count as number;
  }
  return Object.freeze(counts);
}

/** Only what says something, in one order, so that files differ only where labels do. */
function writeLabel(label: Label, withId: boolean): string | LabelInput {
  const { index: _, id, name, synonyms, parents, frequency, isThing, color, externalIds } = label;
  const rest = {
    ...(synonyms.length > 0 && { synonyms }),
    ...(parents.length > 0 && { parents }),
    ...(frequency !== undefined && { frequency }),
    ...(isThing !== undefined && { isThing }),
    ...(color !== undefined && { color }),
    ...(externalIds !== undefined && { externalIds }),
  };
  if (!withId && Object.keys(rest).length === 0) return name;
  return { ...(withId && { id }), name, ...rest };
}
