// Measures the wasm kernels alone: GFLOP/s of four typical layers, then the default network with the time of each operator.
// Usage: node test/bench/kernels.mjs [--steps] [--threads 1,2] [--tile 4x8] [--plain] [--layers | --network]
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../../', import.meta.url));
const { values: options } = parseArgs({
  options: {
    steps: { type: 'boolean', default: false },
    threads: { type: 'string', default: '1,2' },
    tile: { type: 'string', default: 'auto' },
    plain: { type: 'boolean', default: false },
    layers: { type: 'boolean', default: false },
    network: { type: 'boolean', default: false },
    frames: { type: 'string', default: '40' },
  },
});

// The sources as one module, with the WASM as it was built last.
await build({
  stdin: {
    contents: `
      export { createWasmRuntime } from './sdk/runtime/wasm/index.ts';
      export { GraphBuilder } from './sdk/ir/builder.ts';
      export { openModel } from './sdk/graph/model.ts';
      export { manifest } from './sdk/models/centernet-mbv3/manifest.ts';`,
    resolveDir: root,
    loader: 'ts',
  },
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  loader: { '.wasm': 'binary' },
  alias: { '#platform': `${root}sdk/node/platform.ts` },
  external: ['sharp', 'fast-png', 'jpeg-js'],
  outfile: `${root}build/bench/kernels.mjs`,
  logLevel: 'error',
});
const { createWasmRuntime, GraphBuilder, openModel, manifest } = await import(`${root}build/bench/kernels.mjs`);

const random = (n) => Float32Array.from({ length: n }, (_, i) => Math.sin(i * 12.9898) * 0.5);

