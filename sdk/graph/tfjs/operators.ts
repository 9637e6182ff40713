// One converter a TF operator: how it is written in our operators. Attributes and constants are resolved here; nothing is optimised.
import { describe } from '../../errors.js';
import { Constant, type ValueId } from '../../ir/graph.js';
import { NONE, type Activation, type Attributes, type Padding } from '../../ir/operators.js';
import type { TensorData } from '../../tensor/dtype.js';
import { broadcastShapes, formatShape, sizeOf, type Shape } from '../../tensor/shape.js';
import { MAX_FOLDED_ELEMENTS } from '../optimize/fold.js';
import { noActivation, type NodeContext } from './context.js';

/** Results of a TF node, in the order of its outputs. */
export type Converter = (c: NodeContext) => ValueId | ValueId[];

const identity: Converter = (c) => c.input(0);

const binary =
  (kind: Attributes['binary']['kind']): Converter =>
  (c) =>
    c.emit('binary', [c.input(0), c.input(1)], { kind, activation: noActivation });

const compare =
  (kind: Attributes['compare']['kind']): Converter =>
  (c) =>
    c.emit('compare', [c.input(0), c.input(1)], { kind });

const unary =
  (kind: Attributes['unary']['kind']): Converter =>
  (c) =>
    c.emit('unary', [c.input(0)], { kind });

const activation =
  (make: (c: NodeContext) => Activation): Converter =>
  (c) =>
    c.emit('activation', [c.input(0)], { activation: make(c) });

const reduce =
  (kind: Attributes['reduce']['kind']): Converter =>
  (c) => {
    const x = c.input(0);
    const rank = c.shape(x).length;
    const axes = [...new Set(c.integers(1, 'axes').map((axis) => c.axis(axis, rank)))].sort((p, q) => p - q);
    return c.emit('reduce', [x], { kind, axes, keepDims: c.flag('keep_dims') });
  };

/** Activation that a fused operator names, or undefined. */
function fusedActivation(c: NodeContext, name: string): Activation | undefined {
  const simple: Readonly<Record<string, Activation>> = {
    Relu: { kind: 'relu' },
    Relu6: { kind: 'relu6' },
    Elu: { kind: 'elu', alpha: 1 },
    Sigmoid: { kind: 'sigmoid' },
    Tanh: { kind: 'tanh' },
    LeakyRelu: { kind: 'leaky_relu', alpha: c.number('leakyrelu_alpha', 0.2) },
  };
  return simple[name];
}

/** The `fused_ops` of _FusedConv2D and its like: BiasAdd first, then at most one activation. */
function fusedTail(c: NodeContext): { bias: ValueId; activation: Activation; prelu: ValueId | undefined } {
  const names = c.texts('fused_ops');
  let bias = NONE;
  let argument = 2;
  let fused = noActivation;
  let prelu: ValueId | undefined;
  for (const [i, name] of names.entries()) {
    const known = fusedActivation(c, name);
    if (name === 'BiasAdd' && i === 0) bias = c.input(argument++);
    else if (known && i === names.length - 1) fused = known;
    else if (name === 'Prelu' && i === names.length - 1) prelu = c.input(argument++);
    else
      c.unsupported(
        `fused_ops ${names.join(', ')}`,
        'BiasAdd, then Relu, Relu6, Elu, Sigmoid, Tanh, LeakyRelu or Prelu',
        'Convert without that fusion (remapper off).',
      );
  }
  return { bias, activation: fused, prelu };
}

/** max(x, 0) + alpha * min(x, 0). */
function prelu(c: NodeContext, x: ValueId, alpha: ValueId): ValueId {
  const zero = c.newConstant('zero', new Float32Array([0]), []);
  const positive = c.emit('activation', [x], { activation: { kind: 'relu' } }, 'positive');
  const negative = c.emit('binary', [x, zero], { kind: 'minimum', activation: noActivation }, 'negative');
  const scaled = c.emit('binary', [negative, alpha], { kind: 'mul', activation: noActivation }, 'scaled');
  return c.emit('binary', [positive, scaled], { kind: 'add', activation: noActivation }, 'prelu');
}

