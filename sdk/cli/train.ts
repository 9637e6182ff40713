// `labelweave train`: annotated photos in, a model package with new heads on the frozen features of a model out; it can be stopped and taken up again.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LabelSpace } from 'labelweave';
import { openFolder, readFile, writeBytes } from 'labelweave/node';
import { isLabelSpace, labelSpace } from 'labelweave/taxonomy';
import { type Taxonomy, writeTaxonomy } from 'labelweave/taxonomy/file';
import {
  hardSoftLoss,
  type HeadSpec,
  labelSimilarity,
  relatedTaxonomy,
  type TrainDataset,
  type TrainEpoch,
  trainHeads,
  type TrainHeadsOptions,
} from 'labelweave/train';
import { type Options, pathOption } from './evaluate-run.js';
import { numberOption, textOption, UsageError, wordOption } from './exit.js';
import { interruptible } from './interrupt.js';
import { checkNames, optionalWord, pairsOption, readLabelFile, readVectorFile } from './label-files.js';
import { namedModel } from './models.js';
import type { Progress } from './progress.js';

/** `NAME=annotations.json:images`: the last colon that is followed by a folder. Throws UsageError. */
function dataOption(option: string, value: unknown): TrainDataset[] {
  return pairsOption(option, value).map(([name, place]) => {
    const colon = place.lastIndexOf(':');
    if (colon < 1 || colon === place.length - 1)
      throw new UsageError(`--${option}: found ${JSON.stringify(`${name}=${place}`)}; wanted NAME=ANNOTATIONS.json:IMAGES`);
    return { name, annotations: place.slice(0, colon), images: place.slice(colon + 1) };
  });
}

/** What the heads tell apart: a taxonomy, label files by data set, or the categories of the annotations. Throws UsageError, LoadError. */
async function labelsOf(datasets: readonly TrainDataset[], options: Options): Promise<(LabelSpace | Taxonomy)[]> {
  const taxonomy = pathOption(options, 'taxonomy');
  const named = new Map(pairsOption('labels', options['labels']));
  const lost = [...named.keys()].find((name) => !datasets.some((dataset) => dataset.name === name));
  if (lost !== undefined) throw new UsageError(`--labels: found ${JSON.stringify(lost)}; wanted a name that stands in --data`);
  if (taxonomy !== undefined) {
    if (named.size > 0) throw new UsageError('--labels: found --taxonomy, too; wanted one of them');
    const file = await readLabelFile(taxonomy);
    if (file.kind !== 'unified') throw new UsageError(`--taxonomy ${taxonomy}: found ${file.kind}; wanted a taxonomy file`);
    return [file.taxonomy];
  }
  return Promise.all(
    datasets.map(async ({ name, annotations }) => {
      const place = named.get(name);
      if (place === undefined) return categoriesOf(name, String(annotations));
      const file = await readLabelFile(place, { name });
      if (file.kind !== 'labels') throw new UsageError(`--labels ${name}=${place}: found ${file.kind}; wanted a list of labels`);
      return file.space;
    }),
  );
}

/** The categories of a COCO file as a label space. */
async function categoriesOf(name: string, file: string): Promise<LabelSpace> {
  const bytes = await readFile(file);
  let categories: unknown;
  try {
    ({ categories } = JSON.parse(new TextDecoder().decode(bytes)) as { categories?: unknown });
  } catch (error) {
    throw new UsageError(`--data ${name}=${file}: found broken JSON (${(error as Error).message}); wanted COCO annotations`);
  }
  if (!Array.isArray(categories) || categories.length === 0)
    throw new UsageError(`--data ${name}=${file}: found no categories; wanted COCO annotations`);
  return labelSpace(
    name,
    categories.map(({ id, name: label }: { id: number; name: string }) => ({ id, name: label })),
  );
}

/** How each head scores: by what --classifier says, or by the text embeddings that --vectors gives it. Throws UsageError, ModelError, LabelSpaceError. */
async function classifiersOf(spaces: readonly LabelSpace[], options: Options): Promise<NonNullable<HeadSpec['classifier']>[]> {
  const wanted = optionalWord('classifier', options['classifier'], ['linear', 'cosine', 'text'] as const);
  const vectors = new Map(pairsOption('vectors', options['vectors']));
  checkNames('vectors', vectors, spaces);
  if (vectors.size > 0 && wanted !== undefined && wanted !== 'text')
    throw new UsageError(`--vectors: found --classifier ${wanted}; wanted --classifier text, or none`);
  return Promise.all(
    spaces.map(async (space) => {
      const file = vectors.get(space.name);
      if (file !== undefined) return { kind: 'text', vectors: Float32Array.from((await readVectorFile(space, file)).vectors) };
      if (wanted === 'text')
        throw new UsageError(`--classifier text: found no --vectors of ${space.name}; wanted --vectors ${space.name}=FILE`);
      return wanted ?? 'linear';
    }),
  );
}

/** The loss by name. Hard and soft labels are made of each head's vectors. Throws UsageError. */
function lossOf(
  options: Options,
  spaces: readonly LabelSpace[],
  classifiers: readonly HeadSpec['classifier'][],
): TrainHeadsOptions['loss'] {
  const loss = wordOption('loss', options['loss'] ?? 'heatmap', ['heatmap', 'focal', 'sigmoid', 'hard-soft'] as const);
  if (loss !== 'hard-soft') return loss;
  const losses = new Map(
    classifiers.map((classifier, i) => {
      const { name, size } = spaces[i]!;
      if (typeof classifier !== 'object' || classifier.kind !== 'text')
        throw new UsageError(`--loss hard-soft: found no --vectors of ${name}; wanted --vectors ${name}=FILE`);
      return [name, hardSoftLoss({ similarity: labelSimilarity(classifier.vectors, size) })];
    }),
  );
  return (_, { name }) => losses.get(name)!;
}

