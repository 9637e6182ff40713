// One entry a TFLite operator: which TensorFlow operator it is, with its options as attributes. The arithmetic stands in sdk/graph/tfjs/operators.ts.
import { Constant, type ValueId } from '../../ir/graph.js';
import type { Activation } from '../../ir/operators.js';
import { NONE } from '../../ir/operators.js';
import { formatShape, type Shape, sizeOf } from '../../tensor/shape.js';
import { NodeContext, noActivation } from '../tfjs/context.js';
import type { TfjsNode } from '../tfjs/format.js';
import { converters } from '../tfjs/operators.js';
import type { Table } from './flat.js';

/** An operator while it is converted. */
export interface LiteContext {
  readonly name: string;
  /** Operands; NONE where absent. */
  readonly inputs: readonly ValueId[];
  readonly options: Table | undefined;
  readonly nodes: NodeContext;
  /** Shape that the file gives to result 0; its open dimensions are -1. */
  readonly resultShape: Shape;
}

export interface LiteOperator {
  readonly name: string;
  convert(c: LiteContext): ValueId | ValueId[];
  /** Slot of `fused_activation_function` in the options. */
  readonly fused?: number;
}

type Attributes = TfjsNode['attr'];

const text = (value: string) => ({ s: [...new TextEncoder().encode(value)] });
const flag = (value: boolean) => ({ b: value });
const int = (value: number) => ({ i: value });
const ints = (values: readonly number[]) => ({ list: { i: [...values] } });

/** Converts as the TensorFlow operator of this name. */
function asTf(c: LiteContext, op: string, inputs: readonly ValueId[], attr: Attributes = {}): ValueId | ValueId[] {
  const node = { ...c.nodes.node, op, attr };
  return converters[op]!(new NodeContext(c.nodes.builder, node, inputs));
}

const one = (y: ValueId | ValueId[]): ValueId => (Array.isArray(y) ? y[0]! : y);

/** The same operator under another name. */
const same = (name: string, op: string, attributes?: (options: Table | undefined) => Attributes, fused?: number): LiteOperator => ({
  name,
  convert: (c) => asTf(c, op, c.inputs, attributes?.(c.options)),
  ...(fused === undefined ? {} : { fused }),
}); // prettier-ignore

const activation = (name: string, make: (options: Table | undefined) => Activation): LiteOperator => ({
  name,
  convert: (c) => c.nodes.emit('activation', [c.nodes.input(0)], { activation: make(c.options) }),
});

const paddingOf = (options: Table | undefined): Attributes[string] => {
  const kind = options?.int8(0) ?? 0;
  return text(kind === 0 ? 'SAME' : kind === 1 ? 'VALID' : `number ${kind}`);
};

/** Height before width, where the schema has width first. */
const spatial = (options: Table | undefined, widthSlot: number, fallback = 0): Attributes[string] =>
  ints([1, options?.int32(widthSlot + 1, fallback) ?? 1, options?.int32(widthSlot, fallback) ?? 1, 1]);

const reducer = (name: string, op: string): LiteOperator => same(name, op, (o) => ({ keep_dims: flag(o?.flag(0) ?? false) }));

const pool = (name: string, op: string): LiteOperator =>
  same(name, op, (o) => ({ padding: paddingOf(o), strides: spatial(o, 1), ksize: spatial(o, 3) }), 5);

const resize = (name: string, op: string, slot: number): LiteOperator =>
  same(name, op, (o) => ({ align_corners: flag(o?.flag(slot) ?? false), half_pixel_centers: flag(o?.flag(slot + 1) ?? false) }));

/** Conv, bias, in TensorFlow's fused form. */
function convolution(c: LiteContext, op: string, filter: ValueId, attr: Attributes): ValueId {
  const bias = c.inputs[2] ?? NONE;
  const inputs = [c.nodes.input(0), filter, ...(bias === NONE ? [] : [bias])];
  return one(asTf(c, op, inputs, { ...attr, fused_ops: { list: { s: bias === NONE ? [] : [text('BiasAdd').s] } } }));
}

