// .npy files: every element type and order by hand, broken files, any bytes.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LabelweaveError } from '../../sdk/errors.js';
import { readNpy } from '../../sdk/tensor/npy.js';

/** An .npy file from its header and data. */
function file(header: string, data: readonly number[] | Uint8Array, version = 1): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(`${header}\n`);
  const size = version === 1 ? 2 : 4;
  const bytes = new Uint8Array(8 + size + text.length + data.length);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]);
  const view = new DataView(bytes.buffer);
  if (version === 1) view.setUint16(8, text.length, true);
  else view.setUint32(8, text.length, true);
  bytes.set(text, 8 + size);
  bytes.set(data, 8 + size + text.length);
  return bytes;
}
const head = (descr: string, shape: string, fortran = 'False') =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`;
const bytesOf = (array: { buffer: ArrayBufferLike }) => new Uint8Array(array.buffer);

describe('readNpy', () => {
  // Each row: element type, bytes, values.
  it.each<[string, readonly number[] | Uint8Array, readonly number[]]>([
    ['<f2', [0x00, 0x3c, 0x00, 0xc0], [1, -2]],
    ['<f4', bytesOf(Float32Array.of(0.5, -1.25)), [0.5, -1.25]],
    ['>f4', [0x3f, 0x80, 0, 0, 0xc0, 0x20, 0, 0], [1, -2.5]],
    ['<f8', bytesOf(Float64Array.of(Math.PI, 1e300)), [Math.PI, 1e300]],
    ['|u1', [7, 255], [7, 255]],
    ['|i1', [7, 255], [7, -1]],
    ['<i2', [1, 0, 0xff, 0xff], [1, -1]],
    ['<i4', bytesOf(Int32Array.of(2 ** 31 - 1, -5)), [2 ** 31 - 1, -5]],
    ['<i8', bytesOf(BigInt64Array.of(3n, -4n)), [3, -4]],
    ['<u8', bytesOf(BigUint64Array.of(3n, 4n)), [3, 4]],
  ])('%s', (descr, data, values) => {
    const read = readNpy(file(head(descr, '(2,)'), data), 'a.npy');
    expect(read.shape).toEqual([2]);
    expect([...read.data]).toEqual(values);
  });

  it('versions 2 and 3, a scalar, an empty array, double quotes', () => {
    expect(readNpy(file(head('<f4', '()'), bytesOf(Float32Array.of(3)), 2), 'a').data).toEqual(Float32Array.of(3));
    expect(readNpy(file(head('<f4', '(0, 4)'), [], 3), 'a')).toEqual({ shape: [0, 4], data: new Float32Array(0) });
    const header = '{"descr": "|u1", "fortran_order": false, "shape": (1,)}'.replace('false', 'False');
    expect([...readNpy(file(header, [9]), 'a').data]).toEqual([9]);
  });

  it('column-major becomes row-major', () => {
    // [[1, 2, 3], [4, 5, 6]] by columns.
    expect([...readNpy(file(head('|u1', '(2, 3)', 'True'), [1, 4, 2, 5, 3, 6]), 'a').data]).toEqual([1, 2, 3, 4, 5, 6]);
    // Element (i, j, k) of shape [2, 2, 2] is 4 i + 2 j + k.
    expect([...readNpy(file(head('|u1', '(2, 2, 2)', 'True'), [0, 4, 2, 6, 1, 5, 3, 7]), 'a').data]).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7,
    ]);
  });

  it.each<[string, RegExp, Uint8Array]>([
    ['nothing', /no \.npy file/, new Uint8Array(0)],
    ['another file', /no \.npy file/, new TextEncoder().encode('{"a": 1}     ')],
    ['version 9', /version 9/, file('{}', [], 9)],
    ['a header that is cut', /truncated/, file(head('<f4', '(1,)'), [0, 0, 0, 0]).subarray(0, 20)],
    ['data that is cut', /3 bytes of data; wanted 4/, file(head('<f4', '(1,)'), [0, 0, 0])],
    ['data that is too long', /5 bytes of data; wanted 4/, file(head('<f4', '(1,)'), [0, 0, 0, 0, 0])],
    ['texts', /element type u3|header/, file(head('<U3', '(1,)'), new Uint8Array(12))],
    ['objects', /header/, file(head('|O', '(1,)'), [0])],
    ['complex numbers', /element type c8/, file(head('<c8', '(1,)'), new Uint8Array(8))],
    ['a record array', /header/, file("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,)}", [0, 0, 0, 0])],
    ['a shape beyond all memory', /bytes of data; wanted/, file(head('<f8', '(99999999999, 99999999999)'), [])],
  ])('refuses %s', (_, message, bytes) => {
    expect(() => readNpy(bytes, 'a.npy')).toThrow(expect.objectContaining({ code: 'invalid-weights' }));
    expect(() => readNpy(bytes, 'a.npy')).toThrow(message);
  });

  it('any bytes, cut and flipped files: only errors of ours', () => {
    const whole = file(head('<f2', '(2, 3)', 'True'), new Uint8Array(12));
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.nat(whole.length).map((n) => whole.slice(0, n)),
      fc
        .tuple(fc.nat(whole.length - 1), fc.nat(7))
        .map(([at, bit]) => whole.map((byte, i) => (i === at ? byte ^ (1 << bit) : byte))),
      fc.string().map((header) => file(header, [1, 2, 3, 4])),
    );
    fc.assert(
      fc.property(bytes, (data) => {
        try {
          readNpy(data, 'a.npy');
        } catch (error) {
          expect(error).toBeInstanceOf(LabelweaveError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
