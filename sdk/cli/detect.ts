// `labelweave detect`: images in, detections out as a table, JSON or COCO results, and as pictures.
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import {
  type Detections,
  type DetectOptions,
  type Detector,
  type Ensemble,
  type FusionOptions,
  type ImageInput,
  loadDetector,
  type LoadOptions,
  LabelweaveError,
  parseLabelFile,
  type LabelsSpec,
  type TextEmbeddings,
} from 'labelweave';
import { drawOnFrame, toFrame, writeBytes, writePng } from 'labelweave/node';
import { exitCodes, numberOption, textOption, UsageError, wordOption } from './exit.js';
import { interruptible } from './interrupt.js';
import { namedModel } from './models.js';
import { namedLabels } from './labels.js';
import { cocoTarget, type CocoTarget } from './coco.js';
import { formatTable } from './table.js';

const imageExtensions = new Set(['.jpg', '.jpeg', '.png', '.webp', '.gif', '.avif', '.tif', '.tiff', '.heic', '.heif']);

export async function detectCommand(images: readonly string[], options: Record<string, unknown>): Promise<number> {
  // Everything that can be wrong in the options is found before anything is loaded.
  if (images.length === 0) throw new UsageError('detect: found no images; wanted at least one file, folder or URL');
  const format = wordOption('format', options['format'], ['table', 'json', 'coco'] as const);
  const device = wordOption('device', options['device'], ['auto', 'webgpu', 'wasm', 'reference'] as const);
  const scoreThreshold = numberOption('threshold', options['threshold'], 'a number from 0 to 1', (n) => n >= 0 && n <= 1);
  const maxDetections = numberOption(
    'max',
    options['max'],
    'a whole number from 1 to 10000',
    (n) => Number.isInteger(n) && n >= 1 && n <= 10_000,
  );
  const threads =
    options['threads'] === 'auto'
      ? 'auto'
      : numberOption(
          'threads',
          options['threads'],
          '"auto" or a whole number from 1 to 64',
          (n) => Number.isInteger(n) && n >= 1 && n <= 64,
        );
  const nms = nmsOption(options['nms']);
  const models = (Array.isArray(options['model']) ? options['model'] : [options['model']]).map((model) =>
    namedModel(String(model)),
  );
  const fusion = fusionOption(options['fusion'], models.length);
  const jsonFile = textOption('json', options['json'], 'one path');
  const drawFolder = textOption('draw', options['draw'], 'one path');
  const gtFile = textOption('gt', options['gt'], 'one path');
  if (gtFile !== undefined && format !== 'coco')
    throw new UsageError('--gt: found --format ' + format + '; wanted --format coco with it');

  return interruptible(options['quiet'] === true, async (signal, progress) => {
    const files = await expand(images);
    const place = textOption('labels', options['labels'], 'one name or file');
    const embeddings = await readEmbeddings(options['vectors'], place, models.length);
    const labels = place === undefined || embeddings ? undefined : await readLabels(place);
    const coco = gtFile === undefined ? undefined : cocoTarget(gtFile, await readText(gtFile, '--gt'));
    const loadOptions: LoadOptions = {
      device,
      threads,
      signal,
      ...(labels !== undefined && { labels }),
      ...(embeddings && { embeddings }),
      onProgress: ({ phase, file, loaded, total }) =>
        progress.show(`${phase} ${file ?? ''} ${total ? `${Math.floor((100 * loaded) / total)}%` : loaded}`),
    };
    using detector: Detector | Ensemble =
      models.length === 1
        ? await loadDetector(models[0]!, loadOptions)
        : await loadDetector(models, { ...loadOptions, ...fusion });
    progress.show(`${detector.device.used}: ${detector.device.description}`);
    if (drawFolder !== undefined) await mkdir(drawFolder, { recursive: true });

    const detectOptions = { scoreThreshold, maxDetections, signal, ...(nms !== undefined && { nms }) };
    const drawings = uniqueNames();
    const rows: ImageRow[] = [];
    let failed = 0;
    for (const [i, file] of files.entries()) {
      progress.show(`${i + 1}/${files.length} ${file}`);
      try {
        const drawing = drawFolder === undefined ? undefined : join(drawFolder, drawings(file));
        const row = await detectFile(detector, file, detectOptions, drawing);
        rows.push(row);
        if (format === 'table' && jsonFile === undefined) {
          progress.done();
          process.stdout.write(`${formatTable(row.file, row.detections, row.ms)}\n`);
        }
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof LabelweaveError)) throw error;
        failed++;
        progress.note(`labelweave: ${file}: ${error.message}`);
      }
    }
    progress.done();
    if (format !== 'table' || jsonFile !== undefined) {
      const text = format === 'coco' ? cocoText(rows, detector, coco, progress.note) : jsonText(rows, detector);
      if (jsonFile === undefined) process.stdout.write(text);
      else {
        await writeBytes(jsonFile, new TextEncoder().encode(text));
        progress.note(
          `wrote ${jsonFile}: ${rows.reduce((sum, row) => sum + row.detections.length, 0)} detections in ${rows.length} images`,
        );
      }
    }
    return failed > 0 ? exitCodes.failed.code : exitCodes.ok.code;
  });
}

interface ImageRow {
  file: string;
  detections: Detections;
  /** Milliseconds from decoded pixels to detections. */
  ms: number;
}

/** What both have in common. */
interface AnyDetector {
  detect(image: ImageInput, options: DetectOptions): Promise<Detections>;
}

