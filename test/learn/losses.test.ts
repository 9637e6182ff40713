// Losses and candidates: each loss against plain sums, Algorithm 1 against trying every set, forms, pair filter, weights, language, what is refused.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArgumentError, LearnError } from '../../sdk/errors.js';
import { candidatesOf, type CandidateRule } from '../../sdk/learn/candidates/candidates.js';
import { candidates, columnsFor } from '../../sdk/learn/candidates/index.js';
import { apLoss } from '../../sdk/learn/costs/ap-loss.js';
import { distortionLoss } from '../../sdk/learn/costs/distortion.js';
import { type Loss, weightedLoss } from '../../sdk/learn/costs/loss.js';
import { recallLoss } from '../../sdk/learn/costs/recall.js';
import { standInLoss } from '../../sdk/learn/costs/stand-in.js';
import { FiringsBuilder } from '../../sdk/learn/firings/firings.js';
import { numberLabels } from '../../sdk/learn/nodes.js';
import { addSynonyms, nameLoss } from '../../sdk/learn/text/names.js';
import { languageLoss } from '../../sdk/learn/text/vectors.js';
import { labelSpace } from '../../sdk/taxonomy/label-space.js';
import { lvisV1 } from '../../sdk/taxonomy/catalog/lvis-v1.js';
import { arbitraryImages, build, spacesOf } from './arbitrary.js';
import { detectionsOf, twinAp, twinMerge } from './ap-twin.js';

/** Sums of up to a thousand products in another order. */
const roundOff = 1e-9;

/** Every set with at most one label of a data set and two labels or more. */
function allSets(sets: number, labels: number): number[][] {
  let found: number[][] = [[]];
  for (let d = 0; d < sets; d++) {
    found = found.flatMap((t) => [t, ...Array.from({ length: labels }, (_, k) => [...t, d * labels + k])]);
  }
  return found.filter((t) => t.length > 1);
}

/** A loss with a random cost for each set. */
function tableLoss(sets: number, labels: number, costs: readonly number[], pairsOnly: readonly boolean[]): Loss {
  const all = allSets(sets, labels);
  const place = new Map(all.map((t, i) => [t.join(), i]));
  return {
    name: 'table',
    nodes: numberLabels(spacesOf(sets, labels)),
    pairs: () => all.filter((t, i) => t.length === 2 && pairsOnly[i % pairsOnly.length]) as unknown as [number, number][],
    cost: (members) => ({ cost: costs[place.get(members.join())! % costs.length]! }),
  };
}

