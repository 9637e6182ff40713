// Operators on tensors in ONNX's order of axes that keep track of the order in which those axes lie in memory, so that a convolutional network
// runs channels-last with no transposes inside. Knows no node of ONNX.
//
// A tensor is known by its logical shape and by one or more forms: a value of the graph whose axis i holds the logical axis perm[i]. Transposing
// a tensor only renames its axes; reshaping it keeps the form as long as the joined axes lie side by side; what looks at the whole tensor asks for
// the form it wants, and only then elements move (once: the form is kept). Constants are permuted at import.
import { ModelError } from '../../errors.js';
import type { GraphBuilder } from '../../ir/builder.js';
import { Constant, type ValueId } from '../../ir/graph.js';
import { inferShapes, type InferOptions, type ValueDType } from '../../ir/infer.js';
import { NONE, type Activation, type Attributes, type OperatorName } from '../../ir/operators.js';
import type { StoredData, TensorData } from '../../tensor/dtype.js';
import { broadcastShapes, formatShape, shapesEqual, sizeOf, stridesOf, type Shape } from '../../tensor/shape.js';
import { evaluateConstants, MAX_FOLDED_ELEMENTS } from '../optimize/fold.js';

export interface Form {
  /** Axis i of `id` is logical axis perm[i]. */
  readonly perm: readonly number[];
  readonly id: ValueId;
}

export interface Tensor {
  /** ONNX element type (TensorProto.DataType). */
  readonly type: number;
  /** In ONNX's order. */
  readonly shape: Shape;
  /** Never empty; the first one is the one it was made in. */
  readonly forms: Form[];
  /** True where ONNX's tensor has fewer rows: how many are valid depends on the frame, and -1 follows. Only outputs may be so. */
  readonly ragged?: true;
}

export const noActivation: Activation = { kind: 'none' };

export const identity = (rank: number): number[] => Array.from({ length: rank }, (_, i) => i);

/** [N, C, ...] -> [N, ..., C]. */
export const channelsLast = (rank: number): number[] => (rank < 3 ? identity(rank) : [0, ...identity(rank).slice(2), 1]);

/** Elements that one import may make up (masks, tables, filled constants): a small file must not ask for all memory. */
export const MAX_GENERATED_ELEMENTS = 2 ** 26;

export class Algebra {
  /** Prefix of names that are given to values. */
  scope = '';
  /** What messages call the place. */
  thing = 'graph';
  #generated = 0;

  constructor(
    readonly builder: GraphBuilder,
    readonly mostGenerated = MAX_GENERATED_ELEMENTS,
  ) {}

  /** A file that contradicts the format. */
  fail(found: string, wanted: string): never {
    throw new ModelError('invalid-model', { thing: this.thing, found, wanted });
  }

  /** A file that is right but asks for what is not there. */
  unsupported(found: string, wanted: string, next?: string): never {
    throw new ModelError('unsupported-operator', { thing: this.thing, found, wanted, ...(next ? { next } : {}) });
  }

  // --- values of the graph -------------------------------------------------------------------------------------------------------------

  dtype(x: Tensor): ValueDType {
    return this.builder.type(x.forms[0]!.id).dtype;
  }

  /** True if the numbers are known at import. */
  isConstant(x: Tensor): boolean {
    return this.builder.type(x.forms[0]!.id).constant !== undefined;
  }

  /** The numbers in ONNX's order, or undefined where they are computed at run time. */
  numbers(x: Tensor): TensorData | undefined {
    return this.isConstant(x) ? this.builder.type(this.plain(x)).constant!.values : undefined;
  }

  tensor(id: ValueId, type: number, perm?: readonly number[]): Tensor {
    const physical = this.builder.type(id).shape;
    const order = perm ?? identity(physical.length);
    const shape = new Array<number>(physical.length);
    order.forEach((axis, i) => (shape[axis] = physical[i]!));
    return { type, shape, forms: [{ perm: order, id }] };
  }

