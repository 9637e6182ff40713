// Drawing: layout laws, colours, the font, and what ends up in pixels and on a canvas.
import fc from 'fast-check';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { drawDetections, type DrawingContext } from '../../sdk/detections/draw.js';
import { measureText, plotText } from '../../sdk/detections/draw-font.js';
import { labelColor, planDrawing, textColorOn, type Drawable, type Rectangle } from '../../sdk/detections/draw-layout.js';
import { drawOnFrame } from '../../sdk/detections/draw-pixels.js';
import type { ImageFrame } from '../../sdk/tensor/image-frame.js';

type Row = readonly [x1: number, y1: number, x2: number, y2: number, score: number, label: number];

function drawable(
  rows: readonly Row[],
  size?: { width: number; height: number },
  names = ['person', 'traffic light', 'bus'],
): Drawable {
  return {
    length: rows.length,
    boxes: Float32Array.from(rows.flatMap((row) => row.slice(0, 4))),
    scores: Float32Array.from(rows, (row) => row[4]),
    labelIndices: Int32Array.from(rows, (row) => row[5]),
    labels: { labels: names.map((name) => ({ name })) },
    ...(size ? { imageWidth: size.width, imageHeight: size.height } : {}),
  };
}

const plan = (width: number, height: number, rows: readonly Row[], options = {}) =>
  planDrawing(width, height, drawable(rows), options, measureText);

const overlaps = (a: Rectangle, b: Rectangle) =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

describe('layout', () => {
  test('boxes are inside, the best score is drawn last, the label stands above its box', () => {
    const { items } = plan(512, 512, [
      [100, 100, 200, 200, 0.9, 0],
      [-50, 300, 900, 700, 0.4, 2],
    ]);
    expect(items.map((item) => item.label?.text)).toEqual(['bus 0.40', 'person 0.90']);
    expect(items[0]!.box).toEqual({ x: 0, y: 300, width: 512, height: 212 });
    const label = items[1]!.label!.rectangle;
    expect(label.y + label.height).toBeLessThanOrEqual(100);
    expect(label.y + label.height).toBeGreaterThan(95);
  });

  test.each([
    ['at the top edge: inside the box', [100, 0, 300, 300, 0.9, 0], (r: Rectangle) => r.y >= 0 && r.y < 30],
    ['at the right edge: slides left', [500, 100, 512, 300, 0.9, 1], (r: Rectangle) => r.x + r.width <= 512],
    ['the whole picture', [0, 0, 512, 512, 0.9, 0], (r: Rectangle) => r.y >= 0 && r.x >= 0],
  ] as const)('%s', (_, row, holds) => {
    expect(holds(plan(512, 512, [row]).items[0]!.label!.rectangle)).toBe(true);
  });

  test('five boxes at one place get five labels side by side, over one another or below, none covered', () => {
    const rows = Array.from({ length: 5 }, (_, i): Row => [200, 200, 330, 330, 0.9 - i / 10, i % 3]);
    const labels = plan(512, 512, rows).items.map((item) => item.label!.rectangle);
    labels.forEach((a, i) => labels.slice(i + 1).forEach((b) => expect(overlaps(a, b)).toBe(false)));
  });

  test('a label does not hide a small box where it need not', () => {
    // The small box stands where the label of the large one would go first.
    const { items } = plan(512, 512, [
      [100, 200, 300, 400, 0.9, 0],
      [105, 175, 130, 198, 0.5, 1],
    ]);
    const label = items.find((item) => item.label!.text.startsWith('person'))!.label!.rectangle;
    expect(overlaps(label, { x: 105, y: 175, width: 25, height: 23 })).toBe(false);
  });

  test('labels never leave the drawing and texts fit their labels, whatever the boxes', () => {
    const coordinate = fc.double({ min: -200, max: 1200, noNaN: true });
    const row = fc.tuple(coordinate, coordinate, coordinate, coordinate, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(3));
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.integer({ min: 1, max: 1000 }),
        fc.array(row, { maxLength: 20 }),
        (w, h, rows) => {
          const { items, fontSize } = plan(w, h, rows);
          for (const { box, label } of items) {
            expect(box.x >= 0 && box.y >= 0 && box.x + box.width <= w + 1e-3 && box.y + box.height <= h + 1e-3).toBe(true);
            if (!label) continue;
            const { x, y, width, height } = label.rectangle;
            expect(x >= 0 && x + width <= w && y >= 0 && (y + height <= h || height > h)).toBe(true);
            expect(label.textX + measureText(label.text, fontSize)).toBeLessThanOrEqual(x + width + 0.5);
          }
        },
      ),
    );
  });

  test('a box with NaN or turned inside out is left out', () => {
    expect(
      plan(100, 100, [
        [Number.NaN, 0, 10, 10, 0.5, 0],
        [20, 20, 10, 10, 0.5, 0],
      ]).items,
    ).toEqual([]);
  });

  test('long names are cut to the width with an ellipsis', () => {
    const detections = drawable([[0, 0, 50, 50, 0.5, 0]], undefined, [
      'a very long name of a label that no picture has room for',
    ]);
    const text = planDrawing(150, 150, detections, {}, measureText).items[0]!.label!.text;
    expect(text.endsWith('\u2026')).toBe(true);
    expect(text.length).toBeGreaterThan(8);
  });

  test.each([
    [{}, 'person 0.50'],
    [{ scores: false }, 'person'],
    [{ labels: false }, '0.50'],
    [{ labels: false, scores: false }, undefined],
  ])('options %j write %j', (options, text) => {
    expect(plan(512, 512, [[10, 50, 90, 90, 0.5, 0]], options).items[0]!.label?.text).toBe(text);
  });

  test('sizes grow with the picture and can be set', () => {
    const small = plan(512, 512, []);
    const large = plan(4000, 3000, []);
    expect(small).toMatchObject({ lineWidth: 2, fontSize: 15 });
    expect(large).toMatchObject({ lineWidth: 10, fontSize: 72 });
    expect(plan(512, 512, [], { lineWidth: 5, fontSize: 40 })).toMatchObject({ lineWidth: 5, fontSize: 40 });
  });

  test.each([
    [{ lineWidth: 0 }, 'lineWidth'],
    [{ fontSize: Number.NaN }, 'fontSize'],
    [{ colors: { person: 'red' } }, 'colour of label "person"'],
    [{ colors: () => '#12' }, 'colour of label "person"'],
  ])('%j is refused', (options, thing) => {
    expect(() => plan(512, 512, [[10, 10, 90, 90, 0.5, 0]], options)).toThrow(
      expect.objectContaining({ code: 'invalid-argument', thing }) as Error,
    );
  });
});

