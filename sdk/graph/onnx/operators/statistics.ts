// Over axes: reductions, normalisations, softmax, arg max, top k, running sums, matrix products.
import { formatShape, sizeOf, type Shape } from '../../../tensor/shape.js';
import type { Attributes } from '../../../ir/operators.js';
import { identity, noActivation, type Tensor } from '../algebra.js';
import { ElementType as T } from '../model.js';
import type { Converter, NodeContext } from '../node.js';
import { toFloat, toInt } from './elementwise.js';

/** Gemm weights of at most this many elements are transposed at import, so that what follows can be fused into them. */
const MOST_TRANSPOSED = 2 ** 22;

/** Axes of a reduction: an attribute, or an operand since version 13 or 18; all if there are none. Undefined: nothing is to be done. */
function reduceAxes(c: NodeContext, x: Tensor): number[] | undefined {
  const given = c.list('axes', 1);
  if (!given || given.length === 0) return c.flag('noop_with_empty_axes') ? undefined : x.shape.map((_, i) => i);
  return c.axes(given, x.shape.length);
}

function reduceOf(c: NodeContext, kind: Attributes['reduce']['kind'], x: Tensor, axes: readonly number[]): Tensor {
  if (kind !== 'sum' && kind !== 'prod' && axes.some((axis) => x.shape[axis] === 0))
    c.unsupported(`${kind} over no elements`, 'at least one element');
  return c.g.reduce(kind, x, axes, c.flag('keepdims', true));
}

/** before -> reduce -> after; integers go through float32 where the functions need it. */
const reduce =
  (
    kind: Attributes['reduce']['kind'],
    before?: (c: NodeContext, x: Tensor) => Tensor,
    after?: (c: NodeContext, x: Tensor) => Tensor,
  ): Converter =>
  (c) => {
    const given = c.input(0);
    const bool = c.g.dtype(given) === 'bool';
    const whole = c.g.dtype(given) === 'int32';
    const needsFloat = kind === 'mean' || before !== undefined || after !== undefined;
    const x = bool ? toInt(c, given, T.int32) : whole && needsFloat ? toFloat(c, given) : given;
    const axes = reduceAxes(c, x);
    let y = before ? before(c, x) : x;
    if (axes) y = reduceOf(c, kind, y, axes);
    if (after) y = after(c, y);
    if (bool) return c.g.cast(y, 'bool', T.bool);
    return whole && needsFloat ? toInt(c, y, given.type) : { ...y, type: given.type };
  };

/** ln sum e^x, shifted by the maximum so that nothing overflows. */
function logSumExp(c: NodeContext, x: Tensor, axes: readonly number[]): { shifted: Tensor; log: Tensor; max: Tensor } {
  const { g } = c;
  const max = g.reduce('max', x, axes, true);
  const shifted = g.binary('sub', x, max);
  return { shifted, max, log: g.unary('log', g.reduce('sum', g.unary('exp', shifted), axes, true)) };
}

const reduceLogSumExp: Converter = (c) => {
  const x = c.input(0);
  const axes = reduceAxes(c, x);
  if (!axes) return x;
  if (axes.some((axis) => x.shape[axis] === 0)) c.unsupported('a maximum over no elements', 'at least one element');
  const { log, max } = logSumExp(c, x, axes);
  const y = c.g.binary('add', log, max);
  return c.flag('keepdims', true) ? y : c.g.reshape(y, x.shape.filter((_, i) => !axes.includes(i))); // prettier-ignore
};

/** Before version 13 softmax and its like joined all axes from `axis` on; since then they work along one. */
const along =
  (f: (c: NodeContext, x: Tensor, axis: number) => Tensor): Converter =>
  (c) => {
    const x = c.input(0);
    const rank = c.rank(x, 1);
    if (c.opset >= 13) return f(c, x, c.axis(c.int('axis', -1), rank));
    const axis = c.axis(c.int('axis', 1) % Math.max(rank, 2), rank);
    if (sizeOf(x.shape.slice(axis + 1)) === 1) return f(c, x, axis);
    const joined = c.g.reshape(x, [...x.shape.slice(0, axis), sizeOf(x.shape.slice(axis))]);
    return c.g.reshape(f(c, joined, axis), x.shape);
  };

