// Run-length coded masks as COCO writes them: reading, writing, drawing polygons, set operations, boxes and boundaries. No matching, no files.
import { ArgumentError, describe } from '../errors.js';

/**
 * A binary mask in column-major order (down the first column, then the next). `counts` alternates runs of 0 and 1 and starts with a run
 * of 0, which may be empty. The runs add up to height x width.
 */
export interface Rle {
  /** Pixels. */
  readonly height: number;
  /** Pixels. */
  readonly width: number;
  /** Lengths of the runs. */
  readonly counts: Uint32Array;
}

/** The mask forms that COCO files hold: polygons `[[x, y, x, y, ...], ...]`, or runs as text (compressed) or numbers. */
export type CocoSegmentation =
  | readonly (readonly number[])[]
  | { readonly size: readonly [height: number, width: number]; readonly counts: string | Uint8Array | readonly number[] };

const upsampling = 5;

/** What a C compiler on x86-64 makes of `(int) value`: cut towards zero; NaN and everything outside become the smallest integer. */
function castToInt(value: number): number {
  return value > -2147483649 && value < 2147483648 ? Math.trunc(value) : -2147483648;
}

function checkSize(height: number, width: number): void {
  if (!Number.isInteger(height) || !Number.isInteger(width) || height < 0 || width < 0 || height * width > 0xffffffff) {
    throw new ArgumentError({
      thing: 'mask size',
      found: `${describe(height)} x ${describe(width)}`,
      wanted: 'height x width in whole pixels, at most 2^32 - 1 in all',
    });
  }
}

/** Throws ArgumentError unless the runs add up to height x width. */
export function checkRuns(counts: ArrayLike<number>, height: number, width: number): void {
  checkSize(height, width);
  let sum = 0;
  for (let i = 0; i < counts.length; i++) {
    const run = counts[i]!;
    if (!(run >= 0) || !Number.isInteger(run)) {
      throw new ArgumentError({ thing: `mask run ${i}`, found: describe(run), wanted: 'a whole number, at least 0' });
    }
    sum += run;
  }
  if (sum !== height * width) {
    throw new ArgumentError({
      thing: 'run-length coded mask',
      found: `runs of ${sum} pixels in all, which is too ${sum < height * width ? 'short' : 'long'}`,
      wanted: `${height} x ${width} = ${height * width} pixels`,
    });
  }
}

/**
 * Reads the compressed text of COCO (6 bits a character, from `0` to `o`; each run from the fourth on is written as its difference to the
 * run two places before). Throws ArgumentError where the text is cut, has other characters, or does not add up to height x width.
 */
export function decodeRle(text: string | Uint8Array, height: number, width: number): Rle {
  const length = text.length;
  const counts = new Uint32Array(length);
  let runs = 0;
  let at = 0;
  while (at < length) {
    let value = 0;
    let shift = 0;
    let more = true;
    while (more) {
      const code = (typeof text === 'string' ? text.charCodeAt(at) : text[at]!) - 48;
      if (at >= length || !(code >= 0 && code < 64) || shift > 30) {
        throw new ArgumentError({
          thing: `compressed mask, character ${at}`,
          found:
            at >= length
              ? 'the end of the text in the middle of a run'
              : shift > 30
                ? 'a run of too many digits'
                : describe(text[at]),
          wanted: 'characters from "0" to "o"',
        });
      }
      value += (code & 31) * 2 ** shift;
      shift += 5;
      at++;
      more = (code & 32) !== 0;
      if (!more && (code & 16) !== 0) value -= 2 ** shift;
    }
    if (runs > 2) value += counts[runs - 2]!;
    if (value < 0 || value > 0xffffffff) {
      throw new ArgumentError({ thing: `mask run ${runs}`, found: describe(value), wanted: 'a whole number, at least 0' });
    }
    counts[runs++] = value;
  }
  const used = counts.slice(0, runs);
  checkRuns(used, height, width);
  return { height, width, counts: used };
}

