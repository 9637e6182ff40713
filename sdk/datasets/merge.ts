// Merges the annotation files of several data sets into one file in the unified label space of a taxonomy. Files of any size; memory is bounded by the
// number of images (about 30 bytes each, and one bit for each image and label), not of annotations. split.ts is the way back.
import { ArgumentError, describe } from '../errors.js';
import type { TextSink } from '../platform-types.js';
import { cocoCategories } from '../taxonomy/formats/coco.js';
import type { Label } from '../taxonomy/label-space.js';
import type { UnifiedLabelSpace } from '../taxonomy/unified.js';
import { type Annotations, type Entry, entryError, entryId, imageOf } from './annotations.js';
import { labelOfCategory, type Unified, unifiedOf } from './categories.js';
import { IdTable } from './id-table.js';
import { CocoOutput } from './output.js';

/** One data set to merge. */
export interface DatasetInput {
  /** Its name in the taxonomy. */
  readonly dataset: string;
  /** Its images, annotations and categories. */
  readonly annotations: Annotations;
  /** Folder in front of the file names of its images. Default: the name of the data set; `''` for none. */
  readonly folder?: string | undefined;
}

/** How far a merge or split is. */
export interface DatasetProgress {
  /** `labels and images`: the first reading; then `annotations`, then `images`. */
  readonly stage: 'labels and images' | 'annotations' | 'images';
  /** The data set that is being read. */
  readonly dataset: string;
  /** Bytes of the file. */
  readonly done: number;
  /** 0 where it is not known. */
  readonly total: number;
}

/** Options of everything long. */
export interface LongDatasetOptions {
  /** Stops the work; the promise rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
  /** Called after every piece of a file that was read. */
  readonly onProgress?: ((progress: DatasetProgress) => void) | undefined;
}

/** Options of {@link mergeDatasets}. */
export interface MergeDatasetsOptions extends LongDatasetOptions {
  /** What becomes of categories that the taxonomy does not know, and of their annotations: `error` (default) or `drop`. */
  readonly unknown?: 'error' | 'drop';
  /** Whether ids of categories count (`id`, default), or only their names, for files that number the labels anew. */
  readonly match?: 'id' | 'name';
  /**
   * Where the classes stand that an image surely has not: `image` (default): in `neg_category_ids` of every image, as LVIS has it. `dataset`: once for
   * each data set, in `info`; images that were federated before keep their own lists. Files of many labels and images get much smaller.
   */
  readonly negatives?: 'image' | 'dataset';
}

/** What was merged of one data set. */
export interface MergedDataset {
  /** Its name in the taxonomy. */
  readonly dataset: string;
  /** Number of its images. */
  readonly images: number;
  /** Number of its annotations in the merged file. */
  readonly annotations: number;
  /** Annotations of categories that the taxonomy does not know. */
  readonly dropped: number;
  /** Names of these categories. */
  readonly unknown: readonly string[];
  /** Labels of the taxonomy that the file has no category for. */
  readonly missing: readonly string[];
}

/** What was merged. */
export interface MergeReport {
  /** In the order of the inputs. */
  readonly datasets: readonly MergedDataset[];
  /** Number of images in the merged file. */
  readonly images: number;
  /** Number of annotations in the merged file. */
  readonly annotations: number;
  /** Number of unified labels. */
  readonly categories: number;
}

/** What `info.labelweave` of a merged file says; splitting needs it. */
export interface MergedInfo {
  /** Version of this form. */
  readonly version: 1;
  /** Name of the taxonomy. */
  readonly taxonomy: string;
  /** In the order of their images. */
  readonly datasets: readonly MergedInfoDataset[];
}

