// `labelweave taxonomy ACTION`: what is in a taxonomy file, what is wrong with it, what changed between two; the other actions have their own files.
import type { Taxonomy } from 'labelweave/taxonomy';
import {
  agreement,
  type Change,
  diff,
  formatChange,
  formatProblem,
  readTaxonomy,
  validateTaxonomy,
} from 'labelweave/taxonomy/file';
import { readFile, writeBytes } from 'labelweave/node';
import { exitCodes, UsageError } from './exit.js';
import { convertCommand } from './taxonomy-convert.js';
import { mergeDatasetsCommand, splitDatasetsCommand } from './taxonomy-datasets.js';
import { mergeCommand } from './taxonomy-merge.js';
import { taxonomyPage } from './taxonomy-page.js';

type Options = Readonly<Record<string, unknown>>;
type Action = (files: readonly string[], options: Options) => Promise<number>;

const actions: Readonly<Record<string, Action>> = {
  show,
  validate,
  diff: compare,
  convert: convertCommand,
  merge: mergeCommand,
  'merge-datasets': mergeDatasetsCommand,
  'split-datasets': splitDatasetsCommand,
};

/** Runs one action on its files. Throws UsageError, LoadError, TaxonomyError. */
export async function taxonomyCommand(action: string, files: readonly string[], options: Options): Promise<number> {
  if (!Object.hasOwn(actions, action))
    throw new UsageError(`taxonomy: found ${JSON.stringify(action)}; wanted ${Object.keys(actions).join(', ')}`);
  return actions[action]!(files.map(String), options);
}

/** A table of the unified labels, or a page with everything. */
async function show(files: readonly string[], options: Options): Promise<number> {
  const [file] = wanted('show', files, 1);
  const taxonomy = readTaxonomy(await readFile(file!), { file: file! });
  const { html } = options;
  if (html !== undefined) {
    if (typeof html !== 'string' || !html)
      throw new UsageError(`--html: found ${JSON.stringify(html)}; wanted the name of a file`);
    await writeBytes(html, new TextEncoder().encode(taxonomyPage(taxonomy)));
    process.stderr.write(`${html}: ${summary(taxonomy)}\n`);
  } else process.stdout.write(`${table(taxonomy, String(options['search'] ?? ''))}\n`);
  return exitCodes.ok.code;
}

/** Every problem on a line of its own; 1 where a file has an error. */
async function validate(files: readonly string[]): Promise<number> {
  if (files.length === 0) throw new UsageError('taxonomy validate: found no file; wanted one or more');
  let failed = false;
  for (const file of files) {
    const { problems, taxonomy } = validateTaxonomy(await readFile(file));
    for (const problem of problems) {
      const severity = problem.severity === 'warning' ? 'warning ' : '';
      process.stdout.write(`${file}: ${severity}${problem.code}: ${formatProblem(problem)}\n`);
    }
    if (taxonomy) process.stdout.write(`${file}: valid, ${summary(taxonomy)}\n`);
    else failed = true;
  }
  return failed ? exitCodes.failed.code : exitCodes.ok.code;
}

/** A line for every change. With --exit-code 1 where there is one, as git does. */
async function compare(files: readonly string[], options: Options): Promise<number> {
  const [a, b] = await Promise.all(wanted('diff', files, 2).map(async (file) => readTaxonomy(await readFile(file), { file })));
  const changes = diff(a!, b!);
  if (options['json']) process.stdout.write(`${JSON.stringify(changes, null, 2)}\n`);
  else process.stdout.write([...changes.map(formatChange), ...verdict(a!, b!, changes)].map((line) => `${line}\n`).join(''));
  return changes.length && options['exitCode'] ? exitCodes.failed.code : exitCodes.ok.code;
}

function verdict(a: Taxonomy, b: Taxonomy, changes: readonly Change[]): string[] {
  const counts = new Map<string, number>();
  for (const { kind } of changes) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const { labels, same, share, pairs } = agreement(a.unified, b.unified);
  return [
    ...(changes.length ? [''] : []),
    changes.length ? [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ') : 'no change',
    `${same} of ${labels} unified labels stand for the same labels in both (${(share * 100).toFixed(1)}%); ` +
      `pairs: precision ${pairs.precision.toFixed(3)}, recall ${pairs.recall.toFixed(3)}, F1 ${pairs.f1.toFixed(3)}`,
  ];
}

function wanted(action: string, files: readonly string[], count: number): readonly string[] {
  if (files.length === count) return files;
  throw new UsageError(`taxonomy ${action}: found ${files.length} files; wanted ${count}`);
}

function summary({ unified, datasets, mapping, relations }: Taxonomy): string {
  const merged = unified.labels.filter(({ members }) => Object.keys(members).length > 1).length;
  const sets = datasets.map(({ name, size }) => `${name} ${size}`).join(', ');
  return `${mapping.sources} labels (${sets}) in ${unified.size} unified labels, ${merged} of them merged; ${relations.list.length} relations`;
}

/** One line a unified label: id, name, its label in each data set, cost and margin where there are any. */
function table(taxonomy: Taxonomy, search: string): string {
  const { unified, datasets } = taxonomy;
  const hasCost = unified.labels.some(({ cost }) => cost !== undefined);
  const hasMargin = unified.labels.some(({ margin }) => margin !== undefined);
  const needle = search.toLowerCase();
  const rows = unified.labels.map(({ id, name, members, cost, margin }) => [
    String(id),
    name,
    ...datasets.map((dataset) => {
      if (!Object.hasOwn(members, dataset.name)) return '';
      const label = dataset.byId(members[dataset.name]!);
      return `${label.name} (${label.id})`;
    }),
    ...(hasCost ? [cost?.toFixed(4) ?? ''] : []),
    ...(hasMargin ? [margin?.toFixed(4) ?? ''] : []),
  ]);
  const found = rows.filter((row) => row.some((cell) => cell.toLowerCase().includes(needle))).map((row) => row.map(oneLine));
  const header = [
    'id',
    'name',
    ...datasets.map(({ name }) => oneLine(name)),
    ...(hasCost ? ['cost'] : []),
    ...(hasMargin ? ['margin'] : []),
  ];
  const widths = header.map((title, i) => Math.min(40, Math.max(title.length, ...found.map((row) => row[i]!.length))));
  const line = (row: readonly string[]): string => row.map((cell, i) => fit(cell, widths[i]!)).join('  ').trimEnd(); // prettier-ignore
  const title = `${taxonomy.name}: ${summary(taxonomy)}`;
  return [title, ...(taxonomy.description ? [taxonomy.description] : []), '', line(header), ...found.map(line)].join('\n');
}

/** Names may hold anything: control characters and line ends would break the table, or the terminal. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
}

function fit(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);
}
