// labelweave on a model file with its manifest, as its users call it: loadDetector, then detect, with the manifest's suppression.
import { loadDetector } from '../../../dist/index.js';

/** @param {{ threads: number, threshold: number, read: (path: string) => Promise<Uint8Array>, manifest: object, file: string }} options */
export async function open({ threads, threshold, read, manifest, file }) {
  const { offset: _, ...graph } = manifest.graph;
  const detector = await loadDetector({ manifest: { ...manifest, graph }, files: { [graph.file]: await read(file) } }, { device: 'wasm', threads, cache: false }); // prettier-ignore
  return {
    description: detector.device.description,
    async detect(image) {
      const detections = await detector.detect(image, { scoreThreshold: threshold });
      return Array.from(detections, ({ score, box }, i) => ({ label: detections.labelIndices[i], score, box: [...box] }));
    },
  };
}
