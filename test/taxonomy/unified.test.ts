// Unified label spaces: both laws, scores along the mapping both ways, and the algebra of the operations.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArgumentError, LabelSpaceError } from '../../sdk/errors.js';
import { coco } from '../../sdk/taxonomy/catalog/coco.js';
import { voc } from '../../sdk/taxonomy/catalog/voc.js';
import { concatenate } from '../../sdk/taxonomy/concatenate.js';
import { grouping } from '../../sdk/taxonomy/grouping.js';
import { labelSpace } from '../../sdk/taxonomy/label-space.js';
import { composeMappings, mappingOf, membersOf, targetOfSource, targetsOf } from '../../sdk/taxonomy/mapping.js';
import { type ProblemCode, TaxonomyError } from '../../sdk/taxonomy/problems.js';
import { resolveLabels } from '../../sdk/taxonomy/resolve.js';
import { unifiedLabelSpace, type UnifiedLabelSpace } from '../../sdk/taxonomy/unified.js';
import { anyUnified, dataset, fromSlots, partition, probabilities, severalOver, unifiedOver, withScores } from './arbitraries.js';

/** Results are rounded once to float32: half a unit in the last place of numbers up to 1. */
const FLOAT32_ROUNDING = 2 ** -25;

const ROWS = 2;
const pets = labelSpace('pets', [{ id: 1, name: 'cat' }, { id: 2, name: 'dog' }]); // prettier-ignore
const farm = labelSpace('farm', [{ id: 'd', name: 'Dog' }, { id: 'c', name: 'Cow' }]); // prettier-ignore
const animals = unifiedLabelSpace('animals', [pets, farm], [
  { name: 'dog', members: { pets: 2, farm: 'd' }, cost: 0.01, margin: 0.2 },
  { name: 'cow', members: { farm: 'c' } },
  { name: 'cat', members: { pets: 1 } },
]); // prettier-ignore

function errorOf<E extends Error>(run: () => unknown, type: new (...args: never[]) => E): E {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(type);
    return error as E;
  }
  throw new Error('nothing was thrown');
}

/** Both laws of the mapping, checked on the dense matrices. */
function expectLawful(space: UnifiedLabelSpace): void {
  let members = 0;
  for (const { name, size } of space.datasets) {
    const mapping = space.mappingFor(name);
    expect(targetsOf(mapping)).toBe(space.size);
    expect(targetOfSource(mapping).every((u) => u >= 0)).toBe(true);
    for (let u = 0; u < space.size; u++) expect(membersOf(mapping, u).length).toBeLessThanOrEqual(1);
    members += size;
  }
  expect(space.mapping.members.length).toBe(members);
  for (const label of space.labels) {
    expect(Object.keys(label.members).length).toBeGreaterThan(0);
    for (const [name, id] of Object.entries(label.members)) {
      expect(space.unifiedOf(name, { id })).toBe(label);
      expect(space.memberOf({ id: label.id }, name)!.id).toBe(id);
    }
  }
}

describe('look-ups', () => {
  it('go both ways, by data set and id', () => {
    expect(animals.name).toBe('animals');
    expect(animals.size).toBe(3);
    expect(animals.unifiedOf('farm', { id: 'd' })).toBe(animals.labels[0]);
    expect(animals.unifiedOf('pets', 'cat').name).toBe('cat');
    expect(animals.memberOf('dog', 'farm')).toBe(farm.byId('d'));
    expect(animals.memberOf('cow', 'pets')).toBeUndefined();
    expect(animals.labels[0]).toEqual({ index: 0, id: 0, name: 'dog', synonyms: [], parents: [], members: { pets: 2, farm: 'd' }, cost: 0.01, margin: 0.2 }); // prettier-ignore
    expect(errorOf(() => animals.unifiedOf('pet', 'cat'), LabelSpaceError).wanted).toContain('"pets"');
  });

  it('nothing can be changed', () => {
    for (const part of [animals, animals.labels, animals.labels[0], animals.labels[0]!.members, animals.datasets])
      expect(Object.isFrozen(part)).toBe(true);
  });
});

