// Reads the files of the protocols that have more than two of them (Open Images, VOC, panoptic, semantic) and runs their evaluators.
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import {
  evaluatePanoptic,
  EvaluationError,
  expandObjects,
  joinBoxesAndMasks,
  labelRelations,
  type OpenImagesDetection,
  OpenImagesEvaluator,
  type OpenImagesHierarchy,
  type OpenImagesLabel,
  type OpenImagesObject,
  type PanopticCategory,
  PanopticEvaluator,
  type PanopticFile,
  type ProtocolDiagnostic,
  readOpenImagesBoxes,
  readOpenImagesLabelMap,
  readOpenImagesLabels,
  readOpenImagesPredictions,
  readVocAnnotation,
  readVocDetections,
  reportOfOpenImages,
  reportOfPanoptic,
  reportOfSemantic,
  reportOfVoc,
  SemanticEvaluator,
  type VocDetection,
  VocEvaluator,
  type VocObject,
} from 'labelweave/evaluate';
import { LoadError } from 'labelweave';
import { readFile as readBytes } from 'labelweave/node';
import { type Answer, jsonPart, mergeParts, pathOption, type Run, workersOption } from './evaluate-run.js';
import { numberOption, UsageError, wordOption } from './exit.js';
import { labelPixels } from './label-pixels.js';
import type { Progress } from './progress.js';

/** Text of a file. Throws LoadError. */
async function textOf(path: string): Promise<string> {
  return new TextDecoder().decode(await readBytes(path));
}

/** JSON of a file. Throws LoadError, EvaluationError. */
export async function jsonOf(path: string, code: 'invalid-ground-truth' | 'invalid-predictions'): Promise<unknown> {
  const text = await textOf(path);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new EvaluationError(code, {
      thing: path,
      found: `broken JSON (${(cause as Error).message})`,
      wanted: 'a JSON file',
      cause,
    });
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    throw new LoadError('missing-file', {
      thing: `file ${JSON.stringify(path)}`,
      found: 'nothing there',
      wanted: 'a file or folder',
      cause,
    });
  }
}

/** Files with an ending under a folder, by their path inside it, sorted. */
async function filesIn(folder: string, ending: string): Promise<string[]> {
  if (!(await isFolder(folder))) throw new UsageError(`${folder}: found a file; wanted a folder of ${ending} files`);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => !entry.isDirectory() && entry.name.toLowerCase().endsWith(ending))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
  if (files.length === 0) throw new UsageError(`${folder}: found no ${ending} file; wanted one or more`);
  return files;
}

/** What Open Images is judged on, read from its files. */
export interface OpenImagesInputs {
  readonly objects: OpenImagesObject[];
  readonly labels: OpenImagesLabel[];
  readonly detections: OpenImagesDetection[];
  readonly classes: string[];
  readonly hierarchy: OpenImagesHierarchy | undefined;
  /** Names for people by label. */
  readonly names: ReadonlyMap<string, string>;
}

/** Reads boxes, labels and predictions as CSV, the hierarchy as JSON, the label map; `fileOf` gives the path of each. */
export async function readOpenImages(
  gt: string,
  dt: string,
  fileOf: (name: 'masks' | 'labels' | 'hierarchy' | 'labelmap') => string | undefined,
  progress: Progress,
): Promise<OpenImagesInputs> {
  const onProgress = (stage: string) => ({
    onProgress: (done: number) => progress.show(`${stage}: ${(done / 1e6).toFixed(1)} MB`),
  });
  const boxes = await readOpenImagesBoxes(gt, onProgress('boxes'));
  const masksFile = fileOf('masks');
  const objects = masksFile ? joinBoxesAndMasks(boxes, await readOpenImagesBoxes(masksFile, onProgress('masks'))) : boxes;
  const labelsFile = fileOf('labels');
  const labels = labelsFile ? await readOpenImagesLabels(labelsFile, onProgress('labels')) : [];
  const hierarchyFile = fileOf('hierarchy');
  const hierarchy = hierarchyFile ? ((await jsonOf(hierarchyFile, 'invalid-ground-truth')) as OpenImagesHierarchy) : undefined;
  const mapFile = fileOf('labelmap');
  const map = mapFile ? readOpenImagesLabelMap(await textOf(mapFile)) : undefined;
  const expanded = !map && hierarchy ? expandObjects(objects, labelRelations(hierarchy)) : objects;
  const classes = map ? map.map(({ name }) => name) : [...new Set(expanded.map(({ label }) => label))].sort();
  const detections = dt === '' ? [] : await readOpenImagesPredictions(dt, onProgress('predictions'));
  const names = new Map(
    map?.flatMap(({ name, displayName }) => (displayName === undefined ? [] : [[name, displayName] as const])),
  );
  return { objects, labels, detections, classes, hierarchy, names };
}

