// A device with what is made once for all graphs on it: shader modules, pipelines, layouts; and its errors. It knows no graph.
import { DeviceError, DeviceLostError, LabelweaveError } from '../../errors.js';
import type { DeviceFacts, OpenedDevice } from './adapter.js';
import { compiledText, type KernelName, type Scalar } from './kernels.js';

/** Bits of GPUBufferUsage, GPUTextureUsage and the like: not every host has the global objects. */
export const Usage = { mapRead: 1, copySource: 4, copyTarget: 8, uniform: 64, storage: 128, queryResolve: 512 } as const;
export const TextureUsage = { copySource: 1, copyTarget: 2, binding: 4, render: 16 } as const;
const COMPUTE = 4;
export const MAP_READ = 1;

/** What a binding of a kernel is, as its WGSL declares it. */
export type Access = 'read' | 'write' | 'uniform' | 'texture';

/** A kernel with its structure fixed. */
export interface Program {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** Which kernel, with which overrides. */
export interface ProgramKey<Name extends string = KernelName> {
  kernel: Name;
  scalar: Scalar;
  overrides: Readonly<Record<string, number>>;
}

/** @typeParam Name kernels of the table that it compiles: those of networks, or those of training */
export class Gpu<Name extends string = KernelName> {
  readonly device: GPUDevice;
  readonly facts: DeviceFacts;
  readonly features: ReadonlySet<string>;
  /** Set once the device is gone. */
  loss: DeviceLostError | undefined;
  readonly #owned: boolean;
  /** Who waits for the device: told when it is gone. */
  readonly #waiting = new Set<(error: DeviceLostError) => void>();
  readonly #modules = new Map<string, GPUShaderModule>();
  readonly #programs = new Map<string, Promise<Program>>();
  readonly #layouts = new Map<string, GPUBindGroupLayout>();
  readonly #accesses = new Map<Name, readonly Access[]>();

  readonly #sources: Readonly<Record<Name, string>>;

