// Sliding windows: convolutions, transposed convolutions and pools, of images and of rows.
import type { Padding } from '../../../ir/operators.js';
import { NONE } from '../../../ir/operators.js';
import { formatShape } from '../../../tensor/shape.js';
import { checkFinite } from '../../weights-check.js';
import { channelsLast, noActivation, type Tensor } from '../algebra.js';
import type { Converter, NodeContext } from '../node.js';
import { toFloat, toInt } from './elementwise.js';

type Pair = [number, number];

interface Window {
  kernel: Pair;
  strides: Pair;
  dilations: Pair;
  /** Top, left, bottom, right. */
  pads: [number, number, number, number];
}

/** Rows are images of height 1: [N, C, L] -> [N, C, 1, L]. */
function asImage(c: NodeContext, x: Tensor, what: string): Tensor {
  const rank = x.shape.length;
  if (rank === 4) return x;
  if (rank === 3) return c.g.reshape(x, [x.shape[0]!, x.shape[1]!, 1, x.shape[2]!]);
  return c.unsupported(
    `${what} ${formatShape(x.shape)}`,
    rank > 4 ? 'images [N, C, H, W] or rows [N, C, L]; no volumes' : '[N, C, H, W] or [N, C, L]',
  );
}

function asGiven(c: NodeContext, y: Tensor, rank: number): Tensor {
  return rank === 4 ? y : c.g.reshape(y, [y.shape[0]!, y.shape[1]!, y.shape[3]!]);
}

/** Numbers of an attribute for both spatial axes; rows have one. */
function pair(c: NodeContext, name: string, rank: number, fallback: Pair): Pair {
  const list = c.ints(name);
  if (!list || list.length === 0) return fallback;
  if (list.length !== rank - 2) c.fail(`${name} ${formatShape(list)}`, `${rank - 2} numbers`);
  if (list.some((v) => v < 1 || v > 2 ** 20)) c.fail(`${name} ${formatShape(list)}`, 'positive numbers');
  return rank === 3 ? [1, list[0]!] : [list[0]!, list[1]!];
}

/** Attributes of a window over an image of `size` pixels; SAME pads so that the result has size / stride, the odd pixel behind (UPPER) or in front. */
function window(c: NodeContext, rank: number, size: Pair, kernelDefault?: Pair): Window {
  const kernel = pair(c, 'kernel_shape', rank, kernelDefault ?? [0, 0]);
  if (kernel[0] === 0) c.fail('no kernel_shape', 'the size of the window');
  const strides = pair(c, 'strides', rank, [1, 1]);
  const dilations = pair(c, 'dilations', rank, [1, 1]);
  const auto = c.text('auto_pad', 'NOTSET');
  if (auto === 'SAME_UPPER' || auto === 'SAME_LOWER') {
    const [y, x] = ([0, 1] as const).map((i): Pair => {
      const out = Math.ceil(size[i] / strides[i]);
      const total = Math.max(0, (out - 1) * strides[i] + (kernel[i] - 1) * dilations[i] + 1 - size[i]);
      const half = Math.floor(total / 2);
      return auto === 'SAME_UPPER' ? [half, total - half] : [total - half, half];
    }) as [Pair, Pair];
    return { kernel, strides, dilations, pads: [y[0], x[0], y[1], x[1]] };
  }
  if (auto !== 'NOTSET' && auto !== 'VALID')
    c.fail(`auto_pad ${JSON.stringify(auto)}`, 'NOTSET, SAME_UPPER, SAME_LOWER or VALID');
  const list = auto === 'VALID' ? undefined : c.ints('pads');
  if (!list || list.length === 0) return { kernel, strides, dilations, pads: [0, 0, 0, 0] };
  if (list.length !== 2 * (rank - 2)) c.fail(`pads ${formatShape(list)}`, `${2 * (rank - 2)} numbers`);
  if (list.some((v) => v < 0 || v > 2 ** 20)) c.unsupported(`pads ${formatShape(list)}`, 'pads of at least 0');
  const pads = rank === 3 ? [0, list[0]!, 0, list[1]!] : list;
  return { kernel, strides, dilations, pads: pads as [number, number, number, number] };
}

