// LVIS: the arrays and numbers of lvis-api on real ground truth, each federated rule on a few boxes, and what is refused.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  evaluateLvis,
  LvisEvaluator,
  type LvisAnnotation,
  type LvisDataset,
  type LvisMetric,
  type LvisResult,
} from '../../sdk/evaluate/lvis/index.js';
import { encodeRle, rleFromBox, rleFromMask } from '../../sdk/evaluate/rle.js';
import { hasSharedData, noSharedData, sharedData } from '../shared-data.js';

/** NumPy's sums of the same cells differ between versions in the last bits. */
const meanTolerance = 1e-12;

const sha256 = (values: Float64Array) =>
  createHash('sha256')
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest('hex');

describe.skipIf(!hasSharedData)(`lvis-api on 100 images${hasSharedData ? '' : `: ${noSharedData}`}`, () => {
  const root = 'evaluate/lvis_val_100/';
  it.each(['bbox', 'segm'] as const)('%s: every cell to the bit', { timeout: 60_000 }, async (iouType) => {
    const expected = JSON.parse(readFileSync(sharedData(`${root}expected_${iouType}.json`), 'utf8'));
    const stages = new Set<string>();
    const result = await evaluateLvis({
      groundTruth: sharedData(`${root}lvis_val_100.json`),
      detections: sharedData(`${root}seeded/dt.json`),
      iouType,
      onProgress: ({ stage }) => stages.add(stage),
    });
    expect(Object.values(result.shape)).toEqual(expected.shape_TRKA);
    expect(sha256(result.precision)).toBe(expected.sha256_f64le.precision);
    expect(sha256(result.recall)).toBe(expected.sha256_f64le.recall);
    expect(Object.keys(result.metrics)).toEqual(Object.keys(expected.results));
    for (const [name, value] of Object.entries(expected.results as Record<LvisMetric, number>)) {
      expect(Math.abs(result.metrics[name as LvisMetric]! - value), name).toBeLessThanOrEqual(meanTolerance);
    }
    expect(result.counts).toMatchObject({ images: expected.n_images, annotations: expected.n_gt, detections: 33130 });
    // Every image has more than 300 detections: the cut is over all classes, not per class.
    expect(result.diagnostics.find(({ code }) => code === 'detections-over-limit')?.count).toBeGreaterThan(0);
    expect([...stages]).toEqual(['ground truth', 'detections', 'matching']);
  });
});

describe.skipIf(!hasSharedData)(`LVIS in parts${hasSharedData ? '' : `: ${noSharedData}`}`, () => {
  const root = 'evaluate/lvis_val_100/';
  const groundTruth = sharedData(`${root}lvis_val_100.json`);
  const options = { groundTruth, iouType: 'bbox' } as const;

  it('threads, batches and merged shards give the bits of one run', { timeout: 60_000 }, async () => {
    const detections = JSON.parse(readFileSync(sharedData(`${root}seeded/dt.json`), 'utf8')) as { image_id: number }[];
    // Arrays of five million cells: told by their hash.
    const parts = ({ precision, recall, metrics, counts, perClass, diagnostics }: LvisResult) => ({
      precision: sha256(precision),
      recall: sha256(recall),
      metrics,
      counts,
      perClass,
      diagnostics: diagnostics.map(({ code, count }) => [code, count]),
    });
    const whole = parts(await evaluateLvis({ ...options, detections: detections as never }));
    expect(parts(await evaluateLvis({ ...options, detections: detections as never, workers: 2 }))).toEqual(whole);

    const images = [...new Set(detections.map(({ image_id }) => image_id))];
    const part = (n: number) => detections.filter(({ image_id }) => images.indexOf(image_id) % 3 === n);
    using main = await LvisEvaluator.open(options);
    for (const n of [2, 0, 1]) {
      using shard = await LvisEvaluator.open(options);
      const rows = part(n);
      // Two batches, cut between images.
      const first = new Set(rows.slice(0, rows.length / 2).map(({ image_id }) => image_id));
      await shard.add(rows.filter(({ image_id }) => !first.has(image_id)) as never);
      await shard.add(rows.filter(({ image_id }) => first.has(image_id)) as never);
      await main.merge(await shard.partial());
    }
    expect(parts(await main.result())).toEqual(whole);

    using scattered = await LvisEvaluator.open({ ...options, wholeImages: false });
    const n = Math.ceil(detections.length / 4);
    for (let i = 0; i < 4; i++) await scattered.add(detections.slice(i * n, (i + 1) * n) as never);
    expect(parts(await scattered.result())).toEqual(whole);
  });
});

