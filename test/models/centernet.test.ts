// The default model against TF.js: built from the npm package, opened, run on every runtime on the same input bytes.
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  openModel,
  parseManifest,
  readSafetensors,
  readTfjsModel,
  readTfjsWeights,
  type OpenedModel,
} from '../../sdk/graph/index.js';
import { validateGraph } from '../../sdk/ir/validate.js';
import { buildCenternet } from '../../sdk/models/centernet-mbv3/recipe.js';
import type { Executable, Runtime } from '../../sdk/runtime/runtime.js';
import { runtimes } from '../kernels/runtimes.js';
import { hasSharedData, noSharedData, sharedData } from '../shared-data.js';

/** Scores of float32 networks in other orders of summation; the issue of agreement is the model, not the last bits. */
const SCORE_TOLERANCE = 1e-4;
/** Pixels of the 512-pixel input. */
const BOX_TOLERANCE = 0.05;
/** Rows beyond the reference's 100 that may take part, since scores that are equal within tolerance may change places at the cut. */
const SPARE_ROWS = 10;

const HEATMAP = 'tower_0/CenternetHead/centernet_cls_output/BiasAdd';
const SIZE = 'tower_0/wh';
const [rows, columns, labels, stride] = [128, 128, 80, 4] as const;

let folder: string;
let model: OpenedModel;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'labelweave-model-'));
  await buildCenternet(join(folder, 'centernet-mbv3'));
  model = await openModel(join(folder, 'centernet-mbv3'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the package of centernet-mbv3', () => {
  it('has its files, within the size that was promised, and nothing else', async () => {
    const names = await readdir(join(folder, 'centernet-mbv3'));
    expect(names.sort()).toEqual(['LICENSE', 'graph.json', 'labelweave.json', 'weights.safetensors']);
    expect(await readdir(folder)).toEqual(['centernet-mbv3']);
    const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, 'centernet-mbv3', name))).size));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(4.5e6);
  });

  it('is the same, byte for byte, when built again', async () => {
    await buildCenternet(join(folder, 'again'));
    for (const name of ['graph.json', 'labelweave.json', 'weights.safetensors']) {
      expect((await readFile(join(folder, 'again', name))).equals(await readFile(join(folder, 'centernet-mbv3', name)))).toBe(
        true,
      );
    }
    await rm(join(folder, 'again'), { recursive: true });
  });

  it('says what it is, under which licence, and with the ids of COCO', () => {
    const { license, copyright, origin, heads } = model.manifest;
    expect({ license, copyright }).toEqual({ license: 'MIT', copyright: 'Copyright (c) Vladimir Mandic' });
    expect(origin).toContain('610265158/mobilenetv3_centernet');
    expect(heads[0]!.labels).toHaveLength(80);
    expect(heads[0]!.labels[0]).toMatchObject({ id: 1, name: 'person' });
    expect(heads[0]!.labels[79]).toMatchObject({ id: 90, name: 'toothbrush' });
  });

  it('keeps the stored bits of every weight', async () => {
    const models = join(createRequire(import.meta.url).resolve('@vladmandic/human'), '../../models');
    const source = readTfjsModel(await readFile(join(models, 'centernet.json')), 'centernet.json');
    const shard = await readFile(join(models, 'centernet.bin'));
    const published = readTfjsWeights(source.weightGroups, () => shard);
    const kept = readSafetensors(
      new Uint8Array(await readFile(join(folder, 'centernet-mbv3/weights.safetensors'))),
      'weights.safetensors',
    );
    let halves = 0;
    for (const [name, tensor] of kept) {
      // A depthwise filter is stored under the name of its node, in another shape.
      const original = published.get(name) ?? published.get(depthwiseFilter(source.nodes, name));
      expect(original, name).toBeDefined();
      const bits = (stored: ArrayBufferView): Buffer => Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
      expect(bits(tensor.constant.stored).equals(bits(original!.constant.stored)), name).toBe(true);
      if (tensor.constant.dtype === 'float16') halves += tensor.constant.stored.length;
    }
    expect(halves).toBeGreaterThan(1.9e6);
  });

  it('opens as one small graph: image in, logits and sizes out', () => {
    validateGraph(model.graph);
    const count = (op: string): number => model.graph.nodes.filter((node) => node.op === op).length;
    expect(model.graph.outputs.map((id) => model.graph.values[id]!.name)).toEqual([HEATMAP, SIZE]);
    expect(model.graph.inputs.map((id) => model.graph.values[id]!)).toMatchObject([{ name: 'image', image: true }]);
    // Every arithmetic node of the 231 imported ones is fused into its convolution or resize, but for the factor of the
    // sizes, which would change published weights.
    expect(['binary', 'activation', 'conv2d', 'depthwise_conv2d'].map(count)).toEqual([1, 0, 63, 26]);
  });

  it('has hard swish with the constants as stored, not with 1/6', () => {
    const alphas = model.graph.nodes.flatMap((node) => {
      const activation = 'activation' in node.attributes ? node.attributes.activation : undefined;
      return activation?.kind === 'hard_swish' ? [activation.alpha!] : [];
    });
    expect(alphas.length).toBeGreaterThan(15);
    // The float16 next to 1/6.
    expect(new Set(alphas)).toEqual(new Set([0.1666259765625]));
  });

  it('parses as a manifest without defaults filled in twice', () => {
    expect(parseManifest(JSON.parse(JSON.stringify(model.manifest)))).toEqual(model.manifest);
  });
});

