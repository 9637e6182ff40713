// What learned label spaces are compared with and what is made of them: folded weights, agreement with an expert, AP under a label space, relations,
// and a data set that joins.
import { describe, expect, it } from 'vitest';
import { apUnder, compareMerges } from '../../sdk/learn/baselines/compare.js';
import { clustersOf, foldHeads } from '../../sdk/learn/baselines/fold-heads.js';
import { FiringsBuilder } from '../../sdk/learn/firings/firings.js';
import { additionCandidates, joinDataset } from '../../sdk/learn/relations/join.js';
import { addDatasets } from '../../sdk/learn/taxonomy/add.js';
import { findRelations, wilson } from '../../sdk/learn/relations/relations.js';
import { labelSpace } from '../../sdk/taxonomy/label-space.js';
import { taxonomy } from '../../sdk/taxonomy/taxonomy.js';
import { mergeByName } from '../../sdk/taxonomy/merge/index.js';
import { unifiedLabelSpace } from '../../sdk/taxonomy/unified.js';
import { hasSharedData, noSharedData } from '../shared-data.js';
import { unidetTaxonomy } from '../taxonomy/unidet.js';

const a = labelSpace('a', ['cat', 'dog']);
const b = labelSpace('b', ['Katze', 'Haus', 'Hund']);
const unified = unifiedLabelSpace('both', [a, b], [{ name: 'cat', members: { a: 0, b: 0 } }, { name: 'dog', members: { a: 1, b: 2 } }], { rest: 'single' }); // prettier-ignore

describe('foldHeads', () => {
  const heads = [
    { dataset: 'b', weight: [1, 1, 2, 2, 3, 3], bias: [0.5, 1, 2] },
    { dataset: 'a', weight: [3, 5, 7, 9], bias: [0, 1] },
  ];

  it('averages the rows of the members: logits of the folded layer are the mean of theirs', () => {
    const folded = foldHeads(heads, unified);
    expect(folded).toMatchObject({ rows: 3, features: 2 });
    expect([...folded.weight]).toEqual([2, 3, 5, 6, 2, 2]);
    expect([...folded.bias]).toEqual([0.25, 1.5, 1]);
  });

  it('averages the background over all heads', () => {
    const folded = foldHeads(
      [
        { dataset: 'a', weight: [1, 2, 8], bias: [0, 0, 4] },
        { dataset: 'b', weight: [3, 4, 5, 6], bias: [0, 0, 0, 2] },
      ],
      unified,
    );
    expect([...folded.weight]).toEqual([2, 3.5, 4, 7]);
    expect([...folded.bias]).toEqual([0, 0, 0, 3]);
  });

  it('refuses heads that are missing or do not fit', () => {
    expect(() => foldHeads([heads[0]!], unified)).toThrow(/one head for each data set/);
    expect(() => foldHeads([heads[0]!, { dataset: 'a', weight: [1, 2, 3], bias: [1, 2] }], unified)).toThrow(/\[2, C\]/);
    expect(() => foldHeads([heads[0]!, { dataset: 'a', weight: [1, 2], bias: [1, 2] }], unified)).toThrow(/as the heads before/);
  });
});

describe('compareMerges', () => {
  it('counts pairs of labels that both know', () => {
    const other = unifiedLabelSpace('other', [a, b], [{ name: 'cat', members: { a: 0, b: 1 } }, { name: 'dog', members: { a: 1, b: 2 } }], { rest: 'single' }); // prettier-ignore
    expect(compareMerges(unified, other)).toMatchObject({
      size: 3,
      expertSize: 3,
      pairs: 2,
      expertPairs: 2,
      both: 1,
      precision: 0.5,
      recall: 0.5,
      f1: 0.5,
    });
    expect(compareMerges(unified, unified).f1).toBe(1);
  });

  it.skipIf(!hasSharedData)(
    `UniDet's learned label space, its expert's, and names${hasSharedData ? '' : ` (${noSharedData})`}`,
    () => {
      const [learned, manual] = [unidetTaxonomy('learned_mAP').unified, unidetTaxonomy('manual').unified];
      const own = compareMerges(learned, manual);
      expect([own.size, own.expertSize]).toEqual([701, 659]);
      const byName = compareMerges(mergeByName([...learned.datasets]).taxonomy.unified, manual);
      // What was measured of the published files elsewhere.
      expect([own.precision, own.recall, own.f1].map((value) => value.toFixed(3))).toEqual(['0.819', '0.692', '0.750']);
      // Names agree with the expert's map more than vision does: it was made from names.
      expect(byName.precision).toBeGreaterThan(own.precision);
    },
  );
});

