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
  { name: '3x3 stride 2 on 33x35, 12 channels', attributes: { ...base, strides: [2, 2] }, inputs: [randomTensor([1, 33, 35, 12], 12), weight([3, 3, 12], 13)] },
  { name: '5x5 on 12x21, 8 channels', attributes: { ...base, padding: [2, 2, 2, 2] }, inputs: [randomTensor([1, 12, 21, 8], 14), weight([5, 5, 8], 15), weight([8], 16)] },
  { name: '7x7 on 9x19, 20 channels', attributes: { ...base, padding: [3, 3, 3, 3] }, inputs: [randomTensor([1, 9, 19, 20], 17), weight([7, 7, 20], 18)] },
  { name: '7x7 stride 2, 6 channels', attributes: { ...base, strides: [2, 2], padding: [3, 3, 3, 3] }, inputs: [randomTensor([1, 9, 19, 6], 19), weight([7, 7, 6], 20)] },
  { name: '3x3 stride 3 by 1', attributes: { ...base, strides: [3, 1] }, inputs: [randomTensor([1, 10, 11, 8], 21), weight([3, 3, 8], 22)] },
  { name: '3x3 stride 1 by 3', attributes: { ...base, strides: [1, 3] }, inputs: [randomTensor([1, 10, 29, 8], 23), weight([3, 3, 8], 24)] },
  { name: 'dilation 3 beyond the image, 16 channels', attributes: { ...base, padding: [3, 3, 3, 3], dilations: [3, 3] }, inputs: [randomTensor([1, 4, 18, 16], 25), weight([3, 3, 16], 26)] },
  { name: 'weights that the graph computes, with gate, batch of 2', attributes: base, inputs: [randomTensor([2, 5, 5, 10], 27), randomTensor([3, 3, 10], 28), randomTensor([10], 29), randomTensor([2, 10], 30)] },
  { name: '3x3 with a gate of 128 channels', attributes: base, inputs: [randomTensor([1, 9, 9, 128], 9), weight([3, 3, 128], 10), null, randomTensor([1, 128], 11)] },
]; // prettier-ignore

testOperator('depthwise_conv2d', [...golden('depthwise_conv2d'), ...shapes], { reference: ROUNDED, others: SUMMED });
