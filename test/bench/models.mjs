// Each detector that stands here, from the bytes of an image at the size of its network to detections, on one thread in Chromium: labelweave beside ONNX
// Runtime Web (ONNX files) and LiteRT.js (TFLite files). Engines take turns frame by frame; all must find the same before any time is taken.
//
// npm run build && node test/bench/models.mjs [--rounds 20] [--warmup 3] [--models centernet,fastestdet,...] [--threshold 0.3] [--image PHOTO] [--json FILE]
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { installPeers } from './peers.mjs';
import { formatTable, median } from './table.mjs';

/** Milliseconds between turns. */
const REST = 10;

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    warmup: { type: 'string', default: '3' },
    models: { type: 'string' },
    threshold: { type: 'string', default: '0.3' },
    image: { type: 'string' },
    json: { type: 'string' },
  },
});
const [rounds, warmup, threshold] = ['rounds', 'warmup', 'threshold'].map((name) => {
  const value = Number(options[name]);
  if (!(value > 0)) throw new Error(`--${name}: found ${options[name]}; wanted a number above 0.`);
  return value;
});

const peers = installPeers();
const [{ openChromium }, { defaultPhoto, out, prepare, readPixels, root }, { checkAgreement }] = await Promise.all([
  import('./lanes.mjs'),
  import('./prepare.mjs'),
  import('./agreement.mjs'),
]);
const { default: own } = await import(`${root}package.json`, { with: { type: 'json' } });

const shared = fileURLToPath(new URL('../../../shared/data/', import.meta.url));
const manifestOf = async (name) => (await import(`${root}examples/models/${name}.mjs`)).manifest;
const onnx = async (id, title, example, photo) => {
  const manifest = await manifestOf(example);
  return { id, title, manifest, source: join(shared, 'models', manifest.graph.file), peer: 'onnxruntime', photo };
};
/** No package of the SSD names its data file. */
const objectron = createRequire(import.meta.url)
  .resolve('@mediapipe/objectron/package.json')
  .replace(/package\.json$/, '');
const ssd = await manifestOf('ssd-openimages');
const models = [
  { id: 'centernet', title: 'CenterNet, 512 x 512', peer: 'onnxruntime', photo: 'dog' },
  await onnx('fastestdet', 'FastestDet, 352 x 352', 'fastestdet', 'dog'),
  await onnx('yolo-fastest-coco', 'yolo-fastest 1.1 COCO, 320 x 320', 'yolo-fastest-coco', 'dog'),
  await onnx('yolo-fastest-voc', 'yolo-fastest v2 VOC, 320 x 320', 'yolo-fastest-voc', 'dog'),
  await onnx('yoloface', 'YoloFace 500k, 352 x 288', 'yoloface', 'bus'),
  {
    id: 'ssd',
    title: 'SSD-MobileNetV2, 300 x 300',
    manifest: ssd,
    source: join(objectron, ssd.graph.file),
    offset: ssd.graph.offset,
    peer: 'litert',
    photo: 'dog',
  },
];
const wanted = options.models?.split(',') ?? models.map(({ id }) => id);
for (const id of wanted)
  if (!models.some((model) => model.id === id))
    throw new Error(`--models: found ${id}; wanted some of ${models.map((model) => model.id).join(', ')}.`);
const chosen = models.filter(({ id }) => wanted.includes(id));
const here = chosen.filter(({ source }) => source === undefined || existsSync(source));
for (const { title, source } of chosen)
  if (source && !existsSync(source)) console.log(`Absent, not measured: ${title} (${source})`);

const peerEngines = {
  onnxruntime: { title: 'ONNX Runtime Web', module: 'model-onnxruntime', version: peers['onnxruntime-web'] },
  litert: { title: 'LiteRT.js', module: 'model-litert', version: peers['@litertjs/core'] },
};
const photoOf = ({ photo }) => options.image ?? [join(shared, `detections/${photo}.jpg`), defaultPhoto()].find(existsSync);

console.error('Preparing ...');
await prepare(await readPixels(photoOf({ photo: 'dog' })));
const page = join(out, 'page');
await mkdir(join(page, 'detectors'), { recursive: true });
for (const model of here) {
  if (!model.manifest) {
    model.image = { width: 512, height: 512 };
    continue;
  }
  const { width, height } = model.manifest.input;
  const pixels = await sharp(photoOf(model))
    .rotate()
    .resize(width, height, { fit: 'fill' })
    .toColourspace('srgb')
    .removeAlpha()
    .raw()
    .toBuffer();
  model.image = { width, height, file: `/detectors/${model.id}.rgb` };
  await writeFile(join(page, 'detectors', `${model.id}.rgb`), pixels);
  const target = join(page, 'detectors', model.id);
  if (model.offset) await writeFile(target, (await readFile(model.source)).subarray(model.offset));
  else await copyFile(model.source, target);
}

const browser = await openChromium();
const report = { date: new Date().toISOString(), machine: { cpu: cpus()[0]?.model, cores: cpus().length, load: loadavg()[0] }, chromium: browser.version, rounds, results: [] }; // prettier-ignore
try {
  for (const model of here) report.results.push(await measure(model));
} finally {
  await browser.close();
}
report.machine.loadAfter = loadavg()[0];
if (options.json) await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`);
console.log(`\nChromium ${browser.version}, 1 thread, ${rounds} rounds, load ${report.machine.load.toFixed(1)} to ${report.machine.loadAfter.toFixed(1)}; labelweave ${own.version}\n`); // prettier-ignore
console.log(
  formatTable(
    ['model', 'objects', 'labelweave ms', 'beside', 'its ms', 'labelweave / it'],
    report.results.map(({ title, objects, times: [ours, theirs], peer, ratio }) => [
      title,
      objects,
      median(ours).toFixed(1),
      peer,
      median(theirs).toFixed(1),
      `${ratio.toFixed(2)}x`,
    ]),
  ),
);

/** One model on two engines: agreement, then turns. */
async function measure(model) {
  const { id, title, manifest, image } = model;
  const peer = peerEngines[model.peer];
  // The default model has engines of its own, see speed.mjs.
  const engines = manifest
    ? ['model-labelweave', peer.module].map((module, i) => ({ title: i === 0 ? 'labelweave' : peer.title, module, options: { manifest, file: `/detectors/${id}` } })) // prettier-ignore
    : ['labelweave', 'onnxruntime'].map((module) => ({ title: module, module }));
  console.error(`${title} ...`);
  const lanes = engines.map((engine) => ({ engine, times: [], host: browser.lane(engine, { threads: 1, threshold, image }) }));
  try {
    for (const lane of lanes) lane.opened = await lane.host.open();
    checkAgreement(lanes, { image, threshold });
    for (let round = -warmup; round < rounds; round++) {
      for (const lane of lanes) {
        const { ms } = await lane.host.detect();
        if (round >= 0) lane.times.push(ms);
        await sleep(REST);
      }
    }
  } finally {
    await Promise.allSettled(lanes.map((lane) => lane.host.close()));
  }
  const [ours, theirs] = lanes.map((lane) => lane.times);
  // Turn by turn, so that a machine that slows down for a while slows down both.
  const ratio = median(ours.map((ms, i) => ms / theirs[i]));
  return {
    id,
    title,
    peer: `${peer.title} ${peer.version}`,
    objects: lanes[0].opened.detections.length,
    times: [ours, theirs],
    ratio,
  };
}
