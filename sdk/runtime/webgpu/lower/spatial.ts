// Lowers pools, resize, reduce, softmax to WebGPU dispatches.
import type { NodeOf } from '../../../ir/graph.js';
import type { Attributes } from '../../../ir/operators.js';
import { sizeOf } from '../../../tensor/shape.js';
import { resizeTaps } from '../../taps.js';
import { activationOverrides } from './activation.js';
import { flatWorkgroups, uniforms, type Binding, type Dispatch, type LowerContext, type LowerTable } from './context.js';

/** Invocations of a workgroup of the flat kernels (shared/flat.wgsl) and of the kernels over lines (shared/lines.wgsl). */
const FLAT_SIZE = 64;
const LINES_SIZE = 256;

function pool(
  context: LowerContext,
  { op, inputs, outputs, attributes }: NodeOf<'max_pool'> | NodeOf<'average_pool'>,
  overrides: Dispatch['overrides'],
): Dispatch[] {
  const { kernel, strides, padding } = attributes;
  const [, H, W, C] = context.shape(inputs[0]!) as [number, number, number, number];
  const [N, OH, OW] = context.shape(outputs[0]!) as [number, number, number];
  const vectors = Math.ceil((N * OH * OW * C) / 4);
  return [
    {
      kernel: op,
      overrides: { fours: C % 4 === 0 ? 1 : 0, ...overrides },
      bindings: [
        { kind: 'value', value: inputs[0]! },
        { kind: 'value', value: outputs[0]! },
        { kind: 'uniform', data: uniforms([vectors, H, W, C, OH, OW, ...kernel, ...strides, padding[0], padding[1]]) },
      ],
      workgroups: flatWorkgroups(vectors, FLAT_SIZE),
    },
  ];
}

/** How a tensor [outer, length, inner] is dealt to workgroups (shared/lines.wgsl). */
function lines(outer: number, length: number, inner: number): Pick<Dispatch, 'overrides' | 'workgroups'> & { data: Uint32Array } {
  // Some elements for each invocation, so that combining costs little; neighbouring lines fill the rest of the workgroup.
  let lanes = 1;
  while (lanes < LINES_SIZE && lanes * 4 <= length) lanes *= 2;
  // Neighbouring lines are neighbours in memory: at least 16 of them, that reads come in whole pieces.
  if (inner > 1) lanes = Math.min(lanes, Math.max(16, LINES_SIZE / nextPower(inner)));
  return {
    overrides: { lanes, contiguous: inner === 1 ? 1 : 0 },
    data: uniforms([outer * inner, length, inner]),
    workgroups: flatWorkgroups(outer * inner, LINES_SIZE / lanes),
  };
}

function nextPower(n: number): number {
  return 2 ** Math.ceil(Math.log2(n));
}

const reductions: Readonly<Record<Attributes['reduce']['kind'], number>> = { mean: 0, sum: 1, max: 2, min: 3, prod: 4 };

/** Lowerings of this file, by operator. */
export const spatial = {
  max_pool: (context, node) => pool(context, node, {}),

  average_pool: (context, node) => pool(context, node, { count_padding: node.attributes.countPadding ? 1 : 0 }),

  /** Neighbouring reduced axes are one; several such runs are reduced one after the other, the last first. */
  reduce(context, { inputs, outputs, attributes: { kind, axes } }) {
    const dims = [...context.shape(inputs[0]!)];
    const runs: { first: number; last: number }[] = [];
    for (const axis of axes) {
      const run = runs.at(-1);
      if (run && run.last === axis - 1) run.last = axis;
      else runs.push({ first: axis, last: axis });
    }
    // Without axes every element is its own line.
    if (runs.length === 0) runs.push({ first: dims.length, last: dims.length - 1 });
    const kernel = context.dtype(inputs[0]!) === 'int32' ? 'reduce_int' : 'reduce';
    let source: Binding = { kind: 'value', value: inputs[0]! };
    return runs.reverse().map(({ first, last }, i): Dispatch => {
      const outer = sizeOf(dims.slice(0, first));
      const inner = sizeOf(dims.slice(last + 1));
      const { overrides, data, workgroups } = lines(outer, sizeOf(dims.slice(first, last + 1)), inner);
      for (let axis = first; axis <= last; axis++) dims[axis] = 1;
      const target: Binding =
        i + 1 === runs.length
          ? { kind: 'value', value: outputs[0]! }
          : { kind: 'scratch', key: `stage${i}`, bytes: sizeOf(dims) * 4 };
      const bindings: Binding[] = [source, target, { kind: 'uniform', data }];
      source = target;
      return { kernel, overrides: { ...overrides, kind: reductions[kind] }, bindings, workgroups };
    });
  },

  resize(context, { inputs, outputs, attributes }) {
    const [N, H, W, C] = context.shape(inputs[0]!) as [number, number, number, number];
    const { height, width, mode, activation = { kind: 'none' } } = attributes;
    const vectors = Math.ceil((N * height * width * C) / 4);
    const taps = (): Uint32Array =>
      uniforms(
        [...resizeTaps(H, height, attributes), ...resizeTaps(W, width, attributes)].flatMap(([first, second, weight]) => [
          first,
          second,
          { f32: weight },
          0,
        ]),
      );
    const { coordinates, nearest } = attributes;
    return [
      {
        kernel: 'resize',
        overrides: {
          fours: C % 4 === 0 ? 1 : 0,
          nearest: mode === 'nearest' ? 1 : 0,
          ...activationOverrides(activation),
        },
        bindings: [
          { kind: 'value', value: inputs[0]! },
          { kind: 'packed', key: `resize taps ${H}x${W} ${height}x${width} ${mode} ${coordinates} ${nearest}`, data: taps },
          { kind: 'value', value: outputs[0]! },
          { kind: 'uniform', data: uniforms([vectors, H, W, C, height, width]) },
        ],
        workgroups: flatWorkgroups(vectors, FLAT_SIZE),
      },
    ];
  },

  softmax(context, { inputs, outputs, attributes: { axis } }) {
    const shape = context.shape(inputs[0]!);
    const { overrides, data, workgroups } = lines(sizeOf(shape.slice(0, axis)), shape[axis]!, sizeOf(shape.slice(axis + 1)));
    const bindings: Binding[] = [
      { kind: 'value', value: inputs[0]! },
      { kind: 'value', value: outputs[0]! },
      { kind: 'uniform', data },
    ];
    return [{ kernel: 'softmax', overrides, bindings, workgroups }];
  },
} satisfies LowerTable;
