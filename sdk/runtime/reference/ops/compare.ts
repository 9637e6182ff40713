// compare: element-wise comparison of two operands with NumPy broadcasting.
import { need, type ReferenceOperator } from '../operand.js';
import { broadcastStrides, walk2 } from '../walk.js';

const functions = {
  equal: (a: number, b: number) => a === b,
  not_equal: (a: number, b: number) => a !== b,
  less: (a: number, b: number) => a < b,
  less_equal: (a: number, b: number) => a <= b,
  greater: (a: number, b: number) => a > b,
  greater_equal: (a: number, b: number) => a >= b,
};

/** a, b -> broadcast shape, 0 or 1. NaN compares as IEEE 754 says: false but for not_equal. */
export const compare: ReferenceOperator<'compare'> = (inputs, outputs, { kind }) => {
  const a = need(inputs, 0);
  const b = need(inputs, 1);
  const y = need(outputs, 0);
  const f = functions[kind];
  walk2(y.shape, broadcastStrides(a.shape, y.shape), broadcastStrides(b.shape, y.shape), (i, ia, ib) => {
    y.data[i] = f(a.data[ia]!, b.data[ib]!) ? 1 : 0;
  });
};
