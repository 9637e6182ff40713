// Panoptic quality: panopticapi's answers on COCO's sample, every rule on tiny images, shards, and what is refused.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluatePanoptic } from '../../sdk/evaluate/panoptic/files.js';
import { PanopticEvaluator, type PanopticImage, type PanopticSegment } from '../../sdk/evaluate/panoptic/panoptic.js';
import { segmentIdsOf } from '../../sdk/evaluate/panoptic/pixels.js';
import { hasSharedData, noSharedData, sharedData } from '../shared-data.js';

/** The official tool sums over processes: its last bits depend on the number of cores. */
const sumTolerance = 1e-14;

const root = 'evaluate/panoptic_sample/';
const json = async (path: string) => JSON.parse(await readFile(sharedData(root + path), 'utf8'));

describe.skipIf(!hasSharedData)(`panopticapi on COCO's sample${hasSharedData ? '' : `: ${noSharedData}`}`, () => {
  it.each([
    ['the ground truth itself', 'panoptic_examples.json', 'panoptic_examples/', 'expected_self.json'],
    ['seeded mistakes', 'seeded/pred.json', 'seeded/pred/', 'expected_seeded.json'],
  ])('%s', async (_, file, folder, answers) => {
    const expected = await json(answers);
    const progress: number[] = [];
    const result = await evaluatePanoptic({
      groundTruth: await json('panoptic_examples.json'),
      predictions: await json(file),
      readGroundTruth: (name) => readFile(sharedData(`${root}panoptic_examples/${name}`)),
      readPrediction: (name) => readFile(sharedData(root + folder + name)),
      onProgress: (done) => progress.push(done),
    });
    for (const [name, means] of [
      ['All', result.all],
      ['Things', result.things],
      ['Stuff', result.stuff],
    ] as const) {
      if (!expected[name]) continue;
      expect(means.n).toBe(expected[name].n);
      for (const field of ['pq', 'sq', 'rq'] as const) {
        expect(Math.abs(means[field] - expected[name][field])).toBeLessThanOrEqual(sumTolerance);
      }
    }
    for (const entry of result.perClass) {
      const wanted = expected.per_class[entry.categoryId];
      for (const field of ['pq', 'sq', 'rq'] as const)
        expect(Math.abs(entry[field] - wanted[field])).toBeLessThanOrEqual(sumTolerance);
      const counts = expected.counts?.[entry.categoryId];
      if (counts) expect({ tp: entry.tp, fp: entry.fp, fn: entry.fn }).toEqual({ tp: counts.tp, fp: counts.fp, fn: counts.fn });
    }
    expect(result.perClass.length).toBe(Object.keys(expected.per_class).length);
    expect(result.diagnostics).toEqual([]);
    expect(progress).toEqual([0, 1, 2]);
    const threaded = await evaluatePanoptic({
      groundTruth: await json('panoptic_examples.json'),
      predictions: await json(file),
      readGroundTruth: (name) => readFile(sharedData(`${root}panoptic_examples/${name}`)),
      readPrediction: (name) => readFile(sharedData(root + folder + name)),
      workers: 2,
    });
    expect(threaded).toEqual(result);
  });
});

interface GoldenImage {
  gt: number[];
  pred: number[];
  gs: PanopticSegment[];
  ps: PanopticSegment[];
}

describe('panopticapi on seeded images with void and crowd', () => {
  const { sets } = JSON.parse(readFileSync(new URL('../golden/panoptic.json', import.meta.url), 'utf8')) as {
    sets: { images: GoldenImage[]; expected: Record<string, number[]> }[];
  };
  it.each(sets.map((set, i) => [i, set] as const))('set %d: every sum to the last bit', (_, { images, expected }) => {
    const evaluator = new PanopticEvaluator([1, 2, 3, 4, 5, 6].map((id) => ({ id, isthing: id < 4 })));
    images.forEach(({ gt, pred, gs, ps }, imageId) => {
      const size = { width: 16, height: 12 };
      const groundTruth = { pixels: { ids: gt, ...size }, segments: gs };
      evaluator.add({ imageId, groundTruth, prediction: { pixels: { ids: pred, ...size }, segments: ps } });
    });
    const found = evaluator.result().perClass.map(({ categoryId, iou, tp, fp, fn }) => [String(categoryId), [iou, tp, fp, fn]]);
    expect(found).toEqual(Object.entries(expected));
  });
});

const categories = [
  { id: 1, name: 'cat', isthing: 1 },
  { id: 2, name: 'sky', isthing: 0 },
];

