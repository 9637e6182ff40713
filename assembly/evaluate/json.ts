// Reads COCO files as a stream of bytes into columns: arrays of detections, lines of JSON, and dataset files. Knows nothing of matching.
//
// The host keeps the unread bytes in a window of memory and calls `parse`. A record that is cut at the window's end is read again from its
// start when more bytes are there, so the state between calls is one byte position and one state number.
import { allocate } from './memory';
import { readNumber, refusedAt, value } from './number';
import { decodeRuns, encodeRun, rleArea, rleBox, boxX, boxY, boxW, boxH, runsTotal } from './rle';

/** What `parse` answers. Above 15 the answer is an error, with its place in `errorAt`. */
const MORE = 0;
const FULL = 1;
const DONE = 2;
const SYNTAX = 16;
const CUT = 17;
const WRONG_TYPE = 18;
const WRONG_BOX = 19;
const WRONG_MASK = 20;
const NOT_A_LIST = 21;
const NOT_A_DATASET = 22;
const BAD_RUNS = 23;

/** Columns of one batch, each of `rows` doubles: see FIELDS in sdk/evaluate/input/reader.ts. */
const ID = 0;
const IMAGE = 1;
const CATEGORY = 2;
const SCORE = 3;
const AREA = 4;
const CROWD = 5;
const IGNORE = 6;
const HEIGHT = 7;
const WIDTH = 8;
const BOX = 9;
const MASK_HEIGHT = 13;
const MASK_WIDTH = 14;
const MASK_AREA = 15;
const MASK_BOX = 16;
const BLOB_AT = 20;
const BLOB_LENGTH = 21;
const BLOB_KIND = 22;
const PRESENT = 23;
const KIND = 24;
const COLUMNS = 25;

const BOX_BIT: u32 = 1 << BOX;
const MASK_BIT: u32 = 1 << 10;

const RUNS = 1;
const POLYGONS = 2;
const TEXT = 3;
/** Runs that the file held as numbers: written as compressed text here. */
const NUMBERS = 4;
/** Pixels found and wanted stand where the size would, the reason where the area would. */
const BROKEN = 6;
/** Lists of class ids of an image: for each its tag, its length and its numbers, all as doubles. */
const LISTS = 7;

/** Keys of LVIS images that hold lists of class ids; as fields and as tags. */
const LOOKED_FOR = 101;
const NOT_EXHAUSTIVE = 102;

/** Kinds of records, by the list they stand in. */
const IMAGES = 1;
const ANNOTATIONS = 2;
const CATEGORIES = 3;

const START = 0;
const LIST_FIRST = 1;
const LIST_NEXT = 2;
const LINES = 3;
const KEY_FIRST = 4;
const KEY_NEXT = 5;
const SKIP = 6;
const END = 7;

const ROWS: usize = 8192;
const PAD: usize = 64;

let state = START;
let dataset = false;
let masksWanted = true;
/** List of the dataset that is being read; 0 at the top of a results file. */
let kind = 0;
let batch: usize = 0;
let window: usize = 0;
let capacity: usize = 0;
let blobs: usize = 0;
let blobTop: usize = 0;
let rows: usize = 0;
let end: usize = 0;
let failure = 0;
let failedAt: usize = 0;
let failedField = 0;
let depth = 0;
let inText = false;
let escaped = false;
/** Lists of a dataset that were found, as bits by kind. */
let seen = 0;

/** Starts a reader over a window of `bytes`. `isDataset`: an object with lists; else a list of records, or one record a line. */
export function openReader(isDataset: bool, withMasks: bool, bytes: usize): void {
  masksWanted = withMasks;
  dataset = isDataset;
  state = START;
  kind = 0;
  rows = 0;
  seen = 0;
  capacity = bytes;
  batch = allocate(ROWS * COLUMNS * 8);
  window = allocate(bytes + PAD + bytes * 6 + 65536);
  blobs = blobTop = (window + bytes + PAD + 7) & ~7;
}

