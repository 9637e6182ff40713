// Mappings as CSV, one unified label a row and one column or two a data set: the Robust Vision Challenge's files and UniDet's.
import { describe } from '../../errors.js';
import { invalid, isLabelSpace, type LabelId, type LabelInput, type LabelSpace, labelSpace } from '../label-space.js';
import { findRef } from '../match.js';
import { type UnifiedLabelInput, type UnifiedLabelSpace, unifiedLabelSpace, type UnifiedOptions } from '../unified.js';
import { isRecord, type ReadOptions, textInput, thingOf } from './common.js';
import { readCsv, writeCsv } from './table.js';

/** Options of the readers of mappings. */
export interface MappingOptions extends ReadOptions, UnifiedOptions {
  /**
   * The data sets by the name they have in the header: `{ coco, oid: openImagesChallenge500 }`. Members are then their labels, by id or name. A data
   * set that is not given here is made of the cells of its columns.
   */
  datasets?: Readonly<Record<string, LabelSpace>>;
}

/** A column of the file. */
export interface MappingColumn {
  /** `coco_boxable_name`. */
  readonly header: string;
  /** `coco`. */
  readonly dataset: string;
  /** Whether cells are ids or names. */
  readonly holds: 'id' | 'name';
}

/** Rows of texts with their place in the file. */
export interface MappingRow {
  readonly place: string;
  readonly cells: readonly string[];
}

/**
 * Reads a mapping: a column `key` with the unified names, and columns such as `coco_boxable_name`, `oid_freebase`, `ade20k_id`. Rows without a member
 * are left out. Throws LabelSpaceError: `invalid-label-space`, `unknown-label`, `ambiguous-label`; TaxonomyError where a law is broken, as when
 * given data sets have labels that stand in no row (see `rest`).
 */
export function readMappingCsv(input: string, options: MappingOptions = {}): UnifiedLabelSpace {
  const thing = thingOf('mapping CSV', options);
  const [header, ...rows] = readCsv(thing, textInput(thing, input));
  if (!header) throw invalid(thing, 'an empty file', 'a header: key, and columns such as coco_name');
  const placed = rows.map(({ line, cells }): MappingRow => ({ place: `${thing}, line ${line}`, cells }));
  return unifyRows(thing, header.cells, placed, options.name ?? 'mapping', options);
}

/** What a header says; the first column holds the unified names. */
export function readHeader(thing: string, header: readonly string[]): MappingColumn[] {
  if (header[0]?.trim().toLowerCase() !== 'key')
    throw invalid(`${thing}, header`, describe(header[0]), '"key" as the first column');
  if (header.length < 2) throw invalid(`${thing}, header`, 'only "key"', 'one column or two for each data set');
  const columns = header.slice(1).map((text): MappingColumn => {
    const found = /^(.+?)_(?:(?:boxable|pano|sem|inst)_)?(name|id|leaf|freebase|mid)$/iu.exec(text.trim());
    if (!found)
      throw invalid(`${thing}, header`, describe(text), 'columns called <data set>_name or <data set>_id (or _leaf, _freebase)');
    return { header: text, dataset: datasetName(found[1]!), holds: /^name$/iu.test(found[2]!) ? 'name' : 'id' };
  });
  columns.forEach(({ dataset, holds, header }, i) => {
    const twin = columns.slice(0, i).find((other) => other.dataset === dataset && other.holds === holds);
    if (twin)
      throw invalid(
        `${thing}, header`,
        `${describe(twin.header)} and ${describe(header)}`,
        `one column of ${holds}s for a data set`,
      );
  });
  return columns;
}

/** The Robust Vision Challenge writes obj365 where others write objects365. */
function datasetName(text: string): string {
  return text.toLowerCase().replace(/^obj365$/u, 'objects365');
}

