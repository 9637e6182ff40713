// Matching and curves of classes in several threads. Each class is a job of its own, so the result has the same bits as in one thread.
import { startWorker, type PlatformWorker } from '#platform';
import { InternalError } from '../../errors.js';
import { evaluationModule } from '../input/kernels.js';
import type { LongOptions } from '../types.js';
import { layOut, placeFields, type MatchPlan } from './engine.js';
import type { CurveStore } from './result.js';

/** Is told what happened while matching. */
export interface MatchTally {
  /** For each segment: index of the image, row of the job's table, detections kept, events. */
  count(kept: number, segmentImages: Int32Array, table: Uint32Array, counts: Uint32Array, events: Uint32Array): void;
  /** Detections of class `k` whose score equals another's. */
  ties(k: number, count: number): void;
}

interface Job {
  k: number;
  bytes: ArrayBuffer;
  positives: Uint32Array;
  areasAt: number;
  masksAt: number;
  blobsAt: number;
  detections: number;
  keptScores: number;
  keptRanks: number;
  keptBits: number;
  /** What the tally reads: place and number of u32 of the table of segments, the counts and the events. */
  told: readonly (readonly [place: number, words: number])[];
}

interface Answer {
  k: number;
  kept: number;
  ties: number;
  told: [table: Uint32Array, counts: Uint32Array, events: Uint32Array];
  precision: Float64Array;
  recall: Float64Array;
  scores: Float64Array;
  error?: string;
}

/** What a worker runs: only web names, no imports. It answers every job with what happened in it and the curves. */
const script = `
let start;
onmessage = ({ data }) => {
  if (data.module) {
    start = (async () => {
      const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
      const { exports } = await WebAssembly.instantiate(data.module, { env: { memory, parseNumber: () => 0 } });
      const { T, R, A, M } = data;
      const at = {
        recallAt: exports.allocate(R * 8), limits: exports.allocate(M * 4), positives: exports.allocate(A * 4),
        precision: exports.allocate(T * R * A * M * 8), recall: exports.allocate(T * A * M * 8), scores: exports.allocate(T * R * A * M * 8),
      };
      new Float64Array(memory.buffer, at.recallAt, R).set(data.recallPoints);
      new Uint32Array(memory.buffer, at.limits, M).set(data.maxDetections);
      return { memory, exports, at, T, R, A, M, placeFields: data.placeFields };
    })();
    start.catch(() => {});
    return;
  }
  start.then(({ memory, exports, at, T, R, A, M, placeFields }) => {
    const top = exports.mark();
    const size = data.bytes.byteLength;
    const base = exports.allocate(size);
    new Uint8Array(memory.buffer, base, size).set(new Uint8Array(data.bytes));
    const job = new Uint32Array(memory.buffer, base, 64);
    for (const field of placeFields) job[field] += base;
    if (data.masksAt !== data.blobsAt) {
      for (let d = 0; d < data.detections; d++) {
        const area = base + data.areasAt + 8 * d;
        if (!Number.isNaN(new Float64Array(memory.buffer, area, 1)[0])) continue;
        const value = exports.maskArea(base + data.masksAt + 24 * d, base + data.blobsAt);
        new Float64Array(memory.buffer, area, 1)[0] = value;
      }
    }
    const kept = exports.match(base);
    const cells = T * R * A * M;
    const views = () => [new Float64Array(memory.buffer, at.precision, cells), new Float64Array(memory.buffer, at.recall, T * A * M), new Float64Array(memory.buffer, at.scores, cells)];
    for (const view of views()) view.fill(-1);
    new Uint32Array(memory.buffer, at.positives, A).set(data.positives);
    exports.accumulate(kept, base + data.keptScores, base + data.keptRanks, base + data.keptBits, at.positives, T, R, A, M, at.recallAt, at.limits, at.precision, at.recall, at.scores);
    const [precision, recall, scores] = views().map((view) => view.slice());
    const told = data.told.map(([place, words]) => new Uint32Array(memory.buffer, base + place, words).slice());
    const ties = exports.equalScores();
    exports.release(top);
    postMessage({ k: data.k, kept, ties, told, precision, recall, scores }, [precision.buffer, recall.buffer, scores.buffer]);
  }).catch((error) => postMessage({ k: data.k, error: String(error && error.message || error) }));
};
`;

