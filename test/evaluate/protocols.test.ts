// Objects365 and Mapillary are judged by COCO's protocol: files in their form go through evaluateCoco.
import { describe, expect, it } from 'vitest';
import { datasetProtocols, evaluateCoco } from '../../sdk/evaluate/index.js';

/** Precision of a perfect detector is 1 / (1 + 2^-52): one ULP below 1. */
const ulp = 3e-16;

describe('data sets under COCO’s protocol', () => {
  it('Objects365: 365 classes, flags of its own, mean over the classes that occur', async () => {
    expect(datasetProtocols.objects365.protocol).toBe('coco');
    const categories = Array.from({ length: 365 }, (_, i) => ({ id: i + 1, name: `class ${i + 1}` }));
    const annotation = (id: number, category_id: number, more: object) => ({
      id,
      image_id: 1,
      category_id,
      bbox: [id * 20, 0, 10, 10],
      area: 100,
      iscrowd: 0,
      isfake: 0,
      isreflected: 0,
      ...more,
    });
    const groundTruth = {
      images: [{ id: 1, height: 100, width: 1000, license: 5, file_name: 'patch0/a.jpg', url: '' }],
      annotations: [
        annotation(1, 1, {}),
        annotation(2, 200, { isfake: 1 }),
        annotation(3, 365, { isreflected: 1 }),
        annotation(4, 7, { iscrowd: 1 }),
      ],
      categories,
    };
    const detection = (id: number, category_id: number) => ({ image_id: 1, category_id, bbox: [id * 20, 0, 10, 10], score: 0.5 });
    const result = await evaluateCoco({ groundTruth, detections: [detection(1, 1), detection(2, 200)], iouType: 'bbox' });
    // Two of three classes found; the crowd alone makes no ground truth of class 7, and 361 classes do not occur.
    expect(Math.abs(result.stats[0]! - 2 / 3)).toBeLessThanOrEqual(ulp);
  });

  it('Mapillary: instance masks as polygons', async () => {
    expect(datasetProtocols.mapillary.protocol).toBe('coco');
    const square = [[10, 10, 60, 10, 60, 60, 10, 60]];
    const groundTruth = {
      images: [{ id: 1, height: 100, width: 100 }],
      annotations: [
        { id: 1, image_id: 1, category_id: 12, segmentation: square, bbox: [10, 10, 50, 50], area: 2500, iscrowd: 0 },
      ],
      categories: [{ id: 12, name: 'object--vehicle--car' }],
    };
    const detections = [{ image_id: 1, category_id: 12, segmentation: square, score: 0.9 }];
    const result = await evaluateCoco({ groundTruth, detections, iouType: 'segm' });
    expect(Math.abs(result.stats[0]! - 1)).toBeLessThanOrEqual(ulp);
  });
});
