// AP of several COCO detectors as one, under each way of fusing, on the 80 images of ../shared/data/coco-val80. Prints its table; needs a built dist.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = new URL('../../', import.meta.url);
const shared = new URL('../shared/data/', root);
if (!existsSync(shared)) {
  console.error(`shared data: found none at ${fileURLToPath(shared)}; wanted the models and images that this bench is about.`);
  process.exit(1);
}
const { loadDetector } = await import(new URL('dist/index.js', root).href);
const { evaluateCoco } = await import(new URL('dist/evaluate/index.js', root).href);
const { default: centernet } = await import(new URL('dist/models/centernet-mbv3/index.js', root).href);
const model = async (name) => {
  const { manifest } = await import(new URL(`examples/models/${name}.mjs`, root).href);
  return {
    manifest,
    files: { [manifest.graph.file]: pathToFileURL(fileURLToPath(new URL(`models/${manifest.graph.file}`, shared))) },
  };
};
const models = [centernet, await model('fastestdet'), await model('yolo-fastest-coco')];
const groundTruth = new Uint8Array(readFileSync(new URL('coco-val80/instances.json', shared)));
const { images } = JSON.parse(new TextDecoder().decode(groundTruth));

async function ap(name, detector, options = {}) {
  const rows = [];
  for (const { id, file_name: file } of images) {
    const image = new URL(`coco-val80/images/${file}`, shared);
    rows.push(...(await detector.detect(image, { scoreThreshold: 0.02, ...options })).toCoco({ imageId: id }));
  }
  const detections = new TextEncoder().encode(JSON.stringify(rows));
  const { stats } = await evaluateCoco({ groundTruth, detections, iouType: 'bbox' });
  console.log(`| ${name} | ${stats[0].toFixed(4)} | ${stats[1].toFixed(4)} | ${stats[2].toFixed(4)} |`);
}

console.log('| detector | AP | AP50 | AP75 |\n| --- | ---: | ---: | ---: |');
for (const source of models) {
  const detector = await loadDetector(source, { device: 'wasm' });
  await ap(detector.model.name, detector);
  detector.dispose();
}
const ensemble = await loadDetector(models, { device: 'wasm' });
for (const fusion of [
  { method: 'nms' },
  { score: 'max' },
  { score: 'average' },
  { score: 'max', weights: [3, 1, 1] },
  { score: 'average', weights: [3, 1, 1] },
  { score: 'average', weights: [3, 1, 1], iouThreshold: 0.6 },
]) {
  await ap(`all three, ${JSON.stringify(fusion)}`, ensemble, { fusion });
}
ensemble.dispose();
