// Semantic mean IoU: the reference numbers with both conventions, each rule on a few pixels, channel selection, shards.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classOfPixels, SemanticEvaluator, sharedChannels } from '../../sdk/evaluate/semantic/index.js';
import { labelSpace } from '../../sdk/taxonomy/label-space.js';
import { hasSharedData, noSharedData, sharedData } from '../shared-data.js';

/** Means of a few quotients of integers, summed in another order: rounding only. */
const meanTolerance = 1e-15;

describe.skipIf(!hasSharedData)(`the formulas of detectron2 and Cityscapes${hasSharedData ? '' : `: ${noSharedData}`}`, () => {
  const expected = hasSharedData ? JSON.parse(readFileSync(sharedData('evaluate/miou/expected.json'), 'utf8')) : undefined;
  const run = () => {
    const [images, height, width] = expected.shape;
    const [truth, predicted] = [expected.gt_u8_b64, expected.pred_u8_b64].map((text) => Buffer.from(text, 'base64'));
    const evaluator = new SemanticEvaluator({ classes: expected.num_classes, ignoreLabel: expected.ignore });
    for (let i = 0; i < images; i++) {
      const part = [i * height * width, (i + 1) * height * width] as const;
      evaluator.add(predicted!.subarray(...part), truth!.subarray(...part));
    }
    return evaluator;
  };
  const close = (found: number, wanted: number | null) =>
    wanted === null ? expect(found).toBeNaN() : expect(Math.abs(found - wanted)).toBeLessThanOrEqual(meanTolerance);

  it('counts the same confusion matrix', () => {
    expect([...run().confusion]).toEqual(expected.confusion_pred_by_gt_last_is_ignore.flat());
  });

  it('detectron2: classes with ground truth', () => {
    const result = run().result('detectron2');
    const { mIoU, fwIoU, mACC, pACC, iou } = expected.detectron2;
    close(result.mIoU, mIoU);
    close(result.fwIoU, fwIoU);
    close(result.meanAccuracy, mACC);
    close(result.pixelAccuracy, pACC);
    result.perClass.forEach((entry, k) => close(entry.iou, iou[k]));
  });

  it('Cityscapes and mmsegmentation: classes with a union', () => {
    const result = run().result('cityscapes');
    close(result.mIoU, expected.mmseg_cityscapes.mIoU);
    result.perClass.forEach((entry, k) => close(entry.iou, expected.mmseg_cityscapes.iou[k]));
  });
});

