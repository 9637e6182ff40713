// graph.json: our IR as a file, deterministic and versioned. Constants are only named here; their numbers stand in weights.safetensors.
import * as v from 'valibot';
import { ModelError } from '../errors.js';
import type { Graph, Node, Value, ValueId } from '../ir/graph.js';
import { NONE, type OperatorName } from '../ir/operators.js';
import { validateGraph } from '../ir/validate.js';
import { formatShape, shapesEqual } from '../tensor/shape.js';
import { parseJson, parseWith } from './json.js';
import type { Tensor } from './safetensors.js';
import { checkFinite } from './weights-check.js';

/** Version of the file. It changes when an older reader would misread a newer file. */
export const GRAPH_VERSION = 1;

/**
 * What the optimiser knows, as a number that graph.json may carry: a graph with this number or a later one is run as it is stored. It grows when
 * the optimiser learns something that pays for stored graphs, which are then optimised when they are opened, until they are written again.
 */
export const OPTIMIZED = 2;

const number = v.pipe(v.number(), v.finite());
const integer = v.pipe(v.number(), v.safeInteger());
const pair = v.tuple([integer, integer]);
const padding = v.tuple([integer, integer, integer, integer]);
const triple = v.tuple([number, number, number]);
const integers = v.array(integer);
/** JSON has no infinity; padding before a maximum needs it. */
const extended = v.pipe(
  v.custom<number | 'Infinity' | '-Infinity'>(
    (x) => Number.isFinite(x) || x === 'Infinity' || x === '-Infinity',
    'a number, "Infinity" or "-Infinity"',
  ),
  v.transform(Number),
);

/** Operators without attributes. */
const none = v.strictObject({});
const activation = v.strictObject({
  kind: v.picklist([
    'none', 'relu', 'relu6', 'leaky_relu', 'elu', 'sigmoid', 'tanh', 'silu', 'mish', 'gelu', 'softplus', 'clip', 'hard_sigmoid', 'hard_swish',
  ]), // prettier-ignore
  alpha: v.optional(extended),
  beta: v.optional(extended),
});
const window = { kernel: pair, strides: pair, padding };

