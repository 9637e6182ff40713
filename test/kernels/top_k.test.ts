// top_k: order against PyTorch; ties, which PyTorch leaves open, by hand.
import { EXACT, golden, randomNumbers, randomTensor, testOperator, type Case } from './harness.js';

const byHand: Case<'top_k'>[] = [
  {
    name: 'ties by lower index',
    attributes: { k: 3 },
    inputs: [{ shape: [5], data: [1, 2, 2, 1, 2] }],
    outputs: [{ data: [2, 2, 2] }, { data: [1, 2, 4] }],
  },
  {
    name: 'ties at the cut',
    attributes: { k: 2 },
    inputs: [{ shape: [4], data: [3, 1, 1, 1] }],
    outputs: [{ data: [3, 1] }, { data: [0, 1] }],
  },
  {
    name: 'minus infinity is a number',
    attributes: { k: 2 },
    inputs: [{ shape: [2], data: [-Infinity, 0] }],
    outputs: [{ data: [0, -Infinity] }, { data: [1, 0] }],
  },
  {
    name: 'int32',
    attributes: { k: 2 },
    inputs: [{ shape: [3], dtype: 'int32', data: [-1, 7, 3] }],
    outputs: [{ data: [7, 3] }, { data: [1, 2] }],
  },
  {
    name: 'NaN is behind all numbers',
    attributes: { k: 4 },
    inputs: [{ shape: [4], data: [Number.NaN, -Infinity, Number.NaN, 3] }],
    outputs: [{ data: [3, -Infinity, Number.NaN, Number.NaN] }, { data: [3, 1, 0, 2] }],
  },
  {
    name: 'int32 at its ends',
    attributes: { k: 3 },
    inputs: [{ shape: [3], dtype: 'int32', data: [-2147483648, 2147483647, -1] }],
    outputs: [{ data: [2147483647, -1, -2147483648] }, { data: [1, 2, 0] }],
  },
  { name: 'three long rows, few wanted', attributes: { k: 20 }, inputs: [randomTensor([3, 5000], 1)] },
  { name: 'long rows, all wanted', attributes: { k: 3100 }, inputs: [randomTensor([2, 3100], 2)] },
  {
    name: 'long rows with many ties',
    attributes: { k: 300 },
    inputs: [{ shape: [2, 4000], data: randomNumbers(8000, 3).map((v) => Math.round(v * 3)) }],
  },
];

testOperator('top_k', [...golden('top_k'), ...byHand], { reference: EXACT, others: EXACT });
