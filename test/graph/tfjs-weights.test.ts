// Weights of TF.js models: groups, shards, every stored type, and every way in which files can be wrong.
import { describe, expect, it } from 'vitest';
import { ModelError } from '../../sdk/errors.js';
import type { TfjsWeightGroup } from '../../sdk/graph/tfjs/format.js';
import { readTfjsWeights } from '../../sdk/graph/tfjs/weights.js';

const bytes = (array: ArrayBufferView): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
const join = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));
const group = (paths: string[], ...weights: TfjsWeightGroup['weights']): TfjsWeightGroup => ({ paths, weights });
const read = (groups: TfjsWeightGroup[], files: Record<string, Uint8Array>) => readTfjsWeights(groups, (path) => files[path]);

describe('readTfjsWeights', () => {
  it('cuts tensors at any byte offset', () => {
    const data = join(Uint8Array.of(1), bytes(Float32Array.of(1.5, -2)), bytes(Int32Array.of(-7)));
    const weights = read(
      [
        group(
          ['a'],
          { name: 'flag', shape: [], dtype: 'bool' },
          { name: 'w', shape: [2], dtype: 'float32' },
          { name: 'i', shape: [1, 1], dtype: 'int32' },
        ),
      ],
      { a: data },
    );
    expect([...weights.get('flag')!.constant.stored]).toEqual([1]);
    expect([...weights.get('w')!.constant.stored]).toEqual([1.5, -2]);
    expect(weights.get('i')).toMatchObject({ shape: [1, 1], constant: { dtype: 'int32', stored: Int32Array.of(-7) } });
  });

  it('joins the shards of a group, also inside a number, and reads several groups', () => {
    const data = bytes(Float32Array.of(1, 2, 3));
    const weights = read(
      [group(['a', 'b'], { name: 'x', shape: [3], dtype: 'float32' }), group(['c'], { name: 'y', shape: [1], dtype: 'float32' })],
      { a: data.slice(0, 5), b: data.slice(5), c: bytes(Float32Array.of(9)) },
    );
    expect([...weights.get('x')!.constant.stored]).toEqual([1, 2, 3]);
    expect([...weights.get('y')!.constant.stored]).toEqual([9]);
  });

  it('keeps float16 as its bits', () => {
    const bits = Uint16Array.of(0x3c00, 0x3155, 0x8001);
    const { constant } = read([group(['a'], { name: 'h', shape: [3], dtype: 'float32', quantization: { dtype: 'float16' } })], {
      a: bytes(bits),
    }).get('h')!;
    expect(constant.dtype).toBe('float16');
    expect([...constant.stored]).toEqual([...bits]);
    expect([...constant.values]).toEqual([1, 0.1666259765625, -(2 ** -24)]);
  });

  it.each([
    ['uint8', Uint8Array.of(0, 1, 128, 255)],
    ['uint16', Uint16Array.of(0, 1, 32768, 65535)],
  ])('dequantises %s as code * scale + min in double precision, rounded once', (dtype, codes) => {
    const [scale, min] = [0.0123456789, -1.23456789];
    const { constant } = read([group(['a'], { name: 'q', shape: [4], dtype: 'float32', quantization: { dtype, scale, min } })], {
      a: bytes(codes),
    }).get('q')!;
    expect([...constant.stored]).toEqual(Array.from(codes, (code) => Math.fround(code * scale + min)));
  });

  it('rounds quantised int32', () => {
    const quantization = { dtype: 'uint8', scale: 0.5, min: -3 };
    const { constant } = read([group(['a'], { name: 'q', shape: [3], dtype: 'int32', quantization })], {
      a: Uint8Array.of(0, 1, 5),
    }).get('q')!;
    // Math.round takes halves up, as TF.js does.
    expect([...constant.stored]).toEqual([-3, -2, 0]);
  });

  it('steps over strings', () => {
    const text = join(bytes(Uint32Array.of(2)), Uint8Array.of(65, 66), bytes(Uint32Array.of(0)));
    const weights = read(
      [group(['a'], { name: 's', shape: [2], dtype: 'string' }, { name: 'x', shape: [1], dtype: 'float32' })],
      {
        a: join(text, bytes(Float32Array.of(4))),
      },
    );
    expect([...weights.keys()]).toEqual(['x']);
    expect([...weights.get('x')!.constant.stored]).toEqual([4]);
  });

  it('reads tensors without elements', () => {
    expect(
      read([group(['a'], { name: 'e', shape: [0, 3], dtype: 'float32' })], { a: new Uint8Array(0) }).get('e')!.constant.stored,
    ).toHaveLength(0);
  });

  const x = { name: 'x', shape: [2], dtype: 'float32' };
  it.each<[string, RegExp, TfjsWeightGroup, Record<string, Uint8Array>]>([
    ['a missing shard', /shard "b".*no such file/, group(['a', 'b'], x), { a: new Uint8Array(4) }],
    ['a short shard', /tensor "x".*7 bytes left in a.*8 bytes/, group(['a'], x), { a: new Uint8Array(7) }],
    ['an empty shard', /tensor "x".*0 bytes left/, group(['a'], x), { a: new Uint8Array(0) }],
    ['bytes left over', /weights a.*9 bytes.*8 bytes/, group(['a'], x), { a: new Uint8Array(9) }],
    ['an unknown type', /tensor "x".*"float99"/, group(['a'], { ...x, dtype: 'float99' }), { a: new Uint8Array(8) }],
    ['an unknown quantisation', /tensor "x"/, group(['a'], { ...x, quantization: { dtype: 'int32' } }), { a: new Uint8Array(8) }],
    [
      'quantisation without scale',
      /scale undefined/,
      group(['a'], { ...x, quantization: { dtype: 'uint8', min: 0 } }),
      { a: new Uint8Array(2) },
    ],
    [
      'float16 of int32',
      /float16 quantisation of int32/,
      group(['a'], { ...x, dtype: 'int32', quantization: { dtype: 'float16' } }),
      { a: new Uint8Array(4) },
    ],
    ['a name twice', /tensor "x".*second/, group(['a'], x, x), { a: new Uint8Array(16) }],
    [
      'a shape beyond all memory',
      /tensor "x".*at most/,
      group(['a'], { ...x, shape: [2 ** 20, 2 ** 20] }),
      { a: new Uint8Array(8) },
    ],
    [
      'a string longer than the file',
      /tensor "x"/,
      group(['a'], { ...x, dtype: 'string' }),
      { a: Uint8Array.of(255, 255, 255, 255, 0) },
    ],
  ])('refuses %s', (_, message, groups, files) => {
    const run = () => read([groups], files);
    expect(run).toThrow(ModelError);
    expect(run).toThrow(message);
    expect(run).toThrow(expect.objectContaining({ code: 'invalid-weights' }));
  });
});
