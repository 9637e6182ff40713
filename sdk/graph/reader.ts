// What the readers of other model formats share: how they get files, and whose mistake it is when an output or input is not in the graph.
import { ArgumentError, ModelError } from '../errors.js';
import type { Graph } from '../ir/graph.js';
import type { Manifest } from './manifest.js';

/** A manifest and a way to get its files by the names that the manifest or the model gives them. */
export interface GraphReader {
  manifest: Manifest;
  read(phase: 'graph' | 'weights', files: readonly string[]): Promise<Map<string, Uint8Array<ArrayBuffer>>>;
}

/** Runs an importer; with `fromManifest` what it calls a wrong argument came from the manifest, and is a ModelError. */
export function blameManifest(fromManifest: boolean, run: () => Graph): Graph {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof ArgumentError) || !fromManifest) throw error;
    const { thing, found, wanted } = error;
    throw new ModelError('invalid-model', { thing: `manifest, ${thing}`, found, wanted, cause: error });
  }
}
