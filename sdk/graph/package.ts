// A model package as files: labelweave.json, graph.json, weights.safetensors. Writing is deterministic; reading checks everything.
import { ModelError } from '../errors.js';
import type { Graph } from '../ir/graph.js';
import { validateGraph } from '../ir/validate.js';
import { readGraphFile, writeGraphFile, type GraphFileOptions, type StoredGraph } from './graph-file.js';
import { parseManifest, type Manifest, type ManifestInput } from './manifest.js';
import { readSafetensors, writeSafetensors, type Tensor } from './safetensors.js';

/** Name of the manifest in every package. */
export const MANIFEST_FILE = 'labelweave.json';

/**
 * The files of a package by name, ready to be written. `manifest.graph` is set here. Constants keep their stored types (float16 stays float16).
 * Throws {@link ModelError} for a graph or manifest that is wrong.
 */
export function writePackage(
  manifest: Omit<ManifestInput, 'graph'>,
  graph: Graph,
  options: GraphFileOptions = {},
): Record<string, Uint8Array<ArrayBuffer>> {
  validateGraph(graph);
  const file = 'graph.json';
  const weights = 'weights.safetensors';
  const { labelweave, name, description, origin, license, copyright, input, heads, nms } = manifest;
  const whole: ManifestInput = {
    labelweave,
    name,
    ...(description === undefined ? {} : { description }),
    ...(origin === undefined ? {} : { origin }),
    ...(license === undefined ? {} : { license }),
    ...(copyright === undefined ? {} : { copyright }),
    graph: { format: 'labelweave', file, weights: [weights] },
    input,
    heads,
    ...(nms === undefined ? {} : { nms }),
  };
  parseManifest(whole);
  const { json, tensors } = writeGraphFile(graph, options);
  const encoder = new TextEncoder();
  return {
    [MANIFEST_FILE]: encoder.encode(`${JSON.stringify(whole, null, 2)}\n`),
    [file]: encoder.encode(json),
    [weights]: writeSafetensors(tensors, { format: 'labelweave' }),
  };
}

/** The graph of a package in our own format, from the bytes of its files by name. */
export function readPackageGraph(manifest: Manifest, bytes: (file: string) => Uint8Array<ArrayBuffer>): StoredGraph {
  const tensors = new Map<string, Tensor>();
  for (const file of manifest.graph.weights) {
    for (const [name, tensor] of readSafetensors(bytes(file), file)) {
      if (tensors.has(name)) {
        throw new ModelError('invalid-weights', {
          thing: `tensor "${name}"`,
          found: `a second one in "${file}"`,
          wanted: 'each tensor once',
        });
      }
      tensors.set(name, tensor);
    }
  }
  return readGraphFile(bytes(manifest.graph.file), manifest.graph.file, tensors);
}
