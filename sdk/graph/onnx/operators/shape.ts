// Shapes and places: reshaping, transposing, slicing, joining, padding, gathering, scattering, and the arithmetic on shapes that is folded.
import { Constant } from '../../../ir/graph.js';
import { sizeOf, stridesOf, type Shape } from '../../../tensor/shape.js';
import type { Tensor } from '../algebra.js';
import { elementTypeName, ElementType as T } from '../model.js';
import type { Converter, NodeContext } from '../node.js';
import { graphType } from '../tensor.js';

const vector = (c: NodeContext, values: readonly number[], type: number = T.int64): Tensor =>
  c.g.constant(Int32Array.from(values), [values.length], type);

const reshape: Converter = (c) => {
  const x = c.input(0);
  const wanted = c.list('shape', 1) ?? c.fail('no shape', 'a shape');
  const allowZero = c.flag('allowzero');
  const shape = wanted.map((d, i) =>
    d === 0 && !allowZero ? (x.shape[i] ?? c.fail(`0 for axis ${i}`, `an axis of rank ${x.shape.length}`)) : d,
  );
  const open = shape.indexOf(-1);
  if (open >= 0) {
    const known = sizeOf(shape.filter((_, i) => i !== open));
    if (shape.indexOf(-1, open + 1) >= 0 || known === 0)
      c.fail(`shape ${wanted.join(', ')}`, 'at most one -1, and no 0 beside it');
    shape[open] = sizeOf(x.shape) / known;
  }
  if (shape.some((d) => !Number.isInteger(d) || d < 0))
    c.fail(`shape ${wanted.join(', ')}`, `a shape of ${sizeOf(x.shape)} elements`);
  return c.g.reshape(x, shape);
};

const flatten: Converter = (c) => {
  const x = c.input(0);
  const rank = x.shape.length;
  const given = c.int('axis', 1);
  const axis = given < 0 ? given + rank : given;
  if (axis < 0 || axis > rank) c.fail(`axis ${given}`, `0 to ${rank}`);
  return c.g.reshape(x, [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis))]);
};

const squeeze: Converter = (c) => {
  const x = c.input(0);
  const given = c.list('axes', 1);
  const axes = given ? c.axes(given, x.shape.length) : x.shape.flatMap((d, i) => (d === 1 ? [i] : []));
  for (const axis of axes) if (x.shape[axis] !== 1) c.fail(`axis ${axis} of ${x.shape[axis]} elements`, 'axes of one element');
  return c.g.reshape(x, x.shape.filter((_, i) => !axes.includes(i))); // prettier-ignore
};

const unsqueeze: Converter = (c) => {
  const x = c.input(0);
  const list = c.list('axes', 1) ?? c.fail('no axes', 'axes');
  const axes = c.axes(list, x.shape.length + list.length);
  const shape = [...x.shape];
  for (const axis of axes) shape.splice(axis, 0, 1);
  return c.g.reshape(x, shape);
};

