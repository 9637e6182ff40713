// The linear memory of one executable and its extensions: regions that are taken, freed and, where needed, made by growing. No kernels here.
import { DeviceError } from '../../errors.js';
import { instantiate, type Kernels, type Modules } from './module.js';

const PAGE = 65536;

/** Every region starts at a multiple of this: a cache line. */
const ALIGNMENT = 64;

/** Bytes behind every region that kernels may read (never write) past its end. */
const SLACK = 64;

/** Bytes of the control block of the barrier (assembly/shared/parallel.ts). */
const CONTROL_BYTES = 384;

interface Region {
  at: number;
  bytes: number;
}

/** Free regions sorted by address; neighbours are joined. */
export class Space {
  readonly memory: WebAssembly.Memory;
  readonly kernels: Kernels;
  /** Address of the barrier's control block. */
  readonly control: number;
  #free: Region[] = [];
  #end: number;
  #limit: number;

  /** @param bytes what will be taken first, so that the memory starts with the right size. */
  constructor(modules: Modules, shared: boolean, bytes: number) {
    const initial = Math.ceil((bytes + PAGE) / PAGE);
    [this.memory, this.#limit] = makeMemory(initial, shared);
    this.kernels = instantiate(modules, this.memory);
    this.#end = Math.ceil(this.kernels.heapBase() / ALIGNMENT) * ALIGNMENT;
    this.control = this.take(CONTROL_BYTES);
  }

  /** Address of a new region, zeroed only where the memory was never used. Throws DeviceError `out-of-memory` with both numbers. */
  take(bytes: number): number {
    const size = Math.ceil((bytes + SLACK) / ALIGNMENT) * ALIGNMENT;
    // Best fit.
    let best = -1;
    for (const [i, region] of this.#free.entries()) {
      if (region.bytes >= size && (best < 0 || region.bytes < this.#free[best]!.bytes)) best = i;
    }
    if (best >= 0) {
      const region = this.#free[best]!;
      const { at } = region;
      region.at += size;
      region.bytes -= size;
      if (region.bytes === 0) this.#free.splice(best, 1);
      return at;
    }
    // A free region at the end counts for what it holds.
    const tail = this.#free.at(-1);
    const at = tail && tail.at + tail.bytes === this.#end ? tail.at : this.#end;
    const missing = Math.ceil((at + size - this.memory.buffer.byteLength) / PAGE);
    if (missing > 0) this.#grow(missing);
    if (tail && at === tail.at) this.#free.pop();
    this.#end = at + size;
    return at;
  }

  /** Gives a region back; `bytes` as it was taken. */
  release(at: number, bytes: number): void {
    const size = Math.ceil((bytes + SLACK) / ALIGNMENT) * ALIGNMENT;
    let i = 0;
    while (i < this.#free.length && this.#free[i]!.at < at) i++;
    this.#free.splice(i, 0, { at, bytes: size });
    for (const j of [i, i - 1]) {
      const here = this.#free[j];
      const next = this.#free[j + 1];
      if (here && next && here.at + here.bytes === next.at) {
        here.bytes += next.bytes;
        this.#free.splice(j + 1, 1);
      }
    }
  }

  #grow(pages: number): void {
    const held = this.memory.buffer.byteLength;
    try {
      if (held / PAGE + pages > this.#limit) throw new RangeError(`maximum of ${this.#limit} pages`);
      this.memory.grow(pages);
    } catch (cause) {
      throw outOfMemory(held + pages * PAGE, held, cause);
    }
  }
}

/** A memory that may grow to 4 GiB, or to less where the host reserves shared memory up front and refuses. */
function makeMemory(initial: number, shared: boolean): [WebAssembly.Memory, number] {
  let cause: unknown;
  for (const maximum of shared ? [65536, 32768, 16384, 8192, 4096] : [65536]) {
    if (initial > maximum) break;
    try {
      return [new WebAssembly.Memory({ initial, maximum, shared }), maximum];
    } catch (error) {
      cause = error;
    }
  }
  throw outOfMemory(initial * PAGE, 0, cause);
}

function outOfMemory(wanted: number, held: number, cause: unknown): DeviceError {
  return new DeviceError('out-of-memory', {
    thing: 'wasm memory',
    found: `${wanted} bytes needed, ${held} bytes held and no more to be had (limit ${65536 * PAGE})`,
    wanted: 'memory for constants, intermediate values and the image',
    next: 'Use a smaller model or image, or dispose what is no longer used.',
    cause,
  });
}
