// Element by element: activation, unary, binary, compare, cast; and the strided copies behind concat, slice, transpose and pad.
import {
  Binary,
  BinaryKind,
  Cast,
  CastType,
  CompareKind,
  Copy,
  Elementwise,
  ElementType,
  Fill,
  Gather,
  Op,
  UnaryKind,
  Where,
} from '../../../../assembly/records.js';
import type { ValueDType } from '../../../ir/infer.js';
import type { Attributes } from '../../../ir/operators.js';
import { sizeOf, stridesOf } from '../../../tensor/shape.js';
import { Step } from '../step.js';
import { broadcastStrides, walks, type Walk } from './axes.js';
import { room, type Context, type Lowering } from './context.js';

const unaryKinds: Readonly<Record<Attributes['unary']['kind'], UnaryKind>> = {
  neg: UnaryKind.neg, abs: UnaryKind.abs, exp: UnaryKind.exp, log: UnaryKind.log, sqrt: UnaryKind.sqrt, rsqrt: UnaryKind.rsqrt,
  square: UnaryKind.square, reciprocal: UnaryKind.reciprocal, floor: UnaryKind.floor, ceil: UnaryKind.ceil, round: UnaryKind.round,
  sign: UnaryKind.sign, erf: UnaryKind.erf, sin: UnaryKind.sin, cos: UnaryKind.cos, tan: UnaryKind.tan, asin: UnaryKind.asin, acos: UnaryKind.acos,
  atan: UnaryKind.atan, sinh: UnaryKind.sinh, cosh: UnaryKind.cosh, asinh: UnaryKind.asinh, acosh: UnaryKind.acosh, atanh: UnaryKind.atanh,
}; // prettier-ignore

const binaryKinds: Readonly<Record<Attributes['binary']['kind'], BinaryKind>> = {
  add: BinaryKind.add, sub: BinaryKind.sub, mul: BinaryKind.mul, div: BinaryKind.div, maximum: BinaryKind.maximum, minimum: BinaryKind.minimum,
  pow: BinaryKind.pow, floor_div: BinaryKind.floor_div, floor_mod: BinaryKind.floor_mod, squared_difference: BinaryKind.squared_difference,
  prelu: BinaryKind.prelu,
}; // prettier-ignore

const compareKinds: Readonly<Record<Attributes['compare']['kind'], CompareKind>> = {
  equal: CompareKind.equal, not_equal: CompareKind.not_equal, less: CompareKind.less, less_equal: CompareKind.less_equal,
  greater: CompareKind.greater, greater_equal: CompareKind.greater_equal,
}; // prettier-ignore

const elementTypes: Readonly<Record<ValueDType, ElementType>> = {
  float32: ElementType.float32, int32: ElementType.int32, uint8: ElementType.byte, bool: ElementType.byte,
}; // prettier-ignore

const castTypes: Readonly<Record<ValueDType, CastType>> = {
  float32: CastType.float32, int32: CastType.int32, uint8: CastType.uint8, bool: CastType.bool,
}; // prettier-ignore

export const activation: Lowering<'activation'> = (node, c) => {
  const count = c.size(node.outputs[0]!);
  const x = c.address(node.inputs[0]!);
  const y = c.address(node.outputs[0]!);
  return {
    inPlace: [0],
    emit: () => [
      new Step(Op.activation)
        .fuse(node.attributes.activation)
        .set({ [Elementwise.x]: x(), [Elementwise.y]: y(), [Elementwise.count]: count })
        .costs(count * 4),
    ],
  };
};

export const unary: Lowering<'unary'> = (node, c) => {
  const count = c.size(node.outputs[0]!);
  const x = c.address(node.inputs[0]!);
  const y = c.address(node.outputs[0]!);
  const integer = c.value(node.inputs[0]!).dtype === 'int32' ? 1 : 0;
  return {
    inPlace: [0],
    emit: () => [
      new Step(Op.unary)
        .set({ [Elementwise.x]: x(), [Elementwise.y]: y(), [Elementwise.count]: count })
        .set({ [Elementwise.kind]: unaryKinds[node.attributes.kind], [Elementwise.integer]: integer })
        .costs(count * 4),
    ],
  };
};

/** A step of binary or compare over one walk of (a, b, y). y is dense. */
export function binaryStep(
  op: Op.binary | Op.compare,
  kind: keyof typeof binaryKinds | keyof typeof compareKinds,
  dtype: ValueDType,
  walk: Walk,
  a: number,
  b: number,
  y: number,
): Step {
  const bytes = dtype === 'bool' || dtype === 'uint8' ? 1 : 4;
  const count = sizeOf(walk.dims);
  return new Step(op)
    .set({ [Binary.a]: a + walk.starts[0]! * bytes, [Binary.b]: b + walk.starts[1]! * bytes })
    .set({ [Binary.y]: y + walk.starts[2]! * (op === Op.compare ? 1 : 4), [Binary.type]: elementTypes[dtype] })
    .set({
      [Binary.kind]:
        op === Op.binary ? binaryKinds[kind as keyof typeof binaryKinds] : compareKinds[kind as keyof typeof compareKinds],
    })
    .list(Binary.dims, walk.dims)
    .list(Binary.a_strides, walk.strides[0]!)
    .list(Binary.b_strides, walk.strides[1]!)
    .costs(count);
}