async function detectFile(
  detector: AnyDetector,
  file: string,
  options: DetectOptions,
  drawing: string | undefined,
): Promise<ImageRow> {
  const frame = await toFrame(file === '-' ? await readStandardInput() : file, { signal: options.signal });
  const start = performance.now();
  const detections = await detector.detect(frame, options);
  const ms = performance.now() - start;
  if (drawing !== undefined) await writePng(drawing, drawOnFrame(frame, detections));
  return { file, detections, ms };
}

function jsonText(rows: readonly ImageRow[], detector: Detector | Ensemble): string {
  const body = {
    labelweave: 1,
    ...('models' in detector ? { models: detector.models.map(({ name }) => name) } : { model: detector.model.name }),
    device: detector.device.used,
    labels: detector.labels.toJSON(),
    images: rows.map(({ file, detections }) => {
      // The label space is the same for all images and stands above.
      const { labels: _, ...rest } = detections.toJSON();
      return { file, ...rest };
    }),
  };
  return `${JSON.stringify(body, null, 1)}\n`;
}

function cocoText(
  rows: readonly ImageRow[],
  detector: Detector | Ensemble,
  coco: CocoTarget | undefined,
  note: (text: string) => void,
): string {
  const target = coco ?? defaultCocoTarget();
  const results = rows.flatMap(({ file, detections }) => {
    const imageId = target.imageId(file);
    return detections.toCoco({ imageId, categoryId: (label) => target.categoryId(label) });
  });
  for (const warning of target.warnings(detector.labels)) note(`labelweave: ${warning}`);
  return `[${results.map((result) => JSON.stringify(result)).join(',\n')}]\n`;
}

/** Without annotations: the number in the file name is the image id, the label's id the category id. */
function defaultCocoTarget(): CocoTarget {
  return {
    imageId(file) {
      const name = basename(file, extname(file));
      const digits = /(\d+)$/.exec(name);
      if (!digits) {
        throw new UsageError(
          `--format coco: image ${JSON.stringify(file)} has no number in its name; give --gt FILE to take image ids from it`,
        );
      }
      return Number(digits[1]);
    },
    categoryId: (label) => (typeof label.id === 'number' ? label.id : undefined),
    warnings: (labels) => {
      const named = labels.labels.filter((label) => typeof label.id !== 'number').map((label) => label.name);
      return named.length === 0 ? [] : [`left out, for want of a numeric category id (give --gt FILE): ${named.join(', ')}`];
    },
  };
}

/** File names of drawings: `photo.png`, and `photo-2.png` for the next image of that name. */
function uniqueNames(): (file: string) => string {
  const used = new Set<string>();
  return (file) => {
    const base = file === '-' ? 'stdin' : basename(file, extname(file)) || 'image';
    let name = base;
    for (let n = 2; used.has(name); n++) name = `${base}-${n}`;
    used.add(name);
    return `${name}.png`;
  };
}

/** Folders become the images in them, sorted; everything else stays. */
async function expand(images: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const image of images) {
    const isFolder = image !== '-' && !/^[a-z]{2,}:/i.test(image) && (await stat(image).catch(() => undefined))?.isDirectory();
    if (!isFolder) {
      files.push(image);
      continue;
    }
    const names = (await readdir(image)).filter((name) => imageExtensions.has(extname(name).toLowerCase())).sort();
    if (names.length === 0)
      throw new UsageError(`${image}: found a folder without images; wanted at least one of ${[...imageExtensions].join(' ')}`);
    files.push(...names.map((name) => join(image, name)));
  }
  return files;
}

async function readLabels(value: string): Promise<LabelsSpec> {
  const named = await namedLabels(value);
  if (named) return named;
  const text = await readText(value, '--labels');
  // A taxonomy file says so in its first key.
  if (!/^\uFEFF?\s*\{\s*"(?:\$schema"\s*:\s*"[^"]*"\s*,\s*")?labelweaveTaxonomy"/.test(text))
    return parseLabelFile(text, basename(value));
  const { readTaxonomy } = await import('labelweave/taxonomy/file');
  return readTaxonomy(text, { file: basename(value) });
}

/** The labels of --labels with the vectors of --vectors. Throws UsageError, LoadError, ModelError, LabelSpaceError. */
async function readEmbeddings(vectors: unknown, labels: string | undefined, models: number): Promise<TextEmbeddings | undefined> {
  const file = textOption('vectors', vectors, 'one path');
  if (file === undefined) return undefined;
  if (labels === undefined) throw new UsageError('--vectors: found no --labels; wanted the labels whose vectors they are');
  if (models > 1) throw new UsageError('--vectors: found several --model; wanted one');
  const { readLabelFile, readVectorFile } = await import('./label-files.js');
  const read = await readLabelFile(labels);
  if (read.kind !== 'labels')
    throw new UsageError(`--labels ${labels}: found ${read.kind}; wanted a list of labels with --vectors`);
  const { space } = read;
  return { name: space.name, labels: space, vectors: Float32Array.from((await readVectorFile(space, file)).vectors) };
}

async function readText(file: string, option: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(
      `${option}: could not read ${JSON.stringify(file)} (${(error as NodeJS.ErrnoException).code ?? String(error)})`,
    );
  }
}

async function readStandardInput(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function fusionOption(value: unknown, models: number): { fusion?: FusionOptions } {
  if (value === undefined) return {};
  if (models === 1) throw new UsageError('--fusion: found one model; wanted it with several --model');
  return { fusion: { method: wordOption('fusion', value, ['boxes', 'nms'] as const) } };
}

function nmsOption(value: unknown): DetectOptions['nms'] {
  if (value === undefined) return undefined;
  if (value === 'off' || value === false) return false;
  return { iouThreshold: numberOption('nms', value, '"off" or a number from 0 to 1', (n) => n >= 0 && n <= 1), perClass: true };
}
