// The Detections value: checks, iteration, and the ways to and from JSON and COCO results.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DetectionsInput, Detections } from '../../sdk/detections/detections.js';
import { ArgumentError, LabelSpaceError } from '../../sdk/errors.js';
import { coco } from '../../sdk/taxonomy/catalog/coco.js';
import { labelSpace } from '../../sdk/taxonomy/label-space.js';

const pets = labelSpace('pets', [{ id: 17, name: 'cat' }, { id: 18, name: 'dog' }]); // prettier-ignore
const size = { imageWidth: 640, imageHeight: 480 };
const three = (): Detections<'cat' | 'dog'> =>
  new Detections({
    boxes: [0, 1, 2, 3, 10, 20, 30, 40, 5, 5, 6, 6],
    scores: [0.75, 0.5, 0.25],
    labelIndices: [1, 0, 1],
    labels: pets,
    ...size,
  });

describe('constructor', () => {
  it.each<[string, Partial<Record<keyof DetectionsInput, unknown>>, string]>([
    ['too few boxes', { boxes: [1, 2, 3] }, 'boxes: found 3 numbers; wanted 4: shape [1, 4]'],
    ['too many label indices', { labelIndices: [0, 1] }, 'labelIndices: found shape [2]; wanted shape [1]'],
    ['a label index outside', { labelIndices: [2] }, 'labelIndices[0]: found 2; wanted an integer from 0 to 1'],
    ['a negative label index', { labelIndices: [-1] }, 'labelIndices[0]: found -1'],
    ['a fraction as label index', { labelIndices: [0.5] }, 'labelIndices[0]: found 0.5'],
    ['a NaN score', { scores: [Number.NaN] }, 'scores[0]: found NaN'],
    ['an infinite box', { boxes: [0, 0, Number.POSITIVE_INFINITY, 1] }, 'boxes[2]: found Infinity'],
    ['scores that are no array', { scores: 1 }, 'scores: found 1; wanted an array of numbers'],
    ['labels that are no label space', { labels: ['cat'] }, 'labels: found an array of 1; wanted a LabelSpace'],
    ['no width', { imageWidth: 0 }, 'imageWidth: found 0; wanted an integer from 1'],
    ['no height', { imageHeight: undefined }, 'imageHeight: found undefined'],
  ])('%s', (_, change, message) => {
    const good = { boxes: [0, 0, 1, 1], scores: [0.5], labelIndices: [0], labels: pets, ...size };
    expect(new Detections(good).length).toBe(1);
    const run = (): unknown => new Detections({ ...good, ...change } as DetectionsInput);
    expect(run).toThrow(ArgumentError);
    expect(run).toThrow(message);
  });

  it('takes typed arrays over and makes them of plain ones', () => {
    const scores = Float32Array.of(0.5);
    const found = new Detections({ boxes: [0, 0, 1, 1], scores, labelIndices: [0], labels: pets, ...size });
    expect(found.scores).toBe(scores);
    expect(found.boxes).toBeInstanceOf(Float32Array);
    expect(found.labelIndices).toBeInstanceOf(Int32Array);
  });
});

describe('access', () => {
  it('iterates as objects', () => {
    expect([...three()]).toEqual([
      { label: 'dog', labelId: 18, labelIndex: 1, score: 0.75, box: [0, 1, 2, 3] },
      { label: 'cat', labelId: 17, labelIndex: 0, score: 0.5, box: [10, 20, 30, 40] },
      { label: 'dog', labelId: 18, labelIndex: 1, score: 0.25, box: [5, 5, 6, 6] },
    ]);
  });
  it.each([[0, 0.75], [2, 0.25], [-1, 0.25], [-3, 0.75], [3, undefined], [-4, undefined], [Number.NaN, 0.75]])('at(%d)', (i, score) => expect(three().at(i)?.score).toBe(score)); // prettier-ignore
  it('filters', () => {
    const dogs = three().filter(({ label }) => label === 'dog');
    expect(Array.from(dogs, ({ score, box }) => [score, box[0]])).toEqual([[0.75, 0], [0.25, 5]]); // prettier-ignore
    expect([dogs.labels, dogs.imageWidth, dogs.imageHeight]).toEqual([pets, 640, 480]);
    expect(three().filter((_, i) => i === 1).at(0)!.label).toBe('cat'); // prettier-ignore
    expect(three().filter(() => false).length).toBe(0);
  });
  it('slices as arrays do', () => {
    const range = fc.option(fc.integer({ min: -5, max: 5 }), { nil: undefined });
    fc.assert(
      fc.property(range, range, (start, end) => {
        expect([...three().slice(start, end)]).toEqual([...three()].slice(start, end));
      }),
    );
  });
  it('counts by label, in the order of the space', () => {
    expect(three().countByLabel()).toEqual([{ label: pets.byName('cat'), count: 1 }, { label: pets.byName('dog'), count: 2 }]); // prettier-ignore
    expect(three().filter(() => false).countByLabel()).toEqual([]); // prettier-ignore
  });
});

/** Any two coordinates inside an image, in order: what is left of boxes after clipping. */
const extent = fc
  .tuple(fc.float({ min: 0, max: 65536, noNaN: true }), fc.float({ min: 0, max: 65536, noNaN: true }))
  .map((v) => v.map((x) => x + 0).sort((a, b) => a - b));
