// labelweave as its users call it: loadDetector, then detect.
import { loadDetector } from '../../../dist/index.js';

/** @param {{ threads: number, assets: { labelweave: string }, threshold: number }} options */
export async function open({ threads, assets, threshold }) {
  const detector = await loadDetector(assets.labelweave, { device: 'wasm', threads, cache: false });
  return {
    description: detector.device.description,
    async detect(image) {
      // No suppression: the peers' decode has none.
      const detections = await detector.detect(image, { scoreThreshold: threshold, nms: false });
      return Array.from(detections, ({ score, box }, i) => ({ label: detections.labelIndices[i], score, box: [...box] }));
    },
  };
}
