// Where boxes and labels are drawn and in which colours; shared by the canvas (draw.ts) and by raw pixels (draw-pixels.ts). Draws nothing.
import { ArgumentError, describe } from '../errors.js';

/** What can be drawn; Detections fits. Boxes are [n, 4] xyxy in pixels of the source image. */
export interface Drawable {
  /** Number of detections, n. */
  readonly length: number;
  /** [n, 4] flat, xyxy. */
  readonly boxes: ArrayLike<number>;
  /** [n], 0 to 1. */
  readonly scores: ArrayLike<number>;
  /** [n], positions in `labels`. */
  readonly labelIndices: ArrayLike<number>;
  /** The label space; only names are read. */
  readonly labels: { readonly labels: readonly { readonly name: string }[] };
  /** Size of the source image; boxes are scaled from it to the drawing. Default: the size of the drawing. */
  readonly imageWidth?: number;
  /** As `imageWidth`. */
  readonly imageHeight?: number;
}

/** How detections are drawn. */
export interface DrawOptions {
  /** Thickness of box lines in pixels. Default: grows with the picture, 2 at 512 pixels, 10 at 4000. */
  lineWidth?: number | undefined;
  /** Height of the text in pixels (from ascender to descender). Default: grows with the picture, 15 at 512 pixels, 72 at 4000. */
  fontSize?: number | undefined;
  /**
   * Colours by label name, or a function of the label's name, its index, and the position of the detection; `#rgb` or `#rrggbb`. Default: one
   * distinct, fixed colour a label index.
   */
  colors?: Readonly<Record<string, string>> | ((name: string, index: number, position: number) => string | undefined) | undefined;
  /** Whether names are written. Default true. */
  labels?: boolean | undefined;
  /** Whether scores are written, with two decimals. Default true. */
  scores?: boolean | undefined;
}

/** Red, green, blue; 0 to 255. */
export type Rgb = readonly [number, number, number];

/** Pixels of the drawing. */
export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface DrawItem {
  /** The box, inside the drawing. */
  box: Rectangle;
  color: Rgb;
  /** Undefined where nothing is written. */
  label: { text: string; rectangle: Rectangle; textX: number; textTop: number; textColor: Rgb } | undefined;
}

export interface DrawPlan {
  lineWidth: number;
  fontSize: number;
  /** In drawing order: the best scores last, on top. */
  items: DrawItem[];
}

/** Width of a text in pixels at the font size of the plan. */
export type Measure = (text: string, fontSize: number) => number;

/** The distinct colour of a label: hues a golden angle apart in OKLCH (Ottosson 2020), in three levels of lightness by turns. */
export function labelColor(index: number): Rgb {
  const lightness = [0.72, 0.6, 0.82][index % 3]!;
  return oklch(lightness, 0.19, (25 + index * 137.50776405) % 360);
}

/** Black or white, whichever stands out more (WCAG 2 relative luminance). */
export function textColorOn([r, g, b]: Rgb): Rgb {
  const linear = (value: number) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  // Equal contrast with black and white.
  return luminance > 0.179 ? [0, 0, 0] : [255, 255, 255];
}

/** Line width and font size for a picture. Throws ArgumentError for an option that is no positive number. */
export function drawSizes(width: number, height: number, options: DrawOptions): { lineWidth: number; fontSize: number } {
  const longest = Math.max(width, height);
  for (const name of ['lineWidth', 'fontSize'] as const) {
    const value = options[name];
    if (value !== undefined && !(value > 0 && Number.isFinite(value))) {
      throw new ArgumentError({ thing: name, found: describe(value), wanted: 'a positive number of pixels' });
    }
  }
  const fontSize = options.fontSize ?? Math.max(15, Math.round(longest * 0.018));
  return { fontSize, lineWidth: options.lineWidth ?? Math.max(2, Math.round(longest * 0.0026)) };
}

/**
 * Places boxes and labels in a drawing of `width` x `height` pixels. A label stands at its box, inside the drawing, and covers no other
 * label as long as there is a free place at its box; better scores choose first. Text too wide for the drawing is cut with an ellipsis.
 */
export function planDrawing(
  width: number,
  height: number,
  detections: Drawable,
  options: DrawOptions,
  measure: Measure,
): DrawPlan {
  const { lineWidth, fontSize } = drawSizes(width, height, options);
  const { boxes, scores, labelIndices, labels } = detections;
  const scaleX = width / (detections.imageWidth || width);
  const scaleY = height / (detections.imageHeight || height);
  const order = Array.from({ length: detections.length }, (_, i) => i).sort((a, b) => scores[b]! - scores[a]! || a - b);
  const padX = Math.max(2, Math.round(fontSize * 0.28));
  const padY = Math.max(1, Math.round(fontSize * 0.06));
  const labelHeight = Math.round(fontSize) + 2 * padY;
  const drawn = order.flatMap((i) => {
    const [x1, y1, x2, y2] = [0, 1, 2, 3].map((k) => {
      const limit = k % 2 ? height : width;
      return Math.min(Math.max(boxes[4 * i + k]! * (k % 2 ? scaleY : scaleX), 0), limit);
    }) as [number, number, number, number];
    return x2 >= x1 && y2 >= y1 ? [{ i, box: { x: x1, y: y1, width: x2 - x1, height: y2 - y1 } }] : [];
  });
  // Boxes that one label could hide.
  const small = drawn.map(({ box }) => box).filter((box) => box.width * box.height < (4 * labelHeight) ** 2);
  const placed: Rectangle[] = [];
  const items: DrawItem[] = [];
  for (const { i, box } of drawn) {
    const index = labelIndices[i]!;
    const name = labels.labels[index]?.name ?? `label ${index}`;
    const color = pickColor(options.colors, name, index, i);
    const item: DrawItem = { box, color, label: undefined };
    items.push(item);
    const words = [options.labels === false ? '' : name, options.scores === false ? '' : formatScore(scores[i]!)]
      .filter(Boolean)
      .join(' ');
    const text = shorten(words.normalize('NFC').replace(/\s+/g, ' '), (part) => measure(part, fontSize) + 2 * padX <= width);
    if (!text) continue;
    const labelWidth = Math.min(width, Math.ceil(measure(text, fontSize)) + 2 * padX);
    const rectangle = placeLabel(item.box, labelWidth, labelHeight, lineWidth, width, height, placed, small);
    placed.push(rectangle);
    item.label = { text, rectangle, textX: rectangle.x + padX, textTop: rectangle.y + padY, textColor: textColorOn(color) };
  }
  items.reverse();
  return { lineWidth, fontSize, items };
}

