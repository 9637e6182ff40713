// A graph under change: who writes and who reads each value, and the few edits that passes are made of. Holds no optimisation of its own.
import { InternalError } from '../../errors.js';
import type { Constant, Graph, Node, NodeOf, Value, ValueId } from '../../ir/graph.js';
import { inferShapes, type InferOptions } from '../../ir/infer.js';
import { NONE, type Attributes, type OperatorName } from '../../ir/operators.js';
import type { Shape } from '../../tensor/shape.js';

interface Index {
  producer: Map<ValueId, Node>;
  consumers: Map<ValueId, Node[]>;
  position: Map<Node, number>;
}

/** Works on a copy: the graph given is not changed. Value ids stay valid until {@link GraphEditor.finish}. */
export class GraphEditor {
  readonly values: Value[];
  nodes: Node[];
  readonly inputs: ValueId[];
  readonly outputs: ValueId[];
  #index: Index | undefined;

  constructor(graph: Graph) {
    this.values = [...graph.values];
    this.nodes = graph.nodes.map((node) => ({ ...node, inputs: [...node.inputs], outputs: [...node.outputs] }));
    this.inputs = [...graph.inputs];
    this.outputs = [...graph.outputs];
  }

  /** The node that writes a value; undefined for inputs and constants. */
  producer(id: ValueId): Node | undefined {
    return this.#indexed().producer.get(id);
  }

  /** The producer if it is of this operator. */
  producerOf<K extends OperatorName>(id: ValueId, op: K): NodeOf<K> | undefined {
    const node = this.producer(id);
    return node?.op === op ? (node as unknown as NodeOf<K>) : undefined;
  }

  /** Nodes that read a value, each once, in execution order. */
  consumers(id: ValueId): readonly Node[] {
    return this.#indexed().consumers.get(id) ?? [];
  }

  /** True if `reader` is the only one who needs the value: no other node and no output. */
  onlyFor(id: ValueId, reader: Pick<Node, 'name'>): boolean {
    const readers = this.consumers(id);
    return readers.length === 1 && (readers[0] as Pick<Node, 'name'>) === reader && !this.outputs.includes(id);
  }

  /** Place of a node in execution order; inputs and constants stand at -1. */
  positionOf(id: ValueId): number {
    const node = this.producer(id);
    return node ? this.position(node) : -1;
  }

  position(node: Pick<Node, 'name'>): number {
    return this.#indexed().position.get(node as Node) ?? -1;
  }

  constant(id: ValueId | undefined): Constant | undefined {
    return id === undefined || id === NONE ? undefined : this.values[id]!.constant;
  }

  /** The number a constant of one element holds, or undefined. */
  scalar(id: ValueId | undefined): number | undefined {
    const constant = this.constant(id);
    return constant && constant.stored.length === 1 ? constant.values[0]! : undefined;
  }

  shape(id: ValueId): Shape {
    return this.values[id]!.shape;
  }

  addConstant(name: string, constant: Constant, shape: Shape): ValueId {
    const dtype = constant.dtype === 'float16' ? 'float32' : constant.dtype;
    this.values.push({ name: this.#freeName(name), dtype, shape: [...shape], constant });
    return this.values.length - 1;
  }

  /** Inserts a node before another one and gives its first result. */
  insertBefore<K extends OperatorName>(
    place: Pick<Node, 'name'>,
    op: K,
    name: string,
    inputs: readonly ValueId[],
    attributes: Attributes[K],
    result?: InferOptions['result'],
  ): ValueId {
    const at = this.nodes.indexOf(place as Node);
    if (at < 0) throw new InternalError(`graph edit at "${place.name}"`, 'a node that is gone', 'a node of the graph');
    const operands = inputs.map((id) => (id === NONE ? undefined : this.values[id]!));
    const outputs = inferShapes(op, operands, attributes, { name, result }).map((type) => {
      this.values.push({ name: this.#freeName(name), dtype: type.dtype, shape: type.shape });
      return this.values.length - 1;
    });
    this.nodes.splice(at, 0, { op, name, inputs: [...inputs], outputs, attributes } as unknown as Node);
    this.changed();
    return outputs[0]!;
  }

  /** Removes a node; its results must be written by another, made constant, or unread by the time of `finish`. */
  remove(node: Pick<Node, 'name'>): void {
    this.nodes = this.nodes.filter((other) => (other as Pick<Node, 'name'>) !== node);
    this.changed();
  }

  /** Puts `node` in the place of `old`. */
  replace(old: Pick<Node, 'name'>, node: Node): void {
    this.nodes = this.nodes.map((other) => ((other as Pick<Node, 'name'>) === old ? node : other));
    this.changed();
  }

  /** All readers of `old` read `by` instead. Outputs are not touched: they keep their name. */
  redirect(old: ValueId, by: ValueId): void {
    for (const node of this.nodes) node.inputs = node.inputs.map((id) => (id === old ? by : id));
    this.changed();
  }

  /** To be called after nodes were changed in place. */
  changed(): void {
    this.#index = undefined;
  }

  /** The graph, without nodes and values that no output needs. Inputs stay, needed or not: callers feed them. */
  finish(): Graph {
    const needed = new Set<ValueId>(this.outputs);
    const nodes: Node[] = [];
    for (let i = this.nodes.length - 1; i >= 0; i--) {
      const node = this.nodes[i]!;
      if (!node.outputs.some((id) => needed.has(id))) continue;
      nodes.push(node);
      for (const id of [...node.inputs, ...node.outputs]) if (id !== NONE) needed.add(id);
    }
    nodes.reverse();
    for (const id of this.inputs) needed.add(id);
    const renumbered = new Map<ValueId, ValueId>();
    const values = this.values.filter((_, id) => {
      if (needed.has(id)) renumbered.set(id, renumbered.size);
      return needed.has(id);
    });
    const map = (ids: readonly ValueId[]): ValueId[] => ids.map((id) => (id === NONE ? NONE : renumbered.get(id)!));
    return {
      values,
      nodes: nodes.map((node) => ({ ...node, inputs: map(node.inputs), outputs: map(node.outputs) })),
      inputs: map(this.inputs),
      outputs: map(this.outputs),
    };
  }

  #freeName(name: string): string {
    const names = new Set(this.values.map((value) => value.name));
    if (!names.has(name)) return name;
    let n = 2;
    while (names.has(`${name}~${n}`)) n++;
    return `${name}~${n}`;
  }

  #indexed(): Index {
    if (this.#index) return this.#index;
    const producer = new Map<ValueId, Node>();
    const consumers = new Map<ValueId, Node[]>();
    const position = new Map<Node, number>();
    this.nodes.forEach((node, i) => {
      position.set(node, i);
      for (const id of node.outputs) producer.set(id, node);
      for (const id of new Set(node.inputs)) {
        if (id === NONE) continue;
        const list = consumers.get(id);
        if (list) list.push(node);
        else consumers.set(id, [node]);
      }
    });
    return (this.#index = { producer, consumers, position });
  }
}
