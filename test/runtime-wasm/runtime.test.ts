// The promises of sdk/runtime/runtime.ts on wasm, with one thread and with two: order, ownership, abort, dispose, growth, flat memory.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../sdk/ir/builder.js';
import type { Graph } from '../../sdk/ir/graph.js';
import { createReferenceRuntime } from '../../sdk/runtime/reference/index.js';
import type { Executable, ImageFeed, Results, Runtime } from '../../sdk/runtime/runtime.js';
import { createWasmRuntime } from '../../sdk/runtime/wasm/index.js';

/** float32 sums of a few hundred products in another order. */
const CLOSE = 1e-4;

const random = (n: number, seed: number): Float32Array =>
  Float32Array.from({ length: n }, (_, i) => Math.sin((i + 1) * 12.9898 * seed) % 1);

const conv = {
  strides: [1, 1],
  padding: [1, 1, 1, 1],
  dilations: [1, 1],
  groups: 1,
  activation: { kind: 'relu' },
  residual: 'before_activation',
} as const;

/** x -> conv -> depthwise -> add -> y, with odd channels. */
function smallGraph(channels = 13, size = 17): Graph {
  const g = new GraphBuilder();
  const x = g.input('x', 'float32', [1, size, size, channels]);
  const w = g.constant('w', random(9 * channels * channels, 3), [3, 3, channels, channels]);
  const d = g.constant('d', random(9 * channels, 5), [3, 3, channels]);
  const [a] = g.add('conv2d', 'a', [x, w], conv);
  const [b] = g.add('depthwise_conv2d', 'b', [a, d], {
    strides: [1, 1],
    padding: [1, 1, 1, 1],
    dilations: [1, 1],
    activation: { kind: 'hard_swish', alpha: 1 / 6 },
  });
  const [y] = g.add('binary', 'y', [b, a], { kind: 'add', activation: { kind: 'none' } });
  g.output(y);
  return g.build();
}

/** `layers` convolutions one after the other: about 75 million multiply-adds each. */
function longGraph(layers: number): Graph {
  const g = new GraphBuilder();
  let x = g.input('x', 'float32', [1, 64, 64, 45]);
  const w = g.constant(
    'w',
    random(9 * 45 * 45, 7).map((v) => v / 8),
    [3, 3, 45, 45],
  );
  for (let i = 0; i < layers; i++) [x] = g.add('conv2d', `y${i}`, [x, w], conv);
  g.output(x);
  return g.build();
}

const copy = (results: Results): Record<string, number[]> =>
  Object.fromEntries(Object.entries(results).map(([k, v]) => [k, [...v]]));
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

function expectClose(found: ArrayLike<number>, wanted: ArrayLike<number>): void {
  expect(found.length).toBe(wanted.length);
  let worst = 0;
  for (let i = 0; i < found.length; i++) worst = Math.max(worst, Math.abs(found[i]! - wanted[i]!) / (1 + Math.abs(wanted[i]!)));
  expect(worst).toBeLessThan(CLOSE);
}

