// CenterNet in an ONNX Runtime session, whatever the backend: pixels to colour planes, logits and sizes to detections.
import { decodeCenternet } from './decode.mjs';

/** @param {{ ort: typeof import('onnxruntime-web'), session: import('onnxruntime-web').InferenceSession, threshold: number }} options */
export function detectorOf({ ort, session, threshold }) {
  const [input] = session.inputNames;
  const [logitsName, sizesName] = session.outputNames;
  /** One array for all frames: colour planes, as the network wants them. */
  let planes = new Float32Array(0);

  const execute = async ({ data, width, height }) => {
    const pixels = width * height;
    if (planes.length !== 3 * pixels) planes = new Float32Array(3 * pixels);
    for (let i = 0, at = 0; i < pixels; i++, at += 3) {
      planes[i] = data[at];
      planes[pixels + i] = data[at + 1];
      planes[2 * pixels + i] = data[at + 2];
    }
    return session.run({ [input]: new ort.Tensor('float32', planes, [1, 3, height, width]) });
  };

  return {
    /** Logits [H, W, K] and sizes [H, W, 4]: the planes put together again. */
    async raw(image) {
      const results = await execute(image);
      return [logitsName, sizesName].map((name) => {
        const { data, dims } = results[name];
        const [, channels, height, width] = dims;
        return Float32Array.from(data, (_, i) => data[(i % channels) * height * width + Math.floor(i / channels)]);
      });
    },
    async detect(image) {
      const results = await execute(image);
      const { data, dims } = results[logitsName];
      const [, labels, height, width] = dims;
      return decodeCenternet(data, results[sizesName].data, { height, width, labels, channelsFirst: true, threshold, max: 100 });
    },
  };
}
