// Lays out one class after the other in WASM memory, matches it and makes its curves. Grouping stands in prepare.ts, numbers in result.ts.
import { maskKind, type MaskColumns } from '../input/columns.js';
import type { EvaluationKernels } from '../input/kernels.js';
import { boundaryWidth } from '../rle.js';
import type { PreparedDetections, Truth } from './prepare.js';

/** Fields of a job, u32 each, in the order of assembly/evaluate/match.ts. */
const jobFields = [
  'mode',
  'segments',
  'segmentAt',
  'T',
  'thresholds',
  'A',
  'ranges',
  'maxDetections',
  'truthBoxes',
  'truthAreas',
  'truthFlags',
  'boxes',
  'areas',
  'scores',
  'truthMasks',
  'masks',
  'keptScores',
  'keptRanks',
  'keptBits',
  'keptRows',
  'keptCounts',
  'events',
  'blobs',
] as const;
type JobField = (typeof jobFields)[number];
/** Fields that are numbers and not places. */
const plainFields: readonly JobField[] = ['mode', 'segments', 'T', 'A', 'maxDetections'];
/** Positions of the fields that hold places: a worker adds where it put the job. */
export const placeFields: readonly number[] = jobFields.flatMap((name, i) => (plainFields.includes(name) ? [] : [i]));
export const jobBytes = jobFields.length * 4;

/** Bits of `events`: see assembly/evaluate/match.ts. */
export const event = {
  cut: 1,
  crowd: 2,
  secondBest: 4,
  onThreshold: 8,
  tie: 16,
  beforeIgnored: 32,
  outOfRange: 64,
  maskSizes: 128,
} as const;

/** A job as it stands in memory from `base` on. */
export interface Layout {
  /** Bytes in all. */
  readonly size: number;
  readonly places: Readonly<Record<JobField, number>>;
  readonly segments: number;
  readonly detections: number;
  /** Index of the image of each segment. */
  readonly segmentImages: Int32Array;
  /** Writes everything; `base` is the place of the first byte for the one who runs the job. */
  write(buffer: ArrayBufferLike, at: number, base: number): void;
}

const boxAsMask = 5;

/** What is the same for all classes. */
export interface MatchPlan {
  readonly truth: Truth;
  readonly detections: PreparedDetections;
  readonly mode: 0 | 1 | 2;
  readonly maxDetections: number;
}

export function planMatch(truth: Truth, detections: PreparedDetections): MatchPlan {
  const { settings } = truth;
  return {
    truth,
    detections,
    mode: settings.iouType === 'bbox' ? 0 : settings.iouType === 'segm' ? 1 : 2,
    maxDetections: settings.maxDetections.at(-1)!,
  };
}

