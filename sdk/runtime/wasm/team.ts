// Threads: workers that run the same program and meet at its barriers. The thread that asks only waits for messages.
import { startWorker } from '#platform';
import { DeviceError } from '../../errors.js';
import type { PlatformWorker } from '../../platform-types.js';
import type { Modules } from './module.js';
import type { Space } from './space.js';

/** Byte offsets in the control block; see assembly/shared/parallel.ts. */
const GENERATION = 64;
const ABORT = 192;
const POISON = 320;

/** A part of a frame: steps [0, steps) of the program at an address. */
export interface ProgramPart {
  program: number;
  steps: number;
}

/**
 * The script of a worker. `open` makes an instance on a shared memory, `run` runs programs, `close` forgets the instance. A trap poisons the barrier, so that
 * the other threads stop instead of waiting for ever.
 */
const script = `
const spaces = new Map();
function open({ modules, memory }) {
  try {
    const env = { memory };
    const { step } = new WebAssembly.Instance(modules.base, { env }).exports;
    const { run } = new WebAssembly.Instance(modules.kernels, { env, base: { step } }).exports;
    return { run, words: new Int32Array(memory.buffer) };
  } catch (error) {
    return { error: String(error) };
  }
}
onmessage = ({ data: m }) => {
  if (m.open) {
    spaces.set(m.open, open(m));
  } else if (m.close) {
    spaces.delete(m.close);
  } else if (m.run) {
    const space = spaces.get(m.run);
    let stopped = false, error = space.error, times;
    try {
      if (!error && m.profile) {
        times = [];
        let last = performance.now();
        for (const part of m.parts) for (let i = 0; i < part.steps && !stopped; i++) {
          stopped = !!space.run(part.program, i, i + 1, m.thread, m.threads, m.control);
          const now = performance.now();
          times.push(now - last);
          last = now;
        }
      } else if (!error) {
        for (const part of m.parts) if (!stopped) stopped = !!space.run(part.program, 0, part.steps, m.thread, m.threads, m.control);
      }
    } catch (cause) {
      error = String(cause);
      Atomics.store(space.words, (m.control + ${POISON}) >> 2, 1);
      Atomics.add(space.words, (m.control + ${GENERATION}) >> 2, 1);
      Atomics.notify(space.words, (m.control + ${GENERATION}) >> 2);
    }
    postMessage({ frame: m.frame, stopped, error, times: m.thread ? undefined : times });
  } else {
    postMessage({ ready: true, error: open(m).error });
  }
};`;

interface Reply {
  ready?: true;
  frame: number;
  stopped: boolean;
  error?: string;
  times?: number[];
}

interface Pending {
  missing: number;
  stopped: boolean;
  error: string | undefined;
  times: number[] | undefined;
  resolve(done: { stopped: boolean; times: number[] | undefined }): void;
  reject(error: Error): void;
}

/** Longest time to wait for workers to start, in ms. */
const START_MS = 10_000;

export class Team {
  readonly #workers: PlatformWorker[] = [];
  readonly #pending = new Map<number, Pending>();
  #frames = 0;
  #spaces = 0;
  #failure: Error | undefined;

  private constructor(readonly modules: Modules) {}

  /** Starts `threads` workers and waits until all answer. Rejects with DeviceError where the host refuses. */
  static async start(modules: Modules, threads: number): Promise<Team> {
    const team = new Team(modules);
    const probe = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        let ready = 0;
        timer = setTimeout(
          () =>
            reject(
              new DeviceError('device-failed', {
                thing: 'wasm threads',
                found: `no answer of a worker within ${START_MS / 1000} s`,
                wanted: 'workers that start',
                next: 'Use one thread.',
              }),
            ),
          START_MS,
        );
        for (let i = 0; i < threads; i++) {
          const worker = startWorker(script);
          team.#workers.push(worker);
          worker.onerror = reject;
          worker.onmessage = ({ data }) => {
            const { error } = data as Reply;
            if (error !== undefined) {
              reject(
                new DeviceError('device-failed', {
                  thing: 'wasm threads',
                  found: error,
                  wanted: 'workers that can share memory',
                }),
              );
            } else if (++ready === threads) {
              resolve();
            }
          };
          // Some hosts have workers to which modules or shared memory cannot be sent: better known now.
          worker.postMessage({ modules, memory: probe });
        }
      });
    } catch (error) {
      team.end();
      throw error;
    } finally {
      clearTimeout(timer);
    }
    for (const worker of team.#workers) {
      worker.unref();
      worker.onmessage = ({ data }) => team.#reply(data as Reply);
      worker.onerror = (error) => team.#fail(error);
    }
    return team;
  }

  get threads(): number {
    return this.#workers.length;
  }

  /** Makes a memory known to all workers; the number names it. */
  open(space: Space): number {
    const id = ++this.#spaces;
    for (const worker of this.#workers) worker.postMessage({ open: id, modules: this.modules, memory: space.memory });
    return id;
  }

  close(id: number): void {
    for (const worker of this.#workers) worker.postMessage({ close: id });
  }

  /** Runs a frame. Frames of different spaces may overlap: every worker takes them in the same order. */
  run(
    id: number,
    space: Space,
    parts: readonly ProgramPart[],
    profile: boolean,
  ): Promise<{ stopped: boolean; times: number[] | undefined }> {
    if (this.#failure) return Promise.reject(this.#failure);
    Atomics.store(new Int32Array(space.memory.buffer), (space.control + ABORT) >> 2, 0);
    return new Promise((resolve, reject) => {
      const frame = ++this.#frames;
      const threads = this.#workers.length;
      this.#pending.set(frame, { missing: threads, stopped: false, error: undefined, times: undefined, resolve, reject });
      for (const [thread, worker] of this.#workers.entries()) {
        worker.ref();
        worker.postMessage({ run: id, frame, parts, profile, thread, threads, control: space.control });
      }
    });
  }

  /** Asks the frame in flight on this memory to stop at its next barrier. */
  stop(space: Space): void {
    Atomics.store(new Int32Array(space.memory.buffer), (space.control + ABORT) >> 2, 1);
  }

  /** Ends the workers; frames in flight reject. */
  end(): void {
    for (const worker of this.#workers) worker.terminate();
    this.#fail(new DeviceError('device-failed', { thing: 'wasm threads', found: 'their end', wanted: 'a live runtime' }));
  }

  #reply(reply: Reply): void {
    const pending = this.#pending.get(reply.frame);
    if (!pending) return;
    pending.stopped ||= reply.stopped;
    pending.error ??= reply.error;
    pending.times ??= reply.times;
    if (--pending.missing > 0) return;
    this.#pending.delete(reply.frame);
    if (this.#pending.size === 0) for (const worker of this.#workers) worker.unref();
    if (pending.error !== undefined) {
      const error = new DeviceError('device-failed', {
        thing: 'wasm threads',
        found: pending.error,
        wanted: 'a program that runs',
      });
      pending.reject(error);
      this.#fail(error);
    } else {
      pending.resolve(pending);
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
    for (const worker of this.#workers) worker.unref();
  }
}