describe('SemanticEvaluator', () => {
  it.each([
    ['all right', [0, 1], [0, 1], 1, 1],
    ['half of each: 1/3', [0, 1, 0, 1], [0, 0, 1, 1], 1 / 3, 1 / 3],
    ['ignored truth is not held against the prediction', [0, 0, 1], [0, 255, 1], 1, 1],
    ['a class that is only predicted', [0, 2], [0, 0], 1 / 2, 1 / 4],
    ['a class that is only true', [0, 0], [0, 1], 1 / 4, 1 / 4],
    ['a pixel without prediction', [0, 255], [0, 0], 1, 1 / 2],
    ['nothing counts', [0, 1], [255, 255], Number.NaN, Number.NaN],
  ])('%s', (_, prediction, truth, detectron2, cityscapes) => {
    const evaluator = new SemanticEvaluator({ classes: ['a', 'b', 'c'] });
    evaluator.add(prediction, truth);
    expect(evaluator.result('detectron2').mIoU).toBe(detectron2);
    expect(evaluator.result('cityscapes').mIoU).toBe(cityscapes);
  });

  it('names classes and says how many the mean has', () => {
    const evaluator = new SemanticEvaluator({ classes: ['a', 'b', 'c'] });
    evaluator.add([0, 2], [0, 0]);
    expect(evaluator.result('cityscapes').classes).toBe(2);
    expect(evaluator.result('cityscapes').perClass[2]).toEqual({
      index: 2,
      name: 'c',
      iou: 0,
      accuracy: Number.NaN,
      precision: 0,
      intersection: 0,
      truth: 0,
      predicted: 1,
    });
  });

  it('shards in any order give the same', () => {
    const pixel = fc.constantFrom(0, 1, 2, 255);
    const image = fc
      .nat(20)
      .chain((n) => fc.tuple(fc.array(pixel, { minLength: n, maxLength: n }), fc.array(pixel, { minLength: n, maxLength: n })));
    fc.assert(
      fc.property(fc.array(fc.tuple(image, fc.nat(2)), { maxLength: 9 }), (images) => {
        const make = () => new SemanticEvaluator({ classes: 3 });
        const [whole, merged, parts] = [make(), make(), [make(), make(), make()]];
        for (const [[prediction, truth], part] of images) {
          whole.add(prediction, truth);
          parts[part]!.add(prediction, truth);
        }
        for (const part of parts.reverse()) merged.merge(JSON.parse(JSON.stringify(part.toShard())));
        expect(merged.result('cityscapes')).toEqual(whole.result('cityscapes'));
        expect(merged.images).toBe(images.length);
        const { perClass, mIoU } = whole.result('detectron2');
        for (const { iou } of perClass) if (!Number.isNaN(iou)) expect(iou >= 0 && iou <= 1).toBe(true);
        if (perClass.some(({ truth }) => truth > 0)) expect(mIoU).not.toBeNaN();
      }),
    );
  });

  const evaluator = () => new SemanticEvaluator({ classes: 3 });
  it.each([
    [
      'an unknown predicted class',
      () => evaluator().add([0, 3], [0, 0]),
      /image 0, pixel 1: found predicted class 3; wanted 0 to 2, or 255/,
    ],
    ['an unknown true class', () => evaluator().add([0], [-1]), /true class -1/],
    ['half a class', () => evaluator().add([0.5], [0]), /predicted class 0.5/],
    ['fewer predicted pixels', () => evaluator().add([0], [0, 0]), /found 1 predicted pixels; wanted 2/],
    ['no classes', () => new SemanticEvaluator({ classes: 0 }), /classes: found 0/],
    ['an ignore label that is a class', () => new SemanticEvaluator({ classes: 3, ignoreLabel: 2 }), /outside 0 to 2/],
    ['no convention', () => evaluator().result(undefined as never), /"detectron2" or "cityscapes"/],
    ['a shard of other classes', () => evaluator().merge(new SemanticEvaluator({ classes: 2 }).toShard()), /found 2 classes/],
  ])('refuses %s', (_, run, message) => expect(run).toThrow(message));

  it('counts nothing of an image that it refuses', () => {
    const tried = evaluator();
    expect(() => tried.add([0, 1, 9], [0, 1, 2])).toThrow();
    expect(tried.confusion.every((pixels) => pixels === 0)).toBe(true);
  });
});

describe('channel selection', () => {
  const model = labelSpace('unified', ['road', 'sky', 'person', 'car'] as const);
  const dataset = labelSpace('test', ['person', 'boat', 'road'] as const);

  it('picks the best of the channels that both have', () => {
    const shared = sharedChannels(model, dataset);
    expect([[...shared.model], [...shared.dataset], shared.missing]).toEqual([[2, 0], [0, 2], ['boat']]);
    // Sky and car score best, but the data set has neither.
    const scores = [0.1, 0.9, 0.3, 0, 0.2, 0.9, 0.1, 0, 0, 0, 0, 1, Number.NaN, 0, 0.1, 0];
    expect([...classOfPixels(scores, 4, shared)]).toEqual([0, 2, 0, 0]);
  });

  it('takes another rule of matching', () => {
    const shared = sharedChannels(model, dataset, (name) => (name === 'boat' ? 3 : -1));
    expect([[...shared.model], [...shared.dataset], shared.missing]).toEqual([[3], [1], ['person', 'road']]);
  });

  it.each([
    ['spaces that share nothing', () => sharedChannels(model, labelSpace('other', ['boat'])), /no class that both have/],
    ['a match outside', () => sharedChannels(model, dataset, () => 7), /match of "person": found 7/],
    ['scores that do not fit', () => classOfPixels([1, 2, 3], 4, sharedChannels(model, dataset)), /found 3 numbers/],
    ['too few channels', () => classOfPixels([1, 2], 2, sharedChannels(model, dataset)), /channel 2 is wanted/],
  ])('refuses %s', (_, run, message) => expect(run).toThrow(message));
});
