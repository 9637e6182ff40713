// Imports an ONNX model: only the nodes that the wanted outputs need, in execution order, each through its converter.
import { ArgumentError, ModelError, describe } from '../../errors.js';
import { GraphBuilder } from '../../ir/builder.js';
import type { Graph, ValueId } from '../../ir/graph.js';
import { formatShape, sizeOf } from '../../tensor/shape.js';
import { executionOrder } from '../execution-order.js';
import { nameOutputs } from '../outputs.js';
import { Algebra, channelsLast, MAX_GENERATED_ELEMENTS, type Tensor } from './algebra.js';
import { elementTypeName, ElementType, type OnnxDimension, type OnnxModel, type OnnxNode, type OnnxValueInfo } from './model.js';
import { NodeContext } from './node.js';
import { converters, refused } from './operators/index.js';
import { decodeTensor, graphType, type ExternalData } from './tensor.js';

/** Versions of the standard operator set whose meaning the converters know. Of 1 to 6, what changed until 7 is known where old models use it. */
export const OPSETS = { least: 1, most: 26 } as const;

export interface OnnxImportOptions {
  /** Wanted results: names of any values of the model. Default: its outputs. */
  outputs?: readonly string[] | undefined;
  /** Shapes of inputs whose dimensions the file leaves open, by name, in ONNX's order of axes. */
  inputShapes?: Readonly<Record<string, readonly number[]>> | undefined;
  /** Sizes of dimensions that have a name in the file, such as `{ batch: 1, height: 320 }`. */
  dimensions?: Readonly<Record<string, number>> | undefined;
  /** Names of inputs and outputs [N, C, H, W] that are to be [N, H, W, C] in the graph. Everything else, and what has not four axes, keeps ONNX's order. */
  channelsLast?:
    { readonly inputs?: readonly string[] | undefined; readonly outputs?: readonly string[] | undefined } | undefined;
  /** Bytes of files that hold weights beside the model, by the location that the model gives. */
  externalData?: ExternalData | undefined;
  /** Elements that nodes without data (filled constants, masks, tables) may make up, together. Default: 2^26, 256 MB. */
  mostGenerated?: number | undefined;
}

/**
 * Makes a graph of a parsed model. Inputs and outputs have their names of the file; 64-bit integers are int32, doubles and halves float32.
 * Throws {@link ModelError}: `unsupported-operator` names node and operator and says which output needs it, `invalid-weights` names a tensor,
 * `invalid-model` names a node, or an input whose size is open; {@link ArgumentError} for outputs that the model lacks.
 */
export function importOnnx(model: OnnxModel, options: OnnxImportOptions = {}): Graph {
  const { file } = model;
  const opset = checkOpset(model);
  const wanted = wantedOutputs(model, options.outputs);
  const sources = writers(model);
  const order = nodeOrder(model, sources, wanted);
  const algebra = new Algebra(new GraphBuilder(), options.mostGenerated ?? MAX_GENERATED_ELEMENTS);
  const tensors = new Map<string, Tensor>();
  const shapes = inputShapes(model, options);

  // All inputs that are no weights, needed or not: callers feed them.
  for (const input of model.inputs) {
    if (model.initializers.has(input.name)) continue;
    if (tensors.has(input.name))
      throw new ModelError('invalid-model', {
        thing: `file "${file}"`,
        found: `two inputs ${describe(input.name)}`,
        wanted: 'unique names',
      });
    tensors.set(input.name, graphInput(algebra, input, shapes(input), options));
  }
  const value = (name: string, by: string): Tensor => {
    const known = tensors.get(name);
    if (known) return known;
    const initializer = model.initializers.get(name);
    if (!initializer)
      throw new ModelError('invalid-model', {
        thing: by,
        found: `operand ${describe(name)}`,
        wanted: 'a value that a node gives before, an input or a weight',
      });
    const constant = decodeTensor(initializer, options.externalData);
    const id = algebra.builder.constant(algebra.builder.freeName(name), constant, initializer.dims);
    const tensor = algebra.tensor(id, initializer.type);
    tensors.set(name, tensor);
    return tensor;
  };

  for (const { node, neededFor } of order) {
    const title = nodeTitle(node);
    const convert = converterOf(node, neededFor);
    algebra.scope = node.outputs.find((name) => name !== '') || node.name || node.op;
    algebra.thing = title;
    const inputs = node.inputs.map((name) => (name === '' ? undefined : value(name, title)));
    for (const [i, input] of inputs.entries()) {
      if (!input?.ragged) continue;
      throw new ModelError('unsupported-operator', {
        thing: title,
        found: `operand ${describe(node.inputs[i])}, whose number of rows depends on the frame`,
        wanted: 'a value of fixed size',
        next: `Choose outputs before the selection of boxes, which output "${neededFor}" needs: boxes and scores; nms of the manifest does the rest.`,
      });
    }
    const made = convert(new NodeContext(algebra, node, inputs, opset, options.externalData));
    const results = Array.isArray(made) ? made : [made];
    node.outputs.forEach((name, i) => {
      if (name === '') return;
      const result = results[i];
      if (result) tensors.set(name, result);
      else if (sources.get(name) === node && wanted.includes(name))
        throw new ModelError('unsupported-operator', {
          thing: title,
          found: `result ${i} (${describe(name)})`,
          wanted: 'one of its other results',
        });
    });
  }

  const last = new Set(options.channelsLast?.outputs ?? []);
  const named = wanted.map((name): [string, ValueId] => {
    algebra.scope = name;
    algebra.thing = `output "${name}"`;
    const tensor = value(name, `output "${name}"`);
    return [name, last.has(name) && tensor.shape.length === 4 ? algebra.last(tensor) : algebra.plain(tensor)];
  });
  for (const [, id] of named) algebra.builder.output(id);
  return nameOutputs(algebra.builder.build(), named);
}