/** Weights that are stored must be numbers. */
function weights(c: NodeContext, index: number): Tensor {
  const w = c.input(index);
  const { constant } = c.g.builder.type(w.forms[0]!.id);
  if (constant) checkFinite(c.node.inputs[index]!, constant);
  return w;
}

/** Convolution of x [N, C, H, W] with w [O, C/groups, KH, KW]. */
function convolve(
  c: NodeContext,
  x: Tensor,
  w: Tensor,
  bias: Tensor | undefined,
  groups: number,
  at: Omit<Window, 'kernel'>,
): Tensor {
  const { g } = c;
  const [, channels] = x.shape as [number, number, number, number];
  const [out, perGroup] = w.shape as [number, number, number, number];
  if (groups < 1 || perGroup * groups !== channels || out % groups !== 0)
    c.fail(
      `x ${formatShape(x.shape)}, weights ${formatShape(w.shape)}, ${groups} groups`,
      'channels that divide into the groups',
    );
  const { strides, dilations, pads: padding } = at;
  const tail = bias ? [g.plain(bias)] : [];
  if (groups === channels && out === channels && groups > 1) {
    const filters = g.reshape(g.transpose(w, [2, 3, 0, 1]), [w.shape[2]!, w.shape[3]!, channels]);
    const id = g.emit('depthwise_conv2d', [g.last(x), g.plain(filters), ...tail], {
      strides,
      dilations,
      padding,
      activation: noActivation,
    });
    return g.tensor(id, x.type, channelsLast(4));
  }
  const id = g.emit('conv2d', [g.last(x), g.as(w, [2, 3, 1, 0]), ...tail], {
    strides, dilations, padding, groups, activation: noActivation, residual: 'before_activation',
  }); // prettier-ignore
  return g.tensor(id, x.type, channelsLast(4));
}

const conv: Converter = (c) => {
  const rank = c.input(0).shape.length;
  const x = asImage(c, c.input(0), 'x');
  const w = asImage(c, weights(c, 1), 'weights');
  const at = window(c, rank, [x.shape[2]!, x.shape[3]!], [w.shape[2]!, w.shape[3]!]);
  if (at.kernel[0] !== w.shape[2] || at.kernel[1] !== w.shape[3])
    c.fail(`kernel_shape ${formatShape(at.kernel)}`, `the size of weights ${formatShape(w.shape)}`);
  return asGiven(c, convolve(c, x, w, c.inputs[2], c.int('group', 1), at), rank);
};

/**
 * Transposed convolution as a convolution a phase: result q*s + r of stride s is the sum over m of x[q - m] * w[r + s*m], so the s*s phases are as
 * many filters of ceil(K/s) taps, and their results are interleaved (Shi et al., "Is the deconvolution layer the same as a convolutional layer?").
 */
