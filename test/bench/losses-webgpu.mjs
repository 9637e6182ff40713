// Losses of labelweave/train and the MERGE of masks on WebGPU, forward and backward, and a step of training, beside the same composed of TF.js operators on its WebGPU backend: one
// page in Chromium, both on SwiftShader, or with --adapter hardware on the GPU of the machine.
//
// npm run build:wasm && (cd test/bench && npm ci) && node test/bench/losses-webgpu.mjs [--repeat 5] [--steps 10] [--only NAME,NAME] [--adapter software|hardware]
//
// All arrays are on the device before any time is taken. A clock starts before kernels are queued and ends when the device has done them: for a loss, when its
// value is on the host (the gradient stays where it is); for the merge, when the last gradient, that of the class logits, is; for steps of training, when the last of them is done. Turns alternate.
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright';
import { chromiumFlags, chromiumPath } from '../chromium.mjs';
import { bundleSources } from './bundle.mjs';
import { installPeers } from './peers.mjs';
import { formatTable, median } from './table.mjs';

const { values } = parseArgs({
  options: {
    repeat: { type: 'string', default: '5' },
    steps: { type: 'string', default: '10' },
    only: { type: 'string' },
    adapter: { type: 'string', default: 'software' },
  },
});
const [repeat, steps] = [Number(values.repeat), Number(values.steps)];
const software = values.adapter === 'software';

const heads = ['labelweave', 'TF.js webgpu', 'TF.js / it'];
/** Medians of both, and of the ratios turn by turn. */
function compared({ ours, tfjs }) {
  const ratios = tfjs.map((time, i) => time / ours[i]);
  return [median(ours).toFixed(1), median(tfjs).toFixed(1), `${median(ratios).toFixed(1)} x`];
}

installPeers();
const core = '@tensorflow/tfjs-core';
const file = await bundleSources({
  name: 'losses-page',
  // TF.js's chained operators and its gradients come by being imported.
  contents: `
    import '${core}/dist/public/chained_ops/register_all_chained_ops';
    import '${core}/dist/register_all_gradients';
    import './losses-page.mjs';`,
  folder: 'test/bench',
  platform: 'browser',
});
const browser = await chromium.launch({
  args: software ? chromiumFlags : chromiumFlags.filter((flag) => !flag.includes('swiftshader')),
  ...(chromiumPath ? { executablePath: chromiumPath } : {}),
});
try {
  const page = await browser.newPage();
  const problems = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  // WebGPU wants a secure context; nothing leaves the machine.
  const script = await readFile(file, 'utf8');
  await page.route('https://bench.test/**', (route) =>
    route.request().url().endsWith('.mjs')
      ? route.fulfill({ contentType: 'text/javascript', body: script })
      : route.fulfill({ contentType: 'text/html', body: '<!doctype html><script type="module" src="/page.mjs"></script>' }),
  );
  await page.goto('https://bench.test/');
  await page.waitForFunction('globalThis.bench !== undefined', undefined, { timeout: 60_000 }).catch((cause) => {
    throw new Error(`page: found ${problems.join('; ') || 'no bench'}; wanted it to start.`, { cause });
  });
  const { description, cases } = await page.evaluate((given) => globalThis.bench.open(given), { software });
  console.log(`Chromium ${browser.version()}, ${description}; medians of ${repeat}, ms.\n`);

  const only = values.only?.split(',');
  const rows = [];
  for (const one of cases.filter(({ name }) => !only || only.includes(name))) {
    process.stderr.write(`${one.name}, ${one.shape.join(' x ')} ...\n`);
    const { times, off } = await page.evaluate((given) => globalThis.bench.loss(given), { ...one, repeat });
    rows.push([one.name, one.shape.join(' x '), ...compared(times), off.value.toExponential(0), off.gradient.toExponential(0)]); // prettier-ignore
  }
  if (rows.length > 0) console.log(formatTable(['loss', 'logits', ...heads, 'value off', 'gradient off'], rows));

  if (!only || only.includes('merge')) {
    process.stderr.write('merge ...\n');
    const { times, off, shape } = await page.evaluate((given) => globalThis.bench.merge(given), { repeat });
    const row = ['merge', shape.join(' x '), ...compared(times), off.value.toExponential(0), off.gradient.toExponential(0)];
    console.log(`\n${formatTable(['merge', 'masks', ...heads, 'value off', 'gradient off'], [row])}`);
  }

  const stepRows = [];
  for (const C of !only || only.includes('step') ? [20, 80] : []) {
    const { times, off } = await page.evaluate((given) => globalThis.bench.step(given), { C, steps, repeat });
    stepRows.push([`C = ${C}`, ...compared(times), off.toExponential(0)]);
  }
  if (stepRows.length > 0) {
    console.log(`\nA step of training a head on features [16384, 64], ms of a step; ${steps} queued, one wait.\n`);
    console.log(formatTable(['step', ...heads, 'weights off'], stepRows));
  }
} finally {
  await browser.close();
}
