// Panoptic quality of a COCO panoptic JSON with its PNGs: pairs images, decodes them one after the other, feeds the evaluator.
import { decodeImage } from '#platform';
import { describe, EvaluationError } from '../../errors.js';
import type { ImageFrame } from '../../tensor/image-frame.js';
import { checkWorkers } from '../coco/run.js';
import {
  PanopticEvaluator,
  type PanopticCategory,
  type PanopticOptions,
  type PanopticResult,
  type PanopticSegment,
} from './panoptic.js';
import { segmentIdsOf, type SegmentIds } from './pixels.js';
import { OverlapPool } from './workers.js';

/** One image in COCO's panoptic JSON. */
export interface PanopticAnnotation {
  /** Id of the image, each once. */
  image_id: number | string;
  /** Name of its PNG. */
  file_name: string;
  /** Segments of the PNG. */
  segments_info: readonly PanopticSegment[];
}

/** COCO's panoptic JSON. Predictions need `annotations` only. */
export interface PanopticFile {
  /** One entry an image. */
  annotations: readonly PanopticAnnotation[];
  /** Classes; ground truth only. */
  categories?: readonly PanopticCategory[];
}

/** A PNG as bytes, its pixels, or the ids themselves. */
export type PanopticPixels = Uint8Array | ImageFrame | SegmentIds;

/** Options of {@link evaluatePanoptic}. */
export interface EvaluatePanopticOptions extends PanopticOptions {
  /** The ground truth's JSON. */
  groundTruth: PanopticFile & { categories: readonly PanopticCategory[] };
  /** The predictions' JSON. */
  predictions: PanopticFile;
  /** Gives the PNG of a `file_name`. */
  readGroundTruth(fileName: string): PanopticPixels | Promise<PanopticPixels>;
  /** Gives the PNG of a predicted `file_name`. */
  readPrediction(fileName: string): PanopticPixels | Promise<PanopticPixels>;
  /** Images at a time, each on a thread of its own for counting: a number, or `auto` for one a processor. Default 1: the calling thread. */
  workers?: number | 'auto' | undefined;
  /**
   * An evaluator that counts the images, for a part of an evaluation: it may hold other parts, and `toShard()` gives this one. Then predictions may be of some
   * images only. Default: a new one, and a prediction for every image.
   */
  evaluator?: PanopticEvaluator | undefined;
  /** Stops between images; the promise rejects with `signal.reason`. */
  signal?: AbortSignal;
  /** Images done and images in all. */
  onProgress?(done: number, total: number): void;
}

/**
 * Evaluates COCO panoptic files by the rules of {@link PanopticEvaluator}. Images come one after the other: memory holds two PNGs at a time (with `workers`: two for each).
 * Predictions of images that the ground truth does not list are left out with a diagnostic.
 * @throws EvaluationError where a prediction is missing, an image stands twice, or an image breaks a rule of {@link PanopticEvaluator.add};
 * ImageError where a PNG cannot be read.
 */
export async function evaluatePanoptic(options: EvaluatePanopticOptions): Promise<PanopticResult> {
  const workers = checkWorkers(options.workers);
  const { groundTruth, predictions, readGroundTruth, readPrediction, signal, onProgress } = options;
  const truths = byImage(groundTruth?.annotations, 'invalid-ground-truth');
  const predicted = byImage(predictions?.annotations, 'invalid-predictions');
  const missing = [...truths.keys()].filter((id) => !predicted.has(id));
  if (missing.length > 0 && !options.evaluator) {
    throw new EvaluationError('invalid-predictions', {
      thing: 'panoptic predictions',
      found: `none for ${missing.length} of ${truths.size} images: ${missing.slice(0, 5).join(', ')}`,
      wanted: 'one for every image of the ground truth',
    });
  }
  const evaluator = options.evaluator ?? new PanopticEvaluator(groundTruth.categories, options);
  const images = [...truths.entries()].flatMap(([imageId, truth], order) => {
    const guess = predicted.get(imageId);
    return guess ? [{ imageId, order, truth, guess }] : [];
  });
  const pool = workers > 1 && images.length > 1 ? new OverlapPool(Math.min(workers, images.length)) : undefined;
  const queue = images.values();
  let done = 0;
  let stopped = false;
  onProgress?.(0, images.length);
  /** Takes one image after the other; several run side by side. */
  const work = async () => {
    for (const { imageId, order, truth, guess } of queue) {
      signal?.throwIfAborted();
      if (stopped) return;
      const [truthIds, guessIds] = await Promise.all([
        idsOf(await readGroundTruth(truth.file_name), truth.file_name, signal),
        idsOf(await readPrediction(guess.file_name), guess.file_name, signal),
      ]);
      const same = truthIds.ids.length === guessIds.ids.length;
      const overlaps = pool && same ? await pool.count(truthIds, guessIds) : undefined;
      evaluator.add(
        {
          imageId,
          order,
          groundTruth: { pixels: truthIds, segments: truth.segments_info },
          prediction: { pixels: guessIds, segments: guess.segments_info },
        },
        overlaps,
      );
      onProgress?.(++done, images.length);
    }
  };
  try {
    await Promise.all(Array.from({ length: pool ? workers : 1 }, work));
  } finally {
    stopped = true;
    pool?.close();
  }
  const result = evaluator.result();
  const extra = [...predicted.keys()].filter((id) => !truths.has(id));
  if (extra.length > 0) {
    result.diagnostics.push({
      code: 'unknown-image',
      message: 'Predictions of images that the ground truth does not list: left out.',
      count: extra.length,
      examples: extra.slice(0, 10),
    });
  }
  return result;
}

function byImage(
  annotations: readonly PanopticAnnotation[] | undefined,
  code: 'invalid-ground-truth' | 'invalid-predictions',
): Map<number | string, PanopticAnnotation> {
  const thing = code === 'invalid-ground-truth' ? 'panoptic ground truth' : 'panoptic predictions';
  if (!Array.isArray(annotations)) {
    throw new EvaluationError(code, {
      thing,
      found: `annotations: ${describe(annotations)}`,
      wanted: 'a list, one entry an image',
    });
  }
  const images = new Map<number | string, PanopticAnnotation>();
  annotations.forEach((annotation: PanopticAnnotation, row) => {
    const { image_id, file_name, segments_info } = annotation ?? {};
    if (typeof file_name !== 'string' || !Array.isArray(segments_info) || images.has(image_id)) {
      throw new EvaluationError(code, {
        thing: `${thing}, annotation ${row}`,
        found: images.has(image_id) ? `image_id ${describe(image_id)} a second time` : describe(annotation),
        wanted: 'image_id (each once), file_name and segments_info',
      });
    }
    images.set(image_id, annotation);
  });
  return images;
}

async function idsOf(pixels: PanopticPixels, name: string, signal?: AbortSignal): Promise<SegmentIds> {
  if ('ids' in pixels) return pixels;
  return segmentIdsOf(pixels instanceof Uint8Array ? await decodeImage(pixels, { signal }) : pixels, name);
}
