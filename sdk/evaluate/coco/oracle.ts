// The plain twin of COCO evaluation in mode strict: objects and loops in the order of cocoeval.py, to be read and compared; never fast, not public.
import { boxIous, maskIous } from '../iou.js';
import { boundaryWidth, rleArea, rleBoundary, rleFromSegmentation, rleToBox, type CocoSegmentation, type Rle } from '../rle.js';
import { cocoIouThresholds, cocoRecallPoints } from '../stats.js';
import { cocoAreaRanges, type IouType } from './parameters.js';

interface Annotation {
  id: number;
  image_id: number;
  category_id: number;
  bbox: number[];
  area: number;
  iscrowd: number;
  ignore?: number;
  segmentation?: CocoSegmentation;
}

interface Detection {
  image_id: number;
  category_id: number;
  bbox?: number[];
  segmentation?: CocoSegmentation;
  score: number;
}

export interface OracleInput {
  groundTruth: {
    images: { id: number; height: number; width: number }[];
    categories: { id: number }[];
    annotations: Annotation[];
  };
  detections: Detection[];
  iouType: IouType;
  iouThresholds?: ArrayLike<number>;
  recallPoints?: ArrayLike<number>;
  maxDetections?: readonly number[];
  areaRanges?: readonly { min: number; max: number }[];
  useCategories?: boolean;
}

