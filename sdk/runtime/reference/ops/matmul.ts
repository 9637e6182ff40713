// matmul: batched matrix product, summed in double precision.
import { sizeOf } from '../../../tensor/shape.js';
import { need, type ReferenceOperator } from '../operand.js';
import { broadcastStrides, walk2 } from '../walk.js';
import { activationFunction } from './activation.js';

/** a [...,M,K], b [...,K,N], bias? [N] -> [...,M,N]; leading dimensions broadcast. */
export const matmul: ReferenceOperator<'matmul'> = (inputs, outputs, { transposeA, transposeB, activation }) => {
  const a = need(inputs, 0);
  const b = need(inputs, 1);
  const bias = inputs[2]?.data;
  const y = need(outputs, 0);
  const M = y.shape.at(-2)!;
  const N = y.shape.at(-1)!;
  const K = transposeA ? a.shape.at(-2)! : a.shape.at(-1)!;
  const batch = y.shape.slice(0, -2);
  const f = activationFunction(activation);
  // Strides of one matrix: element (m, k) of a, (k, n) of b.
  const [am, ak] = transposeA ? [1, M] : [K, 1];
  const [bk, bn] = transposeB ? [1, K] : [N, 1];
  const sizeA = M * K;
  const sizeB = K * N;
  if (sizeOf(y.shape) === 0) return;
  walk2(batch, broadcastStrides(a.shape.slice(0, -2), batch), broadcastStrides(b.shape.slice(0, -2), batch), (i, ia, ib) => {
    for (let m = 0; m < M; m++) {
      for (let n = 0; n < N; n++) {
        let sum = 0;
        for (let k = 0; k < K; k++) sum += a.data[ia * sizeA + m * am + k * ak]! * b.data[ib * sizeB + k * bk + n * bn]!;
        y.data[(i * M + m) * N + n] = f(sum + (bias ? bias[n]! : 0));
      }
    }
  });
};
