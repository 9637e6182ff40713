// face-api's tiny face detector from its recipe: the network in plain double-precision loops, and faces where another detector of faces finds them.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manifest as yoloface } from '../../examples/models/yoloface.mjs';
import { readTfjsWeights } from '../../sdk/graph/tfjs/weights.js';
import { openModel } from '../../sdk/graph/model.js';
import { loadDetector } from '../../sdk/load.js';
import { buildTinyFace } from '../../sdk/models/tiny-face/recipe.js';
import { createReferenceRuntime } from '../../sdk/runtime/reference/index.js';
import { createWasmRuntime } from '../../sdk/runtime/wasm/index.js';
import { hasSharedData, noSharedData, sharedData } from '../shared-data.js';
import { expectClose, randomNumbers } from '../kernels/harness.js';

/** Weights rounded to half floats (2^-11 of each) through seven layers of sums; outputs go up to about 10. Measured: 0.005. */
const HALF = { absolute: 0.03, relative: 0.01 };
/** The same weights on two runtimes: float32 sums in another order. */
const FLOAT = { absolute: 1e-4, relative: 1e-4 };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'labelweave-face-'));
  await buildTinyFace(join(folder, 'tiny-face'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type Map3 = { h: number; w: number; c: number; at: Float64Array };

/** As face-api's TinyYolov2Base writes it: pad by 1, depthwise, pointwise, bias, relu(x - 0.1 x) + 0.1 x, max pooling "same". */
function twin(image: readonly number[], side: number): Float64Array {
  const home = dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json'));
  const read = (file: string) => readFileSync(join(home, 'model', file));
  const groups = JSON.parse(read('tiny_face_detector_model-weights_manifest.json').toString()) as Parameters<typeof readTfjsWeights>[0]; // prettier-ignore
  const weights = readTfjsWeights(groups, read);
  const get = (name: string): ArrayLike<number> => weights.get(name)!.constant.values;
  const conv = (x: Map3, filters: ArrayLike<number>, k: number, out: number, bias: ArrayLike<number>): Map3 => {
    const [h, w] = [x.h - k + 1, x.w - k + 1];
    const at = new Float64Array(h * w * out);
    for (let r = 0; r < h; r++) for (let s = 0; s < w; s++) for (let i = 0; i < k; i++) for (let j = 0; j < k; j++) for (let c = 0; c < x.c; c++) {
      const v = x.at[((r + i) * x.w + s + j) * x.c + c]!;
      for (let o = 0; o < out; o++) at[(r * w + s) * out + o]! += v * filters[((i * k + j) * x.c + c) * out + o]!;
    }
    return { h, w, c: out, at: at.map((v, i) => v + bias[i % out]!) };
  }; // prettier-ignore
  const depthwise = (x: Map3, filters: ArrayLike<number>): Map3 => {
    const at = new Float64Array(x.at.length);
    for (let r = 0; r < x.h; r++) for (let s = 0; s < x.w; s++) for (let i = -1; i <= 1; i++) for (let j = -1; j <= 1; j++) {
      if (r + i < 0 || r + i >= x.h || s + j < 0 || s + j >= x.w) continue;
      for (let c = 0; c < x.c; c++) at[(r * x.w + s) * x.c + c]! += x.at[((r + i) * x.w + s + j) * x.c + c]! * filters[((i + 1) * 3 + j + 1) * x.c + c]!;
    }
    return { ...x, at };
  }; // prettier-ignore
  const leaky = (x: Map3): Map3 => ({ ...x, at: x.at.map((v) => Math.max(v * 0.9, 0) + v * 0.1) });
  const pool = (x: Map3, stride: number): Map3 => {
    const [h, w] = [Math.ceil(x.h / stride), Math.ceil(x.w / stride)];
    const at = new Float64Array(h * w * x.c).fill(-Infinity);
    for (let r = 0; r < h; r++) for (let s = 0; s < w; s++) for (let i = 0; i < 2; i++) for (let j = 0; j < 2; j++) {
      const [y, z] = [r * stride + i, s * stride + j];
      if (y < x.h && z < x.w) for (let c = 0; c < x.c; c++) at[(r * w + s) * x.c + c] = Math.max(at[(r * w + s) * x.c + c]!, x.at[(y * x.w + z) * x.c + c]!);
    }
    return { h, w, c: x.c, at };
  }; // prettier-ignore
  let x: Map3 = { h: side, w: side, c: 3, at: Float64Array.from(image) };
  x = pool(leaky(conv(x, get('conv0/filters'), 3, 16, get('conv0/bias'))), 2);
  for (let i = 1; i <= 5; i++) {
    const y = depthwise(x, get(`conv${i}/depthwise_filter`));
    x = pool(leaky(conv(y, get(`conv${i}/pointwise_filter`), 1, x.c * 2, get(`conv${i}/bias`))), i === 5 ? 1 : 2);
  }
  return conv(x, get('conv8/filters'), 1, 25, get('conv8/bias')).at;
}

describe('tiny-face', () => {
  it('computes what face-api computes, on reference and wasm', async () => {
    const { graph } = await openModel(join(folder, 'tiny-face'), { input: 'tensor' });
    const image = randomNumbers(416 * 416 * 3, 3, -0.5, 0.6);
    const wanted = twin(image, 416);
    const found: Float32Array[] = [];
    for (const runtime of [createReferenceRuntime(), await createWasmRuntime({ threads: 1 })]) {
      const executable = await runtime.compile(graph);
      found.push(await executable.run({ feeds: { images: Float32Array.from(image) }, outputs: ['boxes'] }, (r) => r['boxes']!.slice() as Float32Array)); // prettier-ignore
      runtime.dispose();
    }
    expectClose(found[0]!, wanted, HALF);
    expectClose(found[1]!, found[0]!, FLOAT);
  }, 60_000);

  it.skipIf(!hasSharedData)(`finds the faces that YoloFace finds${hasSharedData ? '' : `: ${noSharedData}`}`, async () => {
    const file = yoloface.graph.file;
    const bytes = new Uint8Array(readFileSync(sharedData(`models/${file}`)));
    const [a, b] = await Promise.all([
      loadDetector(join(folder, 'tiny-face'), { device: 'wasm', threads: 1 }),
      loadDetector({ manifest: yoloface, files: { [file]: bytes } }, { device: 'wasm', threads: 1 }),
    ]);
    // Three people at a table, from the same npm package.
    const photo = join(dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')), 'demo/sample1.jpg');
    const [tiny, yolo] = await Promise.all([a.detect(photo, { scoreThreshold: 0.5 }), b.detect(photo, { scoreThreshold: 0.5 })]);
    expect(tiny.length).toBe(3);
    for (const { box } of tiny) {
      const centre = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2] as const;
      const inside = [...yolo].some(({ box: other }) => centre[0] > other[0] && centre[0] < other[2] && centre[1] > other[1] && centre[1] < other[3]); // prettier-ignore
      expect(inside, `a face at [${box.map(Math.round).join(', ')}]`).toBe(true);
    }
    a.dispose();
    b.dispose();
  });
});