describe('colours', () => {
  test('the first twenty labels differ clearly', () => {
    const colours = Array.from({ length: 20 }, (_, i) => labelColor(i));
    let nearest = Number.POSITIVE_INFINITY;
    colours.forEach((a, i) =>
      colours.slice(i + 1).forEach((b) => {
        nearest = Math.min(nearest, Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]));
      }),
    );
    // Euclidean distance in 8-bit sRGB; neighbours in a legend can be told apart from about 30 on.
    expect(nearest).toBeGreaterThan(30);
  });

  test('a label keeps its colour, any index has one', () => {
    expect(labelColor(7)).toEqual(labelColor(7));
    for (const index of [0, 79, 1203, 100_000])
      for (const c of labelColor(index)) expect(c >= 0 && c <= 255 && Number.isInteger(c)).toBe(true);
  });

  test('text on a label has a contrast of at least 4.5 (WCAG 2 AA)', () => {
    const luminance = (rgb: readonly number[]) =>
      [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => {
        const v = rgb[i]! / 255;
        return sum + weight * (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
      }, 0);
    for (let i = 0; i < 100; i++) {
      const ground = luminance(labelColor(i));
      const text = luminance(textColorOn(labelColor(i)));
      expect((Math.max(ground, text) + 0.05) / (Math.min(ground, text) + 0.05)).toBeGreaterThanOrEqual(4.5);
    }
  });

  test('own colours by name or function', () => {
    const rows: Row[] = [[10, 50, 90, 90, 0.5, 0]];
    expect(plan(512, 512, rows, { colors: { person: '#f80' } }).items[0]!.color).toEqual([255, 136, 0]);
    expect(
      plan(512, 512, rows, { colors: (name: string) => (name === 'person' ? '#010203' : undefined) }).items[0]!.color,
    ).toEqual([1, 2, 3]);
    expect(plan(512, 512, rows, { colors: { bus: '#f80' } }).items[0]!.color).toEqual(labelColor(0));
  });
});