/** The steps of binary or compare on whole values, once their addresses are known. */
function binarySteps(
  c: Context,
  op: Op.binary | Op.compare,
  kind: keyof typeof binaryKinds | keyof typeof compareKinds,
  [aId, bId, yId]: readonly [a: number, b: number, y: number],
): () => Step[] {
  const shape = c.shape(yId);
  const [a, b, y] = [c.address(aId), c.address(bId), c.address(yId)];
  const { dtype } = c.value(aId);
  const strides = [broadcastStrides(c.shape(aId), shape), broadcastStrides(c.shape(bId), shape), stridesOf(shape)];
  const all = walks(shape, strides, [0, 0, 0]);
  return () => all.map((walk) => binaryStep(op, kind, dtype, walk, a(), b(), y()));
}

/** Commuting operators read the operand with the simpler strides second. */
const commutes: ReadonlySet<string> = new Set(['add', 'mul']);

export const binary: Lowering<'binary'> = (node, c) => {
  let [aId, bId] = node.inputs as [number, number];
  const yId = node.outputs[0]!;
  const { kind, activation } = node.attributes;
  if (commutes.has(kind) && c.size(aId) < c.size(bId)) [aId, bId] = [bId, aId];
  const steps = binarySteps(c, Op.binary, kind, [aId, bId, yId]);
  const inPlace = [0, 1].filter((i) => c.size(node.inputs[i]!) === c.size(yId));
  return { inPlace, emit: () => steps().map((step) => step.fuse(activation)) };
};

export const compare: Lowering<'compare'> = (node, c) => {
  const [aId, bId] = node.inputs as [number, number];
  return { emit: binarySteps(c, Op.compare, node.attributes.kind, [aId, bId, node.outputs[0]!]) };
};

export const where: Lowering<'where'> = (node, c) => {
  const yId = node.outputs[0]!;
  const shape = c.shape(yId);
  const [condition, a, b] = node.inputs.map((id) => c.address(id)) as [() => number, () => number, () => number];
  const y = c.address(yId);
  const strides = [...node.inputs.map((id) => broadcastStrides(c.shape(id), shape)), stridesOf(shape)];
  const all = sizeOf(shape) === 0 ? [] : walks(shape, strides, [0, 0, 0, 0]);
  return {
    emit: () =>
      all.map((walk) =>
        new Step(Op.where)
          .set({ [Where.condition]: condition() + walk.starts[0]!, [Where.a]: a() + walk.starts[1]! * 4 })
          .set({ [Where.b]: b() + walk.starts[2]! * 4, [Where.y]: y() + walk.starts[3]! * 4 })
          .list(Where.dims, walk.dims)
          .list(Where.condition_strides, walk.strides[0]!)
          .list(Where.a_strides, walk.strides[1]!)
          .list(Where.b_strides, walk.strides[2]!)
          .costs(sizeOf(walk.dims)),
      ),
  };
};

export const cast: Lowering<'cast'> = (node, c) => {
  const x = c.address(node.inputs[0]!);
  const y = c.address(node.outputs[0]!);
  const from = castTypes[c.value(node.inputs[0]!).dtype];
  const to = castTypes[c.value(node.outputs[0]!).dtype];
  const count = c.size(node.outputs[0]!);
  return {
    inPlace: c.element(node.inputs[0]!) === c.element(node.outputs[0]!) ? [0] : [],
    emit: () => [
      new Step(Op.cast).set({ [Cast.x]: x(), [Cast.y]: y(), [Cast.count]: count, [Cast.from]: from, [Cast.to]: to }).costs(count),
    ],
  };
};

/** Copies elements of 1 or 4 bytes; strides in elements. */
export function copySteps(
  x: number,
  y: number,
  element: number,
  dims: readonly number[],
  from: readonly number[],
  to: readonly number[],
): Step[] {
  if (sizeOf(dims) === 0) return [];
  return walks(dims, [from, to], [0, 0]).map((walk) =>
    new Step(Op.copy)
      .set({ [Copy.x]: x + walk.starts[0]! * element, [Copy.y]: y + walk.starts[1]! * element, [Copy.element]: element })
      .list(Copy.dims, walk.dims)
      .list(Copy.x_strides, walk.strides[0]!)
      .list(Copy.y_strides, walk.strides[1]!)
      .costs(sizeOf(walk.dims)),
  );
}

export const concat: Lowering<'concat'> = (node, c) => {
  const { axis } = node.attributes;
  const yId = node.outputs[0]!;
  const element = c.element(yId);
  const y = c.address(yId);
  const shape = c.shape(yId);
  const row = sizeOf(shape.slice(axis));
  const outer = sizeOf(shape.slice(0, axis));
  let start = 0;
  const parts = node.inputs.map((id) => {
    const size = sizeOf(c.shape(id).slice(axis));
    const part = { x: c.address(id), size, start };
    start += size;
    return part;
  });
  return {
    emit: () =>
      parts.flatMap(({ x, size, start }) => copySteps(x(), y() + start * element, element, [outer, size], [size, 1], [row, 1])),
  };
};

