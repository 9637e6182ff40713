// Opens a model from wherever it is: reads its files, imports the graph, puts the image input in front, optimises. Knows no device.
import { ArgumentError, ModelError, describe } from '../errors.js';
import type { Graph } from '../ir/graph.js';
import { resolveLocation } from '../store/location.js';
import { checkDigest, readLocation, type ReadOptions } from '../store/read.js';
import { allOrNone } from './all-or-none.js';
import type { StoredGraph } from './graph-file.js';
import { withImageInput } from './image-input.js';
import { parseJson } from './json.js';
import { headValues, parseManifest, type Manifest } from './manifest.js';
import { MANIFEST_FILE, readPackageGraph } from './package.js';
import type { GraphReader } from './reader.js';

/** A model whose files the caller names one by one; model subpaths of the package export this. */
export interface ModelFiles {
  /** Content of labelweave.json, parsed. */
  manifest: unknown;
  /** File name as the manifest (or model.json) writes it -> where it is, or its bytes. Bytes are used in place: leave them as they are. */
  files: Readonly<Record<string, string | URL | Uint8Array | Blob>>;
  /** Folder (path or URL) of the files that `files` does not name. Default: every file must be named. */
  base?: string | URL | undefined;
}

/** A folder (URL or path), a labelweave.json, or {@link ModelFiles}. */
export type ModelSource = string | URL | ModelFiles;

export interface ModelProgress {
  phase: 'manifest' | 'graph' | 'weights' | 'optimize';
  /** Name of the file as the manifest writes it. */
  file: string;
  /** Bytes so far and in all; `total` is 0 while unknown. While optimising 0 or 1 of 1. */
  loaded: number;
  total: number;
}

export interface OpenModelOptions {
  /** Values of the graph to keep as outputs. Default: those that the manifest's heads read. */
  outputs?: readonly string[] | undefined;
  /** `image` (default): the graph takes image frames. `tensor`: it takes the network's own float32 input. */
  input?: 'image' | 'tensor' | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: ModelProgress) => void) | undefined;
  /** Where downloads are kept between runs; see readLocation. Default: nowhere. */
  cache?: ReadOptions['cache'];
}

export interface OpenedModel {
  manifest: Manifest;
  /** Checked and optimised; its only input is the image named `image` (or the tensor, with `input: 'tensor'`). */
  graph: Graph;
}

/**
 * Reads a model package, or a TF.js, ONNX or TFLite model with a manifest.
 * Throws LoadError for files that cannot be read, ModelError for files that are wrong (`invalid-model`, `invalid-weights`, `unsupported-operator`),
 * ArgumentError for a source that is none, or `signal.reason`.
 */
export async function openModel(source: ModelSource, options: OpenModelOptions = {}): Promise<OpenedModel> {
  options.signal?.throwIfAborted();
  const reader = await openSource(source, options);
  const { manifest } = reader;
  const outputs = options.outputs ?? headValues(manifest);
  const { graph, optimized } = await readers[manifest.graph.format](reader, outputs, options.outputs === undefined);
  options.signal?.throwIfAborted();

  const { file } = manifest.graph;
  options.onProgress?.({ phase: 'optimize', file, loaded: 0, total: 1 });
  checkOutputs(graph, outputs);
  const fed = options.input === 'tensor' ? graph : withImageInput(graph, manifest.input);
  // Packages are mostly stored optimised; a page then does without the optimiser.
  const asStored = optimized && sameNames(fed, outputs);
  const ready = asStored ? fed : (await import('./optimize/index.js')).optimizeGraph(fed, { outputs });
  options.onProgress?.({ phase: 'optimize', file, loaded: 1, total: 1 });
  options.signal?.throwIfAborted();
  return { manifest, graph: ready };
}