/** A text as rows of `#` and `.`; a pixel that is covered by half or more is `#`. */
function picture(text: string, fontSize = 15): string[] {
  const cells = new Map<string, number>();
  let right = 0;
  plotText(text, fontSize, 0, 0, (x, y, cover) => {
    cells.set(`${x},${y}`, Math.max(cover, cells.get(`${x},${y}`) ?? 0));
    right = Math.max(right, x);
  });
  return Array.from({ length: fontSize + 1 }, (_, y) =>
    Array.from({ length: right + 1 }, (_, x) => ((cells.get(`${x},${y}`) ?? 0) >= 0.5 ? '#' : '.')).join(''),
  );
}

describe('font', () => {
  const latin1 = [...Array.from({ length: 94 }, (_, i) => 33 + i), ...Array.from({ length: 95 }, (_, i) => 161 + i)]
    .filter((code) => code !== 0xad)
    .map((code) => String.fromCharCode(code));

  test('every character of Latin-1 has a picture of its own', () => {
    const unknown = picture('\u6f22', 40).join('\n');
    const seen = new Map<string, string>();
    for (const character of latin1) {
      const shape = picture(character, 40).join('\n');
      expect(shape, character).not.toBe(unknown);
      expect(shape, character).toContain('#');
      expect(seen.get(shape), `${character} looks like another`).toBeUndefined();
      seen.set(shape, character);
    }
  });

  test('the letters that detectors write most can be told apart at the smallest size', () => {
    const characters = Array.from('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789');
    expect(new Set(characters.map((character) => picture(character).join('\n'))).size).toBe(characters.length);
  });

  test('upright stems are sharp at the smallest size: an H', () => {
    const rows = picture('H')
      .map((row) => row.replace(/\.+$/, ''))
      .filter(Boolean);
    expect(rows).toEqual(['#....#', '#....#', '#....#', '#....#', '######', '#....#', '#....#', '#....#', '#....#', '#....#']);
  });

  test('unknown characters are boxes; accents compose; decomposed text is the same as composed', () => {
    expect(picture('\u6f22')).toEqual(picture('\u5b57'));
    expect(picture('\u00e9')).not.toEqual(picture('e'));
    const detections = drawable([[0, 20, 100, 100, 0.5, 0]], undefined, ['caf\u0065\u0301']);
    expect(planDrawing(200, 200, detections, {}, measureText).items[0]!.label!.text).toBe('caf\u00e9 0.50');
  });

  test('measureText is the width that plotText fills', () => {
    for (const text of ['person 0.87', 'Wi', '|', 'j']) {
      for (const size of [15, 33, 72]) {
        const columns = picture(text, size)[0]!.length;
        // One pixel each side: rounding of the origin to a pixel centre.
        expect(Math.abs(columns - measureText(text, size))).toBeLessThanOrEqual(2);
      }
    }
    expect(measureText('', 15)).toBeLessThan(3);
  });
});

