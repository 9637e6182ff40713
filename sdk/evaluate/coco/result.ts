// The result of a COCO evaluation: curves [T, R, K, A, M], the twelve numbers, numbers by class, diagnostics. Makes no curves itself.
import type { Category } from '../input/reader.js';
import { meanOfCells, type CurveShape } from '../stats.js';
import type { Diagnostic } from '../types.js';
import type { ClassCurves } from './engine.js';
import type { AreaRange, IouType, Mode, Settings } from './parameters.js';

/** Numbers of one class. */
export interface CocoClassResult {
  /** Id in the file. */
  readonly id: number;
  /** Name in the file. */
  readonly name: string;
  /** Means over thresholds and recall points for area range `all` (the first) and the largest detection limit; -1 without ground truth. */
  readonly AP: number;
  /** At IoU 0.5. */
  readonly AP50: number;
  /** At IoU 0.75. */
  readonly AP75: number;
  /** Last recall, mean over thresholds. */
  readonly AR: number;
  /** By area range, in the order of the ranges. */
  readonly APByArea: readonly number[];
  /** By area range, in the order of the ranges. */
  readonly ARByArea: readonly number[];
  /** Ground truth that counts, in the first area range. */
  readonly positives: number;
  /** Detections of the class in the images evaluated. */
  readonly detections: number;
}

/** How much was evaluated. */
export interface CocoCounts {
  /** Images evaluated. */
  readonly images: number;
  /** Classes evaluated. */
  readonly categories: number;
  /** Annotations in the file. */
  readonly annotations: number;
  /** Those in the images and classes evaluated that are not ignored, in the first area range. */
  readonly positives: number;
  /** Rows of results. */
  readonly detections: number;
  /** Those in the images and classes evaluated. */
  readonly detectionsEvaluated: number;
  /** Those left after the largest limit of detections was applied to each image and class. */
  readonly detectionsKept: number;
}

/** What mode `corrected` changed. */
export interface Corrections {
  /** Diagnostics that made a difference to what is counted. */
  readonly applied: readonly Diagnostic[];
  /** The numbers of mode `strict` on the same files; undefined where it refuses them (then `strictError` says why). */
  readonly strictStats: Float64Array | undefined;
  /** Why mode `strict` refuses the files; undefined where it does not. */
  readonly strictError: string | undefined;
  /** stats - strictStats, by name; empty where mode strict refuses. */
  readonly changes: Readonly<Record<string, number>>;
}

/** Shape letters: T IoU thresholds, R recall points, K classes, A area ranges, M detection limits. -1 stands where nothing is counted. */
export interface CocoResult {
  /** What overlap means. */
  readonly iouType: IouType;
  /** Quirks copied or mended. */
  readonly mode: Mode;
  /** Lengths of the axes. */
  readonly shape: CurveShape;
  /** [T] */
  readonly iouThresholds: Float64Array;
  /** [R] */
  readonly recallPoints: Float64Array;
  /** [A] */
  readonly areaRanges: readonly AreaRange[];
  /** [M] rising. */
  readonly maxDetections: readonly number[];
  /** [K] by rising id. */
  readonly categories: readonly Category[];
  /** COCO's twelve numbers in COCO's order. */
  readonly stats: Float64Array;
  /** Name of each of `stats`. */
  readonly statNames: readonly string[];
  /** [T, R, K, A, M] row-major; -1 for classes without ground truth that counts. */
  readonly precision: Float64Array;
  /** [T, K, A, M]: the last recall reached. */
  readonly recall: Float64Array;
  /** [T, R, K, A, M]: score at which a recall point is reached; 0 where it is not. */
  readonly scores: Float64Array;
  /** [K] */
  readonly perClass: readonly CocoClassResult[];
  /** How much was evaluated. */
  readonly counts: CocoCounts;
  /** What was odd about the files, and which rules applied. */
  readonly diagnostics: readonly Diagnostic[];
  /** Only in mode `corrected`, and only where something was corrected and the whole results were at hand. */
  readonly corrections: Corrections | undefined;
}

/** Curves of all classes, filled class by class. */
export class CurveStore {
  readonly shape: CurveShape;
  readonly precision: Float64Array;
  readonly recall: Float64Array;
  readonly scores: Float64Array;

  constructor(settings: Settings, K: number) {
    const shape = {
      T: settings.iouThresholds.length,
      R: settings.recallPoints.length,
      K,
      A: settings.areaRanges.length,
      M: settings.maxDetections.length,
    };
    this.shape = shape;
    const cells = shape.T * shape.R * K * shape.A * shape.M;
    this.precision = new Float64Array(cells).fill(-1);
    this.recall = new Float64Array(shape.T * K * shape.A * shape.M).fill(-1);
    this.scores = new Float64Array(cells).fill(-1);
  }

