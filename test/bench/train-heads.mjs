// Must a head be trained? A VOC head on the frozen features of the default model, learnt from 70 photos, against its COCO labels mapped to VOC: AP50 on 30 others.
// node test/bench/train-heads.mjs [--data FOLDER with instances.json and images/] [--seeds 5] [--epochs 20] [--rate 0.001]
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadDetector } from '../../dist/index.js';
import { evaluateCoco } from '../../dist/evaluate/index.js';
import { voc } from '../../dist/taxonomy/catalog/voc.js';
import model from '../../dist/models/centernet-mbv3/index.js';
import { seededRandom, trainHeads } from '../../dist/train/index.js';

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: fileURLToPath(new URL('../../../shared/data/voc-100/', import.meta.url)) },
    seeds: { type: 'string', default: '5' },
    epochs: { type: 'string', default: '20' },
    rate: { type: 'string', default: '0.001' },
    variants: { type: 'string', default: '' },
  },
});
const folder = values.data.replace(/\/?$/, '/');
const all = JSON.parse(await readFile(`${folder}instances.json`, 'utf8'));

/** 70 and 30 images, by the seed. */
function split(seed) {
  const random = seededRandom(seed);
  const images = all.images.slice();
  for (let i = images.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [images[i], images[j]] = [images[j], images[i]];
  }
  const part = (chosen) => {
    const ids = new Set(chosen.map(({ id }) => id));
    return { ...all, images: chosen, annotations: all.annotations.filter((annotation) => ids.has(annotation.image_id)) };
  };
  return { train: part(images.slice(0, 70)), test: part(images.slice(70)) };
}

/** AP50 and AP of a detector in VOC's labels, as `detect` gives them. */
async function scoresOf(source, groundTruth, labels, head) {
  const detector = await loadDetector(source, { device: 'wasm', ...(labels && { labels }) });
  try {
    const ids = new Map(groundTruth.categories.map(({ id, name }) => [name, id]));
    const detections = [];
    for (const { id, file_name: file } of groundTruth.images) {
      const options = { scoreThreshold: 0, maxDetections: 100 };
      const image = `${folder}images/${file}`;
      const found = head ? (await detector.detectPerDataset(image, options)).get(head) : await detector.detect(image, options);
      detections.push(...found.toCoco({ imageId: id, categoryId: ({ name }) => ids.get(name) }));
    }
    const { stats } = await evaluateCoco({ groundTruth, detections, iouType: 'bbox', mode: 'corrected' });
    return [stats[1], stats[0]];
  } finally {
    detector.dispose();
  }
}

// Features of all 100 images are computed once.
const entries = new Map();
const cache = {
  get: async (key) => entries.get(key),
  put: async (key, bytes) => void entries.set(key, bytes),
  delete: async (key) => void entries.delete(key),
};

const variants = {
  'trained (the default)': {},
  'as it starts, no step': { epochs: 0 },
  'discriminants alone, no step': { start: 'discriminant', epochs: 0 },
  'boxes corrected': { boxes: 'corrected' },
  'cosine classifier, rate 0.01': { classifier: 'cosine', rate: 0.01 },
  'from zeros, rate 0.03': { start: 'zeros', rate: 0.03 },
};
const chosen = Object.entries(variants).filter(([name]) => !values.variants || values.variants.split(';').includes(name));
const rows = new Map([['COCO labels mapped, not trained', []], ...chosen.map(([name]) => [name, []])]);
const mean = (list) => list.reduce((a, b) => a + b, 0) / list.length;
for (let seed = 1; seed <= Number(values.seeds); seed++) {
  const { train, test } = split(seed);
  rows.get('COCO labels mapped, not trained').push(await scoresOf(model, test, voc));
  for (const [name, { epochs = Number(values.epochs), rate = Number(values.rate), flip, ...head }] of chosen) {
    const begin = performance.now();
    const { model: made, history } = await trainHeads({
      model,
      datasets: [{ name: 'voc', annotations: train, images: `${folder}images` }],
      heads: [{ labels: voc, ...head }],
      epochs,
      schedule: { kind: 'cosine', rate, warmup: 10 },
      seed,
      device: 'wasm',
      cache,
      ...(flip && { flip }),
    });
    const score = await scoresOf(made, test, undefined, 'voc');
    rows.get(name).push(score);
    const losses = [history[0], history.at(-1)].map((epoch) => epoch?.loss.toFixed(2) ?? '').join(' -> ');
    console.log(
      `seed ${seed}, ${name}: AP50 ${score[0].toFixed(3)}, AP ${score[1].toFixed(3)}, loss ${losses}, ${((performance.now() - begin) / 1000).toFixed(0)} s`,
    );
  }
}
const spread = (list) => Math.sqrt(mean(list.map((x) => (x - mean(list)) ** 2)));
const cell = (list) => `${mean(list).toFixed(3)} ± ${spread(list).toFixed(3)}`;
console.log(`\n| head | AP50 on 30 images, ${values.seeds} splits | AP |\n| --- | ---: | ---: |`);
for (const [name, list] of rows) console.log(`| ${name} | ${cell(list.map(([x]) => x))} | ${cell(list.map(([, x]) => x))} |`);
