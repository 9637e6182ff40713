// Analysis of COCO results: AP with weights is the official AP, and what follows from hits and misses is what one counts by hand.
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { evaluateCoco } from '../../sdk/evaluate/coco/evaluator.js';
import {
  analyseCoco, bootstrapAp, calibrationOf, comparePaired, confusionMatrix, f1Curve, openSamples, outcomesOf, reportOfCoco, reportToCsv, reportToHtml, reportToJson, reportToText,
  sliceAp, weightedAp, worstImages, writeNpy,
} from '../../sdk/evaluate/report/index.js'; // prettier-ignore
import { readNpy } from '../../sdk/tensor/npy.js';
import { hasSharedData, noSharedData, sharedData } from '../shared-data.js';

/** Means of the same doubles, summed in another order. */
const sumTolerance = 1e-12;

const box = (x: number) => [x, 0, 10, 10];
const groundTruth = {
  images: [
    { id: 1, width: 100, height: 100 },
    { id: 2, width: 100, height: 100 },
  ],
  categories: [
    { id: 1, name: 'cat' },
    { id: 2, name: '<img src=x onerror=alert(1)>' },
  ],
  annotations: [
    { id: 1, image_id: 1, category_id: 1, bbox: box(0), area: 100, iscrowd: 0 },
    { id: 2, image_id: 1, category_id: 2, bbox: box(20), area: 100, iscrowd: 0 },
    { id: 3, image_id: 2, category_id: 1, bbox: box(0), area: 100, iscrowd: 0 },
    { id: 4, image_id: 2, category_id: 1, bbox: box(60), area: 100, iscrowd: 1 },
  ],
};
const detections = [
  { image_id: 1, category_id: 1, score: 0.9, bbox: box(0) },
  { image_id: 1, category_id: 1, score: 0.8, bbox: box(20) },
  { image_id: 2, category_id: 1, score: 0.7, bbox: box(40) },
  { image_id: 2, category_id: 1, score: 0.6, bbox: box(60) },
];
const samples = () => openSamples({ groundTruth, detections });

describe('counted by hand', () => {
  it('F1: two detections of cat at 0.8 and above, one right of two objects', async () => {
    const { threshold, f1, precision, recall } = f1Curve(outcomesOf(await samples()), [0]);
    expect({ threshold, f1, precision, recall }).toEqual({ threshold: 0.9, f1: 2 / 3, precision: 1, recall: 0.5 });
  });

  it('confusion: the second is the other class, the crowd forgives the fourth', async () => {
    const { names, counts } = confusionMatrix(await samples());
    expect(names.at(-1)).toBe('nothing');
    expect(counts).toEqual([1, 0, 1, 1, 0, 0, 1, 0, 0]);
  });

  it('calibration: scores 0.9, 0.8, 0.7 with one hit', async () => {
    const { ece, brier, mce } = calibrationOf(outcomesOf(await samples()));
    expect(ece).toBeCloseTo((0.1 + 0.8 + 0.7) / 3, 12);
    expect(mce).toBeCloseTo(0.8, 12);
    expect(brier).toBeCloseTo((0.01 + 0.64 + 0.49) / 3, 12);
  });

  it('worst images: as many mistakes, the lower F1 first', async () => {
    expect(worstImages(outcomesOf(await samples()), 0.5)).toEqual([
      { imageId: 2, tp: 0, fp: 1, fn: 1, f1: 0 },
      { imageId: 1, tp: 1, fp: 1, fn: 1, f1: 0.5 },
    ]);
  });

  it('slices and weights: an image with weight 2 counts as two', async () => {
    const outcomes = outcomesOf(await samples());
    const first = sliceAp(outcomes, 'first', [1, 77]);
    expect(first).toMatchObject({ images: 1 });
    expect(first.AP).toBeCloseTo((1 + 0) / 2, 12);
    expect(sliceAp(outcomes, 'none', []).AP).toBe(-1);
    const doubled = await openSamples({
      groundTruth: {
        ...groundTruth,
        images: [...groundTruth.images, { id: 3, width: 100, height: 100 }],
        annotations: [
          ...groundTruth.annotations,
          ...groundTruth.annotations.flatMap((entry) =>
            entry.image_id === 2 ? [{ ...entry, id: entry.id + 10, image_id: 3 }] : [],
          ),
        ],
      },
      detections: [
        ...detections,
        ...detections.filter(({ image_id }) => image_id === 2).map((entry) => ({ ...entry, image_id: 3 })),
      ],
    });
    expect(weightedAp(outcomes, [1, 2]).AP).toBeCloseTo(weightedAp(outcomesOf(doubled)).AP, 12);
  });

  it('bootstrap: the same seed gives the same interval around the value; a model does not beat itself', async () => {
    const outcomes = outcomesOf(await samples());
    const found = bootstrapAp(outcomes, { resamples: 200, seed: 3 });
    expect(found).toEqual(bootstrapAp(outcomes, { resamples: 200, seed: 3 }));
    expect(found.lower).toBeLessThanOrEqual(found.value);
    expect(found.upper).toBeGreaterThanOrEqual(found.value);
    expect(comparePaired(outcomes, outcomes, { resamples: 50 })).toMatchObject({ pValue: 1, probabilityBetter: 0.5 });
    const better = await openSamples({
      groundTruth,
      detections: [1, 2].flatMap((image_id) => [
        { image_id, category_id: 1, score: 0.9, bbox: box(0) },
        { image_id, category_id: 2, score: 0.9, bbox: box(20) },
      ]),
    });
    const { difference, probabilityBetter } = comparePaired(outcomes, outcomesOf(better), { resamples: 100 });
    expect(difference.value).toBeGreaterThan(0.5);
    expect(probabilityBetter).toBeGreaterThan(0.9);
    expect(() => bootstrapAp(outcomes, { resamples: 0 })).toThrow('resamples');
  });
});

