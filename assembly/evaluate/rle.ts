// Run-length coded masks in memory: COCO's compressed text, polygons drawn as maskApi.c draws them, and sets of pixels as sorted intervals.
//
// A mask at work is a list of intervals: pairs of u32 (start, end) of set pixels in column-major order, sorted and apart from each other.

import { ensure } from './memory';

export let runsTotal: u64 = 0;
export let boxX: f64 = 0;
export let boxY: f64 = 0;
export let boxW: f64 = 0;
export let boxH: f64 = 0;

/** Reads `length` bytes of compressed text as u32 runs at `out`; adds them up in `runsTotal`. Returns their number, -1 for bad text. */
export function decodeRuns(text: usize, length: usize, out: usize): isize {
  const stop = text + length;
  const first = out;
  runsTotal = 0;
  while (text < stop) {
    let x: i64 = 0;
    let shift: i64 = 0;
    while (true) {
      const c = <u32>load<u8>(text++) - 48;
      if (c > 63 || text > stop || shift > 30) return -1;
      x |= (<i64>c & 31) << shift;
      shift += 5;
      if (!(c & 32)) {
        if (c & 16) x |= <i64>-1 << shift;
        break;
      }
    }
    if (out - first > 8) x += <i64>load<u32>(out - 8);
    if (<u64>x > 0xffffffff) return -1;
    store<u32>(out, <u32>x);
    out += 4;
    runsTotal += <u64>x;
  }
  return (out - first) >> 2;
}

/** Writes one difference of runs as compressed text; returns the place behind it. */
export function encodeRun(x: i64, out: usize): usize {
  while (true) {
    let c = <u32>(x & 31);
    x >>= 5;
    const more = c & 16 ? x != -1 : x != 0;
    if (more) c |= 32;
    store<u8>(out++, <u8>(c + 48));
    if (!more) return out;
  }
}

/** Pixels set in `count` runs. */
export function rleArea(runs: usize, count: isize): f64 {
  let area: u64 = 0;
  for (let i: isize = 1; i < count; i += 2) area += <u64>load<u32>(runs + (<usize>i << 2));
  return <f64>area;
}

/** Tight box of runs into boxX..boxH; a mask of several runs without set pixels wraps around as in maskApi.c. */
export function rleBox(runs: usize, count: isize, h: u32, w: u32): void {
  if (count < 2) {
    boxX = boxY = boxW = boxH = 0;
    return;
  }
  let left = w, top = h, right: u32 = 0, bottom: u32 = 0;
  let at: u32 = 0;
  for (let i: isize = 0; i + 1 < count; i += 2) {
    const start = at + load<u32>(runs + (<usize>i << 2));
    const run = load<u32>(runs + (<usize>i << 2), 4);
    at = start + run;
    if (!run) continue;
    const x1 = start / h;
    const x2 = (at - 1) / h;
    left = min(left, x1);
    right = max(right, x2);
    if (x1 < x2) {
      top = 0;
      bottom = h - 1;
    } else {
      top = min(top, start - x1 * h);
      bottom = max(bottom, at - 1 - x2 * h);
    }
  }
  boxX = left;
  boxY = top;
  boxW = <f64>(right - left + 1);
  boxH = <f64>(bottom - top + 1);
}

// ---- intervals

/** Room for the intervals that are being made; grows by itself. All functions below write at `out` and return the end of what they wrote. */

/** Intervals of runs. Runs of length 0 vanish, neighbours join. */
export function runsToIntervals(runs: usize, count: isize, out: usize): usize {
  const first = out;
  let at: u32 = 0;
  for (let i: isize = 0; i < count; i++) {
    const start = at;
    at += load<u32>(runs + (<usize>i << 2));
    if (!(i & 1) || at == start) continue;
    if (out > first && load<u32>(out - 4) == start) store<u32>(out - 4, at);
    else {
      store<u32>(out, start);
      store<u32>(out, at, 4);
      out += 8;
    }
  }
  return out;
}

