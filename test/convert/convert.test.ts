// Packages with smaller weights: bounds of the rounding, the way through files and back, the measured change, and the command line.
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { manifest as ssd } from '../../examples/models/ssd-openimages.mjs';
import { convertCommand } from '../../sdk/cli/convert.js';
import { inspectCommand } from '../../sdk/cli/inspect.js';
import { inspectFileCommand } from '../../sdk/cli/inspect-file.js';
import { convertModel, convertWeights, proposeHeads, proposeManifest, type WeightType } from '../../sdk/convert/index.js';
import { loadDetector } from '../../sdk/load.js';
import { GraphBuilder } from '../../sdk/ir/builder.js';
import type { Graph } from '../../sdk/ir/graph.js';
import { validateGraph } from '../../sdk/ir/validate.js';
import { createReferenceRuntime } from '../../sdk/runtime/reference/index.js';
import type { Shape } from '../../sdk/tensor/shape.js';
import { randomNumbers, runGraph } from '../kernels/harness.js';
import { hasSharedData, noSharedData, sharedData } from '../shared-data.js';
import { writeTflite } from '../graph/tflite-writer.js';

const none = { kind: 'none' } as const;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'labelweave-convert-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** conv2d 3x3 of 16 -> 32 channels, depthwise, and a matrix product with the weights turned; beside them a constant that is no weight. */
function network(): Graph {
  const b = new GraphBuilder();
  const x = b.input('x', 'float32', [1, 6, 6, 16]);
  const constant = (name: string, shape: Shape, seed: number, scale = 1) =>
    b.constant(name, Float32Array.from(randomNumbers(shape.reduce((p, d) => p * d, 1), seed), (v) => v * scale), shape); // prettier-ignore
  const window = { strides: [1, 1], padding: [1, 1, 1, 1], dilations: [1, 1], activation: none } as const;
  const [conv] = b.add('conv2d', 'conv', [x, constant('filter', [3, 3, 16, 32], 1), constant('bias', [32], 2)], { ...window, groups: 1, residual: 'before_activation' }); // prettier-ignore
  const [depth] = b.add('depthwise_conv2d', 'depth', [conv, constant('rows', [3, 3, 32], 3)], window);
  const flat = b.reshape('flat', depth, [36, 32]);
  const [product] = b.add('matmul', 'product', [flat, constant('matrix', [40, 32], 4)], { transposeA: false, transposeB: true, activation: none }); // prettier-ignore
  const [y] = b.add('binary', 'y', [product, constant('offsets', [36, 40], 5, 300)], { kind: 'add', activation: none });
  b.output(y);
  return b.build();
}

