// Picks a runtime in order of preference and reports what was asked, what is used, and why the others are not.
import { ArgumentError, DeviceError, describe } from '../errors.js';
import type { Runtime, RuntimeKind } from './runtime.js';

/** `auto` tries webgpu, wasm, reference in this order; a name or a list of names tries just those, in their order. */
export type DeviceChoice = 'auto' | RuntimeKind | readonly RuntimeKind[];

/** Which device is used, and why not the others. */
export interface DeviceReport {
  /** What the caller asked for. */
  readonly asked: DeviceChoice;
  /** What is used. */
  readonly used: RuntimeKind;
  /** One line for people: `wasm, 2 threads, relaxed SIMD, tile 4x8`. */
  readonly description: string;
  /** For every kind that was tried or passed over before `used`: why it is not used. */
  readonly why: readonly { readonly kind: RuntimeKind; readonly reason: string }[];
}

/** Options of {@link chooseRuntime}. */
export interface ChooseOptions {
  /** Threads of the wasm runtime: a number from 1 on, or `auto` (default): all cores up to 8 where memory can be shared. */
  threads?: number | 'auto' | undefined;
}

type Opener = (options: ChooseOptions) => Promise<Runtime>;

/** Each runtime's code is loaded only when it is chosen. */
const openers: Readonly<Record<RuntimeKind, Opener>> = {
  webgpu: async () => {
    throw new DeviceError('device-unavailable', {
      thing: 'device "webgpu"',
      found: 'a labelweave version without the WebGPU runtime',
      wanted: 'wasm or reference',
      next: 'Use device: "wasm".',
    });
  },
  wasm: async ({ threads }) => (await import('./wasm/index.js')).createWasmRuntime({ threads: threads ?? 'auto' }),
  reference: async () => (await import('./reference/index.js')).createReferenceRuntime(),
};

const automatic: readonly RuntimeKind[] = ['webgpu', 'wasm', 'reference'];

/**
 * Opens the first runtime that works.
 * @throws ArgumentError for an unknown name; DeviceError `device-unavailable` with every reason when none works.
 */
export async function chooseRuntime(
  asked: DeviceChoice = 'auto',
  options: ChooseOptions = {},
): Promise<{ runtime: Runtime; report: DeviceReport }> {
  const { threads } = options;
  if (threads !== undefined && threads !== 'auto' && !(Number.isInteger(threads) && threads >= 1 && threads <= 64)) {
    throw new ArgumentError({ thing: 'threads', found: describe(threads), wanted: '"auto" or a whole number from 1 to 64' });
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
    try {
      const runtime = await openers[kind](options);
      return { runtime, report: { asked, used: kind, description: runtime.description, why } };
    } catch (error) {
      // One device by name: its own error says it best.
      if (kinds.length === 1) throw error;
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
