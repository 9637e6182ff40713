// binary: every kind and broadcast against PyTorch; the fused activation and int32 wrap-around by hand.
import { APPROXIMATED, golden, randomTensor, ROUNDED, testOperator, type Case } from './harness.js';

const none = { kind: 'none' } as const;

/** Results for (7, -7, 7, 5, -1, -2^31) with (2, 3, -3, 0, -3, -1): wrapped at 32 bits, division by zero gives 0. */
const wholes: readonly [Case<'binary'>['attributes']['kind'], number[]][] = [
  ['sub', [5, -10, 10, 5, 2, -2147483647]],
  ['div', [3, -2, -2, 0, 0, -2147483648]],
  ['maximum', [7, 3, 7, 5, -1, -1]],
  ['minimum', [2, -7, -3, 0, -3, -2147483648]],
  ['pow', [49, -343, 0, 1, -1, 0]],
  ['floor_div', [3, -3, -3, 0, 0, -2147483648]],
  ['floor_mod', [1, 2, -2, 0, -1, 0]],
  ['squared_difference', [25, 100, 100, 25, 4, 1]],
];
const byHand: Case<'binary'>[] = [
  {
    name: 'add then relu',
    attributes: { kind: 'add', activation: { kind: 'relu' } },
    inputs: [{ shape: [4], data: [1, -2, 3, -4] }, { shape: [4], data: [1, 1, -5, 5] }],
    outputs: [{ data: [2, 0, 0, 1] }],
  },
  {
    name: 'mul of int32 wraps at 32 bits',
    attributes: { kind: 'mul', activation: none },
    inputs: [{ shape: [2], dtype: 'int32', data: [65536, -3] }, { shape: [2], dtype: 'int32', data: [65537, 7] }],
    outputs: [{ data: [65536, -21] }],
  },
  {
    name: 'add of int32 with broadcasting',
    attributes: { kind: 'add', activation: none },
    inputs: [{ shape: [2, 2], dtype: 'int32', data: [1, 2, 3, 4] }, { shape: [], dtype: 'int32', data: [10] }],
    outputs: [{ data: [11, 12, 13, 14] }],
  },
  {
    name: 'a gate [1,1,1,3] times an image',
    attributes: { kind: 'mul', activation: none },
    inputs: [{ shape: [1, 1, 2, 3], data: [1, 2, 3, 4, 5, 6] }, { shape: [1, 1, 1, 3], data: [2, 0, -1] }],
    outputs: [{ data: [2, 0, -3, 8, 0, -6] }],
  },
  {
    name: 'a gate of 8 channels times an image',
    attributes: { kind: 'mul', activation: none },
    inputs: [randomTensor([2, 3, 3, 8], 1), randomTensor([8], 2)],
  },
  {
    name: 'a bias first, with relu',
    attributes: { kind: 'sub', activation: { kind: 'relu' } },
    inputs: [randomTensor([8], 3), randomTensor([2, 3, 3, 8], 4)],
  },
  {
    name: 'gates of two images [2,1,1,8]',
    attributes: { kind: 'mul', activation: none },
    inputs: [randomTensor([2, 3, 3, 8], 5), randomTensor([2, 1, 1, 8], 6)],
  },
  {
    name: 'a map of one channel [1,3,3,1] over 8 channels, either side',
    attributes: { kind: 'add', activation: none },
    inputs: [randomTensor([1, 3, 3, 1], 7), randomTensor([2, 3, 3, 8], 8)],
  },
  {
    name: 'one number divided by a map',
    attributes: { kind: 'div', activation: none },
    inputs: [{ shape: [1, 1], data: [1] }, randomTensor([3, 7], 9, { low: 0.5, high: 2 })],
  },
  {
    name: 'a column with a row, 4 and 12 long',
    attributes: { kind: 'maximum', activation: none },
    inputs: [randomTensor([4, 1], 10), randomTensor([12], 11)],
  },
  {
    name: 'NaN wins in maximum',
    attributes: { kind: 'maximum', activation: none },
    inputs: [{ shape: [3], data: [Number.NaN, 1, 2] }, { shape: [3], data: [1, Number.NaN, 3] }],
    outputs: [{ data: [Number.NaN, Number.NaN, 3] }],
  },
  {
    name: 'NaN wins in minimum',
    attributes: { kind: 'minimum', activation: none },
    inputs: [{ shape: [3], data: [Number.NaN, 1, 2] }, { shape: [3], data: [1, Number.NaN, 3] }],
    outputs: [{ data: [Number.NaN, Number.NaN, 2] }],
  },
  {
    name: 'powers of negative numbers',
    attributes: { kind: 'pow', activation: none },
    inputs: [{ shape: [9], data: [-2, -2, -2, -2, -2, 0, 0, 5, -3] }, { shape: [9], data: [2, 3, -1, 0, 0.5, 0, 3, 1, 5] }],
    outputs: [{ data: [4, -8, -0.5, 1, Number.NaN, 1, 0, 5, -243] }],
  },
  {
    name: 'floor_div of exact multiples',
    attributes: { kind: 'floor_div', activation: none },
    inputs: [{ shape: [8], data: [6, 9, 21, -15, 49, 123, -7, 1000] }, { shape: [8], data: [3, 3, 7, 5, 7, -3, -7, 10] }],
    outputs: [{ data: [2, 3, 3, -3, 7, -41, 1, 100] }],
  },
  {
    name: 'floor_mod of exact multiples',
    attributes: { kind: 'floor_mod', activation: none },
    inputs: [{ shape: [8], data: [6, 9, 21, -15, 49, 123, -7, 1000] }, { shape: [8], data: [3, 3, 7, 5, 7, -3, -7, 10] }],
    outputs: [{ data: [0, 0, 0, 0, 0, 0, 0, 0] }],
  },
  {
    name: 'pow of int32 wraps at 32 bits',
    attributes: { kind: 'pow', activation: none },
    inputs: [{ shape: [4], dtype: 'int32', data: [3, -3, 65537, 2] }, { shape: [4], dtype: 'int32', data: [40, 41, 2, 31] }],
    outputs: [{ data: [689956897, -2069870691, 131073, -2147483648] }],
  },
  ...wholes.map(
    ([kind, data]): Case<'binary'> => ({
      name: `${kind} of int32`,
      attributes: { kind, activation: none },
      inputs: [{ shape: [6], dtype: 'int32', data: [7, -7, 7, 5, -1, -2147483648] }, { shape: [6], dtype: 'int32', data: [2, 3, -3, 0, -3, -1] }],
      outputs: [{ data }],
    }),
  ),
  {
    name: 'prelu with a slope a channel',
    attributes: { kind: 'prelu', activation: none },
    inputs: [{ shape: [2, 3], data: [-1, -2, 3, 4, -5, -6] }, { shape: [3], data: [0.5, 0, -1] }],
    outputs: [{ data: [-0.5, 0, 3, 4, 0, 6] }],
  },
]; // prettier-ignore

testOperator('binary', [...golden('binary'), ...byHand], { reference: ROUNDED, others: APPROXIMATED });
