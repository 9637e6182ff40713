// Your own ONNX or TFLite file: node examples/bring-your-model/detect.mjs fastestdet FOLDER photo.jpg
// A manifest says what goes in and what the results mean; FOLDER holds the file that it names. The manifests stand in examples/models.
import { loadDetector } from 'labelweave';

const [name, folder, photo] = process.argv.slice(2);
const { manifest } = await import(`../models/${name}.mjs`);
const detector = await loadDetector({ manifest, files: {}, base: folder });
for (const { label, score, box } of await detector.detect(photo)) console.log(label, score.toFixed(2), box.map(Math.round));
detector.dispose();
