// UniDet's unified label spaces: the JSON that its configurations name, and the CSV it is made from (see mapping-csv.ts).
import { describe } from '../../errors.js';
import { invalid, type LabelSpace, labelSpace } from '../label-space.js';
import { type UnifiedLabelSpace, unifiedLabelSpace } from '../unified.js';
import { array, byId, type JsonInput, object, own, parseJson, thingOf } from './common.js';
import { type MappingColumn, mappingRows, type MappingOptions, type MappingRow, unifyRows } from './mapping-csv.js';

/** Columns of the files that UniDet's learning wrote (`learned_*.csv`), for data sets called `oid`, `objects365` and `coco`. */
export const unidetColumns: readonly MappingColumn[] = [
  { header: 'oid_freebase', dataset: 'oid', holds: 'id' },
  { header: 'oid_name', dataset: 'oid', holds: 'name' },
  { header: 'objects365_name', dataset: 'objects365', holds: 'name' },
  { header: 'coco_name', dataset: 'coco', holds: 'name' },
];

/**
 * Reads UniDet's JSON. `raw_data` says which labels stand together; `label_map_dict` numbers the labels of a data set by rising id, from 0, and is
 * checked against it where the data sets are given. Data sets that are not given get these numbers as ids.
 * Throws LabelSpaceError as readMappingCsv does, and where the two parts of the file contradict each other.
 */
export function readUniDet(input: JsonInput, options: MappingOptions = {}): UnifiedLabelSpace {
  const thing = thingOf('UniDet', options);
  const file = object(thing, parseJson(thing, input), 'an object with "raw_data" and "label_map_dict"');
  const table = array(`${thing}, raw_data`, own(file, 'raw_data'), 'a list of rows').map((row, i) =>
    array(`${thing}, raw_data[${i}]`, row, 'a list of texts').map((cell, j) => {
      if (typeof cell !== 'string') throw invalid(`${thing}, raw_data[${i}][${j}]`, describe(cell), 'a text');
      return cell;
    }),
  );
  const [header, ...rows] = table;
  if (!header) throw invalid(`${thing}, raw_data`, 'no row', 'a header and a row for each unified label');
  const placed = rows.map((cells, i): MappingRow => ({ place: `${thing}, raw_data[${i + 1}]`, cells }));
  const unified = unifyRows(thing, header, placed, options.name ?? 'unidet', options);
  const maps = object(`${thing}, label_map_dict`, own(file, 'label_map_dict'), 'unified labels by number, by data set');
  return withRanks(thing, unified, maps, options);
}

