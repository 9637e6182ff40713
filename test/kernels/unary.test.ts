// unary: every kind against PyTorch; int32 where it is allowed.
import { APPROXIMATED, golden, ROUNDED, testOperator, type Case } from './harness.js';

const integers: Case<'unary'>[] = [
  {
    name: 'neg of int32',
    attributes: { kind: 'neg' },
    inputs: [{ shape: [3], dtype: 'int32', data: [1, 0, -7] }],
    outputs: [{ data: [-1, 0, 7] }],
  },
  {
    name: 'abs of int32',
    attributes: { kind: 'abs' },
    inputs: [{ shape: [3], dtype: 'int32', data: [1, 0, -7] }],
    outputs: [{ data: [1, 0, 7] }],
  },
  {
    name: 'square of int32 wraps at 32 bits',
    attributes: { kind: 'square' },
    inputs: [{ shape: [3], dtype: 'int32', data: [-5, 65537, 0] }],
    outputs: [{ data: [25, 131073, 0] }],
  },
];

/** Values of NumPy 1.24, scipy.special.erf in double precision, rounded to nine digits. */
const more: readonly [Case<'unary'>['attributes']['kind'], number[], number[]][] = [
  ['sign', [-3, 0, 2, Infinity], [-1, 0, 1, 1]],
  ['erf', [-4, -0.5, 0, 0.3, 1.2], [-0.999999985, -0.520499878, 0, 0.328626759, 0.910313978]],
  ['sin', [-2, 0, 0.5, 3, 100], [-0.909297427, 0, 0.479425539, 0.141120008, -0.506365641]],
  ['cos', [-2, 0, 0.5, 3, 100], [-0.416146837, 1, 0.877582562, -0.989992497, 0.862318872]],
  ['tan', [-1, 0, 0.5, 1], [-1.55740772, 0, 0.54630249, 1.55740772]],
  ['asin', [-1, -0.5, 0, 0.75], [-1.57079633, -0.523598776, 0, 0.848062079]],
  ['acos', [-1, -0.5, 0, 0.75], [Math.PI, 2.0943951, 1.57079633, 0.722734248]],
  ['atan', [-20, -0.5, 0, 1], [-1.52083793, -0.463647609, 0, 0.785398163]],
  ['sinh', [-2, 0, 0.5, 3], [-3.62686041, 0, 0.521095305, 10.0178749]],
  ['cosh', [-2, 0, 0.5, 3], [3.76219569, 1, 1.12762597, 10.067662]],
  ['asinh', [-2, 0, 0.5, 3], [-1.44363548, 0, 0.481211825, 1.81844646]],
  ['acosh', [1, 1.5, 2, 10], [0, 0.96242365, 1.3169579, 2.99322285]],
  ['atanh', [-0.5, 0, 0.25, 0.75], [-0.549306144, 0, 0.255412812, 0.972955075]],
];
const transcendental: Case<'unary'>[] = more.map(([kind, data, wanted]) => ({
  name: kind,
  attributes: { kind },
  inputs: [{ shape: [data.length], data }],
  outputs: [{ data: wanted }],
}));
const sign: Case<'unary'> = {
  name: 'sign of int32',
  attributes: { kind: 'sign' },
  inputs: [{ shape: [5], dtype: 'int32', data: [-7, 0, 3, -(2 ** 31), 2 ** 31 - 1] }],
  outputs: [{ data: [-1, 0, 1, -1, 1] }],
};

testOperator('unary', [...golden('unary'), ...integers, ...transcendental, sign], { reference: ROUNDED, others: APPROXIMATED });
