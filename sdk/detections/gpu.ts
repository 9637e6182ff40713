// Detections that stay on the GPU: buffers for whoever goes on computing there. Nothing is read back; for numbers in JavaScript see detections.ts.
import type { LabelSpace } from '../taxonomy/label-space.js';

/** A tensor in a buffer of a GPU, dense from its start; usable as storage and as source of copies. */
export interface GpuArray {
  /** A GPUBuffer of the detector's `gpuDevice`. */
  readonly buffer: object;
  /** How numbers stand in it; scores are float16 where the detector stores so. */
  readonly dtype: 'float32' | 'float16' | 'int32' | 'uint32';
  /** Outermost first. */
  readonly shape: readonly number[];
}

/** Buffers of one image's candidates, each of at least `maxDetections` rows, and what they mean. */
export interface GpuDetectionsParts<L extends string = string> {
  /** float32 [k, 4]: xyxy in pixels of the network's input. In source pixels: (x - left) * scaleX, (y - top) * scaleY; see {@link GpuDetections.place}. */
  boxes: GpuArray;
  /** [k]: probabilities, best first. */
  scores: GpuArray;
  /** int32 [k]: positions in `labels`. */
  labelIndices: GpuArray;
  /** int32 [k]: the rows that suppression keeps, best first; undefined without suppression: then rows are kept as they stand. */
  order: GpuArray | undefined;
  /** int32 [1]: how many rows hold; with `order` how many elements of it. What stands behind is unspecified. */
  count: GpuArray;
  /** The label space that `labelIndices` point into. */
  labels: LabelSpace<L>;
  /** Width of the image in pixels. */
  imageWidth: number;
  /** Height of the image in pixels. */
  imageHeight: number;
  /** From pixels of the network's input to pixels of the image. */
  place: { left: number; top: number; scaleX: number; scaleY: number };
}

/** Made by `detect` with `keepOnGpu`. Its buffers belong to the caller: call `dispose` (or destroy them) when done. */
export class GpuDetections<L extends string = string> implements Readonly<GpuDetectionsParts<L>> {
  /** float32 [k, 4]: xyxy in pixels of the network's input; see {@link GpuDetections.place}. */
  readonly boxes: GpuArray;
  /** [k]: probabilities, best first. */
  readonly scores: GpuArray;
  /** int32 [k]: positions in `labels`. */
  readonly labelIndices: GpuArray;
  /** int32 [k]: the rows that suppression keeps, best first; undefined without suppression. */
  readonly order: GpuArray | undefined;
  /** int32 [1]: how many rows hold; with `order` how many elements of it. */
  readonly count: GpuArray;
  /** The label space that `labelIndices` point into. */
  readonly labels: LabelSpace<L>;
  /** Width of the image in pixels. */
  readonly imageWidth: number;
  /** Height of the image in pixels. */
  readonly imageHeight: number;
  /** From pixels of the network's input to pixels of the image. */
  readonly place: GpuDetectionsParts['place'];

  constructor(parts: GpuDetectionsParts<L>) {
    this.boxes = parts.boxes;
    this.scores = parts.scores;
    this.labelIndices = parts.labelIndices;
    this.order = parts.order;
    this.count = parts.count;
    this.labels = parts.labels;
    this.imageWidth = parts.imageWidth;
    this.imageHeight = parts.imageHeight;
    this.place = parts.place;
  }

  /** Destroys the buffers; idempotent. */
  dispose(): void {
    for (const array of [this.boxes, this.scores, this.labelIndices, this.order, this.count]) {
      (array?.buffer as { destroy(): void } | undefined)?.destroy();
    }
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
