// What the readers and writers of label files share: JSON with clear errors, options, ids as integers.
import { describe } from '../../errors.js';
import { invalid, type Label, type LabelId, type LabelInput, type LabelSpace } from '../label-space.js';

/** JSON text, or the value that was parsed from it. */
export type JsonInput = string | object;

/** Options of every reader. */
export interface ReadOptions {
  /** Name of the data set. Default: the name of the format. */
  name?: string;
  /** How messages name the file. Default: the name of the format. */
  file?: string;
}

/** How messages name what is read. */
export function thingOf(format: string, { file }: ReadOptions): string {
  return file === undefined ? `${format} labels` : `file ${JSON.stringify(file)}`;
}

/** Parses text; anything else is taken as parsed. Throws LabelSpaceError `invalid-label-space`. */
export function parseJson(thing: string, input: unknown): unknown {
  if (typeof input !== 'string') return input;
  const text = withoutMark(input);
  try {
    return JSON.parse(text);
  } catch (cause) {
    const found = text.trim() === '' ? 'an empty file' : `text that is not JSON (${(cause as Error).message.slice(0, 100)})`;
    throw invalid(thing, found, 'JSON', text.length > 0 ? 'Is the file whole?' : undefined);
  }
}

/** Text without a byte order mark. */
export function withoutMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

/** An input that must be text. */
export function textInput(thing: string, input: unknown): string {
  if (typeof input !== 'string') throw invalid(thing, describe(input), 'text');
  return withoutMark(input);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function object(thing: string, value: unknown, wanted = 'an object'): Record<string, unknown> {
  if (!isRecord(value)) throw invalid(thing, describe(value), wanted);
  return value;
}

export function array(thing: string, value: unknown, wanted = 'an array'): unknown[] {
  if (!Array.isArray(value)) throw invalid(thing, describe(value), wanted);
  // Holes become undefined, so that loops see them.
  return Array.from(value as unknown[]);
}

/** A key that may be absent; null counts as absent. */
export function own(record: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(record, key) ? (record[key] ?? undefined) : undefined;
}

/** An optional text; blank counts as absent. */
export function optionalText(thing: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw invalid(thing, describe(value), 'a text');
  return value.trim() ? value : undefined;
}

/** Colours as `[r, g, b]`; an alpha behind them is dropped. The range is checked by the label space. */
export function optionalColor(thing: string, value: unknown): LabelInput['color'] {
  if (value === undefined) return undefined;
  const parts = array(thing, value, 'three integers 0..255: red, green, blue');
  if (parts.length !== 3 && parts.length !== 4) throw invalid(thing, `${parts.length} numbers`, 'three: red, green, blue');
  return [parts[0], parts[1], parts[2]] as [number, number, number];
}

/** Optional true or false; 0 and 1 count as such. */
export function optionalFlag(thing: string, value: unknown): boolean | undefined {
  if (value === undefined) return undefined;
  if (value === 0 || value === 1) return value === 1;
  if (typeof value !== 'boolean') throw invalid(thing, describe(value), 'true or false, or 1 or 0');
  return value;
}

/** Texts without blanks, doubles and the name itself. */
export function synonymList(thing: string, value: unknown, name: unknown): string[] {
  if (value === undefined) return [];
  const list = typeof value === 'string' ? [value] : array(thing, value, 'an array of texts');
  const texts = list.map((item, i) => {
    if (typeof item !== 'string') throw invalid(`${thing}[${i}]`, describe(item), 'a text');
    return item;
  });
  return [...new Set(texts)].filter((text) => text.trim() && text !== name);
}

/** Label inputs without keys that say nothing. */
export function compact(label: LabelInput): LabelInput {
  return Object.fromEntries(Object.entries(label).filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0))) as unknown as LabelInput; // prettier-ignore
}

/** Orders labels by integer ids, which is how detection heads number them; as they are where an id is no integer. */
export function byId<T extends { readonly id?: LabelId }>(labels: readonly T[]): T[] {
  if (!labels.every(({ id }) => Number.isSafeInteger(id))) return [...labels];
  return [...labels].sort((a, b) => (a.id as number) - (b.id as number));
}

/** Integer ids for formats that want them: the labels' own where all are integers, else their positions from `first`. */
export function integerIds(space: LabelSpace, first: number): (label: Label) => number {
  const keep = space.labels.every(({ id }) => typeof id === 'number');
  return ({ id, index }) => (keep ? (id as number) : first + index);
}

/** JSON with one entry of `list` a line, so that files differ by lines. */
export function jsonLines(key: string, list: readonly unknown[]): string {
  return `{\n  ${JSON.stringify(key)}: [\n${list.map((item) => `    ${JSON.stringify(item)}`).join(',\n')}\n  ]\n}\n`;
}
