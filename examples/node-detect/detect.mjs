// Objects in a photo, in Node or Bun: node examples/node-detect/detect.mjs photo.jpg
import { loadDetector } from 'labelweave';
import centernet from 'labelweave/models/centernet-mbv3';

const detector = await loadDetector(centernet, { device: 'auto' });
const detections = await detector.detect(process.argv[2], { scoreThreshold: 0.3 });
for (const { label, score, box } of detections) console.log(label, score.toFixed(2), box.map(Math.round));

const vehicles = await detector.detect(process.argv[2], { labels: { labels: { vehicle: ['car', 'truck', 'bus'] } } });
console.log(vehicles.length, 'vehicles, on', detector.device.description);
detector.dispose();