const convTranspose: Converter = (c) => {
  const { g } = c;
  const rank = c.input(0).shape.length;
  const x = asImage(c, c.input(0), 'x');
  let w = asImage(c, weights(c, 1), 'weights');
  const groups = c.int('group', 1);
  const [n, channels, height, width] = x.shape as [number, number, number, number];
  const [wc, outPerGroup, kh, kw] = w.shape as [number, number, number, number];
  if (wc !== channels || groups < 1 || channels % groups !== 0)
    c.fail(
      `x ${formatShape(x.shape)}, weights ${formatShape(w.shape)}, ${groups} groups`,
      'channels that divide into the groups',
    );
  const size: Pair = [height, width];
  const kernel: Pair = [kh, kw];
  const strides = pair(c, 'strides', rank, [1, 1]);
  const dilations = pair(c, 'dilations', rank, [1, 1]);
  const extra = c.ints('output_padding')?.length ? c.ints('output_padding')! : new Array<number>(rank - 2).fill(0);
  const outputPadding: Pair = rank === 3 ? [0, extra[0] ?? 0] : [extra[0] ?? 0, extra[1] ?? 0];
  const extent: Pair = [(kh - 1) * dilations[0] + 1, (kw - 1) * dilations[1] + 1];
  const auto = c.text('auto_pad', 'NOTSET');
  const wantedShape = c.ints('output_shape');
  const list = c.ints('pads') ?? [];
  if (list.length > 0 && list.length !== 2 * (rank - 2)) c.fail(`pads ${formatShape(list)}`, `${2 * (rank - 2)} numbers`);
  const [begin, out] = [[0, 0], [0, 0]] as [Pair, Pair]; // prettier-ignore
  for (const i of [0, 1] as const) {
    const spatial = rank === 3 ? i - 1 : i;
    const full = strides[i] * (size[i] - 1) + outputPadding[i] + extent[i];
    const same = auto === 'SAME_UPPER' || auto === 'SAME_LOWER';
    if (spatial >= 0 && (wantedShape?.length || same)) {
      const list2 = wantedShape?.length ? wantedShape.slice(-(rank - 2)) : undefined;
      out[i] = list2 ? list2[spatial]! : size[i] * strides[i];
      const total = Math.max(0, full - out[i]);
      begin[i] = auto === 'SAME_UPPER' ? Math.floor(total / 2) : total - Math.floor(total / 2);
    } else {
      const [front, back] = spatial < 0 || auto === 'VALID' ? [0, 0] : [list[spatial] ?? 0, list[spatial + rank - 2] ?? 0];
      begin[i] = front;
      out[i] = full - front - back;
    }
    if (!(out[i] >= 1) || begin[i] < 0 || out[i] > 2 ** 24) c.fail(`a result of ${out[i]} pixels`, 'at least one');
  }
  // Dilated kernels are written out with their zeros.
  if (dilations[0] > 1 || dilations[1] > 1) {
    const [dy, dx] = dilations;
    const spread = g.pad(
      g.reshape(w, [wc, outPerGroup, kh, 1, kw, 1]),
      [0, 0, 0, 0, 0, 0],
      [0, 0, 0, dy - 1, 0, dx - 1],
      'constant',
      0,
    );
    w = g.reshape(spread, [wc, outPerGroup, kh * dy, kw * dx]);
    kernel[0] = kh * dy;
    kernel[1] = kw * dx;
  }
  const [sy, sx] = strides;
  const taps: Pair = [Math.ceil(kernel[0] / sy), Math.ceil(kernel[1] / sx)];
  w = g.pad(w, [0, 0, 0, 0], [0, 0, taps[0] * sy - kernel[0], taps[1] * sx - kernel[1]], 'constant', 0);
  const perGroup = channels / groups;
  w = g.reshape(w, [groups, perGroup, outPerGroup, taps[0], sy, taps[1], sx]);
  w = g.part(g.part(w, 3, taps[0] - 1, taps[0], -1), 5, taps[1] - 1, taps[1], -1);
  w = g.reshape(g.transpose(w, [3, 5, 1, 0, 4, 6, 2]), [taps[0], taps[1], perGroup, groups * sy * sx * outPerGroup]);
  const phases = [groups, sy, sx, outPerGroup];
  const bias =
    c.inputs[2] &&
    g.reshape(g.expand(g.reshape(c.inputs[2], [groups, 1, 1, outPerGroup]), phases), [groups * sy * sx * outPerGroup]);
  const more = ([0, 1] as const).map((i) => Math.max(0, Math.ceil((begin[i] + out[i]) / strides[i]) - size[i])) as Pair;
  const padding: Padding = [taps[0] - 1, taps[1] - 1, more[0], more[1]];
  const id = g.emit('conv2d', [g.last(x), g.plain(w), bias ? g.plain(bias) : NONE].filter((v) => v !== NONE), {
    strides: [1, 1], dilations: [1, 1], padding, groups, activation: noActivation, residual: 'before_activation',
  }); // prettier-ignore
  const y = g.tensor(id, x.type, channelsLast(4));
  const [qh, qw] = [y.shape[2]!, y.shape[3]!];
  const apart = g.transpose(g.reshape(y, [n, ...phases, qh, qw]), [0, 1, 4, 5, 2, 6, 3]);
  const whole = g.reshape(apart, [n, groups * outPerGroup, qh * sy, qw * sx]);
  const cut = g.slice(whole, {
    begin: [0, 0, begin[0], begin[1]],
    size: [n, groups * outPerGroup, out[0], out[1]],
    strides: [1, 1, 1, 1],
  });
  return asGiven(c, cut, rank);
};

