// The promises of sdk/runtime/runtime.ts, kept by every runtime: queueing, copies of feeds, extensions, errors of callers, abort, dispose.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ArgumentError, DisposedError } from '../../sdk/errors.js';
import { GraphBuilder } from '../../sdk/ir/builder.js';
import type { Graph } from '../../sdk/ir/graph.js';
import type { Results, Runtime } from '../../sdk/runtime/runtime.js';
import { runtimes } from './runtimes.js';

const none = { kind: 'none' } as const;

/** y = relu(x), z = y + 1. */
function base(): Graph {
  const g = new GraphBuilder();
  const x = g.input('x', 'float32', [4]);
  const [y] = g.add('activation', 'y', [x], { activation: { kind: 'relu' } });
  const [z] = g.add('binary', 'z', [y, g.constant('one', Float32Array.of(1), [])], { kind: 'add', activation: none });
  g.output(y);
  g.output(z);
  return g.build();
}

/** w = y * k, on the y of the base. */
function extension(): Graph {
  const g = new GraphBuilder();
  const [w] = g.add('binary', 'w', [g.input('y', 'float32', [4]), g.input('k', 'float32', [1])], {
    kind: 'mul',
    activation: none,
  });
  g.output(w);
  return g.build();
}

/** Many convolutions, so that a frame takes a while. */
function slow(): Graph {
  const g = new GraphBuilder();
  let x = g.input('x', 'float32', [1, 48, 48, 32]);
  for (let i = 0; i < 40; i++) {
    const weight = g.constant(`w${i}`, new Float32Array(9 * 32 * 32).fill(0.001), [3, 3, 32, 32]);
    const attributes = {
      strides: [1, 1],
      padding: [1, 1, 1, 1],
      dilations: [1, 1],
      groups: 1,
      activation: none,
      residual: 'before_activation',
    } as const;
    [x] = g.add('conv2d', `c${i}`, [x, weight], attributes);
  }
  g.output(x);
  return g.build();
}

const copy = (results: Results): Record<string, number[]> =>
  Object.fromEntries(Object.entries(results).map(([name, data]) => [name, Array.from(data)]));

