// gather_rows: rows of a table picked by the indices that peak_top_k gives.
import { need, type ReferenceOperator } from '../operand.js';

/** rows [P,C], index int32 [k], count int32 [1] -> [k,C]: row floor(index / divisor) before `count`, zeros after; rows outside are clamped. */
export const gather_rows: ReferenceOperator<'gather_rows'> = (inputs, outputs, { divisor }) => {
  const { data: rows, shape } = need(inputs, 0);
  const index = need(inputs, 1).data;
  const count = need(inputs, 2).data[0]!;
  const y = need(outputs, 0).data.fill(0);
  const [P, C] = shape as [number, number];
  for (let i = 0; i < Math.min(count, index.length); i++) {
    const row = Math.min(Math.max(Math.floor(index[i]! / divisor), 0), P - 1);
    for (let c = 0; c < C; c++) y[i * C + c] = rows[row * C + c]!;
  }
};
