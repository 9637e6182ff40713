// Taxonomies: relations and pins with their laws, hierarchies, and what follows a changed label space.
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ArgumentError, LabelSpaceError } from '../../sdk/errors.js';
import { Hierarchy, hierarchyOf } from '../../sdk/taxonomy/hierarchy.js';
import { labelSpace, type LabelInput } from '../../sdk/taxonomy/label-space.js';
import { type LabelKey, type ProblemCode, TaxonomyError } from '../../sdk/taxonomy/problems.js';
import { flipRelation, type Relation, type RelationEnd, Relations } from '../../sdk/taxonomy/relations.js';
import { resolveLabels } from '../../sdk/taxonomy/resolve.js';
import { isTaxonomy, taxonomy, type TaxonomyParts } from '../../sdk/taxonomy/taxonomy.js';
import { unifiedLabelSpace } from '../../sdk/taxonomy/unified.js';
import { hasSharedData, noSharedData, sharedData } from '../shared-data.js';

function errorOf<E extends Error>(run: () => unknown, type: new (...args: never[]) => E): E {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(type);
    return error as E;
  }
  throw new Error('nothing was thrown');
}

const pets = labelSpace('pets', [{ id: 1, name: 'cat' }, { id: 2, name: 'dog' }]); // prettier-ignore
const farm = labelSpace('farm', [{ id: 'd', name: 'Dog', parents: ['a'] }, { id: 'c', name: 'Cow', parents: ['a'] }, { id: 'a', name: 'Animal' }]); // prettier-ignore
const animals = unifiedLabelSpace('animals', [pets, farm], [{ name: 'dog', members: { pets: 2, farm: 'd' } }], {
  rest: 'single',
});
const p = (id: number): LabelKey => ({ dataset: 'pets', id });
const f = (id: string): LabelKey => ({ dataset: 'farm', id });
const cat = animals.unifiedOf('pets', 'cat');

