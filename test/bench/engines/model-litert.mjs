// LiteRT.js on its WASM backend (XNNPACK), on a TFLite detector: pixels to floats, network, decode and suppression in plain loops. Chromium only.
import { loadAndCompile, loadLiteRt, Tensor } from '@litertjs/core';
import { detectionsOf } from './model-decode.mjs';

/** @param {{ threshold: number, read: (path: string) => Promise<Uint8Array>, manifest: object, file: string, assets: { litertWasm: string } }} options */
export async function open({ threads, threshold, read, manifest, file, assets }) {
  await loadLiteRt(assets.litertWasm, { threads: threads > 1 });
  const model = await loadAndCompile(await read(file), { accelerator: 'wasm' });
  const { width, height, mean, std } = manifest.input;
  /** One array for all frames. */
  const floats = new Float32Array(3 * width * height);
  const names = model.getOutputDetails().map(({ name }) => name);
  return {
    description: `wasm, ${threads} thread`,
    async detect({ data }) {
      for (let i = 0; i < floats.length; i++) floats[i] = (data[i] - mean[0]) / std[0];
      const input = new Tensor(floats, [1, height, width, 3]);
      const results = await model.run(input);
      const outputs = Object.fromEntries(names.map((name, i) => [name, { data: results[i].toTypedArray() }]));
      const detections = detectionsOf(outputs, manifest, threshold);
      for (const tensor of [input, ...results]) tensor.delete();
      return detections;
    },
  };
}
