// Literal label types go through every way of naming labels.
import { describe, expectTypeOf, it } from 'vitest';
import { Detections } from '../../sdk/detections/detections.js';
import { coco } from '../../sdk/taxonomy/catalog/coco.js';
import { grouping } from '../../sdk/taxonomy/grouping.js';
import { type LabelSpace, labelSpace, labelSpaceFromJSON } from '../../sdk/taxonomy/label-space.js';
import { type LabelsSpec, resolveLabels, type ResolvedLabels } from '../../sdk/taxonomy/resolve.js';
import { parseLabelSpec } from '../../sdk/taxonomy/parse.js';

const pets = labelSpace('pets', ['cat', 'dog']);

describe('labelSpace', () => {
  it('knows its names', () => {
    expectTypeOf(pets).toEqualTypeOf<LabelSpace<'cat' | 'dog'>>();
    expectTypeOf(labelSpace('pets', ['cat', 'dog'] as const)).toEqualTypeOf<LabelSpace<'cat' | 'dog'>>();
    expectTypeOf(labelSpace('pets', ['cat', { id: 7, name: 'dog', synonyms: ['hound'] }])).toEqualTypeOf<
      LabelSpace<'cat' | 'dog'>
    >();
    expectTypeOf(labelSpace('any', [] as string[])).toEqualTypeOf<LabelSpace<string>>();
    expectTypeOf(labelSpaceFromJSON({})).toEqualTypeOf<LabelSpace<string>>();
    expectTypeOf(pets.byName('x').name).toEqualTypeOf<'cat' | 'dog'>();
  });
  it('a typed space is a space', () => {
    expectTypeOf(pets).toExtend<LabelSpace>();
    expectTypeOf(pets).not.toExtend<LabelSpace<'cat'>>();
    // @ts-expect-error a label needs a name
    labelSpace('pets', [{ id: 1 }]);
  });
});

describe('grouping', () => {
  it('knows its groups', () => {
    expectTypeOf(grouping(coco, { vehicle: ['car', 'truck'], person: 'person' }).space).toEqualTypeOf<
      LabelSpace<'vehicle' | 'person'>
    >();
    expectTypeOf(grouping(pets, { pet: ['cat'] }, { rest: 'keep' }).space).toEqualTypeOf<LabelSpace<'pet' | 'cat' | 'dog'>>();
    expectTypeOf(grouping(pets, { pet: ['cat'] }, { rest: 'ignore' }).space).toEqualTypeOf<LabelSpace<'pet'>>();
    expectTypeOf(grouping(pets, { pet: ['cat'] }, { combine: 'mean' }).membersOf('pet')[0]!.name).toEqualTypeOf<'cat' | 'dog'>();
  });
});

describe('resolveLabels', () => {
  it('gives the names of what was asked for', () => {
    expectTypeOf(resolveLabels(undefined, pets)).toEqualTypeOf<ResolvedLabels<'cat' | 'dog'>>();
    expectTypeOf(resolveLabels(pets, coco)).toEqualTypeOf<ResolvedLabels<'cat' | 'dog'>>();
    expectTypeOf(resolveLabels(['cat', 'dog'], coco)).toEqualTypeOf<ResolvedLabels<'cat' | 'dog'>>();
    expectTypeOf(resolveLabels(grouping(coco, { pet: ['cat'] }), coco)).toEqualTypeOf<ResolvedLabels<'pet'>>();
    expectTypeOf(resolveLabels({ labels: { pet: ['cat', 'dog'], person: 'person' } }, coco)).toEqualTypeOf<
      ResolvedLabels<'pet' | 'person'>
    >();
    expectTypeOf(resolveLabels({ labels: { pet: ['cat'] }, rest: 'ignore', combine: 'mean' }, coco)).toEqualTypeOf<
      ResolvedLabels<'pet'>
    >();
    expectTypeOf(resolveLabels({ labels: { pet: ['cat'] }, rest: 'keep' }, pets)).toEqualTypeOf<
      ResolvedLabels<'pet' | 'cat' | 'dog'>
    >();
    expectTypeOf(resolveLabels({ name: 'x', labels: ['cat', { name: 'dog' }] }, coco)).toEqualTypeOf<
      ResolvedLabels<'cat' | 'dog'>
    >();
    expectTypeOf(resolveLabels([] as string[], coco)).toEqualTypeOf<ResolvedLabels<string>>();
    expectTypeOf(resolveLabels(parseLabelSpec({}), coco)).toEqualTypeOf<ResolvedLabels<string>>();
  });
  it('a function that takes any spec infers the names too', () => {
    const view = <const L extends string>(_: LabelsSpec<L>): LabelSpace<L> => null as never;
    expectTypeOf(view(['cat', 'dog'])).toEqualTypeOf<LabelSpace<'cat' | 'dog'>>();
    expectTypeOf(view(pets)).toEqualTypeOf<LabelSpace<'cat' | 'dog'>>();
    expectTypeOf(view({ labels: { pet: ['cat'] } })).toEqualTypeOf<LabelSpace<'pet'>>();
    expectTypeOf(view(grouping(coco, { pet: ['cat'] }))).toEqualTypeOf<LabelSpace<'pet'>>();
    // @ts-expect-error misspelled option
    view({ labels: { pet: ['cat'] }, combin: 'max' });
  });
});

describe('Detections', () => {
  const found = new Detections({
    boxes: [0, 0, 1, 1],
    scores: [1],
    labelIndices: [0],
    labels: pets,
    imageWidth: 2,
    imageHeight: 2,
  });
  it('carry the label type', () => {
    expectTypeOf(found).toEqualTypeOf<Detections<'cat' | 'dog'>>();
    for (const { label, box } of found) {
      expectTypeOf(label).toEqualTypeOf<'cat' | 'dog'>();
      expectTypeOf(box).toEqualTypeOf<[x1: number, y1: number, x2: number, y2: number]>();
    }
    expectTypeOf(found.filter(({ label }) => label === 'cat')).toEqualTypeOf<Detections<'cat' | 'dog'>>();
    // @ts-expect-error there is no such label
    found.filter(({ label }) => label === 'horse');
    expectTypeOf(Detections.fromJSON({})).toEqualTypeOf<Detections<string>>();
  });
  it('typed detections are detections', () => expectTypeOf(found).toExtend<Detections>());
});
