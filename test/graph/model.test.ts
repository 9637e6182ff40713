// openModel from folders, files and memory; TF.js models with and without a manifest; what is said when something is missing, broken or stopped.
import { mkdtemp, rm, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ArgumentError, LabelweaveError, ModelError } from '../../sdk/errors.js';
import { openModel, writePackage, type ManifestInput, type ModelFiles, type ModelProgress } from '../../sdk/graph/index.js';
import { importTfjs } from '../../sdk/graph/tfjs/import.js';
import { readTfjsModel } from '../../sdk/graph/tfjs/format.js';
import { validateGraph } from '../../sdk/ir/validate.js';
import { createReferenceRuntime } from '../../sdk/runtime/reference/index.js';
import { bytesOf, encode, importNodes, list, ops, placeholder, tfModel, type TfConstant, type TfNode } from './support.js';

/** A network of two heads on [1, H, W, 3]: a 1x1 convolution of 2 labels and one of 4 sides, at stride 1. */
const attr = { strides: list(1, 1, 1, 1), padding: bytesOf('SAME'), dilations: list(1, 1, 1, 1) };
const nodes = (height = 4, width = 6): TfNode[] => [
  placeholder('images', [height < 0 ? -1 : 1, height, width, 3]),
  { name: 'logits', op: 'Conv2D', input: ['images', 'w'], attr },
  { name: 'scores', op: 'Sigmoid', input: ['logits'] },
  { name: 'sides', op: 'Conv2D', input: ['images', 'v'], attr },
  { name: 'nms', op: 'NonMaxSuppressionV5', input: ['scores', 'sides'] },
];
const constants: Record<string, TfConstant> = {
  w: { shape: [1, 1, 3, 2], values: [1, 0, 0, 1, 0, 0] },
  v: { shape: [1, 1, 3, 4], values: Array.from({ length: 12 }, (_, i) => i / 8) },
};
const decoder = { type: 'centernet', heatmap: 'logits', from: 'logit', size: 'sides', stride: 1, window: 3 } as const;
const manifest: ManifestInput = {
  labelweave: 1,
  name: 'tiny',
  graph: { format: 'tfjs', file: 'model.json' },
  input: { name: 'images', height: 4, width: 6 },
  heads: [{ dataset: 'd', labels: [{ id: 1, name: 'a' }, { id: 2, name: 'b' }], decoder }],
}; // prettier-ignore
const { json, shard } = tfModel(nodes(), constants);
const inMemory = (over: Record<string, Uint8Array> = {}): ModelFiles => ({
  manifest,
  files: { 'model.json': encode(json), 'group1-shard1of1.bin': shard, ...over },
});
const own = writePackage(manifest, importNodes(nodes(), constants, { outputs: ['logits', 'sides'] }));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'labelweave-open-'));
  await mkdir(join(folder, 'tfjs'));
  await writeFile(join(folder, 'tfjs/labelweave.json'), JSON.stringify(manifest));
  await writeFile(join(folder, 'tfjs/model.json'), JSON.stringify(json));
  await writeFile(join(folder, 'tfjs/group1-shard1of1.bin'), shard);
  await mkdir(join(folder, 'own'));
  for (const [name, bytes] of Object.entries(own)) await writeFile(join(folder, 'own', name), bytes);
});
afterAll(() => rm(folder, { recursive: true }));

const failure = (source: Parameters<typeof openModel>[0], options?: Parameters<typeof openModel>[1]): Promise<LabelweaveError> =>
  openModel(source, options).then(
    () => expect.fail('opened'),
    (error: unknown) => error as LabelweaveError,
  );

