// top_k: the largest elements of each row, by a full sort.
import { need, type ReferenceOperator } from '../operand.js';

/** x [..., K] -> values [..., k], index [..., k], descending; ties by lower index, NaN behind all numbers. */
export const top_k: ReferenceOperator<'top_k'> = (inputs, outputs, { k }) => {
  const x = need(inputs, 0);
  const values = need(outputs, 0).data;
  const index = need(outputs, 1).data;
  const K = x.shape.at(-1)!;
  if (k === 0) return;
  for (let row = 0; row < x.data.length / K; row++) {
    const order = Array.from({ length: K }, (_, i) => i).sort(
      (p, q) => descending(x.data[row * K + p]!, x.data[row * K + q]!) || p - q,
    );
    for (let i = 0; i < k; i++) {
      index[row * k + i] = order[i]!;
      values[row * k + i] = x.data[row * K + order[i]!]!;
    }
  }
};

/** Sort order: larger first, NaN last, +0 equal to -0. */
export function descending(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a > b ? -1 : a < b ? 1 : 0;
}
