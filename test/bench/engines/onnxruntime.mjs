// ONNX Runtime Web on its WASM backend, on an ONNX file of the same network.
import * as ort from 'onnxruntime-web';
import { detectorOf } from './onnxruntime-session.mjs';

/**
 * @param {{ threads: number, threshold: number, read: (location: string) => Promise<Uint8Array>,
 *   assets: { onnx: string, onnxWasm?: string } }} options
 */
export async function open({ threads, threshold, read, assets }) {
  ort.env.wasm.numThreads = threads;
  if (assets.onnxWasm) ort.env.wasm.wasmPaths = assets.onnxWasm;
  const session = await ort.InferenceSession.create(await read(assets.onnx), {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
  });
  if (ort.env.wasm.numThreads !== threads)
    throw new Error(`ONNX Runtime: found ${ort.env.wasm.numThreads} threads; wanted ${threads}.`);
  return {
    ...detectorOf({ ort, session, threshold }),
    description: `wasm, ${threads === 1 ? '1 thread' : `${threads} threads`}`,
  };
}
