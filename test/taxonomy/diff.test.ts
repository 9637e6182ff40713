// Differences of taxonomies: each kind by hand, laws over random pairs, agreement with an expert.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agreement, type Change, diff, formatChange } from '../../sdk/taxonomy/file/diff.js';
import { type LabelId, labelSpace, type LabelSpace } from '../../sdk/taxonomy/label-space.js';
import type { Relation } from '../../sdk/taxonomy/relations.js';
import { taxonomy, type Taxonomy } from '../../sdk/taxonomy/taxonomy.js';
import { unifiedLabelSpace, type UnifiedLabelInput, type UnifiedLabelSpace } from '../../sdk/taxonomy/unified.js';
import { hasSharedData, noSharedData } from '../shared-data.js';
import { anyUnified, partition, severalOver, unifiedOver } from './arbitraries.js';
import { unidetTaxonomy } from './unidet.js';

const x = labelSpace('x', [{ id: 1, name: 'one' }, { id: 2, name: 'two' }, { id: 3, name: 'three' }]); // prettier-ignore
const y = labelSpace('y', [{ id: 1, name: 'One' }, { id: 2, name: 'Two' }, { id: 3, name: 'Three' }]); // prettier-ignore
type Row = [name: string, x: number | 0, y: number | 0];
const made = (rows: Row[], parts: Parameters<typeof taxonomy>[1] = {}, name = 't', spaces: readonly LabelSpace[] = [x, y]): Taxonomy =>
  taxonomy(unifiedLabelSpace(name, spaces, rows.map(([own, a, b], id): UnifiedLabelInput => ({ id, name: own, members: { ...(a && { x: a }), ...(b && { y: b }) } }))), parts); // prettier-ignore
const joined: Row[] = [['1', 1, 1], ['2', 2, 2], ['3', 3, 3]]; // prettier-ignore
const apart: Row[] = [['1', 1, 1], ['2', 2, 2], ['3', 3, 0], ['y3', 0, 3]]; // prettier-ignore
const lines = (a: Taxonomy, b: Taxonomy): string[] => diff(a, b).map(formatChange);

