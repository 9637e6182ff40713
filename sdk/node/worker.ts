// Threads on server hosts: node:worker_threads with the script as text. Not the web's workers, which sdk/platform.ts starts.
import { Worker } from 'node:worker_threads';
import { DeviceError } from '../errors.js';
import type { PlatformWorker } from '../platform-types.js';

/** Gives a worker_threads script the web's names. One line, so that line numbers in stack traces are off by one only. */
const prelude =
  `globalThis.self=globalThis;globalThis.onmessage=null;{const{parentPort:p}=(process.getBuiltinModule??require)('node:worker_threads');` +
  `globalThis.postMessage=(value,transfer)=>p.postMessage(value,transfer);globalThis.close=()=>p.close();` +
  `p.on('message',(data)=>{if(typeof globalThis.onmessage==='function')globalThis.onmessage({data});});}\n`;

/** Longest time that a worker which has not answered yet keeps the process alive, in ms. */
const startupHold = 10_000;

/**
 * Starts a worker from the text of a script (not a module). The process is kept alive until the worker's first message, for 10 s at
 * most, so that its "ready" can be awaited; afterwards only between `ref()` and `unref()`.
 */
export function startWorker(source: string): PlatformWorker {
  let worker: Worker;
  try {
    // Without execArgv: [] a flag of the parent such as --input-type=module would change how the script is read.
    worker = new Worker(prelude + source, { eval: true, execArgv: [], name: 'labelweave' });
  } catch (cause) {
    throw new DeviceError('device-failed', {
      thing: 'worker thread',
      found: `an error at start (${cause instanceof Error ? cause.message : String(cause)})`,
      wanted: 'node:worker_threads',
      next: 'Use one thread.',
      cause,
    });
  }
  let ended = false;
  let starting = true;
  const started = () => {
    if (!starting) return;
    starting = false;
    clearTimeout(timer);
    worker.unref();
  };
  const timer = setTimeout(started, startupHold);
  timer.unref();

  const fail = (found: string, cause?: unknown) => {
    started();
    if (ended) return;
    handle.onerror?.(new DeviceError('device-failed', { thing: 'worker thread', found, wanted: 'a running script', cause }));
  };
  const handle: PlatformWorker = {
    onmessage: null,
    onerror: null,
    postMessage(value, transfer) {
      if (!ended) worker.postMessage(value, transfer);
    },
    ref() {
      if (ended) return;
      started();
      worker.ref();
    },
    unref() {
      if (ended) return;
      started();
      worker.unref();
    },
    terminate() {
      if (ended) return;
      started();
      ended = true;
      void worker.terminate();
    },
  };
  worker.on('message', (data: unknown) => {
    started();
    if (!ended) handle.onmessage?.({ data });
  });
  worker.on('messageerror', (error: Error) => fail('a message that cannot be read', error));
  worker.on('error', (error: unknown) => fail(`an error (${error instanceof Error ? error.message : String(error)})`, error));
  worker.on('exit', (code: number) => {
    if (code !== 0) fail(`exit code ${code}`);
    started();
    ended = true;
  });
  return handle;
}
