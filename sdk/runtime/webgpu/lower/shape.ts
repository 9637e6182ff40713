// Lowers concat, slice, transpose, reshape, pad, gather to WebGPU dispatches: data that moves and does not change.
import { ModelError } from '../../../errors.js';
import type { Node, ValueId } from '../../../ir/graph.js';
import { sizeOf, stridesOf, type Shape } from '../../../tensor/shape.js';
import { mergeAxes } from '../../axes.js';
import { flatWorkgroups, uniforms, type Dispatch, type LowerContext, type LowerTable } from './context.js';
import { isPlaced } from './placement.js';

/** Invocations of a workgroup of the flat kernels (shared/flat.wgsl). */
const FLAT_SIZE = 64;

/** Axes that shared/copy.wgsl and shared/pad.wgsl have room for. */
const MOST_AXES = 16;

/** Which variant moves values of this type: four neighbours at a time where `fours`. */
function variant<K extends string>(
  context: LowerContext,
  value: ValueId,
  kernel: K,
  fours: boolean,
): K | `${K}_fours` | `${K}_words` | `${K}_words_fours` {
  const float = context.dtype(value) === 'float32';
  if (fours) return float ? `${kernel}_fours` : `${kernel}_words_fours`;
  return float ? kernel : `${kernel}_words`;
}

function padded(numbers: readonly number[]): number[] {
  return Array.from({ length: MOST_AXES }, (_, i) => numbers[i] ?? 0);
}

function checkAxes(node: Node, count: number): void {
  if (count <= MOST_AXES) return;
  throw new ModelError('unsupported-operator', {
    thing: `node "${node.name}" (${node.op}) on webgpu`,
    found: `${count} axes that cannot be joined`,
    wanted: `at most ${MOST_AXES}`,
  });
}

/** Copies a box of `dims` elements from x to y, both strided; starts and strides count elements. */
function copy(
  context: LowerContext,
  node: Node,
  x: ValueId,
  dims: Shape,
  from: { start: number; strides: readonly number[] },
  to: { start: number; strides: readonly number[] },
): Dispatch[] {
  const y = node.outputs[0]!;
  if (sizeOf(dims) === 0) return [];
  let axes = mergeAxes(dims, [from.strides, to.strides]);
  checkAxes(node, axes.length);
  const inner = axes.at(-1);
  // Whole fours: the innermost axis is dense on both sides, and everything else starts at a multiple of four.
  const aligned = (n: number): boolean => n % 4 === 0;
  const fours =
    inner !== undefined &&
    inner.steps.every((step) => step === 1) &&
    aligned(inner.size) &&
    axes.slice(0, -1).every(({ steps }) => steps.every(aligned)) &&
    aligned(from.start) &&
    aligned(to.start);
  const unit = fours ? 4 : 1;
  if (fours) {
    axes = axes.map(({ size, steps }, i) =>
      i + 1 === axes.length ? { size: size / 4, steps } : { size, steps: steps.map((step) => step / 4) },
    );
  }
  const count = sizeOf(dims) / unit;
  const data = uniforms([
    ...[count, axes.length, from.start / unit, to.start / unit],
    ...padded(axes.map(({ size }) => size)),
    ...padded(axes.map(({ steps }) => steps[0]!)),
    ...padded(axes.map(({ steps }) => steps[1]!)),
  ]);
  return [
    {
      kernel: variant(context, y, 'copy', fours),
      overrides: {},
      bindings: [
        { kind: 'value', value: x },
        { kind: 'value', value: y },
        { kind: 'uniform', data },
      ],
      workgroups: flatWorkgroups(count, FLAT_SIZE),
    },
  ];
}

