// Several data sets in one run: each number is the one its own evaluator gives on labels mapped by hand; new labels are matched by vectors.
import { describe, expect, it } from 'vitest';
import { evaluateCoco } from '../../sdk/evaluate/coco/evaluator.js';
import { evaluateUnified, labelMapOf, matchTestLabels, unifiedTable } from '../../sdk/evaluate/cross/index.js';
import { labelSpace, unifiedLabelSpace } from '../../sdk/taxonomy/index.js';

const animals = labelSpace('animals', [{ id: 17, name: 'cat' }, { id: 18, name: 'dog' }]); // prettier-ignore
const voc = labelSpace('voc', ['dog', 'sofa']);
const open = labelSpace('open', [{ id: '/m/cat', name: 'Cat' }]);
const unified = unifiedLabelSpace(
  'ours',
  [animals, voc, open],
  [
    { id: 1, name: 'cat', members: { animals: 17, open: '/m/cat' } },
    { id: 2, name: 'dog', members: { animals: 18, voc: voc.byName('dog').id } },
    { id: 3, name: 'sofa', members: { voc: voc.byName('sofa').id } },
  ],
);

const groundTruth = {
  images: [{ id: 1, width: 100, height: 100 }],
  categories: [{ id: 17, name: 'cat' }, { id: 18, name: 'dog' }],
  annotations: [
    { id: 1, image_id: 1, category_id: 17, bbox: [0, 0, 20, 20], area: 400, iscrowd: 0 },
    { id: 2, image_id: 1, category_id: 18, bbox: [50, 50, 20, 20], area: 400, iscrowd: 0 },
  ],
}; // prettier-ignore
const found = [
  { image_id: 1, category_id: 1, score: 0.9, bbox: [0, 0, 20, 18] },
  { image_id: 1, category_id: 2, score: 0.8, bbox: [50, 50, 20, 20] },
  { image_id: 1, category_id: 3, score: 0.95, bbox: [50, 50, 20, 20] },
];
const box = [1, 1, 10, 10] as const;
const datasets = [
  { name: 'animals', protocol: 'coco', groundTruth, detections: found },
  {
    name: 'voc',
    protocol: 'voc',
    interpolation: 'area',
    objects: [{ image: 'a', label: 'dog', box }, { image: 'a', label: 'sofa', box }],
    detections: [{ image: 'a', label: 'dog', score: 0.9, box }, { image: 'a', label: 'cat', score: 0.9, box }],
  },
  {
    name: 'open',
    official: 'openimages',
    classes: ['/m/cat'],
    objects: [{ image: 'a', label: '/m/cat', box: [0, 0, 0.5, 0.5] }],
    labels: [],
    detections: [{ image: 'a', label: 'cat', score: 0.5, box: [0, 0, 0.5, 0.5] }],
  },
] as const; // prettier-ignore

