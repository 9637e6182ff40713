// The candidates of firings by the losses of this package: chooses loss, form and thresholds, and says them in the origin.
import { ArgumentError, describe } from '../../errors.js';
import type { EmbeddedSpace, NameLevel } from '../../taxonomy/merge/index.js';
import { apLoss, type ApLossOptions, type LongOptions } from '../costs/ap-loss.js';
import { distortionLoss, type DistortionOptions } from '../costs/distortion.js';
import { type Loss, weightedLoss } from '../costs/loss.js';
import { standInLoss, type StandInOptions } from '../costs/stand-in.js';
import { checkLearnable, type Firings } from '../firings/firings.js';
import { languageLoss, type LanguageOptions } from '../text/vectors.js';
import { nameLoss } from '../text/names.js';
import type { Candidates, Column } from '../types.js';
import { candidatesOf, type CandidateRule, columnOf } from './candidates.js';

/** The losses that are built in. */
export const lossNames = ['ap', 'distortion', 'stand-in'] as const;

/** Options of {@link candidates}. Those of the loss and of the rule have their own defaults for each loss and form. */
export interface CandidateOptions extends Partial<CandidateRule>, LongOptions {
  /**
   * `ap`: UniDet's Eq. 10 (default). `distortion`: Eq. 9, without ground truth. `stand-in`: how badly labels stand in for each other; the one for small
   * validation sets and for separate models of different strength. Or a loss of your own.
   */
  readonly loss?: (typeof lossNames)[number] | Loss | undefined;
  /**
   * Of `ap`: the paper's form or that of the authors' code (default). Of `distortion`: `paper` takes the mean over all boxes as Eq. 9 says, for which lambda
   * and tau must be very small; by default it is relative to each label's own scores.
   */
  readonly form?: 'paper' | 'code' | undefined;
  /** Finer settings of the AP loss. */
  readonly ap?: ApLossOptions | undefined;
  /** Finer settings of the stand-in loss. */
  readonly standIn?: StandInOptions | undefined;
  /** Finer settings of the distortion loss. Its `relative` is true here unless `form` is `paper`. */
  readonly distortion?: DistortionOptions | undefined;
  /** Vectors of names from a text encoder, for a part of language in the cost. */
  readonly language?: readonly EmbeddedSpace[] | undefined;
  /** Finer settings of the part of language. */
  readonly languageOptions?: LanguageOptions | undefined;
  /** Equal names make a merge cheaper: how alike they must be. Default: names do not count. */
  readonly names?: NameLevel | undefined;
  /** Weights of the losses by name (`ap`, `distortion`, `stand-in`, `language`, `names`). Default 1 each. The sum is divided by the sum of weights. */
  readonly weights?: Readonly<Record<string, number>> | undefined;
  /** Resamples of the images for 95 % intervals in the evidence; 0 leaves them out. Default 200 for up to 200,000 scores, else 0. */
  readonly resamples?: number | undefined;
}

const rules: Readonly<Record<string, CandidateRule>> = {
  'ap code': { tau: 0.2, pairCost: 0.05, pairDrop: 0.2, timesSize: true },
  'ap paper': { tau: 0.25 },
  distortion: { tau: 0.75 },
  'stand-in': { tau: 0.75 },
};

