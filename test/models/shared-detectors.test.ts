// The four detectors of the shared data from their example manifests, against ONNX Runtime's raw outputs decoded in plain loops as the notes beside
// each model say: same candidates before suppression, and sensible detections on a photo.
import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-web';
import { describe, expect, it } from 'vitest';
import { manifest as fastestdet } from '../../examples/models/fastestdet.mjs';
import { manifest as yoloCoco } from '../../examples/models/yolo-fastest-coco.mjs';
import { manifest as yoloVoc } from '../../examples/models/yolo-fastest-voc.mjs';
import { manifest as yoloface } from '../../examples/models/yoloface.mjs';
import type { ModelFiles } from '../../sdk/graph/model.js';
import { loadDetector } from '../../sdk/load.js';
import type { DeviceChoice } from '../../sdk/runtime/choose.js';
import { hasSharedData, noSharedData, sharedData } from '../shared-data.js';

/** Logits differ by up to 2e-5 from ONNX Runtime's (see test/onnx); a sigmoid takes a quarter of that, exp multiplies sizes of up to 400 pixels by it. */
const SCORE = 2e-5;
const PIXEL = 0.02;
/** Candidates as near as this to the threshold may be on either side of it. */
const EDGE = 1e-4;
const THRESHOLD = 0.25;

interface Found {
  label: number;
  score: number;
  box: number[];
}

/** What the file beside a model says. */
interface Notes {
  heads: { output: string; stride: [number, number]; anchors: [number, number][]; classes: number; scale_x_y: number }[];
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
type Raw = Record<string, { data: Float32Array; dims: readonly number[] }>;

/** "yolov3: bx=(sigmoid(tx)*s-(s-1)/2+cx)*stride, bw=anchor_w*exp(tw); score=sigmoid(obj)*sigmoid(cls)", outputs [1, A * (5 + K), H, W]. */
function decodeYolo(raw: Raw, notes: Notes): Found[] {
  return notes.heads.flatMap(({ output, stride, anchors, classes, scale_x_y: s }) => {
    const { data, dims } = raw[output]!;
    const [, , H, W] = dims as [number, number, number, number];
    const found: Found[] = [];
    anchors.forEach(([aw, ah], a) => {
      for (let y = 0; y < H; y++) {
        for (let x = 0; x < W; x++) {
          const at = (c: number): number => data[((a * (5 + classes) + c) * H + y) * W + x]!;
          const cx = (sigmoid(at(0)) * s - (s - 1) / 2 + x) * stride[0];
          const cy = (sigmoid(at(1)) * s - (s - 1) / 2 + y) * stride[1];
          const [w, h] = [aw * Math.exp(at(2)), ah * Math.exp(at(3))];
          for (let k = 0; k < classes; k++)
            found.push({ label: k, score: sigmoid(at(4)) * sigmoid(at(5 + k)), box: [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2] }); // prettier-ignore
        }
      }
    });
    return found;
  });
}

/** "score = obj^0.6 * max(cls)^0.4; cx = (col + tanh(dx)) / 22; w = sigmoid(w), relative to the image". */
function decodeFastestDet(raw: Raw): Found[] {
  const { data, dims } = raw['758']!;
  const [, C, H, W] = dims as [number, number, number, number];
  const found: Found[] = [];
  for (let y = 0; y < H; y++) {
    for (let x = 0; x < W; x++) {
      const at = (c: number): number => data[(c * H + y) * W + x]!;
      let label = 0;
      for (let k = 1; k < C - 5; k++) if (at(5 + k) > at(5 + label)) label = k;
      const [cx, cy] = [((x + Math.tanh(at(1))) / W) * 352, ((y + Math.tanh(at(2))) / H) * 352];
      const [w, h] = [sigmoid(at(3)) * 352, sigmoid(at(4)) * 352];
      const score = at(0) ** 0.6 * at(5 + label) ** 0.4;
      found.push({ label, score, box: [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2] });
    }
  }
  return found;
}

const SIZE = 512;

/** The photo at the size of the network, by nearest pixels: both sides get the same bytes. */
function pixels(photo: string, width: number, height: number): Uint8Array {
  const all = readFileSync(sharedData(`detections/${photo}.${SIZE}.rgb`));
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (Math.floor((y * SIZE) / height) * SIZE + Math.floor((x * SIZE) / width)) * 3;
      data.set(all.subarray(from, from + 3), (y * width + x) * 3);
    }
  }
  return data;
}