function nodeTitle(node: OnnxNode): string {
  const name = node.name || node.outputs.find((output) => output !== '') || '';
  return `node ${describe(name)} (${node.op})`;
}

function checkOpset(model: OnnxModel): number {
  const thing = `file "${model.file}"`;
  const opset = model.opsets.get('') ?? (model.opsets.size === 0 ? 1 : undefined);
  if (opset === undefined || opset < OPSETS.least || opset > OPSETS.most) {
    throw new ModelError('unsupported-operator', {
      thing,
      found: opset === undefined ? `operator sets ${[...model.opsets.keys()].join(', ')}` : `operator set ${opset}`,
      wanted: `the standard operator set, versions ${OPSETS.least} to ${OPSETS.most}`,
      next: 'Export again, or convert it with onnx.version_converter.',
    });
  }
  return opset;
}

function wantedOutputs(model: OnnxModel, names: readonly string[] | undefined): string[] {
  const known = new Set([
    ...model.nodes.flatMap((node) => node.outputs),
    ...model.inputs.map(({ name }) => name),
    ...model.initializers.keys(),
  ]);
  const wanted = [...new Set(names ?? model.outputs.map(({ name }) => name))];
  if (wanted.length === 0)
    throw new ModelError('invalid-model', { thing: `file "${model.file}"`, found: 'no outputs', wanted: 'at least one' });
  for (const name of wanted) {
    if (name !== '' && known.has(name)) continue;
    const all = model.outputs.map((output) => output.name).slice(0, 8).join(', '); // prettier-ignore
    if (names)
      throw new ArgumentError({
        thing: `outputs of "${model.file}"`,
        found: describe(name),
        wanted: `a value of the model, such as ${all}`,
      });
    throw new ModelError('invalid-model', {
      thing: `file "${model.file}"`,
      found: `output ${describe(name)}`,
      wanted: 'a value that a node gives',
    });
  }
  return wanted;
}

/** The node that writes each value. */
function writers(model: OnnxModel): Map<string, OnnxNode> {
  const sources = new Map<string, OnnxNode>();
  for (const node of model.nodes) {
    for (const name of node.outputs) {
      if (name === '') continue;
      if (sources.has(name))
        throw new ModelError('invalid-model', {
          thing: nodeTitle(node),
          found: `a second writer of ${describe(name)}`,
          wanted: 'unique names',
        });
      sources.set(name, node);
    }
  }
  return sources;
}

function nodeOrder(model: OnnxModel, sources: ReadonlyMap<string, OnnxNode>, wanted: readonly string[]) {
  const writersOf = (names: readonly string[]): OnnxNode[] =>
    names.flatMap((name) => (name === '' ? [] : (sources.get(name) ?? [])));
  return executionOrder(
    wanted.flatMap((neededFor) => writersOf([neededFor]).map((node) => ({ node, neededFor }))),
    (node) => writersOf(node.inputs.toReversed()),
    (neededFor, source, node) =>
      new ModelError('invalid-model', {
        thing: `output "${neededFor}" of "${model.file}"`,
        found: `a cycle through ${nodeTitle(source)} and ${nodeTitle(node)}`,
        wanted: 'a graph without cycles',
      }),
  );
}