async function openSource(source: ModelSource, options: OpenModelOptions): Promise<GraphReader> {
  if (typeof source === 'string' || source instanceof URL) {
    const text = String(source);
    if (text === '')
      throw new ArgumentError({ thing: 'model', found: 'an empty string', wanted: 'a folder, a labelweave.json or ModelFiles' });
    // Queries and fragments are no part of the name.
    const path = text.replace(/[?#].*$/s, '');
    const location = /\.json$/i.test(path) ? text : resolveLocation(path.endsWith('/') ? path : `${path}/`, MANIFEST_FILE);
    const [bytes] = await readAll([['manifest', MANIFEST_FILE, location]], options);
    const json = parseJson(bytes!, location);
    if (looksLikeTfjs(json)) throw (await import('./tfjs/needs-manifest.js')).needsManifest(location);
    const manifest = parseManifest(json, location);
    return {
      manifest,
      async read(phase, files) {
        const all = await readAll(files.map((file) => [phase, file, resolveLocation(location, file)]), options, manifest.graph.sha256); // prettier-ignore
        return new Map(files.map((file, i) => [file, all[i]!]));
      },
    };
  }
  if (
    typeof source !== 'object' ||
    source === null ||
    !('manifest' in source) ||
    typeof source.files !== 'object' ||
    source.files === null
  ) {
    throw new ArgumentError({
      thing: 'model',
      found: describe(source),
      wanted: 'a folder, a labelweave.json, or { manifest, files }',
    });
  }
  if (looksLikeTfjs(source.manifest)) throw (await import('./tfjs/needs-manifest.js')).needsManifest('manifest');
  const manifest = parseManifest(source.manifest, 'manifest');
  return {
    manifest,
    async read(phase, files) {
      const places = files.map((file): [ModelProgress['phase'], string, string | URL | Uint8Array | Blob] => {
        const place = Object.hasOwn(source.files, file)
          ? source.files[file]
          : source.base === undefined
            ? undefined
            : resolveLocation(`${String(source.base).replace(/\/$/, '')}/`, file);
        if (place === undefined) {
          const found = Object.keys(source.files).join(', ') || 'none';
          throw new ModelError(phase === 'weights' ? 'invalid-weights' : 'invalid-model', {
            thing: 'files of the model',
            found,
            wanted: `"${file}" among them`,
          });
        }
        return [phase, file, place];
      });
      const all = await readAll(places, options, manifest.graph.sha256);
      return new Map(files.map((file, i) => [file, all[i]!]));
    },
  };
}

/** True if parsed JSON looks like a model.json of TF.js, right or wrong in detail. */
function looksLikeTfjs(value: unknown): boolean {
  return typeof value === 'object' && value !== null && ('modelTopology' in value || 'weightsManifest' in value);
}

/** Reads files side by side. The first failure stops the others. */
async function readAll(
  files: readonly (readonly [ModelProgress['phase'], string, string | URL | Uint8Array | Blob])[],
  options: OpenModelOptions,
  digests: Readonly<Record<string, string>> = {},
): Promise<Uint8Array<ArrayBuffer>[]> {
  const { onProgress, cache } = options;
  return allOrNone(files, options.signal, async ([phase, file, place], signal) => {
    const progress = (loaded: number, total: number): void => onProgress?.({ phase, file, loaded, total });
    const sha256 = Object.hasOwn(digests, file) ? digests[file] : undefined;
    if (typeof place === 'string' || place instanceof URL)
      return readLocation(place, { signal, cache, onProgress: progress, sha256 });
    // Bytes are used in place; a copy is only needed where they stand in shared memory, which typed arrays of constants must not.
    const bytes = ArrayBuffer.isView(place)
      ? place.buffer instanceof ArrayBuffer
        ? (place as Uint8Array<ArrayBuffer>)
        : new Uint8Array(place)
      : new Uint8Array(await place.arrayBuffer());
    if (sha256 !== undefined) await checkDigest(file, bytes, sha256);
    progress(bytes.length, bytes.length);
    return bytes;
  });
}

async function readOwn(reader: GraphReader): Promise<StoredGraph> {
  const { graph } = reader.manifest;
  const [texts, weights] = await Promise.all([reader.read('graph', [graph.file]), reader.read('weights', graph.weights)]);
  return readPackageGraph(reader.manifest, (file) => texts.get(file) ?? weights.get(file)!);
}

type Read = (reader: GraphReader, outputs: readonly string[], fromManifest: boolean) => Promise<Graph>;

/** Each importer is code that only its models load. */
const imported =
  (load: () => Promise<Read>) =>
  async (...reading: Parameters<Read>): Promise<StoredGraph> => ({ graph: await (await load())(...reading), optimized: false });

const readers: Readonly<Record<Manifest['graph']['format'], (...reading: Parameters<Read>) => Promise<StoredGraph>>> = {
  labelweave: readOwn,
  tfjs: imported(async () => (await import('./tfjs/read.js')).readTfjs),
  onnx: imported(async () => (await import('./onnx/read.js')).readOnnx),
  tflite: imported(async () => (await import('./tflite/read.js')).readTflite),
};

/** True if these are the graph's outputs, in its order. */
function sameNames(graph: Graph, outputs: readonly string[]): boolean {
  return graph.outputs.length === outputs.length && graph.outputs.every((id, i) => graph.values[id]!.name === outputs[i]);
}

/** A value that the manifest names and the graph lacks is the manifest's mistake. */
function checkOutputs(graph: Graph, outputs: readonly string[]): void {
  const names = new Set(graph.values.map((value) => value.name));
  for (const name of outputs) {
    if (names.has(name)) continue;
    const known = graph.outputs.map((id) => graph.values[id]!.name).join(', ');
    throw new ModelError('invalid-model', {
      thing: 'values that the heads read',
      found: describe(name),
      wanted: `a value of the graph, such as ${known}`,
    });
  }
}
