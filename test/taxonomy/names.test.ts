// Comparing spellings: normalised keys, plurals, edit distance.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { closeNames, editDistance, normaliseName, singularKeys } from '../../sdk/taxonomy/names.js';

describe('normaliseName', () => {
  it.each([
    ['Dining Table', 'diningtable', 'case and space'],
    ['dining_table', 'diningtable', 'underscore'],
    ['hair-drier', 'hairdrier', 'hyphen'],
    ['cutting/chopping board', 'cuttingchoppingboard', 'slash'],
    ['ＴＶ', 'tv', 'full width'],
    ['cafe\u0301', 'caf\u00e9', 'a combined accent'],
    ['--', '', 'nothing but separators'],
  ])('%s -> %s (%s)', (name, key) => expect(normaliseName(name)).toBe(key));
});

describe('singularKeys', () => {
  it.each([
    ['horses', 'horse', true],
    ['buses', 'bus', true],
    ['berries', 'berry', true],
    ['knives', 'knife', true],
    ['wolves', 'wolf', true],
    ['skis', 'ski', true],
    ['capes', 'cap', false],
    ['glass', 'glas', false],
    ['bus', 'bus', false],
  ])('%s may be the plural of %s: %s', (plural, singular, wanted) =>
    expect(singularKeys(plural).includes(singular)).toBe(wanted),
  );
});

describe('editDistance', () => {
  it.each([
    ['', '', 0, 'both empty'],
    ['', 'abc', 3, 'three insertions'],
    ['kitten', 'sitting', 3, 'the textbook pair'],
    ['ab', 'ba', 1, 'a swap is one edit'],
    ['ca', 'abc', 3, 'optimal string alignment: no part is edited twice'],
  ])('%s, %s: %i (%s)', (a, b, distance) => expect(editDistance(a, b)).toBe(distance));

  const short = fc.string({ maxLength: 8, unit: fc.constantFrom('a', 'b', 'c') });
  it('is symmetric, 0 only for equals, and at most the longer length', () => {
    fc.assert(
      fc.property(short, short, (a, b) => {
        const distance = editDistance(a, b);
        expect(distance).toBe(editDistance(b, a));
        expect(distance === 0).toBe(a === b);
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
  it('with a limit gives the distance or limit + 1', () => {
    fc.assert(
      fc.property(
        short,
        short,
        fc.nat(8),
        (a, b, limit) => editDistance(a, b, limit) === Math.min(editDistance(a, b), limit + 1),
      ),
    );
  });
});

it('closeNames gives the best first and no more than asked', () => {
  expect(closeNames('cars', ['cart', 'truck', 'car', 'bar', 'scars'], 2)).toEqual(['car', 'cart']);
  expect(closeNames('', ['a'])).toEqual([]);
});
