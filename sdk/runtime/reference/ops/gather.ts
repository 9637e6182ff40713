// gather: slices of one axis picked by index.
import { sizeOf } from '../../../tensor/shape.js';
import { need, type ReferenceOperator } from '../operand.js';

/** x [..., A, ...], index int32 -> x with `axis` replaced by the shape of index. Indices outside the axis are clamped to it. */
export const gather: ReferenceOperator<'gather'> = (inputs, outputs, { axis }) => {
  const x = need(inputs, 0);
  const index = need(inputs, 1).data;
  const y = need(outputs, 0).data;
  const outer = sizeOf(x.shape.slice(0, axis));
  const length = x.shape[axis]!;
  const inner = sizeOf(x.shape.slice(axis + 1));
  for (let o = 0; o < outer; o++) {
    for (let k = 0; k < index.length; k++) {
      const from = (o * length + Math.min(Math.max(index[k]!, 0), length - 1)) * inner;
      const to = (o * index.length + k) * inner;
      for (let j = 0; j < inner; j++) y[to + j] = x.data[from + j]!;
    }
  }
};
