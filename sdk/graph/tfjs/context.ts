// What a converter of one TF node works with: its operands, its attributes, and a builder that folds constants at once.
import { ModelError, describe } from '../../errors.js';
import type { GraphBuilder } from '../../ir/builder.js';
import { Constant, type ValueId } from '../../ir/graph.js';
import { inferShapes, type InferOptions } from '../../ir/infer.js';
import { NONE, type Activation, type Attributes, type OperatorName, type Padding } from '../../ir/operators.js';
import type { TensorData } from '../../tensor/dtype.js';
import { formatShape, sizeOf, type Shape } from '../../tensor/shape.js';
import { evaluateConstants, MAX_FOLDED_ELEMENTS } from '../optimize/fold.js';
import { readShape, readText, readType, type TfjsNode } from './format.js';

export const noActivation: Activation = { kind: 'none' };

export class NodeContext {
  constructor(
    readonly builder: GraphBuilder,
    readonly node: TfjsNode,
    /** Values of the data inputs, in order; control inputs are left out. */
    readonly inputs: readonly ValueId[],
  ) {}

  /** A file that contradicts the format. */
  fail(found: string, wanted: string): never {
    throw new ModelError('invalid-model', { thing: `node "${this.node.name}" (${this.node.op})`, found, wanted });
  }

  /** A file that is right but asks for what is not there. */
  unsupported(found: string, wanted: string, next?: string): never {
    throw new ModelError('unsupported-operator', {
      thing: `node "${this.node.name}" (${this.node.op})`,
      found,
      wanted,
      ...(next ? { next } : {}),
    });
  }

  input(index: number): ValueId {
    return this.inputs[index] ?? this.fail(`${this.inputs.length} inputs`, `at least ${index + 1}`);
  }

  shape(id: ValueId): Shape {
    return this.builder.type(id).shape;
  }

  /** The constant behind an input, which importers need now: sizes, axes, paddings, weights. */
  constant(index: number, what: string): Constant {
    const value = this.builder.type(this.input(index));
    return (
      value.constant ??
      this.unsupported(
        `${what} computed at run time ("${value.name}")`,
        'a constant, so that every shape is static',
        'Freeze the model, or choose outputs before this node.',
      )
    );
  }

  integers(index: number, what: string): number[] {
    return Array.from(this.constant(index, what).values, (value) => Math.trunc(value));
  }

  integer(index: number, what: string): number {
    const values = this.integers(index, what);
    return values.length === 1 ? values[0]! : this.fail(`${values.length} numbers for ${what}`, '1');
  }

  /** Number in a constant of one element. */
  scalar(index: number, what: string): number {
    const { values } = this.constant(index, what);
    return values.length === 1 ? values[0]! : this.fail(`${values.length} numbers for ${what}`, '1');
  }

  /** `axis` of `rank` axes, counted from the end if negative. */
  axis(axis: number, rank: number): number {
    const at = axis < 0 ? axis + rank : axis;
    return at >= 0 && at < rank ? at : this.fail(`axis ${axis}`, `an axis of rank ${rank}`);
  }

  text(name: string, fallback: string): string {
    const { s } = this.node.attr[name] ?? {};
    return s === undefined ? fallback : readText(s);
  }

  texts(name: string): string[] {
    return (this.node.attr[name]?.list?.s ?? []).map(readText);
  }

  flag(name: string, fallback = false): boolean {
    return this.node.attr[name]?.b ?? fallback;
  }

  number(name: string, fallback: number): number {
    const { f } = this.node.attr[name] ?? {};
    return f === undefined ? fallback : Number(f);
  }

  int(name: string, fallback: number): number {
    const { i } = this.node.attr[name] ?? {};
    return i === undefined ? fallback : Number(i);
  }

  ints(name: string): number[] | undefined {
    return this.node.attr[name]?.list?.i?.map(Number);
  }

  type(name: string): string | undefined {
    const { type } = this.node.attr[name] ?? {};
    return type === undefined ? undefined : readType(type);
  }

  shapeAttribute(name: string): number[] | undefined {
    return readShape(this.node.attr[name]?.shape);
  }

