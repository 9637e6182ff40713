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
   * same ETag and Last-Modified (one HEAD request), or answers with a 5xx status or not at all. A store that fails never fails the read.
   */
  cache?: 'auto' | false | ByteStore | undefined;
  /** SHA-256 that the bytes must have, 64 hexadecimal digits. A kept copy that has it is used without asking the server. */
  sha256?: string | undefined;
}

/** Requests for one file: a connection that ends on the way is taken up again where it ended, as long as something arrives. */
const MAX_REQUESTS = 5;
/** Milliseconds before the first of them, doubled for each further one. */
const PAUSE = 250;
/** What is kept of a download that stopped must be worth it. */
const LEAST_PART = 1 << 16;

/**
 * Reads a file into memory of its own. A string is an http(s), data, blob or file URL, or else a path (servers) or relative URL (pages).
 * Throws LoadError `fetch-failed` with the URL and the status or the network's words, or the SHA-256 that was found, `missing-file` for paths, or
 * `signal.reason`. A connection that ends on the way is taken up again, and with a cache also what an earlier call left; otherwise it asks once.
 */
export async function readLocation(location: string | URL, options: ReadOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await readAny(location, options);
  // http downloads are checked before they are kept.
  if (options.sha256 !== undefined && !checked.has(bytes)) await checkDigest(String(location), bytes, options.sha256);
  return bytes;
}

/** Downloads whose digest is known to be right. */
const checked = new WeakSet<Uint8Array>();

async function hasDigest(bytes: Uint8Array<ArrayBuffer>, wanted: string): Promise<boolean> {
  const { sha256 } = await import('./sha256.js');
  return (await sha256(bytes)) === wanted.toLowerCase();
}

/** Throws LoadError `fetch-failed` where the bytes have another SHA-256. */
export async function checkDigest(location: string, bytes: Uint8Array<ArrayBuffer>, wanted: string): Promise<void> {
  const { sha256 } = await import('./sha256.js');
  const found = await sha256(bytes);
  if (found === wanted.toLowerCase()) return;
  throw new LoadError('fetch-failed', {
    thing: isUrl(location) ? `URL ${showLocation(location)}` : `file ${showLocation(location)}`,
    found: `SHA-256 ${found}`,
    wanted,
    next: 'The file is damaged, or another version than the manifest means.',
  });
}

async function readAny(location: string | URL, options: ReadOptions): Promise<Uint8Array<ArrayBuffer>> {
  const { signal, onProgress, cache, sha256 } = options;
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
  if (scheme === 'blob') return (await download(url, options)).bytes;
  const store = cache === 'auto' ? await openByteStore('downloads').catch(() => undefined) : cache || undefined;
  const kept = store && unpack(await store.get(url).catch(() => undefined), url);
  if (kept && (sha256 === undefined ? await isCurrent(url, kept, signal) : await hasDigest(kept.bytes, sha256))) {
    if (sha256 !== undefined) checked.add(kept.bytes);
    onProgress?.(kept.bytes.length, kept.bytes.length);
    return kept.bytes;
  }
  const partKey = `${url}#part`;
  const part = store && unpack(await store.get(partKey).catch(() => undefined), url);
  const keepPart = async (stopped: Download): Promise<void> => {
    if (store && stopped.bytes.length >= LEAST_PART) await store.put(partKey, pack(url, stopped)).catch(() => undefined);
  };
  const fresh = await downloadChecked(url, options, part, keepPart);
  if (store && (fresh.etag || fresh.lastModified || sha256 !== undefined)) await store.put(url, pack(url, fresh)).catch(() => undefined); // prettier-ignore
  if (part || store) await store?.delete(partKey).catch(() => undefined);
  signal?.throwIfAborted();
  return fresh.bytes;
}

/** A download whose digest is right, if one is wanted. Parts that do not fit together are thrown away once. */
async function downloadChecked(
  url: string,
  options: ReadOptions,
  part: Download | undefined,
  keepPart: (stopped: Download) => Promise<void>,
): Promise<Download> {
  const { sha256 } = options;
  const fresh = await download(url, options, part, keepPart);
  if (sha256 === undefined) return fresh;
  if (fresh.joined && !(await hasDigest(fresh.bytes, sha256))) return downloadChecked(url, options, undefined, keepPart);
  await checkDigest(url, fresh.bytes, sha256);
  checked.add(fresh.bytes);
  return fresh;
}

