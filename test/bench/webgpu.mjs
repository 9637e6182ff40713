// Measures whole image to detections on WebGPU, labelweave beside TF.js and ONNX Runtime Web on the same network and the same bytes: Chromium on
// SwiftShader, Deno on llvmpipe (or on the GPU of the machine, see --adapter). Checks agreement first; asserts nothing about time. Software adapters
// say how much work the kernels do, not how fast a GPU is.
//
// node test/bench/webgpu.mjs [--rounds 3] [--hosts chromium,deno] [--engines labelweave,tfjs,onnxruntime] [--adapter software|hardware]
//   [--image PHOTO|FILE.rgb] [--threshold 0.3] [--json FILE]
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { checkAgreement } from './agreement.mjs';
import { llvmpipe } from '../chromium.mjs';
import { tools } from '../setup-tools.mjs';
import { installPeers } from './peers.mjs';
import { formatTable, median } from './table.mjs';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    hosts: { type: 'string', default: 'chromium,deno' },
    engines: { type: 'string', default: 'labelweave,tfjs,onnxruntime' },
    adapter: { type: 'string', default: 'software' },
    image: { type: 'string' },
    threshold: { type: 'string', default: '0.3' },
    json: { type: 'string' },
  },
});
const [rounds, threshold] = ['rounds', 'threshold'].map((name) => {
  const value = Number(options[name]);
  if (!(value > 0)) throw new Error(`--${name}: found ${options[name]}; wanted a number above 0.`);
  return value;
});

/** `hosts`: ONNX Runtime Web has no WebGPU in Deno. */
const allEngines = [
  { id: 'labelweave', title: 'labelweave', module: 'labelweave', hosts: ['chromium', 'deno'], options: { device: 'webgpu' } },
  {
    id: 'tfjs',
    title: 'TF.js webgpu',
    module: 'tfjs-webgpu',
    peer: '@tensorflow/tfjs-backend-webgpu',
    hosts: ['chromium', 'deno'],
    options: { device: 'webgpu', decode: 'script' },
  },
  {
    id: 'onnxruntime',
    title: 'ONNX Runtime Web webgpu',
    module: 'onnxruntime-webgpu',
    peer: 'onnxruntime-web',
    hosts: ['chromium'],
    options: { device: 'webgpu' },
  },
];
const engines = options.engines.split(',').map((id) => {
  const engine = allEngines.find((one) => one.id === id);
  if (!engine) throw new Error(`--engines: found ${id}; wanted some of ${allEngines.map((one) => one.id).join(', ')}.`);
  return engine;
});

const peers = installPeers();
const [{ openChromium }, { assets, out, prepare, readPixels, root }] = await Promise.all([
  import('./lanes.mjs'),
  import('./prepare.mjs'),
]);
const { default: own } = await import(`${root}package.json`, { with: { type: 'json' } });
const image = await readPixels(options.image);
console.error('Preparing ...');
await prepare(image);

