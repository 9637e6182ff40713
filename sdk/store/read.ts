// Reads whole files from anywhere: http(s), data, blob and file URLs, paths on servers; keeps http downloads in a byte store.
import { host, openByteStore, readFile, type ByteStore } from '#platform';
import { LoadError } from '../errors.js';
import { isUrl, showLocation } from './location.js';

export interface ReadOptions {
  /** Stops the read; the promise rejects with `signal.reason`. */
  signal?: AbortSignal | undefined;
  /** Bytes read so far and bytes in all; `total` is 0 while it is unknown. Called last with `loaded === total`. */
  onProgress?: ((loaded: number, total: number) => void) | undefined;
  /**
   * Where http(s) downloads are kept between runs. `auto`: the Cache API on pages, a folder on servers (LABELWEAVE_CACHE, else
   * $XDG_CACHE_HOME/labelweave, else ~/.cache/labelweave). `false` (default): nowhere. A kept copy is used when the server still names the
   * same ETag and Last-Modified (one HEAD request), or does not answer at all. A store that fails never fails the read.
   */
  cache?: 'auto' | false | ByteStore | undefined;
}

/**
 * Reads a file into memory of its own. A string is an http(s), data, blob or file URL, or else a path (servers) or relative URL (pages).
 * Throws LoadError `fetch-failed` with the URL and the status or the network's words, `missing-file` for paths, or `signal.reason`. It asks
 * once: retrying is the caller's business.
 */
export async function readLocation(location: string | URL, options: ReadOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  const { signal, onProgress, cache } = options;
  signal?.throwIfAborted();
  const text = String(location);
  const onServer = host === 'node' || host === 'deno' || host === 'bun';
  if (onServer ? !isUrl(text) : /^file:/i.test(text)) return readFile(text, options);
  const scheme = isUrl(text) ? text.slice(0, text.indexOf(':')).toLowerCase() : undefined;
  if (scheme === 'file') return readFile(text, options);
  if (scheme === 'data') {
    const bytes = readDataUrl(text);
    onProgress?.(bytes.length, bytes.length);
    return bytes;
  }
  if (scheme !== undefined && !['http', 'https', 'blob'].includes(scheme)) {
    throw new LoadError('fetch-failed', {
      thing: `URL ${showLocation(text)}`,
      found: `the scheme ${scheme}:`,
      wanted: 'http, https, data, blob or file',
    });
  }
  const url = scheme === undefined ? pageUrl(text) : text;
  if (scheme === 'blob' || !cache) return (await download(url, options)).bytes;

  const store = cache === 'auto' ? await openByteStore('downloads').catch(() => undefined) : cache;
  const kept = store && unpack(await store.get(url).catch(() => undefined), url);
  if (kept && (await isCurrent(url, kept, signal))) {
    onProgress?.(kept.bytes.length, kept.bytes.length);
    return kept.bytes;
  }
  const fresh = await download(url, options);
  if (store && (fresh.etag || fresh.lastModified)) await store.put(url, pack(url, fresh)).catch(() => undefined);
  signal?.throwIfAborted();
  return fresh.bytes;
}

interface Download {
  bytes: Uint8Array<ArrayBuffer>;
  /** What the server says of this version; null where it does not tell. */
  etag: string | null;
  lastModified: string | null;
}

/** Resolves a relative URL against the page. */
function pageUrl(text: string): string {
  const base = (globalThis as { document?: { baseURI?: string } }).document?.baseURI ?? globalThis.location?.href;
  try {
    return new URL(text, base).href;
  } catch (cause) {
    throw new LoadError('fetch-failed', {
      thing: `URL ${showLocation(text)}`,
      found: 'no absolute URL',
      wanted: 'an http(s), data or blob URL',
      cause,
    });
  }
}

async function download(url: string, { signal, onProgress }: ReadOptions): Promise<Download> {
  const thing = `URL ${showLocation(url)}`;
  const response = await request(url, { signal });
  if (!response.ok) {
    await response.body?.cancel().catch(() => undefined);
    const found = `HTTP status ${response.status}${response.statusText ? ` (${response.statusText})` : ''}`;
    throw new LoadError('fetch-failed', {
      thing,
      found,
      wanted: 'status 200',
      next: response.status === 404 ? 'Check the address.' : undefined,
    });
  }
  const header = Number(response.headers.get('content-length') ?? Number.NaN);
  // The length counts coded bytes where the body is compressed; a page does not see that header of other origins.
  const lengthCounts =
    Number.isSafeInteger(header) &&
    !response.headers.get('content-encoding') &&
    response.type !== 'cors' &&
    response.type !== 'opaque';
  const total = lengthCounts && header > 0 ? header : 0;
  let buffer = new Uint8Array(Math.min(total || 1 << 16, 1 << 26));
  let loaded = 0;
  const reader = response.body?.getReader();
  try {
    while (reader) {
      const { done, value } = await reader.read();
      if (done) break;
      if (loaded + value.length > buffer.length) {
        const grown = new Uint8Array(
          Math.max(loaded + value.length, Math.min(buffer.length * 2, total || Number.POSITIVE_INFINITY)),
        );
        grown.set(buffer.subarray(0, loaded));
        buffer = grown;
      }
      buffer.set(value, loaded);
      loaded += value.length;
      signal?.throwIfAborted();
      if (loaded < total || total === 0) onProgress?.(loaded, total);
    }
  } catch (cause) {
    await reader?.cancel().catch(() => undefined);
    if (signal?.aborted) throw signal.reason;
    if (!isNetworkError(cause)) throw cause;
    const found = `a connection that ended after ${loaded}${total ? ` of ${total}` : ''} bytes (${words(cause)})`;
    throw new LoadError('fetch-failed', { thing, found, wanted: 'the whole file', next: 'Try again.', cause });
  }
  if (lengthCounts && loaded !== header) {
    throw new LoadError('fetch-failed', {
      thing,
      found: `${loaded} bytes`,
      wanted: `${header} bytes, as its Content-Length says`,
      next: 'Try again.',
    });
  }
  onProgress?.(loaded, loaded);
  return {
    bytes: loaded === buffer.length ? buffer : buffer.slice(0, loaded),
    etag: response.headers.get('etag'),
    lastModified: response.headers.get('last-modified'),
  };
}