/** The job of class `k`: one segment for each image that has detections of it. */
export function layOut({ truth, detections, mode, maxDetections }: MatchPlan, k: number): Layout {
  const { settings } = truth;
  const { order, classStart, imageOfRow, rows } = detections;
  const [d0, d1] = [classStart[k]!, classStart[k + 1]!];
  const [g0, g1] = [truth.classStart[k]!, truth.classStart[k + 1]!];
  const T = settings.iouThresholds.length;
  const A = settings.areaRanges.length;
  const D = d1 - d0;
  let segments = 0;
  for (let d = d0, image = -1; d < d1; d++) {
    const next = imageOfRow[order[d]!]!;
    if (next !== image) segments++;
    image = next;
  }
  const table = new Uint32Array(segments * 4);
  const segmentImages = new Int32Array(segments);
  const truthRows = new Uint32Array(g1 - g0);
  let G = 0;
  for (let d = d0, g = g0, s = 0; d < d1; s++) {
    const image = imageOfRow[order[d]!]!;
    const first = d;
    while (d < d1 && imageOfRow[order[d]!] === image) d++;
    while (g < g1 && truth.imageOf[g]! < image) g++;
    const firstTruth = G;
    while (g < g1 && truth.imageOf[g] === image) truthRows[G++] = truth.order[g++]!;
    table[4 * s] = firstTruth;
    table[4 * s + 1] = G - firstTruth;
    table[4 * s + 2] = first - d0;
    table[4 * s + 3] = d - first;
    segmentImages[s] = image;
  }

  let size = 0;
  const take = (bytes: number) => {
    const at = size;
    size += Math.ceil(bytes / 16) * 16;
    return at;
  };
  const masked = mode > 0;
  let blobBytes = 0;
  if (masked) {
    const add = (masks: MaskColumns | undefined, row: number) => {
      blobBytes += masks && masks.kinds[row] ? Math.ceil(masks.lengths[row]! / 8) * 8 : 32;
    };
    for (let g = 0; g < G; g++) add(truth.rows.masks, truthRows[g]!);
    for (let d = d0; d < d1; d++) add(rows.masks, order[d]!);
  }
  take(jobBytes);
  const places: Record<JobField, number> = {
    mode,
    segments,
    T,
    A,
    maxDetections,
    segmentAt: take(segments * 16),
    thresholds: take(T * 8),
    ranges: take(A * 16),
    truthBoxes: take(masked ? 0 : G * 32),
    truthAreas: take(G * 8),
    truthFlags: take(G),
    boxes: take(masked ? 0 : D * 32),
    areas: take(D * 8),
    scores: take(D * 8),
    truthMasks: take(masked ? G * 24 : 0),
    masks: take(masked ? D * 24 : 0),
    blobs: take(blobBytes),
    keptScores: take(D * 8),
    keptRanks: take(D * 4),
    keptBits: take(D * A * 8),
    keptRows: take(D * 4),
    keptCounts: take(segments * 4),
    events: take(segments * 4),
  };

  const write = (buffer: ArrayBufferLike, at: number, base: number): void => {
    const words = (place: number, length: number) => new Uint32Array(buffer, at + place, length);
    const doubles = (place: number, length: number) => new Float64Array(buffer, at + place, length);
    const job = words(0, jobFields.length);
    jobFields.forEach((name, i) => (job[i] = plainFields.includes(name) ? places[name] : base + places[name]));
    words(places.segmentAt, table.length).set(table);
    doubles(places.thresholds, T).set(settings.iouThresholds.map((t) => Math.min(t, 1 - 1e-10)));
    const ranges = doubles(places.ranges, 2 * A);
    settings.areaRanges.forEach(({ min, max }, a) => {
      ranges[2 * a] = min;
      ranges[2 * a + 1] = max;
    });
    const truthAreas = doubles(places.truthAreas, G);
    const truthFlags = new Uint8Array(buffer, at + places.truthFlags, G);
    const areas = doubles(places.areas, D);
    const scores = doubles(places.scores, D);
    for (let g = 0; g < G; g++) {
      truthAreas[g] = truth.areas[truthRows[g]!]!;
      truthFlags[g] = truth.flags[truthRows[g]!]!;
    }
    for (let d = 0; d < D; d++) {
      const row = order[d0 + d]!;
      areas[d] = detections.areaOf(row);
      scores[d] = rows.scores[row]!;
    }
    if (!masked) {
      const truthBoxes = doubles(places.truthBoxes, 4 * G);
      for (let g = 0; g < G; g++) copyBox(truth.rows.boxes, truthRows[g]!, truthBoxes, g);
      const boxes = doubles(places.boxes, 4 * D);
      for (let d = 0; d < D; d++) copyBox(rows.boxes, order[d0 + d]!, boxes, d);
      return;
    }
    let blob = 0;
    const bytes = new Uint8Array(buffer, at + places.blobs, blobBytes);
    const writeMask = (
      to: Uint32Array,
      i: number,
      masks: MaskColumns | undefined,
      boxes: Float64Array,
      row: number,
      image: number,
    ) => {
      const kind = masks ? masks.kinds[row]! : maskKind.none;
      const runs = kind === maskKind.runs || kind === maskKind.numbers;
      const height = runs ? masks!.heights[row]! : truth.heights[image]!;
      const width = runs ? masks!.widths[row]! : truth.widths[image]!;
      to[6 * i] = kind || boxAsMask;
      to[6 * i + 1] = blob;
      to[6 * i + 3] = height;
      to[6 * i + 4] = width;
      to[6 * i + 5] = mode === 2 ? boundaryWidth(height, width, settings.boundaryRatio) : 0;
      if (kind === maskKind.none) {
        copyBox(boxes, row, new Float64Array(buffer, at + places.blobs + blob, 4), 0);
        to[6 * i + 2] = 32;
        blob += 32;
        return;
      }
      const length = masks!.lengths[row]!;
      const from = masks!.offsets[row]! * 8;
      to[6 * i + 2] = length;
      bytes.set(masks!.bytes.subarray(from, from + length), blob);
      blob += Math.ceil(length / 8) * 8;
    };
    const truthMasks = words(places.truthMasks, 6 * G);
    const masks = words(places.masks, 6 * D);
    for (let s = 0; s < segments; s++) {
      const image = segmentImages[s]!;
      for (let g = table[4 * s]!, end = g + table[4 * s + 1]!; g < end; g++) {
        writeMask(truthMasks, g, truth.rows.masks, truth.rows.boxes, truthRows[g]!, image);
      }
      for (let d = table[4 * s + 2]!, end = d + table[4 * s + 3]!; d < end; d++) {
        writeMask(masks, d, rows.masks, rows.boxes, order[d0 + d]!, image);
      }
    }
  };
  return { size, places, segments, detections: D, segmentImages, write };
}

