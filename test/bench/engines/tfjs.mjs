// TF.js on its WASM backend. `decode: 'graph'` runs the model's own tail (peaks, top 100, boxes) in TF.js; `'script'` reads the logits and sizes and
// decodes them as for the other peer.
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import { getThreadsCount, setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { decodeCenternet } from './decode.mjs';

const LOGITS = 'tower_0/CenternetHead/centernet_cls_output/BiasAdd';
const SIZES = 'tower_0/wh';

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

  const text = new TextDecoder().decode(await read(assets.tfjsModel));
  const { modelTopology, weightsManifest } = JSON.parse(text);
  const folder = assets.tfjsModel.slice(0, assets.tfjsModel.lastIndexOf('/') + 1);
  const weights = await read(folder + weightsManifest[0].paths[0]);
  const model = await loadGraphModel(
    tf.io.fromMemory({
      modelTopology,
      weightSpecs: weightsManifest[0].weights,
      weightData: weights.buffer.slice(weights.byteOffset, weights.byteOffset + weights.byteLength),
    }),
  );

  /** Runs the graph; the outputs' numbers, and nothing stays behind. */
  const execute = async ({ data, width, height }, outputs) => {
    const input = tf.tensor(new Float32Array(data), [1, height, width, 3]);
    // One output comes without an array around it.
    const results = [model.execute(input, outputs)].flat();
    input.dispose();
    const numbers = await Promise.all(results.map((result) => result.data()));
    for (const result of results) result.dispose();
    return numbers;
  };

  return {
    description: `wasm, ${threads === 1 ? '1 thread' : `${threads} threads`}, SIMD ${tf.env().get('WASM_HAS_SIMD_SUPPORT')}`,
    /** Logits [H, W, K] and sizes [H, W, 4]. */
    raw: (image) => execute(image, [LOGITS, SIZES]),
    async detect(image) {
      if (decode === 'script') {
        const [logits, sizes] = await execute(image, [LOGITS, SIZES]);
        const shape = { height: image.height / 4, width: image.width / 4, labels: 80, channelsFirst: false };
        return decodeCenternet(logits, sizes, { ...shape, threshold, max: 100 });
      }
      const [rows] = await execute(image, ['tower_0/detections']);
      const detections = [];
      for (let i = 0; i < rows.length && rows[i + 4] > threshold; i += 6) {
        detections.push({ label: rows[i + 5], score: rows[i + 4], box: Array.from(rows.subarray(i, i + 4)) });
      }
      return detections;
    },
  };
}
