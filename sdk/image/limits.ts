// How large an image may be, for every kind of input.
import { ImageError } from '../errors.js';

/** Most pixels that are decoded when the caller names no limit. */
export const defaultMaxPixels = 2 ** 26;

/** Refuses an empty size and one above the limit. Throws ImageError `invalid-image` or `image-too-large`. */
export function checkSize(
  thing: string,
  { width, height }: { width: number; height: number },
  maxPixels: number = defaultMaxPixels,
): void {
  if (!(width >= 1 && height >= 1)) {
    throw new ImageError('invalid-image', { thing, found: `a size of ${width} x ${height}`, wanted: 'at least 1 x 1 pixel' });
  }
  if (width * height > maxPixels) {
    throw new ImageError('image-too-large', {
      thing,
      found: `${width} x ${height} = ${width * height} pixels`,
      wanted: `at most ${maxPixels} pixels`,
      next: 'Scale it down, or raise maxPixels.',
    });
  }
}