/** One data set in {@link MergedInfo}. */
export interface MergedInfoDataset {
  /** Its name in the taxonomy. */
  readonly name: string;
  /** Ids that its images have here: from `first`, `count` of them. */
  readonly images: { readonly first: number; readonly count: number };
  /** Unified categories that it annotates. Only these are known to be absent where an image has no annotation of them. */
  readonly category_ids: readonly number[];
  /** Its own categories, and what they are here (`unified_id`; absent where they were dropped). */
  readonly categories: readonly (Entry & { readonly unified_id?: number })[];
  /** What else the file had: info, licenses. */
  readonly others: Readonly<Record<string, unknown>>;
}

/** A category of a file, found in the taxonomy. */
interface Category {
  /** Id in the merged file. */
  readonly unified: number;
  /** Positions, among the categories of the data set, of itself and of all that it is a kind of. */
  readonly implied: readonly number[];
}

/** What the first reading of a file gives. */
interface Surveyed {
  readonly input: DatasetInput;
  readonly categories: ReadonlyMap<number | string, Category | undefined>;
  /** Unified ids by position of the category. */
  readonly targets: readonly number[];
  readonly listed: readonly (Entry & { unified_id?: number })[];
  readonly images: IdTable;
  readonly firstImage: number;
  readonly others: Record<string, unknown>;
  readonly unknown: readonly string[];
  readonly missing: readonly string[];
  /** Whether an image has a label: [images, categories], a bit each. */
  present: Uint8Array;
  annotations: number;
  dropped: number;
}

/**
 * Writes one COCO file in the unified label space. Images and annotations are numbered anew from 1, in the order of the data sets; each image has its
 * `origin` (`dataset`, `id`, and what else was changed), each annotation its `origin_id`. Category ids are those of the unified labels where these are
 * integers from 1, else position + 1.
 *
 * Federated information is that of LVIS: an image has none of `neg_category_ids`, may have more of `not_exhaustive_category_ids` than are annotated,
 * and of classes that are neither annotated nor listed nothing is known, so that their losses are left out (UniDet, 5.2; UniSeg's Null classes). A
 * file without such lists is taken as exhaustive in its own categories; a class above an annotated one in its hierarchy is never a negative.
 *
 * Throws DatasetError with file and row for broken entries, duplicate image ids, annotations of unknown images or categories, and categories whose id
 * and name say different labels; LabelSpaceError `unknown-label` for a data set that the taxonomy has not; LoadError; or `signal.reason`. What was
 * written until then must be thrown away.
 */
export async function mergeDatasets(
  taxonomy: Unified,
  inputs: readonly DatasetInput[],
  sink: TextSink,
  options: MergeDatasetsOptions = {},
): Promise<MergeReport> {
  const unified = unifiedOf(taxonomy);
  checkInputs(inputs);
  const { unknown = 'error', negatives = 'image', match = 'id' } = options;
  if (!['id', 'name'].includes(match)) throw new ArgumentError({ thing: 'match', found: describe(match), wanted: '"id" or "name"' }); // prettier-ignore
  if (!['error', 'drop'].includes(unknown)) throw new ArgumentError({ thing: 'unknown', found: describe(unknown), wanted: '"error" or "drop"' }); // prettier-ignore
  if (!['image', 'dataset'].includes(negatives)) throw new ArgumentError({ thing: 'negatives', found: describe(negatives), wanted: '"image" or "dataset"' }); // prettier-ignore
  const idOf = categoryIds(unified);
  const surveyed: Surveyed[] = [];
  let firstImage = 1;
  for (const input of inputs) {
    const found = await survey(unified, idOf, input, firstImage, { unknown, match }, options);
    surveyed.push(found);
    firstImage += found.images.size;
  }

  const output = new CocoOutput(sink);
  const info: MergedInfo = {
    version: 1,
    taxonomy: unified.name,
    datasets: surveyed.map(({ input, images, firstImage, targets, listed, others }) => ({
      name: input.dataset,
      images: { first: firstImage, count: images.size },
      category_ids: [...targets].sort((a, b) => a - b),
      categories: listed,
      others,
    })),
  };
  output.value('info', {
    description: `${inputs.map(({ dataset }) => dataset).join(' + ')} in ${unified.name}`,
    labelweave: info,
  });
  const licenses = mergeLicenses(surveyed);
  if (licenses.list.length) output.value('licenses', licenses.list);
  output.list('categories');
  for (const category of mergedCategories(unified, idOf)) output.entry(category);

  let nextAnnotation = 1;
  output.list('annotations');
  for (const one of surveyed) nextAnnotation = await writeAnnotations(output, one, nextAnnotation, options);
  output.list('images');
  for (const [d, one] of surveyed.entries()) await writeImages(output, one, licenses.renumber[d]!, negatives, options);
  await output.finish();

  return {
    datasets: surveyed.map(({ input, images, annotations, dropped, unknown, missing }) => ({
      dataset: input.dataset,
      images: images.size,
      annotations,
      dropped,
      unknown,
      missing,
    })),
    images: firstImage - 1,
    annotations: nextAnnotation - 1,
    categories: unified.size,
  };
}