describe('relations', () => {
  const list: Relation[] = [
    { a: p(1), kind: 'subset', b: f('a'), score: 0.9, evidence: [{ source: 'cross AP', forward: 0.8, backward: 0.1 }] },
    { a: { unified: cat.id }, kind: 'overlap', b: f('c'), score: 0.2 },
    { a: f('a'), kind: 'superset', b: f('c'), score: 0.5 },
    { a: p(1), kind: 'identity', b: { unified: 1 } },
  ];
  const relations = new Relations(list);

  it('are found from both ends, each seen from the end asked', () => {
    expect(relations.of(f('a'))).toEqual([
      { a: f('a'), kind: 'superset', b: p(1), score: 0.9, evidence: [{ source: 'cross AP', forward: 0.1, backward: 0.8 }] },
      list[2],
    ]);
    expect(relations.between(f('c'), f('a'))).toEqual({ a: f('c'), kind: 'subset', b: f('a'), score: 0.5 });
    expect(relations.between(p(2), f('a'))).toBeUndefined();
    expect(relations.of(p(9))).toEqual([]);
    for (const relation of list) expect(flipRelation(flipRelation(relation))).toEqual(relation);
  });

  it('subsets and identities are followed to the end; the same id in two data sets is two labels', () => {
    expect(relations.supersets({ unified: 1 })).toEqual([p(1), f('a')]);
    expect(relations.supersets({ unified: 1 }, { minScore: 0.95 })).toEqual([p(1)]);
    expect(relations.subsets(f('a'))).toEqual([p(1), f('c'), { unified: 1 }]);
    expect(relations.supersets(f('a'))).toEqual([]);
  });

  const make = (relations: readonly Relation[], pins?: TaxonomyParts['pins']) => () => taxonomy(animals, { relations, pins });
  // Each row: the relations, the code, what the message says.
  it.each<[string, Relation[], ProblemCode, string]>([
    ['a dangling label', [{ a: p(3), kind: 'subset', b: f('a') }], 'unknown-label', 'relations[0].a: found 3; wanted the id of a label of "pets"'],
    ['a dangling unified label', [{ a: p(1), kind: 'subset', b: { unified: 99 } }], 'unknown-unified', 'relations[0].b: found 99'],
    ['an unknown data set', [{ a: { dataset: 'zoo', id: 1 }, kind: 'subset', b: f('a') }], 'unknown-dataset', 'found "zoo"'],
    ['a label and itself', [{ a: p(1), kind: 'identity', b: p(1) }], 'self-relation', '"pets" 1 related to itself'],
    ['two relations of two labels', [{ a: p(1), kind: 'subset', b: f('a') }, { a: f('a'), kind: 'overlap', b: p(1) }], 'duplicate-relation', 'relations[0] relates them already'],
    ['a cycle', [{ a: p(1), kind: 'subset', b: f('a') }, { a: f('c'), kind: 'superset', b: f('a') }, { a: f('c'), kind: 'subset', b: p(1) }], 'relation-cycle', '"pets" 1 -> "farm" "a" -> "farm" "c" -> "pets" 1'],
    ['a cycle through an identity', [{ a: p(1), kind: 'subset', b: f('a') }, { a: f('a'), kind: 'identity', b: f('c') }, { a: f('c'), kind: 'subset', b: p(1) }], 'relation-cycle', '"pets" 1 -> "farm" "a" -> "pets" 1'],
  ])('%s is refused', (_, list, code, text) => {
    const error = errorOf(make(list), TaxonomyError);
    expect(error.problems.map((one) => one.code)).toEqual([code]);
    expect(error.message).toContain(text);
  }); // prettier-ignore

  // Each row: pins, codes of the problems, severity.
  it.each<[string, TaxonomyParts['pins'], ProblemCode[], string]>([
    ['pins that hold', { mustMerge: [[p(2), f('d')]], cannotMerge: [[p(1), f('a'), f('c')]] }, [], ''],
    ['two labels of one data set pinned together', { mustMerge: [[p(1), p(2)]] }, ['pin-conflict', 'pin-broken'], 'error'],
    [
      'the same through a third',
      {
        mustMerge: [
          [p(1), f('c')],
          [f('c'), p(2)],
        ],
      },
      ['pin-conflict', 'pin-broken', 'pin-broken'],
      'error',
    ],
    ['pinned together and apart', { mustMerge: [[p(2), f('d')]], cannotMerge: [[f('d'), p(2)]] }, ['pin-conflict'], 'error'],
    ['a dangling pin', { cannotMerge: [[p(7), p(2)]] }, ['unknown-label'], 'error'],
    ['a pin that is not followed', { mustMerge: [[p(1), f('a')]] }, ['pin-broken'], 'warning'],
    ['a pin apart that is not followed', { cannotMerge: [[p(2), f('d')]] }, ['pin-broken'], 'warning'],
  ])('%s', (_, pins, codes, severity) => {
    if (severity === 'error') expect(errorOf(make([], pins), TaxonomyError).problems.map(({ code }) => code)).toEqual(codes);
    else expect(make([], pins)().warnings.map(({ code, severity: found }) => [code, found])).toEqual(codes.map((code) => [code, 'warning'])); // prettier-ignore
  });
});

