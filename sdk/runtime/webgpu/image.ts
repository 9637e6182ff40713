// An image input on the GPU: its pixels in a buffer that grows with the frames, and the block that says where they land.
import type { Value } from '../../ir/graph.js';
import type { ImageFeed } from '../runtime.js';
import { Usage, type Gpu } from './gpu.js';

/** Words of `struct Frame`: see lower/context.ts. */
const FRAME_BYTES = 32;

export class ImageSlot {
  #buffer: GPUBuffer | undefined;
  #bytes = 0;
  readonly #words = new Uint32Array(FRAME_BYTES / 4);
  readonly #floats = new Float32Array(this.#words.buffer);
  readonly #last = new Uint32Array(FRAME_BYTES / 4);
  readonly #rest = new Uint8Array(4);
  /** Bind groups made for the buffer of now. */
  #bound = new WeakSet<object>();

  constructor(
    readonly gpu: Gpu,
    readonly value: Value,
    readonly uniform: GPUBuffer,
    readonly offset: number,
  ) {}

  /** Bytes held for pixels. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Binding of `struct Frame`. */
  get frame(): GPUBufferBinding {
    return { buffer: this.uniform, offset: this.offset, size: FRAME_BYTES };
  }

  /** Binding of the pixels; there are some once a frame was written. */
  get pixels(): GPUBufferBinding {
    return { buffer: this.#buffer! };
  }

  /** True the first time it is asked for `step` since the buffer is a new one. */
  renewed(step: object): boolean {
    if (this.#bound.has(step)) return false;
    this.#bound.add(step);
    return true;
  }

  /** Hands the pixels to the device; the feed may be reused at once. */
  write({ data, width, height, channels, target }: ImageFeed): void {
    const { device } = this.gpu;
    const bytes = Math.ceil(data.length / 16) * 16;
    if (bytes > this.#bytes) {
      this.release();
      this.#buffer = device.createBuffer({ label: 'pixels', size: bytes, usage: Usage.storage | Usage.copyTarget });
      this.#bytes = bytes;
    }
    const whole = data.length & ~3;
    const pixels = data as Uint8Array<ArrayBuffer>;
    if (whole > 0) device.queue.writeBuffer(this.#buffer!, 0, pixels, 0, whole);
    if (whole < data.length) {
      this.#rest.set(data.subarray(whole));
      device.queue.writeBuffer(this.#buffer!, whole, this.#rest);
    }
    this.#words[0] = width;
    this.#words[1] = height;
    this.#words[2] = channels;
    this.#words[3] = width * channels;
    this.#floats[4] = target.left;
    this.#floats[5] = target.top;
    this.#floats[6] = target.width;
    this.#floats[7] = target.height;
    if (this.#words.every((word, i) => word === this.#last[i])) return;
    this.#last.set(this.#words);
    device.queue.writeBuffer(this.uniform, this.offset, this.#words);
  }

  release(): void {
    this.#buffer?.destroy();
    this.#buffer = undefined;
    this.#bytes = 0;
    this.#bound = new WeakSet();
  }
}
