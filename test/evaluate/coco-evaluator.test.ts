// CocoEvaluator: batches, shards and partial results give the bits of one run; a refused batch changes nothing.
import { describe, expect, test } from 'vitest';
import { CocoEvaluator, evaluateCoco, type CocoDetection, type CocoResult, type IouType } from '../../sdk/evaluate/index.js';
import { encodeRle, rleFromBox } from '../../sdk/evaluate/rle.js';

/** A seeded case: 40 images with gaps in their ids, 6 classes, many equal scores. */
function makeCase(seed: number) {
  let state = seed;
  const random = (n: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  const images = Array.from({ length: 40 }, (_, i) => ({ id: 3 * i + 5, height: 120, width: 160 }));
  const categories = [3, 1, 7, 9, 12, 20].map((id) => ({ id, name: `class ${id}` }));
  const annotations: object[] = [];
  const detections: (CocoDetection & { bbox: number[] })[] = [];
  const bbox = () => [random(100), random(80), 4 + random(50), 4 + random(35)];
  for (const { id } of images) {
    for (let i = random(8); i > 0; i--) {
      const box = bbox();
      const category = categories[random(5)]!.id;
      annotations.push({
        id: annotations.length + 1,
        image_id: id,
        category_id: category,
        bbox: box,
        area: box[2]! * box[3]!,
        iscrowd: random(12) === 0 ? 1 : 0,
        segmentation: { size: [120, 160] as const, counts: encodeRle(rleFromBox(box, 120, 160)) },
      });
      for (let j = random(3); j > 0; j--) {
        const near = [box[0]! + random(3), box[1]!, box[2]! + random(5), box[3]!];
        detections.push({
          image_id: id,
          category_id: category,
          score: random(20) / 20,
          bbox: near,
          segmentation: { size: [120, 160] as const, counts: encodeRle(rleFromBox(near, 120, 160)) },
        });
      }
    }
  }
  return { groundTruth: { images, categories, annotations }, detections };
}

const bits = ({ precision, recall, scores, stats }: CocoResult) =>
  [precision, recall, scores, stats].map((values) =>
    Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64'),
  );

/** Rows of each image together, in a new order of images. */
function byImage<T extends { image_id: number }>(rows: readonly T[], batches: number): T[][] {
  const out: T[][] = Array.from({ length: batches }, () => []);
  for (const row of [...rows].reverse().sort((a, b) => ((a.image_id * 7) % 31) - ((b.image_id * 7) % 31)))
    out[row.image_id % batches]!.push(row);
  // The order inside an image is part of the result.
  return out.map((list) => list.sort((a, b) => rows.indexOf(a) - rows.indexOf(b)));
}

const types: readonly IouType[] = ['bbox', 'segm', 'boundary'];

describe('batches and shards', () => {
  test.each(types)('%s: the bits of one run', async (iouType) => {
    const { groundTruth, detections } = makeCase(11);
    const whole = await evaluateCoco({ groundTruth, detections, iouType });
    expect(whole.stats[0]).toBeGreaterThan(0.1);

    using batched = await CocoEvaluator.open({ groundTruth, iouType });
    for (const batch of byImage(detections, 5)) await batched.add(batch);
    const result = await batched.result();
    expect(bits(result)).toEqual(bits(whole));
    expect(result.counts).toEqual(whole.counts);
    expect(result.perClass).toEqual(whole.perClass);

    const partials: Uint8Array[] = [];
    for (const batch of byImage(detections, 3)) {
      using shard = await CocoEvaluator.open({ groundTruth, iouType });
      await shard.add(batch);
      partials.push(await shard.partial());
    }
    using merged = await CocoEvaluator.open({ groundTruth, iouType });
    for (const partial of partials.reverse()) await merged.merge(partial);
    const sum = await merged.result();
    expect(bits(sum)).toEqual(bits(whole));
    expect(sum.counts).toEqual(whole.counts);
  });

  test('rows in any order, where images may come again', async () => {
    const { groundTruth, detections } = makeCase(5);
    const whole = await evaluateCoco({ groundTruth, detections, iouType: 'segm' });
    using evaluator = await CocoEvaluator.open({ groundTruth, iouType: 'segm', wholeImages: false });
    for (let at = 0; at < detections.length; at += 7) await evaluator.add(detections.slice(at, at + 7));
    expect(bits(await evaluator.result())).toEqual(bits(whole));
  });

  test('more than 16 thresholds', async () => {
    const { groundTruth, detections } = makeCase(3);
    const iouThresholds = Array.from({ length: 20 }, (_, i) => 0.05 + i / 25);
    const whole = await evaluateCoco({ groundTruth, detections, iouType: 'bbox', iouThresholds });
    using evaluator = await CocoEvaluator.open({ groundTruth, iouType: 'bbox', iouThresholds });
    for (const batch of byImage(detections, 4)) await evaluator.add(batch);
    expect(bits(await evaluator.result())).toEqual(bits(whole));
  });

  test('columns instead of objects', async () => {
    const { groundTruth, detections } = makeCase(8);
    const columns = {
      imageIds: Float64Array.from(detections, (row) => row.image_id),
      categoryIds: detections.map((row) => row.category_id),
      scores: Float64Array.from(detections, (row) => row.score),
      boxes: Float64Array.from(detections.flatMap((row) => row.bbox)),
    };
    const whole = await evaluateCoco({ groundTruth, detections, iouType: 'bbox' });
    expect(bits(await evaluateCoco({ groundTruth, detections: columns, iouType: 'bbox' }))).toEqual(bits(whole));
    const short = { ...columns, scores: [1] };
    await expect(evaluateCoco({ groundTruth, detections: short, iouType: 'bbox' })).rejects.toMatchObject({
      code: 'invalid-argument',
    });
  });

  test.each([2, 3])('%d workers give the bits of one thread, and end', async (workers) => {
    const { groundTruth, detections } = makeCase(21);
    for (const iouType of types) {
      const whole = await evaluateCoco({ groundTruth, detections, iouType });
      const result = await evaluateCoco({ groundTruth, detections, iouType, workers });
      expect(bits(result)).toEqual(bits(whole));
      expect(result.diagnostics).toEqual(whole.diagnostics);
    }
  });
});

describe('what is refused leaves the evaluator as it was', () => {
  test('an image in two batches, a broken row, a partial result of something else', async () => {
    const { groundTruth, detections } = makeCase(2);
    const [first, second] = byImage(detections, 2) as [typeof detections, typeof detections];
    using evaluator = await CocoEvaluator.open({ groundTruth, iouType: 'bbox' });
    await evaluator.add(first);
    await expect(evaluator.add(first.slice(0, 1))).rejects.toMatchObject({ reason: 'image-in-two-batches' });
    await expect(evaluator.add([{ ...second[0]!, image_id: 4 }])).rejects.toMatchObject({ reason: 'detection-of-unknown-image' });
    await expect(evaluator.add('[{"image_id"')).rejects.toMatchObject({ reason: 'invalid-json' });
    const own = await evaluator.partial();
    await expect(evaluator.merge(own)).rejects.toMatchObject({ reason: 'image-in-two-batches' });
    await expect(evaluator.merge(own.subarray(0, own.length - 4))).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(evaluator.merge(new Uint8Array(8))).rejects.toMatchObject({ code: 'invalid-argument' });
    using other = await CocoEvaluator.open({ groundTruth: makeCase(4).groundTruth, iouType: 'bbox' });
    await expect(other.merge(own)).rejects.toMatchObject({ code: 'invalid-argument' });
    await evaluator.add(second);
    const whole = await evaluateCoco({ groundTruth, detections, iouType: 'bbox' });
    expect(bits(await evaluator.result())).toEqual(bits(whole));
  });

  test('after dispose, and nothing added', async () => {
    const { groundTruth, detections } = makeCase(2);
    const evaluator = await CocoEvaluator.open({ groundTruth, iouType: 'bbox' });
    await expect(evaluator.result()).rejects.toMatchObject({ reason: 'no-detections' });
    evaluator.dispose();
    evaluator.dispose();
    await expect(evaluator.add(detections)).rejects.toMatchObject({ code: 'disposed' });
    await expect(evaluator.result()).rejects.toMatchObject({ code: 'disposed' });
  });

  test('an abort while workers run', async () => {
    const { groundTruth, detections } = makeCase(2);
    const abort = new AbortController();
    const run = evaluateCoco({
      groundTruth,
      detections,
      iouType: 'bbox',
      workers: 2,
      signal: abort.signal,
      onProgress: ({ stage }) => stage === 'matching' && abort.abort(new Error('enough')),
    });
    await expect(run).rejects.toThrow('enough');
  });
});
