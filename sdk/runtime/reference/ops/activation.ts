// activation: element-wise functions, also those fused behind other operators; computed in double precision.
import type { Activation } from '../../../ir/operators.js';
import { need, type ReferenceOperator } from '../operand.js';

export const activation: ReferenceOperator<'activation'> = (inputs, outputs, attributes) => {
  const x = need(inputs, 0).data;
  const y = need(outputs, 0).data;
  const f = activationFunction(attributes.activation);
  for (let i = 0; i < x.length; i++) y[i] = f(x[i]!);
};

/** The function of one number that an {@link Activation} names; the formulas stand at ActivationKind. */
export function activationFunction({ kind, alpha = 0, beta = 0 }: Activation): (x: number) => number {
  switch (kind) {
    case 'none':
      return (x) => x;
    case 'relu':
      return (x) => Math.max(x, 0);
    case 'relu6':
      return (x) => Math.min(Math.max(x, 0), 6);
    case 'leaky_relu':
      return (x) => (x < 0 ? alpha * x : x);
    case 'elu':
      return (x) => (x < 0 ? alpha * Math.expm1(x) : x);
    case 'sigmoid':
      return sigmoid;
    case 'tanh':
      return Math.tanh;
    case 'silu':
      return (x) => x * sigmoid(x);
    case 'mish':
      return (x) => x * Math.tanh(softplus(x));
    case 'gelu':
      return (x) => (x * (1 + erf(x / Math.SQRT2))) / 2;
    case 'softplus':
      return softplus;
    case 'clip':
      return (x) => Math.min(Math.max(x, alpha), beta);
    case 'hard_sigmoid':
      return (x) => alpha * Math.min(Math.max(x + 3, 0), 6);
    case 'hard_swish':
      return (x) => alpha * x * Math.min(Math.max(x + 3, 0), 6);
  }
}

/** 1 / (1 + e^-x). */
export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** ln(1 + e^x) without overflow: max(x, 0) + ln(1 + e^-|x|). */
function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** Error function by its all-positive series, erf x = 2/sqrt(pi) e^(-x^2) sum 2^n x^(2n+1) / (2n+1)!! (Abramowitz and Stegun, 7.1.6). */
export function erf(x: number): number {
  if (Number.isNaN(x)) return x;
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-17 && n < 400; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
