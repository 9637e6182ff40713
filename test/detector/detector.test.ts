// The detector as its users meet it: results, label spaces, concurrency, abort, disposal and every kind of bad input, on each runtime.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { create } from 'webgpu';
import {
  Detector,
  type GpuArray,
  labelSpace,
  grouping,
  loadDetector,
  type ErrorCode,
  type RuntimeKind,
} from '../../sdk/index.js';
import { unifiedLabelSpace } from '../../sdk/taxonomy/index.js';
import { colourModel, fullLogit, picture, type Colour } from './colour-model.js';

// Dawn's instance must outlive its devices.
const dawn = create(['backend=vulkan']);

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
/** Scores pass through one float32 convolution and a float32 pooling: a few units in the last place. */
const SCORE_TOLERANCE = 1e-6;

const runtimes: [name: string, device: RuntimeKind, threads: number][] = [
  ['reference', 'reference', 1],
  ['wasm, 1 thread', 'wasm', 1],
  ['wasm, 2 threads', 'wasm', 2],
  // Dawn on SwiftShader.
  ['webgpu', 'webgpu', 1],
];

/** Rejects with an error of this code whose message names `mentions`. */
async function rejects(promise: Promise<unknown>, code: ErrorCode, ...mentions: (string | RegExp)[]): Promise<void> {
  const error = (await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )) as { code?: string; message: string };
  expect(error, 'the call was expected to fail').toBeDefined();
  expect(error.code, error.message).toBe(code);
  for (const mention of mentions) expect(error.message).toMatch(mention);
}

const scene = picture([
  { colour: 'red', x: 1, y: 2 },
  { colour: 'blue', x: 5, y: 5 },
]);

