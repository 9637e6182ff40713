// Moves an activation from behind a concat to its operands, where at least one of them can compute it for free.
import type { Graph, Node } from '../../ir/graph.js';
import { GraphEditor } from './editor.js';

/** activation(concat(a, b)) becomes concat(activation(a), activation(b)); `fuseActivations` then takes over what it can. */
export function sinkActivations(graph: Graph): Graph {
  const editor = new GraphEditor(graph);
  for (const node of [...editor.nodes]) {
    if (node.op !== 'activation') continue;
    const concat = editor.producerOf(node.inputs[0]!, 'concat');
    if (!concat || !editor.onlyFor(node.inputs[0]!, node)) continue;
    const free = (id: number): boolean => editor.onlyFor(id, concat) && takesActivation(editor.producer(id));
    if (!concat.inputs.some(free) || new Set(concat.inputs).size !== concat.inputs.length) continue;
    const { activation } = node.attributes;
    concat.inputs = concat.inputs.map((id, i) =>
      editor.insertBefore(concat, 'activation', `${node.name}/part${i}`, [id], { activation }),
    );
    concat.outputs = [...node.outputs];
    editor.remove(node);
  }
  return editor.finish();
}

function takesActivation(node: Node | undefined): boolean {
  if (node?.op === 'resize') return (node.attributes.activation ?? { kind: 'none' }).kind === 'none';
  if (node?.op !== 'conv2d' && node?.op !== 'depthwise_conv2d' && node?.op !== 'matmul' && node?.op !== 'binary') return false;
  return node.attributes.activation.kind === 'none';
}
