// Turns and mirrors decoded pixels so that they stand upright, as EXIF tag 274 says.
import type { ImageFrame } from '../tensor/image-frame.js';
import type { Orientation } from './sniff.js';

/** The upright frame; the same object for orientation 1, new memory otherwise. Orientations 5 to 8 swap width and height. */
export function orientFrame(frame: ImageFrame, orientation: Orientation): ImageFrame {
  if (orientation === 1) return frame;
  const { width: w, height: h, channels, data } = frame;
  const swap = orientation >= 5;
  const width = swap ? h : w;
  const height = swap ? w : h;
  // The source pixel of target (x, y) is origin + x * stepX + y * stepY.
  const [origin, stepX, stepY] = (
    {
      2: [w - 1, -1, w],
      3: [w * h - 1, -1, -w],
      4: [w * (h - 1), 1, -w],
      5: [0, w, 1],
      6: [w * (h - 1), -w, 1],
      7: [w * h - 1, -w, -1],
      8: [w - 1, w, -1],
    } as const
  )[orientation];
  const out = new Uint8Array(data.length);
  let at = 0;
  for (let y = 0; y < height; y++) {
    let from = (origin + y * stepY) * channels;
    const step = stepX * channels;
    for (let x = 0; x < width; x++, from += step) {
      for (let c = 0; c < channels; c++) out[at++] = data[from + c]!;
    }
  }
  return { data: out, width, height, channels };
}
