// COCO's greedy matching: one segment is the ground truth and the detections of one image and class. All thresholds and areas at once, as bits.
//
// Letters: T IoU thresholds (at most 32), A area ranges (at most 32). The plain twin is sdk/evaluate/coco/oracle.ts.
import { allocate, ensure, mark, release } from './memory';
import { sortKey, sortRows } from './sort';
import { boundary, intervalArea, intervalOverlap, intervalUnion, polygonPoints, polygonToIntervals, textToIntervals } from './rle';

/** What to match and where the answers go; the host writes the fields as u32 in this order (JOB in sdk/evaluate/coco/engine.ts). */
@unmanaged
class Job {
  /** 0 boxes, 1 masks, 2 masks and their boundaries. */
  mode: u32;
  segments: u32;
  /** [segments] of u32 x 4: first ground truth, number, first detection, number. */
  segmentAt: usize;
  T: u32;
  /** [T] f64, each at most 1 - 1e-10. */
  thresholds: usize;
  A: u32;
  /** [A, 2] f64, both ends belong to the range. */
  ranges: usize;
  maxDetections: u32;
  /** [G, 4] f64 x, y, w, h; [G] f64; [G] u8 of TRUTH_ bits. */
  truthBoxes: usize;
  truthAreas: usize;
  truthFlags: usize;
  /** [D, 4] f64; [D] f64; [D] f64. */
  boxes: usize;
  areas: usize;
  scores: usize;
  /** [G] and [D] of u32 x 6: kind, place, length in bytes, height, width, boundary width. Only for masks. */
  truthMasks: usize;
  masks: usize;
  /** Out, one for each kept detection in order: f64 score, u32 rank in its image, u32 x 2A (true, false positives by threshold bit), u32 row. */
  keptScores: usize;
  keptRanks: usize;
  keptBits: usize;
  keptRows: usize;
  /** Out, one for each segment: u32 kept detections, u32 EVENT_ bits. */
  keptCounts: usize;
  events: usize;
  /** Masks tell their places from here on. */
  blobs: usize;
}

const TRUTH_CROWD: u32 = 1;
const TRUTH_IGNORE: u32 = 2;
/** A match with it does not count as one: id 0 in pycocotools. */
const TRUTH_NO_ID: u32 = 4;

const EVENT_CUT: u32 = 1;
const EVENT_CROWD: u32 = 2;
const EVENT_SECOND_BEST: u32 = 4;
const EVENT_ON_THRESHOLD: u32 = 8;
const EVENT_TIE: u32 = 16;
const EVENT_BEFORE_IGNORED: u32 = 32;
const EVENT_OUT_OF_RANGE: u32 = 64;
const EVENT_MASK_SIZES: u32 = 128;

const POLYGONS: u32 = 2;
/** A box that is drawn as a mask. */
const BOX: u32 = 5;

/** Intervals of one mask are written at `out`; the stack end must be above. */
function drawMask(mask: usize, blobs: usize, out: usize): usize {
  const kind = load<u32>(mask);
  const blob = blobs + <usize>load<u32>(mask, 4);
  const length = <usize>load<u32>(mask, 8);
  const h = load<u32>(mask, 12);
  const w = load<u32>(mask, 16);
  if (kind == BOX) {
    ensure(out + 512);
    const x1 = load<f64>(blob), y1 = load<f64>(blob, 8);
    const x2 = x1 + load<f64>(blob, 16), y2 = y1 + load<f64>(blob, 24);
    return drawBox(x1, y1, x2, y2, h, w, out);
  }
  if (kind != POLYGONS) {
    ensure(out + (length << 2) + 64);
    return textToIntervals(blob, length, out);
  }
  const parts = <i32>load<f64>(blob);
  let at = blob + 8;
  let united = out;
  for (let i = 0; i < parts; i++) {
    const numbers = <usize>load<f64>(at);
    const start = united;
    const end = drawPolygon(at + 8, numbers >> 1, h, w, start);
    at += (numbers + 1) << 3;
    if (i == 0) united = end;
    else {
      // The union is made above both and moved down.
      ensure(end + (end - out) + 64);
      const top = intervalUnion(out, start, start, end, end);
      memory.copy(out, end, top - end);
      united = out + (top - end);
    }
  }
  return united;
}

