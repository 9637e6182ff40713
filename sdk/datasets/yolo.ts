// Folders of YOLO's (data.yaml, images, a text file of boxes for each image) as annotations, and annotations as such folders.
import { ArgumentError, DatasetError, describe, LabelweaveError } from '../errors.js';
import { sniffImage } from '../image/sniff.js';
import type { Folder } from '../platform-types.js';
import { readYamlTexts, readYolo, writeYolo } from '../taxonomy/formats/yolo.js';
import { type LabelSpace, labelSpace } from '../taxonomy/label-space.js';
import { type Annotations, type Entry, type EntryBatch, entryError, entryId, imageOf, type ListName } from './annotations.js';
import { IdTable } from './id-table.js';
import type { LongDatasetOptions } from './merge.js';

/** Options of {@link readYoloFolder}. */
export interface YoloOptions {
  /** The file with the names and folders. Default: `data.yaml`. */
  readonly yaml?: string;
  /** Which of its image folders are read. Default: all of train, val and test that it names. */
  readonly splits?: readonly string[];
  /** Name for messages. Default: the name of the yaml file. */
  readonly name?: string;
}

const imageEndings = /\.(?:jpe?g|png|webp|gif)$/iu;
/** Bytes in which the header of an image is looked for first. */
const headBytes = 1 << 16;
/** Entries of a batch. */
const batchSize = 512;
/** How far a coordinate may be outside of the image, as a part of it; files are rounded. */
const slack = 0.01;

/**
 * Opens a folder of YOLO's. Images stand where data.yaml says, labels in the folder `labels` in place of the last `images` in the path, or beside the
 * image. Boxes are `class cx cy w h`, polygons `class x y x y ...`, both as parts of the image. Ids of images and annotations are numbers from 1 in
 * the order of paths; ids of categories are the numbers of classes, from 0.
 * Rejects with LabelSpaceError for a broken data.yaml, DatasetError for broken labels or images (when they are read), LoadError for files.
 */
export async function readYoloFolder(folder: Folder, options: YoloOptions = {}): Promise<Annotations> {
  const { yaml = 'data.yaml', splits, name = yaml } = options;
  const text = new TextDecoder().decode(await required(folder, yaml, 'the data.yaml of a YOLO folder'));
  const space = await readYolo(text, { file: yaml });
  const config = (await readYamlTexts(`file ${JSON.stringify(yaml)}`, text)) as Record<string, unknown>;
  const home = dirname(yaml);
  const root = typeof config['path'] === 'string' && !isAbsolute(config['path']) ? join(home, config['path']) : home;
  const places = (splits ?? ['train', 'val', 'test']).flatMap((split) => {
    const value = config[split];
    if (value === undefined || value === '') {
      if (splits) throw new DatasetError({ thing: name, found: `no ${describe(split)}`, wanted: 'a folder of images for it' });
      return [];
    }
    return (Array.isArray(value) ? (value as unknown[]) : [value]).map((place) => {
      if (typeof place !== 'string')
        throw new DatasetError({ thing: `${name}, ${split}`, found: describe(place), wanted: 'a folder of images' });
      return place;
    });
  });
  if (places.length === 0) throw new DatasetError({ thing: name, found: 'no train, val or test', wanted: 'a folder of images' });
  return new YoloFolder(name, folder, space, root, home, places);
}

class YoloFolder implements Annotations {
  readonly name: string;
  readonly #folder: Folder;
  readonly #space: LabelSpace;
  readonly #root: string;
  readonly #home: string;
  readonly #places: readonly string[];

  constructor(name: string, folder: Folder, space: LabelSpace, root: string, home: string, places: readonly string[]) {
    this.name = name;
    this.#folder = folder;
    this.#space = space;
    this.#root = root;
    this.#home = home;
    this.#places = places;
  }