it('refuses an image in two batches, also where nobody looked for what was found first', async () => {
  const truth = dataset([annotation()]);
  using evaluator = await LvisEvaluator.open({ groundTruth: truth, iouType: 'bbox' });
  await evaluator.add([detection({ category_id: 2 })]);
  await expect(evaluator.add([detection()])).rejects.toMatchObject({ reason: 'image-in-two-batches' });
  await evaluator.add([]);
  expect((await evaluator.result()).counts).toMatchObject({ detections: 1, evaluated: 0 });
  using other = await LvisEvaluator.open({ groundTruth: truth, iouType: 'bbox', maxDetections: 5 });
  await expect(other.merge(await evaluator.partial())).rejects.toThrow(/partial result: found settings/);
});

const box = [0, 0, 10, 10];
const image = (id: number, more: object = {}) => ({
  id,
  height: 100,
  width: 100,
  neg_category_ids: [],
  not_exhaustive_category_ids: [],
  ...more,
});
const annotation = (more: Partial<LvisAnnotation> = {}): Omit<LvisAnnotation, 'id'> => ({
  image_id: 1,
  category_id: 1,
  bbox: box,
  area: 100,
  ...more,
});
const dataset = (annotations: Omit<LvisAnnotation, 'id'>[], images: object[] = [image(1)]): LvisDataset => ({
  images: images as LvisDataset['images'],
  annotations: annotations.map((entry, i) => ({ id: i + 1, ...entry })),
  categories: [
    { id: 1, name: 'a', frequency: 'r' },
    { id: 2, name: 'b', frequency: 'f' },
  ],
});
const detection = (more: object = {}) => ({ image_id: 1, category_id: 1, score: 0.9, bbox: box, ...more });

/** AP of a hit that is not the first: two ranks. */
const second = 0.5;
const first = 1;
/** precision = 1 / (1 + 2^-52) at rank 1: the ULP of COCO's divisor. */
const ulp = 3e-16;

interface Row {
  why: string;
  truth: LvisDataset;
  detections: object[];
  /** AP of class a at all areas; -1 without ground truth. */
  ap: number;
  maxDetections?: number;
}

const rules: Row[] = [
  { why: 'a hit', truth: dataset([annotation()]), detections: [detection()], ap: first },
  {
    why: 'a false one before it',
    truth: dataset([annotation()]),
    detections: [detection({ bbox: [50, 50, 9, 9] }), detection({ score: 0.5 })],
    ap: second,
  },
  {
    why: 'a class that nobody looked for in the image does not count',
    truth: dataset([annotation()], [image(1), image(2)]),
    detections: [detection({ image_id: 2 }), detection({ score: 0.5 })],
    ap: first,
  },
  {
    why: 'a class that was looked for in vain does',
    truth: dataset([annotation()], [image(1), image(2, { neg_category_ids: [1] })]),
    detections: [detection({ image_id: 2 }), detection({ score: 0.5 })],
    ap: second,
  },
  {
    why: 'not exhaustive: unmatched detections are forgiven',
    truth: dataset([annotation()], [image(1, { not_exhaustive_category_ids: [1] })]),
    detections: [detection({ bbox: [50, 50, 9, 9] }), detection({ score: 0.5 })],
    ap: first,
  },
  {
    why: 'ignore is honoured',
    truth: dataset([annotation({ ignore: 1, bbox: [50, 50, 10, 10] }), annotation()]),
    detections: [detection({ bbox: [50, 50, 10, 10] }), detection({ score: 0.5 })],
    ap: first,
  },
  { why: 'ignored only: no ground truth', truth: dataset([annotation({ ignore: 1 })]), detections: [detection()], ap: -1 },
  {
    why: 'an annotation without area is left out',
    truth: dataset([annotation({ area: 0, bbox: [50, 50, 10, 10] }), annotation()]),
    detections: [detection()],
    ap: first,
  },
  {
    why: 'a detection without area is left out',
    truth: dataset([annotation()]),
    detections: [detection({ bbox: [0, 0, 0, 10] }), detection({ score: 0.5 })],
    ap: first,
  },
  {
    why: 'the limit is over all classes of an image',
    truth: dataset([annotation(), annotation({ category_id: 2 })]),
    detections: [detection({ category_id: 2 }), detection({ category_id: 2, score: 0.8 }), detection({ score: 0.7 })],
    maxDetections: 2,
    ap: 0,
  },
  {
    why: '-1 keeps all',
    truth: dataset([annotation()]),
    detections: [detection(), detection({ score: 0.1 })],
    maxDetections: -1,
    ap: first,
  },
  {
    why: 'of equal scores the limit keeps the first',
    truth: dataset([annotation()]),
    detections: [detection(), detection({ bbox: [50, 50, 9, 9] })],
    maxDetections: 1,
    ap: first,
  },
  { why: 'no detections', truth: dataset([annotation()]), detections: [], ap: 0 },
];

