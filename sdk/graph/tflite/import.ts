// Imports a TFLite model: the operators that the wanted outputs need, in the file's order, each as the TensorFlow operator it stands for.
import { ArgumentError, ModelError, describe } from '../../errors.js';
import { GraphBuilder } from '../../ir/builder.js';
import type { Graph, ValueId } from '../../ir/graph.js';
import { NONE, type Activation } from '../../ir/operators.js';
import { formatShape } from '../../tensor/shape.js';
import { nameOutputs } from '../outputs.js';
import { NodeContext } from '../tfjs/context.js';
import type { TfliteModel, TfliteOperator, TfliteTensor } from './format.js';
import { fusedActivation, liteOperators } from './operators.js';
import { constantOf } from './weights.js';

export interface TfliteImportOptions {
  /** Wanted results: names of tensors. Default: the outputs of the file. */
  outputs?: readonly string[] | undefined;
  /** Shapes of inputs whose dimensions the file leaves open (-1), by name. */
  inputShapes?: Readonly<Record<string, readonly number[]>> | undefined;
}

/** Builtin operator 32 stands for operators outside the schema. */
const CUSTOM = 32;

/**
 * Makes a graph of a TFLite model. Inputs and outputs are named as their tensors. Integer models are computed in float32 with their weights dequantised:
 * results differ from integer arithmetic by its rounding. An input of quantised type takes the real numbers its integers stand for.
 * Throws ModelError: `unsupported-operator` names operator and output, `invalid-weights` names a tensor, `invalid-model` a file that contradicts itself;
 * ArgumentError for outputs or shapes of the caller that do not fit.
 */
export function importTflite(model: TfliteModel, options: TfliteImportOptions = {}): Graph {
  const { file, tensors } = model;
  const wanted = wantedOutputs(model, options.outputs);
  const needed = neededOperators(model, wanted);
  const builder = new GraphBuilder();
  const values = new Map<number, ValueId>();
  for (const index of model.inputs) {
    if (tensors[index]!.data || !readBy(model, index, needed, wanted)) continue;
    values.set(index, addInput(builder, tensors[index]!, file, options.inputShapes));
  }
  const value = (index: number, by: string): ValueId => {
    const known = values.get(index);
    if (known !== undefined) return known;
    const tensor = tensors[index]!;
    if (!tensor.data) {
      throw new ModelError('invalid-model', {
        thing: by,
        found: `tensor ${index} ${describe(tensor.name)} before it is computed`,
        wanted: 'an input, a constant or the result of an earlier operator',
      });
    }
    const id = builder.constant(builder.freeName(nameOf(tensor, index)), constantOf(tensor), tensor.shape);
    values.set(index, id);
    return id;
  };

  model.operators.forEach((operator, position) => {
    const neededFor = needed.get(operator);
    if (neededFor === undefined) return;
    const [first] = operator.outputs;
    const name = first === undefined ? `operator ${position}` : nameOf(tensors[first]!, first);
    const known = liteOperators.get(operator.code);
    if (!known) {
      throw new ModelError('unsupported-operator', {
        thing: `file "${file}", tensor "${name}"`,
        found: `the operator ${operator.code === CUSTOM ? describe(operator.custom) : `number ${operator.code}`}`,
        wanted: `one of the ${liteOperators.size} operators that can be imported`,
        next: `It is needed for output "${neededFor}": choose outputs before it (option outputs).`,
      });
    }
    const by = `node "${name}" (${known.name})`;
    const inputs = operator.inputs.map((index) => (index === -1 ? NONE : value(index, by)));
    const nodes = new NodeContext(builder, { name, op: known.name, input: [], attr: {} }, inputs);
    const resultShape = first === undefined ? [] : tensors[first]!.shape;
    const made = known.convert({ name, inputs, options: operator.options, nodes, resultShape });
    const results = Array.isArray(made) ? made : [made];
    if (results.length < operator.outputs.length) nodes.fail(`${operator.outputs.length} results`, `${results.length}`);
    operator.outputs.forEach((index, i) => {
      const activation = activationOf(nodes, known.fused === undefined ? 0 : (operator.options?.int8(known.fused) ?? 0), tensors[index]!);
      const result = results[i]!;
      const constant = builder.type(result).constant !== undefined;
      values.set(index, activation.kind === 'none' || constant ? result : nodes.emit('activation', [result], { activation }, 'fused'));
    });
  }); // prettier-ignore

  const named = wanted.map((index): [string, ValueId] => [nameOf(tensors[index]!, index), value(index, `output ${index}`)]);
  for (const [, id] of named) builder.output(id);
  return nameOutputs(builder.build(), named);
}

