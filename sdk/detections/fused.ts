// Detections of several models as one: each says which models and data set labels support it. How they are fused is postprocess's.
import { ArgumentError } from '../errors.js';
import type { LabelId } from '../taxonomy/label-space.js';
import { type Box, type Detection, Detections, type DetectionsInput, type DetectionsJSON } from './detections.js';

/** A label of a data set. */
export interface DatasetLabel {
  /** Name of the data set. */
  readonly dataset: string;
  /** Its id there. */
  readonly id: LabelId;
  /** Its name there. */
  readonly name: string;
}

/** One model's box behind a fused detection. */
export interface Support {
  /** Name of the model. */
  readonly model: string;
  /** Position of the model in the ensemble. */
  readonly modelIndex: number;
  /** What the model saw in the words of its data set: the labels that the label of the result stands for there. */
  readonly labels: readonly DatasetLabel[];
  /** The model's own score, 0 to 1. */
  readonly score: number;
  /** The model's own box: xyxy in source pixels. */
  readonly box: Box;
}

/** One fused detection as an object. */
export interface FusedDetection<L extends string = string> extends Detection<L> {
  /** The boxes behind it, the best of its own label first. */
  support: readonly Support[];
  /** More general labels found on the same object, by the hierarchy of the label space. */
  broader: readonly L[];
}

/** The arrays of {@link FusedDetections}. */
export interface FusedDetectionsInput<L extends string = string> extends DetectionsInput<L> {
  /** For each detection the boxes behind it. */
  support: readonly (readonly Support[])[];
  /** For each detection the positions of more general labels found on the same object. */
  broader: readonly (readonly number[])[];
}

/** n detections of one image by several models, each with what supports it. */
export class FusedDetections<L extends string = string> extends Detections<L> {
  /** For each detection the boxes behind it. */
  readonly support: readonly (readonly Support[])[];
  /** For each detection the positions in {@link Detections.labels} of more general labels found on the same object. */
  readonly broader: readonly (readonly number[])[];

  /** Throws ArgumentError as {@link Detections} does, and where `support` or `broader` are of another length. */
  constructor(input: FusedDetectionsInput<L>) {
    super(input);
    for (const thing of ['support', 'broader'] as const) {
      if (input[thing].length !== this.length) {
        const wanted = `${this.length}, one for each detection`;
        throw new ArgumentError({ thing, found: `${input[thing].length} lists`, wanted });
      }
    }
    this.support = input.support;
    this.broader = input.broader;
  }

  override at(index: number): FusedDetection<L> | undefined {
    const detection = super.at(index);
    if (!detection) return undefined;
    const i = index < 0 ? Math.trunc(index) + this.length : Math.trunc(index) || 0;
    return { ...detection, support: this.support[i]!, broader: this.broader[i]!.map((label) => this.labels.at(label).name) };
  }

  override *[Symbol.iterator](): IterableIterator<FusedDetection<L>> {
    for (let i = 0; i < this.length; i++) yield this.at(i)!;
  }

  override filter(keep: (detection: FusedDetection<L>, index: number) => boolean): FusedDetections<L> {
    return this.#take([...this.scores.keys()].filter((i) => keep(this.at(i)!, i)));
  }

  override slice(start?: number, end?: number): FusedDetections<L> {
    return this.#take([...this.scores.keys()].slice(start, end));
  }

  /** As {@link Detections.toJSON}, with support and broader labels. */
  override toJSON(): FusedDetectionsJSON {
    const { detections, ...facts } = super.toJSON();
    return {
      ...facts,
      detections: detections.map((detection, i) => ({
        ...detection,
        broader: this.broader[i]!.map((label) => this.labels.at(label).name),
        support: [...this.support[i]!],
      })),
    };
  }

  #take(kept: readonly number[]): FusedDetections<L> {
    return new FusedDetections({
      boxes: Float32Array.from(kept.flatMap((i) => Array.from(this.boxes.subarray(i * 4, i * 4 + 4)))),
      scores: Float32Array.from(kept, (i) => this.scores[i]!),
      labelIndices: Int32Array.from(kept, (i) => this.labelIndices[i]!),
      labels: this.labels,
      imageWidth: this.imageWidth,
      imageHeight: this.imageHeight,
      support: kept.map((i) => this.support[i]!),
      broader: kept.map((i) => this.broader[i]!),
    });
  }
}

/** What {@link FusedDetections.toJSON} gives: plain {@link DetectionsJSON} with what supports each detection. */
export interface FusedDetectionsJSON extends DetectionsJSON {
  /** In the order of the arrays. */
  detections: (DetectionsJSON['detections'][number] & {
    broader: string[];
    support: Support[];
  })[];
}
