// Splits a merged annotation file back into those of its data sets, with their own ids, names and categories. The way back of merge.ts.
import { DatasetError, describe } from '../errors.js';
import type { TextSink } from '../platform-types.js';
import { type Annotations, type Entry, entryError, entryId, imageOf } from './annotations.js';
import { IdTable } from './id-table.js';
import { federatedKeys, type LongDatasetOptions, type MergedInfo, type MergedInfoDataset } from './merge.js';
import { CocoOutput } from './output.js';

/** Options of {@link splitDatasets}. */
export interface SplitOptions extends LongDatasetOptions {
  /** What becomes of annotations whose category is none of their data set (as of a label added later): `error` (default) or `drop`. */
  readonly foreign?: 'error' | 'drop';
}

/** What came out for one data set. */
export interface SplitDataset {
  /** Its name. */
  readonly dataset: string;
  /** Number of its images. */
  readonly images: number;
  /** Number of its annotations. */
  readonly annotations: number;
  /** Annotations that were left out. */
  readonly dropped: number;
}

interface Part {
  readonly name: string;
  readonly output: CocoOutput;
  /** Its own category ids by unified id. */
  readonly categories: ReadonlyMap<number, unknown>;
  images: number;
  annotations: number;
  dropped: number;
}

/**
 * Writes a file for each data set of a merged file; `sinkFor` opens it. Throws DatasetError where the file is broken or was not made by mergeDatasets,
 * LoadError, or `signal.reason`. What was written until then must be thrown away.
 */
export async function splitDatasets(
  merged: Annotations,
  sinkFor: (dataset: string) => TextSink | Promise<TextSink>,
  options: SplitOptions = {},
): Promise<SplitDataset[]> {
  const { signal, onProgress, foreign = 'error' } = options;
  const { name } = merged;
  const read = (stage: 'labels and images' | 'annotations' | 'images') => ({
    signal,
    onBytes: onProgress && ((done: number, total: number) => onProgress({ stage, dataset: name, done, total })),
  });
  const images = new IdTable();
  /** Of each image: the position of its data set, and its id there where that is a small integer; other ids are kept aside. */
  const owners: number[] = [];
  const ids: (number | string)[] = [];
  let info: MergedInfo | undefined;
  const names = new Map<unknown, number>();
  for await (const part of merged.read(['images'], { others: true, ...read('labels and images') })) {
    if (!('list' in part)) {
      if (part.key === 'info') info = readInfo(name, part.value, names);
      continue;
    }
    if (!info)
      throw new DatasetError({
        thing: name,
        found: 'no "info.labelweave" before the images',
        wanted: 'a file that mergeDatasets wrote',
      });
    part.values.forEach((entry, i) => {
      const row = part.row + i;
      const id = entryId(name, 'images', row, 'id', entry);
      const origin = originOf(name, row, entry, names);
      if (!images.add(id)) throw entryError(name, 'images', row, `the id ${describe(id)} a second time`, 'an id of its own');
      owners.push(names.get(origin['dataset'])!);
      ids.push(origin['id'] as number | string);
    });
  }
  if (!info) throw new DatasetError({ thing: name, found: 'no "info.labelweave"', wanted: 'a file that mergeDatasets wrote' });

  const parts: Part[] = [];
  for (const dataset of info.datasets) parts.push(startPart(dataset, await sinkFor(dataset.name)));
  for await (const part of merged.read(['annotations'], read('annotations'))) {
    if (!('list' in part)) continue;
    for (const [i, entry] of part.values.entries()) {
      const row = part.row + i;
      const image = imageOf(name, row, entry, images);
      const to = parts[owners[image]!]!;
      const back = (value: Entry): Entry | undefined => {
        const id = value['category_id'] as number;
        if (to.categories.has(id)) return { ...value, category_id: to.categories.get(id) };
        if (foreign === 'error')
          throw entryError(name, 'annotations', row, `category_id = ${describe(id)}`, `a category of ${describe(to.name)}`, 'Leave such annotations out with foreign: "drop".'); // prettier-ignore
        to.dropped++;
        return undefined;
      };
      const { origin_id: originId, ...rest } = entry;
      const { segments_info: segments } = rest;
      const changed =
        Array.isArray(segments) && rest['category_id'] === undefined
          ? { ...rest, segments_info: (segments as Entry[]).flatMap((segment) => back(segment) ?? []) }
          : back(rest);
      if (!changed) continue;
      const { id: _, ...withoutId } = changed as Entry;
      to.output.entry({ ...(originId !== undefined && { id: originId }), ...withoutId, image_id: ids[image] });
      to.annotations++;
    }
    for (const { output } of parts) await output.flush();
  }
  for (const { output } of parts) output.list('images');
  for await (const part of merged.read(['images'], read('images'))) {
    if (!('list' in part)) continue;
    for (const [i, entry] of part.values.entries()) {
      const origin = originOf(name, part.row + i, entry, names);
      const to = parts[names.get(origin['dataset'])!]!;
      to.output.entry(imageBack(name, part.row + i, entry, origin, to));
      to.images++;
    }
    for (const { output } of parts) await output.flush();
  }
  for (const { output } of parts) await output.finish();
  return parts.map(({ name, images, annotations, dropped }) => ({ dataset: name, images, annotations, dropped }));
}

