// softmax: inner and middle axes and large numbers against PyTorch.
import { APPROXIMATED, golden, randomTensor, ROUNDED, testOperator, type Case } from './harness.js';

const more: Case<'softmax'>[] = [
  { name: 'a row of 3000', attributes: { axis: 1 }, inputs: [randomTensor([2, 3000], 1, { low: -8, high: 8 })] },
  {
    name: 'the middle axis of [3, 700, 6]',
    attributes: { axis: 1 },
    inputs: [randomTensor([3, 700, 6], 2, { low: -8, high: 8 })],
  },
  { name: '1917 rows of 24 classes', attributes: { axis: 1 }, inputs: [randomTensor([1917, 24], 3, { low: -5, high: 5 })] },
];

testOperator('softmax', [...golden('softmax'), ...more], { reference: ROUNDED, others: APPROXIMATED });
