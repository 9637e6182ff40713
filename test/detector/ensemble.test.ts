// Several detectors as one: a shared label space, fusion across models and along a hierarchy, what supports each detection, and bad input.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { DeviceError } from '../../sdk/errors.js';
import { type Ensemble, loadDetector, type RuntimeKind } from '../../sdk/index.js';
import { WebGpuRuntime } from '../../sdk/runtime/webgpu/index.js';
import { labelSpace, unifiedLabelSpace } from '../../sdk/taxonomy/index.js';
import { taxonomy } from '../../sdk/taxonomy/file/index.js';
import { colourModel, fullLogit, picture } from './colour-model.js';

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
/** Scores pass through one float32 convolution and a float32 pooling: a few units in the last place. */
const SCORE_TOLERANCE = 1e-6;
const full = sigmoid(fullLogit);
/** A label that speaks for a colour with 6 instead of 8. */
const weak = sigmoid(6 - fullLogit);

// The second data set has a weaker red under another name, and a general label for red and green.
const paint = {
  dataset: 'paint',
  labels: [
    { id: 'c', name: 'crimson', rgb: [6, -8, -8] },
    { id: 'w', name: 'warm', rgb: [6, 6, -8] },
  ],
} as const;
const models = [colourModel(), colourModel({ name: 'painter', heads: [paint], side: 10 })];

const colourSpace = labelSpace('colours', [
  { id: 1, name: 'red' },
  { id: 2, name: 'green' },
  { id: 3, name: 'blue' },
]);
const paintSpace = labelSpace('paint', [
  { id: 'c', name: 'crimson' },
  { id: 'w', name: 'warm' },
]);
const unified = unifiedLabelSpace(
  'all colours',
  [colourSpace, paintSpace],
  [
    { name: 'red', members: { colours: 1, paint: 'c' } },
    { name: 'green', members: { colours: 2 } },
    { name: 'blue', members: { colours: 3 } },
    { name: 'warm', members: { paint: 'w' } },
  ],
);
const withHierarchy = taxonomy(unified, {
  relations: [
    { a: { dataset: 'colours', id: 1 }, kind: 'subset', b: { dataset: 'paint', id: 'w' } },
    { a: { dataset: 'colours', id: 2 }, kind: 'subset', b: { dataset: 'paint', id: 'w' } },
  ],
});

const scene = picture([
  { colour: 'red', x: 1, y: 2 },
  { colour: 'green', x: 6, y: 1 },
  { colour: 'blue', x: 5, y: 5 },
]);