describe('openModel', () => {
  it.each<[string, () => Parameters<typeof openModel>[0]]>([
    ['a folder', () => join(folder, 'own')],
    ['a folder with a slash', () => `${join(folder, 'own')}/`],
    ['a folder as URL', () => pathToFileURL(`${join(folder, 'own')}/`)],
    ['a labelweave.json', () => join(folder, 'own/labelweave.json')],
    ['a TF.js folder', () => join(folder, 'tfjs')],
    ['bytes', () => inMemory()],
    ['blobs', () => ({ manifest, files: { 'model.json': new Blob([encode(json)]), 'group1-shard1of1.bin': new Blob([shard]) } })],
    [
      'paths and URLs by name',
      () => ({
        manifest,
        files: {
          'model.json': join(folder, 'tfjs/model.json'),
          'group1-shard1of1.bin': pathToFileURL(join(folder, 'tfjs/group1-shard1of1.bin')),
        },
      }),
    ],
    [
      'our own files in memory',
      () => ({ manifest: JSON.parse(new TextDecoder().decode(own['labelweave.json'])) as unknown, files: own }),
    ],
  ])('opens %s', async (_, source) => {
    const opened = await openModel(source());
    validateGraph(opened.graph);
    expect(opened.manifest.name).toBe('tiny');
    expect(ops(opened.graph)).toEqual(['image_to_tensor', 'conv2d', 'conv2d']);
    expect(opened.graph.outputs.map((id) => opened.graph.values[id]!.name)).toEqual(['logits', 'sides']);
    const runtime = createReferenceRuntime();
    const executable = await runtime.compile(opened.graph);
    const image = {
      data: new Uint8Array(4 * 6 * 3).fill(7),
      width: 6,
      height: 4,
      channels: 3 as const,
      target: { left: 0, top: 0, width: 6, height: 4 },
    };
    expect(await executable.run({ feeds: { image }, outputs: ['logits'] }, (r) => Array.from(r['logits']!))).toEqual(
      Array.from({ length: 48 }, () => 7),
    );
    runtime.dispose();
  });

  it('gives the tensor input where it is wanted, and other outputs', async () => {
    const { graph } = await openModel(inMemory(), { input: 'tensor', outputs: ['scores'] });
    expect(graph.inputs.map((id) => graph.values[id]!.name)).toEqual(['images']);
    expect(ops(graph)).toEqual(['conv2d']);
  });

  it('takes a graph that is stored as optimised as it is, unless other outputs are wanted', async () => {
    // Two nodes that the optimiser would make one.
    const graph = importNodes(nodes(), constants, { outputs: ['scores', 'sides'] });
    const heads = [{ ...manifest.heads[0]!, decoder: { ...decoder, heatmap: 'scores', from: 'probability' as const } }];
    const open = (optimized: boolean, outputs?: string[]) => {
      const files = writePackage({ ...manifest, heads }, graph, { optimized });
      const stored = JSON.parse(new TextDecoder().decode(files['labelweave.json'])) as unknown;
      return openModel({ manifest: stored, files }, { outputs });
    };
    expect(ops((await open(true)).graph)).toEqual(['image_to_tensor', 'conv2d', 'activation', 'conv2d']);
    expect(ops((await open(false)).graph)).toEqual(['image_to_tensor', 'conv2d', 'conv2d']);
    expect(ops((await open(true, ['scores'])).graph)).toEqual(['image_to_tensor', 'conv2d']);
    validateGraph((await open(true)).graph);
  });

  it('gives open dimensions the size of the manifest', async () => {
    const open = tfModel(nodes(-1, -1), constants);
    const { graph } = await openModel(inMemory({ 'model.json': encode(open.json) }));
    expect(graph.values[graph.outputs[0]!]!.shape).toEqual([1, 4, 6, 2]);
  });

  it('tells its progress, each file to its end, optimising last', async () => {
    const seen: ModelProgress[] = [];
    await openModel(join(folder, 'own'), { onProgress: (progress) => seen.push(progress) });
    const ends = seen.filter(({ loaded, total }) => loaded === total).map(({ phase, file }) => `${phase} ${file}`);
    expect(new Set(ends)).toEqual(
      new Set(['manifest labelweave.json', 'graph graph.json', 'weights weights.safetensors', 'optimize graph.json']),
    );
    expect(seen.at(-1)).toEqual({ phase: 'optimize', file: 'graph.json', loaded: 1, total: 1 });
    for (const { file, total } of seen) if (file === 'weights.safetensors') expect([0, own[file]!.length]).toContain(total);
  });

  it.each(['manifest', 'graph', 'weights', 'optimize'] as const)('stops when aborted during %s', async (phase) => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const opened = openModel(join(folder, 'own'), {
      signal: controller.signal,
      onProgress: (progress) => {
        if (progress.phase === phase) controller.abort(reason);
      },
    });
    await expect(opened).rejects.toBe(reason);
  });

  it('stops before it starts', async () => {
    await expect(openModel('nowhere', { signal: AbortSignal.abort('no') })).rejects.toBe('no');
  });

  it('says what a bare TF.js model needs', async () => {
    const error = await failure(join(folder, 'tfjs/model.json'));
    expect(error).toBeInstanceOf(ModelError);
    expect(error.message).toMatch(/a TF\.js model without a manifest.*labelweave\.json.*"heatmap"/);
    expect((await failure({ manifest: json, files: {} })).message).toMatch(/without a manifest/);
  });

  it.each<[string, RegExp, string, () => Parameters<typeof openModel>[0]]>([
    ['a folder that is not there', /labelweave\.json/, 'missing-file', () => join(folder, 'nothing')],
    [
      'a missing shard on disk',
      /gone\.bin/,
      'missing-file',
      () => ({ manifest, files: { ...inMemory().files, 'group1-shard1of1.bin': join(folder, 'gone.bin') } }),
    ],
    [
      'a missing shard in memory',
      /"group1-shard1of1\.bin" among them/,
      'invalid-weights',
      () => ({ manifest, files: { 'model.json': encode(json) } }),
    ],
    ['a short shard', /tensor "v"/, 'invalid-weights', () => inMemory({ 'group1-shard1of1.bin': shard.slice(0, 30) })],
    [
      'NaN weights',
      /tensor "w".*NaN at element 0/,
      'invalid-weights',
      () => inMemory({ 'group1-shard1of1.bin': shard.map((byte, i) => (i < 4 ? 0xff : byte)) }),
    ],
    [
      'another format',
      /"layers-model".*tfjs_graph_model/,
      'invalid-model',
      () => inMemory({ 'model.json': encode({ ...json, format: 'layers-model' }) }),
    ],
    [
      'a graph without nodes',
      /modelTopology/,
      'invalid-model',
      () => inMemory({ 'model.json': encode({ format: 'graph-model', weightsManifest: [] }) }),
    ],
    [
      'a shard outside the folder',
      /weightsManifest.*"\.\.\/x"/,
      'invalid-model',
      () => inMemory({ 'model.json': encode({ ...json, weightsManifest: [{ paths: ['../x'], weights: [] }] }) }),
    ],
    [
      'a head on a value that is not there',
      /"heat"/,
      'invalid-model',
      () => ({
        ...inMemory(),
        manifest: { ...manifest, heads: [{ ...manifest.heads[0]!, decoder: { ...decoder, heatmap: 'heat' } }] },
      }),
    ],
    [
      'a head on an operator that is not supported',
      /node "nms".*NonMaxSuppressionV5.*output "nms"/,
      'unsupported-operator',
      () => ({
        ...inMemory(),
        manifest: { ...manifest, heads: [{ ...manifest.heads[0]!, decoder: { ...decoder, heatmap: 'nms' } }] },
      }),
    ],
    [
      'an input of another size',
      /images/,
      'invalid-model',
      () => ({ ...inMemory(), manifest: { ...manifest, input: { ...manifest.input, height: 5 } } }),
    ],
    [
      'an input of another name',
      /one input "photo"/,
      'invalid-model',
      () => ({ ...inMemory(), manifest: { ...manifest, input: { ...manifest.input, name: 'photo' } } }),
    ],
    ['a manifest that is none', /manifest/, 'invalid-model', () => ({ manifest: null, files: {} })],
  ])('refuses %s', async (_, message, code, source) => {
    const error = await failure(source());
    expect(error.message).toMatch(message);
    expect(error.code).toBe(code);
  });

  it.each([undefined, null, 7, '', {}, { manifest }, { files: {} }])('refuses the source %j', async (source) => {
    expect(await failure(source as never)).toBeInstanceOf(ArgumentError);
  });

  it('throws only errors of ours for any damage to any file', { timeout: 30_000 }, async () => {
    const damaged = (
      name: 'model.json' | 'group1-shard1of1.bin' | 'graph.json' | 'weights.safetensors',
    ): fc.Arbitrary<ModelFiles> => {
      const source: ModelFiles =
        name === 'model.json' || name === 'group1-shard1of1.bin'
          ? inMemory()
          : { manifest: JSON.parse(new TextDecoder().decode(own['labelweave.json'])) as unknown, files: own };
      const whole = source.files[name] as Uint8Array;
      const bytes = fc.oneof(
        fc.uint8Array({ maxLength: 64 }),
        fc.nat(whole.length).map((n) => whole.slice(0, n)),
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }).map((edits) => {
          const copy = whole.slice();
          for (const [at, value] of edits) copy[at] = value;
          return copy;
        }),
      );
      return bytes.map((data) => ({ ...source, files: { ...source.files, [name]: data } }));
    };
    const sources = fc.oneof(
      damaged('model.json'),
      damaged('group1-shard1of1.bin'),
      damaged('graph.json'),
      damaged('weights.safetensors'),
    );
    await fc.assert(
      fc.asyncProperty(sources, async (source) => {
        try {
          validateGraph((await openModel(source)).graph);
        } catch (error) {
          if (!(error instanceof LabelweaveError)) throw error;
        }
      }),
      { numRuns: 600 },
    );
  });

  it('throws only errors of ours for any manifest', async () => {
    const value = fc.jsonValue({ maxDepth: 3 });
    const key = fc.constantFrom('labelweave', 'name', 'graph', 'input', 'heads', 'nms', 'license');
    await fc.assert(
      fc.asyncProperty(fc.tuple(key, value), async ([name, data]) => {
        try {
          await openModel({ ...inMemory(), manifest: { ...manifest, [name]: data } });
        } catch (error) {
          if (!(error instanceof LabelweaveError)) throw error;
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('importTfjs', () => {
  const read = (value: unknown) => readTfjsModel(encode(value), 'model.json');
  it('does not mind operators that no wanted output needs', () => {
    expect(ops(importNodes(nodes(), constants, { outputs: ['sides'] }))).toEqual(['conv2d']);
  });
  it('finds outputs by the signature, and names inputs by it', () => {
    const signature = { inputs: { photo: { name: 'images:0' } }, outputs: { heat: { name: 'scores:0' } } };
    const model = read({ ...json, signature });
    const weights = new Map([
      [
        'w',
        {
          shape: [1, 1, 3, 2],
          constant: importNodes(nodes(), constants, { outputs: ['logits'] }).values.find((v) => v.name === 'w')!.constant!,
        },
      ],
    ]);
    const graph = importTfjs(model, weights);
    expect([...graph.inputs, ...graph.outputs].map((id) => graph.values[id]!.name)).toEqual(['photo', 'heat']);
  });
  it('gives one value two names where it is two outputs', () => {
    const twice = [...nodes(), { name: 'again', op: 'Identity', input: ['logits'] }];
    const graph = importNodes(twice, constants, { outputs: ['logits', 'again'] });
    expect(graph.outputs.map((id) => graph.values[id]!.name)).toEqual(['logits', 'again']);
  });
  it('asks for open dimensions by name', () => {
    expect(() => importNodes(nodes(-1, -1), constants, { outputs: ['logits'] })).toThrow(
      /input "images".*\[-1, -1, -1, 3\].*inputShapes: \{ "images": \[1, height, width, 3\] \}/,
    );
    expect(ops(importNodes(nodes(-1, -1), constants, { outputs: ['logits'], inputShapes: { images: [1, 8, 8, 3] } }))).toEqual([
      'conv2d',
    ]);
    expect(() => importNodes(nodes(), constants, { outputs: ['logits'], inputShapes: { images: [1, 8, 8, 3] } })).toThrow(
      ArgumentError,
    );
  });
  it('refuses loops, doubles and dangling names', () => {
    const relu = (name: string, ...input: string[]): TfNode => ({ name, op: 'AddN', input });
    const x = placeholder('x', [1]);
    expect(() => importNodes([x, relu('a', 'x', 'b'), relu('b', 'a')])).toThrow(/no outputs/);
    expect(() => importNodes([x, relu('a', 'x', 'b'), relu('b', 'a')], {}, { outputs: ['b'] })).toThrow(/a cycle through/);
    expect(() => importNodes([x, relu('a', 'a')], {}, { outputs: ['a'] })).toThrow(/a cycle through/);
    expect(() => importNodes([x, x])).toThrow(/two nodes "x"/);
    expect(() => importNodes([x, relu('a', 'y')])).toThrow(/node "a".*"y"/);
    expect(() => importNodes([x, relu('a', 'x:3')])).toThrow(/"x:3"/);
    expect(() => importNodes([x, relu('a', 'x')], {}, { outputs: ['c'] })).toThrow(/"c"/);
  });
  it('follows chains of ten thousand nodes', () => {
    const chain = Array.from({ length: 10_000 }, (_, i): TfNode => ({
      name: `n${i}`,
      op: 'Identity',
      input: [i === 0 ? 'x' : `n${i - 1}`],
    }));
    expect(importNodes([placeholder('x', [1]), ...chain]).outputs).toHaveLength(1);
  });
});