/** precision and scores [T, R, K, A, M], recall [T, K, A, M], -1 where nothing is counted. Ids of annotations must differ. */
export function oracleCoco(input: OracleInput): { precision: Float64Array; recall: Float64Array; scores: Float64Array } {
  const { groundTruth, detections, iouType, useCategories = true } = input;
  const iouThresholds = Array.from(input.iouThresholds ?? cocoIouThresholds);
  const recallPoints = Array.from(input.recallPoints ?? cocoRecallPoints);
  const maxDetections = [...(input.maxDetections ?? [1, 10, 100])].sort((a, b) => a - b);
  const areaRanges = input.areaRanges ?? cocoAreaRanges;
  const images = [...new Map(groundTruth.images.map((image) => [image.id, image])).values()].sort((a, b) => a.id - b.id);
  const classIds = [...new Set(groundTruth.categories.map(({ id }) => id))].sort((a, b) => a - b);
  const byBox = detections[0]?.bbox !== undefined && detections[0].bbox.length > 0;

  const mask = (
    row: { segmentation?: CocoSegmentation; bbox?: number[] },
    { height, width }: { height: number; width: number },
  ): Rle => {
    if (row.segmentation) return rleFromSegmentation(row.segmentation, height, width);
    const [x, y, w, h] = row.bbox! as [number, number, number, number];
    return rleFromSegmentation([[x, y, x, y + h, x + w, y + h, x + w, y]], height, width);
  };
  const results = detections.map((row) => {
    const own = byBox ? undefined : rleFromSegmentation(row.segmentation!, 0, 0);
    const bbox = row.bbox && row.bbox.length > 0 ? row.bbox : rleToBox(own!);
    return { ...row, bbox, area: own ? rleArea(own) : bbox[2]! * bbox[3]! };
  });

  /** Rows of an image and class, in the order of classes where classes are not used. */
  const select = <T extends { image_id: number; category_id: number }>(rows: readonly T[]) => {
    const groups = new Map<string, T[]>();
    for (const row of rows) {
      const key = `${row.image_id} ${row.category_id}`;
      const group = groups.get(key);
      if (group) group.push(row);
      else groups.set(key, [row]);
    }
    return (image: number, classId: number): T[] =>
      (useCategories ? [classId] : classIds).flatMap((id) => groups.get(`${image} ${id}`) ?? []);
  };
  const truthOf = select(groundTruth.annotations);
  const resultsOf = select(results);

  const [T, R, A, M] = [iouThresholds.length, recallPoints.length, areaRanges.length, maxDetections.length];
  const classes = useCategories ? classIds : [-1];
  const K = classes.length;
  const precision = new Float64Array(T * R * K * A * M).fill(-1);
  const recall = new Float64Array(T * K * A * M).fill(-1);
  const scores = new Float64Array(T * R * K * A * M).fill(-1);

  const byScore = (a: { score: number }, b: { score: number }) =>
    Number.isNaN(a.score) || Number.isNaN(b.score)
      ? Number(Number.isNaN(a.score)) - Number(Number.isNaN(b.score))
      : b.score - a.score;

  classes.forEach((classId, k) => {
    /** For each area: what evaluateImg gives, image by image. */
    const outcomes: { scores: number[]; matched: boolean[][]; ignored: boolean[][]; counted: number }[][] = areaRanges.map(
      () => [],
    );
    for (const image of images) {
      const truths = truthOf(image.id, classId);
      const found = resultsOf(image.id, classId).sort(byScore).slice(0, maxDetections.at(-1));
      if (truths.length === 0 && found.length === 0) continue;
      const crowd = truths.map(({ iscrowd }) => iscrowd !== 0);
      let ious: Float64Array;
      if (iouType === 'bbox')
        ious = boxIous(
          found.flatMap(({ bbox }) => bbox),
          truths.flatMap(({ bbox }) => bbox),
          crowd,
        );
      else {
        const [ours, theirs] = [found.map((row) => mask(row, image)), truths.map((row) => mask(row, image))];
        ious = maskIous(ours, theirs, crowd);
        if (iouType === 'boundary') {
          const edge = (rle: Rle) => rleBoundary(rle, boundaryWidth(rle.height, rle.width));
          const edges = maskIous(ours.map(edge), theirs.map(edge), crowd);
          ious = ious.map((iou, i) => (crowd[i % truths.length] ? iou : Math.min(iou, edges[i]!)));
        }
      }
      areaRanges.forEach(({ min, max }, a) => {
        const ignore = truths.map(
          ({ area, iscrowd, ignore: field }) => iscrowd !== 0 || (iouType === 'boundary' && !!field) || area < min || area > max,
        );
        const order = truths.map((_, g) => g).sort((g, h) => Number(ignore[g]) - Number(ignore[h]));
        const matched: boolean[][] = [];
        const ignored: boolean[][] = [];
        for (const threshold of iouThresholds) {
          const taken = truths.map(() => false);
          const ownMatched: boolean[] = [];
          const ownIgnored: boolean[] = [];
          found.forEach((row, d) => {
            let iou = Math.min(threshold, 1 - 1e-10);
            let best = -1;
            for (const g of order) {
              if (taken[g] && !crowd[g]) continue;
              if (best > -1 && !ignore[best] && ignore[g]) break;
              if (ious[d * truths.length + g]! < iou) continue;
              iou = ious[d * truths.length + g]!;
              best = g;
            }
            if (best >= 0) taken[best] = true;
            const isMatch = best >= 0 && truths[best]!.id !== 0;
            ownMatched.push(isMatch);
            ownIgnored.push((best >= 0 && ignore[best]!) || (!isMatch && (row.area < min || row.area > max)));
          });
          matched.push(ownMatched);
          ignored.push(ownIgnored);
        }
        outcomes[a]!.push({
          scores: found.map(({ score }) => score),
          matched,
          ignored,
          counted: ignore.filter((flag) => !flag).length,
        });
      });
    }
    outcomes.forEach((perImage, a) => {
      const positives = perImage.reduce((sum, { counted }) => sum + counted, 0);
      if (positives === 0) return;
      maxDetections.forEach((limit, m) => {
        const rows = perImage
          .flatMap((image) => image.scores.slice(0, limit).map((score, d) => ({ score, image, d })))
          .sort(byScore);
        for (let t = 0; t < T; t++) {
          let [tp, fp] = [0, 0];
          const rc: number[] = [];
          const pr: number[] = [];
          for (const { image, d } of rows) {
            if (!image.ignored[t]![d]) {
              if (image.matched[t]![d]) tp++;
              else fp++;
            }
            rc.push(tp / positives);
            pr.push(tp / (fp + tp + Number.EPSILON));
          }
          recall[((t * K + k) * A + a) * M + m] = rc.at(-1) ?? 0;
          for (let i = pr.length - 1; i > 0; i--) if (pr[i]! > pr[i - 1]!) pr[i - 1] = pr[i]!;
          recallPoints.forEach((point, r) => {
            const i = rc.findIndex((value) => value >= point);
            const at = (((t * R + r) * K + k) * A + a) * M + m;
            precision[at] = i < 0 ? 0 : pr[i]!;
            scores[at] = i < 0 ? 0 : rows[i]!.score;
          });
        }
      });
    });
  });
  return { precision, recall, scores };
}