describe('taxonomy', () => {
  const relations: Relation[] = [
    { a: { unified: cat.id }, kind: 'subset', b: f('a'), score: 0.9 },
    { a: p(2), kind: 'overlap', b: f('c') },
  ];
  const whole = taxonomy(animals, { description: 'Pets and cattle', relations, pins: { mustMerge: [[p(2), f('d')]] }, origin: { method: 'by hand' } }); // prettier-ignore

  it('stands for its labels everywhere', () => {
    expect(isTaxonomy(whole)).toBe(true);
    expect(isTaxonomy(animals)).toBe(false);
    const { space, mapping } = resolveLabels(whole, pets);
    expect(space).toBe(animals.space);
    expect([...mapping!.members]).toEqual([1, 0]);
    expect(whole.project({ pets: [0, 1], farm: [0.5, 0, 0] })).toEqual(animals.project({ pets: [0, 1], farm: [0.5, 0, 0] }));
    expect(whole.reproject([1, 2, 3, 4], 'farm')).toEqual(animals.reproject([1, 2, 3, 4], 'farm'));
    expect(whole.mappingFor('farm')).toEqual(animals.mappingFor('farm'));
  });

  it('the hierarchy has what data sets state and what relations say', () => {
    const hierarchy = whole.hierarchy();
    expect(hierarchy.ancestors('cat').map(({ name }) => name)).toEqual(['Animal']);
    expect(hierarchy.descendants('Animal').map(({ name }) => name)).toEqual(['dog', 'cat', 'Cow']);
    expect(whole.hierarchy({ minScore: 0.95 }).ancestors('cat')).toEqual([]);
    const wrong = taxonomy(animals, { relations: [{ a: f('a'), kind: 'subset', b: p(2) }] });
    expect(errorOf(() => wrong.hierarchy(), LabelSpaceError).message).toContain(
      '"dog" (id 0) -> "Animal" (id 3) -> "dog" (id 0)',
    );
  });

  it('relations and pins follow a changed label space, or leave it with their labels', () => {
    const turned = whole.map((labels) => labels.permute([3, 2, 1, 0]).rename(({ name }) => name.toUpperCase()));
    expect(turned.relations.list).toEqual(relations);
    expect(turned.description).toBe('Pets and cattle');
    const only = whole.map((labels) => labels.restrict(['farm']));
    expect(only.relations.list).toEqual([]);
    expect(only.pins.mustMerge).toEqual([]);
    const house = whole.renameDatasets({ pets: 'house' });
    expect(house.relations.list[1]!.a).toEqual({ dataset: 'house', id: 2 });
    expect(house.pins.mustMerge[0]![0]).toEqual({ dataset: 'house', id: 2 });
    expect(house.renameDatasets({ house: 'pets' }).relations.list).toEqual(relations);
  });

  it('relations of unified labels keep their meaning when ids change', () => {
    const other = unifiedLabelSpace(
      'more',
      [labelSpace('zoo', [{ id: 5, name: 'lion' }])],
      [{ name: 'lion', members: { zoo: 5 } }],
    );
    const joined = whole.map((labels) => labels.permute([1, 0, 2, 3]).union(other));
    const { a } = joined.relations.list[0]!;
    expect('unified' in a && joined.space.byId(a.unified).name).toBe('cat');
  });

  it('nothing can be changed', () => {
    const pins = { mustMerge: [[p(2), f('d')]] };
    const made = taxonomy(animals, { pins });
    pins.mustMerge.pop();
    expect(made.pins.mustMerge.length).toBe(1);
    for (const part of [made, made.pins, made.pins.mustMerge[0], made.relations.list]) expect(Object.isFrozen(part)).toBe(true);
  });
});