/** The loss that the options name, and the thresholds that go with it. */
async function lossOf(firings: Firings, options: CandidateOptions): Promise<{ loss: Loss; rule: CandidateRule }> {
  const { loss: wanted = 'ap', form = 'code', language, names, weights = {}, signal, onProgress, minimumInstances } = options;
  const { resamples = firings.scores.length <= 200_000 ? 200 : 0 } = options;
  const long = { signal, onProgress };
  let loss: Loss;
  let preset: CandidateRule = { tau: 0.25 };
  if (typeof wanted === 'object') loss = wanted;
  else if (wanted === 'ap') {
    loss = await apLoss(firings, { resamples, ...options.ap, form }, long);
    preset = rules[`ap ${form}`]!;
  } else if (wanted === 'stand-in') {
    loss = await standInLoss(
      firings,
      { resamples, ...(minimumInstances !== undefined && { minimumInstances }), ...options.standIn },
      long,
    );
    preset = rules['stand-in']!;
  } else if (wanted === 'distortion') {
    loss = await distortionLoss(firings, { relative: form !== 'paper', ...options.distortion }, long);
    preset = rules['distortion']!;
  } else {
    throw new ArgumentError({ thing: 'loss', found: describe(wanted), wanted: `${lossNames.join(', ')}, or a loss of your own` });
  }
  const parts = [loss];
  if (language) parts.push(languageLoss(firings.spaces, language, options.languageOptions));
  if (names) parts.push(nameLoss(firings.spaces, { level: names }));
  for (const name of Object.keys(weights)) {
    if (!parts.some((part) => part.name === name)) {
      throw new ArgumentError({ thing: 'weights', found: describe(name), wanted: parts.map((part) => part.name).join(', ') });
    }
  }
  const shares = parts.map((part) => weights[part.name] ?? 1);
  const total = shares.reduce((x, y) => x + y, 0);
  if (parts.length > 1) {
    if (!(total > 0)) throw new ArgumentError({ thing: 'weights', found: 'none above 0', wanted: 'one above 0 at least' });
    loss = weightedLoss(
      parts.map((part, i) => ({ loss: part, weight: shares[i]! / total })),
      parts.map((part) => part.name).join(' + '),
    );
  }
  const keys = ['tau', 'pairCost', 'pairDrop', 'timesSize', 'minimumInstances', 'maxColumns', 'maxNearMisses'] as const;
  const given = Object.fromEntries(keys.flatMap((key) => (options[key] === undefined ? [] : [[key, options[key]]])));
  // The stand-in loss weighs directions by their ground truth itself: a label without enough of it may still be seen from the other side.
  const rule: CandidateRule = { ...preset, ...given, ...(wanted === 'stand-in' && { minimumInstances: 0 }) };
  return { loss, rule };
}

/**
 * Which labels may be merged, and what each merge costs: firings in, the columns of the 0-1 program out.
 *
 * ```ts
 * const found = await candidates(await readFirings('coco-voc.firings'), { loss: 'stand-in' });
 * ```
 *
 * @throws LearnError `invalid-firings` for data sets without images or ground truth, `invalid-columns`; ArgumentError; or `signal.reason`.
 */
export async function candidates(firings: Firings, options: CandidateOptions = {}): Promise<Candidates> {
  if (options.loss !== 'distortion') checkLearnable(firings);
  const { loss, rule } = await lossOf(firings, options);
  const words: Record<string, string> = { ap: 'average precision' };
  const parameters: Record<string, number | string | boolean> = {};
  if (options.loss === undefined || options.loss === 'ap' || options.loss === 'distortion')
    parameters['form'] = options.form ?? 'code';
  for (const [name, weight] of Object.entries(options.weights ?? {})) parameters[`weight of ${name}`] = weight;
  if (options.names) parameters['names'] = options.names;
  for (const [key, value] of Object.entries(rule)) if (value !== undefined) parameters[key] = value as number | boolean;
  return candidatesOf(loss, rule, {
    signal: options.signal,
    onProgress: options.onProgress,
    origin: { method: 'learned', loss: words[loss.name] ?? loss.name, parameters },
  });
}

/**
 * The columns of given sets of labels (nodes), as {@link candidates} would have them, whether they pass its thresholds or not: for what a person wants
 * merged. Throws as {@link candidates} does, and LearnError `invalid-columns` where nothing can be said of a set.
 */
export async function columnsFor(
  firings: Firings,
  sets: readonly (readonly number[])[],
  options: CandidateOptions = {},
): Promise<Column[]> {
  const { loss, rule } = await lossOf(firings, options);
  return sets.map((members) => columnOf(loss, members, rule));
}

/** One column; see {@link columnsFor}. */
export async function costOf(firings: Firings, members: readonly number[], options: CandidateOptions = {}): Promise<Column> {
  return (await columnsFor(firings, [members], options))[0]!;
}
