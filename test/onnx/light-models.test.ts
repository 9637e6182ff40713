// Architectures of well-known networks (the ONNX project's "light" models) through the importer on wasm: with random weights against ONNX Runtime, with
// the constant weights that they come with against the outputs that they come with.
import { existsSync, readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-web';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importOnnx } from '../../sdk/graph/onnx/import.js';
import { readOnnxModel, readOnnxTensor, type OnnxModel } from '../../sdk/graph/onnx/model.js';
import { decodeTensor } from '../../sdk/graph/onnx/tensor.js';
import { optimizeGraph } from '../../sdk/graph/optimize/index.js';
import type { Graph } from '../../sdk/ir/graph.js';
import { validateGraph } from '../../sdk/ir/validate.js';
import type { Runtime } from '../../sdk/runtime/runtime.js';
import { createWasmRuntime } from '../../sdk/runtime/wasm/index.js';
import { expectClose, randomNumbers } from '../kernels/harness.js';
import { howToGetLightModels, lightModels } from '../setup-onnx.mjs';
import { withRandomWeights } from './random-weights.js';

/** Class probabilities (or, for densenet121, scores of a few units) of up to 121 layers summed in float32 in another order. Measured: at most 3e-6. */
const DEEP = { absolute: 1e-4, relative: 1e-3 };

const read = (name: string): Uint8Array<ArrayBuffer> => {
  const path = `${lightModels}light_${name}`;
  if (!existsSync(path))
    throw new Error(`light models: found no ${path}; wanted the models of onnx 1.23.1. ${howToGetLightModels}`);
  return new Uint8Array(readFileSync(path));
};

function open(
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
  mostGenerated?: number,
): { graph: Graph; input: string; model: OnnxModel } {
  const model = readOnnxModel(bytes, name);
  const input = model.inputs.find((info) => !model.initializers.has(info.name))!.name;
  const graph = optimizeGraph(importOnnx(model, { channelsLast: { inputs: [input] }, mostGenerated }));
  validateGraph(graph);
  return { graph, input, model };
}

/** Names of transposes that are no output and do not undo the channel order of a few numbers in front of a classifier. */
const moved = (graph: Graph): string[] =>
  graph.nodes
    .filter(({ op, outputs }) => op === 'transpose' && !outputs.some((id) => graph.outputs.includes(id)))
    .map(({ name }) => name);

describe('light models of the ONNX project', () => {
  let runtime: Runtime;
  beforeAll(async () => {
    ort.env.wasm.numThreads = 1;
    runtime = await createWasmRuntime({ threads: 1 });
  });
  afterAll(() => runtime.dispose());

  async function run(graph: Graph, input: string, image: Float32Array): Promise<Float32Array> {
    const executable = await runtime.compile(graph);
    const output = graph.values[graph.outputs[0]!]!.name;
    const found = await executable.run(
      { feeds: { [input]: image }, outputs: [output] },
      (results) => results[output]!.slice() as Float32Array,
    );
    executable.dispose();
    return found;
  }

  it.each([
    ['resnet50', 0],
    ['densenet121', 0],
    ['squeezenet', 0],
    ['inception_v1', 0],
    ['inception_v2', 0],
    // Sixteen channel shuffles, one transpose each.
    ['shufflenet', 16],
  ])(
    '%s with random weights equals ONNX Runtime; %i transposes inside',
    async (name, transposes) => {
      const light = read(`${name}.onnx`);
      const bytes = withRandomWeights(light, name);
      const { graph, input } = open(bytes, name);
      expect(moved(graph)).toHaveLength(transposes);
      const nchw = Float32Array.from(randomNumbers(3 * 224 * 224, 9, -1, 1));
      const image = new Float32Array(nchw.length);
      for (let c = 0; c < 3; c++) for (let p = 0; p < 224 * 224; p++) image[p * 3 + c] = nchw[c * 224 * 224 + p]!;
      const session = await ort.InferenceSession.create(bytes);
      const results = await session.run({ [input]: new ort.Tensor('float32', nchw, [1, 3, 224, 224]) });
      await session.release();
      const wanted = results[graph.values[graph.outputs[0]!]!.name]!;
      expect(graph.values[graph.outputs[0]!]!.shape).toEqual(wanted.dims);
      // Random networks must tell images and classes apart, or equality would mean nothing.
      const truth = wanted.data as Float32Array;
      expect(Math.max(...truth) - Math.min(...truth)).toBeGreaterThan(DEEP.absolute * 5);
      expectClose(await run(graph, input, image), truth, DEEP);
    },
    120_000,
  );

  it.each([
    'bvlc_alexnet',
    'densenet121',
    'inception_v1',
    'inception_v2',
    'resnet50',
    'shufflenet',
    'squeezenet',
    'vgg19',
    'zfnet512',
  ])(
    '%s with its constant weights gives the output that it comes with',
    async (name) => {
      // Fully connected layers of 100 million weights are made up here.
      const { graph, input } = open(read(`${name}.onnx`), name, 2 ** 29);
      const wanted = decodeTensor(readOnnxTensor(read(`${name}_output_0.pb`))).values;
      // The input of the ONNX project's own runner: i / n for element i of n, in its order of axes.
      const n = 3 * 224 * 224;
      const image = new Float32Array(n);
      for (let c = 0; c < 3; c++) for (let p = 0; p < 224 * 224; p++) image[p * 3 + c] = (c * 224 * 224 + p) / n;
      expectClose(await run(graph, input, image), wanted, DEEP);
    },
    120_000,
  );
});
