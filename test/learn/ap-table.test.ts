// APs of the table against the plain twin: own, cross and merged, in every mode; bounds; intervals; UniDet's shortcut.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApTable, type MergeRule } from '../../sdk/learn/costs/ap-table.js';
import { rankScores } from '../../sdk/learn/costs/average-precision.js';
import { FiringsBuilder, type ImageFirings } from '../../sdk/learn/firings/firings.js';
import { labelSpace } from '../../sdk/taxonomy/label-space.js';
import { arbitraryImages, build } from './arbitrary.js';
import { detectionsOf, twinAp, twinMerge } from './ap-twin.js';

/** Both add the same numbers; only the order of 101 terms differs. */
const roundOff = 1e-12;

function same(found: number, wanted: number, what: string): void {
  if (Number.isNaN(wanted)) expect(found, what).toBeNaN();
  else expect(Math.abs(found - wanted), `${what}: ${found} for ${wanted}`).toBeLessThan(roundOff);
}

/** Means of 0.25 and of 0.2 + 0.05 with nothing: equal as float32, not as doubles. Found by a random draw. */
const means: ImageFirings[] = [
  {
    dataset: 'set1',
    id: 0,
    truths: { boxes: [0, 0, 30, 40], labels: [0], crowd: [false] },
    boxes: [0, 0, 20, 20, 0, 0, 20, 20, 0, 0, 20, 20, 0, 0, 20, 20, 0, 0, 20, 30],
    entries: { boxes: [4, 0, 4], labels: [2, 2, 4], scores: [0.2, 0.25, 0.05] },
  },
  {
    dataset: 'set0',
    id: 1,
    truths: { boxes: [], labels: [], crowd: [] },
    boxes: [],
    entries: { boxes: [], labels: [], scores: [] },
  },
];

