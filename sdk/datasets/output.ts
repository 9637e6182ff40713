// Writes a COCO file piece by piece: an object with values and long lists, one entry a line.
import type { TextSink } from '../platform-types.js';

/** Characters that are gathered before they are passed on. */
const piece = 1 << 20;

/** Writes keys in the order of the calls. Lists may be written in parts. */
export class CocoOutput {
  readonly #sink: TextSink;
  #text = '{';
  #isFirst = true;
  #inList = false;
  /** Entries of the list that is open. */
  #entries = 0;

  constructor(sink: TextSink) {
    this.#sink = sink;
  }

  /** Writes a value. */
  value(key: string, value: unknown): void {
    this.#key(key);
    this.#text += JSON.stringify(value);
  }

  /** Begins a list; it ends with the next key. */
  list(key: string): void {
    this.#key(key);
    this.#text += '[';
    this.#inList = true;
    this.#entries = 0;
  }

  /** Adds an entry to the list. Call {@link flush} now and then. */
  entry(value: unknown): void {
    this.#text += `${this.#entries++ ? ',\n' : '\n'}${JSON.stringify(value)}`;
  }

  /** Passes on what is gathered, if it is much. */
  async flush(): Promise<void> {
    if (this.#text.length < piece) return;
    const text = this.#text;
    this.#text = '';
    await this.#sink.write(text);
  }

  /** Ends the file. */
  async finish(): Promise<void> {
    this.#endList();
    const text = `${this.#text}\n}\n`;
    this.#text = '';
    await this.#sink.write(text);
  }

  #key(key: string): void {
    this.#endList();
    this.#text += `${this.#isFirst ? '\n' : ',\n'}${JSON.stringify(key)}: `;
    this.#isFirst = false;
  }

  #endList(): void {
    if (this.#inList) this.#text += this.#entries ? '\n]' : ']';
    this.#inList = false;
  }
}
