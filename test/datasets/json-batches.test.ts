// Reading long lists in batches: everything comes out as JSON.parse gives it, wherever the stream is cut; broken files name list, row and byte.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBatches } from '../../sdk/datasets/json-batches.js';
import { DatasetError, LoadError } from '../../sdk/errors.js';

const utf8 = (text: string) => new TextEncoder().encode(text);

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Everything of a file, as an object. */
async function whole(
  source: Parameters<typeof readBatches>[0],
  lists: readonly string[] = ['a', 'b'],
  others = true,
): Promise<Record<string, unknown>> {
  const result: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for await (const part of readBatches(source, 'x.json', { lists, others: () => others })) {
    if ('list' in part) {
      const list = (result[part.list] ??= []) as unknown[];
      expect(part.row).toBe(list.length);
      list.push(...part.values);
    } else result[part.key] = part.value;
  }
  return result;
}

describe('readBatches', () => {
  it('reads lists and other values, in any order, with any white space', async () => {
    const text = ' {\n"info" : {"x":"}]\\""} , "a":[ 1 , "t\\\\", {"b":[{}]} ,null\t], "n": 1.5e3 ,"b":[],"t":true,"s":"]"}\r\n';
    expect({ ...(await whole(utf8(text))) }).toEqual(JSON.parse(text));
    expect({ ...(await whole(utf8(`\uFEFF${text}`))) }).toEqual(JSON.parse(text));
    expect({ ...(await whole(utf8(text), ['b'], false)) }).toEqual({ b: [] });
    expect({ ...(await whole(utf8('{}'))) }).toEqual({});
  });

  it('passes over values of any length and form', async () => {
    const text = '{"x":[[["]",{"}":"\\"]"}]],1],"y":12,"z":"a]}","a":[1],"w":null}';
    expect({ ...(await whole(utf8(text), ['a'], false)) }).toEqual({ a: [1] });
    expect({ ...(await whole(utf8(`{"x":"${'y'.repeat(3_000_000)}","a":[1]}`), ['a'])) }).toEqual({ a: [1] });
  });

  it('any object, cut anywhere, comes out as JSON.parse gives it', async () => {
    const object = fc.dictionary(fc.constantFrom('a', 'b', 'c', '"', '\\', '😀'), fc.jsonValue());
    const lists = fc.record({ a: fc.array(fc.jsonValue()), b: fc.array(fc.jsonValue()) });
    await fc.assert(
      fc.asyncProperty(
        object,
        lists,
        fc.integer({ min: 1, max: 40 }),
        fc.constantFrom(0, 1, 2),
        async (other, own, size, indent) => {
          const text = JSON.stringify({ ...other, ...own }, null, indent);
          expect({ ...(await whole(pieces(utf8(text), size))) }).toEqual(JSON.parse(text));
        },
      ),
    );
  });

  it('lists and elements that are larger than the window', async () => {
    const big = { text: 'x'.repeat(5_000_000), list: Array.from({ length: 1000 }, (_, i) => i) };
    const a = [1, big, ...Array.from({ length: 200_000 }, (_, i) => ({ id: i, name: `label ${i}` })), 'end'];
    const batches: number[] = [];
    const found: unknown[] = [];
    for await (const part of readBatches(utf8(JSON.stringify({ a, b: [] })), 'x', { lists: ['a'] })) {
      if (!('list' in part)) continue;
      batches.push(part.values.length);
      found.push(...part.values);
    }
    expect(found).toEqual(a);
    expect(batches.length).toBeGreaterThan(1);
  });

  // Each row: text, what the message says.
  it.each<[string, RegExp]>([
    ['', /x\.json \(byte 0\): found an empty file/],
    ['[1]', /found "\[1\]" at the start/],
    ['{"a":[1,2', /a\[2\].*ends too early|ends too early/],
    ['{"a":[1,2]', /ends too early/],
    ['{"a":[{"x":1},{"x":}]}', /x\.json, a\[1\] \(byte 14\): found "\{\\"x\\":\}\]\}" as an element, which is not JSON/],
    ['{"a":[1,NaN]}', /a\[1\] \(byte 8\): found "NaN\]\}" as an element/],
    ['{"a":[1 2]}', /behind an element/],
    ['{"a":[1,]}', /where a value belongs/],
    ['{"a":[,1]}', /where a value belongs/],
    ['{"a":[1}]}', /behind an element/],
    ['{"a":{}}', /as "a", which is no list/],
    ['{"a" [1]}', /behind the key "a"/],
    ['{a:1}', /where a key belongs/],
    ['{"c":1,}', /where a key belongs/],
    ['{"c":tru}', /as "c", which is not JSON/],
    ['{"c":1 "d":2}', /behind the value of "c"/],
    ['{"a":[1],"a":[2]}', /the key "a" a second time/],
    ['{}x', /found "x" behind the end/],
    ['{"a":[{"x":1]]}', /as an element, which is not JSON/],
    ['{"a":["\\q"]}', /as an element, which is not JSON/],
  ])('refuses %j', async (text, message) => {
    await expect(whole(utf8(text))).rejects.toThrow(message);
    await expect(whole(utf8(text))).rejects.toBeInstanceOf(DatasetError);
  });

  it('bytes that are no UTF-8, cut gzip, no file, an abort', async () => {
    await expect(whole(Uint8Array.of(...utf8('{"a":["'), 0xff, ...utf8('"]}')))).rejects.toBeInstanceOf(DatasetError);
    await expect(whole(Uint8Array.of(0x1f, 0x8b, 8, 0))).rejects.toBeInstanceOf(DatasetError);
    await expect(whole('/no/such/file.json')).rejects.toBeInstanceOf(LoadError);
    const stop = new AbortController();
    stop.abort(new Error('enough'));
    await expect(readBatches(utf8('{}'), 'x', { lists: [], signal: stop.signal }).next()).rejects.toThrow('enough');
  });

  it('any text, and JSON with a byte changed: only errors of ours', async () => {
    const sample = '{"info":{"a":1},"a":[{"id":1,"t":"x"},[2],3],"b":[],"c":null}';
    const text = fc.oneof(
      fc.string({ unit: fc.constantFrom('{', '}', '[', ']', ',', ':', '"', '\\', 'a', 'b', '1', ' ') }),
      fc
        .tuple(fc.nat(sample.length - 1), fc.string({ minLength: 0, maxLength: 1 }))
        .map(([at, c]) => sample.slice(0, at) + c + sample.slice(at + 1)),
    );
    await fc.assert(
      fc.asyncProperty(text, fc.integer({ min: 1, max: 9 }), fc.boolean(), async (input, size, others) => {
        let found: unknown;
        try {
          found = await whole(pieces(utf8(input), size), ['a', 'b'], others);
        } catch (error) {
          if (!(error instanceof DatasetError)) throw error;
          return;
        }
        // What is passed over is not looked at; the rest must be what JSON.parse gives.
        if (others) expect({ ...(found as object) }).toEqual(JSON.parse(input));
      }),
      { numRuns: 1000 },
    );
  });
});
