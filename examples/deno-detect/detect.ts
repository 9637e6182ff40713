// Objects in a photo, in Deno: deno run --allow-read --allow-env --allow-sys detect.ts photo.jpg
import { loadDetector } from 'labelweave';
import centernet from 'labelweave/models/centernet-mbv3';

const [photo] = Deno.args;
if (photo === undefined) throw new Error('usage: detect.ts PHOTO');

using detector = await loadDetector(centernet);
for (const { label, score, box } of await detector.detect(photo)) {
  console.log(label, score.toFixed(2), box.map(Math.round));
}
console.log('on', detector.device.description);
