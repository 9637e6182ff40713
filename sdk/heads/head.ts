// Stage 3: opens the head that a manifest describes, by the table of decoders. Decoders stand in files of their own.
import { describe, ModelError } from '../errors.js';
import type { Graph } from '../ir/graph.js';
import type { LabelSpace } from '../taxonomy/label-space.js';
import { openCenternet } from './centernet.js';
import type { Head, HeadManifest } from './contract.js';

export type { Head, HeadManifest } from './contract.js';

const decoders: Readonly<
  Record<string, (where: string, decoder: Record<string, unknown>, graph: Graph, labels: LabelSpace) => Head>
> = {
  centernet: openCenternet,
};

/**
 * Checks the decoder of a head against the graph and its label space. Throws ModelError `invalid-model` that says how they disagree.
 */
export function openHead(manifest: HeadManifest, graph: Graph, labels: LabelSpace): Head {
  const where = `head ${JSON.stringify(manifest.dataset)}, decoder`;
  const decoder: unknown = manifest.decoder;
  if (typeof decoder !== 'object' || decoder === null)
    throw new ModelError('invalid-model', { thing: where, found: describe(decoder), wanted: 'an object' });
  const { type } = decoder as { type?: unknown };
  const open = typeof type === 'string' && Object.hasOwn(decoders, type) ? decoders[type] : undefined;
  if (!open) {
    const wanted = Object.keys(decoders).map((name) => JSON.stringify(name));
    throw new ModelError('invalid-model', { thing: `${where}.type`, found: describe(type), wanted: wanted.join(', ') });
  }
  return open(where, decoder as Record<string, unknown>, graph, labels);
}
