// Linear sum assignment by shortest augmenting paths (Jonker and Volgenant 1987; rectangular as in Crouse 2016), two columns a step.
// Twin: sdk/evaluate/match/hungarian-plain.ts does the same operations in the same order, so both give the same bits.

/**
 * Assigns every row a column of its own so that the sum of costs is smallest. rows <= columns.
 * cost: f64 [rows, stride], stride = columns rounded up to an even number, padding +Infinity; no NaN, no -Infinity.
 * u: f64 [rows], v, shortest: f64 [stride], path, open: i64 [stride], rowsSeen, columnOf: i32 [rows], columnsSeen, rowOf: i32 [columns]: scratch,
 * v and u zero. columnOf holds the result. Gives 0, or -1 where finite costs allow no assignment.
 */
export function assign(
  rows: i32,
  columns: i32,
  stride: i32,
  cost: usize,
  u: usize,
  v: usize,
  shortest: usize,
  path: usize,
  open: usize,
  rowsSeen: usize,
  columnOf: usize,
  columnsSeen: usize,
  rowOf: usize,
): i32 {
  memory.fill(columnOf, 0xff, <usize>rows << 2);
  memory.fill(rowOf, 0xff, <usize>columns << 2);
  const rowBytes = <usize>stride << 3;
  const infinities = f64x2.splat(Infinity);

  // Row reduction: each row's smallest cost becomes its dual value; the row takes that column if it is free.
  for (let i = 0; i < rows; i++) {
    const row = cost + <usize>i * rowBytes;
    let least = Infinity;
    let at = -1;
    for (let j = 0; j < columns; j++) {
      const value = load<f64>(row + (<usize>j << 3));
      if (value < least) {
        least = value;
        at = j;
      }
    }
    if (at < 0) return -1;
    store<f64>(u + (<usize>i << 3), least);
    if (load<i32>(rowOf + (<usize>at << 2)) < 0) {
      store<i32>(rowOf + (<usize>at << 2), i);
      store<i32>(columnOf + (<usize>i << 2), at);
    }
  }

  for (let current = 0; current < rows; current++) {
    if (load<i32>(columnOf + (<usize>current << 2)) >= 0) continue;
    for (let at: usize = 0; at < rowBytes; at += 16) v128.store(shortest + at, infinities);
    memory.fill(open, 0xff, rowBytes);
    let seen = 0;
    let closed = 0;
    let reached = 0.0;
    let i = current;
    let sink = -1;
    while (sink < 0) {
      store<i32>(rowsSeen + (<usize>seen << 2), i);
      seen++;
      const row = cost + <usize>i * rowBytes;
      const here = f64x2.splat(reached);
      const dual = f64x2.splat(load<f64>(u + (<usize>i << 3)));
      const from = i64x2.splat(<i64>i);
      let best = infinities;
      let bestAt = i64x2.splat(-1);
      let lanes = i64x2(0, 1);
      const two = i64x2.splat(2);
      for (let at: usize = 0; at < rowBytes; at += 16) {
        const free = v128.load(open + at);
        const length = f64x2.sub(f64x2.sub(f64x2.add(here, v128.load(row + at)), dual), v128.load(v + at));
        let known = v128.load(shortest + at);
        const shorter = v128.and(f64x2.lt(length, known), free);
        known = v128.bitselect(length, known, shorter);
        v128.store(shortest + at, known);
        v128.store(path + at, v128.bitselect(from, v128.load(path + at), shorter));
        const better = v128.and(f64x2.lt(known, best), free);
        best = v128.bitselect(known, best, better);
        bestAt = v128.bitselect(lanes, bestAt, better);
        lanes = i64x2.add(lanes, two);
      }
      const b0 = f64x2.extract_lane(best, 0);
      const b1 = f64x2.extract_lane(best, 1);
      const j0 = <i32>i64x2.extract_lane(bestAt, 0);
      const j1 = <i32>i64x2.extract_lane(bestAt, 1);
      // Of equal lengths the lower column, as a scalar loop would find it.
      let j = j0;
      let least = b0;
      if (b1 < b0 || (b1 == b0 && j1 < j0)) {
        j = j1;
        least = b1;
      }
      if (least == Infinity) return -1;
      reached = least;
      store<i64>(open + (<usize>j << 3), 0);
      store<i32>(columnsSeen + (<usize>closed << 2), j);
      closed++;
      const owner = load<i32>(rowOf + (<usize>j << 2));
      if (owner < 0) sink = j;
      else i = owner;
    }

    store<f64>(u + (<usize>current << 3), load<f64>(u + (<usize>current << 3)) + reached);
    for (let k = 1; k < seen; k++) {
      const row = load<i32>(rowsSeen + (<usize>k << 2));
      const column = load<i32>(columnOf + (<usize>row << 2));
      const place = u + (<usize>row << 3);
      store<f64>(place, load<f64>(place) + (reached - load<f64>(shortest + (<usize>column << 3))));
    }
    for (let k = 0; k < closed; k++) {
      const column = load<i32>(columnsSeen + (<usize>k << 2));
      const place = v + (<usize>column << 3);
      store<f64>(place, load<f64>(place) - (reached - load<f64>(shortest + (<usize>column << 3))));
    }
    let j = sink;
    do {
      i = <i32>load<i64>(path + (<usize>j << 3));
      store<i32>(rowOf + (<usize>j << 2), i);
      const before = load<i32>(columnOf + (<usize>i << 2));
      store<i32>(columnOf + (<usize>i << 2), j);
      j = before;
    } while (i != current);
  }
  return 0;
}
