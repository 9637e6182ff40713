// Matrices as the micro-kernels read them: panels of eight columns, the last of four where that is enough.
import { Tile } from '../../../../assembly/records.js';

/** Columns of the packed matrix: whole panels of 8, the last of 4 where that is enough. */
export function packedColumns(columns: number): number {
  const rest = columns % Tile.panel;
  return columns - rest + (rest === 0 ? 0 : rest > 4 ? 8 : 4);
}

/** Writes panels of a matrix [inner, columns] whose element (k, n) is b[start + k*strideK + n*strideN]. */
export function packPanels(
  b: ArrayLike<number>,
  start: number,
  strideK: number,
  strideN: number,
  inner: number,
  columns: number,
  to: Float32Array,
): void {
  let at = 0;
  for (let column = 0; column < columns; column += Tile.panel) {
    const wide = columns - column > 4 ? 8 : 4;
    for (let k = 0; k < inner; k++) {
      for (let j = 0; j < wide; j++, at++) to[at] = column + j < columns ? b[start + k * strideK + (column + j) * strideN]! : 0;
    }
  }
}
