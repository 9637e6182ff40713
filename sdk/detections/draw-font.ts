// A stroke font of Latin-1, made for this package: letters as lines and curves on a grid, drawn smooth at any size. No layout here.

// A glyph is strokes parted by spaces; a stroke is points of two base-36 digits, x and y; `~` makes a point the control point of a quadratic
// curve between its neighbours. y: 6 capital top, 12 small top, 24 base line, 30 descender. Two grid steps are one pixel at scale 1, so
// that upright stems on even numbers are sharp.
const strokes: Readonly<Record<string, string>> = {
  '!': '060i 0o',
  '"': '060b 464b',
  '#': '262o 868o 0cac 0iai',
  $: 'a9~a656~060a~0e5f~agak~ao5o~0o0l 535r',
  '%': '09~0626~4649~4c2c~0c09 8l~8iai~cicl~coao~8o8l b61o',
  '&': 'bo2b~0646~868a~7d3f~0h0k~0o4o~9obg',
  "'": '060b',
  '(': '44~0a0g~0m4s',
  ')': '04~4a4g~4m0s',
  '*': '464e 088c 880c',
  '+': '0i8i 4e4m',
  ',': '2o0s',
  '-': '0i6i',
  '.': '0o',
  '/': '0q86',
  '0': '0d~0656~a6adah~ao5o~0o0h0d',
  '1': '1b666o 2oao',
  '2': '0b~0656~a6ab~ae7h0oao',
  '3': '09~1656~969a~9e4e 4e5e~aeaj~ao5o~0o0k',
  '4': '8o860iai',
  '5': '96160e~2c5c~acai~ao5o~1o0l',
  '6': '98~8656~060e0i~0o5o~aoaj~ae5e~0e0j',
  '7': '06a64o',
  '8': '5e~1e1a~1656~969a~9e5e~aeaj~ao5o~0o0j~0e5e',
  '9': '1m~2o5o~aoagac~a656~060b~0g5g~agab',
  ':': '0e 0o',
  ';': '2e 2o0s',
  '<': '8d0i8n',
  '=': '0g8g 0k8k',
  '>': '0d8i0n',
  '?': '0a~0646~868a~8d4g4j 4o',
  '@': 'bn~ao7o~0o0f~0676~e6ee~ejcj~ajagab af~ac7c~4c4f~4i7i~aiaf',
  A: '0o66co 2iai',
  B: '060o6o~aoaj~ae6e0e 6e~9e9a~966606',
  C: 'aa~a656~060c0i~0o5o~aoak',
  D: '060o4o~aoahad~a64606',
  E: '96060o9o 0e7e',
  F: '96060o 0e7e',
  G: 'aa~a656~060c0i~0o5o~aoaiag6g',
  H: '060o a6ao 0eae',
  I: '0646 262o 0o4o',
  J: '868i~8o4o~0o0k',
  K: '060o a60g 3dao',
  L: '060o8o',
  M: '0o066gc6co',
  N: '0o06aoa6',
  O: '0d~0666~c6cdch~co6o~0o0h0d',
  P: '0o0666~a6ab~ag6g0g',
  Q: '0d~0666~c6cdch~co6o~0o0h0d 7jcq',
  R: '0o0666~a6ab~ag6g0g 5gao',
  S: 'a9~a656~060a~0e5f~agak~ao5o~0o0l',
  T: '06c6 666o',
  U: '060h~0o5o~aoaha6',
  V: '066oc6',
  W: '064o8acog6',
  X: '06ao a60o',
  Y: '066fc6 6f6o',
  Z: '06a60oao',
  '[': '44040s4s',
  '\\': '068q',
  ']': '04444s0s',
  '^': '0c468c',
  _: '0qaq',
  '`': '0539',
  a: '1d~2c4c~8c8g8o 8i4i~0i0l~0o4o~7o8l',
  b: '060o 0i~0c5c~acai~ao5o~0o0i',
  c: '9f~8c5c~0c0i~0o5o~8o9l',
  d: 'a6ao ai~ac5c~0c0i~0o5o~aoai',
  e: '0iai~ac5c~0c0i~0o5o~9oal',
  f: '76~262a2o 0c6c',
  g: 'ai~ac5c~0c0i~0o5o~aoai acap~au5u~2u1s',
  h: '060o 0h~0c4c~8c8h8o',
  i: '0c0o 07',
  j: '4c4p~4u0u 47',
  k: '060o 8c0k 3h8o',
  l: '060k~0o3o',
  m: '0c0o 0g~0c3c~6c6g6o 6g~6c9c~cccgco',
  n: '0c0o 0h~0c4c~8c8h8o',
  o: '0i~0c5c~acai~ao5o~0o0i',
  p: '0c0u 0i~0c5c~acai~ao5o~0o0i',
  q: 'acau ai~ac5c~0c0i~0o5o~aoai',
  r: '0c0o 0h~0c4c6c',
  s: '8e~8c4c~0c0f~0i4i~8i8l~8o4o~0o0m',
  t: '282k~2o6o 0c6c',
  u: '0c0j~0o4o~8o8j 8c8o',
  v: '0c5oac',
  w: '0c4o7eaoec',
  x: '0c8o 8c0o',
  y: '0c5o ac4q~3u0u',
  z: '0c8c0o8o',
  '{': '64~34383d~3g0g~3g3j3o~3s6s',
  '|': '040s',
  '}': '04~34383d~3g6g~3g3j3o~3s0s',
  '~': '0j~2f5i~8lah',
  '\u00a1': '0c 0i0u',
  '\u00a2': '9f~8c5c~0c0i~0o5o~8o9l 595r',
  '\u00a3': '99~8656~262b2o 0o9o 0g7g',
  '\u00a4': '1g~1c5c~9c9g~9k5k~1k1g 0b2d ab8d 0l2j al8j',
  '\u00a5': '066fc6 6f6o 1hbh 1lbl',
  '\u00a6': '040d 0j0s',
  '\u00a7': '88~8646~0609~0b4d~8f8i~8j6k 2c~0d0g~0j4l~8n8p~8s4s~0s0q',
  '\u00a8': '07 67',
  '\u00a9': '0f~0686~g6gf~go8o~0o0f bc~ba8a~5a5f~5k8k~bkbi',
  '\u00ab': '5c0i5o ac5iao',
  '\u00ac': '0gagal',
  '\u00ae': '0f~0686~g6gf~go8o~0o0f 5k5a8a~babd~bf8f5f 8fbk',
  '\u00af': '0787',
  '\u00b0': '09~0636~6669~6c3c~0c09',
  '\u00b1': '0g8g 4c4k 0o8o',
  '\u00b4': '3509',
  '\u00b5': '0c0u 0j~0o4o~8o8j 8c8o',
  '\u00b6': 'a6ao 666o a646~060a~0e4e6e',
  '\u00b7': '0g',
  '\u00b8': '2o1q~4q4s~4u0u',
  '\u00bb': '0c5i0o 5cai5o',
  '\u00bf': '8q~8u4u~0u0q~0n4k4h 4c',
  '\u00c6': '0o76g6 868ogo 8eee 3i8i',
  '\u00d0': '262o6o~cochcd~c66626 0e7e',
  '\u00d7': '0e8m 8e0m',
  '\u00d8': '0d~0666~c6cdch~co6o~0o0h0d 0qc4',
  '\u00de': '060o 0a6a~aaaf~ak6k0k',
  '\u00df': '0o0a~0646~8689~8c4d~9e9j~9o4o',
  '\u00e6': '1d~2c4c~8c8g8o 8i4i~0i0l~0o4o~7o8l 8igi~gccc~8c8i~8oco~fogl',
  '\u00f0': '0i~0c5c~acai~ao5o~0o0i ai~aa26 1a85',
  '\u00f7': '0i8i 4d 4n',
  '\u00f8': '0i~0c5c~acai~ao5o~0o0i 0paa',
  '\u00fe': '060u 0i~0c5c~acai~ao5o~0o0i',
  '\u0131': '0c0o',
  '\u2026': '0o 5o ao',
};