describe('laws', () => {
  const dog = { name: 'dog', members: { pets: 2, farm: 'd' } };
  const rest = [{ name: 'cow', members: { farm: 'c' } }, { name: 'cat', members: { pets: 1 } }]; // prettier-ignore
  // Each row: the labels, the codes, what the message says.
  it.each<[string, unknown[], ProblemCode[], string]>([
    ['a label in two unified labels', [dog, ...rest, { name: 'puppy', members: { pets: 2 } }], ['label-in-two'], 'labels[3].members.pets: found "dog" (id 2), which stands in labels[0] "dog" already'],
    ['a label in no unified label', [dog, rest[0]], ['label-in-none'], 'datasets[0].labels[0]: found "cat" (id 1) of "pets" in no unified label'],
    ['a dangling member', [dog, ...rest, { name: 'x', members: { pets: 3 } }], ['unknown-label'], 'found 3; wanted the id of a label of "pets"'],
    ['an id of the wrong kind', [{ name: 'dog', members: { pets: '2', farm: 'd' } }, ...rest], ['unknown-label', 'label-in-none'], 'There is 2, a number.'],
    ['an unknown data set', [dog, ...rest, { name: 'x', members: { zoo: 1 } }], ['unknown-dataset'], 'found "zoo"; wanted a data set: "pets", "farm"'],
    ['a unified label without members', [dog, ...rest, { name: 'x', members: {} }], ['no-member'], 'labels[3].members: found no member'],
    ['two labels of one data set', [{ name: 'any', members: { pets: [1, 2] } }], ['unknown-label', 'label-in-none', 'label-in-none', 'label-in-none', 'label-in-none'], 'an array of 2'],
    ['no members at all', [{ name: 'dog' }], ['wrong-value'], 'labels[0].members: found undefined'],
  ])('%s', (_, labels, codes, text) => {
    const error = errorOf(() => unifiedLabelSpace('animals', [pets, farm], labels as never), TaxonomyError);
    expect(error.code).toBe('invalid-taxonomy');
    expect(error.problems.map(({ code }) => code)).toEqual(codes);
    expect(error.message).toContain(text);
  }); // prettier-ignore

  it('data sets have names of their own', () => {
    expect(errorOf(() => unifiedLabelSpace('x', [pets, pets], []), TaxonomyError).problems[0]!.code).toBe('duplicate-dataset');
  });

  it('labels of no group become labels of their own, under names that are free', () => {
    const joined = unifiedLabelSpace('all', [coco, voc], [{ name: 'sofa', members: { coco: 63, voc: 18 } }], { rest: 'single' });
    expect(joined.size).toBe(80 + 20 - 1);
    expect(joined.unifiedOf('voc', 'car').name).toBe('car (voc)');
    expect(joined.unifiedOf('coco', 'car').name).toBe('car');
    expectLawful(joined);
  });

  it('any slots make a lawful space', () => fc.assert(fc.property(anyUnified, expectLawful)));
});

describe('project', () => {
  it('is UniDet’s Eq. 5 on the dense matrices', () => {
    fc.assert(
      fc.property(withScores(ROWS), ({ space, scores }) => {
        const found = space.project(scores);
        for (let p = 0; p < ROWS; p++) {
          space.labels.forEach(({ members }, u) => {
            // sum_k T_k^T d_k / sum_k T_k^T 1
            const values = Object.entries(members).map(([name, id]) => {
              const own = space.dataset(name);
              return scores[name]![p * own.size + own.byId(id).index]!;
            });
            const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
            expect(Math.abs(found[p * space.size + u]! - mean)).toBeLessThanOrEqual(FLOAT32_ROUNDING);
          });
        }
      }),
    );
  });

  it('takes the heads one after another in one array too', () => {
    fc.assert(
      fc.property(withScores(ROWS), fc.constantFrom('mean', 'max', 'noisy_or'), ({ space, scores }, combine) => {
        const rows = Array.from({ length: ROWS }, (_, p) => space.datasets.flatMap(({ name, size }) => [...scores[name]!.subarray(p * size, (p + 1) * size)])); // prettier-ignore
        expect(space.project(rows.flat(), { combine })).toEqual(space.project(scores, { combine }));
      }),
    );
  });

  it('of two labels by every rule', () => {
    const scores = { pets: [0.25, 0.5], farm: [0.25, 1] };
    expect([...animals.project(scores)]).toEqual([0.375, 1, 0.25]);
    expect([...animals.project(scores, { combine: 'max' })]).toEqual([0.5, 1, 0.25]);
    expect([...animals.project(scores, { combine: 'noisy_or' })]).toEqual([0.625, 1, 0.25]);
    expect([...animals.project({ pets: [0, 0], farm: [0, 0] }, { from: 'logit' })]).toEqual([0.5, 0.5, 0.5]);
    const out = new Float32Array(3);
    expect(animals.project(scores, { out })).toBe(out);
    expect(animals.project({ pets: [], farm: [] }).length).toBe(0);
  });

  // Each row: the scores, what the message says.
  it.each<[string, unknown, string]>([
    ['a missing head', { pets: [1, 1] }, 'scores of "farm": found undefined; wanted an array [P, 2]'.replace('an array [P, 2]', '2: [1, 2]')],
    ['heads of different numbers of boxes', { pets: [1, 1], farm: [1, 1, 1, 1] }, 'scores of "farm": found 4 numbers; wanted 2: [1, 2]'],
    ['half a row', { pets: [1], farm: [1, 1] }, 'scores of "pets": found 1 numbers; wanted an array [P, 2]'],
    ['one array of another length', [1, 2, 3], 'scores: found 3 numbers; wanted an array [P, 4]'],
    ['text', { pets: 'ab', farm: 'ab' }, 'scores of "pets": found "ab"'],
  ])('%s is refused', (_, scores, text) => {
    expect(errorOf(() => animals.project(scores as never), ArgumentError).message).toContain(text);
  }); // prettier-ignore
});

