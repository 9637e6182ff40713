// Lowers conv2d, depthwise_conv2d and matmul to WebGPU dispatches.
import type { LowerTable } from './context.js';

/** Lowerings of this file, by operator. */
export const convolution = {} satisfies LowerTable;
