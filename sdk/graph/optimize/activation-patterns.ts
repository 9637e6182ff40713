// Recognises activations that converters wrote out as arithmetic: hard swish, hard sigmoid, silu, mish, gelu, leaky relu, relu6.
import type { Graph, Node, NodeOf, ValueId } from '../../ir/graph.js';
import type { Activation, Attributes } from '../../ir/operators.js';
import { GraphEditor } from './editor.js';

/**
 * `(x*c) * relu6(x+3)` in every operand order becomes hard_swish with alpha = c exactly as stored; `relu6(x+3) * c` hard_sigmoid; `x * sigmoid(x)` silu;
 * `x * tanh(softplus(x))` mish; `x * (1 + erf(x / sqrt 2)) * 0.5` with its factors in any order gelu; `max(x, c*x)` with 0 < c < 1 leaky_relu; `min(relu(x), 6)` relu6. The parts stay where others read them.
 */
export function matchActivations(graph: Graph): Graph {
  const editor = new GraphEditor(graph);
  for (const node of [...editor.nodes]) {
    const match = node.op === 'binary' && node.attributes.activation.kind === 'none' ? matchBinary(editor, node) : undefined;
    if (!match) continue;
    editor.replace(node, {
      op: 'activation',
      name: node.name,
      inputs: [match.x],
      outputs: node.outputs,
      attributes: { activation: match.activation },
    });
  }
  return editor.finish();
}

interface Match {
  x: ValueId;
  activation: Activation;
}

function matchBinary(editor: GraphEditor, node: NodeOf<'binary'>): Match | undefined {
  for (const [a, b] of orders(node)) {
    const match = node.attributes.kind === 'mul' ? matchProduct(editor, a, b) : matchExtreme(editor, node.attributes.kind, a, b);
    // A constant of more axes than x would widen the result; only same shapes are the activation of x.
    if (match && editor.shape(match.x).length === editor.shape(node.outputs[0]!).length && sameShape(editor, match.x, node))
      return match;
  }
  return undefined;
}

function sameShape(editor: GraphEditor, x: ValueId, node: Node): boolean {
  const shape = editor.shape(node.outputs[0]!);
  return editor.shape(x).every((d, i) => d === shape[i]);
}

function matchProduct(editor: GraphEditor, a: ValueId, b: ValueId): Match | undefined {
  const gelu = matchGelu(editor, a, b);
  if (gelu !== undefined) return { x: gelu, activation: { kind: 'gelu' } };
  // c * relu6(x + 3)
  const c = editor.scalar(a);
  const shifted = shiftedRelu6(editor, b);
  if (c !== undefined && shifted !== undefined) return { x: shifted, activation: { kind: 'hard_sigmoid', alpha: c } };
  // (x * c) * relu6(x + 3)
  if (shifted !== undefined) {
    const scaled = binaryOf(editor, a, 'mul');
    for (const [x, k] of scaled ? orders(scaled) : []) {
      const alpha = editor.scalar(k);
      if (x === shifted && alpha !== undefined) return { x, activation: { kind: 'hard_swish', alpha } };
    }
  }
  // c * (x * relu6(x + 3))
  const product = c === undefined ? undefined : binaryOf(editor, b, 'mul');
  for (const [x, gate] of product ? orders(product) : []) {
    if (shiftedRelu6(editor, gate) === x) return { x, activation: { kind: 'hard_swish', alpha: c! } };
  }
  const gate = editor.producerOf(b, 'activation');
  if (!gate) return undefined;
  const { kind, alpha } = gate.attributes.activation;
  const inner = gate.inputs[0]!;
  // x * hard_sigmoid(x), x * sigmoid(x)
  if (inner === a && kind === 'hard_sigmoid') return { x: a, activation: { kind: 'hard_swish', alpha: alpha! } };
  if (inner === a && kind === 'sigmoid') return { x: a, activation: { kind: 'silu' } };
  // x * tanh(softplus(x))
  const softplus = kind === 'tanh' ? editor.producerOf(inner, 'activation') : undefined;
  if (softplus?.attributes.activation.kind === 'softplus' && softplus.inputs[0] === a)
    return { x: a, activation: { kind: 'mish' } };
  return undefined;
}

