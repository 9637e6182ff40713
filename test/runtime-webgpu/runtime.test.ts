// What only the WebGPU runtime promises, on Dawn with SwiftShader: device loss, limits, memory named before it is taken, frames of changing size, devices of
// the caller, and buffers that do not grow.
import { create } from 'webgpu';
import { afterEach, describe, expect, it } from 'vitest';
import { ArgumentError, DeviceError, DeviceLostError, DisposedError } from '../../sdk/errors.js';
import { GraphBuilder } from '../../sdk/ir/builder.js';
import type { Graph } from '../../sdk/ir/graph.js';
import { chooseRuntime } from '../../sdk/runtime/choose.js';
import type { Executable, ImageFeed, Results } from '../../sdk/runtime/runtime.js';
import { judge } from '../../sdk/runtime/webgpu/adapter.js';
import { judgeOutputs } from '../../sdk/runtime/webgpu/calibrate.js';
import { accessesOf } from '../../sdk/runtime/webgpu/gpu.js';
import { createWebGpuRuntime, type WebGpuOptions, type WebGpuRuntime } from '../../sdk/runtime/webgpu/index.js';

// Dawn's instance must outlive its devices, and nothing else here holds it.
const dawn = create(['backend=vulkan']);

const opened: WebGpuRuntime[] = [];
async function open(options: WebGpuOptions = {}): Promise<WebGpuRuntime> {
  const runtime = await createWebGpuRuntime({ software: true, ...options });
  opened.push(runtime);
  return runtime;
}
afterEach(() => opened.splice(0).forEach((runtime) => runtime.dispose()));

/** y = relu(x + 1), `steps` times. */
function chain(steps = 1, size = 1024): Graph {
  const g = new GraphBuilder();
  let x = g.input('x', 'float32', [size]);
  const one = g.constant('one', Float32Array.of(1), [1]);
  for (let i = 0; i < steps; i++) {
    const name = i === steps - 1 ? 'y' : `y${i}`;
    [x] = g.add('binary', name, [x, one], { kind: 'add', activation: { kind: 'relu' } });
  }
  g.output(x);
  return g.build();
}

/** w = y * 2, behind a chain. */
function tail(size = 1024): Graph {
  const g = new GraphBuilder();
  const two = g.constant('two', Float32Array.of(2), [1]);
  const y = g.input('y', 'float32', [size]);
  g.output(g.add('binary', 'w', [y, two], { kind: 'mul', activation: { kind: 'none' } })[0]);
  return g.build();
}

const first = (name: string) => (results: Results) => results[name]![0]!;
const feeds = (value: number, size = 1024) => ({ x: new Float32Array(size).fill(value) });
const frame = (executable: Executable, value: number): Promise<number> =>
  executable.run({ feeds: feeds(value), outputs: ['y'] }, first('y'));
const destroy = (runtime: WebGpuRuntime): void => (runtime.gpuDevice as GPUDevice).destroy();

describe('a lost device', () => {
  it('in the middle of frames is opened again: they give their results, and the report says so', async () => {
    const runtime = await open();
    const executable = await runtime.compile(chain(50));
    const extended = await executable.extend(tail());
    expect(await frame(executable, 1)).toBe(51);
    const frames = [frame(executable, 2), extended.run({ feeds: feeds(3), outputs: ['w'] }, first('w')), frame(executable, 4)];
    destroy(runtime);
    expect(await Promise.all(frames)).toEqual([52, 106, 54]);
    expect(runtime.notes).toHaveLength(1);
    expect(runtime.notes[0]).toMatch(/lost .*opened again/);
    expect(await frame(executable, 5)).toBe(55);
  });

  it('is opened again after each loss', async () => {
    const runtime = await open();
    const executable = await runtime.compile(chain());
    for (let i = 0; i < 2; i++) {
      expect(await frame(executable, i)).toBe(i + 1);
      destroy(runtime);
    }
    expect(await frame(executable, 7)).toBe(8);
    expect(runtime.notes).toHaveLength(2);
  });

  it('while compiling is opened again, too', async () => {
    const runtime = await open();
    const compiling = runtime.compile(chain(20));
    destroy(runtime);
    expect(await frame(await compiling, 1)).toBe(21);
  });

  it('of the caller is reported as DeviceLostError, now and afterwards', async () => {
    const adapter = (await dawn.requestAdapter())!;
    const device = await adapter.requestDevice();
    const runtime = await open({ device });
    const executable = await runtime.compile(chain(50));
    const frames = Promise.allSettled([frame(executable, 1), frame(executable, 2), frame(executable, 3)]);
    device.destroy();
    for (const result of await frames) {
      if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(DeviceLostError);
    }
    expect((await frames).at(-1)!.status).toBe('rejected');
    await expect(frame(executable, 4)).rejects.toMatchObject({ code: 'device-lost', found: 'a device that was destroyed' });
    await expect(runtime.compile(chain())).rejects.toBeInstanceOf(DeviceLostError);
    executable.dispose();
    await expect(frame(executable, 5)).rejects.toBeInstanceOf(DisposedError);
  });
});

