// Which values stay float32 on a device that stores floats as float16: boxes, whose half-float steps are half a pixel at 512.
import type { Graph, ValueId } from '../../../ir/graph.js';
import { NONE } from '../../../ir/operators.js';

/** Results of box_decode, and boxes that come from outside and are only compared. */
export function wideValues(graph: Graph): ReadonlySet<ValueId> {
  const wide = new Set<ValueId>();
  const narrow = new Set<ValueId>();
  for (const { op, inputs, outputs } of graph.nodes) {
    if (op === 'box_decode') wide.add(outputs[0]!);
    for (const [position, id] of inputs.entries()) {
      if (id === NONE) continue;
      if (boxOperands[op as string]?.includes(position)) {
        if (graph.inputs.includes(id)) wide.add(id);
      } else if (graph.inputs.includes(id)) narrow.add(id);
    }
  }
  // A box operand that some other kernel reads as well is stored as that kernel wants it.
  for (const id of narrow) wide.delete(id);
  return wide;
}

/** Positions of operands that hold boxes and are read in either precision. */
const boxOperands: Readonly<Record<string, readonly number[]>> = { pairwise_iou: [0, 1], non_max_suppression: [0] };
