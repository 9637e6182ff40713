// Reads files of columns: `{ "labels": [{ "dataset", "id", "name" }], "columns": [{ "members": [position...], "cost" }] }`, strictly and with a path in errors.
import { describe } from '../../errors.js';
import type { Column, LabelRef } from '../types.js';
import { checkColumn, checkLabels, wrong } from './prepare.js';

/** What a file of columns holds. */
export interface ColumnsFile {
  /** The labels; columns name them by their positions. */
  readonly labels: readonly LabelRef[];
  /** The merges that may be chosen, with their costs. */
  readonly columns: readonly Column[];
}

/**
 * Reads the text of a file of columns, or its bytes in UTF-8. Labels have a data set, an id (an integer or a text; default: the position) and a name
 * (default: the id); keys that are not known are passed over. Throws LearnError `invalid-columns`.
 */
export function readColumns(source: string | Uint8Array, options: { readonly file?: string } = {}): ColumnsFile {
  const thing = options.file === undefined ? 'columns' : `file ${JSON.stringify(options.file)}`;
  let json: unknown;
  try {
    json = JSON.parse(
      typeof source === 'string' ? source.replace(/^\uFEFF/u, '') : new TextDecoder('utf-8', { fatal: true }).decode(source),
    );
  } catch (cause) {
    throw wrong(thing, `no JSON (${(cause as Error).message.slice(0, 120)})`, '{ "labels": [...], "columns": [...] }');
  }
  return columnsFromJSON(json, thing);
}

function columnsFromJSON(json: unknown, thing: string): ColumnsFile {
  const { labels, columns } = record(thing, json);
  if (!Array.isArray(labels)) throw wrong(`${thing}, labels`, describe(labels), 'an array');
  if (!Array.isArray(columns)) throw wrong(`${thing}, columns`, describe(columns), 'an array');
  const read = labels.map((label: unknown, i): LabelRef => {
    const { dataset, id = i, name = String(id) } = record(`${thing}, labels[${i}]`, label);
    if (typeof dataset !== 'string' || !dataset.trim())
      throw wrong(`${thing}, labels[${i}].dataset`, describe(dataset), 'the name of a data set');
    if (!(Number.isSafeInteger(id) || (typeof id === 'string' && id.trim())))
      throw wrong(`${thing}, labels[${i}].id`, describe(id), 'an integer or a text that is not blank');
    if (typeof name !== 'string') throw wrong(`${thing}, labels[${i}].name`, describe(name), 'a text');
    return { dataset, id: id as LabelRef['id'], name };
  });
  checkLabels(read);
  const found = columns.map((column: unknown, i): Column => {
    const { members, cost } = record(`${thing}, columns[${i}]`, column);
    const own = { members, cost } as Column;
    checkColumn(own, i, read);
    return own;
  });
  return { labels: read, columns: found };
}

function record(thing: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(thing, describe(value), 'an object');
  return value as Record<string, unknown>;
}