function checkInputs(inputs: readonly DatasetInput[]): void {
  if (!Array.isArray(inputs) || inputs.length === 0)
    throw new ArgumentError({
      thing: 'data sets to merge',
      found: describe(inputs),
      wanted: 'an array of { dataset, annotations }',
    });
  const names = inputs.map(({ dataset }) => dataset);
  const twin = names.find((name, i) => names.indexOf(name) !== i);
  if (twin !== undefined)
    throw new ArgumentError({ thing: 'data sets to merge', found: `${describe(twin)} twice`, wanted: 'each data set once' });
}

/** Ids of unified labels in COCO files, which are integers from 1. */
export function categoryIds(unified: UnifiedLabelSpace): (index: number) => number {
  const keep = unified.labels.every(({ id }) => typeof id === 'number' && id >= 1);
  return (index) => (keep ? (unified.labels[index]!.id as number) : index + 1);
}

/** The categories of the merged file, with their members. */
function mergedCategories(unified: UnifiedLabelSpace, idOf: (index: number) => number): Entry[] {
  return cocoCategories(unified.space).map((category, index) => ({
    ...category,
    id: idOf(index),
    members: unified.labels[index]!.members,
  }));
}

/** Reads the categories and the ids of the images. */
async function survey(
  unified: UnifiedLabelSpace,
  idOf: (index: number) => number,
  input: DatasetInput,
  firstImage: number,
  { unknown: whenUnknown, match }: Required<Pick<MergeDatasetsOptions, 'unknown' | 'match'>>,
  options: LongDatasetOptions,
): Promise<Surveyed> {
  const { dataset, annotations: file } = input;
  const space = unified.dataset(dataset);
  const labels = new Map<number | string, Label | undefined>();
  const listed: (Entry & { unified_id?: number })[] = [];
  const taken = new Map<Label, number>();
  const unknown: string[] = [];
  const images = new IdTable();
  const others: Record<string, unknown> = {};
  for await (const part of file.read(['categories', 'images'], {
    others: true,
    ...readOptions('labels and images', dataset, options),
  })) {
    if (!('list' in part)) {
      others[part.key] = part.value;
      continue;
    }
    part.values.forEach((entry, i) => {
      const row = part.row + i;
      const id = entryId(file.name, part.list, row, 'id', entry);
      if (part.list === 'images') {
        if (!images.add(id))
          throw entryError(file.name, 'images', row, `the id ${describe(id)} a second time`, 'an id of its own');
        return;
      }
      if (labels.has(id))
        throw entryError(file.name, 'categories', row, `the id ${describe(id)} a second time`, 'an id of its own');
      const label = labelOfCategory(space, file.name, row, entry, match);
      labels.set(id, label);
      if (!label) {
        const found = `${describe(entry['name'])} (id ${describe(id)}), which is no label of ${describe(dataset)} in the taxonomy`;
        if (whenUnknown === 'error') throw entryError(file.name, 'categories', row, found, 'labels of the taxonomy', 'Leave such categories out with unknown: "drop".'); // prettier-ignore
        unknown.push(String(entry['name']));
        listed.push(entry);
        return;
      }
      const twin = taken.get(label);
      if (twin !== undefined)
        throw entryError(
          file.name,
          'categories',
          row,
          `the label ${describe(label.name)} of categories[${twin}] too`,
          'a label of its own',
        );
      taken.set(label, row);
      listed.push({ ...entry, unified_id: idOf(unified.unifiedOf(dataset, { id: label.id }).index) });
    });
  }
  const known = [...taken.keys()];
  const position = new Map(known.map((label, k) => [label, k]));
  const above = (label: Label, found = new Set<Label>()): Set<Label> => {
    if (found.has(label)) return found;
    found.add(label);
    for (const id of label.parents) above(space.byId(id), found);
    return found;
  };
  const targets = known.map((label) => idOf(unified.unifiedOf(dataset, { id: label.id }).index));
  const categories = new Map([...labels].map(([id, label]) => {
    if (!label) return [id, undefined];
    const implied = [...above(label)].flatMap((one) => position.get(one) ?? []);
    return [id, { unified: targets[position.get(label)!]!, implied }];
  })); // prettier-ignore
  return {
    input,
    categories,
    targets,
    listed,
    images,
    firstImage,
    others,
    unknown,
    missing: space.labels.filter((label) => !position.has(label)).map(({ name }) => name),
    present: new Uint8Array(Math.ceil((images.size * known.length) / 8)),
    annotations: 0,
    dropped: 0,
  };
}

