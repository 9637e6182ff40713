// The table of lowerings: one function an operator, graph node -> dispatches. Each file of this folder brings its part.
import type { Node } from '../../../ir/graph.js';
import type { OperatorName } from '../../../ir/operators.js';
import { DeviceError } from '../../../errors.js';
import { convolution } from './convolution.js';
import { detection } from './detection.js';
import { elementwise } from './elementwise.js';
import { image } from './image.js';
import { shape } from './shape.js';
import { spatial } from './spatial.js';
import type { AnyLower, Dispatch, LowerContext, LowerTable } from './context.js';

const table: LowerTable = { ...convolution, ...elementwise, ...spatial, ...shape, ...detection, ...image };

/** Operators that the runtime can run. */
export const loweredOperators: readonly OperatorName[] = Object.keys(table) as OperatorName[];

/** Lowers one node. Throws DeviceError `device-failed` that names an operator without a kernel. */
export function lower(context: LowerContext, node: Node): Dispatch[] {
  const lowering = table[node.op] as AnyLower | undefined;
  if (!lowering) {
    throw new DeviceError('device-failed', {
      thing: `node "${node.name}" on webgpu`,
      found: `the operator ${node.op as string}`,
      wanted: `one of ${loweredOperators.join(', ')}`,
      next: 'Use device: "wasm".',
    });
  }
  return lowering(context, node);
}

export { questions, softwareTuning } from './convolution.js';
export { wideValues } from './wide.js';
export type { Binding, DeviceLimits, Dispatch, LowerContext } from './context.js';
