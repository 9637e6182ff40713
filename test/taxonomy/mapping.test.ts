// The law of a mapping and its two readings, by columns and by rows.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LabelSpaceError } from '../../sdk/errors.js';
import { checkMapping, isIdentity, mappingOf, membersOf, targetOfSource, targetsOf } from '../../sdk/taxonomy/mapping.js';

/** Any lawful mapping: each of K sources goes to one of U targets or to none. */
const assignments = fc.integer({ min: 1, max: 6 }).chain((targets) => fc.array(fc.integer({ min: -1, max: targets - 1 }), { maxLength: 12 }).map((to) => ({ targets, to }))); // prettier-ignore

const groupsOf = ({ targets, to }: { targets: number; to: readonly number[] }): number[][] =>
  Array.from({ length: targets }, (_, u) => to.flatMap((target, k) => (target === u ? [k] : [])));

describe('mappingOf', () => {
  it('columns and rows say the same', () => {
    fc.assert(
      fc.property(assignments, (given) => {
        const mapping = mappingOf(groupsOf(given), given.to.length);
        expect(targetsOf(mapping)).toBe(given.targets);
        expect([...targetOfSource(mapping)]).toEqual(given.to);
        expect(groupsOf(given)).toEqual(Array.from({ length: given.targets }, (_, u) => [...membersOf(mapping, u)]));
      }),
    );
  });

  it('is the identity only where every label stands for itself', () => {
    fc.assert(
      fc.property(assignments, (given) => {
        const identity = given.targets === given.to.length && given.to.every((target, k) => target === k);
        expect(isIdentity(mappingOf(groupsOf(given), given.to.length))).toBe(identity);
      }),
    );
    expect(isIdentity(mappingOf([[0], [1], [2]], 3))).toBe(true);
    expect(isIdentity(mappingOf([[0], [2], [1]], 3))).toBe(false);
    expect(isIdentity(mappingOf([[0], [1]], 3))).toBe(false);
  });
});

describe('checkMapping refuses', () => {
  const int = (...values: number[]): Int32Array => Int32Array.from(values);
  it.each([
    ['a source in two targets', { sources: 2, offsets: int(0, 1, 2), members: int(1, 1) }],
    ['a source twice in one target', { sources: 2, offsets: int(0, 2), members: int(1, 1) }],
    ['a source that is not there', { sources: 2, offsets: int(0, 1), members: int(2) }],
    ['a negative source', { sources: 2, offsets: int(0, 1), members: int(-1) }],
    ['falling offsets', { sources: 2, offsets: int(0, 2, 1, 2), members: int(0, 1) }],
    ['offsets that do not start at 0', { sources: 2, offsets: int(1, 2), members: int(0, 1) }],
    ['offsets that stop early', { sources: 2, offsets: int(0, 1), members: int(0, 1) }],
    ['no offsets', { sources: 2, offsets: int(), members: int() }],
    ['plain arrays', { sources: 2, offsets: [0, 1], members: [0] }],
    ['no number of sources', { sources: Number.NaN, offsets: int(0), members: int() }],
  ])('%s', (_, mapping) => expect(() => checkMapping(mapping as never)).toThrow(LabelSpaceError));
});