const report = {
  date: new Date().toISOString(),
  machine: { cpu: cpus()[0]?.model, cores: cpus().length, load: loadavg()[0] },
  rounds,
  results: [],
};
for (const host of options.hosts.split(',')) report.results.push(...(await measure(host)));
report.machine.loadAfter = loadavg()[0];
if (options.json) await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`);

/** One host: opens every engine, checks agreement, then turns frame by frame. Prints a table and returns the figures. */
async function measure(host) {
  console.error(`${host} ...`);
  const hardware = options.adapter === 'hardware';
  const browser = host === 'chromium' ? await openChromium({ hardware }) : undefined;
  const make = browser ? browser.lane : (engine, given) => denoLane(engine, given, hardware);
  const lanes = engines.filter(({ hosts }) => hosts.includes(host)).map((engine) => ({ engine, times: [] }));
  try {
    for (const lane of lanes) {
      lane.host = make(lane.engine, { threshold, image });
      lane.opened = await lane.host.open();
      console.error(`  ${lane.engine.title}: first detections after ${(lane.opened.ms / 1000).toFixed(1)} s`);
    }
    checkAgreement(lanes, { image, threshold });
    // The second frame still compiles something in some engines.
    for (let round = -1; round < rounds; round++) {
      for (const lane of lanes) {
        const { submits } = await lane.host.gpu();
        const { ms } = await lane.host.detect();
        lane.submits = (await lane.host.gpu()).submits - submits;
        if (round >= 0) lane.times.push(ms);
      }
    }
    for (const lane of lanes) lane.gpu = await lane.host.gpu();
  } finally {
    await Promise.allSettled(lanes.map((lane) => lane.host?.close()));
    await browser?.close();
  }
  const [first] = lanes;
  const ratio = (lane) => median(lane.times.map((time, i) => time / first.times[i]));
  const results = lanes.map((lane) => ({
    host,
    id: lane.engine.id,
    title: lane.engine.title,
    version: lane.engine.peer ? peers[lane.engine.peer] : own.version,
    description: lane.opened.description,
    detections: lane.opened.detections.length,
    median: median(lane.times),
    min: Math.min(...lane.times),
    ratio: ratio(lane),
    loadToFirst: lane.opened.ms,
    compile: lane.opened.ms - median(lane.times),
    gpu: { ...lane.gpu, submits: lane.submits },
    times: lane.times,
  }));
  console.log(`\n${host}${browser ? ` ${browser.version}` : ''} (${first.opened.description})\n`);
  console.log(
    formatTable(
      ['engine', 'version', 'median ms', 'min ms', `time / ${first.engine.id}`, 'load to first ms', 'compile ms', 'pipelines', 'peak GPU MB', 'submits a frame'],
      results.map((row) => [
        row.title,
        row.version,
        row.median.toFixed(0),
        row.min.toFixed(0),
        `${row.ratio.toFixed(2)}x`,
        row.loadToFirst.toFixed(0),
        row.compile.toFixed(0),
        row.gpu.pipelines,
        (row.gpu.peak / 1e6).toFixed(1),
        row.gpu.submits,
      ]),
    ),
  ); // prettier-ignore
  return results;
}

/** A lane in a Deno process of its own. */
function denoLane(engine, { threshold, image }, hardware) {
  if (!existsSync(tools.deno)) throw new Error('Deno: not installed; run node test/setup-tools.mjs.');
  if (!hardware && !llvmpipe)
    throw new Error('llvmpipe: found no Vulkan driver; wanted Mesa (Debian: apt-get install mesa-vulkan-drivers libvulkan1).');
  const child = spawn(tools.deno, ['run', '--allow-all', join(root, 'test/bench/deno-host.mjs')], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...process.env, ...(hardware ? {} : { VK_ICD_FILENAMES: llvmpipe, VK_DRIVER_FILES: llvmpipe }) },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const order = async (name, argument) => {
    child.stdin.write(`${JSON.stringify({ order: name, argument })}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error(`${engine.title}: found its process ended; wanted an answer to "${name}".`);
    const { result, error } = JSON.parse(value);
    if (error) throw new Error(`${engine.title} in Deno: ${error}`);
    return result;
  };
  const module =
    engine.id === 'labelweave' ? join(root, 'test/bench/engines/labelweave.mjs') : join(out, `page/${engine.module}.mjs`);
  return {
    async open() {
      const page = join(out, `page/${engine.module}`);
      // Deno takes a file without a package.json near it for a module only by its ending.
      if (engine.id !== 'labelweave') await copyFile(`${page}.js`, `${page}.mjs`);
      const frame = { file: join(out, 'page/image.rgb'), width: image.width, height: image.height, channels: 3 };
      return order('open', { file: module, options: { ...engine.options, threshold, assets: assets.node }, frame });
    },
    detect: () => order('detect'),
    gpu: () => order('gpu'),
    close: async () => {
      child.stdin.end();
      child.kill();
    },
  };
}
