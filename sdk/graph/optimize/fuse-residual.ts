// Moves the addition of a residual branch into the convolution before it, so that the sum costs no pass over memory of its own.
import type { Graph, NodeOf, ValueId } from '../../ir/graph.js';
import { NONE } from '../../ir/operators.js';
import { shapesEqual } from '../../tensor/shape.js';
import { GraphEditor } from './editor.js';

/** add(conv2d(...), other), in both orders, where `other` has the same shape and is computed before the convolution. */
export function fuseResiduals(graph: Graph): Graph {
  const editor = new GraphEditor(graph);
  for (const node of [...editor.nodes]) {
    if (node.op !== 'binary' || node.attributes.kind !== 'add') continue;
    const [a, b] = node.inputs as [ValueId, ValueId];
    // Of two convolutions the later one takes the sum.
    const candidates = editor.positionOf(a) > editor.positionOf(b) ? [[a, b]] : [[b, a]];
    for (const [x, other] of candidates as [ValueId, ValueId][]) {
      const conv = editor.producerOf(x, 'conv2d');
      if (!conv || !editor.onlyFor(x, node) || !fits(editor, conv, x, other)) continue;
      const { activation } = node.attributes;
      const plain = conv.attributes.activation.kind === 'none';
      // One operator has one activation: either its own, before the sum, or the sum's.
      if (!plain && activation.kind !== 'none') continue;
      const inputs = [...conv.inputs];
      while (inputs.length < 4) inputs.push(NONE);
      inputs[3] = other;
      conv.inputs = inputs;
      conv.attributes = plain
        ? { ...conv.attributes, activation, residual: 'before_activation' }
        : { ...conv.attributes, residual: 'after_activation' };
      conv.outputs = [...node.outputs];
      editor.remove(node);
      break;
    }
  }
  return editor.finish();
}

function fits(editor: GraphEditor, conv: NodeOf<'conv2d'>, x: ValueId, other: ValueId): boolean {
  const free = (conv.inputs[3] ?? NONE) === NONE;
  return (
    free && x !== other && shapesEqual(editor.shape(x), editor.shape(other)) && editor.positionOf(other) < editor.position(conv)
  );
}
