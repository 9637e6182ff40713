// Suppression and selection as tables: each row ends in the reason it exists.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArgumentError, DeviceError } from '../../sdk/errors.js';
import { iou, nms } from '../../sdk/postprocess/nms.js';
import { selectDetections } from '../../sdk/postprocess/select.js';

type Row = [x1: number, y1: number, x2: number, y2: number, score: number, label: number];

const arrays = (rows: readonly Row[]) => ({
  boxes: Float32Array.from(rows.flatMap((row) => row.slice(0, 4))),
  scores: Float32Array.from(rows, (row) => row[4]),
  labelIndices: Int32Array.from(rows, (row) => row[5]),
});

/** Quotients of small integers in double precision: at most one rounding. */
const ONE_ROUNDING = 2 ** -53;

describe('iou', () => {
  it.each<[number[], number[], number, string]>([
    [[0, 0, 2, 2], [0, 0, 2, 2], 1, 'equal'],
    [[0, 0, 2, 2], [1, 0, 3, 2], 1 / 3, 'half over half'],
    [[0, 0, 4, 4], [1, 1, 3, 3], 1 / 4, 'one inside the other'],
    [[0, 0, 2, 2], [2, 0, 4, 2], 0, 'touching'],
    [[0, 0, 2, 2], [5, 5, 6, 6], 0, 'apart'],
    [[0, 0, 0, 2], [0, 0, 0, 2], 0, 'both empty'],
    [[0, 0, 2, 2], [1, 1, 1, 1], 0, 'a point inside'],
    [[3, 3, 1, 1], [1, 1, 3, 3], 0, 'corners swapped: empty'],
  ])('%j %j: %d (%s)', (a, b, wanted) => {
    const boxes = [...a, ...b];
    expect(Math.abs(iou(boxes, 0, 1) - wanted)).toBeLessThanOrEqual(ONE_ROUNDING);
    expect(iou(boxes, 1, 0)).toBe(iou(boxes, 0, 1));
  });
});

describe('nms', () => {
  const half: Row[] = [[0, 0, 2, 1, 0.9, 0], [1, 0, 2, 1, 0.8, 0]]; // prettier-ignore
  it.each<[string, Row[], number, boolean, number[]]>([
    ['empty', [], 0.5, true, []],
    ['a single box', [[0, 0, 1, 1, 0.5, 0]], 0.5, true, [0]],
    ['an overlap of exactly the threshold stays: only more drops', half, 0.5, true, [0, 1]],
    ['just above the threshold', half, 0.5 - 2 ** -20, true, [0]],
    ['just below the threshold', half, 0.5 + 2 ** -20, true, [0, 1]],
    [
      'equal boxes at threshold 1',
      [
        [0, 0, 1, 1, 0.5, 0],
        [0, 0, 1, 1, 0.4, 0],
      ],
      1,
      true,
      [0, 1],
    ],
    [
      'touching boxes at threshold 0',
      [
        [0, 0, 1, 1, 0.5, 0],
        [1, 0, 2, 1, 0.4, 0],
      ],
      0,
      true,
      [0, 1],
    ],
    ['the better one wins, wherever it stands', [half[1]!, half[0]!], 0.4, true, [1]],
    [
      'a tie goes to the first',
      [
        [0, 0, 1, 1, 0.5, 0],
        [0, 0, 1, 1, 0.5, 0],
      ],
      0.5,
      true,
      [0],
    ],
    ['another label is left alone', [half[0]!, [1, 0, 2, 1, 0.8, 1]], 0.4, true, [0, 1]],
    ['unless labels do not count', [half[0]!, [1, 0, 2, 1, 0.8, 1]], 0.4, false, [0]],
    [
      'what is dropped drops nothing',
      [
        [0, 0, 3, 1, 0.9, 0],
        [1, 0, 4, 1, 0.8, 0],
        [2, 0, 5, 1, 0.7, 0],
      ],
      0.4,
      true,
      [0, 2],
    ],
    [
      'empty boxes drop nothing',
      [
        [1, 1, 1, 1, 0.9, 0],
        [1, 1, 1, 1, 0.8, 0],
      ],
      0,
      true,
      [0, 1],
    ],
  ])('%s', (_, rows, iouThreshold, perClass, kept) => {
    const { boxes, scores, labelIndices } = arrays(rows);
    expect(nms(boxes, scores, labelIndices, { iouThreshold, perClass })).toEqual(kept);
  });

  it('stops at the limit', () => {
    const { boxes, scores, labelIndices } = arrays([[0, 0, 1, 1, 0.1, 0], [2, 0, 3, 1, 0.2, 0], [4, 0, 5, 1, 0.3, 0]]); // prettier-ignore
    expect(nms(boxes, scores, labelIndices, { iouThreshold: 0.5 }, 2)).toEqual([2, 1]);
  });

  const row = fc.tuple(fc.nat(6), fc.nat(6), fc.nat(6), fc.nat(6), fc.integer({ min: 0, max: 4 }).map((s) => s / 4), fc.nat(2)).map(([x, y, w, h, s, l]): Row => [x, y, x + w, y + h, s, l]); // prettier-ignore
  it('the definition holds: kept ones do not overlap, dropped ones overlap a better kept one', () => {
    fc.assert(
      fc.property(
        fc.array(row, { maxLength: 30 }),
        fc.constantFrom(0, 0.2, 1 / 3, 0.5, 0.7, 1),
        fc.boolean(),
        (rows, iouThreshold, perClass) => {
          const { boxes, scores, labelIndices } = arrays(rows);
          const kept = nms(boxes, scores, labelIndices, { iouThreshold, perClass });
          const meets = (i: number, j: number): boolean =>
            (!perClass || rows[i]![5] === rows[j]![5]) && iou(boxes, i, j) > iouThreshold;
          const before = (i: number, j: number): boolean => scores[i]! > scores[j]! || (scores[i] === scores[j] && i < j);
          kept.forEach((i, place) => {
            for (const j of kept.slice(place + 1)) {
              expect(before(i, j)).toBe(true);
              expect(meets(i, j)).toBe(false);
            }
          });
          rows.forEach((_, i) => {
            if (!kept.includes(i)) expect(kept.some((j) => before(j, i) && meets(j, i))).toBe(true);
          });
        },
      ),
    );
  });

  it.each([-0.1, 1.1, Number.NaN, '0.5', undefined])('the threshold %s is refused', (iouThreshold) => {
    expect(() => nms([], [], [], { iouThreshold: iouThreshold as number })).toThrow(ArgumentError);
  });
});