describe('forms of a report', () => {
  it('escape names, keep doubles, and are whole', async () => {
    const result = await evaluateCoco({ groundTruth, detections, iouType: 'bbox' });
    const report = reportOfCoco(result, {
      analysis: await analyseCoco({ groundTruth, detections, resamples: 20, slices: { one: [1] } }),
    });
    expect(reportToHtml(report)).not.toContain('<img src=x');
    const parsed = JSON.parse(reportToJson(report));
    expect(parsed.stats).toEqual(Array.from(result.stats));
    expect(parsed.analysis.tide.counts.Miss).toBe(1);
    expect(reportToText(report)).toContain('Slice one: 1 images');
    expect(reportToCsv(report).split('\r\n')[1]).toMatch(/^1,cat,/);
  });

  it('.npy: what the reader reads', () => {
    const data = Float64Array.of(0.1, -1, 2, Number.MIN_VALUE, 5, 6);
    const bytes = writeNpy(data, [2, 3]);
    expect(bytes.length % 64).toBe(48);
    expect(readNpy(bytes, 'a')).toEqual({ shape: [2, 3], data });
    expect(() => writeNpy(data, [2, 2])).toThrow('4');
  });
});

describe.skipIf(!hasSharedData)(`COCO's 100 images${hasSharedData ? '' : `: ${noSharedData}`}`, () => {
  const root = 'evaluate/coco_val2014_fake100/';
  it.each([
    ['bbox', 'instances_val2014_fakebbox100_results.json'],
    ['segm', 'instances_val2014_fakesegm100_results.json'],
  ] as const)('AP with weights of 1 is the official %s AP, in all and by class', async (iouType, file) => {
    const input = {
      groundTruth: await readFile(sharedData(`${root}instances_val2014_100.json`)),
      detections: await readFile(sharedData(root + file)),
      iouType,
    };
    const official = await evaluateCoco(input);
    const { AP, AP50, byClass } = weightedAp(outcomesOf(await openSamples(input)));
    expect(Math.abs(AP - official.stats[0]!)).toBeLessThan(sumTolerance);
    expect(Math.abs(AP50 - official.stats[1]!)).toBeLessThan(sumTolerance);
    official.perClass.forEach((entry, k) => expect(Math.abs(byClass[k]! - entry.AP)).toBeLessThan(sumTolerance));
  });
});
