// The host side of `#platform` for Node, Deno and Bun: files, threads, image decoding, a cache folder. The web's side is sdk/platform.ts.
import { availableParallelism } from 'node:os';
import type { Host } from '../platform-types.js';

export type {
  ByteStore,
  DecodeOptions,
  FileStream,
  GpuAccess,
  Host,
  ImageFrame,
  PlatformWorker,
  ReadFileOptions,
} from '../platform-types.js';
export { openByteStore } from './byte-store.js';
export { decodeImage } from './decode.js';
export { openGpu } from './gpu.js';
export { readFile } from './read-file.js';
export { streamFile } from './stream-file.js';
export { startWorker } from './worker.js';

/** Where the code runs. */
export const host: Host = 'Deno' in globalThis ? 'deno' : 'Bun' in globalThis ? 'bun' : 'node';

/** Threads that run at the same time on this machine, as the host reports it; at least 1. */
export function hardwareConcurrency(): number {
  return Math.max(1, availableParallelism());
}
