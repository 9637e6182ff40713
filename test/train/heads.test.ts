// Heads on frozen features: training, package, evaluation, checkpoint and resume on a small made-up model and drawn squares; refusals by table.
import { describe, expect, it } from 'vitest';
import { writePackage } from '../../sdk/graph/index.js';
import { GraphBuilder } from '../../sdk/ir/builder.js';
import { loadDetector } from '../../sdk/load.js';
import type { ByteStore } from '../../sdk/platform-types.js';
import { labelSpace } from '../../sdk/taxonomy/label-space.js';
import { unifiedLabelSpace } from '../../sdk/taxonomy/unified.js';
import { gaussianRadius, headTargets, mapTargets, readTrainDataset } from '../../sdk/train/head-data.js';
import {
  hierarchyTargets,
  seededRandom,
  type TrainAnnotations,
  type TrainDataset,
  trainHeads,
  type TrainHeadsOptions,
} from '../../sdk/train/index.js';

const side = 32;
const stride = 4;
const none = { kind: 'none' } as const;
const conv = { dilations: [1, 1], groups: 1, activation: none, residual: 'before_activation' } as const;

/** A model 32 x 32: mean red, green and blue of each 4 x 4 cell are its features; every box is 8 x 8 around the corner of its cell. */
function model() {
  const g = new GraphBuilder();
  const x = g.input('images', 'float32', [1, side, side, 3]);
  const mean = new Float32Array(4 * 4 * 3 * 4);
  for (let i = 0; i < 16; i++) for (let c = 0; c < 3; c++) mean[(i * 3 + c) * 4 + c] = 1 / 16;
  const w = g.constant('features/weight', mean, [4, 4, 3, 4]);
  const [features] = g.add('conv2d', 'features', [x, w], { ...conv, strides: [4, 4], padding: [0, 0, 0, 0] });
  const layer = (name: string, C: number, weights: Float32Array, bias: Float32Array) => {
    const parts = [g.constant(`${name}/weight`, weights, [1, 1, 4, C]), g.constant(`${name}/bias`, bias, [C])];
    g.output(g.add('conv2d', name, [features, ...parts], { ...conv, strides: [1, 1], padding: [0, 0, 0, 0] })[0]);
  };
  layer('heat', 2, Float32Array.of(3, 0, 0, 1, 0, 0, 0, 0), Float32Array.of(-3, -4));
  layer('size', 4, new Float32Array(16), new Float32Array(4).fill(4));
  const files = writePackage(
    {
      labelweave: 1,
      name: 'toy',
      license: 'MIT',
      input: { name: 'images', height: side, width: side, std: [255, 255, 255] },
      heads: [
        {
          dataset: 'own',
          labels: [{ id: 1, name: 'crimson', synonyms: ['red'] }, { id: 2, name: 'lime' }],
          decoder: { type: 'centernet', heatmap: 'heat', from: 'logit', size: 'size', stride, window: 3 },
        },
      ],
    },
    g.build(),
  ); // prettier-ignore
  return { manifest: JSON.parse(new TextDecoder().decode(files['labelweave.json']!)) as unknown, files };
}

const colours: Record<string, [number, number, number]> = { red: [255, 0, 0], green: [0, 255, 0], blue: [0, 0, 255] };

/** Drawn squares of 8 x 8 on black; every fourth image is empty. */
function squares(
  name: string,
  labels: readonly string[],
  count: number,
  seed: number,
): Omit<TrainDataset, 'annotations'> & { annotations: TrainAnnotations } {
  const random = seededRandom(seed);
  const pixels: Uint8Array[] = [];
  const annotations: TrainAnnotations['annotations'][number][] = [];
  for (let i = 0; i < count; i++) {
    const data = new Uint8Array(side * side * 3);
    pixels.push(data);
    if (i % 4 === 3) continue;
    const label = Math.floor(random() * labels.length);
    const [left, top] = [4 * Math.floor(random() * 7), 4 * Math.floor(random() * 7)];
    for (let y = top; y < top + 8; y++)
      for (let x = left; x < left + 8; x++) data.set(colours[labels[label]!]!, (y * side + x) * 3);
    annotations.push({ image_id: i, category_id: label + 1, bbox: [left, top, 8, 8] });
  }
  return {
    name,
    annotations: {
      images: pixels.map((_, id) => ({ id })),
      annotations,
      categories: labels.map((label, i) => ({ id: i + 1, name: label })),
    },
    images: ({ id }) => ({ data: pixels[id as number]!, width: side, height: side, channels: 3 }),
  };
}

function memoryStore(): ByteStore & { entries: Map<string, Uint8Array<ArrayBuffer>> } {
  const entries = new Map<string, Uint8Array<ArrayBuffer>>();
  return {
    entries,
    get: async (key) => entries.get(key)?.slice(),
    put: async (key, bytes) => void entries.set(key, bytes.slice()),
    delete: async (key) => void entries.delete(key),
  };
}