describe('reproject', () => {
  it('gives each label of a data set the score of its unified label', () => {
    expect([...animals.reproject([0.5, 0.25, 0.75], 'farm')]).toEqual([0.5, 0.25]);
    expect([...animals.reproject([0.5, 0.25, 0.75], 'pets')]).toEqual([0.75, 0.5]);
    expect(() => animals.reproject([1, 2], 'pets')).toThrow(ArgumentError);
    expect(() => animals.reproject([1, 2, 3], 'zoo')).toThrow(LabelSpaceError);
  });

  it.each(['mean', 'max'] as const)('after reprojection %s of the parts is the whole again', (combine) => {
    const spaces = anyUnified.chain((space) => probabilities(ROWS, space.size).map((scores) => ({ space, scores })));
    fc.assert(
      fc.property(spaces, ({ space, scores }) => {
        const heads = Object.fromEntries(space.datasets.map(({ name }) => [name, space.reproject(scores, name)]));
        expect(space.project(heads, { combine })).toEqual(scores);
      }),
    );
  });

  it.each(['mean', 'max', 'noisy_or'] as const)('where nothing is merged, %s and back changes no score', (combine) => {
    const apart = anyUnified.map((space) => fromSlots(space.datasets.map(({ name }) => name), space.datasets.map((own, d) => own.labels.map(({ index }) => 10 * d + index)))); // prettier-ignore
    fc.assert(
      fc.property(withScores(ROWS, apart), ({ space, scores }) => {
        const unified = space.project(scores, { combine });
        for (const { name } of space.datasets) expect(space.reproject(unified, name)).toEqual(scores[name]);
      }),
    );
  });
});

const names = ['a', 'b', 'c', 'd'];
const someNames = fc.shuffledSubarray(names, { minLength: 1 });

describe('restrict', () => {
  it('twice is once with what is in both, and every result is lawful', () => {
    fc.assert(
      fc.property(unifiedOver(names), someNames, someNames, (space, first, second) => {
        const both = second.filter((name) => first.includes(name));
        fc.pre(both.length > 0);
        const once = space.restrict(both);
        expectLawful(once);
        const twice = space.restrict(first).restrict(both);
        expect(twice.labels).toEqual(once.labels);
        expect(partition(twice)).toEqual(partition(once));
      }),
    );
  });

  it('to all data sets changes nothing', () => {
    fc.assert(fc.property(unifiedOver(names), (space) => void expect(space.restrict(names).labels).toEqual(space.labels)));
  });

  it('scores are those of the heads that are left', () => {
    fc.assert(
      fc.property(withScores(ROWS, unifiedOver(names)), someNames, ({ space, scores }, kept) => {
        const part = space.restrict(kept);
        const found = part.project(scores);
        part.labels.forEach(({ members }, u) => {
          const values = Object.entries(members).map(([name, id]) => scores[name]![space.dataset(name).byId(id).index]!);
          expect(Math.abs(found[u]! - values.reduce((sum, v) => sum + v, 0) / values.length)).toBeLessThanOrEqual(
            FLOAT32_ROUNDING,
          );
        });
      }),
    );
  });

  it('keeps ids, and costs only of labels that are whole', () => {
    const only = animals.restrict(['farm']);
    expect(only.labels.map(({ id, name, cost }) => [id, name, cost])).toEqual([[0, 'dog', undefined], [1, 'cow', undefined]]); // prettier-ignore
    expect(animals.restrict(['farm', 'pets']).labels[0]!.cost).toBe(0.01);
    expect(() => animals.restrict(['zoo'])).toThrow(LabelSpaceError);
  });
});