async function request(url: string, init: RequestInit & { signal?: AbortSignal | undefined }): Promise<Response> {
  try {
    return await fetch(url, { ...init, signal: init.signal ?? null });
  } catch (cause) {
    if (init.signal?.aborted) throw init.signal.reason;
    throw new LoadError('fetch-failed', {
      thing: `URL ${showLocation(url)}`,
      found: `no answer (${words(cause)})`,
      wanted: 'an answer of the server',
      next: 'Check the address and the network; on pages also CORS.',
      cause,
    });
  }
}

/** Errors of a progress callback are the caller's own and pass unchanged; a stream fails with TypeError or a host's network error. */
function isNetworkError(error: unknown): boolean {
  const { name, code } = (error ?? {}) as { name?: unknown; code?: unknown };
  return (
    error instanceof TypeError || typeof code === 'string' || name === 'AbortError' || name === 'NetworkError' || name === 'Http'
  );
}

function words(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? error.cause.message || String((error.cause as { code?: unknown }).code ?? '') : '';
  return cause ? `${error.message}: ${cause}` : error.message;
}

/** Whether the server still has the version that is kept. Without an answer the kept one is the best there is. */
async function isCurrent(url: string, kept: Download, signal: AbortSignal | undefined): Promise<boolean> {
  let response: Response;
  try {
    response = await request(url, { method: 'HEAD', signal });
  } catch (error) {
    if (error instanceof LoadError) return true;
    throw error;
  }
  await response.body?.cancel().catch(() => undefined);
  return response.ok && response.headers.get('etag') === kept.etag && response.headers.get('last-modified') === kept.lastModified;
}

const magic = 'labelweave-download 1\n';

/** An entry of the store: the magic line, one line of JSON, the bytes. */
function pack(url: string, { bytes, etag, lastModified }: Download): Uint8Array<ArrayBuffer> {
  const head = new TextEncoder().encode(`${magic}${JSON.stringify({ url, length: bytes.length, etag, lastModified })}\n`);
  const entry = new Uint8Array(head.length + bytes.length);
  entry.set(head);
  entry.set(bytes, head.length);
  return entry;
}

/** The download in an entry, or undefined where it is absent, broken or of another URL. */
function unpack(entry: Uint8Array<ArrayBuffer> | undefined, url: string): Download | undefined {
  if (!entry || new TextDecoder().decode(entry.subarray(0, magic.length)) !== magic) return undefined;
  const end = entry.indexOf(10, magic.length);
  try {
    const head = JSON.parse(new TextDecoder().decode(entry.subarray(magic.length, end))) as Record<string, unknown>;
    const bytes = entry.slice(end + 1);
    if (head['url'] !== url || head['length'] !== bytes.length) return undefined;
    return { bytes, etag: textOrNull(head['etag']), lastModified: textOrNull(head['lastModified']) };
  } catch {
    return undefined;
  }
}

const textOrNull = (value: unknown) => (typeof value === 'string' ? value : null);

/** Bytes of a `data:` URL (RFC 2397). */
function readDataUrl(url: string): Uint8Array<ArrayBuffer> {
  const comma = url.indexOf(',');
  const broken = (found: string, cause?: unknown) =>
    new LoadError('fetch-failed', { thing: `URL ${showLocation(url)}`, found, wanted: 'data:[type][;base64],data', cause });
  if (comma < 0) throw broken('a data: URL without a comma');
  let body = url.slice(comma + 1);
  try {
    if (/;\s*base64\s*$/i.test(url.slice(0, comma))) {
      if (body.includes('%')) body = decodeURIComponent(body);
      return Uint8Array.from(atob(body), (c) => c.charCodeAt(0));
    }
    // Percent codes stand for bytes, everything else for its UTF-8.
    const plain = new TextEncoder().encode(body);
    const out = new Uint8Array(plain.length);
    let length = 0;
    for (let i = 0; i < plain.length; i++) {
      const hex = plain[i] === 0x25 ? Number.parseInt(String.fromCharCode(plain[i + 1] ?? 0, plain[i + 2] ?? 0), 16) : Number.NaN;
      if (Number.isNaN(hex)) out[length++] = plain[i]!;
      else {
        out[length++] = hex;
        i += 2;
      }
    }
    return out.slice(0, length);
  } catch (cause) {
    throw broken('data that is not base64', cause);
  }
}
