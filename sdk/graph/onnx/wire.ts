// Reads the wire format of Protocol Buffers: tags, varints, fixed numbers and lengths, over bytes that nobody vouches for. Knows no message.
import { ModelError } from '../../errors.js';

/** Wire types (Protocol Buffers, "Encoding"). Groups (3 and 4) are long gone and refused. */
export const enum WireType {
  varint = 0,
  fixed64 = 1,
  bytes = 2,
  fixed32 = 5,
}

/** Called for one field; reads its value, or leaves it to be skipped by giving false. */
export type FieldReader = (field: number, wire: WireType) => boolean;

const utf8 = new TextDecoder('utf-8');

/**
 * A cursor over part of a file. Every read checks the end, so that no claim of the file makes it read or allocate more than there is.
 * Errors are {@link ModelError} `invalid-model` with the place in bytes.
 */
export class WireReader {
  #view: DataView;
  #at: number;
  #end: number;

  constructor(
    readonly bytes: Uint8Array<ArrayBuffer>,
    /** Name of the file, for messages. */
    readonly file: string,
    start = 0,
    end = bytes.length,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = start;
    this.#end = end;
  }

  fail(found: string, wanted: string): never {
    throw new ModelError('invalid-model', { thing: `file "${this.file}", byte ${this.#at}`, found, wanted });
  }

  /** Reads the message to its end; fields that `read` does not take are skipped. */
  message(read: FieldReader): void {
    while (this.#at < this.#end) {
      const tag = this.unsigned();
      const field = Math.floor(tag / 8);
      const wire = (tag % 8) as WireType;
      if (field < 1 || field > 2 ** 29 - 1) this.fail(`field ${field}`, 'a field number; the file is no ONNX model, or damaged');
      if (!read(field, wire)) this.#skip(wire);
    }
  }

  /** A varint of at most 64 bits, unsigned. Beyond 2^53 the number is the nearest double. */
  unsigned(): number {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.#at >= this.#end) this.fail('the end of the data', 'more bytes of a number');
      const byte = this.bytes[this.#at++]!;
      const bits = byte & 0x7f;
      if (shift < 28) low += bits * 2 ** shift;
      else high += bits * 2 ** (shift - 28);
      if (byte < 0x80) return low + (high % 2 ** 36) * 2 ** 28;
    }
    return this.fail('a number of more than ten bytes', 'a varint');
  }

  /** A varint as two's complement of 64 bits: int32, int64 and enumerations. */
  signed(): number {
    const start = this.#at;
    const value = this.unsigned();
    if (value < 2 ** 63) return value;
    // Negative: exact arithmetic on the ten bytes.
    let result = 0n;
    for (let i = start; i < this.#at; i++) result |= BigInt(this.bytes[i]! & 0x7f) << BigInt(7 * (i - start));
    return Number(BigInt.asIntN(64, result));
  }

  /** The length of a delimited field, checked, with the cursor behind it. */
  #length(): number {
    const length = this.unsigned();
    if (length > this.#end - this.#at)
      this.fail(`a field of ${length} bytes`, `at most the ${this.#end - this.#at} bytes that are left`);
    return length;
  }

  /** A delimited field as a view of the file; nothing is copied. */
  view(): Uint8Array<ArrayBuffer> {
    const length = this.#length();
    this.#at += length;
    return this.bytes.subarray(this.#at - length, this.#at);
  }

  /** A delimited field as text. */
  text(): string {
    return utf8.decode(this.view());
  }

  /** A delimited field as a message of its own. */
  sub(): WireReader {
    const length = this.#length();
    this.#at += length;
    return new WireReader(this.bytes, this.file, this.#at - length, this.#at);
  }

  float(): number {
    if (this.#end - this.#at < 4) this.fail('the end of the data', 'four bytes of a float');
    this.#at += 4;
    return this.#view.getFloat32(this.#at - 4, true);
  }

  double(): number {
    if (this.#end - this.#at < 8) this.fail('the end of the data', 'eight bytes of a double');
    this.#at += 8;
    return this.#view.getFloat64(this.#at - 8, true);
  }

  /** One element of a repeated number, or all of a packed list. */
  repeated(wire: WireType, into: number[], read: (reader: WireReader) => number): void {
    if (wire !== WireType.bytes) {
      into.push(read(this));
      return;
    }
    const list = this.sub();
    while (list.#at < list.#end) into.push(read(list));
  }

  /** Checks that a field has the wire type that its schema says. */
  expect(field: number, wire: WireType, wanted: WireType): void {
    if (wire !== wanted) this.fail(`wire type ${wire} for field ${field}`, `${wanted}`);
  }

  #skip(wire: WireType): void {
    switch (wire) {
      case WireType.varint:
        this.unsigned();
        return;
      case WireType.bytes:
        this.view();
        return;
      case WireType.fixed32:
        this.float();
        return;
      case WireType.fixed64:
        this.double();
        return;
      default:
        this.fail(`wire type ${wire as number}`, '0, 1, 2 or 5; the file is no ONNX model, or damaged');
    }
  }
}
