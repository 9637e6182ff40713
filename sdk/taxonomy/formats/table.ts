// Tables as text: CSV by RFC 4180 (quotes, doubled quotes, line breaks inside quotes) and tab-separated values without quotes. Cells are texts.
import { invalid } from '../label-space.js';
import { withoutMark } from './common.js';

/** One row of a table, and the line of the file on which it begins (1 is the first). */
export interface Row {
  readonly line: number;
  readonly cells: readonly string[];
}

/**
 * Reads CSV. Lines end with LF, CRLF or CR; blank lines are left out. Throws LabelSpaceError `invalid-label-space` for a quote that is not closed
 * and for text behind a closing quote.
 */
export function readCsv(thing: string, input: string): Row[] {
  const text = withoutMark(input);
  const rows: Row[] = [];
  let cells: string[] = [];
  let line = 1;
  let start = 1;
  let quoted = false;
  let at = 0;
  const endRow = (): void => {
    if (cells.length > 1 || cells[0] !== '' || quoted) rows.push({ line: start, cells });
    cells = [];
    quoted = false;
  };
  while (at < text.length) {
    let cell: string;
    if (text[at] === '"') {
      quoted = true;
      const opened = line;
      let end = at + 1;
      cell = '';
      for (;;) {
        const quote = text.indexOf('"', end);
        if (quote < 0) throw invalid(`${thing}, line ${opened}`, 'a quote that is not closed', 'a closing " behind the cell');
        cell += text.slice(end, quote);
        end = quote + 1;
        if (text[end] !== '"') break;
        cell += '"';
        end++;
      }
      line += countLines(cell);
      at = end;
      if (at < text.length && !',\r\n'.includes(text[at]!))
        throw invalid(`${thing}, line ${line}`, `${JSON.stringify(text[at])} behind a closing quote`, 'a comma or the end of the line', 'Write a quote inside quotes twice.'); // prettier-ignore
    } else {
      const end = nextOf(text, at);
      cell = text.slice(at, end);
      at = end;
    }
    cells.push(cell);
    if (at >= text.length) break;
    if (text[at] === ',') {
      at++;
      // A comma at the very end: one more cell, which is empty.
      if (at === text.length) cells.push('');
      continue;
    }
    at += text.startsWith('\r\n', at) ? 2 : 1;
    line++;
    endRow();
    start = line;
  }
  if (cells.length) endRow();
  return rows;
}

/** Position of the next comma or line break. */
function nextOf(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== ',' && text[at] !== '\n' && text[at] !== '\r') at++;
  return at;
}

function countLines(text: string): number {
  return text.split(/\r\n|\r|\n/u).length - 1;
}

/** Writes CSV with LF behind each line; cells are quoted where they must be. */
export function writeCsv(rows: readonly (readonly string[])[]): string {
  const cell = (text: string): string => (/[",\r\n]|^\s|\s$|^\uFEFF/u.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  // A row of one empty cell would be a blank line.
  const line = (cells: readonly string[]): string => (cells.length === 1 && cells[0] === '' ? '""' : cells.map(cell).join(','));
  return rows.map((cells) => `${line(cells)}\n`).join('');
}

/** Reads tab-separated values; quotes mean themselves. Blank lines are left out. */
export function readTsv(input: string): Row[] {
  const lines = withoutMark(input).split(/\r\n|\r|\n/u);
  return lines.flatMap((text, i) => (text === '' ? [] : [{ line: i + 1, cells: text.split('\t') }]));
}

/** Writes tab-separated values. Throws LabelSpaceError `invalid-label-space` for a cell with a tab or a line break, which cannot be written. */
export function writeTsv(thing: string, rows: readonly (readonly string[])[]): string {
  for (const cells of rows) {
    for (const cell of cells) {
      if (/[\t\r\n]/u.test(cell))
        throw invalid(thing, `the cell ${JSON.stringify(cell.slice(0, 60))}`, 'cells without tabs and line breaks');
    }
  }
  return rows.map((cells) => `${cells.join('\t')}\n`).join('');
}
