// Sigmoid cross-entropy, plain or focal, with targets from labels, a table of label relations, or dense.
import { target, type LossOutput, type SigmoidCrossEntropy } from '../kernels.js';
import { power, sigmoid, softplus } from './math.js';

/**
 * value = sum over c of w a (1 - q)^gamma (softplus(x) - t x), q = p t + (1 - p)(1 - t), a = alpha t + (1 - alpha)(1 - t) (Lin et al. 2017). With a
 * table it is UniSeg's Null BCE (Eq. 4), class-relational BCE (Eq. 8), and UniDet's hierarchy-aware loss (5.1).
 */
export function sigmoidCrossEntropy(input: SigmoidCrossEntropy, { rows, gradient }: LossOutput): void {
  const { logits, P, C, labels, table, targets, columns, weights, gamma, alpha, scale } = input;
  const byElement = weights !== undefined && weights.length === P * C && C !== 1;
  for (let p = 0; p < P; p++) {
    const at = p * C;
    const label = labels ? labels[p]! : 0;
    const rowWeight = weights && !byElement ? weights[p]! : 1;
    let sum = 0;
    for (let c = 0; c < C; c++) {
      const i = at + c;
      gradient[i] = 0;
      const weight = byElement ? weights[i]! : rowWeight;
      if (label < 0 || weight === 0 || (columns && !columns[c])) continue;
      const state = table ? table[label * C + c]! : Number(c === label);
      if (!targets && state === target.none) continue;
      const t = targets ? targets[i]! : state;
      const x = logits[i]!;
      const probability = sigmoid(x);
      const entropy = softplus(x) - t * x;
      const other = 1 - (probability * t + (1 - probability) * (1 - t));
      // For whole targets without cancellation.
      const miss = t === 1 ? sigmoid(-x) : t === 0 ? probability : other;
      const share = alpha < 0 ? weight : weight * (alpha * t + (1 - alpha) * (1 - t));
      const focus = power(miss, gamma);
      sum += share * focus * entropy;
      let slope = focus * (probability - t);
      if (gamma > 0 && miss > 0) slope -= gamma * power(miss, gamma - 1) * (2 * t - 1) * probability * sigmoid(-x) * entropy;
      gradient[i] = scale * share * slope;
    }
    rows[p] = sum;
  }
}