/** Compressed text straight into intervals. The text was checked when it was read. */
export function textToIntervals(text: usize, length: usize, out: usize): usize {
  const stop = text + length;
  const first = out;
  let before: u32 = 0, last: u32 = 0, at: u32 = 0;
  let i = 0;
  while (text < stop) {
    let c = <u32>load<u8>(text++) - 48;
    let x = <i32>(c & 31);
    let shift = 5;
    while (c & 32) {
      c = <u32>load<u8>(text++) - 48;
      x |= (c & 31) << shift;
      shift += 5;
    }
    if (c & 16 && shift < 32) x |= -1 << shift;
    let run = <u32>x;
    if (i > 2) run += before;
    before = last;
    last = run;
    const start = at;
    at += run;
    if (i & 1 && run) {
      if (out > first && load<u32>(out - 4) == start) store<u32>(out - 4, at);
      else {
        store<u32>(out, start);
        store<u32>(out, at, 4);
        out += 8;
      }
    }
    i++;
  }
  return out;
}

export function intervalArea(from: usize, to: usize): u32 {
  let area: u32 = 0;
  for (; from < to; from += 8) area += load<u32>(from, 4) - load<u32>(from);
  return area;
}

/** Pixels in both lists. */
export function intervalOverlap(a: usize, aEnd: usize, b: usize, bEnd: usize): u32 {
  let shared: u32 = 0;
  if (a >= aEnd || b >= bEnd) return 0;
  let a0 = load<u32>(a), a1 = load<u32>(a, 4), b0 = load<u32>(b), b1 = load<u32>(b, 4);
  // Leave out by halves what lies before the other list.
  if (a1 <= b0) {
    a = firstEndingAfter(a, aEnd, b0);
    if (a >= aEnd) return 0;
    a0 = load<u32>(a);
    a1 = load<u32>(a, 4);
  } else if (b1 <= a0) {
    b = firstEndingAfter(b, bEnd, a0);
    if (b >= bEnd) return 0;
    b0 = load<u32>(b);
    b1 = load<u32>(b, 4);
  }
  while (true) {
    const low = max(a0, b0);
    const high = min(a1, b1);
    shared += high > low ? high - low : 0;
    if (a1 < b1) {
      a += 8;
      if (a >= aEnd) return shared;
      a0 = load<u32>(a);
      a1 = load<u32>(a, 4);
    } else {
      b += 8;
      if (b >= bEnd) return shared;
      b0 = load<u32>(b);
      b1 = load<u32>(b, 4);
    }
  }
}

function firstEndingAfter(from: usize, to: usize, place: u32): usize {
  let low: usize = 0;
  let high: usize = (to - from) >> 3;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (load<u32>(from + (middle << 3), 4) <= place) low = middle + 1;
    else high = middle;
  }
  return from + (low << 3);
}

/** Union of two lists. */
export function intervalUnion(a: usize, aEnd: usize, b: usize, bEnd: usize, out: usize): usize {
  const first = out;
  while (a < aEnd || b < bEnd) {
    let from: usize;
    if (b >= bEnd || (a < aEnd && load<u32>(a) <= load<u32>(b))) {
      from = a;
      a += 8;
    } else {
      from = b;
      b += 8;
    }
    const start = load<u32>(from);
    const stop = load<u32>(from, 4);
    if (out > first && start <= load<u32>(out - 4)) store<u32>(out - 4, max(load<u32>(out - 4), stop));
    else {
      store<u32>(out, start);
      store<u32>(out, stop, 4);
      out += 8;
    }
  }
  return out;
}

/** Pixels p of list a for which p + shift is in list b. */
function intersectShifted(a: usize, aEnd: usize, b: usize, bEnd: usize, shift: u32, out: usize): usize {
  while (a < aEnd && b < bEnd) {
    const a0 = <i64>load<u32>(a), a1 = <i64>load<u32>(a, 4);
    const b0 = <i64>load<u32>(b) - <i64>shift, b1 = <i64>load<u32>(b, 4) - <i64>shift;
    const low = max(a0, b0);
    const high = min(a1, b1);
    if (low < high) {
      store<u32>(out, <u32>low);
      store<u32>(out, <u32>high, 4);
      out += 8;
    }
    if (a1 < b1) a += 8;
    else b += 8;
  }
  return out;
}

/**
 * The pixels of a mask within `d` (chessboard distance) of one that is not set; beyond the image nothing is set. The mask is shrunk along
 * columns, then columns are intersected with their neighbours at distances that double. Uses the memory above `out` freely.
 */
