// Label definitions as Mapillary Vistas' config.json holds them, and lists with the fields of Cityscapes' label table.
import { describe } from '../../errors.js';
import { invalid, type LabelInput, type LabelSpace, labelSpace } from '../label-space.js';
import { array, byId, compact, type JsonInput, jsonLines, object, optionalColor, optionalFlag, optionalText, own, parseJson, type ReadOptions, thingOf } from './common.js'; // prettier-ignore

/** Options of {@link readConfig}. */
export interface ConfigOptions extends ReadOptions {
  /** Cityscapes: `id` (default) for the ids of label images; `trainId` for those of training, where labels with 255 or a negative one are left out. */
  ids?: 'id' | 'trainId';
}

/**
 * Reads `{ "labels": [...] }` or that list. Mapillary: `name` (`animal--bird`), `readable` (`Bird`), `color`, `instances`; ids are positions, the
 * readable name is the name and the other one a synonym. Cityscapes: `name`, `id`, `trainId`, `category`, `hasInstances`, `color`; a label with a
 * negative id is left out. Throws LabelSpaceError `invalid-label-space`.
 */
export function readConfig(input: JsonInput, options: ConfigOptions = {}): LabelSpace {
  const thing = thingOf('config', options);
  const { ids = 'id', name = 'config' } = options;
  if (ids !== 'id' && ids !== 'trainId') throw invalid('option ids', describe(ids), '"id" or "trainId"');
  const json = parseJson(thing, input);
  const list = Array.isArray(json) ? json : own(object(thing, json, 'an object with "labels", or that list'), 'labels');
  const labels = array(`${thing}, labels`, list, 'the list "labels"').flatMap((value, i): LabelInput[] => {
    const where = `${thing}, labels[${i}]`;
    const entry = object(where, value, 'an object with name');
    const full = own(entry, 'name');
    if (typeof full !== 'string') throw invalid(`${where}.name`, describe(full), 'a text');
    const readable = optionalText(`${where}.readable`, own(entry, 'readable'));
    const given = own(entry, ids);
    if (given === undefined && ids === 'trainId') throw invalid(where, 'no "trainId"', 'an integer');
    if (given !== undefined && !Number.isSafeInteger(given)) throw invalid(`${where}.${ids}`, describe(given), 'an integer');
    const id = (given as number | undefined) ?? i;
    if (id < 0 || (ids === 'trainId' && id === 255)) return [];
    const category = optionalText(`${where}.category`, own(entry, 'category'));
    const label = {
      id,
      name: readable ?? full,
      synonyms: readable !== undefined && readable !== full ? [full] : [],
      isThing: optionalFlag(`${where}.instances`, own(entry, 'instances') ?? own(entry, 'hasInstances'))!,
      color: optionalColor(`${where}.color`, own(entry, 'color'))!,
      ...(category !== undefined && { externalIds: { supercategory: category } }),
    };
    return [compact(label)];
  });
  return labelSpace(name, byId(labels));
}

/** Writes `{ "labels": [...] }` with id, name, readable, color, instances and category, one label a line. Ids are integers as in writeCoco, from 0. */
export function writeConfig(space: LabelSpace): string {
  const keep = space.labels.every(({ id }) => typeof id === 'number');
  const labels = space.labels.map(({ id, index, name, synonyms, color, isThing, externalIds }) => {
    // Mapillary's full names are the only ones with two hyphens.
    const full = synonyms.find((synonym) => synonym.includes('--'));
    const category = externalIds?.['supercategory'];
    return {
      id: keep ? id : index,
      name: full ?? name,
      ...(full !== undefined && { readable: name }),
      ...(category !== undefined && { category }),
      ...(isThing !== undefined && { instances: isThing }),
      ...(color !== undefined && { color }),
    };
  });
  return jsonLines('labels', labels);
}
