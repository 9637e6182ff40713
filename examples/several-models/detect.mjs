// Several detectors as one: node examples/several-models/detect.mjs taxonomy.json photo.jpg MODEL MODEL... (folders or URLs of model packages)
import { readFile } from 'node:fs/promises';
import { loadDetector } from 'labelweave';
import { readTaxonomy } from 'labelweave/taxonomy/file';
import centernet from 'labelweave/models/centernet-mbv3';

const [taxonomy, photo, ...models] = process.argv.slice(2);
const labels = readTaxonomy(await readFile(taxonomy, 'utf8'));
const detector = await loadDetector([centernet, ...models], { labels });
for (const { label, score, support } of await detector.detect(photo)) {
  const said = support.map(({ model, labels: [own], score }) => `${model}: ${own.dataset} ${own.name} ${score.toFixed(2)}`);
  console.log(label, score.toFixed(2), `(${said.join(', ')})`);
}
detector.dispose();
