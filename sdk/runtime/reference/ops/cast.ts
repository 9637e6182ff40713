// cast: numbers in another type.
import { need, type ReferenceOperator } from '../operand.js';

const limits = { int32: [-(2 ** 31), 2 ** 31 - 1], uint8: [0, 255] } as const;

/** x -> the result's dtype. To an integer: truncated towards zero, saturated, NaN gives 0. To bool: 1 where x is not 0. */
export const cast: ReferenceOperator<'cast'> = (inputs, outputs) => {
  const x = need(inputs, 0).data;
  const { data: y, dtype } = need(outputs, 0);
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!;
    if (dtype === 'bool') y[i] = value !== 0 ? 1 : 0;
    else if (dtype === 'float32') y[i] = value;
    else y[i] = Math.min(Math.max(Math.trunc(value), limits[dtype][0]), limits[dtype][1]);
  }
};
