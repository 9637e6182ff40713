// Counts pixels by pair of segments in several threads. The counts are whole numbers, so results have the same bits as in one thread.
import { startWorker, type PlatformWorker } from '#platform';
import { InternalError } from '../../errors.js';
import { countPairs, overlapsOfPairs, type Overlaps, type SegmentIds } from './pixels.js';

interface Job {
  readonly message: { truth: Uint32Array; predicted: Uint32Array };
  readonly resolve: (overlaps: Overlaps) => void;
  readonly reject: (error: Error) => void;
}

/** What a worker runs. The counting function stands in it as text. */
const script = `const count=${countPairs.toString()};
onmessage=({data})=>{try{const [keys,pixels]=count(data.truth,data.predicted);postMessage({keys,pixels},[keys.buffer,pixels.buffer])}catch(error){postMessage({error:String(error)})}};`;

/** A few threads that count overlaps; arrays that are given to it are copied or moved. */
export class OverlapPool {
  readonly #idle: PlatformWorker[] = [];
  readonly #all: PlatformWorker[] = [];
  readonly #waiting: Job[] = [];
  readonly #running = new Map<PlatformWorker, Job>();
  #failed: Error | undefined;

  /** Throws DeviceError where threads cannot be started. */
  constructor(threads: number) {
    for (let i = 0; i < threads; i++) {
      const worker = startWorker(script);
      worker.onmessage = ({ data }) => {
        const job = this.#running.get(worker);
        this.#running.delete(worker);
        const { keys, pixels, error } = data as { keys: Float64Array; pixels: Float64Array; error?: string };
        if (error === undefined) job?.resolve(overlapsOfPairs([keys, pixels]));
        else job?.reject(new InternalError('evaluation worker', error, 'counted pixels'));
        this.#idle.push(worker);
        this.#give();
      };
      worker.onerror = (error) => {
        this.#failed = error;
        for (const job of [...this.#running.values(), ...this.#waiting.splice(0)]) job.reject(error);
      };
      this.#all.push(worker);
      this.#idle.push(worker);
    }
  }

  /** Overlaps of two images of the same size. Throws DeviceError. */
  count(truth: SegmentIds, predicted: SegmentIds): Promise<Overlaps> {
    return new Promise((resolve, reject) => {
      if (this.#failed) return reject(this.#failed);
      const message = { truth: Uint32Array.from(truth.ids), predicted: Uint32Array.from(predicted.ids) };
      this.#waiting.push({ message, resolve, reject });
      this.#give();
    });
  }

  #give(): void {
    const worker = this.#waiting.length > 0 ? this.#idle.pop() : undefined;
    if (!worker) {
      for (const idle of this.#idle) idle.unref();
      return;
    }
    const job = this.#waiting.shift()!;
    this.#running.set(worker, job);
    worker.ref();
    worker.postMessage(job.message, [job.message.truth.buffer as ArrayBuffer, job.message.predicted.buffer as ArrayBuffer]);
  }

  /** Ends the threads; idempotent. */
  close(): void {
    for (const worker of this.#all) worker.terminate();
  }
}
