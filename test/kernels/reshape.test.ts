// reshape: the elements stay in order, whatever the type.
import { EXACT, testOperator, type Case } from './harness.js';

const cases: Case<'reshape'>[] = [
  { name: '[2,3] to [3,2]', attributes: {}, result: { shape: [3, 2] }, inputs: [{ shape: [2, 3], data: [1, 2, 3, 4, 5, 6] }], outputs: [{ data: [1, 2, 3, 4, 5, 6] }] },
  { name: '[1,1,1,4] to [1,4]', attributes: {}, result: { shape: [1, 4] }, inputs: [{ shape: [1, 1, 1, 4], data: [1, 2, 3, 4] }], outputs: [{ data: [1, 2, 3, 4] }] },
  { name: 'int32 to a scalar', attributes: {}, result: { shape: [] }, inputs: [{ shape: [1], dtype: 'int32', data: [-7] }], outputs: [{ data: [-7] }] },
]; // prettier-ignore

testOperator('reshape', cases, { reference: EXACT, others: EXACT });
