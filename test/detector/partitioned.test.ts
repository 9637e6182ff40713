// One backbone, several heads: each in its own labels, the joint score through a taxonomy (UniDet, Eq. 5), re-projected scores, heads with other boxes.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Detector, loadDetector, reprojected, type RuntimeKind } from '../../sdk/index.js';
import { unifiedLabelSpace } from '../../sdk/taxonomy/index.js';
import { colourModel, fullLogit, picture } from './colour-model.js';

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
/** Scores pass through one float32 convolution, a float32 pooling and a mean of float32 probabilities. */
const SCORE_TOLERANCE = 1e-6;
const full = sigmoid(fullLogit);
const weak = sigmoid(6 - fullLogit);

const heads = [
  {
    dataset: 'colours',
    labels: [
      { id: 1, name: 'red', rgb: [8, -8, -8] },
      { id: 2, name: 'green', rgb: [-8, 8, -8] },
    ],
  },
  {
    dataset: 'paint',
    labels: [
      { id: 'c', name: 'crimson', rgb: [6, -8, -8] },
      { id: 'n', name: 'navy', rgb: [-8, -8, 6] },
    ],
  },
] as const;

const scene = picture([
  { colour: 'red', x: 1, y: 2 },
  { colour: 'green', x: 6, y: 1 },
  { colour: 'blue', x: 5, y: 5 },
]);

const summary = (detections: Iterable<{ label: string; score: number }>) =>
  Object.fromEntries([...detections].map(({ label, score }) => [label, score]));
const near = (found: Record<string, number>, wanted: Record<string, number>) => {
  expect(Object.keys(found).sort()).toEqual(Object.keys(wanted).sort());
  for (const [label, score] of Object.entries(wanted)) expect(Math.abs(found[label]! - score)).toBeLessThan(SCORE_TOLERANCE);
};

describe.each<[RuntimeKind, number]>([
  ['reference', 1],
  ['wasm', 1],
  ['wasm', 2],
])('%s, %i threads', (device, threads) => {
  let detector: Detector;
  beforeAll(async () => {
    detector = await loadDetector(colourModel({ heads }), { device, threads });
  });
  afterAll(() => detector.dispose());

  const unified = () =>
    unifiedLabelSpace('both', detector.datasets, [{ name: 'red', members: { colours: 1, paint: 'c' } }], { rest: 'single' });

  test('without labels, all labels of all heads answer', async () => {
    expect(detector.datasets.map(({ name }) => name)).toEqual(['colours', 'paint']);
    expect(detector.labels.names).toEqual(['red', 'green', 'crimson', 'navy']);
    near(summary(await detector.detect(scene)), { red: full, green: full, crimson: weak, navy: weak });
  });

  test('through a taxonomy, the score is the mean over the heads that have the label', async () => {
    near(summary(await detector.detect(scene, { labels: unified() })), { red: (full + weak) / 2, green: full, navy: weak });
  });

  test('each head in its own labels, in one pass', async () => {
    const all = await detector.detectPerDataset(scene);
    expect([...all.keys()]).toEqual(['colours', 'paint']);
    near(summary(all.get('colours')!), { red: full, green: full });
    near(summary(all.get('paint')!), { crimson: weak, navy: weak });
    expect(all.get('paint')!.labels).toBe(detector.datasets[1]);
    expect([...all.get('paint')!].map(({ labelId }) => labelId).sort()).toEqual(['c', 'n']);
  });

  test('re-projected: joined heads speak for the labels of each other', async () => {
    const all = await detector.detectPerDataset(scene, { labels: unified() });
    near(summary(all.get('colours')!), { red: (full + weak) / 2, green: full });
    near(summary(all.get('paint')!), { crimson: (full + weak) / 2, navy: weak });
    const one = await detector.detect(scene, { labels: reprojected(unified(), 'paint') });
    near(summary(one), summary(all.get('paint')!));
  });

  test('a data set without a head of its own is answered through the taxonomy', async () => {
    using single = await loadDetector(colourModel(), { device, threads });
    const wide = unifiedLabelSpace(
      'wide',
      [...single.datasets, detector.datasets[1]!],
      [{ name: 'red', members: { colours: 1, paint: 'c' } }],
      { rest: 'single' },
    );
    near(summary(await single.detect(scene, { labels: reprojected(wide, 'paint') })), { crimson: full });
  });

  test('heads with boxes of their own answer together, each object once', async () => {
    const model = colourModel({ heads });
    const [first, second] = model.manifest['heads'] as { decoder: object }[];
    // Other positions count as peaks here, so that the scores of the two heads cannot stand side by side.
    Object.assign(second!.decoder, { window: 5 });
    expect(first!.decoder).not.toEqual(second!.decoder);
    using apart = await loadDetector(model, { device, threads });
    near(summary(await apart.detect(scene)), { red: full, green: full, crimson: weak, navy: weak });
    // No joint score there: the better of two boxes stays.
    const joined = await apart.detect(scene, { labels: unified() });
    near(summary(joined), { red: full, green: full, navy: weak });
    expect(joined.length).toBe(3);
  });
});

test('one data set twice, and a taxonomy without one, are refused by name', async () => {
  const twice = colourModel({ heads: [heads[0], heads[0]] });
  await expect(loadDetector(twice, { device: 'reference' })).rejects.toThrow(/colours/);
  using detector = await loadDetector(colourModel({ heads }), { device: 'reference' });
  const other = unifiedLabelSpace('one', [detector.datasets[0]!], [], { rest: 'single' });
  await expect(detector.detectPerDataset(scene, { labels: other })).rejects.toThrow(/found "paint"/);
});

describe('naive weight merge', () => {
  const load = async (device: RuntimeKind, model = colourModel({ heads })) => {
    using apart = await loadDetector(model, { device: 'reference' });
    const labels = unifiedLabelSpace('both', apart.datasets, [{ name: 'red', members: { colours: 1, paint: 'c' } }], {
      rest: 'single',
    });
    return loadDetector(model, { device, mergeHeads: labels });
  };

  test.each(['reference', 'wasm'] as const)(
    'one head over the unified labels, its scores those of mean logits: %s',
    async (device) => {
      using merged = await load(device);
      expect(merged.model.heads).toHaveLength(1);
      expect(merged.labels.names).toEqual(['red', 'green', 'navy']);
      near(summary(await merged.detect(scene)), { red: sigmoid((8 + 6) / 2 - fullLogit), green: full, navy: weak });
    },
  );

  test('the taxonomy still names its labels, and those of its data sets', async () => {
    using apart = await loadDetector(colourModel({ heads }), { device: 'reference' });
    const labels = unifiedLabelSpace('both', apart.datasets, [{ name: 'red', members: { colours: 1, paint: 'c' } }], {
      rest: 'single',
    });
    using merged = await loadDetector(colourModel({ heads }), { device: 'reference', mergeHeads: labels });
    near(summary(await merged.detect(scene, { labels })), summary(await merged.detect(scene)));
    near(summary(await merged.detect(scene, { labels: reprojected(labels, 'paint') })), {
      crimson: sigmoid(7 - fullLogit),
      navy: weak,
    });
  });

  test('heads that are not linear or not alike are refused with what is in the way', async () => {
    await expect(load('reference', colourModel())).rejects.toThrow(/heads: found 1|unified|paint/);
    const odd = colourModel({ heads });
    Object.assign((odd.manifest['heads'] as { decoder: object }[])[1]!.decoder, { window: 5 });
    await expect(load('reference', odd)).rejects.toThrow(/head "paint".*window.*Merge scores instead/);
  });
});
