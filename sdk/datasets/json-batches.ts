// Reads a JSON object whose lists are too long to be held: the byte stream is cut at the elements of its lists, which come in batches of a few
// megabytes. It knows nothing of what the lists hold. (The evaluators' reader in WASM keeps numbers only; here every field must survive.)
import { DatasetError, describe } from '../errors.js';
import { type FileSource, openSource } from '../store/source.js';

/** Some elements of a list, in order. An empty list gives one empty batch. */
export interface ListBatch {
  readonly list: string;
  /** Position of the first element in its list. */
  readonly row: number;
  readonly values: readonly unknown[];
}

/** A value of the object that is none of the lists asked for. */
export interface OtherValue {
  /** Its key. */
  readonly key: string;
  /** As JSON.parse gives it. */
  readonly value: unknown;
}

/** Options of {@link readBatches}. */
export interface BatchOptions {
  /** Keys whose lists are read. Other values are passed over, unless they are asked for too. */
  readonly lists: readonly string[];
  /** Which other values are read; those of more than a megabyte are passed over all the same. Default: none. */
  readonly others?: ((key: string) => boolean) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Bytes taken so far and in all (0: not known). */
  readonly onBytes?: ((done: number, total: number) => void) | undefined;
}

const firstWindow = 1 << 21;
/** Largest single element, in bytes. */
const mostWindow = 1 << 29;
/** Largest other value, in bytes; smaller than the window. */
const mostOther = 1 << 20;

const code = { quote: 34, comma: 44, colon: 58, openList: 91, backslash: 92, closeList: 93, open: 123, close: 125 } as const;
const isSpace = (byte: number): boolean => byte === 32 || byte === 10 || byte === 13 || byte === 9;

/** Where the reader stands between two tokens. `first`: nothing has come yet, so that the object or list may end here. */
type Place = 'start' | 'key' | 'colon' | 'value' | 'after value' | 'element' | 'after element' | 'end';

/**
 * Reads the lists of a JSON object, batch by batch; memory is bounded by the largest element. Throws DatasetError with the list, the row and the byte
 * where the JSON is broken or ends early, LoadError where the source cannot be read, or `signal.reason`.
 */
export async function* readBatches(
  source: FileSource,
  thing: string,
  { lists, others = () => false, signal, onBytes }: BatchOptions,
): AsyncGenerator<ListBatch | OtherValue> {
  const opened = await openSource(source, thing, { signal, onBytes, broken: (parts) => new DatasetError(parts) });
  const reader = new Reader(opened.name, new Set(lists), others);
  for await (const chunk of opened.chunks) {
    for (let used = 0; used < chunk.length;) {
      used += reader.fill(chunk, used);
      if (reader.isFull) yield* reader.read(false);
    }
  }
  yield* reader.read(true);
  reader.finish();
}

/** A window on the file. It is read when it is full; what is cut at its end moves to its front. */
class Reader {
  readonly #name: string;
  readonly #lists: ReadonlySet<string>;
  readonly #others: (key: string) => boolean;
  readonly #seen = new Set<string>();
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #bytes = new Uint8Array(firstWindow);
  #filled = 0;
  /** Bytes of the file before the window. */
  #passed = 0;
  #place: Place = 'start';
  #first = true;
  #key = '';
  #row = 0;
  /** While a value is passed over: how deep it stands, and whether in a text. */
  #skipping: { depth: number; inText: boolean; escaped: boolean } | undefined;

  constructor(name: string, lists: ReadonlySet<string>, others: (key: string) => boolean) {
    this.#name = name;
    this.#lists = lists;
    this.#others = others;
  }

  get isFull(): boolean {
    return this.#filled === this.#bytes.length;
  }