  async *read(
    lists: readonly ListName[],
    { signal, onBytes }: Parameters<Annotations['read']>[1] = {},
  ): AsyncGenerator<EntryBatch> {
    if (lists.includes('categories'))
      yield { list: 'categories', row: 0, values: this.#space.labels.map(({ id, name }) => ({ id, name })) };
    const withImages = lists.includes('images');
    const withAnnotations = lists.includes('annotations');
    if (!withImages && !withAnnotations) return;
    const paths = await this.#imagePaths();
    const images: Entry[] = [];
    const annotations: Entry[] = [];
    let annotationCount = 0;
    for (const [i, path] of paths.entries()) {
      signal?.throwIfAborted();
      const size = await this.#sizeOf(path);
      if (withImages) images.push({ id: i + 1, file_name: path, ...size });
      if (withAnnotations) {
        for (const box of await this.#boxesOf(path, size)) annotations.push({ id: ++annotationCount, image_id: i + 1, ...box });
      }
      onBytes?.(i + 1, paths.length);
      if (images.length >= batchSize) yield { list: 'images', row: i + 1 - images.length, values: images.splice(0) };
      if (annotations.length >= batchSize)
        yield { list: 'annotations', row: annotationCount - annotations.length, values: annotations.splice(0) };
    }
    if (withImages) yield { list: 'images', row: paths.length - images.length, values: images };
    if (withAnnotations) yield { list: 'annotations', row: annotationCount - annotations.length, values: annotations };
  }

  /** All images of all places, in the order of the places and of their paths, each once. */
  async #imagePaths(): Promise<string[]> {
    const found = new Set<string>();
    for (const place of this.#places) {
      if (/\.txt$/iu.test(place)) {
        const file = join(this.#root, place);
        const text = new TextDecoder().decode(await required(this.#folder, file, 'a list of images'));
        for (const line of text.split(/\r\n|\r|\n/u)) {
          // Lists name their images from the list's own folder (./) or from the root.
          if (line.trim()) found.add(line.startsWith('./') ? join(dirname(file), line.trim()) : join(this.#root, line.trim()));
        }
        continue;
      }
      // Some exports name their folders as seen from a folder below.
      const candidates = [join(this.#root, place), join(this.#home, place.replace(/^(?:\.\.\/)+/u, ''))];
      let listed: string[] | undefined;
      for (const candidate of candidates) listed ??= await this.#filesBelow(candidate);
      if (!listed) {
        throw new DatasetError({ thing: `${this.name}, ${describe(place)}`, found: 'no such folder', wanted: 'a folder of images', next: `Looked at ${candidates.map(describe).join(' and ')}.` }); // prettier-ignore
      }
      for (const path of listed) found.add(path);
    }
    return [...found];
  }

  async #filesBelow(path: string): Promise<string[] | undefined> {
    const names = await this.#folder.list(path);
    if (!names) return undefined;
    const files: string[] = [];
    for (const name of names) {
      if (name.endsWith('/')) files.push(...((await this.#filesBelow(join(path, name))) ?? []));
      else if (imageEndings.test(name)) files.push(join(path, name));
    }
    return files;
  }

  /** Width and height of an image, upright. */
  async #sizeOf(path: string): Promise<{ width: number; height: number }> {
    const head = await required(this.#folder, path, 'an image', headBytes);
    for (const bytes of [head, undefined]) {
      try {
        const { size, orientation } = sniffImage(bytes ?? (await required(this.#folder, path, 'an image')));
        if (!size) throw new DatasetError({ thing: `image ${describe(path)}`, found: 'a kind whose size is not read', wanted: 'JPEG, PNG, WebP or GIF' }); // prettier-ignore
        return orientation >= 5 ? { width: size.height, height: size.width } : size;
      } catch (cause) {
        // The header may be longer than what was read first.
        if (bytes && bytes.length === headBytes) continue;
        if (cause instanceof DatasetError || !(cause instanceof LabelweaveError)) throw cause;
        throw new DatasetError({ thing: `image ${describe(path)}`, found: cause.found, wanted: cause.wanted, cause });
      }
    }
    throw new DatasetError({ thing: `image ${describe(path)}`, found: 'no size', wanted: 'an image file' });
  }

  async #boxesOf(path: string, { width, height }: { width: number; height: number }): Promise<Entry[]> {
    const file = labelPath(path);
    const bytes = await this.#folder.read(file);
    if (!bytes) return [];
    return new TextDecoder().decode(bytes).split(/\r\n|\r|\n/u).flatMap((line, i): Entry[] => {
      if (!line.trim()) return [];
      const place = `labels ${describe(file)}, line ${i + 1}`;
      const numbers = line.trim().split(/\s+/u).map(Number);
      const [label, ...parts] = numbers as [number, ...number[]];
      const isBox = parts.length === 4;
      if (!isBox && !(parts.length >= 6 && parts.length % 2 === 0))
        throw new DatasetError({ thing: place, found: `${numbers.length} numbers`, wanted: 'class cx cy w h, or class and the points of a polygon' });
      if (!this.#space.hasId(label))
        throw new DatasetError({ thing: place, found: `class ${describe(line.trim().split(/\s+/u)[0])}`, wanted: `a class from 0 to ${this.#space.size - 1}` }); // prettier-ignore
      const wrong = parts.findIndex((value) => !(value >= -slack && value <= 1 + slack));
      if (wrong >= 0)
        throw new DatasetError({ thing: place, found: describe(line.trim().split(/\s+/u)[wrong + 1]), wanted: 'parts of the image, 0 to 1' });
      if (isBox) {
        const [cx, cy, w, h] = parts as [number, number, number, number];
        const box = [(cx - w / 2) * width, (cy - h / 2) * height, w * width, h * height].map(round);
        return [{ category_id: label, bbox: box, area: round(box[2]! * box[3]!), iscrowd: 0 }];
      }
      const points = parts.map((value, k) => round(value * (k % 2 ? height : width)));
      return [{ category_id: label, bbox: boundsOf(points), area: areaOf(points), iscrowd: 0, segmentation: [points] }];
    }); // prettier-ignore
  }
}

/** To a ten-thousandth of a pixel: files of YOLO have six digits. */
function round(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}

function boundsOf(points: readonly number[]): number[] {
  const [xs, ys] = [0, 1].map((axis) => points.filter((_, k) => k % 2 === axis)) as [number[], number[]];
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return [x, y, round(Math.max(...xs) - x), round(Math.max(...ys) - y)];
}

/** Area of a polygon, by the shoelace formula. */
function areaOf(points: readonly number[]): number {
  let twice = 0;
  for (let k = 0; k < points.length; k += 2) {
    const next = (k + 2) % points.length;
    twice += points[k]! * points[next + 1]! - points[next]! * points[k + 1]!;
  }
  return round(Math.abs(twice) / 2);
}

/** `a/images/b/c.jpg` -> `a/labels/b/c.txt`; without a folder `images`, beside the image. */
function labelPath(path: string): string {
  const text = path.replace(/\.[^./]*$/u, '.txt');
  const at = `/${text}`.lastIndexOf('/images/');
  return at < 0 ? text : `/${text}`.slice(1, at + 1) + 'labels/' + `/${text}`.slice(at + '/images/'.length);
}

/** Options of {@link writeYoloFolder}. */
export interface WriteYoloOptions extends LongDatasetOptions {
  /** Whether annotations with one polygon are written as polygons. Default: false, everything is a box. */
  readonly polygons?: boolean;
}

/** What was written. */
export interface YoloReport {
  /** Number of images, those without boxes among them. */
  readonly images: number;
  /** Number of lines that were written. */
  readonly boxes: number;
  /** Annotations of crowds, and those without a box, for which the format has no place. */
  readonly dropped: number;
}

/** Characters of labels that are kept before they are written. */
const mostText = 1 << 24;

/**
 * Writes `data.yaml` and a text file of boxes for each image that has some, under `labels/` and the name of the image. Pictures are not copied: put them
 * (or a link) under `images/`. What YOLO's format cannot say is lost: ids, crowds, which classes are not annotated in an image.
 * Rejects with DatasetError for broken entries, images without size, and file names that lead out of the folder.
 */
export async function writeYoloFolder(
  annotations: Annotations,
  folder: Folder,
  options: WriteYoloOptions = {},
): Promise<YoloReport> {
  const { polygons = false, signal, onProgress } = options;
  if (typeof polygons !== 'boolean')
    throw new ArgumentError({ thing: 'polygons', found: describe(polygons), wanted: 'true or false' });
  const { name } = annotations;
  const read = (stage: 'labels and images' | 'annotations') => ({
    signal,
    onBytes: onProgress && ((done: number, total: number) => onProgress({ stage, dataset: name, done, total })),
  });
  const names: string[] = [];
  const classes = new Map<number | string, number>();
  const images = new IdTable();
  const sizes: number[] = [];
  const files: string[] = [];
  const taken = new Set<string>();
  for await (const part of annotations.read(['categories', 'images'], read('labels and images'))) {
    if (!('list' in part)) continue;
    part.values.forEach((entry, i) => {
      const row = part.row + i;
      const id = entryId(name, part.list, row, 'id', entry);
      if (part.list === 'categories') {
        if (classes.has(id))
          throw entryError(name, 'categories', row, `the id ${describe(id)} a second time`, 'an id of its own');
        if (typeof entry['name'] !== 'string')
          throw entryError(name, 'categories', row, `name = ${describe(entry['name'])}`, 'a text as "name"');
        classes.set(id, classes.size);
        names.push(entry['name']);
        return;
      }
      if (!images.add(id)) throw entryError(name, 'images', row, `the id ${describe(id)} a second time`, 'an id of its own');
      const { width, height, file_name: file } = entry;
      if (!(typeof width === 'number' && width > 0 && typeof height === 'number' && height > 0))
        throw entryError(
          name,
          'images',
          row,
          `width = ${describe(width)}, height = ${describe(height)}`,
          'the size of the image in pixels',
        );
      if (typeof file !== 'string' || isAbsolute(file) || /(?:^|[\\/])\.\.(?:[\\/]|$)|\0/u.test(file))
        throw entryError(name, 'images', row, `file_name = ${describe(file)}`, 'a path inside the folder');
      const place = join('labels', file.replaceAll('\\', '/').replace(/\.[^./]*$/u, '')) + '.txt';
      if (taken.has(place))
        throw entryError(name, 'images', row, `file_name = ${describe(file)}`, 'names that differ in more than their ending');
      taken.add(place);
      files.push(place);
      sizes.push(width, height);
    });
  }
  taken.clear();
  let boxes = 0;
  let dropped = 0;
  let pending = new Map<number, string>();
  let length = 0;
  const begun = new Set<number>();
  const flush = async (): Promise<void> => {
    for (const [image, text] of pending) {
      await folder.write(files[image]!, text, { append: begun.has(image) });
      begun.add(image);
    }
    pending = new Map();
    length = 0;
  };
  for await (const part of annotations.read(['annotations'], read('annotations'))) {
    if (!('list' in part)) continue;
    for (const [i, entry] of part.values.entries()) {
      const row = part.row + i;
      const image = imageOf(name, row, entry, images);
      const box = entry['bbox'];
      if (entry['iscrowd'] || box === undefined) {
        dropped++;
        continue;
      }
      const categoryId = entryId(name, 'annotations', row, 'category_id', entry);
      const label = classes.get(categoryId);
      if (label === undefined)
        throw entryError(name, 'annotations', row, `category_id = ${describe(categoryId)}`, 'the id of a category of the file');
      if (!Array.isArray(box) || box.length !== 4 || !box.every((value) => Number.isFinite(value)))
        throw entryError(name, 'annotations', row, `bbox = ${describe(box)}`, 'four numbers: x, y, width, height');
      const line = lineOf(label, box as number[], entry, sizes[image * 2]!, sizes[image * 2 + 1]!, polygons);
      pending.set(image, (pending.get(image) ?? '') + line);
      length += line.length;
      boxes++;
    }
    if (length >= mostText) await flush();
  }
  await flush();
  const yaml = writeYolo(labelSpace('yolo', names.map((label, id) => ({ id, name: label })))); // prettier-ignore
  await folder.write('data.yaml', `path: .\ntrain: images\n${yaml}`);
  return { images: images.size, boxes, dropped };
}

function lineOf(label: number, box: readonly number[], entry: Entry, width: number, height: number, polygons: boolean): string {
  const part = (value: number): string => String(Math.round(value * 1e6) / 1e6);
  const polygon =
    polygons && Array.isArray(entry['segmentation']) && entry['segmentation'].length === 1
      ? (entry['segmentation'][0] as unknown)
      : undefined;
  if (
    Array.isArray(polygon) &&
    polygon.length >= 6 &&
    polygon.length % 2 === 0 &&
    polygon.every((value) => Number.isFinite(value))
  )
    return `${label} ${(polygon as number[]).map((value, k) => part(value / (k % 2 ? height : width))).join(' ')}\n`;
  const [x, y, w, h] = box as [number, number, number, number];
  return `${label} ${[(x + w / 2) / width, (y + h / 2) / height, w / width, h / height].map(part).join(' ')}\n`;
}

async function required(folder: Folder, path: string, wanted: string, bytes?: number): Promise<Uint8Array<ArrayBuffer>> {
  const found = await folder.read(path, bytes);
  if (found) return found;
  throw new DatasetError({ thing: `file ${describe(path)}`, found: 'no such file', wanted });
}

function isAbsolute(path: string): boolean {
  return /^(?:[\\/]|[a-z]:[\\/])/iu.test(path);
}

function dirname(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** Joins and tidies a path; `..` goes up as far as the folder itself. */
function join(...parts: readonly string[]): string {
  const names: string[] = [];
  for (const name of parts.join('/').split('/')) {
    if (name === '..' && names.length > 0 && names.at(-1) !== '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  return names.join('/');
}
