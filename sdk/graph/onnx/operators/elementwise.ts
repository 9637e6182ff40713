// Element by element: arithmetic with broadcasting, logic, comparisons, functions, activations, casts.
import type { Activation, Attributes } from '../../../ir/operators.js';
import { noActivation, type Tensor } from '../algebra.js';
import { elementTypeName, ElementType as T } from '../model.js';
import type { Converter, NodeContext } from '../node.js';
import { graphType } from '../tensor.js';

/** Integers narrower than 32 bits wrap around: modulus and lowest value by element type. */
const narrow: Readonly<Record<number, readonly [modulus: number, lowest: number]>> = {
  [T.uint8]: [2 ** 8, 0], [T.int8]: [2 ** 8, -(2 ** 7)], [T.uint16]: [2 ** 16, 0], [T.int16]: [2 ** 16, -(2 ** 15)],
  [T.uint4]: [2 ** 4, 0], [T.int4]: [2 ** 4, -(2 ** 3)],
}; // prettier-ignore

function wrapped(c: NodeContext, x: Tensor): Tensor {
  const [modulus, lowest] = narrow[x.type] ?? [0, 0];
  if (modulus === 0) return x;
  const { g } = c;
  if (lowest === 0) return g.number('floor_mod', x, modulus);
  return g.number('add', g.number('floor_mod', g.number('sub', x, lowest), modulus), lowest);
}

/** Before version 7 broadcasting was asked for by attributes: the second operand's axes begin at `axis` of the first. */
function second(c: NodeContext): Tensor {
  const [a, b] = [c.input(0), c.input(1)];
  if (c.opset >= 7 || !c.given('axis')) return b;
  const axis = c.axis(c.int('axis', 0), a.shape.length);
  return c.g.reshape(b, [...b.shape, ...new Array<number>(Math.max(0, a.shape.length - axis - b.shape.length)).fill(1)]);
}

const arithmetic =
  (kind: Attributes['binary']['kind']): Converter =>
  (c) =>
    wrapped(c, c.g.binary(kind, numeric(c, c.input(0)), numeric(c, second(c))));

/** Arithmetic on truth values does not exist. */
function numeric(c: NodeContext, x: Tensor): Tensor {
  return c.g.dtype(x) === 'bool' ? c.fail('truth values', 'numbers') : x;
}

const compare =
  (kind: Attributes['compare']['kind']): Converter =>
  (c) =>
    c.g.compare(kind, c.input(0), second(c));

/** Functions of float32; integers go through it. */
const unary =
  (kind: Attributes['unary']['kind']): Converter =>
  (c) => {
    const x = c.input(0);
    const whole = c.g.dtype(x) === 'int32';
    if (whole && ['floor', 'ceil', 'round'].includes(kind)) return x;
    return whole && !['neg', 'abs', 'sign', 'square'].includes(kind)
      ? toInt(c, c.g.unary(kind, toFloat(c, x)), x.type)
      : c.g.unary(kind, x);
  };

export function toFloat(c: NodeContext, x: Tensor): Tensor {
  return c.g.cast(x, 'float32', T.float);
}

export function toInt(c: NodeContext, x: Tensor, type: number): Tensor {
  return c.g.cast(x, 'int32', type);
}

const activation =
  (make: (c: NodeContext) => Activation): Converter =>
  (c) => {
    const x = c.input(0);
    const made = make(c);
    if (c.g.dtype(x) === 'float32') return c.g.activation(x, made);
    return made.kind === 'relu' ? c.g.number('maximum', x, 0) : c.fail(elementTypeName(x.type), 'floating-point numbers');
  };

/** Left to right over any number of operands. */
const variadic =
  (kind: Attributes['binary']['kind']): Converter =>
  (c) => {
    if (c.inputs.length === 0) c.fail('no operands', 'at least one');
    return c.inputs.map((_, i) => c.input(i)).reduce((sum, x) => c.g.binary(kind, sum, x));
  };

/** Truth values are 0 and 1, so that comparisons do logic: not a is a = 0, a and b is a > not b, a or b is a >= not b. */
const not = (c: NodeContext, x: Tensor): Tensor => {
  const zero = c.g.cast(c.g.constant(Int32Array.of(0), [], T.int32), 'bool', T.bool);
  return c.g.compare('equal', x, zero);
};

const hardSigmoid: Converter = (c) => {
  const [alpha, beta] = [c.float('alpha', Math.fround(0.2)), c.float('beta', 0.5)];
  // alpha * min(max(x + 3, 0), 6), where that is the same.
  const sixth = Math.fround(1 / 6);
  if (alpha === sixth && beta === 0.5) return c.g.activation(c.input(0), { kind: 'hard_sigmoid', alpha });
  return c.g.activation(c.g.number('add', c.g.number('mul', c.input(0), alpha), beta), { kind: 'clip', alpha: 0, beta: 1 });
};

