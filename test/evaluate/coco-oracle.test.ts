// The WASM evaluation against its plain twin on random cases: boxes, masks, boundaries, crowds, ties, limits, areas; bit by bit.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { oracleCoco } from '../../sdk/evaluate/coco/oracle.js';
import { evaluateCoco, type IouType } from '../../sdk/evaluate/index.js';
import {
  boundaryWidth,
  decodeRle,
  encodeRle,
  rleBoundary,
  rleFromMask,
  rleFromPolygon,
  rleIntersection,
  rleToMask,
} from '../../sdk/evaluate/rle.js';

const [height, width] = [37, 53];
const coordinate = fc.oneof(
  fc.integer({ min: -20, max: 280 }).map((v) => v / 5),
  fc.double({ min: -3, max: 60, noNaN: true }),
  fc.integer({ min: 0, max: 55 }),
);
const polygon = fc.array(coordinate, { minLength: 6, maxLength: 20 }).map((list) => list.slice(0, list.length & ~1));
const mask = fc.oneof(
  fc.array(polygon, { minLength: 1, maxLength: 3 }),
  // Noise of short runs: many intervals in a column.
  fc.integer({ min: 1, max: 2 ** 30 }).map((seed) => {
    let state = seed;
    const noise = Array.from(
      { length: height * width },
      () => (state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff) >> 29,
    );
    return { size: [height, width], counts: encodeRle(rleFromMask(noise, height, width)) };
  }),
  polygon.map((xy) => ({ size: [height, width], counts: encodeRle(rleFromPolygon(xy, height, width)) })),
);
const runs = polygon.map((xy) => ({ size: [height, width], counts: encodeRle(rleFromPolygon(xy, height, width)) }));
/** Few places, so that overlaps, equal overlaps and exact thresholds are common. */
const box = fc
  .tuple(
    fc.integer({ min: 0, max: 4 }),
    fc.integer({ min: 0, max: 3 }),
    fc.integer({ min: -1, max: 10 }),
    fc.integer({ min: 1, max: 10 }),
  )
  .map(([x, y, w, h]) => [x * 4, y * 4, w * 2, h * 2]);
const score = fc.oneof(
  fc.integer({ min: -3, max: 12 }).map((v) => v / 10),
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.constant(-0),
);

function cases(masks: boolean) {
  const place = { image_id: fc.integer({ min: 1, max: 3 }), category_id: fc.integer({ min: 1, max: 2 }) };
  return fc.record({
    annotations: fc.array(
      fc.record({
        ...place,
        bbox: box,
        area: fc.constantFrom(0, 100, 1024, 1025, 9216, 20000),
        iscrowd: fc.constantFrom(0, 0, 0, 1),
        ignore: fc.constantFrom(0, 0, 1),
        ...(masks ? { segmentation: mask } : {}),
      }),
      { maxLength: 14 },
    ),
    detections: fc.array(fc.record({ ...place, score, ...((masks ? { segmentation: runs } : { bbox: box }) as object) }), {
      minLength: 1,
      maxLength: 60,
    }),
    maxDetections: fc.constantFrom([1, 10, 100], [2, 3, 4], [1, 1, 5, 100]),
    useCategories: fc.boolean(),
    iouThresholds: fc.constantFrom(
      undefined,
      [0, 0.25, 1],
      [0.5],
      Array.from({ length: 32 }, (_, i) => i / 31),
    ),
  });
}

const images = [3, 1, 2].map((id) => ({ id, height, width }));
const categories = [2, 1, 5].map((id) => ({ id, name: `class ${id}` }));

