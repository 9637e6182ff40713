// Lowers concat, slice, transpose, reshape, pad, gather to WebGPU dispatches.
import type { LowerTable } from './context.js';

/** Lowerings of this file, by operator. */
export const shape = {} satisfies LowerTable;
