// A data set with annotations in COCO's form, as something that can be read several times from the start, in batches. Where it comes from, a JSON file
// or a folder of YOLO's, is hidden here.
import { DatasetError, describe } from '../errors.js';
import type { FileSource } from '../store/source.js';
import { type ListBatch, type OtherValue, readBatches } from './json-batches.js';

/** The lists of a COCO file. */
export type ListName = 'categories' | 'images' | 'annotations';

const listNames: readonly string[] = ['categories', 'images', 'annotations'] satisfies ListName[];

/** One entry of a list, with all its fields. */
export type Entry = Readonly<Record<string, unknown>>;

/** Some entries of a list. */
export interface EntryBatch {
  /** The list they stand in. */
  readonly list: ListName;
  /** Position of the first one. */
  readonly row: number;
  /** The entries, in order. */
  readonly values: readonly Entry[];
}

/** Options of {@link Annotations.read}. */
export interface ReadAnnotationsOptions {
  /** Whether values beside the lists are read (`info`, `licenses`). Default: false. */
  readonly others?: boolean;
  /** Stops the reading; it rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
  /** Bytes (or files, for folders) taken so far and in all (0: not known). */
  readonly onBytes?: ((done: number, total: number) => void) | undefined;
}

/** Annotations that can be read from the start as often as needed. */
export interface Annotations {
  /** Name for messages. */
  readonly name: string;
  /** Reads some of the lists, in the order in which they come. */
  read(lists: readonly ListName[], options?: ReadAnnotationsOptions): AsyncIterable<EntryBatch | OtherValue>;
}

/** A source that may be opened again: everything but a stream. A function opens a new stream each time. */
export type ReopenableSource = string | URL | Uint8Array | ArrayBuffer | Blob | (() => FileSource);

/**
 * A COCO annotation file: an object with the lists `images`, `annotations` and `categories` in any order. Files of any size are read in bounded memory;
 * gzip is recognised. Reading throws DatasetError for a broken file or one without a list, and LoadError where it cannot be read.
 */
export function cocoFile(source: ReopenableSource, name = 'annotations'): Annotations {
  return {
    name,
    async *read(lists, { others = false, signal, onBytes } = {}) {
      const found = new Set<string>();
      const opened = typeof source === 'function' ? source() : (source as FileSource);
      for await (const part of readBatches(opened, name, {
        lists,
        others: (key) => others && !listNames.includes(key),
        signal,
        onBytes,
      })) {
        if (!('list' in part)) {
          yield part;
          continue;
        }
        found.add(part.list);
        checkEntries(name, part);
        yield part as EntryBatch;
      }
      const missing = lists.find((list) => !found.has(list));
      if (missing !== undefined) {
        throw new DatasetError({
          thing: name,
          found: `no list ${describe(missing)}`,
          wanted: 'a COCO file: an object with images, annotations and categories',
        });
      }
    },
  };
}

function checkEntries(name: string, { list, row, values }: ListBatch): void {
  const wrong = values.findIndex((value) => typeof value !== 'object' || value === null || Array.isArray(value));
  if (wrong < 0) return;
  throw new DatasetError({
    thing: `${name}, ${list}[${row + wrong}]`,
    found: describe(values[wrong]),
    wanted: 'an object',
    row: row + wrong,
  });
}

/** The error for an entry. */
export function entryError(
  name: string,
  list: ListName,
  row: number,
  found: string,
  wanted: string,
  next?: string,
): DatasetError {
  return new DatasetError({ thing: `${name}, ${list}[${row}]`, found, wanted, row, ...(next !== undefined && { next }) });
}

/** An id as files have them: an integer or a text. */
export function entryId(name: string, list: ListName, row: number, key: string, entry: Entry): number | string {
  const id = entry[key];
  if ((typeof id === 'number' && Number.isSafeInteger(id)) || (typeof id === 'string' && id !== '')) return id;
  throw entryError(
    name,
    list,
    row,
    id === undefined ? `no ${describe(key)}` : `${key} = ${describe(id)}`,
    `an integer or a text as ${describe(key)}`,
  );
}

/** Position of the image that an entry of `annotations` belongs to. Throws DatasetError where the file has no such image. */
export function imageOf(name: string, row: number, entry: Entry, images: { find(id: number | string): number }): number {
  const imageId = entryId(name, 'annotations', row, 'image_id', entry);
  const image = images.find(imageId);
  if (image < 0) throw entryError(name, 'annotations', row, `image_id = ${describe(imageId)}`, 'the id of an image of the file');
  return image;
}