/** Open Images: boxes, labels and predictions as CSV, the hierarchy as JSON, the label map. */
export async function evaluateOpenImagesFiles({ gt, dt, iouType, options, progress, parts }: Run): Promise<Answer> {
  const { names, ...inputs } = await readOpenImages(gt, dt, (name) => pathOption(options, name), progress);
  progress.show('matching');
  const { objects, labels, detections, classes, hierarchy } = inputs;
  const evaluator = new OpenImagesEvaluator(objects, labels, {
    classes,
    track: iouType === 'segm' ? 'segmentation' : 'detection',
    ...(hierarchy && { hierarchy }),
  });
  await mergeParts(parts, (bytes) => evaluator.merge(bytes));
  evaluator.add(detections);
  return { report: reportOfOpenImages(evaluator.result(), names), partial: evaluator.partial() };
}

interface CocoLike {
  images?: { id: number; file_name?: string }[];
  categories?: { id: number; name: string }[];
  annotations?: {
    image_id: number;
    category_id: number;
    bbox: number[];
    ignore?: unknown;
    difficult?: unknown;
    iscrowd?: unknown;
  }[];
}

/** x, y, width, height to the first and last pixel inside, counted from 1, which is what VOC's + 1 expects. */
const vocBox = ([x, y, w, h]: readonly number[]) => [x! + 1, y! + 1, x! + w!, y! + h!] as const;

/** What VOC is judged on, read from its files. */
export interface VocInputs {
  readonly objects: VocObject[];
  readonly images: string[];
  readonly detections: VocDetection[];
}

/**
 * A folder of annotation XML and a folder of one detection list a class, or COCO JSON for both.
 * @param nameOf label of a detection in COCO's form. Default: the name in the ground truth
 */
