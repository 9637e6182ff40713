// conv2d: strides, padding, dilations, groups and fused tails against PyTorch; larger shapes of real networks against the reference.
import { golden, randomTensor, ROUNDED, SUMMED, testOperator, type Case } from './harness.js';

const none = { kind: 'none' } as const;
const plain = {
  strides: [1, 1],
  padding: [0, 0, 0, 0],
  dilations: [1, 1],
  groups: 1,
  activation: none,
  residual: 'before_activation',
} as const;
const weight = (shape: readonly number[], seed: number) => randomTensor(shape, seed, { low: -0.5, high: 0.5, constant: true });

/** Shapes around the tile sizes of fast kernels: full tiles, remainders in rows, filters and channels. */
const shapes: Case<'conv2d'>[] = [
  { name: '1x1, 24 -> 64 on 7x9', attributes: plain, inputs: [randomTensor([1, 7, 9, 24], 1), weight([1, 1, 24, 64], 2), weight([64], 3)] },
  { name: '1x1, 40 -> 13 on 11x3', attributes: { ...plain, activation: { kind: 'relu6' } }, inputs: [randomTensor([1, 11, 3, 40], 4), weight([1, 1, 40, 13], 5)] },
  {
    name: '3x3, 16 -> 16 on 13x10',
    attributes: { ...plain, padding: [1, 1, 1, 1], activation: { kind: 'relu' } },
    inputs: [randomTensor([1, 13, 10, 16], 6), weight([3, 3, 16, 16], 7), weight([16], 8)],
  },
  {
    name: '3x3 stride 2, 3 -> 16 on 21x21: the first layer of a network',
    attributes: { ...plain, strides: [2, 2], padding: [1, 1, 1, 1] },
    inputs: [randomTensor([1, 21, 21, 3], 9, { low: 0, high: 1 }), weight([3, 3, 3, 16], 10), weight([16], 11)],
  },
  {
    name: '1x1 with residual, scale and activation on 8x8',
    attributes: { ...plain, activation: { kind: 'hard_swish', alpha: 0.1666259765625 } },
    inputs: [randomTensor([1, 8, 8, 32], 12), weight([1, 1, 32, 24], 13), weight([24], 14), randomTensor([1, 8, 8, 24], 15), randomTensor([1, 32], 16, { low: 0 })],
  },
  {
    name: '3x3, 40 -> 36 on 9x13, odd sizes in 2x2 tiles, padding 1',
    attributes: { ...plain, padding: [1, 1, 1, 1], activation: { kind: 'relu' } },
    inputs: [randomTensor([1, 9, 13, 40], 30), weight([3, 3, 40, 36], 31), weight([36], 32)],
  },
  {
    name: '3x3, 32 -> 44 on two images 7x8, uneven padding, no bias, silu',
    attributes: { ...plain, padding: [0, 2, 1, 1], activation: { kind: 'silu' } },
    inputs: [randomTensor([2, 7, 8, 32], 33), weight([3, 3, 32, 44], 34)],
  },
  {
    name: '3x3, 64 -> 64 on 40x36 with a residual before relu: several chunks',
    attributes: { ...plain, padding: [1, 1, 1, 1], activation: { kind: 'relu' } },
    inputs: [randomTensor([1, 40, 36, 64], 35), randomTensor([3, 3, 64, 64], 36, { low: -0.1, high: 0.1, constant: true }), weight([64], 37), randomTensor([1, 40, 36, 64], 38)],
  },
  {
    name: '3x3, 32 -> 32 on 6x6 with a residual after the activation',
    attributes: { ...plain, padding: [1, 1, 1, 1], activation: { kind: 'clip', alpha: -1, beta: 2 }, residual: 'after_activation' },
    inputs: [randomTensor([1, 6, 6, 32], 39), weight([3, 3, 32, 32], 40), weight([32], 41), randomTensor([1, 6, 6, 32], 42)],
  },
  {
    name: '4 groups of 8 -> 4',
    attributes: { ...plain, groups: 4, padding: [1, 1, 1, 1] },
    inputs: [randomTensor([1, 6, 5, 32], 17), weight([3, 3, 8, 16], 18)],
  },
  {
    name: '2 groups of 8 -> 12, with gate, residual after the activation, batch of 2',
    attributes: { ...plain, groups: 2, padding: [1, 0, 0, 1], activation: { kind: 'silu' }, residual: 'after_activation' },
    inputs: [randomTensor([2, 5, 6, 16], 22), weight([3, 3, 8, 24], 23), weight([24], 24), randomTensor([2, 4, 5, 24], 25), randomTensor([2, 16], 26)],
  },
  {
    name: '3 groups of 5 -> 7 with gate and residual',
    attributes: { ...plain, groups: 3, padding: [2, 2, 2, 2], dilations: [2, 2], activation: { kind: 'relu' } },
    inputs: [randomTensor([1, 5, 7, 15], 27), weight([3, 3, 5, 21], 28), weight([21], 29), randomTensor([1, 5, 7, 21], 30), randomTensor([1, 15], 31)],
  },
  {
    name: 'dilation beyond the image: most taps fall on padding',
    attributes: { ...plain, padding: [9, 9, 9, 9], dilations: [9, 9] },
    inputs: [randomTensor([1, 6, 10, 8], 32), weight([3, 3, 8, 12], 33)],
  },
  {
    name: 'weights that the graph computes, 3x3, in fours',
    attributes: { ...plain, padding: [1, 1, 1, 1] },
    inputs: [randomTensor([1, 5, 5, 8], 34), randomTensor([3, 3, 8, 8], 35), randomTensor([8], 36)],
  },
  {
    name: 'weights that the graph computes, 2 groups of 3 -> 5',
    attributes: { ...plain, groups: 2 },
    inputs: [randomTensor([1, 5, 5, 6], 37), randomTensor([2, 2, 3, 10], 38), randomTensor([10], 39)],
  },
  {
    name: '1x1 stride 2 with padding, 8 -> 20',
    attributes: { ...plain, strides: [2, 2], padding: [1, 1, 1, 1] },
    inputs: [randomTensor([1, 7, 9, 8], 40), weight([1, 1, 8, 20], 41), weight([20], 42)],
  },
  {
    name: '1x1 on one pixel: a squeeze-excite layer',
    attributes: { ...plain, activation: { kind: 'hard_sigmoid', alpha: 0.1666259765625 } },
    inputs: [randomTensor([1, 1, 1, 72], 19), weight([1, 1, 72, 18], 20), weight([18], 21)],
  },
]; // prettier-ignore

testOperator('conv2d', [...golden('conv2d'), ...shapes], { reference: ROUNDED, others: SUMMED });