describe.each<[RuntimeKind, number]>([
  ['reference', 1],
  ['wasm', 1],
  ['wasm', 2],
])('%s, %i threads', (device, threads) => {
  let ensemble: Ensemble;
  beforeAll(async () => {
    ensemble = await loadDetector(models, { labels: unified, device, threads });
  });
  afterAll(() => ensemble.dispose());

  test('one detection an object and label, with what supports it in the words of each data set', async () => {
    const detections = await ensemble.detect(scene);
    const red = [...detections].find(({ label }) => label === 'red')!;
    expect(red.support.map(({ model, modelIndex, labels }) => ({ model, modelIndex, labels }))).toEqual([
      { model: 'colours', modelIndex: 0, labels: [{ dataset: 'colours', id: 1, name: 'red' }] },
      { model: 'painter', modelIndex: 1, labels: [{ dataset: 'paint', id: 'c', name: 'crimson' }] },
    ]);
    expect(red.support.map(({ box }) => box)).toEqual([
      [8, 16, 16, 24],
      [8, 16, 18, 26],
    ]);
    // The mean of both boxes, weighted by score; the best score.
    const side = (8 * full + 10 * weak) / (full + weak);
    [8, 16, 8 + side, 16 + side].forEach((wanted, i) => expect(red.box[i]).toBeCloseTo(wanted, 4));
    expect(Math.abs(red.score - full)).toBeLessThan(SCORE_TOLERANCE);
    expect([...detections].map(({ label }) => label).sort()).toEqual(['blue', 'green', 'red', 'warm', 'warm']);
  });

  test('the average is over the models that know the label', async () => {
    const detections = await ensemble.detect(scene, { fusion: { score: 'average' } });
    const score = (name: string) => [...detections].find(({ label }) => label === name)!.score;
    expect(Math.abs(score('red') - (full + weak) / 2)).toBeLessThan(SCORE_TOLERANCE);
    expect(Math.abs(score('blue') - full)).toBeLessThan(SCORE_TOLERANCE);
  });

  test('suppression keeps the best box as it is, and the others support it', async () => {
    const detections = await ensemble.detect(scene, { fusion: { method: 'nms' } });
    const red = [...detections].find(({ label }) => label === 'red')!;
    expect(red.box).toEqual([8, 16, 16, 24]);
    expect(red.support).toHaveLength(2);
  });

  test('along a hierarchy, the general label joins the special one on the same object', async () => {
    const detections = await ensemble.detect(scene, { labels: withHierarchy });
    expect(Object.fromEntries([...detections].map(({ label, broader }) => [label, broader]))).toEqual({
      red: ['warm'],
      green: ['warm'],
      blue: [],
    });
    const green = [...detections].find(({ label }) => label === 'green')!;
    expect(green.support.map(({ labels }) => labels[0]!.name)).toEqual(['green', 'warm']);
  });

  test('a special label under the threshold takes no general one away', async () => {
    // Red is a weak crimson here, warm is sure.
    const sure = colourModel({
      name: 'sure',
      heads: [
        { dataset: 'colours', labels: [{ id: 1, name: 'red', rgb: [4.2, -8, -8] }] },
        { dataset: 'paint', labels: [{ id: 'w', name: 'warm', rgb: [8, 8, -8] }] },
      ],
    });
    using one = await loadDetector([sure], { labels: withHierarchy, device, threads });
    const red = picture([{ colour: 'red', x: 1, y: 2 }]);
    const labels = async (scoreThreshold: number) =>
      [...(await one.detect(red, { scoreThreshold }))].map(({ label, broader }) => [label, broader]);
    expect(await labels(0.5)).toEqual([['red', ['warm']]]);
    expect(await labels(0.6)).toEqual([['warm', []]]);
  });

  test('models that know none of the wanted labels are not asked', async () => {
    const detections = await ensemble.detect(scene, { labels: ['blue'] });
    expect([...detections].map(({ label, support }) => [label, support.length])).toEqual([['blue', 1]]);
    const grouped = await ensemble.detect(scene, { labels: { labels: { reddish: ['red', 'crimson'] } } });
    expect([...grouped].map(({ label, support }) => [label, support.length])).toEqual([['reddish', 2]]);
  });

  test('parts keep what supports them; JSON tells it', async () => {
    const detections = await ensemble.detect(scene);
    const part = detections.filter(({ support }) => support.length > 1);
    expect(part.length).toBe(1);
    expect(part.at(-1)!.support).toEqual(part.support[0]);
    expect(detections.slice(1, 3).support).toEqual(detections.support.slice(1, 3));
    expect(part.toJSON().detections[0]!.support.map(({ labels }) => labels[0]!.name)).toEqual(['red', 'crimson']);
  });

  test('several images, and views with other labels', async () => {
    const view = ensemble.withLabels(withHierarchy);
    const two = await view.detect([scene, picture([{ colour: 'blue', x: 0, y: 0 }])]);
    expect(two.map(({ length }) => length)).toEqual([3, 1]);
    await expect(ensemble.detect([scene, 7 as never])).rejects.toThrow(/^images\[1\]: /);
  });
});

test('without labels every label of every data set stands for itself; models of one data set share it', async () => {
  using both = await loadDetector(models, { device: 'reference' });
  expect(both.labels.names).toEqual(['red', 'green', 'blue', 'crimson', 'warm']);
  using twins = await loadDetector([colourModel(), colourModel({ name: 'twin', side: 9 })], { device: 'reference' });
  expect(twins.labels.labels.map(({ id }) => id)).toEqual([1, 2, 3]);
  const detections = await twins.detect(scene);
  expect(detections.support.map((list) => list.map(({ model }) => model))).toEqual([0, 1, 2].map(() => ['colours', 'twin']));
});

