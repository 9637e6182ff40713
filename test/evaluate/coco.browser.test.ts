// COCO evaluation in a page: WASM on the main thread and in web workers, files as Blobs, streams, URLs and gzip. Numbers: coco.test.ts.
import { describe, expect, test } from 'vitest';
import { oracleCoco } from '../../sdk/evaluate/coco/oracle.js';
import { CocoEvaluator, evaluateCoco } from '../../sdk/evaluate/index.js';

const images = Array.from({ length: 12 }, (_, i) => ({ id: i + 1, height: 60, width: 80 }));
const categories = [1, 2, 3].map((id) => ({ id, name: `class ${id}` }));
const annotations = Array.from({ length: 40 }, (_, i) => {
  const [x, y, w, h] = [(i * 7) % 40, (i * 5) % 30, 8 + (i % 9) * 3, 6 + (i % 7) * 4];
  const segmentation = [[x, y, x + w, y + 1.5, x + w - 2, y + h, x + 0.5, y + h - 1]];
  return {
    id: i,
    image_id: 1 + (i % 12),
    category_id: 1 + (i % 3),
    bbox: [x, y, w, h],
    area: w * h,
    iscrowd: i % 11 === 0 ? 1 : 0,
    segmentation,
  };
});
const detections = annotations.flatMap(({ image_id, category_id, bbox: [x, y, w, h] }, i) => [
  { image_id, category_id, bbox: [x! + (i % 4), y!, w!, h!], score: (i % 10) / 10 },
  { image_id, category_id, bbox: [x!, y! + (i % 3), w!, h! + 1], score: (i % 7) / 7 },
]);
const groundTruth = { images, categories, annotations };
const gtText = JSON.stringify(groundTruth);
const dtText = JSON.stringify(detections);

const gzip = (text: string) => new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'));

describe('in a page', () => {
  test.each(['bbox', 'segm', 'boundary'] as const)(
    '%s: the bits of the plain twin, in one thread and in workers',
    async (iouType) => {
      const slow = oracleCoco({ groundTruth, detections, iouType });
      for (const workers of [1, 2]) {
        const result = await evaluateCoco({
          groundTruth: new Blob([gtText]),
          detections: new Blob([dtText]).stream(),
          iouType,
          workers,
        });
        expect(result.precision).toEqual(slow.precision);
        expect(result.recall).toEqual(slow.recall);
        expect(result.scores).toEqual(slow.scores);
      }
    },
  );

  test('URLs, gzip, batches', async () => {
    const url = URL.createObjectURL(new Blob([gtText]));
    const whole = await evaluateCoco({ groundTruth: url, detections: gzip(dtText), iouType: 'bbox' });
    using evaluator = await CocoEvaluator.open({ groundTruth: gzip(gtText), iouType: 'bbox' });
    for (let image = 12; image >= 1; image--) await evaluator.add(detections.filter((row) => row.image_id === image));
    expect((await evaluator.result()).precision).toEqual(whole.precision);
    URL.revokeObjectURL(url);
  });

  test('a path is refused with the cure', async () => {
    await expect(evaluateCoco({ groundTruth: 'file:///tmp/gt.json', detections: dtText, iouType: 'bbox' })).rejects.toMatchObject(
      { code: 'missing-file' },
    );
  });
});
