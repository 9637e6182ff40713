// Checks that a graph keeps every rule of the IR before a runtime sees it. Says what is wrong; repairs nothing.
import { ModelError, describe } from '../errors.js';
import { formatShape, shapesEqual, sizeOf } from '../tensor/shape.js';
import type { Graph } from './graph.js';
import { inferShapes, MAX_ELEMENTS } from './infer.js';
import { NONE } from './operators.js';

const arrays = { float32: Float32Array, float16: Uint16Array, int32: Int32Array, uint8: Uint8Array, bool: Uint8Array } as const;

const valueTypes: readonly string[] = ['float32', 'int32', 'uint8', 'bool'];

/**
 * Throws {@link ModelError} `invalid-model` for the first broken rule: unique names, static shapes, constants of the right length and array type, every
 * value written once and before it is read, operands and results as {@link inferShapes} wants them, outputs that exist.
 */
export function validateGraph(graph: Graph): void {
  const fail = (thing: string, found: string, wanted: string): never => {
    throw new ModelError('invalid-model', { thing, found, wanted });
  };
  const { values, nodes, inputs, outputs } = graph;
  const names = new Set<string>();
  const written = values.map(() => false);

  for (const [id, value] of values.entries()) {
    const thing = `value "${value.name}"`;
    if (names.has(value.name)) fail(thing, 'a second value of this name', 'a unique name');
    names.add(value.name);
    if (!valueTypes.includes(value.dtype)) fail(thing, `dtype ${describe(value.dtype)}`, 'float32, int32, uint8 or bool');
    if (value.shape.some((d) => !Number.isInteger(d) || d < 0) || sizeOf(value.shape) > MAX_ELEMENTS) {
      fail(thing, `shape ${formatShape(value.shape)}`, `integers of at least 0, at most ${MAX_ELEMENTS} elements`);
    }
    const { constant } = value;
    if (!constant) continue;
    if (value.image) fail(thing, 'an image that is a constant', 'one of the two');
    const seen = constant.dtype === 'float16' ? 'float32' : constant.dtype;
    if (seen !== value.dtype) fail(thing, `a ${constant.dtype} constant`, value.dtype);
    if (!(constant.stored instanceof arrays[constant.dtype])) fail(thing, describe(constant.stored), arrays[constant.dtype].name);
    if (constant.stored.length !== sizeOf(value.shape))
      fail(thing, `${constant.stored.length} elements`, `${sizeOf(value.shape)} for ${formatShape(value.shape)}`);
    written[id] = true;
  }

  const write = (id: number, by: string): void => {
    const value = values[id] ?? fail(by, `value ${describe(id)}`, `0 to ${values.length - 1}`);
    if (written[id]) fail(`value "${value.name}"`, `a second writer, ${by}`, 'one writer');
    written[id] = true;
  };
  for (const id of inputs) write(id, 'the graph inputs');

  for (const node of nodes) {
    const thing = `node "${node.name}" (${node.op})`;
    const operands = node.inputs.map((id) => {
      if (id === NONE) return undefined;
      const value = values[id] ?? fail(thing, `operand ${describe(id)}`, `0 to ${values.length - 1}`);
      if (!written[id]) fail(thing, `operand "${value.name}" before it is written`, 'nodes in execution order');
      return value;
    });
    const target = values[node.outputs[0]!];
    const types = inferShapes(node.op, operands, node.attributes as never, {
      name: node.name,
      result: { shape: target?.shape, dtype: target?.dtype },
    });
    if (types.length !== node.outputs.length) fail(thing, `${node.outputs.length} results`, `${types.length}`);
    for (const [i, id] of node.outputs.entries()) {
      write(id, thing);
      const [value, type] = [values[id]!, types[i]!];
      if (value.image || value.dtype !== type.dtype || !shapesEqual(value.shape, type.shape)) {
        fail(
          thing,
          `result ${i} declared ${value.image ? 'image' : value.dtype} ${formatShape(value.shape)}`,
          `${type.dtype} ${formatShape(type.shape)}`,
        );
      }
    }
  }

  if (outputs.length === 0) fail('graph', 'no outputs', 'at least one');
  for (const id of outputs) {
    const value = values[id] ?? fail('graph outputs', `value ${describe(id)}`, `0 to ${values.length - 1}`);
    if (!written[id]) fail(`output "${value.name}"`, 'a value that nothing writes', 'a node result, an input or a constant');
    if (value.image) fail(`output "${value.name}"`, 'an image', 'a tensor');
  }
  for (const [id, value] of values.entries())
    if (!written[id]) fail(`value "${value.name}"`, 'a value that nothing writes', 'an input, a constant or a node result');
}
