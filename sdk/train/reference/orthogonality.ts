// AutoUniSeg's orthogonality loss of unified label embeddings (Eq. 7).
import type { Floats, LossOutput, Orthogonality } from '../kernels.js';

/**
 * S = X X^T / T, q = softmax of its rows; value of row i: -q_ii ln q_ii, or with `wholeRows` -sum over j of q_ij ln q_ij. rows [U].
 */
export function orthogonality(input: Orthogonality, { rows, gradient }: LossOutput): void {
  const { logits: x, U, D, temperature, wholeRows, scale } = input;
  /** [U, U] S, then d value / d S. */
  const slopes = new Float64Array(U * U);
  for (let i = 0; i < U; i++) {
    for (let j = 0; j < U; j++) {
      let sum = 0;
      for (let d = 0; d < D; d++) sum += x[i * D + d]! * x[j * D + d]!;
      slopes[i * U + j] = sum / temperature;
    }
  }
  entropySlopes(slopes, rows, U, wholeRows);
  for (let i = 0; i < U; i++) {
    for (let d = 0; d < D; d++) {
      let sum = 0;
      for (let k = 0; k < U; k++) sum += (slopes[i * U + k]! + slopes[k * U + i]!) * x[k * D + d]!;
      gradient[i * D + d] = (scale * sum) / temperature;
    }
  }
}

/** Values of the rows of S [U, U], and their slopes by S in its place. */
export function entropySlopes(S: Floats, rows: Floats, U: number, wholeRows: boolean): void {
  const logq = new Float64Array(U);
  for (let i = 0; i < U; i++) {
    let most = -Infinity;
    for (let j = 0; j < U; j++) most = Math.max(most, (logq[j] = S[i * U + j]!));
    let total = 0;
    for (let j = 0; j < U; j++) total += Math.exp(logq[j]! - most);
    const lse = most + Math.log(total);
    for (let j = 0; j < U; j++) logq[j] = logq[j]! - lse;
    const [from, to] = wholeRows ? [0, U] : [i, i + 1];
    // f = -sum q ln q over the chosen j; df/ds_k = -q_k (ln q_k + 1)[k chosen] + q_k sum over chosen of q_j (ln q_j + 1).
    let value = 0;
    let mean = 0;
    for (let j = from; j < to; j++) {
      const q = Math.exp(logq[j]!);
      value -= q * logq[j]!;
      mean += q * (logq[j]! + 1);
    }
    rows[i] = value;
    for (let k = 0; k < U; k++) {
      const q = Math.exp(logq[k]!);
      const own = k >= from && k < to ? q * (logq[k]! + 1) : 0;
      S[i * U + k] = -own + q * mean;
    }
  }
}