function startPart({ name, categories, others }: MergedInfoDataset, sink: TextSink): Part {
  const output = new CocoOutput(sink);
  for (const [key, value] of Object.entries(others)) output.value(key, value);
  output.list('categories');
  const back = new Map<number, unknown>();
  for (const { unified_id: unified, ...category } of categories) {
    output.entry(category);
    if (unified !== undefined) back.set(unified, (category as Entry)['id']);
  }
  output.list('annotations');
  return { name, output, categories: back, images: 0, annotations: 0, dropped: 0 };
}

/** Undoes what merging did to an image. */
function imageBack(name: string, row: number, entry: Entry, origin: Entry, { categories }: Part): Entry {
  const { origin: _, ...rest } = entry;
  const federated = Array.isArray(origin['federated']) ? (origin['federated'] as unknown[]) : [];
  const image: Record<string, unknown> = { ...rest, id: origin['id'] };
  for (const key of federatedKeys) {
    if (!federated.includes(key)) {
      delete image[key];
      continue;
    }
    const list = image[key];
    if (!Array.isArray(list)) throw entryError(name, 'images', row, `${key} = ${describe(list)}`, 'a list of category ids');
    image[key] = (list as number[]).flatMap((id) => categories.get(id) ?? []);
  }
  for (const key of ['file_name', 'license'] as const) if (origin[key] !== undefined) image[key] = origin[key];
  return image;
}

function originOf(name: string, row: number, entry: Entry, names: ReadonlyMap<unknown, number>): Entry {
  const origin = entry['origin'] as Entry | undefined;
  if (typeof origin !== 'object' || origin === null || !names.has(origin['dataset']))
    throw entryError(name, 'images', row, `origin = ${describe(origin)}`, `{ dataset, id } with one of ${[...names.keys()].map(describe).join(', ')}`); // prettier-ignore
  entryId(name, 'images', row, 'id', origin);
  return origin;
}

/** Checks `info` as far as it is used. */
function readInfo(name: string, value: unknown, names: Map<unknown, number>): MergedInfo {
  const info = (value as { labelweave?: unknown } | null)?.labelweave as Partial<MergedInfo> | undefined;
  const wrong = (found: string): DatasetError =>
    new DatasetError({ thing: `${name}, info.labelweave`, found, wanted: 'what mergeDatasets writes' });
  if (typeof info !== 'object' || info === null) throw wrong(describe(info));
  if (info.version !== 1) throw wrong(`version ${describe(info.version)}`);
  if (!Array.isArray(info.datasets) || info.datasets.length === 0) throw wrong(`datasets = ${describe(info.datasets)}`);
  info.datasets.forEach((dataset: Partial<MergedInfoDataset> | null, d) => {
    const isEntry = (one: unknown): boolean => typeof one === 'object' && one !== null && !Array.isArray(one);
    const good =
      isEntry(dataset) &&
      typeof dataset!.name === 'string' &&
      Array.isArray(dataset!.categories) &&
      dataset!.categories.every(isEntry) &&
      isEntry(dataset!.others);
    if (!good || names.has(dataset!.name)) throw wrong(`datasets[${d}] = ${describe(dataset)}`);
    names.set(dataset!.name, d);
  });
  return info as MergedInfo;
}