  /** A constant of the importer's own. */
  constant(data: TensorData | Constant, shape: Shape, type: number): Tensor {
    this.#generated += data instanceof Constant ? data.stored.length : data.length;
    return this.tensor(this.builder.constant(this.#name('constant'), data, shape), type);
  }

  /** Refuses to make up more numbers than an import may; to be called before an array is allocated. */
  room(shape: Shape): void {
    if (!(this.#generated + sizeOf(shape) <= this.mostGenerated)) {
      this.unsupported(
        `constants of ${this.#generated + sizeOf(shape)} elements made up by the graph, ${formatShape(shape)} among them`,
        `at most ${this.mostGenerated}`,
      );
    }
  }

  scalar(value: number, like: Tensor): Tensor {
    const data = this.dtype(like) === 'int32' ? Int32Array.of(value) : Float32Array.of(value);
    return this.constant(data, [], like.type);
  }

  /** Adds a node, or computes it now where all operands are constants and the result is not larger than they are (or small). */
  emitAll<K extends OperatorName>(
    op: K,
    inputs: readonly ValueId[],
    attributes: Attributes[K],
    result?: InferOptions['result'],
  ): [ValueId, ...ValueId[]] {
    const { builder } = this;
    const name = this.#name(op);
    const operands = inputs.map((id) => (id === NONE ? undefined : builder.type(id)));
    if (operands.every((operand) => !operand || operand.constant)) {
      const types = inferShapes(op, operands, attributes, { name, result });
      const most = Math.max(MAX_FOLDED_ELEMENTS, ...operands.map((operand) => (operand ? sizeOf(operand.shape) : 0)));
      if (types.every(({ shape }) => sizeOf(shape) <= most)) {
        for (const { shape } of types) if (op !== 'reshape') this.room(shape);
        const constants =
          op === 'reshape'
            ? [operands[0]!.constant!]
            : op === 'transpose'
              ? [permuted(operands[0]!.constant!, operands[0]!.shape, (attributes as Attributes['transpose']).perm)]
              : evaluateConstants(
                  { op, name, attributes } as never,
                  operands.map((operand) => operand && { shape: operand.shape, constant: operand.constant! }),
                  types,
                );
        if (op !== 'reshape')
          for (const { shape } of types) if (sizeOf(shape) > MAX_FOLDED_ELEMENTS / 64) this.#generated += sizeOf(shape);
        return constants.map((constant, i) =>
          builder.constant(builder.freeName(i === 0 ? name : `${name}:${i}`), constant, types[i]!.shape),
        ) as [ValueId, ...ValueId[]];
      }
    }
    return builder.add(op, name, inputs, attributes, { result });
  }

  emit<K extends OperatorName>(
    op: K,
    inputs: readonly ValueId[],
    attributes: Attributes[K],
    result?: InferOptions['result'],
  ): ValueId {
    return this.emitAll(op, inputs, attributes, result)[0];
  }

  #name(suffix: string): string {
    return this.builder.freeName(`${this.scope}/${suffix}`);
  }

  // --- forms ---------------------------------------------------------------------------------------------------------------------------

  /** The value whose axes lie in this order; elements are moved at most once for each order. */
  as(x: Tensor, perm: readonly number[]): ValueId {
    const known = x.forms.find((form) => shapesEqual(form.perm, perm));
    if (known) return known.id;
    const shape = perm.map((axis) => x.shape[axis]!);
    // Axes of one element may stand anywhere: if all others are in order, nothing moves.
    const longer = (order: readonly number[]): number[] => order.filter((axis) => x.shape[axis] !== 1);
    const same = x.forms.find((form) => shapesEqual(longer(form.perm), longer(perm)));
    const from = same ?? x.forms[0]!;
    const id = same
      ? this.emit('reshape', [same.id], {}, { shape })
      : this.emit('transpose', [from.id], { perm: perm.map((axis) => from.perm.indexOf(axis)) });
    x.forms.push({ perm: [...perm], id });
    return id;
  }

  /** The value in ONNX's order of axes. */
  plain(x: Tensor): ValueId {
    return this.as(x, identity(x.shape.length));
  }

  /** The value as [N, ..., C]. */
  last(x: Tensor): ValueId {
    return this.as(x, channelsLast(x.shape.length));
  }

  /** The order in which most of the work of several operands lies; constants and smaller operands follow it. */
  commonPerm(xs: readonly Tensor[], rank: number): readonly number[] {
    let best: Tensor | undefined;
    for (const x of xs) {
      if (x.shape.length !== rank || this.isConstant(x)) continue;
      if (!best || sizeOf(x.shape) > sizeOf(best.shape)) best = x;
    }
    return best?.forms[0]!.perm ?? identity(rank);
  }

  /** An operand for broadcasting in this order of `perm.length` axes. */
  #broadcastForm(x: Tensor, perm: readonly number[]): ValueId {
    const rank = x.shape.length;
    if (rank === perm.length) return this.as(x, perm);
    if (sizeOf(x.shape) === 1) return rank === 0 ? this.plain(x) : this.emit('reshape', [x.forms[0]!.id], {}, { shape: [] });
    if (shapesEqual(perm, identity(perm.length))) return this.plain(x);
    return this.as(this.reshape(x, [...new Array<number>(perm.length - rank).fill(1), ...x.shape]), perm);
  }

  // --- operators -----------------------------------------------------------------------------------------------------------------------

  #broadcast<K extends 'binary' | 'compare' | 'where'>(
    op: K,
    xs: readonly Tensor[],
    attributes: Attributes[K],
    type: number,
  ): Tensor {
    let shape: Shape = [];
    for (const x of xs) {
      try {
        shape = broadcastShapes(shape, x.shape);
      } catch {
        this.fail(xs.map((operand) => formatShape(operand.shape)).join(' with '), 'shapes that broadcast');
      }
    }
    const perm = this.commonPerm(xs, shape.length);
    const id = this.emit(op, xs.map((x) => this.#broadcastForm(x, perm)), attributes); // prettier-ignore
    return this.tensor(id, type, perm);
  }

  binary(kind: Attributes['binary']['kind'], a: Tensor, b: Tensor): Tensor {
    return this.#broadcast('binary', [a, b], { kind, activation: noActivation }, a.type);
  }

  /** The same with a number. */
  number(kind: Attributes['binary']['kind'], a: Tensor, value: number): Tensor {
    return this.binary(kind, a, this.scalar(value, a));
  }

  compare(kind: Attributes['compare']['kind'], a: Tensor, b: Tensor): Tensor {
    return this.#broadcast('compare', [a, b], { kind }, 9);
  }

  where(condition: Tensor, a: Tensor, b: Tensor): Tensor {
    return this.#broadcast('where', [condition, a, b], {}, a.type);
  }

  unary(kind: Attributes['unary']['kind'], x: Tensor): Tensor {
    const { id, perm } = x.forms[0]!;
    return this.tensor(this.emit('unary', [id], { kind }), x.type, perm);
  }

  activation(x: Tensor, activation: Activation): Tensor {
    const { id, perm } = x.forms[0]!;
    return this.tensor(this.emit('activation', [id], { activation }), x.type, perm);
  }

  /** The numbers in another type; `type` is the ONNX type that the result counts as. */
  cast(x: Tensor, dtype: ValueDType, type: number): Tensor {
    if (this.dtype(x) === dtype) return { ...x, type };
    const { id, perm } = x.forms[0]!;
    return this.tensor(this.emit('cast', [id], {}, { dtype }), type, perm);
  }

  /** Axis i of the result is axis perm[i] of x. Nothing moves. */
  transpose(x: Tensor, perm: readonly number[]): Tensor {
    const place = new Map(perm.map((axis, i) => [axis, i]));
    return {
      type: x.type,
      shape: perm.map((axis) => x.shape[axis]!),
      forms: x.forms.map((form) => ({ perm: form.perm.map((axis) => place.get(axis)!), id: form.id })),
    };
  }

  /** The same elements, in ONNX's order, in another shape. */
  reshape(x: Tensor, shape: Shape): Tensor {
    if (sizeOf(shape) !== sizeOf(x.shape)) this.fail(`${formatShape(x.shape)} as ${formatShape(shape)}`, 'equally many elements');
    if (shapesEqual(shape, x.shape)) return x;
    if (sizeOf(shape) === 0) return this.tensor(this.emit('reshape', [this.plain(x)], {}, { shape }), x.type);
    const groups = reshapeGroups(x.shape, shape);
    for (const form of x.forms) {
      const order = groupOrder(groups, form.perm, x.shape);
      if (order) return this.#regroup(x, form, groups, order, shape);
    }
    // Some group is torn apart: put its axes side by side, and leave the groups in the order in which they begin.
    const { perm } = x.forms[0]!;
    const owner = new Map(groups.flatMap((group) => group.from.map((axis) => [axis, group] as const)));
    const ordered = [...new Set(perm.flatMap((axis) => owner.get(axis) ?? []))];
    const wanted = [...perm.filter((axis) => !owner.has(axis)), ...ordered.flatMap((group) => group.from)];
    const id = this.as(x, wanted);
    return this.#regroup(x, { perm: wanted, id }, groups, ordered, shape);
  }

  #regroup(x: Tensor, form: Form, groups: readonly Group[], order: readonly Group[], shape: Shape): Tensor {
    const perm = order.flatMap((group) => group.to);
    // Axes of one element stand behind the axis before them.
    const named = new Set(groups.flatMap((group) => group.to));
    shape.forEach((_, axis) => {
      if (named.has(axis)) return;
      perm.splice(axis === 0 ? 0 : perm.indexOf(axis - 1) + 1, 0, axis);
    });
    const id = this.emit('reshape', [form.id], {}, { shape: perm.map((axis) => shape[axis]!) });
    return this.tensor(id, x.type, perm);
  }

  slice(x: Tensor, at: { begin: readonly number[]; size: readonly number[]; strides: readonly number[] }): Tensor {
    const { id, perm } = x.forms[0]!;
    const pick = (list: readonly number[]): number[] => perm.map((axis) => list[axis]!);
    return this.tensor(
      this.emit('slice', [id], { begin: pick(at.begin), size: pick(at.size), strides: pick(at.strides) }),
      x.type,
      perm,
    );
  }

  /** x[begin : begin + size] on one axis. */
  part(x: Tensor, axis: number, begin: number, size: number, stride = 1): Tensor {
    return this.slice(x, {
      begin: x.shape.map((_, i) => (i === axis ? begin : 0)),
      size: x.shape.map((d, i) => (i === axis ? size : d)),
      strides: x.shape.map((_, i) => (i === axis ? stride : 1)),
    });
  }

  concat(xs: readonly Tensor[], axis: number): Tensor {
    const perm = this.commonPerm(xs, xs[0]!.shape.length);
    const id = this.emit('concat', xs.map((x) => this.as(x, perm)), { axis: perm.indexOf(axis) }); // prettier-ignore
    return this.tensor(id, xs[0]!.type, perm);
  }

  pad(x: Tensor, before: readonly number[], after: readonly number[], mode: Attributes['pad']['mode'], value: number): Tensor {
    if (before.every((n) => n === 0) && after.every((n) => n === 0)) return x;
    const { id, perm } = x.forms[0]!;
    const pick = (list: readonly number[]): number[] => perm.map((axis) => list[axis]!);
    return this.tensor(this.emit('pad', [id], { before: pick(before), after: pick(after), mode, value }), x.type, perm);
  }

  reduce(kind: Attributes['reduce']['kind'], x: Tensor, axes: readonly number[], keepDims: boolean): Tensor {
    const { id, perm } = x.forms[0]!;
    const places = axes.map((axis) => perm.indexOf(axis)).sort((p, q) => p - q);
    const y = this.emit('reduce', [id], { kind, axes: places, keepDims });
    if (keepDims) return this.tensor(y, x.type, perm);
    const kept = identity(x.shape.length).filter((axis) => !axes.includes(axis));
    return this.tensor(y, x.type, perm.flatMap((axis) => (axes.includes(axis) ? [] : [kept.indexOf(axis)]))); // prettier-ignore
  }

  softmax(x: Tensor, axis: number): Tensor {
    const { id, perm } = x.forms[0]!;
    return this.tensor(this.emit('softmax', [id], { axis: perm.indexOf(axis) }), x.type, perm);
  }

  /** x with `axis` replaced by the shape of `index` (int32, inside the axis). */
  gather(x: Tensor, index: Tensor, axis: number): Tensor {
    const { id, perm } = x.forms[0]!;
    const rank = index.shape.length;
    const y = this.emit('gather', [id, this.plain(index)], { axis: perm.indexOf(axis) });
    const order = perm.flatMap((a) => (a < axis ? [a] : a > axis ? [a + rank - 1] : identity(rank).map((i) => axis + i)));
    return this.tensor(y, x.type, order);
  }

  /** Elements of one axis by a list of places. */
  pick(x: Tensor, axis: number, places: readonly number[]): Tensor {
    this.room([places.length]);
    return this.gather(x, this.constant(Int32Array.from(places), [places.length], 6), axis);
  }

  /** Matrix product of the last two axes; the others broadcast. */
  matmul(a: Tensor, b: Tensor, options: { transposeA?: boolean; transposeB?: boolean; bias?: Tensor | undefined } = {}): Tensor {
    const [left, swapLeft] = this.#matrix(a);
    const [right, swapRight] = this.#matrix(b);
    const inputs = options.bias ? [left, right, this.plain(options.bias)] : [left, right];
    return this.tensor(
      this.emit('matmul', inputs, {
        transposeA: (options.transposeA ?? false) !== swapLeft,
        transposeB: (options.transposeB ?? false) !== swapRight,
        activation: noActivation,
      }),
      a.type,
    );
  }

  /** A form whose last two axes may be swapped: products read both. */
  #matrix(x: Tensor): [id: ValueId, swapped: boolean] {
    const rank = x.shape.length;
    const plain = identity(rank);
    const swapped = [...plain.slice(0, -2), rank - 1, rank - 2];
    if (x.forms.some((form) => shapesEqual(form.perm, plain))) return [this.plain(x), false];
    return x.forms.some((form) => shapesEqual(form.perm, swapped)) ? [this.as(x, swapped), true] : [this.plain(x), false];
  }

