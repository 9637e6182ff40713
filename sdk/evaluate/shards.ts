// The file form of partial results: a line of text that says what it is, a line of JSON, then columns of numbers, little-endian. No metric.
import { ArgumentError } from '../errors.js';

type Column = Float64Array | Uint32Array | Int32Array | Uint8Array;

const types = { f64: Float64Array, u32: Uint32Array, i32: Int32Array, u8: Uint8Array } as const;
type TypeName = keyof typeof types;

const typeOf = (column: Column) => (Object.keys(types) as TypeName[]).find((name) => column instanceof types[name])!;

const magicOf = (protocol: string) => `labelweave-${protocol} 2\n`;
const align = (n: number) => Math.ceil(n / 8) * 8;

/** Bytes that {@link openShard} reads. `head` must be plain data. */
export function writeShard(protocol: string, head: object, columns: Readonly<Record<string, Column>>): Uint8Array<ArrayBuffer> {
  const table = Object.entries(columns).map(([name, column]) => [name, typeOf(column), column.length] as const);
  const text = new TextEncoder().encode(`${magicOf(protocol)}${JSON.stringify({ ...head, columns: table })}\n`);
  let at = align(text.length);
  const size = Object.values(columns).reduce((sum, { byteLength }) => sum + align(byteLength), at);
  const bytes = new Uint8Array(size);
  bytes.set(text);
  bytes.fill(10, text.length, at);
  for (const column of Object.values(columns)) {
    bytes.set(new Uint8Array(column.buffer, column.byteOffset, column.byteLength), at);
    at += align(column.byteLength);
  }
  return bytes;
}

/** The error for bytes that are no partial result of the evaluator. */
export function brokenShard(found: string, wanted: string, cause?: unknown): ArgumentError {
  return new ArgumentError({ thing: 'partial result', found, wanted, cause });
}

/**
 * Takes a partial result apart; columns are copies. What `own` holds must stand in its head with the same values.
 * @throws ArgumentError where it is none, is cut, of another protocol or another evaluation
 */
export function openShard<Head, Columns extends Readonly<Record<string, Column>>>(
  bytes: Uint8Array,
  protocol: string,
  own: Partial<Head>,
): { head: Head; columns: Columns } {
  const magic = magicOf(protocol);
  const wanted = 'bytes that partial() of this protocol and version made';
  if (!(bytes instanceof Uint8Array)) throw brokenShard('something else', wanted);
  const line = new TextDecoder().decode(bytes.subarray(0, magic.length));
  if (line !== magic) throw brokenShard(JSON.stringify(line.slice(0, 24)), wanted);
  const end = bytes.indexOf(10, magic.length);
  let head: Head & { columns: [name: string, type: TypeName, length: number][] };
  try {
    head = JSON.parse(new TextDecoder().decode(bytes.subarray(magic.length, end))) as typeof head;
  } catch (cause) {
    throw brokenShard('a broken head', wanted, cause);
  }
  for (const key of Object.keys(own) as (keyof Head & string)[]) {
    if (head[key] !== own[key]) throw brokenShard(`${key} = ${String(head[key])}`, `${String(own[key])}, as in this evaluator`);
  }
  const valid =
    Array.isArray(head.columns) &&
    head.columns.every(
      ([name, type, n]) => typeof name === 'string' && Object.hasOwn(types, type) && Number.isInteger(n) && n >= 0,
    );
  let at = align(end + 1);
  const size = valid ? head.columns.reduce((sum, [, type, n]) => sum + align(n * types[type].BYTES_PER_ELEMENT), at) : Number.NaN;
  if (bytes.length !== size) throw brokenShard(`${bytes.length} bytes`, 'a whole partial result');
  const copy = bytes.slice();
  const columns: Record<string, Column> = {};
  for (const [name, type, n] of head.columns) {
    columns[name] = new types[type](copy.buffer, at, n);
    at += align(columns[name].byteLength);
  }
  return { head, columns: columns as Columns };
}

/** FNV-1a of bytes, as text. */
export function hashOf(parts: Iterable<ArrayBufferView | string>): string {
  let hash = 0x811c9dc5;
  const text = new TextEncoder();
  for (const part of parts) {
    const bytes =
      typeof part === 'string' ? text.encode(`${part}\0`) : new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
    for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return (hash >>> 0).toString(16);
}
