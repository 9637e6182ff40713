// Label maps of the command line: grey values and palette positions are classes, colours are none.
import zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { labelPixels } from '../../sdk/cli/label-pixels.js';

function chunk(name: string, body: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(body.length, 0);
  head.write(name, 4, 'latin1');
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(zlib.crc32(Buffer.concat([head.subarray(4), body])));
  return Buffer.concat([head, body, sum]);
}

/** A PNG of one row. */
function png(colour: number, depth: number, row: number[], width: number, palette?: number[]): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(1, 4);
  header.set([depth, colour, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    ...(palette ? [chunk('PLTE', Uint8Array.from(palette))] : []),
    chunk('IDAT', zlib.deflateSync(Uint8Array.from([0, ...row]))),
    chunk('IEND', new Uint8Array(0)),
  ]);
}

const colours = [0, 0, 0, 128, 0, 0, 0, 128, 0];

describe('label maps', () => {
  it.each([
    ['grey, 8 bits', png(0, 8, [0, 7, 255], 3), [0, 7, 255]],
    ['grey, 4 bits', png(0, 4, [0x0f, 0x30], 3), [0, 15, 3]],
    ['palette, 8 bits', png(3, 8, [2, 0, 1], 3, colours), [2, 0, 1]],
  ])('%s', async (_, bytes, wanted) => {
    const { pixels, width, height } = await labelPixels(bytes, 'a.png');
    expect([...pixels]).toEqual(wanted);
    expect([width, height]).toEqual([3, 1]);
  });

  it.each([
    ['colours', png(2, 8, [1, 2, 3], 1)],
    ['16 bits', png(0, 16, [0, 7], 1)],
    ['two numbers have the same colour', png(3, 8, [1], 1, [0, 0, 0, 9, 9, 9, 9, 9, 9])],
    ['no PNG', Uint8Array.of(1, 2, 3)],
  ])('refuses %s', async (found, bytes) => {
    await expect(labelPixels(bytes, 'a.png')).rejects.toThrow(found);
  });
});
