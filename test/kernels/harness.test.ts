// The comparison that all operator tests rest on: it passes what it should and fails what it should.
import { describe, expect, it } from 'vitest';
import { expectClose } from './harness.js';

const tolerance = { absolute: 0.5, relative: 0.1 };

describe('expectClose', () => {
  it.each([
    ['equal', [1, -0], [1, 0]],
    ['just inside', [11.4], [10]],
    ['NaN with NaN', [Number.NaN], [Number.NaN]],
    ['equal infinities', [-Infinity], [-Infinity]],
  ])('passes %s', (_, found, wanted) => {
    expectClose(found, wanted, tolerance);
  });
  it.each([
    ['just outside', [11.6], [10]],
    ['NaN for a number', [1, Number.NaN], [1, 2]],
    ['a number for NaN', [2], [Number.NaN]],
    ['another infinity', [Infinity], [-Infinity]],
    ['a number for infinity', [1e30], [Infinity]],
    ['another length', [1, 2], [1]],
  ])('fails %s', (_, found, wanted) => {
    expect(() => expectClose(found, wanted, tolerance)).toThrow();
  });
});
