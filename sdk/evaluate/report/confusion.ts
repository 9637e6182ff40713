// Confusion matrix of detections: which class is taken for which, at one score and one IoU. Not the matching of AP, which never mixes classes.
import type { ReportConfusion } from './report.js';
import { sampleOverlaps, type SampleImage, type Samples } from './samples.js';

/** Options of {@link confusionMatrix}. */
export interface ConfusionOptions {
  /** Only detections with this score or better. Default: 0.5. */
  readonly scoreThreshold?: number;
  /** Least IoU of a pair. Default: 0.5. */
  readonly iouThreshold?: number;
}

/** Gathers images one by one. */
export class ConfusionCollector {
  /** [K + 1, K + 1] row = true class, column = detected class; last row: detections of nothing, last column: objects missed. */
  readonly counts: Float64Array;
  readonly #side: number;

  /** For K classes. */
  constructor(
    K: number,
    private readonly options: Required<ConfusionOptions>,
  ) {
    this.#side = K + 1;
    this.counts = new Float64Array(this.#side ** 2);
  }

  /**
   * Takes an image. Pairs are taken by falling IoU, of equal ones those of the same class first, then the better score; each object and
   * detection once. Detections left over on a crowd region are not counted.
   */
  take(image: SampleImage, ious: Float64Array): void {
    const { scoreThreshold, iouThreshold } = this.options;
    const G = image.truthClasses.length;
    const pairs: { d: number; g: number; iou: number; same: boolean }[] = [];
    const onCrowd = new Set<number>();
    let D = 0;
    for (; D < image.scores.length && image.scores[D]! >= scoreThreshold; D++) {
      for (let g = 0; g < G; g++) {
        const iou = ious[D * G + g]!;
        if (!(iou >= iouThreshold)) continue;
        if (image.crowd[g]) onCrowd.add(D);
        else pairs.push({ d: D, g, iou, same: image.classes[D] === image.truthClasses[g] });
      }
    }
    pairs.sort((a, b) => b.iou - a.iou || Number(b.same) - Number(a.same) || a.d - b.d || a.g - b.g);
    const [detections, truths] = [new Set<number>(), new Set<number>()];
    const none = this.#side - 1;
    for (const { d, g } of pairs) {
      if (detections.has(d) || truths.has(g)) continue;
      detections.add(d);
      truths.add(g);
      this.counts[image.truthClasses[g]! * this.#side + image.classes[d]!]!++;
    }
    for (let d = 0; d < D; d++) {
      if (!detections.has(d) && !onCrowd.has(d)) this.counts[none * this.#side + image.classes[d]!]!++;
    }
    for (let g = 0; g < G; g++) if (!truths.has(g) && !image.crowd[g]) this.counts[image.truthClasses[g]! * this.#side + none]!++;
  }
}

/** Objects by true class (rows) and detected class (columns), with "nothing" as the last of both. */
export function confusionMatrix(samples: Samples, options: ConfusionOptions = {}): ReportConfusion {
  const { scoreThreshold = 0.5, iouThreshold = 0.5 } = options;
  const collector = new ConfusionCollector(samples.categories.length, { scoreThreshold, iouThreshold });
  for (const image of samples.images) collector.take(image, sampleOverlaps(image, samples.iouType));
  return { names: [...samples.categories.map(({ name }) => name), 'nothing'], counts: Array.from(collector.counts) };
}