/** Attributes of each operator as they stand in the file; a test holds them to sdk/ir/operators.ts. */
export const attributeSchemas = {
  image_to_tensor: v.strictObject({
    height: integer,
    width: integer,
    order: v.picklist(['RGB', 'BGR']),
    mean: triple,
    std: triple,
    padValue: number,
    background: number,
  }),
  conv2d: v.strictObject({
    strides: pair,
    padding,
    dilations: pair,
    groups: integer,
    activation,
    residual: v.picklist(['before_activation', 'after_activation']),
  }),
  depthwise_conv2d: v.strictObject({ strides: pair, padding, dilations: pair, activation }),
  matmul: v.strictObject({ transposeA: v.boolean(), transposeB: v.boolean(), activation }),
  activation: v.strictObject({ activation }),
  unary: v.strictObject({
    kind: v.picklist([
      'neg', 'abs', 'exp', 'log', 'sqrt', 'rsqrt', 'square', 'reciprocal', 'floor', 'ceil', 'round', 'sign', 'erf',
      'sin', 'cos', 'tan', 'asin', 'acos', 'atan', 'sinh', 'cosh', 'asinh', 'acosh', 'atanh',
    ]), // prettier-ignore
  }),
  binary: v.strictObject({
    kind: v.picklist([
      'add',
      'sub',
      'mul',
      'div',
      'maximum',
      'minimum',
      'pow',
      'floor_div',
      'floor_mod',
      'squared_difference',
      'prelu',
    ]),
    activation,
  }),
  where: none,
  compare: v.strictObject({ kind: v.picklist(['equal', 'not_equal', 'less', 'less_equal', 'greater', 'greater_equal']) }),
  max_pool: v.strictObject(window),
  average_pool: v.strictObject({ ...window, countPadding: v.boolean() }),
  reduce: v.strictObject({ kind: v.picklist(['mean', 'sum', 'max', 'min', 'prod']), axes: integers, keepDims: v.boolean() }),
  resize: v.strictObject({
    mode: v.picklist(['nearest', 'bilinear']),
    height: integer,
    width: integer,
    coordinates: v.picklist(['half_pixel', 'asymmetric', 'align_corners']),
    nearest: v.picklist(['floor', 'ceil', 'round_prefer_floor', 'round_prefer_ceil']),
    activation: v.optional(activation),
  }),
  concat: v.strictObject({ axis: integer }),
  slice: v.strictObject({ begin: integers, size: integers, strides: integers }),
  transpose: v.strictObject({ perm: integers }),
  reshape: none,
  pad: v.strictObject({ before: integers, after: integers, mode: v.picklist(['constant', 'reflect', 'edge']), value: extended }),
  softmax: v.strictObject({ axis: integer }),
  cast: none,
  gather: v.strictObject({ axis: integer }),
  top_k: v.strictObject({ k: integer }),
  score_merge: v.strictObject({ combine: v.picklist(['max', 'mean', 'noisy_or']), from: v.picklist(['logit', 'probability']) }),
  peak_top_k: v.strictObject({ window: integer, k: integer }),
  gather_rows: v.strictObject({ divisor: integer }),
  box_decode: v.strictObject({
    divisor: integer,
    form: v.picklist(['center', 'distances', 'corners']),
    columns: v.tuple([integer, integer, integer, integer]),
    bins: integer,
    position: v.picklist(['identity', 'sigmoid', 'tanh']),
    extent: v.picklist(['identity', 'exp', 'sigmoid', 'sigmoid_squared', 'relu']),
    scale: v.tuple([number, number]),
    limit: number,
  }),
  pairwise_iou: v.strictObject({}),
  non_max_suppression: v.strictObject({ iouThreshold: number, perClass: v.boolean() }),
} satisfies Record<OperatorName, v.GenericSchema>;

const GraphFile = v.strictObject({
  labelweaveGraph: v.picklist([GRAPH_VERSION]),
  optimized: v.optional(v.pipe(integer, v.minValue(1))),
  inputs: v.array(v.string()),
  outputs: v.array(v.string()),
  values: v.array(
    v.strictObject({
      name: v.string(),
      dtype: v.picklist(['float32', 'int32', 'uint8', 'bool']),
      shape: v.array(v.pipe(integer, v.minValue(0))),
      kind: v.optional(v.picklist(['constant', 'image'])),
    }),
  ),
  nodes: v.array(
    v.strictObject({
      op: v.picklist(Object.keys(attributeSchemas) as OperatorName[]),
      name: v.string(),
      inputs: v.array(v.nullable(v.string())),
      outputs: v.array(v.string()),
      // Checked when the operator is known.
      attributes: v.unknown(),
    }),
  ),
});

export interface GraphFileOptions {
  /** Says in the file that the graph went through `optimizeGraph`, so that readers need not. Default false. */
  optimized?: boolean | undefined;
}

/** A graph as text of graph.json and the tensors of its constants, by value name. The same graph always gives the same text. */
export function writeGraphFile(graph: Graph, options: GraphFileOptions = {}): { json: string; tensors: Map<string, Tensor> } {
  const name = (id: ValueId): string => graph.values[id]!.name;
  const tensors = new Map<string, Tensor>();
  for (const { name: key, shape, constant } of graph.values) if (constant) tensors.set(key, { shape, constant });
  const line = (entry: unknown): string =>
    `    ${JSON.stringify(entry, (_, x: unknown) => (x === Infinity || x === -Infinity ? String(x) : x))}`;
  const values = graph.values.map(({ name: key, dtype, shape, constant, image }) => {
    return line({ name: key, dtype, shape, ...(constant ? { kind: 'constant' } : image ? { kind: 'image' } : {}) });
  });
  const nodes = graph.nodes.map((node) => {
    const inputs = node.inputs.map((id) => (id === NONE ? null : name(id)));
    return line({ op: node.op, name: node.name, inputs, outputs: node.outputs.map(name), attributes: sorted(node.attributes) });
  });
  const json = [
    '{',
    `  "labelweaveGraph": ${GRAPH_VERSION},`,
    ...(options.optimized ? [`  "optimized": ${OPTIMIZED},`] : []),
    `  "inputs": ${JSON.stringify(graph.inputs.map(name))},`,
    `  "outputs": ${JSON.stringify(graph.outputs.map(name))},`,
    `  "values": [\n${values.join(',\n')}\n  ],`,
    `  "nodes": [\n${nodes.join(',\n')}\n  ]`,
    '}\n',
  ].join('\n');
  return { json, tensors };
}

