// binary: element-wise arithmetic of two operands with NumPy broadcasting.
import { need, type ReferenceOperator } from '../operand.js';
import { broadcastStrides, walk2 } from '../walk.js';
import { activationFunction } from './activation.js';

const functions = {
  add: (a: number, b: number) => a + b,
  sub: (a: number, b: number) => a - b,
  mul: (a: number, b: number) => a * b,
  div: (a: number, b: number) => a / b,
  maximum: Math.max,
  minimum: Math.min,
  pow: Math.pow,
  floor_div: (a: number, b: number) => Math.floor(a / b),
  floor_mod: floorMod,
  squared_difference: (a: number, b: number) => (a - b) * (a - b),
  prelu: (a: number, b: number) => (a < 0 ? a * b : a),
};

/** What a double cannot hold exactly before it wraps at 32 bits. */
const wrapping: Partial<Record<keyof typeof functions, (a: number, b: number) => number>> = {
  mul: Math.imul,
  squared_difference: (a, b) => Math.imul(a - b, a - b),
  pow(a, b) {
    if (b < 0) return a ** b;
    let result = 1;
    for (let n = b; n > 0; n >>= 1, a = Math.imul(a, a)) if (n & 1) result = Math.imul(result, a);
    return result;
  },
};

/** a, b -> broadcast shape; then `activation`. Int32 results wrap at 32 bits; division by zero gives 0 there. */
export const binary: ReferenceOperator<'binary'> = (inputs, outputs, { kind, activation }) => {
  const a = need(inputs, 0);
  const b = need(inputs, 1);
  const y = need(outputs, 0);
  const f = (y.dtype === 'int32' && wrapping[kind]) || functions[kind];
  const g = activationFunction(activation);
  walk2(y.shape, broadcastStrides(a.shape, y.shape), broadcastStrides(b.shape, y.shape), (i, ia, ib) => {
    y.data[i] = g(f(a.data[ia]!, b.data[ib]!));
  });
};

/** Remainder with the sign of the divisor. */
function floorMod(a: number, b: number): number {
  const rest = a % b;
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
}
