// Reads a TF.js graph model whose manifest is known: model.json, then its shards, then the graph. Loaded only for such models.
import { ModelError, describe } from '../../errors.js';
import type { Graph } from '../../ir/graph.js';
import { isLocalName } from '../manifest.js';
import { type GraphReader, blameManifest } from '../reader.js';
import { readTfjsModel } from './format.js';
import { importTfjs } from './import.js';
import { readTfjsWeights } from './weights.js';

/**
 * The graph up to `outputs`. `fromManifest`: the manifest names them, so that a name the graph lacks is the manifest's mistake, a ModelError.
 * Throws ModelError, LoadError, or ArgumentError for outputs of the caller.
 */
export async function readTfjs(reader: GraphReader, outputs: readonly string[], fromManifest: boolean): Promise<Graph> {
  const { graph, input } = reader.manifest;
  const texts = await reader.read('graph', [graph.file]);
  const model = readTfjsModel(texts.get(graph.file)!, graph.file);
  // Shards stand beside model.json, which may stand in a folder below the manifest.
  const folder = graph.file.slice(0, graph.file.lastIndexOf('/') + 1);
  const paths = model.weightGroups.flatMap((group) => group.paths);
  for (const path of paths) {
    if (!isLocalName(path)) {
      throw new ModelError('invalid-model', {
        thing: `file "${graph.file}", weightsManifest`,
        found: describe(path),
        wanted: 'file names inside the folder',
      });
    }
  }
  const shards = await reader.read('weights', [...new Set(paths)].map((path) => folder + path)); // prettier-ignore
  const weights = readTfjsWeights(model.weightGroups, (path) => shards.get(folder + path));
  const inputShapes = { [input.name]: [1, input.height, input.width, 3] };
  return blameManifest(fromManifest, () => importTfjs(model, weights, { outputs, inputShapes, file: graph.file }));
}
