// Hard, soft and matrix NMS and weighted box fusion on cases that can be computed by hand.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fuseBoxes, matrixNms, nms, pairwiseIou, softNms } from '../../sdk/evaluate/match/index.js';

/** A few products and an exp of doubles: rounding only. */
const tolerance = 1e-14;
const close = (found: ArrayLike<number>, wanted: readonly number[]) => {
  expect(found.length).toBe(wanted.length);
  wanted.forEach((value, i) => expect(Math.abs(found[i]! - value)).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(value))));
};

// Two boxes with IoU 50/150 = 1/3 and one far away.
const boxes = [0, 0, 10, 10, 5, 0, 15, 10, 100, 100, 110, 110];
const scores = [0.9, 0.8, 0.3];
const third = 1 / 3;

describe('nms', () => {
  it.each([
    ['drops what overlaps more', [0, 0, 0], 0.3, true, [0, 2]],
    ['keeps what overlaps exactly as much', [0, 0, 0], third, true, [0, 1, 2]],
    ['keeps other labels', [0, 1, 0], 0.3, true, [0, 1, 2]],
    ['drops other labels where asked', [0, 1, 0], 0.3, false, [0, 2]],
  ])('%s', (_, labels, iouThreshold, perClass, kept) =>
    expect(nms(boxes, scores, labels, { iouThreshold, perClass })).toEqual(kept),
  );
});

describe('softNms', () => {
  it.each([
    ['linear above the threshold', { method: 'linear', iouThreshold: 0.3 }, [0, 0, 0], [0, 1, 2], [0.9, 0.8 * (1 - third), 0.3]],
    ['linear below it', { method: 'linear', iouThreshold: 0.5 }, [0, 0, 0], [0, 1, 2], [0.9, 0.8, 0.3]],
    ['gaussian', { sigma: 0.1 }, [0, 0, 0], [0, 2, 1], [0.9, 0.3, 0.8 * Math.exp(-(third * third) / 0.1)]],
    ['other labels stay', { sigma: 0.1 }, [0, 1, 0], [0, 1, 2], [0.9, 0.8, 0.3]],
    ['other labels fall where asked', { method: 'linear', perClass: false }, [0, 1, 0], [0, 1, 2], [0.9, 0.8 * (1 - third), 0.3]],
    ['what falls too low is dropped', { sigma: 0.01, scoreThreshold: 0.1 }, [0, 0, 0], [0, 2], [0.9, 0.3]],
    ['a limit', { method: 'linear', limit: 1 }, [0, 0, 0], [0], [0.9]],
  ] as const)('%s', (_, options, labels, indices, wanted) => {
    const result = softNms(boxes, scores, labels, options);
    expect([...result.indices]).toEqual(indices);
    // exp of the second case: 0.8 e^-1.11 = 0.263 is below 0.3, which is why the order changes.
    close(result.scores, wanted);
  });

  it('does not raise scores, and never returns more than came in', () => {
    const box = fc.tuple(fc.nat(50), fc.nat(50), fc.nat(30), fc.nat(30)).map(([x, y, w, h]) => [x, y, x + w, y + h]);
    fc.assert(
      fc.property(fc.array(fc.tuple(box, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(2)), { maxLength: 12 }), (rows) => {
        const given = rows.map((row) => row[1]);
        const result = softNms(
          rows.flatMap((row) => row[0]),
          given,
          rows.map((row) => row[2]),
        );
        expect(new Set(result.indices).size).toBe(result.indices.length);
        result.indices.forEach((i, k) => expect(result.scores[k]).toBeLessThanOrEqual(given[i]!));
        expect([...result.scores]).toEqual([...result.scores].sort((a, b) => b - a));
      }),
    );
  });

  it.each([
    [() => softNms(boxes, scores, [0]), /labelIndices: found length 1; wanted 3/],
    [() => softNms(boxes, scores, [0, 0, 0], { sigma: 0 }), /sigma: found 0/],
    [() => softNms(boxes, scores, [0, 0, 0], { method: 'hard' as never }), /"linear" or "gaussian"/],
    [() => matrixNms([1], scores, [0, 0, 0]), /ious: found length 1; wanted 9/],
  ])('refuses %#', (run, message) => expect(run).toThrow(message));
});

