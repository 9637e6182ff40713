// score_merge: the three combinations of both kinds of score by hand; a label without members; a large random mapping against the reference; re-projection.
import { describe, it } from 'vitest';
import { GraphBuilder } from '../../sdk/ir/builder.js';
import type { ValueId } from '../../sdk/ir/graph.js';
import { APPROXIMATED, expectClose, randomTensor, ROUNDED, runGraph, testOperator, type Case } from './harness.js';
import { runtimes } from './runtimes.js';

// Labels: 0 takes columns 0 and 2; 1 takes column 1; 2 takes none.
const mapping = [
  { shape: [4], dtype: 'int32', constant: true, data: [0, 2, 3, 3] },
  { shape: [3], dtype: 'int32', constant: true, data: [0, 2, 1] },
] as const;
const probabilities = { shape: [2, 3], data: [0.5, 0.25, 0.75, 0, 1, 0.5] };
const logits = { shape: [1, 3], data: [0, -1, 2] };
const p = (x: number): number => 1 / (1 + Math.exp(-x));

const cases: Case<'score_merge'>[] = [
  { name: 'max of probabilities', attributes: { combine: 'max', from: 'probability' }, inputs: [probabilities, ...mapping], outputs: [{ data: [0.75, 0.25, 0, 0.5, 1, 0] }] },
  { name: 'mean of probabilities', attributes: { combine: 'mean', from: 'probability' }, inputs: [probabilities, ...mapping], outputs: [{ data: [0.625, 0.25, 0, 0.25, 1, 0] }] },
  { name: 'noisy or of probabilities', attributes: { combine: 'noisy_or', from: 'probability' }, inputs: [probabilities, ...mapping], outputs: [{ data: [0.875, 0.25, 0, 0.5, 1, 0] }] },
  { name: 'max of logits stays a logit', attributes: { combine: 'max', from: 'logit' }, inputs: [logits, ...mapping], outputs: [{ data: [2, -1, -Infinity] }] },
  { name: 'mean of logits gives probabilities', attributes: { combine: 'mean', from: 'logit' }, inputs: [logits, ...mapping], outputs: [{ data: [(p(0) + p(2)) / 2, p(-1), 0] }] },
  { name: 'noisy or of logits', attributes: { combine: 'noisy_or', from: 'logit' }, inputs: [logits, ...mapping], outputs: [{ data: [1 - (1 - p(0)) * (1 - p(2)), p(-1), 0] }] },
  {
    name: 'identity on 80 labels',
    attributes: { combine: 'max', from: 'logit' },
    inputs: [
      randomTensor([37, 80], 1, { low: -8, high: 4 }),
      { shape: [81], dtype: 'int32', constant: true, data: Array.from({ length: 81 }, (_, i) => i) },
      { shape: [80], dtype: 'int32', constant: true, data: Array.from({ length: 80 }, (_, i) => i) },
    ],
  },
  {
    name: '80 labels in 9 groups, noisy or',
    attributes: { combine: 'noisy_or', from: 'logit' },
    inputs: [
      randomTensor([64, 80], 2, { low: -8, high: 1 }),
      { shape: [10], dtype: 'int32', constant: true, data: Array.from({ length: 10 }, (_, i) => Math.min(i * 9, 80)) },
      { shape: [80], dtype: 'int32', constant: true, data: Array.from({ length: 80 }, (_, i) => (i * 7) % 80) },
    ],
  },
]; // prettier-ignore

// Two data sets of 3 and 2 labels, joined to U = 4: the unified labels stand for columns {0}, {1, 3}, {2}, {4}.
const joint = { offsets: [0, 1, 3, 4, 5], members: [0, 1, 3, 2, 4] };
// The transposed mappings: one unified label for each label of a data set.
const transposed = [[0, 1, 2], [1, 3]]; // prettier-ignore

describe.each(runtimes)('re-projection on $name', ({ create }) => {
  it('gives every label of a data set the joint score of its unified label (UniDet, Eq. 5 and d = T^T l)', async () => {
    const g = new GraphBuilder();
    const integers = (name: string, values: readonly number[]): ValueId =>
      g.constant(name, Int32Array.from(values), [values.length]);
    const scores = g.input('scores', 'float32', [2, 5]);
    const [unified] = g.add('score_merge', 'unified', [scores, integers('o', joint.offsets), integers('m', joint.members)], {
      combine: 'mean',
      from: 'probability',
    });
    for (const [d, members] of transposed.entries()) {
      const offsets = integers(
        `o${d}`,
        Array.from({ length: members.length + 1 }, (_, i) => i),
      );
      const [own] = g.add('score_merge', `own${d}`, [unified, offsets, integers(`m${d}`, members)], {
        combine: 'max',
        from: 'probability',
      });
      g.output(own);
    }
    const runtime = await create();
    try {
      const feeds = { scores: Float32Array.of(0.5, 0.25, 1, 0.75, 0, 0, 1, 0.125, 0.5, 0.375) };
      const [first, second] = await runGraph(runtime, g.build(), feeds);
      // All of these numbers are exact in halves, too.
      expectClose(first!, [0.5, 0.5, 1, 0, 0.75, 0.125], ROUNDED);
      expectClose(second!, [0.5, 0, 0.75, 0.375], ROUNDED);
    } finally {
      runtime.dispose();
    }
  });
});

testOperator('score_merge', cases, { reference: ROUNDED, others: APPROXIMATED });
