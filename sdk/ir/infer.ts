// Shape and type inference: one rule an operator. It checks operands and attributes; it computes no values.
import { ModelError } from '../errors.js';
import type { DType } from '../tensor/dtype.js';
import { broadcastShapes, formatShape, shapesEqual, sizeOf, type Shape } from '../tensor/shape.js';
import type { Activation, Attributes, OperatorName, Padding } from './operators.js';

/** Element types a value can have in a graph; float16 is a storage type of constants only. */
export type ValueDType = Exclude<DType, 'float16'>;

/** Type and static shape of a value. */
export interface ValueType {
  dtype: ValueDType;
  shape: Shape;
}

/** What inference may know of an operand. `image` operands have no shape of their own. */
export interface OperandType extends ValueType {
  image?: true | undefined;
}

export interface InferOptions {
  /** Name of the node, for messages. Default: the operator's name. */
  name?: string | undefined;
  /** For `reshape` the wanted shape, for `cast` the wanted dtype; ignored by every other operator. */
  result?: { shape?: Shape | undefined; dtype?: ValueDType | undefined } | undefined;
}

/** Largest number of elements a value may have: the limit of 32-bit indices in every runtime. */
export const MAX_ELEMENTS = 2 ** 31 - 1;

type Operands = readonly (OperandType | undefined)[];

/** Names the node in every message, so that rules stay one line a check. */
class Check {
  constructor(
    readonly op: OperatorName,
    readonly name: string,
    readonly operands: Operands,
    readonly result: { shape?: Shape | undefined; dtype?: ValueDType | undefined },
  ) {}

  fail(found: string, wanted: string): never {
    const shapes = this.operands.map((o) => (o ? (o.image ? 'image' : `${o.dtype} ${formatShape(o.shape)}`) : 'none')).join(', ');
    throw new ModelError('invalid-model', { thing: `node "${this.name}" (${this.op}) of operands (${shapes})`, found, wanted });
  }

  /** The operand at `index`; absent operands and images are refused. */
  operand(index: number, what: string, dtypes?: readonly ValueDType[], rank?: number): OperandType {
    const operand = this.operands[index];
    if (!operand) this.fail(`no ${what}`, `operand ${index} to be the ${what}`);
    if (operand.image) this.fail(`an image as ${what}`, 'a tensor');
    if (dtypes && !dtypes.includes(operand.dtype)) this.fail(`${what} of type ${operand.dtype}`, dtypes.join(' or '));
    if (rank !== undefined && operand.shape.length !== rank) {
      this.fail(`${what} of rank ${operand.shape.length}`, `rank ${rank}`);
    }
    return operand;
  }

  count(least: number, most = least): void {
    const n = this.operands.length;
    if (n < least || n > most) this.fail(`${n} operands`, least === most ? `${least}` : `${least} to ${most}`);
  }

  /** An optional operand whose shape is known beforehand. */
  optional(index: number, what: string, shape: Shape): void {
    if (!this.operands[index]) return;
    const operand = this.operand(index, what, ['float32']);
    if (!shapesEqual(operand.shape, shape)) this.fail(`${what} ${formatShape(operand.shape)}`, formatShape(shape));
  }

  integers(values: readonly number[], what: string, length: number, least: number): void {
    if (values.length !== length) this.fail(`${values.length} numbers for ${what}`, `${length}`);
    for (const v of values) this.integer(v, what, least);
  }

  integer(value: number, what: string, least: number, most = MAX_ELEMENTS): void {
    if (!Number.isInteger(value) || value < least || value > most) {
      this.fail(
        `${what} ${value}`,
        most === MAX_ELEMENTS ? `an integer of at least ${least}` : `an integer from ${least} to ${most}`,
      );
    }
  }

  finite(value: number | undefined, what: string): void {
    if (value === undefined || !Number.isFinite(value)) this.fail(`${what} ${value}`, 'a finite number');
  }