/** Images of one row: ids are digits, 0 is void; segments are `id: class`, `c` marks a crowd. */
function picture(
  truth: string,
  truthSegments: string,
  predicted: string,
  predictedSegments: string,
  areas?: number[],
): PanopticImage {
  const side = (ids: string, segments: string, areas?: number[]) => ({
    pixels: { ids: [...ids].map(Number), width: ids.length, height: 1 },
    segments: (segments.match(/\S+/g) ?? []).map((text, i) => {
      const [id, category] = text.split(':') as [string, string];
      const area = areas ? areas[i] : [...ids].filter((digit) => digit === id).length;
      return { id: Number(id), category_id: Number.parseInt(category, 10), iscrowd: category.endsWith('c') ? 1 : 0, area };
    }),
  });
  return { imageId: 7, groundTruth: side(truth, truthSegments, areas), prediction: side(predicted, predictedSegments) };
}

const rules: [why: string, image: PanopticImage, cat: number[], sky: number[]][] = [
  ['a perfect segment', picture('1111', '1:1', '1111', '1:1'), [1, 0, 0, 1], [0, 0, 0, 0]],
  ['exactly half is no match', picture('111000', '1:1', '222200', '2:1'), [1, 0, 0, 1], [0, 0, 0, 0]],
  ['IoU of 0.5, nothing void: no match', picture('1133', '1:1 3:2', '2222', '2:1'), [0, 1, 1, 0], [0, 0, 1, 0]],
  ['IoU of 0.6: a match', picture('11133', '1:1 3:2', '22222', '2:1'), [1, 0, 0, 0.6], [0, 0, 1, 0]],
  ['another class is no match', picture('1111', '1:1', '1111', '1:2'), [0, 0, 1, 0], [0, 1, 0, 0]],
  ['predicted pixels on void leave the union', picture('1100', '1:1', '2222', '2:1'), [1, 0, 0, 1], [0, 0, 0, 0]],
  ['more than half on void is forgiven', picture('30000', '3:2', '22222', '2:1'), [0, 0, 0, 0], [0, 0, 1, 0]],
  ['half on void is not', picture('3300', '3:2', '2222', '2:1'), [0, 1, 0, 0], [0, 0, 1, 0]],
  [
    'more than half on a crowd of its class is forgiven',
    picture('11133', '1:1c 3:2', '22222', '2:1'),
    [0, 0, 0, 0],
    [0, 0, 1, 0],
  ],
  ['on a crowd of another class it is not', picture('11133', '1:2c 3:2', '22222', '2:1'), [0, 1, 0, 0], [0, 0, 1, 0]],
  ['void and crowd add up', picture('10333', '1:1c 3:2', '22233', '2:1 3:2'), [0, 0, 0, 0], [1, 0, 0, 2 / 3]],
  ['a crowd never matches and is never missed', picture('1111', '1:1c', '2222', '2:1'), [0, 0, 0, 0], [0, 0, 0, 0]],
  ['of two crowds of a class the last counts', picture('11445', '1:1c 4:1c 5:2', '22223', '2:1 3:2'), [0, 1, 0, 0], [1, 0, 0, 1]],
  ['the stated area is used', picture('1111', '1:1', '1111', '1:1', [6]), [1, 0, 0, 4 / 6], [0, 0, 0, 0]],
];

