// Semantic segmentation: the confusion matrix of pixels and the scores made from it, with both conventions in use. It reads no files.
import { ArgumentError, describe, EvaluationError } from '../../errors.js';

/**
 * Which classes the mean covers, and what a pixel without a valid predicted class is.
 *
 * - `detectron2` (sem_seg_evaluation.py): classes with ground-truth pixels; a class that is only predicted is left out. Pixels predicted as
 *   `ignore` leave the ground truth of their class, too.
 * - `cityscapes` (cityscapesScripts, mmsegmentation): classes whose union is not empty; a class that is only predicted counts as 0. Pixels
 *   predicted as `ignore` are misses of their class.
 */
export type MiouConvention = 'detectron2' | 'cityscapes';

/** Options of {@link SemanticEvaluator}. */
export interface SemanticOptions {
  /** Number of classes, K, or their names. */
  classes: number | readonly string[];
  /** Value of pixels that do not count; in predictions: no class. Not a class number. Default: 255. */
  ignoreLabel?: number;
}

/** Numbers of one class. */
export interface SemanticClassResult {
  /** Its number in label maps. */
  index: number;
  /** Its name, where names were given. */
  name?: string;
  /** Intersection over union; NaN where the convention leaves the class out. */
  iou: number;
  /** Share of the true pixels that were found (recall); NaN without true pixels. */
  accuracy: number;
  /** Share of the predicted pixels that are right; NaN without predicted pixels. */
  precision: number;
  /** Pixels that count: in both, in the ground truth, predicted. */
  intersection: number;
  /** True pixels. */
  truth: number;
  /** Predicted pixels. */
  predicted: number;
}

/** What {@link SemanticEvaluator.result} gives. */
export interface SemanticResult {
  /** The convention of the numbers. */
  convention: MiouConvention;
  /** Mean of the IoU over the classes that the convention counts; NaN where there are none. */
  mIoU: number;
  /** IoU weighted by the share of true pixels. */
  fwIoU: number;
  /** Mean of `accuracy` over classes with true pixels. */
  meanAccuracy: number;
  /** Right pixels by pixels that count. */
  pixelAccuracy: number;
  /** Classes in the mean. */
  classes: number;
  /** [K] */
  perClass: SemanticClassResult[];
}

/** A part of an evaluation as plain data, for JSON or a message to another thread. */
export interface SemanticShard {
  /** Says what this is. */
  labelweave: 'semantic-shard';
  /** Version of the form. */
  version: 1;
  /** K */
  classes: number;
  /** Images counted. */
  images: number;
  /** [K + 1, K + 1] */
  confusion: number[];
}

/**
 * Counts pixels by predicted and true class and gives intersection over union with either convention. All numbers come from integers, so
 * the order of images and shards does not matter.
 */
export class SemanticEvaluator {
  /** K */
  readonly classes: number;
  /** [K + 1, K + 1] pixels: row = predicted class, column = true class, last = ignored. Rows and columns as detectron2 writes them. */
  readonly confusion: Float64Array;
  readonly #names: readonly string[] | undefined;
  readonly #ignoreLabel: number;
  #images = 0;

  /** Throws ArgumentError for a class count below 1 or an ignore label that is a class. */
  constructor({ classes, ignoreLabel = 255 }: SemanticOptions) {
    this.#names = typeof classes === 'number' ? undefined : [...classes];
    this.classes = typeof classes === 'number' ? classes : classes.length;
    if (!Number.isInteger(this.classes) || this.classes < 1 || this.classes > 2 ** 12) {
      throw new ArgumentError({ thing: 'classes', found: describe(classes), wanted: 'one class to 4096' });
    }
    if (!Number.isInteger(ignoreLabel) || (ignoreLabel >= 0 && ignoreLabel < this.classes)) {
      throw new ArgumentError({
        thing: 'ignoreLabel',
        found: describe(ignoreLabel),
        wanted: `a whole number outside 0 to ${this.classes - 1}`,
      });
    }
    this.#ignoreLabel = ignoreLabel;
    this.confusion = new Float64Array((this.classes + 1) ** 2);
  }

  /** Images added. */
  get images(): number {
    return this.#images;
  }