/** Makes the window larger, keeping its bytes. Only right after the rows were taken. The reader must own the end of memory. */
export function widenWindow(bytes: usize): void {
  allocate((bytes - capacity) * 7);
  capacity = bytes;
  blobs = blobTop = (window + bytes + PAD + 7) & ~7;
}

export function windowAt(): usize {
  return window;
}
export function batchAt(): usize {
  return batch;
}
export function batchRows(): usize {
  return rows;
}
export function blobsAt(): usize {
  return blobs;
}
export function blobsEnd(): usize {
  return blobTop;
}
/** Byte of the window where the last call stopped or failed. */
export function stoppedAt(): usize {
  return failedAt - window;
}
export function errorField(): i32 {
  return failedField;
}
/** List that the record at hand stands in; 0 outside of lists. */
export function listAt(): i32 {
  return kind;
}
export function listsSeen(): i32 {
  return seen;
}
/** The host has copied the rows and blobs. */
export function takeRows(): void {
  rows = 0;
  blobTop = blobs;
}

// @ts-ignore: decorator
@inline function column(field: i32): usize {
  return batch + ((<usize>field * ROWS + rows) << 3);
}

// @ts-ignore: decorator
@inline function space(p: usize): usize {
  let c = load<u8>(p);
  if (c > 32) return p;
  while (c == 32 || c == 10 || c == 13 || c == 9) c = load<u8>(++p);
  return p;
}

function fail(code: i32, p: usize): usize {
  failure = code;
  failedAt = p;
  return 0;
}

/** `p` stands on the quote. Returns the place behind the closing quote; 0 on failure. */
function skipText(p: usize): usize {
  while (true) {
    const c = load<u8>(++p);
    if (c == 34) return p + 1;
    if (c == 92) p++;
    else if (c < 32) return fail(SYNTAX, p);
    if (p >= end) return fail(SYNTAX, end);
  }
}

/** Skips any value; checks nesting and tokens. */
function skipValue(p: usize): usize {
  let c = load<u8>(p);
  if (c == 34) return skipText(p);
  if (c == 123) {
    p = space(p + 1);
    if (load<u8>(p) == 125) return p + 1;
    while (true) {
      if (load<u8>(p) != 34) return fail(SYNTAX, p);
      p = skipText(p);
      if (!p) return 0;
      p = space(p);
      if (load<u8>(p) != 58) return fail(SYNTAX, p);
      p = skipValue(space(p + 1));
      if (!p) return 0;
      p = space(p);
      c = load<u8>(p);
      if (c == 125) return p + 1;
      if (c != 44) return fail(SYNTAX, p);
      p = space(p + 1);
    }
  }
  if (c == 91) {
    p = space(p + 1);
    if (load<u8>(p) == 93) return p + 1;
    while (true) {
      p = skipValue(p);
      if (!p) return 0;
      p = space(p);
      c = load<u8>(p);
      if (c == 93) return p + 1;
      if (c != 44) return fail(SYNTAX, p);
      p = space(p + 1);
    }
  }
  const word = literal(p);
  if (word) return p + word;
  const after = readNumber(p);
  return after ? after : fail(SYNTAX, refusedAt);
}

/** Length of true, false or null at `p`, or 0. */
// @ts-ignore: decorator
@inline function literal(p: usize): usize {
  const four = load<u32>(p);
  if (four == 0x65757274 || four == 0x6c6c756e) return 4;
  if (four == 0x736c6166 && load<u8>(p, 4) == 101) return 5;
  return 0;
}

// @ts-ignore: decorator
@inline function isNull(p: usize): bool {
  return load<u32>(p) == 0x6c6c756e;
}

