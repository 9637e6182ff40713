// slice: boxes, steps, backwards and empty, by hand as NumPy writes them.
import { EXACT, testOperator, type Case } from './harness.js';

const x = { shape: [3, 4], data: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11] };
const cases: Case<'slice'>[] = [
  { name: 'x[1:3, 1:3]', attributes: { begin: [1, 1], size: [2, 2], strides: [1, 1] }, inputs: [x], outputs: [{ data: [5, 6, 9, 10] }] },
  { name: 'x[::2, ::3]', attributes: { begin: [0, 0], size: [2, 2], strides: [2, 3] }, inputs: [x], outputs: [{ data: [0, 3, 8, 11] }] },
  { name: 'x[::-1, ::-1]', attributes: { begin: [2, 3], size: [3, 4], strides: [-1, -1] }, inputs: [x], outputs: [{ data: [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0] }] },
  { name: 'x[1:1, :], nothing', attributes: { begin: [0, 0], size: [0, 4], strides: [1, 1] }, inputs: [x], outputs: [{ data: [] }] },
  {
    name: 'channels 1 and 2 of int32',
    attributes: { begin: [0, 0, 1], size: [2, 1, 2], strides: [1, 1, 1] },
    inputs: [{ shape: [2, 1, 3], dtype: 'int32', data: [1, 2, 3, 4, 5, 6] }],
    outputs: [{ data: [2, 3, 5, 6] }],
  },
]; // prettier-ignore

testOperator('slice', cases, { reference: EXACT, others: EXACT });