function formatScore(score: number): string {
  return Number.isFinite(score) ? score.toFixed(2) : '?';
}

/** The whole text, or as much of it as fits with an ellipsis; empty where not even that fits. */
function shorten(text: string, fits: (part: string) => boolean): string {
  if (fits(text)) return text;
  const letters = Array.from(text);
  for (let n = letters.length - 1; n > 0; n--) {
    const part = `${letters.slice(0, n).join('').trimEnd()}\u2026`;
    if (fits(part)) return part;
  }
  return '';
}

/** Cost of a covered pixel of a small box, where one of another label costs 1. */
const hidingCost = 0.2;

/** The first place at the box that covers nothing; else the one that covers least. */
function placeLabel(
  box: Rectangle,
  width: number,
  height: number,
  line: number,
  canvasWidth: number,
  canvasHeight: number,
  placed: readonly Rectangle[],
  small: readonly Rectangle[],
): Rectangle {
  const half = line / 2;
  const left = box.x - half;
  const right = box.x + box.width + half - width;
  const middle = (left + right) / 2;
  const above = box.y - half - height;
  const top = Math.max(0, box.y - half);
  const bottom = Math.min(box.y + box.height + half, canvasHeight) - height;
  const below = box.y + box.height + half;
  const tries: [number, number][] = [];
  for (const y of [above, top, below, bottom]) tries.push([left, y], [right, y], [middle, y]);
  // Beside the box.
  for (const y of [top, (top + bottom) / 2, bottom]) tries.push([right + width, y], [left - width, y]);
  for (const y of [above, below]) tries.push([right + width, y], [left - width, y]);
  // Down both sides of the box, one label height at a time.
  for (let y = top + height; y < bottom && tries.length < 80; y += height) tries.push([left, y], [right, y]);
  // One label further away, for crowds.
  for (const y of [above - height, below + height])
    tries.push([left, y], [right, y], [middle, y], [right + width, y], [left - width, y]);
  let best: Rectangle | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const [wantedX, wantedY] of tries) {
    // A label slides sideways into the picture for nothing; upwards and downwards it would leave its place, so such places come last.
    const x = Math.round(Math.min(Math.max(wantedX, 0), canvasWidth - width));
    const y = Math.round(Math.min(Math.max(wantedY, 0), Math.max(0, canvasHeight - height)));
    const rectangle = { x, y, width, height };
    let cost = Math.abs(y - Math.round(wantedY)) * 0.001;
    for (const other of placed) cost += overlap(rectangle, other);
    for (const other of small) cost += hidingCost * overlap(rectangle, other);
    if (cost < least) {
      least = cost;
      best = rectangle;
    }
    if (cost === 0) break;
  }
  return best!;
}

function overlap(a: Rectangle, b: Rectangle): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}

function pickColor(colors: DrawOptions['colors'], name: string, index: number, position: number): Rgb {
  const own =
    typeof colors === 'function'
      ? colors(name, index, position)
      : colors && Object.hasOwn(colors, name)
        ? colors[name]
        : undefined;
  return own === undefined ? labelColor(index) : parseColor(own, name);
}

function parseColor(text: unknown, name: string): Rgb {
  const match = typeof text === 'string' ? /^#(?:([0-9a-f]{3})|([0-9a-f]{6}))$/i.exec(text) : null;
  if (!match)
    throw new ArgumentError({ thing: `colour of label ${describe(name)}`, found: describe(text), wanted: '#rgb or #rrggbb' });
  const digits = match[2] ?? Array.from(match[1]!, (digit) => digit + digit).join('');
  return [0, 2, 4].map((at) => Number.parseInt(digits.slice(at, at + 2), 16)) as unknown as Rgb;
}

/** OKLCH to sRGB; the chroma is lowered until the colour can be shown. */
function oklch(lightness: number, chroma: number, degrees: number): Rgb {
  for (let c = chroma; ; c -= 0.01) {
    const a = c * Math.cos((degrees * Math.PI) / 180);
    const b = c * Math.sin((degrees * Math.PI) / 180);
    const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
    const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
    const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
    const linear = [
      4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
      -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
      -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
    ];
    if (c <= 0.01 || linear.every((value) => value >= -0.001 && value <= 1.001)) {
      return linear.map((value) => {
        const v = Math.min(Math.max(value, 0), 1);
        return Math.round(255 * (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055));
      }) as unknown as Rgb;
    }
  }
}
