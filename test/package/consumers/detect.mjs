// A user's program in Node, Deno or Bun: detects on a photo in the model's labels and in others, prints one line of JSON.
import { loadDetector } from 'labelweave';
import centernet from 'labelweave/models/centernet-mbv3';

const plain = (detections) => [...detections].map(({ label, score, box }) => ({ label, score, box: [...box] }));

const detector = await loadDetector(centernet, { device: 'wasm' });
const own = await detector.detect('photo.jpg');
const grouped = await detector.detect('photo.jpg', { labels: { labels: { someone: ['person'] } } });
console.log(JSON.stringify({ own: plain(own), grouped: plain(grouped), device: detector.device.description }));
detector.dispose();
