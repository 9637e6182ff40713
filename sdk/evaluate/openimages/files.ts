// The files of Open Images: CSV of boxes, labels, masks and predictions, the label map, and the official form of the answer.
import { describe, EvaluationError } from '../../errors.js';
import { readCsv, type CsvRow } from '../input/csv.js';
import { decodeRle, type Rle } from '../rle.js';
import type { FileSource } from '../types.js';
import type { OpenImagesBox, OpenImagesDetection, OpenImagesLabel, OpenImagesObject, OpenImagesResult } from './openimages.js';

/** Options of the readers of Open Images files. */
export interface OpenImagesFileOptions {
  /** Stops reading; the promise rejects with `signal.reason`. */
  signal?: AbortSignal;
  /** Bytes read so far and in all (0: not known). */
  onProgress?: (done: number, total: number) => void;
}

const csv = (thing: string, code: 'invalid-ground-truth' | 'invalid-predictions', options: OpenImagesFileOptions) => ({
  thing,
  code,
  signal: options.signal,
  onBytes: options.onProgress,
});

const imageColumn = ['ImageID', 'ImageId'];

/**
 * Reads boxes: ImageID, LabelName, XMin, XMax, YMin, YMax and IsGroupOf in any order; other columns (Source, Confidence, IsOccluded, ... of
 * the full files) are passed over, so the 13 columns of 2018 and the 7 of 2019 both do. Without IsGroupOf no box is a group. A Mask column with
 * ImageWidth and ImageHeight is read, too.
 * @throws EvaluationError `invalid-ground-truth` naming the line.
 */
export async function readOpenImagesBoxes(source: FileSource, options: OpenImagesFileOptions = {}): Promise<OpenImagesObject[]> {
  const objects: OpenImagesObject[] = [];
  for await (const row of readCsv(source, csv('Open Images boxes', 'invalid-ground-truth', options))) {
    const mask = await maskOf(row);
    objects.push({
      image: row.need(...imageColumn),
      label: row.need('LabelName'),
      box: boxOf(row),
      groupOf: row.get('IsGroupOf') !== undefined && flag(row, 'IsGroupOf'),
      ...(mask ? { mask } : {}),
    });
  }
  return objects;
}

/** Reads verified image-level labels: ImageID, LabelName, Confidence (1 there, 0 not there). Throws EvaluationError `invalid-ground-truth`. */
export async function readOpenImagesLabels(source: FileSource, options: OpenImagesFileOptions = {}): Promise<OpenImagesLabel[]> {
  const labels: OpenImagesLabel[] = [];
  for await (const row of readCsv(source, csv('Open Images labels', 'invalid-ground-truth', options))) {
    const confidence = row.number('Confidence');
    if (confidence !== 0 && confidence !== 1) throw row.wrong(`Confidence ${confidence}`, '0 or 1: a label that people verified');
    labels.push({ image: row.need(...imageColumn), label: row.need('LabelName'), confidence });
  }
  return labels;
}

/**
 * Joins the challenge's box file and mask file: an entry of the second gives its mask to the box with the same image, label, corners and
 * IsGroupOf; entries without such a box become objects of their own (an outer join, as the official script).
 */
export function joinBoxesAndMasks(boxes: readonly OpenImagesObject[], masks: readonly OpenImagesObject[]): OpenImagesObject[] {
  const key = ({ image, label, box, groupOf }: OpenImagesObject) => JSON.stringify([image, label, box, Boolean(groupOf)]);
  const waiting = new Map<string, OpenImagesObject[]>();
  for (const entry of masks) {
    const list = waiting.get(key(entry));
    if (list) list.push(entry);
    else waiting.set(key(entry), [entry]);
  }
  const used = new Set<string>();
  const joined = boxes.flatMap((object) => {
    const partners = waiting.get(key(object));
    if (!partners) return [object];
    used.add(key(object));
    return partners.map(({ mask }) => ({ ...object, ...(mask ? { mask } : {}) }));
  });
  for (const [name, list] of waiting) if (!used.has(name)) joined.push(...list);
  return joined;
}

/**
 * Reads predictions: ImageID, LabelName, Score with XMin, XMax, YMin, YMax, or with Mask, ImageWidth and ImageHeight; or the submission form of the
 * 2019 challenge, where PredictionString holds `label score x1 y1 x2 y2` (with ImageWidth and ImageHeight: `label score mask`) again and again.
 * @throws EvaluationError `invalid-predictions` naming the line.
 */
export async function readOpenImagesPredictions(
  source: FileSource,
  options: OpenImagesFileOptions = {},
): Promise<OpenImagesDetection[]> {
  const detections: OpenImagesDetection[] = [];
  for await (const row of readCsv(source, csv('Open Images predictions', 'invalid-predictions', options))) {
    const image = row.need(...imageColumn);
    if (row.has('PredictionString')) {
      detections.push(...(await submission(row, image)));
      continue;
    }
    const mask = await maskOf(row);
    const place = mask ? { mask } : row.has('Mask') ? { mask: emptyMask(row) } : { box: boxOf(row) };
    detections.push({ image, label: row.need('LabelName'), score: row.number('Score', 'Conf', 'Confidence'), ...place });
  }
  return detections;
}