  /**
   * Counts one image. Both arrays hold a class index or the ignore label for every pixel, in the same order.
   * @throws EvaluationError where lengths differ or a value is neither; nothing is counted then.
   */
  add(prediction: ArrayLike<number>, groundTruth: ArrayLike<number>): void {
    const n = groundTruth.length;
    if (prediction.length !== n) {
      throw new EvaluationError('invalid-predictions', {
        thing: `image ${this.#images}`,
        found: `${prediction.length} predicted pixels`,
        wanted: `${n}, as the ground truth has`,
      });
    }
    // First a look at every value, so that a bad one leaves no half an image behind.
    for (let i = 0; i < n; i++) {
      if (this.#place(prediction[i]!) < 0) throw this.#unknownClass(prediction[i]!, i, 'invalid-predictions');
      if (this.#place(groundTruth[i]!) < 0) throw this.#unknownClass(groundTruth[i]!, i, 'invalid-ground-truth');
    }
    const side = this.classes + 1;
    for (let i = 0; i < n; i++) this.confusion[this.#place(prediction[i]!) * side + this.#place(groundTruth[i]!)]!++;
    this.#images++;
  }

  /** Row or column of a value; -1 where it is none. */
  #place(value: number): number {
    if (value === this.#ignoreLabel) return this.classes;
    return value >= 0 && value < this.classes && Number.isInteger(value) ? value : -1;
  }

  #unknownClass(value: number, pixel: number, code: 'invalid-predictions' | 'invalid-ground-truth'): EvaluationError {
    return new EvaluationError(code, {
      thing: `image ${this.#images}, pixel ${pixel}`,
      found: `${code === 'invalid-predictions' ? 'predicted' : 'true'} class ${describe(value)}`,
      wanted: `0 to ${this.classes - 1}, or ${this.#ignoreLabel} for pixels that do not count`,
    });
  }

  /** The scores so far; `add` may go on afterwards. The convention has no default: the two differ by whole points. */
  result(convention: MiouConvention): SemanticResult {
    if (convention !== 'detectron2' && convention !== 'cityscapes') {
      throw new ArgumentError({ thing: 'convention', found: describe(convention), wanted: '"detectron2" or "cityscapes"' });
    }
    const K = this.classes;
    const rows = convention === 'detectron2' ? K : K + 1;
    const perClass = Array.from({ length: K }, (_, k): SemanticClassResult => {
      let truth = 0;
      let predicted = 0;
      for (let row = 0; row < rows; row++) truth += this.confusion[row * (K + 1) + k]!;
      for (let column = 0; column < K; column++) predicted += this.confusion[k * (K + 1) + column]!;
      const intersection = this.confusion[k * (K + 1) + k]!;
      const counts = convention === 'detectron2' ? truth > 0 : truth + predicted > 0;
      return {
        index: k,
        ...(this.#names ? { name: this.#names[k]! } : {}),
        iou: counts ? intersection / (truth + predicted - intersection) : Number.NaN,
        accuracy: intersection / truth,
        precision: intersection / predicted,
        intersection,
        truth,
        predicted,
      };
    });
    const counted = perClass.filter(({ iou }) => !Number.isNaN(iou));
    const occurring = perClass.filter(({ truth }) => truth > 0);
    const sum = (of: readonly SemanticClassResult[], value: (entry: SemanticClassResult) => number) =>
      of.reduce((total, entry) => total + value(entry), 0);
    const pixels = sum(perClass, ({ truth }) => truth);
    return {
      convention,
      mIoU: sum(counted, ({ iou }) => iou) / counted.length,
      fwIoU: sum(occurring, ({ iou, truth }) => iou * (truth / pixels)) / (pixels > 0 ? 1 : 0),
      meanAccuracy: sum(occurring, ({ accuracy }) => accuracy) / occurring.length,
      pixelAccuracy: sum(perClass, ({ intersection }) => intersection) / pixels,
      classes: counted.length,
      perClass,
    };
  }

  /** This part as plain data. */
  toShard(): SemanticShard {
    return {
      labelweave: 'semantic-shard',
      version: 1,
      classes: this.classes,
      images: this.#images,
      confusion: [...this.confusion],
    };
  }

  /** Adds a part that another evaluator with as many classes has counted. Throws ArgumentError where it is no such part. */
  merge(shard: SemanticShard): void {
    const fits = shard?.labelweave === 'semantic-shard' && shard.version === 1;
    if (!fits || shard.classes !== this.classes || shard.confusion.length !== this.confusion.length) {
      throw new ArgumentError({
        thing: 'semantic shard',
        found: fits ? `${shard.classes} classes` : describe(shard),
        wanted: `what toShard() of an evaluator with ${this.classes} classes gave`,
      });
    }
    shard.confusion.forEach((pixels, cell) => (this.confusion[cell]! += pixels));
    this.#images += shard.images;
  }
}
