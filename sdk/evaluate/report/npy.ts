// Writes NumPy's .npy files (numpy.lib.format, version 1): one array of doubles, little-endian, C order. Reading is sdk/tensor/npy.ts.
import { ArgumentError } from '../../errors.js';

/**
 * The bytes of an .npy file that numpy.load reads as float64, C order.
 * @param data row-major, as many numbers as `shape` says
 * @throws ArgumentError where it is another number
 */
export function writeNpy(data: ArrayLike<number>, shape: readonly number[]): Uint8Array<ArrayBuffer> {
  const size = shape.reduce((product, length) => product * length, 1);
  if (data.length !== size) {
    throw new ArgumentError({ thing: 'npy array', found: `${data.length} numbers`, wanted: `${size} for [${shape.join(', ')}]` });
  }
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const text = `{'descr': '<f8', 'fortran_order': False, 'shape': ${tuple}, }`;
  // Magic, version and length are 10 bytes; the data starts at a multiple of 64.
  const start = Math.ceil((10 + text.length + 1) / 64) * 64;
  const bytes = new Uint8Array(start + size * 8);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
  const view = new DataView(bytes.buffer);
  view.setUint16(8, start - 10, true);
  bytes.set(new TextEncoder().encode(`${text.padEnd(start - 11)}\n`), 10);
  for (let i = 0; i < size; i++) view.setFloat64(start + 8 * i, data[i]!, true);
  return bytes;
}