describe('table of APs', () => {
  it.each([
    { images: 'all', minScore: 0, misses: 'all' },
    { images: 'with-label', minScore: 0.1, misses: 'all' },
    { images: 'all', minScore: 0, misses: 'background' },
  ] as const)(
    'gives every AP of the plain twin: $images images, scores from $minScore, misses: $misses',
    async ({ images, minScore, misses }) => {
      await fc.assert(
        fc.asyncProperty(arbitraryImages(), async (list) => {
          const firings = build(list);
          const options = { iou: 0.5, images, epsilon: 2 ** -52, minScore, misses };
          const table = await ApTable.of(firings, options);
          for (let a = 0; a < firings.count; a++) {
            for (let b = 0; b < firings.count; b++) {
              if (a !== b && firings.datasetOf[a] === firings.datasetOf[b]) continue;
              const wanted = twinAp(firings, b, options, (image) => detectionsOf(firings, image, a, minScore));
              const found = table.ap(a, b);
              same(found, wanted, `AP of ${a} on ${b}`);
              if (wanted > 0) expect(table.bound(a, b)).toBeGreaterThanOrEqual(wanted - roundOff);
            }
          }
        }),
        { numRuns: 150 },
      );
    },
  );

  it.each<MergeRule & { images: 'all' | 'with-label' }>([
    { combine: 'union', nms: 0.5, plusOne: true, images: 'with-label' },
    { combine: 'union', nms: 1, images: 'all' },
    { combine: 'average', nms: 0.5, images: 'all' },
    { combine: 'average', nms: 1, match: 0.9, images: 'all' },
  ])('merges as the plain twin: $combine, nms $nms, $images images', async ({ images, ...rule }) => {
    await fc.assert(
      fc.asyncProperty(arbitraryImages(), fc.subarray([0, 2, 4], { minLength: 2 }), async (list, members) => {
        const firings = build(list);
        const options = { iou: 0.5, images, epsilon: 1e-8, minScore: 0 };
        const table = await ApTable.of(firings, options);
        const plain = {
          combine: rule.combine,
          nms: rule.nms ?? 0.5,
          plus: rule.plusOne ? 1 : 0,
          match: (rule.match ?? 0.5) as number,
        };
        for (const c of members) {
          const wanted = twinAp(firings, c, options, (image) => twinMerge(firings, members, image, 0, plain));
          same(table.mergedAp(members, c, rule), wanted, `merged AP of ${members.join()} on ${c}`);
        }
      }),
      { numRuns: 150, examples: [[means, [2, 4]]] },
    );
  });

  it('averages the scores of a proposal, whatever its boxes', async () => {
    const spaces = [labelSpace('a', ['x']), labelSpace('b', ['y'])];
    const builder = new FiringsBuilder(spaces);
    builder.addImage({
      dataset: 'a',
      id: 1,
      truths: { boxes: [0, 0, 10, 10], labels: [0] },
      boxes: [0, 0, 10, 10, 100, 100, 110, 110, 50, 50, 60, 60],
      proposals: [7, 7, 8],
      entries: { boxes: [0, 1, 2], labels: [0, 1, 1], scores: [0.5, 0.4, 0.9] },
    });
    const table = await ApTable.of(builder.finish());
    const outcomes = table.merged([0, 1], 0, { combine: 'average', match: 'proposal' });
    // (0.5 + 0.4) / 2 equals 0.9 / 2: a hit, then a miss, or the other way round; the box that comes first wins.
    expect([...outcomes.outcomes]).toEqual([1, 0]);
  });

  it("takes UniDet's shortcut only where more than 100 ground truths give fewer than 10 hits", async () => {
    const make = async (hits: number, shortcut: boolean): Promise<number> => {
      const builder = new FiringsBuilder([labelSpace('a', ['x'])]);
      for (let id = 0; id < 120; id++) {
        const found = id < hits ? [0] : [];
        builder.addImage({
          dataset: 'a',
          id,
          truths: { boxes: [0, 0, 10, 10], labels: [0] },
          boxes: found.flatMap(() => [0, 0, 10, 10]),
          entries: { boxes: found, labels: found, scores: found.map(() => 0.5) },
        });
      }
      return (await ApTable.of(builder.finish(), { shortcut })).own(0);
    };
    expect(await make(9, false)).toBeGreaterThan(0);
    expect(await make(9, true)).toBe(0);
    expect(await make(10, true)).toBe(await make(10, false));
  });

  it('gives an interval around the difference that narrows with more images', async () => {
    const width = async (n: number): Promise<number> => {
      const builder = new FiringsBuilder([labelSpace('a', ['x']), labelSpace('b', ['y'])]);
      for (let id = 0; id < n; id++) {
        builder.addImage({
          dataset: 'a',
          id,
          truths: { boxes: [0, 0, 10, 10], labels: [0] },
          boxes: [0, 0, 10, 10, 50, 50, 60, 60],
          entries: { boxes: [0, id % 3 ? 0 : 1], labels: [0, 1], scores: [0.9, 0.4 + (id % 7) / 20] },
        });
      }
      const table = await ApTable.of(builder.finish());
      const alone = { combine: 'union', nms: 1 } as const;
      const [before, after] = [table.merged([0], 0, alone), table.merged([1], 0, alone)];
      const [lower, upper] = table.interval(0, before, after, 300);
      const difference = table.apOf(before, 0) - table.apOf(after, 0);
      expect(lower).toBeLessThanOrEqual(difference);
      expect(upper).toBeGreaterThanOrEqual(difference);
      return upper - lower;
    };
    expect(await width(400)).toBeLessThan((await width(25)) / 2);
  });

  it('stops when it is told to', async () => {
    const stop = new AbortController();
    const firings = build([
      { dataset: 'set0', id: 1, truths: { boxes: [], labels: [] }, boxes: [], entries: { boxes: [], labels: [], scores: [] } },
    ]);
    const reason = new Error('enough');
    await expect(ApTable.of(firings, {}, { signal: stop.signal, onProgress: () => stop.abort(reason) })).rejects.toBe(reason);
  });
});

describe('rankScores', () => {
  it('sorts by falling score, equal ones in their order, for lists of any length', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(0, 1e-30, 0.1, 0.5, Math.fround(0.7), 1), { maxLength: 80 }), (list) => {
        const wanted = list.map((_, i) => i).sort((a, b) => Math.fround(list[b]!) - Math.fround(list[a]!) || a - b);
        expect([...rankScores(Float32Array.from(list))]).toEqual(wanted);
      }),
    );
  });
});
