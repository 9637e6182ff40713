// What differs between a page and a server: files, image decoding, workers, a cache on disk. Imported as `#platform`: package.json
// picks ./sdk/platform.ts (web standards only) or ./sdk/node/platform.ts (Node, Deno, Bun). Both export the same names and types.
import { describe, DeviceError, ImageError, LoadError } from './errors.js';
import { readThroughCanvas } from './image/canvas.js';
import { checkSize } from './image/limits.js';
import type {
  ByteStore,
  DecodeOptions,
  FileStream,
  GpuAccess,
  Host,
  ImageFrame,
  PlatformWorker,
  ReadFileOptions,
} from './platform-types.js';

export type {
  ByteStore,
  DecodeOptions,
  FileStream,
  GpuAccess,
  Host,
  ImageFrame,
  PlatformWorker,
  ReadFileOptions,
} from './platform-types.js';

/** Where the code runs. */
export const host: Host = 'document' in globalThis ? 'browser' : 'worker';

/** Threads that run at the same time on this machine, as the browser reports it; at least 1. */
export function hardwareConcurrency(): number {
  return Math.max(1, globalThis.navigator?.hardwareConcurrency ?? 1);
}

/** WebGPU of this browser, or why there is none. Never rejects. */
export async function openGpu(_options: { software: boolean }): Promise<GpuAccess> {
  const gpu = (globalThis.navigator as { gpu?: object } | undefined)?.gpu;
  const next = 'Use device: "wasm".';
  if (gpu) return { gpu, found: 'a browser that gives no adapter (no GPU, or one that is blocked)', next };
  const found =
    globalThis.isSecureContext === false
      ? 'a page that is not secure (WebGPU needs https or localhost)'
      : 'a browser without WebGPU';
  return { gpu: undefined, found, next };
}

const noFiles = (location: string | URL) =>
  new LoadError('missing-file', {
    thing: `file ${describe(String(location))}`,
    found: 'a page, which cannot open files by path',
    wanted: 'a URL, a File or its bytes',
    next: 'Let the user choose a file, or serve it over http.',
  });

/** Files need a server host: always rejects with LoadError `missing-file`. */
export function readFile(location: string | URL, _options?: ReadFileOptions): Promise<Uint8Array<ArrayBuffer>> {
  return Promise.reject(noFiles(location));
}

/** Files need a server host: always rejects with LoadError `missing-file`. */
export function streamFile(location: string | URL, _options?: { signal?: AbortSignal | undefined }): Promise<FileStream> {
  return Promise.reject(noFiles(location));
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

/**
 * Turns the bytes of an image file into upright RGBA (straight alpha, sRGB), by the browser's own decoder.
 * Throws ImageError `invalid-image`, `image-too-large`, `unsupported-image`, or `signal.reason`.
 */
export async function decodeImage(bytes: Uint8Array, options: DecodeOptions = {}): Promise<ImageFrame> {
  const { signal, maxPixels } = options;
  signal?.throwIfAborted();
  // Only pages that give files, not pixels, need to know their kinds.
  const { checkHeader, sniffImage, typeNames } = await import('./image/sniff.js');
  const header = checkHeader(sniffImage(bytes), maxPixels);
  const thing = `${typeNames[header.type]} image`;
  if (typeof createImageBitmap !== 'function') {
    throw new ImageError('unsupported-image', {
      thing,
      found: 'a host without an image decoder (createImageBitmap)',
      wanted: 'decoded pixels',
      next: 'Give them as { data, width, height, channels }.',
    });
  }
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(new Blob([bytes as Uint8Array<ArrayBuffer>]), {
      imageOrientation: 'from-image',
      premultiplyAlpha: 'none',
      colorSpaceConversion: 'default',
    });
  } catch (cause) {
    signal?.throwIfAborted();
    const common = ['jpeg', 'png', 'gif', 'webp'].includes(header.type);
    throw new ImageError(common ? 'invalid-image' : 'unsupported-image', {
      thing,
      found: `data that this browser does not decode (${cause instanceof Error ? cause.message : String(cause)})`,
      wanted: common ? 'a whole, undamaged file' : 'JPEG, PNG, WebP or GIF',
      cause,
    });
  }
  try {
    signal?.throwIfAborted();
    checkSize(thing, bitmap, maxPixels);
    return readThroughCanvas(bitmap, thing, bitmap.width, bitmap.height);
  } finally {
    bitmap.close();
  }
}

/** Opens the bytes kept under `name` in the Cache API; undefined where there is none (plain http, private windows of some browsers). */
export async function openByteStore(name: string): Promise<ByteStore | undefined> {
  if (!('caches' in globalThis)) return undefined;
  let cache: Cache;
  try {
    cache = await caches.open(`labelweave-${name}`);
  } catch {
    // Storage is switched off for this page: work without it.
    return undefined;
  }
  // The Cache API takes http URLs as keys only; this host name is reserved (RFC 2606) and nothing is ever sent there.
  const url = (key: string) => `https://labelweave.invalid/${encodeURIComponent(key)}`;
  return {
    async get(key) {
      const response = await cache.match(url(key));
      return response && new Uint8Array(await response.arrayBuffer());
    },
    async put(key, bytes) {
      await cache.put(url(key), new Response(bytes, { headers: { 'content-type': 'application/octet-stream' } }));
    },
    async delete(key) {
      await cache.delete(url(key));
    },
  };
}
