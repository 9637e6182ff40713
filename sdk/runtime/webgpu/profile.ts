// Times the dispatches of a frame by timestamps of the device (timestamp-query). One frame at a time.
import type { StepTime } from '../runtime.js';
import { MAP_READ, Usage, type Gpu } from './gpu.js';

/** Most queries of one set (WebGPU specification, 20.1). */
const SET = 4096;

export class Profiler {
  readonly #sets: GPUQuerySet[] = [];
  readonly #resolved: GPUBuffer;
  readonly #staging: GPUBuffer;

  constructor(
    readonly gpu: Gpu,
    readonly steps: number,
  ) {
    const { device } = gpu;
    for (let left = steps * 2; left > 0; left -= SET) {
      this.#sets.push(device.createQuerySet({ type: 'timestamp', count: Math.min(left, SET) }));
    }
    const size = Math.max(256, Math.ceil((steps * 16) / 256) * 256);
    this.#resolved = device.createBuffer({ size, usage: Usage.queryResolve | Usage.copySource });
    this.#staging = device.createBuffer({ size, usage: Usage.mapRead | Usage.copyTarget });
  }

  /** Descriptor of the pass of step `index`. */
  pass(index: number): GPUComputePassDescriptor {
    const query = index * 2;
    return {
      timestampWrites: {
        querySet: this.#sets[Math.floor(query / SET)]!,
        beginningOfPassWriteIndex: query % SET,
        endOfPassWriteIndex: (query % SET) + 1,
      },
    };
  }

  /** To be called behind the last pass. */
  end(encoder: GPUCommandEncoder): void {
    for (const [i, set] of this.#sets.entries()) encoder.resolveQuerySet(set, 0, set.count, this.#resolved, i * SET * 8);
    if (this.steps > 0) encoder.copyBufferToBuffer(this.#resolved, 0, this.#staging, 0, this.steps * 16);
  }

  /** Times by node, once the frame is done. */
  async read(names: readonly { name: string; op: string; first: boolean }[]): Promise<StepTime[]> {
    if (this.steps === 0) return [];
    await this.gpu.settled(this.#staging.mapAsync(MAP_READ));
    const times = new BigUint64Array(this.#staging.getMappedRange(), 0, this.steps * 2);
    const profile: StepTime[] = [];
    for (const [i, { name, op, first }] of names.entries()) {
      // Nanoseconds; a device that changed its clock on the way may run backwards.
      const ms = Math.max(0, Number(times[i * 2 + 1]! - times[i * 2]!)) / 1e6;
      if (first) profile.push({ name, op, ms });
      else profile.at(-1)!.ms += ms;
    }
    this.#staging.unmap();
    return profile;
  }

  dispose(): void {
    for (const set of this.#sets) set.destroy();
    this.#resolved.destroy();
    this.#staging.destroy();
  }
}
