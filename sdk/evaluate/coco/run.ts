// Matches every class of an evaluation and makes its curves: on this thread, in workers, or batch by batch. What COCO and LVIS share.
import { hardwareConcurrency } from '#platform';
import { ArgumentError, describe, DisposedError } from '../../errors.js';
import { GrowingRows, type Rows } from '../input/columns.js';
import { startKernels, type EvaluationKernels } from '../input/kernels.js';
import { hashOf } from '../shards.js';
import type { LongOptions } from '../types.js';
import { curvesOfClass, matchClass, planCurves, planMatch, type MatchedClass } from './engine.js';
import { imageTwice, Outcomes, type PartialHead } from './outcomes.js';
import type { PreparedDetections, Truth } from './prepare.js';
import { CurveStore } from './result.js';
import { matchInWorkers, type MatchTally } from './workers.js';

/** Longest time in ms without a pause, in which other work of the page runs and an abort can arrive. */
const breath = 50;

/** Pauses where it is time. */
export class Breath {
  #last = performance.now();
  async take(signal: AbortSignal | undefined): Promise<void> {
    if (performance.now() - this.#last < breath) return;
    await new Promise<void>((resolve) => {
      setTimeout(resolve, 0);
    });
    signal?.throwIfAborted();
    this.#last = performance.now();
  }
}

/** Threads of an option `workers`. Throws ArgumentError. */
export function checkWorkers(workers: number | 'auto' | undefined): number {
  if (workers === undefined) return 1;
  if (workers === 'auto') return hardwareConcurrency();
  if (Number.isInteger(workers) && workers >= 1 && workers <= 256) return workers;
  throw new ArgumentError({ thing: 'workers', found: describe(workers), wanted: 'a whole number from 1 to 256, or "auto"' });
}

/** Reads the events of a matched class from the memory it stands in. */
export function tellTally(tally: MatchTally, buffer: ArrayBufferLike, { layout, base, kept }: MatchedClass): void {
  const words = (place: number, length: number) => new Uint32Array(buffer, base + place, length);
  const { segmentAt, keptCounts, events } = layout.places;
  const { segments, segmentImages } = layout;
  tally.count(kept, segmentImages, words(segmentAt, segments * 4), words(keptCounts, segments), words(events, segments));
}

/** Detections by class. */
export function classCounts({ classStart }: PreparedDetections, K: number): Float64Array {
  return Float64Array.from({ length: K }, (_, k) => classStart[k + 1]! - classStart[k]!);
}

/** The curves of all classes, whichever threads make them. Throws DeviceError, or `signal.reason`. */
export async function runClasses(
  truth: Truth,
  detections: PreparedDetections,
  tally: MatchTally,
  workers: number,
  options: LongOptions,
): Promise<CurveStore> {
  const K = truth.categories.length;
  const curves = new CurveStore(truth.settings, K);
  const plan = planMatch(truth, detections);
  if (workers > 1 && K > 1) await matchInWorkers(plan, curves, tally, workers, options);
  else {
    const kernels = await startKernels();
    const curvePlan = planCurves(kernels, truth);
    const stack = kernels.mark();
    const pause = new Breath();
    for (let k = 0; k < K; k++) {
      options.onProgress?.({ stage: 'matching', done: k, total: K });
      await pause.take(options.signal);
      const matched = matchClass(kernels, plan, k);
      tellTally(tally, kernels.memory.buffer, matched);
      const positives = truth.positives.subarray(k * curvePlan.A, (k + 1) * curvePlan.A);
      const { base, kept, layout } = matched;
      const { keptScores, keptRanks, keptBits } = layout.places;
      curves.put(k, curvesOfClass(kernels, curvePlan, positives, kept, base + keptScores, base + keptRanks, base + keptBits));
      tally.ties(k, kernels.equalScores());
      kernels.release(stack);
    }
  }
  options.onProgress?.({ stage: 'matching', done: K, total: K });
  return curves;
}

/** What an evaluation by batches needs from its protocol. */
export interface BatchProtocol {
  /** `coco` or `lvis`: the first word of partial results. */
  readonly name: string;
  /** Name of the public class, for errors. */
  readonly owner: string;
  readonly truth: Truth;
  /** What has to be equal for a merge, beside the truth. */
  readonly settings: string;
  readonly tally: MatchTally;
  /** true: all detections of an image come in one batch. */
  readonly wholeImages: boolean;
  /** Checks and groups a batch. Throws EvaluationError. */
  prepare(rows: Rows, boxFirst: boolean | undefined): PreparedDetections;
  /** Called for a batch that was taken. */
  taken(prepared: PreparedDetections): void;
  /** What the batches so far showed, as plain data, and the same of another evaluator. */
  diagnostics(): unknown;
  takeDiagnostics(diagnostics: unknown): void;
}

/** Matched detections of any number of batches. One call runs after the other; a batch that is refused leaves everything as it was. */
export class MatchedBatches {
  readonly #protocol: BatchProtocol;
  readonly outcomes: Outcomes;
  /** Rows that wait, where images may come in several batches. */
  readonly #waiting: Rows[] | undefined;
  readonly #truthMark: string;
  #kernels: EvaluationKernels | undefined;
  #boxFirst: boolean | undefined;
  #last: Promise<unknown> = Promise.resolve();
  /** [K] detections that were matched. */
  readonly byClass: Float64Array;
  /** Rows of all batches. */
  detections = 0;

