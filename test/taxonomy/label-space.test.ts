// Label spaces: look-ups, laws, JSON and error messages.
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LabelSpaceError } from '../../sdk/errors.js';
import { coco } from '../../sdk/taxonomy/catalog/coco.js';
import { voc } from '../../sdk/taxonomy/catalog/voc.js';
import { isLabelSpace, type LabelInput, labelSpace, labelSpaceFromJSON } from '../../sdk/taxonomy/label-space.js';
import { hasSharedData, noSharedData, sharedData } from '../shared-data.js';

/** The error that `run` throws. */
function errorOf(run: () => unknown): LabelSpaceError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(LabelSpaceError);
    return error as LabelSpaceError;
  }
  throw new Error('nothing was thrown');
}

const oid = labelSpace('oid', [
  { id: '/m/020lf', name: 'Mouse', externalIds: { kind: 'computer mouse' } },
  { id: '/m/04rmv', name: 'Mouse', parents: ['/m/0jbk'] },
  { id: '/m/0jbk', name: 'Animal' },
]);

describe('look-ups', () => {
  it('finds by position, id and name', () => {
    const pets = labelSpace('pets', ['cat', { id: 7, name: 'dog', synonyms: ['hound'] }]);
    expect(pets.name).toBe('pets');
    expect(pets.size).toBe(2);
    expect(pets.names).toEqual(['cat', 'dog']);
    expect(pets.at(1)).toBe(pets.labels[1]);
    expect(pets.byId(7)).toBe(pets.labels[1]);
    expect(pets.byName('cat')).toBe(pets.labels[0]);
    expect(pets.labels[0]).toEqual({ index: 0, id: 0, name: 'cat', synonyms: [], parents: [] });
    expect([pets.hasId(7), pets.hasId(1), pets.hasName('dog'), pets.hasName('hound')]).toEqual([true, false, true, false]);
  });

  it('a name that two labels have is an error that lists both', () => {
    const error = errorOf(() => oid.byName('Mouse'));
    expect(error.code).toBe('ambiguous-label');
    expect(error.found).toContain('"/m/020lf"');
    expect(error.found).toContain('"/m/04rmv"');
    expect(oid.allByName('Mouse').map(({ id }) => id)).toEqual(['/m/020lf', '/m/04rmv']);
    expect(oid.byId('/m/04rmv').index).toBe(1);
  });

  // Each row: what was written, what is offered, why.
  it.each([
    ['cofee table', 'dining table', 'a word in common'],
    ['tennis raket', 'tennis racket', 'a letter left out'],
    ['Cell-Phone', 'cell phone', 'only spelling differs'],
    ['zebras', 'zebra', 'the plural'],
    ['sofa', 'sofa', 'a synonym is close to itself'],
    ['hrose', 'horse', 'two letters swapped'],
  ])('no label %s: offers %s (%s)', (name, close) => {
    const error = errorOf(() => coco.byName(name));
    expect(error.code).toBe('unknown-label');
    expect(error.next).toContain(`"${close}"`);
  });

  it('offers nothing where nothing is close', () => expect(errorOf(() => coco.byName('qqqqqqqq')).next).toBeUndefined());

  it('a number for a text id says so', () => {
    expect(errorOf(() => labelSpace('a', [{ id: '1', name: 'x' }]).byId(1)).next).toContain('"1", a string');
    expect(errorOf(() => coco.byId('18')).next).toContain('18, a number');
    expect(errorOf(() => coco.at(80)).wanted).toContain('0 to 79');
    expect(errorOf(() => coco.at(0.5)).code).toBe('unknown-label');
  });
});

