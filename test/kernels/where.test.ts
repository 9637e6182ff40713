// where: broadcasting of all three operands, both types, NaN and infinities of the branch not taken, more axes than a step holds; by hand.
import { EXACT, randomNumbers, testOperator, type Case } from './harness.js';

const bool = (shape: number[], data: number[]) => ({ shape, data, dtype: 'bool' as const });
const cases: Case<'where'>[] = [
  {
    name: 'what is not taken leaves no trace',
    attributes: {},
    inputs: [bool([5], [1, 0, 1, 0, 1]), { shape: [5], data: [1, Number.NaN, -0, Infinity, 5] }, { shape: [5], data: [Number.NaN, 2, Infinity, 4, -6] }],
    outputs: [{ data: [1, 2, 0, 4, 5] }],
  },
  {
    name: 'int32, a scalar beside a column and a row',
    attributes: {},
    inputs: [bool([2, 1], [1, 0]), { shape: [3], dtype: 'int32', data: [1, 2, 3] }, { shape: [], dtype: 'int32', data: [-9] }],
    outputs: [{ data: [1, 2, 3, -9, -9, -9] }],
  },
  {
    name: 'a mask [1,3,1] over channels-last values [2,3,5] and a bias [5]',
    attributes: {},
    inputs: [bool([1, 3, 1], [0, 1, 0]), { shape: [2, 3, 5], data: randomNumbers(30, 1) }, { shape: [5], data: randomNumbers(5, 2) }],
  },
  {
    name: 'eight axes with alternating broadcasts',
    attributes: {},
    inputs: [
      bool([2, 1, 2, 1, 2, 1, 2, 1], Array.from({ length: 16 }, (_, i) => (i * 5) % 3 === 0 ? 1 : 0)),
      { shape: [1, 2, 1, 2, 1, 2, 1, 2], data: randomNumbers(16, 3) },
      { shape: [2, 2, 2, 2, 2, 2, 2, 2], data: randomNumbers(256, 4) },
    ],
  },
]; // prettier-ignore

testOperator('where', cases, { reference: EXACT, others: EXACT });
