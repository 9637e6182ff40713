// From what a user says about labels to space and mapping: own labels, spaces, names, groupings, plain objects and files.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LabelSpaceError } from '../../sdk/errors.js';
import { coco } from '../../sdk/taxonomy/catalog/coco.js';
import { voc } from '../../sdk/taxonomy/catalog/voc.js';
import { grouping } from '../../sdk/taxonomy/grouping.js';
import { type LabelInput, type LabelSpace, labelSpace } from '../../sdk/taxonomy/label-space.js';
import type { LabelMapper } from '../../sdk/taxonomy/mapper.js';
import { mappingOf, membersOf, targetOfSource } from '../../sdk/taxonomy/mapping.js';
import { parseLabelFile, parseLabelSpec } from '../../sdk/taxonomy/parse.js';
import { type LabelsSpec, type ResolvedLabels, resolveLabels, type ResolveOptions } from '../../sdk/taxonomy/resolve.js';

function errorOf(run: () => unknown): LabelSpaceError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(LabelSpaceError);
    return error as LabelSpaceError;
  }
  throw new Error('nothing was thrown');
}

/** `{ label: [names of the model's labels] }`. */
function picture({ space, mapping }: ResolvedLabels, model: LabelSpace): Record<string, string[]> {
  return Object.fromEntries(
    space.labels.map(({ index, name }) => [
      name,
      mapping ? Array.from(membersOf(mapping, index), (k) => model.at(k).name) : [model.at(index).name],
    ]),
  );
}

/** COCO as a model knows it: ids and names only. */
const model = labelSpace('coco', coco.labels.map(({ id, name }) => ({ id, name }))); // prettier-ignore

describe('the model’s own labels', () => {
  it.each([
    ['undefined', undefined],
    ['the space itself', model],
  ])('%s needs no mapping', (_, spec) => {
    expect(resolveLabels(spec as undefined, model)).toEqual({ space: model, mapping: undefined, combine: 'max', missing: [] });
  });
  it('so does an equal space, with its own label objects', () => {
    const result = resolveLabels(coco, model);
    expect(result.mapping).toBeUndefined();
    expect(result.space).toBe(coco);
  });
});

describe('a label space', () => {
  it('VOC on a COCO model: by synonym and by spelling', () => {
    const result = resolveLabels(voc, model);
    const found = picture(result, model);
    expect(found).toMatchObject({
      aeroplane: ['airplane'],
      diningtable: ['dining table'],
      motorbike: ['motorcycle'],
      pottedplant: ['potted plant'],
      sofa: ['couch'],
      tvmonitor: ['tv'],
      cat: ['cat'],
    });
    expect(Object.values(found).every((members) => members.length === 1)).toBe(true);
    expect(result.space).toBe(voc);
  });

  it('a renamed label of the same data set is found by id', () => {
    const german = labelSpace('coco', [{ id: 18, name: 'Hund' }, { id: 17, name: 'Katze' }]); // prettier-ignore
    expect(picture(resolveLabels(german, model), model)).toEqual({ Hund: ['dog'], Katze: ['cat'] });
  });

  it('an id that says another label than the name is refused', () => {
    const error = errorOf(() => resolveLabels(labelSpace('coco', [{ id: 1, name: 'bicycle' }]), model));
    expect(error.code).toBe('invalid-label-space');
    expect(error.found).toContain('"person" (id 1)');
    expect(error.found).toContain('"bicycle" (id 2)');
  });

  it('positions are no ids: without ids of its own a space of the same name goes by names', () => {
    expect(picture(resolveLabels(labelSpace('coco', ['dog', 'person']), model), model)).toEqual({
      dog: ['dog'],
      person: ['person'],
    });
  });

  it('labels with the same name in one data set are told apart by id', () => {
    const oid = labelSpace('oid', [{ id: '/m/a', name: 'Mouse' }, { id: '/m/b', name: 'Mouse' }, { id: '/m/c', name: 'Cat' }]); // prettier-ignore
    const mice = labelSpace('oid', [{ id: '/m/b', name: 'mouse (animal)' }, { id: '/m/a', name: 'mouse (computer)' }]); // prettier-ignore
    expect([...resolveLabels(mice, oid).mapping!.members]).toEqual([1, 0]);
    expect(errorOf(() => resolveLabels(['mouse'], oid)).code).toBe('ambiguous-label');
  });

  it('two labels that find the same one are refused', () => {
    const error = errorOf(() =>
      resolveLabels(labelSpace('mine', [{ name: 'couch' }, { name: 'sofa', synonyms: ['couch'] }]), coco),
    );
    expect(error.found).toContain('"couch"');
    expect(error.found).toContain('"sofa"');
  });

  it('labels that are not found are all named, with close names', () => {
    const error = errorOf(() => resolveLabels(labelSpace('mine', ['dog', 'unicorn', 'hrose']), model));
    expect(error.code).toBe('unknown-label');
    expect(error.message).toContain('"unicorn"');
    expect(error.message).toContain('"hrose" (close: "horse"');
    expect(error.message).not.toContain('"dog"');
  });

  it('or ignored: they stay in the space and have no members', () => {
    const mine = labelSpace('mine', ['unicorn', 'dog']);
    const result = resolveLabels(mine, model, { missing: 'ignore' });
    expect(result.missing).toEqual(['unicorn']);
    expect(result.space).toBe(mine);
    expect(picture(result, model)).toEqual({ unicorn: [], dog: ['dog'] });
    expect(errorOf(() => resolveLabels(labelSpace('none', ['unicorn']), model, { missing: 'ignore' })).found).toContain(
      'no label that the model has',
    );
  });
});

