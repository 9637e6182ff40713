// SSD-MobileNetV2 inside @mediapipe/objectron: the TFLite importer and the SSD head against ONNX Runtime's detections on the same input bytes.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { manifest } from '../../examples/models/ssd-openimages.mjs';
import { Detections } from '../../sdk/detections/detections.js';
import { loadDetector } from '../../sdk/load.js';
import type { DeviceChoice } from '../../sdk/runtime/choose.js';
import { hasSharedData, noSharedData, sharedData } from '../shared-data.js';

const file = createRequire(import.meta.url).resolve('@mediapipe/objectron/objectron_solution_packed_assets.data');
const model = { manifest, files: { [manifest.graph.file]: new Uint8Array(readFileSync(file)) } };

/** The reference file rounds scores to 4 digits and boxes to a tenth of a pixel; float32 sums in another order add less than that again. */
const SCORE = 1e-4;
const PIXEL = 0.11;

interface Reference {
  images: Record<string, { width: number; height: number; det: { label: string; score: number; box: number[] }[] }>;
}

describe.skipIf(!hasSharedData)(`SSD-MobileNetV2${hasSharedData ? '' : `: ${noSharedData}`}`, () => {
  const reference = (): Reference =>
    JSON.parse(readFileSync(sharedData('detections/ssd-mobilenetv2-oidv4.ort.json'), 'utf8')) as Reference;

  it.each<[DeviceChoice, readonly string[]]>([
    ['wasm', ['bus', 'dog', 'horses', 'kite']],
    // Plain loops, and a GPU that is none, take seconds for an image.
    ['reference', ['dog']],
    ['webgpu', ['dog']],
  ])(
    '%s',
    async (device, images) => {
      const detector = await loadDetector(model, { device, threads: 1, precision: 'f32' });
      for (const name of images) {
        const { width, height, det } = reference().images[name]!;
        const data = new Uint8Array(readFileSync(sharedData(`detections/${name}.300.rgb`)));
        const found = await detector.detect({ data, width: 300, height: 300, channels: 3 }, { scoreThreshold: 0.3 });
        expect(found).toBeInstanceOf(Detections);
        const scaled = [...found].map(({ label, score, box }) => ({ label, score, box: box.map((v, i) => (v * (i % 2 ? height : width)) / 300) })); // prettier-ignore
        expect(scaled.map(({ label }) => label), name).toEqual(det.map(({ label }) => label)); // prettier-ignore
        scaled.forEach(({ score, box }, i) => {
          expect(Math.abs(score - det[i]!.score)).toBeLessThan(SCORE);
          // Boxes are clipped to the picture here, and not in the reference.
          box.forEach((v, j) => {
            const most = j % 2 ? height : width;
            const wanted = Math.min(Math.max(det[i]!.box[j]!, 0), most);
            expect(Math.abs(v - wanted), `${name} ${i}: ${v}, wanted ${wanted}`).toBeLessThan(PIXEL);
          });
        });
      }
      detector.dispose();
    },
    60_000,
  );
});