describe('devices of the caller', () => {
  it('serve two runtimes and outlive them', async () => {
    const adapter = (await dawn.requestAdapter())!;
    const device = await adapter.requestDevice();
    const [a, b] = [await open({ device }), await open({ device })];
    const [one, two] = [await a.compile(chain(3)), await b.compile(chain(5))];
    expect(await Promise.all([frame(one, 1), frame(two, 1), frame(one, 2), frame(two, 2)])).toEqual([4, 6, 5, 7]);
    a.dispose();
    expect(await frame(two, 3)).toBe(8);
    b.dispose();
    const { queue } = device;
    await queue.onSubmittedWorkDone();
    device.destroy();
  });

  it('without timestamps are profiled dispatch by dispatch, and the results stay', async () => {
    const device = await (await dawn.requestAdapter())!.requestDevice();
    expect(device.features.has('timestamp-query')).toBe(false);
    const runtime = await open({ device });
    const executable = await runtime.compile(chain(5), { profile: true });
    const extended = await executable.extend(tail());
    expect(await extended.run({ feeds: feeds(3), outputs: ['w'] }, first('w'))).toBe(16);
    expect(extended.profile.map(({ name }) => name)).toEqual(['y0', 'y1', 'y2', 'y3', 'y', 'w']);
    for (const { ms } of extended.profile) expect(ms).toBeGreaterThanOrEqual(0);
    expect(await extended.run({ feeds: feeds(4), outputs: ['w'] }, first('w'))).toBe(18);
    runtime.dispose();
    device.destroy();
  });

  it.each([['a string'], [{}], [null]])('that are none are refused: %s', async (device) => {
    await expect(createWebGpuRuntime({ device: device as never })).rejects.toBeInstanceOf(ArgumentError);
  });
});

describe('choice', () => {
  it('passes over a runtime on which the model cannot be prepared, and says why; other errors end it', async () => {
    const tooLarge = new DeviceError('out-of-memory', { thing: 'graph', found: '9 GB', wanted: 'at most 1 GB' });
    const { runtime, report } = await chooseRuntime(['webgpu', 'reference'], {}, async ({ kind }) => {
      if (kind === 'webgpu') throw tooLarge;
    });
    expect(report).toMatchObject({ used: 'reference', why: [{ kind: 'webgpu', reason: tooLarge.message }] });
    runtime.dispose();
    const other = new Error('stopped');
    await expect(chooseRuntime(['webgpu', 'reference'], {}, () => Promise.reject(other))).rejects.toBe(other);
    await expect(chooseRuntime('webgpu', {}, () => Promise.reject(tooLarge))).rejects.toBe(tooLarge);
  });

  it('leaves a software adapter alone unless webgpu is asked for by name, and says why', async () => {
    const { runtime, report } = await chooseRuntime('auto', { threads: 1 });
    expect(report.used).toBe('wasm');
    expect(report.why).toEqual([
      { kind: 'webgpu', reason: expect.stringMatching(/swiftshader.*computes on the CPU/is) as string },
    ]);
    runtime.dispose();
    const named = await chooseRuntime('webgpu');
    expect(named.report).toMatchObject({ used: 'webgpu', adapter: { software: true }, notes: [] });
    expect(named.report.adapter!.limits['maxBufferSize']).toBeGreaterThanOrEqual(2 ** 28);
    expect(JSON.parse(JSON.stringify(named.report)) as object).toMatchObject({ description: named.report.description });
    named.runtime.dispose();
  });

  it('refuses f16 where the adapter has none, and unknown precisions', async () => {
    await expect(createWebGpuRuntime({ software: true, precision: 'f16' })).rejects.toMatchObject({ code: 'device-unavailable' });
    await expect(chooseRuntime('webgpu', { precision: 'f8' as never })).rejects.toBeInstanceOf(ArgumentError);
  });

  it.each([
    [{ vendor: 'google', architecture: 'swiftshader' }, true],
    [{ description: 'llvmpipe (LLVM 15.0.6, 256 bits)', vendor: '65541' }, true],
    [{ vendor: 'microsoft', description: 'Microsoft Basic Render Driver' }, true],
    [{ vendor: 'intel', isFallbackAdapter: true }, true],
    [{ vendor: 'nvidia', architecture: 'hopper', description: 'NVIDIA H200' }, false],
    [{ vendor: 'apple', architecture: 'metal-3' }, false],
    [undefined, false],
  ])('judges %o', (info, software) => expect(judge(info).software).toBe(software));
});

