// Firings: what the builder takes and refuses, and the binary file: whole round trips, and nothing but a named error for broken ones.
import fc from 'fast-check';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { LearnError } from '../../sdk/errors.js';
import { rleFromBox } from '../../sdk/evaluate/rle.js';
import { crc32 } from '../../sdk/learn/firings/crc32.js';
import { readFirings, writeFirings } from '../../sdk/learn/firings/file.js';
import { FiringsBuilder, type Firings, type ImageFirings } from '../../sdk/learn/firings/firings.js';
import { labelSpace } from '../../sdk/taxonomy/label-space.js';
import { arbitraryImages, build } from './arbitrary.js';

const spaces = [labelSpace('voc', [{ id: 7, name: 'sofa', synonyms: ['couch'] }]), labelSpace('coco', ['couch', 'tv'])];
const image: ImageFirings = {
  dataset: 'coco',
  id: 5,
  name: 'five.jpg',
  width: 20,
  height: 10,
  truths: { boxes: [0, 0, 10, 10], labels: [1], crowd: [true] },
  boxes: [0, 0, 10, 10, 5, 5, 20, 10],
  scores: [0.5, 0, 0.25, 0, 0, 1],
};

function bytesOf(firings: Firings): Uint8Array<ArrayBuffer> {
  const parts = [...writeFirings(firings)].map((part) => part.slice());
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function plain({ spaces: own, ...columns }: Firings): unknown {
  return { ...columns, spaces: own.map((space) => space.toJSON()) };
}

describe('FiringsBuilder', () => {
  it('keeps dense and sparse scores the same way, as nodes, without those that are 0', () => {
    const dense = new FiringsBuilder(spaces);
    dense.addImage(image);
    const sparse = new FiringsBuilder(spaces);
    const { scores: _, ...rest } = image;
    sparse.addImage({ ...rest, entries: { boxes: [1, 0, 0], labels: [2, 0, 2], scores: [1, 0.5, 0.25] } });
    expect(plain(dense.finish())).toEqual(plain(sparse.finish()));
    const found = dense.finish();
    expect([...found.scoreLabels]).toEqual([0, 2, 2]);
    expect([...found.scores]).toEqual([0.5, 0.25, 1]);
    expect([...found.scoreStarts]).toEqual([0, 2, 3]);
    expect([...found.truthLabels]).toEqual([2]);
    expect([...found.truthFlags]).toEqual([1]);
    expect(found.imageNames).toEqual(['five.jpg']);
  });

  it('leaves out scores under minScore', () => {
    const builder = new FiringsBuilder(spaces, { minScore: 0.5 });
    builder.addImage(image);
    expect([...builder.finish().scores]).toEqual([0.5, 1]);
  });

  it.each<[string, ImageFirings, RegExp]>([
    ['a head of another size', { ...image, scores: [0.5, 0.5] }, /1 a box; wanted 3 a box: 1 of voc \+ 2 of coco/],
    ['a NaN score', { ...image, scores: [0.5, Number.NaN, 0.25, 0, 0, 1] }, /NaN/],
    ['a logit', { ...image, scores: [0.5, -3, 0.25, 0, 0, 1] }, /sigmoid/],
    ['a broken box', { ...image, boxes: [0, 0, 10, 10, 5, 5, Number.NaN, 10] }, /boxes\[1\]/],
    ['half a box', { ...image, boxes: [0, 0, 10] }, /four numbers a box/],
    ['a label of no data set', { ...image, truths: { boxes: [0, 0, 1, 1], labels: [2] } }, /label 2; wanted 0 to 1/],
    ['an unknown data set', { ...image, dataset: 'lvis' }, /one of voc, coco/],
    ['no scores at all', { ...image, scores: undefined }, /neither scores nor entries/],
    ['an entry of no box', { ...image, scores: undefined, entries: { boxes: [2], labels: [0], scores: [1] } }, /box 2/],
    ['an entry of no node', { ...image, scores: undefined, entries: { boxes: [0], labels: [3], scores: [1] } }, /label 3/],
    [
      'a mask of another size',
      { ...image, masks: [rleFromBox([0, 0, 1, 1], 9, 9)], truths: { ...image.truths, masks: [] } },
      /masks/,
    ],
  ])('refuses %s and keeps nothing of the image', (_, bad, message) => {
    const builder = new FiringsBuilder(spaces);
    expect(() => builder.addImage(bad)).toThrow(LearnError);
    expect(() => builder.addImage(bad)).toThrow(message);
    expect(builder.finish().imageIds.length).toBe(0);
    builder.addImage(image);
    expect(builder.finish().scores.length).toBe(3);
  });

  it('refuses a data set listed twice, an image twice, and more than maxBytes', () => {
    expect(() => new FiringsBuilder([spaces[0]!, labelSpace('voc', ['x'])])).toThrow(/"voc" a second time/);
    const builder = new FiringsBuilder(spaces);
    builder.addImage(image);
    expect(() => builder.addImage(image)).toThrow(/it a second time/);
    const small = new FiringsBuilder(spaces, { maxBytes: 30_000 });
    expect(() => {
      for (let id = 0; id < 10_000; id++) small.addImage({ ...image, id });
    }).toThrow(/maxBytes/);
  });
});

describe('file of firings', () => {
  it('gives back what was written, also gzipped and in small pieces', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryImages(), fc.integer({ min: 1, max: 50 }), async (list, step) => {
        const firings = build(list);
        const bytes = bytesOf(firings);
        expect(bytes.length % 8).toBe(0);
        async function* pieces() {
          for (let at = 0; at < bytes.length; at += step) yield bytes.slice(at, at + step);
        }
        expect(plain(await readFirings(pieces()))).toEqual(plain(firings));
        expect(plain(await readFirings(new Uint8Array(gzipSync(bytes))))).toEqual(plain(firings));
      }),
      { numRuns: 40 },
    );
  });

  it('keeps masks, proposals, names and label spaces with all they know', async () => {
    const builder = new FiringsBuilder(spaces);
    const mask = rleFromBox([2, 2, 5, 5], 10, 20);
    builder.addImage({ ...image, proposals: [3, 3], masks: [mask, mask], truths: { ...image.truths, masks: [mask] } });
    const firings = builder.finish();
    expect(plain(await readFirings(bytesOf(firings)))).toEqual(plain(firings));
  });

  it('is the same every time', () => {
    const builder = new FiringsBuilder(spaces);
    builder.addImage(image);
    expect(bytesOf(builder.finish())).toEqual(bytesOf(builder.finish()));
  });

  it('refuses every file that is cut, and every file with a flipped bit', async () => {
    const builder = new FiringsBuilder(spaces);
    builder.addImage(image);
    const bytes = bytesOf(builder.finish());
    for (let length = 0; length < bytes.length; length += 3) {
      await expect(readFirings(bytes.slice(0, length)), `${length} bytes`).rejects.toThrow(LearnError);
    }
    await expect(readFirings(Uint8Array.of(...bytes, 0))).rejects.toThrow(/more bytes/);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 5), fc.nat(7), async (at, bit) => {
        const flipped = bytes.slice();
        flipped[at]! ^= 1 << bit;
        await expect(readFirings(flipped)).rejects.toThrow(LearnError);
      }),
      { numRuns: 300 },
    );
  });

  it('refuses broken content behind a right checksum', async () => {
    const builder = new FiringsBuilder(spaces);
    builder.addImage(image);
    const bytes = bytesOf(builder.finish());
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 16, max: bytes.length - 9 }), fc.nat(255), async (at, value) => {
        const changed = bytes.slice();
        changed[at] = value;
        new DataView(changed.buffer).setUint32(changed.length - 8, crc32(changed.subarray(0, changed.length - 8)), true);
        // Either still lawful (another coordinate, say) or a named error.
        const result = await readFirings(changed).catch((error: unknown) => error);
        if (result instanceof Error) expect(result).toBeInstanceOf(LearnError);
        else expect(new FiringsBuilder((result as Firings).spaces).nodes.count).toBeGreaterThan(0);
      }),
      { numRuns: 600 },
    );
  });

  it('refuses arbitrary bytes, other versions, and columns that promise more than maxBytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (noise) => {
        await expect(readFirings(Uint8Array.from(noise))).rejects.toThrow(LearnError);
      }),
    );
    const bytes = bytesOf(new FiringsBuilder(spaces).finish());
    const newer = bytes.slice();
    newer[8] = 2;
    await expect(readFirings(newer)).rejects.toThrow(/version 2/);
    await expect(readFirings(bytes, { maxBytes: 10 })).rejects.toThrow(/maxBytes/);
  });

  it('stops when it is told to', async () => {
    await expect(readFirings(new Uint8Array(8), { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });
});

describe('crc32', () => {
  it('gives the check value of the standard, in one piece or several', () => {
    const bytes = new TextEncoder().encode('123456789');
    expect(crc32(bytes)).toBe(0xcbf43926);
    expect(crc32(bytes.subarray(4), crc32(bytes.subarray(0, 4)))).toBe(0xcbf43926);
    const long = Uint8Array.from({ length: 1000 }, (_, i) => (i * 37) % 256);
    expect(crc32(long.subarray(13), crc32(long.subarray(0, 13)))).toBe(crc32(long));
  });
});