const detections = fc
  .array(fc.tuple(fc.tuple(extent, extent).map(([x, y]) => [x[0]!, y[0]!, x[1]!, y[1]!]), fc.float({ min: 0, max: 1, noNaN: true }), fc.nat(79)), { maxLength: 20 })
  .map((rows) => new Detections({ boxes: rows.flatMap(([box]) => box), scores: rows.map(([, score]) => score), labelIndices: rows.map(([, , label]) => label), labels: coco, ...size })); // prettier-ignore

describe('JSON', () => {
  it('comes back with the same bits through text', () => {
    fc.assert(
      fc.property(detections, (found) => {
        const back = Detections.fromJSON(JSON.parse(JSON.stringify(found)));
        expect(back.boxes).toEqual(found.boxes);
        expect(back.scores).toEqual(found.scores);
        expect(back.labelIndices).toEqual(found.labelIndices);
        expect(back.labels.toJSON()).toEqual(coco.toJSON());
        expect([back.imageWidth, back.imageHeight]).toEqual([640, 480]);
      }),
    );
  });
  it.each<[string, (json: ReturnType<typeof JSON.parse>) => unknown, string]>([
    ['null', () => null, 'detections: found null'],
    ['no rows', (json) => ({ ...json, detections: 3 }), 'detections: found 3'],
    [
      'a box of three',
      (json) => ({ ...json, detections: [{ ...json.detections[0], box: [1, 2, 3] }] }),
      'detections[0].box: found 3 numbers',
    ],
    [
      'a score as text',
      (json) => ({ ...json, detections: [{ ...json.detections[0], score: '1' }] }),
      'detections[0].score: found "1"',
    ],
    ['an unknown label', (json) => ({ ...json, detections: [{ ...json.detections[0], labelId: 3 }] }), 'label id: found 3'],
    ['no label space', (json) => ({ ...json, labels: undefined }), 'a label space: found undefined'],
  ])('%s is refused', (_, change, message) => {
    expect(() => Detections.fromJSON(change(JSON.parse(JSON.stringify(three()))))).toThrow(message);
  });
});

describe('COCO results', () => {
  it('are xywh with the label’s id', () => {
    expect(three().toCoco({ imageId: 42 })[1]).toEqual({ image_id: 42, category_id: 17, bbox: [10, 20, 20, 20], score: 0.5 });
  });
  it('keep float32 numbers as they are', () => {
    const score = Math.fround(0.1);
    const found = new Detections({ boxes: [score, 0, 1, 1], scores: [score], labelIndices: [0], labels: pets, ...size });
    expect(found.toCoco({ imageId: 1 })[0]).toEqual({ image_id: 1, category_id: 17, bbox: [score, 0, 1 - score, 1], score });
  });
  it('take ids from a function, and leave out labels without one', () => {
    const rows = three().toCoco({ imageId: 'a', categoryId: ({ name }) => (name === 'dog' ? 7 : undefined) });
    expect(rows.map((row) => row.category_id)).toEqual([7, 7]);
  });
  it('come back with the same bits', () => {
    fc.assert(
      fc.property(detections, (found) => {
        const rows = JSON.parse(JSON.stringify(found.toCoco({ imageId: 1 }))) as never;
        const back = Detections.fromCoco(rows, { labels: coco, ...size });
        expect(back.boxes).toEqual(found.boxes);
        expect(back.scores).toEqual(found.scores);
        expect(back.labelIndices).toEqual(found.labelIndices);
      }),
    );
  });
  it('are taken for one image', () => {
    const rows = [...three().toCoco({ imageId: 1 }), ...three().slice(0, 1).toCoco({ imageId: 2 })];
    expect(Detections.fromCoco(rows, { labels: pets, imageId: 2, ...size }).length).toBe(1);
    expect(Detections.fromCoco(rows, { labels: pets, ...size }).length).toBe(4);
  });
  it.each<[string, () => unknown, new (...args: never[]) => Error]>([
    ['text ids and no function', () => new Detections({ boxes: [0, 0, 1, 1], scores: [1], labelIndices: [0], labels: labelSpace('a', [{ id: 'x', name: 'x' }]), ...size }).toCoco({ imageId: 1 }), LabelSpaceError], // prettier-ignore
    ['a fraction as category id', () => three().toCoco({ imageId: 1, categoryId: () => 1.5 }), ArgumentError],
    ['an unknown category', () => Detections.fromCoco([{ image_id: 1, category_id: 3, bbox: [0, 0, 1, 1], score: 1 }], { labels: pets, ...size }), LabelSpaceError], // prettier-ignore
    [
      'one category for two labels',
      () => Detections.fromCoco([], { labels: pets, ...size, categoryId: () => 1 }),
      LabelSpaceError,
    ],
    ['rows that are no array', () => Detections.fromCoco({} as never, { labels: pets, ...size }), ArgumentError],
    [
      'a row without box',
      () => Detections.fromCoco([{ image_id: 1, category_id: 17, score: 1 } as never], { labels: pets, ...size }),
      ArgumentError,
    ],
  ])('%s: refused', (_, run, error) => expect(run).toThrow(error));
});
