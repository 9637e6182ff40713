// Starts the WASM module of the matching functions and lays out its memory. Where a host has none, callers use the plain twins.
import bytes from '../../../build/assembly/match.wasm';

interface Exports {
  assign(...values: number[]): number;
  pairwiseIou(n: number, stride: number, a: number, b: number, crowd: number, out: number): void;
}

export interface MatchKernels extends Exports {
  readonly memory: WebAssembly.Memory;
}

/** Arrays larger than this stay in JavaScript: the module's memory never shrinks again. */
const mostBytes = 2 ** 28;
const pageBytes = 2 ** 16;
/** The module has no data of its own; the first bytes are left alone so that no pointer is 0. */
const firstByte = 64;

let kernels: MatchKernels | null | undefined;

/**
 * The module, started once; undefined where WebAssembly or SIMD is missing or a page forbids it (content security policy). The module is small
 * enough (under 4 kB) to be compiled synchronously on every host.
 */
function matchKernels(): MatchKernels | undefined {
  if (kernels === undefined) {
    try {
      const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
      const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
      kernels = { ...(exports as unknown as Exports), memory };
    } catch {
      kernels = null;
    }
  }
  return kernels ?? undefined;
}

/**
 * Room for arrays of the given sizes in bytes, each at a multiple of 16. Contents are what the last call left. Undefined where the module is
 * missing or has no room; the caller then works in JavaScript.
 */
export function reserve(sizes: readonly number[]): { kernels: MatchKernels; places: number[]; buffer: ArrayBuffer } | undefined {
  const places: number[] = [];
  let end = firstByte;
  for (const size of sizes) {
    places.push(end);
    end += Math.ceil(size / 16) * 16;
  }
  if (end > mostBytes) return undefined;
  const module = matchKernels();
  if (!module) return undefined;
  const { memory } = module;
  const missing = end - memory.buffer.byteLength;
  try {
    if (missing > 0) memory.grow(Math.ceil(missing / pageBytes));
  } catch {
    return undefined;
  }
  return { kernels: module, places, buffer: memory.buffer };
}
