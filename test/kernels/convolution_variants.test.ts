// Variants of the convolution kernels, each forced in turn: tails of every tile in pixels, channels and the inner dimension, and every fused tail.
import { questions } from '../../sdk/runtime/webgpu/lower/convolution.js';
import type { TuneQuestion, Tuning } from '../../sdk/runtime/webgpu/tune.js';
import { randomTensor, SUMMED, testVariants, type Case } from './harness.js';

const plain = {
  strides: [1, 1],
  padding: [0, 0, 0, 0],
  dilations: [1, 1],
  groups: 1,
  activation: { kind: 'relu' },
  residual: 'before_activation',
} as const;
const fused = { ...plain, padding: [1, 1, 1, 1], residual: 'after_activation' } as const;
const weight = (shape: readonly number[], seed: number) => randomTensor(shape, seed, { low: -0.5, high: 0.5, constant: true });

// SwiftShader takes seconds to compile a kernel with barriers: cases of tiled kernels share the structure, and thus two pipelines a tile.
const convolutions: Case<'conv2d'>[] = [
  { name: '1x1, 20 -> 72 on 9x15: tails everywhere', attributes: plain, inputs: [randomTensor([1, 9, 15, 20], 1), weight([1, 1, 20, 72], 2), weight([72], 3)] },
  { name: '1x1, 16 -> 64 on 8x16: whole tiles', attributes: plain, inputs: [randomTensor([1, 8, 16, 16], 4), weight([1, 1, 16, 64], 5)] },
  { name: '1x1, 4 -> 12 on 1x9', attributes: plain, inputs: [randomTensor([1, 1, 9, 4], 6), weight([1, 1, 4, 12], 7)] },
  { name: '3x3, 12 -> 20 on 7x9, batch of 2', attributes: fused, inputs: [randomTensor([2, 7, 9, 12], 8), weight([3, 3, 12, 20], 9), weight([20], 10), randomTensor([2, 7, 9, 20], 11), randomTensor([2, 12], 12)] },
  { name: '3x3, 8 -> 36 on 1x1', attributes: fused, inputs: [randomTensor([1, 1, 1, 8], 13), weight([3, 3, 8, 36], 14), null, randomTensor([1, 1, 1, 36], 15), randomTensor([1, 8], 16)] },
  { name: '3x3 stride 2 dilation 2', attributes: { ...fused, strides: [2, 2], dilations: [2, 2] }, inputs: [randomTensor([1, 9, 12, 8], 17), weight([3, 3, 8, 8], 18), null, randomTensor([1, 4, 5, 8], 19), randomTensor([1, 8], 20)] },
  { name: '3x3 with padding of its own on every side', attributes: { ...fused, padding: [0, 2, 2, 1] }, inputs: [randomTensor([1, 6, 5, 8], 21), weight([3, 3, 8, 68], 22), weight([68], 23), randomTensor([1, 6, 6, 68], 24), randomTensor([1, 8], 25)] },
]; // prettier-ignore

/** Fused tails of the kernels that compile at once. */
const tails: Case<'conv2d'>[] = [
  { name: '1x1 with gate, residual before the activation', attributes: plain, inputs: [randomTensor([1, 5, 5, 24], 26), weight([1, 1, 24, 40], 27), weight([40], 28), randomTensor([1, 5, 5, 40], 29), randomTensor([1, 24], 30)] },
  { name: 'two pixels, 100 -> 44, with gate', attributes: plain, inputs: [randomTensor([2, 1, 1, 100], 31), weight([1, 1, 100, 44], 32), weight([44], 33), null, randomTensor([2, 100], 34)] },
  { name: 'eight pixels, 12 -> 4, with residual', attributes: plain, inputs: [randomTensor([1, 2, 4, 12], 35), weight([1, 1, 12, 4], 36), null, randomTensor([1, 2, 4, 4], 37)] },
  { name: '3x3 without gate or residual, batch of 2', attributes: { ...plain, padding: [1, 1, 1, 1] }, inputs: [randomTensor([2, 5, 6, 8], 38), weight([3, 3, 8, 12], 39), weight([12], 40)] },
  { name: '3x3, 32 -> 36 on 7x9 with gate and residual, batch of 2', attributes: fused, inputs: [randomTensor([2, 7, 9, 32], 46), weight([3, 3, 32, 36], 47), weight([36], 48), randomTensor([2, 7, 9, 36], 49), randomTensor([2, 32], 50)] },
  { name: '3x3, 36 -> 32 on 10x16 without padding', attributes: plain, inputs: [randomTensor([1, 10, 16, 36], 51), weight([3, 3, 36, 32], 52)] },
  { name: '9 -> 18: channels that are not in fours', attributes: fused, inputs: [randomTensor([1, 6, 11, 9], 41), weight([3, 3, 9, 18], 42), weight([18], 43), randomTensor([1, 6, 11, 18], 44), randomTensor([1, 9], 45)] },
]; // prettier-ignore

const products: Case<'matmul'>[] = [
  { name: '70 x 20 x 36', attributes: { transposeA: false, transposeB: false, activation: { kind: 'relu' } }, inputs: [randomTensor([70, 20], 32), weight([20, 36], 33)] },
  { name: 'batch of 3, transposed b', attributes: { transposeA: false, transposeB: true, activation: { kind: 'relu' } }, inputs: [randomTensor([3, 9, 20], 34), randomTensor([3, 36, 20], 35)] },
]; // prettier-ignore

const asked: readonly TuneQuestion[] = Object.values(questions);
const answers = asked.flatMap((question) => [...question.choices, ...(question.extra ?? []).map(({ choice }) => choice)]);

/** For each variant: every question that knows it gets it, the others the direct kernel. */
const tunings: Record<string, Tuning> = Object.fromEntries(
  [...new Set(answers)].map((variant) => [
    variant,
    Object.fromEntries(
      asked.map(({ key, choices, extra = [] }) => {
        const known = choices.includes(variant) || extra.some(({ choice }) => choice === variant);
        return [key, known ? variant : 'direct'];
      }),
    ),
  ]),
);

const only = (...names: string[]): Record<string, Tuning> => Object.fromEntries(names.map((name) => [name, tunings[name]!]));

testVariants('conv2d', convolutions, SUMMED, tunings);
testVariants('conv2d', tails, SUMMED, only('direct', 'quad', 'row', 'winograd'));
testVariants('matmul', products, SUMMED, only('direct', 'quad', 'tiled 32x64'));