const transpose: Converter = (c) => {
  const x = c.input(0);
  const rank = x.shape.length;
  const perm = c.ints('perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
  if (perm.length !== rank || c.axes(perm, rank).some((axis, i) => axis !== i))
    c.fail(`perm ${perm.join(', ')}`, `each axis of rank ${rank} once`);
  return c.g.transpose(x, perm.map((axis) => c.axis(axis, rank))); // prettier-ignore
};

const slice: Converter = (c) => {
  const x = c.input(0);
  const rank = x.shape.length;
  const starts = c.list('starts', 1) ?? c.fail('no starts', 'starts');
  const ends = c.list('ends', 2) ?? c.fail('no ends', 'ends');
  const axes = (c.list('axes', 3) ?? starts.map((_, i) => i)).map((axis) => c.axis(axis, rank));
  const steps = (c.has(4) ? c.integers(4, 'steps') : undefined) ?? starts.map(() => 1);
  if (ends.length !== starts.length || axes.length !== starts.length || steps.length !== starts.length) {
    c.fail(`${starts.length} starts, ${ends.length} ends, ${axes.length} axes, ${steps.length} steps`, 'equal numbers');
  }
  const at = { begin: x.shape.map(() => 0), size: [...x.shape], strides: x.shape.map(() => 1) };
  axes.forEach((axis, i) => {
    const d = x.shape[axis]!;
    const step = steps[i]!;
    if (step === 0) c.fail('step 0', 'another number');
    const clamp = (v: number): number => (step > 0 ? Math.min(Math.max(v, 0), d) : Math.min(Math.max(v, -1), d - 1));
    const first = clamp(starts[i]! < 0 ? starts[i]! + d : starts[i]!);
    const last = clamp(ends[i]! < 0 ? ends[i]! + d : ends[i]!);
    const size = Math.max(0, Math.ceil((last - first) / step));
    at.begin[axis] = size === 0 ? 0 : first;
    at.size[axis] = size;
    at.strides[axis] = step;
  });
  return c.g.slice(x, at);
};

const split: Converter = (c) => {
  const x = c.input(0);
  const axis = c.axis(c.int('axis', 0), c.rank(x, 1));
  const d = x.shape[axis]!;
  const count = c.int('num_outputs', c.node.outputs.length);
  if (count < 1 || count > 2 ** 16) c.fail(`${count} parts`, 'at least one');
  const chunk = Math.ceil(d / count);
  const sizes = c.list('split', 1) ?? Array.from({ length: count }, (_, i) => Math.max(0, Math.min(chunk, d - i * chunk)));
  if (sizes.some((size) => size < 0) || sizes.reduce((sum, size) => sum + size, 0) !== d)
    c.fail(`parts of ${sizes.join(', ')}`, `a sum of ${d}`);
  let begin = 0;
  return sizes.map((size) => {
    const part = c.g.part(x, axis, size === 0 ? 0 : begin, size);
    begin += size;
    return part;
  });
};

const concat: Converter = (c) => {
  const xs = c.inputs.map((_, i) => c.input(i));
  const axis = c.axis(c.int('axis', 1), c.rank(c.input(0), 1));
  if (xs.some((x) => x.shape.length !== xs[0]!.shape.length))
    c.fail(xs.map((x) => `rank ${x.shape.length}`).join(', '), 'equal ranks');
  return c.g.concat(xs, axis);
};

const pad: Converter = (c) => {
  const { g } = c;
  let x = c.input(0);
  const rank = x.shape.length;
  const list = (c.given('paddings') ? c.ints('paddings') : c.list('pads', 1)) ?? c.fail('no pads', 'pads');
  const axes = c.has(3) ? c.integers(3, 'axes').map((axis) => c.axis(axis, rank)) : x.shape.map((_, i) => i);
  if (list.length !== 2 * axes.length) c.fail(`${list.length} pads`, `${2 * axes.length}`);
  const before = x.shape.map(() => 0);
  const after = x.shape.map(() => 0);
  axes.forEach((axis, i) => {
    before[axis] = list[i]!;
    after[axis] = list[axes.length + i]!;
  });
  const mode = c.text('mode', 'constant');
  // Negative pads cut away.
  if ([...before, ...after].some((n) => n < 0)) {
    const begin = before.map((n) => Math.max(0, -n));
    const size = x.shape.map((d, i) => d - begin[i]! - Math.max(0, -after[i]!));
    if (size.some((d) => d < 0)) c.fail(`pads ${list.join(', ')}`, 'pads that leave something');
    x = g.slice(x, { begin, size, strides: size.map(() => 1) });
  }
  const [more, behind] = [before.map((n) => Math.max(0, n)), after.map((n) => Math.max(0, n))];
  if (mode === 'constant') {
    const value = c.has(2) ? c.number(2, 'constant_value') : c.float('value', 0);
    if (!Number.isNaN(value)) return g.pad(x, more, behind, 'constant', value);
    c.unsupported('padding with NaN', 'a number');
  }
  if (mode === 'edge') return g.pad(x, more, behind, 'edge', 0);
  if (mode !== 'reflect' && mode !== 'wrap') c.unsupported(`mode ${JSON.stringify(mode)}`, 'constant, reflect, edge or wrap');
  if (mode === 'reflect' && x.shape.every((d, i) => Math.max(more[i]!, behind[i]!) < Math.max(1, d)))
    return g.pad(x, more, behind, 'reflect', 0);
  // Over and over, or around: elements of each axis by place.
  x.shape.forEach((d, axis) => {
    const [front, back] = [more[axis]!, behind[axis]!];
    if (front + back === 0) return;
    if (d === 0) c.fail(`an empty axis ${axis}`, 'elements to repeat');
    g.room([front + d + back]);
    const period = mode === 'wrap' ? d : Math.max(1, 2 * (d - 1));
    const places = Array.from({ length: front + d + back }, (_, i) => {
      const at = (((i - front) % period) + period) % period;
      return at < d ? at : period - at;
    });
    x = g.pick(x, axis, places);
  });
  return x;
};

/** An index inside the axis: negative ones count from the end. */
function wrapIndex(c: NodeContext, index: Tensor, size: number): Tensor {
  const { g } = c;
  const known = g.numbers(index);
  if (known) {
    if (known.some((v) => v < -size || v >= size))
      c.fail(`index ${known.find((v) => v < -size || v >= size)}`, `-${size} to ${size - 1}`);
    return g.constant(Int32Array.from(known, (v) => (v < 0 ? v + size : v)), index.shape, T.int32); // prettier-ignore
  }
  const negative = g.cast(g.compare('less', index, g.scalar(0, index)), 'int32', T.int32);
  return g.binary('add', index, g.number('mul', negative, size));
}

const gather: Converter = (c) => {
  const x = c.input(0);
  const axis = c.axis(c.int('axis', 0), c.rank(x, 1));
  return c.g.gather(x, wrapIndex(c, c.input(1), x.shape[axis]!), axis);
};

/** Elements of x, seen as one row, by place. */
function gatherFlat(c: NodeContext, x: Tensor, places: Tensor): Tensor {
  const flat = c.g.reshape(x, [sizeOf(x.shape)]);
  return { ...c.g.gather(flat, places, 0), type: x.type };
}

/** For each element of `shape` its offset in a tensor of `strides`, without the part of `skip`. */
function baseOffsets(c: NodeContext, shape: Shape, strides: readonly number[], skip: number): Tensor {
  c.g.room(shape);
  const steps = stridesOf(shape);
  const data = new Int32Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) {
    let offset = 0;
    for (let axis = 0; axis < shape.length; axis++)
      if (axis !== skip) offset += (Math.floor(i / steps[axis]!) % shape[axis]!) * strides[axis]!;
    data[i] = offset;
  }
  return c.g.constant(data, shape, T.int32);
}