describe('evaluateLvis', () => {
  it.each(rules)('$why', async ({ truth, detections, ap, maxDetections }) => {
    const result = await evaluateLvis({ groundTruth: truth, detections: detections as never, iouType: 'bbox', maxDetections });
    expect(Math.abs(result.perClass[0]!.ap - ap)).toBeLessThanOrEqual(ulp);
    expect(Math.abs(result.metrics.APr - ap)).toBeLessThanOrEqual(ulp);
  });

  it('masks: runs against polygons; a box alone is drawn as a polygon', async () => {
    const polygon = [[10, 10, 50, 10, 50, 50, 10, 50]];
    const truth = dataset([annotation({ segmentation: polygon, area: 1600 })]);
    const drawn = rleFromBox([10, 10, 40, 40], 100, 100);
    const runs = { size: [100, 100], counts: encodeRle(drawn) };
    for (const entry of [{ segmentation: runs }, { bbox: [10, 10, 40, 40] }]) {
      const result = await evaluateLvis({
        groundTruth: truth,
        detections: [detection({ bbox: undefined, ...entry })] as never,
        iouType: 'segm',
      });
      expect(Math.abs(result.metrics.AP - 1)).toBeLessThanOrEqual(ulp);
    }
  });

  it('groups classes by frequency, -1 where a group has none', async () => {
    const truth = dataset([annotation(), annotation({ category_id: 2, bbox: [50, 50, 10, 10] })]);
    const result = await evaluateLvis({ groundTruth: truth, detections: [detection()], iouType: 'bbox' });
    expect(result.metrics.APr).toBeCloseTo(1, 14);
    expect([result.metrics.APc, result.metrics.APf]).toEqual([-1, 0]);
    expect(result.metrics['AR@300']).toBe(0.5);
    expect(result.perClass.map(({ frequency, positives }) => [frequency, positives])).toEqual([
      ['r', 1],
      ['f', 1],
    ]);
  });

  it('reads text and bytes like objects, and columns for boxes', async () => {
    const truth = dataset([annotation()]);
    const detections = [detection({ bbox: [50, 50, 9, 9] }), detection({ score: 0.5 })];
    const run = (groundTruth: never, detections: never) => evaluateLvis({ groundTruth, detections, iouType: 'bbox' });
    const wanted = await run(truth as never, detections as never);
    expect(await run(JSON.stringify(truth) as never, new TextEncoder().encode(JSON.stringify(detections)) as never)).toEqual(
      wanted,
    );
    const columns = { imageIds: [1, 1], categoryIds: [1, 1], scores: [0.9, 0.5], boxes: [50, 50, 9, 9, ...box] };
    expect(await run(truth as never, columns as never)).toEqual(wanted);
  });

  it('says what it left out', async () => {
    const truth = dataset([annotation(), annotation({ category_id: 9 }), annotation({ area: 0 })]);
    const detections = [
      detection(),
      detection({ category_id: 9 }),
      detection({ category_id: 2 }),
      detection({ bbox: [0, 0, 0, 0] }),
    ];
    const { diagnostics } = await evaluateLvis({ groundTruth: truth, detections, iouType: 'bbox', maxDetections: 4 });
    expect(diagnostics.map(({ code, count, examples }) => [code, count, examples])).toEqual([
      ['annotation-of-unknown-category', 1, [1]],
      ['annotation-without-area', 1, [2]],
      ['detection-of-unknown-category', 1, [1]],
      ['detection-without-area', 1, [3]],
      ['label-not-judged', 1, [2]],
    ]);
  });

  it('does not care for the order of images', async () => {
    const coordinate = fc.integer({ min: 0, max: 6 });
    const boxes = fc.tuple(coordinate, coordinate, coordinate, coordinate).map(([x, y, w, h]) => [x, y, w + 1, h + 1]);
    const where = { image_id: fc.constantFrom(1, 2, 3), category_id: fc.constantFrom(1, 2), bbox: boxes };
    const truths = fc.array(fc.record({ ...where, area: fc.constantFrom(9, 2000, 20000) }), { minLength: 1, maxLength: 8 });
    const found = fc.uniqueArray(fc.record({ ...where, score: fc.double({ min: 0, max: 1, noNaN: true }) }), {
      maxLength: 10,
      selector: ({ score }) => score,
    });
    await fc.assert(
      fc.asyncProperty(truths, found, async (annotations, detections) => {
        const images = [image(1), image(2, { neg_category_ids: [2] }), image(3, { not_exhaustive_category_ids: [1] })];
        const run = (images: object[], detections: object[]) =>
          evaluateLvis({ groundTruth: dataset(annotations, images), detections: detections as never, iouType: 'bbox' });
        const result = await run(images, detections);
        expect((await run([...images].reverse(), [...detections].reverse())).precision).toEqual(result.precision);
        for (const value of Object.values(result.metrics)) expect(value === -1 || (value >= 0 && value <= 1)).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  const good = dataset([annotation()]);
  const runs = { size: [2, 2], counts: encodeRle(rleFromMask([1, 1, 1, 1], 2, 2)) };
  it.each([
    [
      'an unknown image',
      { detections: [detection(), detection({ image_id: 7 })] },
      /detection 1: found image_id 7/,
      'detection-of-unknown-image',
    ],
    ['a NaN score', { detections: [detection({ score: Number.NaN })] }, /score/, 'score-not-a-number'],
    [
      'a box after masks',
      {
        iouType: 'segm',
        groundTruth: dataset([]),
        detections: [detection({ bbox: undefined, segmentation: runs }), detection()],
      },
      /detection 1/,
      'mixed-results',
    ],
    [
      'a COCO file',
      { groundTruth: { ...good, images: [{ id: 1 }] } },
      /image 1: found neg_category_ids: missing.*COCO/,
      'missing-field',
    ],
    [
      'categories without frequency',
      { groundTruth: { ...good, categories: [{ id: 1 }] } },
      /category 1: found frequency undefined/,
      'missing-field',
    ],
    [
      'an annotation without area',
      { groundTruth: dataset([annotation({ area: undefined as never })]) },
      /annotation 0 \(id 1\): found no area/,
      'missing-field',
    ],
    [
      'an annotation of an unknown image',
      { groundTruth: dataset([annotation({ image_id: 5 })]) },
      /image_id 5/,
      'annotation-of-unknown-image',
    ],
    ['an annotation without mask', { iouType: 'segm' }, /no segmentation/, 'missing-field'],
    [
      'a broken mask',
      { iouType: 'segm', groundTruth: dataset([annotation({ segmentation: { size: [9, 9], counts: 'x' } })]) },
      /segmentation/,
      'invalid-mask',
    ],
    ['broken JSON', { groundTruth: '{"images": [' }, /JSON that ends too early/, 'invalid-json'],
    [
      'class ids that are no numbers',
      { groundTruth: dataset([annotation()], [image(1, { neg_category_ids: ['a'] })]) },
      /images row 0.*neg_category_ids/,
      'wrong-type',
    ],
    ['no images', { groundTruth: { annotations: [], categories: [] } as never }, /images: undefined/, undefined],
  ])('refuses %s', async (_, change, message, reason) => {
    const options = { groundTruth: good, detections: [detection()], iouType: 'bbox', ...change } as never;
    await expect(evaluateLvis(options)).rejects.toThrow(message);
    await expect(evaluateLvis(options)).rejects.toMatchObject({ reason });
  });

  it.each([
    ['an unknown type', { iouType: 'boundary' }, /"bbox" or "segm"/],
    ['half a detection', { maxDetections: 0.5 }, /maxDetections: found 0.5/],
    ['an aborted signal', { signal: AbortSignal.abort(new Error('enough')) }, /enough/],
  ])('refuses %s', async (_, change, message) => {
    await expect(
      evaluateLvis({ groundTruth: good, detections: [detection()], iouType: 'bbox', ...change } as never),
    ).rejects.toThrow(message);
  });
});
