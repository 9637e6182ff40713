// Reading COCO files as byte streams: numbers to the last bit, any cut of the stream, every kind of source, and what is broken.
import { gzipSync } from 'node:zlib';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readDetections, readGroundTruth } from '../../sdk/evaluate/index.js';

const row = (score: string, more = '') => `{"image_id":1,"category_id":2,"bbox":[1,2,3,4],"score":${score}${more}}`;
const utf8 = (text: string) => new TextEncoder().encode(text);

/** The bytes in pieces that end at the given places. */
async function* pieces(bytes: Uint8Array, ends: readonly number[]) {
  let at = 0;
  for (const end of [...ends].sort((a, b) => a - b)) {
    if (end <= at || end >= bytes.length) continue;
    yield bytes.slice(at, end);
    at = end;
  }
  yield bytes.slice(at);
}

/** Texts of numbers that are hard to round: many digits, near halves, powers of ten around the tables. */
const numberText = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.double({ min: 0, max: 1, noNaN: true }).map(String),
  fc.double({ min: 0, max: 5000, noNaN: true }).map((v) => Math.fround(v).toString()),
  fc.tuple(fc.bigInt({ min: 0n, max: 10n ** 22n }), fc.integer({ min: -340, max: 320 })).map(([m, e]) => `${m}e${e}`),
  fc
    .tuple(fc.bigInt({ min: 0n, max: 2n ** 64n }), fc.integer({ min: -70, max: 70 }))
    .map(([m, e]) => `${m}E${e < 0 ? e : `+${e}`}`),
  fc.tuple(fc.nat(100000), fc.bigInt({ min: 0n, max: 10n ** 25n })).map(([a, b]) => `${a}.${b}`),
  fc
    .tuple(fc.nat(9), fc.integer({ min: 1, max: 30 }), fc.bigInt({ min: 0n, max: 10n ** 19n }))
    .map(([a, zeros, b]) => `-${a}.${'0'.repeat(zeros)}${b}`),
  // Exactly between two doubles, and just beside.
  fc
    .tuple(fc.bigInt({ min: 2n ** 52n, max: 2n ** 53n - 1n }), fc.integer({ min: 0, max: 9 }), fc.constantFrom(-1n, 0n, 1n))
    .map(([m, shift, step]) => String((((m << 1n) + 1n) << BigInt(shift)) + step)),
  fc.constantFrom(
    '0',
    '-0',
    '0.0',
    '-0.0e5',
    '5e-324',
    '2.2250738585072011e-308',
    '1.7976931348623157e308',
    '1e400',
    '-1e400',
    '9007199254740993',
    '9007199254740992.5',
    '1e23',
    '8.5e22',
    '0.1',
    '0.30000000000000004',
    '123456789012345678901234567890',
  ),
);

describe('numbers', () => {
  test('are those of JSON.parse, bit by bit', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(numberText, { minLength: 50, maxLength: 400 }), async (texts) => {
        const { scores } = await readDetections(`[${texts.map((text) => row(text)).join(',')}]`);
        const wrong = texts.findIndex((text, i) => !Object.is(scores[i], JSON.parse(text)));
        expect(wrong, wrong < 0 ? '' : `${texts[wrong]}: ${scores[wrong]}`).toBe(-1);
      }),
      { numRuns: 40 },
    );
  });

  test('NaN and infinities of Python are read', async () => {
    const { scores } = await readDetections(`[${['NaN', 'Infinity', '-Infinity'].map((text) => row(text)).join()}]`);
    expect([...scores]).toEqual([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
  });

  test.each(['01', '1.', '.5', '+1', '1e', '1e+', '-', '0x10', 'nan', '1_000', "'1'"])('%s is refused', async (text) => {
    await expect(readDetections(`[${row(text)}]`)).rejects.toMatchObject({ code: 'invalid-predictions', row: 0 });
  });
});

