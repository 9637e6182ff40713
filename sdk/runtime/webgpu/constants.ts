// The constants of a graph on their way to the device: packed one by one, uploaded in a few buffers.
import type { Gpu } from './gpu.js';
import { tooLarge, type Layout } from './layout.js';
import { bytesOf, type Place, write } from './values.js';

/** Constants are uploaded in pieces of about this size, so that packing needs little memory. */
const CHUNK_BYTES = 8 * 2 ** 20;

/** What {@link uploadConstants} asks its caller. */
export interface UploadOptions {
  /** Most bytes of them all. */
  readonly memoryLimit: number;
  /** Makes a buffer of this size. */
  readonly buffer: (size: number) => GPUBuffer;
  /** Called behind each constant. */
  readonly step: () => void;
  /** Gives way to the event loop. */
  readonly breathe: () => Promise<void> | undefined;
}

/** Packs and uploads all constants; gives their places by key, and the bytes they take. Rejects with DeviceError. */
export async function uploadConstants(
  gpu: Gpu,
  constants: Layout['constants'],
  { memoryLimit, buffer: makeBuffer, step, breathe }: UploadOptions,
): Promise<{ places: Map<string, Place>; bytes: number }> {
  const { maxStorageBufferBindingSize: largest, maxBufferSize } = gpu.facts.limits;
  const alignment = gpu.device.limits.minStorageBufferOffsetAlignment;
  const places = new Map<string, Place>();
  let waiting: { key: string; bytes: Uint8Array<ArrayBuffer>; offset: number; size: number }[] = [];
  let end = 0;
  let uploaded = 0;
  const flush = async (): Promise<void> => {
    if (waiting.length === 0) return;
    await gpu.checked('memory for constants', () => {
      const buffer = makeBuffer(end);
      for (const { key, bytes, offset, size } of waiting) {
        write(gpu, buffer, offset, bytes);
        places.set(key, { buffer, offset, size });
      }
    });
    uploaded += end;
    waiting = [];
    end = 0;
  };
  for (const [key, data] of constants) {
    const bytes = bytesOf(data());
    const size = Math.max(16, Math.ceil(bytes.length / 16) * 16);
    if (size > largest)
      throw tooLarge(`constant "${key}"`, `${size} bytes`, `at most ${largest}, the largest binding of ${gpu.facts.name}`);
    if (uploaded + end + size > memoryLimit)
      throw tooLarge('constants', `more than ${uploaded + end} bytes`, `at most ${memoryLimit} (memoryLimit)`);
    if (end + size > Math.min(maxBufferSize, Math.max(CHUNK_BYTES, size)) && end > 0) await flush();
    waiting.push({ key, bytes, offset: end, size });
    end = Math.ceil((end + size) / alignment) * alignment;
    step();
    await breathe();
  }
  await flush();
  return { places, bytes: uploaded };
}