describe('union', () => {
  /** The union, or undefined where it would join two labels of one data set. */
  const union = (x: UnifiedLabelSpace | undefined, y: UnifiedLabelSpace | undefined): UnifiedLabelSpace | undefined => {
    if (!x || !y) return undefined;
    try {
      return x.union(y);
    } catch (error) {
      expect(error).toBeInstanceOf(TaxonomyError);
      expect((error as TaxonomyError).problems.every(({ code }) => code === 'two-of-one-dataset')).toBe(true);
      return undefined;
    }
  };
  const parts = (space: UnifiedLabelSpace | undefined) => space && partition(space);

  it('with itself changes nothing', () =>
    fc.assert(fc.property(anyUnified, (x) => void expect(x.union(x).labels).toEqual(x.labels))));

  it('of different data sets is both, side by side, and gives each back', () => {
    fc.assert(
      fc.property(unifiedOver(['a', 'b']), unifiedOver(['c', 'd']), (x, y) => {
        const both = x.union(y);
        expectLawful(both);
        expect(both.size).toBe(x.size + y.size);
        expect(partition(both.restrict(['a', 'b']))).toEqual(partition(x));
        expect(partition(both.restrict(['d', 'c']))).toEqual(partition(y));
      }),
    );
  });

  it('is the same both ways round, and lawful', () => {
    fc.assert(
      fc.property(severalOver(2, ['a', 'b', 'c'], 4), ([x, y]) => {
        const both = union(x, y);
        if (both) expectLawful(both);
        expect(parts(both)).toEqual(parts(union(y, x)));
      }),
    );
  });

  it('does not depend on grouping, where it is defined', () => {
    // Few labels and many slots, so that most unions are defined.
    const three = severalOver(3, ['a', 'b', 'c'], 3);
    let defined = 0;
    fc.assert(
      fc.property(three, ([x, y, z]) => {
        const whole = parts(union(union(x, y), z));
        if (whole) defined++;
        expect(whole).toEqual(parts(union(x, union(y, z))));
      }),
    );
    expect(defined).toBeGreaterThan(0);
  });

  it('joins through a data set that both have', () => {
    const one = fromSlots(['a', 'b'], [[0, 1], [0, 2]]); // prettier-ignore
    const two = fromSlots(['b', 'c'], [[0, 1], [0]]); // prettier-ignore
    const both = one.union(two);
    expect(both.unifiedOf('c', 'c 0')).toBe(both.unifiedOf('a', 'a 0'));
    expect(both.size).toBe(3);
  });

  it('says which labels it cannot join', () => {
    const one = fromSlots(['a', 'b'], [[0, 1], [0, 1]]); // prettier-ignore
    const two = fromSlots(['a', 'b'], [[0, 1], [1, 0]]); // prettier-ignore
    expect(errorOf(() => one.union(two), TaxonomyError).message).toMatch(
      /found "\w \d" \(id .*\) and "\w \d" \(id .*\) of "\w" joined/u,
    );
    const other = fromSlots(['a'], [[0]]);
    expect(errorOf(() => one.union(other), TaxonomyError).message).toContain('2 and 1 labels');
  });
});

