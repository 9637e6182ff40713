// Losses and optimisers in a page: WASM gives the bits that it gives on a server, and the plain twins agree.
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