describe.each([1, 2])('wasm runtime, %i thread(s)', (threads) => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await createWasmRuntime({ threads });
  });
  afterAll(() => runtime.dispose());

  it('says what it is', () => {
    expect(runtime.kind).toBe('wasm');
    expect(runtime.description).toMatch(
      threads === 1
        ? /^wasm, 1 thread, (plain|relaxed) SIMD, tile [456]x8$/
        : /^wasm, 2 threads, (plain|relaxed) SIMD, tile [456]x8$/,
    );
  });

  it('agrees with the reference on a small network', async () => {
    const graph = smallGraph();
    const feeds = { x: random(17 * 17 * 13, 11) };
    const reference = createReferenceRuntime();
    const wanted = await (await reference.compile(graph)).run({ feeds, outputs: ['y'] }, copy);
    const found = await (await runtime.compile(graph)).run({ feeds, outputs: ['y'] }, copy);
    expectClose(found['y']!, wanted['y']!);
  });

  it('gives the same bits as one thread and as before', async () => {
    const graph = smallGraph(24, 33);
    const feeds = { x: random(33 * 33 * 24, 2) };
    const single = await createWasmRuntime({ threads: 1 });
    const wanted = await (await single.compile(graph)).run({ feeds, outputs: ['y'] }, copy);
    single.dispose();
    const executable = await runtime.compile(graph);
    for (let i = 0; i < 3; i++) expect(await executable.run({ feeds, outputs: ['y'] }, copy)).toEqual(wanted);
    executable.dispose();
  });

  it('runs overlapping calls in call order, with the feeds as they were at the call', async () => {
    const executable = await runtime.compile(smallGraph(4, 8));
    const order: number[] = [];
    const x = new Float32Array(8 * 8 * 4);
    const alone: number[][] = [];
    for (let i = 0; i < 5; i++) alone.push((await executable.run({ feeds: { x: x.fill(i) }, outputs: ['y'] }, copy))['y']!);
    const together = await Promise.all(
      alone.map((_, i) =>
        executable.run({ feeds: { x: x.fill(i) }, outputs: ['y'] }, (results) => {
          order.push(i);
          return copy(results)['y']!;
        }),
      ),
    );
    expect(order).toEqual([0, 1, 2, 3, 4]);
    expect(together).toEqual(alone);
  });

  it('survives an error of consume', async () => {
    const executable = await runtime.compile(smallGraph(4, 8));
    const feeds = { x: random(256, 1) };
    const error = new Error('mine');
    expect(await failure(executable.run({ feeds, outputs: ['y'] }, () => { throw error; }))).toBe(error); // prettier-ignore
    expect((await executable.run({ feeds, outputs: ['y'] }, copy))['y']).toHaveLength(256);
  });

  it('runs an extension on the outputs of its base, in place, and frees it alone', async () => {
    const executable = await runtime.compile(smallGraph(4, 8));
    const tail = (factor: number): Graph => {
      const g = new GraphBuilder();
      const y = g.input('y', 'float32', [1, 8, 8, 4]);
      const bias = g.input('bias', 'float32', [4]);
      const f = g.constant('f', Float32Array.of(factor), [1]);
      const [m] = g.add('binary', 'm', [y, f], { kind: 'mul', activation: { kind: 'none' } });
      g.output(g.add('binary', 'z', [m, bias], { kind: 'add', activation: { kind: 'none' } })[0]);
      return g.build();
    };
    const feeds = { x: random(256, 9), bias: Float32Array.of(1, 2, 3, 4) };
    const first = await executable.extend(tail(2));
    const second = await executable.extend(tail(-1));
    const [a, b] = await Promise.all([
      first.run({ feeds, outputs: ['y', 'z'] }, copy),
      second.run({ feeds, outputs: ['y', 'z'] }, copy),
    ]);
    expect(a['y']).toEqual(b['y']);
    expectClose(
      a['z']!,
      a['y']!.map((v, i) => 2 * v + 1 + (i % 4)),
    );
    expectClose(
      b['z']!,
      a['y']!.map((v, i) => -v + 1 + (i % 4)),
    );
    first.dispose();
    expect(await failure(first.run({ feeds, outputs: ['z'] }, copy))).toMatchObject({ code: 'disposed' });
    expect(await second.run({ feeds, outputs: ['z'] }, copy)).toEqual({ z: b['z'] });
    // An extension of an extension, and the base alone.
    const third = await second.extend((() => {
      const g = new GraphBuilder();
      g.output(g.add('unary', 'n', [g.input('z', 'float32', [1, 8, 8, 4])], { kind: 'neg' })[0]);
      return g.build();
    })()); // prettier-ignore
    expectClose(
      (await third.run({ feeds, outputs: ['n'] }, copy))['n']!,
      b['z']!.map((v) => -v),
    );
    expect((await executable.run({ feeds: { x: feeds.x }, outputs: ['y'] }, copy))['y']).toEqual(a['y']);
    executable.dispose();
    for (const gone of [second, third])
      expect(await failure(gone.run({ feeds, outputs: ['z'] }, copy))).toMatchObject({ code: 'disposed' });
  });

  it('refuses an extension that reads an output with another shape', async () => {
    const executable = await runtime.compile(smallGraph(4, 8));
    const g = new GraphBuilder();
    g.output(g.add('unary', 'n', [g.input('y', 'float32', [1, 8, 4, 8])], { kind: 'neg' })[0]);
    expect(await failure(executable.extend(g.build()))).toMatchObject({ code: 'invalid-argument' });
  });

  it('refuses wrong feeds and outputs by name', async () => {
    const executable = await runtime.compile(smallGraph(4, 8));
    const run = (feeds: Record<string, Float32Array>, outputs: string[]): Promise<unknown> =>
      failure(executable.run({ feeds, outputs }, copy));
    const x = random(256, 1);
    expect(await run({}, ['y'])).toMatchObject({ code: 'invalid-argument', thing: 'feed "x"' });
    expect(await run({ x: x.subarray(1) }, ['y'])).toMatchObject({ code: 'invalid-argument' });
    expect(await run({ x, z: x }, ['y'])).toMatchObject({ code: 'invalid-argument', found: '"z"' });
    expect(await run({ x }, ['a'])).toMatchObject({ code: 'invalid-argument', found: '"a"' });
    expect(await run({ x }, ['y'])).toBeUndefined();
  });

  it('stops in mid-frame when the signal fires, and goes on with the next frame', async () => {
    const executable = await runtime.compile(longGraph(20));
    const feeds = { x: random(64 * 64 * 45, 4) };
    const start = performance.now();
    await executable.run({ feeds, outputs: [] }, () => {});
    const whole = performance.now() - start;
    const controller = new AbortController();
    const reason = new Error('enough');
    const began = performance.now();
    setTimeout(() => controller.abort(reason), whole / 8);
    const stopped = failure(executable.run({ feeds, outputs: ['y19'], signal: controller.signal }, copy));
    const next = executable.run({ feeds, outputs: ['y19'] }, (results) => results['y19']!.length);
    expect(await stopped).toBe(reason);
    // Half a frame is generous: it should be an eighth and one slice.
    expect(performance.now() - began).toBeLessThan(whole * 0.75);
    expect(await next).toBe(64 * 64 * 45);
    expect(await failure(executable.run({ feeds, outputs: [], signal: AbortSignal.abort(reason) }, copy))).toBe(reason);
    executable.dispose();
  });

  it('leaves the event loop free in a long frame', async () => {
    const executable = await runtime.compile(longGraph(20));
    const feeds = { x: random(64 * 64 * 45, 4) };
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    await executable.run({ feeds, outputs: [] }, () => {});
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(3);
    executable.dispose();
  });

  it('rejects frames in flight and waiting when it is disposed', async () => {
    const own = await createWasmRuntime({ threads });
    const executable = await own.compile(longGraph(20));
    const feeds = { x: random(64 * 64 * 45, 4) };
    const frames = [1, 2, 3].map(() => failure(executable.run({ feeds, outputs: [] }, copy)));
    setTimeout(() => own.dispose(), 5);
    for (const error of await Promise.all(frames)) expect(error).toMatchObject({ name: 'DisposedError', code: 'disposed' });
    own.dispose();
    executable.dispose();
    expect(await failure(own.compile(smallGraph()))).toMatchObject({ code: 'disposed' });
    expect(await failure(executable.run({ feeds, outputs: [] }, copy))).toMatchObject({ code: 'disposed' });
    expect(await failure(executable.extend(smallGraph()))).toMatchObject({ code: 'disposed' });
  });

  it('takes images of growing size, and the first size again', async () => {
    const g = new GraphBuilder();
    const attributes = {
      height: 40,
      width: 48,
      order: 'BGR',
      mean: [1, 2, 3],
      std: [4, 5, 6],
      padValue: 114,
      background: 255,
    } as const;
    g.output(g.add('image_to_tensor', 't', [g.image('image')], attributes)[0]);
    const graph = g.build();
    const reference = await createReferenceRuntime().compile(graph);
    const executable = await runtime.compile(graph);
    for (const [width, height, channels] of [[8, 8, 3], [300, 200, 3], [640, 333, 4], [33, 600, 1], [8, 8, 3], [48, 40, 3]] as const) {
      const data = Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 37 + (i >> 3)) & 255);
      const image: ImageFeed = { data, width, height, channels, target: { left: 3.5, top: 0, width: 40.25, height: 39 } };
      const [found, wanted] = await Promise.all([executable, reference].map((e) => e.run({ feeds: { image }, outputs: ['t'] }, copy)));
      expectClose(found!['t']!, wanted!['t']!);
    } // prettier-ignore
    const held = executable.memory.other;
    const image: ImageFeed = {
      data: new Uint8Array(12),
      width: 2,
      height: 2,
      channels: 3,
      target: { left: 0, top: 0, width: 48, height: 40 },
    };
    await executable.run({ feeds: { image }, outputs: ['t'] }, () => {});
    expect(executable.memory.other).toBe(held);
  });

  it('holds flat memory over 500 frames', async () => {
    const executable = await runtime.compile(smallGraph(8, 16));
    const feeds = { x: random(16 * 16 * 8, 3) };
    const frame = (): Promise<void> => executable.run({ feeds, outputs: ['y'] }, () => {});
    for (let i = 0; i < 100; i++) await frame();
    const { memory } = executable;
    const before = process.memoryUsage();
    for (let i = 0; i < 500; i++) await frame();
    const after = process.memoryUsage();
    expect(executable.memory).toEqual(memory);
    // Array buffers hold linear memory and copies of feeds: a frame adds none. The heap may hold garbage of a few kB a frame.
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(65536);
    expect(after.heapUsed - before.heapUsed).toBeLessThan(16 * 2 ** 20);
    executable.dispose();
  });

  it('swaps extensions without growing', async () => {
    const executable = await runtime.compile(smallGraph(8, 16));
    const feeds = { x: random(16 * 16 * 8, 3) };
    const tail = (() => {
      const g = new GraphBuilder();
      const y = g.input('y', 'float32', [1, 16, 16, 8]);
      g.output(
        g.add('conv2d', 'z', [y, g.constant('w', random(8 * 400, 1), [1, 1, 8, 400])], { ...conv, padding: [0, 0, 0, 0] })[0],
      );
      return g.build();
    })();
    const sizes = new Set<number>();
    for (let i = 0; i < 30; i++) {
      const extension = await executable.extend(tail);
      sizes.add(await extension.run({ feeds, outputs: ['z'] }, (results) => results['z']!.buffer.byteLength));
      extension.dispose();
    }
    expect(sizes.size).toBe(1);
  });

  it('keeps NaN and infinity away from loops and indices', async () => {
    const g = new GraphBuilder();
    const map = g.input('map', 'float32', [1, 6, 6, 3]);
    const threshold = g.input('threshold', 'float32', [1]);
    const [value, index, count] = g.add('peak_top_k', 'p', [map, threshold], { window: 3, k: 10 }) as [number, number, number];
    const rows = g.reshape('rows', map, [36, 3]);
    const [picked] = g.add('gather_rows', 'r', [rows, index, count], { divisor: 3 });
    const [top] = g.add('top_k', 't', [rows], { k: 2 });
    for (const id of [value, count, picked, top]) g.output(id);
    const executable = await runtime.compile(g.build());
    for (const fill of [NaN, Infinity, -Infinity, 0]) {
      const feeds = { map: new Float32Array(108).fill(fill), threshold: Float32Array.of(fill === 0 ? NaN : -1e30) };
      const found = await executable.run({ feeds, outputs: ['p:2'] }, (results) => results['p:2']![0]);
      expect(found).toBe(fill === Infinity ? 10 : 0);
    }
  });

  it('times its steps on demand', async () => {
    const executable = await runtime.compile(smallGraph(), { profile: true });
    expect(executable.profile).toEqual([]);
    await executable.run({ feeds: { x: random(17 * 17 * 13, 1) }, outputs: [] }, () => {});
    expect(executable.profile.map(({ name, op }) => [name, op])).toEqual([['a', 'conv2d'], ['b', 'depthwise_conv2d'], ['y', 'binary']]); // prettier-ignore
    for (const { ms } of executable.profile) expect(ms).toBeGreaterThanOrEqual(0);
  });

  it('tells progress and stops compiling on demand', async () => {
    const seen: number[] = [];
    const graph = longGraph(3);
    await runtime.compile(graph, { onProgress: (done, total) => seen.push(done / total) });
    expect(seen.at(-1)).toBe(1);
    const reason = new Error('no');
    expect(await failure(runtime.compile(graph, { signal: AbortSignal.abort(reason) }))).toBe(reason);
  });

  it('names what it needs when memory ends', async () => {
    const g = new GraphBuilder();
    const x = g.input('x', 'float32', [40_000, 30_000]);
    g.output(g.add('unary', 'y', [x], { kind: 'neg' })[0]);
    const error = await failure(runtime.compile(g.build()));
    expect(error).toMatchObject({ name: 'DeviceError', code: 'out-of-memory' });
    expect((error as Error).message).toMatch(/48\d{8} bytes needed, \d+ bytes held/);
  });
});

