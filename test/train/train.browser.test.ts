// Losses and optimisers in a page, on WASM and WebGPU: the plain twins agree.
import { expect, it, vi } from 'vitest';
import { writePackage } from '../../sdk/graph/index.js';
import { GraphBuilder } from '../../sdk/ir/builder.js';
import { labelSpace } from '../../sdk/taxonomy/label-space.js';
import * as train from '../../sdk/train/index.js';

/** 32-bit floats against doubles. */
const tolerance = 5e-6;

it('a step of training in a page', async () => {
  const kernels = await train.wasmTrainKernels();
  const random = train.seededRandom(9);
  const logits = Float32Array.from({ length: 70 }, () => 8 * random() - 4);
  const labels = Int32Array.from({ length: 10 }, (_, i) => (i % 9) - 1);
  const loss = train.focalLoss({ classes: 7 });
  const [fast, plain] = [kernels, train.referenceKernels].map((one) =>
    train.computeLoss(loss, { logits, labels }, { kernels: one }),
  );
  expect(Math.abs(fast!.value - plain!.value)).toBeLessThanOrEqual(tolerance * plain!.value);
  fast!.gradient.forEach((value, i) => expect(Math.abs(value - plain!.gradient[i]!)).toBeLessThanOrEqual(tolerance));
  const weights = logits.slice();
  train.adamwOptimizer([{ name: 'w', weights }], { kernels }).step([fast!.gradient], 0.1);
  expect(weights).not.toEqual(logits);
});

it('WebGPU in a page: losses and a step agree with the plain twins', { timeout: 90_000 }, async () => {
  const kernels = await train.webgpuTrainKernels({ software: true });
  const random = train.seededRandom(11);
  const logits = Float32Array.from({ length: 130 }, () => 8 * random() - 4);
  const labels = Int32Array.from({ length: 10 }, (_, i) => (i % 14) - 1);
  for (const loss of [train.softmaxLoss({ classes: 13 }), train.focalLoss({ classes: 13 })]) {
    const plain = train.computeLoss(loss, { logits, labels });
    const fast = await kernels.computeLoss(loss, { logits, labels });
    expect(Math.abs(fast.value - plain.value)).toBeLessThanOrEqual(2 * tolerance * plain.value);
    fast.gradient.forEach((value, i) => expect(Math.abs(value - plain.gradient[i]!)).toBeLessThanOrEqual(2 * tolerance));
  }
  kernels.dispose();
});

/** A model 16 x 16 with cells of 4 x 4: their mean colours are its features; every box is 4 x 4. */
function model() {
  const g = new GraphBuilder();
  const conv = { dilations: [1, 1], groups: 1, padding: [0, 0, 0, 0], activation: { kind: 'none' }, residual: 'before_activation' } as const; // prettier-ignore
  const x = g.input('images', 'float32', [1, 16, 16, 3]);
  const mean = new Float32Array(4 * 4 * 3 * 4);
  for (let i = 0; i < 16; i++) for (let c = 0; c < 3; c++) mean[(i * 3 + c) * 4 + c] = 1 / 16;
  const [features] = g.add('conv2d', 'features', [x, g.constant('features/weight', mean, [4, 4, 3, 4])], { ...conv, strides: [4, 4] }); // prettier-ignore
  for (const [name, bias] of [['heat', Float32Array.of(-3)], ['size', Float32Array.of(4, 4, 4, 4)]] as const) {
    const parts = [g.constant(`${name}/weight`, new Float32Array(4 * bias.length), [1, 1, 4, bias.length]), g.constant(`${name}/bias`, bias, [bias.length])]; // prettier-ignore
    g.output(g.add('conv2d', name, [features, ...parts], { ...conv, strides: [1, 1] })[0]);
  } // prettier-ignore
  const decoder = { type: 'centernet', heatmap: 'heat', from: 'logit', size: 'size', stride: 4, window: 3 };
  const files = writePackage(
    {
      labelweave: 1,
      name: 'toy',
      license: 'MIT',
      input: { name: 'images', height: 16, width: 16, std: [255, 255, 255] },
      heads: [{ dataset: 'own', labels: [{ id: 1, name: 'thing' }], decoder }],
    } as never,
    g.build(),
  );
  return { manifest: JSON.parse(new TextDecoder().decode(files['labelweave.json']!)) as unknown, files };
}

it('features are kept in the origin private file system, and computed once', async () => {
  // A red square on each but the last, on which nothing is.
  const images = [0, 1, 2, 3].map((i) => {
    const data = new Uint8Array(16 * 16 * 3);
    if (i < 3) for (let y = 0; y < 4; y++) for (let x = 4 * i; x < 4 * i + 4; x++) data[(y * 16 + x) * 3] = 255;
    return { data, width: 16, height: 16, channels: 3 } as const;
  });
  const annotations = {
    images: images.map((_, id) => ({ id })),
    annotations: [0, 1, 2].map((i) => ({ image_id: i, category_id: 1, bbox: [4 * i, 0, 4, 4] })),
    categories: [{ id: 1, name: 'red' }],
  };
  const options: train.TrainHeadsOptions = {
    model: model(),
    datasets: [{ name: 'squares', annotations, images: ({ id }) => images[id as number]! }],
    heads: [{ labels: labelSpace('squares', ['red']) }],
    epochs: 2,
    device: 'reference',
    memory: 0,
  };
  const root = await navigator.storage.getDirectory();
  const written = vi.spyOn(FileSystemFileHandle.prototype, 'createWritable');
  try {
    const plain = await train.trainHeads(options);
    expect(written).toHaveBeenCalledTimes(0);
    const first = await train.trainHeads({ ...options, cache: 'auto' });
    expect(written).toHaveBeenCalledTimes(4);
    const again = await train.trainHeads({ ...options, cache: 'auto' });
    expect(written).toHaveBeenCalledTimes(4);
    expect([first.files, again.files]).toEqual([plain.files, plain.files]);
    const folder = await (await root.getDirectoryHandle('labelweave')).getDirectoryHandle('features');
    const names: string[] = [];
    for await (const name of (folder as unknown as { keys(): AsyncIterable<string> }).keys()) names.push(name);
    expect(names).toHaveLength(4);
  } finally {
    written.mockRestore();
    await root.removeEntry('labelweave', { recursive: true }).catch(() => undefined);
  }
});
