// Choice of variants by timing: the fastest is taken, the budget is kept, answers are remembered, and what is stored is not trusted.
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ByteStore } from '../../sdk/platform-types.js';
import { openDevice } from '../../sdk/runtime/webgpu/adapter.js';
import { Gpu } from '../../sdk/runtime/webgpu/gpu.js';
import { kernels } from '../../sdk/runtime/webgpu/kernels.js';
import { questions } from '../../sdk/runtime/webgpu/lower/index.js';
import { measureTuning, recallTuning } from '../../sdk/runtime/webgpu/measure.js';
import type { TuneQuestion } from '../../sdk/runtime/webgpu/tune.js';

let gpu: Gpu;
beforeEach(async () => {
  gpu = new Gpu(await openDevice({ software: true }), kernels);
});
afterEach(() => gpu.release());

const { row } = questions;
/** The same question under another name: its variants are the same kernel, so that nothing is compiled twice. */
const other: TuneQuestion = { ...row, key: 'other' };

function memoryStore(): ByteStore & { entries: Map<string, Uint8Array<ArrayBuffer>> } {
  const entries = new Map<string, Uint8Array<ArrayBuffer>>();
  return {
    entries,
    get: async (key) => entries.get(key),
    put: async (key, bytes) => void entries.set(key, bytes),
    delete: async (key) => void entries.delete(key),
  };
}

it('answers a question with one of its variants, and keeps answers that are known', async () => {
  const answers = await measureTuning(gpu, { questions: [row], scalar: 'f32', known: { elsewhere: 'x' } });
  expect(row.choices).toContain(answers[row.key]);
  expect(answers['elsewhere']).toBe('x');
  const known = { [row.key]: row.choices[1] };
  expect(await measureTuning(gpu, { questions: [row], scalar: 'f32', known })).toEqual(known);
});

it('stops when the budget is used up, after one question at least', async () => {
  const answers = await measureTuning(gpu, { questions: [row, other], scalar: 'f32', budgetMs: 0 });
  expect(Object.keys(answers)).toEqual([row.key]);
});

it('takes a variant that needs a feature only where the device has it', async () => {
  const question: TuneQuestion = { ...row, choices: ['direct'], extra: [{ choice: 'row', feature: 'no-such-feature' }] };
  expect(await measureTuning(gpu, { questions: [question], scalar: 'f32' })).toEqual({ [row.key]: 'direct' });
});

it('remembers answers, measures what is missing, and does not trust what is stored', async () => {
  const store = memoryStore();
  const first = await recallTuning(gpu, { questions: [row], scalar: 'f32', store });
  const [key] = [...store.entries.keys()];
  expect(JSON.parse(new TextDecoder().decode(store.entries.get(key!)))).toEqual(first);
  const both = await recallTuning(gpu, { questions: [row, other], scalar: 'f32', store });
  expect(Object.keys(both)).toEqual([row.key, 'other']);
  expect(both[row.key]).toBe(first[row.key]);
  for (const text of ['{', 'null', '[]', '{"conv2d_row":7}', '{"conv2d_row":"no such variant"}']) {
    store.entries.set(key!, new TextEncoder().encode(text));
    expect(row.choices).toContain((await recallTuning(gpu, { questions: [row], scalar: 'f32', store }))[row.key]);
  }
  const broken: ByteStore = {
    get: () => Promise.reject(new Error('no')),
    put: () => Promise.reject(new Error('no')),
    delete: async () => {},
  };
  expect(row.choices).toContain((await recallTuning(gpu, { questions: [row], scalar: 'f32', store: broken }))[row.key]);
});
