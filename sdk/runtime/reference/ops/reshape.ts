// reshape: the same elements in the same order; only the shape differs.
import { need, type ReferenceOperator } from '../operand.js';

/** x -> the same elements in the result's shape. */
export const reshape: ReferenceOperator<'reshape'> = (inputs, outputs) => {
  need(outputs, 0).data.set(need(inputs, 0).data);
};
