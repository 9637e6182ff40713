// Turns whatever holds a file (text, bytes, Blob, stream, URL, path) into chunks of bytes, unpacked where it is gzip, for files that are too large to be
// held whole. It does not look into them; whole files are read by read.ts.
import { host, streamFile } from '#platform';
import { ArgumentError, describe, type ErrorParts, LoadError } from '../errors.js';
import { isUrl, showLocation } from './location.js';
import { readLocation } from './read.js';

/** Where a file comes from: text that starts with [ or {, otherwise a path or URL; bytes; Blob; a stream of bytes. gzip is recognised. */
export type FileSource = string | URL | Uint8Array | ArrayBuffer | BlobLike | ReadableStreamLike | AsyncIterable<Uint8Array>;

/** What is used of a Blob or File. */
export interface BlobLike {
  readonly size: number;
  stream(): ReadableStreamLike;
}

/** What is used of a ReadableStream of bytes. */
export interface ReadableStreamLike {
  getReader(): {
    read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
    cancel(reason?: unknown): Promise<unknown>;
    releaseLock(): void;
  };
}

export interface SourceOptions {
  readonly signal?: AbortSignal | undefined;
  /** Bytes taken from the source so far and in all (0: not known); packed bytes where the file is gzip. */
  readonly onBytes?: ((done: number, total: number) => void) | undefined;
  /** Makes the error for gzip data that is broken. */
  readonly broken: (parts: ErrorParts) => Error;
}

export interface OpenSource {
  /** Name for messages. */
  readonly name: string;
  /** Bytes in all, 0 where unknown or packed. */
  readonly size: number;
  /** A chunk is valid until the next one is asked for. */
  readonly chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** Whether text is JSON itself rather than the place of a file. */
function isJsonText(text: string): boolean {
  return /^[\s\uFEFF]*([[{]|$)/.test(text);
}

/** UTF-8 of a long string in pieces, so that it is never there twice. */
function* encodeText(text: string): Iterable<Uint8Array> {
  const piece = 1 << 20;
  const encoder = new TextEncoder();
  for (let at = 0; at < text.length;) {
    let end = Math.min(text.length, at + piece);
    // Not between the halves of a surrogate pair.
    if (end < text.length && (text.charCodeAt(end - 1) & 0xfc00) === 0xd800) end--;
    yield encoder.encode(text.slice(at, end));
    at = end;
  }
}

async function* streamChunks(stream: ReadableStreamLike): AsyncIterable<Uint8Array> {
  const reader = stream.getReader();
  let ended = false;
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done) break;
      if (!ArrayBuffer.isView(value)) {
        throw new ArgumentError({
          thing: 'stream',
          found: `chunks that are ${describe(value)}`,
          wanted: 'chunks of bytes (Uint8Array)',
        });
      }
      yield value;
    }
    ended = true;
  } finally {
    if (!ended) await reader.cancel().catch(() => undefined);
    reader.releaseLock();
  }
}

/**
 * Opens a source. Throws LoadError where it cannot be read, ArgumentError where it is none, `broken` for broken gzip data (while reading), or
 * `signal.reason`.
 */
