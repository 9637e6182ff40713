// Detectors whose labels are text embeddings: given at load, swapped at run time without loading the network again, with rows of CLIP.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { writePackage } from '../../sdk/graph/package.js';
import { GraphBuilder } from '../../sdk/ir/builder.js';
import { loadDetector } from '../../sdk/load.js';
import type { ModelFiles } from '../../sdk/graph/model.js';
import { coco } from '../../sdk/taxonomy/catalog/coco.js';
import { readNpy } from '../../sdk/tensor/npy.js';
import { hasSharedData, noSharedData, sharedData } from '../shared-data.js';

const SIDE = 32;

/**
 * A "network" of a head with text embeddings: it sees colours. Cells of 8 pixels; the feature of a cell is red * vectors[0] + green * vectors[1] +
 * blue * vectors[2], its box the cell.
 */
function colourModel(vectors: readonly Float32Array[], decoder: object = {}): ModelFiles {
  const D = vectors[0]!.length;
  const b = new GraphBuilder();
  const image = b.input('image', 'float32', [1, SIDE, SIDE, 3]);
  const filter = new Float32Array(8 * 8 * 3 * D);
  for (let p = 0; p < 64; p++) for (let c = 0; c < 3; c++) filter.set(vectors[c]!.map((v) => v / 64), (p * 3 + c) * D); // prettier-ignore
  const window = { strides: [8, 8], padding: [0, 0, 0, 0], dilations: [1, 1], groups: 1, activation: { kind: 'none' }, residual: 'before_activation' } as const; // prettier-ignore
  const [features] = b.add('conv2d', 'features', [image, b.constant('filter', filter, [8, 8, 3, D])], window);
  const still = { ...window, strides: [8, 8] } as const;
  const [boxes] = b.add('conv2d', 'boxes', [image, b.constant('none', new Float32Array(8 * 8 * 3 * 4), [8, 8, 3, 4]), b.constant('half', Float32Array.of(4, 4, 4, 4), [4])], still); // prettier-ignore
  b.output(features);
  b.output(boxes);
  const files = writePackage(
    {
      labelweave: 1,
      name: 'colours',
      input: { name: 'image', height: SIDE, width: SIDE, std: [255, 255, 255] },
      heads: [
        {
          dataset: 'trained',
          labels: [{ id: 1, name: 'anything' }],
          decoder: { type: 'fcos', scores: 'features', boxes: 'boxes', strides: [8], extent: 'identity', unit: 'pixels', embeddings: { dimensions: D, temperature: 20, bias: -10 }, ...decoder }, // prettier-ignore
        },
      ],
    },
    b.build(),
  );
  return { manifest: JSON.parse(new TextDecoder().decode(files['labelweave.json'])) as unknown, files };
}

/** Black but for one cell. */
function picture(cell: readonly [number, number], colour: readonly [number, number, number]) {
  const data = new Uint8Array(SIDE * SIDE * 3);
  for (let y = 0; y < 8; y++) for (let x = 0; x < 8; x++) data.set(colour, ((cell[1] * 8 + y) * SIDE + cell[0] * 8 + x) * 3);
  return { data, width: SIDE, height: SIDE, channels: 3 as const };
}

const axes = [0, 1, 2].map((i) => Float32Array.from({ length: 4 }, (_, j) => (i === j ? 1 : 0)));
const rows = (...list: Float32Array[]): Float32Array => Float32Array.from(list.flatMap((row) => [...row]));