const clip: Converter = (c) => {
  const x = c.input(0);
  const bound = (index: number, name: string): number | undefined => {
    if (c.opset < 11) return c.given(name) ? c.float(name, 0) : undefined;
    if (!c.has(index)) return undefined;
    const values = c.g.numbers(c.input(index));
    return values ? c.number(index, name) : Number.NaN;
  };
  const [low, high] = [bound(1, 'min'), bound(2, 'max')];
  // Bounds that are computed, integers, and bounds that cross (then the upper one wins) are minimum and maximum.
  const simple =
    c.g.dtype(x) === 'float32' && !Number.isNaN(low) && !Number.isNaN(high) && (low ?? -Infinity) <= (high ?? Infinity);
  if (simple) {
    if (low === undefined && high === undefined) return x;
    if (low === 0 && high === 6) return c.g.activation(x, { kind: 'relu6' });
    if (low === 0 && (high === undefined || high >= 3.4e38)) return c.g.activation(x, { kind: 'relu' });
    const limit = 3.4028234663852886e38;
    if (high !== undefined && low !== undefined)
      return c.g.activation(x, { kind: 'clip', alpha: Math.max(low, -limit), beta: Math.min(high, limit) });
  }
  const bounded = (y: Tensor, index: number, value: number | undefined, kind: 'maximum' | 'minimum'): Tensor => {
    if (value === undefined) return y;
    return Number.isNaN(value) ? c.g.binary(kind, y, c.input(index)) : c.g.number(kind, y, value);
  };
  return bounded(bounded(x, 1, low, 'maximum'), 2, high, 'minimum');
};

/** x * (1 + erf(x / sqrt 2)) / 2, or its approximation by tanh (Gelu of operator set 20). */
const gelu: Converter = (c) => {
  const { g } = c;
  const x = c.input(0);
  if (c.text('approximate', 'none') !== 'tanh') return g.activation(x, { kind: 'gelu' });
  const cube = g.binary('mul', g.unary('square', x), x);
  const inner = g.number('mul', g.binary('add', x, g.number('mul', cube, 0.044715)), Math.sqrt(2 / Math.PI));
  return g.binary('mul', g.number('mul', x, 0.5), g.number('add', g.activation(inner, { kind: 'tanh' }), 1));
};

const pow: Converter = (c) => {
  const [x, y] = [c.input(0), second(c)];
  if (c.g.dtype(x) === c.g.dtype(y)) {
    const exponent = c.g.dtype(x) === 'float32' && c.g.isConstant(y) && y.shape.length === 0 ? c.g.numbers(y)![0] : undefined;
    if (exponent === 2) return c.g.unary('square', x);
    if (exponent === 0.5) return c.g.unary('sqrt', x);
    return c.g.binary('pow', x, y);
  }
  // The result has the type of the base.
  const result = c.g.binary('pow', toFloat(c, x), toFloat(c, y));
  return c.g.dtype(x) === 'int32' ? toInt(c, result, x.type) : { ...result, type: x.type };
};

const mod: Converter = (c) => {
  const { g } = c;
  const [a, b] = [c.input(0), c.input(1)];
  if (!c.flag('fmod')) return g.binary('floor_mod', a, b);
  // The sign of the dividend: sign(a) * (|a| mod |b|).
  return g.binary('mul', g.unary('sign', a), g.binary('floor_mod', g.unary('abs', a), g.unary('abs', b)));
};

const cast = (c: NodeContext, type: number): Tensor => {
  const x = c.input(0);
  const dtype = graphType(type);
  if (!dtype) c.unsupported(`a cast to ${elementTypeName(type)}`, 'numbers: float, float16, bfloat16, double, integers or bool');
  const y = c.g.cast(x, dtype, type);
  return x.type === T.bool || x.type === type ? y : wrapped(c, y);
};

const isInf: Converter = (c) => {
  const { g } = c;
  const x = c.input(0);
  const [negative, positive] = [c.flag('detect_negative', true), c.flag('detect_positive', true)];
  const infinity = g.scalar(Infinity, x);
  if (negative && positive) return g.compare('equal', g.unary('abs', x), infinity);
  if (positive) return g.compare('equal', x, infinity);
  return g.compare('equal', x, negative ? g.scalar(-Infinity, x) : g.scalar(Number.NaN, x));
};

