// Answers the questions of tune.ts on an adapter: times every variant within a budget, and remembers what was the fastest. Lowers nothing itself.
import { openByteStore } from '#platform';
import type { ByteStore } from '../../platform-types.js';
import { calibrationFeeds } from './calibrate.js';
import { WebGpuExecutable } from './executable.js';
import type { Gpu } from './gpu.js';
import type { Scalar } from './kernels.js';
import type { TuneQuestion, Tuning } from './tune.js';

/** Milliseconds that measuring may take at a load; questions that are left over are answered at the next one. */
export const TUNING_BUDGET_MS = 300;

/** Frames of a trial that are handed in together; the fastest of two such trials counts. */
const FRAMES = 4;

/** Belongs to what is remembered: another number where kernels changed so much that old answers mean nothing. */
const VERSION = 1;

export interface MeasureOptions {
  questions: readonly TuneQuestion[];
  scalar: Scalar;
  /** Answers that are known. */
  known?: Tuning | undefined;
  budgetMs?: number | undefined;
}

/**
 * Times the variants of each question without an answer, one question after the other, until the budget is used up. A variant that fails is not chosen. The
 * first question is always answered, so that every load gets somewhere.
 */
export async function measureTuning(gpu: Gpu, options: MeasureOptions): Promise<Tuning> {
  const { questions, scalar, known = {}, budgetMs = TUNING_BUDGET_MS } = options;
  const answers: Record<string, string> = { ...known };
  const start = performance.now();
  let measured = 0;
  for (const question of questions) {
    const choices = choicesOf(gpu, question);
    if (choices.includes(answers[question.key] ?? '')) continue;
    if (measured > 0 && performance.now() - start > budgetMs) break;
    measured++;
    const answer = await fastest(gpu, question, choices, scalar);
    if (answer !== undefined) answers[question.key] = answer;
  }
  return answers;
}

function choicesOf(gpu: Gpu, { choices, extra = [] }: TuneQuestion): string[] {
  return [...choices, ...extra.filter(({ feature }) => gpu.features.has(feature)).map(({ choice }) => choice)];
}

async function fastest(
  gpu: Gpu,
  question: TuneQuestion,
  choices: readonly string[],
  scalar: Scalar,
): Promise<string | undefined> {
  const graph = question.graph();
  const feeds = calibrationFeeds(graph);
  const make = (choice: string): Promise<WebGpuExecutable | undefined> =>
    WebGpuExecutable.make({ gpu, tuning: { [question.key]: choice }, memoryLimit: 2 ** 28 }, graph, scalar, {}).catch(
      () => undefined,
    );
  // Compiled side by side, timed one after the other.
  const candidates = await Promise.all(choices.map(make));
  gpu.alive();
  try {
    let best: string | undefined;
    let least = Infinity;
    for (const [i, candidate] of candidates.entries()) {
      if (!candidate) continue;
      const run = (): Promise<void> => candidate.run({ feeds, outputs: [] }, () => undefined);
      await run();
      for (let trial = 0; trial < 2; trial++) {
        const before = performance.now();
        await Promise.all(Array.from({ length: FRAMES }, run));
        const ms = performance.now() - before;
        if (ms < least) [best, least] = [choices[i], ms];
      }
    }
    return best;
  } finally {
    for (const candidate of candidates) candidate?.dispose();
  }
}

/** Answers for an adapter: what is remembered, and what is measured now. The store of the host is used where there is one; it may fail without harm. */
export async function recallTuning(gpu: Gpu, options: MeasureOptions & { store?: ByteStore | undefined }): Promise<Tuning> {
  const { questions, scalar } = options;
  const key = `${VERSION}/${gpu.facts.name}/${gpu.facts.features.join()}/${scalar}`;
  const store = options.store ?? (await openByteStore('tuning').catch(() => undefined));
  const known = parse(await store?.get(key).catch(() => undefined), questions);
  const answers = await measureTuning(gpu, { ...options, known });
  if (Object.keys(answers).length > Object.keys(known).length) {
    await store?.put(key, new TextEncoder().encode(JSON.stringify(answers))).catch(() => undefined);
  }
  return answers;
}

/** Only what is still asked; anything else that was stored is as good as nothing. */
function parse(bytes: Uint8Array | undefined, questions: readonly TuneQuestion[]): Record<string, string> {
  if (!bytes) return {};
  try {
    const stored = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    const asked = questions.flatMap(({ key }) => (typeof stored[key] === 'string' ? [[key, stored[key]] as const] : []));
    return Object.fromEntries(asked);
  } catch {
    return {};
  }
}
