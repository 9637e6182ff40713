// Firings from COCO files: ground truth of each data set, and results of a partitioned model whose category ids run through all data sets, as
// UniDet dumps them (`unified_instances_results.json`).
import { ArgumentError, describe, LearnError } from '../../errors.js';
import { has } from '../../evaluate/input/columns.js';
import { readDetections } from '../../evaluate/input/reader.js';
import type { FileSource } from '../../store/source.js';
import { isLabelSpace, type LabelSpace } from '../../taxonomy/label-space.js';
import type { LongOptions } from '../costs/ap-loss.js';
import { type Firings, FiringsBuilder, type FiringsBuilderOptions } from './firings.js';
import { shareBoxes } from './shared-boxes.js';
import { type CocoTruths, maskOf, readCocoTruths } from './truths.js';

/** One data set: its ground truth, and what all heads say on its images. */
export interface CocoFiringsInput {
  /** Its name, or its labels in the order of its head. By name, labels are the categories of the file in the order of their ids. */
  readonly dataset: string | LabelSpace;
  /** COCO annotations. */
  readonly groundTruth: FileSource;
  /** COCO results with category ids of all heads. */
  readonly results: FileSource;
}

/** Options of {@link readCocoFirings}. */
export interface CocoFiringsOptions extends FiringsBuilderOptions, LongOptions {
  /** Category id of the first label of the first head; the others follow without gaps, data set after data set. Default 0. */
  readonly firstId?: number | undefined;
  /** Node of a category id, where ids do not run through; undefined for ids that are left out. */
  readonly nodeOf?: ((categoryId: number) => number | undefined) | undefined;
  /** Whether masks are compared instead of boxes. Default false. */
  readonly masks?: boolean | undefined;
}

/**
 * Reads COCO files into firings. Boxes with the same coordinates are one box with several scores. The order of `inputs` is that of the heads.
 *
 * @throws EvaluationError for broken files, LearnError `invalid-firings` where ids do not fit, ArgumentError, LoadError, or `signal.reason`.
 */
export async function readCocoFirings(inputs: readonly CocoFiringsInput[], options: CocoFiringsOptions = {}): Promise<Firings> {
  const { firstId = 0, nodeOf, masks = false, minScore, maxBytes, signal, onProgress } = options;
  if (!Array.isArray(inputs) || inputs.length === 0) {
    throw new ArgumentError({
      thing: 'data sets',
      found: describe(inputs),
      wanted: 'an array of { dataset, groundTruth, results }',
    });
  }
  const truths: CocoTruths[] = [];
  for (const { dataset, groundTruth } of inputs) {
    if (typeof dataset !== 'string' && !isLabelSpace(dataset)) {
      throw new ArgumentError({ thing: 'dataset', found: describe(dataset), wanted: 'a name or a label space' });
    }
    truths.push(await readCocoTruths(groundTruth, { labels: dataset, masks, signal, onProgress }));
  }
  const builder = new FiringsBuilder(
    truths.map(({ space }) => space),
    { minScore, maxBytes },
  );
  const L = builder.nodes.count;
  for (const [d, { results }] of inputs.entries()) {
    const rows = await readDetections(results, {
      masks,
      signal,
      onProgress: onProgress && (({ done, total }) => onProgress({ phase: 'read', done, total })),
    });
    const bad = (row: number, found: string, wanted: string): LearnError =>
      new LearnError('invalid-firings', { thing: `${rows.name}, row ${row}`, found, wanted });
    const { images, space } = truths[d]!;
    const place = new Map(images.map(({ id }, i) => [id, i]));
    // A counting sort by image.
    const starts = new Uint32Array(images.length + 1);
    const imageOf = new Uint32Array(rows.count);
    const nodes = new Int32Array(rows.count);
    for (let i = 0; i < rows.count; i++) {
      const missing = (['image', 'category', 'score'] as const).find((key) => !(rows.present[i]! & has[key]));
      if (missing) throw bad(i, `no ${missing === 'score' ? 'score' : `${missing}_id`}`, 'image_id, category_id, score and bbox');
      const image = place.get(rows.imageIds[i]!);
      if (image === undefined) throw bad(i, `image_id ${rows.imageIds[i]}`, `an image of the ground truth of ${space.name}`);
      const id = rows.categoryIds[i]!;
      const node = nodeOf ? nodeOf(id) : id - firstId;
      if (node !== undefined && !(Number.isInteger(node) && node >= 0 && node < L)) {
        throw bad(i, `category_id ${id}`, `${firstId} to ${firstId + L - 1}: the labels of all heads one after another`);
      }
      imageOf[i] = image;
      nodes[i] = node ?? -1;
      starts[image + 1]!++;
    }
    for (let k = 0; k < images.length; k++) starts[k + 1]! += starts[k]!;
    const order = new Uint32Array(rows.count);
    const next = starts.slice();
    for (let i = 0; i < rows.count; i++) order[next[imageOf[i]!]!++] = i;
    for (const [k, image] of images.entries()) {
      if (k % 1024 === 0) {
        onProgress?.({ phase: 'firings', done: k, total: images.length });
        signal?.throwIfAborted();
      }
      const own = [...order.subarray(starts[k], starts[k + 1])].filter(
        (i) => nodes[i]! >= 0 && rows.scores[i]! >= (minScore ?? 0),
      );
      const boxes = new Float32Array(4 * own.length);
      own.forEach((i, j) => {
        const [x, y, w, h] = [rows.boxes[4 * i]!, rows.boxes[4 * i + 1]!, rows.boxes[4 * i + 2]!, rows.boxes[4 * i + 3]!];
        boxes.set([x, y, x + w, y + h], 4 * j);
      });
      const labels = own.map((i) => nodes[i]!);
      const scores = own.map((i) => rows.scores[i]!);
      const common = { dataset: space.name, id: image.id, width: image.width, height: image.height, truths: image.truths };
      if (masks) {
        // A mask is a firing of its own.
        const entries = { boxes: own.map((_, j) => j), labels, scores };
        const runs = own.map((i) => maskOf(rows.masks, i, rows.boxes.subarray(4 * i, 4 * i + 4), image.width, image.height));
        builder.addImage({ ...common, boxes, entries, masks: runs });
      } else {
        const shared = shareBoxes(boxes, labels, scores);
        builder.addImage({ ...common, boxes: shared.boxes, entries: shared.entries });
      }
    }
    onProgress?.({ phase: 'firings', done: images.length, total: images.length });
  }
  return builder.finish();
}
