// Bootstrap over images: how sure an AP is, and whether one model is better than another on the same images (Efron & Tibshirani 1993, ch. 13, 16).
import { mulberry32 } from '../random.js';
import { ArgumentError, describe } from '../../errors.js';
import { weightedAp, type Outcomes, type WeightedAp } from './outcomes.js';

/** Options of both functions. */
export interface BootstrapOptions {
  /** Resamples, 2 to 100000. Default: 1000. */
  readonly resamples?: number;
  /** The same seed gives the same numbers. Default: 1. */
  readonly seed?: number;
  /** Share of resamples inside the interval. Default: 0.95. */
  readonly confidence?: number;
  /** Which number. Default: AP. */
  readonly metric?: 'AP' | 'AP50';
  /** Stops between resamples by throwing `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
}

/** A number with its percentile interval. */
export interface Interval {
  /** On the images themselves. */
  readonly value: number;
  /** Lower end. */
  readonly lower: number;
  /** Upper end. */
  readonly upper: number;
  /** Standard deviation over resamples. */
  readonly standardError: number;
  /** Resamples that were made. */
  readonly resamples: number;
  /** Share of resamples inside the interval. */
  readonly confidence: number;
}

/** Model b against model a. */
export interface Comparison {
  /** a alone. */
  readonly a: number;
  /** b alone. */
  readonly b: number;
  /** b - a, with both on the same resampled images. */
  readonly difference: Interval;
  /** Two-sided: how often resamples contradict the sign of the difference, times two, at most 1. */
  readonly pValue: number;
  /** Share of resamples in which b is better; equal ones count half. */
  readonly probabilityBetter: number;
}

function check(options: BootstrapOptions, images: number): Required<Omit<BootstrapOptions, 'signal'>> {
  const { resamples = 1000, seed = 1, confidence = 0.95, metric = 'AP' } = options;
  const wrong = (thing: string, found: unknown, wanted: string) => new ArgumentError({ thing, found: describe(found), wanted });
  if (!Number.isInteger(resamples) || resamples < 2 || resamples > 100_000)
    throw wrong('resamples', resamples, 'a whole number from 2 to 100000');
  if (!Number.isInteger(seed)) throw wrong('seed', seed, 'a whole number');
  if (!(confidence > 0 && confidence < 1)) throw wrong('confidence', confidence, 'a number between 0 and 1');
  if (metric !== 'AP' && metric !== 'AP50') throw wrong('metric', metric, '"AP" or "AP50"');
  if (images === 0) throw wrong('outcomes', 'no images', 'one or more');
  return { resamples, seed, confidence, metric };
}

/** Draws as many images as there are, with replacement, and tells how often each was drawn. */
function* draws(images: number, resamples: number, seed: number, signal: AbortSignal | undefined): Generator<Uint32Array> {
  const next = mulberry32(seed);
  for (let i = 0; i < resamples; i++) {
    signal?.throwIfAborted();
    const weights = new Uint32Array(images);
    for (let n = 0; n < images; n++) weights[Math.floor(next() * images)]!++;
    yield weights;
  }
}

/** Quantile with linear interpolation between order statistics (NumPy's default). @param sorted rising */
function quantile(sorted: Float64Array, q: number): number {
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low]! + (sorted[high]! - sorted[low]!) * (at - low);
}

function interval(value: number, values: Float64Array, confidence: number): Interval {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - 1);
  const sorted = values.slice().sort();
  const tail = (1 - confidence) / 2;
  return {
    value,
    lower: quantile(sorted, tail),
    upper: quantile(sorted, 1 - tail),
    standardError: Math.sqrt(variance),
    resamples: values.length,
    confidence,
  };
}

/** Percentile interval of AP over resampled images. Throws ArgumentError, or `signal.reason`. */
export function bootstrapAp(outcomes: Outcomes, options: BootstrapOptions = {}): Interval {
  const { resamples, seed, confidence, metric } = check(options, outcomes.imageIds.length);
  const values: number[] = [];
  for (const weights of draws(outcomes.imageIds.length, resamples, seed, options.signal)) values.push(weightedAp(outcomes, weights)[metric]); // prettier-ignore
  return interval(weightedAp(outcomes)[metric], Float64Array.from(values), confidence);
}

/**
 * Whether b is better than a: both are evaluated on the same resampled images, so what is hard for both does not blur the difference.
 * @throws ArgumentError where the images differ, or `signal.reason`
 */
export function comparePaired(a: Outcomes, b: Outcomes, options: BootstrapOptions = {}): Comparison {
  const images = a.imageIds.length;
  const { resamples, seed, confidence, metric } = check(options, images);
  if (b.imageIds.length !== images || a.imageIds.some((id, i) => id !== b.imageIds[i])) {
    throw new ArgumentError({
      thing: 'outcomes to compare',
      found: 'different images',
      wanted: 'two models on the same ground truth',
    });
  }
  const pick = (found: WeightedAp) => found[metric];
  const values: number[] = [];
  for (const weights of draws(images, resamples, seed, options.signal)) values.push(pick(weightedAp(b, weights)) - pick(weightedAp(a, weights))); // prettier-ignore
  const [own, other] = [pick(weightedAp(a)), pick(weightedAp(b))];
  const above = values.filter((value) => value > 0).length;
  const equal = values.filter((value) => value === 0).length;
  const below = values.length - above - equal;
  // One is added on both sides, so that a finite number of resamples never says 0 (Davison & Hinkley 1997, 4.2).
  const pValue = Math.min(1, (2 * (Math.min(above, below) + equal + 1)) / (values.length + 1));
  return {
    a: own,
    b: other,
    difference: interval(other - own, Float64Array.from(values), confidence),
    pValue,
    probabilityBetter: (above + equal / 2) / values.length,
  };
}
