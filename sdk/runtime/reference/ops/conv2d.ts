// conv2d: grouped, dilated convolution as plain loops, each output summed in double precision; no tiling, no packing.
import { need, type ReferenceOperator } from '../operand.js';
import { activationFunction } from './activation.js';

/** x [N,H,W,C], weight [KH,KW,C/groups,O], bias? [O], residual? [N,OH,OW,O], scale? [N,C] -> [N,OH,OW,O]. */
export const conv2d: ReferenceOperator<'conv2d'> = (inputs, outputs, attributes) => {
  const { data: x, shape: xs } = need(inputs, 0);
  const { data: weight, shape: ws } = need(inputs, 1);
  const bias = inputs[2]?.data;
  const residual = inputs[3]?.data;
  const scale = inputs[4]?.data;
  const { data: y, shape: ys } = need(outputs, 0);
  const [N, H, W, C] = xs as [number, number, number, number];
  const [KH, KW, CG, O] = ws as [number, number, number, number];
  const [, OH, OW] = ys as [number, number, number, number];
  const [strideY, strideX] = attributes.strides;
  const [dilationY, dilationX] = attributes.dilations;
  const [top, left] = attributes.padding;
  const OG = O / attributes.groups;
  const f = activationFunction(attributes.activation);
  const before = attributes.residual === 'before_activation';
  // All filters of one pixel are summed side by side: the weights of one tap and channel are contiguous in O.
  const sum = new Float64Array(O);

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
            for (let c = 0; c < C; c++) {
              const group = Math.floor(c / CG);
              const value = scale ? x[pixel + c]! * scale[n * C + c]! : x[pixel + c]!;
              const row = ((ky * KW + kx) * CG + (c - group * CG)) * O;
              const end = (group + 1) * OG;
              for (let o = group * OG; o < end; o++) sum[o]! += value * weight[row + o]!;
            }
          }
        }
        const out = ((n * OH + oy) * OW + ox) * O;
        for (let o = 0; o < O; o++) {
          let value = sum[o]! + (bias ? bias[o]! : 0);
          if (residual && before) value += residual[out + o]!;
          value = f(value);
          if (residual && !before) value += residual[out + o]!;
          y[out + o] = value;
        }
      }
    }
  }
};
