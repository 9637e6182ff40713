// Lowers conv2d, depthwise_conv2d and matmul to WebGPU dispatches: picks the variant, packs weights at load.
import { ModelError } from '../../../errors.js';
import { GraphBuilder } from '../../../ir/builder.js';
import type { Graph, ValueId } from '../../../ir/graph.js';
import { NONE, type Activation, type Attributes } from '../../../ir/operators.js';
import { sizeOf } from '../../../tensor/shape.js';
import { broadcastStrides, mergeAxes } from '../../axes.js';
import type { TuneQuestion, Tuning } from '../tune.js';
import { activationOverrides } from './activation.js';
import { placementOf, type Placement } from './placement.js';
import {
  flatWorkgroups,
  packFloats,
  uniforms,
  type Binding,
  type Dispatch,
  type Lower,
  type LowerContext,
  type LowerTable,
} from './context.js';

/** Invocations of a workgroup of the flat kernels (shared/flat.wgsl). */
const FLAT_SIZE = 64;

/** Pixels that one invocation of the direct kernels computes. */
const STRIP = 4;

/** Pixels that one invocation of the depthwise kernels computes. */
const DEPTHWISE_STRIP = 8;

/** Products of at most this many rows can have their sum shared by lanes (conv2d_row). */
const FEW_ROWS = 8;

/** Merged leading axes that matmul.wgsl has room for. */
const MOST_AXES = 8;

/** Tiles of conv2d_tiled by pixels x channels: lanes in rows and columns. All stay within 256 lanes and 16 KiB of workgroup memory. */
const tiles = {
  'tiled 32x64': { rows: 8, columns: 8 },
  'tiled 64x32': { rows: 16, columns: 4 },
  'tiled 64x64': { rows: 16, columns: 8 },
  'tiled 128x64': { rows: 32, columns: 8 },
} as const;
type Tile = keyof typeof tiles;

/** Channels up to which a layer counts as narrow: tiles of 64 channels would idle. */
const NARROW = 32;

/** Fewest channels for which a 3x3 convolution by tiles of Winograd was faster (SwiftShader and llvmpipe: equal at 32, twice as fast at 256). */
const WINOGRAD_CHANNELS = 32;

/** Most bytes of transformed tiles. */
const WINOGRAD_BYTES = 2 ** 26;

const fours = (channels: number): number => Math.ceil(channels / 4);
const value = (id: ValueId): Binding => ({ kind: 'value', value: id });

/** A convolution, or a product written as one. */
interface Convolution {
  name: string;
  x: ValueId;
  y: Placement;
  bias: Binding;
  residual: ValueId;
  residualAt: 'before_activation' | 'after_activation';
  gate: ValueId;
  activation: Activation;
  groups: number;
  images: number;
  height: number;
  width: number;
  outHeight: number;
  outWidth: number;
  /** Channels of x and y, all groups together. */
  channels: number;
  outChannels: number;
  kernel: readonly [number, number];
  strides: readonly [number, number];
  dilations: readonly [number, number];
  padding: readonly [number, number, number, number];
  weights: Weights;
}

/** Where the weights come from. Element (matrix, row, column) stands at matrix*size + row*rowStep + column*columnStep, a row is tap * channels + channel. */
interface Weights {
  id: ValueId;
  /** Groups, or images with weights of their own. */
  matrices: number;
  size: number;
  rowStep: number;
  columnStep: number;
  /** Every image has its own matrix. */
  ofImages: boolean;
}

/** The answer to a question, or what an unmeasured adapter gets. */
function chosen(context: LowerContext, question: TuneQuestion): string {
  return context.tuning[question.key] ?? question.choices[0];
}

/** An operand, or zeros where it is absent. */
function orZeros(context: LowerContext, id: ValueId, length: number): Binding {
  if (id !== NONE) return value(id);
  return { kind: 'packed', key: `zeros ${length}`, data: () => packFloats(new Float32Array(length), context.scalar) };
}

