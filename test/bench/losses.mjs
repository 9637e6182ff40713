// Losses of labelweave/train, forward and backward, beside the same losses composed of TF.js operators (wasm backend), on one thread each.
//
// npm run build:wasm && (cd test/bench && npm i) && node test/bench/losses.mjs [--repeat N]
//
// Medians of interleaved runs in one process. TF.js computes value and gradient with tf.valueAndGrad; the time to read the gradient is in both.
// `value off` is mostly TF.js's: it adds up ten million terms in 32-bit floats, this package in doubles.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { formatTable, median } from './table.mjs';

const { values } = parseArgs({ options: { repeat: { type: 'string', default: '9' } } });
const repeat = Number(values.repeat);

// The sources as one module, with the WASM as it was built last, and TF.js with its chained operators and gradients.
const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '../..');
const bundled = { bundle: true, format: 'esm', platform: 'node', target: 'node20', logLevel: 'error' };
await build({
  ...bundled,
  entryPoints: [join(root, 'sdk/train/index.ts')],
  loader: { '.wasm': 'binary' },
  outfile: join(root, 'build/bench/train.mjs'),
});
const core = '@tensorflow/tfjs-core';
await build({
  ...bundled,
  stdin: {
    contents: `
      import '${core}/dist/public/chained_ops/register_all_chained_ops';
      import '${core}/dist/register_all_gradients';
      export * as tf from '${core}';
      export * as backend from '@tensorflow/tfjs-backend-wasm';`,
    resolveDir: here,
  },
  mainFields: ['module', 'main'],
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url); const __dirname = '.';",
  },
  outfile: join(root, 'build/bench/tfjs-train.mjs'),
});
const train = await import(join(root, 'build/bench/train.mjs'));
const { tf, backend } = await import(join(root, 'build/bench/tfjs-train.mjs'));

backend.setWasmPaths(join(here, 'node_modules/@tensorflow/tfjs-backend-wasm/dist/'));
backend.setThreadsCount(1);
await tf.setBackend('wasm');
await tf.ready();
const wasm = await train.wasmTrainKernels();
const random = train.seededRandom(1);
const floats = (n, low = -4, high = 4) => Float32Array.from({ length: n }, () => low + (high - low) * random());

/** softplus(x) = max(x, 0) + ln(1 + e^-|x|), as every stable implementation has it. */
const softplus = (x) => x.relu().add(x.abs().neg().exp().add(1).log());

/** @type {Record<string, (P: number, C: number) => { loss: import('../../sdk/train/index.js').Loss, input: object, peer: (x: tf.Tensor) => tf.Tensor }>} */
const cases = {
  'softmax cross-entropy': (P, C) => {
    const labels = Int32Array.from({ length: P }, () => Math.floor(random() * C));
    const hot = tf.oneHot(tf.tensor1d(labels, 'int32'), C).toFloat();
    const peer = (x) => {
      const shifted = x.sub(x.max(1, true));
      return shifted.exp().sum(1).log().sub(shifted.mul(hot).sum(1)).mean();
    };
    return { loss: train.softmaxLoss({ classes: C }), input: { labels }, peer };
  },
  'sigmoid cross-entropy': (P, C) => {
    const labels = Int32Array.from({ length: P }, () => Math.floor(random() * (C + 1)));
    const hot = tf.oneHot(tf.tensor1d(labels, 'int32'), C).toFloat();
    return {
      loss: train.sigmoidLoss({ classes: C }),
      input: { labels },
      peer: (x) => softplus(x).sub(x.mul(hot)).sum().div(P),
    };
  },
  'focal (2, 0.25)': (P, C) => {
    const labels = Int32Array.from({ length: P }, () => Math.floor(random() * (C + 1)));
    const hot = tf.oneHot(tf.tensor1d(labels, 'int32'), C).toFloat();
    const positives = labels.filter((label) => label < C).length;
    const peer = (x) => {
      const p = x.sigmoid();
      const miss = p.add(hot).sub(p.mul(hot).mul(2));
      const share = hot.mul(-0.5).add(0.75);
      return softplus(x).sub(x.mul(hot)).mul(miss.square()).mul(share).sum().div(positives);
    };
    return { loss: train.focalLoss({ classes: C }), input: { labels }, peer };
  },
  'heat map focal': (P, C) => {
    const targets = floats(P * C, 0, 1.02).map((t) => Math.min(1, t));
    const t = tf.tensor2d(targets, [P, C]);
    const centre = t.equal(1).toFloat();
    const count = centre.sum().dataSync()[0];
    const peer = (x) => {
      const p = x.sigmoid();
      const near = p.neg().add(1).square().mul(softplus(x.neg())).mul(centre);
      const far = t.neg().add(1).pow(4).mul(p.square()).mul(softplus(x)).mul(centre.neg().add(1));
      return near.add(far).sum().div(count);
    };
    return { loss: train.heatmapLoss({ classes: C }), input: { targets }, peer };
  },
};

const rows = [];
for (const [P, C] of [
  [100_000, 100],
  [512, 2249],
]) {
  for (const [name, make] of Object.entries(cases)) {
    const { loss, input, peer } = make(P, C);
    const logits = floats(P * C);
    const times = { ours: [], plain: [], tfjs: [] };
    let [value, slope] = [0, 0];
    for (let i = 0; i < repeat + 1; i++) {
      let start = performance.now();
      const own = train.computeLoss(loss, { logits, ...input }, { kernels: wasm });
      times.ours.push(performance.now() - start);
      if (i % 3 === 0) {
        start = performance.now();
        train.computeLoss(loss, { logits, ...input }, { kernels: train.referenceKernels });
        times.plain.push(performance.now() - start);
      }
      start = performance.now();
      const x = tf.tensor2d(logits, [P, C]);
      const { value: theirs, grad } = tf.valueAndGrad(peer)(x);
      const gradient = grad.dataSync();
      times.tfjs.push(performance.now() - start);
      value = Math.abs(own.value / theirs.dataSync()[0] - 1);
      slope = Math.max(...[0, 1, 17, P * C - 1].map((at) => Math.abs(own.gradient[at] - gradient[at]) * own.normaliser));
      tf.dispose([x, theirs, grad]);
    }
    // The first run of each warms up.
    const [ours, plain, tfjs] = Object.values(times).map((list) => median(list.slice(1)));
    rows.push([name, `${P} x ${C}`, ours.toFixed(1), plain.toFixed(0), tfjs.toFixed(1), `${(tfjs / ours).toFixed(1)} x`, value.toExponential(0), slope.toExponential(0)]); // prettier-ignore
  }
}
console.log(`Node ${process.version}, one thread; medians of ${repeat}, ms.\n`);
console.log(
  formatTable(['loss', 'logits', 'wasm', 'reference', 'TF.js wasm', 'against TF.js', 'value off', 'gradient off'], rows),
);
