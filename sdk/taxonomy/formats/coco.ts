// Label lists as COCO's annotation files hold them under `categories`, and the fields that panoptic, LVIS and Objects365 files add to them.
import { describe } from '../../errors.js';
import { invalid, type LabelInput, type LabelSpace, labelSpace } from '../label-space.js';
import {
  array, byId, compact, integerIds, isRecord, type JsonInput, jsonLines, object, optionalColor, optionalFlag, optionalText, own, parseJson,
  type ReadOptions, synonymList, thingOf,
} from './common.js'; // prettier-ignore
import { readCsv } from './table.js';

/** Options of the readers of COCO's `categories`. */
export interface CategoryOptions extends ReadOptions {
  /** `id` (default): by rising id, as detectors number their outputs; `file`: as they stand. */
  order?: 'id' | 'file';
}

/**
 * Reads the labels of a COCO annotation file, or its list `categories` alone. `supercategory`, `synset` and `freebase_id` become external ids;
 * `synonyms`, `frequency` (or `image_count` and `instance_count`), `isthing` and `color` are taken where they are; all else is passed over.
 * Throws LabelSpaceError `invalid-label-space`.
 */
export function readCoco(input: JsonInput, options: CategoryOptions = {}): LabelSpace {
  return readCategories('COCO', 'coco', input, options);
}

/** Reads the labels of a COCO panoptic file: every category says with `isthing` whether it is a thing. Throws as {@link readCoco} does. */
export function readCocoPanoptic(input: JsonInput, options: CategoryOptions = {}): LabelSpace {
  const space = readCategories('COCO panoptic', 'coco-panoptic', input, options);
  const missing = space.labels.find(({ isThing }) => isThing === undefined);
  if (missing)
    throw invalid(`${thingOf('COCO panoptic', options)}, category ${JSON.stringify(missing.name)}`, 'no "isthing"', '0 or 1');
  return space;
}

/** Reads the labels of an LVIS file; every category has a `frequency` and a `synset`. Throws as {@link readCoco} does. */
export function readLvis(input: JsonInput, options: CategoryOptions = {}): LabelSpace {
  const space = readCategories('LVIS', 'lvis-v1', input, options);
  const missing = space.labels.find(({ frequency, externalIds }) => frequency === undefined || !externalIds?.['synset']);
  if (missing)
    throw invalid(
      `${thingOf('LVIS', options)}, category ${JSON.stringify(missing.name)}`,
      'no "frequency" or no "synset"',
      'both',
    );
  return space;
}

/**
 * Reads the labels of an Objects365 file: annotations as in COCO, or a CSV of id, name and corrected name (which becomes a synonym). Without a name
 * the version is told from label 1, which is `person` in version 1 (2019) and `Person` in version 2 (2020): they number other labels, and the name of
 * the data set says which. Throws as {@link readCoco} does.
 */
export function readObjects365(input: JsonInput, options: CategoryOptions = {}): LabelSpace {
  const isCsv = typeof input === 'string' && /^\uFEFF?\s*"?\d+"?\s*,/u.test(input);
  const space = isCsv
    ? readNamesCsv(input, options)
    : readCategories('Objects365', 'objects365', input, { ...options, name: options.name ?? 'objects365' });
  if (options.name !== undefined || !space.hasId(1)) return space;
  const version = space.byId(1).name === 'Person' ? 'objects365-v2' : 'objects365-v1';
  return labelSpace(version, space.toJSON().labels);
}

function readNamesCsv(input: string, options: CategoryOptions): LabelSpace {
  const thing = thingOf('Objects365', options);
  const labels = readCsv(thing, input).map(({ line, cells }): LabelInput => {
    const [id = '', name = '', fixed] = cells;
    if (cells.length < 2 || !/^\s*\d{1,15}\s*$/u.test(id))
      throw invalid(`${thing}, line ${line}`, cells.map(describe).join(', ').slice(0, 80), 'id, name and corrected name');
    return compact({ id: Number(id), name, synonyms: synonymList(thing, fixed ?? [], name) });
  });
  return labelSpace(options.name ?? 'objects365', options.order === 'file' ? labels : byId(labels));
}

