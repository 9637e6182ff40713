// COCO's greedy matching, one rule a row.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchGreedy } from '../../sdk/evaluate/match/index.js';

interface Row {
  why: string;
  /** One row a detection. */
  ious: number[][];
  scores?: number[];
  ignore?: number[];
  crowd?: number[];
  thresholds?: number[];
  truthOf: number[];
  ignored?: number[];
}

const rows: Row[] = [
  { why: 'the better detection chooses first', ious: [[0.9], [0.6]], scores: [0.1, 0.9], truthOf: [-1, 0] },
  { why: 'equal scores: the first chooses first', ious: [[0.6], [0.9]], scores: [0.5, 0.5], truthOf: [0, -1] },
  { why: 'a NaN score chooses last', ious: [[0.9], [0.6]], scores: [Number.NaN, 0.1], truthOf: [-1, 0] },
  {
    why: 'a taken region is skipped, the second best taken',
    ious: [
      [0.9, 0.6],
      [0.9, 0.6],
    ],
    truthOf: [0, 1],
  },
  { why: 'of equal overlaps the later region wins', ious: [[0.7, 0.7]], truthOf: [1] },
  { why: 'the threshold itself matches', ious: [[0.5]], truthOf: [0] },
  { why: 'just below it does not', ious: [[0.5 - 1e-12]], truthOf: [-1] },
  { why: 'a perfect overlap matches at a threshold of 1', ious: [[1]], thresholds: [1], truthOf: [0] },
  { why: 'NaN matches nothing', ious: [[Number.NaN]], truthOf: [-1] },
  {
    why: 'a region that counts comes before a better ignored one',
    ious: [[0.9, 0.6]],
    ignore: [1, 0],
    truthOf: [1],
    ignored: [0],
  },
  { why: 'an ignored region is taken where nothing else is', ious: [[0.9, 0.2]], ignore: [1, 0], truthOf: [0], ignored: [1] },
  { why: 'an ignored region is taken once', ious: [[0.9], [0.9]], ignore: [1], truthOf: [0, -1], ignored: [1, 0] },
  {
    why: 'a crowd takes any number',
    ious: [[0.9], [0.8], [0.7]],
    ignore: [1],
    crowd: [1],
    truthOf: [0, 0, 0],
    ignored: [1, 1, 1],
  },
  { why: 'each threshold is matched by itself', ious: [[0.6, 0.8]], thresholds: [0.5, 0.7, 0.9], truthOf: [1, 1, -1] },
  { why: 'no regions', ious: [[], []], truthOf: [-1, -1] },
  { why: 'no detections', ious: [], truthOf: [] },
];

describe('matchGreedy', () => {
  it.each(rows)('$why', ({ ious, scores, ignore, crowd, thresholds = [0.5], truthOf, ignored }) => {
    const result = matchGreedy(ious.flat(), {
      detections: ious.length,
      truths: ious[0]?.length ?? 0,
      iouThresholds: thresholds,
      scores,
      ignore,
      crowd,
    });
    expect([...result.truthOf]).toEqual(truthOf);
    if (ignored) expect([...result.ignored]).toEqual(ignored);
  });

  it('takes every region once at most and says so from both sides', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 8 }),
        fc.integer({ min: 0, max: 8 }),
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        (D, G, stream) => {
          const ious = Array.from({ length: D * G }, () => stream.next().value as number);
          const { truthOf, detectionOf } = matchGreedy(ious, { detections: D, truths: G, iouThresholds: [0.3] });
          const taken = [...truthOf].filter((g) => g >= 0);
          expect(new Set(taken).size).toBe(taken.length);
          truthOf.forEach((g, d) => g < 0 || expect(detectionOf[g]).toBe(d));
          detectionOf.forEach((d, g) => d < 0 || expect(truthOf[d]).toBe(g));
          // Greedy is maximal: whoever is left alone finds no free region above the threshold.
          truthOf.forEach((g, d) => {
            if (g < 0) for (let k = 0; k < G; k++) if (detectionOf[k]! < 0) expect(ious[d * G + k]).toBeLessThan(0.3);
          });
        },
      ),
    );
  });

  it('refuses lengths that do not fit', () => {
    const shape = { detections: 2, truths: 2, iouThresholds: [0.5] };
    expect(() => matchGreedy([1, 2, 3], shape)).toThrow(/ious: found 3 numbers; wanted 4/);
    expect(() => matchGreedy([1, 2, 3, 4], { ...shape, crowd: [1] })).toThrow(/crowd: found 1/);
  });
});