const conv2d: Converter = (c) => {
  c.requireChannelsLast();
  const [x, weight] = [c.input(0), c.input(1)];
  const [xs, ws] = [c.shape(x), c.shape(weight)];
  if (xs.length !== 4 || ws.length !== 4) c.fail(`x ${formatShape(xs)}, filter ${formatShape(ws)}`, 'rank 4 each');
  const strides = c.spatial('strides');
  const dilations = c.spatial('dilations');
  const padding = c.padding(xs, [ws[0]!, ws[1]!], strides, dilations);
  const { bias, activation: fused, prelu: alpha } = fusedTail(c);
  // TensorFlow has no attribute for groups: they follow from the channel counts.
  const groups = xs[3]! / ws[2]!;
  const y = c.emit('conv2d', trim([x, weight, bias]), {
    strides,
    padding,
    dilations,
    groups,
    activation: fused,
    residual: 'before_activation',
  });
  return alpha === undefined ? y : prelu(c, y, alpha);
};

const depthwise: Converter = (c) => {
  c.requireChannelsLast();
  const [x, weight] = [c.input(0), c.input(1)];
  const [xs, ws] = [c.shape(x), c.shape(weight)];
  if (xs.length !== 4 || ws.length !== 4) c.fail(`x ${formatShape(xs)}, filter ${formatShape(ws)}`, 'rank 4 each');
  const [kh, kw, channels, multiplier] = ws as [number, number, number, number];
  const strides = c.spatial('strides');
  const dilations = c.spatial('dilations');
  const padding = c.padding(xs, [kh, kw], strides, dilations);
  const { bias, activation: fused, prelu: alpha } = fusedTail(c);
  let y: ValueId;
  if (multiplier === 1) {
    const filter = c.reshape(weight, [kh, kw, channels], 'filter');
    y = c.emit('depthwise_conv2d', trim([x, filter, bias]), { strides, padding, dilations, activation: fused });
  } else {
    // Channel c gives the results c*multiplier to (c+1)*multiplier: a convolution with one group a channel.
    const filter = c.reshape(weight, [kh, kw, 1, channels * multiplier], 'filter');
    const attributes = {
      strides,
      padding,
      dilations,
      groups: channels,
      activation: fused,
      residual: 'before_activation' as const,
    };
    y = c.emit('conv2d', trim([x, filter, bias]), attributes);
  }
  return alpha === undefined ? y : prelu(c, y, alpha);
};

/** Absent operands at the end are left out. */
function trim(inputs: ValueId[]): ValueId[] {
  return inputs.at(-1) === NONE ? inputs.slice(0, -1) : inputs;
}

const batchNorm: Converter = (c) => {
  c.requireChannelsLast();
  if (c.flag('is_training')) c.unsupported('is_training', 'a frozen batch normalisation');
  const x = c.input(0);
  const epsilon = c.number('epsilon', 1e-4);
  const [scale, offset, mean, variance] = ['scale', 'offset', 'mean', 'variance'].map(
    (what, i) => c.constant(i + 1, what).values,
  ) as [TensorData, TensorData, TensorData, TensorData];
  const channels = scale.length;
  if (offset.length !== channels || mean.length !== channels || variance.length !== channels) {
    c.fail(`${channels} scales, ${offset.length} offsets, ${mean.length} means, ${variance.length} variances`, 'equal numbers');
  }
  // y = x * k + (offset - mean * k) with k = scale / sqrt(variance + epsilon), in double precision and rounded once.
  const k = Float64Array.from(scale, (s, i) => s / Math.sqrt(variance[i]! + epsilon));
  const factor = c.newConstant('factor', Float32Array.from(k), [channels]);
  const shift = c.newConstant(
    'shift',
    Float32Array.from(k, (f, i) => offset[i]! - mean[i]! * f),
    [channels],
  );
  const scaled = c.emit('binary', [x, factor], { kind: 'mul', activation: noActivation }, 'scaled');
  return c.emit('binary', [scaled, shift], { kind: 'add', activation: noActivation });
};

