// One GPU device for training: arrays that lie on it, kernels and copies that wait in a queue, and the errors that come with the next read.
import { ArgumentError, describe, DeviceError, DisposedError } from '../errors.js';
import { type Gpu, MAP_READ, type Program, Usage } from '../runtime/webgpu/gpu.js';
import type { TrainKernelFile } from '../runtime/webgpu/train-kernels.js';
import type { DeviceArray, HostArray } from './device.js';

/** Bytes of a kernel's uniform block, rounded up to what offsets must be multiples of. */
const shapeBytes = 256;
/** Dispatches of one submission. */
const mostQueued = 256;

interface Dispatch {
  readonly program: Program;
  readonly buffers: readonly GPUBuffer[];
  readonly groups: readonly [number, number];
}

interface Copy {
  readonly from: GPUBuffer;
  readonly to: GPUBuffer;
  readonly at: number;
  readonly bytes: number;
}

/** An array on the device. */
export class Buffered<T extends HostArray> implements DeviceArray<T> {
  readonly #host: Host;
  readonly #make: (bytes: ArrayBuffer, length: number) => T;
  #buffer: GPUBuffer | undefined;

  constructor(
    host: Host,
    readonly length: number,
    readonly kind: string,
    make: (bytes: ArrayBuffer, length: number) => T,
    buffer: GPUBuffer,
  ) {
    this.#host = host;
    this.#make = make;
    this.#buffer = buffer;
  }

  get buffer(): GPUBuffer {
    if (!this.#buffer) throw new DisposedError('array on the device');
    return this.#buffer;
  }

  write(values: T): void {
    const wanted = `a ${this.kind} of ${this.length}`;
    if (kindOf(values) !== this.kind) throw new ArgumentError({ thing: 'values', found: describe(values), wanted });
    if (values.length !== this.length) throw new ArgumentError({ thing: 'values', found: `${values.length}`, wanted });
    this.#host.write(this.buffer, values);
  }

  async read(): Promise<T> {
    return this.#make(await this.#host.read(this.buffer), this.length);
  }

  dispose(): void {
    if (!this.#buffer) return;
    this.#host.free(this.#buffer);
    this.#buffer = undefined;
  }
}

/** Name of an array's class. */
export const kindOf = (values: unknown): string => Object.prototype.toString.call(values).slice(8, -1);
const makers: Readonly<Record<string, (bytes: ArrayBuffer, length: number) => HostArray>> = {
  Float32Array: (bytes, length) => new Float32Array(bytes, 0, length),
  Int32Array: (bytes, length) => new Int32Array(bytes, 0, length),
  Uint8Array: (bytes, length) => new Uint8Array(bytes, 0, length),
};

/** Queue, memory and errors of one device. */
export class Host {
  readonly #gpu: Gpu<TrainKernelFile>;
  readonly #programs: Readonly<Record<TrainKernelFile, Program>>;
  readonly #buffers = new Set<GPUBuffer>();
  readonly #shapes: GPUBuffer;
  readonly #words = new Uint32Array((shapeBytes / 4) * mostQueued);
  #queue: (Dispatch | Copy)[] = [];
  readonly #checks = new Set<Promise<void>>();
  #failed: unknown;
  #disposed = false;
  /** For arguments that are left out. */
  readonly absent: GPUBuffer;
  /** A norm that clips nothing. */
  readonly unclipped: GPUBuffer;

  constructor(gpu: Gpu<TrainKernelFile>, programs: Readonly<Record<TrainKernelFile, Program>>) {
    this.#gpu = gpu;
    this.#programs = programs;
    this.#shapes = this.buffer(shapeBytes * mostQueued, Usage.uniform);
    this.absent = this.buffer(16);
    this.unclipped = this.buffer(8);
    this.write(this.unclipped, Float32Array.of(0, 1));
  }

  get description(): string {
    const { name, software } = this.#gpu.facts;
    return `webgpu, ${name}${software ? ' (computes on the CPU)' : ''}, f32`;
  }

  buffer(bytes: number, usage: number = Usage.storage): GPUBuffer {
    this.#alive();
    const { maxStorageBufferBindingSize, maxBufferSize } = this.#gpu.facts.limits;
    const size = Math.max(16, Math.ceil(bytes / 16) * 16);
    const most = Math.min(maxStorageBufferBindingSize, maxBufferSize);
    if (size > most) throw noRoom(`${Math.ceil(size / 2 ** 20)} MB; the device takes ${Math.floor(most / 2 ** 20)} MB at a time`);
    const buffer = this.#watch('array on the device', () =>
      this.#gpu.device.createBuffer({ label: 'train', size, usage: usage | Usage.copySource | Usage.copyTarget }),
    );
    this.#buffers.add(buffer);
    return buffer;
  }

  array<T extends HostArray>(length: number, kind: string): Buffered<T> {
    const make = makers[kind];
    if (!make) throw new ArgumentError({ thing: 'values', found: kind, wanted: 'a Float32Array, Int32Array or Uint8Array' });
    const bytes = length * (kind === 'Uint8Array' ? 1 : 4);
    return new Buffered<T>(this, length, kind, make as (bytes: ArrayBuffer, length: number) => T, this.buffer(bytes));
  }

  write(buffer: GPUBuffer, values: HostArray): void {
    this.submit();
    if (values.byteLength === 0) return;
    // Whole words.
    let data = new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength);
    if (data.length % 4 !== 0) {
      const padded = new Uint8Array(Math.ceil(data.length / 4) * 4);
      padded.set(data);
      data = padded;
    }
    this.#watch('array on the device', () => this.#gpu.device.queue.writeBuffer(buffer, 0, data));
  }