const softmax = along((c, x, axis) => c.g.softmax(x, axis));

const logSoftmax = along((c, x, axis) => {
  const { shifted, log } = logSumExp(c, x, [axis]);
  return c.g.binary('sub', shifted, log);
});

const hardmax = along((c, x, axis) => {
  const { g } = c;
  const d = x.shape[axis]!;
  g.room([d]);
  const places = g.constant(Int32Array.from({ length: d }, (_, i) => i), x.shape.map((_, i) => (i === axis ? d : 1)), T.int32); // prettier-ignore
  return toFloat(c, g.compare('equal', places, argMax(c, x, axis, false)));
});

/** The k largest along an axis, as values and indices with the axis in its place. */
function topK(c: NodeContext, x: Tensor, axis: number, k: number): { values: Tensor; index: Tensor } {
  const { g } = c;
  const perm = [...identity(x.shape.length).filter((i) => i !== axis), axis];
  const [values, index] = g.emitAll('top_k', [g.as(x, perm)], { k });
  return { values: g.tensor(values, x.type, perm), index: g.tensor(index!, T.int64, perm) };
}

function argMax(c: NodeContext, x: Tensor, axis: number, last: boolean): Tensor {
  const { g } = c;
  const d = x.shape[axis]!;
  if (d < 1) c.fail('an empty axis', 'at least one element');
  if (!last) return topK(c, x, axis, 1).index;
  const { index } = topK(c, g.part(x, axis, d - 1, d, -1), axis, 1);
  return g.binary('sub', { ...g.scalar(d - 1, index), type: T.int64 }, index);
}

const arg =
  (sign: 1 | -1): Converter =>
  (c) => {
    const x = c.input(0);
    const axis = c.axis(c.int('axis', 0), c.rank(x, 1));
    const y = argMax(c, sign === 1 ? x : c.g.unary('neg', x), axis, c.flag('select_last_index'));
    return c.flag('keepdims', true) ? y : c.g.reshape(y, x.shape.filter((_, i) => i !== axis)); // prettier-ignore
  };

const topKConverter: Converter = (c) => {
  const x = c.input(0);
  const axis = c.axis(c.int('axis', -1), c.rank(x, 1));
  const k = c.opset < 10 ? c.int('k', 0) : Math.trunc(c.number(1, 'k'));
  if (k < 0 || k > x.shape[axis]!) c.fail(`k ${k}`, `0 to ${x.shape[axis]}`);
  if (c.flag('largest', true)) {
    const { values, index } = topK(c, x, axis, k);
    return [values, index];
  }
  const { values, index } = topK(c, c.g.unary('neg', x), axis, k);
  return [c.g.unary('neg', values), index];
};

/** Running sums as a product with a triangle of ones. */
const cumSum: Converter = (c) => {
  const { g } = c;
  const given = c.input(0);
  const axis = c.axis(Math.trunc(c.number(1, 'axis')), c.rank(given, 1));
  const d = given.shape[axis]!;
  const [exclusive, reverse] = [c.flag('exclusive'), c.flag('reverse')];
  g.room([d, d]);
  // Element (k, j) is 1 where x[k] is part of sum j.
  const triangle = Float32Array.from({ length: d * d }, (_, i) => {
    const [k, j] = [Math.floor(i / d), i % d];
    return Number(reverse ? (exclusive ? k > j : k >= j) : exclusive ? k < j : k <= j);
  });
  const whole = g.dtype(given) === 'int32';
  const order = [...identity(given.shape.length).filter((i) => i !== axis), axis];
  const x = g.transpose(toFloat(c, given), order);
  const rows = g.reshape(x, [sizeOf(x.shape) / Math.max(d, 1), d]);
  const sums = g.reshape(g.matmul(rows, g.constant(triangle, [d, d], T.float)), x.shape);
  const y = g.transpose(sums, identity(order.length).map((i) => order.indexOf(i))); // prettier-ignore
  return whole ? toInt(c, g.unary('round', y), given.type) : { ...y, type: given.type };
};

