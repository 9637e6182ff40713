// unary: every kind against PyTorch; int32 where it is allowed.
import { APPROXIMATED, golden, ROUNDED, testOperator, type Case } from './harness.js';

const integers: Case<'unary'>[] = [
  {
    name: 'neg of int32',
    attributes: { kind: 'neg' },
    inputs: [{ shape: [3], dtype: 'int32', data: [1, 0, -7] }],
    outputs: [{ data: [-1, 0, 7] }],
  },
  {
    name: 'abs of int32',
    attributes: { kind: 'abs' },
    inputs: [{ shape: [3], dtype: 'int32', data: [1, 0, -7] }],
    outputs: [{ data: [1, 0, 7] }],
  },
];

testOperator('unary', [...golden('unary'), ...integers], { reference: ROUNDED, others: APPROXIMATED });
