// Open Images: the CSV of classes (Freebase id, name) and the JSON tree of the hierarchy.
import { describe } from '../../errors.js';
import { invalid, type Label, type LabelInput, type LabelSpace, labelSpace } from '../label-space.js';
import { array, type JsonInput, object, own, parseJson, type ReadOptions, textInput, thingOf } from './common.js';
import { readCsv, writeCsv } from './table.js';

/** Options of {@link readOpenImages}. */
export interface OpenImagesOptions extends ReadOptions {
  /** The tree of the hierarchy (`*-hierarchy.json`). Classes that stand below several others get several parents. */
  hierarchy?: JsonInput;
}

/** Deepest tree that is read, and most nodes that are written: the real one has 6 levels and about 700 nodes. */
const maxDepth = 1000;
const maxNodes = 1_000_000;
/** `Entity`, the root of the tree, is no class. */
const root = '/m/0bl9f';

/**
 * Reads the class list of Open Images: rows of id and name, with or without a header. Ids are the Freebase ids: names are not unique.
 * Throws LabelSpaceError `invalid-label-space`; a cycle in the hierarchy is named.
 */
export function readOpenImages(input: string, options: OpenImagesOptions = {}): LabelSpace {
  const thing = thingOf('Open Images', options);
  const rows = readCsv(thing, textInput(thing, input));
  const isHeader = ({ cells }: (typeof rows)[number]): boolean => /^(labelname|id|mid)$/iu.test(cells[0]?.trim() ?? '');
  const labels = (rows[0] && isHeader(rows[0]) ? rows.slice(1) : rows).map(({ line, cells }): LabelInput => {
    if (cells.length !== 2)
      throw invalid(`${thing}, line ${line}`, `${cells.length} cells`, 'two: id and name', 'Put names with commas in quotes.');
    return { id: cells[0]!, name: cells[1]! };
  });
  const { hierarchy } = options;
  if (hierarchy === undefined) return labelSpace(options.name ?? 'openimages', labels);
  const above = readHierarchy(`${thing}, hierarchy`, hierarchy);
  const known = new Set(labels.map(({ id }) => id));
  const withParents = labels.map((label): LabelInput => {
    const parents = [...(above.get(label.id as string) ?? [])].filter((id) => known.has(id));
    return parents.length ? { ...label, parents } : label;
  });
  return labelSpace(options.name ?? 'openimages', withParents);
}

/** The ids directly above each id. A `Part` (the wheel of a car) is below nothing. */
function readHierarchy(thing: string, input: JsonInput): Map<string, Set<string>> {
  const above = new Map<string, Set<string>>();
  const walk = (where: string, value: unknown, parent: string | undefined, depth: number): void => {
    if (depth > maxDepth) throw invalid(thing, `more than ${maxDepth} levels`, 'a tree of classes');
    const node = object(where, value, 'an object with LabelName');
    const id = own(node, 'LabelName');
    if (typeof id !== 'string') throw invalid(`${where}.LabelName`, describe(id), 'a Freebase id');
    const parents = above.get(id) ?? new Set();
    above.set(id, parents);
    if (parent !== undefined) parents.add(parent);
    for (const [key, next] of [
      ['Subcategory', id],
      ['Part', undefined],
    ] as const) {
      const list = own(node, key);
      if (list === undefined) continue;
      array(`${where}.${key}`, list).forEach((child, i) =>
        walk(`${thing}, ${key}[${i}] of ${describe(id)}`, child, next, depth + 1),
      );
    }
  };
  walk(thing, parseJson(thing, input), undefined, 0);
  return above;
}

/** Writes rows of id and name, without a header. */
export function writeOpenImages(space: LabelSpace): string {
  return writeCsv(space.labels.map(({ id, name }) => [String(id), name]));
}

/**
 * Writes the hierarchy as a tree below the root `/m/0bl9f`. A class with several parents stands below each, with all that is below it.
 * Throws LabelSpaceError `invalid-label-space` where that makes a tree of more than a million nodes.
 */
export function writeOpenImagesHierarchy(space: LabelSpace): string {
  const below = new Map<Label['id'], Label[]>();
  for (const label of space.labels) for (const id of label.parents) below.set(id, [...(below.get(id) ?? []), label]);
  let nodes = 0;
  const node = (id: Label['id'], children: readonly Label[], depth: number): object => {
    if (++nodes > maxNodes || depth > maxDepth)
      throw invalid('hierarchy as a tree', nodes > maxNodes ? `over ${maxNodes} nodes` : `over ${maxDepth} levels`, 'fewer: classes below several others are repeated'); // prettier-ignore
    const subcategories = children.map((child) => node(child.id, below.get(child.id) ?? [], depth + 1));
    return { LabelName: String(id), ...(subcategories.length > 0 && { Subcategory: subcategories }) };
  };
  const top = space.labels.filter(({ parents }) => parents.length === 0);
  return `${JSON.stringify(node(root, top, 0), null, 2)}\n`;
}
