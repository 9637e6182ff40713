// unary: element-wise arithmetic of one operand, without parameters.
import { erf } from './activation.js';
import { need, type ReferenceOperator } from '../operand.js';

const functions = {
  neg: (x: number) => -x,
  abs: Math.abs,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  rsqrt: (x: number) => 1 / Math.sqrt(x),
  square: (x: number) => x * x,
  reciprocal: (x: number) => 1 / x,
  floor: Math.floor,
  ceil: Math.ceil,
  round: roundHalfEven,
  sign: Math.sign,
  erf,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
};

/** x -> same shape. */
export const unary: ReferenceOperator<'unary'> = (inputs, outputs, { kind }) => {
  const x = need(inputs, 0).data;
  const y = need(outputs, 0).data;
  const f = functions[kind];
  for (let i = 0; i < x.length; i++) y[i] = f(x[i]!);
};

/** Nearest integer, ties to even, as IEEE 754 roundToIntegralTiesToEven. */
function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return rest > 0.5 ? floor + 1 : floor;
  return floor % 2 === 0 ? floor : floor + 1;
}
