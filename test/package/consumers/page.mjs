// A user's page: detects on an <img> in the model's labels and in others; a bundler or an import map finds the package.
import { loadDetector } from 'labelweave';
import centernet from 'labelweave/models/centernet-mbv3';

const plain = (detections) => [...detections].map(({ label, score, box }) => ({ label, score, box: [...box] }));

async function detect() {
  const image = new Image();
  image.src = '/photo.jpg';
  await image.decode();
  const detector = await loadDetector(centernet, { device: 'wasm' });
  const own = await detector.detect(image);
  const grouped = await detector.detect(image, { labels: { labels: { someone: ['person'] } } });
  detector.dispose();
  return { own: plain(own), grouped: plain(grouped), device: detector.device.description };
}

globalThis.result = detect();
globalThis.result.catch((error) => setTimeout(() => Promise.reject(error)));
