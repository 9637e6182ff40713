// Pairwise overlaps: both engines bit for bit, COCO's box IoU, the crowd rule, and what is refused.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boxIous } from '../../sdk/evaluate/iou.js';
import { pairwiseIou, pairwiseMaskIou, rleFromMask } from '../../sdk/evaluate/match/index.js';

describe('pairwiseIou', () => {
  it.each([
    ['the same box', [0, 0, 10, 10], [0, 0, 10, 10], 1],
    ['half shifted: 50 of 150', [0, 0, 10, 10], [5, 0, 15, 10], 50 / 150],
    ['touching edges share nothing', [0, 0, 10, 10], [10, 0, 20, 10], 0],
    ['a box inside', [0, 0, 10, 10], [2, 2, 4, 4], 4 / 100],
    ['no width', [0, 0, 10, 10], [3, 3, 3, 9], 0],
    ['corners the wrong way round', [0, 0, 10, 10], [8, 8, 2, 2], 0],
    ['NaN', [0, 0, 10, 10], [Number.NaN, 0, 10, 10], 0],
  ])('%s', (_, a, b, wanted) => expect([...pairwiseIou(a, b)]).toEqual([wanted]));

  it('divides by the detection alone in a crowd', () => {
    expect([...pairwiseIou([0, 0, 10, 10], [0, 0, 5, 10, 0, 0, 5, 10], { crowd: [true, false] })]).toEqual([0.5, 0.5]);
    expect([...pairwiseIou([0, 0, 10, 10], [5, 0, 25, 10, 5, 0, 25, 10], { crowd: [1, 0] })]).toEqual([0.5, 50 / 250]);
  });

  const number = fc.oneof(fc.double({ min: -50, max: 700, noNaN: true }), fc.integer({ min: -5, max: 20 }));
  it('gives the same bits in WASM, in JavaScript and in COCO’s own order of operations', () => {
    // 71 x 73 pairs are above the size from which WASM is used; both sizes are odd, so that the padded column is there.
    fc.assert(
      fc.property(fc.infiniteStream(number), fc.boolean(), (stream, flags) => {
        const values = (n: number) => Float64Array.from({ length: n }, () => stream.next().value as number);
        const [a, b] = [values(71 * 4), values(73 * 4)];
        const crowd = flags ? Array.from({ length: 73 }, (_, j) => j % 3 === 0) : undefined;
        for (const format of ['xywh', 'xyxy'] as const) {
          expect(pairwiseIou(a, b, { format, crowd })).toEqual(pairwiseIou(a, b, { format, crowd, engine: 'plain' }));
        }
        expect(pairwiseIou(a, b, { format: 'xywh', crowd })).toEqual(boxIous(a, b, crowd));
      }),
      { numRuns: 25 },
    );
  });

  it('is empty for empty lists', () => {
    expect(pairwiseIou([], [1, 2, 3, 4]).length).toBe(0);
    expect(pairwiseIou([1, 2, 3, 4], []).length).toBe(0);
  });

  it.each([
    ['three numbers', () => pairwiseIou([1, 2, 3], []), /pairwiseIou a: found 3 numbers; wanted four numbers a box/],
    ['no array', () => pairwiseIou([], undefined as never), /pairwiseIou b: found undefined/],
    ['too few crowd flags', () => pairwiseIou([0, 0, 1, 1], [0, 0, 1, 1], { crowd: [] }), /found 0 flags; wanted 1/],
    ['an unknown format', () => pairwiseIou([], [], { format: 'cxcywh' as never }), /"xyxy" or "xywh"/],
  ])('refuses %s', (_, run, message) => expect(run).toThrow(message));
});

describe('pairwiseMaskIou', () => {
  const mask = (...pixels: number[]) => rleFromMask(pixels, 2, 3);
  it.each([
    ['the same mask', mask(1, 1, 0, 0, 0, 0), mask(1, 1, 0, 0, 0, 0), false, 1],
    ['one of three pixels', mask(1, 1, 0, 0, 0, 0), mask(0, 1, 1, 0, 0, 0), false, 1 / 3],
    ['a crowd: one of two', mask(1, 1, 0, 0, 0, 0), mask(0, 1, 1, 0, 0, 0), true, 1 / 2],
    ['boxes overlap, pixels do not', mask(1, 0, 0, 0, 1, 0), mask(0, 1, 0, 1, 0, 0), false, 0],
    ['other sizes of image', mask(1, 1, 0, 0, 0, 0), rleFromMask([1, 1, 0, 0], 2, 2), false, -1],
  ])('%s', (_, a, b, crowd, wanted) => expect([...pairwiseMaskIou([a], [b], { crowd: [crowd] })]).toEqual([wanted]));
});
