// gather_rows: rows by divided index, zeros behind `count`, by hand.
import { EXACT, testOperator, type Case } from './harness.js';

const rows = { shape: [3, 2], data: [1, 2, 3, 4, 5, 6] };
const cases: Case<'gather_rows'>[] = [
  { name: 'index / 4', attributes: { divisor: 4 }, inputs: [rows, { shape: [3], dtype: 'int32', data: [11, 0, 7] }, { shape: [1], dtype: 'int32', data: [3] }], outputs: [{ data: [5, 6, 1, 2, 3, 4] }] },
  { name: 'zeros from count on', attributes: { divisor: 1 }, inputs: [rows, { shape: [3], dtype: 'int32', data: [2, 1, 0] }, { shape: [1], dtype: 'int32', data: [1] }], outputs: [{ data: [5, 6, 0, 0, 0, 0] }] },
  { name: 'count 0', attributes: { divisor: 1 }, inputs: [rows, { shape: [2], dtype: 'int32', data: [2, 1] }, { shape: [1], dtype: 'int32', data: [0] }], outputs: [{ data: [0, 0, 0, 0] }] },
  { name: 'rows outside are clamped', attributes: { divisor: 2 }, inputs: [rows, { shape: [2], dtype: 'int32', data: [99, -3] }, { shape: [1], dtype: 'int32', data: [2] }], outputs: [{ data: [5, 6, 1, 2] }] },
]; // prettier-ignore

testOperator('gather_rows', cases, { reference: EXACT, others: EXACT });