export function boundary(from: usize, to: usize, h: u32, w: u32, d: u32, out: usize): usize {
  // Shrunk along columns: each piece within one column loses d at both ends.
  const pieces = ((to - from) >> 3) + w;
  const scratch = out + ((((to - from) >> 3) + 2 * pieces + 2) << 3);
  ensure(scratch + (pieces << 4));
  let inner = scratch;
  for (let p = from; p < to; p += 8) {
    let start = load<u32>(p);
    const stop = load<u32>(p, 4);
    while (start < stop) {
      const columnEnd = min(stop, (start / h + 1) * h);
      if (columnEnd - start > 2 * d) {
        store<u32>(inner, start + d);
        store<u32>(inner, columnEnd - d, 4);
        inner += 8;
      }
      start = columnEnd;
    }
  }
  let a = scratch;
  let aEnd = inner;
  let width: u32 = 1;
  const wanted: u32 = 2 * d + 1;
  while (width < wanted && a < aEnd) {
    const step = min(width, wanted - width);
    ensure(aEnd + (aEnd - a) * 2);
    const next = intersectShifted(a, aEnd, a, aEnd, step * h, aEnd);
    a = aEnd;
    aEnd = next;
    width += step;
  }
  // What is inside, moved back by d columns, is taken out of the mask.
  const shift = d * h;
  for (let p = from; p < to; p += 8) {
    let start = load<u32>(p);
    const stop = load<u32>(p, 4);
    while (a < aEnd && load<u32>(a) + shift < stop) {
      const hole = load<u32>(a) + shift;
      if (hole > start) {
        store<u32>(out, start);
        store<u32>(out, hole, 4);
        out += 8;
      }
      start = load<u32>(a, 4) + shift;
      a += 8;
    }
    if (start < stop) {
      store<u32>(out, start);
      store<u32>(out, stop, 4);
      out += 8;
    }
  }
  return out;
}

/** A C compiler's `(int) value` on x86-64: NaN and what does not fit become the smallest integer. */
// @ts-ignore: decorator
@inline function castToInt(v: f64): i32 {
  return v > -2147483649 && v < 2147483648 ? <i32>v : i32.MIN_VALUE;
}

// @ts-ignore: decorator
@inline function floorBy5(v: i32): i32 {
  return v >= 0 ? v / 5 : -((4 - v) / 5);
}

// @ts-ignore: decorator
@inline function crossing(at: usize, column: i32, v: f64, h: u32, height: f64): usize {
  let row = (v + 0.5) / 5 - 0.5;
  row = row < 0 ? 0 : row > height ? height : ceil(row);
  store<u32>(at, <u32>column * h + <u32>row);
  return at + 4;
}

/** Places one crossing needs in scratch memory: the outline of a polygon has at most this many points. */
export function polygonPoints(xy: usize, corners: usize): f64 {
  let points: f64 = 0;
  for (let j: usize = 0; j < corners; j++) {
    const k: usize = j + 1 == corners ? 0 : j + 1;
    const dx = abs(<f64>castToInt(5 * load<f64>(xy + (j << 4)) + 0.5) - <f64>castToInt(5 * load<f64>(xy + (k << 4)) + 0.5));
    const dy = abs(<f64>castToInt(5 * load<f64>(xy + (j << 4), 8) + 0.5) - <f64>castToInt(5 * load<f64>(xy + (k << 4), 8) + 0.5));
    points += max(dx, dy) + 1;
  }
  return points;
}

/**
 * Draws one polygon as rleFrPoly of maskApi.c does and writes its intervals at `out`. `scratch` holds two u32 for every point of the outline.
 */
