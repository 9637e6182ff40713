// `labelweave taxonomy convert`: label files from one format to another.
import type { LabelSpace } from 'labelweave';
import { writeBytes } from 'labelweave/node';
import { type Taxonomy, writeTaxonomy } from 'labelweave/taxonomy/file';
import {
  type Format,
  type LabelFormat,
  labelFormats,
  type MSegTable,
  type UnifiedFormat,
  unifiedFormats,
  writeMSeg,
} from 'labelweave/taxonomy/formats';
import { exitCodes, textOption, UsageError } from './exit.js';
import { datasetsOption, type FormatName, formatNames, type LabelFile, optionalWord, readLabelFile } from './label-files.js';

/** Reads one file (or name of the catalogue) and writes it in another format, to stdout or to a file. */
export async function convertCommand(files: readonly string[], options: Readonly<Record<string, unknown>>): Promise<number> {
  const [place] = files;
  if (place === undefined || files.length > 1) throw new UsageError(`taxonomy convert: found ${files.length} files; wanted one`);
  const from = optionalWord('from', options['from'], formatNames);
  const to = optionalWord('to', options['to'], formatNames) ?? 'labelweave';
  const output = textOption('output', options['output']);
  const name = textOption('name', options['name']);
  const column = textOption('column', options['column']);
  const read = await readLabelFile(place, {
    format: from,
    ...(name !== undefined && { name }),
    datasets: await datasetsOption(options['dataset']),
    rest: optionalWord('rest', options['rest'], ['error', 'single']),
    hierarchy: textOption('hierarchy', options['hierarchy']),
    ids: optionalWord('ids', options['ids'], ['id', 'trainId']),
  });
  const text = write(read, to, column);
  if (output === undefined) process.stdout.write(text);
  else await writeBytes(output, new TextEncoder().encode(text));
  process.stderr.write(`${output ?? place}: ${summary(read)}\n`);
  return exitCodes.ok.code;
}

function write(file: LabelFile, to: FormatName, column: string | undefined): string {
  if (column !== undefined && file.kind !== 'mseg') throw new UsageError('--column: wanted MSeg’s table as input');
  if (file.kind === 'mseg') return writeTable(file.table, to, column);
  if (Object.hasOwn(unifiedFormats, to)) {
    if (file.kind !== 'unified') throw new UsageError(`--to ${to}: found the labels of one data set; wanted a taxonomy`);
    return written(unifiedFormats[to as UnifiedFormat], to, file.taxonomy.unified);
  }
  if (to === 'labelweave') return file.kind === 'unified' ? writeTaxonomy(file.taxonomy) : writeSpace(file.space);
  if (to === 'mseg') throw new UsageError('--to mseg: wanted MSeg’s table as input');
  return written(labelFormats[to as LabelFormat], to, file.kind === 'unified' ? file.taxonomy.space : file.space);
}

function written<T>({ write }: Format<T>, to: string, value: T): string {
  if (!write) throw new UsageError(`--to ${to}: this format can only be read`);
  return write(value);
}

/** One label a line, so that files differ by lines. */
function writeSpace(space: LabelSpace): string {
  const { name, labels } = space.toJSON();
  return `{\n  "name": ${JSON.stringify(name)},\n  "labels": [\n${labels.map((label) => `    ${JSON.stringify(label)}`).join(',\n')}\n  ]\n}\n`;
}

/** MSeg's table itself, its universal labels, or the grouping of one column. */
function writeTable(table: MSegTable, to: FormatName, column: string | undefined): string {
  if (column === undefined)
    return to === 'mseg' ? writeMSeg(table) : write({ kind: 'labels', space: table.universal }, to, undefined);
  const found = table.training.get(column) ?? table.test.get(column);
  if (!found) {
    const names = [...table.training.keys(), ...table.test.keys()];
    throw new UsageError(`--column: found ${JSON.stringify(column)}; wanted one of ${names.join(', ')}`);
  }
  if (to !== 'labelweave') throw new UsageError(`--to ${to}: a column is a grouping; wanted labelweave`);
  return `${JSON.stringify(found, null, 2)}\n`;
}

function summary(file: LabelFile): string {
  if (file.kind === 'labels') return `${file.space.size} labels of ${file.space.name}`;
  if (file.kind === 'mseg')
    return `${file.table.universal.size} universal labels, ${file.table.training.size} training and ${file.table.test.size} test sets`;
  return describeTaxonomy(file.taxonomy);
}

/** `701 unified labels over coco 80, oid 500`. */
export function describeTaxonomy({ unified }: Taxonomy): string {
  return `${unified.size} unified labels over ${unified.datasets.map(({ name, size }) => `${name} ${size}`).join(', ')}`;
}
