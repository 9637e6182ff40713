// depthwise_conv2d: against PyTorch; larger shapes of real networks against the reference.
import { golden, randomTensor, ROUNDED, SUMMED, testOperator, type Case } from './harness.js';

const base = { strides: [1, 1], padding: [1, 1, 1, 1], dilations: [1, 1], activation: { kind: 'relu' } } as const;
const weight = (shape: readonly number[], seed: number) => randomTensor(shape, seed, { low: -0.5, high: 0.5, constant: true });

const shapes: Case<'depthwise_conv2d'>[] = [
  { name: '3x3 on 19x17, 24 channels', attributes: base, inputs: [randomTensor([1, 19, 17, 24], 1), weight([3, 3, 24], 2), weight([24], 3)] },
  {
    name: '5x5 stride 2 on 16x16, 40 channels, padding behind',
    attributes: { ...base, strides: [2, 2], padding: [1, 1, 2, 2] },
    inputs: [randomTensor([1, 16, 16, 40], 4), weight([5, 5, 40], 5), weight([40], 6)],
  },
  { name: '3x3 on one row, 7 channels', attributes: base, inputs: [randomTensor([1, 1, 9, 7], 7), weight([3, 3, 7], 8)] },
  { name: '3x3 with a gate of 128 channels', attributes: base, inputs: [randomTensor([1, 9, 9, 128], 9), weight([3, 3, 128], 10), null, randomTensor([1, 128], 11)] },
]; // prettier-ignore

testOperator('depthwise_conv2d', [...golden('depthwise_conv2d'), ...shapes], { reference: ROUNDED, others: SUMMED });