/** Data set `fine` splits what `coarse` calls bird; both call a cat a cat. Heads are right but for the names. */
function birds() {
  const fine = labelSpace('fine', ['parrot', 'swan', 'gull', 'finch', 'cat']);
  const coarse = labelSpace('coarse', ['bird', 'Katze']);
  const builder = new FiringsBuilder([fine, coarse]);
  for (let id = 0; id < 100; id++) {
    const kind = id % 5;
    const cat = kind === 4;
    for (const [dataset, label] of [
      ['fine', kind],
      ['coarse', cat ? 1 : 0],
    ] as const) {
      builder.addImage({
        dataset,
        id,
        truths: { boxes: [0, 0, 10, 10], labels: [label] },
        boxes: [0, 0, 10, 10],
        entries: { boxes: [0, 0], labels: [kind, cat ? 6 : 5], scores: [0.9, 0.95] },
      });
    }
  }
  return builder.finish();
}

describe('findRelations', () => {
  it('finds that parrots, swans, gulls and finches are birds, and nothing of what is the same', async () => {
    const found = await findRelations(birds());
    expect(found.map(({ a, kind, b }) => [a, kind, b])).toEqual(
      [0, 1, 2, 3].map((id) => [{ dataset: 'fine', id }, 'subset', { dataset: 'coarse', id: 0 }]),
    );
    // A parrot is found wherever it is; of the birds, a quarter are parrots: recall points 0 to 0.25.
    expect(found[0]).toMatchObject({
      score: expect.closeTo(1 - 26 / 101, 4),
      evidence: [
        { source: 'cross AP', forward: expect.closeTo(26 / 101, 4), backward: 1, note: 'finds 20 of 80; is found 20 of 20' },
      ],
    });
  });

  it('leaves out what stands together, and says nothing of few ground truths', async () => {
    // Bird has its twin among the fine labels then.
    expect(await findRelations(birds(), { merges: [[0, 5]] })).toEqual([]);
    expect(await findRelations(birds(), { merges: [[4, 6]] })).toHaveLength(4);
    expect(await findRelations(birds(), { minimumInstances: 21 })).toEqual([]);
    await expect(findRelations(birds(), { least: 2 })).rejects.toThrow(/least/);
  });

  it('bounds shares as Wilson does', () => {
    // 8 of 10: 0.490 to 0.943.
    expect(wilson(8, 10).map((value) => value.toFixed(3))).toEqual(['0.490', '0.943']);
    expect(wilson(0, 0)).toEqual([0, 1]);
  });
});

describe('apUnder', () => {
  it('compares own and merged AP of each data set', async () => {
    const firings = birds();
    const space = unifiedLabelSpace('u', [...firings.spaces], [{ name: 'cat', members: { fine: 4, coarse: 1 } }, { name: 'bird', members: { fine: 0, coarse: 0 } }], { rest: 'single' }); // prettier-ignore
    expect(clustersOf(space, firings.spaces)).toEqual([[4, 6], [0, 5], [1], [2], [3]]);
    const [fine, coarse] = await apUnder(firings, space, { combine: 'union' });
    expect(fine).toMatchObject({ dataset: 'fine', labels: 5, own: expect.closeTo(1, 9) });
    // Birds that are no parrots are misses now.
    expect(fine!.merged).toBeLessThan(1);
    expect(coarse).toMatchObject({ own: expect.closeTo(1, 9), merged: expect.closeTo(1, 9) });
    expect((await apUnder(firings, undefined))[0]!.merged).toBeCloseTo(1, 9);
  });
});

