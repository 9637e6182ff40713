// Draws detections into raw pixels, for hosts without a canvas. The look is that of draw.ts; the letters are those of draw-font.ts.
import type { ImageFrame } from '../tensor/image-frame.js';
import { measureText, plotText } from './draw-font.js';
import { planDrawing, type Drawable, type DrawOptions, type Rgb } from './draw-layout.js';

/**
 * A copy of the picture as RGBA with boxes, names and scores. Boxes are scaled from the size of the source image to the size of the frame.
 * Throws ArgumentError for a bad option.
 */
export function drawOnFrame(frame: ImageFrame, detections: Drawable, options: DrawOptions = {}): ImageFrame {
  const { width, height } = frame;
  const data = toRgba(frame);
  const plan = planDrawing(width, height, detections, options, measureText);
  const painter = makePainter(data, width, height);
  for (const { box, color } of plan.items) {
    const x1 = Math.round(box.x - plan.lineWidth / 2);
    const y1 = Math.round(box.y - plan.lineWidth / 2);
    const x2 = Math.max(x1 + 1, Math.round(box.x + box.width + plan.lineWidth / 2));
    const y2 = Math.max(y1 + 1, Math.round(box.y + box.height + plan.lineWidth / 2));
    painter.outline(x1 - 1, y1 - 1, x2 + 1, y2 + 1, plan.lineWidth + 2, [0, 0, 0], 0.35);
    painter.outline(x1, y1, x2, y2, plan.lineWidth, color, 1);
  }
  for (const { color, label } of plan.items) {
    if (!label) continue;
    const { x, y, width: w, height: h } = label.rectangle;
    painter.fill(x, y, x + w, y + h, color, 1);
    plotText(label.text, plan.fontSize, label.textX, label.textTop, (px, py, cover) =>
      painter.pixel(px, py, label.textColor, cover),
    );
  }
  return { data, width, height, channels: 4 };
}

function toRgba({ data, width, height, channels }: ImageFrame): Uint8Array {
  const out = new Uint8Array(width * height * 4);
  for (let i = 0, from = 0, to = 0; i < width * height; i++, from += channels, to += 4) {
    out[to] = data[from]!;
    out[to + 1] = data[channels === 1 ? from : from + 1]!;
    out[to + 2] = data[channels === 1 ? from : from + 2]!;
    out[to + 3] = channels === 4 ? data[from + 3]! : 255;
  }
  return out;
}

/** Paints over pixels; what lies outside the picture is left out. Painted pixels become opaque by as much as they are covered. */
function makePainter(data: Uint8Array, width: number, height: number) {
  const pixel = (x: number, y: number, color: Rgb, cover: number): void => {
    if (x < 0 || y < 0 || x >= width || y >= height) return;
    const at = (y * width + x) * 4;
    // Source over destination with straight alpha (Porter and Duff 1984).
    const under = (data[at + 3]! / 255) * (1 - cover);
    const alpha = cover + under;
    for (let c = 0; c < 3; c++) data[at + c] = Math.round((color[c]! * cover + data[at + c]! * under) / alpha);
    data[at + 3] = Math.round(alpha * 255);
  };
  const fill = (x1: number, y1: number, x2: number, y2: number, color: Rgb, cover: number): void => {
    for (let y = Math.max(0, y1); y < Math.min(height, y2); y++) {
      for (let x = Math.max(0, x1); x < Math.min(width, x2); x++) pixel(x, y, color, cover);
    }
  };
  /** The frame between the rectangle and the same rectangle `line` pixels further in; no pixel is painted twice. */
  const outline = (x1: number, y1: number, x2: number, y2: number, line: number, color: Rgb, cover: number): void => {
    const thick = Math.max(1, Math.round(line));
    const top = Math.min(y1 + thick, y2);
    const bottom = Math.max(y2 - thick, top);
    const left = Math.min(x1 + thick, x2);
    fill(x1, y1, x2, top, color, cover);
    fill(x1, bottom, x2, y2, color, cover);
    fill(x1, top, left, bottom, color, cover);
    fill(Math.max(x2 - thick, left), top, x2, bottom, color, cover);
  };
  return { pixel, fill, outline };
}
