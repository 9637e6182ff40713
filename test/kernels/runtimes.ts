// Every runtime that kernels are tested on. A device that cannot be made here fails its tests; nothing is skipped.
import { createReferenceRuntime } from '../../sdk/runtime/reference/index.js';
import type { Runtime } from '../../sdk/runtime/runtime.js';

export interface TestedRuntime {
  name: string;
  create(): Promise<Runtime>;
}

interface WasmModule {
  createWasmRuntime(options: { threads: number }): Promise<Runtime>;
}

// Found by name, so that these tests also run on a checkout whose WASM is not built.
const wasm = Object.values(import.meta.glob<WasmModule>('../../sdk/runtime/wasm/index.ts'));

export const runtimes: readonly TestedRuntime[] = [
  { name: 'reference', create: async () => createReferenceRuntime() },
  ...wasm.flatMap((load) =>
    [1, 2].map((threads) => ({
      name: `wasm, ${threads} thread${threads > 1 ? 's' : ''}`,
      create: async () => (await load()).createWasmRuntime({ threads }),
    })),
  ),
];
