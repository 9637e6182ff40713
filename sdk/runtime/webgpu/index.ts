// The WebGPU runtime: hand-written WGSL kernels, one pass and one submission a frame. Picks adapter, precision and tiles, and says what it picked.
import { ArgumentError, describe, DeviceError, DeviceLostError, DisposedError } from '../../errors.js';
import type { Graph } from '../../ir/graph.js';
import type { AdapterFacts, CompileOptions, Executable, GpuTensor, Results, Runtime, RunRequest } from '../runtime.js';
import { openDevice, type OpenedDevice } from './adapter.js';
import { calibrate } from './calibrate.js';
import { WebGpuExecutable, type Host } from './executable.js';
import { Gpu } from './gpu.js';
import { kernels, type Scalar } from './kernels.js';
import { questions, softwareTuning } from './lower/index.js';
import { recallTuning } from './measure.js';
import type { Tuning } from './tune.js';

export interface WebGpuOptions {
  /** The caller's own GPUDevice: used as it is, never destroyed here. Default: one of our own. */
  device?: object | undefined;
  /** A device that `openDevice` has opened with the same options. Default: one is opened. */
  opened?: OpenedDevice | undefined;
  /** Whether an adapter that computes on the CPU (SwiftShader, llvmpipe) will do. Default false: such a device is slower than wasm. */
  software?: boolean | undefined;
  /** Which of several GPUs. Default `high-performance`. */
  powerPreference?: 'high-performance' | 'low-power' | undefined;
  /** Storage of float tensors. `auto` (default): f16 where the adapter is a GPU with shader-f16 and the model gives sound numbers in it; else f32. */
  precision?: 'auto' | Scalar | undefined;
  /** `adapter` (default) uses all that the adapter has, `default` what every WebGPU has. */
  limits?: 'adapter' | 'default' | undefined;
  /**
   * Variants of kernels. `auto` (default): the fastest on this adapter, timed within 300 ms at a load until every question is answered, and remembered in the
   * host's store; on adapters that compute on the CPU what is known of those. `false` takes the first variant of each; an object names them.
   */
  tuning?: 'auto' | false | Tuning | undefined;
  /** Most bytes of intermediate values, and of constants, of one graph. Default 4 GiB. */
  memoryLimit?: number | undefined;
}

/** Makes the runtime. Throws ArgumentError for bad options and DeviceError `device-unavailable` with what to do. */
export async function createWebGpuRuntime(options: WebGpuOptions = {}): Promise<WebGpuRuntime> {
  const { precision = 'auto', memoryLimit = 2 ** 32, software = false } = options;
  if (!['auto', 'f32', 'f16'].includes(precision)) {
    throw new ArgumentError({ thing: 'precision', found: describe(precision), wanted: '"auto", "f32" or "f16"' });
  }
  if (!(memoryLimit > 0))
    throw new ArgumentError({ thing: 'memoryLimit', found: describe(memoryLimit), wanted: 'a number of bytes' });
  const { powerPreference, limits } = options;
  const opened = options.opened ?? (await openDevice({ device: options.device, software, powerPreference, limits }));
  const gpu = new Gpu(opened, kernels);
  const half = gpu.features.has('shader-f16');
  if (precision === 'f16' && !half) {
    gpu.release();
    const found = `${gpu.facts.name}, which has no shader-f16`;
    throw new DeviceError('device-unavailable', {
      thing: 'device "webgpu" with precision "f16"',
      found,
      wanted: 'a GPU with shader-f16',
      next: 'Leave precision at "auto".',
    });
  }
  const scalar = precision === 'auto' ? (half && !gpu.facts.software ? 'f16' : 'f32') : precision;
  // A device of the caller cannot be had again.
  const reopen = !opened.owned
    ? undefined
    : async () => new Gpu(await openDevice({ software, powerPreference, limits }), kernels);
  const tuning = await tuningOf(gpu, scalar, options.tuning ?? 'auto');
  return new WebGpuRuntime(gpu, scalar, memoryLimit, tuning, reopen);
}

