// Runs many frames and prints what the process holds after garbage collection: the heap, its array buffers (WASM memory among them) and the resident
// set. Nothing is asserted here; a figure that climbs with the frames is a leak.
//
// node test/bench/memory.mjs [--frames 500] [--every 50] [--threads 1] [--device wasm|webgpu] [--json FILE]
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import sharp from 'sharp';
import { loadDetector } from '../../dist/index.js';
import { assets, defaultPhoto } from './prepare.mjs';
import { formatTable } from './table.mjs';

const { values: options } = parseArgs({
  options: {
    frames: { type: 'string', default: '500' },
    every: { type: 'string', default: '50' },
    threads: { type: 'string', default: '1' },
    device: { type: 'string', default: 'wasm' },
    json: { type: 'string' },
  },
});
const [frames, every, threads] = ['frames', 'every', 'threads'].map((name) => {
  const value = Number(options[name]);
  if (!(Number.isInteger(value) && value > 0))
    throw new Error(`--${name}: found ${options[name]}; wanted a whole number above 0.`);
  return value;
});

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
const MB = 2 ** 20;

/** Frames of three sizes in turn, so that what depends on the size is met again and again. */
const sizes = [
  [512, 512],
  [800, 718],
  [1280, 720],
];
const images = await Promise.all(
  sizes.map(async ([width, height]) => {
    const data = await sharp(defaultPhoto()).resize(width, height, { fit: 'fill' }).removeAlpha().raw().toBuffer();
    return { data: new Uint8Array(data), width, height, channels: 3 };
  }),
);

const detector = await loadDetector(assets.node.labelweave, { device: options.device, threads });
const { constants, arena, other } = detector.memory;
console.log(
  `${detector.device.description}; held by the network: constants ${mb(constants)}, arena ${mb(arena)}, other ${mb(other)} MB`,
);

const samples = [];
let found = 0;
for (let frame = 0; frame <= frames; frame++) {
  if (frame % every === 0) {
    collect();
    const { heapUsed, arrayBuffers, external, rss } = process.memoryUsage();
    samples.push({ frame, heap: heapUsed / MB, arrayBuffers: arrayBuffers / MB, external: external / MB, rss: rss / MB });
  }
  if (frame < frames) found += (await detector.detect(images[frame % images.length])).length;
}
detector.dispose();
if (found === 0) throw new Error('memory: found no detections in all frames; wanted some, or nothing was measured.');

const rows = samples.map(({ frame, heap, arrayBuffers, external, rss }) => [
  frame,
  ...[heap, arrayBuffers, external, rss].map((v) => v.toFixed(2)),
]);
console.log(formatTable(['frame', 'heap MB', 'array buffers MB', 'external MB', 'resident MB'], rows));
// The first fifth is warm-up: compiled code and pools grow there.
const steady = samples.filter(({ frame }) => frame >= frames / 5);
const growth = (key) => (steady.at(-1)[key] - steady[0][key]).toFixed(2);
console.log(`From frame ${steady[0].frame} to ${steady.at(-1).frame}: heap ${growth('heap')} MB, resident ${growth('rss')} MB.`);
if (options.json) await writeFile(options.json, `${JSON.stringify({ node: process.version, threads, samples }, null, 2)}\n`);

function mb(bytes) {
  return (bytes / MB).toFixed(1);
}
