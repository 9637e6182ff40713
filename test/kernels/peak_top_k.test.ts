// peak_top_k: plateaus, borders, the threshold and ties by hand; `count` tells how much of the result means something, so only that is compared.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceRuntime } from '../../sdk/runtime/reference/index.js';
import type { Runtime } from '../../sdk/runtime/runtime.js';
import { caseGraph, randomNumbers, rounded, runGraph, type Case } from './harness.js';
import { runtimes } from './runtimes.js';

interface Row {
  name: string;
  shape: [number, number, number, number];
  map: number[];
  threshold: number;
  window?: number;
  k?: number;
  /** Index and value of each peak in order; undefined: whatever the reference says. */
  peaks?: [index: number, value: number][];
}

const rows: Row[] = [
  { name: 'one peak', shape: [1, 3, 3, 1], map: [0, 1, 0, 1, 5, 1, 0, 1, 0], threshold: 0, peaks: [[4, 5]] },
  { name: 'a peak in the corner', shape: [1, 2, 2, 1], map: [9, 1, 1, 1], threshold: 0, peaks: [[0, 9]] },
  { name: 'nothing above the threshold', shape: [1, 2, 2, 1], map: [1, 2, 3, 4], threshold: 4.5, peaks: [] },
  { name: 'a peak at the threshold counts', shape: [1, 2, 2, 1], map: [1, 2, 3, 4], threshold: 4, peaks: [[3, 4]] },
  { name: 'a plateau gives all its pixels, by index', shape: [1, 1, 4, 1], map: [2, 2, 0, 2], threshold: 1, peaks: [[0, 2], [1, 2], [3, 2]] },
  { name: 'channels do not see each other', shape: [1, 1, 2, 2], map: [3, 1, 2, 4], threshold: 0, peaks: [[3, 4], [0, 3]] },
  { name: 'the k largest of more', shape: [1, 1, 7, 1], map: [1, 0, 3, 0, 2, 0, 4], threshold: 0.5, k: 2, peaks: [[6, 4], [2, 3]] },
  { name: 'ties at the cut by lower index', shape: [1, 1, 7, 1], map: [1, 0, 1, 0, 1, 0, 2], threshold: 0.5, k: 2, peaks: [[6, 2], [0, 1]] },
  { name: 'window 1 takes every pixel', shape: [1, 1, 3, 1], map: [1, 3, 2], threshold: 1.5, window: 1, peaks: [[1, 3], [2, 2]] },
  { name: 'window 5 looks two pixels far', shape: [1, 1, 5, 1], map: [3, 0, 4, 0, 3], threshold: 0, window: 5, peaks: [[2, 4]] },
  { name: 'NaN is never a peak', shape: [1, 1, 3, 1], map: [Number.NaN, 0, 1], threshold: -1, peaks: [[2, 1]] },
  { name: 'all equal to minus infinity, threshold minus infinity', shape: [1, 1, 2, 1], map: [-Infinity, -Infinity], threshold: -Infinity, peaks: [[0, -Infinity], [1, -Infinity]] },
  { name: 'more places than elements', shape: [1, 1, 2, 1], map: [2, 1], threshold: 0, k: 9, peaks: [[0, 2]] },
  { name: 'a random map of 24x17x20', shape: [1, 24, 17, 20], map: randomNumbers(24 * 17 * 20, 1), threshold: 0.5, k: 100 },
  { name: 'a random map with many ties', shape: [1, 16, 16, 5], map: randomNumbers(16 * 16 * 5, 2).map((v) => Math.round(v * 4)), threshold: 1, k: 50 },
  { name: 'every element a peak, more than k', shape: [1, 8, 8, 16], map: Array.from({ length: 1024 }, () => 1), threshold: 0, k: 100 },
  { name: 'far more equal peaks than k: the lowest indices', shape: [1, 40, 40, 80], map: Array.from({ length: 128_000 }, () => 0.5), threshold: 0, k: 100, peaks: Array.from({ length: 100 }, (_, i): [number, number] => [i, 0.5]) },
  { name: 'few values, far more peaks than k', shape: [1, 64, 64, 12], map: randomNumbers(64 * 64 * 12, 3).map((v) => Math.round(v * 2)), threshold: -2, window: 1, k: 1500 },
  { name: 'more wanted than sorted at once', shape: [1, 50, 41, 7], map: randomNumbers(50 * 41 * 7, 4), threshold: -0.5, window: 1, k: 4200 },
  { name: 'values that differ in the last bits', shape: [1, 64, 64, 3], map: randomNumbers(64 * 64 * 3, 5, 1, 1.0001), threshold: 0, window: 1, k: 64 },
  { name: 'subnormal and signed zero', shape: [1, 1, 5, 1], map: [1e-40, 0, -0, -1e-40, 2e-40], threshold: -1, window: 1, peaks: [[4, 2e-40], [0, 1e-40], [1, 0], [2, 0], [3, -1e-40]].map(([i, v]): [number, number] => [i!, Math.fround(v!)]) },
]; // prettier-ignore

/** Peaks before `count`. */
async function peaksOf(
  runtime: Runtime,
  { name, shape, map, threshold, window = 3, k = 8 }: Row,
  half = false,
): Promise<[number, number][]> {
  const row: Case<'peak_top_k'> = {
    name,
    attributes: { window, k },
    inputs: [
      { shape, data: map },
      { shape: [1], data: [threshold] },
    ],
  };
  const { graph, feeds } = caseGraph('peak_top_k', half ? rounded(row) : row);
  const [value, index, count] = await runGraph(runtime, graph, feeds);
  expect(count![0]).toBeLessThanOrEqual(k);
  // Adding 0 makes -0 and +0 one number, as the comparison has it.
  return Array.from({ length: count![0]! }, (_, i) => [index![i]!, value![i]! + 0]);
}

describe.each(runtimes)('peak_top_k on $name', ({ create, half = false }) => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await create();
  });
  afterAll(() => runtime.dispose());
  it.each(rows)('$name', async (row) => {
    // Rounding to halves makes ties of what was none: then only the reference knows.
    const wanted = (!half && row.peaks) || (await peaksOf(createReferenceRuntime(), row, half));
    expect(await peaksOf(runtime, row, half)).toEqual(wanted);
  });
});
