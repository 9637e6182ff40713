// Merging scores: the formulas on small tables, the laws, and the nodes that are added to a graph.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArgumentError, LabelSpaceError } from '../../sdk/errors.js';
import { GraphBuilder } from '../../sdk/ir/builder.js';
import { createReferenceRuntime } from '../../sdk/runtime/reference/index.js';
import { type Combine, mappingOf } from '../../sdk/taxonomy/mapping.js';
import { addScoreMerge, mergedKind, mergeScores } from '../../sdk/unify/merge.js';

/** Results are rounded once to float32: half a unit in the last place of numbers up to 1. */
const FLOAT32_ROUNDING = 2 ** -25;

const logit = (p: number): number => Math.log(p / (1 - p));
const combines = ['max', 'mean', 'noisy_or'] as const;

describe('mergeScores', () => {
  // Four labels: 0 and 2 make the first, nothing the second, 3 the third; 1 is dropped.
  const mapping = mappingOf([[2, 0], [], [3]], 4);
  it.each<[Combine, number[]]>([
    ['max', [0.5, 0, 0.9]],
    ['mean', [0.35, 0, 0.9]],
    ['noisy_or', [1 - 0.8 * 0.5, 0, 0.9]],
  ])('%s of probabilities', (combine, wanted) => {
    const merged = mergeScores([0.2, 1, 0.5, 0.9], 1, mapping, { combine, from: 'probability' });
    wanted.forEach((score, u) => expect(Math.abs(merged[u]! - score)).toBeLessThanOrEqual(FLOAT32_ROUNDING));
  });

  it.each<[Combine, number[]]>([
    ['max', [0, Number.NEGATIVE_INFINITY, 2]],
    ['mean', [0.35, 0, 1 / (1 + Math.exp(-2))]],
    ['noisy_or', [0.6, 0, 1 / (1 + Math.exp(-2))]],
  ])('%s of logits', (combine, wanted) => {
    const merged = mergeScores([logit(0.2), 9, 0, 2], 1, mapping, { combine, from: 'logit' });
    wanted.forEach((score, u) => (Number.isFinite(score) ? expect(Math.abs(merged[u]! - score)).toBeLessThanOrEqual(FLOAT32_ROUNDING) : expect(merged[u]).toBe(score))); // prettier-ignore
  });

  it('the mean over the data sets that have the label is UniDet’s Eq. 5', () => {
    // COCO scores (car, couch), Objects365 scores (car, desk): car is in both, the others in one.
    const unified = mappingOf([[0, 2], [1], [3]], 4);
    const merged = mergeScores([0.75, 0.25, 0.25, 0.5], 1, unified, { combine: 'mean', from: 'probability' });
    expect([...merged]).toEqual([0.5, 0.25, 0.5]);
  });

  const rows = fc.array(fc.array(fc.double({ min: -20, max: 20, noNaN: true }), { minLength: 5, maxLength: 5 }), {
    maxLength: 4,
  });
  const flat = (given: number[][]): Float32Array => Float32Array.from(given.flat());

  it.each(combines)('%s: merging single labels changes probabilities of none (permutation)', (combine) => {
    fc.assert(
      fc.property(rows, fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5 }), (given, order) => {
        const p = flat(given).map((x) => 1 / (1 + Math.exp(-x)));
        const merged = mergeScores(p, given.length, mappingOf(order.map((k) => [k]), 5), { combine, from: 'probability' }); // prettier-ignore
        merged.forEach((score, i) =>
          expect(Math.abs(score - p[i - (i % 5) + order[i % 5]!]!)).toBeLessThanOrEqual(FLOAT32_ROUNDING),
        );
      }),
    );
  });

  it('mean <= max <= noisy-or, and all stay probabilities', () => {
    fc.assert(
      fc.property(rows, (given) => {
        const x = flat(given);
        const join = mappingOf(
          [
            [0, 1, 2],
            [3, 4],
          ],
          5,
        );
        const mean = mergeScores(x, given.length, join, { combine: 'mean', from: 'logit' });
        const max = mergeScores(x, given.length, join, { combine: 'max', from: 'logit' }).map((v) => 1 / (1 + Math.exp(-v)));
        const or = mergeScores(x, given.length, join, { combine: 'noisy_or', from: 'logit' });
        mean.forEach((_, i) => {
          expect(mean[i]!).toBeLessThanOrEqual(max[i]! + FLOAT32_ROUNDING);
          expect(max[i]!).toBeLessThanOrEqual(or[i]! + FLOAT32_ROUNDING);
          expect(mean[i]).toBeGreaterThanOrEqual(0);
          expect(or[i]).toBeLessThanOrEqual(1);
        });
      }),
    );
  });

  it('NaN spreads to the label it belongs to and no further', () => {
    for (const combine of combines) {
      const merged = mergeScores([Number.NaN, 0.5, 0.5], 1, mappingOf([[0, 1], [2]], 3), { combine, from: 'probability' }); // prettier-ignore
      expect([...merged]).toEqual([Number.NaN, 0.5]);
    }
  });

  it('writes into the array that is given', () => {
    const out = new Float32Array(3);
    expect(mergeScores([0, 0, 0, 0.25], 1, mapping, { combine: 'max', from: 'probability' }, out)).toBe(out);
    expect(out[2]).toBe(0.25);
  });

  it.each<[string, () => unknown]>([
    ['scores of another shape', () => mergeScores([1, 2, 3], 1, mapping, { combine: 'max', from: 'logit' })],
    [
      'a result of another shape',
      () => mergeScores([1, 2, 3, 4], 1, mapping, { combine: 'max', from: 'logit' }, new Float32Array(4)),
    ],
  ])('%s are refused', (_, run) => expect(run).toThrow(ArgumentError));
});

