// Moves the gate of a squeeze-excite block, x * gate[N,1,1,C], into the `scale` operand of the convolutions that read the product.
import type { Graph, Node, ValueId } from '../../ir/graph.js';
import { NONE } from '../../ir/operators.js';
import { shapesEqual } from '../../tensor/shape.js';
import { GraphEditor } from './editor.js';

/**
 * Only where every reader of the product is a 1x1 convolution without groups or a depthwise convolution, free to take a scale, and where it pays:
 * scaling the C*O filters must cost no more than scaling the H*W*C pixels.
 */
export function fuseGates(graph: Graph): Graph {
  const editor = new GraphEditor(graph);
  for (const node of [...editor.nodes]) {
    if (node.op !== 'binary' || node.attributes.kind !== 'mul' || node.attributes.activation.kind !== 'none') continue;
    const product = node.outputs[0]!;
    const readers = editor.consumers(product);
    if (editor.outputs.includes(product) || readers.length === 0) continue;
    const [a, b] = node.inputs as [ValueId, ValueId];
    const pair = [[a, b], [b, a]].find(([x, gate]) => isGate(editor, product, x!, gate!)) as [ValueId, ValueId] | undefined; // prettier-ignore
    if (!pair || !readers.every((reader) => takesScale(editor, reader, product))) continue;
    const [x, gate] = pair;
    const [n, , , channels] = editor.shape(x) as [number, number, number, number];
    const scale = editor.insertBefore(node, 'reshape', `${node.name}/scale`, [gate], {}, { shape: [n, channels] });
    for (const reader of readers) {
      const at = reader.op === 'conv2d' ? 4 : 3;
      const inputs = [...reader.inputs];
      while (inputs.length <= at) inputs.push(NONE);
      inputs[0] = x;
      inputs[at] = scale;
      reader.inputs = inputs;
    }
    editor.remove(node);
  }
  return editor.finish();
}

function isGate(editor: GraphEditor, product: ValueId, x: ValueId, gate: ValueId): boolean {
  const shape = editor.shape(product);
  if (shape.length !== 4 || !shapesEqual(editor.shape(x), shape) || editor.constant(gate)) return false;
  const [n, , , channels] = shape as [number, number, number, number];
  return shapesEqual(editor.shape(gate), [n, 1, 1, channels]) && shape[1]! * shape[2]! > 1;
}

function takesScale(editor: GraphEditor, reader: Node, product: ValueId): boolean {
  // The product must be the image of the reader and nothing else of it.
  if (reader.inputs.filter((id) => id === product).length !== 1 || reader.inputs[0] !== product) return false;
  if (reader.op === 'depthwise_conv2d') return (reader.inputs[3] ?? NONE) === NONE;
  if (reader.op !== 'conv2d' || (reader.inputs[4] ?? NONE) !== NONE || reader.attributes.groups !== 1) return false;
  const [kh, kw, , filters] = editor.shape(reader.inputs[1]!) as [number, number, number, number];
  const [, height, width] = editor.shape(product) as [number, number, number, number];
  return kh === 1 && kw === 1 && filters <= height * width;
}
