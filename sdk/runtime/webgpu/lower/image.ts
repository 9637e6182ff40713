// Lowers image_to_tensor to WebGPU dispatches.
import type { LowerTable } from './context.js';

/** Lowerings of this file, by operator. */
export const image = {} satisfies LowerTable;