/** Field of the key of `length` bytes at `p`; -1 for keys that are not wanted. */
function fieldOf(p: usize, length: usize): i32 {
  switch (<i32>length) {
    case 2:
      return load<u16>(p) == 0x6469 ? ID : -1;
    case 4: {
      const word = load<u32>(p);
      return word == 0x786f6262 ? BOX : word == 0x61657261 ? AREA : -1;
    }
    case 5: {
      const word = load<u32>(p);
      if (word == 0x726f6373 && load<u8>(p, 4) == 101) return SCORE;
      return word == 0x74646977 && load<u8>(p, 4) == 104 ? WIDTH : -1;
    }
    case 6: {
      const word = load<u32>(p);
      const rest = load<u16>(p, 4);
      if (word == 0x67696568 && rest == 0x7468) return HEIGHT;
      return word == 0x6f6e6769 && rest == 0x6572 ? IGNORE : -1;
    }
    case 7:
      return load<u32>(p) == 0x72637369 && load<u32>(p, 3) == 0x64776f72 ? CROWD : -1;
    case 8:
      return load<u64>(p) == 0x64695f6567616d69 ? IMAGE : -1;
    case 11:
      return load<u64>(p) == 0x79726f6765746163 && load<u32>(p, 7) == 0x64695f79 ? CATEGORY : -1;
    case 12:
      return load<u64>(p) == 0x61746e656d676573 && load<u32>(p, 8) == 0x6e6f6974 ? MASK_HEIGHT : -1;
    // neg_category_ids
    case 16:
      return kind == IMAGES && load<u64>(p) == 0x657461635f67656e && load<u64>(p, 8) == 0x7364695f79726f67 ? LOOKED_FOR : -1;
    // not_exhaustive_category_ids
    case 27:
      return kind == IMAGES &&
        load<u64>(p) == 0x616878655f746f6e &&
        load<u64>(p, 8) == 0x635f657669747375 &&
        load<u64>(p, 16) == 0x5f79726f67657461 &&
        load<u32>(p, 23) == 0x7364695f
        ? NOT_EXHAUSTIVE
        : -1;
    default:
      return -1;
  }
}

/** Turns an escaped key into its bytes (ASCII; other characters become "?", which is in no wanted key). Returns its length. */
function unescapeKey(from: usize, to: usize, out: usize): usize {
  let length: usize = 0;
  while (from < to && length < 32) {
    let c = <u32>load<u8>(from++);
    if (c == 92) {
      c = <u32>load<u8>(from++);
      if (c == 117) {
        c = 0;
        for (let i = 0; i < 4; i++) {
          const digit = <u32>load<u8>(from++) | 32;
          c = (c << 4) | (digit >= 97 ? digit - 87 : digit & 15);
        }
        if (c > 127) c = 63;
      } else c = c == 47 || c == 92 || c == 34 ? c : 63;
    }
    store<u8>(out + length++, <u8>c);
  }
  return from < to ? 32 : length;
}

const keyBytes = memory.data(48, 8);