/** Checks the numbers of labels, and takes them as ids where nothing else is known. */
function withRanks(
  thing: string,
  unified: UnifiedLabelSpace,
  maps: Record<string, unknown>,
  { datasets: given = {}, rest }: MappingOptions,
): UnifiedLabelSpace {
  const keyOf = (name: string): string | undefined => Object.keys(maps).find((key) => key.toLowerCase() === name.toLowerCase());
  const headerName = (space: LabelSpace): string =>
    (Object.keys(given).find((key) => given[key] === space) ?? space.name).replace(/^obj365$/iu, 'objects365');
  const renamed = new Map<string, LabelSpace>();
  const ranks = new Map<string, Map<unknown, number>>();
  for (const space of unified.datasets) {
    const key = keyOf(headerName(space));
    if (key === undefined)
      throw invalid(`${thing}, label_map_dict`, Object.keys(maps).join(', '), `the data set ${describe(headerName(space))}`);
    const where = `${thing}, label_map_dict.${key}`;
    const targets = new Map<number, number>();
    for (const [rank, target] of Object.entries(object(where, maps[key], 'unified labels by number'))) {
      if (!/^(?:0|[1-9]\d{0,8})$/u.test(rank)) throw invalid(where, `the key ${describe(rank)}`, 'numbers of labels from 0');
      if (!Number.isInteger(target) || (target as number) < 0 || (target as number) >= unified.size)
        throw invalid(`${where}[${rank}]`, describe(target), `a unified label from 0 to ${unified.size - 1}`);
      targets.set(Number(rank), target as number);
    }
    const isGiven = Object.values(given).includes(space);
    if (isGiven) {
      const ordered = byId(space.labels);
      for (const [rank, target] of targets) {
        const label = ordered[rank];
        const actual = label && unified.unifiedOf(space.name, { id: label.id }).index;
        if (actual !== target)
          throw invalid(`${where}[${rank}]`, String(target), label ? `${actual}, where raw_data has ${describe(label.name)}` : `a label of ${describe(space.name)}: it has ${space.size}`, 'Is this the same version of the data set?'); // prettier-ignore
      }
      renamed.set(space.name, space);
      continue;
    }
    const rankOf = new Map<unknown, number>();
    for (const [rank, target] of targets) {
      const member = unified.labels[target]!.members[space.name];
      if (member === undefined || rankOf.has(member))
        throw invalid(`${where}[${rank}]`, String(target), member === undefined ? 'a unified label with a member of that data set' : 'one number for each label'); // prettier-ignore
      rankOf.set(member, rank);
    }
    const missing = space.labels.find(({ id }) => !rankOf.has(id));
    if (missing) throw invalid(where, `no number for ${describe(missing.name)}`, 'a number for each label of raw_data');
    const labels = space.labels.map(({ id, name }) => ({
      id: rankOf.get(id)!,
      name,
      ...(typeof id === 'string' && { externalIds: { freebase: id } }),
    }));
    ranks.set(space.name, rankOf);
    renamed.set(space.name, labelSpace(key, byId(labels)));
  }
  if (ranks.size === 0) return unified;
  const labels = unified.labels.map(({ name, id, members }) => {
    const entries = Object.entries(members).map(([dataset, member]) => {
      return [renamed.get(dataset)!.name, ranks.get(dataset)?.get(member) ?? member] as const;
    });
    return { name, id, members: Object.fromEntries(entries) };
  });
  return unifiedLabelSpace(unified.name, [...renamed.values()], labels, rest === undefined ? {} : { rest });
}

/** Options of {@link writeUniDet}. */
export interface WriteUniDetOptions {
  /** Columns of `raw_data` behind `key`, with the data sets of the unified space. Default: ids and names of every data set. */
  columns?: readonly MappingColumn[];
  /** Names of the data sets in the file, by their names here. Default: the same. */
  datasets?: Readonly<Record<string, string>>;
}

/** Writes UniDet's JSON: categories, label_map_dict, label_map, raw_data, dataset_inds, dataset_mask. Labels are numbered by rising id, from 0. */
export function writeUniDet(unified: UnifiedLabelSpace, options: WriteUniDetOptions = {}): string {
  const columns =
    options.columns ??
    unified.datasets.flatMap(({ name }): MappingColumn[] => [
      { header: `${name}_id`, dataset: name, holds: 'id' },
      { header: `${name}_name`, dataset: name, holds: 'name' },
    ]);
  const nameOf = (name: string): string => options.datasets?.[name] ?? name;
  const perDataset = <T>(make: (space: LabelSpace) => T): Record<string, T> =>
    Object.fromEntries(unified.datasets.map((space) => [nameOf(space.name), make(space)]));
  const targets = (space: LabelSpace): number[] =>
    byId(space.labels).map(({ id }) => unified.unifiedOf(space.name, { id }).index);
  const mask = (space: LabelSpace): number[] => unified.labels.map(({ members }) => (Object.hasOwn(members, space.name) ? 1 : 0));
  const file = {
    categories: unified.labels.map(({ name }, id) => ({ id, name })),
    label_map_dict: perDataset((space) => Object.fromEntries(targets(space).map((target, rank) => [String(rank), target]))),
    label_map: perDataset(targets),
    raw_data: mappingRows(unified, columns),
    dataset_inds: perDataset((space) => mask(space).flatMap((has, u) => (has ? [u] : []))),
    dataset_mask: perDataset(mask),
  };
  return `${JSON.stringify(file)}\n`;
}