const gatherElements: Converter = (c) => {
  const { g } = c;
  const [x, index] = [c.input(0), c.input(1)];
  const axis = c.axis(c.int('axis', 0), c.rank(x, 1));
  if (index.shape.length !== x.shape.length || index.shape.some((d, i) => i !== axis && d > x.shape[i]!))
    c.fail(`indices ${index.shape.join(', ')}`, `the rank and at most the sizes of ${x.shape.join(', ')}`);
  const strides = stridesOf(x.shape);
  const along = g.number('mul', wrapIndex(c, index, x.shape[axis]!), strides[axis]!);
  return gatherFlat(c, x, g.binary('add', along, baseOffsets(c, index.shape, strides, axis)));
};

/** Places of index tuples [..., k] in x, whose first `batch` axes the index shares: offsets [...] and the shape of what stands there. */
function tupleOffsets(c: NodeContext, x: Tensor, index: Tensor, batch: number): { places: Tensor; inner: number[] } {
  const { g } = c;
  const k = index.shape.at(-1) ?? c.fail('a scalar of indices', 'tuples');
  if (batch + k > x.shape.length || batch >= index.shape.length) c.fail(`tuples of ${k}`, `at most ${x.shape.length - batch}`);
  const inner = x.shape.slice(batch + k);
  const rows = sizeOf(inner);
  const strides = stridesOf(x.shape);
  const outer = index.shape.slice(0, -1);
  const batchStrides = outer.map((_, i) => (i < batch ? strides[i]! / rows : 0));
  let places = baseOffsets(c, outer, batchStrides, -1);
  for (let i = 0; i < k; i++) {
    const column = g.reshape(g.part(index, index.shape.length - 1, i, 1), outer);
    places = g.binary('add', places, g.number('mul', wrapIndex(c, column, x.shape[batch + i]!), strides[batch + i]! / rows));
  }
  return { places, inner };
}

