// Matrix product with either operand transposed, in doubles.
import type { MatrixProduct } from '../kernels.js';

/** out[m, n] = sum over k of a[m, k] b[k, n]; a transposed operand is stored as [K, M] or [N, K]. */
export function matmul({ a, b, out, M, N, K, transposeA = false, transposeB = false }: MatrixProduct): void {
  const row = new Float64Array(N);
  for (let m = 0; m < M; m++) {
    row.fill(0);
    for (let k = 0; k < K; k++) {
      const x = a[transposeA ? k * M + m : m * K + k]!;
      if (transposeB) for (let n = 0; n < N; n++) row[n]! += x * b[n * K + k]!;
      else for (let n = 0; n < N; n++) row[n]! += x * b[k * N + n]!;
    }
    out.set(row, m * N);
  }
}