describe('candidates', () => {
  it('are all sets that Algorithm 1 reaches, each once, for three and four data sets', async () => {
    const cost = fc.double({ min: -0.2, max: 1, noNaN: true });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 4 }),
        fc.array(cost, { minLength: 80, maxLength: 80 }),
        fc.array(fc.boolean(), { minLength: 7, maxLength: 13 }),
        fc.double({ min: 0, max: 0.6, noNaN: true }),
        async (sets, costs, pairsOnly, tau) => {
          const loss = tableLoss(sets, 2, costs, pairsOnly);
          const found = await candidatesOf(loss, { tau });
          const pairs = new Set([...loss.pairs()].map((pair) => pair.join()));
          const touches = (t: readonly number[], l: number): boolean =>
            t.some((c) => pairs.has([Math.min(c, l), Math.max(c, l)].join()));
          const ok = new Map<string, boolean>();
          for (const t of allSets(sets, 2).sort((x, y) => x.length - y.length)) {
            const reached =
              t.length === 2
                ? pairs.has(t.join())
                : t.some((l) => {
                    const rest = t.filter((c) => c !== l);
                    return ok.get(rest.join()) === true && touches(rest, l);
                  });
            ok.set(t.join(), reached && loss.cost(t).cost <= tau * (t.length - 1));
          }
          const wanted = [...ok].filter(([, kept]) => kept).map(([key]) => key);
          expect(found.columns.map(({ members }) => members.join()).sort()).toEqual(wanted.sort());
          for (const { members, cost } of found.columns) expect(cost).toBe(loss.cost(members).cost);
        },
      ),
      { numRuns: 150 },
    );
  });

  it("keeps UniDet's rule: pairs by their own threshold, larger sets only of kept pairs, weighed by their size", async () => {
    const loss = (triple: number, pair: number): Loss => ({
      name: 'ap',
      nodes: numberLabels(spacesOf(3, 1)),
      pairs: () => [
        [0, 1],
        [0, 2],
        [1, 2],
      ],
      cost: (t) => ({ cost: t.length === 3 ? triple : t.join() === '1,2' ? pair : 0.01 }),
    });
    const rule: CandidateRule = { tau: 0.2, pairCost: 0.05, timesSize: true };
    const sets = async (one: Loss): Promise<[string, number][]> =>
      (await candidatesOf(one, rule)).columns.map(({ members, cost }) => [members.join(), Math.round(cost * 1e6) / 1e6]);
    expect(await sets(loss(0.2, 0.05))).toEqual([
      ['0,1', 0.02],
      ['0,2', 0.02],
      ['1,2', 0.1],
      ['0,1,2', 0.6],
    ]);
    // One pair over its threshold: no triple, however cheap.
    expect((await sets(loss(-1, 0.051))).map(([key]) => key)).toEqual(['0,1', '0,2']);
    expect((await sets(loss(0.21, 0.05))).map(([key]) => key)).toEqual(['0,1', '0,2', '1,2']);
  });

  it('filters pairs strictly by the AP of stand-ins, both ways, and says why', async () => {
    const loss = (onA: number, onB: number, own = 0.5): Loss => ({
      name: 'ap',
      nodes: numberLabels(spacesOf(2, 1)),
      pairs: () => [[0, 1]],
      cost: () => ({ cost: 0 }),
      own: () => own,
      cross: (a) => (a === 1 ? onA : onB),
    });
    const count = async (one: Loss) => {
      const { columns, nearMisses } = await candidatesOf(one, { tau: 1, pairDrop: 0.2 });
      return [columns.length, nearMisses.map(({ why }) => why).join()];
    };
    expect(await count(loss(0.31, 0.31))).toEqual([1, '']);
    expect(await count(loss(0.5 - 0.2, 0.31))).toEqual([0, 'pair']);
    expect(await count(loss(0.31, 0.29))).toEqual([0, 'pair']);
    // Labels without AP pass nothing: 0 is not more than max(0 - tau, 0).
    expect(await count(loss(0, 0, 0))).toEqual([0, 'pair']);
    expect(await count(loss(0.5, 0.5, Number.NaN))).toEqual([0, '']);
  });

  it('refuses infinite costs, thresholds that are no numbers, and too many sets; NaN is a near miss', async () => {
    const loss = (cost: number): Loss => ({
      name: 'mine',
      nodes: numberLabels(spacesOf(2, 2)),
      pairs: () => [
        [0, 2],
        [1, 3],
      ],
      cost: () => ({ cost }),
    });
    await expect(candidatesOf(loss(Number.POSITIVE_INFINITY), { tau: 1 })).rejects.toThrow(LearnError);
    await expect(candidatesOf(loss(0), { tau: Number.NaN })).rejects.toThrow(ArgumentError);
    await expect(candidatesOf(loss(0), { tau: 1, maxColumns: 1 })).rejects.toThrow(/more than 1 sets/);
    const { columns, nearMisses } = await candidatesOf(loss(Number.NaN), { tau: 1 });
    expect([columns.length, nearMisses.map(({ why }) => why)]).toEqual([0, ['evidence', 'evidence']]);
    const same: Loss = { ...loss(0), pairs: () => [[0, 1]] };
    await expect(candidatesOf(same, { tau: 1 })).rejects.toThrow(/at most one label of a data set/);
    await expect(candidatesOf(loss(0), { tau: 1 }, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });

  it('takes a loss of your own, and names what is wrong with the options', async () => {
    const firings = build([
      {
        dataset: 'set0',
        id: 1,
        truths: { boxes: [0, 0, 9, 9], labels: [0] },
        boxes: [],
        entries: { boxes: [], labels: [], scores: [] },
      },
      {
        dataset: 'set1',
        id: 1,
        truths: { boxes: [0, 0, 9, 9], labels: [0] },
        boxes: [],
        entries: { boxes: [], labels: [], scores: [] },
      },
      {
        dataset: 'set2',
        id: 1,
        truths: { boxes: [0, 0, 9, 9], labels: [0] },
        boxes: [],
        entries: { boxes: [], labels: [], scores: [] },
      },
    ]);
    const mine: Loss = { name: 'mine', nodes: firings, pairs: () => [[0, 2]], cost: () => ({ cost: -1 }) };
    const found = await candidates(firings, { loss: mine, tau: 0 });
    expect(found.columns).toEqual([{ members: [0, 2], cost: -1, parts: { mine: -1 } }]);
    expect(found.origin).toMatchObject({ method: 'learned', loss: 'mine', parameters: { tau: 0 } });
    await expect(candidates(firings, { loss: 'best' as 'ap' })).rejects.toThrow(/ap, distortion, stand-in/);
    await expect(candidates(firings, { weights: { language: 1 } })).rejects.toThrow(/weights/);
    const empty = build([
      { dataset: 'set0', id: 1, truths: { boxes: [], labels: [] }, boxes: [], entries: { boxes: [], labels: [], scores: [] } },
    ]);
    await expect(candidates(empty)).rejects.toThrow(/without ground truth/);
    await expect(columnsFor(firings, [[0, 1]])).rejects.toThrow(/at most one label/);
  });
});

