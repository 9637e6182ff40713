// What differs between a page and a server: files, image decoding, workers, a cache on disk. Imported as `#platform`: package.json
// picks ./sdk/platform.ts (web standards only) or ./sdk/node/platform.ts (Node, Deno, Bun). Both export the same names and types.
import { describe, DeviceError, LoadError } from './errors.js';
import type { Host, PlatformWorker, ReadFileOptions } from './platform-types.js';

export type { ByteStore, DecodeOptions, Host, ImageFrame, PlatformWorker, ReadFileOptions } from './platform-types.js';

/** Where the code runs. */
export const host: Host = 'document' in globalThis ? 'browser' : 'worker';

/** Threads that run at the same time on this machine, as the browser reports it; at least 1. */
export function hardwareConcurrency(): number {
  return Math.max(1, globalThis.navigator?.hardwareConcurrency ?? 1);
}

/** Files need a server host: always rejects with LoadError `missing-file`. */
export function readFile(location: string | URL, _options?: ReadFileOptions): Promise<Uint8Array<ArrayBuffer>> {
  return Promise.reject(
    new LoadError('missing-file', {
      thing: `file ${describe(String(location))}`,
      found: 'a page, which cannot open files by path',
      wanted: 'a URL, a File or its bytes',
      next: 'Let the user choose a file, or serve it over http.',
    }),
  );
}

/**
 * Starts a worker from the text of a script (not a module) through a `blob:` URL. A page with a Content Security Policy must allow
 * `worker-src blob:`. Throws DeviceError `device-failed`, or calls `onerror` with one where the browser tells it later.
 */
export function startWorker(source: string): PlatformWorker {
  const policy = 'If the page has a Content Security Policy, add `worker-src blob:` to it; or use one thread.';
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  let worker: Worker;
  try {
    worker = new Worker(url, { name: 'labelweave' });
  } catch (cause) {
    URL.revokeObjectURL(url);
    const found = `an error at start (${cause instanceof Error ? cause.message : String(cause)})`;
    throw new DeviceError('device-failed', {
      thing: 'web worker',
      found,
      wanted: 'a worker from a blob: URL',
      next: policy,
      cause,
    });
  }
  let ended = false;
  let answered = false;
  const fail = (found: string, cause: unknown) => {
    URL.revokeObjectURL(url);
    const next = answered ? undefined : policy;
    if (!ended)
      handle.onerror?.(new DeviceError('device-failed', { thing: 'web worker', found, wanted: 'a running script', next, cause }));
  };
  const handle: PlatformWorker = {
    onmessage: null,
    onerror: null,
    postMessage(value, transfer) {
      if (!ended) worker.postMessage(value, transfer ? [...transfer] : []);
    },
    ref() {},
    unref() {},
    terminate() {
      if (ended) return;
      ended = true;
      worker.terminate();
      URL.revokeObjectURL(url);
    },
  };
  worker.onmessage = (event) => {
    // The script has been read: the URL is of no more use.
    if (!answered) URL.revokeObjectURL(url);
    answered = true;
    if (!ended) handle.onmessage?.({ data: event.data as unknown });
  };
  worker.onmessageerror = (event) => fail('a message that cannot be read', event);
  worker.onerror = (event) => {
    event.preventDefault?.();
    fail(
      event.message ? `an error (${event.message})` : 'a script that the browser did not start',
      (event.error as unknown) ?? event,
    );
  };
  return handle;
}