describe('memory', () => {
  it('of a tensor beyond the largest binding is named with both numbers before anything is made', async () => {
    const runtime = await open({ limits: 'default' });
    await expect(runtime.compile(chain(2, 2 ** 25 + 4))).rejects.toMatchObject({
      code: 'out-of-memory',
      found: `${2 ** 27 + 16} bytes`,
      wanted: expect.stringContaining(String(2 ** 27)) as string,
    });
  });

  it('of a graph beyond the limit is named, and a wrong limit is refused', async () => {
    const runtime = await open({ memoryLimit: 4000 });
    await expect(runtime.compile(chain(2))).rejects.toMatchObject({
      code: 'out-of-memory',
      thing: expect.stringContaining('2 nodes') as string,
    });
    await expect(createWebGpuRuntime({ memoryLimit: Number.NaN })).rejects.toBeInstanceOf(ArgumentError);
  });

  it('is shared by values that do not live at the same time', async () => {
    const runtime = await open();
    const executable = await runtime.compile(chain(100, 2 ** 18));
    // Two banks take turns.
    expect(executable.memory.arena).toBe(2 * 2 ** 20);
  });

  it('does not grow from frame to frame, also where their images change size', async () => {
    const g = new GraphBuilder();
    const attributes = {
      height: 16,
      width: 16,
      order: 'RGB',
      mean: [0, 0, 0],
      std: [1, 1, 1],
      padValue: 0,
      background: 0,
    } as const;
    g.output(g.add('image_to_tensor', 't', [g.image('photo')], attributes)[0]);
    const runtime = await open();
    const executable = await runtime.compile(g.build());
    const device = runtime.gpuDevice as GPUDevice;
    let made = 0;
    for (const method of ['createBuffer', 'createBindGroup', 'createTexture'] as const) {
      const original = device[method].bind(device) as (...args: never[]) => never;
      device[method] = ((...args: never[]) => (made++, original(...args))) as never;
    }
    const photo = (width: number, height: number, level: number): ImageFeed => ({
      data: new Uint8Array(width * height * 3).fill(level),
      width,
      height,
      channels: 3,
      target: { left: 0, top: 0, width: 16, height: 16 },
    });
    const show = (width: number, height: number, level: number): Promise<number> =>
      executable.run({ feeds: { photo: photo(width, height, level) }, outputs: ['t'] }, first('t'));
    const sizes = [[1, 1], [3, 5], [96, 64], [17, 2], [33, 31], [96, 64]] as const; // prettier-ignore
    for (const [i, [width, height]] of sizes.entries()) expect(await show(width, height, i + 1)).toBeCloseTo(i + 1, 4);
    const [before, { memory }] = [made, executable];
    for (let i = 0; i < 60; i++) {
      const [width, height] = sizes[i % sizes.length]!;
      expect(await show(width, height, i)).toBeCloseTo(i, 4);
    }
    expect([made, executable.memory]).toEqual([before, memory]);
  });
});

describe('a frame', () => {
  it('ends with DisposedError when the executable is disposed meanwhile, and harms no other executable', async () => {
    const runtime = await open();
    const [one, two] = [await runtime.compile(chain(50)), await runtime.compile(chain(50))];
    const frames = [frame(one, 1), frame(two, 1), frame(one, 2), frame(one, 3)];
    const settled = Promise.allSettled(frames);
    one.dispose();
    const results = await settled;
    expect(results[1]).toEqual({ status: 'fulfilled', value: 51 });
    for (const i of [0, 2, 3]) expect((results[i] as PromiseRejectedResult).reason).toBeInstanceOf(DisposedError);
    expect(await frame(two, 4)).toBe(54);
  });

  it('aborted in flight rejects at once with the reason, and the next one is right', async () => {
    const runtime = await open();
    const executable = await runtime.compile(chain(50));
    const controller = new AbortController();
    const reason = new Error('enough');
    let consumed = false;
    const request = { feeds: feeds(1), outputs: ['y'], signal: controller.signal };
    const stopped = executable.run(request, () => (consumed = true));
    controller.abort(reason);
    await expect(stopped).rejects.toBe(reason);
    expect(await frame(executable, 2)).toBe(52);
    expect(consumed).toBe(false);
  });

  it('compiling stops with the reason of the signal', async () => {
    const runtime = await open();
    const controller = new AbortController();
    const compiling = runtime.compile(chain(50), { signal: controller.signal, onProgress: () => controller.abort('stop') });
    await expect(compiling).rejects.toBe('stop');
    expect(await frame(await runtime.compile(chain()), 1)).toBe(2);
  });
});

describe('parts', () => {
  it('read the bindings of a kernel', () => {
    const wgsl =
      '@group(0)@binding(0)var<storage,read>x:array<scalar>;@binding(2) @group(0) var<uniform> shape : Shape;' +
      '@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;@group(0)@binding(3)var t:texture_2d<f32>;';
    expect(accessesOf(wgsl)).toEqual(['read', 'write', 'uniform', 'texture']);
    expect(() => accessesOf('@group(0) @binding(1) var<uniform> a: A;')).toThrow(TypeError);
  });

  it.each<[Results, string | undefined]>([
    [{ a: Float32Array.of(0, 1), b: Float32Array.of() }, undefined],
    [{ a: Float32Array.of(1), b: Float32Array.of(0, Number.NaN) }, 'the output "b" has NaN'],
    [{ a: Float32Array.of(1, -Infinity) }, 'the output "a" has infinities'],
    [{ a: new Float32Array(9) }, 'the output "a" is all zeros'],
  ])('judge a calibration frame: %o', (results, wanted) => expect(judgeOutputs(results)).toBe(wanted));
});