/** Weights as the kernels read them: rows of whole fours of channels, columns padded to fours; no copy where they lie so already. */
function layWeights(context: LowerContext, c: Convolution): { binding: Binding; before: Dispatch[] } {
  const { id, matrices, size, rowStep, columnStep } = c.weights;
  const groups = c.weights.ofImages ? 1 : c.groups;
  const inner = c.channels / groups;
  const columns = c.outChannels / groups;
  const taps = c.kernel[0] * c.kernel[1];
  const padded = fours(inner) * 4;
  const pitch = fours(columns) * 4;
  const dense = padded === inner && pitch === columns && columnStep === 1 && rowStep === columns;
  if (dense && (matrices === 1 || size === taps * inner * columns)) return { binding: value(id), before: [] };
  const length = matrices * taps * padded * pitch;
  const constant = context.constant(id);
  if (constant) {
    const data = (): ArrayBufferView => {
      const packed = new Float32Array(length);
      for (let i = 0; i < matrices * taps * inner; i++) {
        const tapAt = Math.floor(i / inner);
        const matrix = Math.floor(tapAt / taps);
        const to = (tapAt * padded + (i % inner)) * pitch;
        const from = matrix * size + (i - matrix * taps * inner) * rowStep;
        for (let o = 0; o < columns; o++) packed[to + o] = constant[from + o * columnStep]!;
      }
      return packFloats(packed, context.scalar);
    };
    const key = `${context.graph.values[id]!.name} conv2d ${groups} ${taps} ${rowStep} ${columnStep} ${pitch}`;
    return { binding: { kind: 'packed', key, data }, before: [] };
  }
  const binding: Binding = { kind: 'scratch', key: 'weights', bytes: length * (context.scalar === 'f16' ? 2 : 4) };
  const pack: Dispatch = {
    kernel: 'pack_weights',
    overrides: {},
    bindings: [
      value(id),
      binding,
      {
        kind: 'uniform',
        data: uniforms([length / 4, pitch / 4, columns, padded, inner, taps, size, rowStep, columnStep]),
      },
    ],
    workgroups: flatWorkgroups(length / 4, FLAT_SIZE),
  };
  return { binding, before: [pack] };
}

/** Overrides of shared/epilogue.wgsl. */
function epilogue(c: Convolution): Record<string, number> {
  const residual = c.residualAt === 'before_activation' ? 1 : 2;
  return { ...activationOverrides(c.activation), residual_at: c.residual === NONE ? 0 : residual };
}

/** Bindings of the convolution kernels; what is absent is replaced by the bias, which is there anyway. */
function operands(c: Convolution, weights: Binding, x: Binding = value(c.x), y: Binding = value(c.y.value)): Binding[] {
  const or = (id: ValueId): Binding => (id === NONE ? c.bias : value(id));
  return [x, weights, c.bias, or(c.residual), or(c.gate), y];
}

/** Picks the variant. */
function convolve(context: LowerContext, c: Convolution): Dispatch[] {
  const { groups } = c;
  const aligned = (c.channels / groups) % 4 === 0 && (c.outChannels / groups) % 4 === 0;
  const point = c.kernel[0] === 1 && c.kernel[1] === 1;
  // Without strides and padding, pixels of a 1x1 convolution are one long row; of all images, unless something belongs to one image.
  if (point && c.strides.every((s) => s === 1) && c.padding.every((p) => p === 0)) {
    const pixels = c.height * c.width;
    const joined = c.gate === NONE && !c.weights.ofImages;
    const images = joined ? 1 : c.images;
    const width = joined ? pixels * c.images : pixels;
    c = { ...c, images, height: 1, width, outHeight: 1, outWidth: width };
    const few = aligned && groups === 1 && !c.weights.ofImages && images * width <= FEW_ROWS;
    if (few && chosen(context, questions.row) === 'row') return row(context, c);
  }
  const products = productVariant(context, c);
  const variant = point ? products : chosen(context, questions.window);
  if (!aligned) return direct(context, c, false, quad(context, variant === 'winograd' ? products : variant, c));
  if (variant === 'winograd' && canWinograd(context, c)) return winograd(context, c);
  return multiply(context, c, variant === 'winograd' ? products : variant);
}