/** Rows of cells -> a unified label space. */
export function unifyRows(
  thing: string,
  header: readonly string[],
  rows: readonly MappingRow[],
  name: string,
  { datasets: given = {}, rest }: MappingOptions,
): UnifiedLabelSpace {
  const columns = readHeader(thing, header);
  if (!isRecord(given) || !Object.values(given).every(isLabelSpace))
    throw invalid('option datasets', describe(given), 'label spaces by the name of the data set in the header');
  const names = [...new Set(columns.map(({ dataset }) => dataset))];
  for (const own of Object.keys(given)) {
    if (!names.includes(datasetName(own)))
      throw invalid('option datasets', describe(own), `data sets of the header: ${names.join(', ')}`);
  }
  for (const { place, cells } of rows) {
    if (cells.length !== header.length) throw invalid(place, `${cells.length} cells`, `${header.length}, as in the header`);
  }
  const members = new Map<number, [dataset: string, id: LabelId][]>();
  const spaces = names.map((dataset): LabelSpace => {
    const cell = (row: MappingRow, holds: 'id' | 'name'): string => {
      const column = columns.findIndex((one) => one.dataset === dataset && one.holds === holds);
      return column < 0 ? '' : row.cells[column + 1]!.trim();
    };
    const listed = rows.flatMap((row, r) => {
      const [id, label] = [cell(row, 'id'), cell(row, 'name')];
      return id || label ? [{ row, r, id, label }] : [];
    });
    if (listed.length === 0) throw invalid(thing, `no label of ${describe(dataset)}`, 'one label or more in each column');
    const key = Object.keys(given).find((one) => datasetName(one) === dataset);
    const known = key === undefined ? undefined : given[key]!;
    const space = known ?? listedSpace(dataset, listed);
    listed.forEach(({ row, r, id, label }, k) => {
      const found = known ? findCell(known, `${row.place}, ${dataset}`, id, label) : space.labels[k]!.id;
      members.set(r, [...(members.get(r) ?? []), [space.name, found]]);
    });
    return space;
  });
  const labels = rows.flatMap(({ cells }, r): UnifiedLabelInput[] => {
    const own = members.get(r);
    if (!own) return [];
    // UniDet's expert map has a row without a key.
    const [dataset, id] = own[0]!;
    const name = cells[0]!.trim() ? cells[0]! : spaces.find((space) => space.name === dataset)!.byId(id).name;
    return [{ name, members: Object.fromEntries(own) }];
  });
  return unifiedLabelSpace(name, spaces, labels, rest === undefined ? {} : { rest });
}

/** A data set of the cells: with the ids of the file where it has them, else positions. */
function listedSpace(dataset: string, listed: readonly { id: string; label: string; row: MappingRow }[]): LabelSpace {
  const labels = listed.map(({ id, label, row }): LabelInput => {
    const base = { name: label || id };
    if (!id) {
      if (listed.some((other) => other.id))
        throw invalid(`${row.place}, ${dataset}`, `no id for ${describe(label)}`, 'an id in every row or in none');
      return base;
    }
    return { ...base, id: idOf(id) };
  });
  return labelSpace(dataset, labels);
}

function idOf(text: string): LabelId {
  return /^(?:0|-?[1-9]\d{0,14})$/u.test(text) ? Number(text) : text;
}

function findCell(space: LabelSpace, place: string, id: string, name: string): LabelId {
  if (!id) {
    const exact = space.allByName(name);
    return exact.length === 1 ? exact[0]!.id : findRef(space, name).id;
  }
  const label = space.byId(space.hasId(id) ? id : idOf(id));
  if (name && label.name !== name && !label.synonyms.includes(name) && space.hasName(name))
    throw invalid(place, `${describe(id)} and ${describe(name)}, which are two labels`, `${describe(label.name)} beside that id`, 'Is this the same version of the data set?'); // prettier-ignore
  return label.id;
}

/** Options of {@link writeMappingCsv}. */
export interface WriteMappingOptions {
  /** The columns behind `key`. Default: `<data set>_id` and `<data set>_name` for every data set. */
  columns?: readonly MappingColumn[];
}

/** Writes one unified label a row. */
export function writeMappingCsv(unified: UnifiedLabelSpace, options: WriteMappingOptions = {}): string {
  return writeCsv(mappingRows(unified, options.columns ?? defaultColumns(unified)));
}

function defaultColumns(unified: UnifiedLabelSpace): MappingColumn[] {
  return unified.datasets.flatMap(({ name }): MappingColumn[] => [
    { header: `${name}_id`, dataset: name, holds: 'id' },
    { header: `${name}_name`, dataset: name, holds: 'name' },
  ]);
}

/** The header and a row for each unified label. Throws LabelSpaceError `unknown-label` for a column of another data set. */
export function mappingRows(unified: UnifiedLabelSpace, columns: readonly MappingColumn[]): string[][] {
  const spaces = columns.map(({ dataset }) => unified.dataset(dataset));
  const rows = unified.labels.map(({ name, members }) => [
    name,
    ...columns.map(({ dataset, holds }, c) => {
      if (!Object.hasOwn(members, dataset)) return '';
      const label = spaces[c]!.byId(members[dataset]!);
      return String(holds === 'id' ? label.id : label.name);
    }),
  ]);
  return [['key', ...columns.map(({ header }) => header)], ...rows];
}
