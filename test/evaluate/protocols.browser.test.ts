// The evaluators in a page: WASM on the main thread, PNG ids without colour management, unpacking of masks, text files.
import { describe, expect, it } from 'vitest';
import {
  encodeRle,
  evaluateLvis,
  evaluateOpenImages,
  evaluatePanoptic,
  evaluateVoc,
  readOpenImagesPredictions,
  rleFromMask,
  SemanticEvaluator,
} from '../../sdk/evaluate/index.js';
import { hungarian, pairwiseIou } from '../../sdk/evaluate/match/index.js';

describe('in a page', () => {
  it('matching runs in WASM with the bits of its twins', () => {
    let seed = 1;
    const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
    const costs = Float64Array.from({ length: 60 * 71 }, random);
    const shape = { rows: 60, columns: 71 };
    expect(hungarian(costs, shape)).toEqual(hungarian(costs, { ...shape, engine: 'plain' }));
    const boxes = Float64Array.from({ length: 80 * 4 }, (_, i) => random() * (i % 4 < 2 ? 100 : 50));
    const format = 'xywh';
    expect(pairwiseIou(boxes, boxes, { format })).toEqual(pairwiseIou(boxes, boxes, { format, engine: 'plain' }));
  });

  it('panoptic PNGs keep every bit of their ids', async () => {
    // Neighbouring values in each channel: one step of colour management would mix segments up.
    const ids = [0x010203, 0x020203, 0x010303, 0x010204, 0xfefdfc, 0xfffdfc, 0x000001, 0x808080];
    const canvas = new OffscreenCanvas(ids.length, 1);
    const context = canvas.getContext('2d')!;
    const image = context.createImageData(ids.length, 1);
    ids.forEach((id, i) => image.data.set([id & 255, (id >> 8) & 255, id >> 16, 255], 4 * i));
    context.putImageData(image, 0, 0);
    const png = new Uint8Array(await (await canvas.convertToBlob({ type: 'image/png' })).arrayBuffer());
    const segments_info = ids.map((id) => ({ id, category_id: 1, area: 1 }));
    const file = { annotations: [{ image_id: 1, file_name: 'a.png', segments_info }], categories: [{ id: 1, isthing: 1 }] };
    const result = await evaluatePanoptic({
      groundTruth: file,
      predictions: file,
      readGroundTruth: () => png,
      readPrediction: () => png,
    });
    expect(result.all).toEqual({ pq: 1, sq: 1, rq: 1, n: 1 });
    expect(result.perClass[0]!.tp).toBe(ids.length);
    expect(result.diagnostics).toEqual([]);
  });

  it('Open Images: masks are unpacked, text is read', async () => {
    const mask = rleFromMask([1, 1, 0, 0], 2, 2);
    const packed = new Blob([encodeRle(mask)]).stream().pipeThrough(new CompressionStream('deflate'));
    const base64 = btoa(String.fromCharCode(...new Uint8Array(await new Response(packed).arrayBuffer())));
    const detections = await readOpenImagesPredictions(
      `ImageID,LabelName,Score,ImageWidth,ImageHeight,Mask\ni,a,0.5,2,2,${base64}\n`,
    );
    const objects = [{ image: 'i', label: 'a', box: [0, 0, 1, 0.5] as const, mask }];
    expect(evaluateOpenImages(objects, [], detections, { classes: ['a'], track: 'segmentation' }).map).toBe(1);
  });

  it('LVIS, VOC and semantic masks', async () => {
    const lvis = await evaluateLvis({
      groundTruth: JSON.stringify({
        images: [{ id: 1, neg_category_ids: [], not_exhaustive_category_ids: [] }],
        annotations: [{ id: 1, image_id: 1, category_id: 1, bbox: [0, 0, 9, 9], area: 81 }],
        categories: [{ id: 1, frequency: 'c' }],
      }),
      detections: [{ image_id: 1, category_id: 1, bbox: [0, 0, 9, 9], score: 1 }],
      iouType: 'bbox',
    });
    expect(lvis.metrics.APc).toBeCloseTo(1, 14);
    const object = { image: 'i', label: 'a', box: [1, 1, 9, 9] as const };
    expect(evaluateVoc([object], [{ ...object, score: 1 }], { interpolation: 'area' }).map).toBe(1);
    const semantic = new SemanticEvaluator({ classes: 2 });
    semantic.add([0, 1], [0, 1]);
    expect(semantic.result('cityscapes').mIoU).toBe(1);
  });
});