async function submission(row: CsvRow, image: string): Promise<OpenImagesDetection[]> {
  const words = (row.get('PredictionString') ?? '').split(/\s+/).filter((word) => word !== '');
  const byMask = row.has('ImageWidth');
  const size = byMask ? 3 : 6;
  if (words.length % size !== 0) throw row.wrong(`a PredictionString of ${words.length} words`, `${size} words a detection`);
  const detections: OpenImagesDetection[] = [];
  for (let at = 0; at < words.length; at += size) {
    const [label, scoreText, ...rest] = words.slice(at, at + size) as [string, string, ...string[]];
    const score = numberOf(row, scoreText);
    if (byMask) {
      detections.push({ image, label, score, mask: await decodeMask(row, rest[0]!) });
    } else {
      const box = rest.map((word) => numberOf(row, word)) as unknown as OpenImagesBox;
      detections.push({ image, label, score, box });
    }
  }
  return detections;
}

function numberOf(row: CsvRow, text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value)) throw row.wrong(JSON.stringify(text), 'a number');
  return value;
}

function boxOf(row: CsvRow): OpenImagesBox {
  return [row.number('XMin'), row.number('YMin'), row.number('XMax'), row.number('YMax')];
}

/** Any number but 0 (-1 is `unknown` in training files) is set, as in the official tool; True and False are known, too. */
function flag(row: CsvRow, name: string): boolean {
  const text = row.need(name).toLowerCase();
  if (text === 'true' || text === 'false') return text === 'true';
  return row.number(name) !== 0;
}

function emptyMask(row: CsvRow): Rle {
  const [height, width] = [row.number('ImageHeight'), row.number('ImageWidth')];
  return { height, width, counts: Uint32Array.of(height * width) };
}

async function maskOf(row: CsvRow): Promise<Rle | undefined> {
  const text = row.get('Mask');
  return text === undefined ? undefined : decodeMask(row, text);
}

/** Masks are COCO's compressed runs, packed with zlib, written as base64. */
async function decodeMask(row: CsvRow, text: string): Promise<Rle> {
  try {
    const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate'));
    const runs = new Uint8Array(await new Response(stream).arrayBuffer());
    return decodeRle(runs, row.number('ImageHeight'), row.number('ImageWidth'));
  } catch (error) {
    throw row.wrong(
      `a Mask that cannot be read (${error instanceof Error ? error.message : describe(error)})`,
      'COCO runs, packed with zlib, as base64, with ImageHeight and ImageWidth',
    );
  }
}

/** A class of the label map. */
export interface OpenImagesClass {
  /** Number from 1. */
  id: number;
  /** `/m/01g317` */
  name: string;
  /** Name for people, where the file has one. */
  displayName: string | undefined;
}

/**
 * Reads the label map of the challenge (`item { name: "/m/061hd_" id: 1 display_name: "Infant bed" }`), in the order of ids.
 * @throws EvaluationError `invalid-ground-truth` for an item without name or id, a name or id twice, or no items at all.
 */
export function readOpenImagesLabelMap(text: string): OpenImagesClass[] {
  const items = [...text.replace(/^\s*#.*$/gm, '').matchAll(/\bitem\s*:?\s*\{([^{}]*)\}/g)].map(([, body], i) => {
    const word = (key: string) => new RegExp(`(?:^|[\\s,;{])${key}\\s*:\\s*(?:"([^"]*)"|'([^']*)')`).exec(body!);
    const quoted = (key: string) => word(key)?.[1] ?? word(key)?.[2];
    const id = Number(/(?:^|[\s,;{])id\s*:\s*(\d+)/.exec(body!)?.[1] ?? Number.NaN);
    const name = quoted('name');
    if (name === undefined || !(id >= 1)) {
      throw new EvaluationError('invalid-ground-truth', {
        thing: `label map, item ${i}`,
        found: body!.trim().slice(0, 80),
        wanted: 'name: "..." and id: a number from 1',
      });
    }
    return { id, name, displayName: quoted('display_name') };
  });
  const wrong =
    items.length === 0
      ? 'no items'
      : new Set(items.map(({ id }) => id)).size < items.length || new Set(items.map(({ name }) => name)).size < items.length
        ? 'a name or id twice'
        : undefined;
  if (wrong) {
    throw new EvaluationError('invalid-ground-truth', {
      thing: 'label map',
      found: wrong,
      wanted: 'item { name: "..." id: ... } entries',
    });
  }
  return items.sort((a, b) => a.id - b.id);
}

/** The metrics file of the official script: `key,value` lines, `nan` where a class has no positives. */
export function writeOpenImagesMetrics({ metrics }: OpenImagesResult): string {
  return Object.entries(metrics)
    .map(([key, value]) => `${key},${Number.isNaN(value) ? 'nan' : value}\n`)
    .join('');
}
