// Mergers by names and by vectors: published sizes, laws, what is left unjoined and why.
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { namedLabels } from '../../sdk/cli/labels.js';
import { LabelSpaceError } from '../../sdk/errors.js';
import { type LabelSpace, labelSpace } from '../../sdk/taxonomy/label-space.js';
import { mergeByEmbedding } from '../../sdk/taxonomy/merge/by-embedding.js';
import { mergeByName, nameLevels } from '../../sdk/taxonomy/merge/by-name.js';
import { readVectors } from '../../sdk/taxonomy/merge/vectors.js';
import { readNpy } from '../../sdk/tensor/npy.js';
import { writeTensors } from '../../sdk/tensor/safetensors.js';
import { hasSharedData, noSharedData, sharedData } from '../shared-data.js';

const catalogue = (names: readonly string[]): Promise<LabelSpace[]> =>
  Promise.all(names.map(async (name) => (await namedLabels(name))!));

describe('by name', () => {
  const a = labelSpace('a', ['Traffic light', 'cups', { name: 'sofa', synonyms: ['couch'] }, 'shelves', 'bus']);
  const b = labelSpace('b', ['traffic_light', 'cup', 'couch', 'shelf', 'bus']);

  // Each row: level, labels joined.
  it.each([
    ['exact', ['bus']],
    ['normalised', ['Traffic light', 'cups', 'shelves', 'bus']],
    ['synonyms', ['Traffic light', 'cups', 'sofa', 'shelves', 'bus']],
  ] as const)('%s joins %j', (level, joined) => {
    const { unified } = mergeByName([a, b], { level }).taxonomy;
    expect(unified.labels.filter(({ members }) => Object.keys(members).length === 2).map(({ name }) => name)).toEqual(joined);
    expect(unified.size).toBe(10 - joined.length);
  });

  it('says of each pair why it was joined', () => {
    const { relations, origin } = mergeByName([a, b], { level: 'synonyms' }).taxonomy;
    expect(origin).toEqual({ method: 'by names', parameters: { level: 'synonyms' } });
    expect(relations.list.map(({ evidence }) => evidence![0]!.note)).toEqual([
      'same name',
      'same name but for spelling',
      'plural',
      'plural',
      'synonym',
    ]);
  });

  it('joins nothing by a name that a data set has twice, and says so', () => {
    const oid = labelSpace('oid', [
      { id: 'computer', name: 'Mouse' },
      { id: 'animal', name: 'Mouse' },
    ]);
    const { taxonomy, notMerged } = mergeByName([labelSpace('c', ['mouse']), oid, labelSpace('d', ['MOUSE'])]);
    expect(taxonomy.unified.labels.map(({ members }) => members)).toEqual([
      { c: 0, d: 0 },
      { oid: 'computer' },
      { oid: 'animal' },
    ]);
    expect(notMerged).toHaveLength(1);
    expect(notMerged[0]).toMatchObject({ why: 'ambiguous', note: 'same name but for spelling: mouse' });
  });

  it('an exact name wins over a spelling of it, which is then no longer ambiguous', () => {
    const one = labelSpace('one', ['cup', 'Cup']);
    const { taxonomy } = mergeByName([one, labelSpace('two', ['cup'])]);
    expect(taxonomy.unified.labels.map(({ members }) => members)).toEqual([{ one: 0, two: 0 }, { one: 1 }]);
  });

  it('two labels of a data set never stand together, also through a third one', () => {
    const one = labelSpace('one', [{ name: 'plane', synonyms: [] }, { name: 'aircraft' }]);
    const two = labelSpace('two', [{ name: 'airplane', synonyms: ['plane', 'aircraft'] }]);
    const { taxonomy, notMerged } = mergeByName([one, two], { level: 'synonyms' });
    expect(taxonomy.unified.labels.map(({ members }) => members)).toEqual([{ one: 0, two: 0 }, { one: 1 }]);
    expect(notMerged).toEqual([
      {
        why: 'taken',
        labels: [
          { dataset: 'one', id: 1 },
          { dataset: 'two', id: 0 },
        ],
        note: 'synonym',
      },
    ]);
  });

  it('UniSeg, Table A-3: Cityscapes + BDD + IDD + Mapillary are 70 by name, where the front of a traffic sign is a traffic sign', async () => {
    const sets = await catalogue(['cityscapes-19', 'bdd-19', 'idd-26', 'mapillary-65']);
    const size = (level: (typeof nameLevels)[number]) => mergeByName(sets, { level }).taxonomy.unified.size;
    // Mapillary calls it `Traffic Sign (Front)`: by spelling alone there is one label more than in the paper. Exact names differ in case.
    expect([size('exact'), size('normalised'), size('synonyms')]).toEqual([93, 71, 70]);
    const { unified } = mergeByName(sets, { level: 'synonyms' }).taxonomy;
    const sign = unified.unifiedOf('mapillary-65', 'Traffic Sign (Front)');
    expect(Object.keys(sign.members)).toEqual(['cityscapes-19', 'bdd-19', 'idd-26', 'mapillary-65']);
    const onlyIn = (dataset: string) =>
      unified.labels.filter(({ members }) => Object.keys(members).join() === dataset).map(({ name }) => name);
    expect(onlyIn('idd-26')).toEqual(['autorickshaw', 'vehicle fallback', 'obs-str-bar-fallback']);
    expect(unified.labels.filter(({ members }) => !('mapillary-65' in members)).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['rider', 'train']),
    );
  });

  it('UniDet’s three sets by name', async () => {
    const sets = await catalogue(['coco', 'objects365-v1', 'openimages-challenge-500']);
    const { taxonomy, notMerged } = mergeByName(sets);
    expect(taxonomy.unified.size).toBe(685);
    expect(notMerged.map(({ why, note }) => [why, note])).toEqual([
      ['ambiguous', 'same name but for spelling: bench'],
      ['ambiguous', 'same name but for spelling: mouse'],
    ]);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['no data set', () => mergeByName([]), /an array of 0/],
    ['something else', () => mergeByName(['coco'] as never), /wanted an array of label spaces/],
    ['a data set twice', () => mergeByName([a, a]), /two called "a"/],
    ['an unknown level', () => mergeByName([a, b], { level: 'fuzzy' as never }), /option level: found "fuzzy"/],
  ])('refuses %s', (_, run, message) => {
    expect(run).toThrow(LabelSpaceError);
    expect(run).toThrow(message);
  });

  it('any names: the laws hold, every label is there once, a higher level joins no less', () => {
    const word = fc.constantFrom('cup', 'Cup', 'cups', 'bus', 'buses', 'Bus ', 'mug', 'mouse', '🐁', 'כלב', 'a,b', '"');
    const space = fc.array(fc.record({ name: word, synonyms: fc.uniqueArray(word, { maxLength: 2 }) }), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(fc.array(space, { minLength: 1, maxLength: 3 }), (lists) => {
        const sets = lists.map((labels, d) => labelSpace(`set ${d}`, labels));
        const sizes = nameLevels.map((level) => {
          const { unified } = mergeByName(sets, { level }).taxonomy;
          expect(unified.labels.flatMap(({ members }) => Object.keys(members))).toHaveLength(lists.flat().length);
          return unified.size;
        });
        expect(sizes).toEqual([...sizes].sort((p, q) => q - p));
      }),
    );
  });
});

