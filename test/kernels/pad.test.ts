// pad: the three modes against PyTorch; other ranks, types and minus infinity by hand.
import { EXACT, golden, randomTensor, testOperator, type Case } from './harness.js';

const byHand: Case<'pad'>[] = [
  {
    name: 'minus infinity around a row',
    attributes: { before: [1], after: [2], mode: 'constant', value: -Infinity },
    inputs: [{ shape: [2], data: [1, 2] }],
    outputs: [{ data: [-Infinity, 1, 2, -Infinity, -Infinity] }],
  },
  {
    name: 'channels of int32',
    attributes: { before: [0, 1], after: [0, 0], mode: 'constant', value: 9 },
    inputs: [{ shape: [2, 2], dtype: 'int32', data: [1, 2, 3, 4] }],
    outputs: [{ data: [9, 1, 2, 9, 3, 4] }],
  },
  {
    name: 'an image of 4 channels, one pixel around',
    attributes: { before: [0, 1, 1, 0], after: [0, 1, 1, 0], mode: 'constant', value: -1 },
    inputs: [{ shape: [1, 1, 1, 4], data: [1, 2, 3, 4] }],
    outputs: [{ data: Array.from({ length: 36 }, (_, i) => (i >= 16 && i < 20 ? i - 15 : -1)) }],
  },
  ...(['reflect', 'edge', 'constant'] as const).flatMap((mode): Case<'pad'>[] => [
    {
      name: `${mode}: 8 channels, rows and columns`,
      attributes: { before: [0, 2, 1, 0], after: [0, 1, 2, 0], mode, value: 3 },
      inputs: [randomTensor([2, 4, 5, 8], 1)],
    },
    {
      name: `${mode}: 4 channels of int32`,
      attributes: { before: [1, 0, 0], after: [0, 2, 0], mode, value: -7 },
      inputs: [{ shape: [3, 3, 4], dtype: 'int32', data: Array.from({ length: 36 }, (_, i) => i) }],
    },
    {
      name: `${mode}: axes of their own`,
      attributes: { before: [1, 0, 2, 0, 1], after: [1, 0, 0, 0, 0], mode, value: 0.5 },
      inputs: [randomTensor([2, 2, 3, 2, 3], 2)],
    },
  ]),
];

testOperator('pad', [...golden('pad'), ...byHand], { reference: EXACT, others: EXACT });
