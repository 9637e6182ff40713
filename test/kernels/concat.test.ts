// concat: inner, middle and outer axes by hand; other element types.
import { EXACT, randomTensor, testOperator, type Case } from './harness.js';

const a = { shape: [2, 2], data: [1, 2, 3, 4] };
const cases: Case<'concat'>[] = [
  { name: 'rows', attributes: { axis: 0 }, inputs: [a, { shape: [1, 2], data: [5, 6] }], outputs: [{ data: [1, 2, 3, 4, 5, 6] }] },
  { name: 'columns', attributes: { axis: 1 }, inputs: [a, { shape: [2, 1], data: [5, 6] }], outputs: [{ data: [1, 2, 5, 3, 4, 6] }] },
  { name: 'one operand', attributes: { axis: 0 }, inputs: [a], outputs: [{ data: [1, 2, 3, 4] }] },
  { name: 'an empty operand', attributes: { axis: 1 }, inputs: [a, { shape: [2, 0], data: [] }, a], outputs: [{ data: [1, 2, 1, 2, 3, 4, 3, 4] }] },
  {
    name: 'channels of two maps, int32',
    attributes: { axis: 3 },
    inputs: [{ shape: [1, 1, 2, 1], dtype: 'int32', data: [1, 2] }, { shape: [1, 1, 2, 3], dtype: 'int32', data: [3, 4, 5, 6, 7, 8] }],
    outputs: [{ data: [1, 3, 4, 5, 2, 6, 7, 8] }],
  },
  { name: 'bytes', attributes: { axis: 0 }, inputs: [{ shape: [3], dtype: 'uint8', data: [1, 2, 3] }, { shape: [2], dtype: 'uint8', data: [255, 0] }], outputs: [{ data: [1, 2, 3, 255, 0] }] },
  { name: 'channels in fours', attributes: { axis: 3 }, inputs: [randomTensor([2, 3, 2, 8], 1), randomTensor([2, 3, 2, 4], 2), randomTensor([2, 3, 2, 12], 3)] },
  { name: 'fours behind a part that is none', attributes: { axis: 1 }, inputs: [randomTensor([3, 2], 4), randomTensor([3, 8], 5)] },
  { name: 'rows of int32 in fours', attributes: { axis: 0 }, inputs: [{ shape: [1, 4], dtype: 'int32', data: [1, 2, 3, 4] }, { shape: [2, 4], dtype: 'int32', data: [5, 6, 7, 8, 9, 10, 11, 12] }], outputs: [{ data: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] }] },
]; // prettier-ignore

testOperator('concat', cases, { reference: EXACT, others: EXACT });