describe('additionCandidates', () => {
  it('prices every unified label that finds a new one, for addDatasets', async () => {
    const firings = birds();
    const turned = new FiringsBuilder([firings.spaces[1]!, firings.spaces[0]!]);
    // The unified detector answers bird and Katze; the new data set has a head of its own.
    for (let id = 0; id < 50; id++) {
      const kind = id % 5;
      turned.addImage({
        dataset: 'fine',
        id,
        truths: { boxes: [0, 0, 10, 10], labels: [kind] },
        boxes: [0, 0, 10, 10],
        entries: { boxes: [0, 0], labels: [kind === 4 ? 1 : 0, 2 + kind], scores: [0.9, 0.9] },
      });
    }
    const found = await additionCandidates(turned.finish());
    const costs = Object.fromEntries(found.columns.map(({ members, cost }) => [members.join(), cost]));
    expect(Object.keys(costs)).toEqual(['0,2', '0,3', '0,4', '0,5', '1,6']);
    expect(costs['1,6']).toBeCloseTo(0, 9);
    expect(costs['0,2']).toBeGreaterThan(0.5);
    const old = taxonomy(unifiedLabelSpace('old', [firings.spaces[1]!], [], { rest: 'single' }));
    const grown = addDatasets(old, { ...found, spaces: [old.space, firings.spaces[0]!] });
    expect(grown.added.map(({ name, joined }) => [name, joined])).toEqual([
      ['parrot', false],
      ['swan', false],
      ['gull', false],
      ['finch', false],
      ['cat', true],
    ]);
  });

  it('with a taxonomy of some of the heads: unified labels score what their members do together', async () => {
    const c = labelSpace('c', ['cat', 'car']);
    const builder = new FiringsBuilder([a, c, b]);
    // In the images of c: cats, which the heads of a and b find, and cars, which only its own head knows.
    for (let id = 0; id < 20; id++) {
      const cat = id % 2 === 0;
      const entries = cat
        ? { boxes: [0, 0, 0], labels: [0, a.size, a.size + c.size], scores: [0.9, 0.9, 0.8] }
        : { boxes: [0], labels: [a.size + 1], scores: [0.9] };
      builder.addImage({
        dataset: 'c',
        id,
        truths: { boxes: [0, 0, 9, 9], labels: [cat ? 0 : 1] },
        boxes: [0, 0, 9, 9],
        entries,
      });
    }
    const old = taxonomy(unifiedLabelSpace('old', [b, a], [{ name: 'both', members: { a: 0, b: 0 } }], { rest: 'single' })); // prettier-ignore
    const found = await additionCandidates(builder.finish(), { taxonomy: old });
    const U = old.unified.size;
    expect(found.spaces.map(({ name }) => name)).toEqual(['old', 'c']);
    expect(found.columns.map(({ members }) => members)).toEqual([[0, U]]);
    expect(found.columns[0]).toMatchObject({ cost: 0, evidence: [{ label: U, before: 1, after: 1 }] });
    const { added } = addDatasets(old, found);
    expect(added.map(({ name, unified, joined }) => [name, unified, joined])).toEqual([['cat', 'both', true], ['car', 'car', false]]); // prettier-ignore
    await expect(additionCandidates(builder.finish(), { taxonomy: taxonomy(unifiedLabelSpace('all', [a, b, c], [], { rest: 'single' })) })).rejects.toThrow(/only a, b, c/); // prettier-ignore
  });

  it('needs scores of the new heads', async () => {
    const builder = new FiringsBuilder([a, b]);
    builder.addImage({ dataset: 'b', id: 1, truths: { boxes: [0, 0, 9, 9], labels: [0] }, boxes: [0, 0, 9, 9], entries: { boxes: [0], labels: [0], scores: [1] } }); // prettier-ignore
    await expect(additionCandidates(builder.finish())).rejects.toThrow(/no score of a head of its own/);
  });
});

describe('joinDataset', () => {
  it('joins the best unified label under the threshold, one label each, and says why others stand alone', async () => {
    const firings = birds();
    const joins = await joinDataset(firings, [[5], [6]], 'fine');
    expect(joins.map(({ cluster, why }) => [cluster, why])).toEqual([
      [undefined, 'cost'],
      [undefined, 'cost'],
      [undefined, 'cost'],
      [undefined, 'cost'],
      [1, undefined],
    ]);
    const lenient = await joinDataset(firings, [[5], [6]], 'fine', { threshold: 0.9 });
    expect(lenient.map(({ cluster, why }) => [cluster, why])).toEqual([
      [0, undefined],
      [undefined, 'taken'],
      [undefined, 'taken'],
      [undefined, 'taken'],
      [1, undefined],
    ]);
    expect((await joinDataset(firings, [], 'fine')).map(({ why }) => why)).toEqual(['never', 'never', 'never', 'never', 'never']);
    await expect(joinDataset(firings, [[0]], 'fine')).rejects.toThrow(/label of fine/);
    await expect(joinDataset(firings, [], 'lvis')).rejects.toThrow(/one of fine, coarse/);
  });
});
