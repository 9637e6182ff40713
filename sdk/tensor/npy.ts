// NumPy's .npy files (numpy.lib.format, versions 1 to 3): one array of numbers, read strictly and widened to float32 or float64.
import { describe, ModelError } from '../errors.js';
import { halfToFloat } from './half.js';
import { formatShape, type Shape, sizeOf } from './shape.js';

/** An array of an .npy file: row-major, whatever the order in the file. */
export interface NpyArray {
  readonly shape: Shape;
  readonly data: Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;
}

interface Kind {
  readonly bytes: number;
  readonly read: (view: DataView, at: number, little: boolean) => number;
}

/** Element types by their letter and size. 64-bit integers are read as the nearest double. */
const kinds: Readonly<Record<string, Kind>> = {
  f2: { bytes: 2, read: (view, at, little) => halfToFloat(view.getUint16(at, little)) },
  f4: { bytes: 4, read: (view, at, little) => view.getFloat32(at, little) },
  f8: { bytes: 8, read: (view, at, little) => view.getFloat64(at, little) },
  i1: { bytes: 1, read: (view, at) => view.getInt8(at) },
  u1: { bytes: 1, read: (view, at) => view.getUint8(at) },
  i2: { bytes: 2, read: (view, at, little) => view.getInt16(at, little) },
  u2: { bytes: 2, read: (view, at, little) => view.getUint16(at, little) },
  i4: { bytes: 4, read: (view, at, little) => view.getInt32(at, little) },
  u4: { bytes: 4, read: (view, at, little) => view.getUint32(at, little) },
  i8: { bytes: 8, read: (view, at, little) => Number(view.getBigInt64(at, little)) },
  u8: { bytes: 8, read: (view, at, little) => Number(view.getBigUint64(at, little)) },
};

/**
 * Reads an .npy file. float16, float32 and 8- or 16-bit integers give a Float32Array, wider types a Float64Array.
 * Throws {@link ModelError} `invalid-weights`: no .npy file, truncated, too long, or an element type that is no number.
 */
export function readNpy(bytes: Uint8Array, file: string): NpyArray {
  const fail = (found: string, wanted: string): never => {
    throw new ModelError('invalid-weights', { thing: `file ${JSON.stringify(file)}`, found, wanted });
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
  if (bytes.length < 10 || magic.some((byte, i) => bytes[i] !== byte)) fail('no .npy file', 'a file that begins with \\x93NUMPY');
  const version = bytes[6]!;
  if (version < 1 || version > 3) fail(`version ${version}`, 'version 1, 2 or 3');
  const lengthBytes = version === 1 ? 2 : 4;
  if (bytes.length < 8 + lengthBytes) fail(`${bytes.length} bytes`, 'a whole header: the file is truncated');
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const start = 8 + lengthBytes + length;
  if (start > bytes.length) fail(`${bytes.length} bytes`, `a header of ${length} bytes: the file is truncated`);
  const header = new TextDecoder(version === 3 ? 'utf-8' : 'latin1').decode(bytes.subarray(8 + lengthBytes, start));
  const descr = /['"]descr['"]\s*:\s*['"]([<>|=]?)([a-z]\d+)['"]/u.exec(header);
  const order = /['"]fortran_order['"]\s*:\s*(True|False)\b/u.exec(header)?.[1];
  const shapeText = /['"]shape['"]\s*:\s*\(([^()]*)\)/u.exec(header)?.[1];
  if (!descr || order === undefined || shapeText === undefined || !/^\s*(\d+\s*(,\s*\d+\s*)*,?)?\s*$/u.test(shapeText)) {
    return fail(`the header ${describe(header.trim())}`, 'descr, fortran_order and shape of one array of numbers');
  }
  const kind = Object.hasOwn(kinds, descr[2]!)
    ? kinds[descr[2]!]!
    : fail(`element type ${descr[2]}`, Object.keys(kinds).join(', '));
  const shape = (shapeText.match(/\d+/gu) ?? []).map(Number);
  const size = sizeOf(shape);
  if (start + size * kind.bytes !== bytes.length)
    fail(`${bytes.length - start} bytes of data`, `${size * kind.bytes} for ${descr[2]} ${formatShape(shape)}`);
  const little = descr[1] !== '>';
  const wide = kind.bytes > 4 || descr[2] === 'i4' || descr[2] === 'u4';
  const data = wide ? new Float64Array(size) : new Float32Array(size);
  if (order === 'False') {
    for (let i = 0, at = start; i < size; i++, at += kind.bytes) data[i] = kind.read(view, at, little);
    return { shape, data };
  }
  // Column-major: the first index runs fastest in the file. Walk it and keep the row-major place.
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const index = shape.map(() => 0);
  for (let i = 0, at = start; i < size; i++, at += kind.bytes) {
    let place = 0;
    for (let axis = 0; axis < shape.length; axis++) place += index[axis]! * strides[axis]!;
    data[place] = kind.read(view, at, little);
    for (let axis = 0; axis < shape.length; axis++) {
      if (++index[axis]! < shape[axis]!) break;
      index[axis] = 0;
    }
  }
  return { shape, data };
}
