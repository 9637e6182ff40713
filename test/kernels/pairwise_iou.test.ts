// pairwise_iou: overlaps by hand, with boxes that touch, lie apart, are empty or turned inside out; random boxes against the reference.
import { randomBoxes } from './boxes.js';
import { testOperator, type Case, type Tolerance } from './harness.js';

/** Differences, products and one quotient in float32: each within an ulp (2^-23) or two and a half for a division. */
const QUOTIENT: Tolerance = { absolute: 1e-7, relative: 1e-6 };

const cases: Case<'pairwise_iou'>[] = [
  {
    name: 'half, whole, touching, apart',
    attributes: {},
    inputs: [
      { shape: [2, 4], data: [0, 0, 2, 2, 10, 10, 14, 12] },
      { shape: [4, 4], data: [0, 0, 2, 2, 1, 0, 3, 2, 2, 0, 4, 2, 11, 10, 13, 12] },
    ],
    outputs: [{ data: [1, 1 / 3, 0, 0, 0, 0, 0, 0.5] }],
  },
  {
    name: 'empty boxes and boxes inside out overlap nothing',
    attributes: {},
    inputs: [
      { shape: [3, 4], data: [0, 0, 4, 4, 1, 1, 1, 3, 3, 3, 1, 1] },
      { shape: [2, 4], data: [1, 1, 1, 3, 3, 3, 1, 1] },
    ],
    outputs: [{ data: [0, 0, 0, 0, 0, 0] }],
  },
  {
    name: '37 boxes with 53',
    attributes: {},
    inputs: [
      { shape: [37, 4], data: randomBoxes(37, 1) },
      { shape: [53, 4], data: randomBoxes(53, 2) },
    ],
  },
];

testOperator('pairwise_iou', cases, { reference: QUOTIENT, others: QUOTIENT });