export async function readVoc(
  gt: string,
  dt: string,
  progress: Progress,
  nameOf?: (category: number) => string,
): Promise<VocInputs> {
  const objects: VocObject[] = [];
  const images: string[] = [];
  const detections: VocDetection[] = [];
  if (await isFolder(gt)) {
    const files = await filesIn(gt, '.xml');
    for (const [i, file] of files.entries()) {
      progress.show(`annotations: ${i + 1} of ${files.length}`);
      const annotation = readVocAnnotation(await textOf(join(gt, file)), file.slice(0, -4));
      images.push(annotation.image);
      objects.push(...annotation.objects);
    }
    for (const file of dt === '' ? [] : await filesIn(dt, '.txt')) {
      progress.show(`detections: ${file}`);
      // comp4_det_test_car.txt of the development kit, or car.txt.
      const label = file
        .slice(0, -4)
        .replace(/^.*\//, '')
        .replace(/^comp\d+_(?:det|cls)_[^_]+_/, '');
      detections.push(...readVocDetections(await textOf(join(dt, file)), label));
    }
  } else {
    const truth = (await jsonOf(gt, 'invalid-ground-truth')) as CocoLike;
    const found = (dt === '' ? [] : await jsonOf(dt, 'invalid-predictions')) as {
      image_id: number;
      category_id: number;
      bbox: number[];
      score: number;
    }[];
    if (!Array.isArray(truth?.images) || !Array.isArray(truth.categories) || !Array.isArray(truth.annotations)) {
      throw new EvaluationError('invalid-ground-truth', { thing: gt, found: 'no lists of images, categories and annotations', wanted: 'COCO JSON, or a folder of VOC XML' }); // prettier-ignore
    }
    if (!Array.isArray(found))
      throw new EvaluationError('invalid-predictions', { thing: dt, found: 'no list', wanted: 'COCO results' });
    const labelOf = new Map(truth.categories.map(({ id, name }) => [id, name]));
    images.push(...truth.images.map(({ id }) => String(id)));
    const name = (id: number) => labelOf.get(id) ?? `category ${id}`;
    const boxOf = (bbox: unknown, thing: string, code: 'invalid-ground-truth' | 'invalid-predictions') => {
      if (Array.isArray(bbox) && bbox.length === 4 && bbox.every(Number.isFinite)) return vocBox(bbox as number[]);
      throw new EvaluationError(code, {
        thing,
        found: `bbox ${JSON.stringify(bbox)}`,
        wanted: 'four numbers x, y, width, height',
      });
    };
    truth.annotations.forEach(({ image_id, category_id, bbox, ignore, difficult, iscrowd }, row) =>
      objects.push({
        image: String(image_id),
        label: name(category_id),
        box: boxOf(bbox, `annotation ${row}`, 'invalid-ground-truth'),
        difficult: Boolean(difficult || ignore || iscrowd),
      }),
    );
    found.forEach(({ image_id, category_id, bbox, score }, row) =>
      detections.push({
        image: String(image_id),
        label: (nameOf ?? name)(category_id),
        score,
        box: boxOf(bbox, `detection ${row}`, 'invalid-predictions'),
      }),
    );
  }
  return { objects, images, detections };
}

/** Pascal VOC: a folder of annotation XML and a folder of one detection list a class, or COCO JSON for both. */
export async function evaluateVocFiles({ gt, dt, options, progress, parts }: Run): Promise<Answer> {
  const interpolation = wordOption('interpolation', options['interpolation'] ?? 'area', ['eleven-point', 'area'] as const);
  const { objects, images, detections } = await readVoc(gt, dt, progress);
  progress.show('matching');
  const evaluator = new VocEvaluator(objects, { interpolation, images });
  await mergeParts(parts, (bytes) => evaluator.merge(bytes));
  evaluator.add(detections);
  return { report: reportOfVoc(evaluator.result()), partial: evaluator.partial() };
}

/** COCO panoptic: two JSON files and the folders with their PNGs (default: the JSON's name without .json). */
export async function evaluatePanopticFiles({ gt, dt, options, progress, parts }: Run): Promise<Answer> {
  const folder = (name: 'gtDir' | 'dtDir', json: string) => pathOption(options, name) ?? json.replace(/\.json$/i, '');
  const [gtDir, dtDir] = [folder('gtDir', gt), folder('dtDir', dt)];
  const groundTruth = (await jsonOf(gt, 'invalid-ground-truth')) as PanopticFile & { categories: readonly PanopticCategory[] };
  if (!Array.isArray(groundTruth?.categories)) {
    throw new EvaluationError('invalid-ground-truth', {
      thing: gt,
      found: 'no list of categories',
      wanted: 'a COCO panoptic JSON',
    });
  }
  const predictions = dt === '' ? { annotations: [] } : ((await jsonOf(dt, 'invalid-predictions')) as PanopticFile);
  const inParts = parts.length > 0 || options['partial'] !== undefined;
  const evaluator = inParts ? new PanopticEvaluator(groundTruth.categories) : undefined;
  await mergeParts(parts, (bytes) => evaluator!.merge(jsonPart.read(bytes)));
  const result = await evaluatePanoptic({
    groundTruth,
    predictions,
    evaluator,
    readGroundTruth: (name) => readBytes(join(gtDir, name)),
    readPrediction: (name) => readBytes(join(dtDir, name)),
    workers: workersOption(options),
    onProgress: (done, total) => progress.show(`images: ${done} of ${total}`),
  });
  const left = groundTruth.annotations.length - result.images;
  if (left < 0)
    throw new UsageError(`--merge: found ${result.images} images in all; wanted each of ${gt} once, ${groundTruth.annotations.length} at most`); // prettier-ignore
  if (left > 0)
    result.diagnostics.push({ code: 'missing-prediction', message: 'Images without a prediction in these parts: not counted.', count: left, examples: [] }); // prettier-ignore
  return { report: reportOfPanoptic(result), partial: evaluator && jsonPart.write(evaluator.toShard()) };
}

/** Semantic segmentation: two folders of PNG label maps (grey or palette, one class number a pixel) with the same file names. */
export async function evaluateSemanticFiles({ gt, dt, options, progress, parts }: Run): Promise<Answer> {
  const convention = wordOption('convention', options['convention'] ?? 'cityscapes', ['detectron2', 'cityscapes'] as const);
  const ignore = numberOption('ignore-label', options['ignoreLabel'] ?? 255, 'a whole number from 0 to 255', isByte);
  const classes = await classesOption(options['classes']);
  const [truths, found] = dt === '' ? [[], new Set<string>()] : [await filesIn(gt, '.png'), new Set(await filesIn(dt, '.png'))];
  const missing = truths.filter((file) => !found.has(file));
  if (missing.length > 0) {
    throw new EvaluationError('invalid-predictions', {
      thing: dt,
      found: `no label map for ${missing.length} of ${truths.length} images: ${missing.slice(0, 5).join(', ')}`,
      wanted: 'one with the same name for every image of the ground truth',
    });
  }
  // A value above every byte stands for "ignored", so that any byte may be the ignore label.
  const ignored = 256;
  const evaluator = new SemanticEvaluator({ classes: classes ?? ignored, ignoreLabel: ignored });
  await mergeParts(parts, (bytes) => evaluator.merge(jsonPart.read(bytes)));
  for (const [i, file] of truths.entries()) {
    progress.show(`images: ${i + 1} of ${truths.length}`);
    const [truth, predicted] = [await mapOf(join(gt, file)), await mapOf(join(dt, file))];
    if (truth.width !== predicted.width || truth.height !== predicted.height) {
      throw new EvaluationError('invalid-predictions', {
        thing: join(dt, file),
        found: `${predicted.width} x ${predicted.height} pixels`,
        wanted: `${truth.width} x ${truth.height}, as the ground truth has`,
      });
    }
    const mark = (pixels: Uint8Array) => Uint16Array.from(pixels, (value) => (value === ignore ? ignored : value));
    evaluator.add(mark(predicted.pixels), mark(truth.pixels));
  }
  const extra = found.size - truths.length;
  const diagnostics: ProtocolDiagnostic[] =
    extra > 0
      ? [{ code: 'unknown-image', message: 'Label maps without ground truth: left out.', count: extra, examples: [...found].filter((file) => !truths.includes(file)).slice(0, 10) }] // prettier-ignore
      : [];
  const byConvention = { detectron2: evaluator.result('detectron2').mIoU, cityscapes: evaluator.result('cityscapes').mIoU };
  const more = { images: evaluator.images, confusion: evaluator.confusion, diagnostics, byConvention };
  return { report: reportOfSemantic(evaluator.result(convention), more), partial: jsonPart.write(evaluator.toShard()) };
}

const isByte = (n: number) => Number.isInteger(n) && n >= 0 && n <= 255;

async function mapOf(path: string) {
  return labelPixels(await readBytes(path), path);
}

/** A number of classes, or names from a file, one a line. */
async function classesOption(value: unknown): Promise<number | string[] | undefined> {
  if (value === undefined) return undefined;
  const count = Number(value);
  if (Number.isInteger(count) && count >= 1 && count <= 256) return count;
  if (typeof value !== 'string' || value === '')
    throw new UsageError(
      `--classes: found ${JSON.stringify(value)}; wanted a number from 1 to 256, or a file with a name a line`,
    );
  let text: string;
  try {
    text = await readFile(value, 'utf8');
  } catch {
    throw new UsageError(
      `--classes: found ${JSON.stringify(value)}; wanted a number from 1 to 256, or a file with a name a line`,
    );
  }
  const names = text.split(/\r?\n/).map((line) => line.trim());
  while (names.at(-1) === '') names.pop();
  if (names.length === 0 || names.length > 256)
    throw new UsageError(`--classes: found ${names.length} lines in ${value}; wanted 1 to 256`);
  return names;
}
