// An image input: pixels in linear memory, the taps of the triangle filter, and the words of image_to_tensor that follow the frame.
import { ImageToTensor } from '../../../assembly/records.js';
import type { Attributes } from '../../ir/operators.js';
import type { ImageFeed } from '../runtime.js';
import { room } from './lower/context.js';
import type { Space } from './space.js';

/** A step that reads the image, and where its record lies. */
export interface ImageStep {
  record: number;
  attributes: Attributes['image_to_tensor'];
}

/** Source pixels [first, first + weights.length) of one output row or column. */
interface Taps {
  first: number;
  weights: Float64Array;
}

/**
 * The triangle filter along one axis. The output pixel with its centre at i + 0.5 reads around (i + 0.5 - start) * size / length in source
 * pixels with a support of max(1, size / length). Weights sum to 1; those at the ends that are zero are left out. Undefined outside [start, start + length).
 */
export function resampleTaps(size: number, out: number, start: number, length: number): (Taps | undefined)[] {
  const scale = size / length;
  const support = Math.max(1, scale);
  return Array.from({ length: out }, (_, i) => {
    const offset = i + 0.5 - start;
    if (offset < 0 || offset >= length) return undefined;
    const centre = offset * scale;
    // Source pixel j counts while |j + 0.5 - centre| < support.
    const first = Math.max(0, Math.floor(centre - support - 0.5) + 1);
    const last = Math.min(size - 1, Math.ceil(centre + support - 0.5) - 1);
    const weights = Float64Array.from({ length: last - first + 1 }, (_, j) => 1 - Math.abs(first + j + 0.5 - centre) / support);
    const sum = weights.reduce((total, w) => total + w, 0);
    return { first, weights: weights.map((w) => w / sum) };
  });
}

/** Keeps its memory from frame to frame and takes more only when a larger image comes. */
export class ImageInput {
  #at = 0;
  #bytes = 0;
  #pixels: Uint8Array | undefined;
  // What the memory was set up for.
  #width = 0;
  #height = 0;
  #channels = 0;
  #target: ImageFeed['target'] = { left: NaN, top: NaN, width: NaN, height: NaN };

  /** What the check of feeds looks at. */
  readonly value = { dtype: 'uint8', shape: [], image: true } as const;

  constructor(
    readonly name: string,
    readonly steps: readonly ImageStep[],
    readonly space: Space,
    readonly threads: number,
  ) {}

  get bytes(): number {
    return this.#bytes;
  }

  /** Copies the pixels in; prepares taps where size or target differ from the frame before. */
  write(feed: ImageFeed): void {
    const { target } = feed;
    const same =
      feed.width === this.#width && feed.height === this.#height && feed.channels === this.#channels &&
      target.left === this.#target.left && target.top === this.#target.top &&
      target.width === this.#target.width && target.height === this.#target.height; // prettier-ignore
    if (!same) this.#prepare(feed);
    const { buffer } = this.space.memory;
    if (this.#pixels?.buffer !== buffer || this.#pixels.length !== feed.data.length) {
      this.#pixels = new Uint8Array(buffer, this.#at, feed.data.length);
    }
    this.#pixels.set(feed.data);
  }

  release(): void {
    if (this.#bytes) this.space.release(this.#at, this.#bytes);
    this.#bytes = 0;
    this.#width = 0;
    this.#pixels = undefined;
  }

  #prepare({ width, height, channels, target }: ImageFeed): void {
    const rowBytes = room(width * channels * 4 + 64);
    const pixelBytes = room(width * height * channels);
    const tables = this.steps.map(({ attributes }) => ({
      rows: resampleTaps(height, attributes.height, target.top, target.height),
      columns: resampleTaps(width, attributes.width, target.left, target.width),
    }));
    const bytesOf = (taps: readonly (Taps | undefined)[]): number =>
      taps.reduce((sum, t) => sum + 12 + 4 * (t?.weights.length ?? 0), 0);
    const tableBytes = tables.reduce((sum, { rows, columns }) => sum + room(bytesOf(rows)) + room(bytesOf(columns)), 0);
    const bytes = pixelBytes + rowBytes * this.threads + tableBytes;
    this.#width = 0;
    if (bytes > this.#bytes) {
      this.release();
      this.#at = this.space.take(bytes);
      this.#bytes = bytes;
    }
    const { buffer } = this.space.memory;
    let at = this.#at + pixelBytes + rowBytes * this.threads;
    const put = (taps: readonly (Taps | undefined)[]): [number, number] => {
      const table = at;
      const weights = table + taps.length * 12;
      const words = new Int32Array(buffer, table, taps.length * 3);
      let next = 0;
      for (const [i, tap] of taps.entries()) {
        words[i * 3] = tap?.first ?? 0;
        words[i * 3 + 1] = tap?.weights.length ?? 0;
        words[i * 3 + 2] = next;
        if (!tap) continue;
        new Float32Array(buffer, weights + next * 4, tap.weights.length).set(tap.weights);
        next += tap.weights.length;
      }
      at += room(taps.length * 12 + next * 4);
      return [table, weights];
    };
    for (const [i, { record }] of this.steps.entries()) {
      const words = new Int32Array(buffer, record, ImageToTensor.background + 1);
      const [rowTaps, rowWeights] = put(tables[i]!.rows);
      const [columnTaps, columnWeights] = put(tables[i]!.columns);
      words[ImageToTensor.pixels] = this.#at;
      words[ImageToTensor.image_width] = width;
      words[ImageToTensor.image_channels] = channels;
      words[ImageToTensor.row_taps] = rowTaps;
      words[ImageToTensor.row_weights] = rowWeights;
      words[ImageToTensor.column_taps] = columnTaps;
      words[ImageToTensor.column_weights] = columnWeights;
      words[ImageToTensor.row] = this.#at + pixelBytes;
      words[ImageToTensor.row_bytes] = this.threads > 1 ? rowBytes : 0;
    }
    [this.#width, this.#height, this.#channels, this.#target] = [width, height, channels, { ...target }];
    this.#pixels = undefined;
  }
}
