// Builds a graph node by node with result shapes inferred; used by importers, passes, heads, unify and tests. It optimises nothing.
import { ModelError, describe } from '../errors.js';
import type { TensorData } from '../tensor/dtype.js';
import { formatShape, sizeOf, type Shape } from '../tensor/shape.js';
import { Constant, type Graph, type Node, type Value, type ValueId } from './graph.js';
import { inferShapes, type InferOptions, type ValueDType, type ValueType } from './infer.js';
import { NONE, type Attributes, type OperatorName } from './operators.js';

export interface AddOptions {
  /** For `reshape` the wanted shape, for `cast` the wanted dtype. */
  result?: InferOptions['result'];
  /** Names of the result values. Default: the node's name, then `name:1`, `name:2`. */
  names?: readonly string[];
}

/**
 * Grows a {@link Graph}. Every method checks at once and throws {@link ModelError} `invalid-model`; names are unique in the graph.
 *
 * ```ts
 * const g = new GraphBuilder();
 * const x = g.input('x', 'float32', [1, 8]);
 * const [y] = g.add('activation', 'y', [x], { activation: { kind: 'relu' } });
 * g.output(y);
 * const graph = g.build();
 * ```
 */
export class GraphBuilder {
  readonly #values: Value[] = [];
  readonly #nodes: Node[] = [];
  readonly #inputs: ValueId[] = [];
  readonly #outputs: ValueId[] = [];
  readonly #names = new Map<string, ValueId>();

  /** A tensor that every run feeds. */
  input(name: string, dtype: ValueDType, shape: Shape): ValueId {
    const id = this.#value({ name, dtype, shape: [...shape] });
    this.#inputs.push(id);
    return id;
  }

  /** An input that takes an image of any size; only `image_to_tensor` reads it. */
  image(name: string): ValueId {
    const id = this.#value({ name, dtype: 'uint8', shape: [], image: true });
    this.#inputs.push(id);
    return id;
  }

  /** A constant; typed arrays are taken as they are: Float32Array float32, Int32Array int32, Uint8Array uint8. Not copied. */
  constant(name: string, value: Constant | TensorData, shape: Shape): ValueId {
    const constant =
      value instanceof Constant
        ? value
        : new Constant(value instanceof Float32Array ? 'float32' : value instanceof Int32Array ? 'int32' : 'uint8', value);
    if (constant.stored.length !== sizeOf(shape)) {
      throw new ModelError('invalid-model', {
        thing: `constant "${name}" ${formatShape(shape)}`,
        found: `${constant.stored.length} elements`,
        wanted: `${sizeOf(shape)}`,
      });
    }
    const dtype = constant.dtype === 'float16' ? 'float32' : constant.dtype;
    return this.#value({ name, dtype, shape: [...shape], constant });
  }

  /** Adds a node and gives the ids of its results, shapes inferred. Absent optional operands are NONE. */
  add<K extends OperatorName>(
    op: K,
    name: string,
    inputs: readonly ValueId[],
    attributes: Attributes[K],
    options: AddOptions = {},
  ): [ValueId, ...ValueId[]] {
    const operands = inputs.map((id) => (id === NONE ? undefined : this.type(id)));
    const types = inferShapes(op, operands, attributes, { name, result: options.result });
    const outputs = types.map((type, i) => {
      return this.#value({ name: options.names?.[i] ?? (i === 0 ? name : `${name}:${i}`), dtype: type.dtype, shape: type.shape });
    });
    // The pairing of `op` and `attributes` is checked by the signature; the union cannot express it.
    this.#nodes.push({ op, name, inputs: [...inputs], outputs, attributes } as unknown as Node);
    return outputs as [ValueId, ...ValueId[]];
  }

  /** The same elements in another shape. */
  reshape(name: string, x: ValueId, shape: Shape): ValueId {
    return this.add('reshape', name, [x], {}, { result: { shape } })[0];
  }

  /** The same numbers in another type. */
  cast(name: string, x: ValueId, dtype: ValueDType): ValueId {
    return this.add('cast', name, [x], {}, { result: { dtype } })[0];
  }

  /** Marks a value as result of the graph; the order of calls is the order of `graph.outputs`. Twice is once. */
  output(id: ValueId): void {
    this.type(id);
    if (!this.#outputs.includes(id)) this.#outputs.push(id);
  }

  /** Type, shape and, if it is one, the constant of a value made here. */
  type(id: ValueId): Readonly<Value> & ValueType {
    const value = this.#values[id];
    if (!value) {
      throw new ModelError('invalid-model', {
        thing: 'operand',
        found: describe(id),
        wanted: `a value of this builder (0 to ${this.#values.length - 1})`,
      });
    }
    return value;
  }

  /** The id of the value with this name, or undefined. */
  find(name: string): ValueId | undefined {
    return this.#names.get(name);
  }

  /** `name` if it is free, else the first free of `name~2`, `name~3`, ... */
  freeName(name: string): string {
    if (!this.#names.has(name)) return name;
    let n = 2;
    while (this.#names.has(`${name}~${n}`)) n++;
    return `${name}~${n}`;
  }

  /** The graph so far. Throws if no output was named. */
  build(): Graph {
    if (this.#outputs.length === 0) {
      throw new ModelError('invalid-model', { thing: 'graph', found: 'no outputs', wanted: 'at least one call of output()' });
    }
    return { values: [...this.#values], nodes: [...this.#nodes], inputs: [...this.#inputs], outputs: [...this.#outputs] };
  }

  #value(value: Value): ValueId {
    if (this.#names.has(value.name)) {
      throw new ModelError('invalid-model', {
        thing: `value "${value.name}"`,
        found: 'a second value of this name',
        wanted: 'a unique name',
      });
    }
    value.shape.forEach((d) => {
      if (!Number.isInteger(d) || d < 0) {
        throw new ModelError('invalid-model', {
          thing: `shape of "${value.name}"`,
          found: formatShape(value.shape),
          wanted: 'integers of at least 0; every shape is static',
        });
      }
    });
    this.#values.push(value);
    this.#names.set(value.name, this.#values.length - 1);
    return this.#values.length - 1;
  }
}
