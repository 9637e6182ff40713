// The binary file of firings: versioned, streamed both ways, protected by a checksum. Every number is little-endian.
//
//   0   8 bytes   "LWFIRING"
//   8   u32       version, 1
//   12  u32       bytes of the header
//   16            header: JSON, UTF-8, filled up with spaces to a multiple of 8
//                 { spaces: [label space, ...], names?: [text, ...], columns: [{ name, type, length }, ...] }
//                 columns, in this order, each filled up with zeros to a multiple of 8
//                 u32 CRC-32 of everything before it, u32 0
import { ArgumentError, LearnError } from '../../errors.js';
import type { FileSource } from '../../store/source.js';
import { openSource } from '../../store/source.js';
import { labelSpaceFromJSON } from '../../taxonomy/label-space.js';
import { numberLabels } from '../nodes.js';
import type { LearnProgress } from '../types.js';
import { crc32 } from './crc32.js';
import type { Firings, MaskRuns } from './firings.js';

const magic = 'LWFIRING';
const version = 1;
/** A header longer than this is none: 2^26 bytes hold a million labels. */
const mostHeader = 1 << 26;

const types = { f32: Float32Array, f64: Float64Array, u32: Uint32Array, u16: Uint16Array, u8: Uint8Array } as const;
type TypeName = keyof typeof types;
type Data = Float32Array | Float64Array | Uint32Array | Uint16Array | Uint8Array;

/** The columns of a file; those of proposals and masks may be absent. */
const columnTypes = {
  imageDatasets: 'u16',
  imageIds: 'f64',
  imageSizes: 'u32',
  boxStarts: 'u32',
  boxes: 'f32',
  proposals: 'u32',
  scoreStarts: 'u32',
  scoreLabels: 'u32',
  scores: 'f32',
  truthStarts: 'u32',
  truthBoxes: 'f32',
  truthLabels: 'u32',
  truthFlags: 'u8',
  boxMaskStarts: 'u32',
  boxMaskRuns: 'u32',
  truthMaskStarts: 'u32',
  truthMaskRuns: 'u32',
} as const satisfies Record<string, TypeName>;
type ColumnName = keyof typeof columnTypes;
const optional = new Set<string>(['proposals', 'boxMaskStarts', 'boxMaskRuns', 'truthMaskStarts', 'truthMaskRuns']);

function columnsOf(firings: Firings): [ColumnName, Data][] {
  const { masks } = firings;
  const all: Partial<Record<ColumnName, Data | undefined>> = {
    ...firings,
    boxMaskStarts: masks?.boxes.starts,
    boxMaskRuns: masks?.boxes.counts,
    truthMaskStarts: masks?.truths.starts,
    truthMaskRuns: masks?.truths.counts,
  };
  return (Object.keys(columnTypes) as ColumnName[]).flatMap((name): [ColumnName, Data][] => {
    const data = all[name];
    return data ? [[name, data]] : [];
  });
}

/** The bytes of a file of firings, in pieces of at most 1 MiB. A piece is valid until the next one is asked for. */
export function* writeFirings(firings: Firings): Generator<Uint8Array<ArrayBuffer>> {
  const columns = columnsOf(firings);
  const header = new TextEncoder().encode(
    JSON.stringify({
      spaces: firings.spaces.map((space) => space.toJSON()),
      ...(firings.imageNames && { names: firings.imageNames }),
      columns: columns.map(([name, data]) => ({ name, type: columnTypes[name], length: data.length })),
    }),
  );
  if (header.length > mostHeader) {
    throw new ArgumentError({ thing: 'firings', found: `${header.length} bytes of names`, wanted: `at most ${mostHeader}` });
  }
  const padded = Math.ceil(header.length / 8) * 8;
  const first = new Uint8Array(16 + padded).fill(0x20);
  first.set(new TextEncoder().encode(magic));
  new DataView(first.buffer).setUint32(8, version, true);
  new DataView(first.buffer).setUint32(12, padded, true);
  first.set(header, 16);
  let sum = crc32(first);
  yield first;
  const piece = 1 << 20;
  for (const [, data] of columns) {
    const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
    for (let at = 0; at < bytes.length; at += piece) {
      const part = bytes.subarray(at, at + piece);
      sum = crc32(part, sum);
      yield part;
    }
    const rest = -bytes.length & 7;
    if (rest > 0) {
      const zeros = new Uint8Array(rest);
      sum = crc32(zeros, sum);
      yield zeros;
    }
  }
  const last = new Uint8Array(8);
  new DataView(last.buffer).setUint32(0, sum, true);
  yield last;
}

