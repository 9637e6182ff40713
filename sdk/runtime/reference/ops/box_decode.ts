// box_decode: the numbers that a head predicts for a row, with the row's prior, as a box in input pixels.
import { need, type ReferenceOperator } from '../operand.js';

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

const positions = { identity: (x: number) => x, sigmoid, tanh: Math.tanh };

const extents = {
  identity: (x: number) => x,
  exp: Math.exp,
  sigmoid,
  sigmoid_squared: (x: number) => sigmoid(x) ** 2,
  relu: (x: number) => Math.max(x, 0),
};

/** rows [P,C], priors [P,6] or [1,6], index int32 [k], count int32 [1] -> boxes [k,4]; zeros from `count` on. Rows outside are clamped. */
export const box_decode: ReferenceOperator<'box_decode'> = (inputs, outputs, attributes) => {
  const { divisor, form, columns, bins, scale, limit } = attributes;
  const { data: rows, shape } = need(inputs, 0);
  const { data: priors, shape: priorShape } = need(inputs, 1);
  const index = need(inputs, 2).data;
  const count = need(inputs, 3).data[0]!;
  const y = need(outputs, 0).data.fill(0);
  const [P, C] = shape as [number, number];
  const f = positions[attributes.position];
  const g = (t: number, axis: 0 | 1): number => extents[attributes.extent](Math.min(scale[axis] * t, limit));
  for (let i = 0; i < Math.min(count, index.length); i++) {
    const r = Math.min(Math.max(Math.floor(index[i]! / divisor), 0), P - 1);
    const at = priorShape[0] === 1 ? 0 : r * 6;
    const [ax, ay, bx, by, cw, ch] = [0, 1, 2, 3, 4, 5].map((j) => priors[at + j]!) as [number, number, number, number, number, number]; // prettier-ignore
    const [t0, t1, t2, t3] = columns.map((column) => expectation(rows, r * C + column, bins)) as [number, number, number, number];
    let box: [number, number, number, number];
    if (form === 'center') {
      const [cx, cy, w, h] = [ax + bx * f(t0), ay + by * f(t1), cw * g(t2, 0), ch * g(t3, 1)];
      box = [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2];
    } else if (form === 'distances') {
      box = [ax - cw * g(t0, 0), ay - ch * g(t1, 1), ax + cw * g(t2, 0), ay + ch * g(t3, 1)];
    } else {
      box = [ax + bx * f(t0), ay + by * f(t1), ax + bx * f(t2), ay + by * f(t3)];
    }
    for (let j = 0; j < 4; j++) y[i * 4 + j] = box[j]!;
  }
};

/** The number itself, or the mean of 0, 1, ... under the softmax of `bins` logits. */
function expectation(rows: ArrayLike<number>, at: number, bins: number): number {
  if (bins === 1) return rows[at]!;
  let most = Number.NEGATIVE_INFINITY;
  for (let b = 0; b < bins; b++) most = Math.max(most, rows[at + b]!);
  let [sum, weighted] = [0, 0];
  for (let b = 0; b < bins; b++) {
    const e = Math.exp(rows[at + b]! - most);
    sum += e;
    weighted += b * e;
  }
  return weighted / sum;
}
