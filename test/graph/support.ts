// Helpers of the graph tests: TF.js models made in memory, and graphs run by the reference.
import type { Graph, Node } from '../../sdk/ir/graph.js';
import { validateGraph } from '../../sdk/ir/validate.js';
import { importTfjs, type TfjsImportOptions } from '../../sdk/graph/tfjs/import.js';
import { readTfjsModel } from '../../sdk/graph/tfjs/format.js';
import { readTfjsWeights } from '../../sdk/graph/tfjs/weights.js';
import { createReferenceRuntime } from '../../sdk/runtime/reference/index.js';
import type { TensorData } from '../../sdk/tensor/dtype.js';
import { runGraph } from '../kernels/harness.js';

export interface TfNode {
  name: string;
  op: string;
  input?: string[];
  attr?: Record<string, unknown>;
}

/** A constant of a test model. */
export interface TfConstant {
  dtype?: 'float32' | 'int32' | 'bool';
  shape: number[];
  values: number[];
}

export const bytesOf = (text: string): { s: string } => ({ s: btoa(text) });
export const list = (...i: number[]): { list: { i: string[] } } => ({ list: { i: i.map(String) } });
export const texts = (...s: string[]): { list: { s: string[] } } => ({ list: { s: s.map((text) => btoa(text)) } });
export const type = (name: string): { type: string } => ({ type: `DT_${name}` });
export const encode = (value: unknown): Uint8Array<ArrayBuffer> => new TextEncoder().encode(JSON.stringify(value));

/** A placeholder; -1 is an open dimension. */
export function placeholder(name: string, shape: number[], dtype = 'FLOAT'): TfNode {
  return {
    name,
    op: 'Placeholder',
    attr: { dtype: type(dtype), shape: { shape: { dim: shape.map((size) => ({ size: String(size) })) } } },
  };
}

/** model.json and one shard. */
export function tfModel(
  nodes: readonly TfNode[],
  constants: Readonly<Record<string, TfConstant>> = {},
): { json: Record<string, unknown>; shard: Uint8Array<ArrayBuffer> } {
  const parts = Object.values(constants).map(({ dtype = 'float32', values }) => {
    const array =
      dtype === 'float32' ? Float32Array.from(values) : dtype === 'int32' ? Int32Array.from(values) : Uint8Array.from(values);
    return new Uint8Array(array.buffer);
  });
  const shard = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    shard.set(part, offset);
    offset += part.length;
  }
  const weights = Object.entries(constants).map(([name, { dtype = 'float32', shape }]) => ({ name, dtype, shape }));
  const node = [...Object.keys(constants).map((name): TfNode => ({ name, op: 'Const' })), ...nodes];
  return {
    json: { format: 'graph-model', modelTopology: { node }, weightsManifest: [{ paths: ['group1-shard1of1.bin'], weights }] },
    shard,
  };
}

/** Imports such a model and checks the graph. */
export function importNodes(
  nodes: readonly TfNode[],
  constants: Readonly<Record<string, TfConstant>> = {},
  options: TfjsImportOptions = {},
): Graph {
  const { json, shard } = tfModel(nodes, constants);
  const model = readTfjsModel(encode(json), 'model.json');
  const graph = importTfjs(
    model,
    readTfjsWeights(model.weightGroups, () => shard),
    options,
  );
  validateGraph(graph);
  return graph;
}

/** Results of the reference by output name. */
export async function runReference(graph: Graph, feeds: Record<string, TensorData> = {}): Promise<Record<string, number[]>> {
  const runtime = createReferenceRuntime();
  try {
    const results = await runGraph(runtime, graph, feeds);
    return Object.fromEntries(graph.outputs.map((id, i) => [graph.values[id]!.name, Array.from(results[i]!)]));
  } finally {
    runtime.dispose();
  }
}

/** Operators in execution order. */
export const ops = (graph: Graph): Node['op'][] => graph.nodes.map((node) => node.op);
