// Measures whole image to detections, labelweave's WASM runtime beside its peers on the same network and the same bytes, in one run: engines take
// turns frame by frame. Checks that all find the same before any time is taken; asserts nothing about time. `npm run bench` builds and runs it.
//
// node test/bench/speed.mjs [--rounds 30] [--warmup 5] [--loads 5] [--threads 1,2] [--hosts node,chromium] [--engines labelweave,tfjs,...]
//   [--image PHOTO|FILE.rgb] [--threshold 0.3] [--json FILE]
import { writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { installPeers } from './peers.mjs';
import { formatTable, median } from './table.mjs';

/** What float32 sums in another order may change: a score by 1e-4, a box by 0.05 pixels at 512 x 512. */
const SCORE_TOLERANCE = 1e-4;
const BOX_TOLERANCE = 0.05;
/** Rest between turns, in ms: threads that spin before they sleep must not run into the next engine's time. */
const REST = 10;

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '30' },
    warmup: { type: 'string', default: '5' },
    loads: { type: 'string', default: '5' },
    threads: { type: 'string', default: '1,2' },
    hosts: { type: 'string', default: 'node,chromium' },
    engines: { type: 'string' },
    image: { type: 'string' },
    threshold: { type: 'string', default: '0.3' },
    json: { type: 'string' },
  },
});
const [rounds, warmup, loads, threshold] = ['rounds', 'warmup', 'loads', 'threshold'].map((name) => {
  const value = Number(options[name]);
  if (!(value > 0)) throw new Error(`--${name}: found ${options[name]}; wanted a number above 0.`);
  return value;
});

const peers = installPeers();
// These import the peers and the built package.
const [{ engines: allEngines, nodeLane, openChromium }, { prepare, readPixels, root }] = await Promise.all([
  import('./lanes.mjs'),
  import('./prepare.mjs'),
]);
const wantedIds = options.engines?.split(',') ?? allEngines.map(({ id }) => id);
const engines = wantedIds.map((id) => {
  const engine = allEngines.find((one) => one.id === id);
  if (!engine) throw new Error(`--engines: found ${id}; wanted some of ${allEngines.map((one) => one.id).join(', ')}.`);
  return engine;
});
const { default: own } = await import(`${root}package.json`, { with: { type: 'json' } });
const version = ({ peer }) => (peer ? peers[peer] : own.version);

const image = await readPixels(options.image);
console.error('Preparing ...');
await prepare(image);
await checkNetworks();