describe.each(['reference', 'wasm'] as const)('on %s', (device) => {
  it('scores the labels of the embeddings, and swaps them', async () => {
    const embeddings = { name: 'colours', labels: ['red', 'green', 'blue'], vectors: rows(...axes) };
    const detector = await loadDetector(colourModel(axes), { device, threads: 1, embeddings });
    expect(detector.labels.name).toBe('colours');
    const image = picture([2, 1], [0, 255, 0]);
    const found = await detector.detect(image, { scoreThreshold: 0.5 });
    expect([...found].map(({ label, box }) => [label, box])).toEqual([['green', [16, 8, 24, 16]]]);
    // cos = 1: sigmoid(20 - 10).
    expect(found.scores[0]).toBeCloseTo(1 / (1 + Math.exp(-10)), 6);

    const yellow = Float32Array.of(3, 3, 0, 0);
    const other = await detector.withEmbeddings({ labels: ['yellow', 'red'], vectors: rows(yellow, axes[0]!) });
    expect(other.modelLabels.labels.map(({ name }) => name)).toEqual(['yellow', 'red']);
    expect([...(await other.detect(picture([0, 0], [255, 255, 0]), { scoreThreshold: 0.99 }))].map(({ label }) => label)).toEqual(['yellow']); // prettier-ignore
    // The first view keeps its labels.
    expect([...(await detector.detect(image, { scoreThreshold: 0.5 }))].map(({ label }) => label)).toEqual(['green']);
    // Groups of embedded labels, as of any others.
    const warm = await other.detect(picture([3, 3], [255, 0, 0]), { scoreThreshold: 0.9, labels: { labels: { warm: ['yellow', 'red'] } } }); // prettier-ignore
    expect([...warm].map(({ label }) => label)).toEqual(['warm']);
    other.dispose();
    await expect(detector.detect(image)).rejects.toMatchObject({ code: 'disposed' });
    await expect(detector.withEmbeddings(embeddings)).rejects.toMatchObject({ code: 'disposed' });
  });

  it('softmax with the shared background: black cells are nothing', async () => {
    const model = colourModel(axes, { embeddings: { dimensions: 4, temperature: 10, activation: 'softmax' } });
    const embeddings = { labels: ['red', 'green', 'blue'], vectors: rows(...axes), background: Float32Array.of(1, 1, 1, 3) };
    const detector = await loadDetector(model, { device, threads: 1, embeddings });
    const found = await detector.detect(picture([1, 1], [0, 0, 255]), { scoreThreshold: 0.5 });
    expect([...found].map(({ label }) => label)).toEqual(['blue']);
    detector.dispose();
  });
});

describe('what is refused', () => {
  const embeddings = { labels: ['red', 'green'], vectors: rows(axes[0]!, axes[1]!) };
  it.each<[string, () => Promise<unknown>, string, string]>([
    ['a model without embeddings', () => loadDetector(colourModel(axes), { device: 'reference' }), 'invalid-model', 'no text embeddings; wanted [1, 4]'],
    ['a head that takes none', () => loadDetector(colourModel(axes, { embeddings: undefined, scores: 'boxes' }), { device: 'reference', embeddings }), 'invalid-argument', 'a model with heads fcos'],
    ['rows that are no rows', () => loadDetector(colourModel(axes), { device: 'reference', embeddings: { labels: ['a', 'b', 'c'], vectors: new Float32Array(8) } }), 'invalid-argument', 'found 8 numbers'],
    ['another length', () => loadDetector(colourModel(axes), { device: 'reference', embeddings: { labels: ['a', 'b'], vectors: new Float32Array(12).fill(1) } }), 'invalid-model', 'found [2, 6]; wanted [2, 4]'],
  ])('%s', async (_, run, code, message) => {
    const error = await run().catch((e: unknown) => e);
    expect(error).toMatchObject({ code });
    expect((error as Error).message).toContain(message);
  }); // prettier-ignore
});

it.skipIf(!hasSharedData)(`80 rows of CLIP${hasSharedData ? '' : `: ${noSharedData}`}`, async () => {
  const { data, shape } = readNpy(new Uint8Array(readFileSync(sharedData('taxonomies/clip/coco_clip_a+cname.npy'))), 'coco');
  const [K, D] = shape as [number, number];
  expect(K).toBe(80);
  const vectors = Float32Array.from(data as Float32Array);
  const row = (name: string): Float32Array => {
    const { index } = coco.labels.find((label) => label.name === name)!;
    return vectors.slice(index * D, index * D + D);
  };
  // The network was "trained" to see a cat in red, a bus in green, and a pizza in blue.
  const model = colourModel([row('cat'), row('bus'), row('pizza')]);
  const detector = await loadDetector(model, { device: 'wasm', threads: 1, embeddings: { labels: coco, vectors } });
  const best = async (colour: readonly [number, number, number]): Promise<string> =>
    [...(await detector.detect(picture([1, 2], colour), { scoreThreshold: 0.9, maxDetections: 1 }))][0]!.label;
  expect([await best([255, 0, 0]), await best([0, 255, 0]), await best([0, 0, 255])]).toEqual(['cat', 'bus', 'pizza']);
  detector.dispose();
});
