// resize: nearest or bilinear, in the three coordinate conventions of TensorFlow and ONNX; never antialiased.
import type { Attributes } from '../../../ir/operators.js';
import { need, type ReferenceOperator } from '../operand.js';
import { activationFunction } from './activation.js';

/** x [N,H,W,C] -> [N,height,width,C], then `activation`. */
export const resize: ReferenceOperator<'resize'> = (inputs, outputs, attributes) => {
  const { data: x, shape: xs } = need(inputs, 0);
  const { data: y } = need(outputs, 0);
  const [N, H, W, C] = xs as [number, number, number, number];
  const { height: OH, width: OW, activation = { kind: 'none' } } = attributes;
  const f = activationFunction(activation);
  const rows = taps(H, OH, attributes);
  const columns = taps(W, OW, attributes);
  for (let n = 0; n < N; n++) {
    for (let oy = 0; oy < OH; oy++) {
      const v = rows[oy]!;
      for (let ox = 0; ox < OW; ox++) {
        const h = columns[ox]!;
        const at = (iy: number, ix: number, c: number): number => x[((n * H + iy) * W + ix) * C + c]!;
        for (let c = 0; c < C; c++) {
          const top = at(v.first, h.first, c) * (1 - h.weight) + at(v.first, h.second, c) * h.weight;
          const bottom = at(v.second, h.first, c) * (1 - h.weight) + at(v.second, h.second, c) * h.weight;
          y[((n * OH + oy) * OW + ox) * C + c] = f(top * (1 - v.weight) + bottom * v.weight);
        }
      }
    }
  }
};

/** Source coordinate of an output index. */
export function sourceCoordinate(i: number, size: number, out: number, coordinates: Attributes['resize']['coordinates']): number {
  if (coordinates === 'align_corners') return out > 1 ? (i * (size - 1)) / (out - 1) : 0;
  return coordinates === 'half_pixel' ? ((i + 0.5) * size) / out - 0.5 : (i * size) / out;
}

/** For each output index the two source indices it reads and the weight of the second. */
function taps(
  size: number,
  out: number,
  { mode, coordinates, nearest }: Attributes['resize'],
): { first: number; second: number; weight: number }[] {
  const clamp = (i: number): number => Math.min(Math.max(i, 0), size - 1);
  return Array.from({ length: out }, (_, i) => {
    const at = sourceCoordinate(i, size, out, coordinates);
    if (mode === 'bilinear') {
      const floor = Math.floor(at);
      return { first: clamp(floor), second: clamp(floor + 1), weight: at - floor };
    }
    const rounded = {
      floor: Math.floor(at),
      ceil: Math.ceil(at),
      round_prefer_floor: Math.ceil(at - 0.5),
      round_prefer_ceil: Math.floor(at + 0.5),
    }[nearest];
    return { first: clamp(rounded), second: clamp(rounded), weight: 0 };
  });
}
