// Softmax cross-entropy of rows over all columns or those of one data set.
import type { LossOutput, SoftmaxCrossEntropy } from '../kernels.js';

/** value = w (logsumexp(x) - x[label]); gradient = w (softmax(x) - one-hot). UniDet retrains with the data set's own columns (5.2), AutoUniSeg's Eq. 6. */
export function softmaxCrossEntropy(input: SoftmaxCrossEntropy, { rows, gradient }: LossOutput): void {
  const { logits, P, C, labels, columns, weights, scale } = input;
  for (let p = 0; p < P; p++) {
    const at = p * C;
    const label = labels[p]!;
    const weight = weights ? weights[p]! : 1;
    rows[p] = 0;
    gradient.fill(0, at, at + C);
    if (label < 0 || weight === 0) continue;
    let most = -Infinity;
    for (let c = 0; c < C; c++) if (!columns || columns[c]) most = Math.max(most, logits[at + c]!);
    let sum = 0;
    for (let c = 0; c < C; c++) if (!columns || columns[c]) sum += Math.exp(logits[at + c]! - most);
    rows[p] = weight * (most - logits[at + label]! + Math.log(sum));
    for (let c = 0; c < C; c++) {
      if (columns && !columns[c]) continue;
      const probability = Math.exp(logits[at + c]! - most) / sum;
      gradient[at + c] = scale * weight * (probability - (c === label ? 1 : 0));
    }
  }
}
