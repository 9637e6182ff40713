// Everything people ask about a detector beside its AP, in one pass over the images: errors, thresholds, confusions, calibration, certainty.
import { bootstrapAp, type Interval } from './bootstrap.js';
import { ConfusionCollector } from './confusion.js';
import {
  calibrationOf, f1Curve, OutcomeCollector, weightedAp, worstImages, type Calibration, type F1Curve, type ImageMistakes, type Outcomes, type ThresholdAdvice,
} from './outcomes.js'; // prettier-ignore
import type { ReportConfusion } from './report.js';
import { openSamples, sampleOverlaps, type Samples, type SamplesOptions } from './samples.js';
import { TideCollector, type TideResult } from './tide.js';

/** What is asked beside the files. */
export interface AnalysisOptions extends SamplesOptions {
  /** Score from which on detections count in the confusion matrix and the worst images. Default: the one with the best F1. */
  readonly scoreThreshold?: number | undefined;
  /** Resamples of the bootstrap; 0 leaves it out. Default: 200. */
  readonly resamples?: number | undefined;
  /** Seed of the bootstrap. Default: 1. */
  readonly seed?: number | undefined;
  /** Images of the list. Default: 20. */
  readonly worst?: number | undefined;
  /** AP on parts of the images: ids by the name of the part (night, rain, ...). Unknown ids are passed over. */
  readonly slices?: Readonly<Record<string, ArrayLike<number>>> | undefined;
}

/** The best threshold of one class. */
export interface ClassAdvice extends ThresholdAdvice {
  /** Id of the class. */
  readonly id: number;
  /** Name of the class. */
  readonly name: string;
}

/** AP on a part of the images. */
export interface SliceResult {
  /** Name of the part. */
  readonly name: string;
  /** Images of it that are in the ground truth. */
  readonly images: number;
  /** AP there; -1 without objects. */
  readonly AP: number;
  /** AP at IoU 0.5 there. */
  readonly AP50: number;
}

/** Answers about one detector on one data set. */
export interface Analysis {
  /** The same answers for a console. */
  readonly lines: readonly string[];
  /** TIDE's breakdown. */
  readonly tide: TideResult;
  /** F1 over one threshold for all classes, and the best of it. */
  readonly f1: F1Curve;
  /** The best threshold of each class with objects. */
  readonly thresholds: readonly ClassAdvice[];
  /** Score threshold of `confusion` and `worst`. */
  readonly scoreThreshold: number;
  /** True and detected classes. */
  readonly confusion: ReportConfusion;
  /** Scores against hits. */
  readonly calibration: Calibration;
  /** AP with its interval; undefined where it was left out. */
  readonly bootstrap: Interval | undefined;
  /** Images with the most mistakes. */
  readonly worst: readonly ImageMistakes[];
  /** AP on parts. */
  readonly slices: readonly SliceResult[];
}

/**
 * Reads COCO files and analyses them. Matches are those of COCO at IoU 0.5 unless said otherwise.
 * @throws EvaluationError, ArgumentError, LoadError, or `signal.reason`
 */
export async function analyseCoco(options: AnalysisOptions): Promise<Analysis> {
  return analyseSamples(await openSamples(options), options);
}

/** Analyses samples that are at hand. Throws `signal.reason`. */
export function analyseSamples(samples: Samples, options: Omit<AnalysisOptions, 'groundTruth' | 'detections'> = {}): Analysis {
  const K = samples.categories.length;
  const collector = new OutcomeCollector(samples);
  const tideCollector = new TideCollector(K);
  for (const at of samples.fileOrder) {
    options.signal?.throwIfAborted();
    const image = samples.images[at]!;
    const ious = sampleOverlaps(image, samples.iouType);
    collector.take(image, at, ious);
    tideCollector.take(image, ious);
  }
  const outcomes = collector.finish();
  const f1 = f1Curve(outcomes);
  const scoreThreshold = options.scoreThreshold ?? (Number.isNaN(f1.threshold) ? 0.5 : f1.threshold);
  const confusionCollector = new ConfusionCollector(K, { scoreThreshold, iouThreshold: 0.5 });
  for (const image of samples.images) confusionCollector.take(image, sampleOverlaps(image, samples.iouType));
  const resamples = options.resamples ?? 200;
  const { signal, seed } = options;
  const bootstrap =
    resamples > 0 && samples.images.length > 0
      ? bootstrapAp(outcomes, { resamples, signal, ...(seed !== undefined && { seed }) })
      : undefined;
  const parts = {
    tide: tideCollector.finish(),
    f1,
    thresholds: samples.categories.flatMap(({ id, name }, k) => {
      if (!outcomes.classes[k]!.positives.some((n) => n > 0)) return [];
      const { threshold, f1: best, precision, recall } = f1Curve(outcomes, [k]);
      return [{ id, name, threshold, f1: best, precision, recall }];
    }),
    scoreThreshold,
    confusion: {
      names: [...samples.categories.map(({ name }) => name), 'nothing'],
      counts: Array.from(confusionCollector.counts),
    },
    calibration: calibrationOf(outcomes),
    bootstrap,
    worst: worstImages(outcomes, scoreThreshold, options.worst ?? 20),
    slices: Object.entries(options.slices ?? {}).map(([name, ids]) => sliceAp(outcomes, name, ids)),
  };
  return { lines: linesOf(parts), ...parts };
}

/** AP on some of the images. */
export function sliceAp(outcomes: Outcomes, name: string, imageIds: ArrayLike<number>): SliceResult {
  const wanted = new Set(Array.from(imageIds));
  const weights = Uint8Array.from(outcomes.imageIds, (id) => Number(wanted.has(id)));
  const { AP, AP50 } = weightedAp(outcomes, weights);
  return { name, images: weights.reduce((sum, weight) => sum + weight, 0), AP, AP50 };
}

function linesOf({ tide, f1, calibration, bootstrap, worst, slices, scoreThreshold }: Omit<Analysis, 'lines'>): string[] {
  const errors = Object.entries(tide.errors).map(([kind, gain]) => `${kind} ${gain.toFixed(2)} (${tide.counts[kind as 'Cls']})`);
  return [
    ...(bootstrap
      ? [`AP ${bootstrap.value.toFixed(3)}, ${bootstrap.confidence * 100} % interval ${bootstrap.lower.toFixed(3)} to ${bootstrap.upper.toFixed(3)} (${bootstrap.resamples} resamples of the images)`] // prettier-ignore
      : []),
    `Best F1 ${f1.f1.toFixed(3)} at score ${f1.threshold.toFixed(3)}: precision ${f1.precision.toFixed(3)}, recall ${f1.recall.toFixed(3)}`,
    `TIDE, AP50 points to gain (errors): ${errors.join(', ')}; without false positives ${tide.falsePositives.toFixed(2)}, without misses ${tide.falseNegatives.toFixed(2)}`,
    `Calibration: ECE ${calibration.ece.toFixed(3)}, MCE ${calibration.mce.toFixed(3)}, Brier ${calibration.brier.toFixed(3)}`,
    ...slices.map(
      ({ name, images, AP, AP50 }) => `Slice ${name}: ${images} images, AP ${AP.toFixed(3)}, AP50 ${AP50.toFixed(3)}`,
    ),
    ...(worst.length
      ? [`Most mistakes from score ${scoreThreshold.toFixed(3)} on: ${worst.slice(0, 5).map(({ imageId, fp, fn }) => `image ${imageId} (${fp} false, ${fn} missed)`).join(', ')}`] // prettier-ignore
      : []),
  ];
}