describe('convertWeights', () => {
  const constantOf = (graph: Graph, name: string) => graph.values.find((value) => value.name === name)?.constant;

  it('float16: weights and biases, not what else a graph holds', () => {
    const graph = convertWeights(network(), 'float16');
    validateGraph(graph);
    expect(['filter', 'bias', 'rows', 'matrix'].map((name) => constantOf(graph, name)?.dtype)).toEqual(
      new Array(4).fill('float16'),
    );
    // Places of anchors may stand in such constants: half a pixel at 600 would be lost.
    expect(constantOf(graph, 'offsets')?.dtype).toBe('float32');
    expect(constantOf(convertWeights(graph, 'float32'), 'filter')?.dtype).toBe('float32');
  });

  it('float16 keeps what would overflow', () => {
    const b = new GraphBuilder();
    const x = b.input('x', 'float32', [1, 1]);
    const [y] = b.add('matmul', 'y', [x, b.constant('w', Float32Array.of(1e6), [1, 1])], { transposeA: false, transposeB: false, activation: none }); // prettier-ignore
    b.output(y);
    expect(constantOf(convertWeights(b.build(), 'float16'), 'w')?.dtype).toBe('float32');
  });

  it('int8: bytes with a scale an output channel, off by at most half a step', async () => {
    const graph = network();
    const converted = convertWeights(graph, 'int8');
    validateGraph(converted);
    // Small weights and biases become float16; the float weights are gone.
    expect(constantOf(converted, 'filter')).toBeUndefined();
    expect(constantOf(converted, 'filter/int8')?.stored.byteLength).toBe(3 * 3 * 16 * 32);
    expect(constantOf(converted, 'filter/scale')?.stored.length).toBe(32);
    expect(constantOf(converted, 'matrix/scale')?.stored.length).toBe(40);
    expect(constantOf(converted, 'rows')?.dtype).toBe('float16');
    const weights = { ...converted, outputs: ['filter/weight', 'matrix/weight'].map((name) => converted.values.findIndex((v) => v.name === name)) }; // prettier-ignore
    const runtime = createReferenceRuntime();
    const [filter, matrix] = await runGraph(runtime, weights, { x: new Float32Array(576) });
    runtime.dispose();
    const check = (found: ArrayLike<number>, name: string, channel: (i: number) => number): void => {
      const wanted = constantOf(graph, name)!.values;
      const scale = constantOf(converted, `${name}/scale`)!.values;
      // Half a step, and a float32 rounding of a number below 1.
      for (let i = 0; i < wanted.length; i++) expect(Math.abs(found[i]! - wanted[i]!)).toBeLessThanOrEqual(scale[channel(i)]! * 0.5 + 2 ** -24); // prettier-ignore
    };
    check(filter!, 'filter', (i) => i % 32);
    check(matrix!, 'matrix', (i) => Math.floor(i / 32));
  });

  it('int8 leaves a weight alone that something else reads', () => {
    const graph = network();
    const filter = graph.values.findIndex(({ name }) => name === 'filter');
    const converted = convertWeights({ ...graph, outputs: [...graph.outputs, filter] }, 'int8');
    expect(constantOf(converted, 'filter')?.dtype).toBe('float32');
  });
});

const home = dirname(createRequire(import.meta.url).resolve('@mediapipe/objectron/package.json'));
const model = { manifest: ssd, files: {}, base: home };

