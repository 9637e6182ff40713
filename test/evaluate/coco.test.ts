// COCO evaluation against the answers of pycocotools 2.0.11 and boundary-iou-api: bits of the curves, the twelve numbers, quirks and their corrections.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { evaluateCoco, type CocoResult, type DiagnosticCode, type IouType } from '../../sdk/evaluate/index.js';
import { hasSharedData, noSharedData, sharedData } from '../shared-data.js';

/** What the issue asks of the twelve numbers: NumPy's sums differ by version in the last bits. Curves are compared bit by bit. */
const STAT_TOLERANCE = 1e-12;

const sha256 = (values: Float64Array) =>
  createHash('sha256')
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest('hex');

interface Expected {
  stats: number[];
  shape_TRKAM?: number[];
  sha256_f64le_Corder?: Record<'precision' | 'recall' | 'scores', string>;
  per_class?: Record<string, { AP: number; AP50: number; AR: number }>;
}

const readJson = (path: string) => JSON.parse(readFileSync(sharedData(path), 'utf8')) as unknown;

function expectStats(result: CocoResult, stats: readonly number[]) {
  stats.slice(0, 12).forEach((value, i) => {
    expect(Math.abs(result.stats[i]! - value), `${result.statNames[i]}: ${result.stats[i]} and ${value}`).toBeLessThan(
      STAT_TOLERANCE,
    );
  });
}

const fake100 = 'evaluate/coco_val2014_fake100';
const small = 'evaluate/fce_small';

const answers: readonly [name: string, gt: string, dt: string, iouType: IouType, expected: string][] = [
  [
    'a real detector on 80 images',
    'coco-val80/instances.json',
    'evaluate/centernet_val80/dt.json',
    'bbox',
    'evaluate/centernet_val80/expected.json',
  ],
  [
    'boxes by the authors of COCO',
    `${fake100}/instances_val2014_100.json`,
    `${fake100}/instances_val2014_fakebbox100_results.json`,
    'bbox',
    `${fake100}/expected_bbox_pct.json`,
  ],
  [
    'masks by the authors of COCO',
    `${fake100}/instances_val2014_100.json`,
    `${fake100}/instances_val2014_fakesegm100_results.json`,
    'segm',
    `${fake100}/expected_segm_pct.json`,
  ],
  [
    'boundaries of these masks',
    `${fake100}/instances_val2014_100.json`,
    `${fake100}/instances_val2014_fakesegm100_results.json`,
    'boundary',
    `${fake100}/expected_boundary.json`,
  ],
  [
    'small set, boxes',
    `${small}/dataset/gt_dataset.json`,
    `${small}/dataset/dt_dataset.json`,
    'bbox',
    `${small}/expected_gtdt_bbox_pct.json`,
  ],
  [
    'small set, masks',
    `${small}/dataset/gt_dataset.json`,
    `${small}/dataset/dt_dataset.json`,
    'segm',
    `${small}/expected_gtdt_segm_pct.json`,
  ],
];

