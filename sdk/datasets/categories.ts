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
 * The label of a category: by id where the names agree, else by an external id (`freebase_id`), else by name. Undefined where there is none.
 * Throws DatasetError where id and name say different labels: then the file is of another version of the data set than the taxonomy.
 */
export function labelOfCategory(space: LabelSpace, file: string, row: number, category: Entry): Label | undefined {
  const id = entryId(file, 'categories', row, 'id', category);
  const name = category['name'];
  if (typeof name !== 'string') throw entryError(file, 'categories', row, `name = ${describe(name)}`, 'a text as "name"');
  if (space.hasOwnIds && space.hasId(id)) {
    const label = space.byId(id);
    if (sameName(label, name)) return label;
    const other = byName(space, file, row, name);
    const found = `id ${describe(id)} with the name ${describe(name)}`;
    const wanted = `${describe(label.name)}, which has that id in ${describe(space.name)}`;
    // A name of its own is a renamed label; the name of another label is another numbering.
    if (!other) return label;
    if (!category['freebase_id'])
      throw entryError(
        file,
        'categories',
        row,
        found,
        wanted,
        'Is this the version of the data set that the taxonomy was made for?',
      );
  }
  const external = category['freebase_id'];
  if (typeof external === 'string' && space.hasId(external)) return space.byId(external);
  return byName(space, file, row, name);
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
