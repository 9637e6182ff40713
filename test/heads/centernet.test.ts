// The CenterNet head: its checks, its formula, and its tail on the reference runtime against plain loops after the network's own tail.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ModelError } from '../../sdk/errors.js';
import { type Head, openHead } from '../../sdk/heads/head.js';
import { readCandidates } from '../../sdk/heads/tail.js';
import { GraphBuilder } from '../../sdk/ir/builder.js';
import type { Graph } from '../../sdk/ir/graph.js';
import { createReferenceRuntime } from '../../sdk/runtime/reference/index.js';
import { labelSpace } from '../../sdk/taxonomy/label-space.js';
import { mappingOf } from '../../sdk/taxonomy/mapping.js';
import { addScoreMerge } from '../../sdk/unify/merge.js';

const H = 5;
const W = 6;
const K = 3;
const STRIDE = 4;
const labels = labelSpace('toy', ['cat', 'dog', 'bird']);
const decoder = { type: 'centernet', heatmap: 'heat', from: 'logit', size: 'size', stride: STRIDE, window: 3 };

/** A "network" that doubles two of its inputs: outputs heat [1,5,6,3] and size [1,5,6,4] beside an input image of 20 x 24 pixels. */
function network({ heat = [1, H, W, K], size = [1, H, W, 4], image = [1, H * STRIDE, W * STRIDE, 3] } = {}): Graph {
  const builder = new GraphBuilder();
  const double = (name: string, shape: number[]): void => {
    const x = builder.input(`${name}/in`, 'float32', [shape.reduce((a, b) => a * b)]);
    const [y] = builder.add('binary', `${name}/sum`, [x, x], { kind: 'add', activation: { kind: 'none' } });
    builder.output(builder.reshape(name, y, shape));
  };
  builder.input('image', 'float32', image);
  double('heat', heat);
  double('size', size);
  return builder.build();
}

describe('openHead', () => {
  it('describes scores and tail', async () => {
    const head = await openHead({ dataset: 'toy', decoder }, network(), labels);
    expect(head.type).toBe('centernet');
    expect(head.scores).toEqual({ from: 'logit', shape: [1, H, W, K] });
    expect(head.inputs).toEqual(['heat', 'size']);
    expect(head.outputs).toEqual(['tail:value', 'tail:index', 'tail:count', 'tail:boxes']);
    expect((await openHead({ dataset: 'toy', decoder }, network(), labels, { prefix: 'b' })).outputs[0]).toBe('b:value');
  });

  // Each row: what is changed, what the message says. The good case stands above.
  it.each<[string, () => Promise<unknown>, string]>([
    ['an unknown decoder', () => open({ ...decoder, type: 'maps' }), 'decoder.type: found "maps"; wanted "centernet", "yolo"'],
    ['no decoder', () => open(null), 'decoder: found null'],
    ['a property of all objects as type', () => open({ ...decoder, type: 'toString' }), 'found "toString"'],
    ['an unknown parameter', () => open({ ...decoder, windows: 3 }), '"windows"'],
    ['a heatmap that is no output', () => open({ ...decoder, heatmap: 'heat/sum' }), 'heatmap: found "heat/sum"; wanted an output of the graph: "heat" [1, 5, 6, 3], "size" [1, 5, 6, 4]'], // prettier-ignore
    ['a size that is no output', () => open({ ...decoder, size: 'wh' }), 'size: found "wh"'],
    ['heatmap and size exchanged', () => open({ ...decoder, heatmap: 'size', size: 'heat' }), 'found 4 channels; wanted 3, one for each label of label space "toy"'], // prettier-ignore
    ['a heatmap of rank 3', () => open(decoder, network({ heat: [H, W, K] })), 'found [5, 6, 3]; wanted [1, H, W, K]'],
    [
      'a size map of another height',
      () => open(decoder, network({ size: [1, 4, W, 4] })),
      'found [1, 4, 6, 4]; wanted [1, 5, 6, 4]',
    ],
    [
      'other labels',
      () => openHead({ dataset: 'toy', decoder }, network(), labelSpace('two', ['a', 'b'])),
      'found 3 channels; wanted 2',
    ],
    ['a stride that does not fit the input', () => open({ ...decoder, stride: 8 }), 'found 8, which makes 3 x 3 centres of the input 20 x 24; wanted the 5 x 6 centres'], // prettier-ignore
    ['a stride of 0', () => open({ ...decoder, stride: 0 }), 'stride: found 0'],
    ['an even window', () => open({ ...decoder, window: 2 }), 'window: found 2; wanted an odd integer'],
    ['another kind of scores', () => open({ ...decoder, from: 'logits' }), 'from: found "logits"'],
    ['no name', () => open({ ...decoder, heatmap: 3 }), 'heatmap: found 3'],
  ])('%s', async (_, run, message) => {
    const error = await run().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ModelError);
    expect((error as Error).message).toContain(message);
  });

  function open(given: unknown, graph = network()): Promise<Head> {
    return openHead({ dataset: 'toy', decoder: given as object }, graph, labels);
  }
});