export function polygonToIntervals(xy: usize, corners: usize, h: u32, w: u32, out: usize, scratch: usize): usize {
  const crossings = scratch;
  let top = crossings;
  const height = <f64>h;
  const lastColumn = <i32>w - 1;
  let x0 = castToInt(5 * load<f64>(xy) + 0.5);
  let y0 = castToInt(5 * load<f64>(xy, 8) + 0.5);
  for (let j: usize = 0; j < corners; j++) {
    const next = xy + (<usize>(j + 1 == corners ? 0 : j + 1) << 4);
    const x1 = castToInt(5 * load<f64>(next) + 0.5);
    const y1 = castToInt(5 * load<f64>(next, 8) + 0.5);
    let xs = x0, ys = y0, xe = x1, ye = y1;
    x0 = x1;
    y0 = y1;
    const dx = abs(xe - xs), dy = abs(ys - ye);
    const wide = dx >= dy;
    if (wide ? xs > xe : ys > ye) {
      let t = xs;
      xs = xe;
      xe = t;
      t = ys;
      ys = ye;
      ye = t;
    }
    // maskApi.c visits every point of the edge and keeps where u goes from 5 k + 2 to 5 k + 3 or back, with the smaller v of both points: a
    // crossing of pixel column k. Here only those points are computed, by the same operations. (Points of neighbouring edges meet at one u,
    // or at negative ones, which are in no column.)
    if (wide) {
      const slope = <f64>(ye - ys) / <f64>dx;
      const last = min(floorBy5(xe - 3), lastColumn);
      for (let k = max(floorBy5(xs + 2), 0); k <= last; k++) {
        const t = 5 * k + 2 - xs;
        const v0 = castToInt(<f64>ys + slope * <f64>t + 0.5);
        const v1 = castToInt(<f64>ys + slope * <f64>(t + 1) + 0.5);
        top = crossing(top, k, <f64>min(v0, v1), h, height);
      }
    } else {
      const slope = <f64>(xe - xs) / <f64>dy;
      const u0 = castToInt(<f64>xs + 0.5), u1 = castToInt(<f64>xs + slope * <f64>dy + 0.5);
      const last = min(floorBy5(max(u0, u1) - 3), lastColumn);
      for (let k = max(floorBy5(min(u0, u1) + 2), 0); k <= last; k++) {
        const u = 5 * k + 2;
        let t = <i32>((<f64>u + 0.5 - <f64>xs) / slope);
        if (slope > 0) {
          while (t > 0 && castToInt(<f64>xs + slope * <f64>(t - 1) + 0.5) > u) t--;
          while (castToInt(<f64>xs + slope * <f64>t + 0.5) <= u) t++;
        } else {
          while (t > 0 && castToInt(<f64>xs + slope * <f64>(t - 1) + 0.5) <= u) t--;
          while (castToInt(<f64>xs + slope * <f64>t + 0.5) > u) t++;
        }
        top = crossing(top, k, <f64>(t - 1 + ys), h, height);
      }
    }
  }
  sortWords(crossings, (top - crossings) >> 2, top);
  // Crossings in pairs open and close intervals; two at one place cancel.
  const first = out;
  for (let p = crossings; p < top; p += 8) {
    const start = load<u32>(p);
    const stop = p + 4 < top ? load<u32>(p, 4) : h * w;
    if (start == stop) continue;
    if (out > first && load<u32>(out - 4) == start) store<u32>(out - 4, stop);
    else {
      store<u32>(out, start);
      store<u32>(out, stop, 4);
      out += 8;
    }
  }
  return out;
}

/** Ascending; small lists by insertion, large ones by bytes from the lowest (LSD radix). `scratch` has room for `count` words. */
function sortWords(at: usize, count: usize, scratch: usize): void {
  if (count < 48) {
    for (let i: usize = 1; i < count; i++) {
      const word = load<u32>(at + (i << 2));
      let p = at + (i << 2);
      while (p > at && load<u32>(p - 4) > word) {
        store<u32>(p, load<u32>(p - 4));
        p -= 4;
      }
      store<u32>(p, word);
    }
    return;
  }
  let from = at, to = scratch;
  for (let shift = 0; shift < 32; shift += 8) {
    memory.fill(buckets, 0, 1024);
    for (let i: usize = 0; i < count; i++) {
      const b = buckets + (((load<u32>(from + (i << 2)) >> shift) & 255) << 2);
      store<u32>(b, load<u32>(b) + 1);
    }
    let sum: u32 = 0;
    let single = false;
    for (let b = buckets; b < buckets + 1024; b += 4) {
      const n = load<u32>(b);
      if (n == <u32>count) single = true;
      store<u32>(b, sum);
      sum += n;
    }
    if (single) continue;
    for (let i: usize = 0; i < count; i++) {
      const word = load<u32>(from + (i << 2));
      const b = buckets + (((word >> shift) & 255) << 2);
      const place = load<u32>(b);
      store<u32>(b, place + 1);
      store<u32>(to + (<usize>place << 2), word);
    }
    const t = from;
    from = to;
    to = t;
  }
  if (from != at) memory.copy(at, from, count << 2);
}

const buckets = memory.data(1024, 16);