describe('addScoreMerge', () => {
  const mapping = mappingOf([[1, 3], [0]], 4);
  it('keeps leading dimensions', () => {
    const builder = new GraphBuilder();
    const scores = builder.input('heat', 'float32', [1, 2, 3, 4]);
    const merged = addScoreMerge(builder, scores, mapping, { combine: 'mean', from: 'logit' });
    builder.output(merged);
    const graph = builder.build();
    expect(builder.type(merged).shape).toEqual([1, 2, 3, 2]);
    const node = graph.nodes.find(({ op }) => op === 'score_merge')!;
    expect(node.attributes).toEqual({ combine: 'mean', from: 'logit' });
    expect(graph.values[node.inputs[0]!]!.shape).toEqual([6, 4]);
    expect([...graph.values[node.inputs[1]!]!.constant!.values]).toEqual([0, 2, 3]);
    expect([...graph.values[node.inputs[2]!]!.constant!.values]).toEqual([1, 3, 0]);
  });

  it('adds no reshape to rows, and can be used twice', () => {
    const builder = new GraphBuilder();
    const scores = builder.input('rows', 'float32', [7, 4]);
    for (const combine of ['max', 'mean'] as const)
      builder.output(addScoreMerge(builder, scores, mapping, { combine, from: 'probability' }));
    expect(builder.build().nodes.map(({ op }) => op)).toEqual(['score_merge', 'score_merge']);
  });

  it.each(combines.flatMap((combine) => (['logit', 'probability'] as const).map((from) => [combine, from] as const)))(
    '%s of %ss on a runtime is what the array function says',
    async (combine, from) => {
      const runtime = createReferenceRuntime();
      const groups = mappingOf([[4, 1], [], [0, 2, 3]], 6);
      const builder = new GraphBuilder();
      const merged = addScoreMerge(builder, builder.input('scores', 'float32', [1, 3, 2, 6]), groups, { combine, from });
      builder.output(merged);
      const graph = builder.build();
      const executable = await runtime.compile(graph);
      const name = graph.values[merged]!.name;
      const value = from === 'logit' ? fc.double({ min: -30, max: 30, noNaN: true }) : fc.double({ min: 0, max: 1, noNaN: true });
      await fc.assert(
        fc.asyncProperty(fc.array(value, { minLength: 36, maxLength: 36 }), async (given) => {
          const scores = Float32Array.from(given);
          const found = await executable.run({ feeds: { scores }, outputs: [name] }, (results) =>
            Float32Array.from(results[name]!),
          );
          const wanted = mergeScores(scores, 6, groups, { combine, from });
          // max copies; the others may round each of three float32 operations differently.
          found.forEach((score, i) => {
            if (combine === 'max') expect(score).toBe(wanted[i]);
            else expect(Math.abs(score - wanted[i]!)).toBeLessThanOrEqual(6 * FLOAT32_ROUNDING);
          });
        }),
        { numRuns: 30 },
      );
      runtime.dispose();
    },
  );

  it('refuses scores of another label space, and an unlawful mapping', () => {
    const builder = new GraphBuilder();
    const scores = builder.input('heat', 'float32', [1, 2, 3, 5]);
    expect(() => addScoreMerge(builder, scores, mapping, { combine: 'max', from: 'logit' })).toThrow(
      /scores "heat" \[1, 2, 3, 5\]: found 5 labels.*wanted 4/u,
    );
    const twice = { sources: 5, offsets: Int32Array.of(0, 2), members: Int32Array.of(1, 1) };
    expect(() => addScoreMerge(builder, scores, twice, { combine: 'max', from: 'logit' })).toThrow(LabelSpaceError);
  });

  it.each([
    ['max', 'logit', 'logit'],
    ['max', 'probability', 'probability'],
    ['mean', 'logit', 'probability'],
    ['noisy_or', 'logit', 'probability'],
  ] as const)('%s of %s gives %s', (combine, from, kind) => expect(mergedKind({ combine, from })).toBe(kind));
});