const gatherND: Converter = (c) => {
  const [x, index] = [c.input(0), c.input(1)];
  if (sizeOf(x.shape) === 0) c.fail('an empty tensor', 'elements to gather');
  const batch = c.int('batch_dims', 0);
  const { places, inner } = tupleOffsets(c, x, index, batch);
  const rows = c.g.reshape(x, [sizeOf(x.shape) / sizeOf(inner), sizeOf(inner)]);
  return c.g.reshape(c.g.gather(rows, places, 0), [...index.shape.slice(0, -1), ...inner]);
};

/** Scattering to places that are known is a gather from the data with the updates behind it. */
function scatter(c: NodeContext, x: Tensor, places: Tensor, updates: Tensor, inner: number): Tensor {
  const { g } = c;
  if (c.text('reduction', 'none') !== 'none') c.unsupported(`reduction ${c.text('reduction', '')}`, 'none');
  const known = g.numbers(places) ?? c.unsupported('places computed at run time', 'constant indices');
  const rows = sizeOf(x.shape) / inner;
  g.room([rows]);
  const from = Int32Array.from({ length: rows }, (_, i) => i);
  known.forEach((place, i) => (from[place] = rows + i));
  const all = g.concat([g.reshape(x, [rows, inner]), g.reshape(updates, [known.length, inner])], 0);
  return g.reshape(g.gather(all, g.constant(from, [rows], T.int32), 0), x.shape);
}

const scatterElements: Converter = (c) => {
  const { g } = c;
  const [x, index, updates] = [c.input(0), c.input(1), c.input(2)];
  const axis = c.axis(c.int('axis', 0), c.rank(x, 1));
  const strides = stridesOf(x.shape);
  const along = g.number('mul', wrapIndex(c, index, x.shape[axis]!), strides[axis]!);
  return scatter(c, x, g.binary('add', along, baseOffsets(c, index.shape, strides, axis)), updates, 1);
};

const scatterND: Converter = (c) => {
  const [x, index, updates] = [c.input(0), c.input(1), c.input(2)];
  const { places, inner } = tupleOffsets(c, x, index, 0);
  return scatter(c, x, places, updates, sizeOf(inner));
};

const expand: Converter = (c) => {
  const x = c.input(0);
  const wanted = c.integers(1, 'shape');
  const rank = Math.max(x.shape.length, wanted.length);
  const shape = Array.from({ length: rank }, (_, i) => {
    const a = x.shape[i - rank + x.shape.length] ?? 1;
    const b = wanted[i - rank + wanted.length] ?? 1;
    if (a !== b && a !== 1 && b !== 1) c.fail(`shape ${wanted.join(', ')}`, `one that ${x.shape.join(', ')} broadcasts to`);
    return a === 1 ? b : a;
  });
  if (shape.some((d) => d < 0)) c.fail(`shape ${wanted.join(', ')}`, 'sizes of at least 0');
  return c.g.expand(x, shape);
};

