// Reads pixels through a 2D canvas: whatever a page can draw becomes RGBA. Only hosts with OffscreenCanvas or a document have one.
import { ImageError } from '../errors.js';
import type { ImageFrame } from '../tensor/image-frame.js';

type Canvas = OffscreenCanvas | HTMLCanvasElement;
type Context = OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D;

let scratch: { canvas: Canvas; context: Context } | undefined;

/** The canvas that every call draws on. Drawing and reading back happen in one go, so calls never mix. */
function scratchContext(): Context {
  if (scratch) return scratch.context;
  const canvas: Canvas | undefined =
    'OffscreenCanvas' in globalThis
      ? new OffscreenCanvas(1, 1)
      : 'document' in globalThis
        ? globalThis.document.createElement('canvas')
        : undefined;
  const context = canvas?.getContext('2d', { willReadFrequently: true }) as Context | null | undefined;
  if (!canvas || !context) {
    throw new ImageError('unsupported-image', {
      thing: 'image',
      found: 'a host without a 2D canvas',
      wanted: 'OffscreenCanvas or a document',
      next: 'Give decoded pixels as { data, width, height, channels }.',
    });
  }
  scratch = { canvas, context };
  return context;
}

/** Whether pixels can be read through a canvas here. */
export function hasCanvas(): boolean {
  return 'OffscreenCanvas' in globalThis || 'document' in globalThis;
}

/**
 * Draws `source` at `width` x `height` and reads the pixels back (sRGB, straight alpha). Throws ImageError `invalid-image` for a source from
 * another origin (tainted) or one that cannot be drawn.
 */
export function readThroughCanvas(source: unknown, thing: string, width: number, height: number): ImageFrame {
  const context = scratchContext();
  const { canvas } = context;
  try {
    // Setting the size clears the canvas as well.
    canvas.width = width;
    canvas.height = height;
    context.drawImage(source as CanvasImageSource, 0, 0, width, height);
    const { data } = context.getImageData(0, 0, width, height);
    return { data, width, height, channels: 4 };
  } catch (cause) {
    throw canvasError(cause, thing);
  } finally {
    canvas.width = canvas.height = 1;
  }
}

/** The error for what a canvas throws. */
export function canvasError(cause: unknown, thing: string): ImageError {
  const tainted = (cause as { name?: unknown } | null)?.name === 'SecurityError';
  return new ImageError('invalid-image', {
    thing,
    found: tainted
      ? 'pixels of another origin, which a page may not read (tainted canvas)'
      : `pixels that cannot be read (${cause instanceof Error ? cause.message : String(cause)})`,
    wanted: 'readable pixels',
    next: tainted ? 'Serve it with CORS headers and set crossOrigin = "anonymous" before src, or fetch its bytes.' : undefined,
    cause,
  });
}
