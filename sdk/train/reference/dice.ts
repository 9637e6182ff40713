// Dice loss of masks (Milletari et al. 2016), and the projection loss that compares masks with boxes through it (DaTaSeg Eq. 3).
import type { Dice, Floats, LossOutput, Projection } from '../kernels.js';
import { sigmoid } from './math.js';

/**
 * value = 1 - (2 sum p t + s) / (sum p + sum t + s), or with squares in the denominator. Writes the slope of each p.
 * @param p [n] probabilities @param slope [n]
 */
function diceOf(p: Float64Array, t: Floats, from: number, smooth: number, squared: boolean, slope: Float64Array): number {
  let [shared, all] = [0, 0];
  for (let i = 0; i < p.length; i++) {
    const [a, b] = [p[i]!, t[from + i]!];
    shared += a * b;
    all += squared ? a * a + b * b : a + b;
  }
  const [top, bottom] = [2 * shared + smooth, all + smooth];
  for (let i = 0; i < p.length; i++) {
    const rise = squared ? 2 * p[i]! : 1;
    slope[i] = bottom === 0 ? 0 : -(2 * t[from + i]! * bottom - top * rise) / (bottom * bottom);
  }
  return bottom === 0 ? 0 : 1 - top / bottom;
}

/** One value a mask. */
export function dice(input: Dice, { rows, gradient }: LossOutput): void {
  const { logits, M, N, targets, weights, smooth, squared, scale } = input;
  const p = new Float64Array(N);
  const slope = new Float64Array(N);
  for (let m = 0; m < M; m++) {
    const weight = weights ? weights[m]! : 1;
    rows[m] = 0;
    gradient.fill(0, m * N, (m + 1) * N);
    if (weight === 0) continue;
    for (let i = 0; i < N; i++) p[i] = sigmoid(logits[m * N + i]!);
    rows[m] = weight * diceOf(p, targets, m * N, smooth, squared, slope);
    for (let i = 0; i < N; i++) gradient[m * N + i] = scale * weight * slope[i]! * p[i]! * sigmoid(-logits[m * N + i]!);
  }
}

/** Dice of the mask's maxima over columns and over rows against the box; the gradient goes to the first largest pixel of each. */
export function projection(input: Projection, { rows, gradient }: LossOutput): void {
  const { logits, M, H, W, targetsX, targetsY, weights, smooth, squared, scale } = input;
  const [px, py] = [new Float64Array(W), new Float64Array(H)];
  const [slopeX, slopeY] = [new Float64Array(W), new Float64Array(H)];
  const [atX, atY] = [new Int32Array(W), new Int32Array(H)];
  for (let m = 0; m < M; m++) {
    const base = m * H * W;
    const weight = weights ? weights[m]! : 1;
    rows[m] = 0;
    gradient.fill(0, base, base + H * W);
    if (weight === 0) continue;
    // Sigmoid rises, so the maximum of logits is that of probabilities.
    for (let x = 0; x < W; x++) {
      let best = base + x;
      for (let y = 1; y < H; y++) if (logits[base + y * W + x]! > logits[best]!) best = base + y * W + x;
      atX[x] = best;
      px[x] = sigmoid(logits[best]!);
    }
    for (let y = 0; y < H; y++) {
      let best = base + y * W;
      for (let x = 1; x < W; x++) if (logits[base + y * W + x]! > logits[best]!) best = base + y * W + x;
      atY[y] = best;
      py[y] = sigmoid(logits[best]!);
    }
    const value = diceOf(px, targetsX, m * W, smooth, squared, slopeX) + diceOf(py, targetsY, m * H, smooth, squared, slopeY);
    rows[m] = weight * value;
    const add = (at: number, slope: number, p: number) => {
      gradient[at] = gradient[at]! + scale * weight * slope * p * sigmoid(-logits[at]!);
    };
    for (let x = 0; x < W; x++) add(atX[x]!, slopeX[x]!, px[x]!);
    for (let y = 0; y < H; y++) add(atY[y]!, slopeY[y]!, py[y]!);
  }
}
