// Imports a TF.js graph model: only the nodes that the wanted outputs need, in execution order, each through its converter.
import { ArgumentError, ModelError, describe } from '../../errors.js';
import { GraphBuilder } from '../../ir/builder.js';
import type { Graph, ValueId } from '../../ir/graph.js';
import type { ValueDType } from '../../ir/infer.js';
import { formatShape } from '../../tensor/shape.js';
import { executionOrder } from '../execution-order.js';
import { nameOutputs } from '../outputs.js';
import { checkFinite } from '../weights-check.js';
import { NodeContext } from './context.js';
import { readShape, type TfjsModel, type TfjsNode } from './format.js';
import { converters } from './operators.js';
import type { TfjsWeight } from './weights.js';

export interface TfjsImportOptions {
  /** Wanted results: signature keys, node names or `node:1`. Default: the signature's outputs, else every node that none reads. */
  outputs?: readonly string[] | undefined;
  /** Shapes of inputs whose dimensions the file leaves open (-1), by signature key or node name. */
  inputShapes?: Readonly<Record<string, readonly number[]>> | undefined;
  /** Name of the file for messages. Default: `model.json`. */
  file?: string | undefined;
}

const inputTypes: Readonly<Record<string, ValueDType>> = {
  DT_FLOAT: 'float32', DT_HALF: 'float32', DT_INT32: 'int32', DT_INT64: 'int32', DT_UINT8: 'uint8', DT_BOOL: 'bool',
}; // prettier-ignore

/**
 * Makes a graph of a parsed model and its decoded weights. Inputs are named by signature key or node, outputs as wanted.
 * Throws {@link ModelError}: `unsupported-operator` names node and operator and says which output needs it, `invalid-weights` names a tensor.
 */
export function importTfjs(model: TfjsModel, weights: ReadonlyMap<string, TfjsWeight>, options: TfjsImportOptions = {}): Graph {
  const file = options.file ?? 'model.json';
  const nodes = new Map<string, TfjsNode>();
  for (const node of model.nodes) {
    if (nodes.has(node.name))
      throw new ModelError('invalid-model', {
        thing: `file "${file}"`,
        found: `two nodes "${node.name}"`,
        wanted: 'unique names',
      });
    nodes.set(node.name, node);
  }
  const wanted = wantedOutputs(model, nodes, options.outputs, file);
  const builder = new GraphBuilder();
  const results = new Map<string, ValueId[]>();
  const value = (reference: string, by: string): ValueId => {
    const { node, index } = splitReference(reference);
    const found = results.get(node)?.[index];
    if (found === undefined)
      throw new ModelError('invalid-model', {
        thing: by,
        found: `input ${describe(reference)}`,
        wanted: 'a result that a node has',
      });
    return found;
  };

  for (const { node, neededFor } of nodeOrder(nodes, wanted, file)) {
    const thing = `node "${node.name}" (${node.op})`;
    if (node.op === 'NoOp') continue;
    if (node.op === 'Const') {
      const weight = weights.get(node.name);
      if (!weight)
        throw new ModelError('invalid-weights', {
          thing,
          found: 'no tensor of this name',
          wanted: 'its data in weightsManifest',
        });
      checkFinite(node.name, weight.constant);
      results.set(node.name, [builder.constant(builder.freeName(node.name), weight.constant, weight.shape)]);
    } else if (node.op === 'Placeholder') {
      results.set(node.name, [placeholder(builder, model, node, options)]);
    } else {
      const convert = Object.hasOwn(converters, node.op) ? converters[node.op] : undefined;
      if (!convert) {
        throw new ModelError('unsupported-operator', {
          thing: `node "${node.name}"`,
          found: `the operator ${node.op}`,
          wanted: `one of the ${Object.keys(converters).length} operators that can be imported`,
          next: `It is needed for output "${neededFor}": choose outputs before it (option outputs), or add a converter to sdk/graph/tfjs/operators.ts.`,
        });
      }
      const inputs = node.input.filter((reference) => !reference.startsWith('^')).map((reference) => value(reference, thing));
      const made = convert(new NodeContext(builder, node, inputs));
      results.set(node.name, Array.isArray(made) ? made : [made]);
    }
  }

  const named = wanted.map(({ name, reference }): [string, ValueId] => [name, value(reference, `output "${name}"`)]);
  for (const [, id] of named) builder.output(id);
  return nameOutputs(builder.build(), named);
}

interface Wanted {
  name: string;
  reference: string;
}

