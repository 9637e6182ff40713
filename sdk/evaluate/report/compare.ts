// Two detectors on the same images: AP of both, how sure the difference is, and where it lies. It matches as COCO does.
import { comparePaired, type BootstrapOptions, type Comparison } from './bootstrap.js';
import { outcomesOf, weightedAp } from './outcomes.js';
import type { DetectionInput } from '../coco/inputs.js';
import { openSamples, type SamplesOptions } from './samples.js';

/** One class of both models. */
export interface ClassComparison {
  /** Id of the class. */
  readonly id: number;
  /** Name of the class. */
  readonly name: string;
  /** AP of the first model; -1 without objects. */
  readonly a: number;
  /** AP of the second. */
  readonly b: number;
  /** b - a; NaN without objects. */
  readonly difference: number;
}

/** What {@link compareCoco} gives. */
export interface ModelComparison {
  /** What the models are called: a, b. */
  readonly names: readonly [string, string];
  /** AP over ten thresholds. */
  readonly AP: Comparison;
  /** AP at IoU 0.5. */
  readonly AP50: Comparison;
  /** Classes with objects, the largest difference first. */
  readonly perClass: readonly ClassComparison[];
  /** The same for a console. */
  readonly lines: readonly string[];
}

/** Options of {@link compareCoco}. */
export interface CompareOptions extends SamplesOptions, Omit<BootstrapOptions, 'metric' | 'signal'> {
  /** Results of the second model, on the same ground truth. */
  readonly against: DetectionInput;
  /** What the models are called. Default: a and b. */
  readonly names?: readonly [string, string] | undefined;
}

/**
 * Compares two models on COCO ground truth: a is `detections`, b is `against`. The difference gets a percentile interval and a p-value from paired
 * resamples of the images (see {@link comparePaired}).
 * @throws EvaluationError, ArgumentError, LoadError, or `signal.reason`
 */
export async function compareCoco(options: CompareOptions): Promise<ModelComparison> {
  const { against, names = ['a', 'b'], ...rest } = options;
  const a = outcomesOf(await openSamples(rest));
  const b = outcomesOf(await openSamples({ ...rest, detections: against }));
  const AP = comparePaired(a, b, { ...rest, metric: 'AP' });
  const AP50 = comparePaired(a, b, { ...rest, metric: 'AP50' });
  const [own, other] = [weightedAp(a).byClass, weightedAp(b).byClass];
  const perClass = a.categories
    .map(({ id, name }, k) => ({
      id,
      name,
      a: own[k]!,
      b: other[k]!,
      difference: own[k]! < 0 ? Number.NaN : other[k]! - own[k]!,
    }))
    .filter((entry) => !Number.isNaN(entry.difference))
    .sort((x, y) => Math.abs(y.difference) - Math.abs(x.difference) || x.id - y.id);
  return { names, AP, AP50, perClass, lines: linesOf(names, { AP, AP50 }, perClass) };
}

const signed = (value: number) => `${value < 0 ? '' : '+'}${value.toFixed(3)}`;

function linesOf(
  [a, b]: readonly [string, string],
  numbers: Readonly<Record<string, Comparison>>,
  perClass: readonly ClassComparison[],
): string[] {
  return [
    ...Object.entries(numbers).map(
      ([
        name,
        {
          a: own,
          b: other,
          difference: { value, lower, upper, confidence, resamples },
          pValue,
        },
      ]) =>
        `${name}: ${a} ${own.toFixed(3)}, ${b} ${other.toFixed(3)}, difference ${signed(value)}, ${confidence * 100} % interval ${signed(lower)} to ${signed(upper)}, p = ${pValue.toFixed(4)} (${resamples} paired resamples of the images)`,
    ),
    ...(perClass.length
      ? [`Largest differences of AP: ${perClass.slice(0, 5).map(({ name, difference }) => `${name} ${signed(difference)}`).join(', ')}`] // prettier-ignore
      : []),
  ];
}