/** The factors of a product of products. */
function factors(editor: GraphEditor, id: ValueId): ValueId[] {
  const product = binaryOf(editor, id, 'mul');
  return product ? [...product.inputs] : [id];
}

/** x of x * (1 + erf(x / sqrt 2)) * 0.5, whichever two of the three factors are multiplied first; or undefined. */
function matchGelu(editor: GraphEditor, a: ValueId, b: ValueId): ValueId | undefined {
  const all = [...factors(editor, a), ...factors(editor, b)];
  // At most one of the two sides is a product itself.
  if (all.length !== 3) return undefined;
  for (const gate of all) {
    const sum = binaryOf(editor, gate, 'add');
    for (const [error, one] of sum ? orders(sum) : []) {
      const erf = editor.producerOf(error, 'unary');
      if (erf?.attributes.kind !== 'erf' || editor.scalar(one) !== 1) continue;
      const x = scaledBySqrtHalf(editor, erf.inputs[0]!);
      const rest = all.filter((factor) => factor !== gate);
      if (x === undefined || rest.length !== 2 || !rest.includes(x)) continue;
      if (editor.scalar(rest.find((factor) => factor !== x)) === 0.5) return x;
    }
  }
  return undefined;
}

/** x of x / sqrt 2 or x * sqrt 1/2, as float32 or half floats hold them; or undefined. */
function scaledBySqrtHalf(editor: GraphEditor, id: ValueId): ValueId | undefined {
  const near = (value: number | undefined, wanted: number): boolean => value !== undefined && Math.abs(value / wanted - 1) < 1e-3;
  const quotient = binaryOf(editor, id, 'div');
  if (quotient) return near(editor.scalar(quotient.inputs[1]), Math.SQRT2) ? quotient.inputs[0]! : undefined;
  const product = binaryOf(editor, id, 'mul');
  for (const [x, k] of product ? orders(product) : []) if (near(editor.scalar(k), Math.SQRT1_2)) return x;
  return undefined;
}

function matchExtreme(editor: GraphEditor, kind: Attributes['binary']['kind'], a: ValueId, b: ValueId): Match | undefined {
  if (kind === 'maximum') {
    if (editor.scalar(b) === 0 && editor.values[a]!.dtype === 'float32') return { x: a, activation: { kind: 'relu' } };
    const scaled = binaryOf(editor, b, 'mul');
    for (const [x, k] of scaled ? orders(scaled) : []) {
      const alpha = editor.scalar(k);
      if (x === a && alpha !== undefined && alpha > 0 && alpha < 1) return { x, activation: { kind: 'leaky_relu', alpha } };
    }
  }
  if (kind === 'minimum' && editor.scalar(b) === 6) {
    const relu = editor.producerOf(a, 'activation');
    if (relu?.attributes.activation.kind === 'relu') return { x: relu.inputs[0]!, activation: { kind: 'relu6' } };
  }
  return undefined;
}

/** x of relu6(x + 3), or undefined. */
function shiftedRelu6(editor: GraphEditor, id: ValueId): ValueId | undefined {
  const relu6 = editor.producerOf(id, 'activation');
  if (relu6?.attributes.activation.kind !== 'relu6') return undefined;
  const sum = binaryOf(editor, relu6.inputs[0]!, 'add');
  for (const [x, three] of sum ? orders(sum) : []) if (editor.scalar(three) === 3) return x;
  return undefined;
}

function binaryOf(editor: GraphEditor, id: ValueId, kind: Attributes['binary']['kind']): NodeOf<'binary'> | undefined {
  const node = editor.producerOf(id, 'binary');
  return node?.attributes.kind === kind && node.attributes.activation.kind === 'none' ? node : undefined;
}

/** Both orders of two operands. */
function orders(node: NodeOf<'binary'>): [ValueId, ValueId][] {
  const [a, b] = node.inputs as [ValueId, ValueId];
  return [
    [a, b],
    [b, a],
  ];
}
