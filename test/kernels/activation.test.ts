// activation: every kind against PyTorch, over large, small and special arguments.
import { APPROXIMATED, ROUNDED, golden, testOperator, type Case } from './harness.js';

const special = { shape: [7], data: [Number.NaN, -Infinity, -2, 0, 0.5, 3, Infinity] };
const byHand: Case<'activation'>[] = [
  {
    name: 'clip without an upper end',
    attributes: { activation: { kind: 'clip', alpha: 0.25, beta: Infinity } },
    inputs: [special],
    outputs: [{ data: [Number.NaN, 0.25, 0.25, 0.25, 0.5, 3, Infinity] }],
  },
  {
    name: 'clip without a lower end',
    attributes: { activation: { kind: 'clip', alpha: -Infinity, beta: 0.25 } },
    inputs: [special],
    outputs: [{ data: [Number.NaN, -Infinity, -2, 0, 0.25, 0.25, 0.25] }],
  },
  {
    name: 'clip without ends',
    attributes: { activation: { kind: 'clip', alpha: -Infinity, beta: Infinity } },
    inputs: [special],
    outputs: [{ data: special.data }],
  },
  {
    name: 'NaN goes through relu',
    attributes: { activation: { kind: 'relu' } },
    inputs: [special],
    outputs: [{ data: [Number.NaN, 0, 0, 0, 0.5, 3, Infinity] }],
  },
  {
    name: 'sigmoid far out',
    attributes: { activation: { kind: 'sigmoid' } },
    inputs: [{ shape: [5], data: [Number.NaN, -Infinity, -200, 200, Infinity] }],
    outputs: [{ data: [Number.NaN, 0, 0, 1, 1] }],
  },
  {
    name: 'tanh far out',
    attributes: { activation: { kind: 'tanh' } },
    inputs: [{ shape: [5], data: [Number.NaN, -Infinity, -200, 200, Infinity] }],
    outputs: [{ data: [Number.NaN, -1, -1, 1, 1] }],
  },
];

testOperator('activation', [...golden('activation'), ...byHand], { reference: ROUNDED, others: APPROXIMATED });
