// CenterNet in TF.js, whatever the backend. `decode: 'graph'` runs the model's own tail (peaks, top 100, boxes) in TF.js; `'script'` reads the
// logits and sizes and decodes them as for the other peer.
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import { decodeCenternet } from './decode.mjs';

const LOGITS = 'tower_0/CenternetHead/centernet_cls_output/BiasAdd';
const SIZES = 'tower_0/wh';

/**
 * Loads the model on the backend that is set.
 * @param {{ threshold: number, decode: 'graph' | 'script', read: (location: string) => Promise<Uint8Array>, assets: { tfjsModel: string } }} options
 */
export async function openModel({ threshold, decode, read, assets }) {
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