/** Shown for every character that the font has not. */
const unknownGlyph = '06860o8o 060o 868o';

/** Accents (combining marks), centred on x 8, at the height for small letters. */
const accents: Readonly<Record<string, string>> = {
  '\u0300': '5599',
  '\u0301': 'b579',
  '\u0302': '4985c9',
  '\u0303': '39~5588~bbd6',
  '\u0308': '57 b7',
  '\u030a': '57~5484~b4b7~ba8a~5a57',
  '\u0327': '8o7q~aqas~au6u',
};

/** Typographic twins that look the same at these sizes. */
const twins: Readonly<Record<string, string>> = {
  '\u00a0': ' ',
  '\u00ad': '-',
  '\u2010': '-',
  '\u2011': '-',
  '\u2013': '-',
  '\u2014': '-',
  '\u2212': '-',
  '\u2018': "'",
  '\u2019': "'",
  '\u201c': '"',
  '\u201d': '"',
};

/** Small raised and lowered characters: [character, x, lowered]. */
const composed: Readonly<Record<string, readonly (readonly [string, number, boolean])[]>> = {
  '\u00aa': [['a', 0, false]],
  '\u00b2': [['2', 0, false]],
  '\u00b3': [['3', 0, false]],
  '\u00b9': [['1', 0, false]],
  '\u00ba': [['o', 0, false]],
  '\u00bc': [
    ['1', 0, false],
    ['4', 11, true],
  ],
  '\u00bd': [
    ['1', 0, false],
    ['2', 11, true],
  ],
  '\u00be': [
    ['3', 0, false],
    ['4', 11, true],
  ],
};

