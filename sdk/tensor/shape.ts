// Shapes: element counts, row-major strides and NumPy broadcasting. No data here.
import { ArgumentError } from '../errors.js';

/** Static dimensions, outermost first. `[]` is a scalar. */
export type Shape = readonly number[];

/** Number of elements; 1 for a scalar. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const dimension of shape) size *= dimension;
  return size;
}

/** Row-major strides in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = Array.from<number>({ length: shape.length });
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i]!;
  }
  return strides;
}

export function shapesEqual(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dimension, i) => dimension === b[i]);
}

/** `[1, 512, 512, 3]` as people write it. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** NumPy broadcasting of two shapes. Throws {@link ArgumentError} where they do not fit. */
export function broadcastShapes(a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  const shape = Array.from<number>({ length: rank });
  for (let i = 0; i < rank; i++) {
    const da = a[i - rank + a.length] ?? 1;
    const db = b[i - rank + b.length] ?? 1;
    if (da !== db && da !== 1 && db !== 1) {
      throw new ArgumentError({
        thing: 'broadcast',
        found: `${formatShape(a)} with ${formatShape(b)}`,
        wanted: 'dimensions that are equal or 1, aligned at the end',
      });
    }
    shape[i] = da === 1 ? db : da;
  }
  return shape;
}