  /** Takes bytes into the window; returns how many. */
  fill(chunk: Uint8Array, from: number): number {
    const count = Math.min(this.#bytes.length - this.#filled, chunk.length - from);
    this.#bytes.set(chunk.subarray(from, from + count), this.#filled);
    this.#filled += count;
    return count;
  }

  /** Reads the window. `last`: the file ends with it. */
  *read(last: boolean): Generator<ListBatch | OtherValue> {
    let at = 0;
    while (at < this.#filled) {
      if (this.#skipping) {
        at = this.#skip(at);
        continue;
      }
      if (isSpace(this.#bytes[at]!)) {
        at++;
        continue;
      }
      if (this.#place === 'element' && !(this.#first && this.#bytes[at] === code.closeList)) {
        const batch = this.#elements(at, last);
        if (batch.values.length) {
          this.#row += batch.values.length;
          yield { list: this.#key, row: this.#row - batch.values.length, values: batch.values };
        }
        if (batch.end === at) break;
        at = batch.end;
        continue;
      }
      const next = this.#token(at, last);
      if (next === undefined) break;
      at = next.end;
      if (next.value) yield next.value;
    }
    this.#bytes.copyWithin(0, at, this.#filled);
    this.#passed += at;
    this.#filled -= at;
    if (!this.isFull || last) return;
    if (this.#bytes.length >= mostWindow) throw this.#broken(`an element of more than ${mostWindow} bytes`, 0);
    const wider = new Uint8Array(this.#bytes.length * 2);
    wider.set(this.#bytes);
    this.#bytes = wider;
  }

  /** Throws where the file ended too early. */
  finish(): void {
    if (this.#place === 'end' && this.#filled === 0) return;
    const empty = this.#passed + this.#filled === 0;
    throw this.#broken(empty ? 'an empty file' : 'JSON that ends too early', this.#filled);
  }

  /** Takes one token that is no element of a list. Undefined: it is cut. */
  #token(at: number, last: boolean): { end: number; value?: ListBatch | OtherValue } | undefined {
    const byte = this.#bytes[at]!;
    const wrong = (where: string): DatasetError => this.#broken(`${this.#near(at)} ${where}`, at);
    switch (this.#place) {
      case 'start': {
        const isMark = this.#passed + at === 0 && byte === 0xef && this.#bytes[1] === 0xbb && this.#bytes[2] === 0xbf;
        if (isMark) return { end: 3 };
        if (byte !== code.open) throw wrong('at the start');
        return this.#go('key', at + 1, true);
      }
      case 'key': {
        if (byte === code.close && this.#first) return this.#go('end', at + 1);
        if (byte !== code.quote) throw wrong('where a key belongs');
        const end = this.#endOf(at, last);
        if (end < 0) return undefined;
        this.#key = this.#parse(at, end, 'as a key') as string;
        if (this.#seen.has(this.#key)) throw this.#broken(`the key ${describe(this.#key)} a second time`, at);
        this.#seen.add(this.#key);
        return this.#go('colon', end);
      }
      case 'colon':
        if (byte !== code.colon) throw wrong(`behind the key ${describe(this.#key)}`);
        return this.#go('value', at + 1);
      case 'value': {
        if (this.#lists.has(this.#key)) {
          if (byte !== code.openList) throw wrong(`as ${describe(this.#key)}, which is no list`);
          this.#row = 0;
          return this.#go('element', at + 1, true);
        }
        const isWanted = this.#others(this.#key);
        const end = isWanted ? this.#endOf(at, last) : -1;
        if (end < 0 && isWanted && this.#filled - at < mostOther && !last) return undefined;
        if (end < 0 || end - at > mostOther) {
          this.#skipping = { depth: 0, inText: false, escaped: false };
          return this.#go('after value', at);
        }
        return {
          ...this.#go('after value', end),
          value: { key: this.#key, value: this.#parse(at, end, `as ${describe(this.#key)}`) },
        };
      }
      case 'after value':
        if (byte !== code.comma && byte !== code.close) throw wrong(`behind the value of ${describe(this.#key)}`);
        return this.#go(byte === code.comma ? 'key' : 'end', at + 1);
      case 'element':
        // The list is empty.
        return { ...this.#go('after value', at + 1), value: { list: this.#key, row: 0, values: [] } };
      case 'after element':
        if (byte !== code.comma && byte !== code.closeList) throw wrong('behind an element');
        return this.#go(byte === code.comma ? 'element' : 'after value', at + 1);
      default:
        throw wrong('behind the end');
    }
  }

  #go(place: Place, end: number, first = false): { end: number } {
    this.#place = place;
    this.#first = first;
    return { end };
  }

  /** Takes all elements that are whole in the window, from the one at `from`. */
  #elements(from: number, last: boolean): { values: unknown[]; end: number } {
    const bytes = this.#bytes;
    let count = 0;
    let end = from;
    let at = from;
    // Ends between an element and what follows it, so that the rest is left to #token.
    while (at < this.#filled) {
      const stop = this.#endOf(at, last);
      if (stop < 0) break;
      count++;
      end = stop;
      at = stop;
      while (at < this.#filled && isSpace(bytes[at]!)) at++;
      if (bytes[at] !== code.comma || at >= this.#filled) break;
      at++;
      while (at < this.#filled && isSpace(bytes[at]!)) at++;
    }
    if (count === 0) {
      if (last) throw this.#broken('JSON that ends too early', this.#filled);
      return { values: [], end: from };
    }
    this.#go('after element', end);
    return { values: this.#parseAll(from, end, count), end };
  }

  /** The end of the value that begins at `from`; -1 where it is cut. */
  #endOf(from: number, last: boolean): number {
    const bytes = this.#bytes;
    const filled = this.#filled;
    const opening = bytes[from]!;
    if (opening !== code.open && opening !== code.openList && opening !== code.quote) {
      let at = from;
      for (; at < filled; at++) {
        const byte = bytes[at]!;
        if (byte === code.comma || byte === code.close || byte === code.closeList || byte === code.colon || isSpace(byte)) break;
      }
      if (at === from) throw this.#broken(`${this.#near(at)} where a value belongs`, at);
      return at < filled || last ? at : -1;
    }
    let depth = 0;
    for (let at = from; at < filled; at++) {
      const byte = bytes[at]!;
      if (byte === code.quote) {
        for (at++; at < filled; at++) {
          const inside = bytes[at]!;
          if (inside === code.quote) break;
          if (inside === code.backslash) at++;
        }
        if (at >= filled) return -1;
        if (depth === 0) return at + 1;
      } else if (byte === code.open || byte === code.openList) depth++;
      else if ((byte === code.close || byte === code.closeList) && --depth === 0) return at + 1;
    }
    return -1;
  }

  /** Passes over a value that nobody wants, of any length. Returns where it ends, or the end of the window. */
  #skip(from: number): number {
    const bytes = this.#bytes;
    const filled = this.#filled;
    let { depth, inText, escaped } = this.#skipping!;
    for (let at = from; at < filled; at++) {
      const byte = bytes[at]!;
      if (inText) {
        if (escaped) escaped = false;
        else if (byte === code.backslash) escaped = true;
        else if (byte === code.quote) inText = false;
        if (inText || depth > 0) continue;
        this.#skipping = undefined;
        return at + 1;
      }
      if (byte === code.quote) inText = true;
      else if (byte === code.open || byte === code.openList) depth++;
      else if (byte === code.close || byte === code.closeList) {
        // At depth 0 it is the end of a number or word, and belongs to the object.
        if (depth <= 1) this.#skipping = undefined;
        if (depth === 0) return at;
        if (--depth === 0) return at + 1;
      } else if (depth === 0 && byte === code.comma) {
        this.#skipping = undefined;
        return at;
      }
    }
    this.#skipping = { depth, inText, escaped };
    return filled;
  }

  /** Elements with commas between them, at once; where that fails, the one that is broken is looked for. */
  #parseAll(from: number, to: number, count: number): unknown[] {
    try {
      const values = JSON.parse(`[${this.#decoder.decode(this.#bytes.subarray(from, to))}]`) as unknown[];
      if (values.length === count) return values;
    } catch {
      // The error is made below, with the row.
    }
    this.#place = 'element';
    for (let at = from; at < to; this.#row++) {
      const end = this.#endOf(at, true);
      this.#parse(at, end < 0 ? to : end, 'as an element');
      at = end < 0 ? to : end;
      while (at < to && (isSpace(this.#bytes[at]!) || this.#bytes[at] === code.comma)) at++;
    }
    throw this.#broken('values that are no elements of a list', from);
  }

  #parse(from: number, to: number, where: string): unknown {
    try {
      return JSON.parse(this.#decoder.decode(this.#bytes.subarray(from, to)));
    } catch (cause) {
      const message = (cause as Error).message.slice(0, 80);
      throw this.#broken(`${this.#near(from)} ${where}, which is not JSON (${message})`, from, cause);
    }
  }

  #near(at: number): string {
    return describe(String.fromCharCode(...this.#bytes.subarray(at, Math.min(this.#filled, at + 24))));
  }

  #broken(found: string, at: number, cause?: unknown): DatasetError {
    const inList = this.#place === 'element' || this.#place === 'after element';
    return new DatasetError({
      thing: `${this.#name}${inList ? `, ${this.#key}[${this.#row}]` : ''} (byte ${this.#passed + at})`,
      found,
      wanted: 'a JSON object',
      row: inList ? this.#row : undefined,
      cause,
    });
  }
}