const space = labelSpace('squares', ['red', 'blue']);
const train = squares('squares', ['red', 'blue'], 24, 1);
const base: TrainHeadsOptions = {
  model: model(),
  datasets: [train],
  heads: [{ labels: space, kernel: 3 }],
  evaluation: [{ ...squares('squares', ['red', 'blue'], 12, 2), name: 'unseen' }],
  schedule: { kind: 'cosine', rate: 0.1 },
  epochs: 8,
  device: 'reference',
};

/** Of drawn squares that a 3x3 layer can tell apart without error; far from what an untrained head gives (below 0.1). */
const goodAp50 = 0.9;

describe('trainHeads', () => {
  it('gives a partitioned detector that finds what it was taught, beside what it knew', async () => {
    const { model: made, history, best, layers } = await trainHeads(base);
    expect(history).toHaveLength(8);
    expect(history.at(-1)!.loss).toBeLessThan(history[0]!.loss / 4);
    expect(best.ap50).toBeGreaterThan(goodAp50);
    expect(history[best.epoch - 1]!.scores).toEqual([
      expect.objectContaining({ head: 'squares', dataset: 'unseen', ap50: best.ap50 }),
    ]);
    expect(layers[0]!.weight).toHaveLength(9 * 4 * 2);
    const detector = await loadDetector(made, { device: 'reference' });
    try {
      expect(detector.datasets.map(({ name, size }) => [name, size])).toEqual([['own', 2], ['squares', 2]]); // prettier-ignore
      const unseen = squares('x', ['red', 'blue'], 6, 3);
      for (const { image_id: id, category_id: label, bbox } of unseen.annotations.annotations) {
        const image = await (unseen.images as (image: { id: number }) => object)({ id: id as number });
        const found = (await detector.detectPerDataset(image as never, { scoreThreshold: 0 })).get('squares')!;
        expect(space.names[found.labelIndices[0]!]).toBe(space.names[(label as number) - 1]);
        const [x, y, w, h] = bbox as [number, number, number, number];
        expect([...found.boxes.subarray(0, 4)]).toEqual([x, y, x + w, y + h]);
      }
    } finally {
      detector.dispose();
    }
  });

  it('gives the same bits again, from a stopped run too, and with kept features', async () => {
    const options = { ...base, epochs: 4, flip: true };
    const whole = await trainHeads(options);
    const store = memoryStore();
    const stop = new AbortController();
    const stopped = trainHeads({
      ...options,
      checkpoint: { store, every: 1 },
      signal: stop.signal,
      onProgress: ({ phase, done }) => phase === 'train' && done === 5 && stop.abort(new Error('page closed')),
    });
    await expect(stopped).rejects.toThrow('page closed');
    const cache = memoryStore();
    const resumed = await trainHeads({ ...options, checkpoint: { store }, resume: true, cache, memory: 0 });
    expect(resumed.files).toEqual(whole.files);
    expect(resumed.history).toEqual(whole.history);
    // 24 training images twice, 12 for evaluation; empty ones are all alike.
    expect(cache.entries.size).toBeGreaterThan(20);
    const again = await trainHeads({ ...options, checkpoint: { store }, resume: true });
    expect(again.files).toEqual(whole.files);
    await expect(trainHeads({ ...options, seed: 2, checkpoint: { store }, resume: true })).rejects.toThrow('another run');
  });

  it('starts from rows of labels that the model knows', async () => {
    const { layers } = await trainHeads({
      ...base,
      heads: [{ labels: space, start: 'labels' }],
      epochs: 1,
      schedule: { rate: 0 },
    });
    // Weights are scaled and scaled back.
    expect(layers[0]!.weight[0]).toBeCloseTo(3, 5);
    expect(layers[0]!.weight.filter((weight) => weight === 0)).toHaveLength(7);
    expect(layers[0]!.bias[0]).toBe(-3);
  });

  it('retrains one head over a taxonomy, each image judged only by the labels its data set annotates', async () => {
    const [one, two] = [labelSpace('one', ['red', 'green']), labelSpace('two', ['green', 'blue'])];
    const unified = unifiedLabelSpace('all', [one, two], [
      { name: 'red', members: { one: 0 } },
      { name: 'green', members: { one: 1, two: 0 } },
      { name: 'blue', members: { two: 1 } },
    ]); // prettier-ignore
    // Set one has blue squares that nobody annotated: they must not be taken for negatives.
    const hidden = squares('one', ['red', 'green', 'blue'], 32, 4);
    const annotations = {
      ...hidden.annotations,
      annotations: hidden.annotations.annotations.filter(({ category_id: id }) => id !== 3),
    };
    const first = { ...hidden, annotations: { ...annotations, categories: annotations.categories.slice(0, 2) } };
    const all = { ...squares('three', ['red', 'green', 'blue'], 12, 6), name: 'two' };
    const { history } = await trainHeads({
      ...base,
      datasets: [first, squares('two', ['green', 'blue'], 24, 5)],
      heads: [{ labels: unified, kernel: 3 }],
      evaluation: [squares('two', ['green', 'blue'], 12, 7)],
    });
    expect(history.at(-1)!.scores[0]!.ap50).toBeGreaterThan(goodAp50);
    const read = await readTrainDataset(first);
    expect([...headTargets(unified, read, 'error').annotated]).toEqual([1, 1, 0]);
    const unknown = await readTrainDataset(all);
    expect(() => headTargets(unified, unknown, 'error')).toThrow('annotations of red, which the head "all" has not');
  });

  it.each<[string, Partial<TrainHeadsOptions>, string]>([
    ['no data sets', { datasets: [] }, 'datasets: found'],
    ['a data set with no label of the head', { datasets: [squares('squares', ['green'], 4, 1)] }, 'no label of the head "squares"'],
    ['annotations of unknown labels', { datasets: [squares('squares', ['red', 'green'], 8, 1)] }, 'annotations of green'],
    ['no images', { datasets: [{ ...train, annotations: { ...train.annotations, images: [], annotations: [] } }] }, 'no images'],
    ['a box without an area', { datasets: [{ ...train, annotations: { ...train.annotations, annotations: [{ image_id: 0, category_id: 1, bbox: [0, 0, 0, 4] }] } }] }, 'annotations[0]'],
    ['a box of NaN', { datasets: [{ ...train, annotations: { ...train.annotations, annotations: [{ image_id: 0, category_id: 1, bbox: [0, NaN, 4, 4] }] } }] }, 'annotations[0]'],
    ['an unknown loss', { loss: 'hinge' as never }, 'loss: found "hinge"'],
    ['a loss of other classes', { loss: () => ({ kernel: 'heatmap_focal', classes: 3, alpha: 2, beta: 4, normaliser: 'positives' }) }, 'a loss of 2 classes'],
    ['resume without a checkpoint', { resume: true }, 'resume: found no checkpoint'],
    ['a layer that is none', { layer: 'nothing' }, 'no value "nothing"'],
    ['a layer of another size', { layer: 'images' }, 'a feature for each cell'],
    ['a rate that makes NaN', { schedule: { rate: 1e38 }, optimizer: { kind: 'sgd' } }, 'finite'],
  ])('refuses %s', async (_, options, message) => {
    await expect(trainHeads({ ...base, ...options })).rejects.toThrow(message);
  }); // prettier-ignore

  it('leaves unknown labels out where it is told to, and learns from images without boxes', async () => {
    const datasets = [squares('squares', ['red', 'green'], 8, 1)];
    const { history } = await trainHeads({ ...base, datasets, evaluation: [], unknownLabels: 'ignore', epochs: 1 });
    expect(history[0]!.loss).toBeGreaterThan(0);
    const empty = { ...train, annotations: { ...train.annotations, annotations: [] } };
    const { history: nothing } = await trainHeads({ ...base, datasets: [empty], evaluation: [], epochs: 2 });
    expect(nothing[1]!.loss).toBeLessThan(nothing[0]!.loss);
  });
});

