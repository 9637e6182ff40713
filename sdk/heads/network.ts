// What a head asks of the network: outputs by name, and the size of the image. Loaded with every head.
import type { Graph } from '../ir/graph.js';
import { formatShape } from '../tensor/shape.js';
import { wrong } from './parameters.js';
import type { NetworkValue } from './tail.js';

/** The size of the network's input. */
export interface InputSize {
  height: number;
  width: number;
}

/** The output of the graph with this name. Throws ModelError `invalid-model` naming the outputs there are. */
export function outputOf(place: string, name: string, graph: Graph): NetworkValue {
  const outputs = graph.outputs.map((id) => graph.values[id]!);
  const value = outputs.find((output) => output.name === name);
  if (!value) {
    const shown = outputs.slice(0, 8).map((output) => `${JSON.stringify(output.name)} ${formatShape(output.shape)}`);
    throw wrong(place, JSON.stringify(name), `an output of the graph: ${shown.join(', ')}${outputs.length > 8 ? ', ...' : ''}`);
  }
  if (value.dtype !== 'float32') throw wrong(`${place} ${JSON.stringify(name)}`, `numbers of type ${value.dtype}`, 'float32');
  return { name, shape: value.shape };
}

/** Height and width of the image that the network gets. */
export function inputSize(graph: Graph): InputSize | undefined {
  for (const node of graph.nodes) {
    if (node.op === 'image_to_tensor') return { height: node.attributes.height, width: node.attributes.width };
  }
  const inputs = graph.inputs.map((id) => graph.values[id]!).filter((value) => !value.image && value.shape.length === 4);
  const [, height, width] = inputs[0]?.shape ?? [];
  return inputs.length === 1 ? { height: height!, width: width! } : undefined;
}

/** The size of the input for a head that cannot do without it. */
export function needInputSize(where: string, graph: Graph): InputSize {
  const size = inputSize(graph);
  if (size) return size;
  const found = graph.inputs.map((id) => `${JSON.stringify(graph.values[id]!.name)} ${formatShape(graph.values[id]!.shape)}`);
  throw wrong(where, `inputs ${found.join(', ') || 'none'}`, 'one image input, whose size the boxes are measured in');
}
