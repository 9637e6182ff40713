// Strided operands over few axes: merging, broadcasting, and splitting what has more axes than a step can hold.
import { Axes } from '../../../../assembly/records.js';
import { stridesOf, type Shape } from '../../../tensor/shape.js';

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
  let merged: { size: number; steps: number[] }[] = [];
  for (const [axis, size] of dims.entries()) {
    if (size === 1) continue;
    const steps = strides.map((s) => s[axis]!);
    const before = merged.at(-1);
    if (before && steps.every((step, i) => before.steps[i] === step * size)) {
      before.size *= size;
      before.steps = steps;
    } else {
      merged.push({ size, steps });
    }
  }
  let origins: number[][] = [[...starts]];
  while (merged.length > Axes.most) {
    const [outer, ...rest] = merged as [{ size: number; steps: number[] }];
    origins = origins.flatMap((o) => Array.from({ length: outer.size }, (_, k) => o.map((at, i) => at + k * outer.steps[i]!)));
    merged = rest;
  }
  while (merged.length < Axes.most) merged.unshift({ size: 1, steps: strides.map(() => 0) });
  // A walk over one element still needs an inner stride.
  if (merged.every(({ size }) => size === 1)) merged[Axes.most - 1]!.steps = strides.map(() => 1);
  const all = { dims: merged.map(({ size }) => size), strides: strides.map((_, i) => merged.map(({ steps }) => steps[i]!)) };
  return origins.map((at) => ({ ...all, starts: at }));
}

/** Strides that read an operand of shape `from` as if it were broadcast to `to`: 0 on axes that repeat. */
export function broadcastStrides(from: Shape, to: Shape): number[] {
  const strides = stridesOf(from);
  const shift = to.length - from.length;
  return to.map((_, axis) => (axis < shift || from[axis - shift] === 1 ? 0 : strides[axis - shift]!));
}
