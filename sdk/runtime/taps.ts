// Which source positions a resized axis reads, and how much of each: computed in double precision once, for the runtimes that keep them in tables.
import type { Attributes } from '../ir/operators.js';

/** Source coordinate of an output index. */
function sourceCoordinate(i: number, size: number, out: number, coordinates: Attributes['resize']['coordinates']): number {
  if (coordinates === 'align_corners') return out > 1 ? (i * (size - 1)) / (out - 1) : 0;
  return coordinates === 'half_pixel' ? ((i + 0.5) * size) / out - 0.5 : (i * size) / out;
}

/** For each output index of `resize` the two source indices and the weight of the second. */
export function resizeTaps(
  size: number,
  out: number,
  { mode, coordinates, nearest }: Attributes['resize'],
): [first: number, second: number, weight: number][] {
  const clamp = (i: number): number => Math.min(Math.max(i, 0), size - 1);
  return Array.from({ length: out }, (_, i) => {
    const at = sourceCoordinate(i, size, out, coordinates);
    if (mode === 'bilinear') return [clamp(Math.floor(at)), clamp(Math.floor(at) + 1), at - Math.floor(at)];
    const rounded = {
      floor: Math.floor(at),
      ceil: Math.ceil(at),
      round_prefer_floor: Math.ceil(at - 0.5),
      round_prefer_ceil: Math.floor(at + 0.5),
    }[nearest];
    return [clamp(rounded), clamp(rounded), 0];
  });
}
