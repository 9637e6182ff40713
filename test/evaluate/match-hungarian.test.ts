// Hungarian assignment: SciPy's answers, brute force on small matrices, both engines bit for bit, and what is refused.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArgumentError } from '../../sdk/errors.js';
import { hungarian } from '../../sdk/evaluate/match/index.js';
import { hasSharedData, noSharedData, sharedData } from '../shared-data.js';

/** Sums of the same costs in another order differ by rounding only: a few units in the last place of the largest partial sum. */
const sumTolerance = 1e-12;

interface Case {
  name: string;
  shape: [number, number];
  maximize: boolean;
  matrix_f64_b64: string;
  cost?: number;
  error?: string;
}

describe.skipIf(!hasSharedData)(`SciPy's linear_sum_assignment${hasSharedData ? '' : `: ${noSharedData}`}`, () => {
  const { cases } = hasSharedData
    ? (JSON.parse(readFileSync(sharedData('evaluate/hungarian/expected.json'), 'utf8')) as { cases: Case[] })
    : { cases: [] };

  it.each(cases.map((entry) => [entry.name, entry] as const))(
    '%s',
    (_, { shape: [rows, columns], maximize, matrix_f64_b64, cost }) => {
      const costs = new Float64Array(new Uint8Array(Buffer.from(matrix_f64_b64, 'base64')).buffer);
      for (const engine of ['auto', 'plain'] as const) {
        const run = () => hungarian(costs, { rows, columns, maximize, engine });
        if (cost === undefined) {
          expect(run).toThrow(ArgumentError);
          continue;
        }
        const result = run();
        expect(Math.abs(result.cost - cost)).toBeLessThanOrEqual(sumTolerance * Math.max(1, Math.abs(cost)));
        checkShape(result, rows, columns);
      }
    },
  );
});

function checkShape(result: { rows: Int32Array; columns: Int32Array }, rows: number, columns: number): void {
  expect(result.rows.length).toBe(Math.min(rows, columns));
  expect(new Set(result.columns).size).toBe(result.columns.length);
  expect([...result.rows]).toEqual([...new Set(result.rows)].sort((a, b) => a - b));
}

/** Smallest sum by trying every injection of the shorter side. */
function bruteForce(costs: readonly number[], rows: number, columns: number): number {
  const short = rows <= columns;
  const [n, m] = short ? [rows, columns] : [columns, rows];
  const at = (i: number, j: number) => (short ? costs[i * columns + j]! : costs[j * columns + i]!);
  const taken = new Set<number>();
  const best = (i: number): number => {
    if (i === n) return 0;
    let least = Infinity;
    for (let j = 0; j < m; j++) {
      if (taken.has(j)) continue;
      taken.add(j);
      least = Math.min(least, at(i, j) + best(i + 1));
      taken.delete(j);
    }
    return least;
  };
  return best(0);
}

const sizes = fc.record({ rows: fc.integer({ min: 0, max: 6 }), columns: fc.integer({ min: 0, max: 6 }) });
/** Few different values make ties; infinities make gaps. */
const cell = fc.oneof(fc.integer({ min: -4, max: 4 }), fc.double({ min: -1e3, max: 1e3, noNaN: true }), fc.constant(Infinity));
const matrices = sizes.chain(({ rows, columns }) =>
  fc.record({
    rows: fc.constant(rows),
    columns: fc.constant(columns),
    costs: fc.array(cell, { minLength: rows * columns, maxLength: rows * columns }),
  }),
);

describe('hungarian', () => {
  it('finds the smallest sum, also with ties and forbidden pairs', () => {
    fc.assert(
      fc.property(matrices, ({ rows, columns, costs }) => {
        const wanted = bruteForce(costs, rows, columns);
        if (wanted === Infinity) {
          expect(() => hungarian(costs, { rows, columns })).toThrow(/without a partner/);
          return;
        }
        const result = hungarian(costs, { rows, columns });
        checkShape(result, rows, columns);
        expect(Math.abs(result.cost - wanted)).toBeLessThanOrEqual(sumTolerance * 1e4);
        const most = hungarian(
          costs.map((value) => -value),
          { rows, columns, maximize: true },
        );
        expect(Math.abs(most.cost + wanted)).toBeLessThanOrEqual(sumTolerance * 1e4);
      }),
    );
  });

  it('gives the same assignment in WASM and in JavaScript, bit for bit', () => {
    const size = fc.integer({ min: 8, max: 23 });
    fc.assert(
      fc.property(size, size, fc.infiniteStream(cell), (rows, columns, values) => {
        const costs = Float64Array.from({ length: rows * columns }, () => values.next().value as number);
        const run = (engine: 'auto' | 'plain') => {
          try {
            return hungarian(costs, { rows, columns, engine });
          } catch (error) {
            return (error as Error).message;
          }
        };
        expect(run('auto')).toEqual(run('plain'));
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    ['NaN', [1, Number.NaN, 2, 3], { rows: 2, columns: 2 }, /row 0, column 1: found NaN/],
    ['-Infinity', [1, 2, -Infinity, 3], { rows: 2, columns: 2 }, /row 1, column 0: found -Infinity/],
    ['+Infinity to be maximised', [Infinity], { rows: 1, columns: 1, maximize: true }, /not \+Infinity/],
    ['a row without a finite cost', [1, 2, Infinity, Infinity], { rows: 2, columns: 2 }, /without a partner/],
    ['two rows that share their only column', [1, Infinity, 2, Infinity], { rows: 2, columns: 2 }, /without a partner/],
    ['too few numbers', [1, 2, 3], { rows: 2, columns: 2 }, /found 3 numbers; wanted 2 x 2 = 4/],
    ['a negative size', [], { rows: -1, columns: 0 }, /hungarian.rows: found -1/],
  ])('refuses %s', (_, costs, options, message) => {
    expect(() => hungarian(costs, options)).toThrow(ArgumentError);
    expect(() => hungarian(costs, options)).toThrow(message);
  });

  it('leaves the costs as they were', () => {
    const costs = Float64Array.of(3, 1, 2, 0);
    hungarian(costs, { rows: 2, columns: 2, maximize: true });
    expect([...costs]).toEqual([3, 1, 2, 0]);
  });
});