const iou = (a: number[], b: number[]): number => {
  const w = Math.min(a[2]!, b[2]!) - Math.max(a[0]!, b[0]!);
  const h = Math.min(a[3]!, b[3]!) - Math.max(a[1]!, b[1]!);
  const inter = Math.max(w, 0) * Math.max(h, 0);
  const area = (c: number[]): number => (c[2]! - c[0]!) * (c[3]! - c[1]!);
  return inter / (area(a) + area(b) - inter);
};

const models: [string, ModelFiles['manifest'] & { graph: { file: string } }, string | undefined, string, string[]][] = [
  ['FastestDet', fastestdet, undefined, 'dog', ['dog', 'bicycle']],
  ['yolo-fastest-1.1-coco', yoloCoco, 'yolo-fastest-1.1-coco.json', 'dog', ['dog', 'bicycle']],
  ['yolo-fastest-v2-voc', yoloVoc, 'yolo-fastest-v2-voc.json', 'dog', ['dog', 'bicycle']],
  ['yoloface-500k-v2-widerface', yoloface, 'yoloface-500k-v2-widerface.json', 'bus', ['face']],
];

describe.skipIf(!hasSharedData)(`detectors of the shared data${hasSharedData ? '' : `: ${noSharedData}`}`, () => {
  describe.each(models)('%s', (_name, manifest, notesFile, photo, shows) => {
    it.each<DeviceChoice>(['wasm', 'webgpu', 'reference'])(
      '%s',
      async (device) => {
        ort.env.wasm.numThreads = 1;
        const { file } = manifest.graph;
        const bytes = new Uint8Array(readFileSync(sharedData(`models/${file}`)));
        const { input } = manifest as unknown as { input: { name: string; width: number; height: number; order?: string } };
        const { width, height } = input;
        const data = pixels(photo, width, height);

        const planes = new Float32Array(data.length);
        for (let c = 0; c < 3; c++)
        for (let p = 0; p < width * height; p++) planes[c * width * height + p] = data[p * 3 + (input.order === 'BGR' ? 2 - c : c)]! / 255; // prettier-ignore
        const session = await ort.InferenceSession.create(bytes.slice());
        const raw = await session.run({ [input.name]: new ort.Tensor('float32', planes, [1, 3, height, width]) });
        await session.release();
        const all = notesFile
          ? decodeYolo(raw as unknown as Raw, JSON.parse(readFileSync(sharedData(`models/${notesFile}`), 'utf8')) as Notes)
          : decodeFastestDet(raw as unknown as Raw);
        // Without suppression, so that every candidate is compared. Boxes are clipped to the picture; nothing is left of some.
        const wanted = all
          .map((found) => ({ ...found, box: found.box.map((v, i) => Math.min(Math.max(v, 0), i % 2 ? height : width)) }))
          .filter(({ score, box }) => score >= THRESHOLD - EDGE && box[2]! > box[0]! && box[3]! > box[1]!);

        const detector = await loadDetector({ manifest, files: { [file]: bytes } }, { device, threads: 1, precision: 'f32' });
        const image = { data, width, height, channels: 3 as const };
        const options = { scoreThreshold: THRESHOLD, maxDetections: 2000, nms: false as const };
        const found = await detector.detect(image, options);
        const left = new Set(wanted);
        for (const { score, box, label } of found) {
          const index = detector.labels.labels.findIndex(({ name }) => name === label);
          const match = [...left].find((w) => w.label === index && Math.abs(w.score - score) < SCORE && w.box.every((v, i) => Math.abs(v - box[i]!) < PIXEL)); // prettier-ignore
          expect(match, `${label} ${score} [${box.join(', ')}]`).toBeDefined();
          left.delete(match!);
        }
        expect([...left].filter(({ score }) => score > THRESHOLD + EDGE)).toEqual([]);

        // With the manifest's suppression nothing of one label overlaps much, and the photo shows what it shows.
        const kept = [...(await detector.detect(image, { scoreThreshold: THRESHOLD }))];
        for (const [i, a] of kept.entries()) for (const b of kept.slice(i + 1)) if (a.label === b.label) expect(iou(a.box, b.box)).toBeLessThanOrEqual(0.45); // prettier-ignore
        expect(kept.map(({ label }) => label)).toEqual(expect.arrayContaining(shows));
        detector.dispose();
      },
      60_000,
    );
  });
});