const tile: Converter = (c) => {
  let x = c.input(0);
  const repeats = c.integers(1, 'repeats');
  if (repeats.length !== x.shape.length || repeats.some((n) => n < 0)) c.fail(`${repeats.length} repeats`, `${x.shape.length}`);
  repeats.forEach((n, axis) => (x = c.g.repeat(x, axis, n)));
  return x;
};

const depthToSpace: Converter = (c) => {
  const { g } = c;
  const x = c.input(0);
  const b = c.int('blocksize', 0);
  if (x.shape.length !== 4 || b < 1 || x.shape[1]! % (b * b) !== 0)
    c.fail(`${x.shape.join(', ')} in blocks of ${b}`, 'a multiple of blocksize^2 channels');
  const [n, channels, h, w] = x.shape as [number, number, number, number];
  const out = channels / (b * b);
  const crd = c.text('mode', 'DCR') === 'CRD';
  const parts = g.reshape(x, crd ? [n, out, b, b, h, w] : [n, b, b, out, h, w]);
  return g.reshape(g.transpose(parts, crd ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2]), [n, out, h * b, w * b]);
};

const spaceToDepth: Converter = (c) => {
  const { g } = c;
  const x = c.input(0);
  const b = c.int('blocksize', 0);
  if (x.shape.length !== 4 || b < 1 || x.shape[2]! % b !== 0 || x.shape[3]! % b !== 0)
    c.fail(`${x.shape.join(', ')} in blocks of ${b}`, 'multiples of blocksize');
  const [n, channels, h, w] = x.shape as [number, number, number, number];
  const parts = g.reshape(x, [n, channels, h / b, b, w / b, b]);
  const crd = c.text('mode', 'DCR') === 'CRD';
  return g.reshape(g.transpose(parts, crd ? [0, 1, 3, 5, 2, 4] : [0, 3, 5, 1, 2, 4]), [n, channels * b * b, h / b, w / b]);
};

const constant: Converter = (c) => {
  const tensor = c.tensorAttribute('value');
  if (tensor) return tensor;
  if (c.given('value_float')) return c.g.constant(Float32Array.of(c.float('value_float', 0)), [], T.float);
  if (c.given('value_int')) return c.g.constant(Int32Array.of(saturate(c.int('value_int', 0))), [], T.int64);
  const floats = c.floats('value_floats');
  if (floats && c.given('value_floats')) return c.g.constant(Float32Array.from(floats), [floats.length], T.float);
  if (c.given('value_ints')) return vector(c, (c.ints('value_ints') ?? []).map(saturate));
  return c.unsupported('a constant of text or a sparse one', 'numbers');
};

const saturate = (v: number): number => Math.min(Math.max(v, -(2 ** 31)), 2 ** 31 - 1);

function filled(c: NodeContext, shape: Shape, value: number, type: number): Tensor {
  c.g.room(shape);
  const size = sizeOf(shape);
  const dtype = graphType(type) ?? c.unsupported(`element type ${elementTypeName(type)}`, 'numbers');
  if (dtype === 'float32') return c.g.constant(new Float32Array(size).fill(value), shape, type);
  if (dtype === 'int32') return c.g.constant(new Int32Array(size).fill(value), shape, type);
  return c.g.constant(new Constant('bool', new Uint8Array(size).fill(value)), shape, type);
}

const constantOfShape: Converter = (c) => {
  const shape = c.integers(0, 'shape');
  if (shape.some((d) => d < 0)) c.fail(`shape ${shape.join(', ')}`, 'sizes of at least 0');
  const value = c.tensorAttribute('value');
  return filled(c, shape, value ? c.g.numbers(value)![0]! : 0, value?.type ?? T.float);
};

