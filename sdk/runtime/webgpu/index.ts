// The WebGPU runtime: hand-written WGSL kernels, one pass and one submission a frame. Picks adapter, precision and tiles, and says what it picked.
import { ArgumentError, describe, DisposedError } from '../../errors.js';
import type { Graph } from '../../ir/graph.js';
import type { CompileOptions, Executable, Runtime } from '../runtime.js';
import { openDevice, type AdapterFacts } from './adapter.js';
import { WebGpuExecutable, type Host } from './executable.js';
import { Gpu } from './gpu.js';
import type { Scalar } from './kernels.js';
import type { Tuning } from './tune.js';

export type { AdapterFacts } from './adapter.js';

export interface WebGpuOptions {
  /** The caller's own GPUDevice: used as it is, never destroyed here. Default: one of our own. */
  device?: object | undefined;
  /** Whether an adapter that computes on the CPU (SwiftShader, llvmpipe) will do. Default false: such a device is slower than wasm. */
  software?: boolean | undefined;
  /** Which of several GPUs. Default `high-performance`. */
  powerPreference?: 'high-performance' | 'low-power' | undefined;
  /** Storage of float tensors. `auto` (default): f16 where the adapter is a GPU with shader-f16 and the model gives sound numbers in it; else f32. */
  precision?: 'auto' | Scalar | undefined;
  /** `adapter` (default) uses all that the adapter has, `default` what every WebGPU has. */
  limits?: 'adapter' | 'default' | undefined;
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
  const opened = await openDevice({ device: options.device as GPUDevice | undefined, software, powerPreference, limits });
  const gpu = new Gpu(opened);
  const half = gpu.features.has('shader-f16');
  if (precision === 'f16' && !half) {
    gpu.release();
    throw new ArgumentError({
      thing: 'precision',
      found: `"f16" on ${gpu.facts.name}, which has no shader-f16`,
      wanted: '"auto" or "f32"',
    });
  }
  const scalar = precision === 'auto' ? (half && !gpu.facts.software ? 'f16' : 'f32') : precision;
  return new WebGpuRuntime(gpu, scalar, memoryLimit, {});
}

export class WebGpuRuntime implements Runtime {
  readonly kind = 'webgpu';
  readonly #gpu: Gpu;
  readonly #executables = new Set<WebGpuExecutable>();
  readonly #host: Host;
  readonly #scalar: Scalar;
  #disposed = false;

  constructor(gpu: Gpu, scalar: Scalar, memoryLimit: number, tuning: Tuning) {
    this.#gpu = gpu;
    this.#scalar = scalar;
    this.#host = { gpu, tuning, memoryLimit, released: (executable) => void this.#executables.delete(executable) };
  }

  get description(): string {
    const { name, software } = this.#gpu.facts;
    return `webgpu, ${name}${software ? ' (computes on the CPU)' : ''}, ${this.#scalar}`;
  }

  /** Facts about the adapter. */
  get adapter(): AdapterFacts {
    return this.#gpu.facts;
  }

  async compile(graph: Graph, options: CompileOptions = {}): Promise<Executable> {
    options.signal?.throwIfAborted();
    this.#alive();
    const executable = await WebGpuExecutable.make(this.#host, graph, this.#scalar, options);
    if (this.#disposed) {
      executable.dispose();
      this.#alive();
    }
    this.#executables.add(executable);
    return executable;
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
}
