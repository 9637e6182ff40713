// Reads taxonomy files strictly: everything that is wrong is listed as data, and what is read keeps every law. Nothing else ever comes out.
import * as v from 'valibot';
import { ArgumentError, describe } from '../../errors.js';
import { findCycle } from '../cycle.js';
import { formatCycle, formatLabel, type LabelId, labelSpace, otherKind } from '../label-space.js';
import { isError, type Problem, problem, type ProblemPath, TaxonomyError, warning } from '../problems.js';
import { checkParts, type Pins, type Taxonomy, taxonomy } from '../taxonomy.js';
import { checkUnique, linkMembers, unifiedLabelSpace } from '../unified.js';
import { duplicateKeys } from './duplicate-keys.js';
import { migrate } from './migrate.js';
import { type TaxonomyFile, taxonomyFile } from './schema.js';

/** Options of the readers. */
export interface ReadTaxonomyOptions {
  /** Name of the file in messages. Default: `taxonomy`. */
  file?: string;
  /** Largest file that is read, in bytes (a string: in UTF-16 units). Default: 64 MiB. */
  maxBytes?: number;
}

/** What {@link validateTaxonomy} found. */
export interface TaxonomyReport {
  /** In the order of the file: at most {@link MAX_PROBLEMS}, then one of code `more`. */
  problems: Problem[];
  /** The taxonomy, where no problem is an error. */
  taxonomy: Taxonomy | undefined;
}

/** Problems that are listed at most. */
export const MAX_PROBLEMS = 1000;

/** Reads the text of a taxonomy file, or its bytes in UTF-8. Throws TaxonomyError with every problem. */
export function readTaxonomy(source: string | Uint8Array, options: ReadTaxonomyOptions = {}): Taxonomy {
  return whole(validateTaxonomy(source, options), options);
}

/** Reads the JSON value of a taxonomy file. Throws TaxonomyError with every problem. */
export function taxonomyFromJSON(json: unknown, options: Pick<ReadTaxonomyOptions, 'file'> = {}): Taxonomy {
  return whole(validateTaxonomyJSON(json), options);
}

/**
 * Reads pins: from a taxonomy file, or from a JSON object with `mustMerge`, `cannotMerge`, `locked` and `names` alone, as a review page writes it. Whether
 * the labels exist is for those to check who know the data sets. Throws TaxonomyError with every problem.
 */
export function readPins(source: string | Uint8Array, options: ReadTaxonomyOptions = {}): Pins {
  const text = typeof source === 'string' ? source : new TextDecoder().decode(source);
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/u, ''));
  } catch {
    json = undefined;
  }
  // What is no object of pins is said by the reader of taxonomies.
  if (!isRecord(json) || Object.hasOwn(json, 'labelweaveTaxonomy')) return readTaxonomy(source, options).pins;
  const problems: Problem[] = duplicateKeys(text, MAX_PROBLEMS).map((path) =>
    problem('duplicate-key', path, `the key ${describe(path[path.length - 1])} a second time`, 'each key once'),
  );
  collect((taxonomyFile.entries.pins as Kind<{ wrapped: Schema }>).wrapped, json, [], problems);
  if (problems.length)
    throw new TaxonomyError(options.file === undefined ? 'pins' : `file ${JSON.stringify(options.file)}`, limited(problems));
  return { mustMerge: [], cannotMerge: [], ...(json as Partial<Pins>) };
}

function whole({ problems, taxonomy: read }: TaxonomyReport, { file }: ReadTaxonomyOptions): Taxonomy {
  if (read) return read;
  throw new TaxonomyError(file === undefined ? 'taxonomy' : `file ${JSON.stringify(file)}`, problems);
}

/** Lists everything that is wrong with the text or bytes of a taxonomy file. Throws ArgumentError where it is given neither. */
export function validateTaxonomy(
  source: string | Uint8Array,
  { maxBytes = 64 * 2 ** 20 }: ReadTaxonomyOptions = {},
): TaxonomyReport {
  if (typeof source !== 'string' && !(source instanceof Uint8Array))
    throw new ArgumentError({ thing: 'taxonomy', found: describe(source), wanted: 'the text of a file or its bytes' });
  if (source.length > maxBytes) return tooLarge(source.length, maxBytes);
  let text: string;
  let json: unknown;
  try {
    // A byte order mark is no part of the text; TextDecoder takes it away.
    text = typeof source === 'string' ? source.replace(/^\uFEFF/u, '') : new TextDecoder('utf-8', { fatal: true }).decode(source);
  } catch {
    return wrong(problem('not-json', [], 'bytes that are no UTF-8', 'JSON in UTF-8'));
  }
  try {
    json = JSON.parse(text);
  } catch (cause) {
    const found = text.trim() ? `text that is no JSON (${(cause as Error).message.slice(0, 120)})` : 'an empty file';
    return wrong(problem('not-json', [], found, 'JSON', /[\]}]\s*$/u.test(text) ? undefined : 'It may have been cut off.'));
  }
  const twice = duplicateKeys(text, MAX_PROBLEMS).map((path) => {
    const key = path[path.length - 1]!;
    return path[0] === 'unified' && path[2] === 'members'
      ? problem('two-of-one-dataset', path, `two labels of ${describe(key)}`, 'one label of a data set in a unified label')
      : problem('duplicate-key', path, `the key ${describe(key)} a second time`, 'each key once');
  });
  const report = validateTaxonomyJSON(json);
  return twice.length ? { problems: limited([...twice, ...report.problems]), taxonomy: undefined } : report;
}