const range: Converter = (c) => {
  const [start, limit, delta] = [c.number(0, 'start'), c.number(1, 'limit'), c.number(2, 'delta')];
  const count = Math.max(0, Math.ceil((limit - start) / delta));
  if (!Number.isFinite(count)) c.fail(`${start} to ${limit} by ${delta}`, 'a finite range');
  c.g.room([count]);
  const values = Array.from({ length: count }, (_, i) => start + i * delta);
  const { type } = c.input(0);
  return graphType(type) === 'float32' ? c.g.constant(Float32Array.from(values), [count], type) : vector(c, values, type);
};

const oneHot: Converter = (c) => {
  const { g } = c;
  const [index, values] = [c.input(0), c.input(2)];
  const depth = Math.trunc(c.number(1, 'depth'));
  if (depth < 1) c.fail(`depth ${depth}`, 'at least 1');
  const rank = index.shape.length + 1;
  const axis = c.axis(c.int('axis', -1), rank);
  const shape = [...index.shape];
  shape.splice(axis, 0, 1);
  g.room([depth]);
  const places = g.constant(Int32Array.from({ length: depth }, (_, i) => i), Array.from({ length: rank }, (_, i) => (i === axis ? depth : 1)), T.int32); // prettier-ignore
  // Negative ones count from the end; what is outside is nowhere.
  const whole = g.cast(g.reshape(index, shape), 'int32', T.int32);
  const negative = g.cast(g.compare('less', whole, g.scalar(0, whole)), 'int32', T.int32);
  const wanted = g.binary('add', whole, g.number('mul', negative, depth));
  const [off, on] = [g.reshape(g.part(values, 0, 0, 1), []), g.reshape(g.part(values, 0, 1, 1), [])];
  return { ...g.where(g.compare('equal', wanted, places), on, off), type: values.type };
};

const eyeLike: Converter = (c) => {
  const x = c.input(0);
  if (x.shape.length !== 2) c.fail(`rank ${x.shape.length}`, 'a matrix');
  c.g.room(x.shape);
  const [rows, columns] = x.shape as [number, number];
  const k = c.int('k', 0);
  const type = c.int('dtype', x.type);
  const data = Float32Array.from({ length: rows * columns }, (_, i) => Number((i % columns) - Math.floor(i / columns) === k));
  return c.g.cast(c.g.constant(data, x.shape, type), graphType(type) ?? 'float32', type);
};

const trilu: Converter = (c) => {
  const { g } = c;
  const x = c.input(0);
  const rank = c.rank(x, 2);
  const k = c.has(1) ? c.number(1, 'k') : 0;
  const upper = c.flag('upper', true);
  const [rows, columns] = x.shape.slice(-2) as [number, number];
  g.room([rows, columns]);
  const mask = new Uint8Array(rows * columns).map((_, i) => {
    const above = (i % columns) - Math.floor(i / columns);
    return Number(upper ? above >= k : above <= k);
  });
  if (rank < 2 || sizeOf(x.shape) === 0) return x;
  return g.where(g.constant(new Constant('bool', mask), [rows, columns], T.bool), x, g.scalar(0, x));
};

export const shapes: Readonly<Record<string, Converter>> = {
  Reshape: reshape,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Slice: slice,
  Split: split,
  Concat: concat,
  Pad: pad,
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherND,
  Scatter: scatterElements,
  ScatterElements: scatterElements,
  ScatterND: scatterND,
  Expand: expand,
  Tile: tile,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  Constant: constant,
  ConstantOfShape: constantOfShape,
  Range: range,
  OneHot: oneHot,
  EyeLike: eyeLike,
  Trilu: trilu,
  Shape(c) {
    const { shape } = c.input(0);
    const clamp = (v: number): number => Math.min(Math.max(v < 0 ? v + shape.length : v, 0), shape.length);
    return vector(c, shape.slice(clamp(c.int('start', 0)), clamp(c.int('end', shape.length))));
  },
  Size: (c) => c.g.constant(Int32Array.of(sizeOf(c.input(0).shape)), [], T.int64),
};
