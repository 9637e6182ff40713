// Starts the WASM module that reads and matches; every caller gets an instance with memory of its own. No layout of data here.
import bytes from '../../../build/assembly/evaluate.wasm';
import { describe, DeviceError } from '../../errors.js';

interface Exports {
  allocate(bytes: number): number;
  mark(): number;
  release(to: number): void;
  powersOfFive(): number;
  readNumber(at: number): number;
  openReader(isDataset: number, withMasks: number, window: number): void;
  parse(from: number, length: number, last: number): number;
  stoppedAt(): number;
  errorField(): number;
  listAt(): number;
  listsSeen(): number;
  windowAt(): number;
  widenWindow(bytes: number): void;
  batchAt(): number;
  batchRows(): number;
  blobsAt(): number;
  blobsEnd(): number;
  takeRows(): void;
  match(job: number): number;
  maskArea(mask: number, blobs: number): number;
  maskIntervals(mask: number, blobs: number, edge: number): number;
  accumulate(...values: number[]): void;
  equalScores(): number;
}

/** One running instance. Addresses are bytes in `memory`, whose buffer is replaced whenever it grows. */
export interface EvaluationKernels extends Exports {
  readonly memory: WebAssembly.Memory;
}

let compiled: Promise<WebAssembly.Module> | undefined;

/** The module, compiled once. Throws DeviceError `device-unavailable` where WebAssembly or its SIMD is missing or forbidden. */
export function evaluationModule(): Promise<WebAssembly.Module> {
  compiled ??= Promise.resolve()
    .then(() => WebAssembly.compile(bytes))
    .catch((cause: unknown) => {
      compiled = undefined;
      throw new DeviceError('device-unavailable', {
        thing: 'WebAssembly module for evaluation',
        found: `an error when it was compiled (${cause instanceof Error ? cause.message : describe(cause)})`,
        wanted: 'WebAssembly with SIMD',
        next: 'On pages with a Content Security Policy, allow `wasm-unsafe-eval`.',
        cause,
      });
    });
  return compiled;
}

/** Largest |q| of the table of 5^q; the same number stands in assembly/evaluate/number.ts. */
const tableReach = 64;

/** Writes 5^q for |q| <= 64 as 128 bits with the first bit set; rounded down for q >= 0, up for q < 0 (Lemire 2021, section 5). */
function writePowersOfFive(memory: WebAssembly.Memory, at: number): void {
  const words = new BigUint64Array(memory.buffer, at, 2 * (2 * tableReach + 1));
  const top = 1n << 128n;
  for (let q = -tableReach; q <= tableReach; q++) {
    let value: bigint;
    if (q >= 0) {
      value = 5n ** BigInt(q);
      while (value < top >> 1n) value <<= 1n;
      while (value >= top) value >>= 1n;
    } else {
      const power = 5n ** BigInt(-q);
      let bits = 0n;
      while (1n << bits < power) bits++;
      value = (1n << (q >= -27 ? bits + 127n : 2n * bits + 128n)) / power + 1n;
      while (value >= top) value >>= 1n;
    }
    words[2 * (q + tableReach)] = value >> 64n;
    words[2 * (q + tableReach) + 1] = value & 0xffffffffffffffffn;
  }
}

/** Starts an instance. Throws DeviceError. */
export async function startKernels(): Promise<EvaluationKernels> {
  const module = await evaluationModule();
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
  const parseNumber = (at: number, length: number) => {
    let text = '';
    for (const code of new Uint8Array(memory.buffer, at, length)) text += String.fromCharCode(code);
    return Number(text);
  };
  const { exports } = await WebAssembly.instantiate(module, { env: { memory, parseNumber } });
  const kernels = { ...(exports as unknown as Exports), memory };
  writePowersOfFive(memory, kernels.powersOfFive());
  return kernels;
}