function readOptions(stage: DatasetProgress['stage'], dataset: string, { signal, onProgress }: LongDatasetOptions) {
  return {
    signal,
    onBytes: onProgress && ((done: number, total: number) => onProgress({ stage, dataset, done, total })),
  };
}

/** Lists of licenses one behind the other, numbered anew; by data set the new number of each old one. */
function mergeLicenses(surveyed: readonly Surveyed[]): { list: Entry[]; renumber: Map<unknown, number>[] } {
  const list: Entry[] = [];
  const renumber = surveyed.map(({ others }) => {
    const numbers = new Map<unknown, number>();
    const own = others['licenses'];
    for (const license of Array.isArray(own) ? (own as unknown[]) : []) {
      if (typeof license !== 'object' || license === null) continue;
      const id = (license as Entry)['id'];
      if (id === undefined || numbers.has(id)) continue;
      numbers.set(id, list.length + 1);
      list.push({ ...license, id: list.length + 1 });
    }
    return numbers;
  });
  return { list, renumber };
}

/** Writes the annotations of one data set and marks which labels its images have. Returns the next free id. */
async function writeAnnotations(
  output: CocoOutput,
  one: Surveyed,
  firstId: number,
  options: LongDatasetOptions,
): Promise<number> {
  const { input, categories, images, firstImage, targets, present } = one;
  const { name } = input.annotations;
  let nextId = firstId;
  const find = (row: number, entry: Entry): Category | undefined => {
    const id = entryId(name, 'annotations', row, 'category_id', entry);
    if (!categories.has(id))
      throw entryError(name, 'annotations', row, `category_id = ${describe(id)}`, 'the id of a category of the file');
    return categories.get(id);
  };
  const mark = (image: number, { implied }: Category): void => {
    for (const k of implied) {
      const bit = image * targets.length + k;
      present[bit >>> 3]! |= 1 << (bit & 7);
    }
  };
  for await (const part of input.annotations.read(['annotations'], readOptions('annotations', input.dataset, options))) {
    if (!('list' in part)) continue;
    for (const [i, entry] of part.values.entries()) {
      const row = part.row + i;
      const image = imageOf(name, row, entry, images);
      // Panoptic annotations have a category for each segment.
      const { segments_info: segments } = entry;
      let changed: Entry;
      if (Array.isArray(segments) && entry['category_id'] === undefined) {
        const kept = (segments as Entry[]).flatMap((segment) => {
          if (typeof segment !== 'object' || segment === null) throw entryError(name, 'annotations', row, `a segment that is ${describe(segment)}`, 'objects in "segments_info"'); // prettier-ignore
          const category = find(row, segment);
          if (!category) {
            one.dropped++;
            return [];
          }
          mark(image, category);
          return [{ ...segment, category_id: category.unified }];
        });
        changed = { ...entry, segments_info: kept };
      } else {
        const category = find(row, entry);
        if (!category) {
          one.dropped++;
          continue;
        }
        mark(image, category);
        changed = { ...entry, category_id: category.unified };
      }
      output.entry({
        ...changed,
        id: nextId++,
        image_id: firstImage + image,
        ...(entry['id'] !== undefined && { origin_id: entry['id'] }),
      });
      one.annotations++;
    }
    await output.flush();
  }
  return nextId;
}

