// matmul: transposes, batches and fused tails against PyTorch; larger shapes, with both operands computed, against the reference.
import { ROUNDED, SUMMED, golden, randomTensor, testOperator, type Case } from './harness.js';

const plain = { transposeA: false, transposeB: false, activation: { kind: 'none' } } as const;
const constant = (shape: readonly number[], seed: number) => randomTensor(shape, seed, { constant: true });

const shapes: Case<'matmul'>[] = [
  { name: '37 x 24 x 20: a layer of a transformer', attributes: { ...plain, activation: { kind: 'gelu' } }, inputs: [randomTensor([37, 24], 1), constant([24, 20], 2), constant([20], 3)] },
  { name: 'one right operand for a batch of 3', attributes: plain, inputs: [randomTensor([3, 5, 8], 4), constant([1, 8, 12], 5)] },
  { name: 'both computed, in fours', attributes: plain, inputs: [randomTensor([9, 16], 6), randomTensor([16, 12], 7)] },
  { name: 'both computed, transposed b, in fours, few rows', attributes: { ...plain, transposeB: true }, inputs: [randomTensor([2, 16], 8), randomTensor([12, 16], 9)] },
  { name: 'both computed, odd sizes', attributes: plain, inputs: [randomTensor([9, 7], 10), randomTensor([7, 5], 11), randomTensor([5], 12)] },
  { name: 'attention: q k^T of 4 heads', attributes: { ...plain, transposeB: true }, inputs: [randomTensor([4, 10, 8], 13), randomTensor([4, 12, 8], 14)] },
  { name: 'attention: scores v of 4 heads', attributes: plain, inputs: [randomTensor([4, 10, 12], 15), randomTensor([4, 12, 8], 16)] },
  { name: 'both transposed, odd sizes, batches that broadcast both ways', attributes: { ...plain, transposeA: true, transposeB: true }, inputs: [randomTensor([2, 1, 5, 3], 17), randomTensor([3, 6, 5], 18)] },
  { name: 'constant batch, transposed', attributes: { ...plain, transposeB: true, activation: { kind: 'relu' } }, inputs: [randomTensor([2, 6, 4], 19), constant([2, 8, 4], 20), constant([8], 21)] },
]; // prettier-ignore

testOperator('matmul', [...golden('matmul'), ...shapes], { reference: ROUNDED, others: SUMMED });