function drawPolygon(xy: usize, corners: usize, h: u32, w: u32, out: usize): usize {
  if (!corners) return out;
  const most = <usize>min(polygonPoints(xy, corners), <f64>corners * (<f64>w + 1)) + 2;
  const scratch = out + (most << 3);
  ensure(scratch + (most << 3));
  return polygonToIntervals(xy, corners, h, w, out, scratch);
}

const corners = memory.data(64, 8);

function drawBox(x1: f64, y1: f64, x2: f64, y2: f64, h: u32, w: u32, out: usize): usize {
  store<f64>(corners, x1);
  store<f64>(corners, y1, 8);
  store<f64>(corners, x1, 16);
  store<f64>(corners, y2, 24);
  store<f64>(corners, x2, 32);
  store<f64>(corners, y2, 40);
  store<f64>(corners, x2, 48);
  store<f64>(corners, y1, 56);
  return drawPolygon(corners, 4, h, w, out);
}

/** Pixels of a mask: for areas of ground truth whose file gives none, and of detections that are not run-length coded. */
export function maskArea(mask: usize, blobs: usize): f64 {
  const out = mark();
  return <f64>intervalArea(out, drawMask(mask, blobs, out));
}

/** Draws a mask at the end of the stack and returns its number of intervals: for tests. */
export function maskIntervals(mask: usize, blobs: usize, edge: bool): u32 {
  const out = mark();
  const end = drawMask(mask, blobs, out);
  if (!edge) return <u32>((end - out) >> 3);
  const top = boundary(out, end, load<u32>(mask, 12), load<u32>(mask, 16), load<u32>(mask, 20), end);
  memory.copy(out, end, top - end);
  return <u32>((top - end) >> 3);
}

/** A drawn mask is u32 x 8: intervals from, to; boundary from, to; area; boundary area; height; width. */
const DRAWN: usize = 32;

function drawInto(drawn: usize, mask: usize, blobs: usize, mode: u32, out: usize): usize {
  let end = drawMask(mask, blobs, out);
  store<usize>(drawn, out);
  store<usize>(drawn, end, 4);
  store<u32>(drawn, intervalArea(out, end), 16);
  if (mode == 2) {
    const top = boundary(out, end, load<u32>(mask, 12), load<u32>(mask, 16), load<u32>(mask, 20), end);
    store<usize>(drawn, end, 8);
    store<usize>(drawn, top, 12);
    store<u32>(drawn, intervalArea(end, top), 20);
    end = top;
  }
  store<u32>(drawn, load<u32>(mask, 12), 24);
  store<u32>(drawn, load<u32>(mask, 16), 28);
  return end;
}

// @ts-ignore: decorator
@inline function ratio(shared: u32, a: u32, b: u32, crowd: bool): f64 {
  return shared == 0 ? 0 : <f64>shared / <f64>(crowd ? a : a + b - shared);
}

/** -1 where the sizes differ. */
function maskIou(d: usize, g: usize, crowd: bool, mode: u32): f64 {
  if (load<u32>(d, 24) != load<u32>(g, 24) || load<u32>(d, 28) != load<u32>(g, 28)) return -1;
  const shared = intervalOverlap(load<usize>(d), load<usize>(d, 4), load<usize>(g), load<usize>(g, 4));
  const iou = ratio(shared, load<u32>(d, 16), load<u32>(g, 16), crowd);
  if (mode != 2 || crowd || shared == 0) return iou;
  const edge = intervalOverlap(load<usize>(d, 8), load<usize>(d, 12), load<usize>(g, 8), load<usize>(g, 12));
  return min(iou, ratio(edge, load<u32>(d, 20), load<u32>(g, 20), false));
}