describe('an array of names', () => {
  it('keeps order, ids and the user’s spelling', () => {
    const result = resolveLabels(['sofa', 'Dogs', 'person'], coco);
    expect(result.space.labels.map(({ id, name }) => [id, name])).toEqual([[63, 'sofa'], [18, 'Dogs'], [1, 'person']]); // prettier-ignore
    expect(result.space.name).toBe('coco');
    expect(picture(result, coco)).toEqual({ sofa: ['couch'], Dogs: ['dog'], person: ['person'] });
    // What was renamed is still found by its old name.
    expect(resolveLabels(['couch'], result.space).space.labels[0]!.id).toBe(63);
  });

  it('parents that are left out give way to their own parents', () => {
    const tree = labelSpace('tree', [{ id: 1, name: 'entity' }, { id: 2, name: 'animal', parents: [1] }, { id: 3, name: 'pet', parents: [1] }, { id: 4, name: 'cat', parents: [2, 3] }]); // prettier-ignore
    expect(resolveLabels(['cat', 'entity', 'pet'], tree).space.byName('cat').parents.toSorted()).toEqual([1, 3]);
    expect(resolveLabels(['cat'], tree).space.byName('cat').parents).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    ['none', [], 'an empty array'],
    ['a name twice', ['dog', 'dog'], 'stands at 0 already'],
    ['two spellings of one', ['sofa', 'couch'], 'both stand for'],
    ['a number', [3], '3'],
    ['label objects', [{ name: 'dog' }], 'an object'],
  ])('%s is refused', (_, names, found) => expect(errorOf(() => resolveLabels(names as string[], coco)).found).toContain(found));

  it('any choice of labels in any order maps one to one', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...coco.names], { minLength: 1 }), (names) => {
        const { space, mapping } = resolveLabels(names, coco);
        expect(space.names).toEqual(names);
        names.forEach((name, u) => expect([...membersOf(mapping!, u)]).toEqual([coco.byName(name as 'dog').index]));
      }),
    );
  });
});

