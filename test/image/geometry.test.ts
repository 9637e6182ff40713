// Fit and the way back: written-out cases and round trips.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fitTarget, toSourceBox, toSourceBoxes, type Fit } from '../../sdk/image/geometry.js';

/** Relative to the image size: a few roundings of binary64. */
const doubleTolerance = 1e-9;
/** Relative to the image size: a few roundings of binary32, which the arrays hold. */
const floatTolerance = 1e-6;

describe('fitTarget', () => {
  test.each([
    ['stretch ignores the aspect', 'stretch', [100, 50], [512, 512], [0, 0, 512, 512]],
    ['letterbox, wide: padding above and below', 'letterbox', [100, 50], [512, 512], [0, 128, 512, 256]],
    ['letterbox, tall: padding left and right', 'letterbox', [50, 100], [512, 512], [128, 0, 256, 512]],
    ['letterbox, same aspect: all of it', 'letterbox', [1024, 768], [512, 384], [0, 0, 512, 384]],
    ['letterbox, small images grow', 'letterbox', [2, 1], [8, 8], [0, 2, 8, 4]],
    ['letterbox, odd rest: the offset is a whole number', 'letterbox', [3, 2], [10, 10], [0, 1, 10, 20 / 3]],
    ['letterbox, a line keeps one pixel of height', 'letterbox', [10000, 1], [512, 512], [0, 255, 512, 1]],
  ] as const)('%s', (_, fit, [sw, sh], [tw, th], [left, top, width, height]) => {
    const found = fitTarget(fit, { width: sw, height: sh }, { width: tw, height: th });
    expect(found.left).toBe(left);
    expect(found.top).toBe(top);
    expect(found.width).toBeCloseTo(width, 9);
    expect(found.height).toBeCloseTo(height, 9);
  });

  test.each([
    ['an empty source', 'stretch', [0, 5], [5, 5]],
    ['a NaN', 'letterbox', [Number.NaN, 5], [5, 5]],
    ['an empty target', 'letterbox', [5, 5], [5, 0]],
    ['an unknown fit', 'cover', [5, 5], [5, 5]],
  ] as const)('%s is refused', (_, fit, [sw, sh], [tw, th]) => {
    expect(() => fitTarget(fit as Fit, { width: sw, height: sh }, { width: tw, height: th })).toThrow(
      expect.objectContaining({ code: 'invalid-argument' }) as Error,
    );
  });
});

describe('back to source pixels', () => {
  const sides = fc.integer({ min: 1, max: 5000 });
  const sizes = fc.record({ width: sides, height: sides });
  const fits = fc.constantFrom<Fit>('stretch', 'letterbox');
  const unit = fc.double({ min: 0, max: 1, noNaN: true });

  test('a box of the image comes back after the way into the target', () => {
    fc.assert(
      fc.property(fits, sizes, sizes, fc.tuple(unit, unit, unit, unit), (fit, source, target, parts) => {
        const rectangle = fitTarget(fit, source, target);
        const box = parts.map((part, i) => part * (i % 2 ? source.height : source.width));
        const there = box.map((v, i) =>
          i % 2 ? rectangle.top + (v * rectangle.height) / source.height : rectangle.left + (v * rectangle.width) / source.width,
        ) as [number, number, number, number];
        const limit = Math.max(source.width, source.height, target.width, target.height);
        const scale = Math.max(source.width / rectangle.width, source.height / rectangle.height, 1);
        toSourceBox(there, rectangle, source).forEach((v, i) =>
          expect(Math.abs(v - box[i]!)).toBeLessThanOrEqual(limit * scale * doubleTolerance),
        );
        const array = toSourceBoxes(Float32Array.from(there), rectangle, source);
        array.forEach((v, i) => expect(Math.abs(v - box[i]!)).toBeLessThanOrEqual(limit * scale * floatTolerance));
      }),
    );
  });

  test('the rectangle stays inside the target and keeps the aspect', () => {
    fc.assert(
      fc.property(sizes, sizes, (source, target) => {
        const { left, top, width, height } = fitTarget('letterbox', source, target);
        expect(Number.isInteger(left) && Number.isInteger(top) && left >= 0 && top >= 0).toBe(true);
        expect(left + width).toBeLessThanOrEqual(target.width + doubleTolerance);
        expect(top + height).toBeLessThanOrEqual(target.height + doubleTolerance);
        if (width > 1 && height > 1)
          expect(Math.abs((width / height) * (source.height / source.width) - 1)).toBeLessThanOrEqual(doubleTolerance);
      }),
    );
  });

  test('boxes outside are clamped, in place, any number of them', () => {
    const boxes = Float32Array.from([-10, -10, 1000, 1000, 128, 0, 384, 256]);
    const rectangle = fitTarget('letterbox', { width: 50, height: 100 }, { width: 512, height: 512 });
    expect(toSourceBoxes(boxes, rectangle, { width: 50, height: 100 })).toBe(boxes);
    expect(Array.from(boxes)).toEqual([0, 0, 50, 100, 0, 0, 50, 50]);
    expect(toSourceBoxes(new Float32Array(0), rectangle, { width: 50, height: 100 })).toHaveLength(0);
  });
});
