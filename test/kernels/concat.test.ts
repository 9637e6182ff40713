// concat: inner, middle and outer axes by hand; other element types.
import { EXACT, testOperator, type Case } from './harness.js';

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
]; // prettier-ignore

testOperator('concat', cases, { reference: EXACT, others: EXACT });
