// cast: every pair of types by hand, with the edges: truncation, saturation, NaN.
import { EXACT, testOperator, type Case } from './harness.js';

const floats = { shape: [7], data: [1.9, -1.9, 0.4, -0, 3e9, -3e9, Number.NaN] };
const cases: Case<'cast'>[] = [
  { name: 'float32 to int32', attributes: {}, result: { dtype: 'int32' }, inputs: [floats], outputs: [{ data: [1, -1, 0, 0, 2147483647, -2147483648, 0] }] },
  { name: 'float32 to bool', attributes: {}, result: { dtype: 'bool' }, inputs: [floats], outputs: [{ data: [1, 1, 1, 0, 1, 1, 1] }] },
  { name: 'float32 to uint8', attributes: {}, result: { dtype: 'uint8' }, inputs: [{ shape: [4], data: [254.9, 256, -1, 7] }], outputs: [{ data: [254, 255, 0, 7] }] },
  { name: 'int32 to float32', attributes: {}, result: { dtype: 'float32' }, inputs: [{ shape: [2], dtype: 'int32', data: [-5, 7] }], outputs: [{ data: [-5, 7] }] },
  { name: 'bool to float32', attributes: {}, result: { dtype: 'float32' }, inputs: [{ shape: [3], dtype: 'bool', data: [0, 1, 1] }], outputs: [{ data: [0, 1, 1] }] },
  { name: 'uint8 to int32', attributes: {}, result: { dtype: 'int32' }, inputs: [{ shape: [2], dtype: 'uint8', data: [255, 3] }], outputs: [{ data: [255, 3] }] },
  { name: 'int32 to bool', attributes: {}, result: { dtype: 'bool' }, inputs: [{ shape: [3], dtype: 'int32', data: [0, 2, -1] }], outputs: [{ data: [0, 1, 1] }] },
  { name: 'int32 to uint8', attributes: {}, result: { dtype: 'uint8' }, inputs: [{ shape: [4], dtype: 'int32', data: [-1, 7, 255, 256] }], outputs: [{ data: [0, 7, 255, 255] }] },
  { name: 'float32 to float32', attributes: {}, result: { dtype: 'float32' }, inputs: [{ shape: [3], data: [1.5, -Infinity, Number.NaN] }], outputs: [{ data: [1.5, -Infinity, Number.NaN] }] },
]; // prettier-ignore

testOperator('cast', cases, { reference: EXACT, others: EXACT });
