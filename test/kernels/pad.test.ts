// pad: the three modes against PyTorch; other ranks, types and minus infinity by hand.
import { EXACT, golden, testOperator, type Case } from './harness.js';

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
];

testOperator('pad', [...golden('pad'), ...byHand], { reference: EXACT, others: EXACT });
