// Heads on frozen features: training, package, evaluation, checkpoint and resume on a small made-up model and drawn squares; refusals by table.
import { describe, expect, it } from 'vitest';
import { writePackage } from '../../sdk/graph/index.js';
import { GraphBuilder } from '../../sdk/ir/builder.js';
import { loadDetector } from '../../sdk/load.js';
import type { ByteStore } from '../../sdk/platform-types.js';
import { labelSpace } from '../../sdk/taxonomy/label-space.js';
import { unifiedLabelSpace } from '../../sdk/taxonomy/unified.js';
import { openBackbone } from '../../sdk/train/head-network.js';
import { imageRows } from '../../sdk/train/head-rows.js';
import { gaussianRadius, headTargets, mapTargets, readTrainDataset } from '../../sdk/train/head-data.js';
import {
  hardSoftLoss,
  type HeadSpec,
  hierarchyTargets,
  labelSimilarity,
  seededRandom,
  type TrainAnnotations,
  type TrainDataset,
  trainHeads,
  type TrainHeadsOptions,
  webgpuTrainKernels,
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

const photo = async (set: { images: unknown }, id: number) =>
  (await (set.images as (image: { id: number }) => Promise<never>)({ id })) as never;

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

/** Nine steps of SGD of rate 0.01 in 32-bit floats on gradients that are clipped to 1, which differ by 1e-5 of that at most; channels are scaled by up to 10. */
const stepsTolerance = 1e-4;

/** Of drawn squares that a 3x3 layer can tell apart without error; far from what an untrained head gives (below 0.1). */
const goodAp50 = 0.9;

describe('trainHeads', () => {
  it('gives a partitioned detector that finds what it was taught, beside what it knew', async () => {
    const { model: made, history, best, layers } = await trainHeads(base);
    expect(history.map(({ epoch }) => epoch)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(history[0]!.loss).toBeNaN();
    expect(history.at(-1)!.loss).toBeLessThan(history[1]!.loss);
    expect(best.ap50).toBeGreaterThan(goodAp50);
    expect(history[best.epoch]!.scores).toEqual([
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
    // A store that fails is asked once, and costs nothing but its entries.
    for (const broken of ['get', 'put'] as const) {
      let asked = 0;
      const full: ByteStore = { ...memoryStore(), [broken]: () => (asked++, Promise.reject(new Error('no room'))) };
      expect((await trainHeads({ ...options, cache: full, memory: 0 })).files).toEqual(whole.files);
      expect(asked).toBe(1);
    }
    const again = await trainHeads({ ...options, checkpoint: { store }, resume: true });
    expect(again.files).toEqual(whole.files);
    await expect(trainHeads({ ...options, seed: 2, checkpoint: { store }, resume: true })).rejects.toThrow('another run');
  });

  it('a text head that was stopped goes on to the same bits, its scale with it', async () => {
    const classifier = { kind: 'text', vectors: Float32Array.of(3, 1, 0, 0, 1, 2) } as const;
    const options = { ...base, epochs: 3, heads: [{ labels: space, classifier }], evaluation: [] };
    const whole = await trainHeads(options);
    const start = await trainHeads({ ...options, epochs: 0 });
    expect(whole.layers[0]!.scoring).not.toEqual(start.layers[0]!.scoring);
    const store = memoryStore();
    const stop = new AbortController();
    const onEpoch = ({ epoch }: { epoch: number }) => epoch === 2 && stop.abort(new Error('page closed'));
    await expect(trainHeads({ ...options, checkpoint: { store }, signal: stop.signal, onEpoch })).rejects.toThrow('page closed');
    expect((await trainHeads({ ...options, checkpoint: { store }, resume: true })).files).toEqual(whole.files);
    // Finished: only read back.
    expect((await trainHeads({ ...options, checkpoint: { store }, resume: true })).files).toEqual(whole.files);
  });

  it('starts from rows of the model that tell a label better than its discriminant, whatever they are called', async () => {
    const first = await trainHeads({ ...base, heads: [{ labels: space }], epochs: 30, evaluation: [], only: true });
    const { annotations } = train;
    const renamed = { ...train, annotations: { ...annotations, categories: [{ id: 1, name: 'rouge' }, { id: 2, name: 'bleu' }] } }; // prettier-ignore
    const options = { ...base, model: first.model, datasets: [renamed], evaluation: [], epochs: 0 };
    const columns = async (start: HeadSpec['start']) => {
      const { layers } = await trainHeads({ ...options, heads: [{ labels: labelSpace('squares', ['bleu', 'rouge']), start }] });
      const { weight, bias } = layers[0]!;
      return [1, 0].map((c) => [...[0, 1, 2, 3].map((d) => weight[d * 2 + c]!), bias[c]!]);
    };
    const { weight, bias } = first.layers[0]!;
    const known = [0, 1].map((c) => [...[0, 1, 2, 3].map((d) => weight[d * 2 + c]!), bias[c]!]);
    const size = Math.max(...known.flat().map(Math.abs));
    const off = (found: number[][]) => Math.max(...found.flatMap((column, c) => column.map((value, d) => Math.abs(value - known[c]![d]!)))); // prettier-ignore
    // Weights are scaled and scaled back.
    expect(off(await columns('auto'))).toBeLessThan(1e-5 * size);
    expect(off(await columns('discriminant'))).toBeGreaterThan(0.05 * size);
  });

  it('starts from discriminants that find objects before any step, as a package that is whole', async () => {
    const { best, history, model: made } = await trainHeads({ ...base, epochs: 0 });
    expect([best.epoch, history.length]).toEqual([0, 1]);
    const detector = await loadDetector(made, { device: 'reference' });
    try {
      // Scores mean something: an object is found at the default threshold, black is not.
      const found = (await detector.detectPerDataset(await photo(train, 0))).get('squares')!;
      expect(found.length).toBeGreaterThan(0);
      const black = { data: new Uint8Array(side * side * 3), width: side, height: side, channels: 3 } as const;
      expect((await detector.detectPerDataset(black)).get('squares')!).toHaveLength(0);
    } finally {
      detector.dispose();
    }
    // From zeros nothing is known.
    const { best: nothing } = await trainHeads({ ...base, epochs: 0, heads: [{ labels: space, start: 'zeros' }] });
    expect(nothing.ap50).toBeLessThan(best.ap50 / 4);
  });

  it('the background that is left out stands in the weights of what is kept', async () => {
    const read = await readTrainDataset(train);
    const backbone = await openBackbone(model(), undefined);
    const own = headTargets(space, read, 'error');
    const features = { features: new Float32Array(64 * 4), boxes: [new Float32Array(64 * 4)], width: side, height: side };
    const { boxes } = read.images[0]!;
    const rows = (negatives: number | 'all') =>
      imageRows(backbone, features, { boxes, flipped: false, kernels: [1], targets: [own], negatives, random: seededRandom(3) });
    const [all, some, none] = [rows('all'), rows(10), rows(0)];
    expect([all.count, some.count]).toEqual([64, none.count + 10]);
    for (const one of [all, some]) expect(one.weights.reduce((a, b) => a + b, 0)).toBeCloseTo(64, 3);
    // Cells near objects are in all of them, each for itself.
    expect([...some.cells]).toEqual(expect.arrayContaining([...none.cells]));
    expect(none.weights.every((weight) => weight === 1)).toBe(true);
    expect(none.heads[0]!.positives).toBe(1);
  });

  it.each<[string, Partial<HeadSpec>, Partial<TrainHeadsOptions>]>([
    ['cosine', { kernel: 1, classifier: 'cosine' }, {}],
    ['text', { classifier: { kind: 'text', vectors: Float32Array.of(3, 1, 0, 0, 1, 2), temperature: 10 } }, {}],
    ['text with hard and soft labels', { classifier: { kind: 'text', vectors: Float32Array.of(3, 1, 0, 0, 1, 2) } }, { loss: () => hardSoftLoss({ similarity: labelSimilarity([3, 1, 0, 0, 1, 2], 2) }) }],
  ])('a %s classifier: the package scores as the training did', async (_, head, options) => {
    const { model: made, history } = await trainHeads({ ...base, heads: [{ labels: space, ...head }], ...options });
    expect(history.at(-1)!.loss).toBeLessThan(history[1]!.loss);
    const detector = await loadDetector(made, { device: 'reference' });
    try {
      const unseen = squares('x', ['red', 'blue'], 12, 2);
      for (const { image_id: id, category_id: label } of unseen.annotations.annotations) {
        const found = (await detector.detectPerDataset(await photo(unseen, id as number), { scoreThreshold: 0 })).get('squares')!;
        expect(found.labelIndices[0]).toBe((label as number) - 1);
      }
    } finally {
      detector.dispose();
    }
  }); // prettier-ignore

  it('a cosine head has a slope with a bound where it starts from nothing, or a label has no example', async () => {
    const labels = labelSpace('squares', ['red', 'blue', 'never seen']);
    const optimizer = { kind: 'sgd', clipNorm: 1 } as const;
    for (const start of ['zeros', 'auto'] as const) {
      const { layers } = await trainHeads({ ...base, heads: [{ labels, classifier: 'cosine', start }], epochs: 1, optimizer, evaluation: [] }); // prettier-ignore
      // A step of a gradient whose norm is clipped to 1 moves no weight further than the rate; biases move, too.
      expect(layers[0]!.weight.every((value) => Math.abs(value) < 10)).toBe(true);
      expect(layers[0]!.bias.some((value) => Math.abs(value - layers[0]!.bias[2]!) > 1e-3)).toBe(true);
    }
  });

  it('a text head is given other labels at run time', async () => {
    const vectors = Float32Array.of(3, 1, 0, 0, 1, 2);
    const { model: made } = await trainHeads({ ...base, heads: [{ labels: space, classifier: { kind: 'text', vectors } }], only: true }); // prettier-ignore
    const detector = await loadDetector(made, { device: 'reference' });
    // The same rows the other way round, under other names.
    const other = await detector.withEmbeddings({ labels: ['azure', 'scarlet'], vectors: Float32Array.of(0, 1, 2, 3, 1, 0) });
    try {
      for (let i = 0; i < 3; i++) {
        const image = await photo(train, i);
        const [own, swapped] = [await detector.detect(image, { scoreThreshold: 0 }), await other.detect(image, { scoreThreshold: 0 })]; // prettier-ignore
        // The package scales rows of text once, the decoder brings them to length 1 first: the last bits of a float32.
        expect(swapped.scores.length).toBe(own.scores.length);
        swapped.scores.forEach((score, d) => expect(Math.abs(score - own.scores[d]!)).toBeLessThan(1e-6));
        expect([...swapped].map(({ label }) => label)).toEqual([...own].map(({ label }) => (label === 'red' ? 'scarlet' : 'azure'))); // prettier-ignore
      }
      await expect(detector.withEmbeddings({ labels: ['x'], vectors: Float32Array.of(1, 2) })).rejects.toThrow('[1, 3]');
      // With text from the start the head's own scores are not computed, and text can still be changed.
      const text = { labels: ['green'], vectors: Float32Array.of(0, 1, 2) };
      const loaded = await loadDetector(made, { device: 'reference', embeddings: text });
      const [image, all] = [await photo(train, 0), { scoreThreshold: 0 }];
      expect(loaded.memory.constants).toBeLessThan(detector.memory.constants);
      expect((await loaded.detect(image, all)).scores).toEqual((await (await detector.withEmbeddings(text)).detect(image, all)).scores); // prettier-ignore
      const again = await loaded.withEmbeddings({ labels: ['azure', 'scarlet'], vectors: Float32Array.of(0, 1, 2, 3, 1, 0) });
      expect((await again.detect(image, all)).scores).toEqual((await other.detect(image, all)).scores);
      loaded.dispose();
    } finally {
      other.dispose();
      detector.dispose();
    }
  });

  it('a text head has the temperature that was asked for, or one that is found on the photos; a bias is found', async () => {
    const scoringOf = async (temperature?: number) => {
      const classifier = { kind: 'text', vectors: Float32Array.of(3, 1, 0, 0, 1, 2), temperature } as const;
      const { model: made } = await trainHeads({ ...base, heads: [{ labels: space, classifier }], epochs: 0, only: true });
      const { heads } = made.manifest as { heads: { decoder: { embeddings: { temperature: number; bias: number } } }[] };
      return heads[0]!.decoder.embeddings;
    };
    const [asked, found] = [await scoringOf(7), await scoringOf()];
    expect(asked.temperature).toBe(7);
    expect(found.temperature).not.toBe(7);
    // Background is far more frequent than objects.
    for (const { bias } of [asked, found]) expect(bias).toBeLessThan(0);
  });

  it('learns what to add to the boxes of the model', async () => {
    // The model's boxes are 8 x 8 around the corner of a cell; these squares lie two pixels to the left and above.
    const moved = (set: typeof train): typeof train => ({
      ...set,
      annotations: {
        ...set.annotations,
        annotations: set.annotations.annotations.map(({ bbox, ...rest }) => ({ ...rest, bbox: [bbox[0]! + 1.5, bbox[1]! + 1.5, 6, 6] })),
      },
    }); // prettier-ignore
    const set = moved(squares('squares', ['red', 'blue'], 24, 1));
    const evaluation = [{ ...moved(squares('squares', ['red', 'blue'], 12, 2)), name: 'unseen' }];
    const options: TrainHeadsOptions = { ...base, datasets: [set], evaluation, epochs: 12, schedule: { kind: 'cosine', rate: 0.02 } }; // prettier-ignore
    const plain = await trainHeads({ ...options, heads: [{ labels: space, kernel: 3 }] });
    const corrected = await trainHeads({ ...options, heads: [{ labels: space, kernel: 3, boxes: 'corrected' }] });
    expect(corrected.best.ap).toBeGreaterThan(plain.best.ap + 0.1);
    const detector = await loadDetector(corrected.model, { device: 'reference' });
    try {
      const { annotations } = set.annotations;
      const found = (await detector.detectPerDataset(await photo(set, annotations[0]!.image_id as number))).get('squares')!;
      const [x, y, w, h] = annotations[0]!.bbox as [number, number, number, number];
      [x, y, x + w, y + h].forEach((corner, i) => expect(Math.abs(found.boxes[i]! - corner)).toBeLessThan(0.75));
    } finally {
      detector.dispose();
    }
  });

  it(
    'steps on WebGPU give what steps on WASM give, and go on from a checkpoint with the same bits',
    { timeout: 240_000 },
    async () => {
      const heads: HeadSpec[] = [
        { labels: space, kernel: 3, boxes: 'corrected' },
        { labels: labelSpace('cosines', ['red', 'blue']), classifier: 'cosine' },
      ];
      const options: TrainHeadsOptions = {
        ...base,
        heads,
        epochs: 3,
        schedule: { rate: 0.01 },
        optimizer: { kind: 'sgd', clipNorm: 1 },
      };
      const wasm = await trainHeads({ ...options, kernels: 'wasm' });
      const webgpu = await trainHeads({ ...options, kernels: 'webgpu' });
      webgpu.layers.forEach((layer, h) => {
        for (const part of ['weight', 'bias', 'boxWeight', 'boxBias'] as const)
          layer[part]?.forEach((value, i) => expect(Math.abs(value - wasm.layers[h]![part]![i]!)).toBeLessThan(stepsTolerance));
      });
      const losses = ({ history }: typeof wasm) => history.slice(1).map(({ loss }) => loss);
      losses(webgpu).forEach((loss, i) => expect(Math.abs(loss / losses(wasm)[i]! - 1)).toBeLessThan(1e-3));
      // A device of the caller, opened once.
      const device = await webgpuTrainKernels({ software: true });
      const store = memoryStore();
      const stop = new AbortController();
      const stopped = trainHeads({
        ...options,
        kernels: device,
        checkpoint: { store, every: 2 },
        signal: stop.signal,
        onProgress: ({ phase, done, device }) => {
          expect(device).toContain('webgpu');
          if (phase === 'train' && done === 5) stop.abort(new Error('page closed'));
        },
      });
      await expect(stopped).rejects.toThrow('page closed');
      const resumed = await trainHeads({ ...options, kernels: device, checkpoint: { store }, resume: true });
      expect(resumed.files).toEqual(webgpu.files);
      device.dispose();
      // Numbers of another device are not the same bits.
      await expect(trainHeads({ ...options, kernels: 'wasm', checkpoint: { store }, resume: true })).rejects.toThrow(
        'another run',
      );
    },
  );

  it('measures how alike labels of different data sets look to a cosine head (UniSeg, Eq. 7)', async () => {
    const named = (set: typeof train, names: string[]) => ({
      ...set,
      annotations: { ...set.annotations, categories: names.map((name, i) => ({ id: i + 1, name })) },
    });
    const [one, two] = [labelSpace('one', ['red', 'green']), labelSpace('two', ['scarlet', 'blue'])];
    const unified = unifiedLabelSpace('all', [one, two], [], { rest: 'single' });
    const { similarities } = await trainHeads({
      ...base,
      datasets: [squares('one', ['red', 'green'], 24, 4), named(squares('two', ['red', 'blue'], 24, 5), ['scarlet', 'blue'])],
      heads: [{ labels: unified, classifier: 'cosine' }],
      evaluation: [],
      epochs: 2,
    });
    const [first, second] = similarities['all']!;
    expect([first!.columns, second!.columns]).toEqual([[0, 1], [2, 3]]); // prettier-ignore
    // [red, green] and [scarlet, blue] with red, green, scarlet, blue: a stranger of the same colour is nearer than one of another colour.
    const at = ({ similarity }: typeof first & object, row: number, c: number) => similarity[row * 4 + c]!;
    expect(at(first!, 0, 2)).toBeGreaterThan(at(first!, 0, 3) + 0.2);
    expect(at(second!, 0, 0)).toBeGreaterThan(at(second!, 0, 1) + 0.2);
    for (const value of [...first!.similarity, ...second!.similarity]) expect(Math.abs(value)).toBeLessThanOrEqual(1.000001);
    expect(first!.counts[0]! + first!.counts[1]!).toBe(18);
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

  it("learns hard and soft labels over all labels of two data sets one after another, ScaleDet's label space", async () => {
    const [one, two] = [labelSpace('one', ['red', 'green']), labelSpace('two', ['green', 'blue'])];
    const union = unifiedLabelSpace('all', [one, two], [], { rest: 'single' });
    // The green ones have the same text.
    const vectors = Float32Array.of(3, 1, 0, 0, 0, 1, 2, 0, 0, 1, 2, 0, 1, 0, 0, 3);
    const { model: made, history } = await trainHeads({
      ...base,
      datasets: [squares('one', ['red', 'green'], 24, 4), squares('two', ['green', 'blue'], 24, 5)],
      heads: [{ labels: union, classifier: { kind: 'text', vectors } }],
      loss: (classes, labels) => {
        expect([classes, labels.name]).toEqual([4, 'all']);
        return hardSoftLoss({ similarity: labelSimilarity(vectors, classes) });
      },
      evaluation: [],
      only: true,
    });
    expect(history.at(-1)!.loss).toBeLessThan(history[0]!.loss);
    const detector = await loadDetector(made, { device: 'reference' });
    try {
      const unseen = squares('x', ['red', 'green', 'blue'], 12, 2);
      for (const { image_id: id, category_id: label } of unseen.annotations.annotations) {
        const found = await detector.detect(await photo(unseen, id as number), { scoreThreshold: 0 });
        expect({ 1: [0], 2: [1, 2], 3: [3] }[label as number]).toContain(found.labelIndices[0]);
      }
    } finally {
      detector.dispose();
    }
  });

  it.each<[string, Partial<TrainHeadsOptions>, string]>([
    ['no data sets', { datasets: [] }, 'datasets: found'],
    ['a data set with no label of the head', { datasets: [squares('squares', ['green'], 4, 1)] }, 'no label of the head "squares"'],
    ['annotations of unknown labels', { datasets: [squares('squares', ['red', 'green'], 8, 1)] }, 'annotations of green'],
    ['no images', { datasets: [{ ...train, annotations: { ...train.annotations, images: [], annotations: [] } }] }, 'no images'],
    ['a box without an area', { datasets: [{ ...train, annotations: { ...train.annotations, annotations: [{ image_id: 0, category_id: 1, bbox: [0, 0, 0, 4] }] } }] }, 'annotations[0]'],
    ['a box of NaN', { datasets: [{ ...train, annotations: { ...train.annotations, annotations: [{ image_id: 0, category_id: 1, bbox: [0, NaN, 4, 4] }] } }] }, 'annotations[0]'],
    ['an unknown loss', { loss: 'hinge' as never }, 'loss: found "hinge"'],
    ['a loss of other classes', { loss: () => ({ kernel: 'heatmap_focal', classes: 3, alpha: 2, beta: 4, normaliser: 'positives' }) }, 'loss of 2 classes'],
    ['hard and soft labels without text', { loss: () => hardSoftLoss({ similarity: labelSimilarity([1, 0, 0, 1], 2) }) }, 'wanted a text classifier'],
    ['text rows of another number', { heads: [{ labels: space, classifier: { kind: 'text', vectors: new Float32Array(3) } }] }, 'a row for each label'],
    ['text rows that are not finite', { heads: [{ labels: space, classifier: { kind: 'text', vectors: Float32Array.of(1, 2, NaN, 4) } }] }, 'vectors[1, 0] of "squares": found NaN'],
    ['a cosine classifier of windows', { heads: [{ labels: space, classifier: 'cosine', kernel: 3 }] }, '1 for a cosine classifier'],
    ['a start that is none', { heads: [{ labels: space, start: 'labels' as never }] }, 'start of "squares": found "labels"'],
    ['negatives below 0', { negatives: -1 }, 'negatives: found -1'],
    ['kernels that are none', { kernels: 'cuda' as never }, 'kernels: found "cuda"'],
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
