// The table of lowerings: one function an operator, graph node -> steps.
import type { Node } from '../../../ir/graph.js';
import type { OperatorName } from '../../../ir/operators.js';
import type { Context, Lowered, Lowering } from './context.js';
import { conv2d, depthwiseConv2d, matmul } from './convolution.js';
import { boxDecode, gatherRows, imageToTensor, nonMaxSuppression, pairwiseIou, peakTopK, scoreMerge, topK } from './detection.js';
import {
  activation,
  binary,
  cast,
  compare,
  concat,
  gather,
  pad,
  reshape,
  slice,
  transpose,
  unary,
  where,
} from './elementwise.js';
import { averagePool, maxPool, reduce, resize, softmax } from './spatial.js';

const lowerings: { readonly [K in OperatorName]: Lowering<K> } = {
  activation, binary, cast, compare, concat, conv2d, gather, matmul, pad, reduce, reshape, resize, slice, softmax, transpose, unary, where,
  average_pool: averagePool, non_max_suppression: nonMaxSuppression, pairwise_iou: pairwiseIou, box_decode: boxDecode, depthwise_conv2d: depthwiseConv2d, gather_rows: gatherRows, image_to_tensor: imageToTensor, max_pool: maxPool,
  peak_top_k: peakTopK, score_merge: scoreMerge, top_k: topK,
}; // prettier-ignore

/** Lowers one node. Throws ModelError `unsupported-operator` that names it. */
export function lower(node: Node, context: Context): Lowered {
  const lowering = lowerings[node.op] as Lowering<OperatorName> | undefined;
  if (!lowering) throw context.unsupported(node, `the operator ${node.op as string}`, 'an operator of sdk/ir/operators.ts');
  return lowering(node as never, context);
}

export { Context, OVERREAD } from './context.js';
export type { Lowered, Settings } from './context.js';
