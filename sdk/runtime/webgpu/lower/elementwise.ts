// Lowers activation, unary, binary, compare, where, cast to WebGPU dispatches.
import { ModelError } from '../../../errors.js';
import type { NodeOf, ValueId } from '../../../ir/graph.js';
import type { ValueDType } from '../../../ir/infer.js';
import type { Attributes, OperatorName } from '../../../ir/operators.js';
import { sizeOf } from '../../../tensor/shape.js';
import { broadcastStrides, mergeAxes } from '../../axes.js';
import type { KernelName } from '../kernels.js';
import { activationOverrides } from './activation.js';
import { flatWorkgroups, uniforms, type Binding, type Dispatch, type LowerContext, type LowerTable } from './context.js';

/** Invocations of a workgroup of the flat kernels (shared/flat.wgsl). */
const FLAT_SIZE = 64;

/** Axes that shared/broadcast.wgsl has room for. */
const MOST_AXES = 16;

/** One element-wise dispatch over operands of the result's shape. */
function flat(
  context: LowerContext,
  kernel: KernelName,
  overrides: Dispatch['overrides'],
  x: ValueId,
  y: ValueId,
  count = sizeOf(context.shape(y)),
): Dispatch {
  const vectors = Math.ceil(count / 4);
  return {
    kernel,
    overrides,
    bindings: [
      { kind: 'value', value: x },
      { kind: 'value', value: y },
      { kind: 'uniform', data: uniforms([vectors]) },
    ],
    workgroups: flatWorkgroups(vectors, FLAT_SIZE),
  };
}

/** How shared/broadcast.wgsl reads an operand, by its numbers there. */
const enum Read {
  same,
  one,
  repeated,
  rows,
  splat,
  each,
}

/** One element-wise dispatch over operands that broadcast to the result. The overrides read_a, read_b, read_c are added. */
function broadcast<K extends OperatorName>(
  context: LowerContext,
  node: NodeOf<K>,
  kernel: KernelName,
  overrides: Dispatch['overrides'],
): Dispatch {
  const y = node.outputs[0]!;
  const shape = context.shape(y);
  const axes = mergeAxes(
    shape,
    node.inputs.map((id) => broadcastStrides(context.shape(id), shape)),
  );
  if (axes.length > MOST_AXES) {
    throw new ModelError('unsupported-operator', {
      thing: `node "${node.name}" (${node.op}) on webgpu`,
      found: `broadcasting over ${axes.length} axes that cannot be joined`,
      wanted: `at most ${MOST_AXES}`,
    });
  }
  const count = sizeOf(shape);
  const inner = axes.at(-1);
  const reads = node.inputs.map((id, operand): Read => {
    const size = sizeOf(context.shape(id));
    if (size === 1) return Read.one;
    if (size === count) return Read.same;
    const steps = axes.map(({ steps }) => steps[operand]!);
    const step = steps.at(-1)!;
    const fours = inner!.size % 4 === 0;
    if (fours && step === 1 && axes.length === 2) return Read.repeated;
    if (fours && step === 1 && steps.slice(0, -1).every((s) => s % 4 === 0)) return Read.rows;
    return fours && step === 0 ? Read.splat : Read.each;
  });
  const vectors = Math.ceil(count / 4);
  const padded = (numbers: readonly number[]): number[] => Array.from({ length: MOST_AXES }, (_, i) => numbers[i] ?? 0);
  const periods = [0, 1, 2].map((operand) => (reads[operand] === Read.repeated ? inner!.size / 4 : 1));
  const data = uniforms([
    ...[vectors, axes.length, ...periods, 0, 0, 0],
    ...padded(axes.map(({ size }) => size)),
    ...[0, 1, 2].flatMap((operand) => padded(axes.map(({ steps }) => steps[operand] ?? 0))),
  ]);
  const operands = node.inputs.map((value): Binding => ({ kind: 'value', value }));
  return {
    kernel,
    overrides: { ...overrides, ...Object.fromEntries(reads.map((read, i) => [`read_${'abc'[i]}`, read])) },
    bindings: [...operands, { kind: 'value', value: y }, { kind: 'uniform', data }],
    workgroups: flatWorkgroups(vectors, FLAT_SIZE),
  };
}

const binaries: Readonly<Record<Attributes['binary']['kind'], number>> = {
  add: 0, sub: 1, mul: 2, div: 3, maximum: 4, minimum: 5, pow: 6, floor_div: 7, floor_mod: 8, squared_difference: 9, prelu: 10,
}; // prettier-ignore

const unaries: Readonly<Record<Attributes['unary']['kind'], number>> = {
  neg: 0, abs: 1, exp: 2, log: 3, sqrt: 4, rsqrt: 5, square: 6, reciprocal: 7, floor: 8, ceil: 9, round: 10, sign: 11, erf: 12, sin: 13,
  cos: 14, tan: 15, asin: 16, acos: 17, atan: 18, sinh: 19, cosh: 20, asinh: 21, acosh: 22, atanh: 23,
}; // prettier-ignore

const compares: Readonly<Record<Attributes['compare']['kind'], number>> = {
  equal: 0, not_equal: 1, less: 2, less_equal: 3, greater: 4, greater_equal: 5,
}; // prettier-ignore

/** Target types of cast_float_int.wgsl and cast_int.wgsl. */
const targets: Readonly<Record<Exclude<ValueDType, 'float32'>, number>> = { int32: 0, uint8: 1, bool: 2 };

/** Lowerings of this file, by operator. */
export const elementwise = {
  activation: (context, { inputs, outputs, attributes }) => [
    flat(context, 'activation', activationOverrides(attributes.activation), inputs[0]!, outputs[0]!),
  ],
  unary: (context, { inputs, outputs, attributes }) => [
    flat(
      context,
      context.dtype(inputs[0]!) === 'float32' ? 'unary' : 'unary_int',
      { kind: unaries[attributes.kind] },
      inputs[0]!,
      outputs[0]!,
    ),
  ],
  binary(context, node) {
    const kind = binaries[node.attributes.kind];
    return context.dtype(node.inputs[0]!) === 'float32'
      ? [broadcast(context, node, 'binary', { kind, ...activationOverrides(node.attributes.activation) })]
      : [broadcast(context, node, 'binary_int', { kind })];
  },
  compare: (context, node) => [
    broadcast(context, node, context.dtype(node.inputs[0]!) === 'float32' ? 'compare' : 'compare_int', {
      kind: compares[node.attributes.kind],
    }),
  ],
  where(context, node) {
    const [condition, a, b] = node.inputs as [ValueId, ValueId, ValueId];
    const kernel = context.dtype(a) === 'float32' ? 'where' : 'where_words';
    return [broadcast(context, { ...node, inputs: [a, b, condition] }, kernel, {})];
  },
  cast(context, { inputs, outputs }) {
    const [x, y] = [inputs[0]!, outputs[0]!];
    const [from, to] = [context.dtype(x), context.dtype(y)];
    if (to === 'float32') return [flat(context, from === 'float32' ? 'activation' : 'cast_int_float', {}, x, y)];
    return [flat(context, from === 'float32' ? 'cast_float_int' : 'cast_int', { target_type: targets[to] }, x, y)];
  },
} satisfies LowerTable;