  activation(activation: Activation): void {
    const { kind, alpha, beta } = activation;
    if (kind === 'leaky_relu' || kind === 'elu' || kind === 'hard_sigmoid' || kind === 'hard_swish')
      this.finite(alpha, `alpha of ${kind}`);
    if (kind === 'clip' && !(alpha !== undefined && beta !== undefined && alpha <= beta)) {
      this.fail(`clip from ${alpha} to ${beta}`, 'alpha <= beta');
    }
  }

  broadcast(a: Shape, b: Shape): Shape {
    try {
      return broadcastShapes(a, b);
    } catch {
      return this.fail(
        `${formatShape(a)} with ${formatShape(b)}`,
        'shapes that broadcast: dimensions equal or 1, aligned at the end',
      );
    }
  }

  /** Height and width after sliding a window of `kernel` (spread by `dilations`) over a padded image. */
  slide(
    shape: Shape,
    kernel: readonly number[],
    strides: readonly number[],
    padding: Padding,
    dilations: readonly number[],
  ): [number, number] {
    this.integers(kernel, 'kernel', 2, 1);
    this.integers(strides, 'strides', 2, 1);
    this.integers(dilations, 'dilations', 2, 1);
    this.integers(padding, 'padding', 4, 0);
    const size = (axis: 0 | 1): number => {
      const padded = shape[1 + axis]! + padding[axis]! + padding[axis + 2]!;
      const extent = (kernel[axis]! - 1) * dilations[axis]! + 1;
      if (extent > padded) this.fail(`a window of ${extent} on ${padded} pixels`, 'a window that fits into the padded image');
      return Math.floor((padded - extent) / strides[axis]!) + 1;
    };
    return [size(0), size(1)];
  }
}

type Rule<K extends OperatorName> = (c: Check, a: Attributes[K]) => ValueType[];

const FLOAT = ['float32'] as const;
const NUMBER = ['float32', 'int32'] as const;
const float = (shape: Shape): ValueType[] => [{ dtype: 'float32', shape }];

const pool: Rule<'max_pool'> = (c, a) => {
  c.count(1);
  const x = c.operand(0, 'x', FLOAT, 4);
  const [height, width] = c.slide(x.shape, a.kernel, a.strides, a.padding, [1, 1]);
  a.padding.forEach((p, i) => {
    if (p >= a.kernel[i % 2]!)
      c.fail(`padding ${formatShape(a.padding)}`, 'less padding than the kernel, so that no window lies outside');
  });
  return float([x.shape[0]!, height, width, x.shape[3]!]);
};