/** The answer for 1x1 convolutions and products. */
function productVariant(context: LowerContext, c: Convolution): string {
  return chosen(context, c.outChannels <= NARROW ? questions.narrow : questions.point);
}

/** Channels in fours, by a tile or in registers. Layers that a variant cannot do get the direct kernel. */
function multiply(context: LowerContext, c: Convolution, variant: string): Dispatch[] {
  const tile = tiles[variant as Tile] as { rows: number; columns: number } | undefined;
  const dispatches = tile && c.groups === 1 ? tiled(context, c, tile) : undefined;
  return dispatches ?? direct(context, c, true, quad(context, variant, c));
}

/** Four lanes share weights where the device can broadcast, unless the strips of four lanes belong to images with weights of their own. */
function quad(context: LowerContext, variant: string, c: Convolution): boolean {
  const whole = (Math.ceil(c.outWidth / STRIP) * c.outHeight) % 4 === 0;
  return variant === 'quad' && context.features.has('subgroups') && (!c.weights.ofImages || whole);
}

/** The kernels that sum in registers: with channels in fours or not, with weights shared by four lanes or not. */
function direct(context: LowerContext, c: Convolution, aligned: boolean, quads: boolean): Dispatch[] {
  const unit = aligned ? 4 : 1;
  const kernel = quads ? (aligned ? 'conv2d_quad' : 'conv2d_quad_scalar') : aligned ? 'conv2d_direct' : 'conv2d_scalar';
  const groups = c.weights.ofImages ? 1 : c.groups;
  const inner = c.channels / groups;
  const outer = c.outChannels / groups;
  const wide = outer > 4;
  const groupTiles = Math.ceil(outer / (wide ? 8 : 4));
  const strips = Math.ceil(c.outWidth / STRIP);
  const allStrips = strips * c.outHeight * c.images;
  const invocations = groups * groupTiles * (quads ? Math.ceil(allStrips / 4) * 4 : allStrips);
  const { binding, before } = layWeights(context, c);
  const pitch = fours(outer);
  const matrix = c.kernel[0] * c.kernel[1] * fours(inner) * 4 * pitch;
  const shape = [
    invocations, allStrips, groups * groupTiles, strips, c.outHeight, c.outWidth, c.height, c.width, ...c.kernel, ...c.strides, ...c.dilations,
    c.padding[0], c.padding[1], c.channels / unit, fours(inner), inner / unit, c.y.pitch / unit, c.y.offset / unit, c.outChannels / unit,
    groupTiles, outer / unit, pitch, c.weights.ofImages ? 0 : matrix, c.weights.ofImages ? matrix : 0,
  ]; // prettier-ignore
  return [
    ...before,
    {
      kernel,
      overrides: { ...epilogue(c), wide: +wide, padded: +c.padding.some((p) => p > 0), gated: +(c.gate !== NONE) },
      bindings: [...operands(c, binding), { kind: 'uniform', data: uniforms(shape) }],
      workgroups: flatWorkgroups(invocations, FLAT_SIZE),
    },
  ];
}

