// peak_top_k: local maxima of each channel of a map, the strongest first (CenterNet, "Objects as Points", section 4: peaks of the heatmap).
import { need, type ReferenceOperator } from '../operand.js';

/** map [1,H,W,U], threshold [1] -> value [k], index int32 [k], count int32 [1]; zeros from `count` on. */
export const peak_top_k: ReferenceOperator<'peak_top_k'> = (inputs, outputs, { window, k }) => {
  const { data: map, shape } = need(inputs, 0);
  const threshold = need(inputs, 1).data[0]!;
  const [, H, W, U] = shape as [number, number, number, number];
  const radius = (window - 1) / 2;
  const peaks: number[] = [];
  for (let y = 0; y < H; y++) {
    for (let x = 0; x < W; x++) {
      for (let u = 0; u < U; u++) {
        const value = map[(y * W + x) * U + u]!;
        // Also false for NaN.
        if (!(value >= threshold)) continue;
        let peak = true;
        for (let ny = Math.max(0, y - radius); ny <= Math.min(H - 1, y + radius); ny++) {
          for (let nx = Math.max(0, x - radius); nx <= Math.min(W - 1, x + radius); nx++) {
            if (!(value >= map[(ny * W + nx) * U + u]!)) peak = false;
          }
        }
        if (peak) peaks.push((y * W + x) * U + u);
      }
    }
  }
  peaks.sort((p, q) => map[q]! - map[p]! || p - q);
  const [value, index, count] = [need(outputs, 0).data.fill(0), need(outputs, 1).data.fill(0), need(outputs, 2).data];
  count[0] = Math.min(k, peaks.length);
  for (let i = 0; i < count[0]!; i++) {
    index[i] = peaks[i]!;
    value[i] = map[peaks[i]!]!;
  }
};
