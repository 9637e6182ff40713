// Measures whole image to detections, labelweave's WASM runtime beside its peers on the same network and the same bytes, in one run: engines take
// turns frame by frame. Checks that all find the same before any time is taken; asserts nothing about time. `npm run bench` builds and runs it.
//
// node test/bench/speed.mjs [--rounds 30] [--burst 1] [--warmup 5] [--loads 5] [--threads 1,2] [--hosts node,chromium] [--engines labelweave,tfjs,...]
//   [--image PHOTO|FILE.rgb] [--threshold 0.3] [--json FILE]
import { writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { BOX_TOLERANCE, checkAgreement, SCORE_TOLERANCE } from './agreement.mjs';
import { installPeers } from './peers.mjs';
import { formatTable, median } from './table.mjs';

/** Rest between turns, in ms: threads that spin before they sleep must not run into the next engine's time. */
const REST = 10;

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '30' },
    burst: { type: 'string', default: '1' },
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
const [rounds, burst, warmup, loads, threshold] = ['rounds', 'burst', 'warmup', 'loads', 'threshold'].map((name) => {
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
  burst,
  results: [],
};
try {
  for (const host of options.hosts.split(',')) {
    report.results.push(...(await measure(host, options.threads.split(',').map(Number))));
  }
} finally {
  await browser?.close();
}
report.machine.loadAfter = loadavg()[0];
if (options.json) await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`);

/** One host: loads, then agreement, then turns of every engine at every number of threads. Prints a table each and returns the figures. */
async function measure(host, threadCounts) {
  const hostName = host === 'node' ? `Node ${process.version}` : `Chromium ${browser.version}`;
  console.error(`${hostName} ...`);
  const makeLane = host === 'node' ? nodeLane : browser.lane;
  const lanes = threadCounts.flatMap((threads) => engines.map((engine) => ({ engine, threads, loadTimes: [], times: [] })));
  try {
    for (let i = 0; i < loads; i++) {
      for (const lane of lanes) {
        await lane.host?.close();
        lane.host = makeLane(lane.engine, { threads: lane.threads, threshold, image });
        lane.opened = await lane.host.open();
        lane.loadTimes.push(lane.opened.ms);
        await sleep(REST);
      }
    }
    checkAgreement(lanes, { image, threshold });
    for (let round = -warmup; round < rounds; round++) {
      for (const lane of lanes) {
        for (let frame = 0; frame < burst; frame++) {
          const { ms } = await lane.host.detect();
          if (round >= 0) lane.times.push(ms);
        }
        await sleep(REST);
      }
    }
  } finally {
    await Promise.allSettled(lanes.map((lane) => lane.host?.close()));
  }

  // Ratios are taken turn by turn, so that a machine that slows down for a while slows down both sides.
  const ratio = (a, b) => median(a.times.map((time, i) => time / b.times[i]));
  const [first] = lanes;
  const results = threadCounts.map((threads) => {
    const own = lanes.filter((lane) => lane.threads === threads);
    return {
      host,
      threads,
      engines: own.map((lane) => ({
        id: lane.engine.id,
        title: lane.engine.title,
        version: version(lane.engine),
        description: lane.opened.description,
        detections: lane.opened.detections.length,
        median: median(lane.times),
        min: Math.min(...lane.times),
        ratio: ratio(lane, own[0]),
        speedup: ratio(
          lanes.find(({ engine }) => engine === lane.engine),
          lane,
        ),
        loadToFirst: median(lane.loadTimes),
        code: lane.opened.code,
        times: lane.times,
        loadTimes: lane.loadTimes,
      })),
    };
  });

  const kB = (bytes) => (bytes / 1000).toFixed(0);
  const { id } = first.engine;
  const optional = [
    ['threads gain', ({ speedup }) => `${speedup.toFixed(2)}x`, (threads) => threads !== threadCounts[0]],
    ['code kB', ({ code }) => kB(code.bytes), () => host === 'chromium'],
    ['gzip kB', ({ code }) => kB(code.gzip), () => host === 'chromium'],
  ];
  for (const { threads, engines: rows } of results) {
    const more = optional.filter(([, , wanted]) => wanted(threads));
    const head = [
      'engine',
      'version',
      'median ms',
      'min ms',
      `time / ${id}`,
      `${id} / it`,
      'load to first ms',
      ...more.map(([title]) => title),
    ];
    const cells = rows.map((row) => [
      row.title,
      row.version,
      row.median.toFixed(1),
      row.min.toFixed(1),
      `${row.ratio.toFixed(2)}x`,
      `${(1 / row.ratio).toFixed(2)}x`,
      row.loadToFirst.toFixed(0),
      ...more.map(([, cell]) => cell(row)),
    ]);
    console.log(
      `\n${hostName}, ${threads === 1 ? '1 thread' : `${threads} threads`} (${rows[0].title}: ${rows[0].description})\n`,
    );
    console.log(formatTable(head, cells));
  }
  return results;
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
