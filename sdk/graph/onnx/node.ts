// What a converter of one ONNX node works with: its operands, its attributes, the version of its operator set, and the algebra to write it in.
import { describe } from '../../errors.js';
import type { TensorData } from '../../tensor/dtype.js';
import { Algebra, type Tensor } from './algebra.js';
import type { OnnxNode } from './model.js';
import { decodeTensor, type ExternalData } from './tensor.js';

export class NodeContext {
  constructor(
    readonly g: Algebra,
    readonly node: OnnxNode,
    /** Operands in order, undefined where an optional one is absent. */
    readonly inputs: readonly (Tensor | undefined)[],
    /** Version of the standard operator set. */
    readonly opset: number,
    readonly externalData: ExternalData | undefined,
  ) {}

  fail(found: string, wanted: string): never {
    return this.g.fail(found, wanted);
  }

  unsupported(found: string, wanted: string, next?: string): never {
    return this.g.unsupported(found, wanted, next);
  }

  input(index: number): Tensor {
    return this.inputs[index] ?? this.fail(`no operand ${index}`, `at least ${index + 1} operands`);
  }

  has(index: number): boolean {
    return this.inputs[index] !== undefined;
  }

  /** True if result `index` has a name, which is how a node asks for an optional result. */
  wants(index: number): boolean {
    return (this.node.outputs[index] ?? '') !== '';
  }

  // --- attributes ----------------------------------------------------------------------------------------------------------------------

  given(name: string): boolean {
    return this.node.attributes.has(name);
  }

  int(name: string, fallback: number): number {
    return this.node.attributes.get(name)?.i ?? fallback;
  }

  flag(name: string, fallback = false): boolean {
    return this.int(name, Number(fallback)) !== 0;
  }

  float(name: string, fallback: number): number {
    return this.node.attributes.get(name)?.f ?? fallback;
  }

  text(name: string, fallback: string): string {
    return this.node.attributes.get(name)?.s ?? fallback;
  }

  ints(name: string): number[] | undefined {
    return this.node.attributes.get(name)?.ints;
  }

  floats(name: string): number[] | undefined {
    return this.node.attributes.get(name)?.floats;
  }

  /** A tensor that stands in an attribute. */
  tensorAttribute(name: string): Tensor | undefined {
    const proto = this.node.attributes.get(name)?.t;
    if (!proto) return undefined;
    const constant = decodeTensor(proto, this.externalData);
    return this.g.constant(constant, proto.dims, proto.type);
  }

  // --- operands that must be known now -------------------------------------------------------------------------------------------------

  /** Numbers of an operand that every shape depends on. */
  numbers(index: number, what: string): TensorData {
    const x = this.input(index);
    return (
      this.g.numbers(x) ??
      this.unsupported(
        `${what} computed at run time (${describe(this.node.inputs[index])})`,
        'a constant, so that every shape is static',
        'Export with fixed sizes, or choose outputs before this node.',
      )
    );
  }

  integers(index: number, what: string): number[] {
    return Array.from(this.numbers(index, what), (value) => Math.trunc(value));
  }

  number(index: number, what: string): number {
    const values = this.numbers(index, what);
    return values.length === 1 ? values[0]! : this.fail(`${values.length} numbers for ${what}`, '1');
  }

  /** A list that older versions have as attribute `name` and newer ones as operand `index`; undefined if absent. */
  list(name: string, index: number): number[] | undefined {
    if (this.given(name)) return this.ints(name);
    return this.has(index) ? this.integers(index, name) : undefined;
  }

  /** `axis` of `rank` axes, counted from the end if negative. */
  axis(axis: number, rank: number): number {
    const at = axis < 0 ? axis + rank : axis;
    return Number.isInteger(at) && at >= 0 && at < rank ? at : this.fail(`axis ${axis}`, `an axis of rank ${rank}`);
  }

  /** Axes, each once, ascending. */
  axes(list: readonly number[], rank: number): number[] {
    const axes = list.map((axis) => this.axis(axis, rank));
    if (new Set(axes).size !== axes.length) this.fail(`axes ${list.join(', ')}`, 'each axis once');
    return axes.sort((p, q) => p - q);
  }

  rank(x: Tensor, least: number, what = 'x'): number {
    const rank = x.shape.length;
    return rank >= least ? rank : this.fail(`${what} of rank ${rank}`, `rank ${least} or more`);
  }
}

/** Results of a node, in the order of its outputs; undefined for an optional one that was not asked for. */
export type Converter = (c: NodeContext) => Tensor | (Tensor | undefined)[];
