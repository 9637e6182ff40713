// What every host offers under `#platform`: the types that sdk/platform.ts (web) and sdk/node/platform.ts (Node, Deno, Bun) share. No code.

export type { ImageFrame } from './tensor/image-frame.js';

/** Where the code runs. `worker` is any web worker; a thread of a server host carries the name of that host. */
export type Host = 'browser' | 'worker' | 'node' | 'deno' | 'bun';

export interface ReadFileOptions {
  /** Stops the read; the promise rejects with `signal.reason`. */
  signal?: AbortSignal | undefined;
  /** Bytes read so far and bytes in all; `total` is 0 while it is unknown. Called at least once, and last with `loaded === total`. */
  onProgress?: ((loaded: number, total: number) => void) | undefined;
}

export interface DecodeOptions {
  /** Checked before and after decoding; the promise rejects with `signal.reason`. */
  signal?: AbortSignal | undefined;
  /** Most pixels (width x height) that are decoded. Judged by the header, before memory is taken. Default 2^26 (67,108,864). */
  maxPixels?: number | undefined;
}

/**
 * A thread that runs a script. Messages are structured clones; a SharedArrayBuffer and a WebAssembly.Module travel without a copy.
 * Inside the script the web names hold on every host: `onmessage = (event) => { event.data }`, `postMessage(value)`, `self`, `close()`.
 */
export interface PlatformWorker {
  postMessage(value: unknown, transfer?: readonly ArrayBuffer[]): void;
  /** Called with every message of the worker, in order. */
  onmessage: ((event: { data: unknown }) => void) | null;
  /** Called when the script throws, cannot start, or ends by itself with a failure. The error is a DeviceError `device-failed`. */
  onerror: ((error: Error) => void) | null;
  /** Server hosts: keeps the process alive until {@link PlatformWorker.unref}; call it while an answer is awaited. Web: nothing. */
  ref(): void;
  /** Server hosts: lets the process end although the worker lives. Web: nothing. */
  unref(): void;
  /** Ends the thread now; idempotent. No handler is called afterwards. */
  terminate(): void;
}

/** What a host knows of WebGPU. */
export interface GpuAccess {
  /** `navigator.gpu` or its like; undefined where the host has none. */
  readonly gpu: object | undefined;
  /** What to say was found where there is no WebGPU, or where it gives no adapter. */
  readonly found: string;
  /** What a person can do then. */
  readonly next: string | undefined;
}

/** Bytes by key, kept between runs. Every method may reject with the host's own error (quota, read-only disk). */
export interface ByteStore {
  /** The bytes, or undefined where there is no such entry. */
  get(key: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Whole or not at all: a reader never sees half an entry. */
  put(key: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** No error where there is no such entry. */
  delete(key: string): Promise<void>;
}

/** A file that is read in pieces. */
export interface FileStream {
  /** Bytes in all; 0 where the host does not know (pipes). */
  readonly size: number;
  /** A piece is valid until the next one is asked for. Ends the reading and closes the file when the loop is left. */
  readonly chunks: AsyncIterable<Uint8Array<ArrayBuffer>>;
}

/** Where text is written piece by piece. Each piece is awaited before the next one. */
export interface TextSink {
  /** Takes a piece. Rejects with LoadError `missing-file` where it cannot be written. */
  write(text: string): Promise<void> | void;
}

/** A folder on any host; paths in it use `/`. Methods reject with LoadError `missing-file` where something cannot be read or written. */
export interface Folder {
  /** Names in a folder in code-unit order, those of folders with a slash behind; undefined where there is no such folder. */
  list(path: string): Promise<readonly string[] | undefined>;
  /** The first `bytes` bytes of a file, or all of it; undefined where there is no such file. */
  read(path: string, bytes?: number): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Writes a file; folders on the way are made. `append`: behind what is there. */
  write(path: string, text: string, options?: { append?: boolean }): Promise<void>;
}
