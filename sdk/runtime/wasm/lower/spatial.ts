// Over neighbourhoods and axes: pools, resize, reduce, softmax.
import { Op, Pool, Reduce, ReduceKind, Resize, Softmax } from '../../../../assembly/records.js';
import type { Node } from '../../../ir/graph.js';
import type { Attributes } from '../../../ir/operators.js';
import { sizeOf } from '../../../tensor/shape.js';
import { resizeTaps } from '../../taps.js';
import { Step } from '../step.js';
import { room, type Context, type Lowered, type Lowering } from './context.js';
import { copySteps } from './elementwise.js';

function pool(
  op: Op.max_pool | Op.average_pool,
  node: Node,
  { kernel, strides, padding }: Attributes['max_pool'],
  countPadding: boolean,
  c: Context,
): Lowered {
  const [N, H, W, C] = c.shape(node.inputs[0]!) as [number, number, number, number];
  const [, OH, OW] = c.shape(node.outputs[0]!) as [number, number, number, number];
  const x = c.address(node.inputs[0]!);
  const y = c.address(node.outputs[0]!);
  return {
    emit: () => [
      new Step(op)
        .set({ [Pool.x]: x(), [Pool.y]: y(), [Pool.batch]: N, [Pool.height]: H, [Pool.width]: W, [Pool.channels]: C })
        .set({ [Pool.out_height]: OH, [Pool.out_width]: OW, [Pool.kernel_height]: kernel[0], [Pool.kernel_width]: kernel[1] })
        .set({
          [Pool.stride_y]: strides[0],
          [Pool.stride_x]: strides[1],
          [Pool.pad_top]: padding[0],
          [Pool.pad_left]: padding[1],
        })
        .set({ [Pool.count_padding]: countPadding ? 1 : 0 })
        .costs(N * OH * OW * C * kernel[0] * kernel[1]),
    ],
  };
}

export const maxPool: Lowering<'max_pool'> = (node, c) => pool(Op.max_pool, node, node.attributes, false, c);

export const averagePool: Lowering<'average_pool'> = (node, c) =>
  pool(Op.average_pool, node, node.attributes, node.attributes.countPadding, c);

const reduceKinds: Readonly<Record<Attributes['reduce']['kind'], ReduceKind>> = {
  mean: ReduceKind.mean, sum: ReduceKind.sum, max: ReduceKind.max, min: ReduceKind.min, prod: ReduceKind.prod,
}; // prettier-ignore

/** Neighbouring reduced axes are one; several such groups are reduced one after the other, the last first. */
export const reduce: Lowering<'reduce'> = (node, c) => {
  const { kind, axes } = node.attributes;
  const shape = c.shape(node.inputs[0]!);
  const x = c.address(node.inputs[0]!);
  const y = c.address(node.outputs[0]!);
  const integer = c.value(node.inputs[0]!).dtype === 'int32' ? 1 : 0;
  const divisor = kind === 'mean' ? sizeOf(axes.map((axis) => shape[axis]!)) : 1;
  const groups: { first: number; last: number }[] = [];
  for (const axis of axes) {
    const group = groups.at(-1);
    if (group && group.last === axis - 1) group.last = axis;
    else groups.push({ first: axis, last: axis });
  }
  if (groups.length === 0) {
    const count = sizeOf(shape);
    return { emit: () => copySteps(x(), y(), 4, [count], [1], [1]) };
  }
  const dims = [...shape];
  let scratch = 0;
  const stages = groups.reverse().map(({ first, last }, i) => {
    const stage = {
      outer: sizeOf(dims.slice(0, first)),
      length: sizeOf(dims.slice(first, last + 1)),
      inner: sizeOf(dims.slice(last + 1)),
      at: scratch,
    };
    for (let axis = first; axis <= last; axis++) dims[axis] = 1;
    if (i + 1 < groups.length) scratch += room(sizeOf(dims) * 4);
    return stage;
  });
  return {
    scratch,
    emit(base) {
      let source = x();
      return stages.map(({ outer, length, inner, at }, i) => {
        const final = i + 1 === stages.length;
        const target = final ? y() : base + at;
        const step = new Step(Op.reduce)
          .set({ [Reduce.x]: source, [Reduce.y]: target, [Reduce.outer]: outer, [Reduce.length]: length, [Reduce.inner]: inner })
          .set({ [Reduce.kind]: reduceKinds[kind], [Reduce.integer]: integer })
          .real(Reduce.divisor, final ? divisor : 1)
          .costs(outer * length * inner);
        source = target;
        return step;
      });
    },
  };
};

export const resize: Lowering<'resize'> = (node, c) => {
  const [N, H, W, C] = c.shape(node.inputs[0]!) as [number, number, number, number];
  const { height, width, mode, activation = { kind: 'none' } } = node.attributes;
  const x = c.address(node.inputs[0]!);
  const y = c.address(node.outputs[0]!);
  const table = (size: number, out: number, stride: number) =>
    c.constant(out * 16, (to, at) => {
      const words = new Int32Array(to, at, out * 4);
      const reals = new Float32Array(to, at, out * 4);
      for (const [i, [first, second, weight]] of resizeTaps(size, out, node.attributes).entries()) {
        words[i * 4] = first * stride;
        words[i * 4 + 1] = second * stride;
        reals[i * 4 + 2] = weight;
      }
    });
  const rows = table(H, height, W * C * 4);
  const columns = table(W, width, C * 4);
  return {
    emit: () => [
      new Step(Op.resize)
        .fuse(activation)
        .set({ [Resize.x]: x(), [Resize.y]: y(), [Resize.batch]: N, [Resize.height]: H, [Resize.width]: W, [Resize.channels]: C })
        .set({
          [Resize.out_height]: height,
          [Resize.out_width]: width,
          [Resize.row_taps]: rows(),
          [Resize.column_taps]: columns(),
        })
        .set({ [Resize.nearest]: mode === 'nearest' ? 1 : 0 })
        .costs(N * height * width * C * 4),
    ],
  };
};

export const softmax: Lowering<'softmax'> = (node, c) => {
  const { axis } = node.attributes;
  const shape = c.shape(node.inputs[0]!);
  const x = c.address(node.inputs[0]!);
  const y = c.address(node.outputs[0]!);
  const [outer, length, inner] = [sizeOf(shape.slice(0, axis)), shape[axis]!, sizeOf(shape.slice(axis + 1))];
  return {
    emit: () => [
      new Step(Op.softmax)
        .set({ [Softmax.x]: x(), [Softmax.y]: y(), [Softmax.outer]: outer, [Softmax.length]: length, [Softmax.inner]: inner })
        .costs(outer * length * inner * 6),
    ],
  };
};
