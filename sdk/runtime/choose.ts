// Picks a runtime in order of preference and reports what was asked, what is used, and why the others are not.
import { ArgumentError, DeviceError, describe } from '../errors.js';
import type { AdapterFacts, Runtime, RuntimeKind } from './runtime.js';

/** `auto` tries webgpu (on a real GPU), wasm, reference in this order; a name or a list of names tries just those, in their order. */
export type DeviceChoice = 'auto' | RuntimeKind | readonly RuntimeKind[];

/** Which device is used, and why not the others. */
export interface DeviceReport {
  /** What the caller asked for. */
  readonly asked: DeviceChoice;
  /** What is used. */
  readonly used: RuntimeKind;
  /** One line for people: `wasm, 2 threads, relaxed SIMD, tile 4x8`. */
  readonly description: string;
  /** The GPU that is used, its features and limits; undefined without one. */
  readonly adapter: AdapterFacts | undefined;
  /** What happened on the way: a fallback from f16 to f32, a GPU that was lost and opened again. */
  readonly notes: readonly string[];
  /** For every kind that was tried or passed over before `used`: why it is not used. */
  readonly why: readonly { readonly kind: RuntimeKind; readonly reason: string }[];
}

/** Options of {@link chooseRuntime}. */
export interface ChooseOptions {
  /** Threads of the wasm runtime: a number from 1 on, or `auto` (default): all cores up to 8 where memory can be shared. */
  threads?: number | 'auto' | undefined;
  /** A GPUDevice of your own for the webgpu runtime; it is never destroyed by us. Default: one of our own. */
  gpuDevice?: object | undefined;
  /**
   * How the webgpu runtime stores numbers. `auto` (default): f16 where the GPU has it and the model gives sound results in it, else f32. Sums are always in f32.
   */
  precision?: 'auto' | 'f32' | 'f16' | undefined;
  /**
   * Variants of the webgpu kernels. `auto` (default): timed on the GPU at the first loads, 300 ms at most each time, and remembered; `false`: not timed; an
   * object names them by question.
   */
  tuning?: 'auto' | false | Readonly<Record<string, string>> | undefined;
  /** Which of several GPUs. Default: `high-performance`. */
  powerPreference?: 'high-performance' | 'low-power' | undefined;
}

/** `named`: the caller named the device, so that one that is slow will do. */
type Opener = (options: ChooseOptions, named: boolean) => Promise<Runtime>;

/** Each runtime's code is loaded only when it is chosen. */
const openers: Readonly<Record<RuntimeKind, Opener>> = {
  webgpu: async ({ gpuDevice, precision, powerPreference, tuning }, software) => {
    // The adapter comes first: where there is none, a page does not load the kernels.
    const { openDevice } = await import('./webgpu/adapter.js');
    const opened = await openDevice({ device: gpuDevice, software, powerPreference });
    const { createWebGpuRuntime } = await import('./webgpu/index.js');
    return createWebGpuRuntime({ opened, precision, powerPreference, software, tuning });
  },
  wasm: async ({ threads }) => (await import('./wasm/index.js')).createWasmRuntime({ threads: threads ?? 'auto' }),
  reference: async () => (await import('./reference/index.js')).createReferenceRuntime(),
};

const automatic: readonly RuntimeKind[] = ['webgpu', 'wasm', 'reference'];

/**
 * Opens the first runtime that works. With `prepare` (compiling a graph, mostly) the first one on which that works, too: a DeviceError of it, such as a
 * model that is too large for a GPU, passes the runtime over.
 * @throws ArgumentError for an unknown name; DeviceError `device-unavailable` with every reason when none works; what else `prepare` throws.
 */
export async function chooseRuntime(
  asked: DeviceChoice = 'auto',
  options: ChooseOptions = {},
  prepare?: (runtime: Runtime) => Promise<void>,
): Promise<{ runtime: Runtime; report: DeviceReport }> {
  const { threads, precision } = options;
  if (threads !== undefined && threads !== 'auto' && !(Number.isInteger(threads) && threads >= 1 && threads <= 64)) {
    throw new ArgumentError({ thing: 'threads', found: describe(threads), wanted: '"auto" or a whole number from 1 to 64' });
  }
  if (precision !== undefined && !['auto', 'f32', 'f16'].includes(precision)) {
    throw new ArgumentError({ thing: 'precision', found: describe(precision), wanted: '"auto", "f32" or "f16"' });
  }
  const kinds: readonly RuntimeKind[] = asked === 'auto' ? automatic : typeof asked === 'string' ? [asked] : asked;
  const isList = Array.isArray(kinds) as boolean;
  if (!isList || kinds.length === 0 || kinds.some((kind) => !Object.hasOwn(openers, kind))) {
    throw new ArgumentError({
      thing: 'device',
      found: isList && asked !== 'auto' && typeof asked !== 'string' ? JSON.stringify(asked) : describe(asked),
      wanted: '"auto", "webgpu", "wasm", "reference", or a list of the last three',
    });
  }
  const why: { kind: RuntimeKind; reason: string }[] = [];
  for (const kind of kinds) {
    let runtime: Runtime | undefined;
    try {
      runtime = await openers[kind](options, asked !== 'auto');
      await prepare?.(runtime);
      return { runtime, report: reportOf(asked, runtime, why) };
    } catch (error) {
      runtime?.dispose();
      // One device by name: its own error says it best.
      if (kinds.length === 1 || error instanceof ArgumentError || (runtime && !(error instanceof DeviceError))) throw error;
      why.push({ kind, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  throw new DeviceError('device-unavailable', {
    thing: `device ${JSON.stringify(asked)}`,
    found: why.map(({ kind, reason }) => `${kind}: ${reason}`).join(' '),
    wanted: 'at least one runtime that works here',
    next: 'Ask for device: "reference" to run without WebGPU and WebAssembly.',
  });
}

/** The runtime's own words are asked for each time: they change when a device is lost or a model does not bear f16. */
function reportOf(asked: DeviceChoice, runtime: Runtime, why: DeviceReport['why']): DeviceReport {
  return {
    asked,
    used: runtime.kind,
    get description() {
      return runtime.description;
    },
    get adapter() {
      return runtime.adapter;
    },
    get notes() {
      return [...(runtime.notes ?? [])];
    },
    why,
  };
}