/** The report of a file that was not read because of its size: for callers that know it before they read. */
export function tooLarge(bytes: number, maxBytes: number): TaxonomyReport {
  return wrong(problem('too-large', [], `${bytes} bytes`, `at most ${maxBytes}`, 'Raise maxBytes if this is a taxonomy.'));
}

/** Lists everything that is wrong with the JSON value of a taxonomy file. */
export function validateTaxonomyJSON(given: unknown): TaxonomyReport {
  const migrated = migrate(given);
  if ('problem' in migrated) return wrong(migrated.problem);
  const shape: Problem[] = [];
  collect(taxonomyFile, migrated.json, [], shape);
  if (shape.length) return { problems: limited(shape), taxonomy: undefined };
  // Nothing is filled in or changed by the schema, so the value itself is the file.
  const file = migrated.json as TaxonomyFile;
  const problems = checkFile(file);
  if (problems.some(isError)) return { problems: limited(problems), taxonomy: undefined };
  const { description, relations, pins, origin } = file;
  const datasets = file.datasets.map(({ name, labels }) => labelSpace(name, labels));
  const unified = unifiedLabelSpace(file.name, datasets, file.unified);
  return { problems: limited(problems), taxonomy: taxonomy(unified, { description, relations, pins, origin }) };
}

function wrong(...problems: Problem[]): TaxonomyReport {
  return { problems, taxonomy: undefined };
}

function limited(problems: Problem[]): Problem[] {
  if (problems.length <= MAX_PROBLEMS) return problems;
  const more = problem('more', [], `more than ${MAX_PROBLEMS} problems`, 'a file with few', 'The first ones are listed.');
  return [...problems.slice(0, MAX_PROBLEMS), more];
}

/** What must hold between the parts of a file whose shape is right. */
function checkFile({ datasets, unified, relations, pins }: TaxonomyFile): Problem[] {
  const lists = [
    ...checkUnique(datasets),
    ...datasets.flatMap(({ labels }, d) => checkLabels(['datasets', d, 'labels'], labels)),
    ...checkLabels(['unified'], unified),
  ];
  // Where a label or a data set cannot be told from another, members would only seem to be wrong.
  if (lists.some(({ code }) => code === 'duplicate-dataset' || code === 'duplicate-id')) return lists;
  const linked = linkMembers(datasets, unified, { labels: 'unified' });
  return [...lists, ...linked.problems, ...checkParts({ datasets, unified, targets: linked.targets }, { relations, pins })];
}

interface ListedLabel {
  readonly id: LabelId;
  readonly name: string;
  readonly parents?: readonly LabelId[] | undefined;
  readonly synonyms?: readonly string[] | undefined;
}

/** What must hold between the labels of one list. */
function checkLabels(root: ProblemPath, labels: readonly ListedLabel[]): Problem[] {
  const problems: Problem[] = [];
  const byId = new Map<LabelId, number>();
  const byName = new Map<string, number>();
  labels.forEach(({ id, name, synonyms, parents }, k) => {
    const twin = byId.get(id) ?? byId.get(otherKind(id));
    if (twin === undefined) byId.set(id, k);
    else problems.push(problem('duplicate-id', [...root, k, 'id'], `${JSON.stringify(id)}, the id of ${formatLabel(labels[twin]!)} at ${twin} too`, 'an id of its own')); // prettier-ignore
    const same = byName.get(name);
    if (same === undefined) byName.set(name, k);
    else problems.push(warning('duplicate-name', [...root, k, 'name'], `${describe(name)}, the name of label ${same} too`, 'names of their own', 'They can only be told apart by id.')); // prettier-ignore
    for (const [key, list] of [
      ['synonyms', synonyms],
      ['parents', parents],
    ] as const)
      // prettier-ignore
      list?.forEach((item, i) => {
        if ((list as unknown[]).indexOf(item) < i)
          problems.push(problem('wrong-value', [...root, k, key, i], `${describe(item)} a second time`, 'each entry once'));
      });
  });
  const parents = labels.map((label, k) =>
    (label.parents ?? []).flatMap((id, i) => {
      const parent = byId.get(id);
      if (parent !== undefined) return [parent];
      problems.push(
        problem('unknown-parent', [...root, k, 'parents', i], describe(id), 'the id of a label of the same data set'),
      );
      return [];
    }),
  );
  const cycle = findCycle(labels.length, (k) => parents[k]!);
  if (cycle) {
    const found = `a cycle: ${formatCycle(cycle, labels)}`;
    problems.push(problem('parent-cycle', [...root, cycle[0]!, 'parents'], found, 'parents that lead upwards only'));
  }
  return problems;
}