function wantedOutputs(
  model: TfjsModel,
  nodes: ReadonlyMap<string, TfjsNode>,
  names: readonly string[] | undefined,
  file: string,
): Wanted[] {
  const read = new Set(
    model.nodes.flatMap((node) => node.input.map((reference) => splitReference(reference.replace(/^\^/, '')).node)),
  );
  const ends = model.nodes
    .filter((node) => !read.has(node.name) && node.op !== 'Const' && node.op !== 'NoOp')
    .map((node) => node.name);
  const all = model.outputs.size > 0 ? [...model.outputs.keys()] : ends;
  const wanted = [...new Set(names ?? all)].map((name) => ({
    name,
    reference: nodes.has(splitReference(name).node) ? name : (model.outputs.get(name) ?? name),
  }));
  for (const { name, reference } of wanted) {
    if (nodes.has(splitReference(reference).node)) continue;
    throw new ArgumentError({
      thing: `outputs of "${file}"`,
      found: describe(name),
      wanted: `a node of the graph, or ${all.slice(0, 8).join(', ')}`,
    });
  }
  if (wanted.length === 0)
    throw new ModelError('invalid-model', { thing: `file "${file}"`, found: 'no outputs', wanted: 'at least one' });
  return wanted;
}

/** `name:1` is result 1 of `name`; `name` is result 0. */
function splitReference(reference: string): { node: string; index: number } {
  const match = /^(.*):(\d+)$/s.exec(reference);
  return match ? { node: match[1]!, index: Number(match[2]) } : { node: reference, index: 0 };
}

/** The nodes whose results a node reads, the last one first. */
function* sourcesOf(node: TfjsNode, nodes: ReadonlyMap<string, TfjsNode>): Generator<TfjsNode> {
  for (const input of node.input.toReversed()) {
    if (input.startsWith('^')) continue;
    const source = nodes.get(splitReference(input).node);
    if (!source)
      throw new ModelError('invalid-model', {
        thing: `node "${node.name}" (${node.op})`,
        found: `input ${describe(input)}`,
        wanted: 'the name of a node',
      });
    yield source;
  }
}

function nodeOrder(nodes: ReadonlyMap<string, TfjsNode>, wanted: readonly Wanted[], file: string) {
  return executionOrder(
    wanted.map(({ name, reference }) => ({ node: nodes.get(splitReference(reference).node)!, neededFor: name })),
    (node) => sourcesOf(node, nodes),
    (neededFor, source, node) => {
      const loop = [...nodes.values()].some(({ op }) => op === 'NextIteration');
      return new ModelError(loop ? 'unsupported-operator' : 'invalid-model', {
        thing: `output "${neededFor}" of "${file}"`,
        found: `${loop ? 'a loop (tf.while)' : 'a cycle'} through "${source.name}" and "${node.name}"`,
        wanted: 'a graph without loops',
        next: 'Choose outputs before it (option outputs).',
      });
    },
  );
}

function placeholder(builder: GraphBuilder, model: TfjsModel, node: TfjsNode, options: TfjsImportOptions): ValueId {
  const key = [...model.inputs].find(([, reference]) => splitReference(reference).node === node.name)?.[0];
  const name = key ?? node.name;
  const type = node.attr['dtype']?.type;
  const declared = type === undefined ? 'DT_FLOAT' : String(type);
  const dtype = inputTypes[declared] ?? (type === 1 ? 'float32' : type === 3 ? 'int32' : undefined);
  const thing = `input "${name}"`;
  if (!dtype)
    throw new ModelError('unsupported-operator', {
      thing,
      found: `type ${declared}`,
      wanted: Object.keys(inputTypes).join(', '),
    });
  const fromNode = readShape(node.attr['shape']?.shape);
  const fromSignature = key === undefined ? undefined : model.inputShapes.get(key);
  const known = fromNode && fromNode.length > 0 ? fromNode : (fromSignature ?? fromNode);
  const given = options.inputShapes?.[name] ?? options.inputShapes?.[node.name];
  const shape = given ?? known;
  if (given && known && known.length > 0 && (given.length !== known.length || known.some((d, i) => d > 0 && d !== given[i]))) {
    throw new ArgumentError({
      thing: `inputShapes.${name}`,
      found: formatShape(given),
      wanted: `a shape that fits ${formatShape(known)} of the file`,
    });
  }
  if (!shape || shape.some((d) => !Number.isInteger(d) || d < 1)) {
    throw new ModelError('invalid-model', {
      thing,
      found: shape ? `shape ${formatShape(shape)}` : 'no shape',
      wanted: 'a static shape',
      next: `Give it with the option inputShapes: { ${JSON.stringify(name)}: [1, height, width, 3] }, or with input.height and input.width of the manifest.`,
    });
  }
  return builder.input(builder.freeName(name), dtype, shape);
}