/** Lowerings of this file, by operator. */
export const shape = {
  /** One copy an operand, but for those that were written here in the first place. */
  concat(context, node) {
    const { axis } = node.attributes;
    const strides = stridesOf(context.shape(node.outputs[0]!));
    let start = 0;
    return node.inputs.flatMap((x) => {
      const dims = context.shape(x);
      const to = { start, strides };
      const dispatches = isPlaced(context.graph, x)
        ? []
        : copy(context, node, x, dims, { start: 0, strides: stridesOf(dims) }, to);
      start += dims[axis]! * strides[axis]!;
      return dispatches;
    });
  },

  slice(context, node) {
    const { begin, size, strides } = node.attributes;
    const steps = stridesOf(context.shape(node.inputs[0]!));
    const start = begin.reduce((sum, b, axis) => sum + b * steps[axis]!, 0);
    const from = { start, strides: steps.map((step, axis) => step * strides[axis]!) };
    return copy(context, node, node.inputs[0]!, size, from, { start: 0, strides: stridesOf(size) });
  },

  transpose(context, node) {
    const strides = stridesOf(context.shape(node.inputs[0]!));
    const dims = context.shape(node.outputs[0]!);
    const from = { start: 0, strides: node.attributes.perm.map((axis) => strides[axis]!) };
    return copy(context, node, node.inputs[0]!, dims, from, { start: 0, strides: stridesOf(dims) });
  },

  reshape: () => [],

  pad(context, node) {
    const [x, y] = [node.inputs[0]!, node.outputs[0]!];
    const { before, after, mode, value } = node.attributes;
    // Neighbours that get nothing are one axis; the last may be taken in fours.
    const axes: { dim: number; size: number; before: number }[] = [];
    let open = false;
    for (const [axis, size] of context.shape(x).entries()) {
      const plain = before[axis] === 0 && after[axis] === 0;
      const last = axes.at(-1);
      if (plain && open && last) {
        last.dim *= size;
        last.size *= size;
      } else {
        axes.push({ dim: size + before[axis]! + after[axis]!, size, before: before[axis]! });
      }
      open = plain;
    }
    checkAxes(node, axes.length);
    const inner = axes.at(-1);
    const fours = open && inner !== undefined && inner.size % 4 === 0;
    if (fours) {
      inner.dim /= 4;
      inner.size /= 4;
    }
    const count = sizeOf(axes.map(({ dim }) => dim));
    const bits = context.dtype(x) === 'float32' ? { f32: value } : Math.min(Math.max(Math.trunc(value), -(2 ** 31)), 2 ** 31 - 1);
    const data = uniforms([
      ...[count, axes.length, bits, 0],
      ...padded(axes.map(({ dim }) => dim)),
      ...padded(axes.map(({ size }) => size)),
      ...padded(axes.map((axis) => axis.before)),
      ...padded(stridesOf(axes.map(({ size }) => size))),
    ]);
    return [
      {
        kernel: variant(context, y, 'pad', fours),
        overrides: { mode: { constant: 0, reflect: 1, edge: 2 }[mode] },
        bindings: [
          { kind: 'value', value: x },
          { kind: 'value', value: y },
          { kind: 'uniform', data },
        ],
        workgroups: flatWorkgroups(count, FLAT_SIZE),
      },
    ];
  },

  gather(context, { inputs, outputs, attributes: { axis } }) {
    const dims = context.shape(inputs[0]!);
    const count = sizeOf(context.shape(inputs[1]!));
    const elements = sizeOf(dims.slice(axis + 1));
    const fours = elements % 4 === 0;
    const inner = fours ? elements / 4 : elements;
    const total = sizeOf(dims.slice(0, axis)) * count * inner;
    return [
      {
        kernel: variant(context, outputs[0]!, 'gather', fours),
        overrides: {},
        bindings: [
          { kind: 'value', value: inputs[0]! },
          { kind: 'value', value: inputs[1]! },
          { kind: 'value', value: outputs[0]! },
          { kind: 'uniform', data: uniforms([total, dims[axis]!, inner, count]) },
        ],
        workgroups: flatWorkgroups(total, FLAT_SIZE),
      },
    ];
  },
} satisfies LowerTable;
