// labelweave as its users call it: loadDetector, then detect.
import { loadDetector } from '../../../dist/index.js';

/** @param {{ threads?: number, device?: 'wasm' | 'webgpu', assets: { labelweave: string }, threshold: number }} options */
export async function open({ threads, device = 'wasm', assets, threshold }) {
  const detector = await loadDetector(assets.labelweave, { device, threads, cache: false });
  return {
    description: detector.device.description,
    /** Bytes held on the device, as the detector itself reports them. */
    memory: () => detector.memory,
    async detect(image) {
      // No suppression: the peers' decode has none.
      const detections = await detector.detect(image, { scoreThreshold: threshold, nms: false });
      return Array.from(detections, ({ score, box }, i) => ({ label: detections.labelIndices[i], score, box: [...box] }));
    },
  };
}
