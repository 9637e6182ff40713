// Resize and Upsample: the operator of the graph where its coordinates are the same, else one axis after the other by place or as a product.
import { formatShape, sizeOf } from '../../../tensor/shape.js';
import type { Attributes } from '../../../ir/operators.js';
import { channelsLast, noActivation, type Tensor } from '../algebra.js';
import type { Converter, NodeContext } from '../node.js';

interface Axis {
  axis: number;
  size: number;
  out: number;
  /** Output pixels an input pixel, as the model gives it; `out` is rounded down. */
  scale: number;
  /** Part of the axis that tf_crop_and_resize takes, 0 to 1. */
  start: number;
  end: number;
}

interface Options {
  mode: string;
  coordinates: string;
  nearest: string;
  cubic: number;
  excludeOutside: boolean;
  extrapolation: number;
  antialias: boolean;
}

const resizeOptions = (c: NodeContext): Options => ({
  mode: c.text('mode', 'nearest').replace('bilinear', 'linear'),
  coordinates: c.opset < 11 ? 'asymmetric' : c.text('coordinate_transformation_mode', 'half_pixel'),
  nearest: c.opset < 11 ? 'floor' : c.text('nearest_mode', 'round_prefer_floor'),
  cubic: c.float('cubic_coeff_a', -0.75),
  excludeOutside: c.flag('exclude_outside'),
  extrapolation: c.float('extrapolation_value', 0),
  antialias: c.flag('antialias'),
});

const resize: Converter = (c) => {
  const x = c.input(0);
  const rank = x.shape.length;
  const axes = (c.ints('axes') ?? x.shape.map((_, i) => i)).map((axis) => c.axis(axis, rank));
  const scalesAt = c.node.op === 'Upsample' || c.opset < 11 ? 1 : 2;
  const filled = (index: number): boolean => c.has(index) && sizeOf(c.input(index).shape) > 0;
  const scales = c.given('scales')
    ? c.floats('scales')
    : filled(scalesAt)
      ? Array.from(c.numbers(scalesAt, 'scales'))
      : undefined;
  const sizes = scalesAt === 2 && filled(3) ? c.integers(3, 'sizes') : undefined;
  const given = sizes ?? scales ?? c.fail('neither scales nor sizes', 'one of them');
  if (given.length !== axes.length) c.fail(`${given.length} scales or sizes`, `${axes.length}`);
  if (given.some((v) => !(v > 0) || !Number.isFinite(v))) c.fail(`scales or sizes ${formatShape(given)}`, 'positive numbers');
  const options = resizeOptions(c);
  const roi = options.coordinates === 'tf_crop_and_resize' ? Array.from(c.numbers(1, 'roi')) : undefined;
  if (roi && roi.length !== 2 * axes.length) c.fail(`${roi.length} numbers for roi`, `${2 * axes.length}`);
  const policy = c.text('keep_aspect_ratio_policy', 'stretch');
  const ratios = sizes?.map((size, i) => size / x.shape[axes[i]!]!);
  const common =
    ratios && policy !== 'stretch' ? (policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios)) : undefined;
  const all = axes.map((axis, i): Axis => {
    const size = x.shape[axis]!;
    const scale = common ?? (sizes ? sizes[i]! / size : scales![i]!);
    const out = common
      ? Math.floor(common * size + 0.5)
      : sizes
        ? sizes[i]!
        : Math.floor(size * scale + 1e-6 * Math.max(1, scale));
    return { axis, size, out, scale, start: roi?.[i] ?? 0, end: roi?.[i + axes.length] ?? 1 };
  });
  for (const { out, axis } of all) if (out < 1 || out > 2 ** 24) c.fail(`${out} elements on axis ${axis}`, 'at least one');
  const result = x.shape.map((d, i) => all.find(({ axis }) => axis === i)?.out ?? d);
  if (!(sizeOf(result) < 2 ** 31)) c.fail(`a result of ${formatShape(result)}`, 'fewer than 2^31 elements');
  const changed = all.filter(({ size, out, scale }) => size !== out || scale !== 1 || roi !== undefined);
  const known = exact(x, changed, options);
  if (known) {
    const id = c.g.emit('resize', [c.g.last(x)], known);
    return c.g.tensor(id, x.type, channelsLast(4));
  }
  return changed.reduce((y, axis) => resizeAxis(c, y, axis, options), x);
};