describe.skipIf(!hasSharedData)(`answers of the official tools${hasSharedData ? '' : ` (${noSharedData})`}`, () => {
  test.each(answers)('%s', async (_, gt, dt, iouType, answer) => {
    const expected = readJson(answer) as Expected;
    const result = await evaluateCoco({ groundTruth: sharedData(gt), detections: sharedData(dt), iouType });
    expectStats(result, expected.stats);
    if (expected.shape_TRKAM) expect(Object.values(result.shape)).toEqual(expected.shape_TRKAM);
    const hashes = expected.sha256_f64le_Corder;
    if (hashes) {
      const { precision, recall, scores } = result;
      expect({ precision: sha256(precision), recall: sha256(recall), scores: sha256(scores) }).toEqual(hashes);
    }
    for (const { id, AP, AP50, AR } of expected.per_class ? result.perClass : []) {
      const wanted = expected.per_class![id];
      if (!wanted) continue;
      for (const [got, want] of [
        [AP, wanted.AP],
        [AP50, wanted.AP50],
        [AR, wanted.AR],
      ] as const) {
        expect(Math.abs(got - want), `class ${id}`).toBeLessThan(STAT_TOLERANCE);
      }
    }
  });

  test('workers give the same bits', async () => {
    const [, gt, dt, iouType, answer] = answers[2]!;
    const expected = readJson(answer) as Expected;
    const result = await evaluateCoco({ groundTruth: sharedData(gt), detections: sharedData(dt), iouType, workers: 2 });
    const alone = await evaluateCoco({ groundTruth: sharedData(gt), detections: sharedData(dt), iouType });
    expect(sha256(result.precision)).toBe(expected.sha256_f64le_Corder!.precision);
    expect(sha256(result.recall)).toBe(expected.sha256_f64le_Corder!.recall);
    expect(result.diagnostics).toEqual(alone.diagnostics);
    expect(result.counts).toEqual(alone.counts);
  });

  /** Case, diagnostic or reason it must give, and whether mode corrected changes the numbers. */
  const pitfalls: readonly [string, DiagnosticCode | undefined, 'same' | 'corrected'][] = [
    ['gt_id_zero', 'annotation-id-zero', 'corrected'],
    ['dup_gt_ids', 'duplicate-annotation-id', 'corrected'],
    ['ties_same_image', 'equal-scores', 'same'],
    ['recall_exact_07', 'recall-on-threshold', 'same'],
    ['crowd_only_class', 'class-of-ignored-only', 'same'],
    ['absent_class', 'class-without-ground-truth', 'same'],
    ['dt_unknown_category', 'detection-of-unknown-category', 'same'],
    ['ignore_field', 'ignore-overwritten', 'corrected'],
    ['area_bounds', 'area-on-bound', 'same'],
    ['second_best_gt', 'second-best-match', 'same'],
    ['negative_box', 'negative-box', 'same'],
    ['empty_dt', 'no-detections', 'corrected'],
    ['empty_gt', 'no-ground-truth', 'same'],
    ['dt_unknown_image', 'detection-of-unknown-image', 'corrected'],
    ['gt_no_iscrowd', 'missing-iscrowd', 'corrected'],
    ['null_licenses', undefined, 'same'],
  ];

  test('every pitfall of the data has its row here', () => {
    const names = Object.keys(readJson('evaluate/pitfalls/expected.json') as object);
    expect(pitfalls.map(([name]) => name).sort()).toEqual(names.sort());
  });

  test.each(pitfalls)('pitfall %s', async (name, code, change) => {
    const { pycocotools } = (readJson('evaluate/pitfalls/expected.json') as Record<string, { pycocotools: number[] | string }>)[
      name
    ]!;
    const files = {
      groundTruth: sharedData(`evaluate/pitfalls/${name}.gt.json`),
      detections: sharedData(`evaluate/pitfalls/${name}.dt.json`),
    };
    const strict = evaluateCoco({ ...files, iouType: 'bbox' });
    if (typeof pycocotools === 'string') await expect(strict).rejects.toMatchObject({ name: 'EvaluationError', reason: code });
    else {
      const result = await strict;
      expectStats(result, pycocotools);
      if (code) expect(result.diagnostics.map((diagnostic) => diagnostic.code)).toContain(code);
    }
    const corrected = await evaluateCoco({ ...files, iouType: 'bbox', mode: 'corrected' });
    if (change === 'same') {
      expect(corrected.corrections).toBeUndefined();
      expectStats(corrected, pycocotools as number[]);
      return;
    }
    const { applied, strictStats, strictError, changes } = corrected.corrections!;
    expect(applied.map((diagnostic) => diagnostic.code)).toEqual([code]);
    if (typeof pycocotools === 'string') expect(strictError).toBeTruthy();
    else {
      expect(Array.from(strictStats!, (value, i) => Math.abs(value - pycocotools[i]!) < STAT_TOLERANCE)).not.toContain(false);
      expect(changes['AP']).toBeGreaterThan(0);
    }
  });
});

/** One image of 100 x 100, one class; annotations and detections by box. */
const dataset = (annotations: object[], more: object = {}) => ({
  images: [{ id: 1, height: 100, width: 100 }],
  categories: [{ id: 1, name: 'thing' }],
  annotations: annotations.map((annotation, i) => ({
    id: i + 1,
    image_id: 1,
    category_id: 1,
    iscrowd: 0,
    area: 400,
    bbox: [10, 10, 20, 20],
    ...annotation,
  })),
  ...more,
});
const detection = (more: object = {}) => ({ image_id: 1, category_id: 1, score: 0.5, bbox: [10, 10, 20, 20], ...more });
const size = [100, 100] as const;