/** Space between the lines of neighbouring letters, and width of a space, in grid steps. */
const gap = 6;
const spaceWidth = 4;

/** From the top of accents on capitals to the descender, in grid steps: the height of a line of text. */
const lineSteps = 30;

/** Thickness of strokes, in grid steps. */
const weight = 2.9;

/** A line from (x1, y1) to (x2, y2) in grid steps. */
type Segment = readonly [number, number, number, number];

interface Glyph {
  segments: readonly Segment[];
  /** Grid steps from the first stroke's left to the last one's right. */
  width: number;
}

const glyphs = new Map<string, Glyph>();

/** Straight pieces of strokes in text form; curves in six pieces. */
function parse(text: string): Segment[] {
  const segments: Segment[] = [];
  for (const stroke of text.split(' ')) {
    const points = Array.from(stroke.matchAll(/(~?)([0-9a-z])([0-9a-z])/g), ([, control, x, y]) => ({
      control: control === '~',
      x: Number.parseInt(x!, 36),
      y: Number.parseInt(y!, 36),
    }));
    let from = points[0]!;
    if (points.length === 1) segments.push([from.x, from.y, from.x, from.y]);
    for (let i = 1; i < points.length; i++) {
      const point = points[i]!;
      if (!point.control) {
        segments.push([from.x, from.y, point.x, point.y]);
        from = point;
        continue;
      }
      const to = points[++i]!;
      let { x, y } = from;
      for (let k = 1; k <= 6; k++) {
        const t = k / 6;
        const nextX = (1 - t) ** 2 * from.x + 2 * t * (1 - t) * point.x + t * t * to.x;
        const nextY = (1 - t) ** 2 * from.y + 2 * t * (1 - t) * point.y + t * t * to.y;
        segments.push([x, y, nextX, nextY]);
        x = nextX;
        y = nextY;
      }
      from = to;
    }
  }
  return segments;
}

function glyphOf(character: string): Glyph {
  let glyph = glyphs.get(character);
  if (!glyph) glyphs.set(character, (glyph = makeGlyph(character)));
  return glyph;
}