/** conv2d_tiled; nothing where the device has not enough room for the tile. */
function tiled(context: LowerContext, c: Convolution, tile: { rows: number; columns: number }): Dispatch[] | undefined {
  const { limits } = context;
  const pixels = c.outHeight * c.outWidth * (c.weights.ofImages ? 1 : c.images);
  const element = context.scalar === 'f16' ? 2 : 4;
  const bytes = (16 * tile.rows + 32 * tile.columns) * 4 * element + 4 * tile.rows * 16;
  const workgroups = [
    Math.ceil(c.outChannels / (8 * tile.columns)),
    Math.ceil(pixels / (4 * tile.rows)),
    c.weights.ofImages ? c.images : 1,
  ] as const;
  if (
    tile.rows * tile.columns > limits.maxComputeInvocationsPerWorkgroup ||
    bytes > limits.maxComputeWorkgroupStorageSize ||
    workgroups.some((n) => n > limits.maxComputeWorkgroupsPerDimension)
  )
    return undefined;
  const { binding, before } = layWeights(context, c);
  const out = c.outChannels / 4;
  const shape = [
    pixels, out, c.outHeight, c.outWidth, c.height, c.width, ...c.kernel, ...c.strides, ...c.dilations, c.padding[0], c.padding[1],
    c.channels / 4, c.y.pitch / 4, c.y.offset / 4, out, c.weights.ofImages ? c.channels * out : 0,
  ]; // prettier-ignore
  return [
    ...before,
    {
      kernel: 'conv2d_tiled',
      overrides: {
        ...epilogue(c),
        lane_rows: tile.rows,
        lane_columns: tile.columns,
        padded: +c.padding.some((p) => p > 0),
        gated: +(c.gate !== NONE),
      },
      bindings: [...operands(c, binding), { kind: 'uniform', data: uniforms(shape) }],
      workgroups,
    },
  ];
}

/** conv2d_row, for products with few rows. */
function row(context: LowerContext, c: Convolution): Dispatch[] {
  const { binding, before } = layWeights(context, c);
  const out = c.outChannels / 4;
  return [
    ...before,
    {
      kernel: 'conv2d_row',
      overrides: { ...epilogue(c), gated: +(c.gate !== NONE) },
      bindings: [
        ...operands(c, binding),
        { kind: 'uniform', data: uniforms([c.width, c.channels / 4, out, c.y.pitch / 4, c.y.offset / 4, out]) },
      ],
      workgroups: [Math.ceil(out / 8), c.images * c.width, 1],
    },
  ];
}

/**
 * Where F(2x2, 3x3) pays: with fewer channels the transforms cost what the products save, with more pixels it needs too much memory. It needs
 * constant weights; in f16 its intermediate sums would lose digits.
 */
function canWinograd(context: LowerContext, c: Convolution): boolean {
  const tiles = c.images * Math.ceil(c.outHeight / 2) * Math.ceil(c.outWidth / 2);
  const bytes = 16 * tiles * Math.max(c.channels, c.outChannels) * 4;
  return (
    c.groups === 1 &&
    c.kernel.every((k) => k === 3) &&
    [...c.strides, ...c.dilations].every((s) => s === 1) &&
    Math.min(c.channels, c.outChannels) >= WINOGRAD_CHANNELS &&
    bytes <= Math.min(WINOGRAD_BYTES, context.limits.maxStorageBufferBindingSize) &&
    context.scalar === 'f32' &&
    context.constant(c.weights.id) !== undefined
  );
}

/** The matrix G of F(2x2, 3x3). */
const G = [
  [1, 0, 0],
  [0.5, 0.5, 0.5],
  [0.5, -0.5, 0.5],
  [0, 0, 1],
] as const;