function copyBox(from: Float64Array, row: number, to: Float64Array, at: number): void {
  to[4 * at] = from[4 * row]!;
  to[4 * at + 1] = from[4 * row + 1]!;
  to[4 * at + 2] = from[4 * row + 2]!;
  to[4 * at + 3] = from[4 * row + 3]!;
}

/** A matched class in WASM memory. Places are bytes. */
export interface MatchedClass {
  readonly layout: Layout;
  readonly base: number;
  /** Detections that were kept, at most `maxDetections` an image. */
  readonly kept: number;
}

/** Runs the job of class `k`; its memory is at the end of the stack. */
export function matchClass(kernels: EvaluationKernels, plan: MatchPlan, k: number): MatchedClass {
  const layout = layOut(plan, k);
  const base = kernels.allocate(layout.size);
  layout.write(kernels.memory.buffer, base, base);
  if (plan.mode > 0) {
    for (let d = 0; d < layout.detections; d++) {
      const at = base + layout.places.areas + 8 * d;
      // Polygons of detections are measured when they are drawn.
      if (!Number.isNaN(new Float64Array(kernels.memory.buffer, at, 1)[0])) continue;
      const area = kernels.maskArea(base + layout.places.masks + 24 * d, base + layout.places.blobs);
      new Float64Array(kernels.memory.buffer, at, 1)[0] = area;
    }
  }
  return { layout, base, kept: kernels.match(base) };
}

/** Curves of one class. */
export interface ClassCurves {
  /** [T, R, A, M] */
  readonly precision: Float64Array;
  /** [T, A, M] */
  readonly recall: Float64Array;
  /** [T, R, A, M] */
  readonly scores: Float64Array;
}

/** The parameters of the curves in memory, once for all classes. */
export interface CurvePlan {
  readonly T: number;
  readonly R: number;
  readonly A: number;
  readonly M: number;
  /** Places: f64 recall points, u32 limits, u32 positives of the class at hand, then the curves. */
  readonly recallAt: number;
  readonly limits: number;
  readonly positives: number;
  readonly precision: number;
  readonly recall: number;
  readonly scores: number;
}

export function planCurves(kernels: EvaluationKernels, truth: Truth): CurvePlan {
  const { recallPoints, maxDetections, areaRanges, iouThresholds } = truth.settings;
  const [T, R, A, M] = [iouThresholds.length, recallPoints.length, areaRanges.length, maxDetections.length];
  const recallAt = kernels.allocate(R * 8);
  const limits = kernels.allocate(M * 4);
  const positives = kernels.allocate(A * 4);
  const precision = kernels.allocate(T * R * A * M * 8);
  const recall = kernels.allocate(T * A * M * 8);
  const scores = kernels.allocate(T * R * A * M * 8);
  const { buffer } = kernels.memory;
  new Float64Array(buffer, recallAt, R).set(recallPoints);
  new Uint32Array(buffer, limits, M).set(maxDetections);
  return { T, R, A, M, recallAt, limits, positives, precision, recall, scores };
}

/** Curves of kept detections that stand in memory: `count` f64 scores, u32 ranks, u32 bits [count, A, 2]. Views of memory: copy them. */
export function curvesOfClass(
  kernels: EvaluationKernels,
  plan: CurvePlan,
  positives: Uint32Array,
  count: number,
  scores: number,
  ranks: number,
  bits: number,
): ClassCurves {
  const { T, R, A, M } = plan;
  const views = () => ({
    precision: new Float64Array(kernels.memory.buffer, plan.precision, T * R * A * M),
    recall: new Float64Array(kernels.memory.buffer, plan.recall, T * A * M),
    scores: new Float64Array(kernels.memory.buffer, plan.scores, T * R * A * M),
  });
  for (const view of Object.values(views())) view.fill(-1);
  new Uint32Array(kernels.memory.buffer, plan.positives, A).set(positives);
  kernels.accumulate(
    count,
    scores,
    ranks,
    bits,
    plan.positives,
    T,
    R,
    A,
    M,
    plan.recallAt,
    plan.limits,
    plan.precision,
    plan.recall,
    plan.scores,
  );
  return views();
}