/** Options of {@link readFirings}. */
export interface ReadFiringsOptions {
  /** Most bytes that the columns may take. Default 2^32 (4 GiB). A file that promises more is refused before memory is taken. */
  readonly maxBytes?: number | undefined;
  /** Stops reading; the promise rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
  /** Phase `read`, in bytes. */
  readonly onProgress?: ((progress: LearnProgress) => void) | undefined;
}

/** Hands out the bytes of a stream in the sizes that are asked for, and sums them up. */
class ByteReader {
  sum = 0;
  taken = 0;
  readonly #chunks: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);
  readonly #name: string;
  constructor(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, name: string) {
    this.#chunks = Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
    this.#name = name;
  }

  /** Fills `into` whole. Throws where the stream ends before. */
  async take(into: Uint8Array, what: string): Promise<void> {
    for (let at = 0; at < into.length;) {
      if (this.#chunk.length === 0) {
        const next = await this.#chunks.next();
        if (next.done) throw broken(this.#name, `the end of the file in ${what}, after ${this.taken + at} bytes`);
        this.#chunk = next.value;
        continue;
      }
      const part = this.#chunk.subarray(0, into.length - at);
      into.set(part, at);
      at += part.length;
      this.#chunk = this.#chunk.subarray(part.length);
    }
    this.taken += into.length;
  }

  async ended(): Promise<boolean> {
    while (this.#chunk.length === 0) {
      const next = await this.#chunks.next();
      if (next.done) return true;
      this.#chunk = next.value;
    }
    return false;
  }

  async close(): Promise<void> {
    await this.#chunks.return?.(undefined);
  }
}

function broken(name: string, found: string, cause?: unknown): LearnError {
  return new LearnError('invalid-firings', {
    thing: name,
    found,
    wanted: 'a whole file of firings, as labelweave firings writes it',
    cause,
  });
}

/**
 * Reads a file of firings: bytes, Blob, stream, URL or path; gzip is recognised. Everything in it is checked: sizes against each other, labels against
 * the label spaces, numbers, and the checksum.
 *
 * @throws LearnError `invalid-firings`, LoadError, or `signal.reason`.
 */
export async function readFirings(source: FileSource, options: ReadFiringsOptions = {}): Promise<Firings> {
  const { maxBytes = 2 ** 32, signal, onProgress } = options;
  const opened = await openSource(source, 'firings', {
    signal,
    onBytes: onProgress && ((done, total) => onProgress({ phase: 'read', done, total })),
    broken: (parts) => new LearnError('invalid-firings', parts),
  });
  const { name } = opened;
  const reader = new ByteReader(opened.chunks, name);
  try {
    const start = new Uint8Array(16);
    await reader.take(start, 'its first bytes');
    reader.sum = crc32(start);
    if (new TextDecoder('latin1').decode(start.subarray(0, 8)) !== magic) {
      throw broken(name, `a file that does not start with ${magic}`);
    }
    const view = new DataView(start.buffer);
    if (view.getUint32(8, true) !== version) {
      throw broken(name, `version ${view.getUint32(8, true)}, and only version ${version} is known here`);
    }
    const length = view.getUint32(12, true);
    if (length > mostHeader || length % 8 !== 0) throw broken(name, `a header of ${length} bytes`);
    const text = new Uint8Array(length);
    await reader.take(text, 'the header');
    reader.sum = crc32(text, reader.sum);
    const header = readHeader(name, text);
    const bytes = header.columns.reduce((sum, one) => sum + one.length * types[one.type].BYTES_PER_ELEMENT, 0);
    if (bytes > maxBytes) throw broken(name, `columns of ${bytes} bytes, which is more than maxBytes (${maxBytes})`);
    if (opened.size > 0 && bytes > opened.size) {
      throw broken(name, `columns of ${bytes} bytes in a file of ${opened.size}`);
    }
    const data: Partial<Record<ColumnName, Data>> = {};
    for (const column of header.columns) {
      const values = allocate(name, column.type, column.length);
      const raw = new Uint8Array(values.buffer, 0, values.byteLength);
      // In pieces, so that a stop is noticed.
      for (let at = 0; at < raw.length; at += 1 << 22) {
        signal?.throwIfAborted();
        const part = raw.subarray(at, at + (1 << 22));
        await reader.take(part, `column ${column.name}`);
        reader.sum = crc32(part, reader.sum);
      }
      const rest = new Uint8Array(-values.byteLength & 7);
      await reader.take(rest, `column ${column.name}`);
      reader.sum = crc32(rest, reader.sum);
      data[column.name] = values;
    }
    const last = new Uint8Array(8);
    await reader.take(last, 'the checksum');
    if (new DataView(last.buffer).getUint32(0, true) !== reader.sum) {
      throw broken(name, 'a checksum that does not fit: the file is damaged');
    }
    if (!(await reader.ended())) throw broken(name, 'more bytes behind the checksum');
    return assemble(name, header, data);
  } finally {
    await reader.close();
  }
}

interface Header {
  readonly spaces: ReturnType<typeof labelSpaceFromJSON>[];
  readonly names: readonly string[] | undefined;
  readonly columns: readonly { readonly name: ColumnName; readonly type: TypeName; readonly length: number }[];
}

function readHeader(name: string, bytes: Uint8Array): Header {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw broken(name, 'a header that is not JSON', cause);
  }
  const { spaces, names, columns } = (json ?? {}) as Record<string, unknown>;
  if (!Array.isArray(spaces) || spaces.length === 0) throw broken(name, 'a header without label spaces');
  if (!Array.isArray(columns)) throw broken(name, 'a header without columns');
  if (names !== undefined && !(Array.isArray(names) && names.every((one) => typeof one === 'string'))) {
    throw broken(name, 'names of images that are not texts');
  }
  const seen = columns.map((column: unknown) => {
    const { name: own, type, length } = (column ?? {}) as Record<string, unknown>;
    if (typeof own !== 'string' || !Object.hasOwn(columnTypes, own) || type !== columnTypes[own as ColumnName]) {
      throw broken(name, `a column ${JSON.stringify(own)} of type ${JSON.stringify(type)}, which is not known`);
    }
    if (typeof length !== 'number' || !Number.isInteger(length) || length < 0 || length > 2 ** 32) {
      throw broken(name, `a column ${own} of length ${JSON.stringify(length)}`);
    }
    return { name: own as ColumnName, type: columnTypes[own as ColumnName] as TypeName, length };
  });
  const order = Object.keys(columnTypes).filter((own) => seen.some((one) => one.name === own));
  if (seen.map((one) => one.name).join() !== order.join()) throw broken(name, 'columns in another order, or twice');
  const missing = Object.keys(columnTypes).filter((own) => !optional.has(own) && !order.includes(own));
  if (missing.length > 0) throw broken(name, `no column ${missing.join(', ')}`);
  try {
    return { spaces: spaces.map((space) => labelSpaceFromJSON(space)), names: names as string[] | undefined, columns: seen };
  } catch (cause) {
    throw broken(name, `a label space that breaks its laws (${(cause as Error).message})`, cause);
  }
}