interface Download {
  bytes: Uint8Array<ArrayBuffer>;
  /** What the server says of this version; null where it does not tell. */
  etag: string | null;
  lastModified: string | null;
  /** Came in several pieces. */
  joined?: boolean;
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

/**
 * Downloads a file. A connection that ends on the way is continued with a range request, where the server names the same version or the digest will
 * tell; `part` is what an earlier call got. What has arrived when it fails for good goes to `keepPart`.
 */
async function download(
  url: string,
  { signal, onProgress, sha256 }: ReadOptions,
  part?: Download,
  keepPart?: (stopped: Download) => Promise<void>,
): Promise<Download> {
  const thing = `URL ${showLocation(url)}`;
  let buffer = part?.bytes ?? new Uint8Array(0);
  let loaded = buffer.length;
  let version: Pick<Download, 'etag' | 'lastModified'> = part ?? { etag: null, lastModified: null };
  let joined = loaded > 0;
  const stop = async (): Promise<void> => {
    const named = version.etag !== null || version.lastModified !== null;
    if (loaded > 0 && (named || sha256 !== undefined)) await keepPart?.({ ...version, bytes: buffer.slice(0, loaded) });
  };
  for (let attempt = 1; ; attempt++) {
    const from = loaded;
    let response: Response;
    try {
      response = await request(url, { signal, ...(from > 0 ? { headers: { Range: `bytes=${from}-` } } : {}) });
    } catch (error) {
      await stop();
      throw error;
    }
    const found = { etag: response.headers.get('etag'), lastModified: response.headers.get('last-modified') };
    const continues = response.status === 206 && continuesAt(response, from) && sameVersion(version, found, sha256);
    if (from > 0 && !continues) {
      // Another version, or a server without ranges: from the start.
      loaded = 0;
      joined = false;
      if (response.status !== 200) {
        await response.body?.cancel().catch(() => undefined);
        version = { etag: null, lastModified: null };
        if (attempt < MAX_REQUESTS) continue;
      }
    }
    if (!response.ok) {
      await response.body?.cancel().catch(() => undefined);
      const status = `HTTP status ${response.status}${response.statusText ? ` (${response.statusText})` : ''}`;
      const next = response.status === 404 ? 'Check the address.' : undefined;
      throw new LoadError('fetch-failed', { thing, found: status, wanted: 'status 200', next });
    }
    version = found;
    const header = Number(response.headers.get('content-length') ?? Number.NaN);
    // The length counts coded bytes where the body is compressed; a page does not see that header of other origins.
    const lengthCounts =
      Number.isSafeInteger(header) &&
      !response.headers.get('content-encoding') &&
      response.type !== 'cors' &&
      response.type !== 'opaque';
    const total = lengthCounts && header > 0 ? loaded + header : 0;
    const reader = response.body?.getReader();
    try {
      // What is here already counts from the first moment.
      if (loaded > 0) onProgress?.(loaded, total);
      while (reader) {
        const { done, value } = await reader.read();
        if (done) break;
        buffer = append(buffer, loaded, value, total);
        loaded += value.length;
        signal?.throwIfAborted();
        if (loaded < total || total === 0) onProgress?.(loaded, total);
      }
      if (lengthCounts && loaded !== total) throw new TypeError(`${loaded} bytes`);
    } catch (cause) {
      await reader?.cancel().catch(() => undefined);
      if (signal?.aborted) {
        await stop();
        throw signal.reason;
      }
      if (!isNetworkError(cause)) throw cause;
      // Offsets count the bytes of the file only where the body is not compressed; otherwise the digest must tell.
      const named = version.etag !== null || version.lastModified !== null;
      const resumable = (lengthCounts && named) || sha256 !== undefined;
      if (resumable && loaded > from && loaded < (total || Number.POSITIVE_INFINITY) && attempt < MAX_REQUESTS) {
        joined = true;
        await pause(PAUSE * 2 ** (attempt - 1), signal);
        continue;
      }
      await stop();
      const where = `a connection that ended after ${loaded}${total ? ` of ${total}` : ''} bytes (${words(cause)})`;
      throw new LoadError('fetch-failed', { thing, found: where, wanted: 'the whole file', next: 'Try again.', cause });
    }
    onProgress?.(loaded, loaded);
    return { ...version, bytes: loaded === buffer.length ? buffer : buffer.slice(0, loaded), joined };
  }
}

/** Whether a partial answer starts where it should. Other origins may hide the header; then the server is taken at its word. */
function continuesAt(response: Response, from: number): boolean {
  const range = response.headers.get('content-range');
  return range === null ? response.type === 'cors' : new RegExp(`^bytes ${from}-`).test(range);
}

function sameVersion(
  a: Pick<Download, 'etag' | 'lastModified'>,
  b: Pick<Download, 'etag' | 'lastModified'>,
  sha256: string | undefined,
): boolean {
  if (a.etag === null && a.lastModified === null) return sha256 !== undefined;
  return a.etag === b.etag && a.lastModified === b.lastModified;
}

/** `buffer` with `value` at `loaded`, grown where it must. */
function append(buffer: Uint8Array<ArrayBuffer>, loaded: number, value: Uint8Array, total: number): Uint8Array<ArrayBuffer> {
  let room = buffer;
  if (loaded + value.length > buffer.length) {
    const wanted = Math.min(Math.max(buffer.length * 2, 1 << 16, Math.min(total, 1 << 26)), total || Number.POSITIVE_INFINITY);
    room = new Uint8Array(Math.max(loaded + value.length, wanted));
    room.set(buffer.subarray(0, loaded));
  }
  room.set(value, loaded);
  return room;
}

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', end);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', end, { once: true });
  });
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
  // A server in trouble knows nothing of the file (RFC 5861, stale-if-error).
  if (response.status >= 500) return true;
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