describe('hierarchy', () => {
  /** A random directed acyclic graph: parents have smaller positions. */
  const dags = fc.integer({ min: 1, max: 12 }).chain(
    (size) =>
    fc.tuple(...Array.from({ length: size }, (_, k) => fc.subarray(Array.from({ length: k }, (_, parent) => parent)))).map((parents) => parents), // prettier-ignore
  );
  const build = (parents: readonly (readonly number[])[]) =>
    hierarchyOf(labelSpace('dag', parents.map((above, k): LabelInput => ({ id: `n${k}`, name: `n${k}`, parents: above.map((q) => `n${q}`) })))); // prettier-ignore

  it('ancestors are the closure of parents, descendants its mirror', () => {
    fc.assert(
      fc.property(dags, (parents) => {
        const hierarchy = build(parents);
        const closure = (k: number): Set<number> => new Set(parents[k]!.flatMap((q) => [q, ...closure(q)]));
        parents.forEach((_, k) => {
          expect([...hierarchy.ancestorIndices(k)]).toEqual([...closure(k)].sort((x, y) => x - y));
          for (const above of hierarchy.ancestorIndices(k)) expect([...hierarchy.descendantIndices(above)]).toContain(k);
          for (const below of hierarchy.descendantIndices(k)) expect([...hierarchy.ancestorIndices(below)]).toContain(k);
        });
      }),
    );
  });

  const diamond = build([[], [0], [0], [1, 2], []]);

  it('answers by label', () => {
    expect(diamond.ancestors('n3').map(({ name }) => name)).toEqual(['n0', 'n1', 'n2']);
    expect(diamond.parents('n3').map(({ name }) => name)).toEqual(['n1', 'n2']);
    expect(diamond.children('n0').map(({ name }) => name)).toEqual(['n1', 'n2']);
    expect(diamond.descendants({ id: 'n0' }).map(({ name }) => name)).toEqual(['n1', 'n2', 'n3']);
    expect(diamond.roots.map(({ name }) => name)).toEqual(['n0', 'n4']);
    expect([diamond.isAncestor('n0', 'n3'), diamond.isAncestor('n3', 'n0'), diamond.isAncestor('n0', 'n0')]).toEqual([
      true,
      false,
      false,
    ]);
    expect(() => diamond.ancestors('zebra')).toThrow(LabelSpaceError);
  });

  it('boxes go up, once an ancestor even where two ways lead there', () => {
    expect(diamond.expandUp([4, 3, 0])).toEqual({
      rows: Int32Array.of(0, 1, 1, 1, 1, 2),
      labelIndices: Int32Array.of(4, 3, 0, 1, 2, 0),
    });
    expect(() => diamond.expandUp([5])).toThrow(ArgumentError);
    expect(diamond.expandUp([]).rows.length).toBe(0);
  });

  it('negatives go down', () => {
    expect(diamond.expandNegatives([1, 4])).toEqual({ rows: Int32Array.of(0, 0, 1), labelIndices: Int32Array.of(1, 3, 4) });
  });

  it('expanding what is expanded adds no new label to a row', () => {
    fc.assert(
      fc.property(dags.chain((parents) => fc.tuple(fc.constant(parents), fc.array(fc.nat(parents.length - 1)))), ([parents, labels]) => {
        const hierarchy = build(parents);
        const sets = (rows: Int32Array, indices: Int32Array, from = (row: number) => row) => {
          const found = labels.map(() => new Set<number>());
          rows.forEach((row, i) => found[from(row)]!.add(indices[i]!));
          return found;
        };
        const once = hierarchy.expandUp(labels);
        const twice = hierarchy.expandUp(once.labelIndices);
        expect(sets(twice.rows, twice.labelIndices, (row) => once.rows[row]!)).toEqual(sets(once.rows, once.labelIndices));
      }),
    ); // prettier-ignore
  });

  it('a cycle is named', () => {
    const space = labelSpace('s', ['a', 'b', 'c']);
    expect(errorOf(() => new Hierarchy(space, [[1], [2], [0]]), LabelSpaceError).message).toContain(
      '"a" (id 0) -> "b" (id 1) -> "c" (id 2) -> "a" (id 0)',
    );
    expect(() => new Hierarchy(space, [[1], []])).toThrow(LabelSpaceError);
    expect(() => new Hierarchy(space, [[7], [], []])).toThrow(LabelSpaceError);
  });

  describe.skipIf(!hasSharedData)(`of Open Images${hasSharedData ? '' : ` (${noSharedData})`}`, () => {
    it('has classes with several parents; Car is a land vehicle and a vehicle', () => {
      const rows = readFileSync(sharedData('taxonomies/openimages/oid-challenge-2019-classes-description-500.csv'), 'utf8').trim().split('\n'); // prettier-ignore
      interface Node { LabelName: string; Subcategory?: Node[] } // prettier-ignore
      const root = JSON.parse(
        readFileSync(sharedData('taxonomies/openimages/oid-challenge-2019-label500-hierarchy.json'), 'utf8'),
      ) as Node;
      const parents = new Map<string, Set<string>>();
      const walk = (node: Node): void => {
        for (const child of node.Subcategory ?? []) {
          if (node !== root) parents.set(child.LabelName, (parents.get(child.LabelName) ?? new Set()).add(node.LabelName));
          walk(child);
        }
      };
      walk(root);
      const oid = labelSpace('openimages', rows.map((row): LabelInput => {
        const id = row.slice(0, row.indexOf(','));
        return { id, name: row.slice(id.length + 1).trim(), parents: [...(parents.get(id) ?? [])] };
      })); // prettier-ignore
      const hierarchy = hierarchyOf(oid);
      expect(oid.size).toBe(500);
      expect(hierarchy.ancestors('Car').map(({ name }) => name).sort()).toEqual(['Land vehicle', 'Vehicle']); // prettier-ignore
      expect(oid.labels.filter(({ parents: above }) => above.length > 1).length).toBeGreaterThan(0);
      expect(hierarchy.descendants('Vehicle').length).toBeGreaterThan(10);
    });
  });
});

it('an end is a label of a data set or a unified label, and keys tell them apart', () => {
  const ends: RelationEnd[] = [{ unified: 1 }, { unified: '1' }, { dataset: 'a', id: 1 }, { dataset: 'a', id: '1' }];
  for (const end of ends) {
    const relations = new Relations([{ a: end, kind: 'overlap', b: { dataset: 'z', id: 0 } }]);
    expect(ends.filter((other) => relations.of(other).length > 0)).toEqual([end]);
  }
});