describe('by embedding', () => {
  const one = labelSpace('one', ['a', 'b', 'c']);
  const two = labelSpace('two', ['d', 'e']);

  it('joins the most similar pairs that reach the threshold, whatever their length', () => {
    const { taxonomy, notMerged } = mergeByEmbedding(
      [
        { space: one, vectors: [1, 0, 0, 1, 1, 1] },
        { space: two, vectors: [0, 8, 3, 0.1] },
      ],
      { threshold: 0.9 },
    );
    expect(taxonomy.unified.labels.map(({ members }) => members)).toEqual([{ one: 0, two: 1 }, { one: 1, two: 0 }, { one: 2 }]);
    expect(taxonomy.relations.list[0]).toEqual({ a: { dataset: 'one', id: 1 }, kind: 'identity', b: { dataset: 'two', id: 0 }, score: 1, evidence: [{ source: 'cosine', forward: 1, backward: 1 }] }); // prettier-ignore
    expect(notMerged).toEqual([]);
  });

  it('a row of zeros is never joined', () => {
    const space = labelSpace('x', ['a']);
    const { taxonomy } = mergeByEmbedding(
      [
        { space, vectors: [0, 0] },
        { space: labelSpace('y', ['a']), vectors: [0, 0] },
      ],
      { threshold: -1 },
    );
    expect(taxonomy.unified.size).toBe(2);
  });

  it('every pair of a group reaches the threshold: no chains', () => {
    const [x, y, z] = ['x', 'y', 'z'].map((name) => labelSpace(name, ['l']));
    const at = (degrees: number) => [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
    const { taxonomy } = mergeByEmbedding(
      [
        { space: x!, vectors: at(0) },
        { space: y!, vectors: at(20) },
        { space: z!, vectors: at(41) },
      ],
      { threshold: 0.9 }, // 25.8 degrees
    );
    expect(taxonomy.unified.labels.map(({ members }) => members)).toEqual([{ x: 0, y: 0 }, { z: 0 }]);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['rows that do not fit the labels', () => mergeByEmbedding([{ space: one, vectors: [1, 2] }]), /2 numbers; wanted \[3, D\]/],
    [
      'rows of two lengths',
      () =>
        mergeByEmbedding([
          { space: one, vectors: [1, 2, 3] },
          { space: two, vectors: [1, 2, 3, 4] },
        ]),
      /rows of 2; wanted rows of 1/,
    ],
    [
      'a NaN',
      () => mergeByEmbedding([{ space: two, vectors: [1, Number.NaN] }]),
      /row 1: found a number that is not finite for "e"/,
    ],
    [
      'a threshold of 2',
      () => mergeByEmbedding([{ space: two, vectors: [1, 2] }], { threshold: 2 }),
      /option threshold: found 2/,
    ],
    ['no vectors', () => mergeByEmbedding([{ space: two } as never]), /vectors of label space "two": found undefined/],
    ['nothing', () => mergeByEmbedding(null as never), /found null/],
  ])('refuses %s', (_, run, message) => {
    expect(run).toThrow(LabelSpaceError);
    expect(run).toThrow(message);
  });

  it('vectors come from safetensors, by name, or where there is one tensor only', () => {
    const tensor = (...values: number[]) => ({ shape: [2, 1], dtype: 'float32' as const, stored: Float32Array.from(values) });
    const both = writeTensors(
      new Map([
        ['two', tensor(1, 2)],
        ['other', tensor(3, 4)],
      ]),
    );
    expect([...(readVectors(two, both, 'v').vectors as Float32Array)]).toEqual([1, 2]);
    expect([...(readVectors(two, both, 'v', { tensor: 'other' }).vectors as Float32Array)]).toEqual([3, 4]);
    const half = writeTensors(
      new Map([['x', { shape: [2, 1], dtype: 'float16' as const, stored: Uint16Array.of(0x3c00, 0xc000) }]]),
    );
    expect([...(readVectors(two, half, 'v').vectors as Float32Array)]).toEqual([1, -2]);
    expect(() => readVectors(one, both, 'v')).toThrow(/tensors "other", "two"; wanted a tensor called "one"/);
    expect(() => readVectors(one, half, 'v')).toThrow(/an array \[2, 1\]; wanted \[3, D\]/);
  });
});

describe.skipIf(!hasSharedData)(`by CLIP vectors${hasSharedData ? '' : ` (${noSharedData})`}`, () => {
  const read = (name: string) => readNpy(new Uint8Array(readFileSync(sharedData(`taxonomies/clip/${name}`))), name).data;

  it('COCO + Objects365 + Open Images at cosine 0.95: 696 labels, as the language baseline of UniDet', async () => {
    const [coco, objects, images] = await catalogue(['coco', 'objects365-v1', 'openimages-challenge-500']);
    // The rows of Objects365 are in the order of version 2; version 1 is found by name, and 55 of its names have no row.
    const rows = read('o365_clip_a+cnamefix.npy');
    const key = (name: string) => name.toLowerCase().replace(/\s+/g, '');
    const lines = readFileSync(sharedData('taxonomies/clip/Objects365_names_fix.csv'), 'utf8').trim().split('\n');
    const names = lines.map((line) => line.split(',').slice(1).map(key));
    const vectors = new Float32Array(objects!.size * 512);
    let found = 0;
    for (const { name, index } of objects!.labels) {
      const row = names.findIndex((own) => own.includes(key(name)));
      if (row < 0) continue;
      found++;
      vectors.set(rows.subarray(row * 512, (row + 1) * 512), index * 512);
    }
    expect(found).toBe(310);
    const { taxonomy } = mergeByEmbedding([
      { space: coco!, vectors: read('coco_clip_a+cname.npy') },
      { space: objects!, vectors },
      { space: images!, vectors: read('oid_clip_a+cname.npy') },
    ]);
    expect(taxonomy.unified.size).toBe(696);
  });
});
