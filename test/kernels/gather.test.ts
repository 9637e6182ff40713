// gather: every axis against NumPy; clamped indices and int32 data by hand.
import { EXACT, golden, testOperator, type Case } from './harness.js';

const byHand: Case<'gather'>[] = [
  {
    name: 'indices outside are clamped',
    attributes: { axis: 0 },
    inputs: [{ shape: [3, 1], data: [10, 20, 30] }, { shape: [3], dtype: 'int32', data: [-1, 5, 1] }],
    outputs: [{ data: [10, 30, 20] }],
  },
  {
    name: 'one index takes the axis away',
    attributes: { axis: 1 },
    inputs: [{ shape: [2, 3], dtype: 'int32', data: [1, 2, 3, 4, 5, 6] }, { shape: [], dtype: 'int32', data: [2] }],
    outputs: [{ data: [3, 6] }],
  },
  {
    name: 'rows of int32 in fours',
    attributes: { axis: 0 },
    inputs: [{ shape: [3, 4], dtype: 'int32', data: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] }, { shape: [2], dtype: 'int32', data: [2, 0] }],
    outputs: [{ data: [9, 10, 11, 12, 1, 2, 3, 4] }],
  },
]; // prettier-ignore

testOperator('gather', [...golden('gather'), ...byHand], { reference: EXACT, others: EXACT });
