// WASM against its plain twins: assignment and pairwise box IoU, side by side in one run. Run: npx vitest bench --run --project node test/bench/match.bench.ts
import { bench, describe } from 'vitest';
import { hungarian, pairwiseIou } from '../../sdk/evaluate/match/index.js';

const random = Math.random;
/** Short: the shapes differ by a factor of 10,000 in work. */
const options = { time: 300, warmupTime: 50, warmupIterations: 2, iterations: 3 };

for (const [rows, columns] of [
  [100, 20],
  [100, 100],
  [500, 500],
  [1000, 1000],
] as const) {
  const costs = Float64Array.from({ length: rows * columns }, random);
  describe(`hungarian ${rows} x ${columns}, uniform costs`, () => {
    for (const engine of ['auto', 'plain'] as const)
      bench(engine, () => void hungarian(costs, { rows, columns, engine }), options);
  });
}

for (const [n, m] of [
  [100, 100],
  [300, 60],
  [1000, 1000],
] as const) {
  const boxes = (count: number) => Float64Array.from({ length: count * 4 }, (_, i) => random() * (i % 4 < 2 ? 600 : 100));
  const [a, b] = [boxes(n), boxes(m)];
  describe(`box IoU ${n} x ${m}`, () => {
    for (const engine of ['auto', 'plain'] as const)
      bench(engine, () => void pairwiseIou(a, b, { format: 'xywh', engine }), options);
  });
}
