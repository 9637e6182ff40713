// An image input on the GPU: its pixels in a buffer that grows with the frames, and the block that says where they land.
import type { Value } from '../../ir/graph.js';
import type { ImageFeed } from '../runtime.js';
import { Usage, type Gpu } from './gpu.js';
import { frameWords, type FramePlace } from './lower/image.js';

/** Bytes of `struct Frame` (kernels/shared/frame.wgsl). */
const FRAME_BYTES = 80;

export class ImageSlot {
  #buffer: GPUBuffer | undefined;
  #bytes = 0;
  /** What the block says now. */
  readonly #last = { width: 0, height: 0, channels: 0, left: NaN, top: NaN, across: NaN, down: NaN };
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
    this.#place({ width, height, channels, rowBytes: width * channels, target });
  }

  /** Writes the block where it says something new. */
  #place(frame: FramePlace): void {
    const { width, height, channels, target } = frame;
    const last = this.#last;
    const same =
      width === last.width && height === last.height && channels === last.channels && target.left === last.left &&
      target.top === last.top && target.width === last.across && target.height === last.down; // prettier-ignore
    if (same) return;
    this.gpu.device.queue.writeBuffer(this.uniform, this.offset, frameWords(frame) as Uint32Array<ArrayBuffer>);
    [last.width, last.height, last.channels] = [width, height, channels];
    [last.left, last.top, last.across, last.down] = [target.left, target.top, target.width, target.height];
  }

  release(): void {
    this.#buffer?.destroy();
    this.#buffer = undefined;
    this.#bytes = 0;
    this.#bound = new WeakSet();
  }
}
