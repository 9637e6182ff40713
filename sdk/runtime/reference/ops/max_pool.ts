// max_pool: maximum over the part of each window that lies inside the image.
import { need, type ReferenceOperator } from '../operand.js';

/** x [N,H,W,C] -> [N,OH,OW,C]. NaN in a window gives NaN. */
export const max_pool: ReferenceOperator<'max_pool'> = (inputs, outputs, { kernel, strides, padding }) => {
  const { data: x, shape: xs } = need(inputs, 0);
  const { data: y, shape: ys } = need(outputs, 0);
  const [N, H, W, C] = xs as [number, number, number, number];
  const [, OH, OW] = ys as [number, number, number, number];
  for (let n = 0; n < N; n++) {
    for (let oy = 0; oy < OH; oy++) {
      for (let ox = 0; ox < OW; ox++) {
        const y0 = oy * strides[0] - padding[0];
        const x0 = ox * strides[1] - padding[1];
        for (let c = 0; c < C; c++) {
          let best = -Infinity;
          for (let iy = Math.max(0, y0); iy < Math.min(H, y0 + kernel[0]); iy++) {
            for (let ix = Math.max(0, x0); ix < Math.min(W, x0 + kernel[1]); ix++) {
              best = Math.max(best, x[((n * H + iy) * W + ix) * C + c]!);
            }
          }
          y[((n * OH + oy) * OW + ox) * C + c] = best;
        }
      }
    }
  }
};