describe('matrixNms', () => {
  const ious = pairwiseIou(boxes, boxes);
  it.each([
    ['linear', { method: 'linear' }, [0, 0, 0], [0, 1, 2], [0.9, 0.8 * (1 - third), 0.3]],
    ['gaussian', {}, [0, 0, 0], [0, 1, 2], [0.9, 0.8 * Math.exp(-(third * third) / 0.5), 0.3]],
    ['other labels stay', {}, [0, 1, 2], [0, 1, 2], [0.9, 0.8, 0.3]],
    ['what falls too low is dropped', { method: 'linear', scoreThreshold: 0.31 }, [0, 0, 0], [0, 1], [0.9, 0.8 * (1 - third)]],
  ] as const)('%s', (_, options, labels, indices, wanted) => {
    const result = matrixNms(ious, scores, labels, options);
    expect([...result.indices]).toEqual(indices);
    close(result.scores, wanted);
  });

  it('a neighbour that is itself covered lowers less', () => {
    // 0 and 1 overlap by 0.5, 1 and 2 by 0.8, 0 and 2 not: 2 falls by (1 - 0.8) / (1 - 0.5) = 0.4 instead of 0.2.
    const overlaps = [1, 0.5, 0, 0.5, 1, 0.8, 0, 0.8, 1];
    close(matrixNms(overlaps, [0.9, 0.8, 0.7], [0, 0, 0], { method: 'linear' }).scores, [0.9, 0.4, 0.7 * ((1 - 0.8) / 0.5)]);
  });

  it('copies of one region: only the best keeps its score', () => {
    const result = matrixNms(Array(9).fill(1), [0.5, 0.9, 0.7], [0, 0, 0], { method: 'linear', scoreThreshold: 0 });
    expect([...result.scores]).toEqual([0.9, 0, 0]);
  });
});

describe('fuseBoxes', () => {
  const model = (box: number[], score: number, label = 0) => ({ boxes: box, scores: [score], labelIndices: [label] });
  const a = model([0, 0, 10, 10], 0.9);
  const b = model([0, 0, 12, 10], 0.6);

  it.each([
    ['means weighted by score', [a, b], {}, [0, 0, (10 * 0.9 + 12 * 0.6) / 1.5, 10], [0.75], [2]],
    [
      'one model of two saw it: half the score',
      [a, model([50, 50, 60, 60], 0.6)],
      {},
      [0, 0, 10, 10, 50, 50, 60, 60],
      [0.45, 0.3],
      [1, 1],
    ],
    ['other labels stay apart', [a, model([0, 0, 12, 10], 0.6, 1)], {}, [0, 0, 10, 10, 0, 0, 12, 10], [0.45, 0.3], [1, 1]],
    [
      'trusted models count more',
      [a, b],
      { weights: [1, 3] },
      [0, 0, (10 * 0.9 + 12 * 1.8) / 2.7, 10],
      [((0.9 + 1.8) / 2) * (2 / 4)],
      [2],
    ],
    ['max keeps the best score', [a, b], { score: 'max' }, [0, 0, (10 * 0.9 + 12 * 0.6) / 1.5, 10], [0.9], [2]],
    ['low scores are left out', [a, b], { scoreThreshold: 0.7 }, [0, 0, 10, 10], [0.45], [1]],
    ['boxes without area are left out', [a, model([3, 3, 3, 9], 0.8)], {}, [0, 0, 10, 10], [0.45], [1]],
    ['nothing', [], {}, [], [], []],
  ] as const)('%s', (_, models, options, wantedBoxes, wantedScores, members) => {
    const fused = fuseBoxes(models, options);
    close(fused.boxes, [...wantedBoxes]);
    close(fused.scores, [...wantedScores]);
    expect([...fused.members]).toEqual([...members]);
  });

  it('with overflow, two boxes of one model count as two', () => {
    const twice = { boxes: [0, 0, 10, 10, 0, 0, 10, 10], scores: [0.9, 0.9], labelIndices: [0, 0] };
    close(fuseBoxes([twice]).scores, [0.9]);
    close(fuseBoxes([twice], { overflow: true }).scores, [1.8]);
  });

  it.each([
    [() => fuseBoxes([a], { weights: [1, 1] }), /found 2 weights: 1, 1; wanted 1 numbers above 0/],
    [() => fuseBoxes([a], { weights: [0] }), /above 0/],
    [() => fuseBoxes([{ ...a, scores: [] }]), /model 0: found boxes of 4 numbers, 0 scores/],
  ])('refuses %#', (run, message) => expect(run).toThrow(message));
});