/** Reads one object as a row of columns. `p` stands on its brace. Returns the place behind it; 0 on failure. */
function readRecord(p: usize): usize {
  const start = p;
  if (load<u8>(p) != 123) return fail(WRONG_TYPE, p);
  if (kind == CATEGORIES) {
    p = skipValue(p);
    if (!p) return 0;
    const length = p - start;
    memory.copy(blobTop, start, length);
    finishBlob(TEXT, length);
    store<f64>(column(PRESENT), 0);
    store<f64>(column(KIND), kind);
    rows++;
    return p;
  }
  let present: u32 = 0;
  let blobKind = 0;
  const blobStart = blobTop;
  p = space(p + 1);
  if (load<u8>(p) == 125) p++;
  else {
    while (true) {
      if (load<u8>(p) != 34) return fail(SYNTAX, p);
      const key = p + 1;
      let q = key;
      let c = load<u8>(q);
      while (c != 34) {
        if (c == 92 || c < 32) break;
        c = load<u8>(++q);
      }
      let field: i32;
      if (c == 34) {
        field = fieldOf(key, q - key);
        p = q + 1;
      } else {
        p = skipText(p);
        if (!p) return 0;
        field = fieldOf(keyBytes, unescapeKey(key, p - 1, keyBytes));
      }
      p = space(p);
      if (load<u8>(p) != 58) return fail(SYNTAX, p);
      p = space(p + 1);
      const at = p;
      if (field < 0 || isNull(p)) p = skipValue(p);
      else if (field >= LOOKED_FOR) {
        p = readNumbers(p, field);
        blobKind = LISTS;
      } else if (field == BOX) {
        p = readBox(p);
        if (p && boxPresent) present |= BOX_BIT;
        else present &= ~BOX_BIT;
      } else if (field == MASK_HEIGHT) {
        blobTop = blobStart;
        if (!masksWanted) p = skipValue(p);
        else {
          p = readMask(p);
          if (!p && (failure == WRONG_MASK || failure == BAD_RUNS)) {
            // Whether a broken mask matters is for the host to say. It may also be a mask that is cut: then this fails as syntax.
            const broken = failure;
            failure = 0;
            p = skipValue(at);
            maskKind = BROKEN;
            blobTop = blobStart;
            store<f64>(column(MASK_HEIGHT), badTotal);
            store<f64>(column(MASK_WIDTH), badWanted);
            store<f64>(column(MASK_AREA), broken);
          }
          blobKind = maskKind;
          if (blobKind) present |= MASK_BIT;
        }
      } else {
        const after = readNumber(p);
        if (after) {
          store<f64>(column(field), value);
          p = after;
          present |= 1 << field;
        } else {
          const word = literal(p);
          if (!word) {
            const next = skipValue(p);
            if (!next) return 0;
            failedField = field;
            return fail(WRONG_TYPE, at);
          }
          store<f64>(column(field), load<u8>(p) == 116 ? 1 : 0);
          p += word;
          present |= 1 << field;
        }
      }
      if (!p) return 0;
      p = space(p);
      const next = load<u8>(p);
      if (next == 125) {
        p++;
        break;
      }
      if (next != 44) return fail(SYNTAX, p);
      p = space(p + 1);
    }
  }
  if (blobKind) {
    const length = blobTop - blobStart;
    blobTop = blobStart;
    finishBlob(blobKind, length);
  } else {
    blobTop = blobStart;
    store<f64>(column(BLOB_KIND), 0);
    store<f64>(column(BLOB_LENGTH), 0);
  }
  store<f64>(column(PRESENT), present);
  store<f64>(column(KIND), kind);
  rows++;
  return p;
}

function finishBlob(blobKind: i32, length: usize): void {
  store<f64>(column(BLOB_AT), <f64>(blobTop - blobs));
  store<f64>(column(BLOB_LENGTH), <f64>length);
  store<f64>(column(BLOB_KIND), blobKind);
  blobTop = (blobTop + length + 7) & ~7;
}

let boxPresent = false;

/** [x, y, w, h], or [] for none. */
function readBox(p: usize): usize {
  const at = p;
  failedField = BOX;
  if (load<u8>(p) != 91) {
    p = skipValue(p);
    return p ? fail(WRONG_TYPE, at) : 0;
  }
  p = space(p + 1);
  boxPresent = load<u8>(p) != 93;
  if (!boxPresent) return p + 1;
  let count: usize = 0;
  while (true) {
    const after = readNumber(p);
    if (!after) {
      p = skipValue(p);
      return p ? fail(WRONG_BOX, at) : 0;
    }
    if (count < 4) store<f64>(column(BOX + <i32>count), value);
    count++;
    p = space(after);
    const c = load<u8>(p);
    if (c == 93) break;
    if (c != 44) return fail(SYNTAX, p);
    p = space(p + 1);
  }
  return count == 4 ? p + 1 : fail(WRONG_BOX, at);
}