/** Writes the compressed text of COCO. */
export function encodeRle({ counts }: Rle): string {
  const codes: number[] = [];
  for (let i = 0; i < counts.length; i++) {
    let value = counts[i]! - (i > 2 ? counts[i - 2]! : 0);
    for (;;) {
      const low = ((value % 32) + 32) % 32;
      value = (value - low) / 32;
      const more = low & 16 ? value !== -1 : value !== 0;
      codes.push(low + (more ? 32 : 0) + 48);
      if (!more) break;
    }
  }
  let text = '';
  for (let i = 0; i < codes.length; i += 4096) text += String.fromCharCode(...codes.slice(i, i + 4096));
  return text;
}

/** Mask of a dense image: `mask[y * width + x]` (row-major) is set where it is not 0. */
export function rleFromMask(mask: ArrayLike<number>, height: number, width: number): Rle {
  checkSize(height, width);
  const counts: number[] = [];
  let run = 0;
  let value = 0;
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      const next = mask[y * width + x] ? 1 : 0;
      if (next !== value) {
        counts.push(run);
        run = 0;
        value = next;
      }
      run++;
    }
  }
  counts.push(run);
  return { height, width, counts: Uint32Array.from(counts) };
}

/** The dense image [H, W], row-major, 0 and 1. */
export function rleToMask({ height, width, counts }: Rle): Uint8Array<ArrayBuffer> {
  const mask = new Uint8Array(height * width);
  let at = 0;
  for (let i = 0; i < counts.length; i++) {
    const end = at + counts[i]!;
    if (i & 1) for (let p = at; p < end; p++) mask[(p % height) * width + Math.floor(p / height)] = 1;
    at = end;
  }
  return mask;
}

/**
 * Draws one polygon (`xy` = x, y, x, y, ... in pixels) exactly as rleFrPoly of COCO's maskApi.c on x86-64: the outline is sampled five times
 * as densely, then crossings of pixel columns are kept. No fused multiply-add, unlike wheels of ARM machines.
 */
export function rleFromPolygon(xy: ArrayLike<number>, height: number, width: number): Rle {
  checkSize(height, width);
  const corners = xy.length >> 1;
  const x = new Int32Array(corners + 1);
  const y = new Int32Array(corners + 1);
  for (let j = 0; j < corners; j++) {
    x[j] = castToInt(upsampling * xy[2 * j]! + 0.5);
    y[j] = castToInt(upsampling * xy[2 * j + 1]! + 0.5);
  }
  x[corners] = x[0]!;
  y[corners] = y[0]!;
  const crossings: number[] = [];
  let lastU = 0;
  let lastV = 0;
  let first = true;
  for (let j = 0; j < corners; j++) {
    let [xs, xe, ys, ye] = [x[j]!, x[j + 1]!, y[j]!, y[j + 1]!];
    const dx = Math.abs(xe - xs);
    const dy = Math.abs(ys - ye);
    if (dx > 1e8 || dy > 1e8) {
      throw new ArgumentError({
        thing: 'polygon',
        found: 'a corner that is NaN or very far away',
        wanted: 'finite coordinates in pixels',
      });
    }
    const wide = dx >= dy;
    const flip = wide ? xs > xe : ys > ye;
    if (flip) [xs, xe, ys, ye] = [xe, xs, ye, ys];
    const slope = wide ? (ye - ys) / dx : (xe - xs) / dy;
    const steps = wide ? dx : dy;
    for (let d = 0; d <= steps; d++) {
      const t = flip ? steps - d : d;
      const u = wide ? t + xs : castToInt(xs + slope * t + 0.5);
      const v = wide ? castToInt(ys + slope * t + 0.5) : t + ys;
      if (!first && u !== lastU) {
        const column = ((u < lastU ? u : u - 1) + 0.5) / upsampling - 0.5;
        if (Math.floor(column) === column && column >= 0 && column <= width - 1) {
          const row = ((v < lastV ? v : lastV) + 0.5) / upsampling - 0.5;
          crossings.push(column * height + Math.ceil(row < 0 ? 0 : row > height ? height : row));
        }
      }
      first = false;
      lastU = u;
      lastV = v;
    }
  }
  crossings.push(height * width);
  const sorted = Uint32Array.from(crossings).sort();
  let before = 0;
  for (let j = 0; j < sorted.length; j++) {
    const place = sorted[j]!;
    sorted[j] = place - before;
    before = place;
  }
  // Two crossings at one place cancel each other.
  let runs = 1;
  let j = 1;
  while (j < sorted.length) {
    if (sorted[j]! > 0) sorted[runs++] = sorted[j++]!;
    else {
      j++;
      if (j < sorted.length) sorted[runs - 1]! += sorted[j++]!;
    }
  }
  return { height, width, counts: sorted.slice(0, runs) };
}