describe('quirks and their corrections', () => {
  test('limits without 100: -1 in mode strict, the largest limit in mode corrected', async () => {
    const input = { groundTruth: dataset([{}]), detections: [detection()], iouType: 'bbox' as const, maxDetections: [1, 10, 50] };
    const strict = await evaluateCoco(input);
    expect(strict.stats[0]).toBe(-1);
    expect(strict.stats[1]).toBeGreaterThan(0.99);
    const corrected = await evaluateCoco({ ...input, mode: 'corrected' });
    expect(corrected.stats[0]).toBeGreaterThan(0.99);
    expect(corrected.corrections!.applied.map(({ code }) => code)).toEqual(['limit-not-100']);
    expect(corrected.corrections!.changes['AP']).toBeGreaterThan(1.9);
  });

  test('masks with boxes: the area is that of the box in mode strict, of the mask in mode corrected', async () => {
    // The mask is a column of 20 pixels inside a box of 40 x 40: small by its own area, medium by the box. It matches nothing.
    const segmentation = { size, counts: [0, 20, 9980] };
    const groundTruth = dataset([
      { segmentation: [[50, 50, 50, 90, 90, 90, 90, 50]], area: 1600, bbox: [50, 50, 40, 40] },
      { id: 2, area: 100, bbox: [90, 90, 10, 10], segmentation: [[90, 90, 90, 100, 100, 100, 100, 90]] },
    ]);
    const input = { groundTruth, detections: [detection({ bbox: [0, 0, 40, 40], segmentation })], iouType: 'segm' as const };
    const strict = await evaluateCoco(input);
    const corrected = await evaluateCoco({ ...input, mode: 'corrected' });
    expect(strict.diagnostics.find(({ code }) => code === 'box-area-for-masks')?.counts).toEqual({ detections: 1 });
    expect(corrected.corrections!.applied.map(({ code }) => code)).toEqual(['box-area-for-masks']);
  });

  test('polygons of four numbers: refused in mode strict, two corners in mode corrected', async () => {
    const groundTruth = dataset([{ segmentation: [[10, 10, 20, 20]] }]);
    const input = { groundTruth, detections: [detection()], iouType: 'segm' as const };
    await expect(evaluateCoco(input)).rejects.toMatchObject({ reason: 'polygon-of-four-numbers', row: 0 });
    const result = await evaluateCoco({ ...input, mode: 'corrected' });
    expect(result.stats[0]).toBe(0);
    expect(result.corrections!.applied.map(({ code }) => code)).toEqual(['polygon-of-four-numbers']);
  });

  test('diagnostics name images and ids and count all of them', async () => {
    const detections = Array.from({ length: 150 }, (_, i) => detection({ category_id: 7, score: i / 1000 }));
    const result = await evaluateCoco({ groundTruth: dataset([{}]), detections: [...detections, detection()], iouType: 'bbox' });
    expect(result.diagnostics.find(({ code }) => code === 'detection-of-unknown-category')).toMatchObject({
      images: [1],
      ids: [7],
      idsAre: 'categories',
      counts: { detections: 150 },
    });
  });
});

