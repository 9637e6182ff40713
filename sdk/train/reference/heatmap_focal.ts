// CenterNet's penalty-reduced focal loss of a heat map of centres (Zhou et al. 2019, Eq. 1).
import type { HeatmapFocal, LossOutput } from '../kernels.js';
import { power, sigmoid, softplus } from './math.js';

/** Where t = 1: (1 - p)^alpha softplus(-x); elsewhere: (1 - t)^beta p^alpha softplus(x). */
export function heatmapFocal(input: HeatmapFocal, { rows, gradient }: LossOutput): void {
  const { logits, P, C, targets, weights, alpha, beta, scale } = input;
  const byElement = weights !== undefined && weights.length === P * C && C !== 1;
  for (let p = 0; p < P; p++) {
    let sum = 0;
    for (let c = 0; c < C; c++) {
      const i = p * C + c;
      const weight = weights ? weights[byElement ? i : p]! : 1;
      gradient[i] = 0;
      if (weight === 0) continue;
      // A centre is the mirror image of background: x -> -x.
      const sign = targets[i] === 1 ? -1 : 1;
      const x = sign * logits[i]!;
      const factor = weight * (sign < 0 ? 1 : power(1 - targets[i]!, beta));
      const probability = sigmoid(x);
      const entropy = softplus(x);
      const focus = power(probability, alpha);
      sum += factor * focus * entropy;
      gradient[i] = scale * sign * factor * focus * (alpha * sigmoid(-x) * entropy + probability);
    }
    rows[p] = sum;
  }
}