/** Window, with what ceil_mode adds behind; that part is never counted. */
function poolWindow(c: NodeContext, rank: number, x: Tensor): Window & { beyond: Pair } {
  const size: Pair = [x.shape[2]!, x.shape[3]!];
  const at = window(c, rank, size);
  const beyond: Pair = [0, 0];
  for (const i of [0, 1] as const) {
    const extent = (at.kernel[i] - 1) * at.dilations[i] + 1;
    const padded = size[i] + at.pads[i] + at.pads[i + 2]!;
    if (extent > padded) c.fail(`a window of ${extent} on ${padded} pixels`, 'a window that fits into the padded image');
    if (!c.flag('ceil_mode')) continue;
    let out = Math.ceil((padded - extent) / at.strides[i]) + 1;
    // The last window must begin inside the image or the padding before it.
    if ((out - 1) * at.strides[i] >= size[i] + at.pads[i]) out--;
    beyond[i] = Math.max(0, (out - 1) * at.strides[i] + extent - padded);
  }
  return { ...at, beyond };
}

/** Pools a window as slices of the image: for dilated windows, one axis after the other. */
function poolBySlices(c: NodeContext, x: Tensor, at: Window, kind: 'maximum' | 'add'): Tensor {
  const { g } = c;
  const [top, left, bottom, right] = at.pads;
  let y = g.pad(x, [0, 0, top, left], [0, 0, bottom, right], 'constant', kind === 'maximum' ? -Infinity : 0);
  for (const i of [0, 1] as const) {
    const axis = i + 2;
    const source = y;
    const extent = (at.kernel[i] - 1) * at.dilations[i] + 1;
    const count = Math.floor((source.shape[axis]! - extent) / at.strides[i]) + 1;
    const parts = Array.from({ length: at.kernel[i] }, (_, k) => g.part(source, axis, k * at.dilations[i], count, at.strides[i]));
    y = parts.reduce((sum, part) => g.binary(kind, sum, part));
  }
  return y;
}

const maxPool: Converter = (c) => {
  const { g } = c;
  if (c.wants(1)) c.unsupported('the places of the maxima as a second result', 'the maxima alone');
  const given = c.input(0);
  const rank = given.shape.length;
  const x = asImage(c, toFloat(c, given), 'x');
  const { kernel, strides, dilations, pads, beyond } = poolWindow(c, rank, x);
  const padding: Window['pads'] = [pads[0], pads[1], pads[2] + beyond[0], pads[3] + beyond[1]];
  const y =
    dilations[0] > 1 || dilations[1] > 1 || padding.some((p, i) => p >= kernel[i % 2]!)
      ? poolBySlices(c, x, { kernel, strides, dilations, pads: padding }, 'maximum')
      : g.tensor(g.emit('max_pool', [g.last(x)], { kernel, strides, padding }), x.type, channelsLast(4));
  const result = asGiven(c, y, rank);
  return g.dtype(given) === 'int32' ? toInt(c, result, given.type) : { ...result, type: given.type };
};