describe('compose', () => {
  /** A unified space, and one behind it in which it is a data set. */
  const chains = unifiedOver(['a', 'b']).chain((inner) =>
    fc.tuple(fc.shuffledSubarray(Array.from({ length: inner.size + 2 }, (_, slot) => slot), { minLength: inner.size, maxLength: inner.size }), fc.shuffledSubarray([0, 1, 2, 3], { minLength: 1 })).map(([own, c]) => {
      const third = dataset('c', c.length);
      const slots = [...new Set([...own, ...c])];
      const outer = unifiedLabelSpace('outer', [third, inner.space], slots.map((slot) => ({
        name: `outer ${slot}`,
        members: {
          ...(own.includes(slot) && { [inner.name]: inner.labels[own.indexOf(slot)]!.id }),
          ...(c.includes(slot) && { c: third.at(c.indexOf(slot)).id }),
        },
      }))) as UnifiedLabelSpace;
      return { inner, outer };
    }),
  ); // prettier-ignore

  it('is lawful, and its mappings are products', () => {
    fc.assert(
      fc.property(chains, ({ inner, outer }) => {
        const whole = inner.compose(outer);
        expectLawful(whole);
        expect(whole.datasets.map(({ name }) => name)).toEqual(['c', 'a', 'b']);
        for (const { name } of inner.datasets)
          expect(whole.mappingFor(name)).toEqual(composeMappings(inner.mappingFor(name), outer.mappingFor(inner.name)));
      }),
    );
  });

  it('max and reprojection can be done in two steps', () => {
    const cases = chains.chain((chain) => withScores(ROWS, fc.constant(chain.inner.compose(chain.outer))).map((scored) => ({ ...chain, ...scored }))); // prettier-ignore
    fc.assert(
      fc.property(cases, ({ inner, outer, space, scores }) => {
        const first = inner.project({ a: scores['a']!, b: scores['b']! }, { combine: 'max' });
        const second = outer.project({ [inner.name]: first, c: scores['c']! }, { combine: 'max' });
        expect(space.project(scores, { combine: 'max' })).toEqual(second);
        for (const { name } of inner.datasets)
          expect(space.reproject(second, name)).toEqual(inner.reproject(outer.reproject(second, inner.name), name));
      }),
    );
  });

  it('mappings: associative, and identities change nothing', () => {
    const step = (sources: number, targets: number) =>
      fc.array(fc.integer({ min: -1, max: targets - 1 }), { minLength: sources, maxLength: sources }).map((to) => mappingOf(Array.from({ length: targets }, (_, u) => to.flatMap((t, k) => (t === u ? [k] : []))), sources)); // prettier-ignore
    const identity = (size: number) => mappingOf(Array.from({ length: size }, (_, k) => [k]), size); // prettier-ignore
    fc.assert(
      fc.property(step(5, 4), step(4, 3), step(3, 2), (f, g, h) => {
        expect(composeMappings(composeMappings(f, g), h)).toEqual(composeMappings(f, composeMappings(g, h)));
        expect(composeMappings(identity(5), f)).toEqual(f);
        expect(composeMappings(f, identity(4))).toEqual(f);
      }),
    );
    expect(() => composeMappings(identity(3), identity(4))).toThrow(LabelSpaceError);
  });

  it('with a grouping gives a many-to-one transform of the data sets', () => {
    const group = grouping(animals.space, { pet: ['dog', 'cat'], cattle: 'cow' });
    const both = animals.compose(group);
    expect([...both.project({ pets: [0.25, 0.5], farm: [0.75, 1] })]).toEqual([0.75, 1]);
    expect([...both.reproject([0.5, 0.25], 'pets')]).toEqual([0.5, 0.5]);
    expect(resolveLabels(both, pets).space.names).toEqual(['pet', 'cattle']);
  });

  it('refuses a space in which it is no data set', () => {
    expect(() => animals.compose(unifiedLabelSpace('o', [coco], [], { rest: 'single' }))).toThrow(LabelSpaceError);
    expect(() => animals.compose(grouping(coco, { x: 'cat' }))).toThrow(TaxonomyError);
  });
});

