// `npm run demo`: the main job on a real photo, twice, with one loaded network: first in the model's own labels, then in labels of our choice.
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { loadDetector } from 'labelweave';
import { drawOnFrame, toFrame, writePng } from 'labelweave/node';
import centernet from 'labelweave/models/centernet-mbv3';

// A photo that stands in an npm package (a development dependency, MIT).
const photo = createRequire(import.meta.url).resolve('startbootstrap-business-casual/dist/assets/img/products-01.jpg');
const frame = await toFrame(photo);

const start = performance.now();
const detector = await loadDetector(centernet);
console.log(`${detector.model.name} on ${detector.device.description}, loaded in ${(performance.now() - start).toFixed(0)} ms`);
for (const { kind, reason } of detector.device.why) console.log(`  not ${kind}: ${reason}`);

const own = await detector.detect(frame);
print('The model’s own labels (COCO)', own);

// COCO is in two minds: is it a cup or a bowl? In our café both are a drink. No reload: the scores of grouped labels are combined on the
// network's own score map, so each drink is found once, with the confidence of both.
const cafe = {
  name: 'café',
  labels: { drink: ['cup', 'bowl', 'wine glass', 'bottle'], table: 'dining table' },
  combine: 'noisy_or',
};
const mine = await detector.detect(frame, { labels: cafe });
print('Labels written down at run time (café)', mine);

await mkdir('build/demo', { recursive: true });
await writePng('build/demo/coco.png', drawOnFrame(frame, own));
await writePng('build/demo/cafe.png', drawOnFrame(frame, mine));
console.log('\nPictures: build/demo/coco.png, build/demo/cafe.png');
detector.dispose();

function print(title, detections) {
  console.log(`\n${title}`);
  for (const { label, score, box } of detections) {
    console.log(`  ${label.padEnd(12)} ${score.toFixed(3)}  [${box.map((v) => v.toFixed(0).padStart(4)).join(', ')}]`);
  }
}
