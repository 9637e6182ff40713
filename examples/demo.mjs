// `npm run demo`: the main job on a real photo, twice, with one loaded network: first in the model's own labels, then in labels of our choice.
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { loadDetector } from 'labelweave';
import { drawOnFrame, toFrame, writePng } from 'labelweave/node';
import centernet from 'labelweave/models/centernet-mbv3';

// A photo that stands in an npm package (a development dependency, MIT).
const photo = createRequire(import.meta.url).resolve('startbootstrap-creative/dist/assets/img/bg-masthead.jpg');
const frame = await toFrame(photo);

const start = performance.now();
const detector = await loadDetector(centernet);
console.log(`${detector.model.name} on ${detector.device.description}, loaded in ${(performance.now() - start).toFixed(0)} ms`);
for (const { kind, reason } of detector.device.why) console.log(`  not ${kind}: ${reason}`);

const own = await detector.detect(frame);
print('The model’s own labels (COCO)', own);

// Another label space, without loading anything again: groups, new names, everything else left out.
const workplace = { name: 'workplace', labels: { seat: ['chair', 'couch', 'bench'], computer: ['laptop', 'mouse', 'keyboard', 'tv'] } };
const mine = await detector.detect(frame, { labels: workplace });
print('Labels written down at run time (workplace)', mine);

await mkdir('build/demo', { recursive: true });
await writePng('build/demo/coco.png', drawOnFrame(frame, own));
await writePng('build/demo/workplace.png', drawOnFrame(frame, mine));
console.log('\nPictures: build/demo/coco.png, build/demo/workplace.png');
detector.dispose();

function print(title, detections) {
  console.log(`\n${title}`);
  for (const { label, score, box } of detections) {
    console.log(`  ${label.padEnd(12)} ${score.toFixed(3)}  [${box.map((v) => v.toFixed(0).padStart(4)).join(', ')}]`);
  }
}
