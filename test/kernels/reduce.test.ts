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
  {
    name: 'maximum of a long row',
    attributes: { kind: 'max', axes: [1], keepDims: false },
    inputs: [randomTensor([3, 5000], 2)],
  },
  {
    name: 'mean of a long column',
    attributes: { kind: 'mean', axes: [0], keepDims: false },
    inputs: [randomTensor([3000, 3], 3)],
  },
  {
    name: 'axes that do not touch',
    attributes: { kind: 'mean', axes: [0, 2, 4], keepDims: true },
    inputs: [randomTensor([3, 4, 5, 6, 7], 4)],
  },
  {
    name: 'NaN wins in max',
    attributes: { kind: 'max', axes: [1], keepDims: false },
    inputs: [{ shape: [2, 3], data: [1, Number.NaN, 3, 4, 5, 6] }],
    outputs: [{ data: [Number.NaN, 6] }],
  },
  {
    name: 'the sum of nothing',
    attributes: { kind: 'sum', axes: [1], keepDims: false },
    inputs: [{ shape: [2, 0], data: [] }],
    outputs: [{ data: [0, 0] }],
  },
  ...(['sum', 'max', 'min'] as const).map((kind): Case<'reduce'> => ({
    name: `${kind} of int32 over columns`,
    attributes: { kind, axes: [0], keepDims: false },
    inputs: [{ shape: [100, 3], dtype: 'int32', data: Array.from({ length: 300 }, (_, i) => ((i * 7919) % 1009) - 500) }],
  })),
];

testOperator('reduce', [...golden('reduce'), ...more], { reference: ROUNDED, others: SUMMED });
