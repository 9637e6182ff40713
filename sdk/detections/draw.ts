// Draws detections on a 2D canvas: boxes in the colour of their label, with readable names. For raw pixels see draw-pixels.ts.
import { drawSizes, planDrawing, type Drawable, type DrawOptions, type Rgb } from './draw-layout.js';

export { labelColor, type Drawable, type DrawOptions } from './draw-layout.js';

/** The part of a 2D context that is used; CanvasRenderingContext2D and OffscreenCanvasRenderingContext2D fit. */
export interface DrawingContext {
  /** The canvas drawn on; pixels. */
  readonly canvas: { readonly width: number; readonly height: number };
  /** Colour of lines. Canvas contexts take gradients and patterns here too; only text is written. */
  strokeStyle: unknown;
  /** Colour of fills and text. */
  fillStyle: unknown;
  /** Thickness of lines in pixels. */
  lineWidth: number;
  /** How lines meet. */
  lineJoin: string;
  /** CSS font. */
  font: string;
  /** Which line of the text `y` means. */
  textBaseline: string;
  /** Which end of the text `x` means. */
  textAlign: string;
  /** Keeps the state. */
  save(): void;
  /** Brings the kept state back. */
  restore(): void;
  /** Outlines a rectangle. */
  strokeRect(x: number, y: number, width: number, height: number): void;
  /** Fills a rectangle. */
  fillRect(x: number, y: number, width: number, height: number): void;
  /** Writes a text. */
  fillText(text: string, x: number, y: number): void;
  /** Width of a text in pixels. */
  measureText(text: string): { readonly width: number };
}

/** Options of {@link drawDetections}. */
export interface CanvasDrawOptions extends DrawOptions {
  /** CSS font family. Default `system-ui, sans-serif`. */
  fontFamily?: string | undefined;
}

/**
 * Draws boxes, names and scores over what the canvas shows already. Boxes are scaled from the size of the source image to the size of the
 * canvas. The context's state is kept; its transform should be the identity. Throws ArgumentError for a bad option.
 */
export function drawDetections(context: DrawingContext, detections: Drawable, options: CanvasDrawOptions = {}): void {
  const { width, height } = context.canvas;
  const { fontSize } = drawSizes(width, height, options);
  context.save();
  try {
    // The letters of most fonts fill about 4/5 of the line from ascender to descender.
    context.font = `600 ${Math.round(fontSize * 0.84)}px ${options.fontFamily ?? 'system-ui, sans-serif'}`;
    context.textBaseline = 'middle';
    context.textAlign = 'left';
    context.lineJoin = 'miter';
    const plan = planDrawing(width, height, detections, options, (text) => context.measureText(text).width);
    for (const { box, color } of plan.items) {
      // A faint dark rim keeps the line visible on ground of its own colour.
      context.lineWidth = plan.lineWidth + 2;
      context.strokeStyle = 'rgba(0, 0, 0, 0.35)';
      context.strokeRect(box.x, box.y, box.width, box.height);
      context.lineWidth = plan.lineWidth;
      context.strokeStyle = css(color);
      context.strokeRect(box.x, box.y, box.width, box.height);
    }
    for (const { color, label } of plan.items) {
      if (!label) continue;
      const { x, y, width: w, height: h } = label.rectangle;
      context.fillStyle = css(color);
      context.fillRect(x, y, w, h);
      context.fillStyle = css(label.textColor);
      context.fillText(label.text, label.textX, y + h / 2);
    }
  } finally {
    context.restore();
  }
}

function css([r, g, b]: Rgb): string {
  return `rgb(${r}, ${g}, ${b})`;
}
