// Image and category ids for COCO results, taken from a COCO annotation file by file name and label name.
import { basename } from 'node:path';
import type { LabelSpace } from 'labelweave';
import { UsageError } from './exit.js';

export interface CocoTarget {
  imageId(file: string): number;
  /** undefined: the label has no category there; its detections are left out. */
  categoryId(label: { name: string; id: number | string }): number | undefined;
  /** What a person must know, after all images. */
  warnings(labels: LabelSpace): string[];
}

/** Reads `images[].file_name/id` and `categories[].name/id`. Throws UsageError when the file is not COCO annotations. */
export function cocoTarget(path: string, text: string): CocoTarget {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`--gt: ${path} is not JSON (${(error as Error).message})`);
  }
  const images = table(path, json, 'images', 'file_name');
  const categories = table(path, json, 'categories', 'name');
  return {
    imageId(file) {
      const id = images.get(basename(file));
      if (id === undefined) throw new UsageError(`--gt: ${path} has no image with file_name ${JSON.stringify(basename(file))}`);
      return id;
    },
    categoryId: (label) => categories.get(label.name),
    warnings(labels) {
      const missing = labels.labels.filter((label) => !categories.has(label.name)).map((label) => label.name);
      if (missing.length === 0) return [];
      return [
        `left out, for want of a category of that name in ${path}: ${missing.join(', ')} (rename labels with --labels FILE)`,
      ];
    },
  };
}

function table(path: string, json: unknown, list: string, key: string): Map<string, number> {
  const rows = (json as Record<string, unknown> | null)?.[list];
  if (!Array.isArray(rows)) throw new UsageError(`--gt: ${path} has no list "${list}"; wanted a COCO annotation file`);
  const ids = new Map<string, number>();
  for (const [i, row] of (rows as Record<string, unknown>[]).entries()) {
    const id = row?.['id'];
    const name = row?.[key];
    if (typeof id !== 'number' || typeof name !== 'string') {
      throw new UsageError(`--gt: ${path}: ${list}[${i}] needs a numeric "id" and a text "${key}"`);
    }
    const short = list === 'images' ? basename(name) : name;
    if (ids.has(short) && ids.get(short) !== id)
      throw new UsageError(`--gt: ${path}: two ${list} are called ${JSON.stringify(short)}`);
    ids.set(short, id);
  }
  return ids;
}
