// Locations: what counts as a URL, and how names resolve beside a file.
import { describe, expect, test } from 'vitest';
import { isUrl, resolveLocation, showLocation } from '../../sdk/store/location.js';

test.each([
  ['https://a/b', true],
  ['data:,x', true],
  ['blob:null/1', true],
  ['file:///a', true],
  ['models/x.json', false],
  ['/models/x.json', false],
  ['C:\\models\\x.json', false],
  ['c:/models/x.json', false],
  ['', false],
])('isUrl(%j) is %s', (text, expected) => {
  expect(isUrl(text)).toBe(expected);
});

describe('resolveLocation', () => {
  test.each([
    ['https://a.b/m/labelweave.json?v=1', 'weights.bin', 'https://a.b/m/weights.bin'],
    ['https://a.b/m/', 'weights.bin', 'https://a.b/m/weights.bin'],
    ['https://a.b/m/x.json', '../w.bin', 'https://a.b/w.bin'],
    ['https://a.b/m/x.json', 'https://c.d/w.bin', 'https://c.d/w.bin'],
    ['file:///m/x.json', 'w.bin', 'file:///m/w.bin'],
    ['models/m/x.json', 'w.bin', 'models/m/w.bin'],
    ['models/m/', 'w.bin', 'models/m/w.bin'],
    ['x.json', 'w.bin', 'w.bin'],
    ['/m/x.json', './w.bin', '/m/w.bin'],
    ['/m/n/x.json', '../w.bin', '/m/w.bin'],
    ['../m/x.json', '../../w.bin', '../../w.bin'],
    ['/m/x.json', '/w.bin', '/w.bin'],
    ['/m/x.json', 'https://c.d/w.bin', 'https://c.d/w.bin'],
    ['C:\\m\\x.json', 'w.bin', 'C:/m/w.bin'],
    ['a b#c/x.json', 'w?.bin', 'a b#c/w?.bin'],
  ])('%s + %s', (base, relative, expected) => {
    expect(resolveLocation(base, relative)).toBe(expected);
    if (isUrl(base)) expect(resolveLocation(new URL(base), relative)).toBe(expected);
  });

  test.each(['data:application/json,{}', 'blob:abc'])('%s has no neighbours', (base) => {
    expect(() => resolveLocation(base, 'w.bin')).toThrow(expect.objectContaining({ code: 'invalid-argument' }) as Error);
  });
});

test('messages show no password and no endless data URL', () => {
  expect(showLocation('https://user:secret@a.b/c?d')).toBe('"https://a.b/c?d"');
  expect(showLocation(`data:,${'x'.repeat(5000)}`).length).toBeLessThan(180);
});
