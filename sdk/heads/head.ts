// Stage 3: opens the head that a manifest describes, by the table of decoders. Decoders stand in files of their own, loaded when asked for.
import { describe, ModelError } from '../errors.js';
import type { Graph } from '../ir/graph.js';
import type { LabelSpace } from '../taxonomy/label-space.js';
import { openCenternet } from './centernet.js';
import type { Head, HeadManifest, HeadOptions } from './contract.js';
import type { OpenDecoder } from './decoder.js';
import { Parameters } from './parameters.js';
import { makeHead } from './tail.js';

export type { Head, HeadManifest, HeadOptions, LabelEmbeddings } from './contract.js';

const decoders: Readonly<Record<string, () => OpenDecoder | Promise<OpenDecoder>>> = {
  centernet: () => openCenternet,
  yolo: async () => (await import('./yolo.js')).openYolo,
  yolox: async () => (await import('./yolo.js')).openYolox,
  fastestdet: async () => (await import('./yolo.js')).openFastestDet,
  yolov8: async () => (await import('./points.js')).openYolov8,
  fcos: async () => (await import('./points.js')).openFcos,
  ssd: async () => (await import('./anchors.js')).openSsd,
  retinanet: async () => (await import('./anchors.js')).openRetinanet,
  boxes: async () => (await import('./boxes.js')).openBoxes,
  detr: async () => (await import('./boxes.js')).openDetr,
  detections: async () => (await import('./boxes.js')).openDetections,
};

/** Names of the decoders, as `decoder.type` of a manifest writes them. */
export const decoderTypes: readonly string[] = Object.keys(decoders);

/**
 * Checks the decoder of a head against the graph and its label space. Throws ModelError `invalid-model` that says how they disagree.
 */
export async function openHead(
  manifest: HeadManifest,
  graph: Graph,
  labels: LabelSpace,
  { prefix, embeddings }: HeadOptions = {},
): Promise<Head> {
  const where = `head ${JSON.stringify(manifest.dataset)}, decoder`;
  const decoder: unknown = manifest.decoder;
  if (typeof decoder !== 'object' || decoder === null)
    throw new ModelError('invalid-model', { thing: where, found: describe(decoder), wanted: 'an object' });
  const { type } = decoder as { type?: unknown };
  const load = typeof type === 'string' && Object.hasOwn(decoders, type) ? decoders[type] : undefined;
  if (!load) {
    const wanted = decoderTypes.map((name) => JSON.stringify(name));
    throw new ModelError('invalid-model', { thing: `${where}.type`, found: describe(type), wanted: wanted.join(', ') });
  }
  const open = await load();
  return makeHead({ ...open({ parameters: new Parameters(where, decoder), graph, labels, embeddings }), type: type as string }, prefix); // prettier-ignore
}
