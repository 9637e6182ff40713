// ResNet-50 at 224 x 224 on WASM, one thread: labelweave beside TF.js and ONNX Runtime Web on the same file (the ONNX project's architecture with random
// weights) and the same numbers, in one run. Engines take turns run by run. Checks that all find the same before any time is taken.
//
// npm run build && node test/setup-onnx.mjs && node test/bench/resnet50.mjs [--rounds 20] [--engines labelweave,tfjs,onnxruntime]
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { howToGetLightModels, lightModels } from '../setup-onnx.mjs';
import { installPeers } from './peers.mjs';
import { formatTable, median } from './table.mjs';

/** Class probabilities of random networks, summed in another order. */
const TOLERANCE = 1e-4;
const INPUT = 'gpu_0/data_0';
const OUTPUT = 'gpu_0/softmax_1';

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '20' }, engines: { type: 'string', default: 'labelweave,tfjs,onnxruntime' } },
});
const rounds = Number(options.rounds);
if (!(rounds > 0)) throw new Error(`--rounds: found ${options.rounds}; wanted a number above 0.`);

installPeers();
const root = fileURLToPath(new URL('../../', import.meta.url));
const out = `${root}build/bench/`;
mkdirSync(out, { recursive: true });

/** Writes the model with weights scaled by their fan-in. */
async function makeModel() {
  const bundle = `${out}onnx-write.mjs`;
  await build({
    entryPoints: [`${root}test/onnx/random-weights.ts`],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: bundle,
  });
  const { withRandomWeights } = await import(bundle);
  let light;
  try {
    light = new Uint8Array(readFileSync(`${lightModels}light_resnet50.onnx`));
  } catch {
    throw new Error(`light models: found none. ${howToGetLightModels}`);
  }
  const bytes = withRandomWeights(light, 'resnet50');
  writeFileSync(`${out}resnet50.onnx`, bytes);
  return bytes;
}

const bytes = await makeModel();
const { chooseRuntime, openModelFile } = await import(`${root}dist/index.js`);
const { graph: open } = await openModelFile(`${out}resnet50.onnx`);
const graph = await open();
// Numbers in [-1, 1), the same in every run.
const image = Float32Array.from({ length: 3 * 224 * 224 }, (_, i) => ((i * 2654435761) % 2 ** 32) / 2 ** 31 - 1);

const openers = {
  async labelweave() {
    const { runtime } = await chooseRuntime(['wasm'], { threads: 1 });
    const executable = await runtime.compile(graph);
    return {
      description: runtime.description,
      run: () => executable.run({ feeds: { [INPUT]: image }, outputs: [OUTPUT] }, (results) => results[OUTPUT].slice()),
    };
  },
  async onnxruntime() {
    const ort = await import('onnxruntime-web');
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = 'error';
    const session = await ort.InferenceSession.create(bytes.slice());
    const feeds = { [INPUT]: new ort.Tensor('float32', image, [1, 3, 224, 224]) };
    return { description: 'ONNX Runtime Web, wasm, 1 thread', run: async () => (await session.run(feeds))[OUTPUT].data };
  },
  /** The same optimised graph, node by node, in TF.js's fused operators. */
  async tfjs() {
    await build({
      stdin: { contents: "export * as tf from '@tensorflow/tfjs-core'; export * as wasm from '@tensorflow/tfjs-backend-wasm';", resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
      bundle: true, platform: 'node', format: 'cjs', mainFields: ['module', 'main'], outfile: `${out}tfjs-core.cjs`, logLevel: 'error',
    }); // prettier-ignore
    const { tf, wasm } = (await import(`${out}tfjs-core.cjs`)).default;
    wasm.setWasmPaths(fileURLToPath(new URL('./node_modules/@tensorflow/tfjs-backend-wasm/dist/', import.meta.url)));
    wasm.setThreadsCount(1);
    tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
    await tf.setBackend('wasm');
    await tf.ready();
    const constants = new Map();
    graph.values.forEach((value, id) => {
      if (value.constant) constants.set(id, tf.tensor(Float32Array.from(value.constant.values), value.shape));
    });
    const clipped = { none: 'linear', relu: 'relu' };
    const evaluate = (x) =>
      tf.tidy(() => {
        const values = new Map(constants);
        values.set(graph.inputs[0], x);
        for (const { op, inputs, outputs, attributes: a } of graph.nodes) {
          const [first, second, third, residual] = inputs.map((id) => values.get(id));
          values.set(outputs[0], step(op, a, first, second, third, residual, graph.values[outputs[0]].shape));
        }
        return values.get(graph.outputs[0]);
      });
    const step = (op, a, x, filter, bias, residual, shape) => {
      switch (op) {
        case 'transpose':
          return tf.transpose(x, a.perm);
        case 'reshape':
          return tf.reshape(x, shape);
        case 'conv2d': {
          const [top, left, bottom, right] = a.padding;
          const pad = top + left + bottom + right === 0 ? 'valid' : [[0, 0], [top, bottom], [left, right], [0, 0]]; // prettier-ignore
          const activation = residual ? 'linear' : clipped[a.activation.kind];
          const y = tf.fused.conv2d({ x, filter, strides: a.strides, pad, bias, activation });
          return residual ? tf.relu(tf.add(y, residual)) : y;
        }
        case 'max_pool':
          return tf.maxPool(a.padding.some((p) => p > 0) ? tf.pad(x, [[0, 0], [a.padding[0], a.padding[2]], [a.padding[1], a.padding[3]], [0, 0]], -1e30) : x, a.kernel, a.strides, 'valid'); // prettier-ignore
        case 'average_pool':
          return tf.avgPool(x, a.kernel, a.strides, 'valid');
        case 'matmul':
          return tf.fused.matMul({ a: x, b: filter, bias, transposeA: a.transposeA, transposeB: a.transposeB });
        case 'softmax':
          return tf.softmax(x);
        default:
          throw new Error(`TF.js: found the operator ${op}; wanted one of ResNet-50.`);
      }
    };
    const input = tf.tensor(image, [1, 3, 224, 224]);
    return {
      description: 'TF.js, wasm, 1 thread',
      async run() {
        const y = evaluate(input);
        const data = await y.data();
        y.dispose();
        return data;
      },
    };
  },
};

const engines = [];
for (const id of options.engines.split(',')) {
  if (!Object.hasOwn(openers, id)) throw new Error(`--engines: found ${id}; wanted some of ${Object.keys(openers).join(', ')}.`);
  engines.push({ id, times: [], ...(await openers[id]()) });
}
const truth = await engines[0].run();
for (const { id, run } of engines) {
  const found = await run();
  const worst = Math.max(...Array.from(found, (v, i) => Math.abs(v - truth[i])));
  if (!(worst < TOLERANCE)) throw new Error(`${id}: found probabilities that differ by ${worst}; wanted less than ${TOLERANCE}.`);
}
for (let round = 0; round < rounds; round++) {
  for (const engine of engines) {
    const start = performance.now();
    await engine.run();
    engine.times.push(performance.now() - start);
  }
}
const base = median(engines[0].times);
console.log(
  formatTable(
    ['ResNet-50, 224 x 224', 'median ms', 'least ms', `${engines[0].id} / this`],
    engines.map(({ description, times }) => [
      description,
      median(times).toFixed(1),
      Math.min(...times).toFixed(1),
      (base / median(times)).toFixed(2),
    ]),
  ),
);
process.exit(0);