const rules: { [K in OperatorName]: Rule<K> } = {
  image_to_tensor(c, a) {
    c.count(1);
    if (!c.operands[0]?.image) c.fail('a tensor', 'an image input');
    c.integer(a.height, 'height', 1);
    c.integer(a.width, 'width', 1);
    for (const values of [a.mean, a.std]) {
      if (values.length !== 3) c.fail(`${values.length} numbers for mean or std`, '3');
      values.forEach((v) => c.finite(v, 'mean or std'));
    }
    if (a.std.some((v) => v === 0)) c.fail('a std of 0', 'numbers other than 0');
    c.finite(a.padValue, 'padValue');
    c.finite(a.background, 'background');
    return float([1, a.height, a.width, 3]);
  },
  conv2d(c, a) {
    c.count(2, 5);
    const x = c.operand(0, 'x', FLOAT, 4);
    const weight = c.operand(1, 'weight', FLOAT, 4);
    const [n, , , channels] = x.shape as [number, number, number, number];
    const [kh, kw, perGroup, out] = weight.shape as [number, number, number, number];
    c.integer(a.groups, 'groups', 1);
    if (perGroup * a.groups !== channels)
      c.fail(`${channels} channels with ${a.groups} groups`, `${perGroup} channels a group (weight axis 2)`);
    if (out % a.groups !== 0) c.fail(`${out} filters`, `a multiple of ${a.groups} groups`);
    const [height, width] = c.slide(x.shape, [kh, kw], a.strides, a.padding, a.dilations);
    c.optional(2, 'bias', [out]);
    c.optional(3, 'residual', [n, height, width, out]);
    c.optional(4, 'scale', [n, channels]);
    c.activation(a.activation);
    return float([n, height, width, out]);
  },
  depthwise_conv2d(c, a) {
    c.count(2, 4);
    const x = c.operand(0, 'x', FLOAT, 4);
    const weight = c.operand(1, 'weight', FLOAT, 3);
    const [n, , , channels] = x.shape as [number, number, number, number];
    if (weight.shape[2] !== channels) c.fail(`${weight.shape[2]} filters`, `${channels}, one a channel`);
    const [height, width] = c.slide(x.shape, weight.shape.slice(0, 2), a.strides, a.padding, a.dilations);
    c.optional(2, 'bias', [channels]);
    c.optional(3, 'scale', [n, channels]);
    c.activation(a.activation);
    return float([n, height, width, channels]);
  },
  matmul(c, a) {
    c.count(2, 3);
    const x = c.operand(0, 'a', FLOAT);
    const y = c.operand(1, 'b', FLOAT);
    if (x.shape.length < 2 || y.shape.length < 2) c.fail('a vector or scalar', 'operands of rank 2 or more');
    const [xr, xc] = a.transposeA ? [x.shape.at(-1)!, x.shape.at(-2)!] : [x.shape.at(-2)!, x.shape.at(-1)!];
    const [yr, yc] = a.transposeB ? [y.shape.at(-1)!, y.shape.at(-2)!] : [y.shape.at(-2)!, y.shape.at(-1)!];
    if (xc !== yr) c.fail(`inner dimensions ${xc} and ${yr}`, 'equal inner dimensions');
    c.optional(2, 'bias', [yc]);
    c.activation(a.activation);
    return float([...c.broadcast(x.shape.slice(0, -2), y.shape.slice(0, -2)), xr, yc]);
  },
  activation(c, a) {
    c.count(1);
    c.activation(a.activation);
    return float(c.operand(0, 'x', FLOAT).shape);
  },
  unary(c, a) {
    c.count(1);
    const x = c.operand(
      0,
      'x',
      a.kind === 'neg' || a.kind === 'abs' || a.kind === 'square' || a.kind === 'sign' ? NUMBER : FLOAT,
    );
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  binary(c, a) {
    c.count(2);
    const x = c.operand(0, 'a', a.kind === 'prelu' ? FLOAT : NUMBER);
    const y = c.operand(1, 'b', NUMBER);
    if (x.dtype !== y.dtype) c.fail(`${x.dtype} with ${y.dtype}`, 'operands of one type');
    if (x.dtype !== 'float32' && a.activation.kind !== 'none')
      c.fail(`${a.activation.kind} on ${x.dtype}`, 'float32 for an activation');
    c.activation(a.activation);
    return [{ dtype: x.dtype, shape: c.broadcast(x.shape, y.shape) }];
  },
  compare(c) {
    c.count(2);
    const x = c.operand(0, 'a');
    const y = c.operand(1, 'b');
    if (x.dtype !== y.dtype) c.fail(`${x.dtype} with ${y.dtype}`, 'operands of one type');
    return [{ dtype: 'bool', shape: c.broadcast(x.shape, y.shape) }];
  },
  where(c) {
    c.count(3);
    const condition = c.operand(0, 'condition', ['bool']);
    const x = c.operand(1, 'a', NUMBER);
    const y = c.operand(2, 'b', NUMBER);
    if (x.dtype !== y.dtype) c.fail(`${x.dtype} with ${y.dtype}`, 'operands of one type');
    return [{ dtype: x.dtype, shape: c.broadcast(condition.shape, c.broadcast(x.shape, y.shape)) }];
  },
  max_pool: pool,
  average_pool: (c, a) => pool(c, a),
  reduce(c, a) {
    c.count(1);
    const x = c.operand(0, 'x', a.kind === 'mean' ? FLOAT : NUMBER);
    let last = -1;
    for (const axis of a.axes) {
      c.integer(axis, 'axis', 0, x.shape.length - 1);
      if (axis <= last) c.fail(`axes ${formatShape(a.axes)}`, 'ascending axes');
      last = axis;
    }
    if ((a.kind === 'max' || a.kind === 'min' || a.kind === 'mean') && a.axes.some((axis) => x.shape[axis] === 0)) {
      c.fail(`${a.kind} over no elements`, 'at least one element');
    }
    const shape = a.keepDims
      ? x.shape.map((d, i) => (a.axes.includes(i) ? 1 : d))
      : x.shape.filter((_, i) => !a.axes.includes(i));
    return [{ dtype: x.dtype, shape }];
  },
  resize(c, a) {
    c.count(1);
    const x = c.operand(0, 'x', FLOAT, 4);
    if (x.shape[1]! < 1 || x.shape[2]! < 1) c.fail('an empty image', 'at least one pixel');
    c.integer(a.height, 'height', 1);
    c.integer(a.width, 'width', 1);
    if (a.activation) c.activation(a.activation);
    return float([x.shape[0]!, a.height, a.width, x.shape[3]!]);
  },
  concat(c, a) {
    c.count(1, Infinity);
    const first = c.operand(0, 'x');
    c.integer(a.axis, 'axis', 0, first.shape.length - 1);
    let total = 0;
    c.operands.forEach((_, i) => {
      const x = c.operand(i, `operand ${i}`, [first.dtype], first.shape.length);
      if (x.shape.some((d, axis) => axis !== a.axis && d !== first.shape[axis])) {
        c.fail(`operand ${i} ${formatShape(x.shape)}`, `${formatShape(first.shape)} but for axis ${a.axis}`);
      }
      total += x.shape[a.axis]!;
    });
    return [{ dtype: first.dtype, shape: first.shape.map((d, i) => (i === a.axis ? total : d)) }];
  },
  slice(c, a) {
    c.count(1);
    const x = c.operand(0, 'x');
    const rank = x.shape.length;
    if (a.begin.length !== rank || a.size.length !== rank || a.strides.length !== rank) {
      c.fail(
        `begin ${formatShape(a.begin)}, size ${formatShape(a.size)}, strides ${formatShape(a.strides)}`,
        `${rank} numbers each`,
      );
    }
    x.shape.forEach((d, i) => {
      const [begin, size, stride] = [a.begin[i]!, a.size[i]!, a.strides[i]!];
      if (!Number.isInteger(stride) || stride === 0) c.fail(`stride ${stride}`, 'an integer other than 0');
      c.integer(size, 'size', 0);
      if (size === 0) return;
      const last = begin + (size - 1) * stride;
      if (!Number.isInteger(begin) || begin < 0 || begin >= d || last < 0 || last >= d) {
        c.fail(`elements ${begin} to ${last} of axis ${i}`, `elements inside 0 to ${d - 1}`);
      }
    });
    return [{ dtype: x.dtype, shape: [...a.size] }];
  },
  transpose(c, a) {
    c.count(1);
    const x = c.operand(0, 'x');
    const sorted = [...a.perm].sort((p, q) => p - q);
    if (sorted.length !== x.shape.length || sorted.some((axis, i) => axis !== i)) {
      c.fail(`perm ${formatShape(a.perm)}`, `each axis of rank ${x.shape.length} once`);
    }
    return [{ dtype: x.dtype, shape: a.perm.map((axis) => x.shape[axis]!) }];
  },
  reshape(c) {
    c.count(1);
    const x = c.operand(0, 'x');
    const shape = c.result.shape ?? c.fail('no result shape', 'the shape to give to the elements');
    shape.forEach((d) => c.integer(d, 'dimension', 0));
    if (sizeOf(shape) !== sizeOf(x.shape)) {
      c.fail(`${sizeOf(x.shape)} elements for ${formatShape(shape)}`, `${sizeOf(shape)} elements`);
    }
    return [{ dtype: x.dtype, shape: [...shape] }];
  },
  pad(c, a) {
    c.count(1);
    const x = c.operand(0, 'x');
    c.integers(a.before, 'before', x.shape.length, 0);
    c.integers(a.after, 'after', x.shape.length, 0);
    if (a.mode === 'constant' && Number.isNaN(a.value)) c.fail('value NaN', 'a number');
    x.shape.forEach((d, i) => {
      const most = Math.max(a.before[i]!, a.after[i]!);
      if (a.mode === 'reflect' && most > Math.max(0, d - 1))
        c.fail(`${most} reflected elements on axis ${i}`, `at most ${d - 1}`);
      if (a.mode === 'edge' && most > 0 && d === 0) c.fail(`an empty axis ${i}`, 'an edge to repeat');
    });
    return [{ dtype: x.dtype, shape: x.shape.map((d, i) => d + a.before[i]! + a.after[i]!) }];
  },
  softmax(c, a) {
    c.count(1);
    const x = c.operand(0, 'x', FLOAT);
    c.integer(a.axis, 'axis', 0, x.shape.length - 1);
    return float(x.shape);
  },
  cast(c) {
    c.count(1);
    const x = c.operand(0, 'x');
    return [{ dtype: c.result.dtype ?? c.fail('no result type', 'the type to cast to'), shape: x.shape }];
  },
  gather(c, a) {
    c.count(2);
    const x = c.operand(0, 'x');
    const index = c.operand(1, 'index', ['int32']);
    c.integer(a.axis, 'axis', 0, x.shape.length - 1);
    return [{ dtype: x.dtype, shape: [...x.shape.slice(0, a.axis), ...index.shape, ...x.shape.slice(a.axis + 1)] }];
  },
  top_k(c, a) {
    c.count(1);
    const x = c.operand(0, 'x', NUMBER);
    if (x.shape.length < 1) c.fail('a scalar', 'rank 1 or more');
    c.integer(a.k, 'k', 0, x.shape.at(-1)!);
    const shape = [...x.shape.slice(0, -1), a.k];
    return [
      { dtype: x.dtype, shape },
      { dtype: 'int32', shape },
    ];
  },
  score_merge(c) {
    c.count(3);
    const scores = c.operand(0, 'scores', FLOAT, 2);
    const offsets = c.operand(1, 'offsets', ['int32'], 1);
    c.operand(2, 'members', ['int32'], 1);
    if (offsets.shape[0]! < 1) c.fail('no offsets', 'U + 1 offsets');
    return float([scores.shape[0]!, offsets.shape[0]! - 1]);
  },
  peak_top_k(c, a) {
    c.count(2);
    const map = c.operand(0, 'map', FLOAT, 4);
    if (map.shape[0] !== 1) c.fail(`a batch of ${map.shape[0]}`, 'a batch of 1');
    const threshold = c.operand(1, 'threshold', FLOAT);
    if (!shapesEqual(threshold.shape, [1])) c.fail(`threshold ${formatShape(threshold.shape)}`, '[1]');
    c.integer(a.window, 'window', 1);
    if (a.window % 2 === 0) c.fail(`window ${a.window}`, 'an odd number');
    c.integer(a.k, 'k', 1);
    return [
      { dtype: 'float32', shape: [a.k] },
      { dtype: 'int32', shape: [a.k] },
      { dtype: 'int32', shape: [1] },
    ];
  },
  gather_rows(c, a) {
    c.count(3);
    const rows = c.operand(0, 'rows', FLOAT, 2);
    const index = c.operand(1, 'index', ['int32'], 1);
    const count = c.operand(2, 'count', ['int32']);
    if (!shapesEqual(count.shape, [1])) c.fail(`count ${formatShape(count.shape)}`, '[1]');
    c.integer(a.divisor, 'divisor', 1);
    return float([index.shape[0]!, rows.shape[1]!]);
  },
  box_decode(c, a) {
    c.count(4);
    const rows = c.operand(0, 'rows', FLOAT, 2);
    const priors = c.operand(1, 'priors', FLOAT, 2);
    const index = c.operand(2, 'index', ['int32'], 1);
    const count = c.operand(3, 'count', ['int32']);
    const [P, C] = rows.shape as [number, number];
    if (P < 1) c.fail('no rows', 'at least one');
    if (priors.shape[1] !== 6 || (priors.shape[0] !== 1 && priors.shape[0] !== P))
      c.fail(`priors ${formatShape(priors.shape)}`, `[${P}, 6] or [1, 6]`);
    if (!shapesEqual(count.shape, [1])) c.fail(`count ${formatShape(count.shape)}`, '[1]');
    c.integer(a.divisor, 'divisor', 1);
    c.integer(a.bins, 'bins', 1);
    c.integers(a.columns, 'columns', 4, 0);
    for (const column of a.columns)
      if (column + a.bins > C) c.fail(`column ${column} with ${a.bins} bins`, `columns before ${C}`);
    for (const scale of a.scale) c.finite(scale, 'scale');
    c.finite(a.limit, 'limit');
    return float([index.shape[0]!, 4]);
  },
  pairwise_iou(c) {
    c.count(2);
    const [a, b] = [c.operand(0, 'a', FLOAT, 2), c.operand(1, 'b', FLOAT, 2)];
    for (const { shape } of [a, b]) if (shape[1] !== 4) c.fail(`boxes ${formatShape(shape)}`, '4 columns');
    return float([a.shape[0]!, b.shape[0]!]);
  },
  non_max_suppression(c, a) {
    c.count(4);
    const boxes = c.operand(0, 'boxes', FLOAT, 2);
    const k = boxes.shape[0]!;
    if (boxes.shape[1] !== 4) c.fail(`boxes ${formatShape(boxes.shape)}`, '4 columns');
    const scores = c.operand(1, 'scores', FLOAT, 1);
    const labels = c.operand(2, 'labels', ['int32'], 1);
    if (scores.shape[0] !== k) c.fail(`${scores.shape[0]} scores`, `${k}, one a box`);
    if (labels.shape[0] !== k) c.fail(`${labels.shape[0]} labels`, `${k}, one a box`);
    const count = c.operand(3, 'count', ['int32']);
    if (!shapesEqual(count.shape, [1])) c.fail(`count ${formatShape(count.shape)}`, '[1]');
    if (!(a.iouThreshold >= 0 && a.iouThreshold <= 1)) c.fail(`iouThreshold ${a.iouThreshold}`, 'a number from 0 to 1');
    return [
      { dtype: 'int32', shape: [k] },
      { dtype: 'int32', shape: [1] },
    ];
  },
};

/**
 * Types and shapes of an operator's results. Operands stand in the order of the operator's comment, `undefined` where an optional one is absent.
 * Throws {@link ModelError} `invalid-model` that names node, operator and operand shapes.
 */
export function inferShapes<K extends OperatorName>(
  op: K,
  inputs: Operands,
  attributes: Attributes[K],
  options: InferOptions = {},
): ValueType[] {
  const check = new Check(op, options.name ?? op, inputs, options.result ?? {});
  const rule = isOperator(op) ? (rules[op] as Rule<K>) : undefined;
  if (!rule) {
    throw new ModelError('unsupported-operator', {
      thing: `node "${options.name ?? op}"`,
      found: `the operator ${JSON.stringify(op)}`,
      wanted: 'an operator of sdk/ir/operators.ts',
    });
  }
  const results = rule(check, attributes);
  for (const { shape } of results) {
    if (sizeOf(shape) > MAX_ELEMENTS) check.fail(`a result of ${formatShape(shape)}`, `at most ${MAX_ELEMENTS} elements`);
  }
  return results;
}

/** True if `op` is one of the closed list of operators. */
export function isOperator(op: string): op is OperatorName {
  return Object.hasOwn(rules, op);
}
