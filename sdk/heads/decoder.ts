// What the function of every decoder takes. Types only.
import type { Graph } from '../ir/graph.js';
import type { LabelSpace } from '../taxonomy/label-space.js';
import type { LabelEmbeddings } from './contract.js';
import type { Parameters } from './parameters.js';
import type { HeadPlan } from './tail.js';

export interface DecoderContext {
  parameters: Parameters;
  graph: Graph;
  labels: LabelSpace;
  embeddings: LabelEmbeddings | undefined;
}

/** Reads the parameters and checks them against graph and labels. Throws ModelError `invalid-model` that says how they disagree. */
export type OpenDecoder = (context: DecoderContext) => HeadPlan;
