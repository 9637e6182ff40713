// Reads CSV in pieces from wherever a file may be: rows by the names of their columns. It knows no data set.
import { EvaluationError } from '../../errors.js';
import type { FileSource } from '../types.js';
import { openSource } from './source.js';

export interface CsvOptions {
  /** What the file is, for messages. */
  thing: string;
  code: 'invalid-ground-truth' | 'invalid-predictions';
  signal?: AbortSignal | undefined;
  /** Bytes taken so far and in all (0: not known). */
  onBytes?: ((done: number, total: number) => void) | undefined;
}

/** A row: its fields by column name, and where it stands. */
export interface CsvRow {
  /** The field of a column; undefined where the file has no such column or the field is empty. Of several names the first that the file has. */
  get(...names: string[]): string | undefined;
  /** Whether the file has the column. */
  has(name: string): boolean;
  /** The same as `get`, but a missing column or an empty field throws EvaluationError. */
  need(...names: string[]): string;
  /** A field as a finite number. Throws EvaluationError where it is missing or none. */
  number(...names: string[]): number;
  /** Line of the file, 1 is the header. Quoted fields with line breaks count as one line. */
  readonly line: number;
  /** An error that names the file and the line. */
  wrong(found: string, wanted: string): EvaluationError;
}

/**
 * Rows of a CSV file with a header (RFC 4180: quotes, doubled quotes, line breaks in quotes, CRLF or LF; a byte-order mark is passed over). A string with a
 * line break is the file itself, any other a path or URL; gzip is recognised. Empty lines are skipped.
 * @throws EvaluationError for a row with more or fewer fields than the header, or a quote that never ends; LoadError where the file cannot be read.
 */
export async function* readCsv(source: FileSource, options: CsvOptions): AsyncGenerator<CsvRow> {
  let columns: Map<string, number> | undefined;
  let name = options.thing;
  let line = 0;
  for await (const [fields, fileName] of records(source, options)) {
    name = fileName;
    line++;
    if (fields.length === 1 && fields[0]!.trim() === '') continue;
    if (!columns) {
      columns = new Map(fields.map((field, i) => [field.trim(), i]));
      continue;
    }
    const row = new Row(fields, columns, name, line, options.code);
    if (fields.length !== columns.size) throw row.wrong(`${fields.length} fields`, `${columns.size}, as the header has`);
    yield row;
  }
  if (!columns) throw new EvaluationError(options.code, { thing: name, found: 'an empty file', wanted: 'CSV with a header' });
}

class Row implements CsvRow {
  readonly line: number;
  readonly #fields: readonly string[];
  readonly #columns: ReadonlyMap<string, number>;
  readonly #file: string;
  readonly #code: CsvOptions['code'];

  constructor(
    fields: readonly string[],
    columns: ReadonlyMap<string, number>,
    file: string,
    line: number,
    code: CsvOptions['code'],
  ) {
    this.#fields = fields;
    this.#columns = columns;
    this.#file = file;
    this.#code = code;
    this.line = line;
  }

  get(...names: string[]): string | undefined {
    for (const name of names) {
      const at = this.#columns.get(name);
      if (at !== undefined) return this.#fields[at]!.trim() || undefined;
    }
    return undefined;
  }

  has(name: string): boolean {
    return this.#columns.has(name);
  }

  need(...names: string[]): string {
    const field = this.get(...names);
    if (field !== undefined) return field;
    const missing = !names.some((name) => this.#columns.has(name));
    throw this.wrong(
      missing ? `the columns ${[...this.#columns.keys()].join(', ')}` : `an empty ${names[0]}`,
      names.map((name) => `"${name}"`).join(' or '),
    );
  }

  number(...names: string[]): number {
    const text = this.need(...names);
    const value = Number(text);
    if (!Number.isFinite(value)) throw this.wrong(`${names[0]} ${JSON.stringify(text)}`, 'a number');
    return value;
  }

  wrong(found: string, wanted: string): EvaluationError {
    return new EvaluationError(this.#code, { thing: `${this.#file}, line ${this.line}`, found, wanted, row: this.line - 2 });
  }
}

async function* records(source: FileSource, options: CsvOptions): AsyncGenerator<[fields: string[], file: string]> {
  const { thing, code, signal, onBytes } = options;
  const isText = typeof source === 'string' && /[\r\n]/.test(source);
  const { name, chunks } = isText
    ? { name: thing, chunks: [new TextEncoder().encode(source)] }
    : await openSource(source, thing, { signal, onBytes });
  const decoder = new TextDecoder();
  let rest = '';
  const unclosed = () => new EvaluationError(code, { thing: name, found: 'a quote that never ends', wanted: 'a closing quote' });
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true });
    let at = 0;
    for (let record = parseRecord(rest, at, false); record; record = parseRecord(rest, at, false)) {
      at = record.next;
      yield [record.fields, name];
    }
    rest = rest.slice(at);
  }
  rest += decoder.decode();
  for (let at = 0; at < rest.length;) {
    const record = parseRecord(rest, at, true);
    if (!record) throw unclosed();
    at = record.next;
    yield [record.fields, name];
  }
}

/** The record that starts at `at`; undefined where its end is not there (with `last`: where a quote never ends). */
function parseRecord(text: string, at: number, last: boolean): { fields: string[]; next: number } | undefined {
  const feed = text.indexOf('\n', at);
  if (feed < 0 && !last) return undefined;
  const end = feed < 0 ? text.length : feed;
  const line = text.slice(at, text[end - 1] === '\r' && end > at ? end - 1 : end);
  if (!line.includes('"')) return { fields: line.split(','), next: end + 1 };

  const fields: string[] = [];
  let field = '';
  let i = at;
  while (true) {
    const letter = text[i];
    if (letter === '"') {
      const close = closingQuote(text, i + 1, last);
      if (close < 0) return undefined;
      field += text.slice(i + 1, close).replaceAll('""', '"');
      i = close + 1;
    } else if (letter === ',') {
      fields.push(field);
      field = '';
      i++;
    } else if (letter === undefined || letter === '\n') {
      if (letter === undefined && !last) return undefined;
      fields.push(field.endsWith('\r') ? field.slice(0, -1) : field);
      return { fields, next: i + 1 };
    } else {
      field += letter;
      i++;
    }
  }
}

/** Place of the quote that ends a field; -1 where it is not there yet. */
function closingQuote(text: string, from: number, last: boolean): number {
  for (let i = text.indexOf('"', from); i >= 0; i = text.indexOf('"', i + 2)) {
    // At the very end of a piece the next letter, which might be a second quote, is not known.
    if (i + 1 === text.length && !last) return -1;
    if (text[i + 1] !== '"') return i;
  }
  return -1;
}
