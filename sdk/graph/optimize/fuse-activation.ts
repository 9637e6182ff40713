// Moves an activation into the operator that precedes it, where that operator can apply one and nobody else reads its plain result.
import type { Graph } from '../../ir/graph.js';
import { NONE } from '../../ir/operators.js';
import { GraphEditor } from './editor.js';

/** conv2d, depthwise_conv2d, matmul, binary and resize take over a following activation. */
export function fuseActivations(graph: Graph): Graph {
  const editor = new GraphEditor(graph);
  for (const node of [...editor.nodes]) {
    if (node.op !== 'activation') continue;
    const x = node.inputs[0]!;
    const producer = editor.producer(x);
    if (!producer || !editor.onlyFor(x, node)) continue;
    const { activation } = node.attributes;
    if (producer.op === 'conv2d') {
      const plain = producer.attributes.activation.kind === 'none';
      if (!plain) continue;
      // Without an activation the two places of a residual are the same.
      const residual = (producer.inputs[3] ?? NONE) === NONE ? producer.attributes.residual : 'before_activation';
      producer.attributes = { ...producer.attributes, activation, residual };
    } else if (producer.op === 'depthwise_conv2d' && producer.attributes.activation.kind === 'none') {
      producer.attributes = { ...producer.attributes, activation };
    } else if (producer.op === 'matmul' && producer.attributes.activation.kind === 'none') {
      producer.attributes = { ...producer.attributes, activation };
    } else if (producer.op === 'binary' && producer.attributes.activation.kind === 'none') {
      producer.attributes = { ...producer.attributes, activation };
    } else if (producer.op === 'resize' && (producer.attributes.activation ?? { kind: 'none' }).kind === 'none') {
      producer.attributes = { ...producer.attributes, activation };
    } else continue;
    producer.outputs = [...node.outputs];
    editor.remove(node);
  }
  return editor.finish();
}
