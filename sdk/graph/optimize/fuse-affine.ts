// Moves batch normalisation and bias into the convolution or matrix product that precedes them: y = (conv(x) + b) * k + s.
import { Constant, type Graph, type Node, type NodeOf, type ValueId } from '../../ir/graph.js';
import { NONE } from '../../ir/operators.js';
import type { TensorData } from '../../tensor/dtype.js';
import { sizeOf } from '../../tensor/shape.js';
import { GraphEditor } from './editor.js';

type Linear = NodeOf<'conv2d'> | NodeOf<'depthwise_conv2d'> | NodeOf<'matmul'>;

/** Multiplications by a constant a channel scale the filters, additions go into the bias; computed in double precision, rounded once. */
export function fuseAffine(graph: Graph): Graph {
  const editor = new GraphEditor(graph);
  for (const node of [...editor.nodes]) {
    if (node.op !== 'binary') continue;
    const { kind } = node.attributes;
    if (kind !== 'mul' && kind !== 'add' && kind !== 'sub' && kind !== 'div') continue;
    const at = editor.constant(node.inputs[1]) ? 1 : kind === 'mul' || kind === 'add' ? 0 : undefined;
    if (at === undefined) continue;
    const x = node.inputs[1 - at]!;
    const linear = linearProducer(editor, x, node);
    if (!linear) continue;
    const factors = perChannel(editor, node.inputs[at]!, x);
    if (!factors) continue;
    const fused =
      kind === 'add' || kind === 'sub'
        ? addBias(editor, linear, factors, kind === 'add' ? 1 : -1)
        : scale(editor, linear, factors, kind === 'div');
    if (!fused) continue;
    // Rebuilt rather than spread, so that each operator keeps its own type of attributes.
    linear.attributes.activation = node.attributes.activation;
    linear.outputs = [...node.outputs];
    editor.remove(node);
  }
  return editor.finish();
}

/** The operator behind x if its result is plain (no activation, no residual) and only this node reads it. */
function linearProducer(editor: GraphEditor, x: ValueId, reader: Node): Linear | undefined {
  const node = editor.producer(x);
  if (!node || !editor.onlyFor(x, reader)) return undefined;
  if (node.op !== 'conv2d' && node.op !== 'depthwise_conv2d' && node.op !== 'matmul') return undefined;
  if (node.attributes.activation.kind !== 'none') return undefined;
  if (node.op === 'conv2d' && (node.inputs[3] ?? NONE) !== NONE) return undefined;
  // Passes must not write into the graph that they were given.
  node.attributes = { ...node.attributes };
  return node as unknown as Linear;
}

/** A constant as one number a channel of x: [C], [1,1,1,C] or a single number. Undefined if it varies otherwise or widens x. */
function perChannel(editor: GraphEditor, id: ValueId, x: ValueId): Float64Array | undefined {
  const constant = editor.constant(id);
  const shape = editor.shape(id);
  const channels = editor.shape(x).at(-1)!;
  if (!constant || shape.length > editor.shape(x).length) return undefined;
  const size = sizeOf(shape);
  if (size !== 1 && !(size === channels && shape.at(-1) === channels)) return undefined;
  const { values } = constant;
  return Float64Array.from({ length: channels }, (_, c) => values[size === 1 ? 0 : c]!);
}

function addBias(editor: GraphEditor, node: Linear, addend: Float64Array, sign: 1 | -1): boolean {
  const old = biasOf(editor, node);
  if (!old) return false;
  setBias(editor, node, addend.map((value, c) => old[c]! + sign * value)); // prettier-ignore
  return true;
}

function scale(editor: GraphEditor, node: Linear, factors: Float64Array, divide: boolean): boolean {
  const weight = editor.constant(node.inputs[1]);
  const bias = biasOf(editor, node);
  // The last axis of filters counts output channels, but for a transposed matrix.
  if (!weight || !bias || (node.op === 'matmul' && node.attributes.transposeB)) return false;
  const channels = factors.length;
  if (weight.values.length % channels !== 0) return false;
  const apply = (value: number, c: number): number => (divide ? value / factors[c]! : value * factors[c]!);
  // A plain loop: networks have tens of millions of weights.
  const { values } = weight;
  const scaled = new Float32Array(values.length);
  for (let row = 0; row < values.length; row += channels) {
    for (let c = 0; c < channels; c++) scaled[row + c] = divide ? values[row + c]! / factors[c]! : values[row + c]! * factors[c]!;
  }
  node.inputs[1] = editor.addConstant(
    `${node.name}/scaled_weight`,
    new Constant('float32', scaled),
    editor.shape(node.inputs[1]!),
  );
  if ((node.inputs[2] ?? NONE) !== NONE) setBias(editor, node, bias.map(apply));
  editor.changed();
  return true;
}

/** The bias, zeros where there is none; undefined where it is computed at run time. */
function biasOf(editor: GraphEditor, node: Linear): Float64Array | undefined {
  const channels = editor.shape(node.outputs[0]!).at(-1)!;
  const id = node.inputs[2] ?? NONE;
  if (id === NONE) return new Float64Array(channels);
  const values: TensorData | undefined = editor.constant(id)?.values;
  return values && Float64Array.from(values);
}

function setBias(editor: GraphEditor, node: Linear, bias: Float64Array): void {
  const id = editor.addConstant(`${node.name}/bias`, new Constant('float32', Float32Array.from(bias)), [bias.length]);
  const inputs = [...node.inputs];
  while (inputs.length < 3) inputs.push(NONE);
  inputs[2] = id;
  node.inputs = inputs;
  editor.changed();
}