describe('drawOnFrame', () => {
  const grey = (width: number, height: number, channels: 1 | 3 | 4): ImageFrame => ({
    data: new Uint8Array(width * height * channels).fill(100),
    width,
    height,
    channels,
  });
  const at = (frame: ImageFrame, x: number, y: number) =>
    Array.from(frame.data.subarray((y * frame.width + x) * 4, (y * frame.width + x) * 4 + 4));
  const rows: Row[] = [[40, 60, 160, 150, 0.9, 0]];

  test.each([1, 3, 4] as const)(
    '%i channels become RGBA; the input stays as it is; the line has its colour, the rest is untouched',
    (channels) => {
      const input = grey(200, 200, channels);
      const copy = input.data.slice();
      const frame = drawOnFrame(input, drawable(rows));
      expect(input.data).toEqual(copy);
      expect(frame).toMatchObject({ width: 200, height: 200, channels: 4 });
      const color = labelColor(0);
      expect(at(frame, 40, 100)).toEqual([...color, 255]);
      expect(at(frame, 159, 100)).toEqual([...color, 255]);
      expect(at(frame, 100, 150)).toEqual([...color, 255]);
      const rest = channels === 4 ? [100, 100, 100, 100] : [100, 100, 100, 255];
      expect(at(frame, 100, 100)).toEqual(rest);
      expect(at(frame, 10, 190)).toEqual(rest);
    },
  );

  test('lines are as thick as asked', () => {
    const frame = drawOnFrame(grey(200, 200, 3), drawable(rows), { lineWidth: 6, labels: false, scores: false });
    const color = labelColor(0);
    const thick = Array.from({ length: 20 }, (_, i) => at(frame, 30 + i, 100)).filter((p) =>
      p.slice(0, 3).every((v, c) => v === color[c]),
    );
    expect(thick).toHaveLength(6);
  });

  test('boxes are scaled from the source image to the frame', () => {
    const frame = drawOnFrame(grey(100, 100, 3), drawable([[400, 600, 1600, 1500, 0.9, 0]], { width: 2000, height: 2000 }));
    expect(at(frame, 20, 50).slice(0, 3)).toEqual([...labelColor(0)]);
  });

  test('a label is written: its ground and its letters are there', () => {
    const frame = drawOnFrame(grey(200, 200, 3), drawable(rows));
    const { rectangle, textColor } = planDrawing(200, 200, drawable(rows), {}, measureText).items[0]!.label!;
    let letters = 0;
    for (let y = rectangle.y; y < rectangle.y + rectangle.height; y++) {
      for (let x = rectangle.x; x < rectangle.x + rectangle.width; x++) {
        if (at(frame, x, y).every((v, c) => Math.abs(v - [...textColor, 255][c]!) < 40)) letters++;
      }
    }
    // "person 0.90": eleven characters of about twenty pixels.
    expect(letters).toBeGreaterThan(100);
    expect(at(frame, rectangle.x, rectangle.y)).toEqual([...labelColor(0), 255]);
  });

  test('tiny pictures and boxes on the rim do no harm', () => {
    for (const [w, h] of [
      [1, 1],
      [3, 2],
      [20, 5],
    ] as const) {
      const frame = drawOnFrame(
        grey(w, h, 3),
        drawable([
          [0, 0, w, h, 0.5, 0],
          [w - 1, h - 1, w, h, 0.4, 1],
        ]),
      );
      expect(frame.data).toHaveLength(w * h * 4);
    }
  });

  test('no detections: the picture as RGBA', () => {
    expect(new Set(drawOnFrame(grey(4, 4, 3), drawable([])).data)).toEqual(new Set([100, 255]));
  });
});

describe('drawDetections', () => {
  function recorder(width: number, height: number, failAt?: string) {
    const calls: unknown[][] = [];
    const record =
      (name: string) =>
      (...args: unknown[]) => {
        calls.push([name, ...args]);
        if (name === failAt) throw new Error('canvas');
      };
    const context: DrawingContext = {
      canvas: { width, height },
      strokeStyle: '',
      fillStyle: '',
      lineWidth: 1,
      lineJoin: '',
      font: '',
      textBaseline: '',
      textAlign: '',
      save: record('save'),
      restore: record('restore'),
      strokeRect: record('strokeRect'),
      fillRect: record('fillRect'),
      fillText: record('fillText'),
      measureText: (text) => ({ width: text.length * 8 }),
    };
    return { context, calls };
  }

  test('boxes first, then labels; state saved and restored; boxes scaled to the canvas', () => {
    const { context, calls } = recorder(100, 100);
    drawDetections(context, drawable([[400, 600, 1600, 1500, 0.9, 0]], { width: 2000, height: 2000 }));
    expect(calls.map(([name]) => name)).toEqual(['save', 'strokeRect', 'strokeRect', 'fillRect', 'fillText', 'restore']);
    expect(calls[1]!.slice(1)).toEqual([20, 30, 60, 45]);
    expect(calls[4]![1]).toBe('person 0.90');
  });

  test('the state is restored where the canvas throws', () => {
    const { context, calls } = recorder(100, 100, 'fillText');
    expect(() => drawDetections(context, drawable([[10, 10, 90, 90, 0.9, 0]]))).toThrow('canvas');
    expect(calls.at(-1)).toEqual(['restore']);
  });

  test('the contexts of the web fit', () => {
    expectTypeOf<CanvasRenderingContext2D>().toExtend<DrawingContext>();
    expectTypeOf<OffscreenCanvasRenderingContext2D>().toExtend<DrawingContext>();
  });
});