  /** x repeated along its axes of one element up to `shape`. */
  expand(x: Tensor, shape: Shape): Tensor {
    let y = this.reshape(x, [...new Array<number>(Math.max(0, shape.length - x.shape.length)).fill(1), ...x.shape]);
    shape.forEach((d, axis) => {
      if (y.shape[axis] === 1 && d !== 1) y = this.repeat(y, axis, d);
    });
    return y;
  }

  /** x as often as wanted, one after the other along an axis. */
  repeat(x: Tensor, axis: number, times: number): Tensor {
    if (times === 1) return x;
    const size = x.shape[axis]!;
    if (times === 0 || size === 0) return this.part(x, axis, 0, 0);
    if (times <= 4) return this.concat(new Array<Tensor>(times).fill(x), axis);
    this.room([size * times]);
    return this.pick(
      x,
      axis,
      Array.from({ length: size * times }, (_, i) => i % size),
    );
  }
}

interface Group {
  /** Axes of more than one element before and after, each ascending. */
  from: number[];
  to: number[];
}

/** Splits a reshape into the smallest runs of axes with equal products; axes of one element belong nowhere. */
function reshapeGroups(from: Shape, to: Shape): Group[] {
  const a = identity(from.length).filter((axis) => from[axis] !== 1);
  const b = identity(to.length).filter((axis) => to[axis] !== 1);
  const groups: Group[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const group: Group = { from: [a[i]!], to: [b[j]!] };
    let [p, q] = [from[a[i++]!]!, to[b[j++]!]!];
    while (p !== q) {
      if (p < q) {
        group.from.push(a[i]!);
        p *= from[a[i++]!]!;
      } else {
        group.to.push(b[j]!);
        q *= to[b[j++]!]!;
      }
    }
    groups.push(group);
  }
  return groups;
}