function pool(c: NodeContext): { x: ValueId; window: { kernel: [number, number]; strides: [number, number]; padding: Padding } } {
  c.requireChannelsLast();
  const x = c.input(0);
  const kernel = c.spatial('ksize');
  const strides = c.spatial('strides');
  return { x, window: { kernel, strides, padding: c.padding(c.shape(x), kernel, strides, [1, 1]) } };
}

const resize =
  (mode: 'bilinear' | 'nearest'): Converter =>
  (c) => {
    const size = c.integers(1, 'size');
    if (size.length !== 2) c.fail(`${size.length} numbers for size`, 'height and width');
    const [height, width] = size as [number, number];
    const coordinates = c.flag('align_corners') ? 'align_corners' : c.flag('half_pixel_centers') ? 'half_pixel' : 'asymmetric';
    // TensorFlow's nearest: floor(i*s), round half up with align_corners, floor((i+0.5)*s) with half pixels, which is half up of our coordinate.
    return c.emit('resize', [c.input(0)], {
      mode,
      height,
      width,
      coordinates,
      nearest: coordinates === 'asymmetric' ? 'floor' : 'round_prefer_ceil',
    });
  };

/** x[begin : begin + size] on one axis. */
function part(c: NodeContext, x: ValueId, axis: number, begin: number, size: number, suffix: string): ValueId {
  const shape = c.shape(x);
  return c.emit(
    'slice',
    [x],
    {
      begin: shape.map((_, i) => (i === axis ? begin : 0)),
      size: shape.map((d, i) => (i === axis ? size : d)),
      strides: shape.map(() => 1),
    },
    suffix,
  );
}

const splitInto = (c: NodeContext, x: ValueId, axis: number, sizes: readonly number[]): ValueId[] => {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total !== c.shape(x)[axis]) c.fail(`sizes ${formatShape(sizes)}`, `a sum of ${c.shape(x)[axis]}`);
  let begin = 0;
  return sizes.map((size, i) => {
    const y = part(c, x, axis, begin, size, `part${i}`);
    begin += size;
    return y;
  });
};

/** NumPy basic indexing as TF's five masks write it (tf.strided_slice). */
const stridedSlice: Converter = (c) => {
  const x = c.input(0);
  const shape = c.shape(x);
  const [begin, end, strides] = [c.integers(1, 'begin'), c.integers(2, 'end'), c.integers(3, 'strides')];
  if (begin.length !== end.length || begin.length !== strides.length)
    c.fail(`${begin.length} begins, ${end.length} ends, ${strides.length} strides`, 'equal numbers');
  const mask = (name: string): ((i: number) => boolean) => {
    const bits = c.int(name, 0);
    return (i) => Math.floor(bits / 2 ** i) % 2 === 1;
  };
  const [beginMask, endMask, ellipsis, newAxis, shrink] = ['begin_mask', 'end_mask', 'ellipsis_mask', 'new_axis_mask', 'shrink_axis_mask'].map(mask) as [
    (i: number) => boolean, (i: number) => boolean, (i: number) => boolean, (i: number) => boolean, (i: number) => boolean,
  ]; // prettier-ignore
  const given = begin.filter((_, i) => !newAxis(i) && !ellipsis(i)).length;
  const at: { begin: number; size: number; stride: number }[] = [];
  const result: number[] = [];
  let axis = 0;
  const take = (first: number, size: number, stride: number, keep: boolean): void => {
    at.push({ begin: size === 0 ? 0 : first, size, stride });
    if (keep) result.push(size);
    axis++;
  };
  for (let i = 0; i < begin.length; i++) {
    if (ellipsis(i)) {
      for (let rest = shape.length - given; rest > 0; rest--) take(0, shape[axis]!, 1, true);
      continue;
    }
    if (newAxis(i)) {
      result.push(1);
      continue;
    }
    const d = shape[axis] ?? c.fail(`${given} indices`, `at most ${shape.length} for ${formatShape(shape)}`);
    const wrap = (v: number): number => (v < 0 ? v + d : v);
    if (shrink(i)) {
      const first = wrap(begin[i]!);
      if (first < 0 || first >= d) c.fail(`index ${begin[i]} on axis ${axis}`, `inside 0 to ${d - 1}`);
      take(first, 1, 1, false);
      continue;
    }
    const stride = strides[i]!;
    if (stride === 0) c.fail('stride 0', 'another number');
    const clamp = (v: number): number => (stride > 0 ? Math.min(Math.max(v, 0), d) : Math.min(Math.max(v, -1), d - 1));
    const first = beginMask(i) ? (stride > 0 ? 0 : d - 1) : clamp(wrap(begin[i]!));
    const last = endMask(i) ? (stride > 0 ? d : -1) : clamp(wrap(end[i]!));
    take(first, Math.max(0, Math.ceil((last - first) / stride)), stride, true);
  }
  while (axis < shape.length) take(0, shape[axis]!, 1, true);
  const attributes = { begin: at.map((a) => a.begin), size: at.map((a) => a.size), strides: at.map((a) => a.stride) };
  const same = result.length === at.length && result.every((d, i) => d === at[i]!.size);
  const sliced = c.emit('slice', [x], attributes, same ? '' : 'sliced');
  return same ? sliced : c.reshape(sliced, result);
};

