// MSeg's master table (TSV): one universal label a row, one column a data set. Training sets map many-to-one onto it, test sets the other way round.
import { invalid, type LabelId, type LabelInput, type LabelSpace, labelSpace } from '../label-space.js';
import { grouping, type Grouping } from '../grouping.js';
import { type ReadOptions, textInput, thingOf } from './common.js';
import { readTsv, writeTsv } from './table.js';

/** What the table says. */
export interface MSegTable {
  /** The column `universal`, in the order of the rows, with the WordNet synset as external id where there is one. */
  readonly universal: LabelSpace;
  /** By column: from the labels of a data set to universal labels. */
  readonly training: ReadonlyMap<string, Grouping>;
  /** By column: from universal labels to the labels of a data set that is only tested on. */
  readonly test: ReadonlyMap<string, Grouping>;
  /** The table itself, header first. */
  readonly rows: readonly (readonly string[])[];
}

const described = /^(?:parent category|universal|wordnet .*|defn\b.*|modification of wordnet node)$/iu;

/**
 * Reads MSeg's table. A cell `{a, b}` stands for several labels of the data set, or for one that is joined with others. A column in which a label
 * stands in several rows is a test set.
 * Throws LabelSpaceError `invalid-label-space`.
 */
export function readMSeg(input: string, options: ReadOptions = {}): MSegTable {
  const thing = thingOf('MSeg', options);
  const [header, ...rows] = readTsv(textInput(thing, input));
  if (!header) throw invalid(thing, 'an empty file', 'a header with the column "universal"');
  const names = header.cells.map((cell) => cell.trim());
  const key = names.indexOf('universal');
  if (key < 0) throw invalid(`${thing}, header`, names.slice(0, 5).join(', ').slice(0, 80), 'a column "universal"');
  for (const { line, cells } of rows) {
    if (cells.length !== names.length)
      throw invalid(`${thing}, line ${line}`, `${cells.length} cells`, `${names.length}, as in the header`);
  }
  const synset = names.findIndex((name) => /synset/iu.test(name));
  const universal = labelSpace(
    options.name ?? 'mseg',
    rows.map(({ cells }): LabelInput => {
      const found = synset < 0 ? '' : cells[synset]!.trim();
      return { name: cells[key]!.trim(), ...(found && { externalIds: { synset: found } }) };
    }),
  );
  const training = new Map<string, Grouping>();
  const test = new Map<string, Grouping>();
  names.forEach((name, column) => {
    if (!name || described.test(name)) return;
    if (training.has(name) || test.has(name))
      throw invalid(`${thing}, header`, `the column ${JSON.stringify(name)} twice`, 'each once');
    const cells = rows.map(({ cells, line }) => labelsOf(`${thing}, line ${line}, ${name}`, cells[column]!));
    const own = [...new Set(cells.flat())];
    if (own.length === 0) return;
    const space = labelSpace(name, own);
    const groups = new Map<string, LabelId[]>();
    const add = (group: string, id: LabelId): void => void groups.set(group, [...(groups.get(group) ?? []), id]);
    const isTest = own.length < cells.flat().length;
    cells.forEach((labels, row) => {
      for (const label of labels) {
        if (isTest) add(label, universal.labels[row]!.id);
        else add(universal.labels[row]!.name, space.byName(label).id);
      }
    });
    const refs = Object.fromEntries([...groups].map(([group, ids]) => [group, ids.map((id) => ({ id }))]));
    if (isTest) test.set(name, grouping(universal, refs, { name }) as Grouping);
    else training.set(name, grouping(space, refs, { name: universal.name }) as Grouping);
  });
  return { universal, training, test, rows: [header.cells, ...rows.map(({ cells }) => cells)] };
}

/** `{a, b}` -> a, b; `a` -> a; nothing -> nothing. */
function labelsOf(thing: string, cell: string): string[] {
  const text = cell.trim();
  if (!text) return [];
  if (!text.startsWith('{')) return [text];
  if (!text.endsWith('}')) throw invalid(thing, JSON.stringify(text.slice(0, 60)), 'a closing }');
  const labels = text.slice(1, -1).split(',').map((label) => label.trim()); // prettier-ignore
  if (labels.some((label) => !label)) throw invalid(thing, JSON.stringify(text.slice(0, 60)), 'names with commas between them');
  return labels;
}

/** Writes the table. Throws LabelSpaceError `invalid-label-space` for cells with tabs or line breaks. */
export function writeMSeg({ rows }: Pick<MSegTable, 'rows'>): string {
  return writeTsv('MSeg', rows);
}