describe('rename and permute', () => {
  it('new names change nothing else', () => {
    const renamed = animals.rename({ dog: 'hound' });
    expect(renamed.labels.map(({ name }) => name)).toEqual(['hound', 'cow', 'cat']);
    expect(partition(renamed)).toEqual(partition(animals));
    expect(animals.rename(({ name, id }) => `${name}-${id}`).labels[1]!.name).toBe('cow-1');
    expect(() => animals.rename({ horse: 'x' } as never)).toThrow(LabelSpaceError);
    fc.assert(
      fc.property(anyUnified, (space) => {
        const there = space.rename(({ name }) => `${name}!`);
        expect(there.mapping).toEqual(space.mapping);
        expect(there.rename(({ name }) => name.slice(0, -1)).labels).toEqual(space.labels);
      }),
    );
  });

  it('new names of data sets, there and back', () => {
    const there = animals.renameDatasets({ pets: 'house' });
    expect(there.labels[0]!.members).toEqual({ house: 2, farm: 'd' });
    expect(there.dataset('house').names).toEqual(pets.names);
    expect(there.renameDatasets({ house: 'pets' }).labels).toEqual(animals.labels);
    expect(errorOf(() => animals.renameDatasets({ pets: 'farm' }), TaxonomyError).problems[0]!.code).toBe('duplicate-dataset');
  });

  it('a permutation moves the scores, and its inverse moves them back', () => {
    const cases = withScores(ROWS).chain((scored) => fc.shuffledSubarray(scored.space.labels.map(({ index }) => index), { minLength: scored.space.size }).map((order) => ({ ...scored, order }))); // prettier-ignore
    fc.assert(
      fc.property(cases, ({ space, scores, order }) => {
        const moved = space.permute(order);
        expectLawful(moved);
        const [found, wanted] = [moved.project(scores), space.project(scores)];
        order.forEach((old, u) => expect(found[u]).toBe(wanted[old]));
        const inverse = order.map((_, u) => order.indexOf(u));
        expect(moved.permute(inverse).labels).toEqual(space.labels);
      }),
    );
    for (const order of [
      [0, 1],
      [0, 0, 1],
      [0, 1, 3],
    ])
      expect(() => animals.permute(order)).toThrow(ArgumentError);
  });
});

describe('a model’s labels', () => {
  it('one head: labels are found by data set and id, others are listed as missing', () => {
    const { space, mapping, combine, missing } = resolveLabels(animals, farm);
    expect(space).toBe(animals.space);
    expect([...mapping!.offsets]).toEqual([0, 1, 2, 2]);
    // Nothing is joined, so that scores need not become probabilities.
    expect(combine).toBe('max');
    expect(missing).toEqual(['cat']);
  });

  it('several heads, in any order', () => {
    const model = concatenate([farm, pets]);
    expect(model.names).toEqual(['Dog', 'Cow', 'cat', 'dog']);
    const { mapping, missing, combine } = resolveLabels(animals, model);
    expect(combine).toBe('mean');
    expect(Array.from({ length: 3 }, (_, u) => [...membersOf(mapping!, u)])).toEqual([[0, 3], [1], [2]]);
    expect(missing).toEqual([]);
  });

  it('a model of the unified labels themselves', () => {
    expect(resolveLabels(animals, labelSpace('animals', ['dog', 'cow', 'cat'])).mapping).toBeUndefined();
  });

  it('another data set is refused with the known ones', () => {
    expect(errorOf(() => resolveLabels(animals, coco), LabelSpaceError).message).toContain('found "coco"; wanted "pets", "farm"');
  });
});

describe('a grouping has the same interface', () => {
  const house = grouping(coco, { vehicle: ['car', 'truck', 'bus'], person: 'person' });
  it('projects and reprojects', () => {
    const scores = new Float32Array(80);
    scores[2] = 0.25;
    scores[7] = 0.5;
    expect([...house.project({ coco: scores })]).toEqual([0.5, 0]);
    expect([...house.project(scores, { combine: 'noisy_or' })]).toEqual([0.625, 0]);
    const back = house.reproject([0.5, 0.25], 'coco');
    expect([back[0], back[1], back[2], back[7]]).toEqual([0.25, 0, 0.5, 0.5]);
    expect(house.mappingFor('coco')).toEqual(house.mapping);
    expect(() => house.mappingFor('voc')).toThrow(LabelSpaceError);
  });
});

describe('concatenate', () => {
  it('keeps labels apart that have one name', () => {
    const both = concatenate([coco, voc]);
    expect(both.size).toBe(100);
    expect(both.allByName('cat').map(({ id }) => id)).toEqual(['coco/17', 'voc/8']);
    expect(both.name).toBe('coco + voc');
    expect(() => concatenate([coco, coco])).toThrow(LabelSpaceError);
  });
});
