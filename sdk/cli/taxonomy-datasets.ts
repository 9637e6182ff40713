// `labelweave taxonomy merge-datasets | split-datasets`: annotation files of several data sets in one label space, and back.
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { LoadError } from 'labelweave';
import {
  type Annotations, cocoFile, type DatasetInput, type DatasetProgress, mergeDatasets, type MergeReport, readYoloFolder, splitDatasets,
  writeYoloFolder,
} from 'labelweave/datasets'; // prettier-ignore
import { openFolder, type WholeFile, writeWholeFile } from 'labelweave/node';
import { textOption, UsageError, wordOption } from './exit.js';
import { interruptible } from './interrupt.js';
import { optionalWord, pairsOption, readLabelFile } from './label-files.js';
import type { Progress } from './progress.js';

type Options = Readonly<Record<string, unknown>>;

/** `name=annotations.json` files (or folders of YOLO's) and a taxonomy in; one COCO file or one folder of YOLO's out. */
export async function mergeDatasetsCommand(files: readonly string[], options: Options): Promise<number> {
  const to = wordOption('to', options['to'] ?? 'coco', ['coco', 'yolo'] as const);
  const output = required('output', options['output'], 'merge-datasets');
  const place = required('taxonomy', options['taxonomy'], 'merge-datasets');
  const unknown = optionalWord('unknown', options['unknown'], ['error', 'drop']);
  const negatives = optionalWord('negatives', options['negatives'], ['image', 'dataset']);
  const match = optionalWord('match', options['match'], ['id', 'name']);
  const folders = new Map(pairsOption('image-folder', options['imageFolder']));
  if (files.length === 0) throw new UsageError('taxonomy merge-datasets: found no data set; wanted NAME=FILE, once or more');
  const named = files.map((file): [string, string] => pairsOption('data set', file)[0]!);
  for (const folder of folders.keys()) {
    if (!named.some(([name]) => name === folder))
      throw new UsageError(`--image-folder: found ${JSON.stringify(folder)}; wanted ${named.map(([name]) => name).join(', ')}`);
  }
  if (to === 'yolo') await refuseFull(output);
  const read = await readLabelFile(place);
  if (read.kind !== 'unified')
    throw new UsageError(`--taxonomy: found ${place}, which is no taxonomy; make one with labelweave taxonomy merge`);
  const { taxonomy } = read;
  const inputs: DatasetInput[] = [];
  for (const [dataset, file] of named)
    inputs.push({ dataset, annotations: await openAnnotations(file), folder: folders.get(dataset) });

  return withProgress(options, async (signal, onProgress, progress) => {
    // A folder of YOLO's needs all boxes of an image together: they go through a file beside it.
    const target = to === 'yolo' ? join(dirname(resolve(output)), `.${basename(output)}.${randomUUID()}.json`) : output;
    const report = await writing(target, (file) => mergeDatasets(taxonomy, inputs, file, { signal, onProgress, ...(unknown && { unknown }), ...(negatives && { negatives }), ...(match && { match }) })); // prettier-ignore
    for (const line of describeReport(report)) progress.note(line);
    if (to === 'yolo') {
      try {
        const { boxes, dropped } = await wholeFolder(output, (folder) => writeYoloFolder(cocoFile(target), folder, { signal, onProgress, polygons: options['polygons'] === true })); // prettier-ignore
        progress.note(`${output}: ${boxes} boxes; ${dropped} annotations of crowds or without a box left out`);
      } finally {
        await rm(target, { force: true });
      }
    }
    progress.note(`${output}: ${report.images} images, ${report.annotations} annotations, ${report.categories} categories`);
  });
}