export async function openSource(source: FileSource, thing: string, options: SourceOptions): Promise<OpenSource> {
  const { signal } = options;
  signal?.throwIfAborted();
  let name = thing;
  let size = 0;
  let chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  if (typeof source === 'string' && isJsonText(source)) {
    chunks = encodeText(source);
  } else if (typeof source === 'string' || source instanceof URL) {
    name = `${thing} ${showLocation(source)}`;
    const onServer = host === 'node' || host === 'deno' || host === 'bun';
    const text = String(source);
    if (onServer && (!isUrl(text) || /^file:/i.test(text))) {
      const file = await streamFile(source, { signal });
      size = file.size;
      chunks = file.chunks;
    } else if (/^https?:/i.test(text)) {
      const answer = await openUrl(text, signal);
      size = answer.size;
      chunks = answer.chunks;
    } else {
      const bytes = await readLocation(source, { signal });
      size = bytes.length;
      chunks = [bytes];
    }
  } else if (ArrayBuffer.isView(source)) {
    const bytes = new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
    size = bytes.length;
    chunks = [bytes];
  } else if (source instanceof ArrayBuffer) {
    size = source.byteLength;
    chunks = [new Uint8Array(source)];
  } else if (isObject(source) && typeof (source as BlobLike).stream === 'function') {
    size = (source as BlobLike).size;
    chunks = streamChunks((source as BlobLike).stream());
  } else if (isObject(source) && typeof (source as ReadableStreamLike).getReader === 'function') {
    chunks = streamChunks(source as ReadableStreamLike);
  } else if (isObject(source) && Symbol.asyncIterator in source) {
    chunks = source as AsyncIterable<Uint8Array>;
  } else {
    throw new ArgumentError({
      thing,
      found: describe(source),
      wanted: 'JSON text, a path, URL, bytes, Blob, stream, or columns',
    });
  }
  const counted = count(chunks, size, options);
  const first = await counted.next();
  if (first.done) return { name, size: 0, chunks: [] };
  const packed = first.value[0] === 0x1f && first.value[1] === 0x8b;
  const whole = startWith(first.value, counted);
  return packed ? { name, size: 0, chunks: unpack(whole, name, options.broken) } : { name, size, chunks: whole };
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

async function* count(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  size: number,
  { signal, onBytes }: SourceOptions,
): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const chunk of chunks) {
    signal?.throwIfAborted();
    if (chunk.length === 0) continue;
    done += chunk.length;
    yield chunk;
    onBytes?.(done, size);
  }
  signal?.throwIfAborted();
}

async function* startWith(first: Uint8Array, rest: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  yield* rest;
}

async function* unpack(
  chunks: AsyncGenerator<Uint8Array>,
  name: string,
  broken: SourceOptions['broken'],
): AsyncGenerator<Uint8Array> {
  const packed = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done) controller.close();
        else controller.enqueue(value.slice());
      },
      async cancel() {
        await chunks.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
  const unpacked = packed.pipeThrough(new DecompressionStream('gzip'));
  try {
    yield* streamChunks(unpacked as unknown as ReadableStreamLike);
  } catch (cause) {
    // Errors of gzip are TypeErrors on the web and coded errors of zlib on servers.
    if (!(cause instanceof TypeError) && !/^(ERR_|Z_)/.test(String((cause as { code?: unknown })?.code ?? ''))) throw cause;
    throw broken({ thing: name, found: 'gzip data that is broken or cut', wanted: 'a whole gzip file', cause });
  }
}

async function openUrl(
  url: string,
  signal: AbortSignal | undefined,
): Promise<{ size: number; chunks: AsyncIterable<Uint8Array> }> {
  let response: Response;
  try {
    response = await fetch(url, { signal: signal ?? null });
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    throw new LoadError('fetch-failed', {
      thing: `URL ${showLocation(url)}`,
      found: `no answer (${cause instanceof Error ? cause.message : describe(cause)})`,
      wanted: 'an answer of the server',
      next: 'Check the address and the network; on pages also CORS.',
      cause,
    });
  }
  if (!response.ok || !response.body) {
    await response.body?.cancel().catch(() => undefined);
    throw new LoadError('fetch-failed', {
      thing: `URL ${showLocation(url)}`,
      found: `HTTP status ${response.status}`,
      wanted: 'status 200',
    });
  }
  const length = Number(response.headers.get('content-length'));
  const size = response.headers.get('content-encoding') || !(length > 0) ? 0 : length;
  return { size, chunks: guarded(streamChunks(response.body as unknown as ReadableStreamLike), url, size, signal) };
}

/** A connection that ends early is a LoadError, also where the host does not notice. */
async function* guarded(
  chunks: AsyncIterable<Uint8Array>,
  url: string,
  size: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  let done = 0;
  const cut = (cause?: unknown) =>
    new LoadError('fetch-failed', {
      thing: `URL ${showLocation(url)}`,
      found: `a connection that ended after ${done}${size ? ` of ${size}` : ''} bytes`,
      wanted: 'the whole file',
      next: 'Try again.',
      cause,
    });
  const reader = chunks[Symbol.asyncIterator]();
  try {
    while (true) {
      let step: IteratorResult<Uint8Array>;
      try {
        step = await reader.next();
      } catch (cause) {
        if (signal?.aborted) throw signal.reason;
        throw cut(cause);
      }
      if (step.done) break;
      done += step.value.length;
      yield step.value;
    }
    if (size && done < size) throw cut();
  } finally {
    await reader.return?.(undefined);
  }
}
