// Reads an ONNX model whose manifest is known: the file, weight files beside it, then the graph. Loaded only for such models.
import { ModelError, describe } from '../../errors.js';
import type { Graph } from '../../ir/graph.js';
import { isLocalName } from '../manifest.js';
import { type GraphReader, blameManifest } from '../reader.js';
import { importOnnx } from './import.js';
import { readOnnxModel, type OnnxModel } from './model.js';

/**
 * The graph up to `outputs`; its image input is [1, height, width, 3], whether the file has channels first or last. Outputs with four axes are
 * [N, H, W, C], as heads read them; all others keep the axes of the file.
 * `fromManifest`: the manifest names the outputs, so that a name the graph lacks is the manifest's mistake, a ModelError.
 * Throws ModelError, LoadError, or ArgumentError for outputs of the caller.
 */
export async function readOnnx(reader: GraphReader, outputs: readonly string[], fromManifest: boolean): Promise<Graph> {
  const { graph, input } = reader.manifest;
  const files = await reader.read('graph', [graph.file]);
  const model = readOnnxModel(files.get(graph.file)!, graph.file);
  const external = await readExternalData(model, (names) => reader.read('weights', names));
  const declared = model.inputs.find(({ name }) => name === input.name)?.shape;
  // A size of 3 on the last axis, and none on the second, is an image with channels last.
  const last = declared?.length === 4 && declared[3] === 3 && declared[1] !== 3;
  const shape = last ? [1, input.height, input.width, 3] : [1, 3, input.height, input.width];
  return blameManifest(fromManifest, () =>
    importOnnx(model, {
      outputs,
      inputShapes: { [input.name]: shape },
      channelsLast: { inputs: last ? [] : [input.name], outputs: last ? [] : outputs },
      externalData: (location) => external.get(location),
    }),
  );
}

/** Files that hold weights beside the model, by location. Names that leave the folder are refused before anything is read. */
export async function readExternalData(
  model: OnnxModel,
  read: (files: readonly string[]) => Promise<Map<string, Uint8Array<ArrayBuffer>>>,
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const locations = new Set([...model.initializers.values()].flatMap(({ external }) => (external ? [external.location] : [])));
  for (const location of locations) {
    if (isLocalName(location)) continue;
    throw new ModelError('invalid-model', {
      thing: `file "${model.file}", external data`,
      found: describe(location),
      wanted: 'file names inside the folder',
    });
  }
  if (locations.size === 0) return new Map();
  // They stand beside the model, which may stand in a folder below the manifest.
  const folder = model.file.slice(0, model.file.lastIndexOf('/') + 1);
  const files = await read([...locations].map((location) => folder + location));
  return new Map([...locations].map((location) => [location, files.get(folder + location)!]));
}
