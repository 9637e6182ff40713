// Losses and optimisers in a page, on WASM and WebGPU: the plain twins agree.
import { expect, it } from 'vitest';
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