function readCategories(format: string, defaultName: string, input: JsonInput, options: CategoryOptions): LabelSpace {
  const thing = thingOf(format, options);
  const json = parseJson(thing, input);
  const list = Array.isArray(json) ? json : own(object(thing, json, 'an object with "categories", or that list'), 'categories');
  const categories = array(`${thing}, categories`, list, 'the list "categories" of a COCO file').map((value, i) =>
    readCategory(`${thing}, categories[${i}]`, value),
  );
  return labelSpace(options.name ?? defaultName, options.order === 'file' ? categories : byId(categories));
}

/** One entry of `categories`. */
export function readCategory(thing: string, value: unknown): LabelInput {
  const category = object(thing, value, 'an object with id and name');
  const id = own(category, 'id');
  if (id === undefined) throw invalid(thing, 'no "id"', 'a category with id and name');
  const name = own(category, 'name');
  if (typeof name !== 'string') throw invalid(`${thing}.name`, describe(name), 'a text');
  const external = {
    supercategory: optionalText(`${thing}.supercategory`, own(category, 'supercategory')),
    synset: optionalText(`${thing}.synset`, own(category, 'synset')),
    freebase: optionalText(`${thing}.freebase_id`, own(category, 'freebase_id')),
  };
  const externalIds = Object.fromEntries(Object.entries(external).filter(([, text]) => text !== undefined)) as Record<
    string,
    string
  >;
  const [images, instances] = [own(category, 'image_count'), own(category, 'instance_count')];
  const counts = images !== undefined || instances !== undefined;
  const frequency = own(category, 'frequency') ?? (counts ? compactCounts(images, instances) : undefined);
  return compact({
    id: id as number,
    name,
    synonyms: synonymList(`${thing}.synonyms`, own(category, 'synonyms'), name),
    frequency: frequency as NonNullable<LabelInput['frequency']>,
    isThing: optionalFlag(`${thing}.isthing`, own(category, 'isthing'))!,
    color: optionalColor(`${thing}.color`, own(category, 'color'))!,
    ...(Object.keys(externalIds).length > 0 && { externalIds }),
  });
}

function compactCounts(images: unknown, instances: unknown): object {
  return { ...(images !== undefined && { images }), ...(instances !== undefined && { instances }) };
}

/**
 * Writes `{ "categories": [...] }`, one category a line, with the fields that {@link readCoco} reads. Ids stay where all are integers; else they are
 * positions from 1, and Freebase ids go into `freebase_id`. Parents have no place in the format and are left out.
 */
export function writeCoco(space: LabelSpace): string {
  return jsonLines('categories', cocoCategories(space));
}

/** The entries of `categories`, as {@link writeCoco} writes them. */
export function cocoCategories(space: LabelSpace): Record<string, unknown>[] {
  const idOf = integerIds(space, 1);
  return space.labels.map((label) => {
    const { id, name, synonyms, frequency, isThing, color, externalIds = {} } = label;
    const { supercategory, synset, freebase = typeof id === 'string' && /^\/[a-z]\//u.test(id) ? id : undefined } = externalIds;
    return {
      id: idOf(label),
      name,
      ...(supercategory !== undefined && { supercategory }),
      ...(synonyms.length > 0 && { synonyms }),
      ...(synset !== undefined && { synset }),
      ...(freebase !== undefined && { freebase_id: freebase }),
      ...(typeof frequency === 'string' && { frequency }),
      ...(isRecord(frequency) && frequency['images'] !== undefined && { image_count: frequency['images'] }),
      ...(isRecord(frequency) && frequency['instances'] !== undefined && { instance_count: frequency['instances'] }),
      ...(isThing !== undefined && { isthing: isThing ? 1 : 0 }),
      ...(color !== undefined && { color }),
    };
  });
}