  constructor(protocol: BatchProtocol, kernels: EvaluationKernels) {
    const { truth } = protocol;
    this.#protocol = protocol;
    this.#kernels = kernels;
    this.outcomes = new Outcomes(truth.settings, truth.images.ids.length, protocol.name);
    this.#waiting = protocol.wholeImages ? undefined : [];
    this.#truthMark = fingerprint(truth);
    this.byClass = new Float64Array(truth.categories.length);
  }

  /** @param read gives the rows of the batch. Throws what it throws, EvaluationError, DisposedError, or `signal.reason`. */
  add(read: () => Promise<Rows>, signal: AbortSignal | undefined): Promise<void> {
    return this.queue(async () => {
      const rows = await read();
      this.#live();
      signal?.throwIfAborted();
      if (rows.count === 0) return;
      const prepared = this.#protocol.prepare(rows, this.#boxFirst);
      if (this.#waiting) {
        this.#waiting.push(rows);
        this.#boxFirst = prepared.boxFirst;
      } else this.#take(prepared, rows.count);
    });
  }

  /** Throws ArgumentError, EvaluationError, DisposedError. */
  merge(partial: Uint8Array): Promise<void> {
    return this.queue(async () => {
      const { ids } = this.#protocol.truth.images;
      const head = this.outcomes.merge(partial, this.#head(), (image) => ids[image]!);
      this.#boxFirst ??= head.boxFirst;
      this.detections += head.detections;
      head.evaluated.forEach((count, k) => (this.byClass[k]! += count));
      this.#protocol.takeDiagnostics(head.diagnostics);
    });
  }

  /** Throws DisposedError. */
  partial(): Promise<Uint8Array<ArrayBuffer>> {
    return this.queue(async () => {
      this.#matchWaiting();
      return this.outcomes.write(this.#head());
    });
  }

  /** Curves of everything so far, then `finish`, before any other call. Throws DisposedError, or `signal.reason`. */
  result<Result>(tally: () => MatchTally, finish: (curves: CurveStore) => Result, options: LongOptions): Promise<Result> {
    return this.queue(async () => {
      const kernels = this.#live();
      const { truth } = this.#protocol;
      const K = truth.categories.length;
      this.#matchWaiting();
      const told = tally();
      const curves = new CurveStore(truth.settings, K);
      const stack = kernels.mark();
      try {
        const plan = planCurves(kernels, truth);
        const top = kernels.mark();
        const { order, start } = this.outcomes.group(K);
        const pause = new Breath();
        for (let k = 0; k < K; k++) {
          options.onProgress?.({ stage: 'matching', done: k, total: K });
          await pause.take(options.signal);
          this.#live();
          const { scores, ranks, bits } = this.outcomes.put(kernels, order, start[k]!, start[k + 1]!);
          const positives = truth.positives.subarray(k * plan.A, (k + 1) * plan.A);
          curves.put(k, curvesOfClass(kernels, plan, positives, start[k + 1]! - start[k]!, scores, ranks, bits));
          told.ties(k, kernels.equalScores());
          kernels.release(top);
        }
      } finally {
        kernels.release(stack);
      }
      options.onProgress?.({ stage: 'matching', done: K, total: K });
      return finish(curves);
    });
  }

  /** Idempotent. */
  dispose(): void {
    this.#kernels = undefined;
  }

  /** One call after the other. */
  queue<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(() => {
      this.#live();
      return work();
    });
    this.#last = next.catch(() => undefined);
    return next;
  }

  #live(): EvaluationKernels {
    if (!this.#kernels) throw new DisposedError(this.#protocol.owner);
    return this.#kernels;
  }

  #matchWaiting(): void {
    if (!this.#waiting || this.#waiting.length === 0) return;
    const rows = joinRows(this.#waiting);
    this.#take(this.#protocol.prepare(rows, this.#boxFirst), rows.count);
    this.#waiting.length = 0;
  }

  #take(prepared: PreparedDetections, count: number): void {
    const { truth, tally } = this.#protocol;
    const { outcomes } = this;
    const images = new Set(prepared.images);
    for (const row of prepared.order) images.add(prepared.imageOfRow[row]!);
    for (const image of images) if (outcomes.seen[image]) imageTwice(truth.images.ids[image]!);
    const kernels = this.#live();
    const plan = planMatch(truth, prepared);
    const K = truth.categories.length;
    const stack = kernels.mark();
    const before = outcomes.count;
    try {
      for (let k = 0; k < K; k++) {
        if (prepared.classStart[k] === prepared.classStart[k + 1]) continue;
        const matched = matchClass(kernels, plan, k);
        tellTally(tally, kernels.memory.buffer, matched);
        outcomes.take(kernels, k, matched);
        kernels.release(stack);
      }
    } catch (error) {
      outcomes.count = before;
      throw error;
    } finally {
      kernels.release(stack);
    }
    for (const image of images) outcomes.seen[image] = 1;
    classCounts(prepared, K).forEach((n, k) => (this.byClass[k]! += n));
    this.#protocol.taken(prepared);
    this.detections += count;
    this.#boxFirst = prepared.boxFirst;
  }

  #head(): PartialHead {
    const { truth, settings } = this.#protocol;
    return {
      settings,
      images: truth.images.ids.length,
      categories: truth.categories.length,
      truth: this.#truthMark,
      boxFirst: this.#boxFirst,
      detections: this.detections,
      evaluated: [...this.byClass],
      diagnostics: this.#protocol.diagnostics(),
    };
  }
}

/** Over what decides matches, so that shards of different ground truth are not merged. */
function fingerprint(truth: Truth): string {
  return hashOf([truth.images.ids, truth.classes.ids, truth.areas, truth.rows.boxes, truth.order, truth.positives]);
}

/** Rows of several batches as one. */
function joinRows(parts: readonly Rows[]): Rows {
  const masked = parts.some(({ masks }) => masks);
  const joined = new GrowingRows(['imageIds', 'categoryIds', 'scores', 'boxes', 'present'], masked ? 'all' : 'nothing');
  joined.reserve(
    parts.reduce((sum, { count }) => sum + count, 0),
    true,
  );
  if (masked) joined.startMasks();
  for (const part of parts) {
    const at = joined.count;
    joined.imageIds.set(part.imageIds, at);
    joined.categoryIds.set(part.categoryIds, at);
    joined.scores.set(part.scores, at);
    joined.present.set(part.present, at);
    joined.boxes.set(part.boxes, 4 * at);
    if (part.masks) {
      const { masks } = joined;
      const base = joined.addBytes(part.masks.bytes);
      for (const key of ['kinds', 'lengths', 'heights', 'widths', 'areas'] as const)
        masks![key].set(part.masks[key].subarray(0, part.count), at);
      for (let i = 0; i < part.count; i++) masks!.offsets[at + i] = base + part.masks.offsets[i]!;
    }
    joined.count += part.count;
  }
  return joined.finish();
}