describe.each(runtimes)('%s', (_, device, threads) => {
  let detector: Detector<Colour>;
  beforeAll(async () => {
    detector = (await loadDetector(colourModel(), { device, threads })) as Detector<Colour>;
  });
  afterAll(() => detector.dispose());

  test('finds what is there, in source pixels, best first', async () => {
    const detections = await detector.detect(scene);
    expect([...detections].map(({ label, labelId, box }) => ({ label, labelId, box }))).toEqual([
      { label: 'red', labelId: 1, box: [8, 16, 16, 24] },
      { label: 'blue', labelId: 3, box: [40, 40, 48, 48] },
    ]);
    for (const { score } of detections) expect(Math.abs(score - sigmoid(fullLogit))).toBeLessThan(SCORE_TOLERANCE);
    expect([detections.imageWidth, detections.imageHeight]).toEqual([64, 64]);
  });

  test('frames of changing size give boxes in their own pixels', async () => {
    for (const scale of [1, 4, 2, 8, 1]) {
      const detections = await detector.detect(picture([{ colour: 'green', x: 7, y: 0 }], scale));
      expect([...detections].map(({ label, box }) => ({ label, box }))).toEqual([
        { label: 'green', box: [56 * scale, 0, 64 * scale, 8 * scale] },
      ]);
    }
  });

  test('the report says what was asked, what is used and why', () => {
    expect(detector.device).toMatchObject({ asked: device, used: device, why: [] });
    expect(detector.device.description.length).toBeGreaterThan(5);
    expect(detector.memory.constants).toBeGreaterThan(0);
  });

  test('groups combine scores as they say', async () => {
    const p = sigmoid(fullLogit);
    const q = sigmoid(-12); // another colour's score in a full cell
    for (const [combine, expected] of [
      ['max', p],
      ['mean', (p + q) / 2],
      ['noisy_or', 1 - (1 - p) * (1 - q)],
    ] as const) {
      const labels = { name: 'warmth', labels: { warm: ['red', 'green'], cold: 'blue' }, combine };
      const detections = await detector.detect(scene, { labels });
      const warm = [...detections].find(({ label }) => label === 'warm')!;
      expect(warm.box).toEqual([8, 16, 16, 24]);
      expect(Math.abs(warm.score - expected), combine).toBeLessThan(SCORE_TOLERANCE);
    }
  });

  test('label spaces change without reloading: at once, for one call, and as a typed view', async () => {
    const own = await loadDetector(colourModel(), { device, threads });
    try {
      own.labels = { labels: { rouge: 'red' } };
      expect([...(await own.detect(scene))].map(({ label }) => label)).toEqual(['rouge']);
      expect([...(await own.detect(scene, { labels: ['blue'] }))].map(({ label }) => label)).toEqual(['blue']);
      const view = own.withLabels(grouping(own.modelLabels, { thing: ['red', 'green', 'blue'] }));
      expect([...(await view.detect(scene))].map(({ label }) => label)).toEqual(['thing', 'thing']);
      own.labels = labelSpace('mine', [{ name: 'azure', synonyms: ['blue'] }]);
      expect([...(await own.detect(scene))].map(({ label }) => label)).toEqual(['azure']);
      own.labels = undefined;
      expect(own.labels.name).toBe('colours');
    } finally {
      own.dispose();
    }
  });

  test('a unified label space over two data sets is a label space like any other', async () => {
    const other = labelSpace('lamps', ['stop', 'sky']);
    const unified = unifiedLabelSpace(
      'signals',
      [detector.modelLabels, other],
      [
        { name: 'stop signal', members: { colours: 1, lamps: 0 } },
        { name: 'open sky', members: { colours: 3, lamps: 1 } },
      ],
      { rest: 'single' },
    );
    const detections = await detector.detect(scene, { labels: unified });
    expect([...detections].map(({ label }) => label)).toEqual(['stop signal', 'open sky']);
  });

  test('more label spaces than are kept ready still work, also in flight', async () => {
    const calls = Array.from({ length: 40 }, (_, i) =>
      detector.detect(scene, { labels: { labels: { [`label ${i}`]: ['red', 'blue'] } } }),
    );
    for (const [i, detections] of (await Promise.all(calls)).entries()) {
      expect([...detections].map(({ label }) => label)).toEqual([`label ${i}`, `label ${i}`]);
    }
  });

  test('calls at the same time give what they give alone', async () => {
    const pictures = Array.from({ length: 8 }, (_, i) => picture([{ colour: 'green', x: i, y: 7 - i }], 1 + (i % 3)));
    const together = await Promise.all(pictures.map((image) => detector.detect(image)));
    for (const [i, image] of pictures.entries()) expect(together[i]!.toJSON()).toEqual((await detector.detect(image)).toJSON());
  });

  test('an array of images gives results in order; a bad one is named', async () => {
    const [first, second] = await detector.detect([scene, picture([])]);
    expect([first!.length, second!.length]).toEqual([2, 0]);
    await rejects(detector.detect([scene, Uint8Array.of(1, 2, 3)]), 'invalid-image', /^images\[1\]/);
  });

  test('abort stops a call and harms no other', async () => {
    const controller = new AbortController();
    const stopped = detector.detect(scene, { signal: controller.signal });
    const other = detector.detect(scene);
    controller.abort(new Error('enough'));
    await expect(stopped).rejects.toThrow('enough');
    expect((await other).length).toBe(2);
    await expect(detector.detect(scene, { signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before');
  });

  test('scoreThreshold and maxDetections hold', async () => {
    expect((await detector.detect(scene, { scoreThreshold: 1 })).length).toBe(0);
    expect((await detector.detect(scene, { scoreThreshold: 0.99 })).length).toBe(0);
    expect((await detector.detect(scene, { maxDetections: 1 })).at(0)!.label).toBe('red');
    expect((await detector.detect(scene, { scoreThreshold: 0, maxDetections: 10_000 })).length).toBeGreaterThan(2);
  });

  test('use after dispose is named, and dispose is idempotent', async () => {
    const own = await loadDetector(colourModel(), { device, threads });
    const inFlight = own.detect(scene).then(
      () => 'done',
      (error: { code: string }) => error.code,
    );
    own.dispose();
    own.dispose();
    expect(['done', 'disposed']).toContain(await inFlight);
    await rejects(own.detect(scene), 'disposed', /detector/);
  });

  test('memory stays flat over 500 frames', async () => {
    const before = detector.memory;
    for (let i = 0; i < 500; i++) await detector.detect(scene);
    expect(detector.memory).toEqual(before);
  });
});

describe('bad input', () => {
  let detector: Detector;
  beforeAll(async () => {
    detector = await loadDetector(colourModel(), { device: 'wasm', threads: 1 });
  });
  afterAll(() => detector.dispose());

  test.each([
    ['threshold of 2', { scoreThreshold: 2 }, /scoreThreshold: found 2; wanted a number from 0 to 1/],
    ['negative threshold', { scoreThreshold: -0.1 }, /scoreThreshold/],
    ['threshold NaN', { scoreThreshold: Number.NaN }, /scoreThreshold: found NaN/],
    ['threshold as text', { scoreThreshold: '0.5' as unknown as number }, /scoreThreshold: found "0.5"/],
    ['no detections wanted', { maxDetections: 0 }, /maxDetections: found 0/],
    ['half a detection', { maxDetections: 1.5 }, /maxDetections/],
    ['nms IoU of 2', { nms: { iouThreshold: 2, perClass: true } }, /iouThreshold/],
  ])('%s', async (_, options, message) => rejects(detector.detect(scene, options), 'invalid-argument', message));

  test('an unknown label in a grouping is named, with what is near', () =>
    rejects(detector.detect(scene, { labels: { labels: { warm: ['read', 'green'] } } }), 'unknown-label', /"read"/, /red/));

  test.each([
    ['null', null],
    ['a number', 7],
  ])('an image that is %s', (_, image) => rejects(detector.detect(image as never), 'invalid-argument', /wanted a path, URL, /));

  test.each([
    ['0x0', { data: new Uint8Array(0), width: 0, height: 0, channels: 3 }],
    ['too few bytes', { data: new Uint8Array(10), width: 4, height: 4, channels: 3 }],
    ['two channels', { data: new Uint8Array(32), width: 4, height: 4, channels: 2 }],
  ])('an image that is %s', (_, image) => rejects(detector.detect(image as never), 'invalid-image'));

  test('30000x30000 is refused by its header alone', async () => {
    const chunk = (type: string, ...data: number[]) => [0, 0, 0, data.length, ...Buffer.from(type), ...data, 0, 0, 0, 0];
    const header = [0, 0, 117, 48, 0, 0, 117, 48, 8, 2, 0, 0, 0];
    const png = Uint8Array.from([
      137,
      80,
      78,
      71,
      13,
      10,
      26,
      10,
      ...chunk('IHDR', ...header),
      ...chunk('IDAT', 0),
      ...chunk('IEND'),
    ]);
    await rejects(detector.detect(png), 'image-too-large', /30000/);
  });

  test('a file that is not there', () => rejects(detector.detect('no/such/photo.jpg'), 'missing-file', /no\/such\/photo\.jpg/));

  test.each([
    ['device', { device: 'gpu' as never }, 'invalid-argument', /device: found "gpu"/],
    ['threads', { threads: 0 }, 'invalid-argument', /threads: found 0/],
    ['labels', { labels: ['purple'] as string[] }, 'unknown-label', /"purple"/],
  ] as const)('load with a wrong %s', (_, options, code, message) =>
    rejects(loadDetector(colourModel(), options), code, message),
  );

  test('auto passes a software adapter over, with the reason', async () => {
    const detector = await loadDetector(colourModel(), { threads: 1 });
    expect(detector.device.used).toBe('wasm');
    expect(detector.device.why).toEqual([{ kind: 'webgpu', reason: expect.stringMatching(/computes on the CPU/) as string }]);
    expect(detector.gpuDevice).toBeUndefined();
    detector.dispose();
  });

  test('a GPU that is lost in the middle of frames is opened again, once, and the report says so', async () => {
    const detector = await loadDetector(colourModel(), { device: 'webgpu' });
    const wanted = await detector.detect(scene);
    const frames = [detector.detect(scene), detector.detect(scene, { labels: ['red'] }), detector.detect(scene)];
    (detector.gpuDevice as { destroy(): void }).destroy();
    const [first, red, last] = await Promise.all(frames);
    expect([first!.toJSON(), last!.toJSON()]).toEqual([wanted.toJSON(), wanted.toJSON()]);
    expect([...red!].map(({ label }) => label)).toEqual(['red']);
    expect(detector.device.notes).toEqual([expect.stringMatching(/lost.*opened again/) as string]);
    detector.dispose();
  });

  test('a GPUDevice of the caller is used, and its loss is a DeviceLostError', async () => {
    const device = await (await dawn.requestAdapter())!.requestDevice();
    const detector = await loadDetector(colourModel(), { device: 'webgpu', gpuDevice: device });
    expect(detector.gpuDevice).toBe(device);
    expect(await detector.detect(scene)).toHaveLength(2);
    device.destroy();
    await rejects(detector.detect(scene), 'device-lost', /destroyed/);
    detector.dispose();
  });

  test.each([false, { iouThreshold: 0.5 }] as const)('keepOnGpu leaves the same detections in buffers, nms %o', async (nms) => {
    const detector = await loadDetector(colourModel(), { device: 'webgpu' });
    const wanted = [...(await detector.detect(scene, { nms }))];
    const kept = await detector.detect(scene, { keepOnGpu: true, nms });
    const device = detector.gpuDevice as GPUDevice;
    const read = async ({ buffer, dtype }: GpuArray) => {
      const { size } = buffer as GPUBuffer;
      // 1 MAP_READ, 8 COPY_DST.
      const staging = device.createBuffer({ size, usage: 1 | 8 });
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(buffer as GPUBuffer, 0, staging, 0, size);
      device.queue.submit([encoder.finish()]);
      await staging.mapAsync(1);
      const bytes = staging.getMappedRange().slice(0);
      return dtype === 'float32' ? new Float32Array(bytes) : new Int32Array(bytes);
    };
    const [boxes, scores, labels, count] = await Promise.all([kept.boxes, kept.scores, kept.labelIndices, kept.count].map(read));
    const order = kept.order ? await read(kept.order) : undefined;
    expect(order !== undefined).toBe(nms !== false);
    const { left, top, scaleX, scaleY } = kept.place;
    const found = Array.from({ length: count![0]! }, (_, i) => {
      const row = order?.[i] ?? i;
      const [x1, y1, x2, y2] = boxes!.subarray(row * 4, row * 4 + 4) as Float32Array;
      const box = [(x1! - left) * scaleX, (y1! - top) * scaleY, (x2! - left) * scaleX, (y2! - top) * scaleY];
      return { label: kept.labels.names[labels![row]!], box, score: scores![row]! };
    });
    expect(found.map(({ label, box }) => ({ label, box }))).toEqual(wanted.map(({ label, box }) => ({ label, box })));
    found.forEach(({ score }, i) => expect(Math.abs(score - wanted[i]!.score)).toBeLessThan(SCORE_TOLERANCE));
    kept.dispose();
    kept.dispose();
    detector.dispose();
  });

  test('keepOnGpu is refused where there is no GPU, and for several images', async () => {
    const detector = await loadDetector(colourModel(), { device: 'reference' });
    await rejects(detector.detect(scene, { keepOnGpu: true }), 'invalid-argument', /keepOnGpu: found the device reference/);
    detector.dispose();
  });

  test('abort while loading leaves the signal’s reason', async () => {
    await expect(loadDetector(colourModel(), { signal: AbortSignal.abort(new Error('early')) })).rejects.toThrow('early');
    const controller = new AbortController();
    const loading = loadDetector(colourModel(), {
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('midway')),
    });
    await expect(loading).rejects.toThrow('midway');
  });

  test.each([
    [
      'a missing shard',
      (m: ReturnType<typeof colourModel>) => delete m.files['weights.safetensors'],
      'invalid-weights',
      /weights\.safetensors/,
    ],
    [
      'a truncated shard',
      (m) => (m.files['weights.safetensors'] = m.files['weights.safetensors']!.slice(0, -9) as Uint8Array<ArrayBuffer>),
      'invalid-weights',
      /weights\.safetensors/,
    ],
    [
      'wrong magic',
      (m) => (m.files['weights.safetensors'] = new TextEncoder().encode('PK\u0003\u0004 not weights') as never),
      'invalid-weights',
      /weights\.safetensors/,
    ],
    [
      'NaN weights',
      (m) => new Float32Array(m.files['weights.safetensors']!.buffer).fill(Number.NaN, -3),
      'invalid-weights',
      /NaN/,
    ],
    ['a graph that is no JSON', (m) => (m.files['graph.json'] = Uint8Array.of(123)), 'invalid-model', /graph\.json/],
    ['a manifest of the future', (m) => (m.manifest['labelweave'] = 99), 'invalid-model', /99/],
    ['a manifest without heads', (m) => (m.manifest['heads'] = []), 'invalid-model', /heads/],
    [
      'a head that disagrees with the graph',
      (m) => (m.manifest['heads'] as { labels: unknown[] }[])[0]!.labels.pop(),
      'invalid-model',
      /3 channels/,
    ],
    [
      'an input that disagrees with the graph',
      (m) => ((m.manifest['input'] as { width: number }).width = 32),
      'invalid-model',
      /64/,
    ],
  ] as [string, (m: ReturnType<typeof colourModel>) => unknown, ErrorCode, RegExp][])(
    'a model with %s',
    async (_, spoil, code, message) => {
      const model = colourModel();
      spoil(model);
      await rejects(loadDetector(model), code, message);
    },
  );

  test.each([[undefined], [null], [7], [{}], ['no/such/model']])('%s as a model', async (model) => {
    const error = await loadDetector(model as never).then(
      () => undefined,
      (reason: { code?: string }) => reason,
    );
    expect(['invalid-argument', 'invalid-model', 'missing-file']).toContain(error?.code);
  });
});
