// softmax: normalised exponentials along one axis, in double precision, shifted by the maximum so that nothing overflows.
import { sizeOf } from '../../../tensor/shape.js';
import { need, type ReferenceOperator } from '../operand.js';

/** x -> exp(x - max) / sum along `axis`. */
export const softmax: ReferenceOperator<'softmax'> = (inputs, outputs, { axis }) => {
  const x = need(inputs, 0);
  const y = need(outputs, 0).data;
  const length = x.shape[axis]!;
  const inner = sizeOf(x.shape.slice(axis + 1));
  const outer = sizeOf(x.shape.slice(0, axis));
  for (let o = 0; o < outer; o++) {
    for (let j = 0; j < inner; j++) {
      const at = (k: number): number => (o * length + k) * inner + j;
      let max = -Infinity;
      for (let k = 0; k < length; k++) max = Math.max(max, x.data[at(k)]!);
      let sum = 0;
      for (let k = 0; k < length; k++) sum += Math.exp(x.data[at(k)]! - max);
      for (let k = 0; k < length; k++) y[at(k)] = Math.exp(x.data[at(k)]! - max) / sum;
    }
  }
};