const browser = options.hosts.includes('chromium') ? await openChromium() : undefined;
const report = {
  date: new Date().toISOString(),
  machine: { cpu: cpus()[0]?.model, cores: cpus().length, load: loadavg()[0] },
  node: process.version,
  chromium: browser?.version,
  rounds,
  results: [],
};
try {
  for (const host of options.hosts.split(',')) {
    for (const threads of options.threads.split(',').map(Number)) {
      const makeLane = host === 'node' ? nodeLane : browser.lane;
      report.results.push(await measure(host, threads, (engine) => makeLane(engine, { threads, threshold, image })));
    }
  }
} finally {
  await browser?.close();
}
report.machine.loadAfter = loadavg()[0];
if (options.json) await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`);

/** One host and number of threads: loads, then agreement, then turns. Prints its table and returns its figures. */
async function measure(host, threads, makeLane) {
  const name = `${host === 'node' ? `Node ${process.version}` : `Chromium ${browser.version}`}, ${threads === 1 ? '1 thread' : `${threads} threads`}`;
  console.error(`${name} ...`);
  const lanes = engines.map((engine) => ({ engine, loadTimes: [], times: [] }));
  let failure;
  try {
    for (let i = 0; i < loads; i++) {
      for (const lane of lanes) {
        await lane.host?.close();
        lane.host = makeLane(lane.engine);
        Object.assign(lane, { opened: undefined }, { opened: await lane.host.open() });
        lane.loadTimes.push(lane.opened.ms);
        await sleep(REST);
      }
    }
    checkAgreement(lanes);
    for (let round = -warmup; round < rounds; round++) {
      for (const lane of lanes) {
        const { ms } = await lane.host.detect();
        if (round >= 0) lane.times.push(ms);
        await sleep(REST);
      }
    }
  } catch (error) {
    failure = error;
  }
  await Promise.all(lanes.map((lane) => lane.host?.close()));
  if (failure) throw failure;

  const [first] = lanes;
  const result = {
    host,
    threads,
    engines: lanes.map(({ engine, times, loadTimes, opened }) => ({
      id: engine.id,
      title: engine.title,
      version: version(engine),
      description: opened.description,
      detections: opened.detections.length,
      median: median(times),
      min: Math.min(...times),
      // Turn by turn, so that a machine that slows down for a while slows down both sides.
      ratio: median(times.map((time, i) => time / first.times[i])),
      loadToFirst: median(loadTimes),
      code: opened.code,
      times,
      loadTimes,
    })),
  };
  const kB = (bytes) => (bytes / 1000).toFixed(0);
  const inPages = host === 'chromium';
  const head = [
    'engine',
    'version',
    'median ms',
    'min ms',
    `time / ${first.engine.id}`,
    `${first.engine.id} / it`,
    'load to first ms',
  ];
  const rows = result.engines.map((row) => [
    row.title,
    row.version,
    row.median.toFixed(1),
    row.min.toFixed(1),
    `${row.ratio.toFixed(2)}x`,
    `${(1 / row.ratio).toFixed(2)}x`,
    row.loadToFirst.toFixed(0),
    ...(inPages ? [kB(row.code.bytes), kB(row.code.gzip)] : []),
  ]);
  console.log(`\n${name}\n${formatTable(inPages ? [...head, 'code kB', 'gzip kB'] : head, rows)}`);
  return result;
}

/** Every engine must find what the first one finds; detections within the tolerance of the threshold may come or go. */
function checkAgreement(lanes) {
  const reference = lanes[0].opened.detections;
  if (reference.length === 0)
    throw new Error('agreement: found no detection in the image; wanted a picture with objects, see --image.');
  for (const { engine, opened } of lanes) {
    for (const [found, wanted] of [
      [opened.detections, reference],
      [reference, opened.detections],
    ]) {
      for (const detection of wanted) {
        if (detection.score <= threshold + SCORE_TOLERANCE) continue;
        if (!found.some((other) => sameDetection(other, detection))) {
          throw new Error(
            `agreement: ${engine.title} and ${lanes[0].engine.title} differ: found no partner of ${JSON.stringify(detection)} in ${JSON.stringify(found)}.`,
          );
        }
      }
    }
  }
}

/** Boxes are compared inside the image: labelweave cuts them there, the peers do not. */
function sameDetection(a, b) {
  const inside = ({ box }) => box.map((v, i) => Math.min(Math.max(v, 0), i % 2 ? image.height : image.width));
  const [boxA, boxB] = [inside(a), inside(b)];
  return (
    a.label === b.label &&
    Math.abs(a.score - b.score) <= SCORE_TOLERANCE &&
    boxA.every((side, i) => Math.abs(side - boxB[i]) <= BOX_TOLERANCE)
  );
}

/** The ONNX file is our own conversion: its logits and sizes must be those of TF.js, everywhere. */
async function checkNetworks() {
  const both = ['tfjs', 'onnxruntime'].map((id) => allEngines.find((engine) => engine.id === id));
  if (!wantedIds.includes('onnxruntime')) return;
  const [[logits, sizes], [onnxLogits, onnxSizes]] = await Promise.all(
    both.map(async (engine) => {
      const lane = nodeLane(engine, { threads: 1, threshold, image });
      await lane.open();
      const raw = await lane.raw();
      await lane.close();
      return raw;
    }),
  );
  const sigmoid = (x) => 1 / (1 + Math.exp(-x));
  const worst = (a, b, difference) => {
    if (a.length !== b.length) throw new Error(`to-onnx: found ${b.length} numbers; wanted ${a.length}, as TF.js gives.`);
    return a.reduce((most, value, i) => Math.max(most, difference(value, b[i])), 0);
  };
  const score = worst(logits, onnxLogits, (a, b) => Math.abs(sigmoid(a) - sigmoid(b)));
  const size = worst(sizes, onnxSizes, (a, b) => Math.abs(a - b));
  console.error(
    `ONNX file against TF.js, all ${logits.length + sizes.length} outputs: scores within ${score.toExponential(1)}, sizes within ${size.toExponential(1)} pixels`,
  );
  if (!(score <= SCORE_TOLERANCE && size <= BOX_TOLERANCE)) {
    throw new Error(
      `to-onnx: found differences of ${score} (scores) and ${size} pixels (sizes); wanted at most ${SCORE_TOLERANCE} and ${BOX_TOLERANCE}.`,
    );
  }
}