describe('any JSON', () => {
  test('records are those of JSON.parse, wherever the stream is cut and whatever stands beside them', async () => {
    const record = fc.record({
      image_id: fc.integer(),
      category_id: fc.integer({ min: 0, max: 90 }),
      score: fc.double({ noNaN: true, noDefaultInfinity: true }),
      bbox: fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 4, maxLength: 4 }),
      extra: fc.json(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { maxLength: 12 }),
        fc.array(fc.nat(4000)),
        fc.constantFrom(0, 2),
        fc.boolean(),
        async (records, cuts, indent, lines) => {
          const parsed = records.map(({ extra, ...rest }) => ({
            'ké"y\\': JSON.parse(extra) as unknown,
            ...rest,
            segmentation: null,
          }));
          const text = lines ? parsed.map((value) => JSON.stringify(value)).join('\n') : JSON.stringify(parsed, null, indent);
          if (lines && parsed.length === 0) return;
          const rows = await readDetections(pieces(utf8(text), cuts));
          expect(rows.count).toBe(records.length);
          records.forEach(({ image_id, category_id, score, bbox }, i) => {
            expect([rows.imageIds[i], rows.categoryIds[i], rows.scores[i]]).toEqual([
              image_id,
              category_id,
              JSON.parse(JSON.stringify(score)),
            ]);
            expect([...rows.boxes.subarray(4 * i, 4 * i + 4)]).toEqual(JSON.parse(JSON.stringify(bbox)));
          });
        },
      ),
      { numRuns: 100, interruptAfterTimeLimit: 60_000, markInterruptAsFailure: true },
    );
  });

  test('every cut of a dataset gives the same columns', async () => {
    const text = `\ufeff {"info": {"x": "]}\\"{"}, "licenses": null, "count": 12 , "images": [{"id": 7, "height": 20, "width": 10, "file_name": "a\\u0062c",
      "neg_category_ids": [3, 5 ], "not_exhaustive\\u005fcategory_ids": []}],
      "annotations": [ {"id": 1, "image_id": 7, "category_id": 3, "bbox": [1.5, 2, 3, 4], "area": 12.25, "iscrowd": 1,
      "segmentation": {"size": [20, 10], "counts": [10, 20, 170]}}, {"\\u0069d": 2, "image_id": 7, "category_id": 3, "bbox": [], "area": null,
      "iscrowd": false, "ignore": true, "segmentation": [[1, 2, 3, 4, 5, 6.5], [0, 0, 1, 1, 2, 2]]}], "categories": [{"id": 3, "name": "caf\u00e9 {\\"}"}] } `;
    const whole = await readGroundTruth(text);
    expect(whole.images.count).toBe(1);
    expect(whole.categories).toEqual([{ id: 3, name: 'caf\u00e9 {"}' }]);
    expect([...whole.annotations.ids]).toEqual([1, 2]);
    expect([...whole.annotations.crowd, ...whole.annotations.ignore]).toEqual([1, 0, 0, 1]);
    expect(whole.annotations.masks!.areas[0]).toBe(20);
    const lists = [{ lookedFor: Float64Array.of(3, 5), notExhaustive: new Float64Array(0) }];
    expect(whole.images.lists).toEqual(lists);
    const bytes = utf8(text);
    for (let cut = 1; cut < bytes.length; cut += 3) {
      const cutOnce = await readGroundTruth(pieces(bytes, [cut, cut + 1]));
      expect(cutOnce.categories).toEqual(whole.categories);
      expect(cutOnce.images.lists).toEqual(lists);
      const { masks, ...columns } = cutOnce.annotations;
      expect(columns.boxes).toEqual(whole.annotations.boxes);
      expect([...columns.present]).toEqual([...whole.annotations.present]);
      expect([...masks!.lengths]).toEqual([...whole.annotations.masks!.lengths]);
    }
  });

  test('records larger than the window of the reader, and more rows than a batch', async () => {
    const long = row('0.5', `,"note":"${'x'.repeat(3_000_000)}"`);
    const many = Array.from({ length: 20_000 }, (_, i) => row(String(i))).join();
    const rows = await readDetections(`[${long},${many},${long}]`);
    expect(rows.count).toBe(20_002);
    expect([rows.scores[0], rows.scores[1], rows.scores[20_000], rows.scores[20_001]]).toEqual([0.5, 0, 19_999, 0.5]);
  });

  test('a key that comes twice: the last one counts, as in JSON.parse', async () => {
    const rows = await readDetections(
      '[{"image_id":1,"score":0.1,"score":0.2,"bbox":[1,2,3,4],"bbox":[5,6,7,8],"category_id":1}]',
    );
    expect([rows.scores[0], ...rows.boxes]).toEqual([0.2, 5, 6, 7, 8]);
  });
});