describe('laws', () => {
  // Each row: the labels, where the error points to, what it says it found.
  it.each<[string, unknown, string, string]>([
    ['nothing', [], 'labels', 'an array of 0'],
    ['no array', { cat: 1 }, 'labels', 'an object'],
    ['a blank name', ['cat', '  '], 'labels[1]', '"  "'],
    ['a number as label', ['cat', 3], 'labels[1]', '3'],
    ['a hole', Object.assign(Array.from({ length: 2 }), { 0: 'a' }), 'labels[1]', 'undefined'],
    ['an unknown key', [{ name: 'cat', sinonyms: [] }], 'labels[0]', 'sinonyms'],
    [
      'the same id',
      [
        { id: 1, name: 'a' },
        { id: 1, name: 'b' },
      ],
      'labels[1].id',
      '"a"',
    ],
    [
      'the same id as number and text',
      [
        { id: 1, name: 'a' },
        { id: '1', name: 'b' },
      ],
      'labels[1].id',
      '"1"',
    ],
    ['a default id that is taken', [{ id: 1, name: 'a' }, 'b'], 'labels[1].id', '1'],
    ['a fraction as id', [{ id: 1.5, name: 'a' }], 'labels[0].id', '1.5'],
    ['a blank id', [{ id: '', name: 'a' }], 'labels[0].id', '""'],
    ['a dangling parent', [{ id: 1, name: 'a', parents: [2] }], 'labels[0].parents[0]', '2'],
    [
      'a parent twice',
      [
        { id: 1, name: 'a', parents: [2, 2] },
        { id: 2, name: 'b' },
      ],
      'labels[0].parents[1]',
      'a second time',
    ],
    ['its own parent', [{ id: 1, name: 'a', parents: [1] }], 'parents', '"a" (id 1) -> "a" (id 1)'],
    [
      'a cycle',
      [
        { id: 0, name: 'top' },
        { id: 1, name: 'a', parents: [0, 2] },
        { id: 2, name: 'b', parents: [3] },
        { id: 3, name: 'c', parents: [1] },
      ],
      'parents',
      '"a" (id 1) -> "b" (id 2) -> "c" (id 3) -> "a" (id 1)',
    ],
    ['a synonym that is no text', [{ name: 'a', synonyms: ['b', 1] }], 'labels[0].synonyms[1]', '1'],
    ['an unknown frequency', [{ name: 'a', frequency: 'x' }], 'labels[0].frequency', '"x"'],
    ['a negative count', [{ name: 'a', frequency: { images: -1 } }], 'labels[0].frequency.images', '-1'],
    ['a colour out of range', [{ name: 'a', color: [0, 256, 0] }], 'labels[0].color', '[0, 256, 0]'],
    ['isThing as a number', [{ name: 'a', isThing: 1 }], 'labels[0].isThing', '1'],
    ['an external id that is no text', [{ name: 'a', externalIds: { synset: 3 } }], 'labels[0].externalIds["synset"]', '3'],
  ])('%s is refused', (_, labels, where, found) => {
    const error = errorOf(() => labelSpaceFromJSON({ name: 'bad', labels }));
    expect(error.code).toBe('invalid-label-space');
    expect(error.thing).toContain('"bad"');
    expect(error.thing).toContain(where);
    expect(error.found).toContain(found);
  });

  it('a blank space name is refused', () => expect(errorOf(() => labelSpace(' ', ['a'])).thing).toContain('name'));

  it('several parents that meet again are no cycle', () => {
    const diamond = labelSpace('d', [{ id: 1, name: 'a', parents: [2, 3] }, { id: 2, name: 'b', parents: [4] }, { id: 3, name: 'c', parents: [4] }, { id: 4, name: 'd' }]); // prettier-ignore
    expect(diamond.byName('a').parents).toEqual([2, 3]);
  });

  it('a chain of 100,000 parents is checked without overflowing the stack', () => {
    const labels = Array.from({ length: 100_000 }, (_, id): LabelInput => ({ id, name: `n${id}`, parents: id ? [id - 1] : [] }));
    expect(labelSpace('chain', labels.reverse()).size).toBe(100_000);
  });

  it('nothing can be changed', () => {
    const synonyms = ['hound'];
    const pets = labelSpace('pets', [
      { name: 'dog', synonyms, color: [1, 2, 3], externalIds: { synset: 'dog.n.01' }, frequency: { images: 3 } },
    ]);
    synonyms.push('cat');
    expect(pets.labels[0]!.synonyms).toEqual(['hound']);
    const label = pets.labels[0]!;
    for (const part of [
      pets,
      pets.labels,
      pets.names,
      label,
      label.synonyms,
      label.color,
      label.externalIds,
      label.frequency,
      pets.allByName('dog'),
    ]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  it('is known by its brand, not by its looks', () => {
    expect(isLabelSpace(oid)).toBe(true);
    expect(isLabelSpace({ ...oid })).toBe(false);
    expect([null, undefined, 'coco', []].map(isLabelSpace)).toEqual([false, false, false, false]);
  });
});

const nameText = fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom('a,b', '"q"', 'two\nlines', 'كلب', '🐕', '__proto__', 'constructor')).filter((s) => s.trim() !== ''); // prettier-ignore
const fields = fc.record(
  {
    synonyms: fc.uniqueArray(nameText, { maxLength: 3 }),
    frequency: fc.oneof(
      fc.constantFrom('r' as const, 'c' as const, 'f' as const),
      fc.record({ images: fc.nat(), instances: fc.nat() }, { requiredKeys: [] }),
    ),
    isThing: fc.boolean(),
    color: fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255)),
    externalIds: fc.dictionary(nameText, nameText, { maxKeys: 3 }),
  },
  { requiredKeys: [] },
);
const inputs = fc.array(fc.tuple(nameText, fields), { minLength: 1, maxLength: 20 }).chain((rows) => {
  const ids = fc.uniqueArray(fc.oneof(fc.integer(), nameText), {
    minLength: rows.length,
    maxLength: rows.length,
    selector: String,
  });
  return fc
    .option(ids)
    .map((given) => rows.map(([name, more], i): LabelInput => ({ ...(given && { id: given[i]! }), name, ...more })));
});

