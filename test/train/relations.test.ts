// Relations from mean activations (UniSeg, 3.3): Eq. 7 by plain numbers, the threshold, directions, and the taxonomy they end in.
import { describe, expect, it } from 'vitest';
import { labelSpace } from '../../sdk/taxonomy/label-space.js';
import { unifiedLabelSpace } from '../../sdk/taxonomy/unified.js';
import { readTaxonomy, writeTaxonomy } from '../../sdk/taxonomy/file/index.js';
import { measureSimilarities, relatedTaxonomy, relationThreshold, similarityRelations } from '../../sdk/train/index.js';

const city = labelSpace('city', ['road', 'rider']);
const street = labelSpace('street', ['motorcyclist', 'sky']);
const unified = unifiedLabelSpace('all', [city, street], [], { rest: 'single' });

/** Motorcyclists look more like riders than like themselves; riders do not look like motorcyclists. */
const motorcyclist = [0.1, 0.6, 0.5, 0];
function measured(rider = [0.1, 0.8, 0.3, 0]) {
  const one = measureSimilarities(4, [0, 1]);
  one.add([0.9, 0.1, 0, 0.2, ...rider, 0, 0, 0, 9], [0, 1, -1]);
  const two = measureSimilarities(4, [2, 3]);
  two.add(motorcyclist, [0]);
  two.add([0.1, 0.5, 0.5, 0.2, 0.2, 0, 0, 0.9], [0, 1]);
  return [one.result(), two.result()];
}

describe('relations from similarities', () => {
  it('are means over what has the label', () => {
    const [one, two] = measured();
    expect([...one!.counts, ...two!.counts]).toEqual([1, 1, 2, 1]);
    expect(two!.similarity[1]).toBeCloseTo((0.6 + 0.5) / 2, 12);
    expect(relationThreshold([one!, two!])).toBeCloseTo(0.55, 12);
    expect(relationThreshold([one!])).toBeUndefined();
  });

  it('go from the part to the whole, and end in a taxonomy', () => {
    // The threshold is the mean of the largest, so one that equals it needs a lower one to be above.
    const taxonomy = relatedTaxonomy(unified, measured(), 0.5);
    const id = (name: string) => ({ unified: unified.space.byName(name).id });
    expect([...taxonomy.relations.list]).toEqual([
      expect.objectContaining({ a: id('motorcyclist'), kind: 'subset', b: id('rider'), evidence: [expect.objectContaining({ backward: 0.3 })] }),
    ]); // prettier-ignore
    const read = readTaxonomy(writeTaxonomy(taxonomy));
    expect([...read.relations.list]).toEqual([...taxonomy.relations.list]);
  });

  it('are identities where both look like each other, and none without conflicts', () => {
    expect(similarityRelations(unified, measured([0, 0.7, 0.75, 0]), 0.5).map(({ kind }) => kind)).toEqual(['identity']);
    const quiet = measureSimilarities(4, [0, 1]);
    quiet.add([1, 0, 0, 0], [0]);
    expect(similarityRelations(unified, [quiet.result()])).toEqual([]);
  });

  it('refuse numbers that are none, with their place', () => {
    const meter = measureSimilarities(4, [0, 1]);
    expect(() => meter.add([0, 0, 0, 0, 0, NaN, 0, 0], [0, 1])).toThrow('scores[1, 1]: found NaN');
    expect([...meter.result().counts]).toEqual([0, 0]);
    expect(() => meter.add([0, 0, 0, 0], [2])).toThrow('labels[0]');
    expect(() => meter.add([0], [0])).toThrow('scores: found 1 numbers');
  });
});
