// Takes the place of ../runtimes.ts where a browser or Deno runs the kernel tests: WebGPU on that engine's own adapter.
import { createWebGpuRuntime } from '../../../sdk/runtime/webgpu/index.js';
import type { TestedRuntime } from '../runtimes.js';

/** What the host wants, set before the tests are imported. */
const { precision } = (globalThis as { engine?: { precision: 'f32' | 'f16' } }).engine ?? { precision: 'f32' };

export const runtimes: readonly TestedRuntime[] = [
  {
    name: `webgpu, ${precision}`,
    half: precision === 'f16',
    create: () => createWebGpuRuntime({ software: true, precision, limits: 'default' }),
    tuned: (tuning) => createWebGpuRuntime({ software: true, precision, limits: 'default', tuning }),
  },
];