/** A list of numbers, appended to the record's blob behind its tag and length. */
function readNumbers(p: usize, tag: i32): usize {
  const at = p;
  failedField = tag;
  if (load<u8>(p) != 91) {
    p = skipValue(p);
    return p ? fail(WRONG_TYPE, at) : 0;
  }
  const head = blobTop;
  let out = head + 16;
  p = space(p + 1);
  if (load<u8>(p) != 93) {
    while (true) {
      const after = readNumber(p);
      if (!after) {
        p = skipValue(p);
        return p ? fail(WRONG_TYPE, at) : 0;
      }
      store<f64>(out, value);
      out += 8;
      p = space(after);
      const c = load<u8>(p);
      if (c == 93) break;
      if (c != 44) return fail(SYNTAX, p);
      p = space(p + 1);
    }
  }
  store<f64>(head, tag);
  store<f64>(head, <f64>((out - head - 16) >> 3), 8);
  blobTop = out;
  return p + 1;
}

let maskKind = 0;

/** Polygons, or an object with size and counts. Writes the blob at `blobTop` and moves it. */
function readMask(p: usize): usize {
  const at = p;
  failedField = MASK_HEIGHT;
  maskKind = 0;
  const c = load<u8>(p);
  if (c == 91) return readPolygons(p);
  if (c != 123) {
    p = skipValue(p);
    return p ? fail(WRONG_MASK, at) : 0;
  }
  const blob = blobTop;
  let height: f64 = -1;
  let width: f64 = -1;
  let found = 0;
  p = space(p + 1);
  if (load<u8>(p) != 125) {
    while (true) {
      if (load<u8>(p) != 34) return fail(SYNTAX, p);
      const key = p + 1;
      p = skipText(p);
      if (!p) return 0;
      const length = p - 1 - key;
      const isCounts = length == 6 && load<u32>(key) == 0x6e756f63 && load<u16>(key, 4) == 0x7374;
      const isSize = length == 4 && load<u32>(key) == 0x657a6973;
      p = space(p);
      if (load<u8>(p) != 58) return fail(SYNTAX, p);
      p = space(p + 1);
      if (isCounts && load<u8>(p) == 34) {
        p = copyText(p, blob);
        found = RUNS;
      } else if (isCounts && load<u8>(p) == 91) {
        p = packRuns(p, blob);
        found = NUMBERS;
      } else if (isSize && load<u8>(p) == 91) {
        p = readNumber(space(p + 1));
        if (!p) return fail(WRONG_MASK, at);
        height = value;
        p = space(p);
        if (load<u8>(p) != 44) return fail(p + 16 > end ? SYNTAX : WRONG_MASK, p);
        p = readNumber(space(p + 1));
        if (!p) return fail(WRONG_MASK, at);
        width = value;
        p = space(p);
        if (load<u8>(p) != 93) return fail(p + 16 > end ? SYNTAX : WRONG_MASK, p);
        p++;
      } else if (isCounts || isSize) {
        p = skipValue(p);
        return p ? fail(WRONG_MASK, at) : 0;
      } else p = skipValue(p);
      if (!p) return 0;
      p = space(p);
      const next = load<u8>(p);
      if (next == 125) break;
      if (next != 44) return fail(SYNTAX, p);
      p = space(p + 1);
    }
  }
  p++;
  if (!found || !(height >= 0) || !(width >= 0) || height != floor(height) || width != floor(width) || height * width >= 4294967296) {
    return fail(WRONG_MASK, at);
  }
  maskKind = found;
  // Runs go behind the text for a moment, to be added up and boxed.
  const runs = (blobTop + 7) & ~7;
  const count = decodeRuns(blob, blobTop - blob, runs);
  if (<isize>count < 0 || runsTotal != <u64>height * <u64>width) {
    badTotal = <isize>count < 0 ? -1 : <f64>runsTotal;
    badWanted = height * width;
    return fail(BAD_RUNS, at);
  }
  rleBox(runs, count, <u32>height, <u32>width);
  store<f64>(column(MASK_HEIGHT), height);
  store<f64>(column(MASK_WIDTH), width);
  store<f64>(column(MASK_AREA), rleArea(runs, count));
  store<f64>(column(MASK_BOX), boxX);
  store<f64>(column(MASK_BOX + 1), boxY);
  store<f64>(column(MASK_BOX + 2), boxW);
  store<f64>(column(MASK_BOX + 3), boxH);
  return p;
}

