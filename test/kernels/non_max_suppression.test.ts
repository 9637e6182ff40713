// non_max_suppression: order, ties, labels and the strict threshold by hand; random boxes against sdk/postprocess/nms.ts, whose rule it is.
// `kept` tells how much of the result means something, so only that is compared.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { iou, nms } from '../../sdk/postprocess/nms.js';
import type { Runtime } from '../../sdk/runtime/runtime.js';
import { floatArrayToHalf, halfArrayToFloat } from '../../sdk/tensor/half.js';
import { caseGraph, randomNumbers, runGraph } from './harness.js';
import { randomBoxes } from './boxes.js';
import { runtimes } from './runtimes.js';

/** Overlaps of random boxes are kept this far from the threshold, because a GPU compares in float32. */
const MARGIN = 1e-6;

interface Row {
  name: string;
  boxes: readonly number[];
  scores: readonly number[];
  labels?: readonly number[];
  /** Default: all. */
  count?: number;
  iouThreshold?: number;
  perClass?: boolean;
  /** undefined: whatever sdk/postprocess/nms.ts says. */
  kept?: number[];
}

const pair = [0, 0, 2, 2, 0, 0, 2, 4];
const rows: Row[] = [
  { name: 'no box', boxes: pair, scores: [1, 2], count: 0, kept: [] },
  { name: 'the better of two that overlap', boxes: pair, scores: [0.1, 0.2], iouThreshold: 0.4, kept: [1] },
  { name: 'an overlap equal to the threshold drops nothing', boxes: pair, scores: [0.1, 0.2], iouThreshold: 0.5, kept: [1, 0] },
  { name: 'threshold 1 keeps even the same box', boxes: [0, 0, 3, 7, 0, 0, 3, 7], scores: [0.1, 0.2], iouThreshold: 1, kept: [1, 0] },
  { name: 'threshold 0 keeps what touches', boxes: [0, 0, 1, 1, 1, 0, 2, 1, 0.5, 0, 1.5, 1], scores: [0.3, 0.2, 0.1], iouThreshold: 0, kept: [0, 1] },
  { name: 'equal scores by lower index', boxes: [...pair, ...pair], scores: [1, 1, 1, 1], iouThreshold: 0.6, kept: [0, 1] },
  { name: 'other labels do not drop each other', boxes: [...pair, ...pair], scores: [4, 3, 2, 1], labels: [7, 7, -1, 7], iouThreshold: 0.3, kept: [0, 2] },
  { name: 'without labels they do', boxes: [...pair, ...pair], scores: [4, 3, 2, 1], labels: [7, 7, -1, 7], iouThreshold: 0.3, perClass: false, kept: [0] },
  { name: 'a dropped box drops nothing', boxes: [0, 0, 4, 1, 2, 0, 6, 1, 4, 0, 8, 1], scores: [3, 2, 1], iouThreshold: 0.3, kept: [0, 2] },
  { name: 'boxes behind the count are not seen', boxes: [...pair, ...pair], scores: [1, 2, 9, 9], count: 2, iouThreshold: 0.4, kept: [1] },
  { name: 'NaN is behind all numbers', boxes: [...pair, ...pair], scores: [Number.NaN, 2, -Infinity, 1], iouThreshold: 0.4, labels: [0, 1, 2, 3], kept: [1, 3, 2, 0] },
  { name: '100 boxes of 5 labels, threshold 0.45', boxes: randomBoxes(100, 3), scores: randomNumbers(100, 4), labels: Array.from({ length: 100 }, (_, i) => i % 5), iouThreshold: 0.45 },
  { name: '1000 boxes without labels', boxes: randomBoxes(1000, 5), scores: randomNumbers(1000, 6), perClass: false },
  { name: '1500 of 2100 boxes, many equal scores', boxes: randomBoxes(2100, 7), scores: randomNumbers(2100, 8).map((v) => Math.round(v * 8)), count: 1500, perClass: false, iouThreshold: 0.7 },
]; // prettier-ignore

async function keptOf(runtime: Runtime, row: Row): Promise<number[]> {
  const { boxes, scores, count = scores.length, iouThreshold = 0.5, perClass = true } = row;
  const labels = row.labels ?? scores.map(() => 0);
  const { graph, feeds } = caseGraph('non_max_suppression', {
    name: row.name,
    attributes: { iouThreshold, perClass },
    inputs: [
      { shape: [scores.length, 4], data: boxes },
      { shape: [scores.length], data: scores },
      { shape: [scores.length], dtype: 'int32', data: labels },
      { shape: [1], dtype: 'int32', data: [count] },
    ],
  });
  const [index, kept] = await runGraph(runtime, graph, feeds);
  return Array.from(index!.subarray(0, kept![0]));
}

/** Whether no overlap of the row lies so near to the threshold that rounding decides. */
function clearCut({ boxes, scores, count = scores.length, iouThreshold = 0.5 }: Row): boolean {
  const flat = Float32Array.from(boxes);
  for (let i = 0; i < count; i++) for (let j = 0; j < i; j++) if (Math.abs(iou(flat, i, j) - iouThreshold) < MARGIN) return false;
  return true;
}

describe.each(runtimes)('non_max_suppression on $name', ({ create, half = false }) => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await create();
  });
  afterAll(() => runtime.dispose());
  it.each(rows)('$name', async (given) => {
    // Boxes stay float32 on every device; scores in halves have ties of their own.
    const row = half ? { ...given, scores: Array.from(halfArrayToFloat(floatArrayToHalf(given.scores))) } : given;
    const { count = row.scores.length, iouThreshold = 0.5, perClass = true } = row;
    let wanted = row.kept;
    if (!wanted) {
      const part = Float32Array.from(row.scores.slice(0, count));
      const labels = row.labels ?? row.scores.map(() => 0);
      wanted = nms(Float32Array.from(row.boxes), part, labels, { iouThreshold, perClass });
    }
    expect(await keptOf(runtime, row)).toEqual(wanted);
  });
});

it('random rows have no overlap at the threshold', () => {
  for (const row of rows) if (!row.kept) expect(clearCut(row), row.name).toBe(true);
});