/** Draws a box (x, y, w, h in pixels) as the polygon of its corners. */
export function rleFromBox(box: ArrayLike<number>, height: number, width: number): Rle {
  const [x1, y1] = [box[0]!, box[1]!];
  const x2 = x1 + box[2]!;
  const y2 = y1 + box[3]!;
  return rleFromPolygon([x1, y1, x1, y2, x2, y2, x2, y1], height, width);
}

/** Union or intersection of masks of one size. Throws ArgumentError where sizes differ or none is given. */
export function mergeRles(masks: readonly Rle[], operation: 'union' | 'intersection' = 'union'): Rle {
  const [firstMask, ...others] = masks;
  if (!firstMask) throw new ArgumentError({ thing: 'masks', found: 'none', wanted: 'at least one mask' });
  let merged = firstMask;
  for (const other of others) {
    if (other.height !== merged.height || other.width !== merged.width) {
      throw new ArgumentError({
        thing: 'masks',
        found: `${merged.height} x ${merged.width} and ${other.height} x ${other.width}`,
        wanted: 'masks of one size',
      });
    }
    const counts: number[] = [];
    let run = 0;
    let value = false;
    walkTogether(merged.counts, other.counts, (length, a, b) => {
      const next = operation === 'union' ? a || b : a && b;
      if (next !== value) {
        counts.push(run);
        run = 0;
        value = next;
      }
      run += length;
    });
    counts.push(run);
    merged = { height: merged.height, width: merged.width, counts: Uint32Array.from(counts) };
  }
  return merged;
}

/** Calls `visit` for every stretch in which neither mask changes. Both must have the same number of pixels. */
function walkTogether(a: Uint32Array, b: Uint32Array, visit: (length: number, inA: boolean, inB: boolean) => void): void {
  let [i, j] = [0, 0];
  let leftA = a[0] ?? 0;
  let leftB = b[0] ?? 0;
  while (i < a.length && j < b.length) {
    const length = Math.min(leftA, leftB);
    if (length > 0) visit(length, (i & 1) === 1, (j & 1) === 1);
    leftA -= length;
    leftB -= length;
    if (leftA === 0) leftA = a[++i] ?? 0;
    if (leftB === 0) leftB = b[++j] ?? 0;
  }
}

/** Pixels that are set. */
export function rleArea({ counts }: Rle): number {
  let area = 0;
  for (let i = 1; i < counts.length; i += 2) area += counts[i]!;
  return area;
}

/** Pixels that are set in both masks. They must have one size. */
export function rleIntersection(a: Rle, b: Rle): number {
  let shared = 0;
  walkTogether(a.counts, b.counts, (length, inA, inB) => {
    if (inA && inB) shared += length;
  });
  return shared;
}

