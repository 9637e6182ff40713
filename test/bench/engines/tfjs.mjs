// TF.js on its WASM backend.
import * as tf from '@tensorflow/tfjs-core';
import { getThreadsCount, setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { openModel } from './tfjs-model.mjs';

/**
 * @param {{ threads: number, threshold: number, decode: 'graph' | 'script', read: (location: string) => Promise<Uint8Array>,
 *   assets: { tfjsModel: string, tfjsWasm: string }, start?: (run: () => Promise<void>) => Promise<void> }} options `start` wraps the start of the backend
 */
export async function open({ threads, threshold, decode, read, assets, start = (run) => run() }) {
  setWasmPaths(assets.tfjsWasm);
  setThreadsCount(threads);
  // The flag is a promise of the page's: by default it is false in Node. With one thread the plain SIMD module is used, which is the faster one.
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', threads > 1);
  await start(async () => {
    await tf.setBackend('wasm');
    await tf.ready();
  });
  if (tf.getBackend() !== 'wasm') throw new Error(`TF.js: found backend ${tf.getBackend()}; wanted wasm.`);
  if (threads > 1 && getThreadsCount() !== threads)
    throw new Error(`TF.js: found ${getThreadsCount()} threads; wanted ${threads}.`);

  const model = await openModel({ threshold, decode, read, assets });
  const count = threads === 1 ? '1 thread' : `${threads} threads`;
  return { ...model, description: `wasm, ${count}, SIMD ${tf.env().get('WASM_HAS_SIMD_SUPPORT')}` };
}
