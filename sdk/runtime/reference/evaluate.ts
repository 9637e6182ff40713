// The table of reference operators and a way to evaluate one node; constant folding and tests use it without a runtime.
import type { Node } from '../../ir/graph.js';
import type { OperatorName } from '../../ir/operators.js';
import { ModelError } from '../../errors.js';
import { activation } from './ops/activation.js';
import { average_pool } from './ops/average_pool.js';
import { binary } from './ops/binary.js';
import { box_decode } from './ops/box_decode.js';
import { cast } from './ops/cast.js';
import { compare } from './ops/compare.js';
import { concat } from './ops/concat.js';
import { conv2d } from './ops/conv2d.js';
import { depthwise_conv2d } from './ops/depthwise_conv2d.js';
import { gather } from './ops/gather.js';
import { gather_rows } from './ops/gather_rows.js';
import { image_to_tensor } from './ops/image_to_tensor.js';
import { matmul } from './ops/matmul.js';
import { max_pool } from './ops/max_pool.js';
import { non_max_suppression } from './ops/non_max_suppression.js';
import { pad } from './ops/pad.js';
import { pairwise_iou } from './ops/pairwise_iou.js';
import { peak_top_k } from './ops/peak_top_k.js';
import { reduce } from './ops/reduce.js';
import { reshape } from './ops/reshape.js';
import { resize } from './ops/resize.js';
import { score_merge } from './ops/score_merge.js';
import { slice } from './ops/slice.js';
import { softmax } from './ops/softmax.js';
import { top_k } from './ops/top_k.js';
import { transpose } from './ops/transpose.js';
import { unary } from './ops/unary.js';
import { where } from './ops/where.js';
import type { Operand, ReferenceOperator } from './operand.js';

export { allocate, type Operand, type ReferenceOperator } from './operand.js';

/** One plain function an operator, under the operator's name. */
export const referenceOperators: { readonly [K in OperatorName]: ReferenceOperator<K> } = {
  activation, average_pool, binary, box_decode, cast, compare, concat, conv2d, depthwise_conv2d, gather, gather_rows, image_to_tensor, matmul, max_pool,
  non_max_suppression, pad, pairwise_iou, peak_top_k, reduce, reshape, resize, score_merge, slice, softmax, top_k, transpose, unary, where,
}; // prettier-ignore

/** Computes one node: reads `inputs` (undefined where an optional operand is absent), overwrites `outputs`, whose arrays exist. */
export function evaluateNode(
  node: Pick<Node, 'op' | 'name' | 'attributes'>,
  inputs: readonly (Operand | undefined)[],
  outputs: readonly Operand[],
): void {
  const operator = (Object.hasOwn(referenceOperators, node.op) ? referenceOperators[node.op] : undefined) as
    ReferenceOperator<OperatorName> | undefined;
  if (!operator) {
    throw new ModelError('unsupported-operator', {
      thing: `node "${node.name}"`,
      found: `the operator ${node.op}`,
      wanted: 'an operator of sdk/ir/operators.ts',
    });
  }
  operator(inputs, outputs, node.attributes as never);
}