type Schema = v.GenericSchema;
type Kind<T> = Schema & T;

/**
 * Walks along the schema and lists what is wrong, as long as the list is not full: a bad file of any size gives a short answer. Objects and lists are
 * walked here (the schema library's records leave out keys such as `constructor`), single values are left to the schema library. `path` is where
 * the value stands; it is changed on the way and given back as it was.
 */
function collect(schema: Schema, value: unknown, path: (string | number)[], problems: Problem[]): void {
  if (problems.length > MAX_PROBLEMS) return;
  const inner = schema.type === 'optional' ? (schema as Kind<{ wrapped: Schema }>).wrapped : schema;
  if (typeof value !== 'object' || value === null) {
    if (inner.type === 'strict_object' || inner.type === 'record' || !v.is(inner, value))
      wrongValue(inner, value, path, problems);
    return;
  }
  if (inner.type === 'array' && Array.isArray(value)) {
    const least = leastLength(inner);
    if (value.length < least) problems.push(problem('wrong-value', [...path], describe(value), `an array of ${least} or more`));
    for (let i = 0; i < value.length && problems.length <= MAX_PROBLEMS; i++) {
      collectAt((inner as Kind<{ item: Schema }>).item, i, value[i], path, problems);
    }
  } else if (inner.type === 'strict_object' && isRecord(value)) {
    const { entries } = inner as Kind<{ entries: Record<string, Schema> }>;
    for (const key of Object.keys(value)) {
      if (Object.hasOwn(entries, key)) collectAt(entries[key]!, key, value[key], path, problems);
      else
        problems.push(
          problem('unknown-key', [...path, key], `the key ${describe(key)}`, `only ${Object.keys(entries).join(', ')}`),
        );
      if (problems.length > MAX_PROBLEMS) return;
    }
    for (const key of Object.keys(entries)) {
      if (entries[key]!.type !== 'optional' && !Object.hasOwn(value, key))
        problems.push(problem('missing-key', [...path, key], 'nothing', wantedBy(entries[key]!)));
    }
  } else if (inner.type === 'record' && isRecord(value)) {
    const isMembers = path[0] === 'unified' && path[2] === 'members';
    for (const key of Object.keys(value)) {
      if (isMembers && Array.isArray(value[key]))
        problems.push(problem('two-of-one-dataset', [...path, key], describe(value[key]), 'the id of one label'));
      else collectAt((inner as Kind<{ value: Schema }>).value, key, value[key], path, problems);
      if (problems.length > MAX_PROBLEMS) return;
    }
  } else if (inner.type === 'union') {
    // The alternative that the value is most like says what is wrong.
    const tries = (inner as Kind<{ options: Schema[] }>).options.map((option) => {
      const own: Problem[] = [];
      collect(option, value, path, own);
      return own;
    });
    problems.push(...tries.reduce((best, own) => (own.length < best.length ? own : best)));
  } else if (inner.type === 'strict_object' || inner.type === 'record' || !v.is(inner, value))
    wrongValue(inner, value, path, problems);
}

/** The same one step down. */
function collectAt(schema: Schema, key: string | number, value: unknown, path: (string | number)[], problems: Problem[]): void {
  path.push(key);
  collect(schema, value, path, problems);
  path.pop();
}

function wrongValue(schema: Schema, value: unknown, path: ProblemPath, problems: Problem[]): void {
  problems.push(problem('wrong-value', [...path], describe(value), wantedBy(schema)));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function leastLength(schema: Schema): number {
  const { pipe = [] } = schema as Kind<{ pipe?: { type: string; requirement?: number }[] }>;
  return pipe.find(({ type }) => type === 'min_length')?.requirement ?? 0;
}

/** What a schema wants, in words. */
function wantedBy(schema: Schema): string {
  const { pipe = [] } = schema as Kind<{ pipe?: { type: string; requirement?: unknown }[] }>;
  const has = (type: string): boolean => pipe.some((action) => action.type === type);
  const limit = (type: string): unknown => pipe.find((action) => action.type === type)?.requirement;
  switch (schema.type) {
    case 'optional':
      return wantedBy((schema as Kind<{ wrapped: Schema }>).wrapped);
    case 'string':
      return has('regex') ? 'a text that is not blank' : 'a text';
    case 'number': {
      const kind = has('safe_integer') || has('integer') ? 'an integer' : 'a number';
      const range = [limit('min_value'), limit('max_value')];
      return range[0] === undefined
        ? kind
        : `${kind} from ${String(range[0])}${range[1] === undefined ? ' on' : ` to ${String(range[1])}`}`;
    }
    case 'boolean':
      return 'true or false';
    case 'array':
      return 'an array';
    case 'strict_tuple':
      return 'three integers from 0 to 255: red, green, blue';
    case 'record':
      return 'an object';
    case 'strict_object':
      return `an object with ${Object.keys((schema as Kind<{ entries: object }>).entries).join(', ')}`;
    case 'union':
      return (schema as Kind<{ options: Schema[] }>).options.map(wantedBy).join(', or ');
    default:
      return schema.expects;
  }
}