/** Pixels that refused runs had in all (-1: text that is no runs), and pixels of the image. */
let badTotal: f64 = 0;
let badWanted: f64 = 0;

/** Copies text that may only hold printable ASCII, with backslash, quote and slash unescaped. */
function copyText(p: usize, out: usize): usize {
  while (true) {
    let c = load<u8>(++p);
    if (c == 34) break;
    if (c == 92) {
      c = load<u8>(++p);
      if (c == 117) {
        let code: u32 = 0;
        for (let i = 0; i < 4; i++) {
          const digit = <u32>load<u8>(++p) | 32;
          code = (code << 4) | (digit >= 97 ? digit - 87 : digit & 15);
        }
        c = code > 127 ? 1 : <u8>code;
      }
    } else if (c < 32) return fail(SYNTAX, p);
    if (p >= end) return fail(SYNTAX, end);
    store<u8>(out++, c);
  }
  blobTop = out;
  return p + 1;
}

/** Reads a list of runs as numbers and writes it as compressed text. */
function packRuns(p: usize, out: usize): usize {
  const at = p;
  p = space(p + 1);
  let before: f64 = 0;
  let last: f64 = 0;
  let count = 0;
  if (load<u8>(p) == 93) p++;
  else {
    while (true) {
      const after = readNumber(p);
      if (!after) {
        p = skipValue(p);
        return p ? fail(WRONG_MASK, at) : 0;
      }
      if (!(value >= 0) || value != floor(value) || value >= 4294967296) return fail(WRONG_MASK, at);
      out = encodeRun(<i64>value - (count > 2 ? <i64>before : 0), out);
      before = last;
      last = value;
      count++;
      p = space(after);
      const c = load<u8>(p);
      if (c == 93) break;
      if (c != 44) return fail(SYNTAX, p);
      p = space(p + 1);
    }
    p++;
  }
  blobTop = out;
  return p;
}

/** Writes polygons as doubles: number of parts, then for each its length and coordinates. */
function readPolygons(p: usize): usize {
  const at = p;
  const blob = blobTop;
  let out = blob + 8;
  let parts = 0;
  p = space(p + 1);
  if (load<u8>(p) == 93) return p + 1;
  while (true) {
    if (load<u8>(p) != 91) {
      p = skipValue(p);
      return p ? fail(WRONG_MASK, at) : 0;
    }
    const head = out;
    out += 8;
    p = space(p + 1);
    if (load<u8>(p) != 93) {
      while (true) {
        const after = readNumber(p);
        if (!after) {
          p = skipValue(p);
          return p ? fail(WRONG_MASK, at) : 0;
        }
        if (!(abs(value) < 1e8)) return fail(WRONG_MASK, at);
        store<f64>(out, value);
        out += 8;
        p = space(after);
        const c = load<u8>(p);
        if (c == 93) break;
        if (c != 44) return fail(SYNTAX, p);
        p = space(p + 1);
      }
    }
    store<f64>(head, <f64>((out - head - 8) >> 3));
    parts++;
    p = space(p + 1);
    const c = load<u8>(p);
    if (c == 93) break;
    if (c != 44) return fail(SYNTAX, p);
    p = space(p + 1);
  }
  store<f64>(blob, parts);
  blobTop = out;
  maskKind = POLYGONS;
  return p + 1;
}

/** Passes over a value of any size, across calls. */
function skipOn(p: usize): usize {
  for (; p < end; p++) {
    const c = load<u8>(p);
    if (inText) {
      if (escaped) escaped = false;
      else if (c == 92) escaped = true;
      else if (c == 34) {
        inText = false;
        if (depth == 0) {
          state = KEY_NEXT;
          return p + 1;
        }
      }
    } else if (c == 34) inText = true;
    else if (c == 123 || c == 91) depth++;
    else if (c == 125 || c == 93) {
      if (depth == 0) {
        // The end of the object around: a bare number or word stood here.
        state = KEY_NEXT;
        return p;
      }
      if (--depth == 0) {
        state = KEY_NEXT;
        return p + 1;
      }
    } else if (c == 44 && depth == 0) {
      state = KEY_NEXT;
      return p;
    }
  }
  return p;
}

