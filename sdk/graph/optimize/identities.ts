// Removes nodes that change nothing, and pairs of moves that undo each other or can be one.
import type { Graph, Node, ValueId } from '../../ir/graph.js';
import { shapesEqual } from '../../tensor/shape.js';
import { GraphEditor } from './editor.js';

/** Reshapes to the same shape, identity transposes, whole slices, empty pads, casts to the same type, `x * 1`, `x + 0`, chains of reshapes and transposes. */
export function removeIdentities(graph: Graph): Graph {
  const editor = new GraphEditor(graph);
  let changed = true;
  while (changed) {
    changed = false;
    for (const node of [...editor.nodes]) {
      if (!editor.nodes.includes(node)) continue;
      if (mergeWithProducer(editor, node)) changed = true;
      const source = identityOf(editor, node);
      if (source !== undefined && bypass(editor, node, source)) changed = true;
    }
  }
  return editor.finish();
}

/** The operand that the node only repeats, or undefined. */
function identityOf(editor: GraphEditor, node: Node): ValueId | undefined {
  const x = node.inputs[0]!;
  const y = node.outputs[0]!;
  switch (node.op) {
    case 'reshape':
      return shapesEqual(editor.shape(x), editor.shape(y)) ? x : undefined;
    case 'cast':
      return editor.values[x]!.dtype === editor.values[y]!.dtype ? x : undefined;
    case 'transpose':
      return node.attributes.perm.every((axis, i) => axis === i) ? x : undefined;
    case 'slice':
      return node.attributes.begin.every((b) => b === 0) &&
        shapesEqual(editor.shape(x), editor.shape(y)) &&
        node.attributes.strides.every((s) => s === 1)
        ? x
        : undefined;
    case 'pad':
      return shapesEqual(editor.shape(x), editor.shape(y)) ? x : undefined;
    case 'concat':
      return node.inputs.length === 1 ? x : undefined;
    case 'activation':
      return node.attributes.activation.kind === 'none' ? x : undefined;
    case 'reduce':
      return node.attributes.axes.length === 0 ? x : undefined;
    case 'binary': {
      if (node.attributes.activation.kind !== 'none') return undefined;
      const neutral = { mul: 1, div: 1, add: 0, sub: 0, pow: 1 }[node.attributes.kind as string];
      const commutes = node.attributes.kind === 'mul' || node.attributes.kind === 'add';
      for (const [kept, constant] of commutes ? [[0, 1], [1, 0]] : [[0, 1]]) {
        const value = editor.scalar(node.inputs[constant!]);
        const same = shapesEqual(editor.shape(node.inputs[kept!]!), editor.shape(y));
        if (neutral !== undefined && value === neutral && same) return node.inputs[kept!];
      }
      return undefined;
    } // prettier-ignore
    default:
      return undefined;
  }
}

/** Lets everyone read `source` instead of the node's result. Not possible between an input or constant and an output, which both keep their names. */
function bypass(editor: GraphEditor, node: Node, source: ValueId): boolean {
  const y = node.outputs[0]!;
  if (!editor.outputs.includes(y)) {
    editor.remove(node);
    editor.redirect(y, source);
    return true;
  }
  const producer = editor.producer(source);
  if (!producer || editor.outputs.includes(source)) return false;
  editor.remove(node);
  producer.outputs = producer.outputs.map((id) => (id === source ? y : id));
  editor.redirect(source, y);
  return true;
}

/** reshape(reshape(x)) and transpose(transpose(x)) become one. The first stays if others read it. */
function mergeWithProducer(editor: GraphEditor, node: Node): boolean {
  if (node.op === 'reshape') {
    const first = editor.producerOf(node.inputs[0]!, 'reshape');
    if (!first) return false;
    node.inputs = [first.inputs[0]!];
    editor.changed();
    return true;
  }
  if (node.op === 'transpose') {
    const first = editor.producerOf(node.inputs[0]!, 'transpose');
    if (!first) return false;
    const inner = first.attributes.perm;
    node.attributes = { perm: node.attributes.perm.map((axis) => inner[axis]!) };
    node.inputs = [first.inputs[0]!];
    editor.changed();
    return true;
  }
  return false;
}
