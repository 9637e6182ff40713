// Weights in other element types: the same graph with half the bytes, or a quarter. Only weights of convolutions and matrix products change.
import { pruneTo } from '../graph/outputs.js';
import { Constant, type Graph, type Node, type ValueId } from '../ir/graph.js';
import { NONE } from '../ir/operators.js';
import { floatArrayToHalf } from '../tensor/half.js';
import { sizeOf, type Shape } from '../tensor/shape.js';

/** How weights are stored. `int8` has one scale an output channel. */
export type WeightType = 'float16' | 'float32' | 'int8';

/** A half float cannot hold more. */
const LARGEST_HALF = 65504;

/** Folding at load makes float32 of int8 weights up to this size; larger ones become float16 instead. */
const MOST_FOLDED = 2 ** 22;

/** int8 pays from this size on; below, the scale and three nodes cost more than they save. */
const LEAST_INT8 = 1024;

/**
 * A graph whose weights (filters, matrices; biases too for float16) are stored as `type`. float16 keeps what would overflow. int8 stores
 * q = round(w / s) + 128 as bytes with s = max|w| / 127 for each output channel, and three nodes that make w of it when the model is loaded.
 */
export function convertWeights(graph: Graph, type: WeightType): Graph {
  const roles = weightRoles(graph);
  const values = [...graph.values];
  const added: Node[] = [];
  const replaced = new Map<ValueId, ValueId>();
  const names = new Set(values.map(({ name }) => name));
  const add = (value: Graph['values'][number]): ValueId => {
    let { name } = value;
    for (let n = 2; names.has(name); n++) name = `${value.name}~${n}`;
    names.add(name);
    return values.push({ ...value, name }) - 1;
  };
  for (const [id, role] of roles) {
    const value = values[id]!;
    const numbers = value.constant!.values;
    if (value.dtype !== 'float32') continue;
    if (type === 'float32') {
      values[id] = { ...value, constant: new Constant('float32', Float32Array.from(numbers)) };
    } else if (type === 'int8' && role.kind === 'weight' && numbers.length >= LEAST_INT8 && numbers.length <= MOST_FOLDED) {
      replaced.set(id, quantise(id, role.axis));
    } else if (numbers.every((x) => Math.abs(x) <= LARGEST_HALF)) {
      values[id] = { ...value, constant: new Constant('float16', floatArrayToHalf(numbers)) };
    }
  }
  const nodes = graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map((id) => replaced.get(id) ?? id) }) as Node);
  const outputs = graph.outputs.map((id) => values[id]!.name);
  // Float weights that bytes stand for are no longer read.
  return pruneTo({ values, nodes: [...added, ...nodes], inputs: graph.inputs, outputs: graph.outputs }, outputs);

  function quantise(id: ValueId, axis: number): ValueId {
    const { name, shape, constant } = values[id]!;
    const numbers = constant!.values;
    const scaleShape = shape.map((d, i) => (i === axis ? d : 1));
    const inner = sizeOf(shape.slice(axis + 1));
    const channels = shape[axis]!;
    const scale = new Float32Array(channels);
    for (let i = 0; i < numbers.length; i++) {
      const c = Math.floor(i / inner) % channels;
      scale[c] = Math.max(scale[c]!, Math.abs(numbers[i]!) / 127);
    }
    const stored = new Uint8Array(numbers.length);
    for (let i = 0; i < numbers.length; i++) {
      const s = scale[Math.floor(i / inner) % channels]!;
      stored[i] = 128 + (s === 0 ? 0 : Math.min(Math.max(Math.round(numbers[i]! / s), -127), 127));
    }
    const bytes = add({ name: `${name}/int8`, dtype: 'uint8', shape, constant: new Constant('uint8', stored) });
    const scales = add({ name: `${name}/scale`, dtype: 'float32', shape: scaleShape, constant: new Constant('float32', scale) });
    const zero = add({
      name: `${name}/zero`,
      dtype: 'float32',
      shape: [],
      constant: new Constant('float32', Float32Array.of(128)),
    });
    const real = add({ name: `${name}/real`, dtype: 'float32', shape });
    const centred = add({ name: `${name}/centred`, dtype: 'float32', shape });
    const weight = add({ name: `${name}/weight`, dtype: 'float32', shape });
    const plain = { kind: 'none' } as const;
    added.push(
      { op: 'cast', name: values[real]!.name, inputs: [bytes], outputs: [real], attributes: {} },
      { op: 'binary', name: values[centred]!.name, inputs: [real, zero], outputs: [centred], attributes: { kind: 'sub', activation: plain } }, // prettier-ignore
      { op: 'binary', name: values[weight]!.name, inputs: [centred, scales], outputs: [weight], attributes: { kind: 'mul', activation: plain } }, // prettier-ignore
    );
    return weight;
  }
}

interface Role {
  kind: 'weight' | 'bias';
  /** Axis of the output channels. */
  axis: number;
}

/** Constants that are nothing but weights or biases. One that another operator reads, too, is left as it is. */
function weightRoles(graph: Graph): Map<ValueId, Role> {
  const roles = new Map<ValueId, Role>();
  const others = new Set<ValueId>(graph.outputs);
  const isConstant = (id: ValueId | undefined): id is ValueId => id !== undefined && id !== NONE && graph.values[id]!.constant !== undefined; // prettier-ignore
  for (const node of graph.nodes) {
    const rank = (id: ValueId): Shape => graph.values[id]!.shape;
    const [, weight, bias] = node.inputs;
    const weighted = node.op === 'conv2d' || node.op === 'depthwise_conv2d' || node.op === 'matmul';
    node.inputs.forEach((id, position) => {
      if (!isConstant(id)) return;
      if (weighted && position === 1 && id === weight) {
        const last = rank(id).length - 1;
        roles.set(id, { kind: 'weight', axis: node.op === 'matmul' && node.attributes.transposeB ? last - 1 : last });
      } else if (weighted && position === 2 && id === bias) {
        roles.set(id, { kind: 'bias', axis: 0 });
      } else {
        others.add(id);
      }
    });
  }
  for (const id of others) roles.delete(id);
  return roles;
}
