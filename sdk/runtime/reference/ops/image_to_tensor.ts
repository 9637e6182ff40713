// image_to_tensor: any image into the network's input: resampled, placed, composited, normalised. In double precision, never rounded to 8 bits.
import type { Attributes } from '../../../ir/operators.js';
import { InternalError } from '../../../errors.js';
import type { ImageFeed } from '../../runtime.js';
import { need, type ReferenceOperator } from '../operand.js';

/** Source pixels [first, first + weights.length) and their weights, which sum to 1. */
export interface ResampleTaps {
  first: number;
  weights: Float64Array;
}

/**
 * The triangle filter along one axis. Output pixel i with its centre at i + 0.5 reads around (i + 0.5 - start) * size / length in source pixels;
 * the support is max(1, size / length), so that shrinking is antialiased (as Pillow's BILINEAR). `undefined` where the centre is outside [start, start + length).
 */
export function resampleTaps(size: number, out: number, start: number, length: number): (ResampleTaps | undefined)[] {
  const scale = size / length;
  const support = Math.max(1, scale);
  return Array.from({ length: out }, (_, i) => {
    const offset = i + 0.5 - start;
    if (offset < 0 || offset >= length) return undefined;
    const centre = offset * scale;
    // Source pixel j has its centre at j + 0.5 and counts while |j + 0.5 - centre| < support.
    const first = Math.max(0, Math.ceil(centre - support - 0.5));
    const last = Math.min(size - 1, Math.floor(centre + support - 0.5));
    const weights = Float64Array.from({ length: last - first + 1 }, (_, j) =>
      Math.max(0, 1 - Math.abs(first + j + 0.5 - centre) / support),
    );
    const sum = weights.reduce((total, w) => total + w, 0);
    return { first, weights: weights.map((w) => w / sum) };
  });
}

/** Image -> [1, height, width, 3]. */
export const image_to_tensor: ReferenceOperator<'image_to_tensor'> = (inputs, outputs, attributes) => {
  const image = need(inputs, 0).image;
  if (!image) throw new InternalError('image_to_tensor', 'no image', 'an image feed');
  const y = need(outputs, 0).data;
  const { height, width, mean, std, padValue } = attributes;
  const { target } = image;
  const columns = resampleTaps(image.width, width, target.left, target.width);
  const rows = resampleTaps(image.height, height, target.top, target.height);
  const source = toRgb(image, attributes);

  // Horizontal pass, then vertical: the filter is separable.
  const narrow = new Float64Array(image.height * width * 3);
  for (let sy = 0; sy < image.height; sy++) {
    for (let x = 0; x < width; x++) {
      const taps = columns[x];
      if (!taps) continue;
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let j = 0; j < taps.weights.length; j++)
          sum += taps.weights[j]! * source[(sy * image.width + taps.first + j) * 3 + c]!;
        narrow[(sy * width + x) * 3 + c] = sum;
      }
    }
  }
  for (let row = 0; row < height; row++) {
    const taps = rows[row];
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) {
        let value = padValue;
        if (taps && columns[x]) {
          value = 0;
          for (let j = 0; j < taps.weights.length; j++)
            value += taps.weights[j]! * narrow[((taps.first + j) * width + x) * 3 + c]!;
        }
        y[(row * width + x) * 3 + c] = (value - mean[c]!) / std[c]!;
      }
    }
  }
};

/** Pixels as three channels in the wanted order, 0..255, alpha composited over `background`. */
function toRgb({ data, width, height, channels }: ImageFeed, { order, background }: Attributes['image_to_tensor']): Float64Array {
  const rgb = new Float64Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const alpha = channels === 4 ? data[i * 4 + 3]! / 255 : 1;
    for (let c = 0; c < 3; c++) {
      const from = channels === 1 ? 0 : order === 'RGB' ? c : 2 - c;
      rgb[i * 3 + c] = data[i * channels + from]! * alpha + background * (1 - alpha);
    }
  }
  return rgb;
}
