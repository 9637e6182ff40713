// Reads a TFLite model whose manifest is known: the file, then the graph. Loaded only for such models.
import { ModelError } from '../../errors.js';
import type { Graph } from '../../ir/graph.js';
import { type GraphReader, blameManifest } from '../reader.js';
import { readTflite as readFile } from './format.js';
import { importTflite } from './import.js';

/**
 * The graph up to `outputs`. `fromManifest`: the manifest names them, so that a name the graph lacks is the manifest's mistake, a ModelError.
 * Throws ModelError, LoadError, or ArgumentError for outputs of the caller.
 */
export async function readTflite(reader: GraphReader, outputs: readonly string[], fromManifest: boolean): Promise<Graph> {
  const { graph, input } = reader.manifest;
  const files = await reader.read('graph', [graph.file]);
  const bytes = files.get(graph.file)!;
  const start = graph.offset ?? 0;
  if (start >= bytes.length) {
    throw new ModelError('invalid-model', {
      thing: 'manifest, graph.offset',
      found: `${start}`,
      wanted: `less than the ${bytes.length} bytes of "${graph.file}"`,
    });
  }
  const model = readFile(bytes.subarray(start), graph.file);
  return blameManifest(fromManifest, () =>
    importTflite(model, { outputs, inputShapes: { [input.name]: [1, input.height, input.width, 3] } }),
  );
}
