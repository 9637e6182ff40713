// Constant folding: nodes whose operands are all constants are computed once. Data that is only moved keeps its stored bits.
import type { Graph, Node } from '../../ir/graph.js';
import { Constant } from '../../ir/graph.js';
import type { ValueType } from '../../ir/infer.js';
import { NONE, type OperatorName } from '../../ir/operators.js';
import { allocate, evaluateNode } from '../../runtime/reference/evaluate.js';
import type { TensorData } from '../../tensor/dtype.js';
import { sizeOf, type Shape } from '../../tensor/shape.js';
import { GraphEditor } from './editor.js';

/** Larger results are left to the runtime: a folded broadcast must not make the weights explode. */
export const MAX_FOLDED_ELEMENTS = 2 ** 22;

/** Operators that move elements and compute nothing. Their float16 operands stay float16. */
const moves: ReadonlySet<OperatorName> = new Set<OperatorName>(['reshape', 'transpose', 'slice', 'concat', 'gather']);

/** Constants that a node gives, from the constants it reads (undefined where an optional operand is absent). */
export function evaluateConstants(
  node: Pick<Node, 'op' | 'name' | 'attributes'>,
  inputs: readonly ({ shape: Shape; constant: Constant } | undefined)[],
  results: readonly ValueType[],
): Constant[] {
  const halves = moves.has(node.op) && inputs.some((x) => x?.constant.dtype === 'float16');
  // Elements of a moved operand may be float16 bits, as long as all operands that give elements are.
  const data = node.op === 'gather' ? inputs.slice(0, 1) : inputs;
  if (halves && data.every((x) => x?.constant.dtype === 'float16')) {
    const outputs = results.map((type) => ({ ...type, data: new Uint16Array(sizeOf(type.shape)) }));
    evaluateNode(
      node,
      inputs.map((x) => x && { shape: x.shape, dtype: 'float32' as const, data: bits(x.constant) }),
      outputs.map((y) => ({ ...y, data: y.data as unknown as TensorData })),
    );
    return outputs.map((y) => new Constant('float16', y.data));
  }
  const outputs = results.map((type) => ({ ...type, data: allocate(type) }));
  evaluateNode(
    node,
    inputs.map(
      (x) =>
        x && { shape: x.shape, dtype: x.constant.dtype === 'float16' ? 'float32' : x.constant.dtype, data: x.constant.values },
    ),
    outputs,
  );
  return outputs.map((y) => new Constant(y.dtype, y.data));
}

/** The stored array as operators see arrays: element by element, whatever the bits mean. */
function bits(constant: Constant): TensorData {
  return constant.stored as unknown as TensorData;
}

/** Replaces every node of constant operands by constants. */
export function foldConstants(graph: Graph): Graph {
  const editor = new GraphEditor(graph);
  for (const node of [...editor.nodes]) {
    const inputs = node.inputs.map((id) => (id === NONE ? undefined : editor.values[id]!));
    const foldable =
      inputs.every((x) => !x || x.constant) &&
      node.outputs.every((id) => sizeOf(editor.values[id]!.shape) <= MAX_FOLDED_ELEMENTS);
    if (!foldable || node.inputs.length === 0) continue;
    const results = node.outputs.map((id) => editor.values[id]!);
    const constants = evaluateConstants(
      node,
      inputs.map((x) => x && { shape: x.shape, constant: x.constant! }),
      results,
    );
    editor.remove(node);
    node.outputs.forEach((id, i) => {
      editor.values[id] = { ...editor.values[id]!, constant: constants[i]! };
    });
  }
  return editor.finish();
}
