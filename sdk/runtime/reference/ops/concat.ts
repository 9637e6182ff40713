// concat: operands joined along one axis.
import { sizeOf } from '../../../tensor/shape.js';
import { need, type ReferenceOperator } from '../operand.js';

/** xs, all equal but for `axis` -> joined. */
export const concat: ReferenceOperator<'concat'> = (inputs, outputs, { axis }) => {
  const y = need(outputs, 0);
  const outer = sizeOf(y.shape.slice(0, axis));
  const row = sizeOf(y.shape.slice(axis));
  let start = 0;
  for (let k = 0; k < inputs.length; k++) {
    const x = need(inputs, k);
    const part = sizeOf(x.shape.slice(axis));
    for (let i = 0; i < outer; i++) {
      for (let j = 0; j < part; j++) y.data[i * row + start + j] = x.data[i * part + j]!;
    }
    start += part;
  }
};
