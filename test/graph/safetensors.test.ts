// safetensors: a file by hand, round trips of every type, and every rule of the format broken once.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LabelweaveError } from '../../sdk/errors.js';
import { readSafetensors, writeSafetensors, type Tensor } from '../../sdk/graph/safetensors.js';
import { Constant } from '../../sdk/ir/graph.js';

/** A file from its header and data; `length` overrides the length field. */
function file(
  header: string,
  data: ArrayLike<number> = [],
  length = BigInt(new TextEncoder().encode(header).length),
): Uint8Array<ArrayBuffer> {
  const head = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + head.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, length, true);
  bytes.set(head, 8);
  bytes.set(Array.from(data), 8 + head.length);
  return bytes;
}
const entry = (dtype: string, shape: number[], begin: number, end: number): object => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});
const header = (entries: Record<string, unknown>): string => JSON.stringify(entries);

describe('readSafetensors', () => {
  it('reads a file written by hand, with metadata and spaces behind the header', () => {
    const text = `${header({ __metadata__: { made: 'by hand' }, b: entry('U8', [2], 4, 6), a: entry('F32', [], 0, 4) })}   `;
    const tensors = readSafetensors(file(text, [0, 0, 0x20, 0xc0, 7, 255]), 'w');
    expect([...tensors.keys()].sort()).toEqual(['a', 'b']);
    expect(tensors.get('a')).toMatchObject({ shape: [], constant: { dtype: 'float32', stored: Float32Array.of(-2.5) } });
    expect([...tensors.get('b')!.constant.stored]).toEqual([7, 255]);
  });

  it('reads tensors at odd offsets and inside a larger buffer', () => {
    const inner = file(header({ a: entry('F32', [1], 0, 4) }), [0, 0, 128, 63]);
    const outer = new Uint8Array(inner.length + 3);
    outer.set(inner, 3);
    expect([...readSafetensors(outer.subarray(3), 'w').get('a')!.constant.stored]).toEqual([1]);
  });

  const good = entry('F32', [2], 0, 8);
  it.each<[string, RegExp, Uint8Array<ArrayBuffer>]>([
    ['nothing', /0 bytes/, new Uint8Array(0)],
    ['seven bytes', /7 bytes/, new Uint8Array(7)],
    ['a header of a terabyte', /header length.*no safetensors/, file('{}', [], 2n ** 40n)],
    ['a header over 100 MB', /header length/, file('{}', [], 100_000_001n)],
    ['a header longer than the file', /truncated/, file('{}', [], 3n)],
    ['another magic', /begins with \{/, file('[]')],
    ['no JSON', /header.*no JSON/, file('{"a":')],
    ['a list of shapes', /header, a\.shape/, file(header({ a: { dtype: 'F32', shape: 'x', data_offsets: [0, 0] } }))],
    ['a negative offset', /data_offsets/, file(header({ a: entry('F32', [0], -4, 0) }))],
    ['a field too many', /a\.extra/, file(header({ a: { ...good, extra: 1 } }), new Uint8Array(8))],
    ['an unknown type', /tensor "a".*"F64"/, file(header({ a: entry('F64', [1], 0, 8) }), new Uint8Array(8))],
    [
      'offsets that do not fit the shape',
      /tensor "a".*8 bytes for F32 \[2\]/,
      file(header({ a: entry('F32', [2], 0, 4) }), new Uint8Array(4)),
    ],
    ['offsets backwards', /tensor "a"/, file(header({ a: entry('F32', [2], 8, 0) }), new Uint8Array(8))],
    ['data that ends early', /tensor "a".*truncated/, file(header({ a: good }), new Uint8Array(7))],
    ['data beyond the end of memory', /tensor "a"/, file(header({ a: entry('U8', [2 ** 45], 0, 2 ** 45) }))],
    [
      'overlapping tensors',
      /tensor "b".*inside another/,
      file(header({ a: good, b: entry('F32', [2], 4, 12) }), new Uint8Array(12)),
    ],
    ['a hole', /tensor "b".*hole of 4 bytes/, file(header({ a: good, b: entry('F32', [2], 12, 20) }), new Uint8Array(20))],
    ['bytes left over', /9 bytes of data.*8/, file(header({ a: good }), new Uint8Array(9))],
  ])('refuses %s', (_, message, bytes) => {
    const run = () => readSafetensors(bytes, 'w.safetensors');
    expect(run).toThrow(expect.objectContaining({ code: 'invalid-weights' }));
    expect(run).toThrow(/w\.safetensors/);
    expect(run).toThrow(message);
  });

  it('throws only errors of ours for any bytes, cut or flipped files', () => {
    const whole = writeSafetensors(new Map([['a', { shape: [3], constant: new Constant('float16', Uint16Array.of(1, 2, 3)) }]]));
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.nat(whole.length).map((n) => whole.slice(0, n)),
      fc
        .tuple(fc.nat(whole.length - 1), fc.nat(7))
        .map(([at, bit]) => whole.map((byte, i) => (i === at ? byte ^ (1 << bit) : byte))),
      fc.json().map((text) => file(text, [1, 2, 3, 4])),
    );
    fc.assert(
      fc.property(bytes, (data) => {
        try {
          readSafetensors(new Uint8Array(data), 'w');
        } catch (error) {
          expect(error).toBeInstanceOf(LabelweaveError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('writeSafetensors', () => {
  const tensors = new Map<string, Tensor>([
    ['bytes', { shape: [3], constant: new Constant('uint8', Uint8Array.of(1, 2, 3)) }],
    ['10', { shape: [2], constant: new Constant('int32', Int32Array.of(-1, 7)) }],
    ['halves', { shape: [1, 3], constant: new Constant('float16', Uint16Array.of(0x3c00, 0x7bff, 1)) }],
    ['empty', { shape: [0], constant: new Constant('float32', new Float32Array(0)) }],
    ['2', { shape: [], constant: new Constant('float32', Float32Array.of(Math.fround(0.1))) }],
    ['flag', { shape: [1], constant: new Constant('bool', Uint8Array.of(1)) }],
    ['name "with" \u2028 signs', { shape: [1], constant: new Constant('float32', Float32Array.of(5)) }],
  ]);

  it('gives back what it wrote, in every type', () => {
    const back = readSafetensors(writeSafetensors(tensors, { format: 'labelweave' }), 'w');
    expect([...back.keys()].sort()).toEqual([...tensors.keys()].sort());
    for (const [name, { shape, constant }] of tensors) {
      expect(back.get(name)).toMatchObject({ shape, constant: { dtype: constant.dtype } });
      expect([...back.get(name)!.constant.stored]).toEqual([...constant.stored]);
    }
  });

  it('writes the same bytes whatever the order of the map', () => {
    expect(writeSafetensors(new Map([...tensors].reverse()))).toEqual(writeSafetensors(tensors));
  });

  it('aligns the data and every tensor, so that reading copies nothing', () => {
    const bytes = writeSafetensors(tensors);
    const start = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(start % 8).toBe(0);
    for (const { constant } of readSafetensors(bytes, 'w').values()) expect(constant.stored.buffer).toBe(bytes.buffer);
  });

  it('refuses the reserved name', () => {
    expect(() => writeSafetensors(new Map([['__metadata__', tensors.get('flag')!]]))).toThrow(/__metadata__/);
  });
});
