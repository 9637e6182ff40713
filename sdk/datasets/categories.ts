// Finds the label of the taxonomy that a category of a data set's file stands for.
import { ArgumentError, DatasetError, describe } from '../errors.js';
import type { Label, LabelSpace } from '../taxonomy/label-space.js';
import { matchName } from '../taxonomy/match.js';
import { normaliseName, singularKeys } from '../taxonomy/names.js';
import { isTaxonomy, type Taxonomy } from '../taxonomy/taxonomy.js';
import { isUnifiedLabelSpace, type UnifiedLabelSpace } from '../taxonomy/unified.js';
import { type Entry, entryError, entryId } from './annotations.js';

/** A taxonomy, or its unified label space alone. */
export type Unified = Taxonomy | UnifiedLabelSpace;

/** The unified label space. Throws ArgumentError for anything else. */
export function unifiedOf(value: unknown): UnifiedLabelSpace {
  if (isTaxonomy(value)) return value.unified;
  if (isUnifiedLabelSpace(value)) return value;
  throw new ArgumentError({ thing: 'taxonomy', found: describe(value), wanted: 'a taxonomy or a unified label space' });
}

/**
 * The label of a category: by id where the names agree, else by an external id (`freebase_id`), else by name. With `match: 'name'` ids do not count, for
 * files that number the labels of a known data set anew. Undefined where there is none.
 * Throws DatasetError where id and name say different labels: then the file is of another version of the data set than the taxonomy.
 */
export function labelOfCategory(
  space: LabelSpace,
  file: string,
  row: number,
  category: Entry,
  match: 'id' | 'name',
): Label | undefined {
  const id = entryId(file, 'categories', row, 'id', category);
  const name = category['name'];
  if (typeof name !== 'string') throw entryError(file, 'categories', row, `name = ${describe(name)}`, 'a text as "name"');
  const own = match === 'id' && space.hasOwnIds && space.hasId(id) ? space.byId(id) : undefined;
  if (own && sameName(own, name)) return own;
  const external = category['freebase_id'];
  if (typeof external === 'string' && space.hasId(external)) return space.byId(external);
  const found = byName(space, file, row, name);
  // A number of their own may mean anything; the number of one label with the name of another is a mistake.
  if (own && found && typeof external !== 'string') {
    throw entryError(
      file,
      'categories',
      row,
      `id ${describe(id)} with the name ${describe(name)}`,
      `${describe(own.name)}, which has that id in ${describe(space.name)}`,
      'Is this the version of the data set that the taxonomy was made for? Where the file has numbers of its own, match: "name" goes by names only.',
    );
  }
  return found;
}

function byName(space: LabelSpace, file: string, row: number, name: string): Label | undefined {
  try {
    return matchName(space, [name])?.label;
  } catch (cause) {
    throw new DatasetError({
      thing: `${file}, categories[${row}]`,
      found: `the name ${describe(name)}, which several labels of ${describe(space.name)} have`,
      wanted: 'categories with the ids of the taxonomy',
      row,
      cause,
    });
  }
}

/** Whether a category's name is that of the label, or a spelling or synonym of it. */
function sameName(label: Label, name: string): boolean {
  const key = normaliseName(name);
  return [label.name, ...label.synonyms].some((own) => {
    const other = normaliseName(own);
    return (
      own === name || (key !== '' && (other === key || singularKeys(key).includes(other) || singularKeys(other).includes(key)))
    );
  });
}
