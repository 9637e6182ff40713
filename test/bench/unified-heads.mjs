// Partitioned, merged and unified heads side by side (UniDet, Table 5, in small): heads for COCO and VOC, and one for both, learnt on the frozen features of
// the default model; AP50 on images of both data sets. With rows of text also one text head over all labels one after another, as ScaleDet has it.
// node test/bench/unified-heads.mjs [--coco FOLDER --test FOLDER --voc FOLDER, each with instances.json and images/] [--seeds 3] [--epochs 10] [--rate 0.001]
//   [--text FILE.npy, rows of COCO's 80 names] [--only-text]
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadDetector } from '../../dist/index.js';
import model from '../../dist/models/centernet-mbv3/index.js';
import { coco } from '../../dist/taxonomy/catalog/coco.js';
import { voc } from '../../dist/taxonomy/catalog/voc.js';
import { unifiedLabelSpace } from '../../dist/taxonomy/index.js';
import { mergeByName } from '../../dist/taxonomy/merge/index.js';
import { hardSoftLoss, labelSimilarity, trainHeads } from '../../dist/train/index.js';
import { ap50, featureFolder, mean, openData, partOf, readRows, shuffled, summary } from './heads-data.mjs';

const shared = (path) => fileURLToPath(new URL(`../../../shared/data/${path}`, import.meta.url));
const { values: options } = parseArgs({
  options: {
    coco: { type: 'string', default: shared('coco-train128') },
    test: { type: 'string', default: shared('coco-val80') },
    voc: { type: 'string', default: shared('voc-100') },
    seeds: { type: 'string', default: '3' },
    epochs: { type: 'string', default: '10' },
    rate: { type: 'string', default: '0.001' },
    text: { type: 'string' },
    'only-text': { type: 'boolean', default: false },
  },
});
const cocoTrain = { ...(await openData('coco', options.coco)), name: 'coco' };
const cocoTest = { ...(await openData('test', options.test)), name: 'coco' };
const vocAll = { ...(await openData('voc', options.voc)), name: 'voc' };

// Names and synonyms find the 20 things that both have: couch and sofa, tv and tvmonitor.
const taxonomy = mergeByName([coco, voc], { name: 'coco and voc', level: 'synonyms' }).taxonomy.unified;
const joined = taxonomy.labels.filter(({ members }) => Object.keys(members).length === 2).length;
if (taxonomy.size !== 80 || joined !== 20) throw new Error(`${taxonomy.size} labels, ${joined} joined: 80 and 20 expected`);

/** All labels one after another: those that both have stand twice, with the same row of text. */
const union = unifiedLabelSpace('coco, then voc', [coco, voc], [], { rest: 'single' });
const ofUnion = ({ index }, dataset) => {
  const [space, place] = index < coco.size ? [coco, index] : [voc, index - coco.size];
  return space.name === dataset ? space.labels[place].name : undefined;
};
let vectors;
if (options.text) {
  const { shape, values } = await readRows(options.text);
  const row = (place) => values.subarray(place * shape[1], (place + 1) * shape[1]);
  const twin = ({ id }) => {
    const { members } = taxonomy.labels.find(({ members: { voc: own } }) => own === id);
    return coco.labels.findIndex((label) => label.id === members.coco);
  };
  vectors = Float32Array.from([...coco.labels.keys(), ...voc.labels.map(twin)].flatMap((place) => [...row(place)]));
}

/** AP50 on each data set; `answer` gives the detections of an image, and `categoryOf` a label's name in the data set, or undefined. */
async function score(source, loading, tests, answer, categoryOf) {
  const detector = await loadDetector(source, { device: 'wasm', ...loading });
  try {
    const scores = [];
    for (const { name, annotations, images } of tests) {
      const ids = new Map(annotations.categories.map((category) => [category.name, category.id]));
      const detections = [];
      for (const { id, file_name: file } of annotations.images) {
        const found = await answer(detector, join(images, file), name);
        const own = [...found.toCoco({ imageId: id, categoryId: (label) => ids.get(categoryOf(label, name)) ?? -1 })];
        // Labels that the data set has not would take places from the others.
        detections.push(...own.filter(({ category_id: category }) => category >= 0).slice(0, 100));
      }
      scores.push(await ap50(annotations, detections));
    }
    return scores;
  } finally {
    detector.dispose();
  }
}

const all = { scoreThreshold: 0, maxDetections: 400 };
const unified = ({ name }, dataset) => {
  const member = taxonomy.labels.find((label) => label.name === name).members[dataset];
  return member === undefined ? undefined : taxonomy.datasets.find((space) => space.name === dataset).labels.find(({ id }) => id === member).name; // prettier-ignore
};
const named = ({ name }) => name;

const table = new Map();
const cache = featureFolder();
for (let seed = 1; seed <= Number(options.seeds); seed++) {
  const images = shuffled(vocAll.annotations.images, seed);
  const datasets = [cocoTrain, partOf(vocAll, images.slice(0, 70))];
  const tests = [cocoTest, partOf(vocAll, images.slice(70))];
  const train = (heads, loss) =>
    trainHeads({
      loss,
      model,
      datasets,
      heads,
      epochs: Number(options.epochs),
      schedule: { kind: 'cosine', rate: Number(options.rate), warmup: 10 },
      seed,
      only: true,
      device: 'wasm',
      cache,
    });
  const note = (name, scores) => {
    table.set(name, [...(table.get(name) ?? []), scores]);
    console.log(`seed ${seed}, ${name}: COCO ${scores[0].toFixed(3)}, VOC ${scores[1].toFixed(3)}`);
  };
  const detect = (detector, image) => detector.detect(image, all);
  if (vectors) {
    const head = { labels: union, classifier: { kind: 'text', vectors } };
    const similarity = labelSimilarity(vectors, union.size);
    const losses = { 'heat map': undefined, hard: () => hardSoftLoss({ similarity, lambda: 0 }), 'hard and soft': () => hardSoftLoss({ similarity }) }; // prettier-ignore
    for (const [name, loss] of Object.entries(losses))
      note(`one text head, ${name}`, await score((await train([head], loss)).model, {}, tests, detect, ofUnion));
  }
  if (options['only-text']) continue;
  const parts = await train([
    { labels: coco, datasets: ['coco'], start: 'discriminant' },
    { labels: voc, datasets: ['voc'], start: 'discriminant' },
  ]);
  const perDataset = (labels) => async (detector, image, dataset) =>
    (await detector.detectPerDataset(image, { ...all, ...(labels && { labels }) })).get(dataset);
  note('partitioned, each data set by its own head', await score(parts.model, {}, tests, perDataset(), named));
  note('partitioned, joint scores (Eq. 5)', await score(parts.model, {}, tests, perDataset(taxonomy), named));
  note('heads merged, not trained again', await score(parts.model, { mergeHeads: taxonomy }, tests, detect, unified));
  const whole = await train([{ labels: taxonomy, start: 'discriminant' }]);
  note('one head, trained on the taxonomy', await score(whole.model, {}, tests, detect, unified));
}
console.log(`\n| heads | COCO, ${cocoTest.annotations.images.length} images | VOC, 30 images | mean | COCO, each | VOC, each |\n| --- | ---: | ---: | ---: | --- | --- |`); // prettier-ignore
const each = (list) => list.map((x) => x.toFixed(3)).join(', ');
for (const [name, list] of table) {
  const [c, v] = [0, 1].map((i) => list.map((scores) => scores[i]));
  console.log(`| ${name} | ${summary(c)} | ${summary(v)} | ${((mean(c) + mean(v)) / 2).toFixed(3)} | ${each(c)} | ${each(v)} |`);
}
