// How a whole image lands in the target tensor, and how boxes come back to source pixels. Numbers only, no pixels.
import { ArgumentError } from '../errors.js';

/** `stretch` fills the target and ignores the aspect ratio; `letterbox` keeps it, centred, with padding at two sides. */
export type Fit = 'stretch' | 'letterbox';

/** Pixels. */
export interface Size {
  width: number;
  height: number;
}

/** Part of the target that the image covers, in target pixels. `left` and `top` are whole; `width` and `height` may be fractional. */
export interface TargetRectangle extends Size {
  left: number;
  top: number;
}

/**
 * The rectangle of the target that the whole source covers. Letterbox scales by `min(W / w, H / h)` and centres; no side is below one pixel.
 * Throws ArgumentError for a size that is not positive.
 */
export function fitTarget(fit: Fit, source: Size, target: Size): TargetRectangle {
  for (const [thing, size] of [
    ['source', source],
    ['target', target],
  ] as const) {
    if (!(size.width > 0 && size.height > 0 && Number.isFinite(size.width) && Number.isFinite(size.height))) {
      throw new ArgumentError({
        thing: `${thing} size`,
        found: `${size.width} x ${size.height}`,
        wanted: 'positive finite numbers',
      });
    }
  }
  if (fit === 'stretch') return { left: 0, top: 0, width: target.width, height: target.height };
  if (fit !== 'letterbox') {
    throw new ArgumentError({ thing: 'fit', found: JSON.stringify(fit), wanted: '"stretch" or "letterbox"' });
  }
  const scale = Math.min(target.width / source.width, target.height / source.height);
  const width = Math.min(target.width, Math.max(1, source.width * scale));
  const height = Math.min(target.height, Math.max(1, source.height * scale));
  return { left: Math.floor((target.width - width) / 2), top: Math.floor((target.height - height) / 2), width, height };
}

/** One box `[x1, y1, x2, y2]` from target pixels to source pixels, clamped to the image. */
export function toSourceBox(
  box: readonly [number, number, number, number],
  target: TargetRectangle,
  source: Size,
): [number, number, number, number] {
  const scaleX = source.width / target.width;
  const scaleY = source.height / target.height;
  return [
    clamp((box[0] - target.left) * scaleX, source.width),
    clamp((box[1] - target.top) * scaleY, source.height),
    clamp((box[2] - target.left) * scaleX, source.width),
    clamp((box[3] - target.top) * scaleY, source.height),
  ];
}

/** The same for an array of boxes [n, 4] xyxy, in place; returns it. */
export function toSourceBoxes(boxes: Float32Array, target: TargetRectangle, source: Size): Float32Array {
  const scaleX = source.width / target.width;
  const scaleY = source.height / target.height;
  for (let i = 0; i + 3 < boxes.length; i += 4) {
    boxes[i] = clamp((boxes[i]! - target.left) * scaleX, source.width);
    boxes[i + 1] = clamp((boxes[i + 1]! - target.top) * scaleY, source.height);
    boxes[i + 2] = clamp((boxes[i + 2]! - target.left) * scaleX, source.width);
    boxes[i + 3] = clamp((boxes[i + 3]! - target.top) * scaleY, source.height);
  }
  return boxes;
}

function clamp(value: number, limit: number): number {
  return Math.min(Math.max(value, 0), limit);
}
