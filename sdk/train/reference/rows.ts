// What stands around products, row by row: bias, its gradient, rows of length 1 and the way back through them; sums in doubles.
import type { AddRows, SumRows, UnitRows, UnitRowsGradient } from '../kernels.js';

/** Shortest length a row is divided by. */
const shortest = 1e-12;

/** x[p, c] += row[c] */
export function addRows({ x, row, P, C }: AddRows): void {
  for (let p = 0, i = 0; p < P; p++) for (let c = 0; c < C; c++, i++) x[i] = x[i]! + row[c]!;
}

/** out[first + c] = sum over p of x[p, c] */
export function sumRows({ x, out, P, C, first = 0 }: SumRows): void {
  const sums = new Float64Array(C);
  for (let p = 0, i = 0; p < P; p++) for (let c = 0; c < C; c++, i++) sums[c]! += x[i]!;
  out.set(sums, first);
}

/** unit[p] = x[p] / |x[p]|, lengths[p] = |x[p]|, at least 1e-12. */
export function unitRows({ x, unit, lengths, P, D }: UnitRows): void {
  for (let p = 0; p < P; p++) {
    let sum = 0;
    for (let i = p * D; i < p * D + D; i++) sum += x[i]! * x[i]!;
    const length = Math.max(Math.sqrt(sum), shortest);
    lengths[p] = length;
    for (let i = p * D; i < p * D + D; i++) unit[i] = x[i]! / length;
  }
}

/** gradient[p] = (gradient[p] - (gradient[p] . unit[p]) unit[p]) / lengths[p] */
export function unitRowsGradient({ gradient, unit, lengths, P, D }: UnitRowsGradient): void {
  for (let p = 0; p < P; p++) {
    let along = 0;
    for (let i = p * D; i < p * D + D; i++) along += gradient[i]! * unit[i]!;
    for (let i = p * D; i < p * D + D; i++) gradient[i] = (gradient[i]! - along * unit[i]!) / lengths[p]!;
  }
}
