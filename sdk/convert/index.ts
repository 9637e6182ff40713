// The subpath `labelweave/convert`: model files become model packages, with smaller weights and the measured change; and which head fits a file.
import { ArgumentError, describe, ModelError } from '../errors.js';
import { withDigests } from '../graph/digests.js';
import { withImageInput } from '../graph/image-input.js';
import { headValues, parseManifest, type Manifest, type ManifestInput } from '../graph/manifest.js';
import { openModel, type ModelFiles, type ModelSource } from '../graph/model.js';
import { openModelFile } from '../graph/model-file.js';
import { optimizeGraph } from '../graph/optimize/index.js';
import { writePackage } from '../graph/package.js';
import { openHead } from '../heads/head.js';
import type { Graph } from '../ir/graph.js';
import type { Runtime } from '../runtime/runtime.js';
import { labelSpace } from '../taxonomy/label-space.js';
import type { ImageFrame } from '../tensor/image-frame.js';
import { measureChange, testPicture, type OutputChange } from './measure.js';
import { proposeHeads, type HeadProposal } from './propose.js';
import { convertWeights, type WeightType } from './weights.js';

export { proposeHeads, type HeadProposal } from './propose.js';
export { convertWeights, type WeightType } from './weights.js';
export { measureChange, type OutputChange } from './measure.js';

/** Options of {@link convertModel}. */
export interface ConvertOptions {
  /** How weights are stored. Default float16. */
  weights?: WeightType | undefined;
  /** Where the change is measured. Default: it is not measured. */
  runtime?: Runtime | undefined;
  /** Pictures to measure on. Default: one that is made. */
  frames?: readonly ImageFrame[] | undefined;
  /** Stops; the promise rejects with `signal.reason`. */
  signal?: AbortSignal | undefined;
}

/** A model package, not yet written. */
export interface ConvertedModel {
  /** The manifest of the package, labelweave.json. */
  manifest: Manifest;
  /** Files by name. */
  files: Record<string, Uint8Array<ArrayBuffer>>;
  /** Bytes of weights before and after. */
  bytes: { before: number; after: number };
  /** Change of every output that the heads read; empty without a runtime. */
  change: OutputChange[];
}

/**
 * Makes a model package of a model: the graph optimised up to the values that its heads read, weights in the wanted type. Heads are checked first.
 * Throws ModelError, LoadError, ArgumentError, or `signal.reason`.
 */
export async function convertModel(source: ModelSource, options: ConvertOptions = {}): Promise<ConvertedModel> {
  const { weights = 'float16', runtime, signal } = options;
  if (!['float16', 'float32', 'int8'].includes(weights))
    throw new ArgumentError({ thing: 'weights', found: describe(weights), wanted: '"float16", "float32" or "int8"' });
  const { manifest, graph } = await openModel(source, { input: 'tensor', signal });
  for (const head of manifest.heads) await openHead(head, graph, labelSpace(head.dataset, head.labels));
  const stored = convertWeights(graph, weights);
  // int8 weights become float32 when the optimiser folds constants at load; everything else is run as it is stored.
  const files = await withDigests(writePackage(manifest, stored, weights === 'int8' ? {} : { optimized: true }));
  const change: OutputChange[] = [];
  if (runtime) {
    const frames = options.frames ?? [testPicture(manifest.input.width, manifest.input.height)];
    const ready = (of: Graph): Graph => optimizeGraph(withImageInput(of, manifest.input), { outputs: headValues(manifest) });
    change.push(...(await measureChange(runtime, ready(graph), ready(stored), frames, signal)));
  }
  return { manifest, files, bytes: { before: weightBytes(graph), after: weightBytes(stored) }, change };
}

/** What {@link proposeManifest} found. */
export interface ManifestProposal {
  /** The likeliest head first; empty where no head fits. */
  heads: HeadProposal[];
  /** A manifest with the likeliest head and labels "label 1", "label 2", ...; undefined where no head fits. */
  manifest: ManifestInput | undefined;
}

/** Options of {@link proposeManifest}. */
export interface ProposeOptions {
  /** Height and width of the input, where the file leaves them open. */
  size?: { height: number; width: number } | undefined;
  /** Stops; the promise rejects with `signal.reason`. */
  signal?: AbortSignal | undefined;
}

/**
 * Looks at a model file (.onnx, .tflite, TF.js model.json) and proposes manifests: input by its shape, head by the shapes of the outputs. Scaling, order
 * of channels and labels are not in the file: people must know them.
 * Throws ModelError, LoadError, ArgumentError, or `signal.reason`.
 */
export async function proposeManifest(location: string | URL, options: ProposeOptions = {}): Promise<ManifestProposal> {
  const { signal } = options;
  const { info } = await openModelFile(location, { signal });
  const text = String(location);
  const cut = Math.max(text.lastIndexOf('/'), text.lastIndexOf('\\'));
  const file = text.slice(cut + 1).replace(/[?#].*$/s, '');
  const image = info.inputs.find(({ shape }) => shape?.length === 4);
  if (!image) {
    const found = info.inputs.map(({ name, shape }) => `${name} [${shape?.join(', ') ?? ''}]`).join(', ') || 'none';
    throw new ModelError('invalid-model', {
      thing: `inputs of "${file}"`,
      found,
      wanted: 'an image [1, H, W, 3] or [1, 3, H, W]',
    });
  }
  const [, a, b, c] = image.shape as (number | string | null)[];
  const first = a === 3 && c !== 3;
  const declared = (first ? [b, c] : [a, b]).map((d) => (typeof d === 'number' ? d : undefined));
  const [height, width] = [declared[0] ?? options.size?.height, declared[1] ?? options.size?.width];
  if (height === undefined || width === undefined) {
    throw new ModelError('invalid-model', {
      thing: `input "${image.name}" of "${file}"`,
      found: `[${image.shape!.map((d) => d ?? '?').join(', ')}]`,
      wanted: 'a size',
      next: 'Give height and width (option size).',
    });
  }
  const manifest: ManifestInput = {
    labelweave: 1,
    name: file.replace(/\.[a-z]+$/i, ''),
    graph: { format: info.format, file },
    // ONNX detectors mostly take 0 to 1; TFLite and TF.js ones bring their own scaling or -1 to 1.
    input: { name: image.name, height, width, ...(info.format === 'onnx' ? { std: [255, 255, 255] } : {}) },
    heads: [{ dataset: 'dataset', labels: [{ id: 1, name: 'label 1' }], decoder: { type: 'unknown' } }],
  };
  const files: ModelFiles = { manifest, files: {}, base: text.slice(0, cut + 1) || './' };
  const outputs = info.tail ? [info.tail.boxes, info.tail.scores] : info.outputs.map(({ name }) => name);
  const { graph } = await openModel(files, { outputs, input: 'tensor', signal });
  const heads = await proposeHeads(graph, { height, width }, info.tail);
  const [best] = heads;
  if (!best) return { heads, manifest: undefined };
  const labels = Array.from({ length: best.labels }, (_, i) => ({ id: i + 1, name: `label ${i + 1}` }));
  const head = { dataset: 'dataset', labels, decoder: best.decoder };
  const proposed: ManifestInput = { ...manifest, heads: [head], nms: best.nms ? { iouThreshold: 0.45, perClass: true } : null };
  parseManifest(proposed);
  return { heads, manifest: proposed };
}

function weightBytes(graph: Graph): number {
  return graph.values.reduce((sum, { constant }) => sum + (constant?.stored.byteLength ?? 0), 0);
}