describe('readCandidates', () => {
  const box = [1, 2, 3, 4];
  it.each([
    ['logit', 2, Math.fround(1 / (1 + Math.exp(-2)))],
    ['logit', 0, 0.5],
    ['logit', Number.POSITIVE_INFINITY, 1],
    ['probability', 0.25, 0.25],
  ] as const)('a %s of %d has the score %d', (from, value, score) => {
    const found = readCandidates({ value: [value, 9], index: [82, 0], count: 1, boxes: [...box, ...box] }, { labels: 3, from });
    expect([...found.scores]).toEqual([score]);
    expect([...found.labelIndices]).toEqual([1]);
    expect([...found.boxes]).toEqual(box);
  });
  it.each([
    ['logit', Number.NEGATIVE_INFINITY],
    ['probability', 0],
  ] as const)('a %s of %d is no candidate: a label without members is never found', (from, value) => {
    expect(readCandidates({ value: [value], index: [0], count: 1, boxes: box }, { labels: 3, from }).scores.length).toBe(0);
  });
});

/** The network's own tail in plain loops: sigmoid, 3x3 maximum, keep where equal, sort. Ties by place. */
function oracle(heat: readonly number[], size: readonly number[], threshold: number, k: number) {
  const at = (y: number, x: number, u: number): number => heat[(y * W + x) * K + u]!;
  const found: { p: number; place: number; box: number[]; label: number }[] = [];
  for (let y = 0; y < H; y++) {
    for (let x = 0; x < W; x++) {
      for (let u = 0; u < K; u++) {
        let largest = true;
        for (let dy = -1; dy <= 1; dy++) {
          for (let dx = -1; dx <= 1; dx++) {
            if (y + dy >= 0 && y + dy < H && x + dx >= 0 && x + dx < W && at(y + dy, x + dx, u) > at(y, x, u)) largest = false;
          }
        }
        const p = 1 / (1 + Math.exp(-at(y, x, u)));
        if (!largest || p < threshold) continue;
        const [l, t, r, b] = size.slice((y * W + x) * 4, (y * W + x) * 4 + 4) as [number, number, number, number];
        const box = [x * STRIDE - l, y * STRIDE - t, x * STRIDE + r, y * STRIDE + b].map(Math.fround);
        found.push({ p, place: (y * W + x) * K + u, box, label: u });
      }
    }
  }
  return found.sort((a, b) => b.p - a.p || a.place - b.place).slice(0, k);
}