/**
 * Reads on in the window's first `length` bytes; the byte behind them is overwritten. `last`: nothing follows. After MORE and FULL the host
 * keeps the bytes from `stoppedAt` on.
 */
export function parse(from: usize, length: usize, last: bool): i32 {
  let p = window + from;
  end = window + length;
  store<u64>(end, 0);
  store<u64>(end, 0, 8);
  while (true) {
    if (state == SKIP) p = skipOn(p);
    else p = space(p);
    const keep = p;
    const keepBlobs = blobTop;
    failedAt = p;
    if (p >= end) {
      if (!last) return MORE;
      return state == END || state == LINES ? DONE : CUT;
    }
    const c = load<u8>(p);
    failure = 0;
    switch (state) {
      case START: {
        if (c == 0xef && p + 3 > end && !last) return MORE;
        if (c == 0xef && load<u8>(p, 1) == 0xbb && load<u8>(p, 2) == 0xbf) p += 3;
        else if (!dataset && c == 91) {
          state = LIST_FIRST;
          p++;
        } else if (!dataset && c == 123) state = LINES;
        else if (dataset && c == 123) {
          state = KEY_FIRST;
          p++;
        } else return dataset ? NOT_A_DATASET : NOT_A_LIST;
        break;
      }
      case LIST_FIRST:
      case LIST_NEXT: {
        if (c == 93) {
          p++;
          state = kind ? KEY_NEXT : END;
          kind = 0;
          break;
        }
        if (state == LIST_NEXT) {
          if (c != 44) {
            failure = SYNTAX;
            break;
          }
          p = space(p + 1);
        }
        if (rows == ROWS) {
          failedAt = keep;
          return FULL;
        }
        p = readRecord(p);
        if (p) state = LIST_NEXT;
        break;
      }
      case LINES: {
        if (rows == ROWS) return FULL;
        p = readRecord(p);
        break;
      }
      case KEY_FIRST:
      case KEY_NEXT: {
        if (c == 125) {
          p++;
          state = END;
          break;
        }
        if (state == KEY_NEXT) {
          if (c != 44) {
            failure = SYNTAX;
            break;
          }
          p = space(p + 1);
        }
        if (load<u8>(p) != 34) {
          failure = SYNTAX;
          failedAt = p;
          break;
        }
        const key = p + 1;
        p = skipText(p);
        if (!p) break;
        const size = p - 1 - key;
        const first = load<u32>(key);
        p = space(p);
        if (load<u8>(p) != 58) {
          failure = SYNTAX;
          failedAt = p;
          break;
        }
        p = space(p + 1);
        if (p >= end) {
          failure = SYNTAX;
          failedAt = p;
          break;
        }
        let list = 0;
        if (size == 6 && first == 0x67616d69) list = IMAGES;
        else if (size == 11 && first == 0x6f6e6e61) list = ANNOTATIONS;
        else if (size == 10 && first == 0x65746163) list = CATEGORIES;
        if (list && load<u8>(p) == 91) {
          seen |= 1 << list;
          kind = list;
          state = LIST_FIRST;
          p++;
        } else {
          state = SKIP;
          depth = 0;
          inText = escaped = false;
        }
        break;
      }
      case END:
        failure = SYNTAX;
        break;
      default:
        unreachable();
    }
    if (failure) {
      // Within the last bytes, or at the end, this may only be a record that is cut.
      if (failedAt + 16 > end || failedAt < window) {
        if (!last) {
          failedAt = keep;
          blobTop = keepBlobs;
          return MORE;
        }
        if (failure == SYNTAX && failedAt >= end) return CUT;
      }
      return failure;
    }
  }
}