/** The number of the operator in TensorFlow's schema.fbs -> how it is written in ours. What is not here is refused by name. */
export const liteOperators: ReadonlyMap<number, LiteOperator> = new Map<number, LiteOperator>([
  [0, same('ADD', 'Add', undefined, 0)],
  [1, pool('AVERAGE_POOL_2D', 'AvgPool')],
  [
    2,
    {
      name: 'CONCATENATION',
      fused: 1,
      convert(c) {
        const rank = c.nodes.shape(c.nodes.input(0)).length;
        const axis = c.nodes.axis(c.options?.int32(0) ?? 0, rank);
        return c.inputs.length === 1 ? c.inputs[0]! : c.nodes.emit('concat', c.inputs, { axis });
      },
    },
  ],
  [
    3,
    {
      name: 'CONV_2D',
      fused: 3,
      convert(c) {
        const weight = c.nodes.input(1);
        if (c.nodes.shape(weight).length !== 4) c.nodes.fail(`a filter ${formatShape(c.nodes.shape(weight))}`, '[O, kh, kw, I]');
        const filter = c.nodes.emit('transpose', [weight], { perm: [1, 2, 3, 0] }, 'filter');
        const strides = spatial(c.options, 1);
        return convolution(c, '_FusedConv2D', filter, { padding: paddingOf(c.options), strides, dilations: spatial(c.options, 4, 1) }); // prettier-ignore
      },
    },
  ],
  [
    4,
    {
      name: 'DEPTHWISE_CONV_2D',
      fused: 4,
      convert(c) {
        const weight = c.nodes.input(1);
        const [first, kh, kw, channels] = c.nodes.shape(weight) as [number, number, number, number];
        const inner = c.nodes.shape(c.nodes.input(0))[3]!;
        if (first !== 1 || channels === undefined || channels % inner !== 0)
          c.nodes.fail(`a filter ${formatShape(c.nodes.shape(weight))}`, `[1, kh, kw, a multiple of ${inner}]`);
        const filter = c.nodes.reshape(weight, [kh, kw, inner, channels / inner], 'filter/tf');
        const attr = { padding: paddingOf(c.options), strides: spatial(c.options, 1), dilations: spatial(c.options, 5, 1) };
        return convolution(c, 'FusedDepthwiseConv2dNative', filter, attr);
      },
    },
  ],
  [5, same('DEPTH_TO_SPACE', 'DepthToSpace', (o) => ({ block_size: int(o?.int32(0) ?? 1) }))],
  // Integers of activations are computed as the real numbers they stand for.
  [6, same('DEQUANTIZE', 'Identity')],
  [8, same('FLOOR', 'Floor')],
  [
    9,
    {
      name: 'FULLY_CONNECTED',
      fused: 0,
      convert(c) {
        const [x, weight, bias = NONE] = c.inputs as [ValueId, ValueId, ValueId?];
        const [outputs, inner] = c.nodes.shape(weight) as [number, number];
        const shape = c.nodes.shape(x);
        const rows = sizeOf(shape) / inner;
        const flat = c.nodes.reshape(x, [rows, inner], 'rows');
        const operands = bias === NONE ? [flat, weight] : [flat, weight, bias];
        const y = c.nodes.emit('matmul', operands, { transposeA: false, transposeB: true, activation: noActivation });
        return c.options?.flag(2) ? c.nodes.reshape(y, [...shape.slice(0, -1), outputs], 'kept') : y;
      },
    },
  ],
  [14, same('LOGISTIC', 'Sigmoid')],
  [17, pool('MAX_POOL_2D', 'MaxPool')],
  [18, same('MUL', 'Mul', undefined, 0)],
  [19, same('RELU', 'Relu')],
  [20, activation('RELU_N1_TO_1', () => ({ kind: 'clip', alpha: -1, beta: 1 }))],
  [21, same('RELU6', 'Relu6')],
  [
    22,
    {
      name: 'RESHAPE',
      convert(c) {
        const given = c.options?.int32s(0, 8);
        const constant = c.inputs[1] === undefined ? undefined : c.nodes.builder.type(c.inputs[1]).constant;
        const wanted = constant ? Array.from(constant.values) : (given ?? c.resultShape);
        const x = c.nodes.input(0);
        const known = wanted.filter((d) => d !== -1);
        const free = sizeOf(c.nodes.shape(x)) / sizeOf(known);
        if (wanted.length - known.length > 1) c.nodes.fail(`shape ${formatShape(wanted)}`, 'at most one -1');
        return c.nodes.reshape(x, wanted.map((d) => (d === -1 ? free : d))); // prettier-ignore
      },
    },
  ],
  [23, resize('RESIZE_BILINEAR', 'ResizeBilinear', 2)],
  [
    25,
    {
      name: 'SOFTMAX',
      convert(c) {
        const beta = c.options?.float32(0, 1) ?? 1;
        const x = c.nodes.input(0);
        const scaled = beta === 1 || beta === 0 ? x : c.nodes.emit('binary', [x, c.nodes.newConstant('beta', Float32Array.of(beta), [])], { kind: 'mul', activation: noActivation }, 'scaled'); // prettier-ignore
        return asTf(c, 'Softmax', [scaled]);
      },
    },
  ],
  [26, same('SPACE_TO_DEPTH', 'SpaceToDepth', (o) => ({ block_size: int(o?.int32(0) ?? 1) }))],
  [28, same('TANH', 'Tanh')],
  [34, same('PAD', 'Pad')],
  [
    36,
    {
      name: 'GATHER',
      convert(c) {
        const x = c.nodes.input(0);
        if ((c.options?.int32(1) ?? 0) !== 0) c.nodes.unsupported(`batch_dims ${c.options!.int32(1)}`, '0');
        const axis = c.nodes.axis(c.options?.int32(0) ?? 0, c.nodes.shape(x).length);
        return c.nodes.emit('gather', [x, c.nodes.input(1)], { axis });
      },
    },
  ],
  [39, same('TRANSPOSE', 'Transpose')],
  [40, reducer('MEAN', 'Mean')],
  [41, same('SUB', 'Sub', undefined, 0)],
  [42, same('DIV', 'Div', undefined, 0)],
  [43, same('SQUEEZE', 'Squeeze', (o) => ({ squeeze_dims: ints(o?.int32s(0, 8) ?? []) }))],
  [
    45,
    same('STRIDED_SLICE', 'StridedSlice', (o) =>
      Object.fromEntries(
        ['begin_mask', 'end_mask', 'ellipsis_mask', 'new_axis_mask', 'shrink_axis_mask'].map((mask, slot) => [mask, int(o?.int32(slot) ?? 0)]),
      ),
    ),
  ],
  [47, same('EXP', 'Exp')],
  [48, same('TOPK_V2', 'TopKV2')],
  [49, same('SPLIT', 'Split', (o) => ({ num_split: int(o?.int32(0) ?? 1) }))],
  [53, same('CAST', 'Cast', (o) => ({ DstT: { type: castTypes[o?.int8(1) ?? 0] ?? `number ${o?.int8(1)}` } }))],
  [54, same('PRELU', 'Prelu')],
  [55, same('MAXIMUM', 'Maximum')],
  [57, same('MINIMUM', 'Minimum')],
  [58, same('LESS', 'Less')],
  [59, same('NEG', 'Neg')],
  [60, same('PADV2', 'PadV2')],
  [61, same('GREATER', 'Greater')],
  [62, same('GREATER_EQUAL', 'GreaterEqual')],
  [63, same('LESS_EQUAL', 'LessEqual')],
  [65, same('SLICE', 'Slice')],
  [67, { name: 'TRANSPOSE_CONV', fused: 3, convert: transposeConv }],
  [69, same('TILE', 'Tile')],
  [70, same('EXPAND_DIMS', 'ExpandDims')],
  [71, same('EQUAL', 'Equal')],
  [72, same('NOT_EQUAL', 'NotEqual')],
  [73, same('LOG', 'Log')],
  [74, reducer('SUM', 'Sum')],
  [75, same('SQRT', 'Sqrt')],
  [76, same('RSQRT', 'Rsqrt')],
  [77, same('SHAPE', 'Shape')],
  [78, same('POW', 'Pow')],
  [81, reducer('REDUCE_PROD', 'Prod')],
  [82, reducer('REDUCE_MAX', 'Max')],
  [83, same('PACK', 'Pack', (o) => ({ axis: int(o?.int32(1) ?? 0) }))],
  [88, same('UNPACK', 'Unpack', (o) => ({ axis: int(o?.int32(1) ?? 0) }))],
  [89, reducer('REDUCE_MIN', 'Min')],
  [90, same('FLOOR_DIV', 'FloorDiv')],
  [92, same('SQUARE', 'Square')],
  [93, same('ZEROS_LIKE', 'ZerosLike')],
  [94, same('FILL', 'Fill')],
  [95, same('FLOOR_MOD', 'FloorMod')],
  [96, same('RANGE', 'Range')],
  [97, resize('RESIZE_NEAREST_NEIGHBOR', 'ResizeNearestNeighbor', 0)],
  [98, activation('LEAKY_RELU', (o) => ({ kind: 'leaky_relu', alpha: o?.float32(0) ?? 0 }))],
  [99, same('SQUARED_DIFFERENCE', 'SquaredDifference', undefined)],
  [100, same('MIRROR_PAD', 'MirrorPad', (o) => ({ mode: text((o?.int8(0) ?? 0) === 0 ? 'REFLECT' : 'SYMMETRIC') }))],
  [101, same('ABS', 'Abs')],
  [102, same('SPLIT_V', 'SplitV')],
  [104, same('CEIL', 'Ceil')],
  [106, same('ADD_N', 'AddN')],
  [110, same('RANK', 'Rank')],
  [111, same('ELU', 'Elu')],
  [114, same('QUANTIZE', 'Identity')],
  [116, same('ROUND', 'Round')],
  // x * relu6(x + 3) / 6
  [117, activation('HARD_SWISH', () => ({ kind: 'hard_swish', alpha: 1 / 6 }))],
  [126, same('BATCH_MATMUL', 'BatchMatMul', (o) => ({ adj_x: flag(o?.flag(0) ?? false), adj_y: flag(o?.flag(1) ?? false) }))],
  [130, same('BROADCAST_TO', 'BroadcastTo')],
  [
    150,
    {
      name: 'GELU',
      convert(c) {
        if (c.options?.flag(0)) c.nodes.unsupported('the approximation by tanh', 'the exact form');
        return c.nodes.emit('activation', [c.nodes.input(0)], { activation: { kind: 'gelu' } });
      },
    },
  ],
]); // prettier-ignore

