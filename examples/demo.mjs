// `npm run demo`: three detectors of three data sets as one, in one label space; then, with nothing loaded again, in labels of our own.
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { loadDetector } from 'labelweave';
import { drawOnFrame, toFrame, writePng } from 'labelweave/node';
import { readTaxonomy } from 'labelweave/taxonomy/file';
import centernet from 'labelweave/models/centernet-mbv3';
import { manifest as openImages } from './models/ssd-openimages.mjs';

const resolve = createRequire(import.meta.url).resolve;
const root = new URL('..', import.meta.url);

// COCO's 80 labels; 23 of Open Images, inside the npm package @mediapipe/objectron; faces (WIDER FACE), weights of the npm package @vladmandic/face-api.
const models = [
  centernet,
  {
    manifest: openImages,
    files: { [openImages.graph.file]: resolve('@mediapipe/objectron/objectron_solution_packed_assets.data') },
  },
  new URL('build/models/tiny-face/labelweave.json', root),
];
// Which of their labels are the same, and which is a kind of which, stands in a file that a person wrote.
const labels = readTaxonomy(await readFile(new URL('examples/taxonomies/everyday.json', root), 'utf8'));

const start = performance.now();
const detector = await loadDetector(models, { labels });
console.log(`${detector.models.map(({ name }) => name).join(' + ')}\non ${detector.device.description}, loaded in ${ms(start)}`);
for (const { kind, reason } of detector.device.why) console.log(`  not ${kind}: ${reason}`);

const datasets = labels.unified.datasets.map(({ name }) => name);
const colors = { coco: '#3b82f6', 'openimages-601': '#f59e0b', 'wider-face': '#ec4899', several: '#22c55e' };
console.log('\nColours: COCO blue, Open Images amber, WIDER FACE pink, several of them green.');

// Photos that stand in an npm package (MIT).
await mkdir('build/demo', { recursive: true });
for (const name of ['intro', 'products-01']) {
  const photo = resolve(`startbootstrap-business-casual/dist/assets/img/${name}.jpg`);
  const frame = await toFrame(photo);
  const begin = performance.now();
  const found = await detector.detect(frame);
  console.log(`\n${name}.jpg: ${labels.name}, ${ms(begin)}`);
  print(
    ['label', 'score', ...datasets],
    [...found].map(({ label, broader, score, support }) => [
      broader.length ? `${label} (${broader.join(', ')})` : label,
      score.toFixed(2),
      ...datasets.map((dataset) => said(support, dataset)),
    ]),
  );
  const color = (_label, _index, position) => {
    const speakers = [...new Set(found.support[position].flatMap((one) => one.labels.map(({ dataset }) => dataset)))];
    return speakers.length > 1 ? colors.several : colors[speakers[0]];
  };
  await writePng(`build/demo/${name}.png`, drawOnFrame(frame, found, { colors: color }));
}

// Is it a cup, a coffee cup, or a bowl? In our café all are a drink. The scores of grouped labels are combined on each network's own score map.
const cafe = {
  name: 'café',
  labels: {
    drink: ['cup', 'bowl', 'wine glass', 'Mug', 'Coffee cup', 'bottle'],
    table: ['dining table', 'Table'],
    guest: ['person', 'face'],
  },
  combine: 'noisy_or',
};
const frame = await toFrame(resolve('startbootstrap-business-casual/dist/assets/img/products-01.jpg'));
const mine = await detector.detect(frame, { labels: cafe });
console.log('\nproducts-01.jpg: labels written down at run time (café)');
print(
  ['label', 'score', 'box'],
  [...mine].map(({ label, score, box }) => [label, score.toFixed(2), `[${box.map((v) => v.toFixed(0).padStart(4)).join(', ')}]`]),
);
await writePng('build/demo/cafe.png', drawOnFrame(frame, mine));
console.log('\nPictures: build/demo/intro.png, build/demo/products-01.png, build/demo/cafe.png');
detector.dispose();

/** What the models of a data set said of one object. */
function said(support, dataset) {
  const own = support.filter((one) => one.labels.some((label) => label.dataset === dataset));
  if (own.length === 0) return '';
  const names = [...new Set(own.flatMap((one) => one.labels.map(({ name }) => name)))];
  return `${names.join('/')} ${own[0].score.toFixed(2)}`;
}

function print(header, rows) {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i].length)));
  for (const row of [header, ...rows]) console.log(`  ${row.map((cell, i) => cell.padEnd(widths[i])).join('  ')}`.trimEnd());
}

function ms(since) {
  return `${(performance.now() - since).toFixed(0)} ms`;
}