// --- normalisation -----------------------------------------------------------------------------------------------------------------------

/** A number a channel, as it meets [N, C, ...]. */
const perChannel = (c: NodeContext, x: Tensor, like: Tensor): Tensor => {
  if (sizeOf(x.shape) !== like.shape[1]) c.fail(`${formatShape(x.shape)} for ${like.shape[1]} channels`, 'a number a channel');
  return c.g.reshape(x, [like.shape[1]!, ...new Array<number>(Math.max(0, like.shape.length - 2)).fill(1)]);
};

const batchNormalization: Converter = (c) => {
  const { g } = c;
  if (c.flag('training_mode')) c.unsupported('training_mode', 'a model for inference');
  if (c.opset < 7 && !c.flag('is_test')) c.unsupported('is_test 0', 'a model for inference');
  if (c.opset < 9 && !c.flag('spatial', true)) c.unsupported('spatial 0', 'statistics a channel');
  const x = c.input(0);
  c.rank(x, 2);
  const epsilon = c.float('epsilon', Math.fround(1e-5));
  const parts = [1, 2, 3, 4].map((i) => c.input(i));
  const known = parts.map((part) => g.numbers(part));
  const [scale, offset, mean, variance] = parts as [Tensor, Tensor, Tensor, Tensor];
  let factor: Tensor;
  let shift: Tensor;
  if (known.every((part) => part !== undefined)) {
    // y = x * k + (offset - mean * k) with k = scale / sqrt(variance + epsilon), in double precision and rounded once.
    const [s, o, m, v] = known as [Float32Array, Float32Array, Float32Array, Float32Array];
    if (o.length !== s.length || m.length !== s.length || v.length !== s.length)
      c.fail(`${s.length}, ${o.length}, ${m.length}, ${v.length} numbers`, 'equally many');
    const k = Float64Array.from(s, (value, i) => value / Math.sqrt(v[i]! + epsilon));
    factor = g.constant(Float32Array.from(k), [s.length], T.float);
    shift = g.constant(Float32Array.from(k, (value, i) => o[i]! - m[i]! * value), [s.length], T.float); // prettier-ignore
  } else {
    factor = g.binary('mul', scale, g.unary('rsqrt', g.number('add', variance, epsilon)));
    shift = g.binary('sub', offset, g.binary('mul', mean, factor));
  }
  return g.binary('add', g.binary('mul', x, perChannel(c, factor, x)), perChannel(c, shift, x));
};

/** (x - mean) / sqrt(variance + epsilon) over some axes. */
function standardised(
  c: NodeContext,
  x: Tensor,
  axes: readonly number[],
  epsilon: number,
): { y: Tensor; mean: Tensor; inverse: Tensor } {
  const { g } = c;
  const mean = g.reduce('mean', x, axes, true);
  const centred = g.binary('sub', x, mean);
  const variance = g.reduce('mean', g.unary('square', centred), axes, true);
  const inverse = g.unary('rsqrt', g.number('add', variance, epsilon));
  return { y: g.binary('mul', centred, inverse), mean, inverse };
}

const instanceNormalization: Converter = (c) => {
  const { g } = c;
  const x = c.input(0);
  const axes = identity(c.rank(x, 3)).slice(2);
  const { y } = standardised(c, x, axes, c.float('epsilon', Math.fround(1e-5)));
  return g.binary('add', g.binary('mul', y, perChannel(c, c.input(1), x)), perChannel(c, c.input(2), x));
};

const layerNormalization: Converter = (c) => {
  const { g } = c;
  const x = c.input(0);
  const rank = c.rank(x, 1);
  const axis = c.axis(c.int('axis', -1), rank);
  const { y, mean, inverse } = standardised(c, x, identity(rank).slice(axis), c.float('epsilon', Math.fround(1e-5)));
  const scaled = g.binary('mul', y, c.input(1));
  return [
    c.has(2) ? g.binary('add', scaled, c.input(2)) : scaled,
    c.wants(1) ? mean : undefined,
    c.wants(2) ? inverse : undefined,
  ];
};