function makeGlyph(character: string): Glyph {
  const twin = twins[character] ?? character;
  if (twin === ' ') return { segments: [], width: spaceWidth };
  const parts = composed[twin];
  let segments: Segment[];
  if (parts) {
    segments = parts.flatMap(([base, x, lowered]) =>
      // 0.6 of the size; raised to the capital top, or standing on the base line.
      parse(strokes[base]!).map((s) => s.map((v, i) => v * 0.6 + (i % 2 ? (lowered ? 9.6 : 2.4) : x)) as unknown as Segment),
    );
    if (parts.length > 1) segments.push([3, 24, 14, 6]);
  } else if (strokes[twin]) {
    segments = parse(strokes[twin]);
  } else {
    const [base, mark, ...rest] = Array.from(twin.normalize('NFD'));
    const letter = base === 'i' ? '\u0131' : base!;
    if (mark && rest.length === 0 && strokes[letter] && accents[mark]) {
      segments = parse(strokes[letter]);
      const right = Math.max(...segments.map((s) => Math.max(s[0], s[2])));
      const shift = right / 2 - 8;
      const capital = letter >= 'A' && letter <= 'Z' && mark !== '\u0327';
      segments.push(
        ...parse(accents[mark]).map(([a, b, c, d]): Segment => {
          const up = capital ? 6 : 0;
          return [a + shift, b - up, c + shift, d - up];
        }),
      );
    } else segments = parse(unknownGlyph);
  }
  const left = Math.min(...segments.map((s) => Math.min(s[0], s[2])));
  const right = Math.max(...segments.map((s) => Math.max(s[0], s[2])));
  return {
    segments: left === 0 ? segments : segments.map(([a, b, c, d]): Segment => [a - left, b, c - left, d]),
    width: right - left,
  };
}

/** Pixels a grid step for a font size in pixels (ascender to descender). In quarters of a pixel a pair of steps, so that stems fall on pixels. */
function stepOf(fontSize: number): number {
  return Math.max(2, Math.round((fontSize / lineSteps) * 8)) / 8;
}

/** Width of a text in pixels. */
export function measureText(text: string, fontSize: number): number {
  let steps = weight;
  let first = true;
  for (const character of text) {
    steps += glyphOf(character).width + (first ? 0 : gap);
    first = false;
  }
  return steps * stepOf(fontSize);
}

/** Calls `plot` with every pixel that the text touches, and how much of it (0 to 1). `top` is the top of the line, `x` its left side. */
export function plotText(
  text: string,
  fontSize: number,
  x: number,
  top: number,
  plot: (x: number, y: number, cover: number) => void,
): void {
  const step = stepOf(fontSize);
  const half = (weight * step) / 2;
  // Stems have whole-pixel centres: the origin is moved to a pixel centre.
  let originX = Math.floor(x + half) + 0.5;
  const originY = Math.floor(top) + 0.5;
  for (const character of text) {
    const { segments, width } = glyphOf(character);
    if (segments.length > 0) plotGlyph(segments, step, half, originX, originY, plot);
    originX += (width + gap) * step;
  }
}

function plotGlyph(
  segments: readonly Segment[],
  step: number,
  half: number,
  originX: number,
  originY: number,
  plot: (x: number, y: number, cover: number) => void,
): void {
  const bounds = [0, 1].map((axis) => {
    const values = segments.flatMap((s) => [s[axis]!, s[axis + 2]!]);
    const origin = axis ? originY : originX;
    return [
      Math.floor(origin + Math.min(...values) * step - half - 1),
      Math.ceil(origin + Math.max(...values) * step + half + 1),
    ] as const;
  }) as [readonly [number, number], readonly [number, number]];
  for (let y = bounds[1][0]; y <= bounds[1][1]; y++) {
    for (let x = bounds[0][0]; x <= bounds[0][1]; x++) {
      let nearest = Number.POSITIVE_INFINITY;
      for (const [x1, y1, x2, y2] of segments) {
        nearest = Math.min(nearest, distanceSquared((x + 0.5 - originX) / step, (y + 0.5 - originY) / step, x1, y1, x2, y2));
      }
      // The stroke's edge runs through the pixel: its cover falls from 1 to 0 over one pixel.
      const cover = Math.min(1, half + 0.5 - Math.sqrt(nearest) * step);
      if (cover > 0) plot(x, y, cover);
    }
  }
}

function distanceSquared(px: number, py: number, x1: number, y1: number, x2: number, y2: number): number {
  const dx = x2 - x1;
  const dy = y2 - y1;
  const length = dx * dx + dy * dy;
  const t = length === 0 ? 0 : Math.min(1, Math.max(0, ((px - x1) * dx + (py - y1) * dy) / length));
  return (px - x1 - t * dx) ** 2 + (py - y1 - t * dy) ** 2;
}