/** The groups in the order of a form, if in it the axes of each stand side by side and in order; else undefined. */
function groupOrder(groups: readonly Group[], perm: readonly number[], shape: Shape): Group[] | undefined {
  const order = perm.filter((axis) => shape[axis] !== 1);
  const found: Group[] = [];
  for (let i = 0; i < order.length;) {
    const group = groups.find(({ from }) => from[0] === order[i]);
    if (!group || !group.from.every((axis, k) => order[i + k] === axis)) return undefined;
    found.push(group);
    i += group.from.length;
  }
  return found;
}

/** A constant with its axes in another order; the stored bits are moved as they are. */
export function permuted(constant: Constant, shape: Shape, perm: readonly number[]): Constant {
  const from = constant.stored;
  const to = new (from.constructor as new (n: number) => StoredData)(from.length);
  if (from.length === 0) return new Constant(constant.dtype, to);
  const steps = stridesOf(shape);
  const dims = perm.map((axis) => shape[axis]!);
  const strides = perm.map((axis) => steps[axis]!);
  // Blocks of the last two axes, so that one of the two sides is read or written in runs.
  const rank = dims.length;
  const inner = rank > 0 ? dims[rank - 1]! : 1;
  const innerStride = rank > 0 ? strides[rank - 1]! : 1;
  const index = new Array<number>(Math.max(0, rank - 1)).fill(0);
  let at = 0;
  for (let o = 0; o < to.length; o += inner) {
    for (let k = 0, i = at; k < inner; k++, i += innerStride) to[o + k] = from[i]!;
    for (let axis = rank - 2; axis >= 0; axis--) {
      at += strides[axis]!;
      if (++index[axis]! < dims[axis]!) break;
      at -= strides[axis]! * dims[axis]!;
      index[axis] = 0;
    }
  }
  return new Constant(constant.dtype, to);
}