const pad =
  (mode: (c: NodeContext) => { mode: Attributes['pad']['mode']; value: number }): Converter =>
  (c) => {
    const x = c.input(0);
    const rank = c.shape(x).length;
    const list = c.integers(1, 'paddings');
    if (list.length !== 2 * rank) c.fail(`${list.length} paddings`, `${2 * rank}`);
    const before = Array.from({ length: rank }, (_, i) => list[2 * i]!);
    const after = Array.from({ length: rank }, (_, i) => list[2 * i + 1]!);
    return c.emit('pad', [x], { before, after, ...mode(c) });
  };

const matmul =
  (a: string, b: string): Converter =>
  (c) => {
    const { bias, activation: fused, prelu: alpha } = fusedTail(c);
    const y = c.emit('matmul', trim([c.input(0), c.input(1), bias]), {
      transposeA: c.flag(a),
      transposeB: c.flag(b),
      activation: fused,
    });
    return alpha === undefined ? y : prelu(c, y, alpha);
  };

function filled(c: NodeContext, shape: readonly number[], like: { dtype: string }, value: number): ValueId {
  if (shape.some((d) => d < 0) || sizeOf(shape) > MAX_FOLDED_ELEMENTS)
    c.fail(`a constant of ${formatShape(shape)}`, `at most ${MAX_FOLDED_ELEMENTS} elements`);
  const size = sizeOf(shape);
  if (like.dtype === 'int32') return c.newConstant('filled', new Int32Array(size).fill(value), shape);
  if (like.dtype === 'bool') return c.newConstant('filled', new Constant('bool', new Uint8Array(size).fill(value)), shape);
  return c.newConstant('filled', new Float32Array(size).fill(value), shape);
}

function inferredReshape(c: NodeContext, shape: Shape, wanted: readonly number[]): number[] {
  const unknown = wanted.indexOf(-1);
  const known = sizeOf(wanted.filter((d) => d !== -1));
  if (unknown >= 0 && (wanted.indexOf(-1, unknown + 1) >= 0 || known === 0))
    c.fail(`shape ${formatShape(wanted)}`, 'at most one -1, and no 0 beside it');
  return wanted.map((d) => (d === -1 ? sizeOf(shape) / known : d));
}

const castTypes: Readonly<Record<string, 'float32' | 'int32' | 'uint8' | 'bool'>> = {
  DT_FLOAT: 'float32', DT_HALF: 'float32', DT_DOUBLE: 'float32', DT_BFLOAT16: 'float32', DT_INT32: 'int32', DT_INT64: 'int32', DT_INT16: 'int32', DT_INT8: 'int32',
  DT_UINT8: 'uint8', DT_BOOL: 'bool',
}; // prettier-ignore

const intVector = (c: NodeContext, values: readonly number[]): ValueId =>
  c.newConstant('value', Int32Array.from(values), [values.length]);

