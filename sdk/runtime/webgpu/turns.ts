// Who runs when: a few frames in flight, results handed out in the order of the calls, one staging buffer a frame.
import type { Gpu } from './gpu.js';
import { Usage } from './gpu.js';

/** A staging buffer that one frame at a time owns. */
export interface Slot {
  buffer: GPUBuffer | undefined;
  bytes: number;
}

/** Shared by a base executable and its extensions: their frames use the same memory, in queue order. */
export class Turns {
  readonly #free: Slot[];
  readonly #slots: readonly Slot[];
  readonly #waiting: ((slot: Slot) => void)[] = [];
  #last: Promise<void> = Promise.resolve();

  /** `inFlight` frames at a time: with two, one is read back while the next one is encoded. */
  constructor(
    readonly gpu: Gpu,
    inFlight: number,
  ) {
    this.#free = Array.from({ length: inFlight }, () => ({ buffer: undefined, bytes: 0 }));
    this.#slots = [...this.#free];
  }

  /** True when the next frame has to wait. */
  get full(): boolean {
    return this.#free.length === 0;
  }

  /** Bytes of all staging buffers. */
  get bytes(): number {
    return this.#slots.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** A slot at once, or a promise of one in the order of the calls. */
  enter(): Slot | Promise<Slot> {
    return this.#free.shift() ?? new Promise((resolve) => void this.#waiting.push(resolve));
  }

  leave(slot: Slot): void {
    const next = this.#waiting.shift();
    if (next) next(slot);
    else this.#free.push(slot);
  }

  /** To be called when a frame is submitted: gives the frame before it, and what to call when this one has handed out its results. */
  follow(): { before: Promise<void>; done: () => void } {
    const before = this.#last;
    let done!: () => void;
    this.#last = new Promise((resolve) => (done = resolve));
    return { before, done };
  }

  /** The slot's buffer, at least that large. Grows in steps, so that changing outputs do not make a buffer a frame. */
  staging(slot: Slot, bytes: number): GPUBuffer {
    if (slot.buffer && slot.bytes >= bytes) return slot.buffer;
    slot.buffer?.destroy();
    // Powers of two while small; exact where memory counts.
    const size = bytes < 65_536 ? Math.max(4096, 2 ** Math.ceil(Math.log2(bytes))) : bytes;
    slot.bytes = 0;
    slot.buffer = this.gpu.device.createBuffer({ label: 'staging', size, usage: Usage.mapRead | Usage.copyTarget });
    slot.bytes = size;
    return slot.buffer;
  }

  /** Destroys the staging buffers; reads in flight reject. */
  dispose(): void {
    for (const slot of this.#slots) {
      slot.buffer?.destroy();
      slot.buffer = undefined;
      slot.bytes = 0;
    }
  }
}
