// Lowers activation, unary, binary, compare, cast to WebGPU dispatches.
import type { LowerTable } from './context.js';

/** Lowerings of this file, by operator. */
export const elementwise = {} satisfies LowerTable;
