// Matrix products of every shape and both transposes, and layers on WASM against doubles.
import { describe, expect, it } from 'vitest';
import * as train from '../../sdk/train/index.js';

/** Sums of K products in 32-bit floats: roundings of 6e-8 each, on terms up to 16. */
const tolerance = (K: number) => 6e-8 * 16 * (K + 4);

const random = train.seededRandom(5);
const floats = (n: number) => Float32Array.from({ length: n }, () => 8 * random() - 4);

describe('matmul', () => {
  it.each([
    [1, 1, 1],
    [3, 5, 2],
    [4, 8, 16],
    [5, 9, 7],
    [13, 20, 33],
    [600, 3, 2000],
  ])('[%d, %d] summed over %d', async (M, N, K) => {
    const wasm = await train.wasmTrainKernels();
    for (const transposeA of [false, true]) {
      for (const transposeB of [false, true]) {
        const product = { a: floats(M * K), b: floats(K * N), M, N, K, transposeA, transposeB };
        const [fast, plain] = [new Float32Array(M * N), new Float64Array(M * N)];
        wasm.matmul({ ...product, out: fast });
        train.referenceKernels.matmul({ ...product, out: plain });
        // The plain twin itself, at one element.
        const [m, n] = [M - 1, N - 1];
        let sum = 0;
        for (let k = 0; k < K; k++)
          sum += product.a[transposeA ? k * M + m : m * K + k]! * product.b[transposeB ? n * K + k : k * N + n]!;
        expect(plain[M * N - 1]).toBe(sum);
        fast.forEach((value, i) => {
          if (!(Math.abs(value - plain[i]!) <= tolerance(K))) expect.fail(`element ${i}: ${value}, wanted ${plain[i]}`);
        });
      }
    }
  });
});

it('a cosine classifier on WASM has the numbers of doubles, forward and backward', async () => {
  const kernels = await train.wasmTrainKernels();
  const [P, C, D] = [17, 23, 12];
  const layer = { features: floats(P * D), weights: floats(C * D), P, C, D, scale: 20 };
  const doubles = { ...layer, features: Float64Array.from(layer.features), weights: Float64Array.from(layer.weights) };
  const slopes = floats(P * C);
  const [logits, wanted] = [new Float32Array(P * C), new Float64Array(P * C)];
  train.cosineLogits(layer, logits, kernels);
  train.cosineLogits(doubles, wanted);
  const found = [logits, new Float32Array(P * D), new Float32Array(C * D)] as const;
  const exact = [wanted, new Float64Array(P * D), new Float64Array(C * D)] as const;
  train.cosineGradients(layer, slopes, found[1], found[2], kernels);
  train.cosineGradients(doubles, Float64Array.from(slopes), exact[1], exact[2]);
  found.forEach((values, i) => {
    const size = Math.max(...Array.from(exact[i]!, Math.abs));
    values.forEach((value, at) => expect(Math.abs(value - exact[i]![at]!)).toBeLessThanOrEqual(tolerance(C) * size));
  });
});

it('learns: a cosine head on separable features, by each optimiser', async () => {
  const kernels = await train.wasmTrainKernels();
  const [P, C, D] = [90, 3, 5];
  const labels = Int32Array.from({ length: P }, (_, p) => p % C);
  const features = Float32Array.from({ length: P * D }, (_, i) => (i % D === labels[Math.floor(i / D)] ? 2 : 0) + random() - 0.5);
  for (const make of [train.sgdOptimizer, train.adamwOptimizer]) {
    const weights = floats(C * D);
    const optimizer = make([{ name: 'weights', weights }], { clipNorm: 1, kernels });
    const rate = train.schedule({ rate: 0.1, kind: 'cosine', steps: 100, warmup: 5 });
    const layer = { features, weights, P, C, D, scale: 20 };
    const [logits, toFeatures, gradient] = [new Float32Array(P * C), new Float32Array(P * D), new Float32Array(C * D)];
    const losses: number[] = [];
    for (let step = 0; step < 100; step++) {
      train.cosineLogits(layer, logits, kernels);
      const loss = train.computeLoss(train.softmaxLoss({ classes: C }), { logits, labels }, { kernels });
      losses.push(loss.value);
      train.cosineGradients(layer, loss.gradient, toFeatures, gradient, kernels);
      optimizer.step([gradient], rate(step));
    }
    expect(losses.at(-1)).toBeLessThan(0.05);
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
    const right = labels.filter((label, p) => [0, 1, 2].every((c) => logits[p * C + label]! >= logits[p * C + c]!)).length;
    expect(right).toBe(P);
  }
});
