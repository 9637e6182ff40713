// Every runtime that kernels are tested on. A device that cannot be made here fails its tests; nothing is skipped.
import { createReferenceRuntime } from '../../sdk/runtime/reference/index.js';
import type { Runtime } from '../../sdk/runtime/runtime.js';
import { createWebGpuRuntime } from '../../sdk/runtime/webgpu/index.js';
import type { Tuning } from '../../sdk/runtime/webgpu/tune.js';
import { createWasmRuntime, type TileName } from '../../sdk/runtime/wasm/index.js';

export interface TestedRuntime {
  name: string;
  /** Stores float tensors in f16: cases are rounded to it, and tolerances are wider. */
  half?: boolean | undefined;
  create(): Promise<Runtime>;
  /** With the variants of kernels that are named, where it has several. */
  tuned?: (tuning: Tuning) => Promise<Runtime>;
}

// The tile is named, because the one that a trial picks differs from run to run.
const tiles: readonly TileName[] = ['4x8', '5x8', '6x8'];

export const runtimes: readonly TestedRuntime[] = [
  { name: 'reference', create: async () => createReferenceRuntime() },
  ...[1, 2].flatMap((threads) =>
    tiles.map((tile) => ({
      name: `wasm, ${threads} thread${threads > 1 ? 's' : ''}, tile ${tile}`,
      create: () => wasm(threads, tile),
    })),
  ),
  // Dawn on SwiftShader: see vitest.config.ts.
  {
    name: 'webgpu, Dawn',
    create: () => createWebGpuRuntime({ software: true, limits: 'default' }),
    tuned: (tuning) => createWebGpuRuntime({ software: true, limits: 'default', tuning }),
  },
];

/** Fails where the runtime fell back to fewer threads: that would test the same thing twice. */
async function wasm(threads: number, tile: TileName): Promise<Runtime> {
  const runtime = await createWasmRuntime({ threads, tile });
  if (!runtime.description.includes(`${threads} thread`))
    throw new Error(`wanted ${threads} threads, got ${runtime.description}`);
  return runtime;
}
