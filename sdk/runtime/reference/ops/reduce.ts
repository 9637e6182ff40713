// reduce: mean, sum, max, min or prod over some axes, in double precision.
import { sizeOf, stridesOf } from '../../../tensor/shape.js';
import { need, type ReferenceOperator } from '../operand.js';
import { walk } from '../walk.js';

/** x -> reduced shape. No axes give x itself; the sum of nothing is 0, the product 1. */
export const reduce: ReferenceOperator<'reduce'> = (inputs, outputs, { kind, axes }) => {
  const x = need(inputs, 0);
  const y = need(outputs, 0);
  // Strides of the result as seen from x: reduced axes do not move in it.
  const kept = stridesOf(x.shape.map((d, axis) => (axes.includes(axis) ? 1 : d)));
  const strides = kept.map((stride, axis) => (axes.includes(axis) ? 0 : stride));
  const sums = new Float64Array(y.data.length).fill({ mean: 0, sum: 0, max: -Infinity, min: Infinity, prod: 1 }[kind]);
  walk(x.shape, strides, 0, (i, o) => {
    const value = x.data[i]!;
    if (kind === 'max') sums[o] = Math.max(sums[o]!, value);
    else if (kind === 'min') sums[o] = Math.min(sums[o]!, value);
    else if (kind === 'prod') sums[o]! *= value;
    else sums[o]! += value;
  });
  const divisor = kind === 'mean' ? sizeOf(axes.map((axis) => x.shape[axis]!)) : 1;
  for (let o = 0; o < sums.length; o++) y.data[o] = sums[o]! / divisor;
};
