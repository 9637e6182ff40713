// Rows of (box, label, score) of one image -> boxes that several labels share, and their scores: heads that score the same box become one firing.

/** Boxes and scores as {@link FiringsBuilder.addImage} takes them. */
export interface SharedBoxes {
  /** [p, 4] xyxy. */
  readonly boxes: Float32Array;
  /** [e] each: box, node, score. */
  readonly entries: { readonly boxes: Uint32Array; readonly labels: Uint32Array; readonly scores: Float32Array };
  /** [rows] box of each row. */
  readonly boxOfRow: Uint32Array;
}

/**
 * Joins rows with exactly the same box (as float32), in the order in which boxes are met. A label that fires on a box twice keeps its best score.
 * @param boxes [n, 4] xyxy
 * @param labels [n] nodes
 * @param scores [n]
 */
export function shareBoxes(boxes: ArrayLike<number>, labels: ArrayLike<number>, scores: ArrayLike<number>): SharedBoxes {
  const n = scores.length;
  const size = 2 ** Math.ceil(Math.log2(Math.max(2, 2 * n)));
  // Open addressing by the bits of the four numbers; places are 1 + box.
  const table = new Uint32Array(size);
  const kept = new Float32Array(4 * n);
  const bits = new Int32Array(kept.buffer);
  const boxOfRow = new Uint32Array(n);
  const entryBoxes = new Uint32Array(n);
  const entryLabels = new Uint32Array(n);
  const entryScores = new Float32Array(n);
  /** Last entry of each box, and the one before it: 1 + entry. */
  const last = new Uint32Array(n);
  const before = new Uint32Array(n);
  let p = 0;
  let e = 0;
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < 4; k++) kept[4 * p + k] = boxes[4 * i + k]! + 0;
    let hash = 0;
    for (let k = 0; k < 4; k++) hash = Math.imul(hash ^ bits[4 * p + k]!, 0x9e3779b1) ^ (hash >>> 15);
    let at = (hash >>> 0) & (size - 1);
    for (; table[at] !== 0; at = (at + 1) & (size - 1)) {
      const other = table[at]! - 1;
      let same = true;
      for (let k = 0; k < 4; k++) if (bits[4 * other + k] !== bits[4 * p + k]) same = false;
      if (same) break;
    }
    if (table[at] === 0) table[at] = ++p;
    const box = table[at]! - 1;
    boxOfRow[i] = box;
    let twin = last[box]!;
    while (twin > 0 && entryLabels[twin - 1] !== labels[i]) twin = before[twin - 1]!;
    if (twin > 0) {
      entryScores[twin - 1] = Math.max(entryScores[twin - 1]!, scores[i]!);
      continue;
    }
    entryBoxes[e] = box;
    entryLabels[e] = labels[i]!;
    entryScores[e] = scores[i]!;
    before[e] = last[box]!;
    last[box] = ++e;
  }
  return {
    boxes: kept.subarray(0, 4 * p),
    entries: { boxes: entryBoxes.subarray(0, e), labels: entryLabels.subarray(0, e), scores: entryScores.subarray(0, e) },
    boxOfRow,
  };
}