  put(k: number, curves: ClassCurves): void {
    const { T, R, K, A, M } = this.shape;
    const size = A * M;
    for (let tr = 0; tr < T * R; tr++) {
      const to = (tr * K + k) * size;
      for (let i = 0; i < size; i++) {
        this.precision[to + i] = curves.precision[tr * size + i]!;
        this.scores[to + i] = curves.scores[tr * size + i]!;
      }
    }
    for (let t = 0; t < T; t++) {
      const to = (t * K + k) * size;
      for (let i = 0; i < size; i++) this.recall[to + i] = curves.recall[t * size + i]!;
    }
  }
}

export function statNames(settings: Settings): string[] {
  const limits = [0, 1, 2].map((m) => settings.maxDetections[m]);
  const last = settings.mode === 'strict' ? limits[2]! : settings.maxDetections.at(-1)!;
  const ar = (limit: number | undefined, place: number) => (limit === undefined ? `AR@(limit ${place + 1})` : `AR@${limit}`);
  const areas = ['small', 'medium', 'large'];
  return [
    'AP',
    'AP50',
    'AP75',
    ...areas.map((area) => `AP ${area}`),
    ...limits.map(ar),
    ...areas.map((area) => `AR@${last} ${area}`),
  ];
}

/** summarize() of pycocotools: twelve numbers, -1 where nothing is counted. */
export function cocoStats(curves: CurveStore, settings: Settings): Float64Array {
  const { shape } = curves;
  const limits = settings.maxDetections;
  const strict = settings.mode === 'strict';
  const last = strict ? limits[2]! : limits.at(-1)!;
  const places = (limit: number) => limits.flatMap((value, m) => (value === limit ? [m] : []));
  const mean = (what: 'precision' | 'recall', limit: number | undefined, area = 'all', iou?: number): number => {
    const a = settings.areaRanges.findIndex(({ name }) => name === area);
    const m = limit === undefined ? [] : places(limit);
    if (a < 0 || m.length === 0) return -1;
    const t =
      iou === undefined
        ? undefined
        : Array.from(settings.iouThresholds.keys()).filter((i) => sameThreshold(settings.iouThresholds[i]!, iou, strict));
    return meanOfCells(curves[what], what === 'recall' ? { ...shape, R: 1 } : shape, { t, a, m });
  };
  return Float64Array.of(
    // The first line of summarize() knows the limit 100 only.
    mean('precision', strict ? 100 : last),
    mean('precision', last, 'all', 0.5),
    mean('precision', last, 'all', 0.75),
    mean('precision', last, 'small'),
    mean('precision', last, 'medium'),
    mean('precision', last, 'large'),
    mean('recall', limits[0]),
    mean('recall', limits[1]),
    mean('recall', limits[2]),
    mean('recall', last, 'small'),
    mean('recall', last, 'medium'),
    mean('recall', last, 'large'),
  );
}

/** pycocotools compares thresholds exactly. */
const sameThreshold = (a: number, b: number, exactly: boolean) => (exactly ? a === b : Math.abs(a - b) < 1e-9);

export function classResults(
  curves: CurveStore,
  settings: Settings,
  categories: readonly Category[],
  positives: Uint32Array,
  detections: ArrayLike<number>,
): CocoClassResult[] {
  const { shape } = curves;
  const recallShape = { ...shape, R: 1 };
  const m = [shape.M - 1];
  const at = (iou: number) =>
    Array.from(settings.iouThresholds.keys()).filter((i) => sameThreshold(settings.iouThresholds[i]!, iou, false));
  const areas = settings.areaRanges.map((_, a) => a);
  return categories.map((category, k) => ({
    id: category.id,
    name: category.name,
    AP: meanOfCells(curves.precision, shape, { k, a: 0, m }),
    AP50: meanOfCells(curves.precision, shape, { k, a: 0, m, t: at(0.5) }),
    AP75: meanOfCells(curves.precision, shape, { k, a: 0, m, t: at(0.75) }),
    AR: meanOfCells(curves.recall, recallShape, { k, a: 0, m }),
    APByArea: areas.map((a) => meanOfCells(curves.precision, shape, { k, a, m })),
    ARByArea: areas.map((a) => meanOfCells(curves.recall, recallShape, { k, a, m })),
    positives: positives[k * shape.A]!,
    detections: detections[k]!,
  }));
}
