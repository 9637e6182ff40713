// What text-heads.mjs and unified-heads.mjs share: data sets and how to cut them, rows of text, a folder that keeps features, AP50, tables.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { evaluateCoco } from '../../dist/evaluate/index.js';
import { readNpy } from '../../dist/tensor/npy.js';
import { seededRandom } from '../../dist/train/index.js';

/** A data set: COCO's JSON and the folder of its images. Ends the program where it is not there. */
export async function openData(name, folder) {
  const file = join(folder, 'instances.json');
  if (!existsSync(file)) {
    console.error(`No ${file}: the data set ${name} is needed. Give the folder of instances.json and images/ with --${name}.`);
    process.exit(1);
  }
  return { name, annotations: JSON.parse(await readFile(file, 'utf8')), images: join(folder, 'images') };
}

/** The same with some of the images. */
export function partOf({ annotations, ...data }, images) {
  const ids = new Set(images.map(({ id }) => id));
  const own = annotations.annotations.filter(({ image_id: id }) => ids.has(id));
  return { ...data, annotations: { ...annotations, images, annotations: own } };
}

/** A list in an order by the seed. */
export function shuffled(list, seed) {
  const random = seededRandom(seed);
  const order = list.slice();
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** Rows of text of an .npy file: [labels, E]. */
export async function readRows(file) {
  const { shape, data } = readNpy(new Uint8Array(await readFile(file)), file);
  return { shape, values: Float32Array.from(data) };
}

/** A ByteStore of files: features of an image are computed by the first run only. About 4 MB an image. */
export function featureFolder(folder = join(tmpdir(), 'labelweave-bench-features')) {
  const place = (key) => join(folder, createHash('sha256').update(key).digest('hex'));
  return {
    get: async (key) => (existsSync(place(key)) ? new Uint8Array(await readFile(place(key))) : undefined),
    put: async (key, bytes) => {
      await mkdir(folder, { recursive: true });
      // Another run may read it: whole or not at all.
      const half = `${place(key)}.${process.pid}`;
      await writeFile(half, bytes);
      await rename(half, place(key));
    },
    delete: async () => {},
  };
}

/** Mean AP50 of the labels that a data set has. */
export async function ap50(groundTruth, detections) {
  const { stats } = await evaluateCoco({ groundTruth, detections, iouType: 'bbox', mode: 'corrected' });
  return stats[1] < 0 ? NaN : stats[1];
}

export const mean = (list) => list.reduce((a, b) => a + b, 0) / list.length;
/** Standard deviation of a sample; 0 of one number. */
export const spread = (list) => {
  const middle = mean(list);
  return Math.sqrt(list.reduce((sum, x) => sum + (x - middle) ** 2, 0) / Math.max(1, list.length - 1));
};
/** Mean and spread, as tables have them. */
export const summary = (list, digits = 3) => `${mean(list).toFixed(digits)} ± ${spread(list).toFixed(digits)}`;