const groupNormalization: Converter = (c) => {
  const { g } = c;
  const x = c.input(0);
  c.rank(x, 3);
  const groups = c.int('num_groups', 0);
  const [n, channels, ...rest] = x.shape as [number, number, ...number[]];
  if (groups < 1 || channels % groups !== 0) c.fail(`${groups} groups of ${channels} channels`, 'a divisor');
  const apart = g.reshape(x, [n, groups, channels / groups, ...rest]);
  const { y } = standardised(c, apart, identity(apart.shape.length).slice(2), c.float('epsilon', Math.fround(1e-5)));
  const affine = (list: Tensor): Tensor => {
    const size = sizeOf(list.shape);
    // Version 18 has a number a group, version 21 a number a channel.
    if (size === groups && size !== channels)
      return g.reshape(g.repeat(g.reshape(list, [groups, 1]), 1, channels / groups), [channels]);
    return list;
  };
  const whole = g.reshape(y, x.shape);
  return g.binary('add', g.binary('mul', whole, perChannel(c, affine(c.input(1)), x)), perChannel(c, affine(c.input(2)), x));
};

/** x / (bias + alpha / size * sum of squares over neighbouring channels)^beta: the sum as a mean of a window over channels, zeros counted. */
const lrn: Converter = (c) => {
  const { g } = c;
  const x = c.input(0);
  c.rank(x, 2);
  const size = c.int('size', 1);
  const [alpha, beta, bias] = [c.float('alpha', Math.fround(1e-4)), c.float('beta', 0.75), c.float('bias', 1)];
  if (size < 1 || size > 2 ** 16) c.fail(`size ${size}`, 'at least 1');
  const { perm } = x.forms[0]!;
  const at = perm.indexOf(1);
  const squares = g.unary('square', x);
  const physical = perm.map((axis) => x.shape[axis]!);
  const rows: Shape = [sizeOf(physical.slice(0, at)), 1, physical[at]!, sizeOf(physical.slice(at + 1))];
  const before = Math.floor((size - 1) / 2);
  const flat = g.emit('reshape', [squares.forms[0]!.id], {}, { shape: rows });
  const means = g.emit('average_pool', [flat], {
    kernel: [1, size],
    strides: [1, 1],
    padding: [0, before, 0, size - 1 - before],
    countPadding: true,
  });
  const back = g.tensor(g.emit('reshape', [means], {}, { shape: physical }), x.type, perm);
  return g.binary('div', x, g.number('pow', g.number('add', g.number('mul', back, alpha), bias), beta));
};

const lpNormalization: Converter = (c) => {
  const { g } = c;
  const x = c.input(0);
  const axis = c.axis(c.int('axis', -1), c.rank(x, 1));
  const norm =
    c.int('p', 2) === 1
      ? g.reduce('sum', g.unary('abs', x), [axis], true)
      : g.unary('sqrt', g.reduce('sum', g.unary('square', x), [axis], true));
  // Nothing but zeros stays zero.
  return g.binary('div', x, g.number('maximum', norm, 2 ** -126));
};

// --- matrix products ---------------------------------------------------------------------------------------------------------------------