async function tuningOf(gpu: Gpu, scalar: Scalar, asked: 'auto' | false | Tuning): Promise<Tuning> {
  if (gpu.facts.software) return { ...softwareTuning, ...(typeof asked === 'object' && asked) };
  if (typeof asked === 'object') return asked;
  if (!asked) return {};
  try {
    return await recallTuning(gpu, { questions: Object.values(questions), scalar });
  } catch (error) {
    gpu.release();
    throw error;
  }
}

/** Compiles graphs, and when the device is lost opens another one and makes everything again, once a loss. */
export class WebGpuRuntime implements Runtime {
  readonly kind = 'webgpu';
  readonly takesSources = true;
  /** What a person should know beside the description: a fallback to f32, a device that was lost. */
  readonly notes: string[] = [];
  readonly #executables = new Set<Revived>();
  readonly #scalar: Scalar;
  readonly #memoryLimit: number;
  readonly #tuning: Tuning;
  readonly #reopen: (() => Promise<Gpu>) | undefined;
  #gpu: Gpu;
  #host: Host;
  /** Frames of this device that came back. */
  #frames = 0;
  #reviving: Promise<void> | undefined;
  #disposed = false;

  /** Use {@link createWebGpuRuntime}. */
  constructor(gpu: Gpu, scalar: Scalar, memoryLimit: number, tuning: Tuning, reopen: (() => Promise<Gpu>) | undefined) {
    this.#gpu = gpu;
    this.#scalar = scalar;
    this.#memoryLimit = memoryLimit;
    this.#tuning = tuning;
    this.#reopen = reopen;
    this.#host = this.#hostOf(gpu);
  }

