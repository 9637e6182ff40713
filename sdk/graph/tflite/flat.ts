// Checked reading of FlatBuffers: every offset, length and count is held against the file before it is followed. Knows no schema.
import { ByteBuffer } from 'flatbuffers';
import { ModelError } from '../../errors.js';

/** One FlatBuffers file. Offsets come from the file and are never trusted. */
export class FlatFile {
  readonly buffer: ByteBuffer;

  constructor(
    readonly bytes: Uint8Array<ArrayBuffer>,
    readonly name: string,
  ) {
    this.buffer = new ByteBuffer(bytes);
  }

  fail(found: string, wanted: string): never {
    throw new ModelError('invalid-model', { thing: `file "${this.name}"`, found, wanted });
  }

  /** `at`, if `bytes` of them stand there. */
  inside(at: number, bytes: number): number {
    if (at < 0 || at + bytes > this.bytes.length)
      this.fail(`an offset to byte ${at} of ${this.bytes.length}`, 'offsets inside the file: it is truncated or damaged');
    return at;
  }

  root(): Table {
    return new Table(this, this.inside(0, 4) + this.buffer.readUint32(0));
  }
}

/** A table; fields by their slot in the schema. A field that is absent gives its default. */
export class Table {
  readonly #vtable: number;
  readonly #slots: number;

  constructor(
    readonly file: FlatFile,
    readonly at: number,
  ) {
    const { buffer } = file;
    this.#vtable = file.inside(at, 4) - buffer.readInt32(at);
    this.#slots = (buffer.readUint16(file.inside(this.#vtable, 4)) - 4) / 2;
    file.inside(this.#vtable, 4 + 2 * Math.max(this.#slots, 0));
  }

  /** Where a field stands, or 0. */
  #field(slot: number, bytes: number): number {
    if (slot >= this.#slots) return 0;
    const offset = this.file.buffer.readUint16(this.#vtable + 4 + 2 * slot);
    return offset === 0 ? 0 : this.file.inside(this.at + offset, bytes);
  }

  int8(slot: number, fallback = 0): number {
    const at = this.#field(slot, 1);
    return at === 0 ? fallback : this.file.buffer.readInt8(at);
  }

  uint8(slot: number, fallback = 0): number {
    return this.int8(slot, fallback) & 0xff;
  }

  flag(slot: number): boolean {
    return this.int8(slot) !== 0;
  }

  int32(slot: number, fallback = 0): number {
    const at = this.#field(slot, 4);
    return at === 0 ? fallback : this.file.buffer.readInt32(at);
  }

  uint32(slot: number, fallback = 0): number {
    return this.int32(slot, fallback) >>> 0;
  }

  uint64(slot: number): number {
    const at = this.#field(slot, 8);
    return at === 0 ? 0 : Number(this.file.buffer.readUint64(at));
  }

  float32(slot: number, fallback = 0): number {
    const at = this.#field(slot, 4);
    return at === 0 ? fallback : this.file.buffer.readFloat32(at);
  }

  /** A table that another one refers to. */
  table(slot: number): Table | undefined {
    const at = this.#field(slot, 4);
    return at === 0 ? undefined : new Table(this.file, at + this.file.buffer.readUint32(at));
  }

  text(slot: number): string {
    const vector = this.#vector(slot, 1, 2 ** 16);
    if (!vector) return '';
    return new TextDecoder().decode(this.file.bytes.subarray(vector.at, vector.at + vector.length));
  }

  /** The bytes of a vector, in place; undefined where there is none. */
  bytes(slot: number): Uint8Array<ArrayBuffer> | undefined {
    const vector = this.#vector(slot, 1);
    return vector && this.file.bytes.subarray(vector.at, vector.at + vector.length);
  }

  /** `most` bounds lists that a damaged file could make every table share. */
  int32s(slot: number, most: number): number[] | undefined {
    return this.#list(slot, 4, most, (at) => this.file.buffer.readInt32(at));
  }

  int64s(slot: number, most: number): number[] | undefined {
    return this.#list(slot, 8, most, (at) => Number(this.file.buffer.readInt64(at)));
  }

  float32s(slot: number, most: number): number[] | undefined {
    return this.#list(slot, 4, most, (at) => this.file.buffer.readFloat32(at));
  }

  tables(slot: number, most: number): Table[] {
    return this.#list(slot, 4, most, (at) => new Table(this.file, at + this.file.buffer.readUint32(at))) ?? [];
  }

  #list<T>(slot: number, size: number, most: number, read: (at: number) => T): T[] | undefined {
    const vector = this.#vector(slot, size, most);
    return vector && Array.from({ length: vector.length }, (_, i) => read(vector.at + i * size));
  }

  #vector(slot: number, size: number, most = Infinity): { at: number; length: number } | undefined {
    const field = this.#field(slot, 4);
    if (field === 0) return undefined;
    const at = field + this.file.buffer.readUint32(field);
    const length = this.file.buffer.readUint32(this.file.inside(at, 4));
    if (length > most) this.file.fail(`a list of ${length}`, `at most ${most}`);
    this.file.inside(at + 4, length * size);
    return { at: at + 4, length };
  }
}