describe('targets', () => {
  const place = { height: 8, width: 8, scaleX: 0.25, scaleY: 0.25, left: 0, top: 0, imageWidth: 32, flipped: false };
  const read = () => readTrainDataset(train);

  it('are 1 at centres, mirrored where the image is, and ignored in crowds', async () => {
    const own = headTargets(space, await read(), 'error');
    const box = { category: 1, box: [4, 8, 8, 8], crowd: false } as const;
    const { targets, positives, weights } = mapTargets([box], own, place);
    expect([targets.indexOf(1), positives, weights]).toEqual([(3 * 8 + 2) * 2 + 1, 1, undefined]);
    expect(mapTargets([box], own, { ...place, flipped: true }).targets.indexOf(1)).toBe((3 * 8 + 6) * 2 + 1);
    const crowd = mapTargets([{ ...box, crowd: true }], own, place);
    expect([crowd.positives, crowd.weights!.filter((weight) => weight === 0).length]).toEqual([0, 4]);
  });

  it('of a hierarchy: ancestors are positives, descendants take no part', async () => {
    const table = hierarchyTargets([[], [0]], false);
    const own = headTargets(space, await read(), 'error', table);
    const child = mapTargets([{ category: 1, box: [4, 8, 8, 8], crowd: false }], own, place);
    expect(child.positives).toBe(2);
    const parent = mapTargets([{ category: 0, box: [4, 8, 8, 8], crowd: false }], own, place);
    expect([parent.positives, parent.weights![(3 * 8 + 2) * 2 + 1]]).toEqual([1, 0]);
  });

  it.each([
    [2, 2, 0],
    [10, 10, 2],
    [40, 20, 7],
  ])('radius of %d x %d is %d, as in CenterNet', (width, height, radius) => {
    expect(gaussianRadius(width, height)).toBe(radius);
  });
});