/** Keys in one order, whoever made the object. */
function sorted(attributes: object): object {
  return Object.fromEntries(
    Object.entries(attributes)
      .filter(([, value]) => value !== undefined)
      .sort(([p], [q]) => (p < q ? -1 : 1))
      .map(([key, value]) => [key, key === 'activation' ? sorted(value as object) : (value as unknown)]),
  );
}

/** A graph as it was stored. */
export interface StoredGraph {
  graph: Graph;
  /** The file says that our optimiser would find nothing to do. Its results would be the same in any case. */
  optimized: boolean;
}

/**
 * Reads graph.json with the tensors of its weight files and checks the whole graph.
 * Throws {@link ModelError}: `invalid-model` with the path in the file, `invalid-weights` with the tensor (missing, wrong shape or type, NaN, infinite).
 */
export function readGraphFile(bytes: Uint8Array, file: string, tensors: ReadonlyMap<string, Tensor>): StoredGraph {
  const json = parseJson(bytes, file);
  const data = parseWith(GraphFile, json, file);
  const ids = new Map<string, ValueId>();
  const values = data.values.map(({ name, dtype, shape, kind }, id): Value => {
    ids.set(name, id);
    if (kind === 'image') return { name, dtype, shape, image: true };
    if (kind !== 'constant') return { name, dtype, shape };
    const thing = `tensor "${name}"`;
    const tensor = tensors.get(name);
    if (!tensor)
      throw new ModelError('invalid-weights', {
        thing,
        found: 'no such tensor in the weight files',
        wanted: `${dtype} ${formatShape(shape)}`,
      });
    const stored = tensor.constant.dtype;
    if ((stored === 'float16' ? 'float32' : stored) !== dtype || !shapesEqual(tensor.shape, shape)) {
      throw new ModelError('invalid-weights', {
        thing,
        found: `${stored} ${formatShape(tensor.shape)}`,
        wanted: `${dtype} ${formatShape(shape)}`,
      });
    }
    checkFinite(name, tensor.constant);
    return { name, dtype, shape, constant: tensor.constant };
  });
  const find = (name: string, where: string): ValueId =>
    ids.get(name) ??
    (() => {
      throw new ModelError('invalid-model', {
        thing: `file "${file}", ${where}`,
        found: JSON.stringify(name),
        wanted: 'the name of a value',
      });
    })();
  const nodes = data.nodes.map((node, i) => {
    const where = `nodes[${i}]`;
    return {
      op: node.op,
      name: node.name,
      inputs: node.inputs.map((name) => (name === null ? NONE : find(name, where))),
      outputs: node.outputs.map((name) => find(name, where)),
      attributes: parseWith(attributeSchemas[node.op], node.attributes, `${file}, ${where}.attributes`),
    } as unknown as Node;
  });
  const graph = {
    values,
    nodes,
    inputs: data.inputs.map((name) => find(name, 'inputs')),
    outputs: data.outputs.map((name) => find(name, 'outputs')),
  };
  validateGraph(graph);
  return { graph, optimized: (data.optimized ?? 0) >= OPTIMIZED };
}
