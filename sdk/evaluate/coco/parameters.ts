// The parameters of COCO's protocol, checked and filled in. Names and defaults are those of pycocotools' Params.
import { ArgumentError, describe } from '../../errors.js';
import { cocoIouThresholds, cocoRecallPoints } from '../stats.js';

/** What overlap means. `boundary`: the smaller of mask IoU and Boundary IoU (Cheng et al. 2021). */
export type IouType = 'bbox' | 'segm' | 'boundary';

/** `strict` copies every quirk of the official tool; `corrected` mends them and says what it mended. */
export type Mode = 'strict' | 'corrected';

/** Objects by the area that their annotation tells, in square pixels; both bounds belong to the range. */
export interface AreaRange {
  /** Name of the range; `all`, `small`, `medium` and `large` are those of the twelve numbers. */
  readonly name: string;
  /** Smallest area in it. */
  readonly min: number;
  /** Largest area in it. */
  readonly max: number;
}

/** Parameters of COCO's protocol, as Params of pycocotools. */
export interface CocoParameters {
  /** What overlap means. */
  readonly iouType: IouType;
  /** Default `strict`. */
  readonly mode?: Mode | undefined;
  /** T thresholds, at most 32. Default linspace(.5, .95, 10). */
  readonly iouThresholds?: ArrayLike<number> | undefined;
  /** R recall points, ascending. Default linspace(0, 1, 101). */
  readonly recallPoints?: ArrayLike<number> | undefined;
  /** M limits of detections in an image and class; sorted. Default 1, 10, 100. Mode `strict` needs three or more. */
  readonly maxDetections?: readonly number[] | undefined;
  /** A ranges, at most 32. Default all, small (to 32^2), medium (to 96^2), large. */
  readonly areaRanges?: readonly AreaRange[] | undefined;
  /** false: all classes as one, as for proposals. Default true. */
  readonly useCategories?: boolean | undefined;
  /** Only these images. Default all. */
  readonly imageIds?: ArrayLike<number> | undefined;
  /** Only these classes. Default all. */
  readonly categoryIds?: ArrayLike<number> | undefined;
  /** Width of the boundary as a part of the image diagonal. Default 0.02. */
  readonly boundaryRatio?: number | undefined;
}

export interface Settings {
  readonly iouType: IouType;
  readonly mode: Mode;
  readonly iouThresholds: Float64Array;
  readonly recallPoints: Float64Array;
  readonly maxDetections: readonly number[];
  readonly areaRanges: readonly AreaRange[];
  readonly useCategories: boolean;
  readonly imageIds: readonly number[] | undefined;
  readonly categoryIds: readonly number[] | undefined;
  readonly boundaryRatio: number;
}

/** pycocotools writes these as floats: [0, 1e10], [0, 32^2], [32^2, 96^2], [96^2, 1e10]. */
export const cocoAreaRanges: readonly AreaRange[] = [
  { name: 'all', min: 0, max: 1e10 },
  { name: 'small', min: 0, max: 1024 },
  { name: 'medium', min: 1024, max: 9216 },
  { name: 'large', min: 9216, max: 1e10 },
];

/** Throws ArgumentError. */
export function checkParameters(parameters: CocoParameters): Settings {
  const wrong = (thing: string, found: string, wanted: string, next?: string): never => {
    throw new ArgumentError({ thing, found, wanted, next });
  };
  const { iouType, mode = 'strict', useCategories = true, boundaryRatio = 0.02 } = parameters;
  if (!['bbox', 'segm', 'boundary'].includes(iouType)) wrong('iouType', describe(iouType), '"bbox", "segm" or "boundary"');
  if (!['strict', 'corrected'].includes(mode)) wrong('mode', describe(mode), '"strict" or "corrected"');
  if (!(boundaryRatio > 0 && boundaryRatio < 1)) wrong('boundaryRatio', describe(boundaryRatio), 'a number between 0 and 1');
  const iouThresholds = Float64Array.from(parameters.iouThresholds ?? cocoIouThresholds);
  if (iouThresholds.length < 1 || iouThresholds.length > 32 || !iouThresholds.every((t) => t >= 0 && t <= 1)) {
    wrong(
      'iouThresholds',
      `${iouThresholds.length} values (${iouThresholds.slice(0, 4).join(', ')} ...)`,
      '1 to 32 numbers from 0 to 1',
    );
  }
  const recallPoints = Float64Array.from(parameters.recallPoints ?? cocoRecallPoints);
  if (recallPoints.length < 1 || !recallPoints.every((r, i) => r >= 0 && r <= 1 && (i === 0 || r >= recallPoints[i - 1]!))) {
    wrong('recallPoints', `${recallPoints.length} values`, 'ascending numbers from 0 to 1');
  }
  const maxDetections = [...(parameters.maxDetections ?? [1, 10, 100])].sort((a, b) => a - b);
  if (maxDetections.length === 0 || !maxDetections.every((m) => Number.isInteger(m) && m >= 1 && m < 2 ** 31)) {
    wrong('maxDetections', describe(parameters.maxDetections), 'whole numbers of at least 1');
  }
  if (mode === 'strict' && maxDetections.length < 3) {
    wrong(
      'maxDetections',
      `${maxDetections.length} values`,
      'three or more, as pycocotools reads the third',
      "Use mode: 'corrected'.",
    );
  }
  const areaRanges = parameters.areaRanges ?? cocoAreaRanges;
  if (areaRanges.length < 1 || areaRanges.length > 32 || !areaRanges.every(({ min, max }) => min <= max)) {
    wrong('areaRanges', describe(areaRanges), '1 to 32 ranges { name, min, max } with min <= max');
  }
  const ids = (thing: string, values: ArrayLike<number> | undefined) => {
    if (values === undefined) return undefined;
    const list = Array.from(values);
    const bad = list.find((id) => typeof id !== 'number' || Number.isNaN(id));
    if (bad !== undefined) wrong(thing, describe(bad), 'numbers');
    return list;
  };
  return {
    iouType,
    mode,
    iouThresholds,
    recallPoints,
    maxDetections,
    areaRanges,
    useCategories,
    imageIds: ids('imageIds', parameters.imageIds),
    categoryIds: ids('categoryIds', parameters.categoryIds),
    boundaryRatio,
  };
}

/** Settings as text: equal where two evaluators may be merged. */
export function settingsMark(settings: Settings): string {
  return JSON.stringify({
    ...settings,
    iouThresholds: [...settings.iouThresholds],
    recallPoints: [...settings.recallPoints],
  });
}
