// TF.js on its WebGPU backend.
import * as tf from '@tensorflow/tfjs-core';
import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { openModel } from './tfjs-model.mjs';

/** @param {{ threshold: number, decode: 'graph' | 'script', read: (location: string) => Promise<Uint8Array>, assets: { tfjsModel: string } }} options */
export async function open(options) {
  await tf.setBackend('webgpu');
  await tf.ready();
  if (!(tf.backend() instanceof WebGPUBackend)) throw new Error(`TF.js: found backend ${tf.getBackend()}; wanted webgpu.`);
  return { ...(await openModel(options)), description: 'webgpu' };
}