describe('JSON', () => {
  it('any label space comes back the same through text', () => {
    fc.assert(
      fc.property(nameText, inputs, (name, labels) => {
        const space = labelSpace(name, labels);
        const text = JSON.stringify(space);
        const back = labelSpaceFromJSON(JSON.parse(text));
        expect(back.labels).toEqual(space.labels);
        expect(back.hasOwnIds).toBe(space.hasOwnIds);
        expect(JSON.stringify(back)).toBe(text);
      }),
    );
  });

  it('look-ups agree with a search through the list', () => {
    fc.assert(
      fc.property(inputs, (labels) => {
        const space = labelSpace('any', labels);
        for (const label of space.labels) {
          expect(space.at(label.index)).toBe(label);
          expect(space.byId(label.id)).toBe(label);
          expect(space.allByName(label.name)).toEqual(space.labels.filter(({ name }) => name === label.name));
        }
      }),
    );
  });

  it('whatever is read, only the named error comes out', () => {
    const almost = fc.record({ name: fc.anything(), labels: fc.oneof(fc.anything(), fc.array(fc.oneof(fc.anything(), fc.record({ name: fc.anything(), id: fc.anything(), parents: fc.anything(), color: fc.anything() }, { requiredKeys: [] })))) }); // prettier-ignore
    fc.assert(
      fc.property(fc.oneof(fc.anything(), almost), (value) => {
        try {
          labelSpaceFromJSON(value);
        } catch (error) {
          expect(error).toBeInstanceOf(LabelSpaceError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('plain names stay plain names', () => {
    expect(labelSpace('pets', ['cat', 'dog']).toJSON()).toEqual({ name: 'pets', labels: ['cat', 'dog'] });
    expect(labelSpace('pets', [{ id: 0, name: 'cat' }]).toJSON()).toEqual({ name: 'pets', labels: [{ id: 0, name: 'cat' }] });
  });
});

describe('catalogue', () => {
  it.each([
    ['coco', coco, 80],
    ['voc', voc, 20],
  ] as const)('%s has the published number of labels', (_, space, size) => expect(space.size).toBe(size));

  it.each([
    ['coco', coco],
    ['voc', voc],
  ] as const)('no synonym in %s is the name or synonym of another label', (_, space) => {
    const all = space.labels.flatMap((label) => [label.name, ...label.synonyms]);
    expect(new Set(all).size).toBe(all.length);
  });

  describe.skipIf(!hasSharedData)(`against the published lists${hasSharedData ? '' : ` (${noSharedData})`}`, () => {
    it.each([
      ['coco', coco],
      ['voc', voc],
    ] as const)('%s: ids, names and order', (key, space) => {
      const lists = JSON.parse(readFileSync(sharedData('taxonomies/label-spaces.json'), 'utf8')) as Record<
        string,
        { labels: { id: number; name: string }[] }
      >;
      expect(space.labels.map(({ id, name }) => ({ id, name }))).toEqual(
        lists[key]!.labels.map(({ id, name }) => ({ id, name })),
      );
    });

    it('every published list can be made a label space', () => {
      const lists = JSON.parse(readFileSync(sharedData('taxonomies/label-spaces.json'), 'utf8')) as Record<
        string,
        { labels: { id: number; name: string }[] }
      >;
      expect(Object.keys(lists).length).toBeGreaterThan(40);
      for (const [name, { labels }] of Object.entries(lists)) {
        expect(labelSpace(name, labels.map((label) => ({ id: label.id, name: label.name }))).size).toBe(labels.length); // prettier-ignore
      }
    });
  });
});
