// Strided operands over the few axes that a step can hold: splits what has more.
import { Axes } from '../../../../assembly/records.js';
import type { Shape } from '../../../tensor/shape.js';
import { mergeAxes } from '../../axes.js';

export { broadcastStrides } from '../../axes.js';

export interface Walk {
  /** Exactly six sizes. */
  dims: number[];
  /** For each operand its six strides, in elements. */
  strides: number[][];
  /** For each operand the element where the walk starts. */
  starts: number[];
}

/**
 * Makes walks of at most six axes: axes of size 1 are dropped, neighbours merged where every operand allows it; what is left beyond six
 * axes becomes several walks.
 */
export function walks(dims: Shape, strides: readonly (readonly number[])[], starts: readonly number[]): Walk[] {
  let merged = mergeAxes(dims, strides);
  let origins: number[][] = [[...starts]];
  while (merged.length > Axes.most) {
    const [outer, ...rest] = merged as [(typeof merged)[number]];
    origins = origins.flatMap((o) => Array.from({ length: outer.size }, (_, k) => o.map((at, i) => at + k * outer.steps[i]!)));
    merged = rest;
  }
  while (merged.length < Axes.most) merged.unshift({ size: 1, steps: strides.map(() => 0) });
  // A walk over one element still needs an inner stride.
  if (merged.every(({ size }) => size === 1)) merged[Axes.most - 1]!.steps = strides.map(() => 1);
  const all = { dims: merged.map(({ size }) => size), strides: strides.map((_, i) => merged.map(({ steps }) => steps[i]!)) };
  return origins.map((at) => ({ ...all, starts: at }));
}