describe('convertModel', () => {
  /** Scores of the packages against the source, on one photo. Measured: float16 is what the file holds; int8 moves scores by up to 0.03. */
  it.each<[WeightType, number, number]>([
    ['float16', 1e-6, 1.0],
    ['int8', 0.06, 0.55],
  ])('%s: a package that detects what its source detects', async (weights, tolerance, size) => {
    const { files, bytes, manifest } = await convertModel(model, { weights });
    expect(Object.keys(files).sort()).toEqual(['graph.json', 'labelweave.json', 'weights.safetensors']);
    expect(bytes.after / bytes.before).toBeLessThanOrEqual(size);
    expect(manifest.name).toBe(ssd.name);
    const photo = join(dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')), 'demo/sample1.jpg');
    const packaged = { manifest: JSON.parse(new TextDecoder().decode(files['labelweave.json'])) as unknown, files };
    const [a, b] = await Promise.all([model, packaged].map((source) => loadDetector(source, { device: 'wasm', threads: 1 })));
    const [wanted, found] = await Promise.all([a!, b!].map((detector) => detector.detect(photo, { scoreThreshold: 0.25 })));
    expect(wanted!.length).toBeGreaterThan(2);
    for (const { label, score } of wanted!) {
      if (score < 0.25 + tolerance) continue;
      expect([...found!].some((other) => other.label === label && Math.abs(other.score - score) <= tolerance)).toBe(true);
    }
    a!.dispose();
    b!.dispose();
  }, 60_000); // prettier-ignore

  it('measures the change of every output', async () => {
    const runtime = createReferenceRuntime();
    const tiny = {
      tensors: [{ name: 'x', shape: [1, 8, 8, 3] }, { name: 'w', shape: [10, 3, 3, 3], data: Float32Array.from(randomNumbers(270, 9)) }, { name: 'b', shape: [10], data: new Float32Array(10) }, { name: 'y', shape: [1, 4, 4, 10] }],
      nodes: [{ code: 3, inputs: [0, 1, 2], outputs: [3], options: [[0, 'int8', 0], [1, 'int32', 2], [2, 'int32', 2]] as const }],
      inputs: [0],
      outputs: [3],
    }; // prettier-ignore
    const manifest = {
      labelweave: 1, name: 'tiny', graph: { format: 'tflite', file: 'tiny.tflite' }, input: { name: 'x', height: 8, width: 8, std: [255, 255, 255] },
      heads: [{ dataset: 'd', labels: [1, 2, 3, 4, 5].map((id) => ({ id, name: `label ${id}` })), decoder: { type: 'fastestdet', outputs: 'y', strides: [2] } }],
    }; // prettier-ignore
    const source = { manifest, files: { 'tiny.tflite': writeTflite(tiny) } };
    const plain = await convertModel(source, { weights: 'float32', runtime });
    expect(plain.change).toEqual([{ output: 'y', largest: 0, relative: 0 }]);
    const half = await convertModel(source, { weights: 'float16', runtime });
    expect(half.change[0]!.largest).toBeGreaterThan(0);
    // 27 products of numbers below 1, each off by 2^-11 of it.
    expect(half.change[0]!.largest).toBeLessThan(27 * 2 ** -11);
    // The manifest holds the digests of the other files: one changed bit is found.
    const opened = {
      manifest: JSON.parse(new TextDecoder().decode(half.files['labelweave.json'])) as unknown,
      files: half.files,
    };
    await expect(loadDetector(opened, { device: 'reference' })).resolves.toBeDefined();
    const damaged = half.files['weights.safetensors']!.slice();
    damaged[damaged.length - 3]! ^= 1;
    await expect(loadDetector({ ...opened, files: { ...half.files, 'weights.safetensors': damaged } }, { device: 'reference' })).rejects.toThrow('file "weights.safetensors": found SHA-256'); // prettier-ignore
    await expect(convertModel({ ...source, manifest: { ...manifest, heads: [{ ...manifest.heads[0], decoder: { type: 'fastestdet', outputs: 'y', strides: [4] } }] } })).rejects.toThrow('a grid of 4 x 4; wanted'); // prettier-ignore
    await expect(convertModel(source, { weights: 'int4' as WeightType })).rejects.toThrow('found "int4"');
    runtime.dispose();
  });
});

describe('proposeHeads', () => {
  it.each<[string, Record<string, Shape>, string, number]>([
    ['YOLOv3: maps of 255', { a: [1, 20, 20, 255], b: [1, 10, 10, 255] }, 'yolo', 80],
    ['faces: maps of 18', { a: [1, 40, 40, 18], b: [1, 20, 20, 18], c: [1, 10, 10, 18] }, 'yolo', 1],
    ['FastestDet: one map of 85', { a: [1, 20, 20, 85] }, 'fastestdet', 80],
    ['YOLOX: maps of 85', { a: [1, 40, 40, 85], b: [1, 20, 20, 85], c: [1, 10, 10, 85] }, 'yolox', 80],
    ['YOLOv8 raw: maps of 144', { a: [1, 40, 40, 144], b: [1, 20, 20, 144], c: [1, 10, 10, 144] }, 'yolov8', 80],
    ['YOLOv8 decoded', { a: [1, 84, 2100] }, 'boxes', 80],
    ['YOLOv5 decoded', { a: [1, 6300, 85] }, 'boxes', 80],
    ['YOLOX list', { a: [1, 2100, 85] }, 'yolox', 80],
    ['YOLOv10: finished detections', { a: [1, 300, 6] }, 'detections', 80],
    ['DETR', { logits: [1, 100, 92], boxes: [1, 100, 4] }, 'detr', 91],
    ['SSD-MobileNet', { boxes: [1, 2034, 4], scores: [1, 2034, 91] }, 'ssd', 90],
    ['CenterNet', { heat: [1, 80, 80, 80], size: [1, 80, 80, 4] }, 'centernet', 80],
    ['CenterNet of the paper', { heat: [1, 80, 80, 80], wh: [1, 80, 80, 2], off: [1, 80, 80, 2] }, 'centernet', 80],
    ['FCOS', { b1: [1, 40, 40, 4], b2: [1, 20, 20, 4], s1: [1, 40, 40, 80], s2: [1, 20, 20, 80], c1: [1, 40, 40, 1], c2: [1, 20, 20, 1] }, 'fcos', 80],
    ['RetinaNet', { b1: [1, 40, 40, 36], b2: [1, 20, 20, 36], s1: [1, 40, 40, 720], s2: [1, 20, 20, 720] }, 'retinanet', 80],
  ])('%s', async (_, outputs, type, labels) => {
    const b = new GraphBuilder();
    b.input('image', 'float32', [1, 320, 320, 3]);
    for (const [name, shape] of Object.entries(outputs)) {
      const [, ...rest] = shape;
      const x = b.input(`${name}/in`, 'float32', [rest.reduce((p, d) => p * d, 1)]);
      b.output(b.reshape(name, x, shape));
    }
    const [best] = await proposeHeads(b.build(), { height: 320, width: 320 });
    expect(best).toMatchObject({ decoder: { type }, labels });
  }); // prettier-ignore
});

it('a TFLite file that ends in its own detection tail: the head takes its place', async () => {
  const anchors = Float32Array.of(0.25, 0.25, 0.5, 0.5, 0.75, 0.75, 0.5, 0.25);
  const file = writeTflite({
    tensors: [
      { name: 'image', shape: [1, 4, 4, 3] },
      { name: 'w', shape: [14, 4, 4, 3], data: Float32Array.from(randomNumbers(14 * 48, 1)) },
      { name: 'b', shape: [14], data: new Float32Array(14) },
      { name: 'all', shape: [1, 1, 1, 14] },
      { name: 'shape', shape: [3], type: 2, data: Int32Array.of(1, 2, 7) },
      { name: 'rows', shape: [1, 2, 7] },
      { name: 'at0', shape: [3], type: 2, data: Int32Array.of(0, 0, 0) },
      { name: 'four', shape: [3], type: 2, data: Int32Array.of(1, 2, 4) },
      { name: 'boxes', shape: [1, 2, 4] },
      { name: 'at4', shape: [3], type: 2, data: Int32Array.of(0, 0, 4) },
      { name: 'three', shape: [3], type: 2, data: Int32Array.of(1, 2, 3) },
      { name: 'logits', shape: [1, 2, 3] },
      { name: 'scores', shape: [1, 2, 3] },
      { name: 'anchors', shape: [2, 4], data: anchors },
      { name: 'found', shape: [1, 10, 4] },
    ],
    nodes: [
      { code: 3, inputs: [0, 1, 2], outputs: [3], options: [[0, 'int8', 1], [1, 'int32', 1], [2, 'int32', 1]] },
      { code: 22, inputs: [3, 4], outputs: [5] },
      { code: 65, inputs: [5, 6, 7], outputs: [8] },
      { code: 65, inputs: [5, 9, 10], outputs: [11] },
      { code: 14, inputs: [11], outputs: [12] },
      { code: 32, custom: 'TFLite_Detection_PostProcess', inputs: [8, 12, 13], outputs: [14] },
    ],
    inputs: [0],
    outputs: [14],
  });
  const path = join(folder, 'tail.tflite');
  await writeFile(path, file);
  const { heads, manifest } = await proposeManifest(path);
  expect(heads[0]).toMatchObject({ decoder: { type: 'ssd', from: 'probability', boxes: 'boxes', scores: 'scores' }, labels: 2 });
  expect(heads[0]!.decoder['anchors']).toEqual({ type: 'list', boxes: [[0.25, 0.25, 0.5, 0.5], [0.75, 0.75, 0.25, 0.5]] });
  const detector = await loadDetector({ manifest, files: {}, base: folder }, { device: 'reference' });
  // A black picture has no offsets: boxes are the anchors, scores the sigmoid of 0.
  const detections = await detector.detect({ data: new Uint8Array(48), width: 4, height: 4, channels: 3 }, { scoreThreshold: 0.5 });
  expect([...detections].map(({ label, score, box }) => `${label} ${score} ${box.join(' ')}`).sort()).toEqual(
    ['label 1', 'label 2'].flatMap((label) => [`${label} 0.5 0 0 2 2`, `${label} 0.5 2.5 2 3.5 4`]),
  );
  detector.dispose();
}); // prettier-ignore

it('inspect knows a TF.js model by what is in it, whatever its name', async () => {
  const home = dirname(dirname(createRequire(import.meta.url).resolve('@vladmandic/human')));
  const shown = await capture(() => inspectCommand(join(home, 'models/centernet.json'), { device: 'wasm' }));
  expect(shown.code).toBe(0);
  expect(shown.stdout).toContain('format     TF.js');
  expect(shown.stdout).toMatch(/^input {6}\S+ float32/m);
  expect(shown.stdout).toMatch(/Conv2D \d+/);
});

/** Runs a command and gives what it wrote. */
async function capture(command: () => Promise<number>): Promise<{ code: number; stdout: string; stderr: string }> {
  const written = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((stream) =>
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      written[stream] += String(text);
      return true;
    }),
  );
  try {
    return { code: await command(), ...written };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

describe.skipIf(!hasSharedData)(`the command line on shared models${hasSharedData ? '' : `: ${noSharedData}`}`, () => {
  it('inspect proposes a manifest, convert takes it', async () => {
    const file = sharedData('models/yolo-fastest-v2-voc.onnx');
    const shown = await capture(() => inspectFileCommand(file, {}));
    expect(shown.stdout).toContain('format     ONNX, operator set');
    expect(shown.stdout).toContain('head       yolo, 20 labels: 2 maps of 75 channels at stride 32, 16');
    const { stdout } = await capture(() => inspectFileCommand(file, { manifest: true }));
    const manifest = JSON.parse(stdout) as { heads: [{ labels: unknown[] }] };
    expect(manifest.heads[0].labels.length).toBe(20);
    await writeFile(join(folder, 'manifest.json'), stdout);
    const output = join(folder, 'voc');
    const made = await capture(() => convertCommand(file, { output, weights: 'int8', manifest: join(folder, 'manifest.json') }));
    expect(made.code).toBe(0);
    expect(made.stdout).toMatch(/weights 0\.80 MB -> 0\.23 MB \(int8\)/);
    expect(made.stdout).toMatch(/head0: largest \d/);
    expect((await readdir(output)).sort()).toEqual(['graph.json', 'labelweave.json', 'weights.safetensors']);
    const detector = await loadDetector(output, { device: 'wasm', threads: 1 });
    expect(detector.modelLabels.size).toBe(20);
    detector.dispose();
  }, 60_000);

  it('convert without a manifest takes the proposal, and says what must be checked', async () => {
    const output = join(folder, 'coco');
    const file = sharedData('models/yolo-fastest-1.1-coco.onnx');
    const made = await capture(() => convertCommand(file, { output, weights: 'float16', labels: 'coco', json: true }));
    expect(made.stderr).toContain('check anchors');
    expect(JSON.parse(made.stdout)).toMatchObject({ weights: 'float16', model: 'yolo-fastest-1.1-coco' });
    const manifest = JSON.parse(await readFile(join(output, 'labelweave.json'), 'utf8')) as { heads: [{ dataset: string; labels: { name: string }[] }] }; // prettier-ignore
    expect(manifest.heads[0].dataset).toBe('coco');
    expect(manifest.heads[0].labels[79]!.name).toBe('toothbrush');
  }, 60_000);

  it('wrong use is told before anything is loaded', async () => {
    await expect(convertCommand('net.onnx', { weights: 'float16' })).rejects.toThrow('found no --output');
    await expect(convertCommand('net.onnx', { output: folder, weights: 'int4' })).rejects.toThrow('--weights: found "int4"');
    await expect(convertCommand('net.onnx', { output: folder, weights: 'int8', size: '3' })).rejects.toThrow('--size');
    await expect(convertCommand('some/folder', { output: folder, weights: 'int8', labels: 'coco' })).rejects.toThrow('only with a model file'); // prettier-ignore
  });
});
