// `labelweave bench`: how long a model takes on a device, layer by layer, with the arithmetic and the memory traffic of each.
import { chooseRuntime, nodeCost, openModel, type Executable, type Graph, type StepTime } from 'labelweave';
import { exitCodes, numberOption, wordOption } from './exit.js';
import { namedModel } from './models.js';
import { createProgress } from './progress.js';

/** One layer: a node of the fused graph. */
interface Layer {
  name: string;
  op: string;
  /** Median of its times. */
  ms: number;
  /** Part of the time of all layers. */
  share: number;
  macs: number;
  /** Billions of floating-point operations a second; a multiply-accumulate is two. */
  gflops: number;
  /** Bytes of operands and results, as 32-bit numbers. */
  bytes: number;
  /** Billions of those bytes a second. */
  gbps: number;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

export async function benchCommand(options: Record<string, unknown>): Promise<number> {
  const device = wordOption('device', options['device'], ['auto', 'webgpu', 'wasm', 'reference'] as const);
  const precision = wordOption('precision', options['precision'], ['auto', 'f32', 'f16'] as const);
  const frames = numberOption(
    'frames',
    options['frames'],
    'a whole number from 1 to 10000',
    (n) => Number.isInteger(n) && n >= 1 && n <= 10_000,
  );
  const progress = createProgress(options['quiet'] === true);
  progress.show('loading');
  const { manifest, graph } = await openModel(namedModel(String(options['model'])));
  const { runtime, report } = await chooseRuntime(device, { precision });
  try {
    const outputs = graph.outputs.map((id) => graph.values[id]!.name);
    const feeds = madeUpFeeds(graph);
    // Nothing is read back for the times: a detector reads a few hundred bytes.
    const run = (executable: Executable, names: readonly string[]): Promise<void> =>
      executable.run({ feeds, outputs: names }, () => undefined);

    const start = performance.now();
    const plain = await runtime.compile(graph);
    const compileMs = performance.now() - start;
    await run(plain, outputs);
    const firstMs = performance.now() - start;
    const times: number[] = [];
    for (let i = 0; i < frames; i++) {
      progress.show(`frame ${i + 1}/${frames}`);
      const before = performance.now();
      await run(plain, []);
      times.push(performance.now() - before);
    }
    // Frames that are handed in together, as a video does.
    const before = performance.now();
    await Promise.all(times.map(() => run(plain, [])));
    const streamMs = (performance.now() - before) / frames;
    const { memory } = plain;
    plain.dispose();

    const layers = await timeLayers(graph, frames, () => runtime.compile(graph, { profile: true }), run);
    const sum = layers.reduce((total, { ms }) => total + ms, 0);
    const macs = layers.reduce((total, layer) => total + layer.macs, 0);
    const facts = {
      model: manifest.name,
      device: { used: report.used, description: report.description, adapter: report.adapter, notes: report.notes },
      frames,
      compileMs,
      firstMs,
      frameMs: { median: median(times), best: Math.min(...times), streamed: streamMs },
      layersMs: sum,
      macs,
      gflops: (2 * macs) / (median(times) * 1e6),
      memory,
      layers,
    };
    progress.done();
    process.stdout.write(options['json'] ? `${JSON.stringify(facts, null, 2)}\n` : `${formatBench(facts)}\n`);
    return exitCodes.ok.code;
  } finally {
    progress.done();
    runtime.dispose();
  }
}

async function timeLayers(
  graph: Graph,
  frames: number,
  compile: () => Promise<Executable>,
  run: (executable: Executable, names: readonly string[]) => Promise<void>,
): Promise<Layer[]> {
  const executable = await compile();
  const profiles: (readonly StepTime[])[] = [];
  await run(executable, []);
  for (let i = 0; i < Math.min(frames, 20); i++) {
    await run(executable, []);
    profiles.push(executable.profile);
  }
  executable.dispose();
  const costs = new Map(graph.nodes.map((node) => [node.name, nodeCost(graph, node)]));
  const rows = (profiles[0] ?? []).map(({ name, op }, i) => {
    const { macs, elements } = costs.get(name) ?? { macs: 0, elements: 0 };
    return { name, op, ms: median(profiles.map((profile) => profile[i]?.ms ?? 0)), macs, bytes: elements * 4 };
  });
  const sum = rows.reduce((total, { ms }) => total + ms, 0);
  return rows.map((row) => {
    const rate = (amount: number): number => (row.ms > 0 ? amount / (row.ms * 1e6) : 0);
    return { ...row, share: sum > 0 ? row.ms / sum : 0, gflops: rate(2 * row.macs), gbps: rate(row.bytes) };
  });
}

/** A picture of noise for images, ones for tensors. */
function madeUpFeeds(graph: Graph): Record<string, Parameters<Executable['run']>[0]['feeds'][string]> {
  return Object.fromEntries(
    graph.inputs.map((id) => {
      const { name, dtype, shape, image } = graph.values[id]!;
      const size = shape.reduce((product, d) => product * d, 1);
      if (!image) {
        return [
          name,
          dtype === 'float32' ? new Float32Array(size).fill(1) : dtype === 'int32' ? new Int32Array(size) : new Uint8Array(size),
        ];
      }
      const reader = graph.nodes.find((node) => node.op === 'image_to_tensor' && node.inputs[0] === id);
      const { width, height } = reader?.op === 'image_to_tensor' ? reader.attributes : { width: 1, height: 1 };
      const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => Math.imul(i + 1, 2_654_435_761) >>> 24);
      return [name, { data, width, height, channels: 3 as const, target: { left: 0, top: 0, width, height } }];
    }),
  );
}