async function compare(
  iouType: IouType,
  random: {
    annotations: object[];
    detections: object[];
    maxDetections: number[];
    useCategories: boolean;
    iouThresholds: number[] | undefined;
  },
) {
  const { maxDetections, useCategories, iouThresholds } = random;
  const groundTruth = { images, categories, annotations: random.annotations.map((annotation, i) => ({ id: i, ...annotation })) };
  const options = { iouType, maxDetections, useCategories, iouThresholds };
  const input = { groundTruth, detections: random.detections, ...options };
  const fast = await evaluateCoco(input as never);
  const slow = oracleCoco({ ...input, iouThresholds: iouThresholds ?? fast.iouThresholds } as never);
  for (const key of ['precision', 'recall', 'scores'] as const) {
    // Object.is on every cell: -0 and 0 are different bits.
    const other = slow[key];
    expect(fast[key].length).toBe(other.length);
    const at = fast[key].findIndex((value, i) => !Object.is(value, other[i]));
    expect(at, `${key}[${at}]: ${fast[key][at]} and ${other[at]}`).toBe(-1);
  }
}

describe('WASM and plain twin agree on every bit', { timeout: 90_000 }, () => {
  test('boxes', async () => {
    await fc.assert(
      fc.asyncProperty(cases(false), (random) => compare('bbox', random as never)),
      { numRuns: 80 },
    );
  });
  test('masks', async () => {
    await fc.assert(
      fc.asyncProperty(cases(true), (random) => compare('segm', random as never)),
      { numRuns: 40 },
    );
  });
  test('boundaries', async () => {
    await fc.assert(
      fc.asyncProperty(cases(true), (random) => compare('boundary', random as never)),
      { numRuns: 40 },
    );
  });
  test('long lists of one class, which are sorted by radix', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(score, box), { minLength: 41, maxLength: 400 }), (rows) =>
        compare('bbox', {
          annotations: rows
            .slice(0, 30)
            .map(([, bbox], i) => ({ image_id: 1 + (i % 3), category_id: 1, bbox, area: 500, iscrowd: i % 9 === 0 ? 1 : 0 })),
          detections: rows.map(([value, bbox], i) => ({ image_id: 1 + (i % 3), category_id: 1, score: value, bbox })),
          maxDetections: [1, 10, 100],
          useCategories: true,
          iouThresholds: undefined,
        }),
      ),
      { numRuns: 25 },
    );
  });
});

describe('masks as runs', () => {
  const bits = fc.array(fc.boolean(), { minLength: 12 * 9, maxLength: 12 * 9 }).map((list) => Uint8Array.from(list, Number));
  test('text and dense images are kept both ways', () => {
    fc.assert(
      fc.property(bits, (dense) => {
        const rle = rleFromMask(dense, 12, 9);
        expect(rleToMask(rle)).toEqual(dense);
        expect(decodeRle(encodeRle(rle), 12, 9)).toEqual(rle);
      }),
    );
  });
  test('shared pixels are those of the dense images', () => {
    fc.assert(
      fc.property(bits, bits, (a, b) => {
        expect(rleIntersection(rleFromMask(a, 12, 9), rleFromMask(b, 12, 9))).toBe(
          a.reduce((sum, bit, i) => sum + (bit & b[i]!), 0),
        );
      }),
    );
  });
  test('boundary is what erosion by a square takes away', () => {
    fc.assert(
      fc.property(bits, fc.integer({ min: 1, max: 3 }), (dense, d) => {
        const inside = (x: number, y: number) => {
          for (let dy = -d; dy <= d; dy++)
            for (let dx = -d; dx <= d; dx++) {
              const [u, v] = [x + dx, y + dy];
              if (u < 0 || v < 0 || u >= 9 || v >= 12 || !dense[v * 9 + u]) return false;
            }
          return true;
        };
        const wanted = dense.map((bit, i) => (bit && !inside(i % 9, Math.floor(i / 9)) ? 1 : 0));
        expect(rleToMask(rleBoundary(rleFromMask(dense, 12, 9), d))).toEqual(wanted);
      }),
    );
  });
  test('width of the boundary rounds halves to even, as Python does', () => {
    // 0.02 * diagonal of 30 x 40 is 1; of 75 x 100 2.5; of 105 x 140 3.5.
    expect([boundaryWidth(30, 40), boundaryWidth(75, 100), boundaryWidth(105, 140), boundaryWidth(3, 4)]).toEqual([1, 2, 4, 1]);
  });
});