/** A 3x3 convolution as 16 products of transformed tiles (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016). */
function winograd(context: LowerContext, c: Convolution): Dispatch[] {
  const { channels: C, outChannels: O } = c;
  const tileRows = Math.ceil(c.outHeight / 2);
  const tileColumns = Math.ceil(c.outWidth / 2);
  const count = c.images * tileRows * tileColumns;
  const constant = context.constant(c.weights.id)!;
  const weights: Binding = {
    kind: 'packed',
    key: `${context.graph.values[c.weights.id]!.name} winograd`,
    data: () => {
      const packed = new Float32Array(16 * C * O);
      for (let at = 0; at < C * O; at++) {
        for (let p = 0; p < 16; p++) {
          let sum = 0;
          for (let k = 0; k < 9; k++) sum += G[p >> 2]![Math.floor(k / 3)]! * G[p & 3]![k % 3]! * constant[k * C * O + at]!;
          packed[p * C * O + at] = sum;
        }
      }
      return packFloats(packed, context.scalar);
    },
  };
  const v: Binding = { kind: 'scratch', key: 'winograd input', bytes: 16 * count * C * 4 };
  const products: Binding = { kind: 'scratch', key: 'winograd products', bytes: 16 * count * O * 4 };
  const input: Dispatch = {
    kernel: 'winograd_input',
    overrides: { gated: +(c.gate !== NONE) },
    bindings: [
      value(c.x),
      c.gate === NONE ? c.bias : value(c.gate),
      v,
      {
        kind: 'uniform',
        data: uniforms([(count * C) / 4, C / 4, tileRows, tileColumns, c.height, c.width, c.padding[0], c.padding[1]]),
      },
    ],
    workgroups: flatWorkgroups((count * C) / 4, FLAT_SIZE),
  };
  const product: Convolution = {
    ...c,
    y: { value: c.y.value, pitch: O, offset: 0 },
    bias: orZeros(context, NONE, O),
    residual: NONE,
    gate: NONE,
    activation: { kind: 'none' },
    images: 16,
    height: 1,
    width: count,
    outHeight: 1,
    outWidth: count,
    kernel: [1, 1],
    padding: [0, 0, 0, 0],
    weights: { id: c.weights.id, matrices: 16, size: C * O, rowStep: O, columnStep: 1, ofImages: true },
  };
  const [dispatch] = multiply(context, product, productVariant(context, product));
  const { bindings } = dispatch!;
  const output: Dispatch = {
    kernel: 'winograd_output',
    overrides: epilogue(c),
    bindings: [
      products,
      c.bias,
      c.residual === NONE ? c.bias : value(c.residual),
      value(c.y.value),
      {
        kind: 'uniform',
        data: uniforms([(count * O) / 4, O / 4, tileRows, tileColumns, c.outHeight, c.outWidth, c.y.pitch / 4, c.y.offset / 4]),
      },
    ],
    workgroups: flatWorkgroups((count * O) / 4, FLAT_SIZE),
  };
  return [input, { ...dispatch!, bindings: [v, weights, ...bindings.slice(2, 5), products, bindings[6]!] }, output];
}

const conv2d: Lower<'conv2d'> = (context, node) => {
  const { strides, padding, dilations, groups, activation, residual: residualAt } = node.attributes;
  const [x, weight, bias = NONE, residual = NONE, gate = NONE] = node.inputs as [ValueId, ValueId, ...ValueId[]];
  const y = node.outputs[0]!;
  const [images, height, width, channels] = context.shape(x) as [number, number, number, number];
  const [kernelHeight, kernelWidth, , outChannels] = context.shape(weight) as [number, number, number, number];
  const [, outHeight, outWidth] = context.shape(y) as [number, number, number, number];
  return convolve(context, {
    name: node.name,
    x,
    y: placementOf(context.graph, y),
    bias: orZeros(context, bias, outChannels),
    residual,
    residualAt,
    gate,
    activation,
    groups,
    images,
    height,
    width,
    outHeight,
    outWidth,
    channels,
    outChannels,
    kernel: [kernelHeight, kernelWidth],
    strides,
    dilations,
    padding,
    weights: { id: weight, matrices: groups, size: outChannels / groups, rowStep: outChannels, columnStep: 1, ofImages: false },
  });
};

