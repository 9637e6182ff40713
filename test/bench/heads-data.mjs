// What text-heads.mjs and unified-heads.mjs share: data sets and how to cut them, rows of text, a folder that keeps features, AP50, tables.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { evaluateCoco } from '../../dist/evaluate/index.js';
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

/** A numpy array of float16 or float32 in C order: its shape and numbers. */
export async function readNpy(file) {
  const bytes = await readFile(file);
  const length = bytes.readUInt16LE(8);
  const header = bytes.toString('latin1', 10, 10 + length);
  const shape = /'shape': \(([^)]*)\)/.exec(header)[1].split(',').filter((x) => x.trim()).map(Number); // prettier-ignore
  const kind = /'descr': '(<f[24])'/.exec(header)?.[1];
  if (!kind || !header.includes("'fortran_order': False"))
    throw new Error(`${file}: float16 or float32 in C order, not ${header}`);
  const at = 10 + length;
  const size = kind === '<f2' ? 2 : 4;
  const values = Float32Array.from({ length: (bytes.length - at) / size }, (_, i) =>
    size === 4 ? bytes.readFloatLE(at + 4 * i) : half(bytes.readUInt16LE(at + 2 * i)),
  );
  return { shape, values };
}

function half(bits) {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
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
