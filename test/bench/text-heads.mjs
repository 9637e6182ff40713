// Hard labels against hard and soft labels (ScaleDet, Table 8, in small): text heads on the frozen features of the default model, learnt from a part of COCO's
// labels; at run time they get rows of text of the others too.
// node test/bench/text-heads.mjs [--train FOLDER --test FOLDER --voc FOLDER, each with instances.json and images/] [--text FILE.npy] [--folds 5] [--seeds 5]
//   [--epochs 6] [--rate 0.0003] [--negatives 512] [--variants "hard;hard + soft"] [--ap]
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadDetector } from '../../dist/index.js';
import model from '../../dist/models/centernet-mbv3/index.js';
import { labelSpace } from '../../dist/taxonomy/index.js';
import { hardSoftLoss, labelSimilarity, trainHeads } from '../../dist/train/index.js';
// Of a head that is trained: the features that it stands on, at chosen cells.
import { toFrame } from '../../dist/image/frame.js';
import { chooseRuntime } from '../../dist/runtime/choose.js';
import { boxInCells } from '../../dist/train/head-data.js';
import { FeatureBank, featuresOf, openBackbone } from '../../dist/train/head-network.js';
import { placeOf } from '../../dist/train/head-rows.js';
import { ap50, featureFolder, mean, openData, readRows, shuffled, summary } from './heads-data.mjs';

const shared = (path) => fileURLToPath(new URL(`../../../shared/data/${path}`, import.meta.url));
const { values: options } = parseArgs({
  options: {
    train: { type: 'string', default: shared('coco-train128') },
    test: { type: 'string', default: shared('coco-val80') },
    voc: { type: 'string', default: shared('voc-100') },
    text: { type: 'string', default: shared('taxonomies/clip/coco_clip_a+cname.npy') },
    folds: { type: 'string', default: '5' },
    seeds: { type: 'string', default: '5' },
    epochs: { type: 'string', default: '6' },
    rate: { type: 'string', default: '0.0003' },
    negatives: { type: 'string', default: '512' },
    variants: { type: 'string', default: '' },
    ap: { type: 'boolean', default: false },
  },
});

const datasets = { train: await openData('train', options.train), test: await openData('test', options.test), voc: await openData('voc', options.voc) }; // prettier-ignore
if (!existsSync(options.text)) {
  console.error(`No ${options.text}: rows of text of COCO's 80 names, [80, E], are needed. Give the file with --text.`);
  process.exit(1);
}
const { shape, values: text } = await readRows(options.text);
const E = shape[1];
const names = datasets.train.annotations.categories.map(({ name }) => name);
if (names.length !== shape[0]) throw new Error(`${names.length} labels and ${shape[0]} rows of text`);
/** [labels, E] rows of length 1. */
const rowsOf = (labels) =>
  Float32Array.from(labels.flatMap((label) => unit(text.subarray(names.indexOf(label) * E, (names.indexOf(label) + 1) * E))));
const unit = (row) => {
  const length = Math.hypot(...row);
  return Array.from(row, (x) => x / length);
};

// VOC's labels as COCO calls them.
const twins = { aeroplane: 'airplane', diningtable: 'dining table', motorbike: 'motorcycle', pottedplant: 'potted plant', sofa: 'couch', tvmonitor: 'tv' }; // prettier-ignore
for (const category of datasets.voc.annotations.categories) category.name = twins[category.name] ?? category.name;

const cache = featureFolder();

/** Frozen features at the centres of boxes, with the names of their labels: of all test images. */
async function centresOf({ name, annotations, images }) {
  const backbone = await openBackbone(model);
  const { runtime } = await chooseRuntime('wasm');
  const bank = await FeatureBank.open(backbone, runtime, { store: cache, limit: 0 });
  const centres = [];
  for (const image of annotations.images) {
    const found = await bank.get(`${name}/${image.id}`, {}, async () => toFrame(join(images, image.file_name)));
    const features = featuresOf(found);
    const place = placeOf(backbone, found, false);
    const D = features.length / (place.height * place.width);
    for (const { image_id: id, category_id: category, bbox, iscrowd } of annotations.annotations) {
      if (id !== image.id || iscrowd) continue;
      const lies = boxInCells(bbox, place);
      const label = annotations.categories.find((one) => one.id === category).name;
      if (lies) centres.push({ label, x: features.slice(lies.cell * D, (lies.cell + 1) * D) });
    }
  }
  bank.dispose();
  runtime.dispose();
  return centres;
}

/** How often the right one of some labels has the best cosine at the centre of an object of theirs; and the mean of that over labels. */
function topOne(layer, labels, centres) {
  const rows = rowsOf(labels);
  const right = new Map();
  for (const { label, x } of centres) {
    if (!labels.includes(label)) continue;
    const z = Float64Array.from(layer.bias);
    for (let d = 0; d < x.length; d++) for (let e = 0; e < E; e++) z[e] += x[d] * layer.weight[d * E + e];
    const scores = labels.map((_, k) => z.reduce((sum, value, e) => sum + value * rows[k * E + e], 0));
    const hits = right.get(label) ?? right.set(label, []).get(label);
    hits.push(Number(labels[scores.indexOf(Math.max(...scores))] === label));
  }
  const each = [...right.values()];
  return [mean(each.flat()), mean(each.map(mean))];
}

