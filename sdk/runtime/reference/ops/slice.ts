// slice: a strided box of elements.
import { stridesOf } from '../../../tensor/shape.js';
import { need, type ReferenceOperator } from '../operand.js';
import { walk } from '../walk.js';

/** x -> x[begin : begin + size*stride : stride] on every axis. */
export const slice: ReferenceOperator<'slice'> = (inputs, outputs, { begin, size, strides }) => {
  const x = need(inputs, 0);
  const y = need(outputs, 0);
  const steps = stridesOf(x.shape);
  const start = begin.reduce((sum, b, axis) => sum + b * steps[axis]!, 0);
  walk(size, steps.map((step, axis) => step * strides[axis]!), start, (i, from) => {
    y.data[i] = x.data[from]!;
  }); // prettier-ignore
};