const depthwise_conv2d: Lower<'depthwise_conv2d'> = (context, node) => {
  const { strides, padding, dilations, activation } = node.attributes;
  const [x, weight, biasId = NONE, gate = NONE] = node.inputs as [ValueId, ValueId, ...ValueId[]];
  const y = node.outputs[0]!;
  const [images, height, width, channels] = context.shape(x) as [number, number, number, number];
  const [kernelHeight, kernelWidth] = context.shape(weight) as [number, number, number];
  const [, outHeight, outWidth] = context.shape(y) as [number, number, number, number];
  const vector = channels % 4 === 0;
  const unit = vector ? 4 : 1;
  const place = placementOf(context.graph, y);
  const strips = Math.ceil(outWidth / DEPTHWISE_STRIP);
  const invocations = fours(channels) * strips * outHeight * images;
  const bias = orZeros(context, biasId, channels);
  const unrolled = kernelWidth === 3 || kernelWidth === 5;
  const slide = dilations[1] === 1 && (strides[1] === 1 || (strides[1] === 2 && unrolled)) ? strides[1] : 0;
  const shape = [
    invocations, fours(channels), strips, outHeight, outWidth, height, width, kernelHeight, ...strides, ...dilations, padding[0],
    padding[1], channels, place.pitch / unit, place.offset / unit,
  ]; // prettier-ignore
  return [
    {
      kernel: vector ? 'depthwise_conv2d' : 'depthwise_conv2d_scalar',
      overrides: {
        ...activationOverrides(activation),
        slide,
        taps: kernelWidth,
        gated: +(gate !== NONE),
      },
      bindings: [
        value(x),
        value(weight),
        bias,
        gate === NONE ? bias : value(gate),
        value(place.value),
        { kind: 'uniform', data: uniforms(shape) },
      ],
      workgroups: flatWorkgroups(invocations, FLAT_SIZE),
    },
  ];
};

const matmul: Lower<'matmul'> = (context, node) => {
  const { transposeA, transposeB, activation } = node.attributes;
  const [a, b, biasId = NONE] = node.inputs as [ValueId, ValueId, ...ValueId[]];
  const y = node.outputs[0]!;
  const aShape = context.shape(a);
  const bShape = context.shape(b);
  const yShape = context.shape(y);
  const [M, N] = yShape.slice(-2) as [number, number];
  const K = aShape.at(transposeA ? -2 : -1)!;
  const batch = yShape.slice(0, -2);
  const aBatch = aShape.slice(0, -2);
  const bBatch = bShape.slice(0, -2);
  const count = sizeOf(batch);
  const matrices = sizeOf(bBatch);
  const [bInner, bColumn] = transposeB ? [1, K] : [N, 1];
  const bias = orZeros(context, biasId, N);
  const aligned = K % 4 === 0 && N % 4 === 0;
  const single = matrices === 1;
  const constant = context.constant(b) !== undefined;
  // As a convolution: rows of a are pixels. One right operand serves all rows; else every matrix has its own.
  if (K > 0 && !transposeA && sizeOf(aBatch) === count && (single ? aligned || constant : aligned && matrices === count)) {
    const images = single ? 1 : count;
    const width = single ? M * count : M;
    return convolve(context, {
      name: node.name,
      x: a,
      y: placementOf(context.graph, y),
      bias,
      residual: NONE,
      residualAt: 'before_activation',
      gate: NONE,
      activation,
      groups: 1,
      images,
      height: 1,
      width,
      outHeight: 1,
      outWidth: width,
      channels: K,
      outChannels: N,
      kernel: [1, 1],
      strides: [1, 1],
      dilations: [1, 1],
      padding: [0, 0, 0, 0],
      weights: { id: b, matrices, size: K * N, rowStep: bInner, columnStep: bColumn, ofImages: !single },
    });
  }
  const size = (steps: number[], elements: number): number[] => steps.map((step) => step * elements);
  const axes = mergeAxes(batch, [size(broadcastStrides(aBatch, batch), M * K), size(broadcastStrides(bBatch, batch), K * N)]);
  if (axes.length > MOST_AXES) {
    throw new ModelError('unsupported-operator', {
      thing: `node "${node.name}" (matmul) on webgpu`,
      found: `broadcasting over ${axes.length} axes that cannot be joined`,
      wanted: `at most ${MOST_AXES}`,
    });
  }
  const [aRow, aInner] = transposeA ? [1, M] : [K, 1];
  const columnStrips = Math.ceil(N / 4);
  const rowStrips = Math.ceil(M / 4);
  const invocations = columnStrips * rowStrips * count;
  const eight = (of: (axis: { size: number; steps: number[] }) => number): number[] =>
    Array.from({ length: MOST_AXES }, (_, i) => (axes[i] ? of(axes[i]) : 1));
  const shape = [
    invocations, columnStrips, rowStrips, M, N, K, aRow, aInner, bInner, bColumn, axes.length, 0, ...eight((axis) => axis.size),
    ...eight((axis) => axis.steps[0]!), ...eight((axis) => axis.steps[1]!),
  ]; // prettier-ignore
  return [
    {
      kernel: 'matmul',
      overrides: activationOverrides(activation),
      bindings: [value(a), value(b), bias, value(y), { kind: 'uniform', data: uniforms(shape) }],
      workgroups: flatWorkgroups(invocations, FLAT_SIZE),
    },
  ];
};