/** AP50 of groups of labels on a data set; every label gets its row at run time. The best 100 of a group count in an image, as if it were asked for alone. */
async function groupAp50(source, groups, { annotations, images }) {
  const labels = groups.flat();
  const detector = await loadDetector(source, { device: 'wasm', embeddings: { name: 'now', labels, vectors: rowsOf(labels) } });
  try {
    const ids = new Map(annotations.categories.map(({ id, name }) => [name, id]));
    const found = groups.map(() => []);
    for (const { id, file_name: file } of annotations.images) {
      const all = (await detector.detect(join(images, file), { scoreThreshold: 0, maxDetections: 10_000 })).toCoco({ imageId: id, categoryId: ({ name }) => ids.get(name) }); // prettier-ignore
      groups.forEach((group, g) => {
        const own = new Set(group.map((label) => ids.get(label)));
        found[g].push(...all.filter(({ category_id: category }) => own.has(category)).slice(0, 100));
      });
    }
    const scores = [];
    for (const [g, group] of groups.entries()) {
      const own = new Set(group.map((label) => ids.get(label)));
      const groundTruth = {
        ...annotations,
        categories: annotations.categories.filter(({ id }) => own.has(id)),
        annotations: annotations.annotations.filter(({ category_id: category }) => own.has(category)),
      };
      scores.push(await ap50(groundTruth, found[g]));
    }
    return scores;
  } finally {
    detector.dispose();
  }
}

const variants = {
  'no step': { epochs: 0, lambda: 0 },
  'heat map': { lambda: -1 },
  hard: { lambda: 0 },
  'hard + soft': { lambda: 10 },
  // The hard part is a sum over labels here: as a mean, the soft one would weigh so much more.
  'hard + soft, lambda times labels': { lambda: 10 * 64 },
};
const chosen = Object.entries(variants).filter(([name]) => !options.variants || options.variants.split(';').includes(name));
const centres = [...(await centresOf(datasets.test)), ...(await centresOf(datasets.voc))];
console.log(`${centres.length} objects in ${datasets.test.annotations.images.length + datasets.voc.annotations.images.length} test images`); // prettier-ignore
const table = new Map(chosen.map(([name]) => [name, { heldOut: [], heldOutLabels: [], seen: [], apHeldOut: [], apSeen: [] }]));
for (let seed = 1; seed <= Number(options.seeds); seed++) {
  // Folds: each label is held out once in as many seeds.
  const folds = Number(options.folds);
  const order = shuffled(names, Math.ceil(seed / folds));
  const heldOut = order.filter((_, i) => i % folds === (seed - 1) % folds);
  const seen = names.filter((label) => !heldOut.includes(label));
  for (const [name, { lambda, epochs = Number(options.epochs), ...more }] of chosen) {
    const begin = performance.now();
    const vectors = rowsOf(seen);
    const similarity = labelSimilarity(vectors, seen.length);
    const {
      model: made,
      layers,
      history,
    } = await trainHeads({
      model,
      datasets: [datasets.train],
      heads: [{ labels: labelSpace('seen', seen), classifier: { kind: 'text', vectors }, start: 'discriminant' }],
      unknownLabels: 'ignore',
      loss: lambda < 0 ? 'heatmap' : () => hardSoftLoss({ similarity, lambda }),
      epochs,
      schedule: { kind: 'cosine', rate: Number(options.rate), warmup: 10 },
      negatives: Number(options.negatives),
      seed,
      only: true,
      device: 'wasm',
      cache,
      ...more,
    });
    const row = table.get(name);
    const [objects, labels] = topOne(layers[0], heldOut, centres);
    row.heldOut.push(objects);
    row.heldOutLabels.push(labels);
    row.seen.push(topOne(layers[0], seen, centres)[0]);
    if (options.ap) {
      const scores = await groupAp50(made, [heldOut, seen], datasets.test);
      row.apHeldOut.push(scores[0]);
      row.apSeen.push(scores[1]);
    }
    const last = Object.values(row).map((list) => list.at(-1)?.toFixed(3)).join(' '); // prettier-ignore
    console.log(`seed ${seed}, ${name}: ${last}, loss ${history[0]?.loss.toFixed(2)} -> ${history.at(-1)?.loss.toFixed(2)}, ${((performance.now() - begin) / 1000).toFixed(0)} s`); // prettier-ignore
  }
}
const ap = options.ap ? [' AP50, held-out | AP50, seen |', ' ---: | ---: |'] : ['', ''];
console.log(
  `\n| loss | top-1, held-out objects | mean over held-out labels | top-1, seen objects |${ap[0]}\n| --- | ---: | ---: | ---: |${ap[1]}`,
);
for (const [name, row] of table)
  console.log(`| ${name} | ${Object.values(row).filter(({ length }) => length > 0).map((list) => summary(list)).join(' | ')} |`); // prettier-ignore
