// A report as JSON, CSV and console text. It computes nothing.
import type { EvaluationReport } from './report.js';

/**
 * The report as JSON: `stats` holds the official numbers as shortest decimals that give the same doubles; NaN becomes null. `perClass` is
 * flat: id, name and every number.
 */
export function reportToJson(report: EvaluationReport): string {
  const { protocol, settings, stats, statNames, perClass, counts, diagnostics, corrections, confusion, analysis, comparison } =
    report;
  const whole = {
    labelweave: 'evaluation',
    version: 1,
    protocol,
    settings,
    stats,
    statNames,
    counts,
    perClass: perClass.map(({ id, name, values }) => ({ id, name, ...values })),
    diagnostics,
    ...(corrections && { corrections }),
    ...(confusion && { confusion }),
    ...(analysis && { analysis }),
    ...(comparison && { comparison }),
  };
  return `${JSON.stringify(whole, (_, value: unknown) => (ArrayBuffer.isView(value) ? Array.from(value as Float64Array) : value), 1)}\n`;
}

/** RFC 4180; a cell that a spreadsheet would run as a formula gets a ' in front. */
function cell(value: string | number): string {
  if (typeof value === 'number') return Number.isNaN(value) ? '' : String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** The table by class as CSV with a header; full doubles, empty cells for NaN. */
export function reportToCsv({ perClass }: EvaluationReport): string {
  const columns = Object.keys(perClass[0]?.values ?? {});
  const rows = [
    ['id', 'name', ...columns],
    ...perClass.map(({ id, name, values }) => [id, name, ...columns.map((key) => values[key]!)]),
  ];
  return rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

/** Columns that count something, so that 1 is not 1.000. */
const countColumns =
  /^(positives|detections|difficult|ranked|tp|fp|fn|thing|frequency|found|false|missed|count|images|classes|annotations|.* pixels)$/;

/** A number for people: three decimals for shares, whole counts as they are, - where there is nothing to measure. */
export function showNumber(value: number, column = ''): string {
  if (Number.isNaN(value) || value === -1) return '-';
  if (Number.isInteger(value) && (Math.abs(value) > 1 || countColumns.test(column))) return value.toLocaleString('en');
  return value.toFixed(3);
}

const oneLine = (text: string) => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');

/**
 * The lines of the official tool, the table by class (the numbers that are most asked for) and the diagnostics, for a console.
 * @param classes most rows of the table. Default: 40
 */
export function reportToText(report: EvaluationReport, classes = 40): string {
  const { lines, perClass, diagnostics, analysis, comparison, corrections } = report;
  const parts = [lines.join('\n')];
  if (corrections) {
    const changed = Object.entries(corrections.changes).filter(([, change]) => change !== 0);
    const list = changed.map(([name, change]) => `${name} ${change > 0 ? '+' : ''}${change.toFixed(6)}`).join(', ');
    parts.push(
      corrections.strictStats
        ? `Against mode strict: ${list || 'the same numbers'}`
        : 'Mode strict refuses these files: there is nothing to compare with.',
    );
  }
  if (perClass.length > 0) {
    const columns = Object.keys(perClass[0]!.values).filter((name) => !/ (small|medium|large)$/.test(name));
    const header = ['class', ...columns];
    const rows = perClass
      .slice(0, classes)
      .map(({ name, values }) => [oneLine(name).slice(0, 32), ...columns.map((key) => showNumber(values[key]!, key))]);
    const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
    const line = (row: readonly string[]) =>
      row.map((text, i) => (i === 0 ? text.padEnd(widths[i]!) : text.padStart(widths[i]!))).join('  ').trimEnd(); // prettier-ignore
    parts.push([line(header), ...rows.map(line)].join('\n'));
    if (perClass.length > classes) parts.push(`... and ${perClass.length - classes} classes more`);
  }
  if (analysis) parts.push(analysis.lines.join('\n'));
  if (comparison) parts.push(comparison.lines.join('\n'));
  if (diagnostics.length > 0) {
    parts.push(
      diagnostics
        .map((entry) => {
          const count = 'count' in entry ? ` (${entry.count})` : countText(entry.counts);
          return `${'severity' in entry ? entry.severity : 'note'}: ${entry.code}: ${oneLine(entry.message)}${count}`;
        })
        .join('\n'),
    );
  }
  return `${parts.join('\n\n')}\n`;
}

function countText(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts);
  return entries.length ? ` (${entries.map(([name, count]) => `${name} ${count}`).join(', ')})` : '';
}
