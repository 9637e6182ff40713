// Puts image_to_tensor in front of a network, as its manifest says, so that frames go in and everything else happens on the device.
import { ModelError } from '../errors.js';
import type { Graph } from '../ir/graph.js';
import type { Attributes } from '../ir/operators.js';
import { formatShape, shapesEqual } from '../tensor/shape.js';
import type { Manifest } from './manifest.js';

/** Name of the image input, unless a value of the model has it already; then `image~2`. */
export const IMAGE_INPUT = 'image';

/**
 * The same graph with an image input in place of the tensor input `input.name`, which becomes a value inside.
 * Throws {@link ModelError} `invalid-model` if the graph has not exactly this input, float32 [1, height, width, 3].
 */
export function withImageInput(graph: Graph, input: Manifest['input']): Graph {
  const { name, height, width, order, mean, std, padValue } = input;
  const wanted = [1, height, width, 3];
  const id = graph.inputs.find((i) => graph.values[i]!.name === name);
  if (id === undefined || graph.inputs.length !== 1) {
    const found = graph.inputs.map((i) => `"${graph.values[i]!.name}"`).join(', ') || 'none';
    throw new ModelError('invalid-model', {
      thing: 'inputs of the graph',
      found,
      wanted: `one input "${name}", as the manifest says`,
    });
  }
  const value = graph.values[id]!;
  if (value.image) return graph;
  if (value.dtype !== 'float32' || !shapesEqual(value.shape, wanted)) {
    throw new ModelError('invalid-model', {
      thing: `input "${name}"`,
      found: `${value.dtype} ${formatShape(value.shape)}`,
      wanted: `float32 ${formatShape(wanted)}, as the manifest says`,
    });
  }
  const names = new Set(graph.values.map((other) => other.name));
  let free = IMAGE_INPUT;
  for (let n = 2; names.has(free); n++) free = `${IMAGE_INPUT}~${n}`;
  const image = graph.values.length;
  const attributes: Attributes['image_to_tensor'] = { height, width, order, mean, std, padValue, background: padValue };
  return {
    values: [...graph.values, { name: free, dtype: 'uint8', shape: [], image: true }],
    nodes: [
      { op: 'image_to_tensor', name: `${name}/image_to_tensor`, inputs: [image], outputs: [id], attributes },
      ...graph.nodes,
    ],
    inputs: [image],
    outputs: graph.outputs,
  };
}
