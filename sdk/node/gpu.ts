// Where WebGPU comes from on server hosts: Deno has it built in, Node and Bun take it from the optional package `webgpu` (Dawn).
import { existsSync } from 'node:fs';
import type { GpuAccess } from '../platform-types.js';
import { environment } from './environment.js';

const drivers =
  'Install a graphics driver with Vulkan (Debian without a GPU: apt-get install mesa-vulkan-drivers libvulkan1), ' +
  'or name a Vulkan driver in VK_ICD_FILENAMES, for example the vk_swiftshader_icd.json of Chromium.';

// One instance a process: adapters and devices live as long as it does.
let opened: Promise<GpuAccess> | undefined;

/** Where Linux shows graphics hardware: most drivers, NVIDIA without a display, Windows' GPU inside WSL. */
const hardware = ['/dev/dri', '/dev/nvidiactl', '/dev/dxg'];

/**
 * WebGPU of this host, or why there is none. Never rejects. Where only a GPU will do, a Linux machine without one is told apart before the native library
 * is loaded, which takes time and prints warnings about every driver that it does not like.
 */
export async function openGpu({ software }: { software: boolean }): Promise<GpuAccess> {
  if (
    !software &&
    !opened &&
    process.platform === 'linux' &&
    !environment('VK_ICD_FILENAMES') &&
    !environment('VK_DRIVER_FILES')
  ) {
    if (!hardware.some((path) => existsSync(path))) {
      return { gpu: undefined, found: `a machine without a GPU (no ${hardware.join(', no ')})`, next: 'Use device: "wasm".' };
    }
  }
  return (opened ??= open());
}

async function open(): Promise<GpuAccess> {
  const gpu = (globalThis.navigator as { gpu?: object } | undefined)?.gpu;
  if (gpu) return { gpu, found: 'no adapter', next: process.platform === 'linux' ? drivers : undefined };
  try {
    const { create } = await import('webgpu');
    return {
      gpu: create(process.platform === 'linux' ? ['backend=vulkan'] : []),
      found: 'no adapter',
      next: process.platform === 'linux' ? drivers : undefined,
    };
  } catch (error) {
    const code = String((error as { code?: unknown } | null)?.code);
    const message = error instanceof Error ? error.message : String(error);
    // Bun has a class of its own for modules that are not there.
    const missing = ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'].includes(code) || /cannot find (module|package)/i.test(message);
    return missing
      ? {
          gpu: undefined,
          found: 'no WebGPU (the optional package "webgpu" is not installed)',
          next: 'npm i webgpu, or use device: "wasm".',
        }
      : { gpu: undefined, found: `a package "webgpu" that could not be loaded (${message.split('\n')[0]})`, next: drivers };
  }
}
