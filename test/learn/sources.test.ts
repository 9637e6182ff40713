// Where firings come from: COCO files with ids through all heads, detectors that share boxes or not, masks; and what is refused.
import { describe, expect, it } from 'vitest';
import { EvaluationError, LearnError } from '../../sdk/errors.js';
import { Detections } from '../../sdk/detections/detections.js';
import { encodeRle, rleFromBox } from '../../sdk/evaluate/rle.js';
import { ApTable } from '../../sdk/learn/costs/ap-table.js';
import { readCocoFirings } from '../../sdk/learn/firings/coco.js';
import { fireDetectors, type FiringDetector, matchProposals } from '../../sdk/learn/firings/fire.js';
import { shareBoxes } from '../../sdk/learn/firings/shared-boxes.js';
import { readCocoTruths } from '../../sdk/learn/firings/truths.js';
import { labelSpace, type LabelSpace } from '../../sdk/taxonomy/label-space.js';

const truths = (categories: { id: number; name: string }[], annotations: object[], ids = [1, 2]) =>
  JSON.stringify({ images: ids.map((id) => ({ id, width: 100, height: 50 })), categories, annotations });
const vocTruths = truths(
  [
    { id: 7, name: 'sofa' },
    { id: 3, name: 'cat' },
  ],
  [
    { id: 1, image_id: 2, category_id: 7, bbox: [10, 10, 20, 20], iscrowd: 0, area: 400 },
    { id: 2, image_id: 2, category_id: 3, bbox: [50, 10, 20, 20], iscrowd: 1, area: 400 },
  ],
);
const cocoTruths = truths([{ id: 1, name: 'couch' }], [], [5]);
const row = (image_id: number, category_id: number, score: number, bbox = [10, 10, 20, 20]) => ({
  image_id,
  category_id,
  score,
  bbox,
});