describe('createWasmRuntime', () => {
  it.each([
    [{ threads: 0 }, 'threads'],
    [{ threads: 1.5 }, 'threads'],
    [{ threads: 65 }, 'threads'],
    [{ tile: '3x8' }, 'tile'],
    [{ relaxed: 'yes' }, 'relaxed'],
  ])('refuses %o', async (options, thing) => {
    expect(await failure(createWasmRuntime(options as never))).toMatchObject({ code: 'invalid-argument', thing });
  });

  it.each(['4x8', '5x8', '6x8'] as const)('computes the same with tile %s', async (tile) => {
    const graph = smallGraph(21, 11);
    const feeds = { x: random(11 * 11 * 21, 6) };
    const runtime = await createWasmRuntime({ threads: 1, tile });
    expect(runtime.description).toContain(`tile ${tile}`);
    const found = await (await runtime.compile(graph)).run({ feeds, outputs: ['y'] }, copy);
    const wanted = await (await createReferenceRuntime().compile(graph)).run({ feeds, outputs: ['y'] }, copy);
    expectClose(found['y']!, wanted['y']!);
    runtime.dispose();
  });

  it('uses one thread and says why where memory cannot be shared', async () => {
    const given = Object.getOwnPropertyDescriptor(globalThis, 'crossOriginIsolated');
    Object.defineProperty(globalThis, 'crossOriginIsolated', { value: false, configurable: true });
    try {
      const runtime = await createWasmRuntime({ threads: 4 });
      expect(runtime.description).toMatch(/^wasm, 1 thread \(no shared memory: the page is not cross-origin isolated\)/);
      const executable: Executable = await runtime.compile(smallGraph(4, 8));
      expect(await executable.run({ feeds: { x: random(256, 1) }, outputs: ['y'] }, (r) => r['y']!.length)).toBe(256);
      runtime.dispose();
    } finally {
      if (given) Object.defineProperty(globalThis, 'crossOriginIsolated', given);
      else delete (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated;
    }
  });
});