/** Attributes of the graph's own operator, where it does the same. */
function exact(x: Tensor, axes: readonly Axis[], o: Options): Attributes['resize'] | undefined {
  if (x.shape.length !== 4 || axes.some(({ axis }) => axis < 2)) return undefined;
  if (o.mode !== 'nearest' && o.mode !== 'linear') return undefined;
  if (o.antialias && o.mode === 'linear' && axes.some(({ scale }) => scale < 1)) return undefined;
  // Scales that give no whole number of pixels have coordinates of their own.
  if (axes.some(({ size, out, scale }) => Math.abs(size * scale - out) > 1e-6 * out)) return undefined;
  const sizes = [2, 3].map((axis) => axes.find((a) => a.axis === axis)?.out ?? x.shape[axis]!);
  let coordinates = o.coordinates;
  let nearest = o.nearest;
  if (coordinates === 'half_pixel_symmetric' || (coordinates === 'pytorch_half_pixel' && axes.every(({ out }) => out > 1)))
    coordinates = 'half_pixel';
  // floor((i + 0.5) / scale) is the half-pixel coordinate rounded up at ties.
  if (coordinates === 'tf_half_pixel_for_nn' && o.mode === 'nearest' && nearest === 'floor')
    [coordinates, nearest] = ['half_pixel', 'round_prefer_ceil'];
  if (coordinates !== 'half_pixel' && coordinates !== 'asymmetric' && coordinates !== 'align_corners') return undefined;
  if (nearest !== 'floor' && nearest !== 'ceil' && nearest !== 'round_prefer_floor' && nearest !== 'round_prefer_ceil')
    return undefined;
  return { mode: o.mode === 'linear' ? 'bilinear' : 'nearest', height: sizes[0]!, width: sizes[1]!, coordinates, nearest };
}

/** Source coordinate of output i (ONNX, Resize). */
function coordinate(c: NodeContext, i: number, a: Axis, mode: string): number {
  const { size, out, scale } = a;
  const wide = scale * size;
  switch (mode) {
    case 'half_pixel':
      return (i + 0.5) / scale - 0.5;
    case 'half_pixel_symmetric':
      return (size / 2) * (1 - out / wide) + (i + 0.5) / scale - 0.5;
    case 'pytorch_half_pixel':
      return out > 1 ? (i + 0.5) / scale - 0.5 : 0;
    case 'align_corners':
      return wide === 1 ? 0 : (i * (size - 1)) / (wide - 1);
    case 'asymmetric':
      return i / scale;
    case 'tf_half_pixel_for_nn':
      return (i + 0.5) / scale;
    case 'tf_crop_and_resize':
      return out > 1
        ? a.start * (size - 1) + (i * (a.end - a.start) * (size - 1)) / (out - 1)
        : 0.5 * (a.start + a.end) * (size - 1);
    default:
      return c.unsupported(`coordinate_transformation_mode ${JSON.stringify(mode)}`, 'a mode of operator set 19');
  }
}