/** Element types of the schema as TensorFlow names them. */
const castTypes: readonly string[] = ['DT_FLOAT', 'DT_HALF', 'DT_INT32', 'DT_UINT8', 'DT_INT64', 'DT_STRING', 'DT_BOOL', 'DT_INT16', 'DT_COMPLEX64', 'DT_INT8', 'DT_DOUBLE']; // prettier-ignore

/** What the options call fused activations. */
export function fusedActivation(number: number): Activation | undefined {
  switch (number) {
    case 0:
      return noActivation;
    case 1:
      return { kind: 'relu' };
    case 2:
      return { kind: 'clip', alpha: -1, beta: 1 };
    case 3:
      return { kind: 'relu6' };
    case 4:
      return { kind: 'tanh' };
    default:
      return undefined;
  }
}

/**
 * Transposed convolution as a convolution: zeros between the pixels, the kernel turned around. Operands: shape of the result, weights [O, kh, kw, I], x, bias.
 */
function transposeConv(c: LiteContext): ValueId {
  const [, weight, x, bias = NONE] = c.inputs as [ValueId, ValueId, ValueId, ValueId?];
  const output = c.nodes.integers(0, 'the shape of the result');
  const [outChannels, kh, kw] = c.nodes.shape(weight) as [number, number, number, number];
  const [n, h, w, channels] = c.nodes.shape(x) as [number, number, number, number];
  const [sw, sh] = [c.options?.int32(1) ?? 1, c.options?.int32(2) ?? 1];
  const same = (c.options?.int8(0) ?? 0) === 0;
  const [oh, ow] = [output[1]!, output[2]!];
  const spread = (
    size: number,
    stride: number,
    kernel: number,
    out: number,
  ): { before: number; after: number; length: number } => {
    const length = (size - 1) * stride + 1;
    // The forward convolution from `out` to `size` pixels would pad this much in front.
    const forward = same ? Math.floor(Math.max((size - 1) * stride + kernel - out, 0) / 2) : 0;
    return { before: kernel - 1 - forward, after: out - length + forward, length };
  };
  const [rows, columns] = [spread(h, sh, kh, oh), spread(w, sw, kw, ow)];
  if ([rows.before, rows.after, columns.before, columns.after].some((p) => p < 0) || output[3] !== outChannels)
    c.nodes.unsupported(
      `a result of ${formatShape(output)}`,
      `one that a kernel of ${kh} x ${kw} with stride ${sh} x ${sw} reaches`,
    );
  const cells = c.nodes.reshape(x, [n, h, 1, w, 1, channels], 'cells');
  const attributes = { before: [0, 0, 0, 0, 0, 0], after: [0, 0, sh - 1, 0, sw - 1, 0], mode: 'constant' as const, value: 0 };
  const spreadOut = c.nodes.reshape(c.nodes.emit('pad', [cells], attributes, 'zeros'), [n, h * sh, w * sw, channels], 'spread');
  const cut = { begin: [0, 0, 0, 0], size: [n, rows.length, columns.length, channels], strides: [1, 1, 1, 1] };
  const whole = c.nodes.emit('slice', [spreadOut], cut, 'cut');
  const turned = c.nodes.emit('slice', [weight], { begin: [0, kh - 1, kw - 1, 0], size: [...c.nodes.shape(weight)], strides: [1, -1, -1, 1] }, 'turned'); // prettier-ignore
  const filter = c.nodes.emit('transpose', [turned], { perm: [1, 2, 3, 0] }, 'filter');
  return c.nodes.emit('conv2d', bias === NONE ? [whole, filter] : [whole, filter, bias], {
    strides: [1, 1],
    padding: [rows.before, columns.before, rows.after, columns.after],
    dilations: [1, 1],
    groups: 1,
    activation: noActivation,
    residual: 'before_activation',
  });
}

/** A constant of the file as a value. */
export function addConstant(nodes: Pick<NodeContext, 'builder'>, name: string, constant: Constant, shape: Shape): ValueId {
  return nodes.builder.constant(nodes.builder.freeName(name), constant, shape);
}