/** Fills `curves` and `tally`. Workers end before the promise settles. Throws DeviceError `device-failed`, or `signal.reason`. */
export async function matchInWorkers(
  plan: MatchPlan,
  curves: CurveStore,
  tally: MatchTally,
  threads: number,
  { signal, onProgress }: LongOptions,
): Promise<void> {
  const { settings, positives } = plan.truth;
  const { T, R, K, A, M } = curves.shape;
  const { classStart } = plan.detections;
  const module = await evaluationModule();
  // Large classes first: the last jobs are short.
  const order = Array.from({ length: K }, (_, k) => k).sort(
    (a, b) => classStart[b + 1]! - classStart[b]! - (classStart[a + 1]! - classStart[a]!) || a - b,
  );
  const workers: PlatformWorker[] = [];
  const imagesOf = new Map<number, Int32Array>();
  let next = 0;
  let done = 0;
  const ties = new Uint32Array(K);
  const answers: (readonly [segmentImages: Int32Array, kept: number, told: Answer['told']])[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      const abort = () => reject(signal!.reason as Error);
      signal?.addEventListener('abort', abort, { once: true });
      const settle = (error?: Error) => {
        signal?.removeEventListener('abort', abort);
        if (error) reject(error);
        else resolve();
      };
      const give = (worker: PlatformWorker) => {
        const k = order[next++];
        if (k === undefined) return;
        const layout = layOut(plan, k);
        const bytes = new ArrayBuffer(Math.max(256, layout.size));
        layout.write(bytes, 0, 0);
        imagesOf.set(k, layout.segmentImages);
        const { areas, masks, blobs, keptScores, keptRanks, keptBits, segmentAt, keptCounts, events } = layout.places;
        const { segments } = layout;
        const job: Job = {
          k,
          bytes,
          positives: positives.slice(k * A, (k + 1) * A),
          areasAt: areas,
          masksAt: masks,
          blobsAt: blobs,
          detections: plan.mode > 0 ? layout.detections : 0,
          keptScores,
          keptRanks,
          keptBits,
          told: [
            [segmentAt, segments * 4],
            [keptCounts, segments],
            [events, segments],
          ],
        };
        worker.postMessage(job, [bytes]);
      };
      for (let i = 0; i < Math.min(threads, K); i++) {
        const worker = startWorker(script);
        workers.push(worker);
        worker.ref();
        worker.onerror = settle;
        worker.onmessage = ({ data }) => {
          const answer = data as Answer;
          if (answer.error !== undefined) return settle(new InternalError('evaluation worker', answer.error, 'a matched class'));
          const segmentImages = imagesOf.get(answer.k)!;
          imagesOf.delete(answer.k);
          curves.put(answer.k, answer);
          ties[answer.k] = answer.ties;
          // Told in the order of classes in the end, so that diagnostics do not depend on who was first.
          answers[answer.k] = [segmentImages, answer.kept, answer.told];
          done++;
          onProgress?.({ stage: 'matching', done, total: K });
          if (done === K) settle();
          else give(worker);
        };
        worker.postMessage({
          module,
          T,
          R,
          A,
          M,
          recallPoints: settings.recallPoints,
          maxDetections: settings.maxDetections,
          placeFields,
        });
        give(worker);
      }
      if (signal?.aborted) abort();
    });
  } finally {
    for (const worker of workers) worker.terminate();
  }
  for (let k = 0; k < K; k++) {
    const [segmentImages, kept, told] = answers[k]!;
    tally.count(kept, segmentImages, ...told);
    tally.ties(k, ties[k]!);
  }
}
