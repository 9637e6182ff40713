// ONNX Runtime Web on its WebGPU backend, on an ONNX file of the same network.
import * as ort from 'onnxruntime-web/webgpu';
import { detectorOf } from './onnxruntime-session.mjs';

/** @param {{ threshold: number, read: (location: string) => Promise<Uint8Array>, assets: { onnx: string, onnxWasm: string } }} options */
export async function open({ threshold, read, assets }) {
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = assets.onnxWasm;
  const session = await ort.InferenceSession.create(await read(assets.onnx), {
    executionProviders: ['webgpu'],
    graphOptimizationLevel: 'all',
  });
  return { ...detectorOf({ ort, session, threshold }), description: 'webgpu' };
}
