// Which images a batch holds: over several data sets and over the classes in them, seeded and continued exactly from a state.
import { ArgumentError, describe } from '../errors.js';
import { randomFrom, seededRandom, type Random } from './random.js';

/** What a sampler knows of a data set. */
export interface SampledDataset {
  /** Name, each once. */
  readonly name: string;
  /** Classes of each image, each class once an image: their order gives the images' numbers. */
  readonly images: readonly (readonly number[])[];
  /** How often the data set is drawn, against the others. Default: 1 (dataset-uniform). */
  readonly ratio?: number | undefined;
  /**
   * Inside the data set: `uniform`; `class-aware`, weight sum of 1 / (images with the class) over the image's classes (UniDet, 5.1);
   * `repeat-factor`, max over the image's classes of max(1, sqrt(t / share of images with the class)) (LVIS, ScaleDet). Default: `uniform`.
   */
  readonly balance?: 'uniform' | 'class-aware' | 'repeat-factor' | undefined;
  /** t of `repeat-factor`. Default: 0.001. */
  readonly repeatThreshold?: number | undefined;
}

/** Options of {@link openSampler}. */
export interface SamplerOptions {
  /** What is drawn from. */
  readonly datasets: readonly SampledDataset[];
  /** Images of a batch. */
  readonly batch: number;
  /** true: all images of a batch come from one data set (UniDet, DaTaSeg 3.5). Default: false. */
  readonly oneDatasetABatch?: boolean | undefined;
  /** Default: 1. */
  readonly seed?: number | undefined;
}

/** An image of a batch. */
export interface Sampled {
  /** Name of its data set. */
  readonly dataset: string;
  /** Its number there. */
  readonly image: number;
}

/** Draws batches with replacement. */
export interface Sampler {
  /** The next batch. */
  next(): Sampled[];
  /** Where the stream stands; `restore` continues there. */
  state(): [number, number, number, number];
  /** Continues from a state. */
  restore(state: readonly [number, number, number, number]): void;
  /** Chance of each image of a data set in one draw. */
  chances(dataset: string): Float64Array;
}

/** Repeat factors of LVIS (Gupta et al. 2019, App.): [images], 1 or more. */
export function repeatFactors(images: readonly (readonly number[])[], threshold = 0.001): Float64Array {
  const share = classCounts(images);
  for (const [label, count] of share) share.set(label, count / images.length);
  return Float64Array.from(images, (classes) =>
    classes.reduce((most, label) => Math.max(most, Math.sqrt(threshold / share.get(label)!)), 1),
  );
}

/** Class-aware weights of UniDet's code: [images], mean 1. Images without a class get 0. */
export function classAwareWeights(images: readonly (readonly number[])[]): Float64Array {
  const counts = classCounts(images);
  const weights = Float64Array.from(images, (classes) =>
    [...new Set(classes)].reduce((sum, label) => sum + 1 / counts.get(label)!, 0),
  );
  const mean = weights.reduce((sum, weight) => sum + weight, 0) / weights.length;
  return mean > 0 ? weights.map((weight) => weight / mean) : weights.fill(1);
}

function classCounts(images: readonly (readonly number[])[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const classes of images) for (const label of new Set(classes)) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
}

/** Opens a sampler. Throws ArgumentError for data sets without images, ratios that are not numbers from 0, names that stand twice. */
export function openSampler(options: SamplerOptions): Sampler {
  const { datasets, batch, oneDatasetABatch = false, seed = 1 } = options;
  const wrong = (thing: string, found: unknown, wanted: string) =>
    new ArgumentError({ thing, found: typeof found === 'string' ? found : describe(found), wanted });
  if (!Number.isInteger(batch) || batch < 1) throw wrong('batch', batch, 'a whole number from 1');
  if (!Number.isInteger(seed)) throw wrong('seed', seed, 'a whole number');
  if (datasets.length === 0) throw wrong('datasets', 'none', 'one or more');
  const names = new Set(datasets.map(({ name }) => name));
  if (names.size < datasets.length) throw wrong('datasets', 'a name twice', 'each once');
  const ratios = datasets.map(({ name, images, ratio = 1 }) => {
    if (images.length === 0) throw wrong(`data set "${name}"`, 'no images', 'one or more');
    if (!(ratio >= 0 && ratio < Infinity)) throw wrong(`ratio of "${name}"`, ratio, 'a number from 0');
    return ratio;
  });
  if (!ratios.some((ratio) => ratio > 0)) throw wrong('ratios', 'all 0', 'one above 0');
  const weights = datasets.map(({ name, images, balance = 'uniform', repeatThreshold }) => {
    if (balance === 'class-aware') return classAwareWeights(images);
    if (balance === 'repeat-factor') return repeatFactors(images, repeatThreshold);
    if (balance !== 'uniform') throw wrong(`balance of "${name}"`, balance, '"uniform", "class-aware" or "repeat-factor"');
    return new Float64Array(images.length).fill(1);
  });
  const sums = weights.map(cumulated);
  const ratioSums = cumulated(Float64Array.from(ratios));
  let random: Random = seededRandom(seed);
  const one = (d: number): Sampled => ({ dataset: datasets[d]!.name, image: draw(sums[d]!, random) });
  return {
    next() {
      const first = draw(ratioSums, random);
      return Array.from({ length: batch }, (_, i) => one(oneDatasetABatch || i === 0 ? first : draw(ratioSums, random)));
    },
    state: () => random.state(),
    restore(state) {
      random = randomFrom(state);
    },
    chances(name) {
      const d = datasets.findIndex((dataset) => dataset.name === name);
      if (d < 0) throw wrong('data set', name, [...names].join(', '));
      const share = ratios[d]! / ratioSums.at(-1)!;
      const all = sums[d]!.at(-1)!;
      return weights[d]!.map((weight) => (share * weight) / all);
    },
  };
}

function cumulated(weights: Float64Array): Float64Array {
  let sum = 0;
  return weights.map((weight) => (sum += weight));
}

/** The first place whose sum is above the drawn number. */
function draw(sums: Float64Array, random: Random): number {
  const wanted = random() * sums.at(-1)!;
  let [low, high] = [0, sums.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[middle]! > wanted) high = middle;
    else low = middle + 1;
  }
  return low;
}
