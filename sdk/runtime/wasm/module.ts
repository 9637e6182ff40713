// The WebAssembly modules: which build this engine takes, for shared or unshared memory. Loads and compiles; runs nothing.
import { DeviceError, InternalError } from '../../errors.js';

/** What the kernels export; see assembly/kernels.ts. */
export interface Kernels {
  heapBase(): number;
  run(program: number, first: number, last: number, thread: number, threads: number, control: number): number;
  part(program: number, step: number, part: number, parts: number): void;
}

/** (module (func (param v128) (result v128) local.get 0 local.get 0 local.get 0 f32x4.relaxed_madd)) */
const relaxedProbe = Uint8Array.of(
  0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 123, 1, 123, 3, 2, 1, 0, 10, 13, 1, 11, 0, 32, 0, 32, 0, 32, 0, 253, 133, 2, 11,
); // prettier-ignore

/** (module (func (result v128) i32.const 0 i8x16.splat)) */
const simdProbe = Uint8Array.of(
  0,
  97,
  115,
  109,
  1,
  0,
  0,
  0,
  1,
  5,
  1,
  96,
  0,
  1,
  123,
  3,
  2,
  1,
  0,
  10,
  8,
  1,
  6,
  0,
  65,
  0,
  253,
  15,
  11,
);

/** True if the engine knows relaxed SIMD. */
export function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(relaxedProbe);
}

/** Compiled modules that run on one memory. */
export interface Modules {
  /** The operators that gain nothing from relaxed SIMD. */
  base: WebAssembly.Module;
  /** All others, and what runs programs; it calls `base`. */
  kernels: WebAssembly.Module;
}

/** Compiles the kernels; the build that is not taken is not loaded. Throws DeviceError `device-unavailable` where WebAssembly or its SIMD is missing. */
export async function compileKernels(relaxed: boolean, shared: boolean): Promise<Modules> {
  if (typeof WebAssembly === 'undefined' || !WebAssembly.validate(simdProbe)) {
    throw new DeviceError('device-unavailable', {
      thing: 'device "wasm"',
      found: typeof WebAssembly === 'undefined' ? 'no WebAssembly' : 'WebAssembly without 128-bit SIMD',
      wanted: 'an engine with WebAssembly SIMD (Chrome 91, Firefox 113, Safari 16.4, Node 18 or later)',
    });
  }
  const compile = async (file: Promise<{ default: Uint8Array<ArrayBuffer> }>) => {
    const bytes = await inflate((await file).default);
    return WebAssembly.compile(shared ? bytes : withUnsharedMemory(bytes));
  };
  // Each a file of its own, the base too: among other code the same bytes take more room when they are sent compressed.
  const [base, kernels] = await Promise.all([
    compile(import('../../../build/assembly/base.wasm.z')),
    compile(
      relaxed ? import('../../../build/assembly/kernels.relaxed.wasm.z') : import('../../../build/assembly/kernels.simd.wasm.z'),
    ),
  ]);
  return { base, kernels };
}

/** What a zlib stream holds. */
async function inflate(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The same module with its imported memory declared unshared: the limits flag becomes 0x01 (minimum and maximum) instead of 0x03 (and shared). */
export function withUnsharedMemory(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const broken = (found: string): never => {
    throw new InternalError('kernels module', found, 'a module that imports one shared memory');
  };
  let at = 8;
  const number = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] ?? broken('an early end');
      value |= (byte & 0x7f) << shift;
      if (!(byte & 0x80)) return value >>> 0;
    }
  };
  while (at < bytes.length) {
    const section = bytes[at++];
    const size = number();
    if (section !== 2) {
      at += size;
      continue;
    }
    for (let imports = number(); imports > 0; imports--) {
      // Module name and import name.
      for (let i = 0; i < 2; i++) {
        const length = number();
        at += length;
      }
      const kind = bytes[at++];
      // A function: the index of its type follows.
      if (kind === 0) {
        number();
        continue;
      }
      if (kind !== 2) broken(`an import of kind ${kind}`);
      if (bytes[at] !== 3) broken(`memory limits of kind ${bytes[at]}`);
      const copy = bytes.slice();
      copy[at] = 1;
      return copy;
    }
  }
  return broken('no imported memory');
}

/** Instance of the kernels on a memory. The script of team.ts does the same in a worker. */
export function instantiate({ base, kernels }: Modules, memory: WebAssembly.Memory): Kernels {
  const env = { memory };
  const { heapBase, step } = new WebAssembly.Instance(base, { env }).exports;
  const { run, part } = new WebAssembly.Instance(kernels, { env, base: { step: step! } }).exports;
  return { heapBase, run, part } as unknown as Kernels;
}
