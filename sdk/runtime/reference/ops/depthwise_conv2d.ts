// depthwise_conv2d: one filter a channel, summed in double precision.
import { need, type ReferenceOperator } from '../operand.js';
import { activationFunction } from './activation.js';

/** x [N,H,W,C], weight [KH,KW,C], bias? [C], scale? [N,C] -> [N,OH,OW,C]. */
export const depthwise_conv2d: ReferenceOperator<'depthwise_conv2d'> = (inputs, outputs, attributes) => {
  const { data: x, shape: xs } = need(inputs, 0);
  const { data: weight, shape: ws } = need(inputs, 1);
  const bias = inputs[2]?.data;
  const scale = inputs[3]?.data;
  const { data: y, shape: ys } = need(outputs, 0);
  const [N, H, W, C] = xs as [number, number, number, number];
  const [KH, KW] = ws as [number, number, number];
  const [, OH, OW] = ys as [number, number, number, number];
  const [strideY, strideX] = attributes.strides;
  const [dilationY, dilationX] = attributes.dilations;
  const [top, left] = attributes.padding;
  const f = activationFunction(attributes.activation);
  const sum = new Float64Array(C);

  for (let n = 0; n < N; n++) {
    for (let oy = 0; oy < OH; oy++) {
      for (let ox = 0; ox < OW; ox++) {
        sum.fill(0);
        for (let ky = 0; ky < KH; ky++) {
          const iy = oy * strideY - top + ky * dilationY;
          if (iy < 0 || iy >= H) continue;
          for (let kx = 0; kx < KW; kx++) {
            const ix = ox * strideX - left + kx * dilationX;
            if (ix < 0 || ix >= W) continue;
            const pixel = ((n * H + iy) * W + ix) * C;
            const tap = (ky * KW + kx) * C;
            for (let c = 0; c < C; c++) sum[c]! += x[pixel + c]! * weight[tap + c]!;
          }
        }
        const out = ((n * OH + oy) * OW + ox) * C;
        for (let c = 0; c < C; c++) {
          // The gate is constant over the window, so it may be applied to the sum.
          const gated = scale ? sum[c]! * scale[n * C + c]! : sum[c]!;
          y[out + c] = f(gated + (bias ? bias[c]! : 0));
        }
      }
    }
  }
};
