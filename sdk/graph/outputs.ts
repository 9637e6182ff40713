// The results of a graph: choosing them by name, and giving them names. Changes no arithmetic.
import { ArgumentError, describe } from '../errors.js';
import type { Graph, ValueId } from '../ir/graph.js';
import { inferShapes } from '../ir/infer.js';
import { GraphEditor } from './optimize/editor.js';

/** The part of a graph that these values need, with them as outputs in this order. Any value may become an output. Throws ArgumentError for unknown names. */
export function pruneTo(graph: Graph, outputNames: readonly string[]): Graph {
  const ids = new Map(graph.values.map((value, id) => [value.name, id]));
  const outputs = outputNames.map((name) => {
    const id = ids.get(name);
    if (id !== undefined && !graph.values[id]!.image) return id;
    const known = graph.outputs.map((output) => graph.values[output]!.name);
    throw new ArgumentError({
      thing: 'outputs',
      found: describe(name),
      wanted: `a value of the graph, such as ${known.slice(0, 8).join(', ')}`,
    });
  });
  return new GraphEditor({ ...graph, outputs: [...new Set(outputs)] }).finish();
}

/**
 * Gives outputs the names that callers know. Two names of one value, or a name for an input or a constant, get a copy (a reshape to the same shape).
 * Another value that has the name already gives it up.
 */
export function nameOutputs(graph: Graph, names: readonly (readonly [string, ValueId])[]): Graph {
  const values = [...graph.values];
  const nodes = [...graph.nodes];
  const taken = new Set<ValueId>();
  const wanted = new Set(names.map(([name]) => name));
  const outputs = names.map(([name, id]) => {
    const value = values[id]!;
    const computed = nodes.some((node) => node.outputs.includes(id));
    if (value.name === name && !taken.has(id)) {
      taken.add(id);
      return id;
    }
    if (computed && !taken.has(id) && !wanted.has(value.name)) {
      values[id] = { ...value, name };
      taken.add(id);
      return id;
    }
    const [type] = inferShapes('reshape', [value], {}, { name, result: { shape: value.shape } });
    values.push({ name, ...type! });
    nodes.push({ op: 'reshape', name, inputs: [id], outputs: [values.length - 1], attributes: {} });
    taken.add(values.length - 1);
    return values.length - 1;
  });
  // Names stay unique: values that are not the wanted ones step aside.
  const used = new Set(outputs.map((id) => values[id]!.name));
  const all = new Set(values.map((value) => value.name));
  values.forEach((value, id) => {
    if (outputs.includes(id) || !used.has(value.name)) return;
    let n = 2;
    while (all.has(`${value.name}~${n}`)) n++;
    all.add(`${value.name}~${n}`);
    values[id] = { ...value, name: `${value.name}~${n}` };
  });
  return new GraphEditor({ values, nodes, inputs: graph.inputs, outputs }).finish();
}
