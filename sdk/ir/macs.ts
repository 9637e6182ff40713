// Multiply-accumulates of a graph: the usual measure of how much arithmetic a network needs.
import { sizeOf } from '../tensor/shape.js';
import type { Graph } from './graph.js';

/** Multiply-accumulates of all convolutions and matrix products for one run of the graph; everything else counts as nothing. */
export function countMacs(graph: Graph): number {
  let macs = 0;
  for (const node of graph.nodes) {
    const output = sizeOf(graph.values[node.outputs[0]!]!.shape);
    const [, second] = node.inputs;
    if (node.op === 'conv2d') {
      const [kh, kw, channels] = graph.values[second!]!.shape as [number, number, number, number];
      macs += output * kh * kw * channels;
    } else if (node.op === 'depthwise_conv2d') {
      const [kh, kw] = graph.values[second!]!.shape as [number, number, number];
      macs += output * kh * kw;
    } else if (node.op === 'matmul') {
      const shape = graph.values[node.inputs[0]!]!.shape;
      macs += output * shape[shape.length - (node.attributes.transposeA ? 2 : 1)]!;
    }
  }
  return macs;
}
