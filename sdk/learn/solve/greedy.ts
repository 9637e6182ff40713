// Good solutions quickly: take columns in an order, then exchange them as long as that gains. No proof of anything.
import { columnsByRow, type Packing } from './packing.js';

/**
 * Takes columns in the order of `score` (ties: lower number first) where they fit, then exchanges: a column takes the place of those it conflicts with
 * where it gains more than they do together. Returns the chosen columns, ascending.
 */
export function greedy(packing: Packing, score: ArrayLike<number>, byRow = columnsByRow(packing)): number[] {
  const { rows, size, start, items, gain } = packing;
  const owner = new Int32Array(rows).fill(-1);
  const chosen = new Uint8Array(size);
  const fits = (j: number): boolean => {
    for (let at = start[j]!; at < start[j + 1]!; at++) if (owner[items[at]!]! >= 0) return false;
    return true;
  };
  const set = (j: number, value: 0 | 1): void => {
    chosen[j] = value;
    for (let at = start[j]!; at < start[j + 1]!; at++) owner[items[at]!] = value ? j : -1;
  };
  const order = Int32Array.from({ length: size }, (_, j) => j).sort((a, b) => score[b]! - score[a]! || a - b);
  for (const j of order) if (gain[j]! > 0 && fits(j)) set(j, 1);
  // Columns whose surroundings changed are tried again.
  let queue = [...order];
  const waiting = new Uint8Array(size).fill(1);
  let rounds = 0;
  while (queue.length && rounds++ < 50) {
    const next: number[] = [];
    for (const j of queue) {
      waiting[j] = 0;
      if (chosen[j] || gain[j]! <= 0) continue;
      let loss = 0;
      const out: number[] = [];
      for (let at = start[j]!; at < start[j + 1]!; at++) {
        const other = owner[items[at]!]!;
        if (other >= 0 && !out.includes(other)) {
          out.push(other);
          loss += gain[other]!;
        }
      }
      if (gain[j]! <= loss + 1e-12) continue;
      for (const other of out) set(other, 0);
      set(j, 1);
      for (const other of out) {
        for (let at = start[other]!; at < start[other + 1]!; at++) {
          const row = items[at]!;
          if (owner[row]! >= 0) continue;
          for (let c = byRow.start[row]!; c < byRow.start[row + 1]!; c++) {
            const free = byRow.columns[c]!;
            if (!chosen[free] && !waiting[free]) {
              waiting[free] = 1;
              next.push(free);
            }
          }
        }
      }
    }
    queue = next.sort((a, b) => gain[b]! - gain[a]! || a - b);
  }
  const result: number[] = [];
  for (let j = 0; j < size; j++) if (chosen[j]) result.push(j);
  return result;
}
