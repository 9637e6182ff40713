// Lowers pools, resize, reduce, softmax to WebGPU dispatches.
import type { LowerTable } from './context.js';

/** Lowerings of this file, by operator. */
export const spatial = {} satisfies LowerTable;
