// The ONNX project's own operator cases as Debian packages them (libonnx-testdata): models, inputs, wanted outputs. Runs nothing.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ModelError } from '../../sdk/errors.js';
import type { Graph } from '../../sdk/ir/graph.js';
import { importOnnx, type OnnxImportOptions } from '../../sdk/graph/onnx/import.js';
import { ElementType, readOnnxTensor, type OnnxModel, type OnnxTensor } from '../../sdk/graph/onnx/model.js';
import { decodeTensor } from '../../sdk/graph/onnx/tensor.js';
import type { TensorData } from '../../sdk/tensor/dtype.js';

/** Another collection of the same layout, such as what `python3 -m onnx.backend.test.cmd_tools generate-data` writes, goes by ONNX_TESTDATA. */
const root = process.env['ONNX_TESTDATA'] ?? '/usr/share/libonnx-testdata/data';

/** Fails, rather than skips, where the cases are absent. */
export function requireCases(): void {
  if (!existsSync(root))
    throw new Error(
      `ONNX operator cases: found no ${root}; wanted Debian's package. Install it: apt-get install libonnx-testdata.`,
    );
}

export interface OnnxCase {
  /** `node/test_abs` */
  name: string;
  folder: string;
}

export const suites = ['node', 'pytorch-converted', 'pytorch-operator', 'simple'] as const;

/** Every case with a model, in the order of its name. Empty where the package is absent: see requireCases. */
export function onnxCases(): OnnxCase[] {
  if (!existsSync(root)) return [];
  return suites
    .filter((suite) => existsSync(join(root, suite)))
    .flatMap((suite) =>
      readdirSync(join(root, suite))
        .sort()
        .map((name) => ({ name: `${suite}/${name}`, folder: join(root, suite, name) }))
        .filter(({ folder }) => existsSync(join(folder, 'model.onnx'))),
    );
}

export function readBytes(path: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(path));
}

export interface CaseData {
  inputs: OnnxTensor[];
  outputs: OnnxTensor[];
}

/** What a case feeds and wants, data set by data set. Undefined where a value is a sequence or an optional instead of a tensor. */
export function caseData({ folder }: OnnxCase): CaseData[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith('test_data_set_'))
    .sort()
    .map((set) => {
      const read = (kind: string): OnnxTensor[] => {
        const files = readdirSync(join(folder, set)).filter((name) => name.startsWith(`${kind}_`));
        return files.map((_, i) => readOnnxTensor(readBytes(join(folder, set, `${kind}_${i}.pb`)), `${kind}_${i}.pb`));
      };
      return { inputs: read('input'), outputs: read('output') };
    });
}

export interface PreparedCase {
  graph: Graph;
  feeds: Record<string, TensorData>;
  /** Inputs that were made constants, because shapes depend on them. */
  constants: string[];
}

/** Imports the model of a case. Inputs that must be known at import (shapes, axes, counts) become constants with the numbers that the case feeds. */
export function prepareCase(model: OnnxModel, data: CaseData, options: OnnxImportOptions = {}): PreparedCase {
  const constants: string[] = [];
  const inputs = new Map(
    model.inputs.filter(({ name }) => !model.initializers.has(name)).map(({ name }, i) => [name, data.inputs[i]!]),
  );
  const initializers = new Map(model.initializers);
  const inputShapes: Record<string, number[]> = {};
  for (const { name, shape, type } of model.inputs) {
    const stored = inputs.get(name);
    if (!stored) continue;
    // Halves of the other kind are stored as the integers of their bits.
    const tensor = type === ElementType.bfloat16 && stored.type === ElementType.uint16 ? { ...stored, type } : stored;
    inputs.set(name, tensor);
    const fits =
      !shape || (shape.length === tensor.dims.length && shape.every((d, i) => typeof d !== 'number' || d === tensor.dims[i]));
    if (tensor.dims.includes(0) || !fits) {
      // No size is open in a graph, and none of an input is 0. Some cases of CastLike feed an example of another shape than they declare.
      initializers.set(name, { ...tensor, name });
      constants.push(name);
    } else if (shape?.some((d) => typeof d !== 'number')) inputShapes[name] = tensor.dims;
  }
  for (;;) {
    try {
      const graph = importOnnx({ ...model, initializers }, { inputShapes, ...options });
      const feeds = Object.fromEntries(
        [...inputs].filter(([name]) => !constants.includes(name)).map(([name, tensor]) => [name, decodeTensor(tensor).values]),
      );
      return { graph, feeds, constants };
    } catch (error) {
      const name = error instanceof ModelError ? /computed at run time \("(.*?)"\)/.exec(error.found)?.[1] : undefined;
      if (name === undefined || constants.includes(name)) throw error;
      // Of a value that is computed all inputs before it must be known.
      const known = inputs.has(name) ? [name] : [...inputs.keys()].filter((input) => !constants.includes(input));
      if (known.length === 0) throw error;
      for (const input of known) initializers.set(input, { ...inputs.get(input)!, name: input });
      constants.push(...known);
    }
  }
}

/** The operator that a case is about: the one of its node, or the name of the case where it has several. */
export function operatorOf(model: OnnxModel): string {
  if (model.nodes.length === 1) return model.nodes[0]!.op;
  const operators = [...new Set(model.nodes.filter(({ op }) => op !== 'Constant').map(({ op }) => op))];
  return operators.length === 1 ? operators[0]! : '(several)';
}

/** What a case wants, as the model declares it: numbers of the graph. */
export function wantedOutputs(
  model: OnnxModel,
  data: CaseData,
): { shape: readonly number[]; values: TensorData; type: number }[] {
  return data.outputs.map((tensor, i) => {
    const declared = model.outputs[i]?.type ?? tensor.type;
    const type = declared === ElementType.bfloat16 && tensor.type === ElementType.uint16 ? declared : tensor.type;
    return { shape: tensor.dims, values: decodeTensor({ ...tensor, type }).values, type };
  });
}

/** Types whose wanted numbers are themselves rounded. */
export const roundedTypes: ReadonlySet<number> = new Set([ElementType.float16, ElementType.bfloat16]);
export { ElementType };
