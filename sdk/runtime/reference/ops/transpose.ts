// transpose: axes in another order.
import { stridesOf } from '../../../tensor/shape.js';
import { need, type ReferenceOperator } from '../operand.js';
import { walk } from '../walk.js';

/** x -> axis i of the result is axis perm[i] of x. */
export const transpose: ReferenceOperator<'transpose'> = (inputs, outputs, { perm }) => {
  const x = need(inputs, 0);
  const y = need(outputs, 0);
  const strides = stridesOf(x.shape);
  walk(y.shape, perm.map((axis) => strides[axis]!), 0, (i, from) => {
    y.data[i] = x.data[from]!;
  }); // prettier-ignore
};