describe('several data sets in a unified label space', () => {
  it('judges each by its own protocol and leaves out what a data set does not have', async () => {
    const result = await evaluateUnified({ unified, datasets });
    const direct = await evaluateCoco({
      groundTruth,
      iouType: 'bbox',
      detections: [{ ...found[0]!, category_id: 17 }, { ...found[1]!, category_id: 18 }],
    }); // prettier-ignore
    const [coco, pascal, google] = result.datasets;
    expect(coco!.report.stats).toEqual(Array.from(direct.stats));
    expect(coco).toMatchObject({ metric: 'AP', leftOut: 1, mapped: 2 });
    expect(pascal).toMatchObject({ metric: 'mAP50', value: 0.5, leftOut: 1, mapped: 1 });
    expect(google).toMatchObject({ value: 1, leftOut: 0, mapped: 1 });
    expect(result.mean).toBeCloseTo((direct.stats[0]! + 0.5 + 1) / 3, 15);
    expect(unifiedTable([result], 'markdown')).toBe(
      '| model | animals AP | voc mAP50 | open mAP50 | mean |\n' +
        '| ----- | ---------: | --------: | ---------: | ---: |\n' +
        `| ours  | ${(100 * direct.stats[0]!).toFixed(1).padStart(10)} |      50.0 |      100.0 | ${(100 * result.mean).toFixed(1)} |\n`,
    );
  });

  it('reads files and columns as well as lists', async () => {
    const columns = {
      imageIds: found.map(({ image_id }) => image_id),
      categoryIds: found.map(({ category_id }) => category_id),
      scores: found.map(({ score }) => score),
      boxes: found.flatMap(({ bbox }) => bbox),
    };
    const values = await Promise.all(
      [found, columns, JSON.stringify(found)].map(async (detections) => {
        const { mean } = await evaluateUnified({ unified, datasets: [{ ...datasets[0], detections }] });
        return mean;
      }),
    );
    expect(new Set(values).size).toBe(1);
    expect(values[0]).toBeGreaterThan(0.8);
  });

  it('masks from a file, and what is broken in it', async () => {
    const masked = {
      ...groundTruth,
      annotations: groundTruth.annotations.map((annotation) => ({
        ...annotation,
        segmentation: { size: [100, 100], counts: [0, 400, 9600] },
      })),
    };
    const results = found.map((entry) => ({
      ...entry,
      bbox: undefined,
      segmentation: { size: [100, 100], counts: [0, 400, 9600] },
    }));
    const run = (detections: string) =>
      evaluateUnified({
        unified,
        datasets: [{ ...datasets[0], groundTruth: masked, iouType: 'segm' as const, mode: 'corrected' as const, detections }],
      });
    const { datasets: answers } = await run(JSON.stringify(results));
    expect(answers[0]).toMatchObject({ leftOut: 1, mapped: 2 });
    expect(answers[0]!.value).toBeCloseTo(1, 12);
    await expect(run('[{"image_id": 1, "category_id":')).rejects.toMatchObject({
      code: 'invalid-predictions',
      reason: 'invalid-json',
    });
    await expect(run('[{"image_id": 1, "score": 1, "bbox": [0, 0, 1, 1]}]')).rejects.toThrow(/category_id/);
  });

  it('refuses labels and data sets that the unified space does not have', async () => {
    const strange = [{ image_id: 1, category_id: 99, score: 1, bbox: [0, 0, 1, 1] }];
    await expect(evaluateUnified({ unified, datasets: [{ ...datasets[0], detections: strange }] })).rejects.toMatchObject({ code: 'unknown-label' }); // prettier-ignore
    await expect(evaluateUnified({ unified, datasets: [{ ...datasets[0], name: 'lvis' }] })).rejects.toMatchObject({ code: 'unknown-label' }); // prettier-ignore
    await expect(evaluateUnified({ unified, datasets: [datasets[0], datasets[0]] })).rejects.toThrow('twice');
  });
});

describe('labels of a data set that was not trained on', () => {
  const trained = [
    { space: animals, vectors: [1, 0, 0, 0, 1, 0] },
    { space: voc, vectors: [0, 2, 0, 0, 0, 1] },
    { space: open, vectors: [3, 0, 0] },
  ];
  const test = {
    space: labelSpace('test', ['kitten', 'puppy', 'couch', 'void']),
    vectors: [2, 0.1, 0, 0, 1, 0, 0, 0.2, 1, 0, 0, 0],
  };

  it('go to the nearest; equal distances to the earlier data set; several may share one', () => {
    const { matches, map } = matchTestLabels(unified, trained, test);
    expect(matches.map(({ unified: match, dataset }) => [match?.name, dataset])).toEqual([
      ['cat', 'animals'],
      ['dog', 'animals'],
      ['sofa', 'voc'],
      [undefined, undefined],
    ]);
    expect(map.targets.get(1)!.map(({ name }) => name)).toEqual(['kitten']);
    const other = matchTestLabels(unified, trained, { space: labelSpace('t', ['cat', 'lion']), vectors: [1, 0, 0, 1, 0.2, 0] });
    expect(other.map.targets.get(1)!.map(({ name }) => name)).toEqual(['cat', 'lion']);
  });

  it('are judged with the map', async () => {
    const { map } = matchTestLabels(unified, trained, test);
    const objects = [{ image: 'a', label: 'kitten', box }];
    const detections = [{ image: 'a', label: 'cat', score: 1, box }];
    const { mean } = await evaluateUnified({
      unified,
      datasets: [{ name: 'test', map, protocol: 'voc', interpolation: 'area', objects, detections }],
    });
    expect(mean).toBe(1);
  });

  it('refuse vectors that do not fit', () => {
    expect(() => matchTestLabels(unified, trained.slice(1), test)).toThrow('animals');
    expect(() => matchTestLabels(unified, trained, { ...test, vectors: [1, 2, 3] })).toThrow('row for each label');
    expect(labelMapOf(unified, 'voc').targets.size).toBe(2);
  });
});
