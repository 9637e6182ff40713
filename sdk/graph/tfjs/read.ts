// Reads a TF.js graph model whose manifest is known: model.json, then its shards, then the graph. Loaded only for such models.
import { ArgumentError, ModelError, describe } from '../../errors.js';
import type { Graph } from '../../ir/graph.js';
import { isLocalName, type Manifest } from '../manifest.js';
import { readTfjsModel } from './format.js';
import { importTfjs } from './import.js';
import { readTfjsWeights } from './weights.js';

/** A manifest and a way to get its files by the names that the manifest or model.json gives them. */
export interface TfjsReader {
  manifest: Manifest;
  read(phase: 'graph' | 'weights', files: readonly string[]): Promise<Map<string, Uint8Array<ArrayBuffer>>>;
}

/**
 * The graph up to `outputs`. `fromManifest`: the manifest names them, so that a name the graph lacks is the manifest's mistake, a ModelError.
 * Throws ModelError, LoadError, or ArgumentError for outputs of the caller.
 */
export async function readTfjs(reader: TfjsReader, outputs: readonly string[], fromManifest: boolean): Promise<Graph> {
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
  try {
    return importTfjs(model, weights, { outputs, inputShapes, file: graph.file });
  } catch (error) {
    // What the importer calls a wrong argument came from the manifest.
    if (!(error instanceof ArgumentError) || !fromManifest) throw error;
    const { thing, found, wanted } = error;
    throw new ModelError('invalid-model', { thing: `manifest, ${thing}`, found, wanted, cause: error });
  }
}