interface Facts {
  model: string;
  device: { description: string; notes: readonly string[] };
  frames: number;
  compileMs: number;
  firstMs: number;
  frameMs: { median: number; best: number; streamed: number };
  layersMs: number;
  macs: number;
  gflops: number;
  memory: Executable['memory'];
  layers: readonly Layer[];
}

function formatBench(facts: Facts): string {
  const { frameMs, memory, layers } = facts;
  const header = ['op', 'layer', 'ms', 'share', 'MMAC', 'GFLOP/s', 'MB', 'GB/s'];
  const rows = layers.map(({ op, name, ms, share, macs, gflops, bytes, gbps }) => [
    op,
    name.length > 44 ? `…${name.slice(-43)}` : name,
    ms.toFixed(3),
    `${(100 * share).toFixed(1)}%`,
    macs ? (macs / 1e6).toFixed(1) : '',
    macs ? gflops.toFixed(1) : '',
    (bytes / 1e6).toFixed(2),
    gbps.toFixed(1),
  ]);
  const widths = header.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ');
  const byOp = new Map<string, number>();
  for (const { op, share } of layers) byOp.set(op, (byOp.get(op) ?? 0) + share);
  const mb = (bytes: number): string => (bytes / 1e6).toFixed(1);
  return [
    `${facts.model} on ${facts.device.description}`,
    ...facts.device.notes.map((note) => `note       ${note}`),
    `frame      ${frameMs.median.toFixed(2)} ms (median of ${facts.frames}; best ${frameMs.best.toFixed(2)}, streamed ${frameMs.streamed.toFixed(2)}), ${facts.gflops.toFixed(1)} GFLOP/s`,
    `load       ${facts.compileMs.toFixed(0)} ms to compile, ${facts.firstMs.toFixed(0)} ms to the first frame`,
    `memory     ${mb(memory.constants)} MB weights, ${mb(memory.arena)} MB arena, ${mb(memory.other)} MB other`,
    `operators  ${[...byOp].sort(([, a], [, b]) => b - a).map(([op, share]) => `${op} ${(100 * share).toFixed(0)}%`).join(', ')}`, // prettier-ignore
    '',
    line(header),
    ...rows.map(line),
    '',
    `Layers one by one take ${facts.layersMs.toFixed(2)} ms. MB: operands and results as 32-bit numbers, each once.`,
  ].join('\n');
}
