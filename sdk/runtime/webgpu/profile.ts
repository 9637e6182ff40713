// Times the dispatches of a frame: by timestamps of the device (timestamp-query), or one by one where it has none. One frame at a time.
import type { StepTime } from '../runtime.js';
import { MAP_READ, Usage, type Gpu } from './gpu.js';

/** Most queries of one set (WebGPU specification, 20.1). */
const SET = 4096;

/** Which node a dispatch belongs to. */
export interface StepName {
  readonly name: string;
  readonly op: string;
  /** The first of its node. */
  readonly first: boolean;
}

/** The times of dispatches, in milliseconds, by node. */
function byNode(names: readonly StepName[], times: readonly number[]): StepTime[] {
  const profile: StepTime[] = [];
  for (const [i, { name, op, first }] of names.entries()) {
    if (first) profile.push({ name, op, ms: times[i]! });
    else profile.at(-1)!.ms += times[i]!;
  }
  return profile;
}

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
  async read(names: readonly StepName[]): Promise<StepTime[]> {
    if (this.steps === 0) return [];
    await this.gpu.settled(this.#staging.mapAsync(MAP_READ));
    const stamps = new BigUint64Array(this.#staging.getMappedRange(), 0, this.steps * 2);
    // Nanoseconds; a device that changed its clock on the way may run backwards.
    const times = names.map((_, i) => Math.max(0, Number(stamps[i * 2 + 1]! - stamps[i * 2]!)) / 1e6);
    this.#staging.unmap();
    return byNode(names, times);
  }

  dispose(): void {
    for (const set of this.#sets) set.destroy();
    this.#resolved.destroy();
    this.#staging.destroy();
  }
}

/**
 * Times where the device has no timestamps: behind the frame, whose results are copied by then, each dispatch once more in a submission of its own. The time
 * of an empty submission is taken off; what is left is an upper bound. `encode` writes dispatch `index` into a pass.
 */
export async function timeApart(
  gpu: Gpu,
  names: readonly StepName[],
  encode: (pass: GPUComputePassEncoder, index: number) => void,
): Promise<StepTime[]> {
  const { queue } = gpu.device;
  const time = async (index?: number): Promise<number> => {
    const encoder = gpu.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    if (index !== undefined) encode(pass, index);
    pass.end();
    const start = performance.now();
    queue.submit([encoder.finish()]);
    await gpu.settled(queue.onSubmittedWorkDone());
    return performance.now() - start;
  };
  const empty = Math.min(await time(), await time(), await time());
  const times: number[] = [];
  for (const index of names.keys()) times.push(Math.max(0, (await time(index)) - empty));
  return byNode(names, times);
}