/** TF operator name -> converter. What is not here is refused by name. */
export const converters: Readonly<Record<string, Converter>> = {
  Identity: identity,
  StopGradient: identity,
  PreventGradient: identity,
  PlaceholderWithDefault: identity,
  CheckNumerics: identity,
  Snapshot: identity,
  IdentityN: (c) => [...c.inputs],

  Conv2D: conv2d,
  _FusedConv2D: conv2d,
  DepthwiseConv2dNative: depthwise,
  DepthwiseConv2d: depthwise,
  FusedDepthwiseConv2dNative: depthwise,
  FusedBatchNorm: batchNorm,
  FusedBatchNormV2: batchNorm,
  FusedBatchNormV3: batchNorm,
  BiasAdd(c) {
    c.requireChannelsLast();
    return c.emit('binary', [c.input(0), c.input(1)], { kind: 'add', activation: noActivation });
  },
  MatMul: matmul('transpose_a', 'transpose_b'),
  _FusedMatMul: matmul('transpose_a', 'transpose_b'),
  BatchMatMul: matmul('adj_x', 'adj_y'),
  BatchMatMulV2: matmul('adj_x', 'adj_y'),

  Add: binary('add'),
  AddV2: binary('add'),
  AddN: (c) =>
    c.inputs
      .slice(1)
      .reduce((sum, x, i) => c.emit('binary', [sum, x], { kind: 'add', activation: noActivation }, `sum${i}`), c.input(0)),
  Sub: binary('sub'),
  Mul: binary('mul'),
  RealDiv: binary('div'),
  Div: binary('div'),
  DivNoNan: (c) => c.unsupported('division that gives 0 for x / 0', 'RealDiv'),
  Maximum: binary('maximum'),
  Minimum: binary('minimum'),
  Pow: binary('pow'),
  FloorDiv: binary('floor_div'),
  FloorMod: binary('floor_mod'),
  SquaredDifference: binary('squared_difference'),

  Equal: compare('equal'),
  NotEqual: compare('not_equal'),
  Less: compare('less'),
  LessEqual: compare('less_equal'),
  Greater: compare('greater'),
  GreaterEqual: compare('greater_equal'),

  Neg: unary('neg'),
  Abs: unary('abs'),
  Exp: unary('exp'),
  Log: unary('log'),
  Sqrt: unary('sqrt'),
  Rsqrt: unary('rsqrt'),
  Square: unary('square'),
  Reciprocal: unary('reciprocal'),
  Inv: unary('reciprocal'),
  Floor: unary('floor'),
  Ceil: unary('ceil'),
  Round: unary('round'),

  Relu: activation(() => ({ kind: 'relu' })),
  Relu6: activation(() => ({ kind: 'relu6' })),
  Elu: activation(() => ({ kind: 'elu', alpha: 1 })),
  Sigmoid: activation(() => ({ kind: 'sigmoid' })),
  Tanh: activation(() => ({ kind: 'tanh' })),
  Softplus: activation(() => ({ kind: 'softplus' })),
  LeakyRelu: activation((c) => ({ kind: 'leaky_relu', alpha: c.number('alpha', 0.2) })),
  ClipByValue: activation((c) => ({ kind: 'clip', alpha: c.scalar(1, 'minimum'), beta: c.scalar(2, 'maximum') })),
  Prelu: (c) => prelu(c, c.input(0), c.input(1)),

  MaxPool(c) {
    const { x, window } = pool(c);
    return c.emit('max_pool', [x], window);
  },
  AvgPool(c) {
    const { x, window } = pool(c);
    return c.emit('average_pool', [x], { ...window, countPadding: false });
  },
  Mean: reduce('mean'),
  Sum: reduce('sum'),
  Max: reduce('max'),
  Min: reduce('min'),
  Prod: reduce('prod'),
  Softmax(c) {
    const x = c.input(0);
    return c.emit('softmax', [x], { axis: c.axis(-1, c.shape(x).length) });
  },
  ResizeBilinear: resize('bilinear'),
  ResizeNearestNeighbor: resize('nearest'),

  ConcatV2(c) {
    const xs = c.inputs.slice(0, -1);
    const rank = c.shape(c.input(0)).length;
    return c.emit('concat', xs, { axis: c.axis(c.integer(xs.length, 'axis'), rank) });
  },
  Concat(c) {
    const xs = c.inputs.slice(1);
    return c.emit('concat', xs, { axis: c.axis(c.integer(0, 'axis'), c.shape(c.input(1)).length) });
  },
  Split(c) {
    const x = c.input(1);
    const axis = c.axis(c.integer(0, 'axis'), c.shape(x).length);
    const count = c.int('num_split', 1);
    const size = c.shape(x)[axis]! / count;
    if (!Number.isInteger(size) || count < 1 || count > c.shape(x)[axis]!)
      c.fail(`${count} parts of ${c.shape(x)[axis]}`, 'equal parts');
    return splitInto(
      c,
      x,
      axis,
      Array.from({ length: count }, () => size),
    );
  },
  SplitV(c) {
    const x = c.input(0);
    const axis = c.axis(c.integer(2, 'axis'), c.shape(x).length);
    const sizes = c.integers(1, 'sizes');
    const known = sizes.reduce((sum, size) => sum + Math.max(size, 0), 0);
    return splitInto(c, x, axis, sizes.map((size) => (size === -1 ? c.shape(x)[axis]! - known : size)));
  }, // prettier-ignore
  Unpack(c) {
    const x = c.input(0);
    const shape = c.shape(x);
    const axis = c.axis(c.int('axis', 0), shape.length);
    const rest = shape.filter((_, i) => i !== axis);
    return Array.from({ length: shape[axis]! }, (_, i) => c.reshape(part(c, x, axis, i, 1, `part${i}`), rest, `element${i}`));
  },
  Pack(c) {
    const shape = c.shape(c.input(0));
    const axis = c.axis(c.int('axis', 0), shape.length + 1);
    const parts = c.inputs.map((x, i) =>
      c.reshape(x, [...c.shape(x).slice(0, axis), 1, ...c.shape(x).slice(axis)], `element${i}`),
    );
    return parts.length === 1 ? parts[0]! : c.emit('concat', parts, { axis });
  },
  Tile(c) {
    const multiples = c.integers(1, 'multiples');
    if (multiples.length !== c.shape(c.input(0)).length) c.fail(`${multiples.length} multiples`, 'one an axis');
    return multiples.reduce((x, times, axis) => {
      if (times < 1 || times > 4096) c.unsupported(`${times} copies`, '1 to 4096');
      return times === 1 ? x : c.emit('concat', Array.from({ length: times }, () => x), { axis }, `axis${axis}`);
    }, c.input(0)); // prettier-ignore
  },
  BroadcastTo(c) {
    const x = c.input(0);
    const like = c.builder.type(x);
    if (like.dtype !== 'float32' && like.dtype !== 'int32') c.unsupported(`a broadcast of ${like.dtype}`, 'float32 or int32');
    const ones = filled(c, broadcastShapes(like.shape, c.integers(1, 'shape')), like, 1);
    return c.emit('binary', [x, ones], { kind: 'mul', activation: noActivation });
  },
  StridedSlice: stridedSlice,
  Slice(c) {
    const x = c.input(0);
    const shape = c.shape(x);
    const begin = c.integers(1, 'begin');
    const size = c.integers(2, 'size').map((s, i) => (s === -1 ? shape[i]! - begin[i]! : s));
    return c.emit('slice', [x], { begin, size, strides: shape.map(() => 1) });
  },
  Reshape: (c) => c.reshape(c.input(0), inferredReshape(c, c.shape(c.input(0)), c.integers(1, 'shape'))),
  Squeeze(c) {
    const shape = c.shape(c.input(0));
    const axes = (c.ints('squeeze_dims') ?? c.ints('axis') ?? []).map((axis) => c.axis(axis, shape.length));
    const gone = axes.length > 0 ? axes : shape.flatMap((d, i) => (d === 1 ? [i] : []));
    return c.reshape(c.input(0), shape.filter((_, i) => !gone.includes(i)));
  }, // prettier-ignore
  ExpandDims(c) {
    const shape = c.shape(c.input(0));
    const axis = c.axis(c.integer(1, 'axis'), shape.length + 1);
    return c.reshape(c.input(0), [...shape.slice(0, axis), 1, ...shape.slice(axis)]);
  },
  Transpose(c) {
    const rank = c.shape(c.input(0)).length;
    return c.emit('transpose', [c.input(0)], { perm: c.integers(1, 'perm').map((axis) => c.axis(axis, rank)) });
  },
  DepthToSpace(c) {
    c.requireChannelsLast();
    const x = c.input(0);
    const [n, h, w, channels] = c.shape(x) as [number, number, number, number];
    const block = c.int('block_size', 1);
    const depth = channels / (block * block);
    const blocks = c.reshape(x, [n, h, w, block, block, depth], 'blocks');
    return c.reshape(c.emit('transpose', [blocks], { perm: [0, 1, 3, 2, 4, 5] }, 'spread'), [n, h * block, w * block, depth]);
  },
  SpaceToDepth(c) {
    c.requireChannelsLast();
    const x = c.input(0);
    const [n, h, w, channels] = c.shape(x) as [number, number, number, number];
    const block = c.int('block_size', 1);
    const blocks = c.reshape(x, [n, h / block, block, w / block, block, channels], 'blocks');
    return c.reshape(c.emit('transpose', [blocks], { perm: [0, 1, 3, 2, 4, 5] }, 'gathered'), [
      n,
      h / block,
      w / block,
      block * block * channels,
    ]);
  },
  Pad: pad(() => ({ mode: 'constant', value: 0 })),
  PadV2: pad((c) => ({ mode: 'constant', value: c.scalar(2, 'constant_values') })),
  MirrorPad: pad((c) => {
    const mode = c.text('mode', 'REFLECT');
    return mode === 'REFLECT' ? { mode: 'reflect', value: 0 } : c.unsupported(`mode ${describe(mode)}`, 'REFLECT');
  }),
  Cast(c) {
    const type = c.type('DstT') ?? c.fail('no DstT', 'the type to cast to');
    const dtype = castTypes[type] ?? c.unsupported(`a cast to ${type}`, Object.keys(castTypes).join(', '));
    return c.builder.type(c.input(0)).dtype === dtype ? c.input(0) : c.emit('cast', [c.input(0)], {}, '', { dtype });
  },
  GatherV2(c) {
    if (c.int('batch_dims', 0) !== 0) c.unsupported(`batch_dims ${c.int('batch_dims', 0)}`, '0');
    return c.emit('gather', [c.input(0), c.input(1)], { axis: c.axis(c.integer(2, 'axis'), c.shape(c.input(0)).length) });
  },
  Gather: (c) => c.emit('gather', [c.input(0), c.input(1)], { axis: 0 }),
  TopKV2: (c) => c.emitAll('top_k', [c.input(0)], { k: c.integer(1, 'k') }),

  Shape: (c) => intVector(c, c.shape(c.input(0))),
  Rank: (c) => c.newConstant('value', Int32Array.of(c.shape(c.input(0)).length), []),
  Size: (c) => c.newConstant('value', Int32Array.of(sizeOf(c.shape(c.input(0)))), []),
  Fill: (c) => filled(c, c.integers(0, 'dims'), c.builder.type(c.input(1)), c.scalar(1, 'value')),
  ZerosLike: (c) => filled(c, c.shape(c.input(0)), c.builder.type(c.input(0)), 0),
  OnesLike: (c) => filled(c, c.shape(c.input(0)), c.builder.type(c.input(0)), 1),
  Range(c) {
    const [start, limit, delta] = [c.scalar(0, 'start'), c.scalar(1, 'limit'), c.scalar(2, 'delta')];
    const length = Math.max(0, Math.ceil((limit - start) / delta));
    if (!(length <= MAX_FOLDED_ELEMENTS)) c.fail(`a range of ${length}`, `at most ${MAX_FOLDED_ELEMENTS} elements`);
    const values = Array.from({ length }, (_, i) => start + i * delta);
    const integers = c.builder.type(c.input(0)).dtype === 'int32';
    return c.newConstant('value', integers ? Int32Array.from(values) : Float32Array.from(values), [length]);
  },
};
