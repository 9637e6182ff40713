// binary: every kind and broadcast against PyTorch; the fused activation and int32 wrap-around by hand.
import { APPROXIMATED, golden, ROUNDED, testOperator, type Case } from './harness.js';

const none = { kind: 'none' } as const;
const byHand: Case<'binary'>[] = [
  {
    name: 'add then relu',
    attributes: { kind: 'add', activation: { kind: 'relu' } },
    inputs: [{ shape: [4], data: [1, -2, 3, -4] }, { shape: [4], data: [1, 1, -5, 5] }],
    outputs: [{ data: [2, 0, 0, 1] }],
  },
  {
    name: 'mul of int32 wraps at 32 bits',
    attributes: { kind: 'mul', activation: none },
    inputs: [{ shape: [2], dtype: 'int32', data: [65536, -3] }, { shape: [2], dtype: 'int32', data: [65537, 7] }],
    outputs: [{ data: [65536, -21] }],
  },
  {
    name: 'add of int32 with broadcasting',
    attributes: { kind: 'add', activation: none },
    inputs: [{ shape: [2, 2], dtype: 'int32', data: [1, 2, 3, 4] }, { shape: [], dtype: 'int32', data: [10] }],
    outputs: [{ data: [11, 12, 13, 14] }],
  },
  {
    name: 'a gate [1,1,1,3] times an image',
    attributes: { kind: 'mul', activation: none },
    inputs: [{ shape: [1, 1, 2, 3], data: [1, 2, 3, 4, 5, 6] }, { shape: [1, 1, 1, 3], data: [2, 0, -1] }],
    outputs: [{ data: [2, 0, -3, 8, 0, -6] }],
  },
  {
    name: 'prelu with a slope a channel',
    attributes: { kind: 'prelu', activation: none },
    inputs: [{ shape: [2, 3], data: [-1, -2, 3, 4, -5, -6] }, { shape: [3], data: [0.5, 0, -1] }],
    outputs: [{ data: [-0.5, 0, 3, 4, 0, 6] }],
  },
]; // prettier-ignore

testOperator('binary', [...golden('binary'), ...byHand], { reference: ROUNDED, others: APPROXIMATED });