export const slice: Lowering<'slice'> = (node, c) => {
  const { begin, size, strides } = node.attributes;
  const element = c.element(node.outputs[0]!);
  const x = c.address(node.inputs[0]!);
  const y = c.address(node.outputs[0]!);
  const steps = stridesOf(c.shape(node.inputs[0]!));
  const start = begin.reduce((sum, b, axis) => sum + b * steps[axis]!, 0);
  const from = steps.map((step, axis) => step * strides[axis]!);
  return { emit: () => copySteps(x() + start * element, y(), element, size, from, stridesOf(size)) };
};

export const transpose: Lowering<'transpose'> = (node, c) => {
  const element = c.element(node.outputs[0]!);
  const x = c.address(node.inputs[0]!);
  const y = c.address(node.outputs[0]!);
  const steps = stridesOf(c.shape(node.inputs[0]!));
  const shape = c.shape(node.outputs[0]!);
  const from = node.attributes.perm.map((axis) => steps[axis]!);
  return { emit: () => copySteps(x(), y(), element, shape, from, stridesOf(shape)) };
};

/** A graph where nothing is written in place of a reshape; its result shares the operand's memory. */
export const reshape: Lowering<'reshape'> = (node, c) => {
  c.address(node.inputs[0]!);
  return { emit: () => [] };
};

export const pad: Lowering<'pad'> = (node, c) => {
  const { before, mode, value } = node.attributes;
  const xId = node.inputs[0]!;
  const yId = node.outputs[0]!;
  const element = c.element(yId);
  const x = c.address(xId);
  const y = c.address(yId);
  const from = c.shape(xId);
  const to = c.shape(yId);
  if (mode === 'constant') {
    const { dtype } = c.value(yId);
    const bits =
      dtype === 'float32' ? new Int32Array(Float32Array.of(value).buffer)[0]! : dtype === 'bool' ? Number(value !== 0) : value;
    const steps = stridesOf(to);
    const start = before.reduce((sum, b, axis) => sum + b * steps[axis]!, 0);
    return {
      emit: () => [
        new Step(Op.fill)
          .set({ [Fill.y]: y(), [Fill.count]: c.size(yId), [Fill.element]: element, [Fill.value]: bits })
          .costs(c.size(yId)),
        ...copySteps(x(), y() + start * element, element, from, stridesOf(from), steps),
      ],
    };
  }
  // One gather for each padded axis, through scratch.
  const axes = to.map((_, axis) => axis).filter((axis) => to[axis] !== from[axis]);
  let scratch = 0;
  const shape = [...from];
  const stages = axes.map((axis, i) => {
    const size = from[axis]!;
    const index = c.integers(
      Array.from({ length: to[axis]! }, (_, j) => {
        const at = j - before[axis]!;
        if (mode === 'edge') return Math.min(Math.max(at, 0), size - 1);
        return at < 0 ? -at : at >= size ? 2 * (size - 1) - at : at;
      }),
    );
    const stage = {
      index,
      outer: sizeOf(shape.slice(0, axis)),
      length: size,
      inner: sizeOf(shape.slice(axis + 1)),
      count: to[axis]!,
      at: scratch,
    };
    shape[axis] = to[axis]!;
    if (i + 1 < axes.length) scratch += room(sizeOf(shape) * element);
    return stage;
  });
  return {
    scratch,
    emit(base) {
      if (stages.length === 0) return copySteps(x(), y(), element, [c.size(yId)], [1], [1]);
      let source = x();
      return stages.map(({ index, outer, length, inner, count, at }, i) => {
        const target = i + 1 < stages.length ? base + at : y();
        const step = gatherStep(source, index(), target, outer, length, inner, count, element);
        source = target;
        return step;
      });
    },
  };
};

export function gatherStep(
  x: number,
  index: number,
  y: number,
  outer: number,
  length: number,
  inner: number,
  count: number,
  element: number,
): Step {
  return new Step(Op.gather)
    .set({ [Gather.x]: x, [Gather.index]: index, [Gather.y]: y, [Gather.outer]: outer, [Gather.length]: length })
    .set({ [Gather.inner]: inner, [Gather.count]: count, [Gather.element]: element })
    .costs(outer * count * inner);
}

export const gather: Lowering<'gather'> = (node, c) => {
  const [xId, indexId] = node.inputs as [number, number];
  const { axis } = node.attributes;
  const shape = c.shape(xId);
  const x = c.address(xId);
  const index = c.address(indexId);
  const y = c.address(node.outputs[0]!);
  const inner = sizeOf(shape.slice(axis + 1));
  const outer = sizeOf(shape.slice(0, axis));
  return { emit: () => [gatherStep(x(), index(), y(), outer, shape[axis]!, inner, c.size(indexId), c.element(xId))] };
};
