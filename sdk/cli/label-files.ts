// Label spaces, taxonomies and mappings as the command line takes them: names of the catalogue, and files of any format that is known.
import { stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { type LabelSpace, LabelSpaceError } from 'labelweave';
import { cocoFile, type Entry } from 'labelweave/datasets';
import { readFile } from 'labelweave/node';
import { isLabelSpace, labelSpaceFromJSON, parseLabelFile, type UnifiedLabelSpace } from 'labelweave/taxonomy';
import { readTaxonomy, type Taxonomy, taxonomy, taxonomyFromJSON, taxonomyToJSON } from 'labelweave/taxonomy/file';
import {
  detectFormat, type FormatOptions, type LabelFormat, labelFormats, type MSegTable, readCoco, readConfig, readMappingCsv, readMSeg, readOpenImages,
  readUniDet, type UnifiedFormat, unifiedFormats,
} from 'labelweave/taxonomy/formats'; // prettier-ignore
import { type EmbeddedSpace, readVectors } from 'labelweave/taxonomy/merge';
import { UsageError, wordOption } from './exit.js';
import { catalogueNames, namedLabels } from './labels.js';

/** Every format by name. `labelweave` is our own: a taxonomy file, or a label list. */
export type FormatName = LabelFormat | UnifiedFormat | 'mseg' | 'labelweave';

export const formatNames = [...Object.keys(labelFormats), ...Object.keys(unifiedFormats), 'mseg', 'labelweave'] as FormatName[];

/** What a label file holds. */
export type LabelFile =
  | { readonly kind: 'labels'; readonly space: LabelSpace }
  | { readonly kind: 'unified'; readonly taxonomy: Taxonomy }
  | { readonly kind: 'mseg'; readonly table: MSegTable };

/** What a person says about a label file. */
export interface LabelFileOptions extends FormatOptions {
  /** Default: told from the file. */
  format?: FormatName | undefined;
  /** Data sets of a mapping, by their names in its header. */
  datasets?: Readonly<Record<string, LabelSpace>> | undefined;
  /** Labels that a mapping leaves over become unified labels of their own. */
  rest?: 'error' | 'single' | undefined;
  /** Of Open Images: file of the hierarchy. */
  hierarchy?: string | undefined;
  /** Of Cityscapes' tables. */
  ids?: 'id' | 'trainId' | undefined;
}

/** JSON files of this many bytes or more are taken for annotations, of which only the categories are read. */
const largeFile = 64 << 20;

/** A label space of the catalogue by name, else a file. Throws LabelSpaceError, LoadError, UsageError. */
export async function readLabelFile(place: string, options: LabelFileOptions = {}): Promise<LabelFile> {
  const size = await stat(place).then((status) => status.size, () => undefined); // prettier-ignore
  if (size === undefined) {
    const space = await namedLabels(place);
    if (space) return { kind: 'labels', space: options.name === undefined ? space : rename(space, options.name) };
    if (!/[./\\]/u.test(place))
      throw new UsageError(`${JSON.stringify(place)}: found no such file, and no such name in the catalogue; wanted one of ${catalogueNames().join(', ')}`); // prettier-ignore
  }
  const { name, datasets, rest, hierarchy, ids } = options;
  const file = basename(place);
  const common = { file, ...(name !== undefined && { name }) };
  if (size !== undefined && size >= largeFile && /\.json(?:\.gz)?$/iu.test(place)) {
    const categories: Entry[] = [];
    for await (const part of cocoFile(place, file).read(['categories'])) if ('list' in part) categories.push(...part.values);
    return { kind: 'labels', space: readCoco(categories, common) };
  }
  const text = new TextDecoder().decode(await readFile(place));
  const format = options.format ?? detectFormat(text, file);
  const mapping = { ...common, ...(datasets && { datasets }), ...(rest && { rest }) };
  switch (format) {
    case 'labelweave':
      return ownFile(text, file, name);
    case 'mseg':
      return { kind: 'mseg', table: readMSeg(text, common) };
    case 'unidet':
      return { kind: 'unified', taxonomy: asTaxonomy(readUniDet(text, mapping)) };
    case 'mapping-csv':
      return { kind: 'unified', taxonomy: asTaxonomy(readMappingCsv(text, mapping)) };
    case 'config':
      return { kind: 'labels', space: readConfig(text, { ...common, ...(ids && { ids }) }) };
    case 'openimages': {
      const tree = hierarchy === undefined ? undefined : new TextDecoder().decode(await readFile(hierarchy));
      return { kind: 'labels', space: readOpenImages(text, { ...common, ...(tree !== undefined && { hierarchy: tree }) }) };
    }
    default: {
      const { read } = labelFormats[format];
      if (!read) throw new UsageError(`--from: found ${format}; it can only be written`);
      // Text and YOLO files do not say whose labels they are.
      const named = name === undefined && ['text', 'yolo', 'huggingface', 'label-map', 'config'].includes(format) ? { ...common, name: stem(file) } : common; // prettier-ignore
      return { kind: 'labels', space: await read(text, named) };
    }
  }
}

function asTaxonomy(unified: UnifiedLabelSpace): Taxonomy {
  return taxonomy(unified);
}

function stem(file: string): string {
  return basename(file, extname(file)) || file;
}

function rename(space: LabelSpace, name: string): LabelSpace {
  return labelSpaceFromJSON({ ...space.toJSON(), name });
}

/** A taxonomy file, or a label list as `detect --labels` takes it. */
function ownFile(text: string, file: string, name: string | undefined): LabelFile {
  if (/"labelweaveTaxonomy"\s*:/u.test(text)) {
    const read = readTaxonomy(text, { file });
    return { kind: 'unified', taxonomy: name === undefined ? read : taxonomyFromJSON({ ...taxonomyToJSON(read), name }) };
  }
  const spec = parseLabelFile(text, file);
  if (isLabelSpace(spec)) return { kind: 'labels', space: name === undefined ? spec : rename(spec, name) };
  if (Array.isArray(spec)) return { kind: 'labels', space: labelSpaceFromJSON({ name: name ?? stem(file), labels: spec }) };
  throw new LabelSpaceError('invalid-label-space', {
    thing: `file ${JSON.stringify(file)}`,
    found: 'a grouping, which is no list of labels',
    wanted: 'a label list or a taxonomy',
  });
}

/** The label space of a file that holds one. Throws UsageError for a taxonomy. */
export async function readSpace(place: string, options: LabelFileOptions = {}): Promise<LabelSpace> {
  const file = await readLabelFile(place, options);
  if (file.kind === 'labels') return file.space;
  throw new UsageError(
    `${place}: found ${file.kind === 'unified' ? 'a taxonomy' : 'MSeg’s table'}; wanted the labels of one data set`,
  );
}

/** `name=value` pairs of an option that may stand several times. Throws UsageError. */
export function pairsOption(name: string, value: unknown): [name: string, value: string][] {
  return (value === undefined ? [] : Array.isArray(value) ? value : [value]).map((one: unknown) => {
    const text = String(one);
    const at = text.indexOf('=');
    if (at < 1) throw new UsageError(`--${name}: found ${JSON.stringify(text)}; wanted NAME=VALUE`);
    return [text.slice(0, at), text.slice(at + 1)];
  });
}

/** Throws UsageError for the name of a pair that no label space has. */
export function checkNames(
  option: string,
  pairs: Iterable<readonly [name: string, ...unknown[]]>,
  spaces: readonly LabelSpace[],
): void {
  for (const [name] of pairs) {
    if (!spaces.some((space) => space.name === name))
      throw new UsageError(`--${option}: found ${JSON.stringify(name)}; wanted ${spaces.map((space) => space.name).join(', ')}`);
  }
}

/** A vector for each label of a space, from an .npy or safetensors file. Throws LoadError, ModelError, LabelSpaceError. */
export async function readVectorFile(space: LabelSpace, place: string): Promise<EmbeddedSpace> {
  return readVectors(space, await readFile(place), basename(place));
}

/** One of a few words, or undefined. Throws UsageError. */
export function optionalWord<T extends string>(name: string, value: unknown, words: readonly T[]): T | undefined {
  return value === undefined ? undefined : wordOption(name, value, words);
}

/** Data sets of `--dataset NAME=LABELS`. */
export async function datasetsOption(value: unknown): Promise<Record<string, LabelSpace> | undefined> {
  const pairs = pairsOption('dataset', value);
  if (pairs.length === 0) return undefined;
  return Object.fromEntries(await Promise.all(pairs.map(async ([name, place]) => [name, await readSpace(place)] as const)));
}
