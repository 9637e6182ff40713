// `labelweave firings`: runs detectors over images with ground truth and writes what every head says, for `labelweave learn`.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Detector, type ImageInput, type LabelSpace, LabelweaveError, loadDetector, LoadError } from 'labelweave';
import { type CocoTruths, fireDetectors, type FiringImage, readCocoTruths, writeFirings } from 'labelweave/learn';
import { writeBytes } from 'labelweave/node';
import { numberOption, textOption, UsageError, wordOption } from './exit.js';
import { interruptible } from './interrupt.js';
import { namedModel } from './models.js';

type Options = Readonly<Record<string, unknown>>;

/** Option values that may stand several times. */
const listOption = (value: unknown): string[] => (value === undefined ? [] : [value].flat().map(String));

/** Images, ground truth and models in; a file of firings out. */
export async function firingsCommand(options: Options): Promise<number> {
  const output = textOption('output', options['output'], 'one path');
  if (output === undefined) throw new UsageError('firings: found no --output; wanted -o FILE.firings');
  const device = wordOption('device', options['device'] ?? 'auto', ['auto', 'webgpu', 'wasm', 'reference'] as const);
  const scoreThreshold = numberOption('threshold', options['threshold'] ?? 0.02, 'a number from 0 to 1', (n) => n >= 0 && n <= 1);
  const maxDetections = numberOption(
    'max',
    options['max'] ?? 300,
    'a whole number from 1 to 10000',
    (n) => Number.isInteger(n) && n >= 1 && n <= 10_000,
  );
  const matchIou = numberOption('match', options['match'] ?? 0.5, 'a number above 0, up to 1', (n) => n > 0 && n <= 1);
  const models = listOption(options['model']);
  const folders = listOption(options['images']);
  const files = listOption(options['gt']).map((value) => {
    const named = /^([^=/\\]+)=(.+)$/u.exec(value);
    return named ? { dataset: named[1]!, file: named[2]! } : { dataset: undefined, file: value };
  });
  if (models.length === 0) throw new UsageError('firings: found no --model; wanted one or more');
  if (files.length === 0 || folders.length !== files.length) {
    throw new UsageError(
      `firings: found ${folders.length} --images and ${files.length} --gt; wanted as many of both, one or more`,
    );
  }

  return interruptible(options['quiet'] === true, async (signal, progress) => {
    const detectors: Detector[] = [];
    try {
      for (const model of models) {
        progress.show(`loading ${model}`);
        detectors.push(await loadDetector(namedModel(model), { device, signal }));
      }
      const spaces = detectors.flatMap(({ datasets }) => datasets);
      const sets: (CocoTruths & { names: ReadonlyMap<number, string>; folder: string })[] = [];
      for (const [i, { dataset, file }] of files.entries()) {
        progress.show(`reading ${file}`);
        const truths = await truthsOf(file, dataset, spaces, signal);
        if (sets.some(({ space }) => space.name === truths.space.name)) {
          progress.note(`${file}: more images of ${truths.space.name}`);
        }
        sets.push({ ...truths, names: await imageNames(file), folder: folders[i]! });
      }
      const total = sets.reduce((sum, { images }) => sum + images.length, 0);
      const firings = await fireDetectors<ImageInput>(detectors, imagesOf(sets), {
        scoreThreshold,
        maxDetections,
        matchIou,
        total,
        signal,
        onProgress: ({ done }) => progress.show(`${done}/${total} images`),
      });
      await writeBytes(output, Buffer.concat(Array.from(writeFirings(firings), (part) => part.slice())));
      progress.done();
      const list = firings.spaces.map(({ name, size }) => `${name} (${size})`).join(', ');
      progress.note(
        `${output}: ${total} images, ${firings.scores.length} scores of ${list}, ${firings.truthLabels.length} ground truths`,
      );
    } finally {
      for (const detector of detectors) detector.dispose();
    }
  });
}

/** The ground truth in the labels of the model that knows all its categories. */
async function truthsOf(
  file: string,
  dataset: string | undefined,
  spaces: readonly LabelSpace[],
  signal: AbortSignal,
): Promise<CocoTruths> {
  const names = [...new Set(spaces.map(({ name }) => name))];
  if (dataset !== undefined) {
    const space = spaces.find(({ name }) => name === dataset);
    if (!space)
      throw new UsageError(`--gt: found data set ${JSON.stringify(dataset)}; wanted one of the models': ${names.join(', ')}`);
    return readCocoTruths(file, { labels: space, signal });
  }
  const fitting: CocoTruths[] = [];
  let problem: LabelweaveError | undefined;
  for (const name of names) {
    try {
      fitting.push(await readCocoTruths(file, { labels: spaces.find((space) => space.name === name)!, signal }));
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof LabelweaveError) || error.code !== 'invalid-firings') throw error;
      problem = error;
    }
  }
  if (fitting.length === 1) return fitting[0]!;
  // A label may know the other's name as a synonym: spelling decides.
  const spelled = await categoryNames(file);
  const exact = fitting.filter(({ space }) => spelled.every((name) => space.hasName(name)));
  if (exact.length === 1) return exact[0]!;
  if (fitting.length === 0 && names.length === 1) throw problem!;
  const found =
    fitting.length === 0 ? 'categories of none of them' : `categories of ${fitting.map(({ space }) => space.name).join(' and ')}`;
  throw new UsageError(`--gt ${file}: found ${found}; wanted NAME=FILE with one of ${names.join(', ')}`);
}

/** Names of the categories of a COCO file. */
async function categoryNames(file: string): Promise<string[]> {
  const json = JSON.parse(await readFile(file, 'utf8')) as { categories: { name?: unknown }[] };
  return json.categories.map(({ name }) => String(name));
}

/** File names of the images of a COCO file. */
async function imageNames(file: string): Promise<ReadonlyMap<number, string>> {
  const json = JSON.parse(await readFile(file, 'utf8')) as { images: { id: number; file_name?: unknown }[] };
  return new Map(json.images.flatMap(({ id, file_name }) => (typeof file_name === 'string' ? [[id, file_name]] : [])));
}

function* imagesOf(
  sets: readonly (CocoTruths & { names: ReadonlyMap<number, string>; folder: string })[],
): Iterable<FiringImage<ImageInput>> {
  const used = new Map<string, Set<number>>();
  for (const { space, images, names, folder } of sets) {
    const ids = used.get(space.name) ?? new Set<number>();
    used.set(space.name, ids);
    for (const { id, truths } of images) {
      const name = names.get(id);
      if (name === undefined) {
        throw new LoadError('missing-file', {
          thing: `image ${id} of ${space.name}`,
          found: 'no file_name',
          wanted: 'a file name in --gt',
        });
      }
      const image = join(folder, name);
      // Several files of one data set may number their images alike.
      let own = id;
      while (ids.has(own)) own += 2 ** 40;
      ids.add(own);
      yield { dataset: space.name, id: own, name: image, image, truths };
    }
  }
}