describe('bad input is refused with its row, never a wrong number', () => {
  const truth = dataset([{}]);
  const masks = dataset([{ segmentation: [[10, 10, 10, 30, 30, 30, 30, 10]] }]);
  const refused: readonly [string, IouType, object, unknown, object][] = [
    ['unknown image', 'bbox', truth, [detection({ image_id: 9 })], { reason: 'detection-of-unknown-image' }],
    [
      'no score',
      'bbox',
      truth,
      [detection(), { image_id: 1, category_id: 1, bbox: [1, 2, 3, 4] }],
      { reason: 'missing-field', row: 1 },
    ],
    ['text as image id', 'bbox', truth, [detection({ image_id: '1' })], { reason: 'wrong-type', row: 0 }],
    ['three numbers as box', 'bbox', truth, [detection(), detection({ bbox: [1, 2, 3] })], { reason: 'wrong-type', row: 1 }],
    ['NaN in a box', 'bbox', truth, [detection({ bbox: [1, 2, Number.NaN, 4] })], { reason: 'non-finite-box', row: 0 }],
    [
      'boxes first, then masks',
      'bbox',
      truth,
      [detection(), { ...detection(), bbox: undefined, segmentation: { size, counts: 'PPPP' } }],
      { row: 1 },
    ],
    [
      'runs too short',
      'segm',
      masks,
      [{ ...detection(), bbox: undefined, segmentation: { size, counts: [0, 10] } }],
      { reason: 'invalid-mask', row: 0 },
    ],
    [
      'runs too long',
      'segm',
      masks,
      [{ ...detection(), bbox: undefined, segmentation: { size, counts: [0, 10001] } }],
      { reason: 'invalid-mask', row: 0 },
    ],
    [
      'runs of another size',
      'segm',
      masks,
      [{ ...detection(), bbox: undefined, segmentation: { size: [50, 50], counts: [0, 10000] } }],
      { reason: 'invalid-mask', row: 0 },
    ],
    [
      'text that is no runs',
      'segm',
      masks,
      [{ ...detection(), bbox: undefined, segmentation: { size, counts: '\u007f{}' } }],
      { reason: 'invalid-mask', row: 0 },
    ],
    ['no mask at all', 'segm', truth, [detection()], { code: 'invalid-ground-truth', row: 0 }],
    [
      'NaN in a polygon',
      'segm',
      dataset([{ segmentation: [[1, 2, Number.NaN, 4, 5, 6]] }]),
      [detection()],
      { reason: 'invalid-mask', row: 0 },
    ],
    ['no area', 'bbox', dataset([{ area: undefined }]), [detection()], { reason: 'missing-area', row: 0 }],
    ['no box in the ground truth', 'bbox', dataset([{ bbox: undefined }]), [detection()], { reason: 'missing-field', row: 0 }],
    ['no lists', 'bbox', '{"images":[]}' as unknown as object, [detection()], { reason: 'missing-field' }],
    [
      'cut JSON',
      'bbox',
      truth,
      '[{"image_id":1,"category_id":1,"score":0.5,"bbox":[1,2,3,4]},{"image_id":1,"cat',
      { reason: 'invalid-json', row: 1 },
    ],
    ['an empty file', 'bbox', truth, '', { reason: 'invalid-json' }],
    ['a dataset as results', 'bbox', truth, JSON.stringify(truth), { reason: 'missing-field', row: 0 }],
    ['results as a dataset', 'bbox', '[]' as unknown as object, [detection()], { code: 'invalid-ground-truth' }],
  ];
  test.each(refused)('%s', async (_, iouType, groundTruth, detections, error) => {
    const run = evaluateCoco({ groundTruth: groundTruth as never, detections: detections as never, iouType });
    await expect(run).rejects.toMatchObject({ name: 'EvaluationError', ...error });
  });

  test('a good case beside them', async () => {
    const result = await evaluateCoco({
      groundTruth: masks,
      detections: [{ ...detection(), bbox: undefined, segmentation: [[10, 10, 10, 30, 30, 30, 30, 10]] }] as never,
      iouType: 'segm',
    });
    expect(result.stats[0]).toBeGreaterThan(0.99);
  });

  test('NaN scores: last in mode strict, left out in mode corrected', async () => {
    const detections = [detection({ score: Number.NaN, bbox: [60, 60, 5, 5] }), detection({ score: 0.1 })];
    const strict = await evaluateCoco({ groundTruth: truth, detections, iouType: 'bbox' });
    expect(strict.stats[0]).toBeGreaterThan(0.99);
    expect(strict.diagnostics.find(({ code }) => code === 'score-not-a-number')?.ids).toEqual([0]);
    const corrected = await evaluateCoco({ groundTruth: truth, detections, iouType: 'bbox', mode: 'corrected' });
    expect(corrected.counts.detectionsEvaluated).toBe(1);
  });

  test('parameters', async () => {
    const input = { groundTruth: truth, detections: [detection()], iouType: 'bbox' as const };
    await expect(evaluateCoco({ ...input, iouThresholds: [2] })).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(evaluateCoco({ ...input, maxDetections: [100] })).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(evaluateCoco({ ...input, iouType: 'keypoints' as never })).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(evaluateCoco({ ...input, workers: 0 })).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(evaluateCoco({ ...input, groundTruth: '/no/such/file.json' })).rejects.toMatchObject({ code: 'missing-file' });
    await expect(evaluateCoco({ ...input, signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });
});