describe('AP loss', () => {
  it.each(['code', 'paper'] as const)('is the sum of what the members lose, in the form of the %s', async (form) => {
    await fc.assert(
      fc.asyncProperty(arbitraryImages(), fc.constantFrom([0, 2], [1, 4], [0, 3, 5]), async (list, members) => {
        const firings = build(list);
        const loss = await apLoss(firings, { form, shortcut: false });
        const paper = form === 'paper';
        const [images, minScore] = paper ? (['all', 0] as const) : (['with-label', 0.1] as const);
        const options = { iou: 0.5, images, epsilon: paper ? 2 ** -52 : 1e-8, minScore };
        const rule = { combine: paper ? 'average' : 'union', nms: 0.5, plus: paper ? 0 : 1, match: 0.5 } as const;
        let sum = 0;
        let known = 0;
        for (const c of members) {
          const before = twinAp(firings, c, options, (image) => detectionsOf(firings, image, c, minScore));
          if (Number.isNaN(before)) continue;
          const after = twinAp(firings, c, options, (image) => twinMerge(firings, members, image, minScore, rule));
          sum += (before - after) * (paper ? 100 / 2 : 1);
          known++;
        }
        const { cost } = loss.cost(members);
        if (known === 0) expect(cost).toBeNaN();
        else expect(Math.abs(cost - sum)).toBeLessThan(roundOff);
      }),
      { numRuns: 100 },
    );
  });

  it('gives evidence that adds up to the cost, with intervals where they are asked for', async () => {
    const [list] = fc.sample(
      arbitraryImages({ images: 12 }).filter((images) => images.length > 8),
      { numRuns: 1, seed: 5 },
    );
    const firings = build(list!);
    const loss = await apLoss(firings, { resamples: 50 });
    const evidence = loss.evidence!([0, 2]);
    const lost = evidence.reduce((sum, { before, after }) => sum + before - after, 0);
    expect(lost).toBeCloseTo(loss.cost([0, 2]).cost, 9);
    for (const { interval } of evidence) expect(interval![0]).toBeLessThanOrEqual(interval![1]);
  });
});

