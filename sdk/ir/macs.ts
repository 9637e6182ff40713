// What the nodes of a graph cost: multiply-accumulates, the usual measure of arithmetic, and bytes that must move at least.
import { sizeOf } from '../tensor/shape.js';
import type { Graph, Node } from './graph.js';
import { NONE } from './operators.js';

/** What a node costs, whatever the device. */
export interface NodeCost {
  /** Multiply-accumulates of convolutions and matrix products; everything else counts as nothing. */
  macs: number;
  /** Elements of its operands and results, each counted once: what it reads and writes where nothing stays in a cache. */
  elements: number;
}

/** Multiply-accumulates of all convolutions and matrix products for one run of the graph; everything else counts as nothing. */
export function countMacs(graph: Graph): number {
  return graph.nodes.reduce((sum, node) => sum + nodeCost(graph, node).macs, 0);
}

/** What one node of a graph costs. A reshape costs nothing. */
export function nodeCost(graph: Graph, node: Node): NodeCost {
  if (node.op === 'reshape') return { macs: 0, elements: 0 };
  const ids = new Set([...node.inputs, ...node.outputs].filter((id) => id !== NONE && !graph.values[id]!.image));
  let elements = 0;
  for (const id of ids) elements += sizeOf(graph.values[id]!.shape);
  return { macs: macsOf(graph, node), elements };
}

function macsOf(graph: Graph, node: Node): number {
  const output = sizeOf(graph.values[node.outputs[0]!]!.shape);
  const [, second] = node.inputs;
  if (node.op === 'conv2d') {
    const [kh, kw, channels] = graph.values[second!]!.shape as [number, number, number, number];
    return output * kh * kw * channels;
  }
  if (node.op === 'depthwise_conv2d') {
    const [kh, kw] = graph.values[second!]!.shape as [number, number, number];
    return output * kh * kw;
  }
  if (node.op !== 'matmul') return 0;
  const { shape } = graph.values[node.inputs[0]!]!;
  return output * shape[shape.length - (node.attributes.transposeA ? 2 : 1)]!;
}