/** Writes the images of one data set with their origin and what is known to be absent. */
async function writeImages(
  output: CocoOutput,
  one: Surveyed,
  licenses: ReadonlyMap<unknown, number>,
  negatives: 'image' | 'dataset',
  options: LongDatasetOptions,
): Promise<void> {
  const { input, categories, images, firstImage, targets, present } = one;
  const { dataset, annotations: file, folder = dataset } = input;
  /** Positions of the categories by rising unified id. */
  const order = targets.map((_, k) => k).sort((a, b) => targets[a]! - targets[b]!);
  const absent = (image: number): number[] =>
    order.filter((k) => {
      const bit = image * targets.length + k;
      return !(present[bit >>> 3]! & (1 << (bit & 7)));
    }).map((k) => targets[k]!); // prettier-ignore
  const mapList = (row: number, key: string, list: unknown): number[] => {
    if (!Array.isArray(list)) throw entryError(file.name, 'images', row, `${key} = ${describe(list)}`, 'a list of category ids');
    const mapped = (list as unknown[]).flatMap((id) => {
      if (!categories.has(id as number | string)) throw entryError(file.name, 'images', row, `${describe(id)} in ${key}`, 'ids of categories of the file'); // prettier-ignore
      return categories.get(id as number | string)?.unified ?? [];
    });
    return mapped.sort((a, b) => a - b);
  };
  for await (const part of file.read(['images'], readOptions('images', dataset, options))) {
    if (!('list' in part)) continue;
    for (const [i, entry] of part.values.entries()) {
      const row = part.row + i;
      const id = entryId(file.name, 'images', row, 'id', entry);
      const image = images.find(id);
      if (image < 0)
        throw entryError(
          file.name,
          'images',
          row,
          `the id ${describe(id)}, which was not there before`,
          'a file that does not change',
        );
      const { file_name: fileName, license } = entry;
      if (fileName !== undefined && typeof fileName !== 'string') throw entryError(file.name, 'images', row, `file_name = ${describe(fileName)}`, 'a text'); // prettier-ignore
      const federated = federatedKeys.filter((key) => entry[key] !== undefined);
      const newLicense = licenses.get(license);
      const lists = Object.fromEntries(federated.map((key) => [key, mapList(row, key, entry[key])]));
      const origin = {
        dataset,
        id,
        ...(fileName !== undefined && folder && { file_name: fileName }),
        ...(newLicense !== undefined && newLicense !== license && { license }),
        ...(federated.length > 0 && { federated }),
      };
      output.entry({
        ...entry,
        id: firstImage + image,
        ...(fileName !== undefined && { file_name: folder ? `${folder.replace(/\/$/u, '')}/${fileName}` : fileName }),
        ...(newLicense !== undefined && { license: newLicense }),
        ...(federated.length === 0 &&
          negatives === 'image' && { neg_category_ids: absent(image), not_exhaustive_category_ids: [] }),
        ...lists,
        origin,
      });
    }
    await output.flush();
  }
}

/** Fields of images that hold category ids: LVIS's, and the one that UniDet adds for Open Images. */
export const federatedKeys = ['neg_category_ids', 'not_exhaustive_category_ids', 'pos_category_ids'] as const;
