// Reads a TFLite model whose manifest is known: the file, then the graph. Loaded only for such models.
import { ArgumentError, ModelError } from '../../errors.js';
import type { Graph } from '../../ir/graph.js';
import type { Manifest } from '../manifest.js';
import { readTflite as readFile } from './format.js';
import { importTflite } from './import.js';

/** A manifest and a way to get its files by the names that the manifest gives them. */
export interface TfliteReader {
  manifest: Manifest;
  read(phase: 'graph' | 'weights', files: readonly string[]): Promise<Map<string, Uint8Array<ArrayBuffer>>>;
}

/**
 * The graph up to `outputs`. `fromManifest`: the manifest names them, so that a name the graph lacks is the manifest's mistake, a ModelError.
 * Throws ModelError, LoadError, or ArgumentError for outputs of the caller.
 */
export async function readTflite(reader: TfliteReader, outputs: readonly string[], fromManifest: boolean): Promise<Graph> {
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
  try {
    return importTflite(model, { outputs, inputShapes: { [input.name]: [1, input.height, input.width, 3] } });
  } catch (error) {
    // What the importer calls a wrong argument came from the manifest.
    if (!(error instanceof ArgumentError) || !fromManifest) throw error;
    const { thing, found, wanted } = error;
    throw new ModelError('invalid-model', { thing: `manifest, ${thing}`, found, wanted, cause: error });
  }
}