function average(c: NodeContext, x: Tensor, rank: number, countPadding: boolean): Tensor {
  const { g } = c;
  const { kernel, strides, dilations, pads, beyond } = poolWindow(c, rank, x);
  const dilated = dilations[0] > 1 || dilations[1] > 1;
  const padding: Window['pads'] = [pads[0], pads[1], pads[2] + beyond[0], pads[3] + beyond[1]];
  if (!dilated && padding.every((p, i) => p < kernel[i % 2]!)) {
    const counted = countPadding && beyond[0] + beyond[1] > 0;
    // What ceil_mode adds does not count: padding that counts becomes zeros of the image.
    const source = counted ? g.pad(x, [0, 0, pads[0], pads[1]], [0, 0, pads[2], pads[3]], 'constant', 0) : x;
    const rest: Padding = counted ? [0, 0, beyond[0], beyond[1]] : padding;
    const id = g.emit('average_pool', [g.last(source)], {
      kernel,
      strides,
      padding: rest,
      countPadding: countPadding && !counted,
    });
    return g.tensor(id, x.type, channelsLast(4));
  }
  const sum = poolBySlices(c, x, { kernel, strides, dilations, pads: padding }, 'add');
  const shape = [1, 1, x.shape[2]!, x.shape[3]!];
  g.room(shape);
  const ones = g.constant(new Float32Array(shape[2]! * shape[3]!).fill(1), shape, x.type);
  const inside = countPadding ? g.pad(ones, [0, 0, pads[0], pads[1]], [0, 0, pads[2], pads[3]], 'constant', 1) : ones;
  const rest: Window['pads'] = countPadding ? [0, 0, beyond[0], beyond[1]] : padding;
  return g.binary('div', sum, poolBySlices(c, inside, { kernel, strides, dilations, pads: rest }, 'add'));
}

const averagePool: Converter = (c) => {
  const rank = c.input(0).shape.length;
  return asGiven(c, average(c, asImage(c, c.input(0), 'x'), rank, c.flag('count_include_pad')), rank);
};

/** (sum |x|^p)^(1/p) over a window: the mean with padding counted, times the window. */
const lpPool: Converter = (c) => {
  const { g } = c;
  const rank = c.input(0).shape.length;
  const x = asImage(c, c.input(0), 'x');
  const p = c.int('p', 2);
  const powers = p === 2 ? g.unary('square', x) : g.number('pow', g.unary('abs', x), p);
  const { kernel } = poolWindow(c, rank, x);
  const sum = g.number('mul', average(c, powers, rank, true), kernel[0] * kernel[1]);
  return asGiven(c, p === 2 ? g.unary('sqrt', sum) : g.number('pow', sum, 1 / p), rank);
};

const global =
  (kind: 'mean' | 'max'): Converter =>
  (c) => {
    const x = c.input(0);
    const rank = c.rank(x, 3);
    return c.g.reduce(kind, x, x.shape.map((_, i) => i).slice(2, rank), true);
  };

export const windows: Readonly<Record<string, Converter>> = {
  Conv: conv,
  ConvTranspose: convTranspose,
  MaxPool: maxPool,
  AveragePool: averagePool,
  LpPool: lpPool,
  GlobalAveragePool: global('mean'),
  GlobalMaxPool: global('max'),
  GlobalLpPool(c) {
    const { g } = c;
    const x = c.input(0);
    const p = c.int('p', 2);
    const sum = g.reduce('sum', g.number('pow', g.unary('abs', x), p), x.shape.map((_, i) => i).slice(2), true);
    return g.number('pow', sum, 1 / p);
  },
};

/** For operators of quantised numbers, which convolve what they have turned into floats. */
export function convolveAs(c: NodeContext, x: Tensor, w: Tensor, bias: Tensor | undefined): Tensor {
  const rank = x.shape.length;
  const [image, filters] = [asImage(c, x, 'x'), asImage(c, w, 'weights')];
  const at = window(c, rank, [image.shape[2]!, image.shape[3]!], [filters.shape[2]!, filters.shape[3]!]);
  return asGiven(c, convolve(c, image, filters, bias, c.int('group', 1), at), rank);
}