describe('PanopticEvaluator', () => {
  it.each(rules)('%s', (_, image, cat, sky) => {
    const evaluator = new PanopticEvaluator(categories);
    evaluator.add(image);
    const counts = evaluator.result().perClass.map(({ tp, fp, fn, iou }) => [tp, fp, fn, iou]);
    expect(counts).toEqual([cat, sky]);
  });

  it('counts pixels where asked, and says where the file is wrong', () => {
    const image = picture('1111', '1:1', '1111', '1:1', [6]);
    const official = new PanopticEvaluator(categories);
    const counted = new PanopticEvaluator(categories, { groundTruthArea: 'pixels' });
    official.add(image);
    counted.add(image);
    expect([official.result().all.pq, counted.result().all.pq]).toEqual([4 / 6, 1]);
    expect(official.result().diagnostics).toMatchObject([{ code: 'area-mismatch', count: 1, examples: ['image 7, segment 1'] }]);
  });

  it.each([
    ['truth-not-listed', picture('1199', '1:1', '1100', '1:1')],
    ['truth-without-pixels', picture('1111', '1:1 5:2', '1111', '1:1')],
    ['missing-area', picture('1111', '1:1', '1111', '1:1', [])],
  ])('reports %s', (code, image) => {
    const evaluator = new PanopticEvaluator(categories);
    evaluator.add(image);
    expect(evaluator.result().diagnostics.map((entry) => entry.code)).toEqual([code]);
  });

  it('means are NaN where no class occurs', () => {
    const evaluator = new PanopticEvaluator(categories);
    evaluator.add(picture('1111', '1:1', '1111', '1:1'));
    expect(evaluator.result().stuff).toEqual({ pq: Number.NaN, sq: Number.NaN, rq: Number.NaN, n: 0 });
  });

  it.each([
    [
      'an id in the PNG only',
      picture('1111', '1:1', '1122', '1:1'),
      /segment 2: found 2 pixels of it in the PNG/,
      'invalid-predictions',
    ],
    [
      'an id in the JSON only',
      picture('1111', '1:1', '1111', '1:1 2:1'),
      /1 segments in segments_info that have no pixel/,
      'invalid-predictions',
    ],
    ['an unknown class', picture('1111', '1:1', '1111', '1:9'), /category_id 9/, 'invalid-predictions'],
    ['an unknown class of the truth', picture('1111', '1:9', '1111', '1:1'), /category_id 9/, 'invalid-ground-truth'],
    ['an id twice', picture('1111', '1:1 1:2', '1111', '1:1'), /twice in segments_info/, 'invalid-ground-truth'],
    ['another size', picture('1111', '1:1', '111', '1:1'), /a prediction of 3 x 1 pixels; wanted 4 x 1/, 'invalid-predictions'],
  ])('refuses %s and counts nothing', (_, image, message, code) => {
    const evaluator = new PanopticEvaluator(categories);
    expect(() => evaluator.add(image)).toThrow(message);
    expect(() => evaluator.add(image)).toThrow(expect.objectContaining({ code }));
    expect(evaluator.result().perClass.every(({ tp, fp, fn }) => tp + fp + fn === 0)).toBe(true);
  });

  it('shards in any order give the bits of one run', () => {
    const ids = fc.stringMatching(/^[0-4]{12}$/);
    const image = fc.tuple(ids, ids).map(([truth, predicted]) => {
      const segments = (text: string) =>
        [...new Set(text)].filter((id) => id !== '0').map((id) => `${id}:${(Number(id) % 2) + 1}`);
      return picture(truth, segments(truth).join(' '), predicted, segments(predicted).join(' '));
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(image, fc.nat(2)), { maxLength: 12 }), (images) => {
        const whole = new PanopticEvaluator(categories);
        const parts = [0, 1, 2].map(() => new PanopticEvaluator(categories));
        images.forEach(([entry, part], order) => {
          whole.add({ ...entry, order });
          parts[part]!.add({ ...entry, order });
        });
        const merged = new PanopticEvaluator(categories);
        for (const part of parts.reverse()) merged.merge(JSON.parse(JSON.stringify(part.toShard())));
        expect(merged.result()).toEqual(whole.result());
      }),
      { numRuns: 50 },
    );
  });

  it('refuses a shard of other classes', () => {
    const other = new PanopticEvaluator([{ id: 1, isthing: 1 }]);
    expect(() => new PanopticEvaluator(categories).merge(other.toShard())).toThrow(/panoptic shard/);
    expect(() => new PanopticEvaluator(categories).merge({} as never)).toThrow(/panoptic shard/);
  });
});

describe('evaluatePanoptic', () => {
  const ids = { ids: [1, 1], width: 2, height: 1 };
  const annotation = (image_id: number) => ({
    image_id,
    file_name: 'a.png',
    segments_info: [{ id: 1, category_id: 1, area: 2 }],
  });
  const options = {
    groundTruth: { annotations: [annotation(1)], categories },
    predictions: { annotations: [annotation(1)] },
    readGroundTruth: () => ids,
    readPrediction: () => ids,
  };
  it.each([
    ['a missing prediction', { predictions: { annotations: [] } }, /none for 1 of 1 images: 1/],
    [
      'an image twice',
      { predictions: { annotations: [annotation(1), annotation(1)] } },
      /annotation 1: found image_id 1 a second time/,
    ],
    ['no annotations', { groundTruth: { categories } as never }, /annotations: undefined/],
    [
      'a grey PNG',
      { readPrediction: () => ({ data: new Uint8Array(2), width: 2, height: 1, channels: 1 as const }) },
      /a.png: found 1 channel/,
    ],
    ['bytes that are no image', { readPrediction: () => new Uint8Array(9) }, /./],
    ['an aborted signal', { signal: AbortSignal.abort(new Error('enough')) }, /enough/],
  ])('refuses %s', async (_, change, message) => {
    await expect(evaluatePanoptic({ ...options, ...change })).rejects.toThrow(message);
  });

  it('leaves out predictions of unknown images, and says so', async () => {
    const result = await evaluatePanoptic({ ...options, predictions: { annotations: [annotation(1), annotation(5)] } });
    expect(result.all.pq).toBe(1);
    expect(result.diagnostics).toMatchObject([{ code: 'unknown-image', count: 1, examples: [5] }]);
  });
});

it('ids are R + 256 G + 65536 B, with or without alpha', () => {
  expect([...segmentIdsOf({ data: Uint8Array.of(1, 2, 3, 255, 255, 255), width: 2, height: 1, channels: 3 }).ids]).toEqual([
    197121, 16777215,
  ]);
  expect([...segmentIdsOf({ data: Uint8Array.of(1, 2, 3, 255), width: 1, height: 1, channels: 4 }).ids]).toEqual([197121]);
});