/** A merged file in; a file for each data set out. */
export async function splitDatasetsCommand(files: readonly string[], options: Options): Promise<number> {
  const [merged] = files;
  if (merged === undefined || files.length > 1)
    throw new UsageError(`taxonomy split-datasets: found ${files.length} files; wanted one`);
  const output = required('output', options['output'], 'split-datasets');
  const foreign = optionalWord('foreign', options['foreign'], ['error', 'drop']);
  return withProgress(options, async (signal, onProgress, progress) => {
    const made = await mkdir(output, { recursive: true }).catch((cause: NodeJS.ErrnoException) => {
      throw new LoadError('missing-file', { thing: `folder ${JSON.stringify(output)}`, found: String(cause.code), wanted: 'a folder that can be written', cause }); // prettier-ignore
    });
    const open = new Map<string, WholeFile>();
    try {
      const parts = await splitDatasets(
        cocoFile(merged, merged),
        async (dataset) => {
          const path = join(output, `${fileName(dataset)}.json`);
          if (open.has(path))
            throw new UsageError(`${merged}: found two data sets that would both be ${path}; wanted names that differ`);
          const file = await writeWholeFile(path);
          open.set(path, file);
          return file;
        },
        { signal, onProgress, ...(foreign && { foreign }) },
      );
      for (const file of open.values()) await file.finish();
      for (const { dataset, images, annotations, dropped } of parts)
        progress.note(
          `${join(output, `${fileName(dataset)}.json`)}: ${images} images, ${annotations} annotations${dropped ? `, ${dropped} left out` : ''}`,
        );
    } catch (error) {
      for (const file of open.values()) await file.abandon();
      if (made !== undefined) await rm(made, { recursive: true, force: true });
      throw error;
    }
  });
}

/** Names of data sets may hold anything; names of files may not. */
function fileName(dataset: string): string {
  return dataset.replace(/[^\p{L}\p{N}._-]+/gu, '_').replace(/^\.+/u, '_') || '_';
}

function required(name: string, value: unknown, action: string): string {
  const text = textOption(name, value);
  if (!text) throw new UsageError(`taxonomy ${action}: found no --${name}; wanted it`);
  return text;
}

/** A COCO file, or a folder of YOLO's (by its folder or its .yaml). */
async function openAnnotations(place: string): Promise<Annotations> {
  const status = await stat(place).catch(() => undefined);
  if (status?.isDirectory()) return readYoloFolder(openFolder(place), { name: place });
  if (/\.ya?ml$/iu.test(place)) return readYoloFolder(openFolder(dirname(place)), { yaml: basename(place), name: place });
  return cocoFile(place, place);
}

/** Writes a file that appears whole or not at all. */
async function writing<T>(path: string, write: (file: WholeFile) => Promise<T>): Promise<T> {
  const file = await writeWholeFile(path);
  try {
    const result = await write(file);
    await file.finish();
    return result;
  } catch (error) {
    await file.abandon();
    throw error;
  }
}

async function refuseFull(path: string): Promise<void> {
  const names = await readdir(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return [];
    throw new UsageError(`--output: found ${path}, which is no folder (${cause.code}); wanted a new folder`);
  });
  if (names.length > 0)
    throw new UsageError(`--output: found ${path} with ${names.length} entries in it; wanted a new or empty folder`);
}

/** Fills a folder under another name and puts it in its place when it is whole. */
async function wholeFolder<T>(path: string, fill: (folder: ReturnType<typeof openFolder>) => Promise<T>): Promise<T> {
  const target = resolve(path);
  await mkdir(dirname(target), { recursive: true });
  const temporary = await mkdtemp(join(dirname(target), `.${basename(target)}.`));
  try {
    const result = await fill(openFolder(temporary));
    await rm(target, { recursive: true, force: true });
    await rename(temporary, target);
    return result;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

function describeReport({ datasets }: MergeReport): string[] {
  const list = (names: readonly string[]): string =>
    `${names.slice(0, 8).join(', ')}${names.length > 8 ? ` and ${names.length - 8} more` : ''}`;
  return datasets.flatMap(({ dataset, images, annotations, dropped, unknown, missing }) => [
    `${dataset}: ${images} images, ${annotations} annotations`,
    ...(dropped ? [`${dataset}: left out ${dropped} annotations of ${list(unknown)}, which the taxonomy does not know`] : []),
    ...(missing.length ? [`${dataset}: no category for ${list(missing)}; nothing is known of them in its images`] : []),
  ]);
}

/** Runs something long with progress on stderr; Ctrl-C stops it. */
async function withProgress(
  options: Options,
  work: (signal: AbortSignal, onProgress: (progress: DatasetProgress) => void, progress: Progress) => Promise<void>,
): Promise<number> {
  let last = 0;
  return interruptible(options['quiet'] === true, (signal, progress) =>
    work(
      signal,
      ({ stage, dataset, done, total }) => {
        const now = Date.now();
        if (now - last < 100) return;
        last = now;
        const amount =
          total > 1e6
            ? `${(done / 1e6).toFixed(0)} of ${(total / 1e6).toFixed(0)} MB`
            : total
              ? `${done} of ${total}`
              : `${(done / 1e6).toFixed(0)} MB`;
        progress.show(`${dataset}: ${stage}, ${amount}`);
      },
      progress,
    ),
  );
}