function resizeAxis(c: NodeContext, x: Tensor, a: Axis, o: Options): Tensor {
  const { g } = c;
  const { axis, size, out } = a;
  if (size < 1) c.fail(`an empty axis ${axis}`, 'at least one element');
  g.room([out]);
  const at = Array.from({ length: out }, (_, i) => coordinate(c, i, a, o.coordinates));
  const clamp = (i: number): number => Math.min(Math.max(i, 0), size - 1);
  let y: Tensor;
  if (o.mode === 'nearest') {
    const round: Readonly<Record<string, (v: number) => number>> = {
      floor: Math.floor,
      ceil: Math.ceil,
      round_prefer_floor: (v) => Math.ceil(v - 0.5),
      round_prefer_ceil: (v) => Math.floor(v + 0.5),
    };
    const f = round[o.nearest] ?? c.unsupported(`nearest_mode ${JSON.stringify(o.nearest)}`, Object.keys(round).join(', '));
    y = g.pick(x, axis, at.map((v) => clamp(f(v)))); // prettier-ignore
  } else {
    if (o.mode !== 'linear' && o.mode !== 'cubic') c.unsupported(`mode ${JSON.stringify(o.mode)}`, 'nearest, linear or cubic');
    g.room([out, size]);
    y = mixAxis(c, x, axis, weightsOf(at, a, o), out);
  }
  if (o.coordinates !== 'tf_crop_and_resize') return y;
  const outside = Uint8Array.from(at, (v) => Number(v < 0 || v > size - 1));
  if (!outside.includes(1)) return y;
  const mask = g.cast(g.constant(Int32Array.from(outside), x.shape.map((_, i) => (i === axis ? out : 1)), 6), 'bool', 9); // prettier-ignore
  return g.where(mask, g.scalar(o.extrapolation, y), y);
}

/** The matrix [out, size] of a linear or cubic filter; cubic is Keys' with a free parameter (IEEE ASSP-29, 1981, eq. 15). */
function weightsOf(at: readonly number[], { size, scale }: Axis, o: Options): Float32Array {
  const shrink = o.antialias ? Math.min(scale, 1) : 1;
  const support = o.mode === 'linear' ? 1 : 2;
  const reach = Math.ceil(support / shrink);
  const kernel = (t: number): number => {
    const d = Math.abs(t);
    if (o.mode === 'linear') return Math.max(0, 1 - d);
    if (d <= 1) return ((o.cubic + 2) * d - (o.cubic + 3)) * d * d + 1;
    return d < 2 ? ((o.cubic * d - 5 * o.cubic) * d + 8 * o.cubic) * d - 4 * o.cubic : 0;
  };
  const matrix = new Float32Array(at.length * size);
  at.forEach((v, row) => {
    const floor = Math.floor(v);
    const taps = Array.from({ length: 2 * reach }, (_, k) => {
      const place = floor - reach + 1 + k;
      const inside = place >= 0 && place < size;
      return {
        place: Math.min(Math.max(place, 0), size - 1),
        weight: o.excludeOutside && !inside ? 0 : kernel((place - v) * shrink),
      };
    });
    const sum = shrink < 1 || o.excludeOutside ? taps.reduce((total, { weight }) => total + weight, 0) : 1;
    for (const { place, weight } of taps) matrix[row * size + place]! += weight / sum;
  });
  return matrix;
}

/** Each element of an axis becomes a weighted sum of the axis: a matrix product in whatever order the axes lie. */
function mixAxis(c: NodeContext, x: Tensor, axis: number, matrix: Float32Array, out: number): Tensor {
  const { g } = c;
  const { id, perm } = x.forms[0]!;
  const physical = perm.map((a) => x.shape[a]!);
  const at = perm.indexOf(axis);
  const size = physical[at]!;
  const [outer, inner] = [sizeOf(physical.slice(0, at)), sizeOf(physical.slice(at + 1))];
  const weights = g.plain(g.constant(matrix, [out, size], x.type));
  const attributes = { transposeA: false, transposeB: inner === 1, activation: noActivation };
  const y =
    inner === 1
      ? g.emit('matmul', [g.emit('reshape', [id], {}, { shape: [outer, size] }), weights], attributes)
      : g.emit('matmul', [weights, g.emit('reshape', [id], {}, { shape: [outer, size, inner] })], attributes);
  physical[at] = out;
  return g.tensor(g.emit('reshape', [y], {}, { shape: physical }), x.type, perm);
}

export const resizes: Readonly<Record<string, Converter>> = { Resize: resize, Upsample: resize };
