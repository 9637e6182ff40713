// Detectors of the shared data through the ONNX importer: raw outputs on reference and wasm agree with ONNX Runtime, and nothing is transposed inside.
import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-web';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importOnnx } from '../../sdk/graph/onnx/import.js';
import { readOnnxModel } from '../../sdk/graph/onnx/model.js';
import { optimizeGraph } from '../../sdk/graph/optimize/index.js';
import { validateGraph } from '../../sdk/ir/validate.js';
import { createReferenceRuntime } from '../../sdk/runtime/reference/index.js';
import type { Runtime } from '../../sdk/runtime/runtime.js';
import { createWasmRuntime } from '../../sdk/runtime/wasm/index.js';
import { randomNumbers } from '../kernels/harness.js';
import { hasSharedData, noSharedData, sharedData } from '../shared-data.js';

/**
 * Raw outputs (logits, distances, probabilities, up to about 20 in size) of networks of some fifty layers summed in float32 in another order: errors of
 * single layers (about 1e-6 of their sums) grow with the depth. Measured: at most 2e-5.
 */
const DEEP = { absolute: 1e-4, relative: 1e-4 };

const models = ['FastestDet', 'yolo-fastest-1.1-coco', 'yolo-fastest-v2-voc', 'yoloface-500k-v2-widerface'];

describe.skipIf(!hasSharedData)(`detectors of the shared data${hasSharedData ? '' : `: ${noSharedData}`}`, () => {
  const runtimes: Runtime[] = [];
  beforeAll(async () => {
    ort.env.wasm.numThreads = 1;
    runtimes.push(createReferenceRuntime(), await createWasmRuntime({ threads: 1 }));
  });
  afterAll(() => runtimes.forEach((runtime) => runtime.dispose()));

  it.each(models)(
    '%s',
    async (name) => {
      const bytes = new Uint8Array(readFileSync(sharedData(`models/${name}.onnx`)));
      const model = readOnnxModel(bytes, `${name}.onnx`);
      const input = model.inputs.find((info) => !model.initializers.has(info.name))!;
      const shape = input.shape!.map((d) => (typeof d === 'number' ? d : 1)) as [number, number, number, number];
      const [n, channels, height, width] = shape;
      const data = Float32Array.from(randomNumbers(n * channels * height * width, 7, 0, 1));

      const session = await ort.InferenceSession.create(bytes.slice());
      const wanted = await session.run({ [input.name]: new ort.Tensor('float32', data, shape) });
      await session.release();

      const graph = optimizeGraph(importOnnx(model, { channelsLast: { inputs: [input.name] } }));
      validateGraph(graph);
      // Channels last inside: only outputs, which keep ONNX's order here, are transposed.
      const moved = graph.nodes.filter(
        ({ op, outputs }) => op === 'transpose' && !outputs.some((id) => graph.outputs.includes(id)),
      );
      expect(moved.map((node) => node.name)).toEqual([]);

      const image = new Float32Array(data.length);
      for (let c = 0; c < channels; c++)
        for (let p = 0; p < height * width; p++) image[p * channels + c] = data[c * height * width + p]!;
      const outputs = graph.outputs.map((id) => graph.values[id]!.name);
      for (const runtime of runtimes) {
        const executable = await runtime.compile(graph);
        await executable.run({ feeds: { [input.name]: image }, outputs }, (results) => {
          for (const [i, output] of outputs.entries()) {
            const tensor = wanted[output]!;
            expect(graph.values[graph.outputs[i]!]!.shape).toEqual(tensor.dims);
            const truth = tensor.data as Float32Array;
            let worst = 0;
            results[output]!.forEach(
              (v, k) =>
                (worst = Math.max(worst, Math.abs(v - truth[k]!) / (DEEP.absolute + DEEP.relative * Math.abs(truth[k]!)))),
            );
            expect(worst, `${output} on ${runtime.kind}, in tolerances`).toBeLessThan(1);
          }
        });
        executable.dispose();
      }
    },
    60_000,
  );
});