  /** Refuses channels-first data: nothing here would be right, and converted web models never have it. */
  requireChannelsLast(): void {
    const format = this.text('data_format', 'NHWC');
    if (format !== 'NHWC') {
      this.unsupported(
        `data_format ${describe(format)}`,
        '"NHWC"',
        'Convert the model for CPU: tensorflowjs_converter writes channels-last then.',
      );
    }
  }

  /** The two spatial numbers of a list for all four axes; absent lists are ones. */
  spatial(name: string): [number, number] {
    const list = this.ints(name);
    if (!list || list.length === 0) return [1, 1];
    if (list.length !== 4) this.fail(`${name} ${formatShape(list)}`, 'four numbers');
    if (list[0] !== 1 || list[3] !== 1) this.unsupported(`${name} ${formatShape(list)}`, '1 on the batch and channel axes');
    return [list[1]!, list[2]!];
  }

  /** SAME, VALID and EXPLICIT as numbers. SAME puts the odd pixel behind, as TensorFlow does. */
  padding(
    shape: Shape,
    kernel: readonly [number, number],
    strides: readonly [number, number],
    dilations: readonly [number, number],
  ): Padding {
    const kind = this.text('padding', 'VALID');
    if (kind === 'VALID') return [0, 0, 0, 0];
    if (kind === 'EXPLICIT') {
      const list = this.ints('explicit_paddings') ?? [];
      if (list.length !== 8 || list[0] || list[1] || list[6] || list[7]) {
        this.fail(`explicit_paddings ${formatShape(list)}`, 'eight numbers, 0 on the batch and channel axes');
      }
      return [list[2]!, list[4]!, list[3]!, list[5]!];
    }
    if (kind !== 'SAME') this.unsupported(`padding ${describe(kind)}`, 'SAME, VALID or EXPLICIT');
    const total = ([0, 1] as const).map((axis) => {
      const size = shape[axis + 1]!;
      const out = Math.ceil(size / strides[axis]);
      return Math.max((out - 1) * strides[axis] + (kernel[axis] - 1) * dilations[axis] + 1 - size, 0);
    });
    const [top, left] = [Math.floor(total[0]! / 2), Math.floor(total[1]! / 2)];
    return [top, left, total[0]! - top, total[1]! - left];
  }

  /** A constant of this node. `suffix` makes its name. */
  newConstant(suffix: string, data: Constant | TensorData, shape: Shape): ValueId {
    return this.builder.constant(this.builder.freeName(`${this.node.name}/${suffix}`), data, shape);
  }

  /** Adds a node, or computes it now where all operands are constants. `suffix` tells apart several nodes of one TF node. */
  emitAll<K extends OperatorName>(
    op: K,
    inputs: readonly ValueId[],
    attributes: Attributes[K],
    suffix = '',
    result?: InferOptions['result'],
  ): [ValueId, ...ValueId[]] {
    const { builder } = this;
    const name = builder.freeName(suffix ? `${this.node.name}/${suffix}` : this.node.name);
    const operands = inputs.map((id) => (id === NONE ? undefined : builder.type(id)));
    if (operands.every((operand) => !operand || operand.constant)) {
      const types = inferShapes(op, operands, attributes, { name, result });
      if (types.every(({ shape }) => sizeOf(shape) <= MAX_FOLDED_ELEMENTS)) {
        const constants = evaluateConstants(
          { op, name, attributes } as never,
          operands.map((operand) => operand && { shape: operand.shape, constant: operand.constant! }),
          types,
        );
        return constants.map((constant, i) => {
          return builder.constant(builder.freeName(i === 0 ? name : `${name}:${i}`), constant, types[i]!.shape);
        }) as [ValueId, ...ValueId[]];
      }
    }
    return builder.add(op, name, inputs, attributes, { result });
  }

  /** The same for operators of one result. */
  emit<K extends OperatorName>(
    op: K,
    inputs: readonly ValueId[],
    attributes: Attributes[K],
    suffix = '',
    result?: InferOptions['result'],
  ): ValueId {
    return this.emitAll(op, inputs, attributes, suffix, result)[0];
  }

  reshape(x: ValueId, shape: Shape, suffix = ''): ValueId {
    return this.emit('reshape', [x], {}, suffix, { shape });
  }
}