  constructor({ device, facts, owned }: OpenedDevice, sources: Readonly<Record<Name, string>>) {
    this.#sources = sources;
    this.device = device;
    this.facts = facts;
    this.features = new Set(facts.features);
    this.#owned = owned;
    void device.lost.then((info) => {
      this.loss = lossOf(facts.name, info);
      for (const reject of this.#waiting) reject(this.loss);
      this.#waiting.clear();
    });
  }

  /** What each binding of a kernel is, in order. */
  accesses(kernel: Name): readonly Access[] {
    let accesses = this.#accesses.get(kernel);
    if (!accesses) this.#accesses.set(kernel, (accesses = accessesOf(compiledText(this.#sources[kernel], 'f32'))));
    return accesses;
  }

  /** Compiles a kernel off the main thread, once. Rejects with DeviceError. */
  program(key: ProgramKey<Name>): Promise<Program> {
    const { kernel, scalar, overrides } = key;
    const names = Object.keys(overrides).sort();
    const id = `${kernel}/${scalar}/${names.map((name) => `${name}=${overrides[name]}`).join()}`;
    let program = this.#programs.get(id);
    if (!program) {
      this.#programs.set(id, (program = this.#compile(key)));
      // A kernel that failed may be asked for again, on a device that has come back to its senses.
      program.catch(() => this.#programs.delete(id));
    }
    return program;
  }

  /** Kernels compiled so far, with each of their structures. */
  get programs(): number {
    return this.#programs.size;
  }

  /**
   * Runs `make` and resolves when the device has judged it: rejects with DeviceError `out-of-memory` or `device-failed`, or DeviceLostError. `make` must not
   * await: error scopes are a stack of the whole device.
   */
  async checked<T>(thing: string, make: () => T): Promise<T> {
    this.alive();
    const { device } = this;
    device.pushErrorScope('internal');
    device.pushErrorScope('validation');
    device.pushErrorScope('out-of-memory');
    let result: T | undefined;
    let thrown: unknown;
    try {
      result = make();
    } catch (error) {
      thrown = error ?? new Error('nothing');
    }
    const scopes = [device.popErrorScope(), device.popErrorScope(), device.popErrorScope()];
    const [memory, validation, internal] = await Promise.all(scopes.map((scope) => this.#settle(scope)));
    if (thrown !== undefined) throw this.failure(thing, thrown);
    this.alive();
    if (memory) {
      throw new DeviceError('out-of-memory', {
        thing,
        found: `no room on the device (${memory.message.split('\n')[0]})`,
        wanted: 'memory for the graph',
        next: 'Use a smaller model or device: "wasm".',
        cause: memory,
      });
    }
    const error = validation ?? internal;
    if (error) throw this.failure(thing, error);
    return result as T;
  }

  /** A promise of the device that may never settle once the device is gone. */
  settled<T>(promise: Promise<T>): Promise<T> {
    // Not a race with `lost`: that would keep every frame in memory for as long as the device lives.
    return new Promise((resolve, reject) => {
      if (this.loss) return reject(this.loss);
      this.#waiting.add(reject);
      const done = (): void => void this.#waiting.delete(reject);
      promise.then(
        (value) => (done(), resolve(value)),
        (error: unknown) => (done(), reject(error as Error)),
      );
    });
  }

  /** The error behind a rejection: the loss of the device where that is why. */
  failure(thing: string, cause: unknown): LabelweaveError {
    if (cause instanceof LabelweaveError) return cause;
    if (this.loss) return this.loss;
    return new DeviceError('device-failed', {
      thing,
      found: (cause instanceof Error || cause instanceof Object ? String((cause as Error).message) : String(cause)).split(
        '\n',
      )[0]!,
      wanted: 'a command that the device takes',
      next: 'This is a bug in labelweave or in the driver: please report it with the model and the adapter.',
      cause,
    });
  }

  /** Throws DeviceLostError once the device is gone. */
  alive(): void {
    if (this.loss) throw this.loss;
  }

  /** Gives the device back; one that the caller brought stays. */
  release(): void {
    this.#programs.clear();
    this.#modules.clear();
    if (this.#owned) this.device.destroy();
  }

  async #settle(scope: Promise<GPUError | null>): Promise<GPUError | null> {
    try {
      return await this.settled(scope);
    } catch {
      // The device is gone: `alive` says so.
      return null;
    }
  }

  async #compile({ kernel, scalar, overrides }: ProgramKey<Name>): Promise<Program> {
    this.alive();
    const { device } = this;
    const layout = this.#layout(this.accesses(kernel));
    const moduleKey = `${kernel}/${scalar}`;
    let module = this.#modules.get(moduleKey);
    // What is wrong with a module is told when its pipeline is made: the scope only keeps it from the console.
    if (!module) {
      device.pushErrorScope('validation');
      module = device.createShaderModule({ label: moduleKey, code: compiledText(this.#sources[kernel], scalar) });
      void this.#settle(device.popErrorScope());
      this.#modules.set(moduleKey, module);
    }
    try {
      const pipeline = await this.settled(
        device.createComputePipelineAsync({
          label: moduleKey,
          layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
          compute: { module, entryPoint: 'main', constants: overrides as Record<string, number> },
        }),
      );
      return { pipeline, layout };
    } catch (cause) {
      this.alive();
      const { messages } = await this.settled(module.getCompilationInfo());
      const told = messages.filter(({ type }) => type === 'error').map(({ message }) => message.split('\n')[0]);
      const why = told.length ? told.join('; ') : cause instanceof Error ? cause.message : String(cause);
      throw this.failure(`kernel "${moduleKey}" ${JSON.stringify(overrides)}`, new Error(why, { cause }));
    }
  }

  #layout(accesses: readonly Access[]): GPUBindGroupLayout {
    const id = accesses.join();
    let layout = this.#layouts.get(id);
    if (!layout) {
      layout = this.device.createBindGroupLayout({
        label: id,
        entries: accesses.map((access, binding): GPUBindGroupLayoutEntry => {
          if (access === 'texture') return { binding, visibility: COMPUTE, texture: { sampleType: 'unfilterable-float' } };
          const type = access === 'uniform' ? 'uniform' : access === 'read' ? 'read-only-storage' : 'storage';
          return { binding, visibility: COMPUTE, buffer: { type } };
        }),
      });
      this.#layouts.set(id, layout);
    }
    return layout;
  }
}

/** Reads the bindings of group 0 from WGSL. They must be numbered from 0 without a gap. */
export function accessesOf(wgsl: string): Access[] {
  const accesses: Access[] = [];
  for (const [, attributes, space, mode, type] of wgsl.matchAll(
    /((?:@(?:group|binding)\(\s*\d+\s*\)\s*){2})var(?:\s*<\s*(\w+)\s*(?:,\s*(\w+)\s*)?>)?\s*\w+\s*:\s*(\w+)/g,
  )) {
    const binding = Number(/@binding\(\s*(\d+)/.exec(attributes!)![1]);
    accesses[binding] =
      space === 'uniform' ? 'uniform' : space === 'storage' ? (mode === 'read_write' ? 'write' : 'read') : 'texture';
    if (space === undefined && !type!.startsWith('texture_')) throw new TypeError(`binding ${binding} of type ${type}`);
  }
  for (let i = 0; i < accesses.length; i++) if (!accesses[i]) throw new TypeError(`no binding ${i} among ${accesses.length}`);
  return accesses;
}

function lossOf(name: string, info: GPUDeviceLostInfo): DeviceLostError {
  return new DeviceLostError({
    thing: `device of ${name}`,
    found:
      info.reason === 'destroyed'
        ? 'a device that was destroyed'
        : `a device that is gone (${info.message || 'no reason given'})`,
    wanted: 'a live device',
    next: 'Load the detector again, or use device: "wasm".',
  });
}