  /** Queues a kernel. The last binding is its uniform block. */
  run(kernel: TrainKernelFile, buffers: readonly GPUBuffer[], shape: readonly number[], groups: readonly [number, number]): void {
    this.#alive();
    this.#words.set(shape, (this.#queue.length * shapeBytes) / 4);
    this.#queue.push({ program: this.#programs[kernel], buffers, groups });
    if (this.#queue.length === mostQueued) this.submit();
  }

  copy(from: GPUBuffer, to: GPUBuffer, at: number, bytes: number): void {
    this.#alive();
    this.#queue.push({ from, to, at, bytes });
    if (this.#queue.length === mostQueued) this.submit();
  }

  submit(): void {
    this.#alive();
    const queue = this.#queue;
    if (queue.length === 0) return;
    this.#queue = [];
    const { device } = this.#gpu;
    this.#watch('training step', () => {
      device.queue.writeBuffer(this.#shapes, 0, this.#words.buffer, 0, queue.length * shapeBytes);
      const encoder = device.createCommandEncoder();
      let pass: GPUComputePassEncoder | undefined;
      queue.forEach((one, i) => {
        if ('from' in one) {
          pass?.end();
          pass = undefined;
          encoder.copyBufferToBuffer(one.from, 0, one.to, one.at, one.bytes);
          return;
        }
        pass ??= encoder.beginComputePass();
        const entries = one.buffers.map((buffer, binding): GPUBindGroupEntry => ({ binding, resource: { buffer } }));
        entries.push({
          binding: one.buffers.length,
          resource: { buffer: this.#shapes, offset: i * shapeBytes, size: shapeBytes },
        });
        pass.setPipeline(one.program.pipeline);
        pass.setBindGroup(0, device.createBindGroup({ layout: one.program.layout, entries }));
        pass.dispatchWorkgroups(...one.groups);
      });
      pass?.end();
      device.queue.submit([encoder.finish()]);
    });
  }

  async read(buffer: GPUBuffer): Promise<ArrayBuffer> {
    this.submit();
    const { device } = this.#gpu;
    const { size } = buffer;
    const staging = this.#watch('reading from the device', () => {
      const made = device.createBuffer({ label: 'train, read', size, usage: Usage.mapRead | Usage.copyTarget });
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(buffer, 0, made, 0, size);
      device.queue.submit([encoder.finish()]);
      return made;
    });
    try {
      await this.#checked();
      await this.#gpu.settled(staging.mapAsync(MAP_READ));
      return staging.getMappedRange().slice(0);
    } catch (error) {
      throw this.#gpu.failure('reading from the device', error);
    } finally {
      staging.destroy();
    }
  }

  async settled(): Promise<void> {
    this.submit();
    await this.#gpu.settled(this.#gpu.device.queue.onSubmittedWorkDone());
    await this.#checked();
  }

  free(buffer: GPUBuffer): void {
    if (this.#disposed) return;
    if (!this.#gpu.loss && this.#failed === undefined) this.submit();
    this.#buffers.delete(buffer);
    buffer.destroy();
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const buffer of this.#buffers) buffer.destroy();
    this.#gpu.release();
  }

  #alive(): void {
    if (this.#disposed) throw new DisposedError('training kernels');
    this.#gpu.alive();
    if (this.#failed !== undefined) throw this.#failed;
  }

  /** Resolves when the device has judged everything so far. */
  async #checked(): Promise<void> {
    await Promise.all(this.#checks);
    this.#alive();
  }

  #watch<T>(thing: string, make: () => T): T {
    let result!: T;
    const check: Promise<void> = this.#gpu
      .checked(thing, () => void (result = make()))
      .catch((error: unknown) => {
        this.#failed ??= error instanceof DeviceError && error.code === 'out-of-memory' ? noRoom(thing, error) : error;
      })
      .finally(() => this.#checks.delete(check));
    this.#checks.add(check);
    return result;
  }
}

function noRoom(found: string, cause?: unknown): DeviceError {
  return new DeviceError('out-of-memory', {
    thing: 'memory of the GPU',
    found: `no room for ${found}`,
    wanted: 'memory for one batch',
    next: 'Use a smaller batch.',
    cause,
  });
}