describe.each(runtimes)('the contract on $name', ({ create }) => {
  let runtime: Runtime;
  beforeEach(async () => {
    runtime = await create();
  });
  afterEach(() => runtime.dispose());

  it('gives the named outputs and nothing else', async () => {
    const executable = await runtime.compile(base());
    const feeds = { x: Float32Array.of(-1, 0, 2, 3) };
    expect(await executable.run({ feeds, outputs: ['z'] }, copy)).toEqual({ z: [1, 1, 3, 4] });
    expect(await executable.run({ feeds, outputs: ['y', 'z'] }, copy)).toEqual({ y: [0, 0, 2, 3], z: [1, 1, 3, 4] });
    expect(await executable.run({ feeds, outputs: [] }, copy)).toEqual({});
  });

  it('runs overlapping frames one after another, each with its own feeds', async () => {
    const executable = await runtime.compile(base());
    const order: number[] = [];
    const frames = Array.from({ length: 20 }, (_, i) => {
      const x = Float32Array.of(i, i, i, i);
      const frame = executable.run({ feeds: { x }, outputs: ['z'] }, (results) => {
        order.push(i);
        return results['z']![0];
      });
      // Feeds were copied: what happens to the array afterwards changes nothing.
      x.fill(-1000);
      return frame;
    });
    expect(await Promise.all(frames)).toEqual(frames.map((_, i) => i + 1));
    expect(order).toEqual(frames.map((_, i) => i));
  });

  it('copies images before it returns to the event loop, also those of frames that wait', async () => {
    const g = new GraphBuilder();
    const attributes = {
      height: 64,
      width: 64,
      order: 'RGB',
      mean: [0, 0, 0],
      std: [1, 1, 1],
      padValue: 0,
      background: 0,
    } as const;
    const [t] = g.add('image_to_tensor', 't', [g.image('photo')], attributes);
    const weight = g.constant('w', new Float32Array(7 * 7 * 3 * 64), [7, 7, 3, 64]);
    const conv = {
      strides: [1, 1],
      padding: [3, 3, 3, 3],
      dilations: [1, 1],
      groups: 1,
      activation: none,
      residual: 'before_activation',
    } as const;
    g.output(t);
    g.output(g.add('conv2d', 'slow', [t, weight], conv)[0]);
    const executable = await runtime.compile(g.build());
    const data = Uint8Array.of(1, 2, 3);
    const photo = { data, width: 1, height: 1, channels: 3 as const, target: { left: 0, top: 0, width: 64, height: 64 } };
    const frames = [1, 2, 3, 4].map(() =>
      executable.run({ feeds: { photo }, outputs: ['t'] }, ({ t }) => Array.from(t!.subarray(0, 3))),
    );
    await new Promise((resolve) => setTimeout(resolve));
    data.fill(9);
    expect(await Promise.all(frames)).toEqual(frames.map(() => [1, 2, 3]));
  });

  it('hands errors of consume to its caller only', async () => {
    const executable = await runtime.compile(base());
    const feeds = { x: Float32Array.of(1, 1, 1, 1) };
    const mistake = new Error('mine');
    const bad = executable.run({ feeds, outputs: ['z'] }, () => {
      throw mistake;
    });
    const good = executable.run({ feeds, outputs: ['z'] }, copy);
    await expect(bad).rejects.toBe(mistake);
    expect(await good).toEqual({ z: [2, 2, 2, 2] });
  });

  it('extends a graph behind the same frame, twice, and disposes with the base', async () => {
    const executable = await runtime.compile(base());
    const extended = await executable.extend(extension());
    const feeds = { x: Float32Array.of(1, -1, 2, 0), k: Float32Array.of(10) };
    expect(await extended.run({ feeds, outputs: ['w', 'z'] }, copy)).toEqual({ w: [10, 0, 20, 0], z: [2, 1, 3, 1] });
    // The base still runs alone, also between frames of its extension.
    const frames = await Promise.all([
      extended.run({ feeds, outputs: ['w'] }, copy),
      executable.run({ feeds: { x: Float32Array.of(5, 5, 5, 5) }, outputs: ['y'] }, copy),
      extended.run({ feeds, outputs: ['w'] }, copy),
    ]);
    expect(frames).toEqual([{ w: [10, 0, 20, 0] }, { y: [5, 5, 5, 5] }, { w: [10, 0, 20, 0] }]);
    const other = await executable.extend(extension());
    other.dispose();
    expect(await extended.run({ feeds, outputs: ['w'] }, copy)).toEqual({ w: [10, 0, 20, 0] });
    executable.dispose();
    await expect(extended.run({ feeds, outputs: ['w'] }, copy)).rejects.toBeInstanceOf(DisposedError);
  });

  it.each<[string, Record<string, unknown>, string[]]>([
    ['a missing feed', {}, ['z']],
    ['a feed of the wrong length', { x: new Float32Array(3) }, ['z']],
    ['a feed of the wrong type', { x: new Int32Array(4) }, ['z']],
    ['a feed that is no array', { x: [1, 2, 3, 4] }, ['z']],
    ['an unknown feed', { x: new Float32Array(4), more: new Float32Array(1) }, ['z']],
    ['an unknown output', { x: new Float32Array(4) }, ['nothing']],
  ])('refuses %s and stays usable', async (_, feeds, outputs) => {
    const executable = await runtime.compile(base());
    await expect(executable.run({ feeds: feeds as never, outputs }, copy)).rejects.toBeInstanceOf(ArgumentError);
    expect(await executable.run({ feeds: { x: new Float32Array(4) }, outputs: ['y'] }, copy)).toEqual({ y: [0, 0, 0, 0] });
  });

  it('stops before and during a frame, with the reason of the signal, and stays usable', async () => {
    const executable = await runtime.compile(slow());
    const feeds = { x: new Float32Array(48 * 48 * 32).fill(1) };
    const outputs = ['c39'];
    await expect(executable.run({ feeds, outputs, signal: AbortSignal.abort('before') }, copy)).rejects.toBe('before');
    const controller = new AbortController();
    // Frames take turns: the second one is aborted while it waits or runs.
    const first = executable.run({ feeds, outputs }, (results) => results['c39']!.length);
    const second = executable.run({ feeds, outputs, signal: controller.signal }, copy);
    controller.abort('while waiting');
    await expect(second).rejects.toBe('while waiting');
    expect(await first).toBe(48 * 48 * 32);
    expect(await executable.run({ feeds, outputs }, (results) => results['c39']!.length)).toBe(48 * 48 * 32);
  });

  it('rejects frames in flight when disposed, and everything afterwards; twice is once', async () => {
    const executable = await runtime.compile(slow());
    const feeds = { x: new Float32Array(48 * 48 * 32) };
    const waiting = [1, 2, 3].map(() => executable.run({ feeds, outputs: ['c39'] }, () => 'done'));
    const settled = Promise.allSettled(waiting);
    executable.dispose();
    executable.dispose();
    // The first one may have been computed before the call returned; none may stay unsettled, and no error may be another one.
    for (const result of await settled) if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(DisposedError);
    expect((await settled).at(-1)!.status).toBe('rejected');
    await expect(executable.run({ feeds, outputs: ['c39'] }, copy)).rejects.toBeInstanceOf(DisposedError);
    await expect(executable.extend(extension())).rejects.toBeInstanceOf(DisposedError);
    runtime.dispose();
    runtime.dispose();
    await expect(runtime.compile(base())).rejects.toBeInstanceOf(DisposedError);
  });

  it('measures steps only where asked', async () => {
    const feeds = { x: new Float32Array(4) };
    const plain = await runtime.compile(base());
    await plain.run({ feeds, outputs: ['z'] }, copy);
    expect(plain.profile).toEqual([]);
    const measured = await runtime.compile(base(), { profile: true });
    await measured.run({ feeds, outputs: ['z'] }, copy);
    expect(measured.profile.length).toBeGreaterThan(0);
    for (const { name, op, ms } of measured.profile)
      expect([typeof name, typeof op, ms >= 0]).toEqual(['string', 'string', true]);
  });

  it('tells its memory and its progress', async () => {
    const seen: [number, number][] = [];
    const executable = await runtime.compile(slow(), { onProgress: (done, total) => seen.push([done, total]) });
    expect(seen.at(-1)![0]).toBe(seen.at(-1)![1]);
    expect(executable.memory.constants).toBeGreaterThanOrEqual(40 * 9 * 32 * 32 * 4);
    expect(executable.memory.arena).toBeGreaterThanOrEqual(2 * 48 * 48 * 32 * 4);
  });
});