const gemm: Converter = (c) => {
  const { g } = c;
  const [alpha, beta] = [c.float('alpha', 1), c.float('beta', 1)];
  let [a, b] = [c.input(0), c.input(1)];
  const whole = g.dtype(a) === 'int32';
  if (whole) [a, b] = [toFloat(c, a), toFloat(c, b)];
  if (a.shape.length !== 2 || b.shape.length !== 2) {
    if (c.opset < 7 && a.shape.length > 2) a = g.reshape(a, [a.shape[0]!, sizeOf(a.shape.slice(1))]);
    else c.fail(`${formatShape(a.shape)} times ${formatShape(b.shape)}`, 'matrices');
  }
  let transposeB = c.flag('transB');
  if (transposeB && g.isConstant(b) && sizeOf(b.shape) <= MOST_TRANSPOSED) {
    b = g.transpose(b, [1, 0]);
    b = g.tensor(g.plain(b), b.type);
    transposeB = false;
  }
  if (alpha !== 1 && g.isConstant(b)) b = g.number('mul', b, alpha);
  let bias = beta === 0 ? undefined : c.inputs[2];
  if (bias && whole) bias = toFloat(c, bias);
  if (bias && beta !== 1) bias = g.number('mul', bias, beta);
  const columns = transposeB ? b.shape[0]! : b.shape[1]!;
  const row = bias && sizeOf(bias.shape) === columns && (bias.shape.at(-1) === columns || columns === 1);
  const scaleLater = alpha !== 1 && !g.isConstant(c.input(1));
  let y = g.matmul(a, b, {
    transposeA: c.flag('transA'),
    transposeB,
    bias: row && !scaleLater ? g.reshape(bias!, [columns]) : undefined,
  });
  if (scaleLater) y = g.number('mul', y, alpha);
  if (bias && (!row || scaleLater)) y = g.binary('add', y, bias);
  return whole ? toInt(c, y, c.input(0).type) : y;
};

/** NumPy's matmul: vectors count as a row on the left and as a column on the right. */
export function product(c: NodeContext, a: Tensor, b: Tensor): Tensor {
  const { g } = c;
  const [ar, br] = [c.rank(a, 1, 'a'), c.rank(b, 1, 'b')];
  const left = ar === 1 ? g.reshape(a, [1, a.shape[0]!]) : a;
  const right = br === 1 ? g.reshape(b, [b.shape[0]!, 1]) : b;
  const y = g.matmul(left, right);
  if (ar > 1 && br > 1) return y;
  return g.reshape(y, y.shape.filter((_, i) => !(ar === 1 && i === y.shape.length - 2) && !(br === 1 && i === y.shape.length - 1))); // prettier-ignore
}

export const statistics: Readonly<Record<string, Converter>> = {
  ReduceMean: reduce('mean'),
  ReduceSum: reduce('sum'),
  ReduceMax: reduce('max'),
  ReduceMin: reduce('min'),
  ReduceProd: reduce('prod'),
  ReduceL1: reduce('sum', (c, x) => c.g.unary('abs', x)),
  ReduceL2: reduce('sum', (c, x) => c.g.unary('square', x), (c, x) => c.g.unary('sqrt', x)), // prettier-ignore
  ReduceLogSum: reduce('sum', undefined, (c, x) => c.g.unary('log', x)),
  ReduceSumSquare: reduce('sum', (c, x) => c.g.unary('square', x)),
  ReduceLogSumExp: reduceLogSumExp,
  Softmax: softmax,
  LogSoftmax: logSoftmax,
  Hardmax: hardmax,
  ArgMax: arg(1),
  ArgMin: arg(-1),
  TopK: topKConverter,
  CumSum: cumSum,
  BatchNormalization: batchNormalization,
  InstanceNormalization: instanceNormalization,
  LayerNormalization: layerNormalization,
  GroupNormalization: groupNormalization,
  MeanVarianceNormalization(c) {
    const x = c.input(0);
    const axes = c.axes(c.ints('axes') ?? [0, 2, 3], x.shape.length);
    const { g } = c;
    const centred = g.binary('sub', x, g.reduce('mean', x, axes, true));
    const deviation = g.unary('sqrt', g.reduce('mean', g.unary('square', centred), axes, true));
    return g.binary('div', centred, g.number('add', deviation, 1e-9));
  },
  LpNormalization: lpNormalization,
  LRN: lrn,
  Gemm: gemm,
  MatMul(c) {
    const [a, b] = [c.input(0), c.input(1)];
    if (c.g.dtype(a) !== 'int32') return product(c, a, b);
    return toInt(c, product(c, toFloat(c, a), toFloat(c, b)), a.type);
  },
};

export { noActivation };