export const elementwise: Readonly<Record<string, Converter>> = {
  Add: arithmetic('add'),
  Sub: arithmetic('sub'),
  Mul: arithmetic('mul'),
  Div: arithmetic('div'),
  Pow: pow,
  Mod: mod,
  Max: variadic('maximum'),
  Min: variadic('minimum'),
  Sum: variadic('add'),
  Mean(c) {
    const sum = variadic('add')(c) as Tensor;
    return c.inputs.length === 1 ? sum : c.g.number('div', sum, c.inputs.length);
  },
  Equal: compare('equal'),
  Less: compare('less'),
  LessOrEqual: compare('less_equal'),
  Greater: compare('greater'),
  GreaterOrEqual: compare('greater_equal'),
  Not: (c) => not(c, c.input(0)),
  And: (c) => c.g.compare('greater', c.input(0), not(c, second(c))),
  Or: (c) => c.g.compare('greater_equal', c.input(0), not(c, second(c))),
  Xor: compare('not_equal'),
  Where(c) {
    const [condition, a, b] = [c.input(0), c.input(1), c.input(2)];
    if (c.g.dtype(a) !== 'bool') return c.g.where(condition, a, b);
    return c.g.cast(c.g.where(condition, toInt(c, a, T.int32), toInt(c, b, T.int32)), 'bool', T.bool);
  },

  Neg: unary('neg'),
  Abs: unary('abs'),
  Exp: unary('exp'),
  Log: unary('log'),
  Sqrt: unary('sqrt'),
  Reciprocal: unary('reciprocal'),
  Floor: unary('floor'),
  Ceil: unary('ceil'),
  Round: unary('round'),
  Sign: unary('sign'),
  Erf: unary('erf'),
  Sin: unary('sin'),
  Cos: unary('cos'),
  Tan: unary('tan'),
  Asin: unary('asin'),
  Acos: unary('acos'),
  Atan: unary('atan'),
  Sinh: unary('sinh'),
  Cosh: unary('cosh'),
  Asinh: unary('asinh'),
  Acosh: unary('acosh'),
  Atanh: unary('atanh'),
  IsNaN: (c) => c.g.compare('not_equal', c.input(0), c.input(0)),
  IsInf: isInf,

  Relu: activation(() => ({ kind: 'relu' })),
  LeakyRelu: activation((c) => ({ kind: 'leaky_relu', alpha: c.float('alpha', Math.fround(0.01)) })),
  Elu: activation((c) => ({ kind: 'elu', alpha: c.float('alpha', 1) })),
  Sigmoid: activation(() => ({ kind: 'sigmoid' })),
  Tanh: activation(() => ({ kind: 'tanh' })),
  Softplus: activation(() => ({ kind: 'softplus' })),
  Mish: activation(() => ({ kind: 'mish' })),
  HardSwish: activation(() => ({ kind: 'hard_swish', alpha: 1 / 6 })),
  HardSigmoid: hardSigmoid,
  Gelu: gelu,
  Clip: clip,
  Selu(c) {
    const [alpha, gamma] = [c.float('alpha', 1.6732632), c.float('gamma', 1.050701)];
    return c.g.number('mul', c.g.activation(c.input(0), { kind: 'elu', alpha }), gamma);
  },
  Celu(c) {
    // max(0, x) + min(0, alpha * (e^(x/alpha) - 1)) = alpha * elu(x / alpha)
    const alpha = c.float('alpha', 1);
    if (alpha === 1) return c.g.activation(c.input(0), { kind: 'elu', alpha: 1 });
    return c.g.number('mul', c.g.activation(c.g.number('div', c.input(0), alpha), { kind: 'elu', alpha: 1 }), alpha);
  },
  Softsign: (c) => c.g.binary('div', c.input(0), c.g.number('add', c.g.unary('abs', c.input(0)), 1)),
  ThresholdedRelu(c) {
    const x = c.input(0);
    return c.g.where(c.g.compare('greater', x, c.g.scalar(c.float('alpha', 1), x)), x, c.g.scalar(0, x));
  },
  Shrink(c) {
    const { g } = c;
    const x = c.input(0);
    const [bias, lambda] = [c.float('bias', 0), c.float('lambd', 0.5)];
    const above = g.where(g.compare('greater', x, g.scalar(lambda, x)), g.number('sub', x, bias), g.scalar(0, x));
    return g.where(g.compare('less', x, g.scalar(-lambda, x)), g.number('add', x, bias), above);
  },
  PRelu(c) {
    const [x, slope] = [c.input(0), c.input(1)];
    // Old models give one slope a channel and mean the second axis.
    const channels = c.opset < 7 && slope.shape.length === 1 && slope.shape[0]! > 1 && x.shape.length > 2;
    return c.g.binary(
      'prelu',
      x,
      channels ? c.g.reshape(slope, [slope.shape[0]!, ...new Array<number>(x.shape.length - 2).fill(1)]) : slope,
    );
  },

  Cast: (c) => cast(c, c.int('to', 0)),
  CastLike: (c) => cast(c, c.input(1).type),
  Identity: (c) => c.input(0),
  Dropout(c) {
    if (c.has(2) && c.number(2, 'training_mode') !== 0) c.unsupported('training_mode', 'a model for inference');
    const x = c.input(0);
    if (!c.wants(1)) return x;
    const ones = c.g.constant(Int32Array.of(1), [], T.int32);
    return [x, c.g.cast(c.g.expand(ones, x.shape), 'bool', T.bool)];
  },
};

export { noActivation };
