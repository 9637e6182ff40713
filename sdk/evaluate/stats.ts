// The arithmetic that official numbers hang on: NumPy's grids and sums, the mean over cells, and COCO's twelve numbers. No matching.

/** numpy.linspace(start, stop, count): start + i * step, the last forced to `stop`. */
export function linspace(start: number, stop: number, count: number): Float64Array {
  const values = new Float64Array(count);
  const step = (stop - start) / (count - 1);
  for (let i = 0; i < count; i++) values[i] = i * step + start;
  if (count > 1) values[count - 1] = stop;
  return values;
}

/** COCO's T = 10 IoU thresholds: linspace(.5, .95, 10). The ninth is 0.8999999999999999. */
export const cocoIouThresholds: Readonly<Float64Array> = linspace(0.5, 0.95, 10);
/** COCO's R = 101 recall points: linspace(0, 1, 101), which differ from i / 100 at ten places. */
export const cocoRecallPoints: Readonly<Float64Array> = linspace(0, 1, 101);

/** NumPy's pairwise sum of up to 8192 doubles at `from`. */
function pairwiseSum(values: Float64Array, from: number, count: number): number {
  if (count < 8) {
    // NumPy 1.24 starts from -0 or 0: no difference for what is summed here.
    let sum = 0;
    for (let i = 0; i < count; i++) sum += values[from + i]!;
    return sum;
  }
  if (count <= 128) {
    let [a, b, c, d, e, f, g, h] = values.subarray(from, from + 8) as unknown as number[] as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    let i = 8;
    for (; i + 8 <= count; i += 8) {
      a += values[from + i]!;
      b += values[from + i + 1]!;
      c += values[from + i + 2]!;
      d += values[from + i + 3]!;
      e += values[from + i + 4]!;
      f += values[from + i + 5]!;
      g += values[from + i + 6]!;
      h += values[from + i + 7]!;
    }
    let sum = a + b + (c + d) + (e + f + (g + h));
    for (; i < count; i++) sum += values[from + i]!;
    return sum;
  }
  let half = count >> 1;
  half -= half % 8;
  return pairwiseSum(values, from, half) + pairwiseSum(values, from + half, count - half);
}

/** numpy.sum of doubles, as NumPy 1.24 makes it; see {@link numpyMean}. */
export function numpySum(values: Float64Array, count: number = values.length): number {
  let sum = 0;
  for (let from = 0; from < count; from += 8192) sum += pairwiseSum(values, from, Math.min(8192, count - from));
  return sum;
}

/**
 * numpy.mean of the first `count` doubles, to the last bit as NumPy 1.24 on x86-64 makes it: chunks of 8192 elements, each summed pairwise,
 * added in order. NaN for none.
 */
export function numpyMean(values: Float64Array, count: number = values.length): number {
  return numpySum(values, count) / count;
}

/** Shape letters of COCO: T IoU thresholds, R recall points, K classes, A area ranges, M detection limits. */
export interface CurveShape {
  /** IoU thresholds. */
  readonly T: number;
  /** Recall points. */
  readonly R: number;
  /** Classes. */
  readonly K: number;
  /** Area ranges. */
  readonly A: number;
  /** Detection limits. */
  readonly M: number;
}

/**
 * Mean over the cells that are not -1, in the order of NumPy (classes fastest); -1 where there is none.
 * @param cells [T, R, K, A, M]; R is 1 for recall
 */
export function meanOfCells(
  cells: Float64Array,
  { T, R, K, A, M }: CurveShape,
  at: { t?: readonly number[] | undefined; k?: number | undefined; a: number; m: readonly number[] },
): number {
  const thresholds = at.t ?? Array.from({ length: T }, (_, t) => t);
  const [firstClass, lastClass] = at.k === undefined ? [0, K] : [at.k, at.k + 1];
  const values = new Float64Array(thresholds.length * R * (lastClass - firstClass) * at.m.length);
  let count = 0;
  for (const t of thresholds) {
    for (let r = 0; r < R; r++) {
      for (let k = firstClass; k < lastClass; k++) {
        const row = (((t * R + r) * K + k) * A + at.a) * M;
        for (const m of at.m) {
          const value = cells[row + m]!;
          if (value > -1) values[count++] = value;
        }
      }
    }
  }
  return count === 0 ? -1 : numpyMean(values, count);
}