describe('diff', () => {
  // Each row: what, before, after, the lines.
  it.each<[string, Taxonomy, Taxonomy, string[]]>([
    ['nothing', made(joined), made(joined), []],
    ['another order and other ids', made(joined), made([...joined].reverse()), []],
    ['a split', made(joined), made(apart), ['split   "3" (id 2) -> "3" (id 2), "y3" (id 3)']],
    ['a merge', made(apart), made(joined), ['merge   "3" (id 2), "y3" (id 3) -> "3" (id 2)']],
    ['a rename', made(joined), made([['1', 1, 1], ['zwei', 2, 2], ['3', 3, 3]]), ['rename  unified 1: "2" -> "zwei"']],
    ['another name of the whole', made(joined), made(joined, {}, 'u'), ['rename  taxonomy: "t" -> "u"']],
    ['a move', made([['1', 1, 1], ['2', 2, 2], ['3', 3, 3]]), made([['1', 1, 2], ['2', 2, 1], ['3', 3, 3]]), ['move    y "One" (id 1): "1" (id 0) -> "2" (id 1)', 'move    y "Two" (id 2): "2" (id 1) -> "1" (id 0)']],
    ['a move that leaves a label behind', made([['1', 1, 1], ['2', 2, 0], ['y2', 0, 2], ['3', 3, 3]]), made([['1', 1, 0], ['2', 2, 1], ['y2', 0, 2], ['3', 3, 3]]), ['move    y "One" (id 1): "1" (id 0) -> "2" (id 1)']],
    ['a data set more', made(joined).map((labels) => labels.restrict(['x'])), made(joined), ['add     data set "y", 3 labels']],
    ['a data set less, and its labels', made(apart), made(joined).map((labels) => labels.restrict(['x'])), ['remove  data set "y", 3 labels', 'remove  unified "y3" (id 3): y "Three" (id 3)']],
    ['a relation', made(joined), made(joined, { relations: [{ a: { dataset: 'x', id: 1 }, kind: 'subset', b: { unified: 2 } }] }), ['add     "x" 1 subset unified 2']],
    ['a pin', made(joined, { pins: { mustMerge: [[{ dataset: 'x', id: 1 }, { dataset: 'y', id: 1 }]] } }), made(joined), ['remove  pin must-merge: "x" 1, "y" 1']],
    ['a label of a data set more, one renamed', made(joined), made([...joined, ['4', 4, 0]], {}, 't', [labelSpace('x', [{ id: 1, name: 'uno' }, { id: 2, name: 'two' }, { id: 3, name: 'three' }, { id: 4, name: 'four' }]), y]), ['add     x "four" (id 4), in "4" (id 3)', 'add     unified "4" (id 3): x "four" (id 4)', 'rename  x 1: "one" -> "uno"']],
  ])('%s', (_, a, b, wanted) => expect(lines(a, b)).toEqual(wanted)); // prettier-ignore

  it('a relation is the same from both ends', () => {
    const relation: Relation = { a: { dataset: 'x', id: 1 }, kind: 'subset', b: { dataset: 'y', id: 2 }, score: 0.5 };
    const other: Relation = { a: { dataset: 'y', id: 2 }, kind: 'superset', b: { dataset: 'x', id: 1 }, score: 0.7 };
    expect(lines(made(joined, { relations: [relation] }), made(joined, { relations: [other] }))).toEqual([]);
  });

  const pairs = severalOver(2, ['a', 'b', 'c'], 4).map(
    (spaces) => spaces.map((space) => taxonomy(space)) as [Taxonomy, Taxonomy],
  );

  it('of a taxonomy and itself is nothing, in any order', () => {
    fc.assert(
      fc.property(anyUnified, (space) => void expect(diff(taxonomy(space), taxonomy(space.permute(space.labels.map(({ index }) => space.size - 1 - index))))).toEqual([])), // prettier-ignore
    );
  });

  it('is nothing but renames just where the partitions are equal', () => {
    fc.assert(
      fc.property(pairs, ([a, b]) => {
        const same = JSON.stringify(partition(a.unified)) === JSON.stringify(partition(b.unified));
        expect(diff(a, b).every(({ kind }) => kind === 'rename')).toBe(same);
      }),
    );
  });

  const count = (changes: readonly Change[]) => {
    const kinds: Record<Change['kind'], number> = { split: 0, merge: 0, rename: 0, move: 0, add: 0, remove: 0 };
    for (const { kind } of changes) kinds[kind]++;
    return kinds;
  };

  it('backwards, splits are merges and additions removals', () => {
    fc.assert(
      fc.property(fc.oneof(pairs, fc.tuple(unifiedOver(['a', 'b']), unifiedOver(['b', 'c'])).map((both) => both.map((space) => taxonomy(space)) as [Taxonomy, Taxonomy])), ([a, b]) => {
        const [there, back] = [count(diff(a, b)), count(diff(b, a))];
        expect([there.split, there.merge, there.add - there.remove]).toEqual([back.merge, back.split, back.remove - back.add]);
      }),
    ); // prettier-ignore
  });

  it('says only what is so, and all of it', () => {
    const idsIn = (space: UnifiedLabelSpace, id: LabelId) => Object.entries(space.labels[space.space.byId(id).index]!.members).map(([dataset, own]) => `${dataset} ${own}`).sort(); // prettier-ignore
    fc.assert(
      fc.property(pairs, ([a, b]) => {
        const explained = new Set<string>();
        for (const change of diff(a, b)) {
          if (change.kind === 'split') {
            expect(change.into.flatMap(({ id }) => idsIn(b.unified, id)).sort()).toEqual(idsIn(a.unified, change.from.id));
            for (const key of idsIn(a.unified, change.from.id)) explained.add(key);
          } else if (change.kind === 'merge') {
            expect(change.from.flatMap(({ id }) => idsIn(a.unified, id)).sort()).toEqual(idsIn(b.unified, change.into.id));
            for (const key of idsIn(b.unified, change.into.id)) explained.add(key);
          } else if (change.kind === 'move') {
            const { dataset, id } = change.label;
            expect(a.unified.unifiedOf(dataset, { id }).id).toBe(change.from.id);
            expect(b.unified.unifiedOf(dataset, { id }).id).toBe(change.to.id);
            explained.add(`${dataset} ${id}`);
          }
        }
        // Labels of which nothing is said have the same company, apart from labels of which something is said.
        const company = (space: UnifiedLabelSpace, dataset: string, id: LabelId) => idsIn(space, space.unifiedOf(dataset, { id }).id).filter((key) => !explained.has(key)); // prettier-ignore
        for (const { name, labels } of a.datasets) {
          for (const { id } of labels) if (!explained.has(`${name} ${id}`)) expect(company(a.unified, name, id)).toEqual(company(b.unified, name, id)); // prettier-ignore
        }
      }),
    );
  });
});

describe('agreement', () => {
  it('counts labels and pairs', () => {
    const [a, b] = [made(apart).unified, made(joined).unified];
    expect(agreement(a, b)).toEqual({ labels: 4, same: 2, share: 0.5, pairs: { precision: 1, recall: 2 / 3, f1: 0.8 } });
    expect(agreement(b, b).share).toBe(1);
  });

  it('looks at labels that both have', () => {
    const whole = made(joined).unified;
    expect(agreement(whole.restrict(['x']), whole)).toEqual({
      labels: 3,
      same: 3,
      share: 1,
      pairs: { precision: 1, recall: 1, f1: 1 },
    });
  });

  describe.skipIf(!hasSharedData)(`UniDet${hasSharedData ? '' : ` (${noSharedData})`}`, () => {
    it('over two thirds of the learned label space agree with the expert’s', () => {
      const [learned, manual] = [unidetTaxonomy('learned_mAP'), unidetTaxonomy('manual')];
      const { labels, same, share, pairs } = agreement(learned.unified, manual.unified);
      expect([labels, same]).toEqual([701, 515]);
      expect(share).toBeGreaterThan(2 / 3);
      expect([pairs.precision, pairs.recall, pairs.f1].map((value) => value.toFixed(3))).toEqual(['0.819', '0.692', '0.750']);
    });

    it('from the learned to the expert’s: every kind of change, one line each', () => {
      const all = lines(unidetTaxonomy('learned_mAP'), unidetTaxonomy('manual'));
      expect(new Set(all.map((line) => line.split(' ')[0]))).toEqual(
        new Set(['rename', 'merge', 'split', 'move', 'add', 'remove']),
      );
      expect(all.every((line) => !line.includes('\n'))).toBe(true);
    });
  });
});