describe('a grouping', () => {
  const traffic = grouping(coco, { vehicle: ['car', 'truck', 'bus'], person: 'person' });

  it('joins labels many to one', () => {
    const result = resolveLabels(traffic, coco);
    expect(picture(result, coco)).toEqual({ vehicle: ['car', 'bus', 'truck'], person: ['person'] });
    expect(result.combine).toBe('max');
    expect(traffic.space.name).toBe('custom');
    expect(traffic.groupOf('lorry')!.name).toBe('vehicle');
    expect(traffic.groupOf({ id: 18 })).toBeUndefined();
    expect(traffic.membersOf('vehicle').map(({ id }) => id)).toEqual([3, 6, 8]);
  });

  it('keeps the rest on request', () => {
    const all = grouping(coco, { vehicle: ['car', 'truck', 'bus'] }, { rest: 'keep', name: 'mine', combine: 'mean' });
    expect(all.space.size).toBe(78);
    expect(all.space.name).toBe('mine');
    expect(all.combine).toBe('mean');
    expect(all.space.names.slice(0, 3)).toEqual(['vehicle', 'person', 'bicycle']);
    expect(all.groupOf('dog')).toBe(all.space.byName('dog'));
  });

  it('fits a model of another data set', () => {
    const home = grouping(voc, { seat: ['chair', 'sofa'], screen: 'tvmonitor' });
    expect(picture(resolveLabels(home, model), model)).toEqual({ seat: ['chair', 'couch'], screen: ['tv'] });
    expect(errorOf(() => resolveLabels(home, labelSpace('few', ['chair', 'tv']))).message).toContain('"sofa"');
    const few = resolveLabels(home, labelSpace('few', ['tv', 'chair']), { missing: 'ignore' });
    expect(few.missing).toEqual(['sofa']);
    expect([...few.mapping!.members]).toEqual([1, 0]);
  });

  it.each<[string, () => unknown, string, string]>([
    ['an unknown label', () => grouping(coco, { vehicle: ['car', 'trruck'] }), 'unknown-label', '"truck"'],
    ['an unknown id', () => grouping(coco, { vehicle: [{ id: 12 }] }), 'unknown-label', '12'],
    ['an empty group', () => grouping(coco, { vehicle: [] }), 'invalid-label-space', '"vehicle"'],
    ['no group', () => grouping(coco, {}), 'invalid-label-space', 'no group'],
    ['a label in two groups', () => grouping(coco, { a: ['car'], b: ['automobile'] }), 'invalid-label-space', '"car" (id 3)'],
    ['a label twice in a group', () => grouping(coco, { a: ['car', 'car'] }), 'invalid-label-space', '"car" (id 3)'],
    [
      'a group named as a kept label',
      () => grouping(coco, { dog: ['cat'] }, { rest: 'keep' }),
      'invalid-label-space',
      '"dog" (id 18)',
    ],
    [
      'an unknown way to combine',
      () => grouping(coco, { a: 'cat' }, { combine: 'sum' as never }),
      'invalid-label-space',
      '"sum"',
    ],
    ['an unknown option', () => grouping(coco, { a: 'cat' }, { mode: 1 } as never), 'invalid-label-space', '"mode"'],
    ['a member that is no name', () => grouping(coco, { a: [7 as never] }), 'invalid-label-space', '7'],
    ['no source', () => grouping('coco' as never, { a: 'cat' }), 'invalid-label-space', '"coco"'],
  ])('%s is refused', (_, run, code, words) => {
    const error = errorOf(run);
    expect(error.code).toBe(code);
    expect(error.message).toContain(words);
  });

  it('ambiguous members need an id', () => {
    const oid = labelSpace('oid', [{ id: '/m/a', name: 'Mouse' }, { id: '/m/b', name: 'Mouse' }]); // prettier-ignore
    expect(errorOf(() => grouping(oid, { animal: 'Mouse' })).code).toBe('ambiguous-label');
    const mice = grouping(oid, { animal: { id: '/m/b' } });
    expect([...mice.mapping.members]).toEqual([1]);
    expect(mice.toJSON().labels).toEqual({ animal: { id: '/m/b' } });
  });

  it('any grouping obeys the law and comes back from JSON', () => {
    const some = labelSpace(
      'some',
      Array.from({ length: 9 }, (_, i): LabelInput => ({ id: i, name: `n${i >> 1}` })),
    );
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -1, max: 3 }), { minLength: 9, maxLength: 9 }),
        fc.constantFrom('max', 'mean', 'noisy_or'),
        (to, combine) => {
          const groups: Record<string, { id: number }[]> = {};
          to.forEach((group, id) => {
            if (group >= 0) (groups[`g${group}`] ??= []).push({ id });
          });
          fc.pre(Object.keys(groups).length > 0);
          const made = grouping(some, groups, { combine: combine as 'max' });
          expect([...targetOfSource(made.mapping)]).toEqual(
            to.map((group) => (group < 0 ? -1 : made.space.byName(`g${group}`).index)),
          );
          const again = resolveLabels(parseLabelSpec(JSON.parse(JSON.stringify(made))), some);
          expect(again.space.toJSON()).toEqual(made.space.toJSON());
          expect(again.combine).toBe(combine);
          expect(again.mapping).toEqual(resolveLabels(made, some).mapping);
        },
      ),
    );
  });
});