const nameOf = ({ name }: TfliteTensor, index: number): string => name || `tensor ${index}`;

/** The activation behind an operator, and the range that a quantised result can hold: integer arithmetic saturates there, which models rely on. */
function activationOf(nodes: NodeContext, fused: number, { type, quantization }: TfliteTensor): Activation {
  const activation = fusedActivation(fused);
  if (!activation) return nodes.unsupported(`the fused activation number ${fused}`, 'none, relu, relu6, relu_n1_to_1 or tanh');
  const bounds = type === 'int8' ? [-128, 127] : type === 'uint8' ? [0, 255] : undefined;
  if (!bounds || quantization?.scale.length !== 1 || activation.kind === 'tanh') return activation;
  const [low, high] = bounds.map((q) => quantization.scale[0]! * (q - (quantization.zeroPoint[0] ?? 0))) as [number, number];
  const [least, most] =
    activation.kind === 'relu' ? [0, Infinity] : activation.kind === 'relu6' ? [0, 6] : activation.kind === 'clip' ? [activation.alpha!, activation.beta!] : [-Infinity, Infinity]; // prettier-ignore
  const [alpha, beta] = [Math.max(low, least), Math.min(high, most)];
  return alpha <= beta ? { kind: 'clip', alpha, beta } : activation;
}

function wantedOutputs({ tensors, outputs, operators, file }: TfliteModel, names: readonly string[] | undefined): number[] {
  if (!names) {
    if (outputs.length === 0) throw new ModelError('invalid-model', { thing: `file "${file}"`, found: 'no outputs', wanted: 'at least one' }); // prettier-ignore
    return [...new Set(outputs)];
  }
  // Names need not be unique: outputs first, then whatever is computed, then constants.
  const computed = operators.flatMap((operator) => operator.outputs);
  const order = [...outputs, ...computed, ...tensors.keys()];
  return [...new Set(names)].map((name) => {
    const index = order.find((i) => nameOf(tensors[i]!, i) === name);
    if (index !== undefined) return index;
    const known = outputs.map((i) => nameOf(tensors[i]!, i)).slice(0, 8);
    throw new ArgumentError({ thing: `outputs of "${file}"`, found: describe(name), wanted: `a tensor of the file, such as ${known.join(', ')}` }); // prettier-ignore
  });
}

/** Operators that the wanted tensors need, each with the output it is needed for. Operators stand in execution order in the file. */
function neededOperators({ operators, tensors }: TfliteModel, wanted: readonly number[]): Map<TfliteOperator, string> {
  const why = new Map(wanted.map((index) => [index, nameOf(tensors[index]!, index)]));
  const needed = new Map<TfliteOperator, string>();
  for (const operator of operators.toReversed()) {
    const reason = operator.outputs.map((index) => why.get(index)).find((name) => name !== undefined);
    if (reason === undefined) continue;
    needed.set(operator, reason);
    for (const index of operator.inputs) if (!why.has(index)) why.set(index, reason);
  }
  return needed;
}

function readBy(model: TfliteModel, index: number, needed: ReadonlyMap<TfliteOperator, string>, wanted: readonly number[]): boolean {
  return wanted.includes(index) || model.operators.some((operator) => needed.has(operator) && operator.inputs.includes(index));
} // prettier-ignore

function addInput(
  builder: GraphBuilder,
  tensor: TfliteTensor,
  file: string,
  shapes: TfliteImportOptions['inputShapes'],
): ValueId {
  const { name, type, quantization } = tensor;
  const given = shapes && Object.hasOwn(shapes, name) ? shapes[name] : undefined;
  const known = tensor.shape;
  if (given && (given.length !== known.length || known.some((d, i) => d > 0 && d !== given[i]))) {
    throw new ArgumentError({
      thing: `inputShapes.${name}`,
      found: formatShape(given),
      wanted: `a shape that fits ${formatShape(known)} of the file`,
    });
  }
  const shape = given ?? known;
  if (shape.some((d) => d < 1)) {
    throw new ModelError('invalid-model', {
      thing: `file "${file}", input "${name}"`,
      found: `shape ${formatShape(shape)}`,
      wanted: 'a static shape',
      next: `Give it with the option inputShapes: { ${JSON.stringify(name)}: [1, height, width, 3] }, or with input.height and input.width of the manifest.`,
    });
  }
  // Quantised inputs, and plain bytes of pixels, are fed as the numbers they stand for.
  const real = quantization !== undefined || type === 'float32' || type === 'float16' || type === 'uint8' || type === 'int8';
  return builder.input(builder.freeName(name), real ? 'float32' : type === 'bool' ? 'bool' : 'int32', shape);
}
