// reduce: every kind over inner, outer and all axes against PyTorch; int32 by hand; the large mean of squeeze-excite.
import { golden, randomTensor, ROUNDED, SUMMED, testOperator, type Case } from './harness.js';

const more: Case<'reduce'>[] = [
  {
    name: 'prod of int32, as shape arithmetic does it',
    attributes: { kind: 'prod', axes: [0], keepDims: false },
    inputs: [{ shape: [3], dtype: 'int32', data: [4, 5, 6] }],
    outputs: [{ data: [120] }],
  },
  {
    name: 'no axes repeat x',
    attributes: { kind: 'sum', axes: [], keepDims: false },
    inputs: [{ shape: [2], data: [3, 4] }],
    outputs: [{ data: [3, 4] }],
  },
  {
    name: 'mean over 32x32 pixels of 72 channels',
    attributes: { kind: 'mean', axes: [1, 2], keepDims: true },
    inputs: [randomTensor([1, 32, 32, 72], 1)],
  },
];

testOperator('reduce', [...golden('reduce'), ...more], { reference: ROUNDED, others: SUMMED });