describe('selectDetections', () => {
  const rows: Row[] = [[0, 0, 4, 4, 0.3, 0], [-2, -2, 3, 3, 0.9, 1], [5, 5, 5, 9, 0.8, 0], [1, 0, 4, 4, 0.7, 0], [20, 0, 30, 4, 0.6, 2]]; // prettier-ignore
  it.each<[string, Parameters<typeof selectDetections>[1], number[]]>([
    ['by default only sorts and drops empty boxes', {}, [0.9, 0.7, 0.6, 0.3]],
    ['threshold', { scoreThreshold: 0.65 }, [0.9, 0.7]],
    ['the threshold itself passes', { scoreThreshold: Math.fround(0.7) }, [0.9, 0.7]],
    ['top', { maxDetections: 1 }, [0.9]],
    ['none wanted', { maxDetections: 0 }, []],
    ['suppression by label', { nms: { iouThreshold: 0.5 } }, [0.9, 0.7, 0.6]],
    ['suppression across labels', { nms: { iouThreshold: 0.19, perClass: false } }, [0.9, 0.6]],
    ['suppression before the limit', { nms: { iouThreshold: 0.5 }, maxDetections: 3 }, [0.9, 0.7, 0.6]],
  ])('%s', (_, options, scores) => {
    const candidates = arrays(rows);
    const before = structuredClone(candidates);
    const kept = selectDetections(candidates, options);
    expect([...kept.scores]).toEqual(scores.map(Math.fround));
    kept.scores.forEach((score, j) => {
      const i = rows.findIndex((row) => Math.fround(row[4]) === score);
      expect(kept.labelIndices[j]).toBe(rows[i]![5]);
      expect([...kept.boxes.subarray(j * 4, j * 4 + 4)]).toEqual(rows[i]!.slice(0, 4));
    });
    expect(candidates).toEqual(before);
  });

  it('equal scores stay in input order', () => {
    const same = arrays(Array.from({ length: 20 }, (_, i): Row => [i, 0, i + 1, 1, 0.5, i]));
    expect([...selectDetections(same).labelIndices]).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  it.each<[string, Row]>([
    ['a box', [0, Number.NaN, 1, 1, 0.5, 0]],
    ['an infinite box', [Number.NEGATIVE_INFINITY, 0, 1, 1, 0.5, 0]],
    ['a score', [0, 0, 1, 1, Number.NaN, 0]],
  ])('%s that is no number is an error of the device, not a missing detection', (_, row) => {
    expect(() => selectDetections(arrays([row]))).toThrow(DeviceError);
  });

  it.each<[string, Parameters<typeof selectDetections>[1]]>([
    ['a threshold of 2', { scoreThreshold: 2 }],
    ['a threshold of NaN', { scoreThreshold: Number.NaN }],
    ['a negative limit', { maxDetections: -1 }],
    ['an IoU threshold of 50', { nms: { iouThreshold: 50 } }],
  ])('%s is refused, also without candidates', (_, options) =>
    expect(() => selectDetections(arrays([]), options)).toThrow(ArgumentError),
  );

  it('arrays that do not fit are refused', () => {
    expect(() => selectDetections({ ...arrays(rows), scores: new Float32Array(3) })).toThrow(/\[n, 4\], \[n\] and \[n\]/u);
  });
});
