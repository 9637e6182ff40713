// ONNX Runtime Web on its WASM backend, on an ONNX detector as it was exported: pixels to planes, network, decode and suppression in plain loops.
import * as ort from 'onnxruntime-web';
import { detectionsOf } from './model-decode.mjs';

/** @param {{ threads: number, threshold: number, read: (path: string) => Promise<Uint8Array>, manifest: object, file: string, assets: { onnxWasm: string } }} options */
export async function open({ threads, threshold, read, manifest, file, assets }) {
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = assets.onnxWasm;
  ort.env.logLevel = 'error';
  const session = await ort.InferenceSession.create(await read(file), {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
  });
  const { name, width, height, order = 'RGB', std } = manifest.input;
  const pixels = width * height;
  /** One array for all frames. */
  const planes = new Float32Array(3 * pixels);
  const [first, third] = order === 'BGR' ? [2, 0] : [0, 2];
  return {
    description: `wasm, ${threads} thread`,
    async detect({ data }) {
      for (let i = 0, at = 0; i < pixels; i++, at += 3) {
        planes[i] = data[at + first] / std[0];
        planes[pixels + i] = data[at + 1] / std[1];
        planes[2 * pixels + i] = data[at + third] / std[2];
      }
      const outputs = await session.run({ [name]: new ort.Tensor('float32', planes, [1, 3, height, width]) });
      return detectionsOf(outputs, manifest, threshold);
    },
  };
}