  get description(): string {
    const { name, software } = this.#gpu.facts;
    const scalars = new Set([...this.#executables].map(({ scalar }) => scalar));
    const precision = scalars.size > 0 ? [...scalars].sort().join(' and ') : this.#scalar;
    return `webgpu, ${name}${software ? ' (computes on the CPU)' : ''}, ${precision}`;
  }

  /** Facts about the adapter. */
  get adapter(): AdapterFacts {
    return this.#gpu.facts;
  }

  /** The GPUDevice of now. */
  get gpuDevice(): GPUDevice {
    return this.#gpu.device;
  }

  async compile(graph: Graph, options: CompileOptions = {}): Promise<Executable> {
    options.signal?.throwIfAborted();
    this.#alive();
    const executable = await this.#withDevice(() => this.#make(graph, options));
    const revived = new Revived(this.#link, graph, executable, options);
    if (this.#disposed) {
      revived.dispose();
      this.#alive();
    }
    this.#executables.add(revived);
    return revived;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const executable of [...this.#executables]) executable.dispose();
    this.#gpu.release();
  }

  #alive(): void {
    if (this.#disposed) throw new DisposedError('webgpu runtime');
  }

  #hostOf(gpu: Gpu): Host {
    return { gpu, tuning: this.#tuning, memoryLimit: this.#memoryLimit };
  }

  readonly #link: Link = {
    withDevice: (use) => this.#withDevice(use),
    completed: () => void this.#frames++,
    released: (executable) => void this.#executables.delete(executable),
  };

  /** In f16 where that gives sound numbers, else in f32. */
  async #make(graph: Graph, options: CompileOptions): Promise<WebGpuExecutable> {
    if (this.#scalar === 'f32') return WebGpuExecutable.make(this.#host, graph, 'f32', options);
    const executable = await WebGpuExecutable.make(this.#host, graph, 'f16', options);
    let problem: string | undefined;
    try {
      problem = await calibrate(graph, executable);
    } catch (error) {
      executable.dispose();
      throw error;
    }
    if (problem === undefined) return executable;
    executable.dispose();
    const note = `f32 in place of f16: on the calibration frame ${problem}`;
    if (!this.notes.includes(note)) this.notes.push(note);
    return WebGpuExecutable.make(this.#host, graph, 'f32', options);
  }

  /** Runs `use`; when the device is lost meanwhile, gets another one and runs it again, once. */
  async #withDevice<T>(use: () => Promise<T>): Promise<T> {
    const gpu = this.#gpu;
    try {
      return await use();
    } catch (error) {
      if (!(error instanceof DeviceLostError) || !this.#reopen) throw error;
      this.#alive();
      // Another frame may have seen to it meanwhile.
      if (this.#gpu === gpu) {
        const revival = (this.#reviving ??= this.#revive(error).finally(() => (this.#reviving = undefined)));
        await revival;
      }
      this.#alive();
      return use();
    }
  }

  /** Opens a device again and makes every executable on it. A device that was lost before it did anything is not replaced. */
  async #revive(error: DeviceLostError): Promise<void> {
    if (this.#frames === 0 && this.notes.some((note) => note.startsWith(LOST))) throw error;
    let gpu: Gpu;
    try {
      gpu = await this.#reopen!();
    } catch {
      throw error;
    }
    try {
      this.#alive();
      const host = this.#hostOf(gpu);
      for (const executable of this.#executables) await executable.revive(host);
      this.#alive();
      this.#gpu.release();
      [this.#gpu, this.#host, this.#frames] = [gpu, host, 0];
    } catch (cause) {
      gpu.release();
      throw cause;
    }
    this.notes.push(`${LOST} (${error.found}) and opened again`);
  }
}

const LOST = 'the device was lost';

/** What an executable needs of its runtime. */
interface Link {
  withDevice<T>(use: () => Promise<T>): Promise<T>;
  completed(): void;
  released(executable: Revived): void;
}

/** An executable that outlives its device: it keeps the graph, and is made again on the next one. */
class Revived implements Executable {
  readonly #link: Link;
  readonly #graph: Graph;
  readonly #options: CompileOptions;
  readonly #base: Revived | undefined;
  readonly #children = new Set<Revived>();
  #inner: WebGpuExecutable;
  #disposed = false;

  constructor(link: Link, graph: Graph, inner: WebGpuExecutable, { profile }: CompileOptions, base?: Revived) {
    this.#link = link;
    this.#graph = graph;
    this.#inner = inner;
    // The signal and progress of the first time are over.
    this.#options = { ...(profile && { profile }) };
    this.#base = base;
  }

  get scalar(): Scalar {
    return this.#inner.scalar;
  }

  get memory(): Executable['memory'] {
    return this.#inner.memory;
  }

  get profile(): Executable['profile'] {
    return this.#inner.profile;
  }

  get plan(): Executable['plan'] {
    return this.#inner.plan;
  }

  async run<T>(request: RunRequest, consume: (results: Results) => T): Promise<T> {
    const result = await this.#link.withDevice(() => this.#inner.run(request, consume));
    this.#link.completed();
    return result;
  }

  async keep(request: RunRequest): Promise<Readonly<Record<string, GpuTensor>>> {
    const result = await this.#link.withDevice(() => this.#inner.keep(request));
    this.#link.completed();
    return result;
  }

  async extend(graph: Graph): Promise<Executable> {
    const inner = await this.#link.withDevice(() => this.#inner.extend(graph));
    const child = new Revived(this.#link, graph, inner, this.#options, this);
    if (this.#disposed) {
      child.dispose();
      throw new DisposedError('webgpu executable');
    }
    this.#children.add(child);
    return child;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const child of [...this.#children]) child.dispose();
    this.#inner.dispose();
    if (this.#base) this.#base.#children.delete(this);
    else this.#link.released(this);
  }

  /** Makes it and its extensions again on another device. */
  async revive(host: Host): Promise<void> {
    const inner = await WebGpuExecutable.make(host, this.#graph, this.#inner.scalar, this.#options);
    await this.#replace(inner);
  }

  async #replace(inner: WebGpuExecutable): Promise<void> {
    const old = this.#inner;
    this.#inner = inner;
    for (const child of this.#children) await child.#replace(await inner.extend(child.#graph));
    old.dispose();
    if (this.#disposed) inner.dispose();
  }
}
