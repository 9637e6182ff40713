// box_decode: every form, function and kind of prior, by hand where the numbers are round, against the reference elsewhere.
import type { Attributes } from '../../sdk/ir/operators.js';
import { testOperator, type Case, type CaseTensor, type Tolerance } from './harness.js';
import { randomNumbers } from './harness.js';

type Decode = Attributes['box_decode'];

/** Boxes of up to a few hundred pixels: exp and sigmoid within a few units in the last place (2^-23), then two roundings; here |values| <= 4000. */
const PIXELS: Tolerance = { absolute: 4e-4, relative: 1e-6 };

const plain: Decode = { divisor: 1, form: 'center', columns: [0, 1, 2, 3], bins: 1, position: 'identity', extent: 'identity', scale: [1, 1], limit: 80 }; // prettier-ignore
const rows: CaseTensor = { shape: [2, 4], data: [1, 2, 4, 6, 0, 0, 0, 0] };
const one: CaseTensor = { shape: [1, 6], data: [10, 20, 2, 3, 1, 2], constant: true };
const index = (...data: number[]): CaseTensor => ({ shape: [data.length], dtype: 'int32', data });
const count = (n: number): CaseTensor => ({ shape: [1], dtype: 'int32', data: [n] });
/** Logits of 4 bins: all weight on the given bin, but for e^-60. */
const bin = (b: number): number[] => [0, 1, 2, 3].map((i) => (i === b ? 60 : 0));

const made = (name: string, attributes: Decode, row: CaseTensor, prior: CaseTensor, outputs?: readonly number[]): Case<'box_decode'> => ({
  name, attributes, inputs: [row, prior, index(0), count(1)], ...(outputs ? { outputs: [{ data: outputs }] } : {}),
}); // prettier-ignore

const P = 37;
const random: Case<'box_decode'>[] = (['center', 'distances', 'corners'] as const).flatMap((form) =>
  (['identity', 'sigmoid', 'tanh'] as const).flatMap((position) =>
    (['identity', 'exp', 'sigmoid', 'sigmoid_squared', 'relu'] as const).flatMap((extent) =>
      [1, 5].map((bins): Case<'box_decode'> => ({
        name: `random rows, ${form}, ${position}, ${extent}, ${bins} bins`,
        attributes: { divisor: 3, form, columns: [7, 2, 12, 0], bins, position, extent, scale: [0.5, 0.25], limit: 1.5 },
        inputs: [
          { shape: [P, 17], data: randomNumbers(P * 17, 5, -6, 6) },
          { shape: [P, 6], data: randomNumbers(P * 6, 6, -300, 300), constant: true },
          index(110, 0, 3, 5, 77, 41, 9, 8),
          count(7),
        ],
      })),
    ),
  ),
);

const cases: Case<'box_decode'>[] = [
  made('center', plain, rows, one, [12 - 2, 26 - 6, 12 + 2, 26 + 6]),
  made('distances', { ...plain, form: 'distances' }, rows, one, [10 - 1, 20 - 4, 10 + 4, 20 + 12]),
  made('corners', { ...plain, form: 'corners' }, rows, one, [12, 26, 18, 38]),
  made('columns in another order: y, x, h, w', { ...plain, columns: [1, 0, 3, 2] }, rows, one, [14 - 3, 23 - 4, 14 + 3, 23 + 4]),
  made('scale by axis, then the limit', { ...plain, scale: [0.5, 10], limit: 30 }, rows, one, [12 - 1, 26 - 30, 12 + 1, 26 + 30]),
  made('sigmoid and exp of 0', { ...plain, position: 'sigmoid', extent: 'exp' }, { shape: [1, 4], data: [0, 0, 0, 0] }, one, [11 - 0.5, 21.5 - 1, 11 + 0.5, 21.5 + 1]),
  made('sigmoid squared of 0', { ...plain, extent: 'sigmoid_squared' }, { shape: [1, 4], data: [0, 0, 0, 0] }, one, [10 - 0.125, 20 - 0.25, 10 + 0.125, 20 + 0.25]),
  made('tanh and relu', { ...plain, position: 'tanh', extent: 'relu' }, { shape: [1, 4], data: [0, 0, -3, 3] }, one, [10, 20 - 3, 10, 20 + 3]),
  made('the limit keeps exp finite', { ...plain, extent: 'exp', limit: 2 }, { shape: [1, 4], data: [0, 0, 1000, 1000] }, one, [10 - Math.exp(2) / 2, 20 - Math.exp(2), 10 + Math.exp(2) / 2, 20 + Math.exp(2)]),
  made('bins: the expectation', { ...plain, form: 'distances', bins: 4, columns: [0, 4, 8, 12] }, { shape: [1, 16], data: [...bin(0), ...bin(3), ...bin(1), 0, 0, 0, 0] }, one, [10, 20 - 6, 10 + 1, 20 + 3]),
  {
    name: 'a prior a row, divided index, clamped index, zeros from count on',
    attributes: { ...plain, divisor: 4 },
    inputs: [rows, { shape: [2, 6], data: [0, 0, 1, 1, 1, 1, 5, 5, 1, 1, 1, 1], constant: true }, index(3, 4, 99, -7, 0), count(4)],
    outputs: [{ data: [-1, -1, 3, 5, 5, 5, 5, 5, 5, 5, 5, 5, -1, -1, 3, 5, 0, 0, 0, 0] }],
  },
  ...random,
]; // prettier-ignore

testOperator('box_decode', cases, { reference: PIXELS, others: PIXELS });
