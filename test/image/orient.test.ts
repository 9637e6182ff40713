// The eight EXIF orientations on a picture small enough to write down.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { orientFrame } from '../../sdk/image/orient.js';
import type { Orientation } from '../../sdk/image/sniff.js';

const picture = { data: Uint8Array.from([1, 2, 3, 4, 5, 6]), width: 3, height: 2, channels: 1 } as const;

describe('orientation', () => {
  // Stored rows are 1 2 3 / 4 5 6.
  test.each([
    [
      1,
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
    ],
    [
      2,
      [
        [3, 2, 1],
        [6, 5, 4],
      ],
    ],
    [
      3,
      [
        [6, 5, 4],
        [3, 2, 1],
      ],
    ],
    [
      4,
      [
        [4, 5, 6],
        [1, 2, 3],
      ],
    ],
    [
      5,
      [
        [1, 4],
        [2, 5],
        [3, 6],
      ],
    ],
    [
      6,
      [
        [4, 1],
        [5, 2],
        [6, 3],
      ],
    ],
    [
      7,
      [
        [6, 3],
        [5, 2],
        [4, 1],
      ],
    ],
    [
      8,
      [
        [3, 6],
        [2, 5],
        [1, 4],
      ],
    ],
  ] as const)('%i', (orientation, rows) => {
    const upright = orientFrame(picture, orientation);
    expect([upright.height, upright.width]).toEqual([rows.length, rows[0].length]);
    expect(Array.from(upright.data)).toEqual(rows.flat());
  });

  test('undoing: 6 then 8, and every mirror or half turn twice, give the picture back; channels stay together', () => {
    const inverse: Record<number, Orientation> = { 1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6 };
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 7 }),
        fc.constantFrom(1, 3, 4),
        fc.integer({ min: 1, max: 8 }),
        (width, height, channels, o) => {
          const data = Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 7) & 255);
          const frame = { data, width, height, channels: channels as 1 | 3 | 4 };
          expect(orientFrame(orientFrame(frame, o as Orientation), inverse[o]!)).toEqual(frame);
        },
      ),
    );
  });
});