/** Runs `train`. Throws UsageError and what trainHeads throws. */
export async function trainCommand(options: Options): Promise<number> {
  const number = (name: string, key: string, wanted: string, valid: (value: number) => boolean): number | undefined =>
    options[key] === undefined ? undefined : numberOption(name, options[key], wanted, valid);
  const count = (name: string, key = name, least = 1) =>
    number(name, key, `a whole number from ${least}`, (n) => Number.isInteger(n) && n >= least);
  const output = pathOption(options, 'output');
  if (output === undefined) throw new UsageError('train: found no --output; wanted -o FOLDER');
  const datasets = dataOption('data', options['data']);
  if (datasets.length === 0) throw new UsageError('train: found no --data; wanted NAME=ANNOTATIONS.json:IMAGES, once or more');
  const evaluation = dataOption('eval', options['eval']);
  const start = wordOption('start', options['start'] ?? 'auto', ['auto', 'discriminant', 'zeros'] as const);
  const boxes = wordOption('boxes', options['boxes'] ?? 'model', ['model', 'corrected'] as const);
  const device = wordOption('device', options['device'] ?? 'auto', ['auto', 'webgpu', 'wasm', 'reference'] as const);
  const kernel = numberOption('kernel', options['kernel'] ?? 1, '1 or 3', (n) => n === 1 || n === 3) as 1 | 3;
  const rate = number('rate', 'rate', 'a number above 0', (n) => n > 0 && n < Infinity);
  const seed = number('seed', 'seed', 'a whole number', (n) => Number.isInteger(n));
  const [epochs, batch] = [count('epochs', 'epochs', 0), count('batch')];
  const every = count('checkpoint-every', 'checkpointEvery');
  const negatives = options['negatives'] === 'all' ? 'all' : count('negatives', 'negatives', 0);
  const name = textOption('name', options['name']);
  const model = namedModel(textOption('model', options['model'] ?? 'centernet-mbv3')!);
  const heads = await labelsOf(datasets, options);
  const spaces = heads.map((labels) => (isLabelSpace(labels) ? labels : labels.space));
  const classifiers = await classifiersOf(spaces, options);
  const loss = lossOf(options, spaces, classifiers);
  const relations = pathOption(options, 'relations');
  if (relations !== undefined && (options['taxonomy'] === undefined || options['classifier'] !== 'cosine'))
    throw new UsageError('--relations: found no --taxonomy with --classifier cosine; wanted both: relations are cosines with columns of other data sets'); // prettier-ignore
  const history: TrainEpoch[] = [];
  const checkpoint = join(output, 'checkpoint.safetensors');
  const work = async (signal: AbortSignal, progress: Progress): Promise<void> => {
    await mkdir(output, { recursive: true });
    const folder = openFolder(output);
    const { files, best, similarities } = await trainHeads({
      model,
      datasets,
      evaluation,
      heads: heads.map((labels, h) => {
        const taught = options['taxonomy'] === undefined && { datasets: [spaces[h]!.name] };
        return { labels, kernel, start, classifier: classifiers[h], boxes, ...taught };
      }),
      loss,
      epochs,
      batch,
      seed,
      device,
      name,
      cache: options['cache'] === false ? false : 'auto',
      flip: options['flip'] === true,
      unknownLabels: options['ignoreUnknown'] === true ? 'ignore' : 'error',
      schedule: rate === undefined ? undefined : { kind: 'cosine', rate },
      negatives,
      only: options['only'] === true,
      checkpoint: {
        ...(every !== undefined && { every }),
        store: {
          get: async () => folder.read('checkpoint.safetensors'),
          put: (_, bytes) => writeBytes(checkpoint, bytes),
          delete: () => rm(checkpoint, { force: true }),
        },
      },
      resume: options['resume'] === true,
      signal,
      onProgress: ({ phase, done, total, epoch, loss: now }) =>
        progress.show(
          `${phase} ${done}/${total}${epoch ? `, epoch ${epoch}` : ''}${now === undefined ? '' : `, loss ${now.toFixed(3)}`}`,
        ),
      onEpoch: (epoch) => {
        history.push(epoch);
        if (options['quiet'] === true) return;
        const scores = epoch.scores.map(({ head, dataset, ap50 }) => `, AP50 of ${head} on ${dataset} ${ap50.toFixed(3)}`);
        progress.note(
          epoch.epoch === 0 ? `start${scores.join('')}` : `epoch ${epoch.epoch}: loss ${epoch.loss.toFixed(3)}${scores.join('')}`,
        );
      },
    });
    // The manifest comes last: a folder with one is whole.
    for (const [file, bytes] of Object.entries(files).sort(([a]) => (a === 'labelweave.json' ? 1 : -1)))
      await writeBytes(join(output, file), bytes);
    if (relations !== undefined) {
      // Only a taxonomy comes with this option.
      const { unified } = heads[0] as Taxonomy;
      const related = relatedTaxonomy(unified, similarities[unified.space.name] ?? []);
      await writeBytes(relations, new TextEncoder().encode(writeTaxonomy(related)));
      progress.note(`wrote ${relations}: ${related.relations.list.length} relations`);
    }
    await rm(checkpoint, { force: true });
    progress.done();
    progress.note(`wrote ${output}: ${spaces.map(({ name: space, size }) => `${space} (${size} labels)`).join(', ')}, epoch ${best.epoch}${Number.isNaN(best.ap50) ? '' : `, AP50 ${best.ap50.toFixed(3)}`}`); // prettier-ignore
  };
  return interruptible(options['quiet'] === true, work, '; go on with --resume');
}