describe('readCocoFirings', () => {
  it('numbers heads one after another, in the order of category ids, and shares equal boxes', async () => {
    const firings = await readCocoFirings(
      [
        {
          dataset: 'voc',
          groundTruth: vocTruths,
          results: JSON.stringify([row(2, 1, 0.5), row(2, 2, 0.25), row(1, 0, 0.75, [0, 0, 5, 5]), row(2, 0, 0.05)]),
        },
        { dataset: 'coco', groundTruth: cocoTruths, results: '[]' },
      ],
      { minScore: 0.1 },
    );
    expect(firings.spaces.map((space) => [space.name, ...space.names])).toEqual([
      ['voc', 'cat', 'sofa'],
      ['coco', 'couch'],
    ]);
    expect([...firings.imageIds]).toEqual([1, 2, 5]);
    expect([...firings.boxStarts]).toEqual([0, 1, 2, 2]);
    expect([...firings.boxes]).toEqual([0, 0, 5, 5, 10, 10, 30, 30]);
    expect([...firings.scoreLabels]).toEqual([0, 1, 2]);
    expect([...firings.scores]).toEqual([0.75, 0.5, 0.25]);
    expect([...firings.truthLabels]).toEqual([1, 0]);
    expect([...firings.truthFlags]).toEqual([0, 1]);
    expect([...firings.imageSizes]).toEqual([100, 50, 100, 50, 100, 50]);
  });

  it('takes ids from 1, or a table of ids', async () => {
    const input = { dataset: 'voc', groundTruth: vocTruths, results: JSON.stringify([row(2, 1, 0.5)]) };
    expect([...(await readCocoFirings([input], { firstId: 1 })).scoreLabels]).toEqual([0]);
    const odd = { ...input, results: JSON.stringify([row(2, 700, 0.5), row(2, 9, 0.5)]) };
    expect([...(await readCocoFirings([odd], { nodeOf: (id) => (id === 700 ? 1 : undefined) })).scoreLabels]).toEqual([1]);
  });

  it.each<[string, object, RegExp]>([
    ['an image that is not listed', row(9, 0, 0.5), /image_id 9/],
    ['a category beyond the heads', row(2, 2, 0.5), /category_id 2; wanted 0 to 1/],
    ['a score above 1', row(2, 0, 1.5), /1\.5/],
    ['no score', { image_id: 2, category_id: 0, bbox: [0, 0, 1, 1] }, /no score/],
  ])('refuses %s', async (_, bad, message) => {
    const result = readCocoFirings([{ dataset: 'voc', groundTruth: vocTruths, results: JSON.stringify([bad]) }]);
    await expect(result).rejects.toThrow(LearnError);
    await expect(result).rejects.toThrow(message);
  });

  it('refuses data sets of one name, broken JSON, and ground truth that the labels do not have', async () => {
    const input = { dataset: 'voc', groundTruth: vocTruths, results: '[]' };
    await expect(readCocoFirings([input, input])).rejects.toThrow(/a second time/);
    await expect(readCocoFirings([{ ...input, results: '[{' }])).rejects.toThrow(EvaluationError);
    await expect(readCocoFirings([{ ...input, dataset: labelSpace('voc', ['cat']) }])).rejects.toThrow(/no such label/);
    await expect(readCocoFirings([])).rejects.toThrow(/array of/);
    await expect(readCocoFirings([input], { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });

  it('compares masks where it is told to: boxes that agree do not make a hit', async () => {
    const [height, width] = [50, 100];
    const segmentation = (box: number[]) => ({ size: [height, width], counts: encodeRle(rleFromBox(box, height, width)) });
    const groundTruth = truths(
      [{ id: 1, name: 'cat' }],
      [
        {
          id: 1,
          image_id: 1,
          category_id: 1,
          bbox: [0, 0, 40, 40],
          iscrowd: 0,
          area: 800,
          segmentation: [[0, 0, 20, 0, 20, 40, 0, 40]],
        },
        {
          id: 2,
          image_id: 2,
          category_id: 1,
          bbox: [0, 0, 40, 40],
          iscrowd: 0,
          area: 800,
          segmentation: segmentation([0, 0, 20, 40]),
        },
      ],
    );
    const results = JSON.stringify([
      { image_id: 1, category_id: 0, score: 0.9, bbox: [0, 0, 40, 40], segmentation: segmentation([0, 0, 20, 40]) },
      { image_id: 2, category_id: 0, score: 0.8, bbox: [0, 0, 40, 40], segmentation: segmentation([20, 0, 20, 40]) },
    ]);
    const input = { dataset: 'pets', groundTruth, results };
    const masks = await ApTable.of(await readCocoFirings([input], { masks: true }));
    expect(masks.own(0)).toBeCloseTo(51 / 101, 9);
    const boxes = await ApTable.of(await readCocoFirings([input]));
    expect(boxes.own(0)).toBeCloseTo(1, 9);
  });
});

describe('readCocoTruths', () => {
  it('finds categories by id where the names agree, else by name', async () => {
    const space = labelSpace('voc', [
      { id: 3, name: 'Sofa' },
      { id: 9, name: 'cat' },
    ]);
    const { images } = await readCocoTruths(vocTruths, { labels: space });
    expect(images.map((image) => image.truths.labels)).toEqual([[], [0, 1]]);
  });
});

describe('shareBoxes', () => {
  it('joins equal boxes in the order in which they are met; a label keeps its best score', () => {
    const boxes = [0, 0, 1, 1, 5, 5, 6, 6, 0, 0, 1, 1, -0, 0, 1, 1];
    const shared = shareBoxes(boxes, [4, 4, 2, 4], [0.25, 0.5, 0.75, 0.5]);
    expect([...shared.boxes]).toEqual([0, 0, 1, 1, 5, 5, 6, 6]);
    expect([...shared.entries.boxes]).toEqual([0, 1, 0]);
    expect([...shared.entries.labels]).toEqual([4, 4, 2]);
    expect([...shared.entries.scores]).toEqual([0.5, 0.5, 0.75]);
  });
});

describe('fireDetectors', () => {
  const voc: LabelSpace = labelSpace('voc', ['sofa', 'cat']);
  const coco: LabelSpace = labelSpace('coco', ['cat', 'couch']);
  /** Says the same of every image: rows of label, score, box. */
  const detector = (answers: Record<string, [number, number, number[]][]>, spaces = [voc, coco]): FiringDetector<string> => ({
    datasets: spaces.filter(({ name }) => name in answers),
    detectPerDataset: async () =>
      new Map(
        Object.entries(answers).map(([name, rows]) => [
          name,
          new Detections({
            labels: spaces.find((space) => space.name === name)!,
            labelIndices: rows.map(([label]) => label),
            scores: rows.map(([, score]) => score),
            boxes: rows.flatMap(([, , box]) => box),
            imageWidth: 100,
            imageHeight: 100,
          }),
        ]),
      ),
  });
  const image = { dataset: 'coco', id: 1, name: 'a.jpg', image: 'a.jpg', truths: { boxes: [0, 0, 10, 10], labels: [1] } };
  const [box, near, far] = [
    [0, 0, 10, 10],
    [0, 0, 10, 11],
    [50, 50, 60, 60],
  ];

  it('a partitioned detector: heads share their boxes, each box is a proposal', async () => {
    const firings = await fireDetectors([detector({ voc: [[0, 0.5, box]], coco: [[1, 0.75, box]] })], [image]);
    expect([...firings.boxes]).toEqual(box);
    expect([...firings.scoreLabels]).toEqual([0, 3]);
    expect(firings.proposals).toBeUndefined();
    expect(firings.imageNames).toEqual(['a.jpg']);
  });

  it('separate models: boxes stay as they are and are matched by overlap', async () => {
    const firings = await fireDetectors([detector({ voc: [[0, 0.5, box], [1, 0.5, far]] }), detector({ coco: [[1, 0.75, near]] })], [image]); // prettier-ignore
    expect([...firings.boxes]).toEqual([...box, ...far, ...near]);
    expect([...firings.proposals!]).toEqual([0, 1, 0]);
  });

  it('two models of one data set speak as one head', async () => {
    const both = [detector({ coco: [[1, 0.75, box]] }), detector({ coco: [[1, 0.5, near], [0, 0.5, near]] })]; // prettier-ignore
    const firings = await fireDetectors([...both, detector({ voc: [] })], [image]);
    expect(firings.spaces.map(({ name }) => name)).toEqual(['coco', 'voc']);
    expect([...firings.scoreLabels].sort()).toEqual([0, 1]);
    expect([...firings.scores].sort()).toEqual([0.5, 0.75]);
  });

  it('refuses models that disagree about a data set, and a data set that no model knows', async () => {
    const other = labelSpace('coco', ['cat', 'dog']);
    await expect(fireDetectors([detector({ coco: [] }), detector({ coco: [] }, [other])], [image])).rejects.toThrow(
      /other labels/,
    );
    await expect(fireDetectors([detector({ voc: [] })], [image])).rejects.toThrow(/one of voc/);
    const stop = new AbortController();
    const run = fireDetectors([detector({ coco: [] })], [image, { ...image, id: 2 }], {
      signal: stop.signal,
      onProgress: () => stop.abort(new Error('enough')),
    });
    await expect(run).rejects.toThrow('enough');
  });

  it('matches best overlaps first, each box once', () => {
    const boxes = Float32Array.from([[0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 8], [0, 0, 10, 10]].flat()); // prettier-ignore
    // Two boxes of the first model, two of the second: the equal ones match, then what is left.
    expect([...matchProposals(boxes, [0, 0, 1, 1], 2, 0.5)]).toEqual([0, 1, 1, 0]);
    expect([...matchProposals(boxes, [0, 0, 1, 1], 2, 0.95)]).toEqual([0, 1, 2, 0]);
  });
});
