// Literal label types go through unified label spaces, taxonomies and their operations.
import { describe, expectTypeOf, it } from 'vitest';
import { grouping } from '../../sdk/taxonomy/grouping.js';
import { hierarchyOf, type Hierarchy } from '../../sdk/taxonomy/hierarchy.js';
import { type LabelSpace, labelSpace } from '../../sdk/taxonomy/label-space.js';
import { type LabelsSpec, resolveLabels, type ResolvedLabels } from '../../sdk/taxonomy/resolve.js';
import { taxonomy, type Taxonomy } from '../../sdk/taxonomy/taxonomy.js';
import type { LabelTransform } from '../../sdk/taxonomy/transform.js';
import { unifiedLabelSpace, type UnifiedLabelSpace } from '../../sdk/taxonomy/unified.js';

const pets = labelSpace('pets', ['cat', 'dog']);
const farm = labelSpace('farm', ['Dog', 'Cow']);
const animals = unifiedLabelSpace('animals', [pets, farm], [
  { name: 'hound', members: { pets: 1, farm: 0 } },
  { name: 'cat', members: { pets: 0 } },
  { name: 'cow', members: { farm: 1 } },
]); // prettier-ignore
type Animals = 'hound' | 'cat' | 'cow';

describe('unifiedLabelSpace', () => {
  it('knows its names', () => {
    expectTypeOf(animals).toEqualTypeOf<UnifiedLabelSpace<Animals>>();
    expectTypeOf(animals.space).toEqualTypeOf<LabelSpace<Animals>>();
    expectTypeOf(animals.labels[0]!.name).toEqualTypeOf<Animals>();
    expectTypeOf(animals).toExtend<UnifiedLabelSpace>();
    expectTypeOf(unifiedLabelSpace('x', [pets], [], { rest: 'single' })).toEqualTypeOf<UnifiedLabelSpace<string>>();
    // @ts-expect-error a unified label needs members
    unifiedLabelSpace('x', [pets], [{ name: 'cat' }]);
  });

  it('operations carry the names', () => {
    expectTypeOf(animals.restrict(['pets'])).toEqualTypeOf<UnifiedLabelSpace<Animals>>();
    expectTypeOf(animals.permute([0, 1, 2])).toEqualTypeOf<UnifiedLabelSpace<Animals>>();
    expectTypeOf(animals.rename({ hound: 'dog' })).toEqualTypeOf<UnifiedLabelSpace<'dog' | 'cat' | 'cow'>>();
    expectTypeOf(animals.rename(() => 'x' as const)).toEqualTypeOf<UnifiedLabelSpace<'x'>>();
    // @ts-expect-error there is no such label
    animals.rename({ horse: 'pony' });
    const other = unifiedLabelSpace('zoo', [labelSpace('zoo', ['lion'])], [{ name: 'lion', members: { zoo: 0 } }]);
    expectTypeOf(animals.union(other)).toEqualTypeOf<UnifiedLabelSpace<Animals | 'lion'>>();
    expectTypeOf(animals.compose(other)).toEqualTypeOf<UnifiedLabelSpace<'lion'>>();
    expectTypeOf(animals.compose(grouping(animals.space, { pet: ['hound', 'cat'] }))).toEqualTypeOf<LabelTransform<'pet'>>();
  });
});

describe('where labels are asked for', () => {
  it('unified spaces and taxonomies are taken, with their names', () => {
    expectTypeOf(resolveLabels(animals, pets)).toEqualTypeOf<ResolvedLabels<Animals>>();
    const whole = taxonomy(animals);
    expectTypeOf(whole).toEqualTypeOf<Taxonomy<Animals>>();
    expectTypeOf(resolveLabels(whole, pets)).toEqualTypeOf<ResolvedLabels<Animals>>();
    expectTypeOf(whole.map((labels) => labels.rename({ hound: 'dog' }))).toEqualTypeOf<Taxonomy<'dog' | 'cat' | 'cow'>>();
    const view = <const L extends string>(_: LabelsSpec<L>): LabelSpace<L> => null as never;
    expectTypeOf(view(whole)).toEqualTypeOf<LabelSpace<Animals>>();
  });
  it('hierarchies too', () => expectTypeOf(hierarchyOf(pets)).toEqualTypeOf<Hierarchy<'cat' | 'dog'>>());
});