describe('stand-in loss', () => {
  it('is 0 for labels that stand in perfectly, 1 for those that never do, and says how far the heads carry', async () => {
    const spaces = [labelSpace('a', ['cat', 'dog']), labelSpace('b', ['Katze', 'Hund'])];
    const builder = new FiringsBuilder(spaces);
    for (let id = 0; id < 8; id++) {
      const label = id % 2;
      for (const dataset of ['a', 'b']) {
        builder.addImage({
          dataset,
          id,
          truths: { boxes: [0, 0, 10, 10], labels: [label] },
          boxes: [0, 0, 10, 10],
          entries: { boxes: [0, 0], labels: [label, 2 + label], scores: [0.9, 0.8] },
        });
      }
    }
    const loss = await standInLoss(builder.finish());
    expect(loss.distance(0, 2)).toBeCloseTo(0, 9);
    expect(loss.distance(0, 3)).toBe(1);
    expect(loss.transfer(0, 1)).toBeCloseTo(1, 9);
    const scarce = await standInLoss(builder.finish(), { minimumInstances: 5 });
    expect(scarce.distance(0, 2)).toBeNaN();
  });

  it('lies within 0 and 1 for pairs, and is the same either way', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryImages(), async (list) => {
        const loss = await standInLoss(build(list), { minimumInstances: 1 });
        for (const [a, b] of loss.pairs()) {
          const value = loss.distance(a, b);
          if (Number.isNaN(value)) continue;
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(1);
          expect(Math.abs(value - loss.distance(b, a))).toBeLessThan(roundOff);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('distortion loss', () => {
  it('is Eq. 9 box by box, for sets of any size', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryImages(), fc.constantFrom([0, 2], [0, 3, 5], [1, 2, 4]), async (list, members) => {
        const firings = build(list);
        const boxes = firings.scoreStarts.length - 1;
        if (boxes === 0) return;
        const loss = await distortionLoss(firings);
        let sum = 0;
        for (let p = 0; p < boxes; p++) {
          const scores = members.map((m) => {
            for (let e = firings.scoreStarts[p]!; e < firings.scoreStarts[p + 1]!; e++) {
              if (firings.scoreLabels[e] === m) return firings.scores[e]!;
            }
            return 0;
          });
          const mean = scores.reduce((x, y) => x + y, 0) / members.length;
          for (const score of scores) sum += (score - mean) ** 2;
        }
        expect(Math.abs(loss.cost(members).cost - sum / boxes)).toBeLessThan(roundOff);
      }),
      { numRuns: 100 },
    );
  });

  it('takes the boxes of a proposal as one, and can be relative', async () => {
    const builder = new FiringsBuilder([labelSpace('a', ['x']), labelSpace('b', ['y'])]);
    builder.addImage({
      dataset: 'a',
      id: 1,
      truths: { boxes: [], labels: [] },
      boxes: [0, 0, 9, 9, 0, 0, 10, 10],
      proposals: [0, 0],
      entries: { boxes: [0, 1], labels: [0, 1], scores: [0.5, 0.5] },
    });
    const firings = builder.finish();
    expect((await distortionLoss(firings)).cost([0, 1]).cost).toBe(0);
    const apart = await distortionLoss({ ...firings, proposals: undefined }, { relative: true });
    expect(apart.cost([0, 1]).cost).toBeCloseTo(1, 9);
  });
});

describe('recall loss', () => {
  it('is own recall less the mean of the members, with NaN where there are no pixels', () => {
    const spaces = [labelSpace('a', ['road', 'car']), labelSpace('b', ['street'])];
    const loss = recallLoss(spaces, [
      { truth: 'a', head: 'a', counts: [80, 20, 0, 0] },
      { truth: 'a', head: 'b', counts: [60, 0] },
      { truth: 'b', head: 'b', counts: [50] },
      { truth: 'b', head: 'a', counts: [40, 10] },
    ]);
    expect(loss.own!(0)).toBeCloseTo(0.8, 12);
    expect(loss.cross!(2, 0)).toBe(1);
    // road: 0.8 - (0.8 + 1) / 2; street: 1 - (1 + 0.8) / 2.
    expect(loss.cost([0, 2]).cost).toBeCloseTo(-0.1 + 0.1, 12);
    expect(loss.own!(1)).toBeNaN();
    expect([...loss.pairs()]).toEqual([
      [0, 2],
      [1, 2],
    ]);
    expect(() => recallLoss(spaces, [{ truth: 'a', head: 'b', counts: [1] }])).toThrow(LearnError);
    expect(() => recallLoss(spaces, [{ truth: 'b', head: 'b', counts: [-1] }])).toThrow(/at least 0/);
  });
});

describe('language', () => {
  const spaces = [labelSpace('a', ['sofa', 'tv monitor']), labelSpace('b', ['Couch', 'mouse'])];

  it('is 1 - cosine of the given vectors, and NaN without them', () => {
    const loss = languageLoss(
      spaces,
      [
        { space: spaces[0]!, vectors: [3, 0, 0, 0] },
        { space: spaces[1]!, vectors: [1, 1, 0, 2] },
      ],
      { most: 0.5 },
    );
    expect(loss.cost([0, 2]).cost).toBeCloseTo(1 - Math.SQRT1_2, 12);
    expect(loss.cost([0, 3]).cost).toBeCloseTo(1, 12);
    expect(loss.cost([1, 2]).cost).toBeNaN();
    expect([...loss.pairs()]).toEqual([[0, 2]]);
    expect(() => languageLoss(spaces, [{ space: spaces[0]!, vectors: [1, 2, 3] }])).toThrow(LearnError);
    expect(() => languageLoss(spaces, [{ space: spaces[0]!, vectors: [1, Number.NaN] }])).toThrow(/finite/);
  });

  it('finds equal names, with synonyms of another label space', () => {
    expect([...nameLoss(spaces).pairs()]).toEqual([]);
    const rich = spaces.map((space) => addSynonyms(space, lvisV1));
    const loss = nameLoss(rich);
    expect([...loss.pairs()]).toEqual([[0, 2]]);
    expect(loss.cost([0, 2]).cost).toBe(0);
    expect(loss.cost([0, 3]).cost).toBeNaN();
    expect([...nameLoss([labelSpace('a', ['Buses']), labelSpace('b', ['bus'])]).pairs()]).toEqual([[0, 1]]);
  });

  it('joins with other losses by weight; one that has nothing to say leaves its weight to the others', () => {
    const nodes = numberLabels(spaces);
    const vision: Loss = { name: 'vision', nodes, pairs: () => [[0, 3]], cost: () => ({ cost: 0.6 }) };
    const rich = spaces.map((space) => addSynonyms(space, lvisV1));
    const loss = weightedLoss([
      { loss: vision, weight: 0.5 },
      { loss: nameLoss(rich), weight: 0.5 },
    ]);
    expect([...loss.pairs()]).toEqual([
      [0, 3],
      [0, 2],
    ]);
    expect(loss.cost([0, 2])).toEqual({ cost: 0.3, parts: { vision: 0.6, names: 0 } });
    expect(loss.cost([0, 3]).cost).toBeCloseTo(0.6, 12);
    expect(() => weightedLoss([{ loss: vision, weight: Number.NaN }])).toThrow(ArgumentError);
    expect(() =>
      weightedLoss([
        { loss: vision, weight: 1 },
        { loss: nameLoss([spaces[0]!]), weight: 1 },
      ]),
    ).toThrow(LearnError);
  });
});