describe('sources', () => {
  const text = `[${row('0.25')},${row('0.75')}]`;
  const bytes = utf8(text);
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'labelweave-input-'));
    writeFileSync(join(folder, 'results.json'), text);
    writeFileSync(join(folder, 'results.json.gz'), gzipSync(text));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const sources: readonly [string, () => Parameters<typeof readDetections>[0]][] = [
    ['text', () => text],
    ['text with spaces before', () => `\n  ${text}`],
    ['bytes', () => bytes],
    ['a part of a buffer', () => utf8(`xx${text}yy`).subarray(2, 2 + bytes.length)],
    ['ArrayBuffer', () => bytes.slice().buffer],
    ['Blob', () => new Blob([bytes])],
    ['ReadableStream', () => new Blob([bytes]).stream()],
    ['async iterable', () => pieces(bytes, [1, 5, 40])],
    ['path', () => join(folder, 'results.json')],
    ['file URL', () => new URL(`file://${join(folder, 'results.json')}`)],
    ['data URL', () => `data:application/json;base64,${Buffer.from(text).toString('base64')}`],
    ['blob URL', () => URL.createObjectURL(new Blob([bytes]))],
    ['gzip bytes', () => gzipSync(text)],
    ['gzip path', () => join(folder, 'results.json.gz')],
    ['gzip Blob', () => new Blob([gzipSync(text)])],
    ['lines', () => `${row('0.25')}\n${row('0.75')}\n`],
    ['lines with \\r', () => `${row('0.25')}\r\n\r\n${row('0.75')}`],
  ];
  test.each(sources)('%s', async (_, source) => {
    const rows = await readDetections(source());
    expect([...rows.scores]).toEqual([0.25, 0.75]);
  });

  test('an abort in the middle closes the stream', async () => {
    const abort = new AbortController();
    let closed = false;
    async function* endless() {
      try {
        yield utf8('[');
        for (let i = 0; ; i++) {
          if (i === 20) abort.abort(new Error('enough'));
          yield utf8(`${row('0.5')},`);
        }
      } finally {
        closed = true;
      }
    }
    await expect(readDetections(endless(), { signal: abort.signal })).rejects.toThrow('enough');
    expect(closed).toBe(true);
  });

  test('progress ends with all bytes', async () => {
    const seen: number[][] = [];
    await readDetections(join(folder, 'results.json'), { onProgress: ({ done, total }) => seen.push([done, total]) });
    expect(seen.at(-1)).toEqual([bytes.length, bytes.length]);
  });

  const broken: readonly [string, () => Parameters<typeof readDetections>[0], object][] = [
    ['no such file', () => '/no/such/file', { code: 'missing-file' }],
    ['a folder', () => tmpdir(), { code: 'missing-file' }],
    ['a number', () => 7 as never, { code: 'invalid-argument' }],
    [
      'a stream of text',
      () => new ReadableStream({ start: (c) => (c.enqueue('[]'), c.close()) }) as never,
      { code: 'invalid-argument' },
    ],
    ['cut gzip', () => gzipSync(text).subarray(0, 40), { code: 'invalid-predictions', reason: 'invalid-json' }],
    ['a bare number', () => utf8('12'), { code: 'invalid-predictions', reason: 'wrong-type' }],
    ['something behind the list', () => `${text} x`, { reason: 'invalid-json' }],
    ['a missing comma', () => `[${row('1')} ${row('2')}]`, { reason: 'invalid-json', row: 1 }],
    ['a comma too many', () => `[${row('1')},]`, { row: 1 }],
    ['a list inside', () => `[${row('1')},[]]`, { reason: 'wrong-type', row: 1 }],
    ['an open text', () => `[{"image_id":1,"x":"`, { reason: 'invalid-json', row: 0 }],
    ['nesting without end', () => `[{"x":${'['.repeat(300_000)}`, { reason: 'invalid-json' }],
  ];
  test.each(broken)('%s is refused', async (_, source, error) => {
    await expect(readDetections(source())).rejects.toMatchObject(error);
  });

  test('a broken record is named by its list and its place there', async () => {
    const dataset = '{"images":[{"id":1},{"id":2}],"annotations":[{"id":"x"}],"categories":[]}';
    await expect(readGroundTruth(utf8(dataset))).rejects.toMatchObject({ reason: 'wrong-type', row: 0 });
    await expect(readGroundTruth(utf8(dataset))).rejects.toThrow(/annotations row 0/);
  });

  test('truncation at any place is refused, never half a result', async () => {
    for (let end = 0; end < bytes.length; end++) {
      await expect(readDetections(bytes.subarray(0, end))).rejects.toMatchObject({ code: 'invalid-predictions' });
    }
  });

  test('random damage: the rows of JSON.parse, or an error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 127 }), async (at, byte) => {
        const damaged = bytes.slice();
        damaged[at] = byte;
        let wanted: unknown;
        try {
          wanted = JSON.parse(new TextDecoder().decode(damaged));
        } catch {
          wanted = undefined;
        }
        const rows = await readDetections(damaged).catch((error: { code: string }) => {
          expect(error.code).toBe('invalid-predictions');
          return undefined;
        });
        if (!rows || !Array.isArray(wanted)) return;
        expect(rows.count).toBe(wanted.length);
        (wanted as { score?: unknown }[]).forEach(({ score }, i) => {
          if (typeof score === 'number') expect(rows.scores[i]).toBe(score);
        });
      }),
      { numRuns: 400 },
    );
  });
});
