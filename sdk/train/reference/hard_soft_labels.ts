// ScaleDet's hard and soft label assignment on cosines (Eq. 6 to 8).
import type { HardSoftLabels, LossOutput } from '../kernels.js';
import { sigmoid, softplus } from './math.js';

/** value = sum over c of BCE(sigmoid(cos / tau), c = label) + softWeight (cos - sim[label, c])^2; background has no soft part. */
export function hardSoftLabels(input: HardSoftLabels, { rows, gradient }: LossOutput): void {
  const { logits, P, C, labels, similarity, temperature, softWeight, weights, scale } = input;
  for (let p = 0; p < P; p++) {
    const at = p * C;
    const label = labels[p]!;
    const weight = weights ? weights[p]! : 1;
    rows[p] = 0;
    gradient.fill(0, at, at + C);
    if (label < 0 || weight === 0) continue;
    const hasSoft = label < C && softWeight !== 0;
    let sum = 0;
    for (let c = 0; c < C; c++) {
      const cosine = logits[at + c]!;
      const x = cosine / temperature;
      const t = c === label ? 1 : 0;
      sum += softplus(x) - t * x;
      let slope = (sigmoid(x) - t) / temperature;
      if (hasSoft) {
        const off = cosine - similarity[label * C + c]!;
        sum += softWeight * off * off;
        slope += 2 * softWeight * off;
      }
      gradient[at + c] = scale * weight * slope;
    }
    rows[p] = weight * sum;
  }
}
