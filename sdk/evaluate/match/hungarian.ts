// The assignment of rows to columns with the smallest sum of costs. It picks the engine; the algorithm stands in hungarian-plain.ts.
import { ArgumentError, describe } from '../../errors.js';
import { assignPlain } from './hungarian-plain.js';
import { reserve } from './wasm.js';

/** Options of {@link hungarian}. */
export interface HungarianOptions {
  /** Rows of the matrix, N; 0 is fine. */
  rows: number;
  /** Columns of the matrix, M; 0 is fine. */
  columns: number;
  /** Whether the largest sum is wanted. Default: false, the smallest. */
  maximize?: boolean;
  /** `plain` forces the JavaScript twin, which gives the same bits. Default: `auto`, WASM where there is any. */
  engine?: 'auto' | 'plain';
}

/** min(N, M) pairs, in order of their rows. */
export interface Assignment {
  /** [pairs] rising. */
  rows: Int32Array;
  /** [pairs] partner of each row. */
  columns: Int32Array;
  /** Sum of the chosen costs in pair order; 0 where there are none. */
  cost: number;
}

/**
 * Hungarian assignment (linear sum assignment) by shortest augmenting paths, rectangular: every row of the shorter side gets a partner.
 * +Infinity (with `maximize`: -Infinity) forbids a pair. Where several assignments are best, which one comes is not defined; the cost is that of
 * scipy.optimize.linear_sum_assignment. Time O(min(N, M)^2 * max(N, M)).
 * @param costs [N, M] row-major
 * @throws ArgumentError for sizes that do not fit, NaN, an infinity of the wrong sign, or a matrix that allows no assignment.
 */
export function hungarian(costs: ArrayLike<number>, options: HungarianOptions): Assignment {
  const { rows, columns, maximize = false, engine = 'auto' } = options ?? {};
  for (const [name, value] of Object.entries({ rows, columns })) {
    if (!Number.isInteger(value) || value < 0) {
      throw new ArgumentError({ thing: `hungarian.${name}`, found: describe(value), wanted: 'a whole number from 0' });
    }
  }
  if (costs.length !== rows * columns) {
    throw new ArgumentError({
      thing: 'hungarian costs',
      found: `${costs.length} numbers`,
      wanted: `${rows} x ${columns} = ${rows * columns}, row-major`,
    });
  }
  const turned = rows > columns;
  const [n, m] = turned ? [columns, rows] : [rows, columns];
  const matrix = new Float64Array(n * m);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const value = costs[i * columns + j]!;
      const cost = maximize ? -value : value;
      if (!(cost > -Infinity)) throw refused(value, i, j, maximize);
      matrix[turned ? j * m + i : i * m + j] = cost;
    }
  }
  const partner = engine === 'auto' ? assignFast(matrix, n, m) : assignPlain(matrix, n, m);
  if (!partner) {
    throw new ArgumentError({
      thing: 'hungarian costs',
      found: 'infinities that leave some row or column without a partner',
      wanted: `finite costs for ${n} pairs at least`,
      next: 'Use a large finite cost instead of an infinite one where a bad pair is better than none.',
    });
  }
  const pairs = Array.from(partner, (j, i): [row: number, column: number] => (turned ? [j, i] : [i, j]));
  if (turned) pairs.sort((a, b) => a[0] - b[0]);
  let cost = 0;
  for (const [i, j] of pairs) cost += costs[i * columns + j]!;
  return { rows: Int32Array.from(pairs, ([i]) => i), columns: Int32Array.from(pairs, ([, j]) => j), cost };
}

function refused(value: number, row: number, column: number, maximize: boolean): ArgumentError {
  return new ArgumentError({
    thing: `hungarian costs, row ${row}, column ${column}`,
    found: describe(value),
    wanted: `a number that is not ${maximize ? '+' : '-'}Infinity`,
    next: Number.isNaN(value) ? 'Look at the scores the cost was made from.' : 'An infinite gain has no best sum.',
  });
}

/** Below this many cells, copying into WASM costs more than it saves. */
const fewestCells = 64;

function assignFast(matrix: Float64Array, n: number, m: number): Int32Array | undefined {
  if (n * m < fewestCells) return assignPlain(matrix, n, m);
  const stride = m + (m & 1);
  const line = stride * 8;
  const place = reserve([n * line, n * 8, line, line, line, line, n * 4, n * 4, m * 4, m * 4]);
  if (!place) return assignPlain(matrix, n, m);
  const { kernels, places, buffer } = place;
  const [cost, u, v] = places as [number, number, number];
  const target = new Float64Array(buffer, cost, n * stride);
  if (stride === m) target.set(matrix);
  else {
    for (let i = 0; i < n; i++) {
      target.set(matrix.subarray(i * m, i * m + m), i * stride);
      target[i * stride + m] = Infinity;
    }
  }
  new Float64Array(buffer, u, n).fill(0);
  new Float64Array(buffer, v, stride).fill(0);
  const failed = kernels.assign(n, m, stride, ...places);
  return failed ? undefined : new Int32Array(buffer, places[7]!, n).slice();
}