/** Least and median time of `frames` runs in ms, after a warm-up. */
async function time(executable, feeds, outputs, frames) {
  const times = [];
  for (let i = -5; i < frames; i++) {
    const start = performance.now();
    await executable.run({ feeds, outputs }, () => {});
    if (i >= 0) times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return { least: times[0], median: times[times.length >> 1] };
}

const spatial = (strides, kernel) => ({
  strides: [strides, strides],
  padding: Array(4).fill((kernel - 1) / 2),
  dilations: [1, 1],
  activation: { kind: 'relu' },
});
const conv = (kernel, size, C, O) => ({
  kernel,
  size,
  C,
  O,
  flops: 2 * kernel * kernel * size * size * C * O,
  goal: kernel === 3 ? '57' : '48-54',
});
const depthwise = (kernel, size, C) => ({
  kernel,
  size,
  C,
  flops: 2 * kernel * kernel * size * size * C,
  goal: kernel === 3 ? '27-32' : '22-27',
});
const layers = {
  '3x3 64 -> 64, 56x56': conv(3, 56, 64, 64),
  '1x1 256 -> 64, 56x56': conv(1, 56, 256, 64),
  'depthwise 3x3 256, 56x56': depthwise(3, 56, 256),
  'd14': depthwise(3,14,256),'d28-64':depthwise(3,28,64),'d56-64':depthwise(3,56,64),'d5-14':depthwise(5,14,256),'d5-28': depthwise(5, 28, 256),'c-16-64':conv(1,128,16,64),'c24-72':conv(1,128,24,72),'c64-24':conv(1,128,64,24),'c128-80':conv(1,128,128,80),
};

function layerGraph({ kernel, size, C, O }) {
  const g = new GraphBuilder();
  const x = g.input('x', 'float32', [1, size, size, C]);
  if (O) {
    const w = g.constant('w', random(kernel * kernel * C * O), [kernel, kernel, C, O]);
    const b = g.constant('b', random(O), [O]);
    g.output(g.add('conv2d', 'y', [x, w, b], { ...spatial(1, kernel), groups: 1, residual: 'before_activation' })[0]);
  } else {
    const w = g.constant('w', random(kernel * kernel * C), [kernel, kernel, C]);
    const b = g.constant('b', random(C), [C]);
    g.output(g.add('depthwise_conv2d', 'y', [x, w, b], spatial(1, kernel))[0]);
  }
  return g.build();
}

const files = async () => {
  const folder = `${root}node_modules/@vladmandic/human/models/`;
  const source = { ...manifest, graph: { format: 'tfjs', file: 'centernet.json' } };
  return {
    manifest: source,
    files: {
      'centernet.json': await readFile(`${folder}centernet.json`),
      'centernet.bin': await readFile(`${folder}centernet.bin`),
    },
  };
};

const both = !options.layers && !options.network;
for (const threads of options.threads.split(',').map(Number)) {
  const runtime = await createWasmRuntime({ threads, tile: options.tile, relaxed: options.plain ? false : 'auto' });
  console.log(`\n${runtime.description}`);
  if (both || options.layers) {
    const rows = [];
    for (const [name, layer] of Object.entries(layers)) {
      const executable = await runtime.compile(layerGraph(layer));
      const { least, median } = await time(executable, { x: random(layer.size * layer.size * layer.C) }, [], 60);
      rows.push({
        layer: name,
        'ms least': +least.toFixed(3),
        'GFLOP/s best': +(layer.flops / least / 1e6).toFixed(1),
        'GFLOP/s median': +(layer.flops / median / 1e6).toFixed(1),
        'goal, 1 thread': layer.goal,
      });
      executable.dispose();
    }
    console.table(rows);
  }
  if (both || options.network) {
    const { graph } = await openModel(await files());
    const started = performance.now();
    const executable = await runtime.compile(graph, { profile: options.steps });
    const compiled = performance.now() - started;
    const image = {
      data: new Uint8Array(512 * 512 * 3).map((_, i) => (i * 31) & 255),
      width: 512,
      height: 512,
      channels: 3,
      target: { left: 0, top: 0, width: 512, height: 512 },
    };
    const feeds = { image };
    const { least, median } = await time(executable, feeds, [], Number(options.frames));
    console.log(
      `CenterNet 512x512, ${graph.nodes.length} nodes: least ${least.toFixed(1)} ms, median ${median.toFixed(1)} ms; compiled in ${compiled.toFixed(0)} ms; memory ${Object.entries(
        executable.memory,
      )
        .map(([k, v]) => `${k} ${(v / 2 ** 20).toFixed(1)} MiB`)
        .join(', ')}`,
    );
    if (options.steps) {
      const best = executable.profile.map((step) => ({ ...step }));
      for (let i = 0; i < 20; i++) {
        await executable.run({ feeds, outputs: [] }, () => {});
        executable.profile.forEach(({ ms }, j) => (best[j].ms = Math.min(best[j].ms, ms)));
      }
      const types = graph.nodes.map((node) => {
        const shape = (id) => (id < 0 ? '' : `[${graph.values[id].shape}]`);
        const work =
          node.op === 'conv2d' || node.op === 'depthwise_conv2d'
            ? graph.values[node.outputs[0]].shape.reduce((a, b) => a * b) *
              graph.values[node.inputs[1]].shape.slice(0, node.op === 'conv2d' ? 3 : 2).reduce((a, b) => a * b) *
              2
            : 0;
        return {
          shapes: `${node.inputs.slice(0, 2).map(shape).join(' ')} -> ${shape(node.outputs[0])} ${node.attributes.strides ?? ''} ${node.attributes.activation?.kind ?? ''}${node.inputs[3] >= 0 && node.op === 'conv2d' ? ' +res' : ''}${node.inputs[4] >= 0 && node.op === 'conv2d' ? ' *gate' : ''}`,
          work,
        };
      });
      const rows = best.map((step, i) => ({
        op: step.op,
        ms: step.ms,
        'GFLOP/s': types[i].work ? +(types[i].work / step.ms / 1e6).toFixed(1) : '',
        shapes: types[i].shapes,
      }));
      const total = rows.reduce((sum, { ms }) => sum + ms, 0);
      const byOp = new Map();
      for (const { op, ms } of rows) byOp.set(op, (byOp.get(op) ?? 0) + ms);
      console.log(
        `sum of least times ${total.toFixed(1)} ms:`,
        Object.fromEntries([...byOp].sort((a, b) => b[1] - a[1]).map(([op, ms]) => [op, +ms.toFixed(2)])),
      );
      for (const row of rows.sort((a, b) => b.ms - a.ms).slice(0, 60))
        console.log(row.ms.toFixed(3).padStart(7), String(row['GFLOP/s']).padStart(6), row.op.padEnd(18), row.shapes);
    }
    executable.dispose();
  }
  runtime.dispose();
}