/** A graph of one convolution with random weights, for trials. */
function trial(side: number, channels: number, outChannels: number, kernel: number): () => Graph {
  return () => {
    const builder = new GraphBuilder();
    const x = builder.input('x', 'float32', [1, side, side, channels]);
    const shape = [kernel, kernel, channels, outChannels];
    const weight = builder.constant('weight', new Float32Array(sizeOf(shape)).fill(0.01), shape);
    const pad = (kernel - 1) / 2;
    const attributes: Attributes['conv2d'] = {
      strides: [1, 1],
      padding: [pad, pad, pad, pad],
      dilations: [1, 1],
      groups: 1,
      activation: { kind: 'relu' },
      residual: 'before_activation',
    };
    for (const id of builder.add('conv2d', 'conv2d', [x, weight], attributes)) builder.output(id);
    return builder.build();
  };
}

const subgroups = [{ choice: 'quad', feature: 'subgroups' }] as const;

/** What the lowerings above ask the tuner. The first choice of each is for a GPU; {@link softwareTuning} is for adapters that compute on the CPU. */
export const questions = {
  /** 1x1 and products with more than 32 channels out. */
  point: {
    key: 'conv2d_1x1/wide',
    choices: ['tiled 64x64', 'tiled 32x64', 'tiled 128x64', 'direct'],
    extra: subgroups,
    graph: trial(40, 192, 192, 1),
  },
  narrow: { key: 'conv2d_1x1/narrow', choices: ['tiled 64x32', 'direct'], extra: subgroups, graph: trial(80, 96, 32, 1) },
  /** Every other dense convolution with channels in fours. */
  window: {
    key: 'conv2d_window',
    choices: ['tiled 64x64', 'tiled 32x64', 'tiled 64x32', 'winograd', 'direct'],
    extra: subgroups,
    graph: trial(40, 64, 64, 3),
  },
  /** Few pixels: squeeze-excite, classifiers. */
  row: { key: 'conv2d_row', choices: ['row', 'direct'], graph: trial(1, 512, 128, 1) },
} as const satisfies Record<string, TuneQuestion>;

/** Answers for adapters that compute on the CPU, where workgroup memory is no faster than any other and every load costs. */
export const softwareTuning: Tuning = {
  [questions.point.key]: 'quad',
  [questions.narrow.key]: 'quad',
  [questions.window.key]: 'winograd',
  [questions.row.key]: 'direct',
};

/** Lowerings of this file, by operator. */
export const convolution = { conv2d, depthwise_conv2d, matmul } satisfies LowerTable;
