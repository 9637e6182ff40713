// Quantised numbers: turned into float32, computed, and rounded back where the model says so. Constant weights are dequantised at import.
import type { Tensor } from '../algebra.js';
import { elementTypeName, ElementType as T } from '../model.js';
import type { Converter, NodeContext } from '../node.js';
import { toFloat, toInt } from './elementwise.js';
import { product } from './statistics.js';
import { convolveAs } from './windows.js';

const ranges: Readonly<Record<number, readonly [low: number, high: number]>> = {
  [T.uint8]: [0, 255], [T.int8]: [-128, 127], [T.uint16]: [0, 65535], [T.int16]: [-32768, 32767], [T.uint4]: [0, 15], [T.int4]: [-8, 7],
}; // prettier-ignore

/** A scale or zero point as it meets x: one number, or one for each element of an axis. */
function along(c: NodeContext, list: Tensor, x: Tensor, axis: number): Tensor {
  if (list.shape.length === 0 || (list.shape.length === 1 && list.shape[0] === 1)) return c.g.reshape(list, []);
  if (list.shape.length > 1 || c.int('block_size', 0) !== 0)
    c.unsupported('scales a block', 'one scale, or one for each element of an axis');
  const at = c.axis(axis, x.shape.length);
  if (list.shape[0] !== x.shape[at]) c.fail(`${list.shape[0]} scales`, `${x.shape[at]}`);
  return c.g.reshape(list, x.shape.map((_, i) => (i === at ? list.shape[0]! : 1))); // prettier-ignore
}

function dequantize(c: NodeContext, x: Tensor, scale: Tensor, zero: Tensor | undefined, axis: number): Tensor {
  const { g } = c;
  const centred = zero ? g.binary('sub', x, along(c, { ...zero, type: x.type }, x, axis)) : x;
  return g.binary('mul', toFloat(c, centred), along(c, scale, x, axis));
}

/** Rounded to the nearest integer, ties to even, moved by the zero point and saturated. */
function quantize(c: NodeContext, x: Tensor, scale: Tensor, zero: Tensor | undefined, type: number, axis: number): Tensor {
  const { g } = c;
  const [low, high] = ranges[type] ?? c.unsupported(`quantised ${elementTypeName(type)}`, 'integers of 4, 8 or 16 bits');
  const rounded = g.unary('round', g.binary('div', x, along(c, scale, x, axis)));
  const moved = zero ? g.binary('add', rounded, toFloat(c, along(c, zero, x, axis))) : rounded;
  return toInt(c, g.activation(moved, { kind: 'clip', alpha: low, beta: high }), type);
}

const minus = (c: NodeContext, x: Tensor, zero: Tensor | undefined, axis: number): Tensor =>
  toFloat(c, zero ? c.g.binary('sub', x, along(c, { ...zero, type: x.type }, x, axis)) : x);

export const quantized: Readonly<Record<string, Converter>> = {
  DequantizeLinear: (c) => dequantize(c, c.input(0), toFloat(c, c.input(1)), c.inputs[2], c.int('axis', 1)),
  QuantizeLinear(c) {
    const type = c.inputs[2]?.type ?? (c.int('output_dtype', 0) || T.uint8);
    const x = toFloat(c, c.input(0));
    return quantize(c, x, toFloat(c, c.input(1)), c.inputs[2], type, c.int('axis', 1));
  },
  DynamicQuantizeLinear(c) {
    const { g } = c;
    const x = c.input(0);
    const axes = x.shape.map((_, i) => i);
    const high = g.number('maximum', g.reduce('max', x, axes, false), 0);
    const low = g.number('minimum', g.reduce('min', x, axes, false), 0);
    const scale = g.number('div', g.binary('sub', high, low), 255);
    const zero = g.unary(
      'round',
      g.activation(g.binary('div', g.unary('neg', low), scale), { kind: 'clip', alpha: 0, beta: 255 }),
    );
    const whole = toInt(c, zero, T.uint8);
    return [quantize(c, x, scale, whole, T.uint8, 0), scale, whole];
  },
  ConvInteger(c) {
    const y = convolveAs(c, minus(c, c.input(0), c.inputs[2], 1), minus(c, c.input(1), c.inputs[3], 0), undefined);
    return toInt(c, c.g.unary('round', y), T.int32);
  },
  MatMulInteger(c) {
    const y = product(c, minus(c, c.input(0), c.inputs[2], -2), minus(c, c.input(1), c.inputs[3], -1));
    return toInt(c, c.g.unary('round', y), T.int32);
  },
  QLinearConv(c) {
    const { g } = c;
    const [scaleX, scaleW] = [c.input(1), c.input(4)];
    const x = dequantize(c, c.input(0), scaleX, c.input(2), 1);
    const w = dequantize(c, c.input(3), scaleW, c.input(5), 0);
    const bias = c.inputs[8] && g.binary('mul', toFloat(c, c.inputs[8]), g.binary('mul', scaleX, scaleW));
    return quantize(c, convolveAs(c, x, w, bias && g.reshape(bias, [w.shape[0]!])), c.input(6), c.input(7), c.input(7).type, 1);
  },
  QLinearMatMul(c) {
    const a = dequantize(c, c.input(0), c.input(1), c.input(2), -2);
    const b = dequantize(c, c.input(3), c.input(4), c.input(5), -1);
    return quantize(c, product(c, a, b), c.input(6), c.input(7), c.input(7).type, -1);
  },
};