describe('the tail on the reference runtime', () => {
  // Multiples of 1/4 make ties common and doubling exact.
  const map = (n: number) =>
    fc.array(
      fc.integer({ min: -16, max: 16 }).map((v) => v / 4),
      { minLength: n, maxLength: n },
    );

  it('finds what plain loops find', async () => {
    const runtime = createReferenceRuntime();
    const graph = network();
    const head = await openHead({ dataset: 'toy', decoder }, graph, labels);
    const base = await runtime.compile(graph);
    for (const k of [4, 1000]) {
      const builder = new GraphBuilder();
      head.addPeaks(builder, head.addScores(builder), { k, labels: K });
      const tail = await base.extend(builder.build());
      await fc.assert(
        fc.asyncProperty(map(H * W * K), map(H * W * 4), fc.constantFrom(0, 0.3, 0.5, 0.9, 1), async (heat, size, threshold) => {
          const feeds = {
            image: new Float32Array(H * W * STRIDE * STRIDE * 3),
            'heat/in': Float32Array.from(heat, (v) => v / 2),
            'size/in': Float32Array.from(size, (v) => v / 2),
            ...head.feeds(threshold, 'logit'),
          };
          const found = await tail.run({ feeds, outputs: head.outputs }, (results) =>
            head.decode(results, { labels: K, from: 'logit' }),
          );
          const wanted = oracle(heat, size, threshold, k);
          expect([...found.scores]).toEqual(wanted.map(({ p }) => Math.fround(p)));
          expect([...found.labelIndices]).toEqual(wanted.map(({ label }) => label));
          expect([...found.boxes]).toEqual(wanted.flatMap(({ box }) => box));
        }),
        { numRuns: 50 },
      );
      tail.dispose();
    }
    runtime.dispose();
  });

  it('peaks are found on merged labels, and the threshold follows the kind of score', async () => {
    const runtime = createReferenceRuntime();
    const graph = network();
    const head = await openHead({ dataset: 'toy', decoder }, graph, labels);
    const base = await runtime.compile(graph);
    const builder = new GraphBuilder();
    // "pet" is cat or dog; nothing makes a unicorn; birds are dropped.
    const merged = addScoreMerge(builder, head.addScores(builder), mappingOf([[0, 1], []], K), {
      combine: 'mean',
      from: 'logit',
    });
    head.addPeaks(builder, merged, { k: 1000, labels: 2 });
    const tail = await base.extend(builder.build());
    const heat = new Float32Array(H * W * K).fill(-50);
    // A cat of 0.8 and, one step beside it, a dog of 0.6: one pet; a bird of 0.99.
    heat[(2 * W + 3) * K] = Math.log(4) / 2;
    heat[(2 * W + 4) * K + 1] = Math.log(1.5) / 2;
    heat[2] = 5;
    const run = (threshold: number) =>
      tail.run(
        {
          feeds: {
            image: new Float32Array(H * W * STRIDE * STRIDE * 3),
            'heat/in': heat,
            'size/in': new Float32Array(H * W * 4).fill(1),
            ...head.feeds(threshold, 'probability'),
          },
          outputs: head.outputs,
        },
        (results) => head.decode(results, { labels: 2, from: 'probability' }),
      );
    const found = await run(0.35);
    expect([...found.labelIndices]).toEqual([0]);
    expect([...found.boxes]).toEqual([10, 6, 14, 10]);
    // Half of a float32 logit of 0.8: one rounding of the logit and one of the mean.
    expect(Math.abs(found.scores[0]! - 0.4)).toBeLessThanOrEqual(2 ** -23);
    expect((await run(0.41)).scores.length).toBe(0);
    expect([...(await run(0)).labelIndices].includes(1)).toBe(false);
    runtime.dispose();
  });

  it('refuses scores of another shape than it was told', async () => {
    const head = await openHead({ dataset: 'toy', decoder }, network(), labels);
    const builder = new GraphBuilder();
    const scores = head.addScores(builder);
    expect(() => head.addPeaks(builder, scores, { k: 10, labels: 4 })).toThrow('found [1, 5, 6, 3]; wanted [1, 5, 6, 4]');
  });
});
