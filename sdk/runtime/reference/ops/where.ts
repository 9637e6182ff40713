// where: one of two operands, element by element, as a condition says; all three broadcast as NumPy does.
import { need, type ReferenceOperator } from '../operand.js';
import { broadcastStrides, walk2 } from '../walk.js';

/** condition, a, b -> condition ? a : b. */
export const where: ReferenceOperator<'where'> = (inputs, outputs) => {
  const [condition, a, b] = [need(inputs, 0), need(inputs, 1), need(inputs, 2)];
  const y = need(outputs, 0);
  walk2(y.shape, broadcastStrides(a.shape, y.shape), broadcastStrides(b.shape, y.shape), (i, ia) => {
    y.data[i] = a.data[ia]!;
  });
  walk2(y.shape, broadcastStrides(condition.shape, y.shape), broadcastStrides(b.shape, y.shape), (i, ic, ib) => {
    if (!condition.data[ic]) y.data[i] = b.data[ib]!;
  });
};