// Scratch of one segment, laid out by `match`.
let ignored: usize = 0;
let taken: usize = 0;
let corner: usize = 0;
let candidates: usize = 0;
let ious: usize = 0;
let passes: usize = 0;

/** Matches every segment of the job. Returns the number of kept detections. */
export function match(job: Job): u32 {
  const T = job.T;
  const A = <usize>job.A;
  const everyT: u32 = T == 32 ? u32.MAX_VALUE : (<u32>1 << T) - 1;
  let mostTruths: u32 = 0, most: u32 = 0;
  for (let s: u32 = 0; s < job.segments; s++) {
    const at = job.segmentAt + (<usize>s << 4);
    mostTruths = max(mostTruths, load<u32>(at, 4));
    most = max(most, load<u32>(at, 12));
  }
  const before = mark();
  const G = <usize>mostTruths + 1;
  ignored = allocate(G << 2);
  taken = allocate(G * A << 2);
  corner = allocate((G + 1) * 40);
  candidates = allocate(G << 2);
  ious = allocate(G << 3);
  passes = allocate(G << 2);
  const drawn = allocate(G * DRAWN);
  const ownDrawn = allocate(DRAWN);
  const keys = allocate(<usize>most << 3);
  const rows = allocate(<usize>most << 2);
  const sortScratch = allocate(<usize>most * 12);
  const pixels = mark();

  let lowest = Infinity;
  for (let t: u32 = 0; t < T; t++) lowest = min(lowest, load<f64>(job.thresholds + (<usize>t << 3)));
  let kept: usize = 0;

  for (let s: u32 = 0; s < job.segments; s++) {
    const at = job.segmentAt + (<usize>s << 4);
    const firstTruth = <usize>load<u32>(at);
    const truths = <usize>load<u32>(at, 4);
    const firstRow = load<u32>(at, 8);
    const count = load<u32>(at, 12);
    let event: u32 = 0;

    for (let g: usize = 0; g < truths; g++) {
      const flags = <u32>load<u8>(job.truthFlags + firstTruth + g);
      const area = load<f64>(job.truthAreas + ((firstTruth + g) << 3));
      let mask: u32 = 0;
      for (let a: usize = 0; a < A; a++) {
        const range = job.ranges + (a << 4);
        if (flags & TRUTH_IGNORE || area < load<f64>(range) || area > load<f64>(range, 8)) mask |= 1 << <u32>a;
      }
      store<u32>(ignored + (g << 2), mask);
    }

    // The best `maxDetections` of the image and class, stable.
    for (let i: u32 = 0; i < count; i++) {
      store<u64>(keys + (<usize>i << 3), sortKey(load<f64>(job.scores + (<usize>(firstRow + i) << 3))));
      store<u32>(rows + (<usize>i << 2), firstRow + i);
    }
    sortRows(keys, rows, count, sortScratch);
    const used = min(count, job.maxDetections);
    if (count > used) event |= EVENT_CUT;
    for (let i: u32 = 1; i < used; i++) {
      if (load<u64>(keys + (<usize>i << 3)) == load<u64>(keys + (<usize>i << 3) - 8)) event |= EVENT_TIE;
    }

    let top = pixels;
    if (used && truths) {
      memory.fill(taken, 0, truths * A << 2);
      if (job.mode == 0) layOutBoxes(job.truthBoxes + (firstTruth << 5), truths);
      else {
        for (let g: usize = 0; g < truths; g++) top = drawInto(drawn + g * DRAWN, job.truthMasks + (firstTruth + g) * 24, job.blobs, job.mode, top);
      }
    }

    for (let i: u32 = 0; i < used; i++) {
      const row = <usize>load<u32>(rows + (<usize>i << 2));
      let found: usize = 0;
      if (truths) {
        if (job.mode == 0) found = boxCandidates(job, row, firstTruth, truths, lowest);
        else {
          drawInto(ownDrawn, job.masks + row * 24, job.blobs, job.mode, top);
          for (let g: usize = 0; g < truths; g++) {
            const crowd = (<u32>load<u8>(job.truthFlags + firstTruth + g) & TRUTH_CROWD) != 0;
            const iou = maskIou(ownDrawn, drawn + g * DRAWN, crowd, job.mode);
            if (iou < 0) event |= EVENT_MASK_SIZES;
            if (iou < lowest) continue;
            store<u32>(candidates + (found << 2), <u32>g);
            store<f64>(ious + (found << 3), iou);
            found++;
          }
        }
        for (let c: usize = 0; c < found; c++) {
          const iou = load<f64>(ious + (c << 3));
          let bits: u32 = 0;
          for (let t: u32 = 0; t < T; t++) {
            const threshold = load<f64>(job.thresholds + (<usize>t << 3));
            if (!(iou < threshold)) bits |= 1 << t;
            if (iou == threshold) event |= EVENT_ON_THRESHOLD;
          }
          store<u32>(passes + (c << 2), bits);
        }
      }
      const area = load<f64>(job.areas + (row << 3));
      const out = job.keptBits + (kept * A << 3);
      for (let a: usize = 0; a < A; a++) {
        const range = job.ranges + (a << 4);
        let matched: u32 = 0, matchedIgnored: u32 = 0, noId: u32 = 0;
        if (found == 1) {
          const g = <usize>load<u32>(candidates);
          const flags = <u32>load<u8>(job.truthFlags + firstTruth + g);
          const use = taken + ((g * A + a) << 2);
          matched = load<u32>(passes);
          if (!(flags & TRUTH_CROWD)) matched &= ~load<u32>(use);
          store<u32>(use, load<u32>(use) | matched);
          if (load<u32>(ignored + (g << 2)) >> <u32>a & 1) matchedIgnored = matched;
          if (flags & TRUTH_NO_ID) noId = matched;
          if (flags & TRUTH_CROWD && matched & 1) event |= EVENT_CROWD;
        } else if (found) {
          for (let t: u32 = 0; t < T; t++) {
            let best = load<f64>(job.thresholds + (<usize>t << 3));
            let held: isize = -1;
            let heldIgnored: u32 = 0;
            let highest: f64 = -1;
            // Ground truth that counts first, in file order, then what is ignored.
            for (let round: u32 = 0; round < 2; round++) {
              if (round == 1 && held >= 0) {
                for (let c: usize = 0; c < found; c++) {
                  if (load<u32>(ignored + (<usize>load<u32>(candidates + (c << 2)) << 2)) >> <u32>a & 1 && load<f64>(ious + (c << 3)) > best) event |= EVENT_BEFORE_IGNORED;
                }
                break;
              }
              for (let c: usize = 0; c < found; c++) {
                const g = <usize>load<u32>(candidates + (c << 2));
                if ((load<u32>(ignored + (g << 2)) >> <u32>a & 1) != round) continue;
                const iou = load<f64>(ious + (c << 3));
                if (iou > highest) highest = iou;
                const crowd = <u32>load<u8>(job.truthFlags + firstTruth + g) & TRUTH_CROWD;
                if (!crowd && load<u32>(taken + ((g * A + a) << 2)) >> t & 1) continue;
                // Equal overlaps: the later one wins.
                if (iou < best) continue;
                best = iou;
                held = <isize>g;
                heldIgnored = round;
              }
            }
            if (held < 0) continue;
            const bit: u32 = 1 << t;
            const use = taken + ((<usize>held * A + a) << 2);
            store<u32>(use, load<u32>(use) | bit);
            matched |= bit;
            if (heldIgnored) matchedIgnored |= bit;
            const flags = <u32>load<u8>(job.truthFlags + firstTruth + <usize>held);
            if (flags & TRUTH_NO_ID) noId |= bit;
            if (flags & TRUTH_CROWD && t == 0) event |= EVENT_CROWD;
            if (highest > best) event |= EVENT_SECOND_BEST;
          }
        }
        const counted = matched & ~noId;
        let ignore = matchedIgnored;
        if (area < load<f64>(range) || area > load<f64>(range, 8)) {
          ignore |= everyT & ~counted;
          if (a > 0 && counted != everyT) event |= EVENT_OUT_OF_RANGE;
        }
        store<u32>(out + (a << 3), counted & ~ignore);
        store<u32>(out + (a << 3), everyT & ~counted & ~ignore, 4);
      }
      store<f64>(job.keptScores + (kept << 3), load<f64>(job.scores + (row << 3)));
      store<u32>(job.keptRanks + (kept << 2), i);
      store<u32>(job.keptRows + (kept << 2), <u32>row);
      kept++;
    }
    store<u32>(job.keptCounts + (<usize>s << 2), used);
    store<u32>(job.events + (<usize>s << 2), event);
  }
  release(before);
  return <u32>kept;
}