test('names of labels that no model has are refused, with close ones', async () => {
  await expect(loadDetector(models, { device: 'reference', labels: ['red', 'crimsom' as never] })).rejects.toThrow(
    /crimsom.*close: "crimson"/,
  );
  await expect(
    loadDetector(models, { device: 'reference', labels: { labels: { a: 'red' }, rest: 'keep' } as never }),
  ).rejects.toThrow(/one list of labels for all models/);
});

test('a taxonomy that lacks a data set of a model is refused by name', async () => {
  const other = unifiedLabelSpace('one', [colourSpace], [], { rest: 'single' });
  await expect(loadDetector(models, { device: 'reference', labels: other })).rejects.toThrow(/data set: found "paint"/);
});

test('two label lists under one data set name are refused', async () => {
  const odd = colourModel({ name: 'odd', heads: [{ ...paint, dataset: 'colours' }] });
  await expect(loadDetector([colourModel(), odd], { device: 'reference' })).rejects.toThrow(/one label list for a data set/);
});

test('a GPU on which one of the models cannot be prepared is passed over, with the reason, as for one model', async () => {
  const tooLarge = new DeviceError('out-of-memory', { thing: 'graph', found: '9 GB', wanted: 'at most 1 GB' });
  const { compile } = WebGpuRuntime.prototype;
  const spy = vi.spyOn(WebGpuRuntime.prototype, 'compile').mockImplementation(function (this: WebGpuRuntime, graph, options) {
    // Only the painter tells two labels apart.
    const labels = graph.values.find(({ name }) => name === 'heat')!.shape[3];
    return labels === paint.labels.length ? Promise.reject(tooLarge) : compile.call(this, graph, options);
  });
  const dispose = vi.spyOn(WebGpuRuntime.prototype, 'dispose');
  try {
    const options = { device: ['webgpu', 'wasm'], threads: 1 } as const;
    using single = await loadDetector(models[1]!, options);
    expect(single.device).toMatchObject({ used: 'wasm', why: [{ kind: 'webgpu', reason: tooLarge.message }] });
    expect(dispose).toHaveBeenCalledTimes(1);
    spy.mockClear();
    const files: string[] = [];
    using both = await loadDetector(models, {
      ...options,
      labels: unified,
      onProgress: ({ phase, file }) => phase === 'download' && files.push(file!),
    });
    expect(spy).toHaveBeenCalledTimes(2);
    expect(dispose).toHaveBeenCalledTimes(2);
    expect(both.device).toMatchObject({ asked: single.device.asked, used: 'wasm', why: single.device.why });
    // Models are read once, whatever devices are tried.
    expect(files.sort()).toEqual(models.flatMap(({ files }) => Object.keys(files)).sort());
    using wanted = await loadDetector(models, { labels: unified, device: 'wasm', threads: 1 });
    expect((await both.detect(scene)).toJSON()).toEqual((await wanted.detect(scene)).toJSON());
    await expect(loadDetector(models, { device: 'webgpu' })).rejects.toBe(tooLarge);
    expect(dispose).toHaveBeenCalledTimes(3);
  } finally {
    vi.restoreAllMocks();
  }
});

test('bad options, an empty list and use after dispose are named', async () => {
  await expect(loadDetector([])).rejects.toThrow(/models: found an empty array/);
  await expect(loadDetector(models, { fusion: { weights: [1] } })).rejects.toThrow(/fusion.weights/);
  const ensemble = await loadDetector(models, { device: 'reference' });
  await expect(ensemble.detect(scene, { fusion: { method: 'mean' as never } })).rejects.toThrow(/fusion.method/);
  await expect(ensemble.detect(scene, { fusion: { iouThreshold: 2 } })).rejects.toThrow(/fusion.iouThreshold/);
  await expect(ensemble.detect(scene, { scoreThreshold: 2 })).rejects.toThrow(/scoreThreshold: found 2/);
  ensemble.dispose();
  ensemble.dispose();
  await expect(ensemble.detect(scene)).rejects.toMatchObject({ code: 'disposed' });
});