/**
 * The tight box (x, y, w, h in pixels). A mask without set pixels that is written in two runs or more gives what maskApi.c gives: its unsigned
 * arithmetic wraps around (x = width, w = 2^32 + 1 - width); one written as a single run gives 0, 0, 0, 0.
 */
export function rleToBox({ height, width, counts }: Rle): [x: number, y: number, w: number, h: number] {
  if (counts.length < 2) return [0, 0, 0, 0];
  let [left, top, right, bottom] = [width, height, 0, 0];
  let at = 0;
  for (let i = 0; i + 1 < counts.length; i += 2) {
    const start = at + counts[i]!;
    at = start + counts[i + 1]!;
    if (at === start) continue;
    const firstColumn = Math.floor(start / height);
    const lastColumn = Math.floor((at - 1) / height);
    left = Math.min(left, firstColumn);
    right = Math.max(right, lastColumn);
    top = Math.min(top, firstColumn < lastColumn ? 0 : start % height);
    bottom = Math.max(bottom, firstColumn < lastColumn ? height - 1 : (at - 1) % height);
  }
  return [left, top, (right - left + 1) >>> 0, (bottom - top + 1) >>> 0];
}

/**
 * Reads any mask form of a COCO file. Polygons need the size of their image; their parts are united. A polygon of four numbers is drawn as two
 * corners, like any other; pycocotools stops at a list whose first polygon is one. Throws ArgumentError.
 */
export function rleFromSegmentation(segmentation: CocoSegmentation, height: number, width: number): Rle {
  if (Array.isArray(segmentation)) {
    const parts = segmentation as readonly (readonly number[])[];
    const first = parts[0]?.length ?? 0;
    if (first < 4)
      throw new ArgumentError({ thing: 'polygon', found: `${first} numbers`, wanted: 'at least 6 numbers: x, y, x, y, x, y' });
    return mergeRles(parts.map((part) => rleFromPolygon(part, height, width)));
  }
  const { size, counts } = segmentation as Exclude<CocoSegmentation, readonly (readonly number[])[]>;
  if (!Array.isArray(size) || size.length !== 2) {
    throw new ArgumentError({ thing: 'mask size', found: describe(size), wanted: '[height, width]' });
  }
  if (typeof counts === 'string' || counts instanceof Uint8Array) return decodeRle(counts, size[0]!, size[1]!);
  checkRuns(counts, size[0]!, size[1]!);
  return { height: size[0]!, width: size[1]!, counts: Uint32Array.from(counts) };
}

/** Python's round(): halves go to the even neighbour. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

/** Width of the boundary band in pixels for Boundary IoU: `ratio` of the image diagonal, at least 1 (Cheng et al. 2021, boundary_utils.py). */
export function boundaryWidth(height: number, width: number, ratio = 0.02): number {
  return Math.max(1, roundHalfEven(ratio * Math.sqrt(height * height + width * width)));
}

/**
 * The part of a mask within `distance` pixels (chessboard distance) of a pixel that is not set; outside the image nothing is set, so the image
 * border counts as boundary. Same as mask - erode3x3^distance with zero padding.
 */
export function rleBoundary(rle: Rle, distance: number = boundaryWidth(rle.height, rle.width)): Rle {
  const { height, width } = rle;
  const mask = rleToMask(rle);
  // A pixel is inside where the window of 2 * distance + 1 around it is full: first along rows, then along columns.
  const along = new Uint8Array(mask.length);
  for (let y = 0; y < height; y++) {
    let run = 0;
    for (let x = 0; x < width; x++) {
      run = mask[y * width + x] ? run + 1 : 0;
      if (run > 2 * distance) along[y * width + x - distance] = 1;
    }
  }
  for (let x = 0; x < width; x++) {
    let run = 0;
    for (let y = 0; y < height; y++) {
      run = along[y * width + x] ? run + 1 : 0;
      if (run > 2 * distance) mask[(y - distance) * width + x] = 0;
    }
  }
  return rleFromMask(mask, height, width);
}