function depthwiseFilter(nodes: readonly { name: string; input: readonly string[] }[], name: string): string {
  const node = nodes.find((candidate) => `${candidate.name}/filter` === name);
  return node?.input[1] ?? '';
}

type Row = [x1: number, y1: number, x2: number, y2: number, score: number, label: number];

/** Peaks of the logits, best first: x1 = cx*4 - left and so on, in input pixels, as the model's own tail has it. */
function decode(heatmap: ArrayLike<number>, size: ArrayLike<number>, count: number): Row[] {
  const peaks: { score: number; index: number }[] = [];
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      for (let c = 0; c < labels; c++) {
        const index = (y * columns + x) * labels + c;
        const value = heatmap[index]!;
        if (value < -6) continue;
        let best = true;
        for (let ny = Math.max(0, y - 1); ny <= Math.min(rows - 1, y + 1); ny++) {
          for (let nx = Math.max(0, x - 1); nx <= Math.min(columns - 1, x + 1); nx++) {
            if (heatmap[(ny * columns + nx) * labels + c]! > value) best = false;
          }
        }
        if (best) peaks.push({ score: 1 / (1 + Math.exp(-value)), index });
      }
    }
  }
  peaks.sort((p, q) => q.score - p.score || p.index - q.index);
  return peaks.slice(0, count).map(({ score, index }): Row => {
    const pixel = Math.floor(index / labels);
    const [cx, cy] = [(pixel % columns) * stride, Math.floor(pixel / columns) * stride];
    const side = (i: number): number => size[pixel * 4 + i]!;
    return [cx - side(0), cy - side(1), cx + side(2), cy + side(3), score, index % labels];
  });
}

const photos = ['bus', 'dog', 'horses', 'kite'] as const;

describe.skipIf(!hasSharedData)(`agreement with TF.js${hasSharedData ? '' : ` (${noSharedData})`}`, () => {
  describe.each(runtimes)('on $name', ({ create }) => {
    let runtime: Runtime;
    let executable: Executable;
    beforeAll(async () => {
      runtime = await create();
      executable = await runtime.compile(model.graph);
    });
    afterAll(() => runtime.dispose());

    it.each(photos)('%s: scores to 1e-4, boxes to 0.05 pixels', { timeout: 120_000 }, async (photo) => {
      const data = new Uint8Array(await readFile(sharedData(`detections/${photo}.512.rgb`)));
      const truth = JSON.parse(await readFile(sharedData('detections/centernet-coco.tfjs.json'), 'utf8')) as Record<
        string,
        { raw: number[] }
      >;
      const raw = truth[photo]!.raw;
      const image = { data, width: 512, height: 512, channels: 3 as const, target: { left: 0, top: 0, width: 512, height: 512 } };
      const found = await executable.run({ feeds: { image }, outputs: [HEATMAP, SIZE] }, (results) =>
        decode(results[HEATMAP]!, results[SIZE]!, raw.length / 6 + SPARE_ROWS),
      );
      let [worstBox, worstScore] = [0, 0];
      for (let i = 0; i < raw.length; i += 6) {
        const wanted = raw.slice(i, i + 6) as Row;
        const distances = found
          .filter((row) => row[5] === wanted[5])
          .map((row) => ({
            box: Math.max(...[0, 1, 2, 3].map((k) => Math.abs(row[k]! - wanted[k]!))),
            score: Math.abs(row[4] - wanted[4]),
          }));
        const nearest = distances.reduce((best, d) => (d.box < best.box ? d : best), { box: Infinity, score: Infinity });
        worstBox = Math.max(worstBox, nearest.box);
        worstScore = Math.max(worstScore, nearest.score);
      }
      expect(raw.length).toBe(600);
      expect(worstBox).toBeLessThan(BOX_TOLERANCE);
      expect(worstScore).toBeLessThan(SCORE_TOLERANCE);
    });
  });
});
