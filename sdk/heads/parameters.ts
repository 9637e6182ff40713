// Reads the parameters of a decoder out of a manifest: every field checked once, unknown ones refused. Knows no decoder.
import { describe, ModelError } from '../errors.js';

/** A manifest that is wrong, or that disagrees with the graph. */
export function wrong(thing: string, found: string, wanted: string, next?: string): ModelError {
  return new ModelError('invalid-model', { thing, found, wanted, ...(next ? { next } : {}) });
}

/** The fields of one decoder. Each method throws ModelError `invalid-model` that names the field; {@link Parameters.close} refuses the rest. */
export class Parameters {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #known = new Set(['type']);

  constructor(
    /** Where the decoder stands, for messages. */
    readonly where: string,
    fields: object,
  ) {
    this.#fields = fields as Record<string, unknown>;
  }

  /** `head "coco", decoder.stride` */
  place(key: string): string {
    return `${this.where}.${key}`;
  }

  has(key: string): boolean {
    return this.#get(key) !== undefined;
  }

  /** Name of a value of the graph; `what` says of which kind. */
  name(key: string, what = 'the name of a graph output'): string {
    const value = this.#get(key);
    if (typeof value !== 'string' || value === '') throw wrong(this.place(key), describe(value), what);
    return value;
  }

  /** One name or several. */
  names(key: string, what = 'the name of a graph output, or a list of them'): string[] {
    const value = this.#get(key);
    const list = Array.isArray(value) ? value : [value];
    if (list.length === 0 || list.some((name) => typeof name !== 'string' || name === ''))
      throw wrong(this.place(key), describe(value), what);
    return list as string[];
  }

  choice<T extends string>(key: string, choices: readonly T[], fallback?: T): T {
    const value = this.#get(key) ?? fallback;
    if (!choices.includes(value as T)) {
      const quoted = choices.map((choice) => JSON.stringify(choice));
      throw wrong(this.place(key), describe(value), quoted.length > 1 ? `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}` : quoted[0]!); // prettier-ignore
    }
    return value as T;
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.#get(key) ?? fallback;
    if (typeof value !== 'boolean') throw wrong(this.place(key), describe(value), 'true or false');
    return value;
  }

  number(key: string, wanted: string, allowed: (value: number) => boolean, fallback?: number): number {
    const value = this.#get(key) ?? fallback;
    if (typeof value !== 'number' || !Number.isFinite(value) || !allowed(value))
      throw wrong(this.place(key), describe(value), wanted);
    return value;
  }

  positive(key: string, fallback?: number): number {
    return this.number(key, 'a number more than 0', (value) => value > 0, fallback);
  }

  integer(key: string, least: number, fallback?: number): number {
    return this.number(key, `an integer from ${least}`, (value) => Number.isInteger(value) && value >= least, fallback);
  }

  /** `length` numbers, or one number that stands for all of them. */
  numbers(key: string, length: number, wanted: string, allowed: (value: number) => boolean, fallback?: number): number[] {
    const value = this.#get(key) ?? fallback;
    const list = typeof value === 'number' ? Array.from({ length }, () => value) : value;
    if (!Array.isArray(list) || list.length !== length || !list.every((x) => isNumber(x) && allowed(x)))
      throw wrong(this.place(key), Array.isArray(value) ? `[${value.join(', ')}]` : describe(value), `${wanted}${length > 1 ? `, one or ${length} of them` : ''}`); // prettier-ignore
    return list as number[];
  }

  /** A list of any length. */
  list(key: string, wanted: string, allowed: (value: number) => boolean, fallback?: readonly number[]): number[] {
    const value = this.#get(key) ?? fallback;
    if (!Array.isArray(value) || value.length === 0 || !value.every((x) => isNumber(x) && allowed(x)))
      throw wrong(this.place(key), Array.isArray(value) ? `[${value.slice(0, 8).join(', ')}]` : describe(value), wanted);
    return value as number[];
  }

  /** Widths and heights, one list of pairs a scale. */
  anchors(key: string, scales: number): [number, number][][] {
    const value = this.#get(key);
    const wanted = `${scales} lists of [width, height] in input pixels, one list an output`;
    if (!Array.isArray(value) || value.length !== scales)
      throw wrong(this.place(key), Array.isArray(value) ? `${value.length} lists` : describe(value), wanted);
    value.forEach((list: unknown, i) => {
      const pair = (x: unknown): boolean => Array.isArray(x) && x.length === 2 && x.every((size) => isNumber(size) && size > 0);
      if (!Array.isArray(list) || list.length === 0 || !list.every(pair))
        throw wrong(`${this.place(key)}[${i}]`, Array.isArray(list) ? JSON.stringify(list).slice(0, 80) : describe(list), wanted);
    });
    return value as [number, number][][];
  }

  /** Rows of `length` numbers. */
  rows(key: string, length: number): number[][] {
    const value = this.#get(key);
    const row = (x: unknown): boolean => Array.isArray(x) && x.length === length && x.every(isNumber);
    if (!Array.isArray(value) || value.length === 0 || !value.every(row))
      throw wrong(this.place(key), describe(value), `rows of ${length} numbers`);
    return value as number[][];
  }

  /** The fields of an object inside the decoder. */
  group(key: string): Parameters {
    const value = this.#get(key);
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw wrong(this.place(key), describe(value), 'an object');
    const group = new Parameters(this.place(key), value);
    group.#known.clear();
    return group;
  }

  /** To be called once all fields are read. */
  close(): void {
    for (const key of Object.keys(this.#fields)) {
      if (!this.#known.has(key)) throw wrong(this.where, `the unknown parameter ${describe(key)}`, `only ${[...this.#known].join(', ')}`); // prettier-ignore
    }
  }

  #get(key: string): unknown {
    this.#known.add(key);
    return Object.hasOwn(this.#fields, key) ? this.#fields[key] : undefined;
  }
}

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
