// Puts the image stage in front of a network, so that a frame goes from 8-bit pixels to outputs in one run.
import { ModelError } from '../errors.js';
import type { Graph } from '../ir/graph.js';
import { formatShape } from '../tensor/shape.js';
import type { Attributes } from '../ir/operators.js';

/** Name of the image input that {@link withImageInput} adds. */
export const IMAGE_INPUT = 'image';

/**
 * The same graph with `input` computed by `image_to_tensor` from an image input named {@link IMAGE_INPUT}.
 * @throws ModelError `invalid-model` when `input` is not an input of the graph with shape [1, height, width, 3].
 */
export function withImageInput(graph: Graph, input: string, attributes: Attributes['image_to_tensor']): Graph {
  const id = graph.inputs.find((candidate) => graph.values[candidate]!.name === input);
  const wanted = [1, attributes.height, attributes.width, 3];
  const shape = id === undefined ? undefined : graph.values[id]!.shape;
  if (id === undefined || !shape || wanted.some((dimension, i) => dimension !== shape[i]) || shape.length !== 4) {
    const inputs = graph.inputs.map((i) => `"${graph.values[i]!.name}" ${formatShape(graph.values[i]!.shape)}`).join(', ');
    throw new ModelError('invalid-model', {
      thing: `manifest input "${input}"`,
      found: `graph inputs ${inputs || 'none'}`,
      wanted: `an input of that name with shape ${formatShape(wanted)}`,
      next: 'Correct "input" in labelweave.json.',
    });
  }
  const image = graph.values.length;
  return {
    values: [...graph.values, { name: IMAGE_INPUT, dtype: 'uint8', shape: [], image: true }],
    nodes: [{ op: 'image_to_tensor', name: 'image_to_tensor', inputs: [image], outputs: [id], attributes }, ...graph.nodes],
    inputs: [...graph.inputs.filter((candidate) => candidate !== id), image],
    outputs: graph.outputs,
  };
}
