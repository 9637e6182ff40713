// score_merge: scores of one label space combined into those of another by a sparse mapping.
import { need, type ReferenceOperator } from '../operand.js';
import { sigmoid } from './activation.js';

/** scores [P,K], offsets int32 [U+1], members int32 [offsets[U]] -> [P,U]. */
export const score_merge: ReferenceOperator<'score_merge'> = (inputs, outputs, { combine, from }) => {
  const scores = need(inputs, 0);
  const offsets = need(inputs, 1).data;
  const members = need(inputs, 2).data;
  const y = need(outputs, 0);
  const [P, K] = scores.shape as [number, number];
  const U = y.shape[1]!;
  for (let p = 0; p < P; p++) {
    for (let u = 0; u < U; u++) {
      const column = Array.from(members.subarray(offsets[u]!, offsets[u + 1]!), (k) => scores.data[p * K + k]!);
      const probabilities = from === 'logit' ? column.map(sigmoid) : column;
      let value: number;
      if (combine === 'max') value = column.length ? Math.max(...column) : from === 'logit' ? -Infinity : 0;
      else if (column.length === 0) value = 0;
      else if (combine === 'mean') value = probabilities.reduce((sum, v) => sum + v, 0) / column.length;
      else value = 1 - probabilities.reduce((rest, v) => rest * (1 - v), 1);
      y.data[p * U + u] = value;
    }
  }
};