/** Corners of the boxes as x1[], y1[], x2[], y2[], area[], padded by one that meets nothing, so that pairs can be read. */
function layOutBoxes(boxes: usize, count: usize): void {
  const stride = (count + 1) << 3;
  for (let g: usize = 0; g <= count; g++) {
    const p = corner + (g << 3);
    if (g == count) {
      store<f64>(p, Infinity);
      store<f64>(p + stride, Infinity);
      store<f64>(p + stride * 2, -Infinity);
      store<f64>(p + stride * 3, -Infinity);
      store<f64>(p + stride * 4, 0);
      continue;
    }
    const x = load<f64>(boxes + (g << 5)), y = load<f64>(boxes + (g << 5), 8);
    const w = load<f64>(boxes + (g << 5), 16), h = load<f64>(boxes + (g << 5), 24);
    store<f64>(p, x);
    store<f64>(p + stride, y);
    store<f64>(p + stride * 2, w + x);
    store<f64>(p + stride * 3, h + y);
    store<f64>(p + stride * 4, w * h);
  }
}

/** Ground truth whose IoU with the box of `row` reaches the lowest threshold, in file order, two at a time. */
function boxCandidates(job: Job, row: usize, firstTruth: usize, count: usize, lowest: f64): usize {
  const box = job.boxes + (row << 5);
  const x = load<f64>(box), y = load<f64>(box, 8), w = load<f64>(box, 16), h = load<f64>(box, 24);
  const own = w * h;
  const x1 = f64x2.splat(x), y1 = f64x2.splat(y), x2 = f64x2.splat(w + x), y2 = f64x2.splat(h + y);
  const zero = f64x2.splat(0);
  const stride = (count + 1) << 3;
  // A threshold of 0 takes boxes that do not meet, too.
  const all = !(lowest > 0);
  let found: usize = 0;
  for (let g: usize = 0; g < count; g += 2) {
    const p = corner + (g << 3);
    const overlapW = f64x2.sub(f64x2.pmin(x2, v128.load(p + stride * 2)), f64x2.pmax(x1, v128.load(p)));
    const overlapH = f64x2.sub(f64x2.pmin(y2, v128.load(p + stride * 3)), f64x2.pmax(y1, v128.load(p + stride)));
    const meets = i64x2.bitmask(v128.and(f64x2.gt(overlapW, zero), f64x2.gt(overlapH, zero)));
    if (!meets && !all) continue;
    for (let lane: usize = 0; lane < 2 && g + lane < count; lane++) {
      let iou: f64 = 0;
      if (meets >> <i32>lane & 1) {
        const ow = lane ? f64x2.extract_lane(overlapW, 1) : f64x2.extract_lane(overlapW, 0);
        const oh = lane ? f64x2.extract_lane(overlapH, 1) : f64x2.extract_lane(overlapH, 0);
        const i = ow * oh;
        const crowd = <u32>load<u8>(job.truthFlags + firstTruth + g + lane) & TRUTH_CROWD;
        iou = i / (crowd ? own : own + load<f64>(p + stride * 4 + (lane << 3)) - i);
      }
      if (iou < lowest) continue;
      store<u32>(candidates + (found << 2), <u32>(g + lane));
      store<f64>(ious + (found << 3), iou);
      found++;
    }
  }
  return found;
}