function converterOf(node: OnnxNode, neededFor: string): (typeof converters)[string] {
  const standard = node.domain === '' || node.domain === 'ai.onnx';
  const convert = standard && Object.hasOwn(converters, node.op) ? converters[node.op] : undefined;
  const reference = [...node.attributes.values()].some(({ isReference }) => isReference);
  if (convert && !reference) return convert;
  const reason = standard ? refused.get(node.op) : undefined;
  throw new ModelError('unsupported-operator', {
    thing: `node ${describe(node.name || node.outputs[0] || '')}`,
    found: `the operator ${node.op}${standard ? '' : ` of the domain ${describe(node.domain)}`}`,
    wanted: reason
      ? `another operator (${reason})`
      : `one of the ${Object.keys(converters).length} operators that can be imported`,
    next: `It is needed for output "${neededFor}": choose outputs before it (option outputs, or what the heads of the manifest read).`,
  });
}

/** Shapes of inputs, with open dimensions bound by the caller; the same name is the same size everywhere. */
function inputShapes(model: OnnxModel, options: OnnxImportOptions): (input: OnnxValueInfo) => number[] {
  const bound = new Map<string, number>(Object.entries(options.dimensions ?? {}));
  for (const [name, size] of bound) {
    if (!Number.isSafeInteger(size) || size < 1)
      throw new ArgumentError({ thing: `dimensions.${name}`, found: describe(size), wanted: 'an integer of at least 1' });
  }
  const fits = (shape: readonly OnnxDimension[], given: readonly number[]): boolean =>
    shape.length === given.length && shape.every((d, i) => typeof d !== 'number' || d === given[i]);
  for (const input of model.inputs) {
    const given = options.inputShapes?.[input.name];
    if (!given) continue;
    if (given.some((d) => !Number.isSafeInteger(d) || d < 1) || (input.shape && !fits(input.shape, given))) {
      throw new ArgumentError({
        thing: `inputShapes.${input.name}`,
        found: formatShape(given),
        wanted: `a shape that fits ${shapeText(input.shape)} of the file`,
      });
    }
    input.shape?.forEach((d, i) => {
      if (typeof d === 'string' && !bound.has(d)) bound.set(d, given[i]!);
    });
  }
  return (input) => {
    const given = options.inputShapes?.[input.name];
    if (given) return [...given];
    const shape = input.shape?.map((d) => (typeof d === 'string' ? (bound.get(d) ?? d) : d));
    const open = shape?.flatMap((d, i) => (typeof d === 'number' ? [] : [d === undefined ? `axis ${i}` : `"${d}" (axis ${i})`]));
    if (shape && open!.length === 0) return shape as number[];
    if (input.kind !== 'tensor' && input.kind !== 'unknown') return [];
    throw new ModelError('invalid-model', {
      thing: `input "${input.name}"`,
      found: shape ? `open dimensions ${open!.join(', ')} in ${shapeText(input.shape)}` : 'no shape',
      wanted: 'a size for each',
      next: `Give input.height and input.width in the manifest, or the options inputShapes: { ${JSON.stringify(input.name)}: [1, 3, height, width] } or dimensions.`,
    });
  };
}

function shapeText(shape: readonly OnnxDimension[] | undefined): string {
  return shape ? `[${shape.map((d) => d ?? '?').join(', ')}]` : 'any shape';
}

function graphInput(algebra: Algebra, input: OnnxValueInfo, shape: number[], options: OnnxImportOptions): Tensor {
  const { name, type, kind } = input;
  const dtype = graphType(type);
  if (kind !== 'tensor' || !dtype) {
    throw new ModelError('unsupported-operator', {
      thing: `input "${name}"`,
      found: kind === 'tensor' ? `element type ${elementTypeName(type)}` : `a value of kind ${kind}`,
      wanted: 'a tensor of numbers',
    });
  }
  if (!(sizeOf(shape) < 2 ** 31))
    throw new ModelError('invalid-model', {
      thing: `input "${name}"`,
      found: formatShape(shape),
      wanted: 'fewer than 2^31 elements',
    });
  algebra.scope = name;
  const perm =
    options.channelsLast?.inputs?.includes(name) && shape.length === 4 ? channelsLast(shape.length) : shape.map((_, i) => i);
  const physical = perm.map((axis) => shape[axis]!);
  // Images are fed as float32; networks for bytes get them rounded.
  const whole =
    dtype === 'int32' && type === ElementType.uint8 && options.channelsLast?.inputs !== undefined && shape.length === 4;
  const id = algebra.builder.input(name, whole ? 'float32' : dtype, physical);
  const tensor = algebra.tensor(id, type, perm);
  return whole ? algebra.cast(algebra.unary('round', tensor), 'int32', type) : tensor;
}
