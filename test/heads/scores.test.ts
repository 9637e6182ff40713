// Thresholds between probabilities and logits.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { thresholdFor } from '../../sdk/heads/tail.js';
import { ceilToFloat32, logit, sigmoid } from '../../sdk/heads/scores.js';

/** sigmoid(logit(p)) in double precision: a few roundings, of which the logit's is magnified by at most |x| (37 for the smallest 1 - p). */
const DOUBLE_ROUNDINGS = 40 * 2 ** -52;

const anyFloat = fc.float({ noNaN: true, noDefaultInfinity: true });

describe('logit', () => {
  it.each([[0, Number.NEGATIVE_INFINITY], [1, Number.POSITIVE_INFINITY], [0.5, 0]])('of %d is %d', (p, x) => expect(logit(p)).toBe(x)); // prettier-ignore
  it('is the inverse of sigmoid', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-300, max: 1 - 2 ** -53, noNaN: true }), (p) => {
        expect(Math.abs(sigmoid(logit(p)) - p)).toBeLessThanOrEqual(
          DOUBLE_ROUNDINGS * Math.max(p, 1e-3) + DOUBLE_ROUNDINGS * p * Math.abs(Math.log(p)),
        );
      }),
    );
  });
  it('sigmoid ends at 0 and 1', () => {
    expect(sigmoid(Number.NEGATIVE_INFINITY)).toBe(0);
    expect(sigmoid(Number.POSITIVE_INFINITY)).toBe(1);
    expect(sigmoid(-1000)).toBe(0);
  });
});

describe('ceilToFloat32', () => {
  it.each<[number, number, string]>([
    [0.5, 0.5, 'a float32 stays'],
    [0.1, Math.fround(0.1), 'rounded upwards by itself'],
    [0.3, Math.fround(0.3), 'rounded upwards by itself'],
    [0.7, Math.fround(0.7) + 2 ** -24, 'rounded downwards: the next one'],
    [-0.1, -Math.fround(0.1) + 2 ** -27, 'negative: towards 0'],
    [1e-60, 2 ** -149, 'the smallest positive one'],
    [-1e-60, -0, 'negative and tiny'],
    [0, 0, 'zero'],
    [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, 'minus infinity'],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 'plus infinity'],
    [-1e300, -(2 - 2 ** -23) * 2 ** 127, 'below all float32: the smallest finite one'],
    [1e300, Number.POSITIVE_INFINITY, 'above all float32'],
  ])('of %d is %d (%s)', (x, wanted) => expect(ceilToFloat32(x)).toBe(wanted));

  it('compares with every float32 as the double does', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), anyFloat, (x, v) => {
        expect(v >= ceilToFloat32(x)).toBe(v >= x);
      }),
    );
    fc.assert(
      fc.property(anyFloat, fc.integer({ min: -2, max: 2 }), (v, steps) => {
        const x = v + steps * Math.abs(v) * 2 ** -40;
        expect(v >= ceilToFloat32(x)).toBe(v >= x);
      }),
    );
  });
});

describe('thresholdFor', () => {
  it.each([
    [0, 'logit', Number.NEGATIVE_INFINITY],
    [1, 'logit', Number.POSITIVE_INFINITY],
    [0.5, 'logit', 0],
    [0, 'probability', 0],
    [1, 'probability', 1],
  ] as const)('%d as %s is %d', (score, from, wanted) => expect(thresholdFor(score, from)).toBe(wanted));
});
