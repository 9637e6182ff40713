// pad: elements added before and after each axis.
import { stridesOf } from '../../../tensor/shape.js';
import { need, type ReferenceOperator } from '../operand.js';

/** x -> x with before[i] and after[i] elements added on axis i: a constant, the mirror image without the border, or the border repeated. */
export const pad: ReferenceOperator<'pad'> = (inputs, outputs, { before, mode, value }) => {
  const x = need(inputs, 0);
  const y = need(outputs, 0);
  const from = stridesOf(x.shape);
  const to = stridesOf(y.shape);
  for (let i = 0; i < y.data.length; i++) {
    let offset = 0;
    let outside = false;
    for (let axis = 0; axis < to.length; axis++) {
      const size = x.shape[axis]!;
      let at = (Math.floor(i / to[axis]!) % y.shape[axis]!) - before[axis]!;
      if (at < 0 || at >= size) {
        outside = true;
        if (mode === 'reflect') at = at < 0 ? -at : 2 * (size - 1) - at;
        else at = at < 0 ? 0 : size - 1;
      }
      offset += at * from[axis]!;
    }
    y.data[i] = outside && mode === 'constant' ? value : x.data[offset]!;
  }
};
