// Lowers score_merge, peaks, top-k, boxes, suppression to WebGPU dispatches.
import type { LowerTable } from './context.js';

/** Lowerings of this file, by operator. */
export const detection = {} satisfies LowerTable;