describe('plain objects', () => {
  it('a grouping', () => {
    const result = resolveLabels(
      { name: 'traffic', labels: { vehicle: ['car', 'truck'], person: 'person' }, combine: 'noisy_or' },
      coco,
    );
    expect(picture(result, coco)).toEqual({ vehicle: ['car', 'truck'], person: ['person'] });
    expect([result.space.name, result.combine]).toEqual(['traffic', 'noisy_or']);
  });
  it('with missing labels ignored a group may become empty', () => {
    const result = resolveLabels({ labels: { myth: ['unicorn'], pet: ['cat', 'dragon'] } }, coco, { missing: 'ignore' });
    expect(picture(result, coco)).toEqual({ myth: [], pet: ['cat'] });
    expect(result.missing).toEqual(['unicorn', 'dragon']);
  });
  it('a label list', () => {
    const result = resolveLabels({ labels: ['cat', { id: 5, name: 'hound', synonyms: ['dog'] }] }, model);
    expect(picture(result, model)).toEqual({ cat: ['cat'], hound: ['dog'] });
    expect(result.space.byId(5).name).toBe('hound');
  });
  it.each<[string, unknown, string]>([
    ['a text', 'coco', '"coco"'],
    ['null', null, 'null'],
    ['a number', 3, '3'],
    ['no labels', { name: 'x' }, 'undefined'],
    ['an unknown key', { labels: { a: 'cat' }, lables: 1 }, 'lables'],
    ['a list with combine', { labels: ['cat'], combine: 'max' }, 'combine'],
    ['a blank group', { labels: { ' ': 'cat' } }, '" "'],
  ])('%s is refused', (_, spec, found) => expect(errorOf(() => resolveLabels(spec as LabelsSpec, coco)).found).toContain(found));

  it('a bad option is refused', () =>
    expect(errorOf(() => resolveLabels(['cat'], coco, { missing: 'skip' as never })).found).toBe('"skip"'));

  it('anything with resolveFor is asked: a unified label space needs nothing here', () => {
    const unified = labelSpace('unified', ['pet']);
    const mapper: LabelMapper<'pet'> = {
      resolveFor: (given: LabelSpace, { missing }: ResolveOptions = {}): ResolvedLabels<'pet'> => {
        expect(given).toBe(coco);
        expect(missing).toBe('ignore');
        return { space: unified, mapping: mappingOf([[15, 16]], 80), combine: 'mean', missing: [] };
      },
    };
    expect(resolveLabels(mapper, coco, { missing: 'ignore' }).space).toBe(unified);
  });
});

describe('label files', () => {
  it.each<[string, string, string]>([
    ['one name a line', 'cat\r\n\n  traffic light \ndog', 'labels.txt'],
    ['with a byte order mark', '\uFEFFcat\ntraffic light\ndog\n', 'labels.txt'],
    ['a JSON array', '["cat", "traffic light", "dog"]', 'labels.json'],
    ['JSON without the ending', ' ["cat", "traffic light", "dog"]', 'labels'],
  ])('%s', (_, text, name) => expect(parseLabelFile(text, name)).toEqual(['cat', 'traffic light', 'dog']));

  it('a name that looks like JSON stays a name in a .txt', () => expect(parseLabelFile('[cat]', 'a.txt')).toEqual(['[cat]']));

  it.each<[string, string, string, string]>([
    ['truncated JSON', '{"labels": ["cat"', 'a.json', 'not JSON'],
    ['an empty file', ' \n', 'a.txt', 'no name'],
    ['an empty JSON file', '', 'a.json', 'not JSON'],
    ['a name twice', 'cat\ncat', 'a.txt', 'already'],
  ])('%s is refused and the file is named', (_, text, name, found) => {
    const error = errorOf(() => parseLabelFile(text, name));
    expect(error.found).toContain(found);
    expect(error.thing).toContain(name);
  });

  it('whatever is written, only the named error comes out', () => {
    const group = fc.dictionary(
      fc.string(),
      fc.oneof(fc.constantFrom('cat', 'dog'), fc.array(fc.oneof(fc.constantFrom('cat', 'bird'), fc.anything())), fc.anything()),
    );
    const spec = fc.record({ name: fc.anything(), labels: fc.oneof(group, fc.array(fc.anything())), rest: fc.constantFrom('keep', 'ignore', 1), combine: fc.constantFrom('max', 'sum') }, { requiredKeys: ['labels'] }); // prettier-ignore
    fc.assert(
      fc.property(fc.oneof(fc.anything(), spec), fc.constantFrom('error' as const, 'ignore' as const), (value, missing) => {
        try {
          resolveLabels(parseLabelSpec(value), coco, { missing });
        } catch (error) {
          expect(error).toBeInstanceOf(LabelSpaceError);
        }
      }),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('a.json', 'a.txt', 'a'), (text, name) => {
        try {
          parseLabelFile(text, name);
        } catch (error) {
          expect(error).toBeInstanceOf(LabelSpaceError);
        }
      }),
    );
  });
});