function allocate(name: string, type: TypeName, length: number): Data {
  try {
    return new types[type](length);
  } catch (cause) {
    throw broken(name, `a column of ${length} numbers, which does not fit into memory`, cause);
  }
}

/** Checks all that the code behind relies on. */
function assemble(name: string, header: Header, data: Partial<Record<ColumnName, Data>>): Firings {
  const nodes = numberLabels(header.spaces);
  const get = <T extends Data>(column: ColumnName): T => data[column] as T;
  const N = get('imageDatasets').length;
  const check = (ok: boolean, found: string): void => {
    if (!ok) throw broken(name, found);
  };
  const lengthIs = (column: ColumnName, wanted: number): void => {
    const found = get(column).length;
    check(found === wanted, `${found} values in column ${column} where ${wanted} belong`);
  };
  /** Starts rise from 0 to the number of rows. */
  const starts = (column: ColumnName, groups: number, rows: number): void => {
    lengthIs(column, groups + 1);
    const values = get<Uint32Array>(column);
    check(values[0] === 0 && values[groups] === rows, `column ${column} that does not run from 0 to ${rows}`);
    for (let i = 0; i < groups; i++) check(values[i]! <= values[i + 1]!, `column ${column} that falls at row ${i + 1}`);
  };
  const P = get('boxes').length / 4;
  const E = get('scores').length;
  const G = get('truthLabels').length;
  lengthIs('imageIds', N);
  lengthIs('imageSizes', 2 * N);
  check(Number.isInteger(P), 'boxes that are not four numbers each');
  starts('boxStarts', N, P);
  starts('scoreStarts', P, E);
  lengthIs('scoreLabels', E);
  starts('truthStarts', N, G);
  lengthIs('truthBoxes', 4 * G);
  lengthIs('truthFlags', G);
  if (data.proposals) lengthIs('proposals', P);
  if (header.names) check(header.names.length === N, `${header.names.length} names for ${N} images`);
  const maskColumns = (['boxMaskStarts', 'boxMaskRuns', 'truthMaskStarts', 'truthMaskRuns'] as const).filter((one) => data[one]);
  check(maskColumns.length === 0 || maskColumns.length === 4, 'only some of the columns of masks');
  const D = nodes.spaces.length;
  const datasets = get<Uint16Array>('imageDatasets');
  const seen = nodes.spaces.map(() => new Set<number>());
  const ids = get<Float64Array>('imageIds');
  for (let i = 0; i < N; i++) {
    const d = datasets[i]!;
    check(d < D, `image ${i} of data set ${d} where there are ${D}`);
    check(
      Number.isFinite(ids[i]) && !seen[d]!.has(ids[i]!),
      `image ${i} with the id ${ids[i]}, which is no number or not its own`,
    );
    seen[d]!.add(ids[i]!);
  }
  for (const column of ['boxes', 'truthBoxes'] as const) {
    const values = get<Float32Array>(column);
    for (let i = 0; i < values.length; i++) {
      if (!Number.isFinite(values[i])) throw broken(name, `${values[i]} in column ${column}, row ${Math.floor(i / 4)}`);
    }
  }
  const scores = get<Float32Array>('scores');
  const labels = get<Uint32Array>('scoreLabels');
  for (let e = 0; e < E; e++) {
    if (!(scores[e]! >= 0 && scores[e]! <= 1)) throw broken(name, `score ${scores[e]} in row ${e}`);
    if (labels[e]! >= nodes.count) throw broken(name, `label ${labels[e]} in row ${e} where there are ${nodes.count}`);
  }
  const truthStarts = get<Uint32Array>('truthStarts');
  const truthLabels = get<Uint32Array>('truthLabels');
  for (let i = 0; i < N; i++) {
    for (let g = truthStarts[i]!; g < truthStarts[i + 1]!; g++) {
      const c = truthLabels[g]!;
      if (!(c < nodes.count && nodes.datasetOf[c] === datasets[i])) {
        throw broken(name, `label ${c} of ground truth ${g}, which is none of the data set of its image`);
      }
    }
  }
  let masks: Firings['masks'];
  if (maskColumns.length > 0) {
    starts('boxMaskStarts', P, get('boxMaskRuns').length);
    starts('truthMaskStarts', G, get('truthMaskRuns').length);
    const runs = (kind: 'box' | 'truth'): MaskRuns => ({ starts: get(`${kind}MaskStarts`), counts: get(`${kind}MaskRuns`) });
    masks = { boxes: runs('box'), truths: runs('truth') };
    checkRunSums(name, masks.boxes, get('boxStarts'), get('imageSizes'));
    checkRunSums(name, masks.truths, truthStarts, get('imageSizes'));
  }
  return {
    ...nodes,
    imageDatasets: datasets,
    imageIds: ids,
    imageNames: header.names,
    imageSizes: get('imageSizes'),
    boxStarts: get('boxStarts'),
    boxes: get('boxes'),
    proposals: data.proposals as Uint32Array | undefined,
    scoreStarts: get('scoreStarts'),
    scoreLabels: labels,
    scores,
    truthStarts,
    truthBoxes: get('truthBoxes'),
    truthLabels,
    truthFlags: get('truthFlags'),
    masks,
  };
}

function checkRunSums(name: string, { starts, counts }: MaskRuns, rows: Uint32Array, sizes: Uint32Array): void {
  for (let i = 0; i + 1 < rows.length; i++) {
    const pixels = sizes[2 * i]! * sizes[2 * i + 1]!;
    for (let m = rows[i]!; m < rows[i + 1]!; m++) {
      let sum = 0;
      for (let r = starts[m]!; r < starts[m + 1]!; r++) sum += counts[r]!;
      if (sum !== pixels) throw broken(name, `a mask of ${sum} pixels in an image of ${pixels}`);
    }
  }
}
