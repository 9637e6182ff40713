// Linear sum assignment as plain loops: the twin of assembly/match/assign.ts, the same operations in the same order.

/**
 * Shortest augmenting paths (R. Jonker and A. Volgenant, Computing 38, 1987; the rectangular form as in D. F. Crouse, IEEE Transactions on
 * Aerospace and Electronic Systems 52, 2016). rows <= columns. cost [rows, columns] row-major without NaN and -Infinity. Gives the column of each
 * row, or undefined where finite costs allow no assignment. O(rows^2 * columns).
 */
export function assignPlain(cost: Float64Array, rows: number, columns: number): Int32Array | undefined {
  const u = new Float64Array(rows);
  const v = new Float64Array(columns);
  const columnOf = new Int32Array(rows).fill(-1);
  const rowOf = new Int32Array(columns).fill(-1);
  const shortest = new Float64Array(columns);
  const path = new Int32Array(columns);
  const open = new Uint8Array(columns);
  const rowsSeen = new Int32Array(rows);
  const columnsSeen = new Int32Array(columns);

  // Row reduction: each row's smallest cost becomes its dual value; the row takes that column if it is free.
  for (let i = 0; i < rows; i++) {
    let least = Infinity;
    let at = -1;
    for (let j = 0; j < columns; j++) {
      const value = cost[i * columns + j]!;
      if (value < least) {
        least = value;
        at = j;
      }
    }
    if (at < 0) return undefined;
    u[i] = least;
    if (rowOf[at]! < 0) {
      rowOf[at] = i;
      columnOf[i] = at;
    }
  }

  for (let current = 0; current < rows; current++) {
    if (columnOf[current]! >= 0) continue;
    shortest.fill(Infinity);
    open.fill(1);
    let seen = 0;
    let closed = 0;
    let reached = 0;
    let i = current;
    let sink = -1;
    while (sink < 0) {
      rowsSeen[seen++] = i;
      let least = Infinity;
      let j = -1;
      for (let k = 0; k < columns; k++) {
        if (!open[k]) continue;
        const length = reached + cost[i * columns + k]! - u[i]! - v[k]!;
        if (length < shortest[k]!) {
          shortest[k] = length;
          path[k] = i;
        }
        if (shortest[k]! < least) {
          least = shortest[k]!;
          j = k;
        }
      }
      if (j < 0) return undefined;
      reached = least;
      open[j] = 0;
      columnsSeen[closed++] = j;
      const owner = rowOf[j]!;
      if (owner < 0) sink = j;
      else i = owner;
    }

    u[current]! += reached;
    for (let k = 1; k < seen; k++) {
      const row = rowsSeen[k]!;
      u[row]! += reached - shortest[columnOf[row]!]!;
    }
    for (let k = 0; k < closed; k++) {
      const column = columnsSeen[k]!;
      v[column]! -= reached - shortest[column]!;
    }
    let j = sink;
    do {
      i = path[j]!;
      rowOf[j] = i;
      [columnOf[i], j] = [j, columnOf[i]!];
    } while (i !== current);
  }
  return columnOf;
}
