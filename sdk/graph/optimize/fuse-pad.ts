// Moves zero padding of height and width into the convolution that reads it.
import type { Graph } from '../../ir/graph.js';
import type { Padding } from '../../ir/operators.js';
import { GraphEditor } from './editor.js';

/** pad(x) -> conv2d or depthwise_conv2d becomes padding of the convolution; the pad stays for other readers. */
export function fusePads(graph: Graph): Graph {
  const editor = new GraphEditor(graph);
  for (const node of [...editor.nodes]) {
    if (node.op !== 'conv2d' && node.op !== 'depthwise_conv2d') continue;
    const pad = editor.producerOf(node.inputs[0]!, 'pad');
    if (!pad || pad.attributes.mode !== 'constant' || pad.attributes.value !== 0) continue;
    const { before, after } = pad.attributes;
    if (before.length !== 4 || before[0] || after[0] || before[3] || after[3]) continue;
    const old = node.attributes.padding;
    const padding: Padding = [old[0] + before[1]!, old[1] + before[2]!, old[2] + after[1]!, old[3] + after[2]!];
    if (node.op === 'conv2d') node.attributes = { ...node.attributes, padding };
    else node.attributes = { ...node.attributes, padding };
    node.inputs = [pad.inputs[0]!, ...node.inputs.slice(1)];
    editor.changed();
  }
  return editor.finish();
}
