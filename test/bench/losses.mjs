// Losses of labelweave/train and the MERGE of masks, forward and backward, and a step of training, beside the same composed of TF.js operators (wasm backend), on one thread each.
//
// npm run build:wasm && (cd test/bench && npm ci) && node test/bench/losses.mjs [--repeat 9] [--only NAME,NAME] [--steps 10]
//
// Medians of interleaved runs in one process. TF.js computes value and gradient with tf.valueAndGrad; the time to read the gradient is in both.
// `value off` is mostly TF.js's: it adds up ten million terms in 32-bit floats, this package in doubles.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { bundleSources } from './bundle.mjs';
import { headData, headPeer, headStep, lossCases, mergeData, mergePeer, mergeShape } from './loss-cases.mjs';
import { formatTable, median } from './table.mjs';

const { values } = parseArgs({
  options: { repeat: { type: 'string', default: '9' }, steps: { type: 'string', default: '10' }, only: { type: 'string' } },
});
const [repeat, steps] = [Number(values.repeat), Number(values.steps)];

// The sources as one module, with the WASM as it was built last, and TF.js with its chained operators and gradients.
const here = fileURLToPath(new URL('.', import.meta.url));
const peerFile = join(here, '../../build/bench/tfjs-train.mjs');
const core = '@tensorflow/tfjs-core';
await build({
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  logLevel: 'error',
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
  outfile: peerFile,
});
const train = await import(await bundleSources({ name: 'train', contents: "export * from './sdk/train/index.ts';" }));
const { tf, backend } = await import(peerFile);

backend.setWasmPaths(join(here, 'node_modules/@tensorflow/tfjs-backend-wasm/dist/'));
backend.setThreadsCount(1);
await tf.setBackend('wasm');
await tf.ready();
const wasm = await train.wasmTrainKernels();
const random = train.seededRandom(1);

const rows = [];
for (const [name, { shapes, make }] of Object.entries(lossCases({ train, tf, random }))) {
  if (values.only && !values.only.split(',').includes(name)) continue;
  for (const [P, C] of shapes) {
    const { loss, input, peer, logits = Float32Array.from({ length: P * C }, () => 8 * random() - 4) } = make(P, C);
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
      slope = own.gradient.reduce((most, one, at) => Math.max(most, Math.abs(one - gradient[at]) * own.normaliser), 0);
      tf.dispose([x, theirs, grad]);
    }
    // The first run of each warms up.
    const [ours, plain, tfjs] = Object.values(times).map((list) => median(list.length > 1 ? list.slice(1) : list));
    rows.push([name, `${P} x ${C}`, ours.toFixed(1), plain.toFixed(0), tfjs.toFixed(1), `${(tfjs / ours).toFixed(1)} x`, value.toExponential(0), slope.toExponential(0)]); // prettier-ignore
    tf.disposeVariables();
  }
}
console.log(`Node ${process.version}, one thread; medians of ${repeat}, ms.\n`);
if (rows.length > 0)
  console.log(
    formatTable(['loss', 'logits', 'wasm', 'reference', 'TF.js wasm', 'against TF.js', 'value off', 'gradient off'], rows),
  );

if (!values.only || values.only.split(',').includes('merge')) console.log(`\n${mergeTable()}`);

const stepRows = [];
for (const C of !values.only || values.only.split(',').includes('step') ? [20, 80] : []) {
  const data = headData(random, C);
  const [own, peer] = [headOnWasm(data, C), headPeer(tf, data, C)];
  const times = { ours: [], tfjs: [] };
  for (let i = 0; i < repeat + 1; i++) {
    for (const [name, queue] of [
      ['ours', own.queue],
      ['tfjs', peer.queue],
    ]) {
      // prettier-ignore
      const start = performance.now();
      queue(steps);
      times[name].push((performance.now() - start) / steps);
    }
  }
  const [ours, tfjs] = Object.values(times).map((list) => median(list.slice(1)));
  const theirs = peer.weights().dataSync();
  const off = own.weights.reduce((most, weight, i) => Math.max(most, Math.abs(weight - theirs[i])), 0);
  stepRows.push([`C = ${C}`, ours.toFixed(1), tfjs.toFixed(1), `${(tfjs / ours).toFixed(1)} x`, off.toExponential(0)]);
}
if (stepRows.length > 0) {
  console.log(
    `\nA step of training a head on features [${headStep.P}, ${headStep.D}], ms of a step; ${steps} steps at a time.\n`,
  );
  console.log(formatTable(['step', 'wasm', 'TF.js wasm', 'against TF.js', 'weights off'], stepRows));
}

/** MERGE forward and backward, from arrays to arrays. */
function mergeTable() {
  const { M, N, C } = mergeShape;
  const data = mergeData(random);
  const peer = mergePeer(tf, data);
  const own = (kernels) => {
    const merged = train.mergeMasks({ ...data, M, N, C }, kernels);
    const back = { masks: new Float32Array(M * N), classes: new Float32Array(M * C) };
    train.mergeMasksGradients({ M, N, C }, merged, data.maskGradient, data.classGradient, back, kernels);
    return [merged.masks, merged.classes, back.masks, back.classes];
  };
  const theirs = () => {
    const on = peer.tensors();
    const { masks, classes } = tf.tidy(() => peer.run(on, on.classes.argMax(1).dataSync()));
    const result = [masks.value, classes.value, masks.grad, classes.grad].map((one) => one.dataSync());
    tf.dispose([on, masks, classes]);
    return result;
  };
  const turns = { ours: () => own(wasm), plain: () => own(train.referenceKernels), tfjs: theirs };
  const times = { ours: [], plain: [], tfjs: [] };
  const last = {};
  for (let i = 0; i < repeat + 1; i++) {
    for (const [name, run] of Object.entries(turns)) {
      const start = performance.now();
      last[name] = run();
      times[name].push(performance.now() - start);
    }
  }
  const off = (part) => last.ours[part].reduce((most, one, i) => Math.max(most, Math.abs(one - last.tfjs[part][i])), 0);
  const [ours, plain, tfjs] = Object.values(times).map((list) => median(list.slice(1)));
  const numbers = [ours.toFixed(1), plain.toFixed(0), tfjs.toFixed(1), `${(tfjs / ours).toFixed(1)} x`];
  const offs = [Math.max(off(0), off(1)), Math.max(off(2), off(3))].map((one) => one.toExponential(0));
  return formatTable(
    ['merge', 'masks', 'wasm', 'reference', 'TF.js wasm', 'against TF.js', 'value off', 'gradient off'],
    [['merge', `${M} x ${N}`, ...numbers, ...offs]],
  );
}

/** The step by the pieces that users have. */
function headOnWasm({ features, targets, weights: first }, C) {
  const { P, D, rate, decay, clip } = headStep;
  const weights = first.slice();
  const [logits, slope] = [new Float32Array(P * C), new Float32Array(weights.length)];
  const optimizer = train.adamwOptimizer([{ name: 'w', weights }], { kernels: wasm, decay, clipNorm: clip });
  const loss = train.heatmapLoss({ classes: C });
  return {
    weights,
    queue(n) {
      for (let i = 0; i < n; i++) {
        wasm.matmul({ a: features, b: weights, out: logits, M: P, N: C, K: D + 1 });
        const { gradient } = train.computeLoss(loss, { logits, targets }, { kernels: wasm });
        wasm.matmul({ a: features, b: gradient, out: slope, M: D + 1, N: C, K: P, transposeA: true });
        optimizer.step([slope], rate);
      }
    },
  };
}
